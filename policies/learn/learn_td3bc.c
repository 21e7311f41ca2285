/*
 * TD3+BC (Fujimoto and Gu, NeurIPS 2021): an actor that climbs its critic, held to what was done.
 *
 *     critic  mean (Q1 - y)^2 + mean (Q2 - y)^2
 *             y = r + gamma min(Q1', Q2')(s', clamp(pi'(s') + noise, 0, limit)) where it goes on
 *     actor   mean (pi(s) - a)^2 - lambda mean Q1(s, pi(s)),  lambda = alpha / mean |Q1(s, pi(s))|
 *             and all targets move, at every `delay`-th step
 *
 * Sizes and numbers of the public code of AuctionNet (arXiv 2412.10798): 756-756, alpha 2.5, 3e-4;
 * what it leaves open is the paper's. Ours: the actor is bounded by the largest logged action, and
 * noise is in units of scaled actions.
 */
#include <math.h>

#include "models/nn/operators.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/bounded_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"
#define PAPER  "Fujimoto and Gu, NeurIPS 2021"

typedef struct td3bc_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
    double gamma;
    double tau;
    double alpha;
    double noise;
    double noise_max;
    int64_t delay;
    bool continuous;
} td3bc_config;

enum { CRITIC, ACTOR, SIZE };

typedef struct td3bc_state {
    gv_workshop base;
    gv_transition_nodes nodes[3];
    gv_node noise;
    gv_node lambda;
    float *noises; /* [batch] */
    float lambda_now;
    double actor_loss; /* of the latest step of the actor */
} td3bc_state;

static const gv_param td3bc_params[] = {
    GV_LEARNER_ROWS("20000", "100", "0.0003", SOURCE),
    GV_WIDTH_ROW(td3bc_config, hidden_1, "128", "width of the first hidden layers", SOURCE ": 756"),
    GV_WIDTH_ROW(td3bc_config, hidden_2, "128", "width of the second hidden layers",
                 SOURCE ": 756"),
    GV_GAMMA_ROW(td3bc_config, "0.99", PAPER),
    GV_TAU_ROW(td3bc_config, "0.005", PAPER),
    {.name = "alpha",
     .kind = GV_PARAM_REAL,
     .fallback = "2.5",
     .maximum = 1e6,
     .offset = offsetof(td3bc_config, alpha),
     .help = "weight of the critic against cloning",
     .source = SOURCE},
    {.name = "noise",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .maximum = 1e6,
     .offset = offsetof(td3bc_config, noise),
     .help = "deviation of the noise on a target's action",
     .source = PAPER},
    {.name = "noise_max",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .maximum = 1e6,
     .offset = offsetof(td3bc_config, noise_max),
     .help = "the noise stays within this",
     .source = PAPER},
    {.name = "delay",
     .kind = GV_PARAM_INTEGER,
     .fallback = "2",
     .minimum = 1,
     .maximum = 1000,
     .offset = offsetof(td3bc_config, delay),
     .help = "the actor learns at every so many steps",
     .source = PAPER},
    GV_CONTINUOUS_ROW(td3bc_config, SOURCE),
    {0},
};

static const gv_preset td3bc_presets[] = {
    {"published", "AuctionNet's: networks of 756-756, actions as they are",
     (const char *const[]){"hidden_1=756", "hidden_2=756", "scale_actions=off", NULL}},
    {0},
};

static gv_bounded_widths widths_of(const td3bc_config *config)
{
    return (gv_bounded_widths){(size_t)config->hidden_1, (size_t)config->hidden_2};
}

static gv_node build_actor(gv_graph *graph, const void *config, const gv_scaling *scaling,
                           gv_node state)
{
    const gv_bounded_widths widths = widths_of(config);
    return gv_bounded_actor(graph, "actor", &widths, scaling, state);
}

/* r + gamma min(Q1', Q2')(s', a'), as a constant. */
static gv_node build_target(td3bc_state *td3, gv_graph *graph, const gv_transition_nodes *nodes,
                            gv_node noise)
{
    const td3bc_config *config = td3->base.setup.config;
    const gv_scaling *scaling = &td3->base.scaling;
    const gv_bounded_widths widths = widths_of(config);
    const gv_node chosen = gv_bounded_actor(graph, "target_actor", &widths, scaling, nodes->next);
    const gv_node moved =
        gv_op_clamp(graph, gv_op_add(graph, chosen, noise), 0, gv_bounded_limit(scaling));
    const gv_node pairs = gv_op_concat(graph, nodes->next, moved, 1);
    const gv_node worth = gv_op_min(graph, gv_bounded_critic(graph, "target.1", &widths, pairs),
                                    gv_bounded_critic(graph, "target.2", &widths, pairs));
    const gv_node later = gv_op_mul(graph, worth, nodes->goes_on);
    return gv_op_stop(graph,
                      gv_op_add(graph, nodes->reward, gv_op_scale(graph, later, config->gamma, 0)));
}

