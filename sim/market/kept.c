#include "sim/market/kept.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"

/* The columns, in the order of `kept`; each 8 bytes wide. */
enum { IDS, TIME, RIVAL, FLOOR, PCTR, PCVR, COLUMN_COUNT, CELL_SIZE = 8 };

typedef struct kept {
    gv_source base;
    unsigned char *columns[COLUMN_COUNT]; /* each [row_max]; NULL: the source lacks it */
    gv_event_record *events;
    size_t row_count;
    size_t row_max;
    size_t event_count;
} kept;

/* First event of an opportunity with an id of at least `id`. */
static size_t event_at(const kept *self, uint64_t id)
{
    size_t low = 0;
    size_t high = self->event_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (self->events[middle].opportunity < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const void *cells(const kept *self, size_t column, uint64_t row)
{
    const unsigned char *bytes = self->columns[column];
    return bytes == NULL ? NULL : bytes + row * CELL_SIZE;
}

static gv_status kept_load(gv_source *source, uint64_t position, gv_opportunities *out,
                           uint64_t *next)
{
    const kept *self = (const kept *)source;
    assert(position <= source->end);
    const uint64_t rest = source->end - position;
    const size_t count = rest < GV_OPPORTUNITY_PIECE ? (size_t)rest : GV_OPPORTUNITY_PIECE;
    *out = (gv_opportunities){
        .count = count,
        .ids = cells(self, IDS, position),
        .time_us = cells(self, TIME, position),
        .rival_nanos = cells(self, RIVAL, position),
        .floor_nanos = cells(self, FLOOR, position),
        .pctr = cells(self, PCTR, position),
        .pcvr = cells(self, PCVR, position),
    };
    *next = position + count;
    if (count > 0) {
        const size_t first = event_at(self, out->ids[0]);
        out->first_id = out->ids[0];
        out->events = self->events + first;
        out->event_count = event_at(self, out->ids[count - 1] + 1) - first;
    }
    return GV_OK;
}

static void kept_destroy(gv_source *source)
{
    kept *self = (kept *)source;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        gv_mem_free(self->columns[i]);
    }
    gv_mem_free(self->events);
    gv_mem_free(self);
}

/* Copies the piece's column behind what is there, or gives it up where the source lacks it. */
static void copy_column(kept *self, size_t column, const void *from, size_t count)
{
    if (from == NULL) {
        gv_mem_free(self->columns[column]);
        self->columns[column] = NULL;
    } else if (self->columns[column] != NULL) {
        memcpy(self->columns[column] + self->row_count * CELL_SIZE, from, count * CELL_SIZE);
    }
}

static void copy_ids(kept *self, const gv_opportunities *piece)
{
    for (size_t i = 0; i < piece->count; i++) {
        const uint64_t id = piece->ids == NULL ? piece->first_id + i : piece->ids[i];
        memcpy(self->columns[IDS] + (self->row_count + i) * CELL_SIZE, &id, CELL_SIZE);
    }
}

static void copy_piece(kept *self, const gv_opportunities *piece)
{
    assert(piece->count <= self->row_max - self->row_count);
    assert(piece->event_count <= self->base.event_max - self->event_count);
    copy_ids(self, piece);
    copy_column(self, TIME, piece->time_us, piece->count);
    copy_column(self, RIVAL, piece->rival_nanos, piece->count);
    copy_column(self, FLOOR, piece->floor_nanos, piece->count);
    copy_column(self, PCTR, piece->pctr, piece->count);
    copy_column(self, PCVR, piece->pcvr, piece->count);
    if (piece->event_count > 0) {
        memcpy(self->events + self->event_count, piece->events,
               piece->event_count * sizeof *piece->events);
    }
    self->row_count += piece->count;
    self->event_count += piece->event_count;
}

static gv_status count_rows(gv_source *source, size_t row_limit, size_t *count)
{
    gv_opportunities piece;
    *count = 0;
    for (uint64_t at = source->begin; at < source->end && *count <= row_limit;) {
        GV_TRY(source->load(source, at, &piece, &at));
        *count += piece.count;
    }
    return GV_OK;
}

static gv_status allocate(kept *self, const gv_source *source, size_t rows)
{
    self->row_max = rows;
    self->base = (gv_source){
        .load = kept_load, .end = rows, .event_max = source->event_max, .destroy = kept_destroy};
    self->events = gv_mem_alloc(0, source->event_max, sizeof *self->events);
    bool is_whole = self->events != NULL;
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        self->columns[i] = gv_mem_alloc_vector(rows, CELL_SIZE);
        is_whole = is_whole && self->columns[i] != NULL;
    }
    return is_whole ? GV_OK : GV_FAIL(GV_ENOMEM, "no memory to keep %zu opportunities", rows);
}

static gv_status copy_all(kept *self, gv_source *source)
{
    for (uint64_t at = source->begin; at < source->end;) {
        gv_opportunities piece;
        GV_TRY(source->load(source, at, &piece, &at));
        if (piece.count > 0) {
            copy_piece(self, &piece);
        }
    }
    return GV_OK;
}

gv_status gv_kept_create(gv_source *source, size_t size_max, gv_source **out)
{
    const size_t row_limit = size_max / CELL_SIZE / COLUMN_COUNT;
    size_t rows = 0;
    *out = NULL;
    GV_TRY(count_rows(source, row_limit, &rows));
    if (rows > row_limit || source->event_max > size_max / sizeof(gv_event_record)) {
        return GV_OK;
    }
    kept *self = gv_mem_alloc(sizeof *self, 0, 0);
    if (self == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to keep %zu opportunities", rows);
    }
    gv_status status = allocate(self, source, rows);
    if (status == GV_OK) {
        status = copy_all(self, source);
    }
    if (status != GV_OK) {
        kept_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return GV_OK;
}
