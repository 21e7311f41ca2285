/*
 * builder.h - makes a .gvlog from chunks: codes texts, sorts by time, joins events, writes.
 *
 * Rows may come in any order and exceed memory: sorted runs are spilled beside the output and
 * merged. Equal times keep the order (file, line). Events are joined to impressions by bid id;
 * where a bid id is repeated among impressions, an event belongs to the latest impression that is
 * not later than the event, else to the earliest. The file appears under its name only when
 * gv_builder_commit() succeeds.
 *
 * Where the impressions themselves say how often they were clicked (an INTEGER field `clicks`, or
 * `conversions`), that many events are made at the impression's own time. A schema without a
 * field `time` has ordinal time: row n in the order (file, line), from 0, is at n seconds, and
 * the fact "ordinal_time" is "yes".
 */
#ifndef SIM_LOG_BUILDER_H
#define SIM_LOG_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/chunk.h"

typedef struct gv_builder gv_builder;

typedef struct gv_builder_config {
    const char *path;               /* of the .gvlog */
    const gv_log_schema *schema;    /* outlives the builder */
    size_t memory_max;              /* bytes of rows held before a run is spilled; 0: a default */
    size_t jobs;                    /* threads that commit may use; 0 counts as 1 */
    const char *const *input_paths; /* [input_count]: named in rejects and facts */
    size_t input_count;
    double rejects_max; /* share of all rows, 0 to 1 */
} gv_builder_config;

/* What an ingest counted. */
typedef struct gv_builder_counts {
    uint64_t rows[GV_LOG_TABLE_COUNT]; /* as written; rejects under GV_LOG_REJECT */
    uint64_t lines;                    /* data rows read, good and bad */
    uint64_t repeated_bid_ids;         /* impressions whose bid id an earlier one had */
    uint64_t clicked_bid_ids;          /* distinct bid ids among all click rows */
    uint64_t input_bytes;
} gv_builder_counts;

GV_MUST_CHECK gv_status gv_builder_create(const gv_builder_config *config, gv_builder **out);

/*
 * Copies what it needs out of the chunk, its rejects included. Thread-safe: several readers may
 * add at once, in any order. The lines of a chunk ascend, and no other chunk of its file has
 * lines between them. A chunk without rows still says that the input has such a table.
 */
GV_MUST_CHECK gv_status gv_builder_add(gv_builder *builder, const gv_chunk *chunk);

/*
 * What file number `file` was: its size in bytes and the gv_hash() of them, as they lie on the
 * disk. For the fact "inputs" and the count of input bytes; thread-safe.
 */
GV_MUST_CHECK gv_status gv_builder_input(gv_builder *builder, uint32_t file, uint64_t size,
                                         uint64_t hash);

/* A fact for gv_log_fact(); both are copied. */
GV_MUST_CHECK gv_status gv_builder_fact(gv_builder *builder, const char *name, const char *value);

/*
 * Merges, joins, writes, renames and frees the builder, also on failure. GV_EREJECTS when more
 * than the allowed share was rejected: then no log is left. `counts` is set in both cases.
 */
GV_MUST_CHECK gv_status gv_builder_commit(gv_builder *builder, const gv_progress *progress,
                                          gv_builder_counts *counts);

/* Removes all temporary files. Accepts NULL. */
void gv_builder_abandon(gv_builder *builder);

#endif
