/*
 * plot.h - pictures of a run: spend in time, of a market too, and a metric against the budget.
 */
#ifndef SCENARIOS_REPORT_PLOT_H
#define SCENARIOS_REPORT_PLOT_H

#include "sim/base/status.h"
#include "sim/outcome/group.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/read.h"

/* Cumulative spend of each policy of a single group, against local time; to STEM.png and .svg. */
GV_MUST_CHECK gv_status gv_plot_spend(const gv_outcomes *outcomes, const gv_group *group,
                                      const char *stem);

/*
 * A metric of each policy against the budget, campaigns added up (or only one, by name; NULL:
 * all). GV_ENOTFOUND when the run has fewer than two budgets.
 */
GV_MUST_CHECK gv_status gv_plot_budgets(const gv_outcomes *outcomes, const char *campaign,
                                        const gv_metric *metric, const char *stem);

/*
 * Of a market: the share of the budget that each policy has spent by each tick, the mean over
 * advertisers and periods, or over the periods of one advertiser that has cells; where every
 * policy had every seat, if the run has that, else in the market itself.
 */
GV_MUST_CHECK gv_status gv_plot_market(const gv_outcomes *outcomes, const char *campaign,
                                       const char *stem);

#endif
