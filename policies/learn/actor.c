#include <assert.h>
#include <string.h>

#include "models/nn/tape.h"
#include "policies/learn/actor_impl.h"
#include "sim/base/mem.h"

struct gv_actor {
    gv_scaling scaling;
    size_t tick_count;
    gv_params *params;
    gv_graph *graph;
    gv_node state;
    gv_node action;
    char path[]; /* NUL-ended */
};

struct gv_actor_hand {
    const gv_actor *actor;
    gv_tape *tape;
};

static gv_status build(gv_actor *actor, const gv_actor_kind *kind, const void *config)
{
    GV_TRY(gv_params_create(GV_F32, &actor->params));
    const gv_graph_config graph = {.params = actor->params};
    GV_TRY(gv_graph_create(&graph, &actor->graph));
    const gv_shape shape = gv_shape_of(2, (size_t[]){GV_ACTOR_TILE, GV_STATE_SIZE});
    actor->state = gv_graph_input(actor->graph, "state", shape);
    actor->action = kind->build(actor->graph, config, &actor->scaling, actor->state);
    gv_graph_keep(actor->graph, actor->action);
    GV_TRY(gv_graph_finish(actor->graph, GV_NODE_NONE));
    return gv_params_draw(actor->params, 0);
}

static gv_status load(gv_actor *actor, const gv_actor_kind *kind, void *config)
{
    gv_weights *weights = NULL;
    GV_TRY(gv_weights_open(actor->path, &kind->learner->info, config, &weights));
    actor->scaling = *gv_weights_scaling(weights);
    actor->tick_count = gv_weights_ticks(weights);
    gv_status status = build(actor, kind, config);
    if (status == GV_OK) {
        status = gv_weights_fill(weights, GV_ACTOR_PREFIX, actor->params);
    }
    gv_weights_close(weights);
    return status;
}

gv_status gv_actor_open(const gv_actor_kind *kind, const char *path, gv_actor **out)
{
    const size_t length = strlen(path) + 1;
    gv_actor *actor = gv_mem_alloc(sizeof *actor, length, 1);
    void *config = gv_mem_alloc(0, kind->learner->info.config_size, 1);
    gv_status status = GV_OK;
    if (actor == NULL || config == NULL) {
        status = GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    } else {
        memcpy(actor->path, path, length);
        status = load(actor, kind, config);
    }
    gv_mem_free(config);
    if (status != GV_OK) {
        gv_actor_close(actor);
        return status;
    }
    *out = actor;
    return GV_OK;
}

void gv_actor_close(gv_actor *actor)
{
    if (actor != NULL) {
        gv_graph_destroy(actor->graph);
        gv_params_destroy(actor->params);
        gv_mem_free(actor);
    }
}

size_t gv_actor_ticks(const gv_actor *actor)
{
    return actor->tick_count;
}

const char *gv_actor_path(const gv_actor *actor)
{
    return actor->path;
}

gv_status gv_actor_hand_create(const gv_actor *actor, gv_actor_hand **out)
{
    gv_actor_hand *hand = gv_mem_alloc(sizeof *hand, 0, 0);
    if (hand == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to run its network", actor->path);
    }
    hand->actor = actor;
    const gv_status status = gv_tape_create(actor->graph, actor->params, &hand->tape);
    if (status != GV_OK) {
        gv_actor_hand_destroy(hand);
        return status;
    }
    *out = hand;
    return GV_OK;
}

void gv_actor_hand_destroy(gv_actor_hand *hand)
{
    if (hand != NULL) {
        gv_tape_destroy(hand->tape);
        gv_mem_free(hand);
    }
}

static void act_tile(gv_actor_hand *hand, const double *states, size_t count, double *actions)
{
    const gv_actor *actor = hand->actor;
    float *input = gv_tape_f32(hand->tape, actor->state);
    const gv_tape_step step = {.is_training = false};
    memset(input, 0, GV_ACTOR_TILE * GV_STATE_SIZE * sizeof *input);
    for (size_t i = 0; i < count; i++) {
        gv_scaling_state(&actor->scaling, states + i * GV_STATE_SIZE, input + i * GV_STATE_SIZE);
    }
    gv_tape_forward(hand->tape, &step);
    const float *output = gv_tape_f32(hand->tape, actor->action);
    for (size_t i = 0; i < count; i++) {
        actions[i] = (double)output[i] * actor->scaling.action_divisor;
    }
}

void gv_actor_act(gv_actor_hand *hand, const double *states, size_t count, double *actions)
{
    for (size_t done = 0; done < count; done += GV_ACTOR_TILE) {
        const size_t left = count - done;
        const size_t tile = left < GV_ACTOR_TILE ? left : GV_ACTOR_TILE;
        act_tile(hand, states + done * GV_STATE_SIZE, tile, actions + done);
    }
}
