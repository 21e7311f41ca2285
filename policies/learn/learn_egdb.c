/*
 * The expert-guided diffusion planner (EGDB, arXiv 2508.08687): a decision diffuser that is also
 * told what an expert's period looks like for such a campaign.
 *
 *     noise    mean (eps - eps(x_k, k, y))^2,  y = R, CPA kept, log C, log budget, z
 *     inverse  mean (f(s_(t-2), s_(t-1), s_t, s_(t+1), log C, log budget, outlook)
 *                    - log(1 + a_t / C))^2
 *     vae      of experts' periods, see models/nn/vae.h
 *
 * What is the paper's and what a choice of ours is said in egdb_impl.h. R with the flag, and z, are
 * hidden each for `drop` of the examples, independently. Completion is CBD's (arXiv 2509.03348).
 * With the return alone as condition it is learn_dd.c's, to the byte: same losses, same draws.
 */
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dd_lesson_impl.h"
#include "policies/learn/egdb_impl.h"
#include "policies/learn/learners_impl.h"

#define EGDB_base            "16"
#define EGDB_inverse         "256"
#define EGDB_levels          "3"
#define EGDB_kernel          "5"
#define EGDB_groups          "8"
#define EGDB_diffusion_steps "100"
#define EGDB_drop            "0.2"
#define EGDB_returns         "score"
#define EGDB_score_power     "2"
#define EGDB_relative        "on"
#define EGDB_condition       "range"
#define EGDB_scale_states    "on"
#define EGDB_completion      "on"

#define CHOICE "ours; EGDB, arXiv 2508.08687, does not say"

/* Places in gv_dd_extra_nodes; LEADS [B, latent]: 0 where z is hidden. */
enum { CONTEXT, DRAWN, EXPERT, DECODES, LEADS };

enum { VAE = GV_DD_LOSSES, DRAWS_FIRST = 2 /* of an example: hides z, decodes; then z' */ };

typedef struct egdb_state {
    gv_dd_lesson lesson; /* first */
    const gv_egdb_config *config;
    gv_expert_index *experts;
    gv_vae_inputs vae;
} egdb_state;

static const char *const expert_kinds[] = {"marked", "all", NULL};
static const char *const labels[] = {"played", "oracle", NULL};

static const gv_param egdb_params[] = {
    GV_LEARNER_ROWS("2500", "32", "0.001", CHOICE),
    GV_ANNEAL_ROW(gv_egdb_config),
    GV_DD_ROWS(EGDB),
    {.name = "standardise",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_egdb_config, standardises),
     .help = "states to mean 0 and deviation 1, guesses held within 5; off: their range to +-1",
     .source = CHOICE},
    {.name = "log_actions",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_egdb_config, is_log),
     .help = "learn log(1 + a / C), so that one network serves any C; off: as dd",
     .source = CHOICE},
    {.name = "flag",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_egdb_config, has_flag),
     .help = "tell the planner whether the cost per conversion kept to C",
     .source = "DiffBid, arXiv 2405.16141"},
    {.name = "campaign",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_egdb_config, has_campaign),
     .help = "tell the planner log C and log budget, and the inverse dynamics (which is ours)",
     .source = CHOICE},
    {.name = "outlook",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_egdb_config, has_outlook),
     .help = "tell the inverse dynamics the campaign's outlook, free of scale",
     .source = "ours"},
    {.name = "latent",
     .kind = GV_PARAM_INTEGER,
     .fallback = "16",
     .maximum = 256,
     .offset = offsetof(gv_egdb_config, latent),
     .help = "numbers of an expert's embedding; 0: plan without experts",
     .source = CHOICE},
    {.name = "experts",
     .kind = GV_PARAM_CHOICE,
     .fallback = "marked",
     .choices = expert_kinds,
     .offset = offsetof(gv_egdb_config, experts),
     .help = "whose periods are an expert's: those that the set marks, or all",
     .source = "ours"},
    {.name = "labels",
     .kind = GV_PARAM_CHOICE,
     .fallback = "oracle",
     .choices = labels,
     .offset = offsetof(gv_egdb_config, labels),
     .help = "what the inverse dynamics learn: the action played, between states as they were; or "
             "the oracle's, between a state and the next as the planner guesses it",
     .source = "ours"},
    {.name = "forcing",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .maximum = 1,
     .offset = offsetof(gv_egdb_config, forcing),
     .help = "share of examples whose expert is decoded from its context, in the end; 0: none",
     .source = CHOICE},
    {.name = "forcing_steps",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1500",
     .maximum = 1e12,
     .offset = offsetof(gv_egdb_config, forcing_steps),
     .help = "steps in which that share rises from 0",
     .source = CHOICE},
    {.name = "beta",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 1e3,
     .offset = offsetof(gv_egdb_config, beta),
     .help = "weight of the VAE's divergence from its prior, in the end",
     .source = CHOICE},
    {.name = "beta_steps",
     .kind = GV_PARAM_INTEGER,
     .fallback = "500",
     .maximum = 1e12,
     .offset = offsetof(gv_egdb_config, beta_steps),
     .help = "steps in which that weight rises from 0",
     .source = CHOICE},
    {0},
};

