/*
 * AuctionNet's baseline "Abid": bids with the square of the value.
 *
 *     bid = CPA x pCVR^2 / mean pCVR of the tick
 *
 * Public code of Su et al., AuctionNet (arXiv 2412.10798). The mean is what the market announces
 * when a tick begins; a replay announces nothing, and `mean_value` stands in for it.
 */
#include <math.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct abid_config {
    int64_t cpa_nanos;
    double mean_value;
} abid_config;

typedef struct abid_state {
    double cpa_nanos;
    double mean_value; /* 0: unknown */
    double factor;     /* nanos for a value of 1, squared */
} abid_state;

static const gv_param abid_params[] = {
    GV_CPA_PARAM,
    {.name = "mean_value",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 1,
     .offset = offsetof(abid_config, mean_value),
     .help = "mean pCVR where the market announces none, as in a replay; 0: then nothing is bid",
     .source = "ours"},
    {0},
};

static void set_factor(abid_state *abid, double mean)
{
    abid->factor = mean > 0 ? abid->cpa_nanos / mean : 0;
}

static gv_status abid_init(void *state, const gv_policy_setup *setup)
{
    const abid_config *config = setup->config;
    abid_state *abid = state;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, "abid", &abid->cpa_nanos));
    abid->mean_value = config->mean_value;
    set_factor(abid, config->mean_value);
    return GV_OK;
}

static void abid_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale_square(batch->pcvr, batch->count, ((const abid_state *)state)->factor, bids);
}

static void abid_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        abid_state *abid = states[i];
        const gv_market_view *market = &observations[i].market;
        set_factor(abid, market->is_market ? market->announced_value : abid->mean_value);
    }
}

const gv_policy_type gv_policy_abid = {
    .info = {.name = "abid",
             .summary = "bids with the square of pCVR, to the CPA at its mean",
             .source = "Abid baseline of AuctionNet, public code",
             .params = abid_params,
             .config_size = sizeof(abid_config)},
    .state_size = sizeof(abid_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = abid_init,
    .bid = abid_bid,
    .tick = abid_tick,
};
