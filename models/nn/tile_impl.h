/*
 * tile_impl.h - the product of panels in the small: up to ROWS rows by two vectors of outputs.
 *
 * Slim: vectors of half a panel, so one panel; ROWS times two sums fill AVX2's registers. Wide:
 * vectors of a panel, so two panels, for AVX-512. Both give the same bits.
 */
#ifndef MODELS_NN_TILE_IMPL_H
#define MODELS_NN_TILE_IMPL_H

#include "models/nn/panel_impl.h"

/* One tile's sums over `depth` inputs: to := from + x w. */
typedef struct gv_tile {
    const float *w; /* [depth] rows of two vectors */
    size_t w_step;
    size_t w_next; /* from the first vector of a row to the second */
    const float *x;
    size_t x_step;
    const float *from; /* step 0: every row begins with the same */
    size_t from_step;
    float *to; /* may be `from` */
    size_t to_step;
    size_t depth;
} gv_tile;

/* 1 .. ROWS rows. */
void gv_tile_slim(const gv_tile *tile, size_t rows);
void gv_tile_wide(const gv_tile *tile, size_t rows);

#endif
