/*
 * market.h - the sections of a scenario that sells a simulated market instead of replaying a log.
 *
 *   market:      {periods: 20, slots: 3, exposure: [1, 0.8, 0.6], contenders: [pid, oracle_slot]}
 *   traffic:     {type: auctionnet}
 *   advertisers: {count: 48, categories: 6, budget: [3000, 4000], cpa: [80], policies: [pid, abid]}
 *
 * Lists shorter than the number of advertisers are gone through again and again, so the third
 * advertiser of two budgets has the first of them.
 */
#ifndef SCENARIOS_CONFIG_MARKET_H
#define SCENARIOS_CONFIG_MARKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/section.h"
#include "sim/market/traffic.h"

enum { GV_STALE_MAX = 10000 }; /* ticks */

/* What a contender meets when it takes an advertiser's place. */
typedef enum gv_rivals_kind { GV_RIVALS_FIXED, GV_RIVALS_REACTING } gv_rivals_kind;

typedef struct gv_market_settings {
    int64_t first_period;
    int64_t periods;
    int64_t ticks;
    int64_t tick_us;
    int64_t slots;
    int64_t delay_us; /* mean, of conversions */
    double delay_shape;
    int64_t exposure_delay_us;
    double exposure_delay_shape;
    double contender_budget; /* multiplies that of whose place a contender takes */
    double contender_belief; /* multiplies what a contender believes that values are */
    double contender_noise;  /* of what a contender believes */
    double contender_cold;   /* share of which it knows nothing */
    int64_t contender_stale; /* ticks that its beliefs of a tick's level are old */
    int64_t history_period;  /* GV_PARAM_UNSET: the one before the first */
    int64_t min_remaining_nanos;
    int32_t delay_law; /* index into gv_delay_types, as is the next */
    int32_t exposure_delay_law;
    int32_t rivals;     /* gv_rivals_kind */
    int32_t least_cost; /* gv_least_cost */
    int32_t overspend;  /* gv_overspend */
    bool cascade;
    bool keep_ticks;
    bool reserve_unsold;
    bool repeat_draws;
} gv_market_settings;

typedef struct gv_advertiser_settings {
    int64_t count;
    int64_t categories;
    double budget_scale;
    double cpa_scale;
    int64_t bid_cap_nanos;    /* GV_PARAM_UNSET: none */
    int64_t conversion_nanos; /* GV_PARAM_UNSET: the CPA */
    int64_t bid_scale_from;   /* tick */
} gv_advertiser_settings;

/* One item of a list, as written. */
typedef struct gv_list_item {
    const char *text;
    gv_mark mark;
} gv_list_item;

typedef struct gv_list {
    const gv_list_item *items; /* [count] */
    size_t count;
} gv_list;

typedef struct gv_market_plan {
    gv_market_settings *settings;
    double *exposure; /* [settings->slots] */
    gv_list contenders;
    gv_section section;
    const gv_traffic_type *traffic;
    gv_section traffic_section;
    gv_advertiser_settings *advertisers;
    int64_t *budgets; /* [budget_count], nanos */
    size_t budget_count;
    int64_t *cpas; /* [cpa_count], nanos */
    size_t cpa_count;
    double *bid_scales; /* [bid_scale_count], of the advertisers' own policies */
    size_t bid_scale_count;
    double *belief_scales; /* [belief_scale_count] */
    size_t belief_scale_count;
    double *belief_noises; /* [belief_noise_count] */
    size_t belief_noise_count;
    double *belief_colds; /* [belief_cold_count] */
    size_t belief_cold_count;
    double *belief_stales; /* [belief_stale_count], whole ticks */
    size_t belief_stale_count;
    gv_list policies;
    gv_section advertiser_section;
} gv_market_plan;

#endif
