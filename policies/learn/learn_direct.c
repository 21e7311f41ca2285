/*
 * Direct gradients of the score: an MLP from the outlook to the log of multiplier over CPA, learnt
 * by playing recorded periods anew.
 *
 * A step plays a batch of episodes, each with a budget and a CPA of its own, in their bid
 * landscapes with the network as it is (rollout_impl.h), asks for the score's gradient by every
 * tick's log multiplier, g, and goes up
 *
 *     mean over episodes of  sum over ticks of g[t] output[t] / (B / C)
 *
 * What the others bid and what users like does not depend on one campaign's bids, so the score of
 * another behaviour in the same period is known, not estimated: Madeka et al., "Deep Inventory
 * Management", arXiv 2210.03137. Ours: the landscape, the multipliers of other ticks held fixed,
 * the network, the scaling, the draws.
 *
 * With target=oracle it imitates instead: the hindsight oracle's answer on the states that the
 * network itself gets into, Oracle Imitation Learning (arXiv 2412.11434) on states as DAgger's
 * (Ross, Gordon and Bagnell, AISTATS 2011).
 *
 * Its last layer starts at 0, so it begins by bidding the CPA.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "models/nn/layers.h"
#include "models/nn/operators.h"
#include "policies/learn/actor_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/rollout_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/market/landscape.h"

#define SOURCE "ours, after arXiv 2210.03137"

#define LAST_LAYER "actor.4"

/* What a step draws for a row: indices of its stream, conversions from DRAW_PLAY on. */
enum { DRAW_EPISODE, DRAW_BUDGET, DRAW_CPA, DRAW_PLAY };

/* Of the budget and the CPA that an episode had. */
#define BUDGET_LEAST 0.5
#define BUDGET_MOST  1.5
#define CPA_LEAST    0.7
#define CPA_MOST     1.4

/*
 * The scaling is fitted on roll-outs around the CPA: a campaign's log multipliers spread by the
 * first about 0 and from tick to tick by the second. No entry is stretched further than the last.
 */
#define SPREAD_CAMPAIGN 0.5
#define SPREAD_TICK     0.25
#define DEVIATION_LEAST 0.02

/* The step whose draws those have. */
#define SCALING_STEP ((UINT64_C(1) << 44) - 1)

/* A row's key: below 2^20 rows a step. */
enum { ROW_BITS = 20 };

typedef enum direct_target { TARGET_SCORE, TARGET_ORACLE } direct_target;

typedef struct direct_config {
    gv_learner_common common;
    int64_t hidden_1;
    int64_t hidden_2;
    int32_t target;
} direct_config;

/* One shard's own: how the network answers, and the episodes. */
typedef struct player {
    gv_tape *tape;
    gv_rollout *rollout;
    double *gradient; /* [ticks] */
    double score;     /* sum over its rows of score / (B / C) */
} player;

typedef struct direct_state {
    gv_workshop base;
    const direct_config *config;
    size_t ticks;
    size_t shards;
    size_t rows;     /* of a shard */
    size_t width;    /* of the outlook */
    gv_graph *graph; /* answers a shard's rows at one tick */
    gv_node seen;
    gv_node answer;
    player *players; /* [shards] */
    float *features; /* [row][tick][width], scaled */
    float *aims;     /* [row][tick]: weight of the output, or what it should be */
    gv_node batch_features;
    gv_node batch_aims;
    uint64_t step;
} direct_state;

static const char *const targets[] = {"score", "oracle", NULL};

static const gv_param direct_params[] = {
    GV_LEARNER_STEP_ROWS("1500", "480", "4", "0.001", SOURCE),
    GV_WIDTH_ROW(direct_config, hidden_1, "128", "width of the first hidden layer", SOURCE),
    GV_WIDTH_ROW(direct_config, hidden_2, "128", "width of the second hidden layer", SOURCE),
    {.name = "target",
     .kind = GV_PARAM_CHOICE,
     .fallback = "score",
     .choices = targets,
     .offset = offsetof(direct_config, target),
     .help = "score: up its gradient; oracle: towards what the hindsight oracle would bid there",
     .source = SOURCE "; oracle: arXiv 2412.11434"},
    {0},
};

static const gv_preset direct_presets[] = {
    {"imitator", "oracle imitation on the network's own states, to compare with",
     (const char *const[]){"target=oracle", NULL}},
    {0},
};

