/*
 * piece_impl.h - some rows of one table, in order, by columns: what the builder sorts and merges.
 *
 * A chunk becomes a piece in the memory of the worker that added it; many pieces become one in a
 * scratch file when memory runs short. Rows are in ascending (time, file, line).
 */
#ifndef SIM_LOG_PIECE_IMPL_H
#define SIM_LOG_PIECE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/status.h"
#include "sim/log/chunk.h"
#include "sim/log/dictionary_impl.h"

/* Memory that is given back as a whole. All zero is an empty one. */
typedef struct gv_piece_memory {
    struct gv_piece_slab *slabs; /* the current one first */
    size_t used;                 /* bytes given out */
} gv_piece_memory;

void *gv_piece_memory_take(gv_piece_memory *arena,
                           size_t size);            /* 64-byte aligned, not zeroed; NULL: none */
void gv_piece_memory_reset(gv_piece_memory *arena); /* keeps the largest slab for reuse */
void gv_piece_memory_fini(gv_piece_memory *arena);

typedef struct gv_piece_column {
    union {
        const int64_t *integers;
        const double *reals;
        const uint32_t *codes;  /* of the worker's dictionary */
        const uint64_t *starts; /* TEXT: [rows + 1] into the heap, the first is 0 */
        const void *cells;
    };
    const char *heap; /* TEXT */
} gv_piece_column;

typedef struct gv_piece {
    size_t rows;
    uint32_t worker;         /* whose dictionaries its codes are of */
    const int64_t *times;    /* [rows]; NULL: ordered by origin alone */
    uint64_t first_origin;   /* of row 0, when origins is NULL: the rest follow one by one */
    const uint64_t *origins; /* [rows]: file << 40 | line */
    size_t field_count;
    gv_file_map map;           /* of a spilled piece */
    gv_piece_column columns[]; /* [field_count] */
} gv_piece;

enum { GV_ORIGIN_LINE_BITS = 40 };

static inline uint64_t gv_piece_origin(const gv_piece *piece, size_t row)
{
    return piece->origins == NULL ? piece->first_origin + row : piece->origins[row];
}

/* What a chunk is turned into a piece with: belongs to one worker. All zero is a fresh one. */
typedef struct gv_sorter {
    struct gv_sort_key *keys; /* [2][capacity] */
    uint32_t *order;          /* [capacity] */
    size_t capacity;
} gv_sorter;

void gv_sorter_fini(gv_sorter *sorter);

/*
 * Copies the chunk's rows, sorted, into the arena. `time_field` SIZE_MAX: ordered by line alone.
 * `dictionaries`: [field_count], those of CODE fields are used. The piece lives in the arena.
 */
GV_MUST_CHECK gv_status gv_piece_make(const gv_chunk *chunk, size_t time_field,
                                      gv_piece_memory *arena, gv_sorter *sorter,
                                      gv_dictionary *dictionaries, gv_piece **out);

#endif
