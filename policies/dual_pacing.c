/*
 * Dual pacing under a budget and a return on spend: one formula from both multipliers. See
 * policies/dual_impl.h.
 */
#include <math.h>

#include "policies/cpa_impl.h"
#include "policies/dual_impl.h"
#include "policies/types_impl.h"

static gv_status dual_pacing_init(void *state, const gv_policy_setup *setup)
{
    return gv_dual_init("dual_pacing", setup, state);
}

static void dual_pacing_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_dual_state *dual = state;
    bids[0] = gv_dual_price(dual, batch, (1 + dual->lambda) / (dual->mu + dual->lambda));
}

const gv_policy_type gv_policy_dual_pacing = {
    .info = {.name = "dual_pacing",
             .summary = "one bid from both multipliers, moved after every auction",
             .source = "A Field Guide for Pacing Budget and ROS Constraints",
             .params = gv_dual_params,
             .config_size = sizeof(gv_dual_config)},
    .state_size = sizeof(gv_dual_state),
    .reads = GV_READS_PCVR,
    .one_by_one = true,
    .fit = gv_cpa_fit,
    .init = dual_pacing_init,
    .bid = dual_pacing_bid,
    .tick = gv_dual_tick,
    .observe = gv_dual_observe,
};
