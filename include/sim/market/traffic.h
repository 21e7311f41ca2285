/*
 * traffic.h - where a simulated market's opportunities come from: how many, when, and what each
 * is worth to whom.
 *
 * A traffic type is a constant table. Everything it says is a pure function of (seed, period,
 * opportunity, advertiser): values are drawn lazily, a piece at a time, and a period is never held
 * in memory. A value is the predicted conversion probability of showing this advertiser's ad
 * (pValue); its sigma is how uncertain that prediction is.
 */
#ifndef SIM_MARKET_TRAFFIC_H
#define SIM_MARKET_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"

typedef struct gv_traffic_setup {
    const void *config; /* the type's parameters; borrowed while the traffic lives */
    uint64_t seed;
    uint64_t period; /* another period is another day: other factors, other draws; below 2^24 */
    int64_t start_us;
    int64_t
        zone_us; /* of hours and days of the week in arrival curves: local time is ahead of UTC */
    int64_t tick_us;
    size_t tick_count;
    size_t advertiser_count;
    const uint32_t *categories; /* [advertiser_count], each below 2^24; borrowed */
    bool is_calm;               /* without the demand shock that the config may have */
} gv_traffic_setup;

/* Neighbouring advertisers share draws: what is asked for starts at a multiple of this. */
enum { GV_TRAFFIC_GROUP = 4 };

/* Neighbouring opportunities of one tick, and neighbouring advertisers. */
typedef struct gv_traffic_piece {
    size_t tick;
    uint64_t first; /* counts from the start of the period */
    size_t count;
    uint32_t advertiser; /* the first; a multiple of GV_TRAFFIC_GROUP */
    size_t advertiser_count;
} gv_traffic_piece;

typedef struct gv_traffic_type {
    gv_type_info info;
    size_t state_size; /* the dispatcher allocates it, zeroed */
    /* GV_EINVAL: parameters that do not fit together, or the period. NULL: all do. */
    gv_status (*check)(const void *config, size_t tick_count);
    gv_status (*init)(void *state, const gv_traffic_setup *setup);
    /* Opportunities in the tick. */
    uint64_t (*count)(const void *state, size_t tick);
    /* Ascending times within the tick, of opportunities first, first + 1, ... of the period. */
    void (*times)(const void *state, size_t tick, uint64_t first, size_t count, int64_t *time_us);
    /* values: [advertiser_count][stride], the first `count` of each row; each in [0, 1]. */
    void (*values)(const void *state, const gv_traffic_piece *piece, size_t stride, float *values);
    /* The standard deviation of the true probability around `value`; at most `value`. */
    double (*sigma)(const void *state, uint64_t opportunity, uint32_t advertiser, double value);
    void (*fini)(void *state); /* NULL: nothing to release */
} gv_traffic_type;

extern const gv_traffic_type gv_traffic_auctionnet;
extern const gv_traffic_type gv_traffic_poisson;
extern const gv_traffic_type gv_traffic_log;
extern const gv_traffic_type *const gv_traffic_types[]; /* every type, then NULL */

const gv_traffic_type *gv_traffic_find(const char *name); /* NULL: none of that name */

/* What gv_traffic_create() refuses of the config, told before any period is sold. */
GV_MUST_CHECK gv_status gv_traffic_check(const gv_traffic_type *type, const void *config,
                                         size_t tick_count);

typedef struct gv_traffic gv_traffic;

GV_MUST_CHECK gv_status gv_traffic_create(const gv_traffic_type *type,
                                          const gv_traffic_setup *setup, gv_traffic **out);
void gv_traffic_destroy(gv_traffic *traffic); /* accepts NULL */

/* Opportunities before the tick and, with tick == tick_count, in the whole period. */
uint64_t gv_traffic_before(const gv_traffic *traffic, size_t tick);

uint64_t gv_traffic_count(const gv_traffic *traffic, size_t tick);

/* The tick in which an opportunity of the period lies. */
size_t gv_traffic_tick_of(const gv_traffic *traffic, uint64_t opportunity);

/* `first` counts from the start of the period; the piece lies within the tick (asserted). */
void gv_traffic_times(const gv_traffic *traffic, size_t tick, uint64_t first, size_t count,
                      int64_t *time_us);

/*
 * values: [piece->advertiser_count][stride]. Whatever the piece, an opportunity has the same value
 * for the same advertiser.
 */
void gv_traffic_values(const gv_traffic *traffic, const gv_traffic_piece *piece, size_t stride,
                       float *values);
double gv_traffic_sigma(const gv_traffic *traffic, uint64_t opportunity, uint32_t advertiser,
                        double value);

/*
 * sums: [advertiser_count], of the values of the tick's opportunities; added to what is there, in
 * their order.
 */
GV_MUST_CHECK gv_status gv_traffic_add_up(const gv_traffic *traffic, size_t tick, double *sums);

/*
 * What tells this period's traffic from any other's: a hash of when its opportunities come and
 * what they are worth to the first advertiser. Whoever bids, it is the same; another seed, period
 * or setting of the type gives another.
 */
GV_MUST_CHECK gv_status gv_traffic_hash(const gv_traffic *traffic, uint64_t *hash);

#endif
