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

#define GV_CELL_NONE UINT32_MAX

enum { GV_CELL_ROOT = 0 };

typedef struct gv_cell {
    uint64_t value;
    uint32_t parent;
    uint64_t positives;
    uint64_t negatives;
    double rate;
} gv_cell;

typedef struct gv_cells {
    gv_cell *cells;  /* [count], the root first */
    uint32_t *slots; /* [slot_count], a power of two: cell numbers or GV_CELL_NONE */
    uint32_t count;
    uint32_t capacity;
    size_t slot_count;
} gv_cells;

/* The root alone. */
GV_MUST_CHECK gv_status gv_cells_init(gv_cells *cells);
void gv_cells_fini(gv_cells *cells); /* accepts a zeroed one */

/* The part of `parent` with this value, or GV_CELL_NONE. */
uint32_t gv_cells_find(const gv_cells *cells, uint32_t parent, uint64_t value);

/* The same, added where there is none. */
GV_MUST_CHECK gv_status gv_cells_add(gv_cells *cells, uint32_t parent, uint64_t value,
                                     uint32_t *cell);

#endif
