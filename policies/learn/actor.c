#include <math.h>
#include <string.h>

#include "models/nn/dense.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/bounded_impl.h"
#include "sim/base/mem.h"

enum { ROWS = 16 };

struct gv_actor {
    gv_scaling scaling;
    size_t tick_count;
    gv_dense *layers[GV_ACTOR_LAYERS_MAX];
    size_t layer_count;
    size_t width; /* of the widest layer, the state among them */
    bool is_bounded;
    char path[]; /* NUL-ended */
};

struct gv_actor_hand {
    const gv_actor *actor;
    float *front; /* [ROWS][width] */
    float *back;
};

/* Lets the learner's own graph say what tensors there are, and of which shapes. */
static gv_status declare(const gv_actor *actor, const gv_actor_kind *kind, const void *config,
                         gv_params *params)
{
    const gv_graph_config about = {.params = params};
    gv_graph *graph = NULL;
    GV_TRY(gv_graph_create(&about, &graph));
    const gv_shape shape = gv_shape_of(2, (size_t[]){1, actor->scaling.width});
    (void)kind->build(graph, config, &actor->scaling, gv_graph_input(graph, "state", shape));
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph);
    return status;
}

static gv_status pack(gv_actor *actor, const gv_actor_kind *kind, const gv_params *params)
{
    actor->is_bounded = kind->is_bounded;
    actor->width = actor->scaling.width;
    for (; kind->layers[actor->layer_count] != NULL; actor->layer_count++) {
        gv_dense **layer = &actor->layers[actor->layer_count];
        GV_TRY(gv_dense_create(params, kind->layers[actor->layer_count], layer));
        const size_t outputs = gv_dense_outputs(*layer);
        actor->width = outputs > actor->width ? outputs : actor->width;
    }
    return GV_OK;
}

static gv_status build(gv_actor *actor, const gv_actor_kind *kind, const void *config,
                       const gv_weights *weights)
{
    gv_params *params = NULL;
    GV_TRY(gv_params_create(GV_F32, &params));
    gv_status status = declare(actor, kind, config, params);
    if (status == GV_OK) {
        status = gv_weights_expect(weights, GV_ACTOR_PREFIX, params);
    }
    if (status == GV_OK) {
        status = gv_params_draw(params, 0);
    }
    if (status == GV_OK) {
        status = gv_weights_fill(weights, GV_ACTOR_PREFIX, params);
    }
    if (status == GV_OK) {
        status = pack(actor, kind, params);
    }
    gv_params_destroy(params);
    return status;
}

static gv_status load(gv_actor *actor, const gv_actor_kind *kind, void *config)
{
    gv_weights *weights = NULL;
    GV_TRY(gv_weights_open(actor->path, &kind->learner->info, config, &weights));
    actor->scaling = *gv_weights_scaling(weights);
    actor->tick_count = gv_weights_ticks(weights);
    gv_status status = gv_weights_expect_features(weights, kind->features);
    if (status == GV_OK) {
        status = build(actor, kind, config, weights);
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
        for (size_t i = 0; i < GV_ACTOR_LAYERS_MAX; i++) {
            gv_dense_destroy(actor->layers[i]);
        }
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
    hand->front = gv_mem_alloc_vector(ROWS * actor->width, sizeof *hand->front);
    hand->back = gv_mem_alloc_vector(ROWS * actor->width, sizeof *hand->back);
    if (hand->front == NULL || hand->back == NULL) {
        gv_actor_hand_destroy(hand);
        return GV_FAIL(GV_ENOMEM, "%s: no memory to run its network", actor->path);
    }
    *out = hand;
    return GV_OK;
}

void gv_actor_hand_destroy(gv_actor_hand *hand)
{
    if (hand != NULL) {
        gv_mem_free(hand->front);
        gv_mem_free(hand->back);
        gv_mem_free(hand);
    }
}

static void relu(float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        numbers[i] = numbers[i] > 0 ? numbers[i] : 0;
    }
}

/* From the state in `front` through all layers; the last output is in `front` again. */
static void forward(gv_actor_hand *hand, size_t count)
{
    const gv_actor *actor = hand->actor;
    for (size_t i = 0; i < actor->layer_count; i++) {
        float *from = hand->front;
        gv_dense_apply(actor->layers[i], from, count, hand->back);
        if (i + 1 < actor->layer_count) {
            relu(hand->back, count * gv_dense_outputs(actor->layers[i]));
        }
        hand->front = hand->back;
        hand->back = from;
    }
}

static double action_of(const gv_actor *actor, double output)
{
    const double bounded = gv_bounded_limit(&actor->scaling) / (1 + exp(-output));
    return (actor->is_bounded ? bounded : output) * actor->scaling.action_divisor;
}

static void act_rows(gv_actor_hand *hand, const double *states, size_t count, double *actions)
{
    const gv_actor *actor = hand->actor;
    const size_t width = actor->scaling.width;
    for (size_t i = 0; i < count; i++) {
        gv_scaling_state(&actor->scaling, states + i * width, hand->front + i * width);
    }
    forward(hand, count);
    for (size_t i = 0; i < count; i++) {
        actions[i] = action_of(actor, (double)hand->front[i]);
    }
}

void gv_actor_act(gv_actor_hand *hand, const double *states, size_t count, double *actions)
{
    const size_t width = hand->actor->scaling.width;
    for (size_t done = 0; done < count; done += ROWS) {
        const size_t left = count - done;
        act_rows(hand, states + done * width, left < ROWS ? left : ROWS, actions + done);
    }
}
