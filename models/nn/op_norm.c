/*
 * Normalisations. With h = (x - mean) r, r = 1 / sqrt(variance + epsilon), and g the gradient
 * towards h, over the n numbers that share a mean:
 *   dx = r (g - mean(g) - h mean(g h)).
 * Mean and r of each row are saved for it.
 */
#include "models/nn/row_impl.h"

GV_VECTOR static void layer_norm_rows(const real *x, const real *gain, const real *bias,
                                      size_t rows, size_t width, real *saved, real *out)
{
    for (size_t row = 0; row < rows; row++) {
        norm_row(x + row * width, gain, bias, width, saved + 2 * row, out + row * width);
    }
}

static void layer_norm_forward(const gv_op_call *call)
{
    layer_norm_rows(call->in[0], call->in[1], call->in[2], rows_of(call->out_shape),
                    width_of(call->out_shape), call->saved, call->out);
}

/* g and g h of one row into scratch, then dx. */
REAL_INLINE void layer_norm_row_back(const real *x, const real *gain, const real *dy,
                                     const real moments[2], size_t width, real *g, bool adds,
                                     real *dx)
{
    real *h = g + width;
    for (size_t i = 0; i < width; i++) {
        g[i] = dy[i] * gain[i];
        h[i] = (x[i] - moments[0]) * moments[1];
    }
    const real mean_g = sum_of(g, width) / (real)width;
    const real mean_gh = dot_of(g, h, width) / (real)width;
    for (size_t i = 0; i < width; i++) {
        put(&dx[i], moments[1] * (g[i] - mean_g - h[i] * mean_gh), adds);
    }
}

GV_VECTOR static void layer_norm_back(const real *x, const real *gain, const real *dy,
                                      const real *saved, const gv_op_call *call)
{
    const size_t width = width_of(call->out_shape);
    const size_t rows = rows_of(call->out_shape);
    for (size_t row = 0; row < rows; row++) {
        layer_norm_row_back(x + row * width, gain, dy + row * width, saved + 2 * row, width,
                            call->work, call->add_grad[0], (real *)call->grad_in[0] + row * width);
    }
}

GV_VECTOR static void layer_norm_gain(const real *x, const real *dy, const real *saved, size_t rows,
                                      size_t width, bool adds, real *dgain)
{
    for (size_t row = 0; row < rows; row++) {
        const real mean = saved[2 * row];
        const real r = saved[2 * row + 1];
        for (size_t i = 0; i < width; i++) {
            const size_t at = row * width + i;
            put(&dgain[i], dy[at] * (x[at] - mean) * r, adds || row > 0);
        }
    }
}

GV_VECTOR static void layer_norm_bias(const real *dy, size_t rows, size_t width, bool adds,
                                      real *dbias)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < width; i++) {
            put(&dbias[i], dy[row * width + i], adds || row > 0);
        }
    }
}

static void layer_norm_backward(const gv_op_call *call)
{
    const size_t rows = rows_of(call->out_shape);
    const size_t width = width_of(call->out_shape);
    if (call->grad_in[0] != NULL) {
        layer_norm_back(call->in[0], call->in[1], call->grad_out, call->saved, call);
    }
    if (call->grad_in[1] != NULL) {
        layer_norm_gain(call->in[0], call->grad_out, call->saved, rows, width, call->add_grad[1],
                        call->grad_in[1]);
    }
    if (call->grad_in[2] != NULL) {
        layer_norm_bias(call->grad_out, rows, width, call->add_grad[2], call->grad_in[2]);
    }
}

const gv_op_kernel GV_REAL(gv_op_layer_norm) = {layer_norm_forward, layer_norm_backward};

/* A group of one example is `channels` rows of `length`, one after the other. */
typedef struct group_sizes {
    size_t batch, groups, channels, length;
} group_sizes;

