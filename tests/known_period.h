/*
 * known_period.h - a period of a market that the hindsight oracle foresees, drawn or made by hand,
 * and what its bids come to in it.
 */
#ifndef TESTS_KNOWN_PERIOD_H
#define TESTS_KNOWN_PERIOD_H

#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "sim/market/future.h"
#include "test_random.h"

enum { OPPORTUNITIES_MAX = 400, SLOTS_MAX = 3, TICKS_MAX = 8 };

/* A period to foresee, in its own arrays. */
typedef struct known {
    gv_future base;
    double exposure[SLOTS_MAX];
    uint64_t tick_first[TICKS_MAX + 1];
    float values[OPPORTUNITIES_MAX];
    int64_t prices[SLOTS_MAX * OPPORTUNITIES_MAX];
    size_t count;
    /* Who foresees it. */
    gv_campaign campaign;
    bool is_value; /* the objective */
    double most_cpas;
    int64_t price_step_nanos;
    bool pays_harm;
} known;

typedef struct standing {
    size_t tick;
    int64_t spent;
    uint64_t conversions;
} standing;

/* What a prefix, a subset or a set of bids comes to. */
typedef struct deal {
    double cost; /* nanos */
    double value;
} deal;

static inline double uniform(test_random *random, double low, double high)
{
    return low + (high - low) * (double)test_random_below(random, 1 << 30) / (1 << 30);
}

/* Prices around a third of the CPA for a conversion, a factor of 20 apart; values likewise. */
static inline void draw_opportunity(known *period, test_random *random, size_t i)
{
    const double value = 0.05 * exp(uniform(random, -2, 1));
    double price = 1e9 * exp(uniform(random, -2, 1.5));
    period->values[i] = (float)value;
    for (size_t slot = 0; slot < period->base.slot_count; slot++) {
        period->prices[slot * period->count + i] = (int64_t)price;
        price *= uniform(random, 0.5, 1);
    }
}

static inline void known_draw(known *period, test_random *random, size_t count, size_t slots,
                              size_t ticks)
{
    static const double seen[] = {1, 0.8, 0.48};
    memset(period, 0, sizeof *period);
    period->count = count;
    period->base = (gv_future){.slot_count = slots,
                               .exposure = period->exposure,
                               .tick_count = ticks,
                               .tick_first = period->tick_first,
                               .values = period->values,
                               .prices = period->prices};
    memcpy(period->exposure, seen, slots * sizeof *seen);
    for (size_t tick = 1; tick < ticks; tick++) {
        period->tick_first[tick] =
            (uint64_t)test_random_below(random, (int64_t)(count * tick / ticks) + 1);
        if (period->tick_first[tick] < period->tick_first[tick - 1]) {
            period->tick_first[tick] = period->tick_first[tick - 1];
        }
    }
    period->tick_first[ticks] = count;
    double all = 0;
    for (size_t i = 0; i < count; i++) {
        draw_opportunity(period, random, i);
        all += (double)period->prices[i];
    }
    period->campaign = (gv_campaign){.name = "seer",
                                     .end_us = (int64_t)ticks,
                                     .bid_cap_nanos = INT64_MAX,
                                     .budget_nanos = (int64_t)(all * uniform(random, 0.05, 1.5)),
                                     .cpa_nanos = (int64_t)(1e9 * uniform(random, 5, 60))};
    period->most_cpas = 1e6;
    period->price_step_nanos = 1;
}

static inline policy_config config_of(const known *period)
{
    char most[64];
    (void)snprintf(most, sizeof most, "most_cpas=%.17g", period->most_cpas);
    const char *const text[] = {period->is_value ? "objective=value" : "objective=score", most,
                                NULL};
    return made_config(&gv_policy_oracle_slot, text);
}

static inline gv_status try_oracle(const known *period, bool pays_own_bid, gv_policy **out)
{
    const policy_config config = config_of(period);
    const gv_policy_setup setup = {.config = &config,
                                   .campaign = &period->campaign,
                                   .rules = {.pays_own_bid = pays_own_bid,
                                             .pays_harm = period->pays_harm,
                                             .price_step_nanos = period->price_step_nanos},
                                   .future = &period->base};
    return gv_policy_create(&gv_policy_oracle_slot, &setup, out);
}

static inline gv_policy *oracle_of(const known *period)
{
    gv_policy *policy = NULL;
    assert_int_equal(try_oracle(period, false, &policy), GV_OK);
    return policy;
}

static inline void plan(gv_policy *policy, const known *period, const standing *at)
{
    const gv_observation seen = {
        .tick = at->tick,
        .time_us = (int64_t)at->tick,
        .tick_count = period->base.tick_count,
        .episode_end_us = (int64_t)period->base.tick_count,
        .budget_nanos = period->campaign.budget_nanos,
        .budget_left_nanos = period->campaign.budget_nanos - at->spent,
        .episode = {.spend_nanos = at->spent, .conversions = at->conversions}};
    gv_policy_tick(&policy, &seen, 1);
}

static inline int64_t bid_on(gv_policy *policy, double value)
{
    const gv_batch batch = {.count = 1, .pcvr = &value, .auctions_left = 1};
    int64_t bid = 0;
    gv_policy_bid(policy, &batch, &bid);
    return bid;
}

/* No offer is above it. */
static inline int64_t offer_max(const known *period)
{
    const gv_campaign *campaign = &period->campaign;
    return campaign->bid_cap_nanos < campaign->budget_nanos ? campaign->bid_cap_nanos
                                                            : campaign->budget_nanos;
}

/* Adds a slot: under VCG its winner pays each one below for the views that it takes from them. */
static inline void add_slot(const known *period, size_t i, size_t slot, deal *sum)
{
    const double seen = period->exposure[slot];
    sum->value += seen * (double)period->values[i];
    if (!period->pays_harm) {
        sum->cost += seen * (double)period->prices[slot * period->count + i];
        return;
    }
    for (; slot < period->base.slot_count; slot++) {
        const bool is_last = slot + 1 == period->base.slot_count;
        const double below = is_last ? 0 : period->exposure[slot + 1];
        sum->cost +=
            (period->exposure[slot] - below) * (double)period->prices[slot * period->count + i];
    }
}

/* What the policy's bids buy, expected, from the tick on: the best slot below each offer. */
static inline deal bought(gv_policy *policy, const known *period, const standing *at)
{
    deal sum = {0, 0};
    for (size_t i = period->tick_first[at->tick]; i < period->count; i++) {
        int64_t offer = bid_on(policy, (double)period->values[i]);
        offer = offer < offer_max(period) ? offer : offer_max(period);
        offer -= offer % period->price_step_nanos;
        for (size_t slot = 0; slot < period->base.slot_count; slot++) {
            const int64_t price = period->prices[slot * period->count + i];
            if (offer > price) {
                add_slot(period, i, slot, &sum);
                break;
            }
        }
    }
    return sum;
}

/* min((C / CPA)^2, 1) x conversions, or conversions less what breaks the hard CPA. */
static inline double worth(const known *period, const standing *at, deal sum)
{
    const double cpa = (double)period->campaign.cpa_nanos;
    const double cost = (double)at->spent + sum.cost;
    const double value = (double)at->conversions + sum.value;
    if (cost <= cpa * value) {
        return value;
    }
    if (period->is_value) {
        return value - cost / cpa;
    }
    return value * pow(cpa * value / cost, 2);
}

static inline double left_of(const known *period, const standing *at)
{
    return (double)(period->campaign.budget_nanos - at->spent);
}

#endif
