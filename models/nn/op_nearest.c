/*
 * Keys as the nearest of some codes, group by group, the gradient as if they had stayed what they
 * were: the straight-through estimator.
 */
#include "models/nn/nearest_impl.h"

/* The codes of one group, and rows `step` apart whose numbers are to be taken for them. */
typedef struct nearest_group {
    const real *codes; /* [count][width] */
    const real *packed;
    size_t count, width, rows, step;
} nearest_group;

GV_VECTOR static void choose_nearest(const nearest_group *group, const real *keys, real *out)
{
    for (size_t row = 0; row < group->rows; row++) {
        const size_t at = row * group->step;
        const size_t code = nearest_code(group->packed, group->count, group->width, keys + at);
        memcpy(out + at, group->codes + code * group->width, group->width * sizeof *out);
    }
}

static void nearest_forward(const gv_op_call *call)
{
    const gv_shape *shape = call->shape[1];
    const size_t width = shape->dim[2];
    for (size_t g = 0; g < shape->dim[0]; g++) {
        const nearest_group group = {.codes = (const real *)call->in[1] + g * shape->dim[1] * width,
                                     .packed = call->work,
                                     .count = shape->dim[1],
                                     .width = width,
                                     .rows = rows_of(call->shape[0]),
                                     .step = width_of(call->shape[0])};
        pack_codes(group.codes, group.count, width, call->work);
        choose_nearest(&group, (const real *)call->in[0] + g * width,
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
