/*
 * traffic_impl.h - how the draws of traffic are keyed, the same for every type.
 *
 * An opportunity's own draws have the entity (period, opportunity); what lasts for ticks, a factor,
 * has the entity (purpose, period, subject), where the subject is a category or an advertiser.
 */
#ifndef SIM_MARKET_TRAFFIC_IMPL_H
#define SIM_MARKET_TRAFFIC_IMPL_H

#include "sim/base/random.h"
#include "sim/market/traffic.h"

/* Bits of an entity; gv_traffic_create() refuses what would not fit. */
enum {
    GV_TRAFFIC_PERIOD_BITS = 24,
    GV_TRAFFIC_OPPORTUNITY_BITS = 40,
    GV_TRAFFIC_SUBJECT_BITS = 24,
    GV_TRAFFIC_PURPOSE_SHIFT = 56,
};

/* What a factor is for. */
typedef enum gv_traffic_purpose {
    GV_FACTOR_TRAFFIC,
    GV_FACTOR_CATEGORY,
    GV_FACTOR_ADVERTISER,
    GV_FACTOR_DEVIATION,
    GV_FACTOR_SIGMA,
} gv_traffic_purpose;

static inline uint64_t gv_traffic_entity(uint64_t period, uint64_t opportunity)
{
    return period << GV_TRAFFIC_OPPORTUNITY_BITS | opportunity;
}

static inline gv_random gv_traffic_factor_key(const gv_traffic_setup *setup,
                                              gv_traffic_purpose purpose, uint64_t subject)
{
    const uint64_t entity = (uint64_t)purpose << GV_TRAFFIC_PURPOSE_SHIFT |
                            setup->period << GV_TRAFFIC_SUBJECT_BITS | subject;
    return gv_random_key(setup->seed, GV_STREAM_TRAFFIC, entity);
}

/* Uniform in 1 -+ spread. */
static inline double gv_traffic_factor(const gv_random *key, uint64_t block, double spread)
{
    return 1.0 + spread * (2.0 * gv_random_uniform(key, block) - 1.0);
}

#endif
