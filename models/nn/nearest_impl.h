/*
 * nearest_impl.h - packed codes and the nearest of them; see nearest.h.
 *
 * Packed: |e_c|^2 / 2 of all codes, then the first number of all, the second, ...: rows of a whole
 * number of lanes, whose last have no code and are infinitely far. A key or codes that are not
 * finite have the first code.
 */
#ifndef MODELS_NN_NEAREST_IMPL_H
#define MODELS_NN_NEAREST_IMPL_H

#include <math.h>

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
        packed[c] = c < count ? squares / 2 : (real)INFINITY;
    }
}

/* Smallest of x over [n], a whole number of lanes. */
REAL_INLINE real least_of(const real *x, size_t n)
{
    real lane[LANES];
    for (size_t k = 0; k < LANES; k++) {
        lane[k] = x[k];
    }
    for (size_t i = LANES; i < n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lane[k] = x[i + k] < lane[k] ? x[i + k] : lane[k];
        }
    }
    real least = lane[0];
    for (size_t k = 1; k < LANES; k++) {
        least = lane[k] < least ? lane[k] : least;
    }
    return least;
}

/* Codes are gone through in chunks, whose sums stay in the nearest cache. */
enum { CODE_CHUNK = 64 };

REAL_INLINE size_t nearest_code(const real *packed, size_t count, size_t width, const real *key)
{
    const size_t stride = packed_stride(count);
    real least = (real)INFINITY;
    size_t best = 0;
    for (size_t first = 0; first < stride; first += CODE_CHUNK) {
        real apart[CODE_CHUNK];
        const size_t some = stride - first < CODE_CHUNK ? stride - first : CODE_CHUNK;
        memcpy(apart, packed + first, some * sizeof *apart);
        for (size_t j = 0; j < width; j++) {
            const real *numbers = packed + (1 + j) * stride + first;
            for (size_t c = 0; c < some; c++) {
                apart[c] -= key[j] * numbers[c];
            }
        }
        const real lowest = least_of(apart, some);
        size_t c = 0;
        while (c < some && apart[c] != lowest) {
            c++;
        }
        best = lowest < least ? first + c : best;
        least = lowest < least ? lowest : least;
    }
    return best;
}

#endif
