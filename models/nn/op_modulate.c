/* Every position of a row scaled and shifted alike: out = gain x + shift, channel by channel. */
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
