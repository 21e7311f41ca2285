/* The network of the learner of the same name, asked once a tick with the outlook. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "policies/learn/actor.h"
#include "policies/learned_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/market/landscape.h"
#include "sim/market/outlook.h"

enum { TOGETHER = 64 };

#define TAG "direct"

typedef struct direct_config {
    const char *weights;
} direct_config;

typedef struct direct_state {
    const gv_actor *actor; /* shared */
    gv_actor_hand *hand;
    const gv_campaign *campaign;
    double multiplier; /* nanos a conversion */
} direct_state;

static const gv_param direct_params[] = {
    {.name = "weights",
     .kind = GV_PARAM_PATH,
     .offset = offsetof(direct_config, weights),
     .help = "the weights file, of `gavel train direct`",
     .source = "ours"},
    {0},
};

static gv_status direct_load(const void *config, void **model)
{
    return gv_learned_load_file(&gv_actor_direct, ((const direct_config *)config)->weights, model);
}

static gv_status direct_init(void *state, const gv_policy_setup *setup)
{
    direct_state *direct = state;
    assert(setup->model != NULL);
    if (setup->campaign->cpa_nanos <= 0) {
        return GV_FAIL(GV_EINVAL,
                       "direct: campaign %s does not say what a conversion may cost, in whose "
                       "multiples this policy bids: give its CPA",
                       setup->campaign->name);
    }
    direct->actor = setup->model;
    direct->campaign = setup->campaign;
    GV_TRY(gv_learned_check_ticks(gv_actor_path(direct->actor), gv_actor_ticks(direct->actor),
                                  setup->campaign));
    return gv_actor_hand_create(direct->actor, &direct->hand);
}

static void direct_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const direct_state *direct = state;
    gv_price_scale(batch->pcvr, batch->count, direct->multiplier, bids);
}

static void plan_some(void *const *states, const gv_observation *observations, size_t count)
{
    const direct_state *first = states[0];
    double seen[TOGETHER * GV_OUTLOOK_SIZE] = {0};
    double answers[TOGETHER] = {0};
    for (size_t i = 0; i < count; i++) {
        const direct_state *direct = states[i];
        assert(direct->actor == first->actor);
        gv_outlook_of(&observations[i], direct->campaign, seen + i * GV_OUTLOOK_SIZE);
    }
    gv_actor_act(first->hand, seen, count, answers);
    for (size_t i = 0; i < count; i++) {
        direct_state *direct = states[i];
        const double answer = fmin(fmax(answers[i], GV_LANDSCAPE_LEAST), GV_LANDSCAPE_MOST);
        direct->multiplier = exp(answer) * (double)direct->campaign->cpa_nanos;
    }
}

static void direct_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t done = 0; done < count; done += TOGETHER) {
        const size_t left = count - done;
        plan_some(states + done, observations + done, left < TOGETHER ? left : TOGETHER);
    }
}

/* The network is the file's, and is there again after init. */
static gv_status direct_save(const void *state, gv_writer *writer)
{
    const direct_state *direct = state;
    return gv_writer_put(writer, TAG, &direct->multiplier, sizeof direct->multiplier);
}

static gv_status direct_restore(void *state, gv_reader *reader)
{
    direct_state *direct = state;
    return gv_reader_get(reader, TAG, &direct->multiplier, sizeof direct->multiplier);
}

static void direct_fini(void *state)
{
    gv_actor_hand_destroy(((const direct_state *)state)->hand);
}

const gv_policy_type gv_policy_direct = {
    .info = {.name = "direct",
             .summary = "a network that was taught by the score's own gradient",
             .source = "Madeka et al., Deep Inventory Management, arXiv 2210.03137; the rest ours",
             .params = direct_params,
             .config_size = sizeof(direct_config)},
    .state_size = sizeof(direct_state),
    .reads = GV_READS_PCVR,
    .needs_market = true,
    .load = direct_load,
    .unload = gv_learned_unload,
    .init = direct_init,
    .bid = direct_bid,
    .tick = direct_tick,
    .save = direct_save,
    .restore = direct_restore,
    .fini = direct_fini,
};
