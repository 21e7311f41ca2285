/* row_impl.h - the softmax of one row, which attention and the operator of that name share. */
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

#endif
