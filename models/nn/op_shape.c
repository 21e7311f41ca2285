/* Operators that move numbers. Around an axis a tensor is [outer][axis][inner]. */
#include "models/nn/real_impl.h"

static size_t inner_of(const gv_shape *shape, size_t axis)
{
    size_t inner = 1;
    for (size_t i = axis + 1; i < shape->rank; i++) {
        inner *= shape->dim[i];
    }
    return inner;
}

static size_t outer_of(const gv_shape *shape, size_t axis)
{
    size_t outer = 1;
    for (size_t i = 0; i < axis; i++) {
        outer *= shape->dim[i];
    }
    return outer;
}

static void move(const real *from, size_t n, bool adds, real *to)
{
    for (size_t i = 0; i < n; i++) {
        put(&to[i], from[i], adds);
    }
}

static void concat_forward(const gv_op_call *call)
{
    const size_t axis = call->attrs->axis;
    const size_t outer = outer_of(call->out_shape, axis);
    const size_t a = call->shape[0]->dim[axis] * inner_of(call->out_shape, axis);
    const size_t b = call->shape[1]->dim[axis] * inner_of(call->out_shape, axis);
    const real *from_a = call->in[0];
    const real *from_b = call->in[1];
    real *out = call->out;
    for (size_t i = 0; i < outer; i++) {
        memcpy(out + i * (a + b), from_a + i * a, a * sizeof *out);
        memcpy(out + i * (a + b) + a, from_b + i * b, b * sizeof *out);
    }
}

static void concat_backward(const gv_op_call *call)
{
    const size_t axis = call->attrs->axis;
    const size_t outer = outer_of(call->out_shape, axis);
    const size_t a = call->shape[0]->dim[axis] * inner_of(call->out_shape, axis);
    const size_t b = call->shape[1]->dim[axis] * inner_of(call->out_shape, axis);
    const real *dy = call->grad_out;
    real *da = call->grad_in[0];
    real *db = call->grad_in[1];
    for (size_t i = 0; i < outer; i++) {
        if (da != NULL) {
            move(dy + i * (a + b), a, call->add_grad[0], da + i * a);
        }
        if (db != NULL) {
            move(dy + i * (a + b) + a, b, call->add_grad[1], db + i * b);
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_concat) = {concat_forward, concat_backward};

typedef struct slice_sizes {
    size_t outer, length, inner, whole; /* whole: numbers of one `outer` in the operand */
    size_t first, step;                 /* numbers to the first position, and between positions */
} slice_sizes;

static slice_sizes slice_of(const gv_op_call *call)
{
    const size_t axis = call->attrs->axis;
    const size_t inner = inner_of(call->out_shape, axis);
    return (slice_sizes){.outer = outer_of(call->out_shape, axis),
                         .length = call->out_shape->dim[axis],
                         .inner = inner,
                         .whole = call->shape[0]->dim[axis] * inner,
                         .first = call->attrs->start * inner,
                         .step = call->attrs->stride * inner};
}

static void slice_forward(const gv_op_call *call)
{
    const slice_sizes s = slice_of(call);
    const real *x = call->in[0];
    real *out = call->out;
    for (size_t i = 0; i < s.outer; i++) {
        for (size_t k = 0; k < s.length; k++) {
            memcpy(out + (i * s.length + k) * s.inner, x + i * s.whole + s.first + k * s.step,
                   s.inner * sizeof *out);
        }
    }
}

static void slice_backward(const gv_op_call *call)
{
    const slice_sizes s = slice_of(call);
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    if (!call->add_grad[0]) {
        memset(dx, 0, s.outer * s.whole * sizeof *dx);
    }
    for (size_t i = 0; i < s.outer; i++) {
        for (size_t k = 0; k < s.length; k++) {
            move(dy + (i * s.length + k) * s.inner, s.inner, true,
                 dx + i * s.whole + s.first + k * s.step);
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_slice) = {slice_forward, slice_backward};

/* Around the two axes: [outer][a][middle][b][inner] becomes [outer][b][middle][a][inner]. */
typedef struct turn_sizes {
    size_t outer, a, middle, b, inner;
} turn_sizes;

static turn_sizes turn_of(const gv_shape *from, const gv_op_attrs *attrs)
{
    const size_t first = attrs->axis;
    const size_t second = attrs->other;
    const size_t inner = inner_of(from, second);
    return (turn_sizes){.outer = outer_of(from, first),
                        .a = from->dim[first],
                        .middle = inner_of(from, first) / (from->dim[second] * inner),
                        .b = from->dim[second],
                        .inner = inner};
}

/* Number `index` of [outer][a][middle][b] blocks of `inner`: where its block goes. */
static size_t turned(const turn_sizes *s, size_t outer, size_t a, size_t middle, size_t b)
{
    return ((((outer * s->b + b) * s->middle + middle) * s->a) + a) * s->inner;
}

static void transpose_walk(const turn_sizes *s, const gv_op_call *call, bool is_back)
{
    const real *from = is_back ? call->grad_out : call->in[0];
    real *to = is_back ? call->grad_in[0] : call->out;
    const bool adds = is_back && call->add_grad[0];
    size_t straight = 0;
    for (size_t i = 0; i < s->outer * s->a * s->middle * s->b; i++) {
        const size_t b = i % s->b;
        const size_t middle = i / s->b % s->middle;
        const size_t a = i / (s->b * s->middle) % s->a;
        const size_t there = turned(s, i / (s->b * s->middle * s->a), a, middle, b);
        move(from + (is_back ? there : straight), s->inner, adds,
             to + (is_back ? straight : there));
        straight += s->inner;
    }
}

static void transpose_forward(const gv_op_call *call)
{
    const turn_sizes s = turn_of(call->shape[0], call->attrs);
    transpose_walk(&s, call, false);
}

static void transpose_backward(const gv_op_call *call)
{
    const turn_sizes s = turn_of(call->shape[0], call->attrs);
    transpose_walk(&s, call, true);
}

const gv_op_kernel GV_REAL(gv_op_transpose) = {transpose_forward, transpose_backward};

static void copy_forward(const gv_op_call *call)
{
    memcpy(call->out, call->in[0], gv_shape_count(call->out_shape) * sizeof(real));
}

static void copy_backward(const gv_op_call *call)
{
    move(call->grad_out, gv_shape_count(call->out_shape), call->add_grad[0], call->grad_in[0]);
}

/* A reshape shares its operand's memory and a stop has no gradient: a tape runs neither's. */
const gv_op_kernel GV_REAL(gv_op_reshape) = {copy_forward, copy_backward};
const gv_op_kernel GV_REAL(gv_op_stop) = {copy_forward, copy_backward};
