/*
 * compare.h - every policy against a baseline, on common random numbers.
 *
 * The same campaign under two policies met the same opportunities, rivals and users, so blocks
 * of ticks pair up and are drawn together (bootstrap.h, block.h). Pools add up campaigns (each
 * a stratum) and budgets (the same traffic: added within its block). In a market pairs are of a
 * campaign and period against the same rivals, and blocks are periods or seats.
 */
#ifndef SIM_ESTIMATE_COMPARE_H
#define SIM_ESTIMATE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/block.h"
#include "sim/estimate/bootstrap.h"
#include "sim/outcome/group.h"
#include "sim/outcome/metric.h"

typedef struct gv_compare_config {
    const gv_cell_record *cells; /* [cell_count], with ticks */
    size_t cell_count;
    const gv_cell_record *baseline_cells; /* [baseline_cell_count]: the same, or another run's */
    size_t baseline_cell_count;
    const char *baseline;            /* a policy among them */
    const gv_metric *const *metrics; /* [metric_count] */
    size_t metric_count;
    gv_block_rule block;
    gv_bootstrap_config bootstrap;
    gv_interval_kind interval;
    double level;
} gv_compare_config;

typedef struct gv_difference {
    const gv_metric *metric;
    gv_interval value;      /* of the policy */
    double baseline;        /* of the baseline */
    gv_interval difference; /* policy - baseline */
    gv_interval relative;   /* the same over the baseline */
} gv_difference;

/* True when the interval of the difference leaves out 0. */
bool gv_difference_is_clear(const gv_difference *difference);

/* One policy in one group. */
typedef struct gv_comparison {
    const gv_group *group;
    const char *policy;
    bool is_baseline;     /* the baseline itself: differences are 0 */
    size_t part_count;    /* campaigns, budgets and periods where both have a cell */
    size_t cluster_count; /* blocks with traffic */
    size_t campaign_count;
    gv_block_rule block;              /* of the first part */
    const gv_difference *differences; /* [metric_count] */
} gv_comparison;

typedef struct gv_comparisons {
    const gv_grouping *grouping;
    const gv_comparison *rows; /* [row_count]: by group, then by policy */
    size_t row_count;
} gv_comparisons;

/*
 * Policies and groups without a partner in the baseline's cells are left out. Texts are
 * borrowed from the cells. GV_ENOTFOUND when the baseline occurs nowhere, GV_EUSAGE when the cells
 * have no such blocks.
 */
GV_MUST_CHECK gv_status gv_compare(const gv_compare_config *config, gv_comparisons **out);
void gv_comparisons_destroy(gv_comparisons *comparisons); /* accepts NULL */

#endif
