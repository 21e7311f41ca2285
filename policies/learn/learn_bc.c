/*
 * Behaviour cloning: do what was done.
 *
 *     loss = mean (actor(s) - a)^2
 *
 * An MLP of two hidden layers with ReLU. Public code of AuctionNet (arXiv 2412.10798): 128-128,
 * Adam at 1e-4, batches of 100, 20,000 x 3 steps.
 */
#include "models/nn/layers.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/batch_impl.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/objective_impl.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct bc_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
} bc_config;

typedef struct bc_state {
    gv_learner_setup setup;
    gv_scaling scaling;
    gv_params *params;
    gv_transitions *batch;
    gv_objective *policy;
    gv_node state;
    gv_node action;
} bc_state;

static const gv_param bc_params[] = {
    GV_LEARNER_ROWS("20000", "100", "0.001", SOURCE ": 60000 steps at a rate of 1e-4"),
    GV_WIDTH_ROW(bc_config, hidden_1, "128", "width of the first hidden layer", SOURCE),
    GV_WIDTH_ROW(bc_config, hidden_2, "128", "width of the second hidden layer", SOURCE),
    {0},
};

static const gv_preset bc_presets[] = {
    {"published", "AuctionNet's: 60,000 steps at 1e-4, actions as they are",
     (const char *const[]){"steps=60000", "rate=0.0001", "scale_actions=off", NULL}},
    {0},
};

static gv_node build_actor(gv_graph *graph, const void *config, const gv_scaling *scaling,
                           gv_node state)
{
    (void)scaling;
    const bc_config *bc = config;
    const gv_mlp mlp = {.layers = 3,
                        .widths = {(size_t)bc->hidden_1, (size_t)bc->hidden_2, 1},
                        .hidden = gv_op_relu};
    return gv_layer_mlp(graph, "actor", state, &mlp);
}

static gv_node build_loss(void *context, gv_graph *graph, size_t size)
{
    bc_state *bc = context;
    bc->state = gv_graph_input(graph, "state", gv_shape_of(2, (size_t[]){size, GV_STATE_SIZE}));
    bc->action = gv_graph_input(graph, "action", gv_shape_of(2, (size_t[]){size, 1}));
    const gv_node chosen = build_actor(graph, bc->setup.config, &bc->scaling, bc->state);
    return gv_op_mse(graph, chosen, bc->action, GV_NODE_NONE);
}

static void fill(void *context, const gv_shard *shard)
{
    const bc_state *bc = context;
    gv_shard_put(shard, bc->state, bc->batch->states, GV_STATE_SIZE);
    gv_shard_put(shard, bc->action, bc->batch->actions, 1);
}

static gv_status bc_init(void *state, const gv_learner_setup *setup)
{
    bc_state *bc = state;
    const bc_config *config = setup->config;
    const gv_learner_common *common = &config->common;
    const gv_scaling_config scaling = {.kind = GV_SCALING_COUNTS,
                                       .scales_actions = common->scales_actions};
    bc->setup = *setup;
    GV_TRY(gv_learner_check_common(&gv_learner_bc.info, common));
    bc->scaling = gv_scaling_fit(setup->dataset, &scaling);
    GV_TRY(gv_params_create(GV_F32, &bc->params));
    GV_TRY(gv_transitions_create((size_t)common->batch, &bc->batch));
    const gv_objective_config objective = {.loss = "policy",
                                           .params = bc->params,
                                           .trained = GV_ACTOR_PREFIX,
                                           .shards = (size_t)common->shards,
                                           .batch = (size_t)common->batch,
                                           .build = build_loss,
                                           .fill = fill,
                                           .context = bc,
                                           .rate = common->rate};
    GV_TRY(gv_objective_build(&objective, &bc->policy));
    GV_TRY(gv_params_draw(bc->params, setup->seed));
    return gv_objective_begin(bc->policy);
}

static gv_status bc_step(void *state, uint64_t step, double *losses)
{
    bc_state *bc = state;
    const gv_transition_source source = {
        .dataset = bc->setup.dataset, .scaling = &bc->scaling, .seed = bc->setup.seed};
    gv_transitions_draw(bc->batch, &source, step);
    return gv_objective_run(bc->policy, step, bc->setup.jobs, 1, &losses[0]);
}

static gv_network_view bc_network(const void *state)
{
    const bc_state *bc = state;
    return (gv_network_view){bc->params, GV_ACTOR_PREFIX, &bc->scaling};
}

static gv_status bc_save(const void *state, gv_writer *writer)
{
    const bc_state *bc = state;
    GV_TRY(gv_params_save(bc->params, writer));
    return gv_objective_save(bc->policy, writer);
}

static gv_status bc_restore(void *state, gv_reader *reader)
{
    const bc_state *bc = state;
    GV_TRY(gv_params_restore(bc->params, reader));
    return gv_objective_restore(bc->policy, reader);
}

static void bc_fini(void *state)
{
    const bc_state *bc = state;
    gv_objective_destroy(bc->policy);
    gv_transitions_destroy(bc->batch);
    gv_params_destroy(bc->params);
}

const gv_learner_type gv_learner_bc = {
    .info = {.name = "bc",
             .summary = "behaviour cloning: an MLP that does what was done",
             .source = SOURCE,
             .params = bc_params,
             .config_size = sizeof(bc_config)},
    .state_size = sizeof(bc_state),
    .presets = bc_presets,
    .losses = {"policy"},
    .init = bc_init,
    .step = bc_step,
    .network = bc_network,
    .save = bc_save,
    .restore = bc_restore,
    .fini = bc_fini,
};

const gv_actor_kind gv_actor_bc = {&gv_learner_bc, build_actor};
