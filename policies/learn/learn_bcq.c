/*
 * Batch-constrained Q-learning (Fujimoto, Meger and Precup, ICML 2019): the best of a few actions
 * such as the data hold.
 *
 *     vae     mean (G(s, z) - a)^2 + beta mean KL(N(mean, deviation) || N(0, 1)),  z ~ E(s, a)
 *     critic  mean (Q1 - y)^2 + mean (Q2 - y)^2, or of critics that tell bins the cross entropies
 *             y = r + gamma max over i of soft(Q1', Q2')(s', a_i + xi'(s', a_i)) where it goes on
 *             soft = lambda min + (1 - lambda) max,  a_i = G(s', z_i), i = 1 .. `samples`
 *     actor   -mean Q1(s, a + xi(s, a)),  a = G(s, z)
 *             z and z_i are normal, held within +-0.5; then all targets move
 *
 * Sizes and numbers of the public code of AuctionNet (arXiv 2412.10798): 1400-1300, a VAE of 1750,
 * Mish, 1e-3, critics that tell a distribution over bins. Its faults are mended, and rows of their
 * own bring them back: it bids at most 100 whatever was logged (max_action), its generator can bid
 * below 0 (signed) and holds back a hidden layer in training alone (clamp_hidden), its bins are
 * narrower as they are taught than as they are read (uneven_bins). That values above 140 are taught
 * in part as 0 is beyond what 48 rewards of at most 1 sum to. Ours: critics tell a number, as the
 * paper's, and actions lie between 0 and the largest logged one.
 */
#include <string.h>

#include "policies/learn/bcq_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"
#define PAPER  "Fujimoto et al., ICML 2019"

enum { VAE, CRITIC, ACTOR, SAMPLES_MAX = 100 };

typedef struct bcq_state {
    gv_workshop base;
    const gv_bcq_config *config;
    gv_bcq_net nets[3]; /* as the graph of each loss has them */
    gv_transition_nodes nodes[3];
    gv_node latents[3]; /* [size, latent] of the VAE and the actor, [size x samples, latent] */
    gv_node nexts;      /* [size x samples, GV_STATE_SIZE] */
    float *drawn[3];    /* what goes there, of the whole batch */
} bcq_state;

static const char *const activations[] = {"relu", "mish", NULL};
static const char *const critics[] = {"number", "bins", NULL};

static const gv_param bcq_params[] = {
    GV_LEARNER_ROWS("20000", "100", "0.001", SOURCE),
    GV_WIDTH_ROW(gv_bcq_config, hidden_1, "128", "width of the first hidden layers",
                 SOURCE ": 1400"),
    GV_WIDTH_ROW(gv_bcq_config, hidden_2, "128", "width of the second hidden layers",
                 SOURCE ": 1300"),
    GV_WIDTH_ROW(gv_bcq_config, vae, "128", "width of the VAE's hidden layers", SOURCE ": 1750"),
    GV_WIDTH_ROW(gv_bcq_config, latent, "2", "numbers of z", PAPER ": twice the action's"),
    {.name = "activation",
     .kind = GV_PARAM_CHOICE,
     .fallback = "relu",
     .choices = activations,
     .offset = offsetof(gv_bcq_config, activation),
     .help = "of every hidden layer",
     .source = PAPER "; " SOURCE ": mish"},
    GV_GAMMA_ROW(gv_bcq_config, "0.99", PAPER),
    GV_TAU_ROW(gv_bcq_config, "0.005", PAPER),
    {.name = "phi",
     .kind = GV_PARAM_REAL,
     .fallback = "0.05",
     .maximum = 1,
     .offset = offsetof(gv_bcq_config, phi),
     .help = "how far an action is perturbed, as a share of the largest one; 0: not at all",
     .source = PAPER},
    {.name = "lambda",
     .kind = GV_PARAM_REAL,
     .fallback = "0.75",
     .maximum = 1,
     .offset = offsetof(gv_bcq_config, lambda),
     .help = "weight of the smaller critic's value in a target; the other's is the rest",
     .source = PAPER},
    {.name = "beta",
     .kind = GV_PARAM_REAL,
     .fallback = "0.005",
     .maximum = 1e3,
     .offset = offsetof(gv_bcq_config, beta),
     .help = "weight of the VAE's divergence from its prior, against actions as they are scaled",
     .source = "ours; " PAPER ": 0.5"},
    {.name = "samples",
     .kind = GV_PARAM_INTEGER,
     .fallback = "10",
     .minimum = 1,
     .maximum = SAMPLES_MAX,
     .offset = offsetof(gv_bcq_config, samples),
     .help = "generated actions among which a target takes the best",
     .source = PAPER},
    {.name = "critics",
     .kind = GV_PARAM_CHOICE,
     .fallback = "number",
     .choices = critics,
     .offset = offsetof(gv_bcq_config, told),
     .help = "what critics tell: a number, or a distribution of its logarithm over bins",
     .source = PAPER "; " SOURCE ": bins"},
    {.name = "bins",
     .kind = GV_PARAM_INTEGER,
     .fallback = "101",
     .minimum = 2,
     .maximum = 10000,
     .offset = offsetof(gv_bcq_config, bins),
     .help = "how many bins there are",
     .source = SOURCE},
    {.name = "uneven_bins",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_bcq_config, is_uneven),
     .help = "teach bins as if there were one more than they are read as, so that values swell",
     .source = "ours; the public code has on"},
    {.name = "max_action",
     .kind = GV_PARAM_REAL,
     .unit = "units",
     .fallback = "0",
     .maximum = 1e9,
     .offset = offsetof(gv_bcq_config, max_action),
     .help = "largest action; 0: the largest logged one",
     .source = "ours; the public code has 100, whatever was logged"},
    {.name = "signed",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_bcq_config, is_signed),
     .help = "actions may fall below 0, to minus the largest; off: they stay above",
     .source = "ours; the public code has on"},
    {.name = "clamp_hidden",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_bcq_config, clamps_hidden),
     .help = "hold the generator's first hidden layer within +-0.5 as it learns, but not as it is "
             "asked",
     .source = "ours; the public code has on"},
    GV_CONTINUOUS_ROW(gv_bcq_config, SOURCE),
    {0},
};

