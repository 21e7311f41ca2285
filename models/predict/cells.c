#include <assert.h>

#include "models/predict/cells_impl.h"
#include "sim/base/mem.h"

enum { FIRST_CAPACITY = 256 };

/* A 64-bit mixer (David Stafford's thirteenth, as in SplitMix64). */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

/* Where the cell stands, or the free slot where it would. */
static size_t slot_of(const gv_rate_cells *cells, uint32_t parent, uint64_t value)
{
    size_t slot = (size_t)mix(mix(value) + parent) & (cells->slot_count - 1);
    while (cells->slots[slot] != GV_RATE_CELL_NONE) {
        const gv_rate_cell *cell = &cells->cells[cells->slots[slot]];
        if (cell->parent == parent && cell->value == value) {
            break;
        }
        slot = (slot + 1) & (cells->slot_count - 1);
    }
    return slot;
}

/* Room for `capacity` cells and twice as many slots; what there was is kept. */
static gv_status grow(gv_rate_cells *cells, uint32_t capacity)
{
    const size_t slot_count = (size_t)capacity * 2;
    uint32_t *slots = gv_mem_alloc_vector(slot_count, sizeof *slots);
    if (slots == NULL) {
        return GV_FAIL(GV_ENOMEM, "a table of %zu rates", slot_count);
    }
    gv_rate_cell *grown = gv_mem_resize(cells->cells, capacity, sizeof *grown);
    if (grown == NULL) {
        gv_mem_free(slots);
        return GV_FAIL(GV_ENOMEM, "a table of %zu rates", slot_count);
    }
    gv_mem_free(cells->slots);
    cells->cells = grown;
    cells->slots = slots;
    cells->capacity = capacity;
    cells->slot_count = slot_count;
    for (size_t i = 0; i < slot_count; i++) {
        slots[i] = GV_RATE_CELL_NONE;
    }
    for (uint32_t i = 1; i < cells->count; i++) {
        slots[slot_of(cells, grown[i].parent, grown[i].value)] = i;
    }
    return GV_OK;
}

gv_status gv_rate_cells_init(gv_rate_cells *cells)
{
    *cells = (gv_rate_cells){.count = 0};
    GV_TRY(grow(cells, FIRST_CAPACITY));
    cells->cells[GV_RATE_CELL_ROOT] = (gv_rate_cell){.parent = GV_RATE_CELL_NONE};
    cells->count = 1;
    return GV_OK;
}

void gv_rate_cells_fini(gv_rate_cells *cells)
{
    gv_mem_free(cells->cells);
    gv_mem_free(cells->slots);
    *cells = (gv_rate_cells){.count = 0};
}

uint32_t gv_rate_cells_find(const gv_rate_cells *cells, uint32_t parent, uint64_t value)
{
    return cells->slots[slot_of(cells, parent, value)];
}

gv_status gv_rate_cells_add(gv_rate_cells *cells, uint32_t parent, uint64_t value, uint32_t *cell)
{
    assert(parent < cells->count);
    size_t slot = slot_of(cells, parent, value);
    if (cells->slots[slot] == GV_RATE_CELL_NONE) {
        if (cells->count == cells->capacity) {
            if (cells->capacity > UINT32_MAX / 4) {
                return GV_FAIL(GV_ENOMEM, "more than %u rates", cells->capacity);
            }
            GV_TRY(grow(cells, cells->capacity * 2));
            slot = slot_of(cells, parent, value);
        }
        cells->cells[cells->count] = (gv_rate_cell){.value = value, .parent = parent};
        cells->slots[slot] = cells->count++;
    }
    *cell = cells->slots[slot];
    return GV_OK;
}
