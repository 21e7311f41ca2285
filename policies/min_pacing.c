/*
 * Min-pacing under a budget and a return on spend: each multiplier makes its own bid, and the lower
 * one is made. See policies/dual_impl.h.
 */
#include <math.h>

#include "policies/cpa_impl.h"
#include "policies/dual_impl.h"
#include "policies/types_impl.h"

static gv_status min_pacing_init(void *state, const gv_policy_setup *setup)
{
    return gv_dual_init("min_pacing", setup, state);
}

static void min_pacing_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_dual_state *dual = state;
    bids[0] = gv_dual_price(dual, batch, fmin((1 + dual->lambda) / dual->lambda, 1 / dual->mu));
}

const gv_policy_type gv_policy_min_pacing = {
    .info = {.name = "min_pacing",
             .summary = "the lower of two bids, one for each constraint, moved after every auction",
             .source = "A Field Guide for Pacing Budget and ROS Constraints",
             .params = gv_dual_params,
             .config_size = sizeof(gv_dual_config)},
    .state_size = sizeof(gv_dual_state),
    .reads = GV_READS_PCVR,
    .one_by_one = true,
    .fit = gv_cpa_fit,
    .init = min_pacing_init,
    .bid = min_pacing_bid,
    .tick = gv_dual_tick,
    .observe = gv_dual_observe,
};
