/*
 * A trained decision transformer at work: at each tick it is told the return that is still wanted,
 * and names the multiplier that led there.
 *
 *     bid = a x value,    a = network(..., a_(t-1), R_t, s_t)
 *
 * R_t is the target less what was reached so far. The published serving asks for a target of 4
 * times 2000 conversions, five times the best of the training data; 1 is what one training
 * episode in twenty exceeded. In a replay, which has no such state, it bids nothing.
 */
#include "policies/sequence_impl.h"
#include "policies/types_impl.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

static const gv_param dt_params[] = {GV_SEQUENCE_ROWS(SOURCE), {0}};

static gv_status dt_load(const void *config, void **model)
{
    const gv_sequence_config *sequence = config;
    gv_dt_serving serving;
    gv_dt *network = NULL;
    GV_TRY(gv_sequence_serving("dt", sequence, &serving));
    GV_TRY(gv_dt_open(sequence->weights, &serving, &network));
    *model = network;
    return GV_OK;
}

const gv_policy_type gv_policy_dt = {
    .info = {.name = "dt",
             .summary = "decision transformer: the multiplier that led to the return asked for",
             .source = "Chen et al., NeurIPS 2021, arXiv 2106.01345; " SOURCE,
             .params = dt_params,
             .config_size = sizeof(gv_sequence_config)},
    .state_size = sizeof(gv_sequence_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = dt_load,
    .unload = gv_sequence_unload,
    .init = gv_sequence_init,
    .bid = gv_sequence_bid,
    .tick = gv_sequence_tick,
    .save = gv_sequence_save,
    .restore = gv_sequence_restore,
    .fini = gv_sequence_fini,
    .explain = gv_sequence_explain,
};
