/*
 * sweep_table.h - a sweep's outcomes by setting: replications averaged, settings compared.
 *
 * A row is one policy in one setting: all campaigns and budgets of a run pooled, as the ratio of
 * sums (metric.h), then averaged over the seeds (replicate.h). With a baseline, which is a policy
 * or one value of an axis, each run is paired with the baseline's of the same seed, in the same
 * setting but for that.
 *
 * Where a setting has one run, or its runs are equal, seeds say nothing of how sure a figure is:
 * then, when asked for, its interval comes from the blocks of traffic of one run (compare.h).
 */
#ifndef SCENARIOS_SWEEP_SWEEP_TABLE_H
#define SCENARIOS_SWEEP_SWEEP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/region.h"
#include "sim/estimate/compare.h"
#include "sim/estimate/replicate.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/sweep.h"

typedef struct gv_sweep_table_config {
    int64_t sweep_id;                /* GV_SWEEP_LATEST: the latest */
    const char *baseline;            /* "linear", or "b0=5" of an axis; NULL: none */
    const gv_metric *const *metrics; /* [metric_count]; 0: those that say most of such runs */
    size_t metric_count;
    double level;
    /* How to draw traffic anew: block, bootstrap and interval of it are read; NULL: not at all. */
    const gv_compare_config *traffic;
} gv_sweep_table_config;

/* One metric of one row. */
typedef struct gv_sweep_figure {
    gv_replicated value;
    gv_replicated difference; /* from the baseline; count 0: it has no partner, or is it */
    bool is_by_traffic;       /* an interval is of blocks of traffic, not of seeds */
    double baseline;          /* mean of those that were paired */
} gv_sweep_figure;

typedef struct gv_sweep_row {
    const gv_sweep_point *setting; /* its first point, whose values all its points have */
    const char *policy;
    const char *rivals; /* of a market, as in gv_seat_record; NULL: of replays */
    size_t run_count;
    bool is_baseline;
    gv_sweep_figure *figures; /* [metric_count] */
} gv_sweep_row;

typedef struct gv_sweep_table {
    const gv_sweep_table_config *config; /* borrowed */
    gv_sweep_facts *facts;
    const gv_metric *const *metrics; /* [metric_count] */
    size_t metric_count;
    gv_sweep_row *rows; /* [row_count]: by setting, then policies as they come */
    size_t row_count;
    size_t done_count;
    size_t failed_count;
    gv_region region;
} gv_sweep_table;

/*
 * Points that are not done are left out. GV_EUSAGE: there is no such baseline, or a metric says
 * nothing of such runs.
 */
GV_MUST_CHECK gv_status gv_sweep_table_create(gv_store *store, const gv_sweep_table_config *config,
                                              gv_sweep_table **out);
void gv_sweep_table_destroy(gv_sweep_table *table); /* accepts NULL */

#endif
