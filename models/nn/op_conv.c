/*
 * Convolutions as matrix products. A convolution goes from the long side [B, C, L] to the short
 * side [B, O, S]: the long side is unfolded into columns [C kernel][B S], one for each window,
 * and the weight [O][C kernel] is multiplied by them: so a weight is read once for a whole batch.
 * The transposed convolution is the same map backwards, short to long: columns from a product,
 * then folded. The batch is taken in parts of about COLUMNS windows, which stay in the cache.
 */
#include "models/nn/real_impl.h"

enum { COLUMNS = 512 };

typedef struct conv_sizes {
    size_t batch, kernel, stride, padding;
    size_t channels, length; /* of the long side */
    size_t outs, windows;    /* of the short side */
    size_t part;             /* examples taken together */
} conv_sizes;

static conv_sizes conv_of(const gv_op_call *call)
{
    const bool is_transposed = call->attrs->is_flagged;
    const gv_shape *wide = is_transposed ? call->out_shape : call->shape[0];
    const gv_shape *brief = is_transposed ? call->shape[0] : call->out_shape;
    const size_t windows = brief->dim[2];
    const size_t fitting = COLUMNS / windows + 1;
    return (conv_sizes){.batch = wide->dim[0],
                        .kernel = call->shape[1]->dim[2],
                        .stride = call->attrs->stride,
                        .padding = call->attrs->padding,
                        .channels = wide->dim[1],
                        .length = wide->dim[2],
                        .outs = brief->dim[1],
                        .windows = windows,
                        .part = fitting < wide->dim[0] ? fitting : wide->dim[0]};
}

/* The windows j whose tap k lies within the long side: begin <= j < end. */
static void windows_within(const conv_sizes *s, size_t k, size_t *begin, size_t *end)
{
    const size_t before = s->padding > k ? s->padding - k : 0;
    *begin = (before + s->stride - 1) / s->stride;
    const size_t room = s->length + s->padding;
    *end = room > k ? (room - k + s->stride - 1) / s->stride : 0;
    *end = *end < s->windows ? *end : s->windows;
    *begin = *begin < *end ? *begin : *end;
}

/* Numbers from a row of columns to the next: whole lines of the cache. */
static size_t pitch_of(const conv_sizes *s, size_t count)
{
    return (count * s->windows + LANES - 1) / LANES * LANES;
}

/* One tap of one channel: row [windows] := x[j stride + k - padding], 0 outside. */
REAL_INLINE void unfold_row(const conv_sizes *s, const real *x, size_t k, real *row)
{
    size_t begin = 0;
    size_t end = 0;
    windows_within(s, k, &begin, &end);
    memset(row, 0, s->windows * sizeof *row);
    for (size_t j = begin; j < end; j++) {
        row[j] = x[j * s->stride + k - s->padding];
    }
}

REAL_INLINE void fold_row(const conv_sizes *s, const real *row, size_t k, real *x)
{
    size_t begin = 0;
    size_t end = 0;
    windows_within(s, k, &begin, &end);
    for (size_t j = begin; j < end; j++) {
        x[j * s->stride + k - s->padding] += row[j];
    }
}

/* x [count][C][L] -> columns [C kernel][pitch], the count windows of each and zeros. */
static void unfold(const conv_sizes *s, const real *x, size_t count, real *columns)
{
    const size_t pitch = pitch_of(s, count);
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t k = 0; k < s->kernel; k++) {
            real *row = columns + (c * s->kernel + k) * pitch;
            for (size_t b = 0; b < count; b++) {
                unfold_row(s, x + (b * s->channels + c) * s->length, k, row + b * s->windows);
            }
            for (size_t j = count * s->windows; j < pitch; j++) {
                row[j] = 0;
            }
        }
    }
}

