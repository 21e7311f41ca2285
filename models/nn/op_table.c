/*
 * The table of operators: each row's operands, shape rule, memory and kernels. Rows are made
 * from the one list of graph_impl.h, so none can be missing.
 */
#include <assert.h>

#include "models/nn/graph_impl.h"
#include "models/nn/op_kernels_impl.h"
#include "models/nn/shape_rules_impl.h"

#define KERNELS(label) .name = #label, .kernel = {&gv_op_##label##_f32, &gv_op_##label##_f64}

/* Activations of one operand. */
#define MAP_ROW(label, kept)                                                                \
    {                                                                                       \
        KERNELS(label), .arity_min = 1, .arity = 1, .keeps = (kept), .shape = gv_shape_same \
    }

#define COMBINE_ROW(label, kept)                                                                \
    {                                                                                           \
        KERNELS(label), .arity_min = 2, .arity = 2, .keeps = (kept), .shape = gv_shape_combined \
    }

/* Losses element by element of `operands` operands, the last of which is a target or not. */
#define LOSS_ROW(label, operands, fixed)                                                 \
    {                                                                                    \
        KERNELS(label), .arity_min = (operands), .arity = (operands) + 1,                \
                        .keeps = (1U << ((operands) + 1)) - 1U,                          \
                        .constant = (fixed) | KEEPS_IN(operands), .shape = gv_shape_loss \
    }

