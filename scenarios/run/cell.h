/*
 * cell.h - one cell from its beginning, or from where it was interrupted, to its outcome.
 */
#ifndef SCENARIOS_RUN_CELL_H
#define SCENARIOS_RUN_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "sim/base/progress.h"
#include "sim/core/checkpoint.h"
#include "sim/market/replay.h"
#include "sim/outcome/store.h"

/* What one thread keeps from cell to cell: a source has room for one reader only. */
typedef struct gv_cell_worker {
    const gv_composition *composition;
    gv_history **histories; /* [campaign_count], each made when first asked for */
} gv_cell_worker;

GV_MUST_CHECK gv_status gv_cell_worker_init(gv_cell_worker *worker,
                                            const gv_composition *composition);
void gv_cell_worker_fini(gv_cell_worker *worker);

typedef struct gv_cell_job {
    const gv_cell *cell;
    bool reference;              /* one auction at a time, by the plain rules */
    const gv_progress *progress; /* may be NULL */
    const char *log_folder;      /* gets the bids, see bid_log.h; NULL: none are written */
    const gv_replay_tap *tap; /* told of every auction where there is no folder; NULL: nobody is */
    const void *saved;        /* [saved_size]: a checkpoint to go on from; NULL: none */
    size_t saved_size;
    /* Is given the finished cell (count 1), whose parts are gone when it returns. */
    gv_status (*finish)(void *context, const gv_cell_record *records, size_t count);
    void *context;
} gv_cell_job;

/*
 * Fits, replays, finishes. GV_ESTOPPED when progress asked to stop: then `writer` holds a
 * checkpoint, or nothing when there is nothing worth keeping, and nothing where bids are logged,
 * since half a log is dropped. The caller ends the writer.
 */
GV_MUST_CHECK gv_status gv_cell_run(gv_cell_worker *worker, const gv_cell_job *job,
                                    gv_writer *writer);

#endif
