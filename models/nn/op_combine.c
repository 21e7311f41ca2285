/*
 * Two tensors element by element. The second may span only the last axes of the first, or only
 * the first ones; its gradient is then a sum over the others.
 */
#include "models/nn/real_impl.h"

/* a is [outer][middle][inner], b is [middle]: inner 1 when b has the last axes, outer 1 else. */
typedef struct combine_sizes {
    size_t outer, middle, inner;
} combine_sizes;

static combine_sizes spans_of(const gv_op_call *call)
{
    const size_t a = gv_shape_count(call->shape[0]);
    const size_t b = gv_shape_count(call->shape[1]);
    if (call->attrs->is_flagged) {
        return (combine_sizes){.outer = 1, .middle = b, .inner = a / b};
    }
    return (combine_sizes){.outer = a / b, .middle = b, .inner = 1};
}

typedef enum combine_kind { COMBINE_ADD, COMBINE_SUB, COMBINE_MUL } combine_kind;

REAL_INLINE real combined(combine_kind kind, real a, real b)
{
    return kind == COMBINE_ADD ? a + b : kind == COMBINE_SUB ? a - b : a * b;
}

REAL_INLINE void combine(combine_kind kind, combine_sizes s, const real *a, const real *b,
                         real *out)
{
    if (s.inner == 1) {
        for (size_t i = 0; i < s.outer; i++) {
            for (size_t k = 0; k < s.middle; k++) {
                out[i * s.middle + k] = combined(kind, a[i * s.middle + k], b[k]);
            }
        }
        return;
    }
    for (size_t k = 0; k < s.middle; k++) {
        for (size_t j = 0; j < s.inner; j++) {
            out[k * s.inner + j] = combined(kind, a[k * s.inner + j], b[k]);
        }
    }
}

GV_VECTOR static void combine_values(combine_kind kind, combine_sizes s, const real *a,
                                     const real *b, real *out)
{
    switch (kind) {
    case COMBINE_ADD:
        combine(COMBINE_ADD, s, a, b, out);
        return;
    case COMBINE_SUB:
        combine(COMBINE_SUB, s, a, b, out);
        return;
    case COMBINE_MUL:
        combine(COMBINE_MUL, s, a, b, out);
        return;
    }
}

/* da (+)= dy, or dy b. */
GV_VECTOR static void combine_grad_a(combine_kind kind, combine_sizes s, const real *dy,
                                     const real *b, bool adds, real *da)
{
    if (kind != COMBINE_MUL) {
        const size_t n = s.outer * s.middle * s.inner;
        for (size_t i = 0; i < n; i++) {
            put(&da[i], dy[i], adds);
        }
        return;
    }
    for (size_t i = 0; i < s.outer; i++) {
        for (size_t k = 0; k < s.middle; k++) {
            for (size_t j = 0; j < s.inner; j++) {
                const size_t at = (i * s.middle + k) * s.inner + j;
                put(&da[at], dy[at] * b[k], adds);
            }
        }
    }
}

/* b over the last axes: row by row. */
REAL_INLINE void fold_rows(combine_kind kind, combine_sizes s, const real *dy, const real *a,
                           bool adds, real *db)
{
    for (size_t i = 0; i < s.outer; i++) {
        for (size_t k = 0; k < s.middle; k++) {
            const size_t at = i * s.middle + k;
            const real d = kind == COMBINE_MUL ? dy[at] * a[at] : dy[at];
            put(&db[k], kind == COMBINE_SUB ? -d : d, adds || i > 0);
        }
    }
}

/* b over the first axes: each of its numbers is a sum over a row. */
REAL_INLINE void fold_inner(combine_kind kind, combine_sizes s, const real *dy, const real *a,
                            bool adds, real *db)
{
    for (size_t k = 0; k < s.middle; k++) {
        const real *row = dy + k * s.inner;
        const real d =
            kind == COMBINE_MUL ? dot_of(row, a + k * s.inner, s.inner) : sum_of(row, s.inner);
        put(&db[k], kind == COMBINE_SUB ? -d : d, adds);
    }
}

GV_VECTOR static void combine_grad_b(combine_kind kind, combine_sizes s, const real *dy,
                                     const real *a, bool adds, real *db)
{
    if (s.inner == 1) {
        fold_rows(kind, s, dy, a, adds, db);
    } else {
        fold_inner(kind, s, dy, a, adds, db);
    }
}

static void combine_backward(combine_kind kind, const gv_op_call *call)
{
    const combine_sizes s = spans_of(call);
    if (call->grad_in[0] != NULL) {
        combine_grad_a(kind, s, call->grad_out, call->in[1], call->add_grad[0], call->grad_in[0]);
    }
    if (call->grad_in[1] != NULL) {
        combine_grad_b(kind, s, call->grad_out, call->in[0], call->add_grad[1], call->grad_in[1]);
    }
}

static void add_forward(const gv_op_call *call)
{
    combine_values(COMBINE_ADD, spans_of(call), call->in[0], call->in[1], call->out);
}

static void add_backward(const gv_op_call *call)
{
    combine_backward(COMBINE_ADD, call);
}

static void sub_forward(const gv_op_call *call)
{
    combine_values(COMBINE_SUB, spans_of(call), call->in[0], call->in[1], call->out);
}

static void sub_backward(const gv_op_call *call)
{
    combine_backward(COMBINE_SUB, call);
}

static void mul_forward(const gv_op_call *call)
{
    combine_values(COMBINE_MUL, spans_of(call), call->in[0], call->in[1], call->out);
}

static void mul_backward(const gv_op_call *call)
{
    combine_backward(COMBINE_MUL, call);
}

const gv_op_kernel GV_REAL(gv_op_add) = {add_forward, add_backward};
const gv_op_kernel GV_REAL(gv_op_sub) = {sub_forward, sub_backward};
const gv_op_kernel GV_REAL(gv_op_mul) = {mul_forward, mul_backward};

static void min_forward(const gv_op_call *call)
{
    const real *a = call->in[0];
    const real *b = call->in[1];
    real *out = call->out;
    const size_t n = gv_shape_count(call->out_shape);
    for (size_t i = 0; i < n; i++) {
        out[i] = b[i] < a[i] ? b[i] : a[i];
    }
}

static void min_backward(const gv_op_call *call)
{
    const real *a = call->in[0];
    const real *b = call->in[1];
    const real *dy = call->grad_out;
    const size_t n = gv_shape_count(call->out_shape);
    for (size_t k = 0; k < 2; k++) {
        real *dx = call->grad_in[k];
        for (size_t i = 0; dx != NULL && i < n; i++) {
            const bool is_chosen = (b[i] < a[i]) == (k == 1);
            put(&dx[i], is_chosen ? dy[i] : 0, call->add_grad[k]);
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_min) = {min_forward, min_backward};
