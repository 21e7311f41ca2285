#include <assert.h>
#include <math.h>

#include "policies/plan_impl.h"
#include "sim/base/clock.h"

const char *const gv_plan_rate_choices[] = {"logged", "predicted", NULL};

gv_status gv_plan_need(const gv_history *history, const char *type, const char *what)
{
    if (history == NULL) {
        return GV_FAIL(GV_EINVAL,
                       "%s: %s is not set and there is no history to take it from: "
                       "set it, or give the scenario a history",
                       type, what);
    }
    if (history->impressions == 0) {
        return GV_FAIL(GV_EINVAL,
                       "%s: the history \"%s\" has no impressions to take %s from: set it, or "
                       "give another history",
                       type, history->name, what);
    }
    return GV_OK;
}

static bool has_predictions(const gv_history *history)
{
    return isfinite(history->mean_pctr);
}

gv_status gv_plan_click_rate(const gv_history *history, const char *type, int32_t *choice,
                             double *rate)
{
    GV_TRY(gv_plan_need(history, type, "a click rate"));
    const int32_t unset = -1;
    if (*choice == unset) {
        *choice = has_predictions(history) ? GV_PLAN_PREDICTED : GV_PLAN_LOGGED;
    }
    const bool predicted = *choice == GV_PLAN_PREDICTED;
    if (predicted && !has_predictions(history)) {
        return GV_FAIL(GV_EINVAL,
                       "%s: the history \"%s\" has no pCTR, so rate_from cannot be `predicted`: "
                       "set it to `logged`",
                       type, history->name);
    }
    const double logged = (double)history->clicks / (double)history->impressions;
    const double found = predicted ? history->mean_pctr : logged;
    if (!(found > 0)) {
        return GV_FAIL(GV_EINVAL,
                       "%s: the history \"%s\" has %s, so its click rate is 0 and nothing can be "
                       "fitted to it: give a longer history, %s",
                       type, history->name, predicted ? "no pCTR above 0" : "no clicks",
                       predicted ? "or another predictor" : "or set rate_from to `predicted`");
    }
    *rate = found;
    return GV_OK;
}

gv_status gv_plan_click_cost(const gv_history *history, const char *type, int32_t *choice,
                             double *nanos)
{
    double rate = 0;
    GV_TRY(gv_plan_click_rate(history, type, choice, &rate));
    /* Not cost / (impressions * rate), which would round twice where clicks are counted. */
    const double clicks =
        *choice == GV_PLAN_LOGGED ? (double)history->clicks : rate * (double)history->impressions;
    *nanos = (double)history->cost_nanos / clicks;
    return GV_OK;
}

double gv_plan_episodes(const gv_campaign *campaign, const gv_history *history)
{
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        return (double)history->impressions / (double)campaign->episode_auctions;
    }
    const double history_us = (double)history->end_us - (double)history->start_us;
    const double campaign_us = (double)campaign->end_us - (double)campaign->start_us;
    const bool daily = campaign->episode == GV_EPISODE_DAILY;
    const double episode_us = daily ? fmin(campaign_us, (double)GV_US_PER_DAY) : campaign_us;
    return history_us > 0 && episode_us > 0 ? history_us / episode_us : 1;
}

int64_t gv_plan_budget(const gv_campaign *campaign, const gv_history *history)
{
    const double scaled = (double)campaign->budget_nanos * gv_plan_episodes(campaign, history);
    return scaled < (double)INT64_MAX ? (int64_t)scaled : INT64_MAX;
}

double gv_plan_auctions(const gv_campaign *campaign, const gv_history *history)
{
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        return (double)campaign->episode_auctions;
    }
    return fmax(1, round((double)history->impressions / gv_plan_episodes(campaign, history)));
}

double gv_plan_top_price(const gv_history *history)
{
    size_t top = 1;
    for (size_t i = 1; i < history->price_count; i++) {
        top = history->price_counts[i] > 0 ? i : top;
    }
    return (double)top * (double)history->price_step_nanos;
}

gv_plan_share gv_plan_share_at(const gv_history *history, const gv_market_rules *rules,
                               double bid_nanos)
{
    const double step = (double)history->price_step_nanos;
    double won = 0;
    double paid = 0;
    double total = 0;
    for (size_t i = 0; i < history->price_count; i++) {
        const double price = (double)i * step;
        const double count = (double)history->price_counts[i];
        total += count;
        won += price <= bid_nanos ? count : 0;
        paid += price <= bid_nanos ? count * (rules->pays_own_bid ? bid_nanos : price) : 0;
    }
    return total > 0 ? (gv_plan_share){won / total, paid / total} : (gv_plan_share){0, 0};
}
