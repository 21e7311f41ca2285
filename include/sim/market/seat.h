/*
 * seat.h - one campaign's place in the market, and what happened to it tick by tick.
 *
 * All sums are integers, so they do not depend on how opportunities were batched. A value (a
 * predicted conversion probability) is summed in units of 2^-40, each rounded once.
 */
#ifndef SIM_MARKET_SEAT_H
#define SIM_MARKET_SEAT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/market/campaign.h"
#include "sim/market/policy.h"
#include "sim/market/tally.h"

#define GV_VALUE_UNITS 0x1p40 /* units in a value of 1 */

/*
 * How a seat departs from what its policy means and from what its ads are worth. Believed values
 * are those that the policy is shown and that its ticks are summed in; users act by the true ones.
 */
typedef struct gv_distortion {
    double bid_scale;    /* multiplies bids, at least 0, */
    size_t bid_from;     /* from this tick on */
    double belief_scale; /* multiplies what a value is believed to be, at least 0; cut to 1 */
} gv_distortion;

typedef struct gv_seat {
    const gv_campaign *campaign;
    gv_policy *policy;
    uint32_t category;
    const gv_distortion *distortion; /* NULL: none */
} gv_seat;

/* What the seat takes a true value for. */
static inline double gv_seat_believe(const gv_seat *seat, double value)
{
    const double scale = seat->distortion == NULL ? 1.0 : seat->distortion->belief_scale;
    const double believed = value * scale;
    return believed < 1.0 ? believed : 1.0;
}

/*
 * One tick of one seat. Exposures, with what they cost, and conversions are in the tick in which
 * they became known.
 */
typedef struct gv_seat_tick {
    gv_tally tally; /* wins are slots won, seen or not; spend is for those seen */
    uint64_t exposures;
    int64_t value_units;         /* of all opportunities, as believed, as the next two */
    int64_t won_value_units;     /* of the slots won */
    int64_t exposed_value_units; /* of those seen */
    int64_t least_cost_nanos;    /* sum over opportunities of what had to be beaten */
} gv_seat_tick;

void gv_seat_tick_add(gv_seat_tick *sum, const gv_seat_tick *part);

/*
 * The score of the AuctionNet competition: conversions, times the square of target / actual
 * cost per conversion where the actual one is higher. cpa_nanos: the target.
 */
double gv_seat_score(const gv_seat_tick *total, int64_t cpa_nanos);

#endif
