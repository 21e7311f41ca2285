/*
 * cross_impl.h - what attention of a few queries over many keys is made of, one head at a time.
 *
 * Keys are turned, so that scores run over keys; a turned row has a whole number of LANES, the
 * places behind the last key 0, and every sum over keys has the order of LANES whatever there is
 * behind. `columns` is a head's width, a constant at each call where it is one of the usual.
 */
#ifndef MODELS_NN_CROSS_IMPL_H
#define MODELS_NN_CROSS_IMPL_H

#include "models/nn/row_impl.h"

/* The score of a key that must not be seen. */
#define CROSS_LOW ((real)-1e30)

/* Places of a turned row. */
REAL_INLINE size_t cross_pitch(size_t keys)
{
    return (keys + LANES - 1) / LANES * LANES;
}

/* The last lanes of every turned row become 0. */
REAL_INLINE void clear_turned(size_t pitch, size_t columns, real *turned)
{
    for (size_t j = 0; j < columns; j++) {
        memset(turned + (j + 1) * pitch - LANES, 0, LANES * sizeof *turned);
    }
}

/* turned[j][n] = rows[n][j], [columns][pitch] */
REAL_INLINE void turn_rows(const real *rows, size_t count, size_t step, size_t pitch,
                           size_t columns, real *turned)
{
    for (size_t n = 0; n < count; n++) {
        for (size_t j = 0; j < columns; j++) {
            turned[j * pitch + n] = rows[n * step + j];
        }
    }
}

/* out[n] = sum over j of x[j] turned[j][n], j ascending, [pitch]. */
REAL_INLINE void times_turned(const real *x, const real *turned, size_t pitch, size_t columns,
                              real *out)
{
    for (size_t first = 0; first < pitch; first += LANES) {
        real sums[LANES] = {0};
        for (size_t j = 0; j < columns; j++) {
            for (size_t k = 0; k < LANES; k++) {
                sums[k] += x[j] * turned[j * pitch + first + k];
            }
        }
        memcpy(out + first, sums, sizeof sums);
    }
}

/* shares: what each key's weight is multiplied by, 0 where it must not be seen or there is none,
   [pitch]; of these keys (given NULL: 1), then of the rest. */
REAL_INLINE void take_shares(const real *given, size_t keys, real *shares)
{
    for (size_t n = 0; n < keys; n++) {
        shares[n] = given == NULL ? 1 : given[n] < 0 ? 0 : given[n];
    }
}

REAL_INLINE void hide_rest(size_t keys, real *shares)
{
    for (size_t n = keys; n < cross_pitch(keys); n++) {
        shares[n] = 0;
    }
}

REAL_INLINE void hide_keys(const real *shares, size_t pitch, real *scores)
{
    for (size_t n = 0; n < pitch; n++) {
        scores[n] = shares[n] > 0 ? scores[n] : CROSS_LOW;
    }
}

/* scores: share exp(scale (score - shift)) over [pitch]; returns their sum. */
REAL_INLINE real raise_scores(real *scores, const real *shares, size_t pitch, real scale,
                              real shift)
{
    for (size_t n = 0; n < pitch; n++) {
        scores[n] = shares[n] * real_exp(scale * (scores[n] - shift));
    }
    return sum_of(scores, pitch);
}

/* How many queries are mixed at a time. */
enum { MIXED = 4 };

/* Rows of p, of sums and of values are `pitch`, `width` and `step` apart. */
typedef struct cross_mix {
    const real *p;
    size_t pitch;
    const real *values;
    size_t step;
    size_t keys;
    real *sums;
    size_t width;
    bool adds;
} cross_mix;

/* sums[m][j] (+)= the sum over n of p[m][n] values[n][j], n ascending, by a vector's columns. */
#define CROSS_MIX_BY(size)                                                                \
    typedef real cross_row_##size __attribute__((vector_size((size) * sizeof(real))));    \
    REAL_INLINE void cross_mix_##size(const cross_mix *mix, size_t first, size_t queries) \
    {                                                                                     \
        cross_row_##size sums[MIXED] = {{0}};                                             \
        for (size_t m = 0; mix->adds && m < queries; m++) {                               \
            memcpy(&sums[m], mix->sums + (first + m) * mix->width, sizeof sums[m]);       \
        }                                                                                 \
        for (size_t n = 0; n < mix->keys; n++) {                                          \
            cross_row_##size row;                                                         \
            memcpy(&row, mix->values + n * mix->step, sizeof row);                        \
            for (size_t m = 0; m < queries; m++) {                                        \
                sums[m] += mix->p[(first + m) * mix->pitch + n] * row;                    \
            }                                                                             \
        }                                                                                 \
        for (size_t m = 0; m < queries; m++) {                                            \
            memcpy(mix->sums + (first + m) * mix->width, &sums[m], sizeof sums[m]);       \
        }                                                                                 \
    }                                                                                     \
    REAL_INLINE void cross_mix_all_##size(const cross_mix *mix, size_t queries)           \
    {                                                                                     \
        size_t m = 0;                                                                     \
        for (; m + MIXED <= queries; m += MIXED) {                                        \
            cross_mix_##size(mix, m, MIXED);                                              \
        }                                                                                 \
        for (; m + 2 <= queries; m += 2) {                                                \
            cross_mix_##size(mix, m, 2);                                                  \
        }                                                                                 \
        for (; m < queries; m++) {                                                        \
            cross_mix_##size(mix, m, 1);                                                  \
        }                                                                                 \
    }

CROSS_MIX_BY(4)
CROSS_MIX_BY(8)
CROSS_MIX_BY(16)
#undef CROSS_MIX_BY

REAL_INLINE void mix_rows(const cross_mix *mix, size_t queries, size_t columns)
{
    switch (columns) {
    case 4:
        cross_mix_all_4(mix, queries);
        return;
    case 8:
        cross_mix_all_8(mix, queries);
        return;
    case 16:
        cross_mix_all_16(mix, queries);
        return;
    default:
        break;
    }
    for (size_t m = 0; m < queries; m++) {
        real *sums = mix->sums + m * mix->width;
        for (size_t j = 0; !mix->adds && j < columns; j++) {
            sums[j] = 0;
        }
        for (size_t n = 0; n < mix->keys; n++) {
            for (size_t j = 0; j < columns; j++) {
                sums[j] += mix->p[m * mix->pitch + n] * mix->values[n * mix->step + j];
            }
        }
    }
}

/* A head's function with its width as a constant, where it is one of the usual. */
#define BY_COLUMNS(function, first, second, columns) \
    switch (columns) {                               \
    case 4:                                          \
        function(first, second, 4);                  \
        return;                                      \
    case 8:                                          \
        function(first, second, 8);                  \
        return;                                      \
    case 16:                                         \
        function(first, second, 16);                 \
        return;                                      \
    default:                                         \
        function(first, second, columns);            \
        return;                                      \
    }

#endif
