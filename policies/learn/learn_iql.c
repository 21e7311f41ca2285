/*
 * Implicit Q-learning (Kostrikov, Nair and Levine, ICLR 2022): values of logged actions alone.
 *
 *     value   L_V  = mean |tau - 1(u < 0)| u^2,  u = min(Q1', Q2')(s, a) - V(s)
 *     actor   L_pi = mean w NLL(a; mean(s), deviation(s)),
 *             w = min(temperature exp(min(Q1', Q2')(s, a) - V(s)), 100)
 *     critic  L_Q  = mean (Q1 - y)^2 + mean (Q2 - y)^2,  y = r + gamma V(s') where it goes on
 *     target  Q' := Q' + rate (Q - Q')
 *
 * Networks, order and numbers as in the public code of AuctionNet (arXiv 2412.10798), where the
 * temperature multiplies outside of the exponent: actor 128-64, V 128-64-32, Q of two linear
 * embeddings of 64, then 64-64; the reward is continuous and scaled to 0..1.
 */
#include "models/nn/layers.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"
#define PAPER  "Kostrikov et al., ICLR 2022"

static const double weight_max = 100;
static const double log_deviation_min = -10;
static const double log_deviation_max = 2;

typedef struct iql_config {
    gv_learner_common common;
    int64_t actor_1;
    int64_t actor_2;
    int64_t value_1;
    int64_t value_2;
    int64_t value_3;
    int64_t critic;
    double gamma;
    double tau;
    double expectile;
    double temperature;
    bool continuous;
} iql_config;

enum { VALUE, ACTOR, CRITIC };

typedef struct iql_state {
    gv_workshop base;
    gv_transition_nodes nodes[3];
} iql_state;

static const gv_param iql_params[] = {
    GV_LEARNER_ROWS("20000", "100", "0.0003", SOURCE ": a rate of 1e-4"),
    GV_WIDTH_ROW(iql_config, actor_1, "128", "width of the actor's first hidden layer", SOURCE),
    GV_WIDTH_ROW(iql_config, actor_2, "64", "width of the actor's second hidden layer", SOURCE),
    GV_WIDTH_ROW(iql_config, value_1, "128", "width of the value's first hidden layer", SOURCE),
    GV_WIDTH_ROW(iql_config, value_2, "64", "width of the value's second hidden layer", SOURCE),
    GV_WIDTH_ROW(iql_config, value_3, "32", "width of the value's third hidden layer", SOURCE),
    GV_WIDTH_ROW(iql_config, critic, "64", "width of each layer of the critics", SOURCE),
    GV_GAMMA_ROW(iql_config, "0.99", SOURCE),
    GV_TAU_ROW(iql_config, "0.01", SOURCE),
    {.name = "expectile",
     .kind = GV_PARAM_REAL,
     .fallback = "0.7",
     .minimum = 0.01,
     .maximum = 0.99,
     .offset = offsetof(iql_config, expectile),
     .help = "which expectile of the critics the value is; 0.5: their mean",
     .source = SOURCE},
    {.name = "temperature",
     .kind = GV_PARAM_REAL,
     .fallback = "3",
     .minimum = 1e-6,
     .maximum = 1e6,
     .offset = offsetof(iql_config, temperature),
     .help = "factor of exp(advantage) in the weight of an action",
     .source = SOURCE},
    GV_CONTINUOUS_ROW(iql_config, SOURCE),
    {0},
};

static const gv_preset iql_presets[] = {
    {"published", "AuctionNet's: 20,000 steps at 1e-4, actions as they are",
     (const char *const[]){"steps=20000", "rate=0.0001", "scale_actions=off", NULL}},
    {0},
};

/* ---- networks -------------------------------------------------------------------------------- */

