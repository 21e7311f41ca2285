/*
 * tally.h - what a campaign has got so far, in exact integers.
 *
 * Expected clicks are kept in billionths, each probability rounded once, so that sums do not
 * depend on how auctions were batched.
 */
#ifndef SIM_MARKET_TALLY_H
#define SIM_MARKET_TALLY_H

#include <stdint.h>

#define GV_NANO_EVENTS 1e9 /* billionths in one expected click */

typedef struct gv_tally {
    uint64_t auctions; /* opportunities that the campaign could bid on */
    uint64_t bids;     /* of them, with a bid above 0 */
    uint64_t wins;     /* impressions bought */
    int64_t bid_nanos; /* sum of the bids made */
    int64_t spend_nanos;
    int64_t expected_nanoclicks;      /* sum of pCTR over wins */
    int64_t expected_nanoconversions; /* sum of pCTR x pCVR over wins */
    uint64_t clicks;                  /* of won impressions, as they became visible */
    uint64_t conversions;             /* likewise */
} gv_tally;

void gv_tally_add(gv_tally *sum, const gv_tally *part);

/* sum - part: what was gained since `part` was copied. */
gv_tally gv_tally_since(const gv_tally *sum, const gv_tally *part);

#endif
