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

/*
 * Attention: one row of scores into weights, of the first `seen` keys of `end`; those that are
 * hidden get 0, and a row without keys is 0.
 */
REAL_INLINE void weigh_row(real *scores, const real *valid, size_t seen, size_t end, real scale)
{
    const real low = (real)-1e30;
    for (size_t i = 0; valid != NULL && i < seen; i++) {
        scores[i] = valid[i] == 0 ? low : scores[i];
    }
    if (max_of(scores, seen) == low) {
        memset(scores, 0, end * sizeof *scores);
        return;
    }
    softmax_row(scores, seen, scale, scores);
    for (size_t i = 0; valid != NULL && i < seen; i++) {
        scores[i] = valid[i] == 0 ? 0 : scores[i];
    }
    for (size_t i = seen; i < end; i++) {
        scores[i] = 0;
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
