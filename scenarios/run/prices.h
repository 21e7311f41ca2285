/*
 * prices.h - what a log's market prices are like, and what an advertiser that wins only some of
 * its auctions can find out of them.
 *
 * With offers of its own an advertiser sees a price where its offer reaches it, and else only that
 * the price was higher. Offers are drawn, log-normal around a median, for each auction: so laws
 * that are fitted to what it sees can be held against all prices.
 */
#ifndef SCENARIOS_RUN_PRICES_H
#define SCENARIOS_RUN_PRICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

typedef struct gv_prices_options {
    const char *path;    /* a .gvlog, or RLB's counts of prices: NAME.info.json */
    int64_t offer_nanos; /* the median offer; 0: every auction is won */
    double offer_sigma;  /* standard deviation of the offers' logarithm, at least 0 */
    uint64_t seed;
    /*
     * What a network of prices is to see, see fields.h; NULL: there is none. It learns from the
     * earlier 7 in 10 auctions of a log and is judged by the others.
     */
    const char *fields;
    size_t jobs;
} gv_prices_options;

enum { GV_PRICES_POINTS = 19 };

/* At one bid: how often it wins, by all prices and by each law fitted to what was seen. */
typedef struct gv_price_point {
    int64_t bid_nanos;
    double all;
    double won_alone;
    double product_limit;
    double deviation; /* of the product limit, by Greenwood */
    double log_normal;
    double network; /* the mean over the later auctions; NaN: there is none */
} gv_price_point;

typedef struct gv_prices {
    uint64_t auctions;
    uint64_t won;
    int64_t reach_nanos; /* the dearest that was seen, or bid */
    double mu;           /* of the log-normal, logarithm of nanos */
    double sigma;
    /* Mean log-likelihoods of the later auctions as they were seen; NaN: there is no network. */
    double network_likelihood;
    double start_likelihood; /* of one law for all, fitted to the earlier ones */
    size_t point_count;      /* bids that each reach a twentieth more of all prices, no two alike */
    gv_price_point points[GV_PRICES_POINTS];
} gv_prices;

/* GV_EINVAL: nothing was won; whatever else ails the file has its sentence. */
GV_MUST_CHECK gv_status gv_prices_of(const gv_prices_options *options, gv_prices *out);

#endif
