/*
 * period.h - one period of a market from its opening to its outcome: the market itself, then every
 * contender in every advertiser's place.
 */
#ifndef SCENARIOS_RUN_PERIOD_H
#define SCENARIOS_RUN_PERIOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/market.h"
#include "sim/base/progress.h"
#include "sim/outcome/store.h"

/* What a period did that its outcome does not show, and that somebody should know. */
typedef struct gv_period_notes {
    gv_clamped_bids clamped; /* all campaigns and arms; `above` only where no bid cap was given */
    const char *policy;      /* the first whose bids were clamped; NULL: none */
    bool is_unsold;          /* no offer in the market reached the reserve */
} gv_period_notes;

typedef struct gv_period_job {
    const gv_market *market;
    size_t index; /* of the run's periods; its number is market.first_period + index */
    bool reference;
    const char *log_folder;      /* gets the market's log as period-N.csv; NULL: none is written */
    const gv_progress *progress; /* may be NULL */
    gv_period_notes *notes;      /* zeroed; written on GV_OK */
    /* Is given all cells of the period at once; their parts are gone when it returns. */
    gv_status (*finish)(void *context, const gv_cell_record *records, size_t count);
    void *context;
} gv_period_job;

/* GV_ESTOPPED when progress asked to stop: a period is short, and begins anew. */
GV_MUST_CHECK gv_status gv_period_run(const gv_period_job *job);

#endif
