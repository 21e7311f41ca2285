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

#include "sim/base/status.h"
#include "sim/market/opportunity.h"

/* The last price bin holds all that is dearer. */
enum { GV_HISTORY_PRICES_MAX = 65536 };

typedef struct gv_history {
    const char *name; /* file and span, as the outcome names it */
    uint64_t impressions;
    uint64_t clicks;
    uint64_t conversions;
    int64_t cost_nanos; /* of the impressions, at market price; INT64_MAX: that or more */
    double mean_pctr;   /* over the impressions; NaN: unknown */
    /* Market prices: bin i counts impressions with price in [i, i+1) steps. */
    int64_t price_step_nanos;
    size_t price_count;
    const uint64_t *price_counts; /* [price_count] */
    int64_t start_us;             /* of the rows; 0 and 0 without */
    int64_t end_us;
    gv_source *source; /* the auctions in order; NULL: only the totals are known */
} gv_history;

/*
 * A copy of `totals` with its name and price counts; the source, which may be NULL, passes to
 * the copy on GV_OK. This is how a summary without a log becomes a history.
 */
GV_MUST_CHECK gv_status gv_history_create(const gv_history *totals, gv_history **out);
void gv_history_destroy(gv_history *history); /* with its source; accepts NULL */

#endif
