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
#include "sim/market/exploration.h"
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
    /*
     * An error of each value's own, a factor exp(noise z - noise^2 / 2) of mean 1 with z standard
     * normal: drawn for (seed, period, opportunity, advertiser), so whoever bids errs alike.
     */
    double belief_noise; /* at least 0 */
    uint64_t seed;
    uint64_t period;
    uint32_t advertiser;
} gv_distortion;

typedef struct gv_seat {
    const gv_campaign *campaign;
    gv_policy *policy;
    uint32_t category;
    const gv_distortion *distortion;   /* NULL: none */
    const gv_exploration *exploration; /* NULL: it bids as its policy means; not under AuctionNet's
                                          overspend rule, by which bids are dropped */
    uint64_t explore_first; /* the period's first opportunity among all that it explores */
} gv_seat;

/* What the seat takes the true value of an opportunity for, counted from the period's start. */
double gv_seat_believe(const gv_seat *seat, uint64_t opportunity, double value);

/* The same of opportunities first, first + 1, ...; values, believed: [count]. */
void gv_seat_believe_all(const gv_seat *seat, uint64_t first, size_t count, const float *values,
                         double *believed);

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
