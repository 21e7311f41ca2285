#include <assert.h>
#include <math.h>

#include "policies/cpa_impl.h"
#include "policies/dual_impl.h"
#include "policies/price_impl.h"

#define MULTIPLIER_MIN 1e-6
#define MULTIPLIER_MAX 1e6

#define SOURCE "A Field Guide for Pacing Budget and ROS Constraints"

const gv_param gv_dual_params[] = {
    GV_CPA_PARAM,
    {.name = "mean_value",
     .kind = GV_PARAM_REAL,
     .fallback = "0.0005",
     .minimum = 1e-12,
     .maximum = 1,
     .offset = offsetof(gv_dual_config, mean_value),
     .help = "mean pCVR, which scales the steps",
     .source = "ours; 0.0005 is the mean of AuctionNet's generator"},
    {.name = "auctions",
     .kind = GV_PARAM_INTEGER,
     .fallback = "500000",
     .minimum = 1,
     .maximum = 1e12,
     .offset = offsetof(gv_dual_config, auctions),
     .help = "auctions in an episode",
     .source = "T of the field guide; 500000 is a period of AuctionNet"},
    {.name = "lambda_start",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = MULTIPLIER_MIN,
     .maximum = MULTIPLIER_MAX,
     .offset = offsetof(gv_dual_config, lambda_start),
     .help = "multiplier of the return on spend at an episode's start",
     .source = "ours: above 0, as the field guide's update needs"},
    {.name = "mu_start",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = MULTIPLIER_MIN,
     .maximum = MULTIPLIER_MAX,
     .offset = offsetof(gv_dual_config, mu_start),
     .help = "multiplier of the budget at an episode's start",
     .source = "ours: above 0, as the field guide's update needs"},
    {.name = "alpha",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(gv_dual_config, alpha),
     .help = "step of lambda; auto: 1 / sqrt(auctions)",
     .source = SOURCE ": about 1 / sqrt(T)"},
    {.name = "eta",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(gv_dual_config, eta),
     .help = "step of mu; auto: 1 / sqrt(auctions)",
     .source = SOURCE ": about 1 / sqrt(T)"},
    {0},
};

gv_status gv_dual_init(const char *type, const gv_policy_setup *setup, gv_dual_state *state)
{
    const gv_dual_config *config = setup->config;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, type, &state->cpa_nanos));
    const double auctions = (double)config->auctions;
    const double step = 1 / sqrt(auctions);
    state->mean_nanos = state->cpa_nanos * config->mean_value;
    state->rho = (double)setup->campaign->budget_nanos / auctions / state->mean_nanos;
    state->alpha = isnan(config->alpha) ? step : config->alpha;
    state->eta = isnan(config->eta) ? step : config->eta;
    state->lambda_start = config->lambda_start;
    state->mu_start = config->mu_start;
    state->lambda = config->lambda_start;
    state->mu = config->mu_start;
    return GV_OK;
}

int64_t gv_dual_price(gv_dual_state *state, const gv_batch *batch, double factor)
{
    assert(batch->count == 1);
    const double value = state->cpa_nanos * batch->pcvr[0];
    state->asked = value / state->mean_nanos;
    return gv_price_bid(factor * value);
}

void gv_dual_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gv_dual_state *state = states[i];
        state->is_market = observations[i].market.is_market;
        if (observations[i].tick == 0) {
            state->lambda = state->lambda_start;
            state->mu = state->mu_start;
        }
    }
}

static double step(double multiplier, double rate, double slack)
{
    return fmin(fmax(multiplier * exp(-rate * slack), MULTIPLIER_MIN), MULTIPLIER_MAX);
}

static void hear_auction(gv_dual_state *dual, const gv_outcome *outcome)
{
    const double paid = (double)outcome->price_nanos / dual->mean_nanos;
    const bool is_seen = outcome->won && !(dual->is_market && paid == 0);
    const double gained = is_seen ? dual->asked : 0;
    dual->won_sum += outcome->won ? dual->asked : 0;
    dual->won_count += outcome->won ? 1 : 0;
    dual->lambda = step(dual->lambda, dual->alpha, gained - paid);
    dual->mu = step(dual->mu, dual->eta, dual->rho - paid);
}

/* The rho of its auction was counted with it. */
static void hear_exposure(gv_dual_state *dual, const gv_outcome *outcome)
{
    const double paid = (double)outcome->price_nanos / dual->mean_nanos;
    const double gained = dual->won_count > 0 ? dual->won_sum / dual->won_count : 0;
    dual->lambda = step(dual->lambda, dual->alpha, gained - paid);
    dual->mu = step(dual->mu, dual->eta, -paid);
}

void gv_dual_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].kind == GV_OUTCOME_AUCTION) {
            hear_auction(state, &outcomes[i]);
        } else if (outcomes[i].kind == GV_OUTCOME_EXPOSURE) {
            hear_exposure(state, &outcomes[i]);
        }
    }
}
