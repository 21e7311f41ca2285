/* Behaviour cloning's network, asked once a tick. */
#include "policies/learned_impl.h"
#include "policies/types_impl.h"

static gv_status load(const void *config, void **model)
{
    return gv_learned_load(&gv_actor_bc, config, model);
}

const gv_policy_type gv_policy_bc = {
    .info = {.name = "bc",
             .summary = "a network that does what was done in the log it was trained on",
             .source = "BC baseline of AuctionNet, public code",
             .params = gv_learned_params,
             .config_size = sizeof(gv_learned_config)},
    .state_size = sizeof(gv_learned_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = load,
    .unload = gv_learned_unload,
    .init = gv_learned_init,
    .bid = gv_learned_bid,
    .tick = gv_learned_tick,
    .save = gv_learned_save,
    .restore = gv_learned_restore,
    .fini = gv_learned_fini,
    .explain = gv_learned_explain,
};
