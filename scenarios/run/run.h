/*
 * run.h - all cells of a composition, on several threads, into the store.
 *
 * A cell is stored whole the moment it is finished, under its number, so the content of the
 * store does not depend on how many threads ran or which was first, and a killed run keeps what
 * it finished. When progress asks to stop, running cells are saved as checkpoints; a run of the
 * same identity goes on from there.
 */
#ifndef SCENARIOS_RUN_RUN_H
#define SCENARIOS_RUN_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "scenarios/run/period.h"
#include "sim/base/progress.h"
#include "sim/outcome/store.h"

typedef struct gv_run_options {
    size_t jobs; /* at least 1 */
    bool reference;
    bool resume; /* go on with the latest unfinished run of this identity, where there is one */
    const char *arguments;  /* the command line, for provenance */
    const char *log_folder; /* gets a log of each period or replayed cell; NULL: none is written */
    const gv_progress *progress;
    int64_t run_id; /* reserved by a sweep: it is begun, or gone on with where it was; 0: neither */
    pthread_mutex_t *store_lock; /* around store and progress; NULL: nobody else is there */
} gv_run_options;

typedef struct gv_run_result {
    int64_t run_id;
    bool is_resumed;
    int64_t
        unfinished_id;  /* another run of this identity that could be resumed; 0: there is none */
    size_t done;        /* cells in the store, earlier ones included */
    size_t failed;      /* cells that could not be run */
    size_t left;        /* cells that are still to do, because the run was stopped */
    char sentence[512]; /* of the first failed cell, by number */
    int64_t wall_us;
    uint64_t event_count;  /* auctions and events of this run */
    gv_period_notes notes; /* of all periods that this call ran; is_unsold: of any */
} gv_run_result;

/*
 * GV_OK: every cell is done or, by itself, failed. GV_ESTOPPED: progress asked to stop, and what
 * ran is saved. Anything else: the store or memory failed; what was stored stays.
 */
GV_MUST_CHECK gv_status gv_run_cells(const gv_composition *composition, gv_store *store,
                                     const gv_run_options *options, gv_run_result *result);

#endif
