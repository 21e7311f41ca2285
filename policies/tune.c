#include <assert.h>
#include <math.h>

#include "policies/plan_impl.h"
#include "policies/tune_impl.h"

enum { BISECTIONS_MAX = 50, GRID_POINTS = 33, SECTIONS = 16 };

#define ENOUGH 1e-6 /* relative width at which a bisection stops */

/* The landscape's answer: each impression as likely as the next, each of mean pCTR. */
static void estimate(const gv_tune *tune, int64_t budget_nanos, gv_tally *result)
{
    const gv_history *history = tune->input->history;
    const gv_plan_share share =
        gv_plan_share_at(history, &tune->input->rules, tune->mean_bid(tune->config));
    const double impressions = (double)history->impressions;
    const double spend = share.spend_nanos * impressions;
    const double afforded = spend > (double)budget_nanos ? (double)budget_nanos / spend : 1;
    const double wins = share.won * impressions * afforded;
    *result = (gv_tally){
        .auctions = history->impressions,
        .wins = (uint64_t)wins,
        .spend_nanos = (int64_t)fmin(spend * afforded, 9e18),
        .expected_nanoclicks = (int64_t)(wins * tune->click_rate * GV_NANO_EVENTS),
    };
}

gv_status gv_tune_try(gv_tune *tune, double x, int64_t budget_nanos, gv_tally *result)
{
    const gv_fit_input *input = tune->input;
    if (!gv_progress_report(tune->progress, tune->what, tune->trials, tune->trials_max)) {
        return GV_FAIL(GV_ESTOPPED, "%s: the fit was stopped", tune->what);
    }
    tune->set(tune->config, x);
    if (input->try_config == NULL) {
        estimate(tune, budget_nanos, result);
    } else {
        GV_TRY(input->try_config(input->trial, tune->config, budget_nanos, result));
    }
    tune->trials++;
    return GV_OK;
}

gv_status gv_tune_spend(gv_tune *tune, double low, double high, double *x)
{
    assert(0 < low);
    assert(low <= high);
    const int64_t budget = gv_plan_budget(tune->input->campaign, tune->input->history);
    gv_tally result = {0};
    tune->trials_max = tune->trials + BISECTIONS_MAX;
    GV_TRY(gv_tune_try(tune, high, INT64_MAX, &result));
    if (result.spend_nanos <= budget) {
        *x = high;
        return GV_OK;
    }
    for (int i = 1; i < BISECTIONS_MAX && high > low * (1 + ENOUGH); i++) {
        const double middle = sqrt(low) * sqrt(high);
        GV_TRY(gv_tune_try(tune, middle, INT64_MAX, &result));
        if (result.spend_nanos <= budget) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *x = low;
    return GV_OK;
}

static gv_status clicks_at(gv_tune *tune, double x, int64_t *clicks)
{
    gv_tally result = {0};
    const int64_t budget = gv_plan_budget(tune->input->campaign, tune->input->history);
    GV_TRY(gv_tune_try(tune, x, budget, &result));
    *clicks = tune->click_rate > 0 ? result.expected_nanoclicks : (int64_t)result.wins;
    return GV_OK;
}

/* Golden sections for the maximum between low and high, in log x; `best` is where they start. */
static gv_status refine(gv_tune *tune, double low, double high, double *best, int64_t *best_clicks)
{
    const double golden = (sqrt(5) - 1) / 2;
    double a = log(low);
    double b = log(high);
    double inner[2] = {b - golden * (b - a), a + golden * (b - a)};
    int64_t clicks[2] = {0, 0};
    GV_TRY(clicks_at(tune, exp(inner[0]), &clicks[0]));
    GV_TRY(clicks_at(tune, exp(inner[1]), &clicks[1]));
    for (int i = 0; i < SECTIONS; i++) {
        const size_t better = clicks[1] > clicks[0];
        const double x = exp(inner[better]);
        if (clicks[better] > *best_clicks || (clicks[better] == *best_clicks && x < *best)) {
            *best = x;
            *best_clicks = clicks[better];
        }
        a = better == 1 ? inner[0] : a;
        b = better == 1 ? b : inner[1];
        inner[1 - better] = inner[better];
        clicks[1 - better] = clicks[better];
        inner[better] = better == 1 ? a + golden * (b - a) : b - golden * (b - a);
        GV_TRY(clicks_at(tune, exp(inner[better]), &clicks[better]));
    }
    return GV_OK;
}

gv_status gv_tune_clicks(gv_tune *tune, double low, double high, double *x)
{
    assert(0 < low);
    assert(low < high);
    tune->trials_max = tune->trials + GRID_POINTS + SECTIONS + 2;
    const double ratio = pow(high / low, 1.0 / (GRID_POINTS - 1));
    double best = low;
    int64_t best_clicks = -1;
    for (int i = 0; i < GRID_POINTS; i++) {
        const double point = low * pow(ratio, i);
        int64_t clicks = 0;
        GV_TRY(clicks_at(tune, point, &clicks));
        if (clicks > best_clicks) {
            best = point;
            best_clicks = clicks;
        }
    }
    const double left = fmax(low, best / ratio);
    const double right = fmin(high, best * ratio);
    GV_TRY(refine(tune, left, right, &best, &best_clicks));
    *x = best;
    return GV_OK;
}
