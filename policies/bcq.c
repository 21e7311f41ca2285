/*
 * Batch-constrained Q-learning's networks, asked once a tick: candidates are drawn, and the one
 * that the critic thinks most of is bid. The draws are keyed by seed, campaign and tick.
 */
#include "policies/learn/bcq.h"

#include <assert.h>

#include "policies/learned_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/money.h"

enum { CANDIDATES_MAX = 1000 };

#define TAG "bcq"

typedef struct bcq_config {
    gv_learned_config learned;
    int64_t candidates;
} bcq_config;

typedef struct bcq_state {
    gv_bcq_hand *hand;
    gv_state_window window;
    gv_random draws;
    double multiplier; /* nanos a conversion */
} bcq_state;

static const gv_param bcq_params[] = {
    GV_LEARNED_ROWS,
    {.name = "candidates",
     .kind = GV_PARAM_INTEGER,
     .fallback = "100",
     .minimum = 1,
     .maximum = CANDIDATES_MAX,
     .offset = offsetof(bcq_config, candidates),
     .help = "generated actions among which the critic chooses",
     .source = "public code of AuctionNet, arXiv 2412.10798"},
    {0},
};

static gv_status bcq_load(const void *config, void **model)
{
    const bcq_config *bcq = config;
    gv_bcq *network = NULL;
    GV_TRY(gv_learned_check_weights(bcq->learned.weights));
    GV_TRY(gv_bcq_open(bcq->learned.weights, (size_t)bcq->candidates, &network));
    *model = network;
    return GV_OK;
}

static void bcq_unload(void *model)
{
    gv_bcq_close(model);
}

static gv_status bcq_init(void *state, const gv_policy_setup *setup)
{
    bcq_state *bcq = state;
    const gv_bcq *network = setup->model;
    const bcq_config *config = setup->config;
    assert(network != NULL);
    bcq->window = (gv_state_window)config->learned.window;
    bcq->draws = gv_random_key(setup->seed, GV_STREAM_CANDIDATE, setup->campaign->number);
    GV_TRY(gv_learned_check_ticks(gv_bcq_path(network), gv_bcq_ticks(network), setup->campaign));
    return gv_bcq_hand_create(network, &bcq->hand);
}

static void bcq_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const bcq_state *bcq = state;
    gv_price_scale(batch->pcvr, batch->count, bcq->multiplier, bids);
}

static void bcq_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bcq_state *bcq = states[i];
        double seen[GV_STATE_SIZE] = {0};
        gv_state_of(&observations[i], bcq->window, seen);
        bcq->multiplier = gv_bcq_act(bcq->hand, seen, &bcq->draws, observations[i].tick) *
                          (double)GV_NANOS_PER_UNIT;
    }
}

/* The networks are the file's, and are there again after init. */
static gv_status bcq_save(const void *state, gv_writer *writer)
{
    const bcq_state *bcq = state;
    return gv_writer_put(writer, TAG, &bcq->multiplier, sizeof bcq->multiplier);
}

static gv_status bcq_restore(void *state, gv_reader *reader)
{
    bcq_state *bcq = state;
    return gv_reader_get(reader, TAG, &bcq->multiplier, sizeof bcq->multiplier);
}

static void bcq_fini(void *state)
{
    gv_bcq_hand_destroy(((const bcq_state *)state)->hand);
}

static void bcq_explain(const void *state, gv_explanation *out)
{
    out->multiplier = ((const bcq_state *)state)->multiplier / (double)GV_NANOS_PER_UNIT;
    out->plan_ticks = 0;
}

const gv_policy_type gv_policy_bcq = {
    .info = {.name = "bcq",
             .summary =
                 "networks of batch-constrained Q-learning, asked once a tick for a multiplier",
             .source = "BCQ baseline of AuctionNet, public code; Fujimoto et al., ICML 2019",
             .params = bcq_params,
             .config_size = sizeof(bcq_config)},
    .state_size = sizeof(bcq_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = bcq_load,
    .unload = bcq_unload,
    .init = bcq_init,
    .bid = bcq_bid,
    .tick = bcq_tick,
    .save = bcq_save,
    .restore = bcq_restore,
    .fini = bcq_fini,
    .explain = bcq_explain,
};
