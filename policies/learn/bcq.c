#include "policies/learn/bcq.h"

#include <assert.h>
#include <string.h>

#include "models/nn/tape.h"
#include "policies/learn/bcq_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/weights.h"
#include "sim/base/mem.h"

struct gv_bcq {
    gv_bcq_config config;
    gv_scaling scaling;
    gv_bcq_net net;
    size_t tick_count;
    size_t candidates;
    gv_params *params;
    gv_graph *graph;
    gv_node state;  /* [candidates, GV_STATE_SIZE]: the same row over and over */
    gv_node latent; /* [candidates, latent] */
    gv_node action; /* [candidates, 1] */
    gv_node worth;  /* [candidates, 1] */
    char path[];    /* NUL-ended */
};

struct gv_bcq_hand {
    const gv_bcq *bcq;
    gv_tape *tape;
};

static gv_status build_graph(gv_bcq *bcq)
{
    const gv_graph_config about = {.params = bcq->params, .rows_alone = true};
    gv_bcq_net *net = &bcq->net;
    const size_t rows = bcq->candidates;
    GV_TRY(gv_graph_create(&about, &bcq->graph));
    gv_graph *graph = bcq->graph;
    *net = gv_bcq_net_of(&bcq->config, &bcq->scaling);
    gv_bcq_add_levels(graph, net);
    bcq->state = gv_graph_input(graph, "state", gv_shape_of(2, (size_t[]){rows, GV_STATE_SIZE}));
    bcq->latent = gv_graph_input(graph, "latent",
                                 gv_shape_of(2, (size_t[]){rows, (size_t)bcq->config.latent}));
    const gv_node made = gv_bcq_decode(graph, net, bcq->state, bcq->latent, false);
    bcq->action = gv_bcq_perturb(graph, net, GV_BCQ_ACTOR, bcq->state, made);
    bcq->worth = gv_bcq_worth(graph, net, GV_BCQ_CRITIC "1", bcq->state, bcq->action);
    gv_graph_keep(graph, bcq->action);
    gv_graph_keep(graph, bcq->worth);
    return gv_graph_finish(graph, GV_NODE_NONE);
}

/* The graph says what tensors there are, and of which shapes; the file has them. */
static gv_status take(gv_bcq *bcq, const gv_weights *weights)
{
    bcq->scaling = *gv_weights_scaling(weights);
    bcq->tick_count = gv_weights_ticks(weights);
    GV_TRY(gv_weights_expect_features(weights, GV_FEATURES_STATE));
    GV_TRY(gv_params_create(GV_F32, &bcq->params));
    GV_TRY(build_graph(bcq));
    GV_TRY(gv_weights_expect(weights, GV_BCQ_SERVED, bcq->params));
    GV_TRY(gv_params_draw(bcq->params, 0));
    return gv_weights_fill(weights, GV_BCQ_SERVED, bcq->params);
}

static gv_status load(gv_bcq *bcq)
{
    gv_weights *weights = NULL;
    GV_TRY(gv_weights_open(bcq->path, &gv_learner_bcq.info, &bcq->config, &weights));
    const gv_status status = take(bcq, weights);
    gv_weights_close(weights);
    return status;
}

gv_status gv_bcq_open(const char *path, size_t candidates, gv_bcq **out)
{
    const size_t length = strlen(path) + 1;
    assert(candidates >= 1);
    gv_bcq *bcq = gv_mem_alloc(sizeof *bcq, length, 1);
    if (bcq == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for its network", path);
    }
    memcpy(bcq->path, path, length);
    bcq->candidates = candidates;
    const gv_status status = load(bcq);
    if (status != GV_OK) {
        gv_bcq_close(bcq);
        return status;
    }
    *out = bcq;
    return GV_OK;
}

void gv_bcq_close(gv_bcq *bcq)
{
    if (bcq != NULL) {
        gv_graph_destroy(bcq->graph);
        gv_params_destroy(bcq->params);
        gv_mem_free(bcq);
    }
}

size_t gv_bcq_ticks(const gv_bcq *bcq)
{
    return bcq->tick_count;
}

const char *gv_bcq_path(const gv_bcq *bcq)
{
    return bcq->path;
}

gv_status gv_bcq_hand_create(const gv_bcq *bcq, gv_bcq_hand **out)
{
    gv_bcq_hand *hand = gv_mem_alloc(sizeof *hand, 0, 0);
    if (hand == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to run its network", bcq->path);
    }
    hand->bcq = bcq;
    const gv_status status = gv_tape_create(bcq->graph, bcq->params, &hand->tape);
    if (status != GV_OK) {
        gv_bcq_hand_destroy(hand);
        return status;
    }
    *out = hand;
    return GV_OK;
}

void gv_bcq_hand_destroy(gv_bcq_hand *hand)
{
    if (hand != NULL) {
        gv_tape_destroy(hand->tape);
        gv_mem_free(hand);
    }
}

static void put_inputs(const gv_bcq_hand *hand, const double *state, const gv_random *draws,
                       uint64_t tick)
{
    const gv_bcq *bcq = hand->bcq;
    gv_bcq_put_levels(&bcq->net, hand->tape);
    const size_t latents = bcq->candidates * (size_t)bcq->config.latent;
    float *rows = gv_tape_f32(hand->tape, bcq->state);
    gv_scaling_state(&bcq->scaling, state, rows);
    for (size_t i = 1; i < bcq->candidates; i++) {
        memcpy(rows + i * GV_STATE_SIZE, rows, GV_STATE_SIZE * sizeof *rows);
    }
    gv_bcq_draw_latents(draws, tick * latents, latents, gv_tape_f32(hand->tape, bcq->latent));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the tape behind it is written */
double gv_bcq_act(gv_bcq_hand *hand, const double *state, const gv_random *draws, uint64_t tick)
{
    const gv_bcq *bcq = hand->bcq;
    put_inputs(hand, state, draws, tick);
    gv_tape_forward(hand->tape, &(gv_tape_step){.seed = 0});
    const float *worths = gv_tape_f32(hand->tape, bcq->worth);
    size_t best = 0;
    for (size_t i = 1; i < bcq->candidates; i++) {
        best = worths[i] > worths[best] ? i : best;
    }
    return (double)gv_tape_f32(hand->tape, bcq->action)[best] * bcq->scaling.action_divisor;
}
