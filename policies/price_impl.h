/*
 * price_impl.h - from a real-valued bid to nanos, the same for one opportunity and for a batch.
 *
 * A bid is rounded down: a policy never offers more than its formula. What is not a number or
 * below 0 becomes 0, what is above GV_PRICE_MAX becomes that.
 */
#ifndef POLICIES_PRICE_IMPL_H
#define POLICIES_PRICE_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* 2^51 nanos, about 2.25 million of the currency for one impression. */
#define GV_PRICE_MAX 2251799813685248.0

int64_t gv_price_round(double nanos);

/* bids[i] = gv_price_round(factor * values[i]), by vectors. bids: [count]. */
void gv_price_scale(const double *values, size_t count, double factor, int64_t *bids);

/* bids[i] = gv_price_round(factor * values[i]^2), by vectors. */
void gv_price_scale_square(const double *values, size_t count, double factor, int64_t *bids);

/* In place over reals: bids[i] = gv_price_round(nanos[i]). */
void gv_price_round_all(const double *nanos, size_t count, int64_t *bids);

void gv_price_fill(int64_t bid, size_t count, int64_t *bids);

#endif
