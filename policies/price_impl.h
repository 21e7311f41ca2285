/*
 * price_impl.h - from a real-valued bid to nanos, the same for one opportunity and for a batch.
 *
 * A bid is rounded down: a policy never offers more than its formula. What is below 0 becomes 0.
 * As a bid, what is not a number becomes GV_BID_NAN, which is no bid, and what is above
 * GV_PRICE_MAX one nano more than that: a market counts both (gv_exchange_clamped). As a price,
 * for sums and settings, they become 0 and GV_PRICE_MAX.
 */
#ifndef POLICIES_PRICE_IMPL_H
#define POLICIES_PRICE_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* 2^51 nanos, about 2.25 million of the currency for one impression. */
#define GV_PRICE_MAX 2251799813685248.0

int64_t gv_price_round(double nanos); /* as a price */
int64_t gv_price_bid(double nanos);   /* as a bid */

/* bids[i] = gv_price_bid(factor * values[i]), by vectors. bids: [count]. */
void gv_price_scale(const double *values, size_t count, double factor, int64_t *bids);

/* bids[i] = gv_price_bid(factor * values[i]^2), by vectors. */
void gv_price_scale_square(const double *values, size_t count, double factor, int64_t *bids);

/* In place over reals: bids[i] = gv_price_bid(nanos[i]). */
void gv_price_round_all(const double *nanos, size_t count, int64_t *bids);

void gv_price_fill(int64_t bid, size_t count, int64_t *bids);

#endif
