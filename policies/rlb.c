/*
 * Bidding by reinforcement learning, RLB: the dynamic programme, with the impression's own pCTR
 * for the click rate when it bids. Cai et al., WSDM 2017; see policies/dp_impl.h.
 */
#include "policies/dp_impl.h"
#include "policies/types_impl.h"

static void rlb_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    bids[0] = gv_dp_price(state, batch, batch->pctr[0]);
}

const gv_policy_type gv_policy_rlb = {
    .info = {.name = "rlb",
             .summary = "dynamic programme over auctions and budget left, at the pCTR",
             .source = "RLB of Cai et al., WSDM 2017, and its public code",
             .params = gv_dp_params,
             .config_size = sizeof(gv_dp_config)},
    .state_size = sizeof(gv_dp_state),
    .reads = GV_READS_PCTR | GV_READS_TIME,
    .one_by_one = true,
    .needs_history = true,
    .fit = gv_dp_fit,
    .init = gv_dp_init,
    .bid = rlb_bid,
    .tick = gv_dp_tick,
    .save = gv_dp_save,
    .restore = gv_dp_restore,
    .fini = gv_dp_end,
};
