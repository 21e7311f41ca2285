/*
 * winback.h - the outcome of a campaign that wins users back, in the store of outcomes.
 *
 * A run of them is a run of the store (store.h) whose cells are policies. Their rows are in tables
 * of their own, `winback` and `winback_day`; the view `retention_league` reads well in pandas.
 */
#ifndef SIM_OUTCOME_WINBACK_H
#define SIM_OUTCOME_WINBACK_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/winback.h"
#include "sim/outcome/store.h"

typedef struct gv_winback_record {
    size_t cell;        /* number within the run */
    const char *policy; /* the scenario's name for it */
    const char *aim;
    const char *model; /* NULL: none */
    uint64_t user_count;
    int64_t budget_nanos; /* GV_PARAM_UNSET: none */
    gv_winback_tally total;
    const gv_winback_day *days; /* [day_count]; their tallies add up to the total */
    size_t day_count;
} gv_winback_record;

/* All of it in one transaction, of a run that was begun. */
GV_MUST_CHECK gv_status gv_store_write_winback(gv_store *store, int64_t run_id,
                                               const gv_winback_record *record);

#endif
