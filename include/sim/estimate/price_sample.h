/*
 * price_sample.h - auctions of which some were lost, and how often a bid would win by them.
 *
 * Who wins learns the market price, the least that would have won. Who loses learns only that it
 * lay above the own bid: the price is censored there. A histogram of won prices alone is therefore
 * biased low, and says that cheap bids win more often than they do; the product limit (survival.h)
 * counts each auction for as long as it is known to be open (of bid landscapes: Wang, Zhang and
 * others, KDD 2016). With the curve S of the prices a bid b wins 1 - S(b) of the time and costs
 * gv_survival_sum(curve, b) an auction, where the winner pays the market price.
 *
 * It takes own bids to be independent of prices; where one bids more for dearer auctions, fit each
 * kind of auction by itself. Dearer than the highest bid ever made is never seen: beyond it the win
 * rate stays what it was, a lower bound.
 */
#ifndef SIM_ESTIMATE_PRICE_SAMPLE_H
#define SIM_ESTIMATE_PRICE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/survival.h"

/* One auction, or `weight` of the same kind. */
typedef struct gv_price_sample {
    int64_t nanos; /* the market price where it was won, the own bid where it was lost */
    bool won;
    double weight; /* above 0 */
} gv_price_sample;

/*
 * The curve of samples [count]. tie_wins: a bid equal to the market price wins. GV_EINVAL: no
 * auction was won, or a weight is not above 0.
 */
GV_MUST_CHECK gv_status gv_price_curve_create(const gv_price_sample *samples, size_t count,
                                              bool tie_wins, gv_survival **out);

#endif
