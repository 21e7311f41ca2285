/*
 * worker_impl.h - one thread's share of a builder: its pieces, its dictionaries, its counts.
 *
 * An adding thread borrows a worker for the length of one call, so nothing below is locked.
 */
#ifndef SIM_LOG_WORKER_IMPL_H
#define SIM_LOG_WORKER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"
#include "sim/log/column.h"
#include "sim/log/piece_impl.h"

enum { GV_REJECT_FILE, GV_REJECT_LINE, GV_REJECT_COLUMN, GV_REJECT_REASON, GV_REJECT_TEXT };

/* The fields of the reject table, by the numbers above. */
extern const gv_log_schema gv_reject_schema;

/* What is the same for all workers of a builder. */
typedef struct gv_work {
    const char *path; /* scratch goes to its folder */
    const gv_log_schema *schema;
    size_t time_field;                       /* SIZE_MAX: the schema has none; likewise below */
    size_t count_fields[GV_LOG_TABLE_COUNT]; /* CLICK: of `clicks`, CONVERSION: of `conversions` */
    const char *const *input_paths;
    size_t input_count;
} gv_work;

/* Pieces of one table: in the arena, or spilled and then owned by themselves. */
typedef struct gv_piece_list {
    gv_piece **pieces; /* [count] */
    size_t count;
    size_t capacity;
    size_t spilled; /* how many of them, the first ones, are spilled */
} gv_piece_list;

typedef struct gv_first_reject {
    uint32_t file;
    uint64_t line; /* 0: none yet */
    uint32_t column;
    char reason[512];
} gv_first_reject;

typedef struct gv_worker {
    const gv_work *work;
    uint32_t number;
    gv_piece_memory arena;
    gv_sorter sorter;
    gv_chunk rejects; /* as rows of the reject table */
    gv_dictionary dictionaries[GV_CHUNK_COLUMNS_MAX];
    gv_dictionary file_dictionary;
    gv_piece_list lists[GV_LOG_TABLE_COUNT];
    bool has_seen[GV_LOG_TABLE_COUNT]; /* a chunk of it, even an empty one */
    uint64_t lines;
    gv_first_reject first_reject;
    struct gv_worker *next; /* idle one behind it */
} gv_worker;

GV_MUST_CHECK gv_status gv_worker_create(const gv_work *work, uint32_t number, gv_worker **out);
void gv_worker_destroy(gv_worker *worker); /* accepts NULL */

GV_MUST_CHECK gv_status gv_worker_add(gv_worker *worker, const gv_chunk *chunk);

/* Moves what the arena holds into scratch files. */
GV_MUST_CHECK gv_status gv_worker_spill(gv_worker *worker);

/* The schema of a table's pieces. */
static inline const gv_log_schema *gv_work_schema(const gv_work *work, gv_log_table table)
{
    return table == GV_LOG_REJECT ? &gv_reject_schema : work->schema;
}

#endif
