/*
 * league.h - how the policies of a market did, with intervals.
 *
 * A seat is one campaign in one period. Each policy's figures are ratios of sums over the seats
 * that it had: a mean score is the sum of scores over the number of seats, and a score is set
 * against the hindsight oracle's by the ratio of the two sums over the seats that both had.
 *
 * Intervals draw clusters of seats anew (bootstrap.h): whole periods, or single seats; block.h
 * says which and why. The draws depend on the seed and the number of clusters alone and clusters
 * are numbered by their order in the run, so policies that had the same seats are drawn alike
 * and differences between their figures are far surer than their intervals.
 *
 * The market itself, in which each campaign has the policy that it was given, and what each
 * policy does in every seat in turn are tables of their own: in the first a policy's figures
 * depend on the campaigns that it was given, in the second they do not.
 */
#ifndef SIM_ESTIMATE_LEAGUE_H
#define SIM_ESTIMATE_LEAGUE_H

#include <stddef.h>

#include "sim/base/status.h"
#include "sim/estimate/block.h"
#include "sim/estimate/bootstrap.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/store.h"

/* The type of the policy whose scores are the reference. */
#define GV_ORACLE_TYPE "oracle_slot"

typedef enum gv_league_figure {
    GV_LEAGUE_SCORE,         /* mean, in conversions */
    GV_LEAGUE_SCORE_SHARE,   /* of the oracle's */
    GV_LEAGUE_CONVERSIONS,   /* mean */
    GV_LEAGUE_SPEND,         /* mean, in currency */
    GV_LEAGUE_BUDGET_USED,   /* share */
    GV_LEAGUE_CPA_OF_TARGET, /* spend, of what the conversions might have cost */
    GV_LEAGUE_OVER_CPA,      /* share of the seats with a target */
    GV_LEAGUE_FIGURES
} gv_league_figure;

const char *gv_league_figure_name(gv_league_figure figure); /* "score_share" */

typedef struct gv_league_config {
    const gv_cell_record *cells; /* [cell_count]; those without a seat are passed over */
    size_t cell_count;
    gv_block_rule block; /* AUTO, PERIOD or SEAT */
    gv_bootstrap_config bootstrap;
    gv_interval_kind interval;
    double level;
} gv_league_config;

/* One policy against one kind of rivals. */
typedef struct gv_league_row {
    const char *policy;
    const char *policy_type;
    size_t seat_count;
    size_t paired_count; /* seats that the oracle had, too */
    size_t cluster_count;
    gv_interval figures[GV_LEAGUE_FIGURES];
    const double *pace; /* [tick_count]: mean share of the budget spent in each tick */
    size_t tick_count;  /* of a period; 0: the cells were read without ticks */
} gv_league_row;

typedef struct gv_league_table {
    const char *rivals;        /* as in gv_seat_record */
    const gv_league_row *rows; /* [row_count], the best first */
    size_t row_count;
    gv_league_figure ranking; /* SCORE_SHARE when the oracle had every seat, else SCORE */
    size_t period_count;
    size_t campaign_count;
    gv_block_kind block; /* PERIOD or SEAT */
} gv_league_table;

typedef struct gv_league {
    const gv_league_table *tables; /* [table_count], in order of first appearance */
    size_t table_count;
} gv_league;

/* Texts are borrowed from the cells. On GV_OK the caller owns *out, perhaps with no table. */
GV_MUST_CHECK gv_status gv_league_create(const gv_league_config *config, gv_league **out);
void gv_league_destroy(gv_league *league); /* accepts NULL */

#endif
