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
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct bc_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
} bc_config;

typedef struct bc_state {
    gv_workshop base;
    gv_transition_nodes nodes;
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
    bc->nodes = gv_transition_inputs(graph, size, false);
    const gv_node chosen =
        build_actor(graph, bc->base.setup.config, &bc->base.scaling, bc->nodes.state);
    return gv_op_mse(graph, chosen, bc->nodes.action, GV_NODE_NONE);
}

static void fill(void *context, const gv_shard *shard)
{
    const bc_state *bc = context;
    gv_transition_fill(shard, &bc->nodes, bc->base.batch);
}

static gv_status bc_init(void *state, const gv_learner_setup *setup)
{
    bc_state *bc = state;
    const bc_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_bc.info,
        .setup = setup,
        .served = GV_ACTOR_PREFIX,
        .scaling = {.kind = GV_SCALING_COUNTS, .scales_actions = config->common.scales_actions},
        .has_batch = true};
    const gv_objective_config policy = {.loss = "policy",
                                        .trained = GV_ACTOR_PREFIX,
                                        .build = build_loss,
                                        .fill = fill,
                                        .context = bc};
    GV_TRY(gv_workshop_open(&bc->base, &workshop));
    GV_TRY(gv_workshop_add(&bc->base, &policy));
    return gv_workshop_begin(&bc->base);
}

static gv_status bc_step(void *state, uint64_t step, double *losses)
{
    bc_state *bc = state;
    const gv_transition_source source = {.dataset = bc->base.setup.dataset,
                                         .scaling = &bc->base.scaling,
                                         .seed = bc->base.setup.seed};
    gv_transitions_draw(bc->base.batch, &source, step);
    return gv_workshop_run(&bc->base, 0, &losses[0]);
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
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = gv_workshop_fini,
};

const gv_actor_kind gv_actor_bc = {
    .learner = &gv_learner_bc,
    .build = build_actor,
    .layers = {"actor.0", "actor.2", "actor.4"},
};