static gv_node critic_loss(void *context, gv_graph *graph, size_t size)
{
    td3bc_state *td3 = context;
    const gv_bounded_widths widths = widths_of(td3->base.setup.config);
    gv_transition_nodes *nodes = &td3->nodes[CRITIC];
    *nodes = gv_transition_inputs(graph, size, true);
    td3->noise = gv_graph_input(graph, "noise", gv_shape_of(2, (size_t[]){size, 1}));
    const gv_node target = build_target(td3, graph, nodes, td3->noise);
    const gv_node pairs = gv_op_concat(graph, nodes->state, nodes->action, 1);
    const gv_node first = gv_op_mse(graph, gv_bounded_critic(graph, "critic.1", &widths, pairs),
                                    target, GV_NODE_NONE);
    const gv_node second = gv_op_mse(graph, gv_bounded_critic(graph, "critic.2", &widths, pairs),
                                     target, GV_NODE_NONE);
    return gv_op_add(graph, first, second);
}

/* Q1(s, pi(s)), and pi(s). */
static gv_node worth_of_choice(td3bc_state *td3, gv_graph *graph, gv_node state, gv_node *chosen)
{
    const gv_bounded_widths widths = widths_of(td3->base.setup.config);
    *chosen = build_actor(graph, td3->base.setup.config, &td3->base.scaling, state);
    return gv_bounded_critic(graph, "critic.1", &widths, gv_op_concat(graph, state, *chosen, 1));
}

static gv_node actor_loss(void *context, gv_graph *graph, size_t size)
{
    td3bc_state *td3 = context;
    gv_transition_nodes *nodes = &td3->nodes[ACTOR];
    gv_node chosen = GV_NODE_NONE;
    *nodes = gv_transition_inputs(graph, size, false);
    td3->lambda = gv_graph_input(graph, "lambda", gv_shape_of(1, (size_t[]){1}));
    const gv_node worth = worth_of_choice(td3, graph, nodes->state, &chosen);
    const gv_node climb = gv_op_mean(graph, gv_op_mul(graph, worth, td3->lambda));
    const gv_node apart = gv_op_mse(graph, chosen, nodes->action, GV_NODE_NONE);
    return gv_op_sub(graph, apart, climb);
}

/* mean |Q1(s, pi(s))|: measured, never trained. */
static gv_node size_loss(void *context, gv_graph *graph, size_t size)
{
    td3bc_state *td3 = context;
    gv_transition_nodes *nodes = &td3->nodes[SIZE];
    gv_node chosen = GV_NODE_NONE;
    *nodes = gv_transition_inputs(graph, size, false);
    const gv_node worth = worth_of_choice(td3, graph, nodes->state, &chosen);
    const gv_node above = gv_op_relu(graph, worth);
    const gv_node below = gv_op_relu(graph, gv_op_scale(graph, worth, -1, 0));
    return gv_op_mean(graph, gv_op_add(graph, above, below));
}

static void fill_critic(void *context, const gv_shard *shard)
{
    const td3bc_state *td3 = context;
    gv_transition_fill(shard, &td3->nodes[CRITIC], td3->base.batch);
    gv_shard_put(shard, td3->noise, td3->noises, 1);
}

static void fill_actor(void *context, const gv_shard *shard)
{
    const td3bc_state *td3 = context;
    gv_transition_fill(shard, &td3->nodes[ACTOR], td3->base.batch);
    *gv_tape_f32(shard->tape, td3->lambda) = td3->lambda_now;
}

static void fill_size(void *context, const gv_shard *shard)
{
    const td3bc_state *td3 = context;
    gv_transition_fill(shard, &td3->nodes[SIZE], td3->base.batch);
}