static group_sizes groups_of(const gv_op_call *call)
{
    const gv_shape *shape = call->out_shape;
    const size_t groups = call->attrs->groups;
    return (group_sizes){.batch = shape->dim[0],
                         .groups = groups,
                         .channels = shape->dim[1] / groups,
                         .length = shape->dim[2]};
}

GV_VECTOR static void group_norm_group(const real *x, const real *gain, const real *bias,
                                       const group_sizes *s, real *moments, real *out)
{
    moments_of(x, s->channels * s->length, moments);
    for (size_t c = 0; c < s->channels; c++) {
        const real factor = moments[1] * gain[c];
        for (size_t i = 0; i < s->length; i++) {
            const size_t at = c * s->length + i;
            out[at] = (x[at] - moments[0]) * factor + bias[c];
        }
    }
}

static void group_norm_forward(const gv_op_call *call)
{
    const group_sizes s = groups_of(call);
    const size_t size = s.channels * s.length;
    const real *x = call->in[0];
    const real *gain = call->in[1];
    const real *bias = call->in[2];
    real *saved = call->saved;
    real *out = call->out;
    for (size_t i = 0; i < s.batch * s.groups; i++) {
        const size_t c = i % s.groups * s.channels;
        group_norm_group(x + i * size, gain + c, bias + c, &s, saved + 2 * i, out + i * size);
    }
}

/* sums: of g and of g h, g = dy gain, over one group; and each channel's towards gain and bias. */
GV_VECTOR static void group_norm_sums(const real *x, const real *dy, const real *gain,
                                      const group_sizes *s, const real *moments, real *channel_sums,
                                      real sums[2])
{
    sums[0] = 0;
    sums[1] = 0;
    for (size_t c = 0; c < s->channels; c++) {
        const real *row = dy + c * s->length;
        const real total = sum_of(row, s->length);
        const real product = dot_of(row, x + c * s->length, s->length);
        const real with_h = (product - moments[0] * total) * moments[1];
        channel_sums[2 * c] = total;
        channel_sums[2 * c + 1] = with_h;
        sums[0] += gain[c] * total;
        sums[1] += gain[c] * with_h;
    }
}

GV_VECTOR static void group_norm_dx(const real *x, const real *dy, const real *gain,
                                    const group_sizes *s, const real *moments, const real sums[2],
                                    bool adds, real *dx)
{
    const real n = (real)(s->channels * s->length);
    const real r = moments[1];
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t i = 0; i < s->length; i++) {
            const size_t at = c * s->length + i;
            const real h = (x[at] - moments[0]) * r;
            put(&dx[at], r * (dy[at] * gain[c] - sums[0] / n - h * (sums[1] / n)), adds);
        }
    }
}

static void group_norm_backward(const gv_op_call *call)
{
    const group_sizes s = groups_of(call);
    const size_t size = s.channels * s.length;
    const real *x = call->in[0];
    const real *gain = call->in[1];
    const real *dy = call->grad_out;
    const real *saved = call->saved;
    real *dx = call->grad_in[0];
    real *dgain = call->grad_in[1];
    real *dbias = call->grad_in[2];
    real *channel_sums = call->work;
    for (size_t i = 0; i < s.batch * s.groups; i++) {
        const size_t first = i % s.groups * s.channels;
        real sums[2];
        group_norm_sums(x + i * size, dy + i * size, gain + first, &s, saved + 2 * i, channel_sums,
                        sums);
        if (dx != NULL) {
            group_norm_dx(x + i * size, dy + i * size, gain + first, &s, saved + 2 * i, sums,
                          call->add_grad[0], dx + i * size);
        }
        for (size_t c = 0; c < s.channels; c++) {
            if (dgain != NULL) {
                put(&dgain[first + c], channel_sums[2 * c + 1], call->add_grad[1] || i >= s.groups);
            }
            if (dbias != NULL) {
                put(&dbias[first + c], channel_sums[2 * c], call->add_grad[2] || i >= s.groups);
            }
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_group_norm) = {group_norm_forward, group_norm_backward};