static gv_node build_actor(gv_graph *graph, const void *config, const gv_scaling *scaling,
                           gv_node state)
{
    (void)scaling;
    const direct_config *direct = config;
    const gv_mlp mlp = {.layers = 3,
                        .widths = {(size_t)direct->hidden_1, (size_t)direct->hidden_2, 1},
                        .hidden = gv_op_relu};
    return gv_layer_mlp(graph, "actor", state, &mlp);
}

/* ---- the loss -------------------------------------------------------------------------------- */

static gv_node build_loss(void *context, gv_graph *graph, size_t size)
{
    direct_state *direct = context;
    const size_t rows = size * direct->ticks;
    direct->batch_features =
        gv_graph_input(graph, "features", gv_shape_of(2, (size_t[]){rows, direct->width}));
    direct->batch_aims = gv_graph_input(graph, "aims", gv_shape_of(2, (size_t[]){rows, 1}));
    const gv_node answer =
        build_actor(graph, direct->config, &direct->base.scaling, direct->batch_features);
    if (direct->config->target == TARGET_ORACLE) {
        return gv_op_mse(graph, answer, direct->batch_aims, GV_NODE_NONE);
    }
    return gv_op_sum(graph, gv_op_mul(graph, answer, direct->batch_aims));
}

static void fill(void *context, const gv_shard *shard)
{
    const direct_state *direct = context;
    gv_shard_put(shard, direct->batch_features, direct->features, direct->ticks * direct->width);
    gv_shard_put(shard, direct->batch_aims, direct->aims, direct->ticks);
}

/* ---- draws ----------------------------------------------------------------------------------- */

static double spread(const gv_random *random, uint64_t index, double least, double most)
{
    return least + (most - least) * gv_random_uniform(random, index);
}

static gv_rollout_draw draw_row(const direct_state *direct, uint64_t step, size_t number)
{
    const gv_learner_setup *setup = &direct->base.setup;
    const gv_random random =
        gv_random_key(setup->seed, GV_STREAM_OUTLOOK, step << ROW_BITS | number);
    const size_t index =
        (size_t)gv_random_below(&random, DRAW_EPISODE, gv_dataset_count(setup->dataset));
    const gv_episode *episode = gv_dataset_at(setup->dataset, index);
    return (gv_rollout_draw){.episode = episode,
                             .budget = episode->budget *
                                       spread(&random, DRAW_BUDGET, BUDGET_LEAST, BUDGET_MOST),
                             .cpa = episode->cpa * spread(&random, DRAW_CPA, CPA_LEAST, CPA_MOST),
                             .random = random,
                             .first = DRAW_PLAY};
}

/* ---- playing --------------------------------------------------------------------------------- */

static void ask(const direct_state *direct, const player *self, size_t first, size_t tick)
{
    double outlook[GV_OUTLOOK_SIZE];
    float *input = gv_tape_f32(self->tape, direct->seen);
    for (size_t i = 0; i < direct->rows; i++) {
        float *seen = direct->features + ((first + i) * direct->ticks + tick) * direct->width;
        gv_rollout_look(self->rollout, i, outlook);
        gv_scaling_state(&direct->base.scaling, outlook, seen);
        memcpy(input + i * direct->width, seen, direct->width * sizeof *seen);
    }
    gv_tape_forward(self->tape, &(gv_tape_step){.seed = 0});
}

static void play_tick(const direct_state *direct, const player *self, size_t first, size_t tick)
{
    ask(direct, self, first, tick);
    const float *answers = gv_tape_f32(self->tape, direct->answer);
    for (size_t i = 0; i < direct->rows; i++) {
        if (direct->config->target == TARGET_ORACLE) {
            direct->aims[(first + i) * direct->ticks + tick] =
                (float)gv_rollout_best(self->rollout, i);
        }
        gv_rollout_bid(self->rollout, i, (double)answers[i]);
    }
}

/* The weights of a row's outputs: down is up the score. */
static void weigh(const direct_state *direct, const player *self, size_t number, double size)
{
    const double scale = -1 / (size * (double)(direct->rows * direct->shards));
    for (size_t tick = 0; tick < direct->ticks; tick++) {
        direct->aims[number * direct->ticks + tick] = (float)(scale * self->gradient[tick]);
    }
}

