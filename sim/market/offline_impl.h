/* The loops over a tick's opportunities that are compiled into vector code. */
#ifndef SIM_MARKET_OFFLINE_IMPL_H
#define SIM_MARKET_OFFLINE_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* What a tick's offers come to. */
typedef struct gv_offline_sums {
    int64_t bids; /* above 0 */
    int64_t bid_nanos;
    int64_t wins;
    int64_t cost_nanos;
} gv_offline_sums;

/* Rounds to nanos, at most GV_OFFLINE_PRICE_END. */
void gv_offline_nanos(const double *money, size_t count, int64_t *nanos);

int64_t gv_offline_value_units(const double *values, size_t count);

/* Lowers bids to `limit`; negative ones stay so, as GV_NO_BID. In place. */
void gv_offline_lower(int64_t *bids, size_t count, int64_t limit);

gv_offline_sums gv_offline_sum(const int64_t *bids, const int64_t *least, size_t count);
int64_t gv_offline_total_nanos(const int64_t *nanos, size_t count);

/* Which of the offers win; returns how many. indices: [count]. */
size_t gv_offline_winners(const int64_t *bids, const int64_t *least, size_t count,
                          uint32_t *indices);

#endif
