/*
 * history.h - what a policy may learn from before its campaign starts.
 *
 * Totals and the market-price landscape always; the auctions themselves where the history is a
 * log and not just a summary. Everything in it ended before the campaign began.
 */
#ifndef SIM_MARKET_HISTORY_H
#define SIM_MARKET_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/market/opportunity.h"

typedef struct gv_history {
    const char *name; /* file and span, as the outcome names it */
    uint64_t impressions;
    uint64_t clicks;
    uint64_t conversions;
    int64_t cost_nanos; /* of the impressions, at market price */
    double mean_pctr;   /* over the impressions; NaN: unknown */
    /* Market prices: bin i counts impressions with price in [i, i+1) steps. */
    int64_t price_step_nanos;
    size_t price_count;
    const uint64_t *price_counts; /* [price_count] */
    int64_t start_us;             /* of the rows; 0 and 0 without */
    int64_t end_us;
    gv_source *source; /* the auctions in order; NULL: only the totals are known */
} gv_history;

#endif
