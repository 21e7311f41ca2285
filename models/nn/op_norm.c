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

/* What the rows of one backward share. */
typedef struct norm_back {
    const real *gain;
    size_t width;
    real *work; /* [2 width] */
    bool adds;
} norm_back;

/* g and h of one row into scratch, then dx. */
REAL_INLINE void layer_norm_row_back(const norm_back *back, const real *x, const real *dy,
                                     const real moments[2], real *dx)
{
    const size_t width = back->width;
    real *g = back->work;
    real *h = g + width;
    for (size_t i = 0; i < width; i++) {
        g[i] = dy[i] * back->gain[i];
        h[i] = (x[i] - moments[0]) * moments[1];
    }
    const real mean_g = sum_of(g, width) / (real)width;
    const real mean_gh = dot_of(g, h, width) / (real)width;
    for (size_t i = 0; i < width; i++) {
        put(&dx[i], moments[1] * (g[i] - mean_g - h[i] * mean_gh), back->adds);
    }
}

GV_VECTOR static void layer_norm_back(const norm_back *back, const real *x, const real *dy,
                                      const real *saved, size_t rows, real *dx)
{
    for (size_t row = 0; row < rows; row++) {
        const size_t at = row * back->width;
        layer_norm_row_back(back, x + at, dy + at, saved + 2 * row, dx + at);
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
        const norm_back back = {
            .gain = call->in[1], .width = width, .work = call->work, .adds = call->add_grad[0]};
        layer_norm_back(&back, call->in[0], call->grad_out, call->saved, rows, call->grad_in[0]);
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

/* out = x r, r = 1 / sqrt(sum of squares + epsilon); dx = r (dy - out (dy . out)). */
#define UNIT_EPSILON ((real)1e-12)

GV_VECTOR static void unit_rows(const real *x, size_t rows, size_t width, real *saved, real *out)
{
    for (size_t row = 0; row < rows; row++) {
        const real *from = x + row * width;
        const real square = dot_of(from, from, width) + UNIT_EPSILON;
        saved[row] = (real)1 / (real)sqrt((double)square);
        for (size_t i = 0; i < width; i++) {
            out[row * width + i] = from[i] * saved[row];
        }
    }
}

static void unit_forward(const gv_op_call *call)
{
    unit_rows(call->in[0], rows_of(call->out_shape), width_of(call->out_shape), call->saved,
              call->out);
}

GV_VECTOR static void unit_back(const gv_op_call *call, const real *out, const real *dy,
                                const real *saved, real *dx)
{
    const size_t width = width_of(call->out_shape);
    for (size_t row = 0; row < rows_of(call->out_shape); row++) {
        const size_t at = row * width;
        const real along = dot_of(dy + at, out + at, width);
        for (size_t i = at; i < at + width; i++) {
            put(&dx[i], saved[row] * (dy[i] - out[i] * along), call->add_grad[0]);
        }
    }
}

static void unit_backward(const gv_op_call *call)
{
    if (call->grad_in[0] != NULL) {
        unit_back(call, call->out, call->grad_out, call->saved, call->grad_in[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_unit) = {unit_forward, unit_backward};

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

/* One group's place in the tensors, and what is known of it. */
typedef struct group_back {
    const real *x, *dy, *gain;
    const real *moments;
    real sums[2];
    bool adds;
} group_back;

/*
 * back->sums: of g and of g h, g = dy gain, over the group; channel_sums [channels][2]: each
 * channel's towards its shift and its gain.
 */
GV_VECTOR static void group_norm_sums(group_back *back, const group_sizes *s, real *channel_sums)
{
    back->sums[0] = 0;
    back->sums[1] = 0;
    for (size_t c = 0; c < s->channels; c++) {
        const real *row = back->dy + c * s->length;
        const real total = sum_of(row, s->length);
        const real product = dot_of(row, back->x + c * s->length, s->length);
        const real with_h = (product - back->moments[0] * total) * back->moments[1];
        channel_sums[2 * c] = total;
        channel_sums[2 * c + 1] = with_h;
        back->sums[0] += back->gain[c] * total;
        back->sums[1] += back->gain[c] * with_h;
    }
}

GV_VECTOR static void group_norm_dx(const group_back *back, const group_sizes *s, real *dx)
{
    const real n = (real)(s->channels * s->length);
    const real r = back->moments[1];
    const real mean_g = back->sums[0] / n;
    const real mean_gh = back->sums[1] / n;
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t i = 0; i < s->length; i++) {
            const size_t at = c * s->length + i;
            const real h = (back->x[at] - back->moments[0]) * r;
            put(&dx[at], r * (back->dy[at] * back->gain[c] - mean_g - h * mean_gh), back->adds);
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
        group_back back = {.x = x + i * size,
                           .dy = dy + i * size,
                           .gain = gain + first,
                           .moments = saved + 2 * i,
                           .adds = call->add_grad[0]};
        group_norm_sums(&back, &s, channel_sums);
        if (dx != NULL) {
            group_norm_dx(&back, &s, dx + i * size);
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
