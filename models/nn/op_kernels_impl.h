/* op_kernels_impl.h - the kernels of every operator: gv_op_NAME_f32 and gv_op_NAME_f64. */
#ifndef MODELS_NN_OP_KERNELS_IMPL_H
#define MODELS_NN_OP_KERNELS_IMPL_H

#include "models/nn/graph_impl.h"

#define X(id, name)                               \
    extern const gv_op_kernel gv_op_##name##_f32; \
    extern const gv_op_kernel gv_op_##name##_f64;
GV_OP_LIST(X)
#undef X

#endif