static const gv_preset egdb_presets[] = {
    {"wide", "levels of 32, 64 and 128 channels and batches of 128, at a rate of 1e-4",
     (const char *const[]){"base=32", "batch=128", "shards=4", "rate=0.0001", NULL}},
    {"return_only", "CBD's planner at these sizes: dd with completion, told the return alone",
     (const char *const[]){"anneal=off", "standardise=off", "log_actions=off", "flag=off",
                           "campaign=off", "outlook=off", "latent=0", "labels=played", NULL}},
    {"diffbid", "DiffBid's planner: dd's preset of that name",
     (const char *const[]){
         "anneal=off",     "standardise=off", "log_actions=off",    "flag=off",
         "campaign=off",   "outlook=off",     "latent=0",           "labels=played",
         "completion=off", "returns=plain",   "relative=off",       "base=128",
         "levels=2",       "inverse=256",     "diffusion_steps=30", "drop=0.2",
         "batch=128",      "shards=16",       "rate=0.0001",        NULL}},
    {0},
};

/* ---- embeddings ------------------------------------------------------------------------------ */

static gv_node embed(void *context, gv_graph *graph, gv_node told, size_t size,
                     gv_dd_extra_nodes *nodes)
{
    const egdb_state *egdb = context;
    const gv_dd_sizes *sizes = &egdb->lesson.sizes;
    gv_egdb_inputs inputs;
    const gv_node z = gv_egdb_build_embedding(graph, sizes, size, true, &inputs);
    nodes->node[CONTEXT] = inputs.context;
    nodes->node[DRAWN] = inputs.noise;
    nodes->node[EXPERT] = inputs.expert;
    nodes->node[DECODES] = inputs.decodes;
    nodes->node[LEADS] =
        gv_graph_input(graph, "leads", gv_shape_of(2, (size_t[]){size, sizes->traits.latent}));
    return gv_op_concat(graph, told, gv_op_mul(graph, z, nodes->node[LEADS]), 1);
}

/* Behind the end of a period its last state goes on. */
static void put_sequence(const egdb_state *egdb, const gv_episode *episode, float *to)
{
    const gv_vae *vae = &egdb->lesson.sizes.vae;
    for (size_t tick = 0; tick < vae->positions; tick++) {
        gv_dd_state_at(&egdb->lesson, episode, tick, to + tick * vae->width);
    }
}

static void put_context(const egdb_state *egdb, const gv_episode *episode, float *to)
{
    const gv_dd_sizes *sizes = &egdb->lesson.sizes;
    const gv_account account = gv_episode_account(episode, 0);
    float first[GV_STATE_SIZE];
    gv_dd_state_at(&egdb->lesson, episode, 0, first);
    gv_egdb_context(sizes, &account, first, to);
}

static void put_normals(const gv_random *random, uint64_t first, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (float)gv_random_normal(random, first + i);
    }
}

static bool fill_embedding(const void *context, const gv_dd_extra_nodes *nodes,
                           const gv_dd_row *row)
{
    const egdb_state *egdb = context;
    const gv_egdb_config *config = egdb->config;
    const gv_dd_example *one = row->example;
    gv_tape *tape = row->shard->tape;
    const gv_vae *vae = &egdb->lesson.sizes.vae;
    const uint64_t step = row->shard->step;
    const gv_random random = gv_random_key(egdb->lesson.base.setup.seed, GV_STREAM_EGDB, step);
    const uint64_t at = one->index * (DRAWS_FIRST + vae->latent);
    const bool leads = !gv_random_bernoulli(&random, at, config->dd.drop);
    const double share = gv_egdb_risen(config->forcing, config->forcing_steps, step);
    gv_tape_f32(tape, nodes->node[DECODES])[row->row] =
        gv_random_bernoulli(&random, at + 1, share) ? 1 : 0;
    put_normals(&random, at + DRAWS_FIRST, vae->latent,
                gv_tape_f32(tape, nodes->node[DRAWN]) + row->row * vae->latent);
    put_context(egdb, one->episode,
                gv_tape_f32(tape, nodes->node[CONTEXT]) + row->row * vae->context);
    put_sequence(egdb, gv_expert_of(egdb->experts, one->number),
                 gv_tape_f32(tape, nodes->node[EXPERT]) + row->row * vae->positions * vae->width);
    for (size_t i = 0; i < vae->latent; i++) {
        gv_tape_f32(tape, nodes->node[LEADS])[row->row * vae->latent + i] = leads ? 1 : 0;
    }
    return leads;
}

/* ---- the VAE --------------------------------------------------------------------------------- */

static gv_node vae_loss(void *context, gv_graph *graph, size_t size)
{
    egdb_state *egdb = context;
    gv_graph_open(graph, "dd");
    gv_graph_open(graph, "vae");
    const gv_node loss = gv_vae_loss(graph, &egdb->lesson.sizes.vae, size, &egdb->vae);
    gv_graph_close(graph);
    gv_graph_close(graph);
    return loss;
}