/* Adds columns to x [count][C][L]. */
static void fold(const conv_sizes *s, const real *columns, size_t count, real *x)
{
    const size_t pitch = pitch_of(s, count);
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t k = 0; k < s->kernel; k++) {
            const real *row = columns + (c * s->kernel + k) * pitch;
            for (size_t b = 0; b < count; b++) {
                fold_row(s, row + b * s->windows, k, x + (b * s->channels + c) * s->length);
            }
        }
    }
}

/* [count][O][windows] -> [O][count windows] */
static void gather(const conv_sizes *s, const real *from, size_t count, real *to)
{
    for (size_t b = 0; b < count; b++) {
        for (size_t o = 0; o < s->outs; o++) {
            memcpy(to + (o * count + b) * s->windows, from + (b * s->outs + o) * s->windows,
                   s->windows * sizeof *to);
        }
    }
}

/* And back, written or added. */
static void scatter(const conv_sizes *s, const real *from, size_t count, bool adds, real *to)
{
    for (size_t b = 0; b < count; b++) {
        for (size_t o = 0; o < s->outs; o++) {
            const real *row = from + (o * count + b) * s->windows;
            real *place = to + (b * s->outs + o) * s->windows;
            for (size_t j = 0; j < s->windows; j++) {
                put(&place[j], row[j], adds);
            }
        }
    }
}

/* x [batch][channels][length] += bias [channels] */
static void add_bias(const real *bias, size_t batch, size_t channels, size_t length, real *x)
{
    for (size_t b = 0; bias != NULL && b < batch; b++) {
        for (size_t c = 0; c < channels; c++) {
            real *row = x + (b * channels + c) * length;
            for (size_t j = 0; j < length; j++) {
                row[j] += bias[c];
            }
        }
    }
}

GV_VECTOR static void bias_gradient(const real *dy, const gv_op_call *call, real *dbias)
{
    const size_t channels = call->out_shape->dim[1];
    const size_t length = call->out_shape->dim[2];
    assert(channels > 0);
    for (size_t i = 0; i < call->out_shape->dim[0] * channels; i++) {
        put(&dbias[i % channels], sum_of(dy + i * length, length),
            call->add_grad[2] || i >= channels);
    }
}

/* Scratch of a part: its columns, and its short side. */
static real *columns_of(const gv_op_call *call)
{
    return call->work;
}

static real *short_of(const gv_op_call *call, const conv_sizes *s)
{
    return (real *)call->work + s->channels * s->kernel * pitch_of(s, s->part);
}

static size_t part_from(const conv_sizes *s, size_t first)
{
    return s->batch - first < s->part ? s->batch - first : s->part;
}

/* short := weight [O][C kernel] times columns */
static void to_short(const conv_sizes *s, const real *weight, const real *columns, size_t count,
                     real *brief)
{
    const size_t depth = s->channels * s->kernel;
    const size_t n = count * s->windows;
    const gv_gemm gemm = {.m = s->outs,
                          .n = n,
                          .k = depth,
                          .lda = depth,
                          .ldb = pitch_of(s, count),
                          .ldc = n,
                          .alpha = 1.0};
    GV_REAL(gv_gemm)(&gemm, weight, columns, brief);
}

/* columns := weight transposed times short */
static void to_columns(const conv_sizes *s, const real *weight, const real *brief, size_t count,
                       real *columns)
{
    const size_t depth = s->channels * s->kernel;
    const size_t n = count * s->windows;
    const gv_gemm gemm = {.m = depth,
                          .n = n,
                          .k = s->outs,
                          .lda = depth,
                          .ldb = n,
                          .ldc = pitch_of(s, count),
                          .is_a_transposed = true,
                          .alpha = 1.0};
    GV_REAL(gv_gemm)(&gemm, weight, brief, columns);
}

/* dweight (+)= short times columns transposed */
static void to_weight(const conv_sizes *s, const real *brief, const real *columns, size_t count,
                      bool adds, real *dweight)
{
    const size_t depth = s->channels * s->kernel;
    const size_t n = count * s->windows;
    const gv_gemm gemm = {.m = s->outs,
                          .n = depth,
                          .k = n,
                          .lda = n,
                          .ldb = pitch_of(s, count),
                          .ldc = depth,
                          .is_b_transposed = true,
                          .alpha = 1.0,
                          .adds = adds};
    GV_REAL(gv_gemm)(&gemm, brief, columns, dweight);
}

