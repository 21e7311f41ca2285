/*
 * A tile's sums in registers. This file is the one for AVX2's; tile_wide.c includes it once more
 * with GV_WIDE defined.
 */
#include <string.h>

#include "models/nn/real_impl.h"
#include "models/nn/tile_impl.h"
#include "sim/base/vector.h"

/* As gcc and clang write vectors for any processor. */
#ifdef GV_WIDE
typedef float vector __attribute__((vector_size(PANEL * sizeof(float))));
#define GV_TILE gv_tile_wide
#else
typedef float vector __attribute__((vector_size(PANEL / 2 * sizeof(float))));
#define GV_TILE gv_tile_slim
#endif

/* `rows` is a constant at each call: its sums become registers. */
REAL_INLINE void sum_tile(const gv_tile *t, size_t rows)
{
    vector a[ROWS];
    vector b[ROWS];
    for (size_t r = 0; r < rows; r++) {
        memcpy(&a[r], t->from + r * t->from_step, sizeof a[r]);
        memcpy(&b[r], t->from + r * t->from_step + sizeof a[r] / sizeof(float), sizeof b[r]);
    }
    for (size_t i = 0; i < t->depth; i++) {
        vector first;
        vector second;
        memcpy(&first, t->w + i * t->w_step, sizeof first);
        memcpy(&second, t->w + t->w_next + i * t->w_step, sizeof second);
        for (size_t r = 0; r < rows; r++) {
            const float x = t->x[r * t->x_step + i];
            a[r] += x * first;
            b[r] += x * second;
        }
    }
    for (size_t r = 0; r < rows; r++) {
        memcpy(t->to + r * t->to_step, &a[r], sizeof a[r]);
        memcpy(t->to + r * t->to_step + sizeof a[r] / sizeof(float), &b[r], sizeof b[r]);
    }
}

GV_VECTOR void GV_TILE(const gv_tile *t, size_t rows)
{
    switch (rows) {
    case 1:
        sum_tile(t, 1);
        return;
    case 2:
        sum_tile(t, 2);
        return;
    case 3:
        sum_tile(t, 3);
        return;
    case 4:
        sum_tile(t, 4);
        return;
    case 5:
        sum_tile(t, 5);
        return;
    default:
        sum_tile(t, ROWS);
        return;
    }
}
