/*
 * ladder_impl.h - all that a known period offers one campaign, as rungs from cheap to dear.
 *
 * A rung is the step from one slot of an opportunity to the next better one, the lowest being the
 * step from nothing to the last slot. With mu the value, k_d the price of slot d and h_d the chance
 * that it is seen (h and k of "nothing" are 0), a rung costs h_d k_d - h_d+1 k_d+1 and gains
 * mu (h_d - h_d+1), both expected. Under VCG it costs (h_d - h_d+1) k_d, k_d being the offer in the
 * slot. It is climbed by every multiplier from (k_d + 1) / mu on, so rungs in that order are
 * exactly what rising multipliers buy, and a better slot never comes before a worse one of its
 * opportunity.
 *
 * Rungs lie in buckets by multiplier, half a percent to one wide, and a bucket is sorted when it is
 * first asked for by rung: what nobody reaches, and what is bought whole, costs no sorting. Costs
 * are whole nanos and values whole 2^-40s, so that sums do not depend on an order. Rungs that no
 * walk can reach are not kept at all: those of a tick above the multiplier at which all that is
 * offered from that tick on costs more than `reach_nanos`. A rung is 24 bytes.
 */
#ifndef POLICIES_LADDER_IMPL_H
#define POLICIES_LADDER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/future.h"

/* In rising order; the last holds the ceiling, the first all multipliers 16 octaves below it. */
enum { GV_LADDER_BUCKETS = 2048 };

typedef struct gv_rung {
    double multiplier; /* nanos a conversion: with it and more this slot is bought */
    double cost_nanos; /* expected, less that of the slot below; whole */
    uint32_t opportunity;
    float value; /* expected conversions, less those of the slot below; whole 2^-40s */
} gv_rung;

/* Sorted by multiplier; equal ones by opportunity. */
typedef struct gv_rungs {
    const gv_rung *rungs; /* [count] */
    size_t count;
} gv_rungs;

/* What all rungs of a bucket come to. */
typedef struct gv_rung_sum {
    size_t count;
    double multiplier; /* the highest: what buys them all, and none of the next bucket */
    double cost_nanos;
    double value;
} gv_rung_sum;

typedef struct gv_ladder_config {
    const gv_future *future; /* its ticks are borrowed while the ladder lives, the rest is read */
    double ceiling_nanos;    /* rungs of a higher multiplier, in nanos a conversion, are left out */
    int64_t reach_nanos;     /* no walk goes beyond the first rung with which it costs more */
    int64_t offer_max_nanos; /* slots that a higher offer takes are left out */
    int64_t price_step_nanos;
    bool pays_harm; /* gv_market_rules */
} gv_ladder_config;

typedef struct gv_ladder gv_ladder;

/*
 * GV_EINVAL when a slot is seen more often than one above it, or there are 2^32 opportunities or
 * more. Takes scratch of 24 KB a tick beside what it keeps.
 */
GV_MUST_CHECK gv_status gv_ladder_create(const gv_ladder_config *config, gv_ladder **out);
void gv_ladder_destroy(gv_ladder *ladder); /* accepts NULL */

/*
 * What one bucket holds that the tick and later ones offer. Asked for a later tick it forgets what
 * came before, so ticks of successive calls may not fall until it is rewound. Costs what lies in
 * the bucket, and no sorting.
 */
gv_rung_sum gv_ladder_sum(gv_ladder *ladder, size_t tick, size_t at);

/* The same, rung by rung; valid until the next call. */
gv_rungs gv_ladder_bucket(gv_ladder *ladder, size_t tick, size_t at);

/* Expected conversions if the best slot of all that is still to come were bought. */
double gv_ladder_value_left(const gv_ladder *ladder, size_t tick);

/* To the first tick, as if just created; what was forgotten is back, and sorted when asked for. */
void gv_ladder_rewind(gv_ladder *ladder);

/* The highest offer that any rung below the ceiling asks for, within reach or not; 0: no rungs. */
int64_t gv_ladder_highest_offer(const gv_ladder *ladder);

#endif