const gv_op_row gv_op_rows[GV_OP_COUNT] = {
    [GV_OP_MATMUL] = {KERNELS(matmul), .arity_min = 2, .arity = 2,
                      .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_matmul,
                      .flops = gv_flops_matmul},
    [GV_OP_LINEAR] = {KERNELS(linear), .arity_min = 2, .arity = 3,
                      .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_linear,
                      .work = gv_work_linear, .flops = gv_flops_linear},
    [GV_OP_ADD] = COMBINE_ROW(add, 0),
    [GV_OP_SUB] = COMBINE_ROW(sub, 0),
    [GV_OP_MUL] = COMBINE_ROW(mul, KEEPS_IN(0) | KEEPS_IN(1)),
    [GV_OP_MIN] = COMBINE_ROW(min, KEEPS_IN(0) | KEEPS_IN(1)),
    [GV_OP_SCALE] = MAP_ROW(scale, 0),
    [GV_OP_CLAMP] = MAP_ROW(clamp, KEEPS_IN(0)),
    [GV_OP_RELU] = MAP_ROW(relu, KEEPS_OUT),
    [GV_OP_GELU] = MAP_ROW(gelu, KEEPS_IN(0)),
    [GV_OP_GELU_TANH] = MAP_ROW(gelu_tanh, KEEPS_IN(0)),
    [GV_OP_SILU] = MAP_ROW(silu, KEEPS_IN(0) | KEEPS_OUT),
    [GV_OP_MISH] = MAP_ROW(mish, KEEPS_IN(0)),
    [GV_OP_TANH] = MAP_ROW(tanh, KEEPS_OUT),
    [GV_OP_SIGMOID] = MAP_ROW(sigmoid, KEEPS_OUT),
    [GV_OP_EXP] = MAP_ROW(exp, KEEPS_OUT),
    [GV_OP_SOFTPLUS] = MAP_ROW(softplus, KEEPS_IN(0)),
    [GV_OP_SYMLOG] = MAP_ROW(symlog, KEEPS_IN(0)),
    [GV_OP_DROPOUT] = MAP_ROW(dropout, 0),
    [GV_OP_STOP] = {KERNELS(stop), .arity_min = 1, .arity = 1, .constant = KEEPS_IN(0),
                    .shape = gv_shape_same},
    [GV_OP_EMBEDDING] = {KERNELS(embedding), .arity_min = 2, .arity = 2, .keeps = KEEPS_IN(0),
                         .constant = KEEPS_IN(0), .shape = gv_shape_embedding},
    [GV_OP_LAYER_NORM] = {KERNELS(layer_norm), .arity_min = 3, .arity = 3,
                          .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_layer_norm,
                          .saved = gv_saved_layer_norm, .work = gv_work_layer_norm},
    [GV_OP_GROUP_NORM] = {KERNELS(group_norm), .arity_min = 3, .arity = 3,
                          .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_group_norm,
                          .saved = gv_saved_group_norm, .work = gv_work_group_norm},
    [GV_OP_UNIT] = {KERNELS(unit), .arity_min = 1, .arity = 1, .keeps = KEEPS_OUT,
                    .shape = gv_shape_same, .saved = gv_saved_unit},
    [GV_OP_SOFTMAX] = MAP_ROW(softmax, KEEPS_OUT),
    [GV_OP_LOG_SUM_EXP] = {KERNELS(log_sum_exp), .arity_min = 1, .arity = 1,
                           .keeps = KEEPS_IN(0) | KEEPS_OUT, .shape = gv_shape_rows,
                           .work = gv_work_row},
    [GV_OP_ATTENTION] = {KERNELS(attention), .arity_min = 1, .arity = 2, .keeps = KEEPS_IN(0),
                         .constant = KEEPS_IN(1), .shape = gv_shape_attention,
                         .saved = gv_saved_attention, .work = gv_work_attention,
                         .flops = gv_flops_attention},
    [GV_OP_CROSS_ATTENTION] = {KERNELS(cross_attention), .arity_min = 2, .arity = 3,
                               .keeps = KEEPS_IN(0) | KEEPS_IN(1) | KEEPS_IN(2),
                               .shape = gv_shape_cross_attention, .saved = gv_saved_cross_attention,
                               .work = gv_work_cross_attention, .flops = gv_flops_cross_attention},
    [GV_OP_NEAREST] = {KERNELS(nearest), .arity_min = 2, .arity = 2, .constant = KEEPS_IN(1),
                       .shape = gv_shape_nearest, .work = gv_work_nearest},
    [GV_OP_MODULATE] = {KERNELS(modulate), .arity_min = 1, .arity = 3,
                        .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_modulate},
    [GV_OP_POOL] = {KERNELS(pool), .arity_min = 1, .arity = 2, .keeps = KEEPS_IN(1),
                    .constant = KEEPS_IN(1), .shape = gv_shape_pool},
    [GV_OP_CONV1D] = {KERNELS(conv1d), .arity_min = 2, .arity = 3,
                      .keeps = KEEPS_IN(0) | KEEPS_IN(1), .shape = gv_shape_conv,
                      .work = gv_work_conv, .flops = gv_flops_conv},
    [GV_OP_CONV1D_TRANSPOSED] = {KERNELS(conv1d_transposed), .arity_min = 2, .arity = 3,
                                 .keeps = KEEPS_IN(0) | KEEPS_IN(1),
                                 .shape = gv_shape_conv_transposed, .work = gv_work_conv,
                                 .flops = gv_flops_conv},
    [GV_OP_CONCAT] = {KERNELS(concat), .arity_min = 2, .arity = 2, .shape = gv_shape_concat},
    [GV_OP_SLICE] = {KERNELS(slice), .arity_min = 1, .arity = 1, .shape = gv_shape_slice},
    [GV_OP_TRANSPOSE] = {KERNELS(transpose), .arity_min = 1, .arity = 1,
                         .shape = gv_shape_transpose},
    /* Its shape is asked for: gv_op_reshape() sets it. */
    [GV_OP_RESHAPE] = {KERNELS(reshape), .arity_min = 1, .arity = 1, .shape = gv_shape_same},
    [GV_OP_SUM_LAST] = {KERNELS(sum_last), .arity_min = 1, .arity = 1, .shape = gv_shape_rows},
    [GV_OP_SUM] = {KERNELS(sum), .arity_min = 1, .arity = 1, .shape = gv_shape_one},
    [GV_OP_MSE] = LOSS_ROW(mse, 2, KEEPS_IN(1)),
    [GV_OP_BCE] = LOSS_ROW(bce, 2, KEEPS_IN(1)),
    [GV_OP_CROSS_ENTROPY] = {KERNELS(cross_entropy), .arity_min = 2, .arity = 3,
                             .keeps = KEEPS_IN(0) | KEEPS_IN(1) | KEEPS_IN(2),
                             .constant = KEEPS_IN(1) | KEEPS_IN(2),
                             .shape = gv_shape_cross_entropy},
    [GV_OP_GAUSSIAN_NLL] = LOSS_ROW(gaussian_nll, 3, KEEPS_IN(2)),
    [GV_OP_BEYOND] = LOSS_ROW(beyond, 3, KEEPS_IN(2)),
    [GV_OP_EXPECTILE] = LOSS_ROW(expectile, 2, KEEPS_IN(1)),
    [GV_OP_KL] = LOSS_ROW(kl, 2, 0),
    [GV_OP_NNPU] = {KERNELS(nnpu), .arity_min = 2, .arity = 2, .keeps = KEEPS_IN(0) | KEEPS_IN(1),
                    .constant = KEEPS_IN(1), .shape = gv_shape_loss},
};

static_assert(sizeof gv_op_rows / sizeof gv_op_rows[0] == GV_OP_COUNT, "a row for each operator");
