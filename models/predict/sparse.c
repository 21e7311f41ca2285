#include <math.h>

#include "models/predict/sparse_impl.h"

float gv_logistic(float logit)
{
    return (float)(1 / (1 + exp(-(double)logit)));
}

double gv_logistic_loss(float logit, float y)
{
    const double z = (double)logit;
    return fmax(z, 0) - z * (double)y + log1p(exp(-fabs(z)));
}

gv_status gv_sparse_constant(const gv_safetensors *file, float *constant)
{
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, "constant", GV_TENSOR_F32, 0, NULL, &tensor));
    *constant = *(const float *)tensor->data;
    if (!isfinite(*constant)) {
        return GV_FAIL(GV_ECORRUPT, "\"constant\" holds %g", (double)*constant);
    }
    return GV_OK;
}

gv_status gv_sparse_buckets(const gv_safetensors *file, uint32_t bucket_count,
                            const uint32_t **buckets, size_t *count)
{
    const uint64_t any = 0;
    const gv_tensor *tensor = NULL;
    GV_TRY(gv_safetensors_expect(file, "buckets", GV_TENSOR_U32, 1, &any, &tensor));
    const uint32_t *numbers = tensor->data;
    for (uint64_t i = 0; i < tensor->shape[0]; i++) {
        if (numbers[i] >= bucket_count || (i > 0 && numbers[i] <= numbers[i - 1])) {
            return GV_FAIL(GV_ECORRUPT,
                           "\"buckets\" holds %u at place %llu, expected ascending numbers below "
                           "%u",
                           numbers[i], (unsigned long long)i, bucket_count);
        }
    }
    *buckets = numbers;
    *count = (size_t)tensor->shape[0];
    return GV_OK;
}

gv_status gv_sparse_numbers(const gv_safetensors *file, const char *name, size_t count,
                            size_t width, const float **numbers)
{
    const uint64_t shape[] = {count, width};
    const size_t rank = width == 0 ? 1 : 2;
    const gv_tensor *tensor = NULL;
    if (count == 0) {
        *numbers = NULL;
        return GV_OK;
    }
    GV_TRY(gv_safetensors_expect(file, name, GV_TENSOR_F32, rank, shape, &tensor));
    const float *values = tensor->data;
    for (size_t i = 0; i < count * (width == 0 ? 1 : width); i++) {
        if (!isfinite(values[i])) {
            return GV_FAIL(GV_ECORRUPT, "\"%s\" holds %g", name, (double)values[i]);
        }
    }
    *numbers = values;
    return GV_OK;
}
