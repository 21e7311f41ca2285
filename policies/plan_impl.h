/*
 * plan_impl.h - what a policy takes from its history: rates, prices, and how much of the
 * campaign the history stands for.
 *
 * The number of auctions to come is not known before a campaign; a fit assumes that they come
 * at the history's rate. That assumption, and each fallback below, is ours.
 */
#ifndef POLICIES_PLAN_IMPL_H
#define POLICIES_PLAN_IMPL_H

#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/policy.h"

/* Where a history's click rate is taken from; the choices of a parameter. */
typedef enum gv_plan_rate { GV_PLAN_LOGGED, GV_PLAN_PREDICTED } gv_plan_rate;

extern const char *const gv_plan_rate_choices[]; /* NULL-ended, indexed by gv_plan_rate */

#define GV_PLAN_RATE_HELP                                                                    \
    "where the history's click rate comes from: `logged`, its clicks over its impressions, " \
    "or `predicted`, the mean of its pCTR; auto: predicted where the history has it"

/* GV_EINVAL when there is no history or no impression in it: `what` of `type` wants one. */
GV_MUST_CHECK gv_status gv_plan_need(const gv_history *history, const char *type, const char *what);

/* Settles an unset *choice (-1) and gives that rate, which is above 0. */
GV_MUST_CHECK gv_status gv_plan_click_rate(const gv_history *history, const char *type,
                                           int32_t *choice, double *rate);

/* Cost of the history over its clicks, counted or expected as `choice` says, as above. */
GV_MUST_CHECK gv_status gv_plan_click_cost(const gv_history *history, const char *type,
                                           int32_t *choice, double *nanos);

/*
 * Episodes of the campaign that the history is as long as: by auctions or by time, as the
 * campaign counts them; 1 where the history has no times.
 */
double gv_plan_episodes(const gv_campaign *campaign, const gv_history *history);

/* The episode budget scaled to the length of the history. */
int64_t gv_plan_budget(const gv_campaign *campaign, const gv_history *history);

/* Auctions expected in one episode, at least 1. */
double gv_plan_auctions(const gv_campaign *campaign, const gv_history *history);

/* The highest price of the landscape, nanos, at least one step. */
double gv_plan_top_price(const gv_history *history);

/* Of impressions drawn from the landscape: how many a bid wins, and their cost. */
typedef struct gv_plan_share {
    double won;         /* share of the impressions */
    double spend_nanos; /* mean over all impressions, won or not */
} gv_plan_share;

/* Prices at the lower edge of their bin; ties win. O(price_count). */
gv_plan_share gv_plan_share_at(const gv_history *history, const gv_market_rules *rules,
                               double bid_nanos);

#endif
