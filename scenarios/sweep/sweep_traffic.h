/*
 * sweep_traffic.h - how sure one run's figures are, by drawing its blocks of traffic anew.
 */
#ifndef SCENARIOS_SWEEP_SWEEP_TRAFFIC_H
#define SCENARIOS_SWEEP_SWEEP_TRAFFIC_H

#include "scenarios/sweep/sweep_table.h"
#include "sim/outcome/store.h"

/* A policy of one run against one of the same or another; the same twice: no difference. */
typedef struct gv_sweep_pair {
    int64_t run_id;
    const char *policy;
    const char *rivals; /* of both; NULL: replays */
    int64_t baseline_run_id;
    const char *baseline;
} gv_sweep_pair;

/*
 * Fills the intervals of those figures ([metric_count]) that have too few runs for one. Leaves
 * them as they are where cells do not pair up one to one by campaign and budget.
 */
GV_MUST_CHECK gv_status gv_sweep_draw_traffic(gv_store *store, const gv_sweep_table *table,
                                              const gv_sweep_pair *pair, gv_sweep_figure *figures);

#endif
