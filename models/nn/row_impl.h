/* row_impl.h - softmax and normalisation of one row, which several operators share. */
#ifndef MODELS_NN_ROW_IMPL_H
#define MODELS_NN_ROW_IMPL_H

#include "models/nn/curve_impl.h"

/* out := softmax(scale x) over [n], n >= 1, scale > 0; `out` may be `x`. */
REAL_INLINE void softmax_row(const real *x, size_t n, real scale, real *out)
{
    const real shift = max_of(x, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = real_exp(scale * (x[i] - shift));
    }
    const real factor = 1 / sum_of(out, n);
    for (size_t i = 0; i < n; i++) {
        out[i] *= factor;
    }
}

/* torch's default. */
#define NORM_EPSILON ((real)1e-5)

/* moments: mean and r of x over [n]. */
REAL_INLINE void moments_of(const real *x, size_t n, real moments[2])
{
    const real mean = sum_of(x, n) / (real)n;
    const real variance = spread_of(x, mean, n) / (real)n;
    moments[0] = mean;
    moments[1] = (real)1 / (real)sqrt((double)(variance + NORM_EPSILON));
}

/* Layer norm of one row; its moments are kept. */
REAL_INLINE void norm_row(const real *x, const real *gain, const real *bias, size_t n,
                          real moments[2], real *out)
{
    moments_of(x, n, moments);
    const real mean = moments[0];
    const real r = moments[1];
    for (size_t i = 0; i < n; i++) {
        out[i] = (x[i] - mean) * r * gain[i] + bias[i];
    }
}

#endif
