/*
 * The dynamic programme that knows the mean click rate alone: bids for time and budget, not for
 * the impression. The baseline of Cai et al., WSDM 2017; see policies/dp_impl.h.
 */
#include "policies/dp_impl.h"
#include "policies/types_impl.h"

static void ss_mdp_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const gv_dp_state *dp = state;
    bids[0] = gv_dp_price(dp, batch, dp->theta);
}

const gv_policy_type gv_policy_ss_mdp = {
    .info = {.name = "ss_mdp",
             .summary = "dynamic programme over auctions and budget left, blind to pCTR",
             .source = "SS-MDP of Cai et al., WSDM 2017, and its public code",
             .params = gv_dp_params,
             .config_size = sizeof(gv_dp_config)},
    .state_size = sizeof(gv_dp_state),
    .reads = GV_READS_TIME,
    .one_by_one = true,
    .needs_history = true,
    .fit = gv_dp_fit,
    .init = gv_dp_init,
    .bid = ss_mdp_bid,
    .tick = gv_dp_tick,
    .save = gv_dp_save,
    .restore = gv_dp_restore,
    .fini = gv_dp_end,
};