static gv_status td3bc_init(void *state, const gv_learner_setup *setup)
{
    td3bc_state *td3 = state;
    const td3bc_config *config = setup->config;
    const gv_workshop_config workshop = gv_workshop_of_transitions(
        &gv_learner_td3bc.info, setup, GV_ACTOR_PREFIX, config->continuous);
    const gv_objective_config losses[] = {
        [CRITIC] = {"critic", .trained = "critic.", .build = critic_loss, .fill = fill_critic},
        [ACTOR] = {"actor", .trained = GV_ACTOR_PREFIX, .build = actor_loss, .fill = fill_actor},
        [SIZE] = {"size", .trained = GV_ACTOR_PREFIX, .build = size_loss, .fill = fill_size},
    };
    GV_TRY(gv_workshop_open(&td3->base, &workshop));
    td3->noises = gv_mem_alloc(0, (size_t)config->common.batch, sizeof *td3->noises);
    if (td3->noises == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the noise of a batch");
    }
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = td3;
        GV_TRY(gv_workshop_add(&td3->base, &loss));
    }
    GV_TRY(gv_workshop_begin(&td3->base));
    gv_params_blend(td3->base.params, "target.", td3->base.params, "critic.", 1);
    gv_params_blend(td3->base.params, "target_actor.", td3->base.params, GV_ACTOR_PREFIX, 1);
    return GV_OK;
}

static void draw(td3bc_state *td3, uint64_t step)
{
    const td3bc_config *config = td3->base.setup.config;
    const gv_random random = gv_random_key(td3->base.setup.seed, GV_STREAM_NOISE, step);
    const gv_transition_source source = {.dataset = td3->base.setup.dataset,
                                         .scaling = &td3->base.scaling,
                                         .is_continuous = config->continuous,
                                         .seed = td3->base.setup.seed};
    gv_transitions_draw(td3->base.batch, &source, step);
    for (size_t i = 0; i < td3->base.batch->count; i++) {
        const double noise = config->noise * gv_random_normal(&random, i);
        td3->noises[i] = (float)fmin(fmax(noise, -config->noise_max), config->noise_max);
    }
}

static gv_status move_actor(td3bc_state *td3)
{
    const td3bc_config *config = td3->base.setup.config;
    double size = 0;
    GV_TRY(gv_objective_measure(td3->base.objectives[SIZE], &size));
    td3->lambda_now = (float)(config->alpha / fmax(size, 1e-6));
    GV_TRY(gv_workshop_run(&td3->base, ACTOR, &td3->actor_loss));
    const float tau = (float)config->tau;
    gv_params_blend(td3->base.params, "target.", td3->base.params, "critic.", tau);
    gv_params_blend(td3->base.params, "target_actor.", td3->base.params, GV_ACTOR_PREFIX, tau);
    return GV_OK;
}

static gv_status td3bc_step(void *state, uint64_t step, double *losses)
{
    td3bc_state *td3 = state;
    const td3bc_config *config = td3->base.setup.config;
    draw(td3, step);
    GV_TRY(gv_workshop_run(&td3->base, CRITIC, &losses[CRITIC]));
    if ((step + 1) % (uint64_t)config->delay == 0) {
        GV_TRY(move_actor(td3));
    }
    losses[ACTOR] = td3->actor_loss;
    return GV_OK;
}

static gv_status td3bc_save(const void *state, gv_writer *writer)
{
    const td3bc_state *td3 = state;
    GV_TRY(gv_workshop_save(state, writer));
    return gv_writer_put(writer, "actor_loss", &td3->actor_loss, sizeof td3->actor_loss);
}

static gv_status td3bc_restore(void *state, gv_reader *reader)
{
    td3bc_state *td3 = state;
    GV_TRY(gv_workshop_restore(state, reader));
    return gv_reader_get(reader, "actor_loss", &td3->actor_loss, sizeof td3->actor_loss);
}

static void td3bc_fini(void *state)
{
    gv_mem_free(((const td3bc_state *)state)->noises);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_td3bc = {
    .info = {.name = "td3bc",
             .summary = "TD3+BC: an actor that climbs its critic, held to what was done",
             .source = PAPER "; " SOURCE,
             .params = td3bc_params,
             .config_size = sizeof(td3bc_config)},
    .state_size = sizeof(td3bc_state),
    .presets = td3bc_presets,
    .losses = {"critic", "actor"},
    .init = td3bc_init,
    .step = td3bc_step,
    .network = gv_workshop_network,
    .save = td3bc_save,
    .restore = td3bc_restore,
    .fini = td3bc_fini,
};

const gv_actor_kind gv_actor_td3bc = {
    .learner = &gv_learner_td3bc,
    .build = build_actor,
    .layers = {"actor.0", "actor.2", "actor.4"},
    .is_bounded = true,
};
