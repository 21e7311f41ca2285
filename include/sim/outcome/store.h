/*
 * store.h - outcomes in one SQLite file.
 *
 * A run is one `gavel run`; its cells are campaigns under policies, in a market those of each
 * period. A cell is written whole in one transaction, so a killed run leaves whole cells only and
 * resumes with the others. Tables are STRICT and tidy, joined by foreign keys; views read well in
 * pandas. Rows are written once. Equal outcomes have equal content, whatever the order in which
 * cells came, but for the columns run.started_us and *.wall_us. One thread at a time may use a
 * store.
 */
#ifndef SIM_OUTCOME_STORE_H
#define SIM_OUTCOME_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/campaign.h"
#include "sim/market/replay.h"
#include "sim/market/seat.h"
#include "sim/market/tally.h"

typedef struct gv_store gv_store;

typedef enum gv_store_mode {
    GV_STORE_WRITE, /* created or migrated when needed; WAL; one writer at a time */
    GV_STORE_READ,
} gv_store_mode;

/* A file that is no Gavel database, or of a later version, is refused with a sentence. */
GV_MUST_CHECK gv_status gv_store_open(const char *path, gv_store_mode mode, gv_store **out);
void gv_store_close(gv_store *store); /* accepts NULL */

/* A name and value: of the resolved scenario (parameters), or of where a run came from. */
typedef struct gv_fact {
    const char
        *name; /* dotted: "policies.lin.b0"; "compiler", "cpu", "openblas_core", "input.0.path" */
    const char *value;
    const char *origin; /* "default", "scenario", "--set", "fitted"; NULL for provenance */
} gv_fact;

/* A row of an input that ingest refused. */
typedef struct gv_reject_record {
    const char *file;
    uint64_t line;
    uint64_t field; /* from 1; 0: the whole line */
    const char *reason;
    const char *text; /* of the row, perhaps cut */
} gv_reject_record;

typedef struct gv_run_record {
    int64_t reserved_id; /* its number, which a sweep has reserved; 0: the next that is free */
    const char *name;
    const char *scenario_text; /* resolved, as --print-config prints it */
    uint64_t scenario_hash;    /* of what determines the outcome: resolved scenario and inputs */
    uint64_t seed;
    const gv_fact *parameters; /* [parameter_count] */
    size_t parameter_count;
    const gv_fact *provenance; /* [provenance_count] */
    size_t provenance_count;
    const gv_reject_record *rejects; /* [reject_count]: of its inputs, in their order */
    size_t reject_count;
    size_t cell_count; /* how many cells the whole run has */
} gv_run_record;

/* Starts a run, with all of that in one transaction. */
GV_MUST_CHECK gv_status gv_store_begin_run(gv_store *store, const gv_run_record *run,
                                           int64_t *run_id);

/* The hash of a run that was begun; GV_ENOTFOUND when there is none of that number. */
GV_MUST_CHECK gv_status gv_store_run_hash(gv_store *store, int64_t run_id, uint64_t *scenario_hash);

/* The latest unfinished run with this hash that is no sweep's; GV_ENOTFOUND: there is none. */
GV_MUST_CHECK gv_status gv_store_find_unfinished(gv_store *store, uint64_t scenario_hash,
                                                 int64_t *run_id);

/* What a market adds to a cell: one campaign in one period. */
typedef struct gv_seat_record {
    uint64_t period;
    uint32_t category;
    const char *rivals;        /* "market": it was one of the market's campaigns; "fixed": against
                                  the offers that the market recorded; "reacting": alone with its
                                  policy in a market that reacts */
    const gv_seat_tick *ticks; /* [tick_count] of the period, the last: what came after it. Their
                                  tallies add up to the cell's total */
    size_t tick_count;         /* with that last one; or 1: read without ticks, all in one */
} gv_seat_record;

/* One campaign under one policy, finished. */
typedef struct gv_cell_record {
    size_t cell; /* number within the run, fixed by the scenario */
    const gv_campaign *campaign;
    const char *policy;        /* the scenario's name for it: "lin-10" */
    const char *policy_type;   /* "linear" */
    const char *budget_label;  /* "1/4" of a budget list; "" */
    const gv_fact *parameters; /* [parameter_count]: the policy's, fitted values included */
    size_t parameter_count;
    const gv_tally *total;
    uint64_t episodes;
    const gv_tick_record *ticks; /* [tick_count]; a market's cell is written without (NULL): they
                                    follow from its seat, whose last tick starts at the end */
    size_t tick_count;
    uint64_t event_count;       /* with wall_us: events a second */
    int64_t wall_us;            /* the one figure that differs from run to run */
    const gv_seat_record *seat; /* NULL: a replay. With it campaign->cpa_nanos is kept, too */
} gv_cell_record;

GV_MUST_CHECK gv_status gv_store_write_cell(gv_store *store, int64_t run_id,
                                            const gv_cell_record *cell);

/* Several, all in one transaction: either all of them are there afterwards, or none. */
GV_MUST_CHECK gv_status gv_store_write_cells(gv_store *store, int64_t run_id,
                                             const gv_cell_record *cells, size_t count);

/* done: [cell_count], set for the cells that are already there. */
GV_MUST_CHECK gv_status gv_store_cells_done(gv_store *store, int64_t run_id, bool *done,
                                            size_t cell_count);

/* The saved state of an interrupted cell; replaces an older one; dropped once it is written. */
GV_MUST_CHECK gv_status gv_store_save_checkpoint(gv_store *store, int64_t run_id, size_t cell,
                                                 const void *bytes, size_t size);

/* GV_ENOTFOUND when there is none; else the caller owns *bytes (gv_mem_free). */
GV_MUST_CHECK gv_status gv_store_load_checkpoint(gv_store *store, int64_t run_id, size_t cell,
                                                 void **bytes, size_t *size);

typedef enum gv_run_state { GV_RUN_DONE, GV_RUN_STOPPED, GV_RUN_FAILED } gv_run_state;

GV_MUST_CHECK gv_status gv_store_end_run(gv_store *store, int64_t run_id, gv_run_state state,
                                         int64_t wall_us);

#endif
