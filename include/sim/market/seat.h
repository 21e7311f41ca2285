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
#include "sim/market/traffic.h"

#define GV_VALUE_UNITS 0x1p40 /* units in a value of 1 */

/*
 * How a seat departs from what its policy means and from what its ads are worth. Believed values
 * are those that the policy is shown and that its ticks are summed in; users act by the true ones.
 * With v the true value of an opportunity of tick t, it is believed to be
 *
 *     m                                                    where nothing is known of it: cold
 *     v L[t - stale] / L[t] x scale exp(noise z - noise^2 / 2), at most 1            elsewhere
 *
 * m: the mean of v over the period. L[t]: the mean of v over the opportunities of tick t. Counted
 * back beyond the period's first tick, L is of the periods before it. So an opportunity's rank
 * within its tick is known, and how good the tick is, is what it was `stale` ticks ago; where
 * L[t] or that is 0, the level is believed to be as it is. In traffic whose factors are drawn
 * afresh every so many ticks (value_window) levels that far apart are independent: a longer lag
 * makes nothing worse.
 */
typedef struct gv_distortion {
    double bid_scale;    /* multiplies bids, at least 0, */
    size_t bid_from;     /* from this tick on */
    double belief_scale; /* multiplies what a value is believed to be, at least 0; cut to 1 */
    /*
     * An error of each value's own, a factor exp(noise z - noise^2 / 2) of mean 1 with z standard
     * normal: drawn for (seed, period, opportunity, advertiser), so whoever bids errs alike.
     */
    double belief_noise;  /* at least 0 */
    double belief_cold;   /* share of opportunities, drawn as z is, one by one; in [0, 1] */
    double belief_mean;   /* m; where belief_cold is above 0 */
    size_t belief_stale;  /* ticks; 0: what is believed is up to date, and the next are not read */
    const double *levels; /* L[t] of this advertiser at levels[t * level_stride], t from
                             -belief_stale up to the last tick */
    size_t level_stride;
    const gv_traffic *traffic; /* whose ticks those are */
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

/* The same of opportunities first, first + 1, ... of one tick; values, believed: [count]. */
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