/* Mean and, unless NULL, logarithm of the deviation. */
static gv_node build_policy(gv_graph *graph, const iql_config *config, gv_node state,
                            gv_node *log_deviation)
{
    const gv_mlp trunk = {.layers = 2,
                          .widths = {(size_t)config->actor_1, (size_t)config->actor_2},
                          .hidden = gv_op_relu,
                          .last = gv_op_relu};
    gv_graph_open(graph, "actor");
    const gv_node features = gv_layer_mlp(graph, "trunk", state, &trunk);
    const gv_node mean = gv_layer_linear(graph, "mean", features, 1);
    if (log_deviation != NULL) {
        *log_deviation = gv_op_clamp(graph, gv_layer_linear(graph, "log_deviation", features, 1),
                                     log_deviation_min, log_deviation_max);
    }
    gv_graph_close(graph);
    return mean;
}

static gv_node build_actor(gv_graph *graph, const void *config, const gv_scaling *scaling,
                           gv_node state)
{
    (void)scaling;
    return build_policy(graph, config, state, NULL);
}

static gv_node build_value(gv_graph *graph, const iql_config *config, gv_node state)
{
    const gv_mlp mlp = {
        .layers = 4,
        .widths = {(size_t)config->value_1, (size_t)config->value_2, (size_t)config->value_3, 1},
        .hidden = gv_op_relu};
    return gv_layer_mlp(graph, "value", state, &mlp);
}

/* NAME is "critic.1": its tensors are below that. */
static gv_node build_critic(gv_graph *graph, const iql_config *config, const char *name,
                            const gv_transition_nodes *nodes)
{
    const size_t width = (size_t)config->critic;
    const gv_mlp mlp = {.layers = 3, .widths = {width, width, 1}, .hidden = gv_op_relu};
    gv_graph_open(graph, name);
    const gv_node of_state = gv_layer_linear(graph, "state", nodes->state, width);
    const gv_node of_action = gv_layer_linear(graph, "action", nodes->action, width);
    const gv_node both = gv_op_concat(graph, of_state, of_action, 1);
    const gv_node value = gv_layer_mlp(graph, "head", both, &mlp);
    gv_graph_close(graph);
    return value;
}

static gv_node build_target(gv_graph *graph, const iql_config *config,
                            const gv_transition_nodes *nodes)
{
    const gv_node first = build_critic(graph, config, "target.1", nodes);
    return gv_op_min(graph, first, build_critic(graph, config, "target.2", nodes));
}

/* ---- losses ---------------------------------------------------------------------------------- */

static gv_node value_loss(void *context, gv_graph *graph, size_t size)
{
    iql_state *iql = context;
    const iql_config *config = iql->base.setup.config;
    gv_transition_nodes *nodes = &iql->nodes[VALUE];
    *nodes = gv_transition_inputs(graph, size, false);
    const gv_node target = build_target(graph, config, nodes);
    const gv_node value = build_value(graph, config, nodes->state);
    return gv_op_expectile(graph, value, target, GV_NODE_NONE, config->expectile);
}

static gv_node actor_loss(void *context, gv_graph *graph, size_t size)
{
    iql_state *iql = context;
    const iql_config *config = iql->base.setup.config;
    gv_transition_nodes *nodes = &iql->nodes[ACTOR];
    *nodes = gv_transition_inputs(graph, size, false);
    const gv_node target = build_target(graph, config, nodes);
    const gv_node gain = gv_op_sub(graph, target, build_value(graph, config, nodes->state));
    const gv_node raised = gv_op_scale(graph, gv_op_exp(graph, gain), config->temperature, 0);
    const gv_node weight = gv_op_clamp(graph, raised, 0, weight_max);
    const gv_node share = gv_op_scale(graph, weight, 1.0 / (double)config->common.batch, 0);
    gv_node log_deviation = GV_NODE_NONE;
    const gv_node mean = build_policy(graph, config, nodes->state, &log_deviation);
    const gv_node log_variance = gv_op_scale(graph, log_deviation, 2, 0);
    return gv_op_gaussian_nll(graph, mean, log_variance, nodes->action, gv_op_stop(graph, share));
}

