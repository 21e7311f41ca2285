/*
 * nearest_impl.h - packed codes and the nearest of them; see nearest.h.
 *
 * Packed: |e_c|^2 / 2 of all codes, then the first number of all, the second, ...: rows of a whole
 * number of lanes, whose last have no code and are never the nearest.
 */
#ifndef MODELS_NN_NEAREST_IMPL_H
#define MODELS_NN_NEAREST_IMPL_H

#include <stdint.h>

#include "models/nn/real_impl.h"

REAL_INLINE size_t packed_stride(size_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

REAL_INLINE void pack_codes(const real *codes, size_t count, size_t width, real *packed)
{
    const size_t stride = packed_stride(count);
    for (size_t c = 0; c < stride; c++) {
        real squares = 0;
        for (size_t j = 0; j < width; j++) {
            const real number = c < count ? codes[c * width + j] : 0;
            packed[(1 + j) * stride + c] = number;
            squares += number * number;
        }
        packed[c] = c < count ? squares / 2 : (real)1e30;
    }
}

REAL_INLINE size_t nearest_code(const real *packed, size_t count, size_t width, const real *key)
{
    const size_t stride = packed_stride(count);
    real least[LANES];
    uint32_t which[LANES];
    for (size_t k = 0; k < LANES; k++) {
        least[k] = (real)2e30;
        which[k] = 0;
    }
    for (size_t c = 0; c < stride; c += LANES) {
        real apart[LANES];
        for (size_t k = 0; k < LANES; k++) {
            apart[k] = packed[c + k];
        }
        for (size_t j = 0; j < width; j++) {
            for (size_t k = 0; k < LANES; k++) {
                apart[k] -= key[j] * packed[(1 + j) * stride + c + k];
            }
        }
        for (size_t k = 0; k < LANES; k++) {
            which[k] = apart[k] < least[k] ? (uint32_t)(c + k) : which[k];
            least[k] = apart[k] < least[k] ? apart[k] : least[k];
        }
    }
    size_t best = 0;
    for (size_t k = 1; k < LANES; k++) {
        const bool is_nearer = least[k] < least[best];
        const bool is_lower = least[k] == least[best] && which[k] < which[best];
        best = is_nearer || is_lower ? k : best;
    }
    return which[best];
}

#endif