static gv_status play_shard(void *context, size_t index, size_t worker)
{
    (void)worker;
    const direct_state *direct = context;
    player *self = &direct->players[index];
    const size_t first = index * direct->rows;
    for (size_t i = 0; i < direct->rows; i++) {
        const gv_rollout_draw draw = draw_row(direct, direct->step, first + i);
        gv_rollout_begin(self->rollout, i, &draw);
    }
    for (size_t tick = 0; tick < direct->ticks; tick++) {
        play_tick(direct, self, first, tick);
    }
    self->score = 0;
    for (size_t i = 0; i < direct->rows; i++) {
        const gv_rollout_draw draw = draw_row(direct, direct->step, first + i);
        const double size = draw.budget / draw.cpa;
        self->score += gv_rollout_finish(self->rollout, i, self->gradient) / size;
        if (direct->config->target == TARGET_SCORE) {
            weigh(direct, self, first + i, size);
        }
    }
    return GV_OK;
}

/* ---- making ready ---------------------------------------------------------------------------- */

static gv_status check_episodes(const gv_dataset *dataset)
{
    for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        if (episode->landscape.cost == NULL) {
            return GV_FAIL(
                GV_EINVAL,
                "direct: trajectory %zu has no bid landscape to be played in: learn from "
                "files of `gavel landscapes`",
                i);
        }
        if (!(episode->cpa > 0) || !(episode->budget > 0)) {
            return GV_FAIL(GV_EINVAL,
                           "direct: trajectory %zu has a budget of %g and a CPA of %g, and both "
                           "must be above 0",
                           i, episode->budget, episode->cpa);
        }
    }
    return GV_OK;
}

static gv_status make_room(direct_state *direct)
{
    const size_t places = direct->shards * direct->rows * direct->ticks;
    direct->features = gv_mem_alloc_vector(places * direct->width, sizeof *direct->features);
    direct->aims = gv_mem_alloc_vector(places, sizeof *direct->aims);
    direct->players = gv_mem_alloc(0, direct->shards, sizeof *direct->players);
    if (direct->features == NULL || direct->aims == NULL || direct->players == NULL) {
        return GV_FAIL(GV_ENOMEM, "direct: no memory for a batch of %zu episodes",
                       direct->shards * direct->rows);
    }
    for (size_t i = 0; i < direct->shards; i++) {
        player *self = &direct->players[i];
        GV_TRY(gv_rollout_create(direct->rows, direct->ticks,
                                 direct->config->target == TARGET_ORACLE, &self->rollout));
        self->gradient = gv_mem_alloc(0, direct->ticks, sizeof *self->gradient);
        if (self->gradient == NULL) {
            return GV_FAIL(GV_ENOMEM, "direct: no memory for the gradient of %zu ticks",
                           direct->ticks);
        }
    }
    return GV_OK;
}

/* A shard's rows around the CPA; outlooks: [row][tick][width]. */
static void play_around(const direct_state *direct, double *outlooks)
{
    gv_rollout *rollout = direct->players[0].rollout;
    for (size_t i = 0; i < direct->rows; i++) {
        const gv_rollout_draw draw = draw_row(direct, SCALING_STEP, i);
        const gv_random random = gv_random_key(direct->base.setup.seed, GV_STREAM_OUTLOOK,
                                               SCALING_STEP << ROW_BITS | (direct->rows + i));
        const double base = SPREAD_CAMPAIGN * gv_random_normal(&random, 0);
        gv_rollout_begin(rollout, i, &draw);
        for (size_t tick = 0; tick < direct->ticks; tick++) {
            gv_rollout_look(rollout, i, outlooks + (i * direct->ticks + tick) * direct->width);
            gv_rollout_bid(rollout, i, base + SPREAD_TICK * gv_random_normal(&random, tick + 1));
        }
    }
}

static gv_status fit_scaling(direct_state *direct)
{
    const size_t places = direct->rows * direct->ticks;
    double *outlooks = gv_mem_alloc(0, places * direct->width, sizeof *outlooks);
    if (outlooks == NULL) {
        return GV_FAIL(GV_ENOMEM, "direct: no memory for %zu outlooks", places);
    }
    play_around(direct, outlooks);
    direct->base.scaling =
        gv_scaling_fit_rows(GV_FEATURES_OUTLOOK, outlooks, places, DEVIATION_LEAST);
    gv_mem_free(outlooks);
    return GV_OK;
}

