/*
 * ladder_impl.h - all that a known period offers one campaign, as rungs from cheap to dear.
 *
 * A rung is the step from one slot of an opportunity to the next better one, the lowest being the
 * step from nothing to the last slot. With mu the value, k_d the price of slot d and h_d the chance
 * that it is seen (h and k of "nothing" are 0), a rung costs h_d k_d - h_d+1 k_d+1 and gains
 * mu (h_d - h_d+1), both expected. It is climbed by every multiplier from (k_d + 1) / mu on, so
 * rungs in that order are exactly what rising multipliers buy, and a better slot always follows
 * the worse ones of its opportunity.
 *
 * Rungs lie in buckets by multiplier, about half a percent wide, and a bucket is sorted when it is
 * first climbed: dear rungs that nobody reaches cost no sorting. Rungs that no budget could reach
 * are not kept at all: those of a tick above the multiplier at which everything from that tick on
 * costs more than the whole budget. A rung is 24 bytes.
 */
#ifndef POLICIES_LADDER_IMPL_H
#define POLICIES_LADDER_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/future.h"

/* What a prefix of the ladder is worth. */
typedef enum gv_ladder_objective {
    GV_LADDER_SCORE, /* min((C / CPA)^2, 1) x conversions, as gv_seat_score() */
    GV_LADDER_VALUE, /* conversions while the CPA is at most C; else minus the excess cost / C */
} gv_ladder_objective;

typedef struct gv_ladder_config {
    const gv_future *future; /* borrowed while the ladder lives */
    gv_ladder_objective objective;
    double cpa_nanos;     /* C */
    double ceiling_nanos; /* no multiplier is above it, in nanos a conversion */
    int64_t budget_nanos; /* no more than this is ever left */
    int64_t bid_cap_nanos;
    int64_t price_step_nanos;
} gv_ladder_config;

/* Where a campaign stands at the beginning of a tick. */
typedef struct gv_ladder_standing {
    size_t tick;
    double spent_nanos;
    double conversions; /* that are visible */
    double budget_left_nanos;
} gv_ladder_standing;

typedef struct gv_ladder gv_ladder;

/*
 * GV_EINVAL when a slot is seen more often than one above it, or there are 2^32 opportunities or
 * more. Takes scratch of 24 KB a tick beside what it keeps.
 */
GV_MUST_CHECK gv_status gv_ladder_create(const gv_ladder_config *config, gv_ladder **out);
void gv_ladder_destroy(gv_ladder *ladder); /* accepts NULL */

size_t gv_ladder_size(const gv_ladder *ladder); /* rungs kept */

/*
 * The multiplier, in nanos a conversion, that buys the best prefix of what this tick and later
 * ones offer: the prefixes are those whose expected cost is within the budget left, and the best
 * is worth most together with what is spent and gained already. 0: buy nothing. Ticks of
 * successive calls may not fall: what lies before is forgotten on the way.
 */
double gv_ladder_solve(gv_ladder *ladder, const gv_ladder_standing *standing);

#endif
