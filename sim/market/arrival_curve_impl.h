/*
 * arrival_curve_impl.h - how busy each hour is: a cycle of equal buckets, each with a weight.
 *
 *   "flat"        every moment alike
 *   "auctionnet"  half-hours of the day, the base ratios of AuctionNet's public environment
 *   a path        a CSV with a header, perhaps compressed: columns `hour` (0 to 23),
 *                 `traffic_share` or `share` (0 and up) and, where the cycle is a week, `dow` (1 to
 *                 7, 1 is Monday, ISO 8601). Every bucket has at least one row; the shares of
 *                 several rows add up. With a region, only rows count whose cell in the region's
 *                 column is that text; without one all do, which for shares that sum to 1 in each
 *                 region is their mean.
 *
 * This is the form of the regional curves of Avito's BAT benchmark (traffic_share.csv: region_id,
 * dow, hour, traffic_share); that its day 1 is Monday is our reading, the source does not say.
 * Weights matter relative to each other only.
 */
#ifndef SIM_MARKET_ARRIVAL_CURVE_IMPL_H
#define SIM_MARKET_ARRIVAL_CURVE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

enum { GV_ARRIVAL_SHAPE_BUCKETS = 48, GV_ARRIVAL_BUCKETS_MAX = 7 * 24 };

/* Share of each half-hour from midnight, per mille: the base ratios of the public environment. */
extern const double gv_arrival_shape[GV_ARRIVAL_SHAPE_BUCKETS];

typedef struct gv_arrival_curve {
    size_t bucket_count;
    int64_t bucket_us;
    int64_t origin_us; /* a local time when a cycle begins */
    double weights[GV_ARRIVAL_BUCKETS_MAX];
} gv_arrival_curve;

/* region: NULL for all. GV_EPARSE and GV_EIO name the file and what is wrong with it. */
GV_MUST_CHECK gv_status gv_arrival_curve_read(const char *name, const char *column,
                                              const char *region, gv_arrival_curve *curve);

/* The bucket that a local time lies in, and the first moment behind it. */
size_t gv_arrival_curve_bucket(const gv_arrival_curve *curve, int64_t local_us, int64_t *end_us);

#endif
