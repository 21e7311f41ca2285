/* shape_rules_impl.h - the shape and memory rules that op_table.c puts into its rows. */
#ifndef MODELS_NN_SHAPE_RULES_IMPL_H
#define MODELS_NN_SHAPE_RULES_IMPL_H

#include "models/nn/graph_impl.h"

gv_shape gv_shape_same(const gv_op_call *call);
gv_shape gv_shape_one(const gv_op_call *call);
gv_shape gv_shape_rows(const gv_op_call *call); /* without the last axis */
gv_shape gv_shape_combined(const gv_op_call *call);
gv_shape gv_shape_matmul(const gv_op_call *call);
gv_shape gv_shape_linear(const gv_op_call *call);
gv_shape gv_shape_embedding(const gv_op_call *call);
gv_shape gv_shape_layer_norm(const gv_op_call *call);
gv_shape gv_shape_group_norm(const gv_op_call *call);
gv_shape gv_shape_attention(const gv_op_call *call);
gv_shape gv_shape_cross_attention(const gv_op_call *call);
gv_shape gv_shape_nearest(const gv_op_call *call);
gv_shape gv_shape_modulate(const gv_op_call *call);
gv_shape gv_shape_pool(const gv_op_call *call);
gv_shape gv_shape_conv(const gv_op_call *call);
gv_shape gv_shape_conv_transposed(const gv_op_call *call);
gv_shape gv_shape_concat(const gv_op_call *call);
gv_shape gv_shape_slice(const gv_op_call *call);
gv_shape gv_shape_transpose(const gv_op_call *call);
gv_shape gv_shape_loss(const gv_op_call *call);
gv_shape gv_shape_cross_entropy(const gv_op_call *call);

size_t gv_saved_layer_norm(const gv_op_call *call);
size_t gv_saved_unit(const gv_op_call *call);
size_t gv_saved_group_norm(const gv_op_call *call);
size_t gv_saved_attention(const gv_op_call *call);
size_t gv_saved_cross_attention(const gv_op_call *call);

size_t gv_work_row(const gv_op_call *call);
size_t gv_work_layer_norm(const gv_op_call *call);
size_t gv_work_group_norm(const gv_op_call *call);
size_t gv_work_attention(const gv_op_call *call);
size_t gv_work_linear(const gv_op_call *call);
size_t gv_work_cross_attention(const gv_op_call *call);
size_t gv_work_nearest(const gv_op_call *call);
size_t gv_work_conv(const gv_op_call *call);

size_t gv_flops_matmul(const gv_op_call *call);
size_t gv_flops_linear(const gv_op_call *call);
size_t gv_flops_attention(const gv_op_call *call);
size_t gv_flops_cross_attention(const gv_op_call *call);
size_t gv_flops_conv(const gv_op_call *call);

#endif
