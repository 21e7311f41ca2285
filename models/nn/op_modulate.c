/*
 * Between a row and its positions, channel by channel: every position scaled and shifted alike,
 * out = gain x + shift; and all of them added up, out = factor sum_n share_n x_n.
 */
#include "models/nn/real_impl.h"

typedef struct modulate_sizes {
    size_t batch, length, width;
} modulate_sizes;

static modulate_sizes modulate_of(const gv_op_call *call)
{
    const gv_shape *x = call->shape[0];
    return (modulate_sizes){.batch = x->dim[0], .length = x->dim[1], .width = x->dim[2]};
}

GV_VECTOR static void modulate_rows(const modulate_sizes *s, const real *x, const real *gain,
                                    const real *shift, real *out)
{
    for (size_t row = 0; row < s->batch * s->length; row++) {
        const size_t at = row * s->width;
        const size_t b = row / s->length * s->width;
        for (size_t i = 0; i < s->width; i++) {
            out[at + i] = gain == NULL ? x[at + i] : x[at + i] * gain[b + i];
        }
        for (size_t i = 0; shift != NULL && i < s->width; i++) {
            out[at + i] += shift[b + i];
        }
    }
}

static void modulate_forward(const gv_op_call *call)
{
    const modulate_sizes s = modulate_of(call);
    modulate_rows(&s, call->in[0], call->in[1], call->in[2], call->out);
}

/* dx (+)= dy gain */
GV_VECTOR static void modulate_back_x(const modulate_sizes *s, const real *dy, const real *gain,
                                      bool adds, real *dx)
{
    for (size_t row = 0; row < s->batch * s->length; row++) {
        const size_t at = row * s->width;
        const size_t b = row / s->length * s->width;
        for (size_t i = 0; i < s->width; i++) {
            put(&dx[at + i], gain == NULL ? dy[at + i] : dy[at + i] * gain[b + i], adds);
        }
    }
}

/* sum (+)= over positions of dy x, or of dy where x is NULL. */
GV_VECTOR static void modulate_fold(const modulate_sizes *s, const real *dy, const real *x,
                                    bool adds, real *sum)
{
    for (size_t row = 0; row < s->batch * s->length; row++) {
        const size_t at = row * s->width;
        const size_t b = row / s->length * s->width;
        const bool goes_on = adds || row % s->length > 0;
        for (size_t i = 0; i < s->width; i++) {
            put(&sum[b + i], x == NULL ? dy[at + i] : dy[at + i] * x[at + i], goes_on);
        }
    }
}

static void modulate_backward(const gv_op_call *call)
{
    const modulate_sizes s = modulate_of(call);
    if (call->grad_in[0] != NULL) {
        modulate_back_x(&s, call->grad_out, call->in[1], call->add_grad[0], call->grad_in[0]);
    }
    if (call->grad_in[1] != NULL) {
        modulate_fold(&s, call->grad_out, call->in[0], call->add_grad[1], call->grad_in[1]);
    }
    if (call->grad_in[2] != NULL) {
        modulate_fold(&s, call->grad_out, NULL, call->add_grad[2], call->grad_in[2]);
    }
}

const gv_op_kernel GV_REAL(gv_op_modulate) = {modulate_forward, modulate_backward};

GV_VECTOR static void pool_rows(const modulate_sizes *s, const real *x, const real *shares,
                                real factor, real *out)
{
    for (size_t b = 0; b < s->batch; b++) {
        real *sum = out + b * s->width;
        memset(sum, 0, s->width * sizeof *sum);
        for (size_t n = 0; n < s->length; n++) {
            const real share = shares == NULL ? factor : factor * shares[b * s->length + n];
            const real *row = x + (b * s->length + n) * s->width;
            for (size_t i = 0; i < s->width; i++) {
                sum[i] += share * row[i];
            }
        }
    }
}

static void pool_forward(const gv_op_call *call)
{
    const modulate_sizes s = modulate_of(call);
    pool_rows(&s, call->in[0], call->in[1], (real)call->attrs->factor, call->out);
}

GV_VECTOR static void pool_back(const modulate_sizes *s, const real *dy, const real *shares,
                                const gv_op_call *call)
{
    const real factor = (real)call->attrs->factor;
    const bool adds = call->add_grad[0];
    real *dx = call->grad_in[0];
    for (size_t row = 0; row < s->batch * s->length; row++) {
        const real share = shares == NULL ? factor : factor * shares[row];
        const size_t b = row / s->length * s->width;
        for (size_t i = 0; i < s->width; i++) {
            put(&dx[row * s->width + i], share * dy[b + i], adds);
        }
    }
}

static void pool_backward(const gv_op_call *call)
{
    const modulate_sizes s = modulate_of(call);
    pool_back(&s, call->grad_out, call->in[1], call);
}

const gv_op_kernel GV_REAL(gv_op_pool) = {pool_forward, pool_backward};