static void weigh(const egdb_state *egdb, const gv_shard *shard, size_t row,
                  const gv_episode *expert)
{
    const gv_vae *vae = &egdb->lesson.sizes.vae;
    const size_t numbers = vae->positions * vae->width;
    const size_t known = expert->length * vae->width;
    const double share = 1 / (double)(known * (size_t)egdb->config->dd.common.batch);
    const double beta = gv_egdb_risen(egdb->config->beta, egdb->config->beta_steps, shard->step);
    float *weights = gv_tape_f32(shard->tape, egdb->vae.weights) + row * numbers;
    float *divergences = gv_tape_f32(shard->tape, egdb->vae.divergences) + row * vae->latent;
    for (size_t i = 0; i < numbers; i++) {
        weights[i] = i < known ? (float)share : 0;
    }
    for (size_t i = 0; i < vae->latent; i++) {
        divergences[i] = (float)(beta * share);
    }
}

static void fill_vae(void *context, const gv_shard *shard)
{
    const egdb_state *egdb = context;
    const gv_vae *vae = &egdb->lesson.sizes.vae;
    const gv_random random =
        gv_random_key(egdb->lesson.base.setup.seed, GV_STREAM_VAE, shard->step);
    for (size_t row = 0; row < shard->size; row++) {
        const uint64_t at = (shard->number * shard->size + row) * (1 + vae->latent);
        const size_t number = (size_t)gv_random_below(&random, at, gv_expert_count(egdb->experts));
        const gv_episode *expert = gv_expert_at(egdb->experts, number);
        put_sequence(egdb, expert,
                     gv_tape_f32(shard->tape, egdb->vae.sequence) +
                         row * vae->positions * vae->width);
        put_context(egdb, expert, gv_tape_f32(shard->tape, egdb->vae.context) + row * vae->context);
        put_normals(&random, at + 1, vae->latent,
                    gv_tape_f32(shard->tape, egdb->vae.noise) + row * vae->latent);
        weigh(egdb, shard, row, expert);
    }
}

/* ---- methods --------------------------------------------------------------------------------- */

static gv_status add_experts(egdb_state *egdb, const gv_learner_setup *setup)
{
    const gv_objective_config vae = {
        .loss = "vae", .trained = GV_DD_VAE, .build = vae_loss, .fill = fill_vae, .context = egdb};
    if (egdb->config->latent == 0) {
        return GV_OK;
    }
    GV_TRY(gv_expert_index_create(setup->dataset, (gv_egdb_experts)egdb->config->experts,
                                  &egdb->experts));
    return gv_workshop_add(&egdb->lesson.base, &vae);
}

static gv_status egdb_init(void *state, const gv_learner_setup *setup)
{
    egdb_state *egdb = state;
    egdb->config = setup->config;
    egdb->lesson.label = (gv_dd_label)egdb->config->labels;
    egdb->lesson.anneals = egdb->config->anneals;
    if (egdb->config->latent > 0) {
        egdb->lesson.extra = (gv_dd_extra){.embed = embed, .fill = fill_embedding, .context = egdb};
    }
    const gv_dd_traits traits = gv_egdb_traits(egdb->config);
    if (traits.has_outlook) {
        GV_TRY(gv_dataset_expect_outlook(setup->dataset, gv_learner_egdb.info.name));
    }
    GV_TRY(gv_dd_lesson_open(&egdb->lesson, &gv_learner_egdb.info, &traits, setup));
    GV_TRY(gv_dd_lesson_add(&egdb->lesson));
    GV_TRY(add_experts(egdb, setup));
    return gv_workshop_begin(&egdb->lesson.base);
}

static gv_status egdb_step(void *state, uint64_t step, double *losses)
{
    egdb_state *egdb = state;
    GV_TRY(gv_dd_lesson_step(&egdb->lesson, step, losses));
    losses[VAE] = 0;
    return egdb->config->latent == 0 ? GV_OK
                                     : gv_workshop_run(&egdb->lesson.base, VAE, &losses[VAE]);
}

static void egdb_fini(void *state)
{
    egdb_state *egdb = state;
    gv_expert_index_destroy(egdb->experts);
    gv_dd_lesson_fini(&egdb->lesson);
}

const gv_learner_type gv_learner_egdb = {
    .info = {.name = "egdb",
             .summary = "expert-guided diffusion planner: imagine a period as an expert has it, "
                        "follow it",
             .source = "EGDB, arXiv 2508.08687, with choices of ours; DiffBid, arXiv 2405.16141; "
                       "CBD, arXiv 2509.03348",
             .params = egdb_params,
             .config_size = sizeof(gv_egdb_config)},
    .state_size = sizeof(egdb_state),
    .presets = egdb_presets,
    .losses = {"noise", "inverse", "vae"},
    .init = egdb_init,
    .step = egdb_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = egdb_fini,
};
