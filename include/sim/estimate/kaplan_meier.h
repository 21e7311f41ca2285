/*
 * kaplan_meier.h - how often a bid would win, from auctions of which some were lost.
 *
 * Who wins learns the market price z, the least that would have won. Who loses learns only that z
 * lay above the own bid: the price is censored there. A histogram of won prices alone is therefore
 * biased low, and says that cheap bids win more often than they do. The product-limit estimator
 * (Kaplan and Meier, JASA 53, 1958; of bid landscapes Wang, Zhang and others, KDD 2016) counts
 * each auction for as long as it is known to be open:
 *
 *     S(j) = product over prices i <= j of (1 - d_i / n_i),   win rate w(b) = 1 - S(b)
 *
 * with d_i auctions won at price i and n_i of which neither price nor own bid lies below i. Where a
 * bid equal to the price loses, an auction lost at i is not among n_i. Whatever is dearer than the
 * highest bid ever made is never seen: beyond it the win rate stays what it was, a lower bound.
 *
 * It takes own bids to be independent of prices; where one bids more for dearer auctions, fit each
 * kind of auction by itself.
 */
#ifndef SIM_ESTIMATE_KAPLAN_MEIER_H
#define SIM_ESTIMATE_KAPLAN_MEIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* One auction, or `weight` of the same kind. */
typedef struct gv_price_sample {
    int64_t nanos; /* the market price where it was won, the own bid where it was lost */
    bool won;
    double weight; /* above 0 */
} gv_price_sample;

typedef struct gv_kaplan_meier gv_kaplan_meier;

/*
 * samples: [count], sorted by this. tie_wins: a bid equal to the market price wins. GV_EINVAL:
 * no auction was won, or a weight is not above 0.
 */
GV_MUST_CHECK gv_status gv_kaplan_meier_fit(gv_price_sample *samples, size_t count, bool tie_wins,
                                            gv_kaplan_meier **out);
void gv_kaplan_meier_destroy(gv_kaplan_meier *fit); /* accepts NULL */

/* The probability that a bid of so much wins; 0 below the lowest price. */
double gv_kaplan_meier_win_rate(const gv_kaplan_meier *fit, int64_t bid_nanos);

/* Its standard deviation by Greenwood's formula: S sqrt(sum of d / (n (n - d))). */
double gv_kaplan_meier_deviation(const gv_kaplan_meier *fit, int64_t bid_nanos);

/* What a bid of so much costs an auction on average, where the winner pays the market price. */
double gv_kaplan_meier_cost(const gv_kaplan_meier *fit, int64_t bid_nanos);

/* The highest price or bid seen: beyond it nothing is known. */
int64_t gv_kaplan_meier_reach(const gv_kaplan_meier *fit);

#endif
