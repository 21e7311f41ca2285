/*
 * Keys as the nearest of some codes, group by group, the gradient as if they had stayed what they
 * were: the straight-through estimator.
 */
#include "models/nn/nearest_impl.h"

GV_VECTOR static void choose_nearest(const real *packed, size_t count, size_t width,
                                     const real *codes, size_t rows, size_t step, const real *keys,
                                     real *out)
{
    for (size_t row = 0; row < rows; row++) {
        const size_t at = row * step;
        const size_t code = nearest_code(packed, count, width, keys + at);
        memcpy(out + at, codes + code * width, width * sizeof *out);
    }
}

static void nearest_forward(const gv_op_call *call)
{
    const gv_shape *shape = call->shape[1];
    const size_t count = shape->dim[1];
    const size_t width = shape->dim[2];
    for (size_t g = 0; g < shape->dim[0]; g++) {
        const real *codes = (const real *)call->in[1] + g * count * width;
        pack_codes(codes, count, width, call->work);
        choose_nearest(call->work, count, width, codes, rows_of(call->shape[0]),
                       width_of(call->shape[0]), (const real *)call->in[0] + g * width,
                       (real *)call->out + g * width);
    }
}

static void nearest_backward(const gv_op_call *call)
{
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    for (size_t i = 0; i < gv_shape_count(call->out_shape); i++) {
        put(&dx[i], dy[i], call->add_grad[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_nearest) = {nearest_forward, nearest_backward};