#define PUBLISHED                                                                                \
    "hidden_1=1400", "hidden_2=1300", "vae=1750", "activation=mish", "critics=bins", "beta=0.5", \
        "scale_actions=off"

static const gv_preset bcq_presets[] = {
    {"published", "AuctionNet's: networks of 1400-1300, a VAE of 1750, actions as they are",
     (const char *const[]){PUBLISHED, NULL}},
    {"public_code", "the same with the faults of the public code",
     (const char *const[]){PUBLISHED, "max_action=100", "signed=on", "clamp_hidden=on",
                           "uneven_bins=on", NULL}},
    {0},
};

/* ---- losses ---------------------------------------------------------------------------------- */

static gv_node latent_input(const bcq_state *bcq, gv_graph *graph, size_t rows)
{
    const size_t latent = (size_t)bcq->config->latent;
    return gv_graph_input(graph, "latent", gv_shape_of(2, (size_t[]){rows, latent}));
}

static gv_node vae_loss(void *context, gv_graph *graph, size_t size)
{
    bcq_state *bcq = context;
    const gv_bcq_config *config = bcq->config;
    gv_transition_nodes *nodes = &bcq->nodes[VAE];
    gv_node log_deviation = GV_NODE_NONE;
    *nodes = gv_transition_inputs(graph, size, false);
    bcq->latents[VAE] = latent_input(bcq, graph, size);
    const gv_node mean =
        gv_bcq_encode(graph, &bcq->nets[VAE], nodes->state, nodes->action, &log_deviation);
    const gv_node apart = gv_op_mul(graph, gv_op_exp(graph, log_deviation), bcq->latents[VAE]);
    const gv_node back = gv_bcq_decode(graph, &bcq->nets[VAE], nodes->state,
                                       gv_op_add(graph, mean, apart), config->clamps_hidden);
    const gv_node log_variance = gv_op_scale(graph, log_deviation, 2, 0);
    const gv_node divergence = gv_op_kl(graph, mean, log_variance, GV_NODE_NONE);
    return gv_op_add(graph, gv_op_mse(graph, back, nodes->action, GV_NODE_NONE),
                     gv_op_scale(graph, divergence, config->beta, 0));
}

/* Of each row of [B, N] the largest number, [B, 1]: by way of the smallest of what is below 0. */
static gv_node largest_of(gv_graph *graph, gv_node x, size_t count)
{
    const gv_node turned = gv_op_scale(graph, x, -1, 0);
    gv_node least = gv_op_slice(graph, turned, 1, 0, 1, 1);
    for (size_t i = 1; i < count; i++) {
        least = gv_op_min(graph, least, gv_op_slice(graph, turned, 1, i, 1, 1));
    }
    return gv_op_scale(graph, least, -1, 0);
}

/* lambda min + (1 - lambda) max of the two targets' values. */
static gv_node soft_worth(const bcq_state *bcq, gv_graph *graph, gv_node state, gv_node action)
{
    const double lambda = bcq->config->lambda;
    const gv_node first = gv_bcq_worth(graph, &bcq->nets[CRITIC], "target.critic.1", state, action);
    const gv_node second =
        gv_bcq_worth(graph, &bcq->nets[CRITIC], "target.critic.2", state, action);
    const gv_node least = gv_op_min(graph, first, second);
    const gv_node most = gv_op_sub(graph, gv_op_add(graph, first, second), least);
    return gv_op_add(graph, gv_op_scale(graph, least, lambda, 0),
                     gv_op_scale(graph, most, 1 - lambda, 0));
}