static gv_status build_answers(direct_state *direct)
{
    const gv_graph_config config = {.params = direct->base.params};
    GV_TRY(gv_graph_create(&config, &direct->graph));
    direct->seen = gv_graph_input(direct->graph, "seen",
                                  gv_shape_of(2, (size_t[]){direct->rows, direct->width}));
    direct->answer =
        build_actor(direct->graph, direct->config, &direct->base.scaling, direct->seen);
    gv_graph_keep(direct->graph, direct->answer);
    return gv_graph_finish(direct->graph, GV_NODE_NONE);
}

static void start_at_cpa(gv_params *params)
{
    static const char *const names[] = {LAST_LAYER ".weight", LAST_LAYER ".bias"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const gv_weight *weight = gv_params_find(params, names[i]);
        memset(gv_params_f32(params) + weight->offset, 0, weight->count * sizeof(float));
    }
}

static gv_status add_loss(direct_state *direct)
{
    const gv_learner_common *common = &direct->config->common;
    const gv_objective_config policy = {.loss = "policy",
                                        .trained = GV_ACTOR_PREFIX,
                                        .build = build_loss,
                                        .fill = fill,
                                        .context = direct,
                                        .optimizer = {.type = &gv_optimizer_adam,
                                                      .schedule = &gv_schedule_cosine,
                                                      .total = (uint64_t)common->steps,
                                                      .rate = common->rate,
                                                      .clip_norm = 1}};
    return gv_workshop_add(&direct->base, &policy);
}

static gv_status direct_init(void *state, const gv_learner_setup *setup)
{
    direct_state *direct = state;
    const direct_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_direct.info, .setup = setup, .served = GV_ACTOR_PREFIX};
    direct->config = config;
    GV_TRY(gv_workshop_open(&direct->base, &workshop));
    GV_TRY(check_episodes(setup->dataset));
    direct->ticks = gv_dataset_ticks(setup->dataset);
    direct->shards = (size_t)config->common.shards;
    direct->rows = (size_t)config->common.batch / direct->shards;
    direct->width = GV_OUTLOOK_SIZE;
    GV_TRY(make_room(direct));
    GV_TRY(fit_scaling(direct));
    GV_TRY(add_loss(direct));
    GV_TRY(build_answers(direct));
    GV_TRY(gv_workshop_begin(&direct->base));
    start_at_cpa(direct->base.params);
    for (size_t i = 0; i < direct->shards; i++) {
        GV_TRY(gv_tape_create(direct->graph, direct->base.params, &direct->players[i].tape));
    }
    return GV_OK;
}

static gv_status direct_step(void *state, uint64_t step, double *losses)
{
    direct_state *direct = state;
    direct->step = step;
    GV_TRY(gv_parallel_for(direct->base.setup.jobs, direct->shards, play_shard, direct));
    losses[1] = 0;
    for (size_t i = 0; i < direct->shards; i++) {
        losses[1] += direct->players[i].score / (double)(direct->rows * direct->shards);
    }
    return gv_workshop_run(&direct->base, 0, &losses[0]);
}

static void direct_fini(void *state)
{
    const direct_state *direct = state;
    for (size_t i = 0; direct->players != NULL && i < direct->shards; i++) {
        gv_tape_destroy(direct->players[i].tape);
        gv_rollout_destroy(direct->players[i].rollout);
        gv_mem_free(direct->players[i].gradient);
    }
    gv_mem_free(direct->players);
    gv_mem_free(direct->features);
    gv_mem_free(direct->aims);
    gv_graph_destroy(direct->graph);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_direct = {
    .info = {.name = "direct",
             .summary = "an MLP taught by the score's own gradient through recorded bid landscapes",
             .source = "Madeka et al., Deep Inventory Management, arXiv 2210.03137; the rest ours",
             .params = direct_params,
             .config_size = sizeof(direct_config)},
    .state_size = sizeof(direct_state),
    .presets = direct_presets,
    .losses = {"policy", "score"},
    .stretch = {.budget = {BUDGET_LEAST, BUDGET_MOST}, .cpa = {CPA_LEAST, CPA_MOST}},
    .init = direct_init,
    .step = direct_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = direct_fini,
};

const gv_actor_kind gv_actor_direct = {
    .learner = &gv_learner_direct,
    .features = GV_FEATURES_OUTLOOK,
    .build = build_actor,
    .layers = {"actor.0", "actor.2", LAST_LAYER},
};
