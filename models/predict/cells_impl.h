/*
 * cells_impl.h - a tree of counts: each cell is a coarser cell's part with one more value fixed.
 *
 * Cells are numbered as they are added, so a parent always has a lower number than its parts,
 * and numbers do not depend on the hash that finds them.
 */
#ifndef MODELS_PREDICT_CELLS_IMPL_H
#define MODELS_PREDICT_CELLS_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

#define GV_RATE_CELL_NONE UINT32_MAX

enum { GV_RATE_CELL_ROOT = 0 };

typedef struct gv_rate_cell {
    uint64_t value;
    uint32_t parent;
    uint64_t positives;
    uint64_t negatives;
    double rate;
} gv_rate_cell;

typedef struct gv_rate_cells {
    gv_rate_cell *cells; /* [count], the root first */
    uint32_t *slots;     /* [slot_count], a power of two: cell numbers or GV_RATE_CELL_NONE */
    uint32_t count;
    uint32_t capacity;
    size_t slot_count;
} gv_rate_cells;

/* The root alone. */
GV_MUST_CHECK gv_status gv_rate_cells_init(gv_rate_cells *cells);
void gv_rate_cells_fini(gv_rate_cells *cells); /* accepts a zeroed one */

/* The part of `parent` with this value, or GV_RATE_CELL_NONE. */
uint32_t gv_rate_cells_find(const gv_rate_cells *cells, uint32_t parent, uint64_t value);

/* The same, added where there is none. */
GV_MUST_CHECK gv_status gv_rate_cells_add(gv_rate_cells *cells, uint32_t parent, uint64_t value,
                                          uint32_t *cell);

#endif