static gv_node critic_loss(void *context, gv_graph *graph, size_t size)
{
    iql_state *iql = context;
    const iql_config *config = iql->base.setup.config;
    gv_transition_nodes *nodes = &iql->nodes[CRITIC];
    *nodes = gv_transition_inputs(graph, size, true);
    const gv_node later = gv_op_mul(graph, build_value(graph, config, nodes->next), nodes->goes_on);
    const gv_node target =
        gv_op_add(graph, nodes->reward, gv_op_scale(graph, later, config->gamma, 0));
    const gv_node still = gv_op_stop(graph, target);
    const gv_node first =
        gv_op_mse(graph, build_critic(graph, config, "critic.1", nodes), still, GV_NODE_NONE);
    const gv_node second =
        gv_op_mse(graph, build_critic(graph, config, "critic.2", nodes), still, GV_NODE_NONE);
    return gv_op_add(graph, first, second);
}

static void fill_value(void *context, const gv_shard *shard)
{
    const iql_state *iql = context;
    gv_transition_fill(shard, &iql->nodes[VALUE], iql->base.batch);
}

static void fill_actor(void *context, const gv_shard *shard)
{
    const iql_state *iql = context;
    gv_transition_fill(shard, &iql->nodes[ACTOR], iql->base.batch);
}

static void fill_critic(void *context, const gv_shard *shard)
{
    const iql_state *iql = context;
    gv_transition_fill(shard, &iql->nodes[CRITIC], iql->base.batch);
}

/* ---- methods --------------------------------------------------------------------------------- */

static gv_status iql_init(void *state, const gv_learner_setup *setup)
{
    iql_state *iql = state;
    const iql_config *config = setup->config;
    const gv_workshop_config workshop = gv_workshop_of_transitions(
        &gv_learner_iql.info, setup, GV_ACTOR_PREFIX, config->continuous);
    const gv_objective_config losses[] = {
        [VALUE] = {"value", .trained = "value.", .build = value_loss, .fill = fill_value},
        [ACTOR] = {"actor", .trained = GV_ACTOR_PREFIX, .build = actor_loss, .fill = fill_actor},
        [CRITIC] = {"critic", .trained = "critic.", .build = critic_loss, .fill = fill_critic},
    };
    GV_TRY(gv_workshop_open(&iql->base, &workshop));
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = iql;
        GV_TRY(gv_workshop_add(&iql->base, &loss));
    }
    GV_TRY(gv_workshop_begin(&iql->base));
    gv_params_blend(iql->base.params, "target.", iql->base.params, "critic.", 1);
    return GV_OK;
}

static gv_status iql_step(void *state, uint64_t step, double *losses)
{
    iql_state *iql = state;
    const iql_config *config = iql->base.setup.config;
    const gv_transition_source source = {.dataset = iql->base.setup.dataset,
                                         .scaling = &iql->base.scaling,
                                         .is_continuous = config->continuous,
                                         .seed = iql->base.setup.seed};
    gv_transitions_draw(iql->base.batch, &source, step);
    GV_TRY(gv_workshop_run(&iql->base, VALUE, &losses[VALUE]));
    GV_TRY(gv_workshop_run(&iql->base, ACTOR, &losses[ACTOR]));
    GV_TRY(gv_workshop_run(&iql->base, CRITIC, &losses[CRITIC]));
    gv_params_blend(iql->base.params, "target.", iql->base.params, "critic.", (float)config->tau);
    return GV_OK;
}

const gv_learner_type gv_learner_iql = {
    .info = {.name = "iql",
             .summary = "implicit Q-learning: what was done, weighted by how well it went",
             .source = PAPER "; " SOURCE,
             .params = iql_params,
             .config_size = sizeof(iql_config)},
    .state_size = sizeof(iql_state),
    .presets = iql_presets,
    .losses = {"value", "actor", "critic"},
    .init = iql_init,
    .step = iql_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = gv_workshop_fini,
};

const gv_actor_kind gv_actor_iql = {
    .learner = &gv_learner_iql,
    .build = build_actor,
    .layers = {"actor.trunk.0", "actor.trunk.2", "actor.mean"},
};
