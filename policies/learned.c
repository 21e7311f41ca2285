/*
 * The campaigns of one weights file plan together, one product for all of them; the products are
 * such that a campaign's bids depend neither on its companions nor on its place among them.
 */
#include <assert.h>
#include <inttypes.h>

#include "policies/learned_impl.h"
#include "policies/price_impl.h"
#include "sim/base/money.h"

enum { TOGETHER = 64 };

#define TAG "learned"

const char *const gv_learned_windows[] = {"latest", "first", NULL};

const gv_param gv_learned_params[] = {GV_LEARNED_ROWS, {0}};

gv_status gv_learned_check_weights(const char *weights)
{
    if (weights == NULL) {
        return GV_FAIL(GV_EINVAL, "a learned policy needs `weights:`, a file of `gavel train`");
    }
    return GV_OK;
}

gv_status gv_learned_load_file(const gv_actor_kind *kind, const char *weights, void **model)
{
    gv_actor *actor = NULL;
    GV_TRY(gv_learned_check_weights(weights));
    GV_TRY(gv_actor_open(kind, weights, &actor));
    *model = actor;
    return GV_OK;
}

gv_status gv_learned_load(const gv_actor_kind *kind, const void *config, void **model)
{
    return gv_learned_load_file(kind, ((const gv_learned_config *)config)->weights, model);
}

void gv_learned_unload(void *model)
{
    gv_actor_close(model);
}

gv_status gv_learned_check_ticks(const char *path, size_t known, const gv_campaign *campaign)
{
    const int64_t length_us = campaign->end_us - campaign->start_us;
    const int64_t ticks = (length_us + campaign->tick_us - 1) / campaign->tick_us;
    if (ticks != (int64_t)known) {
        return GV_FAIL(GV_EINVAL,
                       "%s: its network was trained on periods of %zu ticks, and this campaign has "
                       "%" PRId64 ": train it on such periods, or sell such ones",
                       path, known, ticks);
    }
    return GV_OK;
}

gv_status gv_learned_init(void *state, const gv_policy_setup *setup)
{
    gv_learned_state *learned = state;
    const gv_learned_config *config = setup->config;
    assert(setup->model != NULL);
    learned->actor = setup->model;
    learned->window = (gv_state_window)config->window;
    GV_TRY(gv_learned_check_ticks(gv_actor_path(learned->actor), gv_actor_ticks(learned->actor),
                                  setup->campaign));
    return gv_actor_hand_create(learned->actor, &learned->hand);
}

void gv_learned_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const gv_learned_state *learned = state;
    gv_price_scale(batch->pcvr, batch->count, learned->multiplier, bids);
}

static void plan_some(void *const *states, const gv_observation *observations, size_t count)
{
    const gv_learned_state *first = states[0];
    double seen[TOGETHER * GV_STATE_SIZE] = {0};
    double actions[TOGETHER] = {0};
    for (size_t i = 0; i < count; i++) {
        const gv_learned_state *learned = states[i];
        assert(learned->actor == first->actor);
        gv_state_of(&observations[i], learned->window, seen + i * GV_STATE_SIZE);
    }
    gv_actor_act(first->hand, seen, count, actions);
    for (size_t i = 0; i < count; i++) {
        gv_learned_state *learned = states[i];
        learned->multiplier = actions[i] * (double)GV_NANOS_PER_UNIT;
    }
}

void gv_learned_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t done = 0; done < count; done += TOGETHER) {
        const size_t left = count - done;
        plan_some(states + done, observations + done, left < TOGETHER ? left : TOGETHER);
    }
}

/* The network is the file's, and is there again after init. */
gv_status gv_learned_save(const void *state, gv_writer *writer)
{
    const gv_learned_state *learned = state;
    return gv_writer_put(writer, TAG, &learned->multiplier, sizeof learned->multiplier);
}

gv_status gv_learned_restore(void *state, gv_reader *reader)
{
    gv_learned_state *learned = state;
    return gv_reader_get(reader, TAG, &learned->multiplier, sizeof learned->multiplier);
}

void gv_learned_fini(void *state)
{
    const gv_learned_state *learned = state;
    gv_actor_hand_destroy(learned->hand);
}

void gv_learned_explain(const void *state, gv_explanation *out)
{
    out->multiplier = ((const gv_learned_state *)state)->multiplier / (double)GV_NANOS_PER_UNIT;
    out->plan_ticks = 0;
}
