#include <string.h>

#include "policies/learn/batch_impl.h"
#include "sim/base/mem.h"

gv_status gv_transitions_create(size_t count, gv_transitions **out)
{
    const size_t each = 2 * GV_STATE_SIZE + 3;
    gv_transitions *batch = gv_mem_alloc(sizeof *batch, count * each, sizeof(float));
    if (batch == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a batch of %zu transitions", count);
    }
    float *numbers = (float *)(batch + 1);
    batch->count = count;
    batch->states = numbers;
    batch->nexts = batch->states + count * GV_STATE_SIZE;
    batch->actions = batch->nexts + count * GV_STATE_SIZE;
    batch->rewards = batch->actions + count;
    batch->goes_on = batch->rewards + count;
    *out = batch;
    return GV_OK;
}

void gv_transitions_destroy(gv_transitions *batch)
{
    gv_mem_free(batch);
}

static void take(gv_transitions *batch, const gv_transition_source *source, gv_place place,
                 size_t i)
{
    const gv_scaling *scaling = source->scaling;
    const gv_episode *episode = gv_dataset_at(source->dataset, place.episode);
    const double *rewards = source->is_continuous ? episode->reward_continuous : episode->reward;
    const double *state = episode->state + place.tick * GV_STATE_SIZE;
    const bool is_done = place.tick + 1 == episode->length;
    float *next = batch->nexts + i * GV_STATE_SIZE;
    gv_scaling_state(scaling, state, batch->states + i * GV_STATE_SIZE);
    if (is_done) {
        memset(next, 0, GV_STATE_SIZE * sizeof *next);
    } else {
        gv_scaling_state(scaling, state + GV_STATE_SIZE, next);
    }
    batch->actions[i] = (float)(episode->action[place.tick] / scaling->action_divisor);
    batch->rewards[i] =
        (float)((rewards[place.tick] - scaling->reward_offset) / scaling->reward_divisor);
    batch->goes_on[i] = is_done ? 0.0F : 1.0F;
}

void gv_transitions_draw(gv_transitions *batch, const gv_transition_source *source, uint64_t step)
{
    for (size_t i = 0; i < batch->count; i++) {
        take(batch, source, gv_dataset_draw(source->dataset, source->seed, step, i), i);
    }
}
