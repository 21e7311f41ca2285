/* activate_impl.h - the activations' loops of op_map.c, for serving: out [n] may be x. */
#ifndef MODELS_NN_ACTIVATE_IMPL_H
#define MODELS_NN_ACTIVATE_IMPL_H

#include <stddef.h>

typedef void (*gv_activate)(const float *x, size_t n, float *out);

void gv_activate_relu(const float *x, size_t n, float *out);
void gv_activate_gelu(const float *x, size_t n, float *out);
void gv_activate_gelu_tanh(const float *x, size_t n, float *out);
void gv_activate_silu(const float *x, size_t n, float *out);
void gv_activate_mish(const float *x, size_t n, float *out);
void gv_activate_tanh(const float *x, size_t n, float *out);
void gv_activate_sigmoid(const float *x, size_t n, float *out);

#endif
