/*
 * metric.h - what a campaign's outcome is judged by: sums, and ratios of sums.
 *
 * Every metric is over / divisor, or over / divisor / under, where both are quantities that add
 * up over ticks, days and campaigns. So the same row serves one campaign, a pool of them and each
 * resample of a bootstrap, and a pooled ratio is the ratio of the pooled sums, not a mean of
 * ratios. A market's score is no such ratio, but adds up over campaigns and periods, each of which
 * counts as one: so its mean is a row like the others. The store, the terminal summary,
 * `gavel compare` and the plots all read these rows.
 */
#ifndef SIM_OUTCOME_METRIC_H
#define SIM_OUTCOME_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/market/campaign.h"
#include "sim/market/tally.h"
#include "sim/outcome/store.h"

/* What adds up. Doubles hold these sums exactly up to 2^53, about 9 million currency units. */
typedef enum gv_quantity {
    GV_QUANTITY_AUCTIONS,
    GV_QUANTITY_BIDS,
    GV_QUANTITY_WINS,
    GV_QUANTITY_BID_NANOS,
    GV_QUANTITY_SPEND_NANOS,
    GV_QUANTITY_NANOCLICKS,
    GV_QUANTITY_NANOCONVERSIONS,
    GV_QUANTITY_CLICKS,
    GV_QUANTITY_CONVERSIONS,
    GV_QUANTITY_BUDGET_NANOS, /* of all episodes together; 0 when the budget is unlimited */
    /* Of a market's cells alone, 0 in a replay: */
    GV_QUANTITY_SEATS, /* 1 each */
    GV_QUANTITY_EXPOSURES,
    GV_QUANTITY_VALUE_UNITS,
    GV_QUANTITY_WON_VALUE_UNITS,
    GV_QUANTITY_EXPOSED_VALUE_UNITS,
    GV_QUANTITY_LEAST_COST_NANOS,
    GV_QUANTITY_SCORE,    /* of a campaign in a period: no ratio of sums, so it adds up itself */
    GV_QUANTITY_TARGETS,  /* seats that have a CPA target */
    GV_QUANTITY_OVER_CPA, /* of them, those whose conversions cost more */
    GV_QUANTITY_ALLOWED_NANOS, /* conversions x target: what they might have cost */
    GV_QUANTITY_COUNT,
    GV_QUANTITY_NONE = GV_QUANTITY_COUNT, /* as `under`: the metric is a sum */
} gv_quantity;

typedef enum gv_better { GV_BETTER_NEITHER, GV_BETTER_HIGHER, GV_BETTER_LOWER } gv_better;

typedef enum gv_metric_scope { GV_SCOPE_ALL, GV_SCOPE_REPLAY, GV_SCOPE_MARKET } gv_metric_scope;

typedef struct gv_metric {
    const char *name;    /* "spend_cpm": in the database, --metric, JSON and CSV */
    const char *title;   /* "spend": atop a column */
    const char *unit;    /* "CPM" */
    const char *summary; /* one sentence */
    double divisor;      /* from nanos to the unit */
    gv_quantity over;
    gv_quantity under;
    gv_better better;
    gv_metric_scope scope; /* of whose cells it says something */
} gv_metric;

extern const gv_metric gv_metrics[]; /* every metric, then one whose name is NULL */

const gv_metric *gv_metric_find(const char *name); /* NULL: none of that name */

/* The quantities of a tally, the others 0. quantities: [GV_QUANTITY_COUNT]. */
void gv_quantities_of(const gv_tally *tally, double *quantities);

/* Nanos that the campaign could spend in all its episodes; 0: unlimited. */
double gv_budget_total(const gv_campaign *campaign, uint64_t episodes);

/* True when the metric says something of such a cell. */
bool gv_metric_fits(const gv_metric *metric, const gv_cell_record *cell);

/* Whether it is a market's cell whose campaign has a CPA target. */
bool gv_cell_has_target(const gv_cell_record *cell);

/* True when its conversions cost more than the target; any spend is too much for none. */
bool gv_cell_is_over_cpa(const gv_cell_record *cell);

/* The competition's score (seat.h); without a target the conversions. */
double gv_cell_score(const gv_cell_record *cell);

/* All quantities of a whole cell. quantities: [GV_QUANTITY_COUNT]. */
void gv_cell_quantities(const gv_cell_record *cell, double *quantities);

/* NaN when the ratio's lower part is 0. quantities: [GV_QUANTITY_COUNT]. */
double gv_metric_value(const gv_metric *metric, const double *quantities);

#endif
