/*
 * campaign.h - what an advertiser asks for: budget, time, cap, episodes.
 */
#ifndef SIM_MARKET_CAMPAIGN_H
#define SIM_MARKET_CAMPAIGN_H

#include <stdint.h>

typedef enum gv_episode_kind {
    GV_EPISODE_WHOLE,    /* one budget for the whole campaign */
    GV_EPISODE_DAILY,    /* the budget anew at each local midnight */
    GV_EPISODE_AUCTIONS, /* the budget anew every `episode_auctions` opportunities */
} gv_episode_kind;

typedef struct gv_campaign {
    const char *name;
    uint64_t number;  /* key of its random streams; the same under every policy */
    int64_t start_us; /* [start, end) */
    int64_t end_us;
    int64_t budget_nanos;  /* of each episode; 0 is allowed and buys nothing but free impressions */
    int64_t bid_cap_nanos; /* no bid is above it; INT64_MAX: none */
    gv_episode_kind episode;
    uint64_t episode_auctions;
    int64_t tick_us;        /* how often policies plan and ticks are recorded, from start_us */
    int64_t zone_offset_us; /* of local midnights and hours */
    int64_t click_nanos;    /* what a click is worth to the advertiser; GV_PARAM_UNSET: not said */
    int64_t cpa_nanos;      /* what a conversion may cost on average; 0, GV_PARAM_UNSET: not said */
    int64_t conversion_nanos; /* what a conversion is worth; 0, GV_PARAM_UNSET: not said */
} gv_campaign;

#endif
