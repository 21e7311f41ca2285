/*
 * Max CPA: pays for an impression what its expected conversions may cost.
 *
 *     bid = factor C x pCVR
 *
 * Truthful bidding for an advertiser to whom a conversion is worth C; it does not look at the
 * budget. AuctionNet's environment and the papers on it write bid = alpha C pValue: this is a
 * constant alpha.
 */
#include <math.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct mcpa_config {
    int64_t cpa_nanos;
    double factor;
} mcpa_config;

typedef struct mcpa_state {
    double multiplier; /* nanos a conversion */
} mcpa_state;

static const gv_param mcpa_params[] = {
    GV_CPA_PARAM,
    {.name = "factor",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1e6,
     .offset = offsetof(mcpa_config, factor),
     .help = "multiplies the CPA",
     .source = "alpha of Su et al., AuctionNet, arXiv 2412.10798"},
    {0},
};

static gv_status mcpa_init(void *state, const gv_policy_setup *setup)
{
    const mcpa_config *config = setup->config;
    double cpa = 0;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, "mcpa", &cpa));
    *(mcpa_state *)state = (mcpa_state){config->factor * cpa};
    return GV_OK;
}

static void mcpa_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const mcpa_state *)state)->multiplier, bids);
}

const gv_policy_type gv_policy_mcpa = {
    .info = {.name = "mcpa",
             .summary = "what a conversion may cost times pCVR, whatever the budget",
             .source = "a constant alpha in AuctionNet's bid = alpha C pValue, arXiv 2412.10798",
             .params = mcpa_params,
             .config_size = sizeof(mcpa_config)},
    .state_size = sizeof(mcpa_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = mcpa_init,
    .bid = mcpa_bid,
};
