/*
 * Conservative Q-learning (Kumar et al., NeurIPS 2020): critics that are lowered wherever the data
 * are not, and an actor that climbs them.
 *
 *     critic  sum over i = 1, 2 of  mean (Qi - y)^2
 *             + alpha (mean log sum exp over actions u of Qi(s, u) - mean Qi(s, a))
 *             y = r + gamma min(Q1', Q2')(s', pi(s')) where it goes on
 *             u: `samples` uniform between 0 and the largest logged action, and pi(s)
 *     actor   -mean min(Q1, Q2)(s, pi(s))
 *     target  Q' := Q' + tau (Q - Q')
 *
 * Sizes and numbers of the public code of AuctionNet (arXiv 2412.10798): 256-256, 1e-4, gamma 1,
 * tau 0.001. Ours: the actor is deterministic and bounded, and alpha is 1.
 */
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/bounded_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"
#define PAPER  "Kumar et al., NeurIPS 2020"

typedef struct cql_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
    double gamma;
    double tau;
    double alpha;
    int64_t samples;
    bool continuous;
} cql_config;

enum { CRITIC, ACTOR, PAIR = GV_STATE_SIZE + 1 };

typedef struct cql_state {
    gv_workshop base;
    gv_transition_nodes nodes[2];
    gv_node sampled; /* [size, samples, PAIR] */
    float *samples;  /* [batch][samples]: actions */
} cql_state;

static const gv_param cql_params[] = {
    GV_LEARNER_ROWS("20000", "100", "0.0003", SOURCE ": a rate of 1e-4"),
    GV_WIDTH_ROW(cql_config, hidden_1, "128", "width of the first hidden layers", SOURCE ": 256"),
    GV_WIDTH_ROW(cql_config, hidden_2, "128", "width of the second hidden layers", SOURCE ": 256"),
    GV_GAMMA_ROW(cql_config, "1", SOURCE),
    GV_TAU_ROW(cql_config, "0.001", SOURCE),
    {.name = "alpha",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .maximum = 1e6,
     .offset = offsetof(cql_config, alpha),
     .help = "weight of what lowers the critics where the data are not",
     .source = PAPER},
    {.name = "samples",
     .kind = GV_PARAM_INTEGER,
     .fallback = "10",
     .minimum = 1,
     .maximum = 1000,
     .offset = offsetof(cql_config, samples),
     .help = "uniform actions at which the critics are lowered",
     .source = PAPER},
    GV_CONTINUOUS_ROW(cql_config, SOURCE),
    {0},
};

static const gv_preset cql_presets[] = {
    {"published", "AuctionNet's: networks of 256-256 at 1e-4, actions as they are",
     (const char *const[]){"hidden_1=256", "hidden_2=256", "rate=0.0001", "scale_actions=off",
                           NULL}},
    {0},
};

static gv_bounded_widths widths_of(const cql_config *config)
{
    return (gv_bounded_widths){(size_t)config->hidden_1, (size_t)config->hidden_2};
}

static gv_node build_actor(gv_graph *graph, const void *config, const gv_scaling *scaling,
                           gv_node state)
{
    const gv_bounded_widths widths = widths_of(config);
    return gv_bounded_actor(graph, "actor", &widths, scaling, state);
}

/* The smaller of two critics' values of the actor's own action in a state. */
static gv_node worth_of_choice(const cql_state *cql, gv_graph *graph, const char *const names[2],
                               gv_node state)
{
    const gv_bounded_widths widths = widths_of(cql->base.setup.config);
    const gv_node chosen = build_actor(graph, cql->base.setup.config, &cql->base.scaling, state);
    const gv_node pairs = gv_op_concat(graph, state, chosen, 1);
    return gv_op_min(graph, gv_bounded_critic(graph, names[0], &widths, pairs),
                     gv_bounded_critic(graph, names[1], &widths, pairs));
}

static gv_node build_target(const cql_state *cql, gv_graph *graph, const gv_transition_nodes *nodes)
{
    static const char *const targets[2] = {"target.1", "target.2"};
    const cql_config *config = cql->base.setup.config;
    const gv_node worth = worth_of_choice(cql, graph, targets, nodes->next);
    const gv_node later = gv_op_mul(graph, worth, nodes->goes_on);
    return gv_op_stop(graph,
                      gv_op_add(graph, nodes->reward, gv_op_scale(graph, later, config->gamma, 0)));
}

/* One critic's two terms. `own`: pairs of states and the actor's actions. */
static gv_node one_critic(const cql_state *cql, gv_graph *graph, const char *name, gv_node target,
                          gv_node own)
{
    const cql_config *config = cql->base.setup.config;
    const gv_transition_nodes *nodes = &cql->nodes[CRITIC];
    const gv_bounded_widths widths = widths_of(config);
    const size_t size = (size_t)(config->common.batch / config->common.shards);
    const size_t samples = (size_t)config->samples;
    const gv_node pairs = gv_op_concat(graph, nodes->state, nodes->action, 1);
    const gv_node logged = gv_bounded_critic(graph, name, &widths, pairs);
    const gv_node elsewhere =
        gv_op_reshape(graph, gv_bounded_critic(graph, name, &widths, cql->sampled),
                      gv_shape_of(2, (size_t[]){size, samples}));
    const gv_node all =
        gv_op_concat(graph, elsewhere, gv_bounded_critic(graph, name, &widths, own), 1);
    const gv_node above = gv_op_mean(graph, gv_op_log_sum_exp(graph, all));
    const gv_node gap = gv_op_sub(graph, above, gv_op_mean(graph, logged));
    return gv_op_add(graph, gv_op_mse(graph, logged, target, GV_NODE_NONE),
                     gv_op_scale(graph, gap, config->alpha, 0));
}