static void conv1d_forward(const gv_op_call *call)
{
    const conv_sizes s = conv_of(call);
    const real *x = call->in[0];
    real *out = call->out;
    for (size_t first = 0; first < s.batch; first += s.part) {
        const size_t count = part_from(&s, first);
        unfold(&s, x + first * s.channels * s.length, count, columns_of(call));
        to_short(&s, call->in[1], columns_of(call), count, short_of(call, &s));
        scatter(&s, short_of(call, &s), count, false, out + first * s.outs * s.windows);
    }
    add_bias(call->in[2], s.batch, s.outs, s.windows, out);
}

static void conv1d_backward(const gv_op_call *call)
{
    const conv_sizes s = conv_of(call);
    const real *x = call->in[0];
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    if (dx != NULL && !call->add_grad[0]) {
        memset(dx, 0, s.batch * s.channels * s.length * sizeof *dx);
    }
    for (size_t first = 0; first < s.batch; first += s.part) {
        const size_t count = part_from(&s, first);
        gather(&s, dy + first * s.outs * s.windows, count, short_of(call, &s));
        if (call->grad_in[1] != NULL) {
            unfold(&s, x + first * s.channels * s.length, count, columns_of(call));
            to_weight(&s, short_of(call, &s), columns_of(call), count,
                      call->add_grad[1] || first > 0, call->grad_in[1]);
        }
        if (dx != NULL) {
            to_columns(&s, call->in[1], short_of(call, &s), count, columns_of(call));
            fold(&s, columns_of(call), count, dx + first * s.channels * s.length);
        }
    }
    if (call->grad_in[2] != NULL) {
        bias_gradient(dy, call, call->grad_in[2]);
    }
}

const gv_op_kernel GV_REAL(gv_op_conv1d) = {conv1d_forward, conv1d_backward};

static void conv1d_transposed_forward(const gv_op_call *call)
{
    const conv_sizes s = conv_of(call);
    const real *x = call->in[0];
    real *out = call->out;
    memset(out, 0, s.batch * s.channels * s.length * sizeof *out);
    for (size_t first = 0; first < s.batch; first += s.part) {
        const size_t count = part_from(&s, first);
        gather(&s, x + first * s.outs * s.windows, count, short_of(call, &s));
        to_columns(&s, call->in[1], short_of(call, &s), count, columns_of(call));
        fold(&s, columns_of(call), count, out + first * s.channels * s.length);
    }
    add_bias(call->in[2], s.batch, s.channels, s.length, out);
}

static void conv1d_transposed_backward(const gv_op_call *call)
{
    const conv_sizes s = conv_of(call);
    const real *x = call->in[0];
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    for (size_t first = 0; first < s.batch; first += s.part) {
        const size_t count = part_from(&s, first);
        unfold(&s, dy + first * s.channels * s.length, count, columns_of(call));
        if (call->grad_in[1] != NULL) {
            gather(&s, x + first * s.outs * s.windows, count, short_of(call, &s));
            to_weight(&s, short_of(call, &s), columns_of(call), count,
                      call->add_grad[1] || first > 0, call->grad_in[1]);
        }
        if (dx != NULL) {
            to_short(&s, call->in[1], columns_of(call), count, short_of(call, &s));
            scatter(&s, short_of(call, &s), count, call->add_grad[0],
                    dx + first * s.outs * s.windows);
        }
    }
    if (call->grad_in[2] != NULL) {
        bias_gradient(dy, call, call->grad_in[2]);
    }
}

const gv_op_kernel GV_REAL(gv_op_conv1d_transposed) = {conv1d_transposed_forward,
                                                       conv1d_transposed_backward};
