/*
 * builder.h - makes a .gvlog from chunks: codes texts, sorts by time, joins events, writes.
 *
 * Rows may come in any order and exceed memory: sorted runs are spilled beside the output and
 * merged. Equal times keep the order (file, line). Events are joined to impressions by bid id;
 * where a bid id is repeated among impressions, an event belongs to the latest impression that is
 * not later than the event, else to the earliest. The file appears under its name only when
 * gv_builder_commit() succeeds.
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

/* Copies what it needs out of the chunk. Thread-safe: several readers may add at once. */
GV_MUST_CHECK gv_status gv_builder_add(gv_builder *builder, const gv_chunk *chunk);

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
