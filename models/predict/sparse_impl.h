/* What was learnt of few buckets among many: their numbers, and how a file's are read. */
#ifndef MODELS_PREDICT_SPARSE_IMPL_H
#define MODELS_PREDICT_SPARSE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/safetensors.h"
#include "sim/base/status.h"

/* In [0, 1]; exact at both ends. */
float gv_logistic(float logit);

/* -y log p - (1 - y) log(1 - p) of p = gv_logistic(logit), without overflow. */
double gv_logistic_loss(float logit, float y);

/* Tensor "constant", F32, one finite number. */
GV_MUST_CHECK gv_status gv_sparse_constant(const gv_safetensors *file, float *constant);

/* Tensor "buckets", U32 [*count]: ascending, each below `bucket_count`. */
GV_MUST_CHECK gv_status gv_sparse_buckets(const gv_safetensors *file, uint32_t bucket_count,
                                          const uint32_t **buckets, size_t *count);

/* Tensor `name`, F32 [count][width], all finite; width 0: F32 [count]. */
GV_MUST_CHECK gv_status gv_sparse_numbers(const gv_safetensors *file, const char *name,
                                          size_t count, size_t width, const float **numbers);

#endif
