/*
 * Max-eCPC: pays for an impression what its expected clicks cost in the past ("Mcpc").
 *
 *     bid = eCPC x pCTR,   eCPC = cost / clicks of the history
 *
 * Truthful bidding for an advertiser to whom a click is worth the eCPC; it does not look at the
 * budget. Formula and eCPC as in the public code of Cai et al., WSDM 2017.
 */
#include <math.h>
#include <stddef.h>

#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct mcpc_config {
    int64_t ecpc_nanos;
    int32_t rate_from;
} mcpc_config;

typedef struct mcpc_state {
    double ecpc_nanos;
} mcpc_state;

static const gv_param mcpc_params[] = {
    {.name = "ecpc",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(mcpc_config, ecpc_nanos),
     .help = "cost of a click; auto: cost over clicks of the history",
     .source = "cost_train / clk_train, public code of Cai et al., WSDM 2017"},
    {.name = "rate_from",
     .kind = GV_PARAM_CHOICE,
     .fallback = "auto",
     .choices = gv_plan_rate_choices,
     .offset = offsetof(mcpc_config, rate_from),
     .help = GV_PLAN_RATE_HELP,
     .source = "logged: public code of Cai et al., WSDM 2017; predicted: ours, for sampled logs"},
    {0},
};

static gv_status mcpc_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    (void)progress;
    mcpc_config *fitted = config;
    if (fitted->ecpc_nanos != GV_PARAM_UNSET) {
        return GV_OK;
    }
    double nanos = 0;
    int32_t rate_from = fitted->rate_from;
    GV_TRY(gv_plan_click_cost(input->history, "mcpc", &rate_from, &nanos));
    *fitted = (mcpc_config){gv_price_round(round(nanos)), rate_from};
    return GV_OK;
}

static gv_status mcpc_init(void *state, const gv_policy_setup *setup)
{
    const mcpc_config *config = setup->config;
    if (config->ecpc_nanos == GV_PARAM_UNSET) {
        return GV_FAIL(GV_EINVAL, "mcpc: ecpc is not set and was not fitted");
    }
    *(mcpc_state *)state = (mcpc_state){(double)config->ecpc_nanos};
    return GV_OK;
}

static void mcpc_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pctr, batch->count, ((const mcpc_state *)state)->ecpc_nanos, bids);
}

const gv_policy_type gv_policy_mcpc = {
    .info = {.name = "mcpc",
             .summary = "past cost of a click times pCTR, whatever the budget",
             .source = "Mcpc of Zhang et al. 2014, arXiv 1407.7073",
             .params = mcpc_params,
             .config_size = sizeof(mcpc_config)},
    .state_size = sizeof(mcpc_state),
    .reads = GV_READS_PCTR,
    .needs_history = true,
    .fit = mcpc_fit,
    .init = mcpc_init,
    .bid = mcpc_bid,
};