/* r + gamma times the best candidate's worth, as a constant. */
static gv_node build_target(bcq_state *bcq, gv_graph *graph, size_t size)
{
    const gv_bcq_config *config = bcq->config;
    const gv_transition_nodes *nodes = &bcq->nodes[CRITIC];
    const size_t samples = (size_t)config->samples;
    bcq->nexts =
        gv_graph_input(graph, "nexts", gv_shape_of(2, (size_t[]){size * samples, GV_STATE_SIZE}));
    bcq->latents[CRITIC] = latent_input(bcq, graph, size * samples);
    const gv_node made =
        gv_bcq_decode(graph, &bcq->nets[CRITIC], bcq->nexts, bcq->latents[CRITIC], false);
    const gv_node chosen =
        gv_bcq_perturb(graph, &bcq->nets[CRITIC], "target.actor", bcq->nexts, made);
    const gv_node worth = gv_op_reshape(graph, soft_worth(bcq, graph, bcq->nexts, chosen),
                                        gv_shape_of(2, (size_t[]){size, samples}));
    const gv_node later = gv_op_mul(graph, largest_of(graph, worth, samples), nodes->goes_on);
    return gv_op_stop(graph,
                      gv_op_add(graph, nodes->reward, gv_op_scale(graph, later, config->gamma, 0)));
}

static gv_node critic_loss(void *context, gv_graph *graph, size_t size)
{
    bcq_state *bcq = context;
    gv_transition_nodes *nodes = &bcq->nodes[CRITIC];
    gv_bcq_net *net = &bcq->nets[CRITIC];
    *nodes = gv_transition_inputs(graph, size, true);
    gv_bcq_add_levels(graph, net);
    const gv_node target = build_target(bcq, graph, size);
    const gv_node pair[2] = {nodes->state, nodes->action};
    return gv_op_add(graph, gv_bcq_critic_loss(graph, net, GV_BCQ_CRITIC "1", pair, target),
                     gv_bcq_critic_loss(graph, net, GV_BCQ_CRITIC "2", pair, target));
}

static gv_node actor_loss(void *context, gv_graph *graph, size_t size)
{
    bcq_state *bcq = context;
    gv_transition_nodes *nodes = &bcq->nodes[ACTOR];
    *nodes = gv_transition_inputs(graph, size, false);
    gv_bcq_add_levels(graph, &bcq->nets[ACTOR]);
    bcq->latents[ACTOR] = latent_input(bcq, graph, size);
    const gv_node made =
        gv_bcq_decode(graph, &bcq->nets[ACTOR], nodes->state, bcq->latents[ACTOR], false);
    const gv_node chosen =
        gv_bcq_perturb(graph, &bcq->nets[ACTOR], GV_BCQ_ACTOR, nodes->state, made);
    const gv_node worth =
        gv_bcq_worth(graph, &bcq->nets[ACTOR], GV_BCQ_CRITIC "1", nodes->state, chosen);
    return gv_op_mean(graph, gv_op_scale(graph, worth, -1, 0));
}

static void fill_loss(const bcq_state *bcq, const gv_shard *shard, size_t loss)
{
    gv_transition_fill(shard, &bcq->nodes[loss], bcq->base.batch);
    gv_bcq_put_levels(&bcq->nets[loss], shard->tape);
    gv_shard_put(shard, bcq->latents[loss], bcq->drawn[loss], (size_t)bcq->config->latent);
}

static void fill_vae(void *context, const gv_shard *shard)
{
    fill_loss(context, shard, VAE);
}

static void fill_actor(void *context, const gv_shard *shard)
{
    fill_loss(context, shard, ACTOR);
}

static void fill_critic(void *context, const gv_shard *shard)
{
    const bcq_state *bcq = context;
    const gv_transitions *batch = bcq->base.batch;
    const size_t samples = (size_t)bcq->config->samples;
    float *next = gv_tape_f32(shard->tape, bcq->nexts);
    gv_transition_fill(shard, &bcq->nodes[CRITIC], batch);
    gv_bcq_put_levels(&bcq->nets[CRITIC], shard->tape);
    gv_shard_put(shard, bcq->latents[CRITIC], bcq->drawn[CRITIC],
                 samples * (size_t)bcq->config->latent);
    for (size_t i = shard->number * shard->size; i < (shard->number + 1) * shard->size; i++) {
        for (size_t k = 0; k < samples; k++) {
            memcpy(next, batch->nexts + i * GV_STATE_SIZE, GV_STATE_SIZE * sizeof *next);
            next += GV_STATE_SIZE;
        }
    }
}

/* ---- methods --------------------------------------------------------------------------------- */

