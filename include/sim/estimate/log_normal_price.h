/*
 * log_normal_price.h - the log-normal law of market prices that fits auctions won and lost best.
 *
 * With y the logarithm of a market price, N(mu, sigma^2), what is known of an auction is the
 * density at y where it was won, and P(price > bid) where it was lost; a price below `least`, such
 * as 0, is only known to be below it. In theta = 1 / sigma and gamma = mu / sigma the
 * log-likelihood is concave (Olsen, Econometrica 46, 1978: of Tobin's model), so Newton's steps
 * find its only maximum.
 */
#ifndef SIM_ESTIMATE_LOG_NORMAL_PRICE_H
#define SIM_ESTIMATE_LOG_NORMAL_PRICE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/price_sample.h"

typedef struct gv_log_normal_price {
    double mu; /* of the logarithm of nanos */
    double sigma;
    double likelihood; /* its logarithm, of densities over the logarithm of nanos */
    int64_t least;
} gv_log_normal_price;

/*
 * samples: [count]. least: above 0, the smallest amount told apart from 0. GV_EINVAL: fewer than
 * two prices were seen that differ, so no spread can be found; or a weight is not above 0.
 */
GV_MUST_CHECK gv_status gv_log_normal_price_fit(const gv_price_sample *samples, size_t count,
                                                int64_t least, gv_log_normal_price *out);

/* The probability that a bid of so much wins. */
double gv_log_normal_price_win_rate(const gv_log_normal_price *law, int64_t bid_nanos);

#endif