static gv_node critic_loss(void *context, gv_graph *graph, size_t size)
{
    cql_state *cql = context;
    const cql_config *config = cql->base.setup.config;
    gv_transition_nodes *nodes = &cql->nodes[CRITIC];
    *nodes = gv_transition_inputs(graph, size, true);
    cql->sampled = gv_graph_input(graph, "sampled",
                                  gv_shape_of(3, (size_t[]){size, (size_t)config->samples, PAIR}));
    const gv_node target = build_target(cql, graph, nodes);
    const gv_node chosen = build_actor(graph, config, &cql->base.scaling, nodes->state);
    const gv_node own = gv_op_concat(graph, nodes->state, gv_op_stop(graph, chosen), 1);
    return gv_op_add(graph, one_critic(cql, graph, "critic.1", target, own),
                     one_critic(cql, graph, "critic.2", target, own));
}

static gv_node actor_loss(void *context, gv_graph *graph, size_t size)
{
    static const char *const critics[2] = {"critic.1", "critic.2"};
    cql_state *cql = context;
    gv_transition_nodes *nodes = &cql->nodes[ACTOR];
    *nodes = gv_transition_inputs(graph, size, false);
    const gv_node worth = worth_of_choice(cql, graph, critics, nodes->state);
    return gv_op_mean(graph, gv_op_scale(graph, worth, -1, 0));
}

static void fill_critic(void *context, const gv_shard *shard)
{
    const cql_state *cql = context;
    const cql_config *config = cql->base.setup.config;
    const size_t samples = (size_t)config->samples;
    float *pair = gv_tape_f32(shard->tape, cql->sampled);
    gv_transition_fill(shard, &cql->nodes[CRITIC], cql->base.batch);
    for (size_t i = shard->number * shard->size; i < (shard->number + 1) * shard->size; i++) {
        for (size_t k = 0; k < samples; k++) {
            memcpy(pair, cql->base.batch->states + i * GV_STATE_SIZE, GV_STATE_SIZE * sizeof *pair);
            pair[GV_STATE_SIZE] = cql->samples[i * samples + k];
            pair += PAIR;
        }
    }
}

static void fill_actor(void *context, const gv_shard *shard)
{
    const cql_state *cql = context;
    gv_transition_fill(shard, &cql->nodes[ACTOR], cql->base.batch);
}

static gv_status cql_init(void *state, const gv_learner_setup *setup)
{
    cql_state *cql = state;
    const cql_config *config = setup->config;
    const gv_workshop_config workshop = gv_workshop_of_transitions(
        &gv_learner_cql.info, setup, GV_ACTOR_PREFIX, config->continuous);
    const gv_objective_config losses[] = {
        [CRITIC] = {"critic", .trained = "critic.", .build = critic_loss, .fill = fill_critic},
        [ACTOR] = {"actor", .trained = GV_ACTOR_PREFIX, .build = actor_loss, .fill = fill_actor},
    };
    GV_TRY(gv_workshop_open(&cql->base, &workshop));
    cql->samples =
        gv_mem_alloc(0, (size_t)(config->common.batch * config->samples), sizeof *cql->samples);
    if (cql->samples == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the samples of a batch");
    }
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = cql;
        GV_TRY(gv_workshop_add(&cql->base, &loss));
    }
    GV_TRY(gv_workshop_begin(&cql->base));
    gv_params_blend(cql->base.params, "target.", cql->base.params, "critic.", 1);
    return GV_OK;
}

static void draw(cql_state *cql, uint64_t step)
{
    const cql_config *config = cql->base.setup.config;
    const gv_random random = gv_random_key(cql->base.setup.seed, GV_STREAM_NOISE, step);
    const double limit = gv_bounded_limit(&cql->base.scaling);
    const gv_transition_source source = {.dataset = cql->base.setup.dataset,
                                         .scaling = &cql->base.scaling,
                                         .is_continuous = config->continuous,
                                         .seed = cql->base.setup.seed};
    gv_transitions_draw(cql->base.batch, &source, step);
    for (size_t i = 0; i < cql->base.batch->count * (size_t)config->samples; i++) {
        cql->samples[i] = (float)(limit * gv_random_uniform(&random, i));
    }
}

static gv_status cql_step(void *state, uint64_t step, double *losses)
{
    cql_state *cql = state;
    const cql_config *config = cql->base.setup.config;
    draw(cql, step);
    GV_TRY(gv_workshop_run(&cql->base, CRITIC, &losses[CRITIC]));
    GV_TRY(gv_workshop_run(&cql->base, ACTOR, &losses[ACTOR]));
    gv_params_blend(cql->base.params, "target.", cql->base.params, "critic.", (float)config->tau);
    return GV_OK;
}

static void cql_fini(void *state)
{
    gv_mem_free(((const cql_state *)state)->samples);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_cql = {
    .info = {.name = "cql",
             .summary = "conservative Q-learning: critics that are low where the data are not",
             .source = PAPER "; " SOURCE,
             .params = cql_params,
             .config_size = sizeof(cql_config)},
    .state_size = sizeof(cql_state),
    .presets = cql_presets,
    .losses = {"critic", "actor"},
    .init = cql_init,
    .step = cql_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = cql_fini,
};

const gv_actor_kind gv_actor_cql = {
    .learner = &gv_learner_cql,
    .build = build_actor,
    .layers = {"actor.0", "actor.2", "actor.4"},
    .is_bounded = true,
};
