/*
 * tally.h - what a campaign has got so far, in exact integers.
 *
 * Expected clicks are kept in billionths, each probability rounded once, so that sums do not
 * depend on how auctions were batched. Money sums stop at INT64_MAX rather than wrap, so a
 * policy that bids absurdly cannot break a run.
 */
#ifndef SIM_MARKET_TALLY_H
#define SIM_MARKET_TALLY_H

#include <stdint.h>

#define GV_NANO_EVENTS 1e9 /* billionths in one expected click */

typedef struct gv_tally {
    uint64_t auctions;   /* opportunities that the campaign could bid on */
    uint64_t bids;       /* of them, with an offer above 0; one of 0 may still win what is free */
    uint64_t wins;       /* impressions bought */
    int64_t bid_nanos;   /* sum of the offers made */
    int64_t spend_nanos; /* sum of the prices paid */
    int64_t expected_nanoclicks;      /* sum of pCTR over wins */
    int64_t expected_nanoconversions; /* sum of pCTR x pCVR over wins */
    uint64_t clicks;                  /* of won impressions, as they became visible */
    uint64_t conversions;             /* likewise */
} gv_tally;

void gv_tally_add(gv_tally *sum, const gv_tally *part);

/* sum - part: what was gained since `part` was copied. */
gv_tally gv_tally_since(const gv_tally *sum, const gv_tally *part);

#endif