/* Numbers of z that a step draws for a loss. */
static size_t drawn_count(const bcq_state *bcq, size_t loss)
{
    const gv_bcq_config *config = bcq->config;
    const size_t rows = loss == CRITIC ? (size_t)config->samples : 1;
    return (size_t)config->common.batch * rows * (size_t)config->latent;
}

static gv_status make_room(bcq_state *bcq)
{
    for (size_t loss = VAE; loss <= ACTOR; loss++) {
        bcq->drawn[loss] = gv_mem_alloc(0, drawn_count(bcq, loss), sizeof *bcq->drawn[loss]);
        if (bcq->drawn[loss] == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for the latent numbers of a batch");
        }
    }
    return GV_OK;
}

static gv_status bcq_init(void *state, const gv_learner_setup *setup)
{
    bcq_state *bcq = state;
    const gv_bcq_config *config = setup->config;
    const gv_workshop_config workshop =
        gv_workshop_of_transitions(&gv_learner_bcq.info, setup, GV_BCQ_SERVED, config->continuous);
    const gv_objective_config losses[] = {
        [VAE] = {"vae", .trained = GV_BCQ_VAE, .build = vae_loss, .fill = fill_vae},
        [CRITIC] = {"critic", .trained = GV_BCQ_CRITIC, .build = critic_loss, .fill = fill_critic},
        [ACTOR] = {"actor", .trained = GV_BCQ_ACTOR, .build = actor_loss, .fill = fill_actor},
    };
    GV_TRY(gv_workshop_open(&bcq->base, &workshop));
    bcq->config = config;
    for (size_t loss = VAE; loss <= ACTOR; loss++) {
        bcq->nets[loss] = gv_bcq_net_of(config, &bcq->base.scaling);
    }
    GV_TRY(make_room(bcq));
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = bcq;
        GV_TRY(gv_workshop_add(&bcq->base, &loss));
    }
    GV_TRY(gv_workshop_begin(&bcq->base));
    gv_params_blend(bcq->base.params, "target.critic.", bcq->base.params, GV_BCQ_CRITIC, 1);
    gv_params_blend(bcq->base.params, "target.actor", bcq->base.params, GV_BCQ_ACTOR, 1);
    return GV_OK;
}

/* The encoder's noise is not held back: it is no candidate's. */
static void draw(bcq_state *bcq, uint64_t step)
{
    const gv_bcq_config *config = bcq->config;
    const gv_random random = gv_random_key(bcq->base.setup.seed, GV_STREAM_NOISE, step);
    const gv_transition_source source = {.dataset = bcq->base.setup.dataset,
                                         .scaling = &bcq->base.scaling,
                                         .is_continuous = config->continuous,
                                         .seed = bcq->base.setup.seed};
    const size_t encoded = drawn_count(bcq, VAE);
    const size_t of_actor = encoded + drawn_count(bcq, CRITIC);
    gv_transitions_draw(bcq->base.batch, &source, step);
    for (size_t i = 0; i < encoded; i++) {
        bcq->drawn[VAE][i] = (float)gv_random_normal(&random, i);
    }
    gv_bcq_draw_latents(&random, encoded, drawn_count(bcq, CRITIC), bcq->drawn[CRITIC]);
    gv_bcq_draw_latents(&random, of_actor, drawn_count(bcq, ACTOR), bcq->drawn[ACTOR]);
}

static gv_status bcq_step(void *state, uint64_t step, double *losses)
{
    bcq_state *bcq = state;
    const float tau = (float)bcq->config->tau;
    draw(bcq, step);
    GV_TRY(gv_workshop_run(&bcq->base, VAE, &losses[VAE]));
    GV_TRY(gv_workshop_run(&bcq->base, CRITIC, &losses[CRITIC]));
    GV_TRY(gv_workshop_run(&bcq->base, ACTOR, &losses[ACTOR]));
    gv_params_blend(bcq->base.params, "target.critic.", bcq->base.params, GV_BCQ_CRITIC, tau);
    gv_params_blend(bcq->base.params, "target.actor", bcq->base.params, GV_BCQ_ACTOR, tau);
    return GV_OK;
}

static void bcq_fini(void *state)
{
    const bcq_state *bcq = state;
    for (size_t loss = VAE; loss <= ACTOR; loss++) {
        gv_mem_free(bcq->drawn[loss]);
    }
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_bcq = {
    .info = {.name = "bcq",
             .summary = "batch-constrained Q-learning: the best of a few actions such as were done",
             .source = PAPER "; " SOURCE,
             .params = bcq_params,
             .config_size = sizeof(gv_bcq_config)},
    .state_size = sizeof(bcq_state),
    .presets = bcq_presets,
    .losses = {"vae", "critic", "actor"},
    .init = bcq_init,
    .step = bcq_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = bcq_fini,
};
