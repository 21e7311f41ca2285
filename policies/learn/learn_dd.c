/*
 * Decision diffuser (Ajay et al., ICLR 2023) and DiffBid (arXiv 2405.16141): what would a period
 * with that return look like, and which action leads from state to state?
 *
 *     noise    mean (eps - eps(x_k, k, return or nothing))^2,  x_k = mix of states and eps
 *     inverse  mean (f(s_(t-2), s_(t-1), s_t, s_(t+1)) - a_t)^2
 *
 * Sizes of the public code of AuctionNet (arXiv 2412.10798): base 128, multipliers 1, 2, 4, kernel
 * 5, 8 groups, 10 steps of the cosine schedule, the return dropped for a quarter of a batch, the
 * first state without weight, MLP 256-256-256, Adam at 1e-4. Mended, and restorable: states that
 * were noised as they are though guesses are held within +-1 (scale_states), a return through a
 * sigmoid that is 1 for most (condition). `completion` is CBD's (arXiv 2509.03348): a part of the
 * period from its start on is left as it was and has no weight, as in serving.
 */
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dd_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

enum {
    NOISE,
    INVERSE,
    EACH = 8,         /* transitions an example of a batch */
    NUMBERS_FIRST = 4 /* draws of an example before its noise: step, drop, prefix */
};

typedef struct dd_state {
    gv_workshop base;
    gv_dd_sizes sizes;
    gv_return_law law;
    gv_diffusion diffusion;
    gv_unet_inputs inputs;
    gv_node noise;   /* [B, horizon, GV_STATE_SIZE]: what was drawn */
    gv_node weights; /* the same */
    gv_node seen;    /* [EACH B, GV_DD_INVERSE_INPUTS] */
    gv_node action;  /* [EACH B, 1] */
    double weighed;  /* numbers of this step's batch that have weight */
    float *features; /* [diffusion_steps][base] */
} dd_state;

static const char *const return_kinds[] = {"plain", "score", NULL};
static const char *const conditions[] = {"range", "sigmoid", NULL};

static const gv_param dd_params[] = {
    GV_LEARNER_ROWS("4000", "32", "0.0005", SOURCE ": batches of 1000 at 1e-4, once over the data"),
    GV_WIDTH_ROW(gv_dd_config, base, "64", "channels of the U-Net's first level, even",
                 SOURCE ": 128"),
    {.name = "levels",
     .kind = GV_PARAM_INTEGER,
     .fallback = "2",
     .minimum = 1,
     .maximum = GV_UNET_LEVELS_MAX,
     .offset = offsetof(gv_dd_config, levels),
     .help = "levels of the U-Net, each of twice the channels and half the ticks",
     .source = SOURCE ": 3"},
    {.name = "kernel",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "5",
     .minimum = 1,
     .maximum = 31,
     .offset = offsetof(gv_dd_config, kernel),
     .help = "width of a convolution, odd",
     .source = SOURCE},
    {.name = "groups",
     .kind = GV_PARAM_INTEGER,
     .fallback = "8",
     .minimum = 1,
     .maximum = 1024,
     .offset = offsetof(gv_dd_config, groups),
     .help = "groups of channels that are normalised together; they divide base",
     .source = SOURCE},
    {.name = "diffusion_steps",
     .kind = GV_PARAM_INTEGER,
     .fallback = "10",
     .minimum = 1,
     .maximum = GV_DIFFUSION_STEPS_MAX,
     .offset = offsetof(gv_dd_config, diffusion_steps),
     .help = "steps from a period to noise; CBD has 100",
     .source = SOURCE},
    {.name = "drop",
     .kind = GV_PARAM_REAL,
     .fallback = "0.25",
     .maximum = 1,
     .offset = offsetof(gv_dd_config, drop),
     .help = "share of examples whose return is hidden",
     .source = SOURCE "; DiffBid: 0.2"},
    GV_WIDTH_ROW(gv_dd_config, inverse, "128", "width of each layer of the inverse dynamics",
                 SOURCE ": 256"),
    {.name = "returns",
     .kind = GV_PARAM_CHOICE,
     .fallback = "plain",
     .choices = return_kinds,
     .offset = offsetof(gv_dd_config, returns),
     .help = "the return: plain counts conversions; score is the competition's",
     .source = SOURCE},
    {.name = "score_power",
     .kind = GV_PARAM_REAL,
     .fallback = "2",
     .maximum = 10,
     .offset = offsetof(gv_dd_config, score_power),
     .help = "power of C / CPA in the score",
     .source = "AuctionNet, arXiv 2412.10798"},
    {.name = "relative",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_dd_config, relative),
     .help = "count returns in units of budget / C, so that campaigns of any budget compare",
     .source = "ours"},
    {.name = "condition",
     .kind = GV_PARAM_CHOICE,
     .fallback = "range",
     .choices = conditions,
     .offset = offsetof(gv_dd_config, condition),
     .help = "the return told: range is 0 to 1 over the training data; sigmoid is the public "
             "code's fault, 1 for most",
     .source = "DiffBid, arXiv 2405.16141; " SOURCE},
    {.name = "scale_states",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_dd_config, scales_states),
     .help = "bring each entry of the state to -1 .. 1; off: as it is, the public code's fault",
     .source = "ours"},
    {.name = "completion",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_dd_config, completes),
     .help = "train as it serves: the start of a period is known, only the rest is noise",
     .source = "CBD, arXiv 2509.03348"},
    {0},
};

static const gv_preset dd_presets[] = {
    {"dd", "AuctionNet's sizes: a U-Net of 16.5 million weights",
     (const char *const[]){"base=128", "levels=3", "inverse=256", "batch=1000", "shards=10",
                           "rate=0.0001", NULL}},
    {"diffbid", "DiffBid's: two levels of 128 and 256, 30 steps, the return dropped for a fifth",
     (const char *const[]){"base=128", "levels=2", "inverse=256", "diffusion_steps=30", "drop=0.2",
                           "batch=128", "shards=16", "rate=0.0001", NULL}},
    {0},
};

/* ---- batches --------------------------------------------------------------------------------- */

/* An example's draws, but for its noise. */
typedef struct example {
    const gv_episode *episode;
    gv_random random;
    uint64_t first; /* index of its first draw of noise */
    size_t k;
    size_t prefix; /* states that are left as they were, and one more: without weight */
    bool is_dropped;
} example;

static example example_of(const dd_state *dd, uint64_t step, size_t index)
{
    const gv_learner_setup *setup = &dd->base.setup;
    const gv_dd_config *config = setup->config;
    const gv_place place = gv_dataset_draw(setup->dataset, setup->seed, step, index);
    const uint64_t each = NUMBERS_FIRST + dd->sizes.horizon * GV_STATE_SIZE;
    example one = {.episode = gv_dataset_at(setup->dataset, place.episode),
                   .random = gv_random_key(setup->seed, GV_STREAM_NOISE, step),
                   .first = index * each + NUMBERS_FIRST};
    const uint64_t at = index * each;
    one.k = 1 + (size_t)gv_random_below(&one.random, at, dd->diffusion.steps);
    one.is_dropped = gv_random_bernoulli(&one.random, at + 1, config->drop);
    one.prefix =
        config->completes ? (size_t)gv_random_below(&one.random, at + 2, one.episode->length) : 0;
    return one;
}

static double weighed_of(const example *one)
{
    return (double)((one->episode->length - 1 - one->prefix) * GV_STATE_SIZE);
}

/* Behind an episode's end its last state goes on, without weight. */
static void fill_state(const dd_state *dd, const example *one, size_t tick, float *x, float *noise,
                       float *weights)
{
    const size_t last = one->episode->length - 1;
    const size_t of = tick < last ? tick : last;
    const bool is_known = tick <= one->prefix;
    const bool is_clean = is_known && one->prefix > 0;
    float state[GV_STATE_SIZE];
    double drawn[GV_STATE_SIZE];
    gv_scaling_state(&dd->base.scaling, one->episode->state + of * GV_STATE_SIZE, state);
    gv_random_fill_normal(&one->random, one->first + tick * GV_STATE_SIZE, GV_STATE_SIZE, drawn);
    for (size_t i = 0; i < GV_STATE_SIZE; i++) {
        noise[i] = (float)drawn[i];
        weights[i] = is_known || tick > last ? 0 : (float)(1 / dd->weighed);
    }
    gv_diffusion_mix(&dd->diffusion, is_clean ? 0 : one->k, state, noise, GV_STATE_SIZE, x);
}

static double condition_of(const dd_state *dd, const gv_episode *episode)
{
    const gv_dd_config *config = dd->base.setup.config;
    const gv_scaling *scaling = &dd->base.scaling;
    const gv_account total = gv_episode_account(episode, episode->length);
    const double reached = gv_return_reached(&dd->law, &total);
    if (config->condition == GV_DD_SIGMOID) {
        return 1 / (1 + exp(-reached));
    }
    return (reached - scaling->reward_offset) / scaling->reward_divisor;
}

static void fill_noise(void *context, const gv_shard *shard)
{
    const dd_state *dd = context;
    gv_tape *tape = shard->tape;
    const size_t base = dd->sizes.unet.base;
    const size_t horizon = dd->sizes.horizon;
    for (size_t i = 0; i < shard->size; i++) {
        const example one = example_of(dd, shard->step, shard->number * shard->size + i);
        for (size_t tick = 0; tick < horizon; tick++) {
            const size_t at = (i * horizon + tick) * GV_STATE_SIZE;
            fill_state(dd, &one, tick, gv_tape_f32(tape, dd->inputs.x) + at,
                       gv_tape_f32(tape, dd->noise) + at, gv_tape_f32(tape, dd->weights) + at);
        }
        memcpy(gv_tape_f32(tape, dd->inputs.step) + i * base, dd->features + (one.k - 1) * base,
               base * sizeof(float));
        gv_tape_f32(tape, dd->inputs.condition)[i] = (float)condition_of(dd, one.episode);
        gv_tape_f32(tape, dd->inputs.keep)[i] = one.is_dropped ? 0 : 1;
    }
}

/* A tick that another follows; of an episode of one tick that one, followed by itself. */
static void fill_transition(const dd_state *dd, gv_place place, float *seen, float *action)
{
    const gv_episode *episode = gv_dataset_at(dd->base.setup.dataset, place.episode);
    const gv_scaling *scaling = &dd->base.scaling;
    const size_t last = episode->length - 1;
    const size_t tick = place.tick == last && last > 0 ? last - 1 : place.tick;
    for (size_t i = 0; i < GV_DD_SEEN; i++) {
        const size_t wanted = tick + i < GV_DD_SEEN - 2 ? 0 : tick + i + 2 - GV_DD_SEEN;
        const size_t at = wanted < last ? wanted : last;
        gv_scaling_state(scaling, episode->state + at * GV_STATE_SIZE, seen + i * GV_STATE_SIZE);
    }
    *action = (float)(episode->action[tick] / scaling->action_divisor);
}

static void fill_inverse(void *context, const gv_shard *shard)
{
    const dd_state *dd = context;
    const gv_learner_setup *setup = &dd->base.setup;
    const size_t count = shard->size * EACH;
    float *seen = gv_tape_f32(shard->tape, dd->seen);
    float *actions = gv_tape_f32(shard->tape, dd->action);
    for (size_t i = 0; i < count; i++) {
        /* Behind the draws of the other loss. */
        const uint64_t index = (uint64_t)dd->base.common->batch + shard->number * count + i;
        fill_transition(dd, gv_dataset_draw(setup->dataset, setup->seed, shard->step, index),
                        seen + i * GV_DD_INVERSE_INPUTS, actions + i);
    }
}

/* ---- losses ---------------------------------------------------------------------------------- */

static gv_node noise_loss(void *context, gv_graph *graph, size_t size)
{
    dd_state *dd = context;
    const gv_shape shape = gv_shape_of(3, (size_t[]){size, dd->sizes.horizon, GV_STATE_SIZE});
    dd->noise = gv_graph_input(graph, "noise", shape);
    dd->weights = gv_graph_input(graph, "weights", shape);
    const gv_node guess = gv_dd_build_noise(graph, &dd->sizes, size, &dd->inputs);
    return gv_op_mse(graph, guess, dd->noise, dd->weights);
}

static gv_node inverse_loss(void *context, gv_graph *graph, size_t size)
{
    dd_state *dd = context;
    const size_t rows = size * EACH;
    dd->seen =
        gv_graph_input(graph, "seen", gv_shape_of(2, (size_t[]){rows, GV_DD_INVERSE_INPUTS}));
    dd->action = gv_graph_input(graph, "action", gv_shape_of(2, (size_t[]){rows, 1}));
    const gv_node guess = gv_dd_build_inverse(graph, &dd->sizes, dd->seen);
    return gv_op_mse(graph, guess, dd->action, GV_NODE_NONE);
}

/* ---- methods --------------------------------------------------------------------------------- */

/* The least of each entry to -1, its largest to 1; what never changed to 0. */
static void scale_states(dd_state *dd)
{
    const gv_dataset *dataset = dd->base.setup.dataset;
    gv_scaling *scaling = &dd->base.scaling;
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        double least = HUGE_VAL;
        double largest = -HUGE_VAL;
        for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
            const gv_episode *episode = gv_dataset_at(dataset, i);
            for (size_t t = 0; t < episode->length; t++) {
                least = fmin(least, episode->state[t * GV_STATE_SIZE + k]);
                largest = fmax(largest, episode->state[t * GV_STATE_SIZE + k]);
            }
        }
        scaling->offset[k] = least + (largest - least) / 2;
        scaling->divisor[k] = largest > least ? (largest - least) / 2 : 1;
    }
}

static void leave_states(dd_state *dd)
{
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        dd->base.scaling.offset[k] = 0;
        dd->base.scaling.divisor[k] = 1;
    }
}

/* The scaling's reward is the return. */
static void scale_returns(dd_state *dd)
{
    const gv_dataset *dataset = dd->base.setup.dataset;
    double least = HUGE_VAL;
    double largest = -HUGE_VAL;
    for (size_t i = 0; i < gv_dataset_count(dataset); i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        const gv_account total = gv_episode_account(episode, episode->length);
        const double reached = gv_return_reached(&dd->law, &total);
        least = fmin(least, reached);
        largest = fmax(largest, reached);
    }
    dd->base.scaling.reward_offset = least;
    dd->base.scaling.reward_divisor = largest > least ? largest - least : 1;
}

static gv_status make_features(dd_state *dd)
{
    const size_t base = dd->sizes.unet.base;
    dd->features = gv_mem_alloc(0, dd->diffusion.steps * base, sizeof *dd->features);
    if (dd->features == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu steps of diffusion", dd->diffusion.steps);
    }
    for (size_t k = 0; k < dd->diffusion.steps; k++) {
        gv_unet_step_features((double)k, base, dd->features + k * base);
    }
    return GV_OK;
}

static gv_status prepare(dd_state *dd, const gv_learner_setup *setup)
{
    const gv_dd_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_dd.info,
        .setup = setup,
        .served = GV_DD_PREFIX,
        .scaling = {.kind = GV_SCALING_ZSCORE, .scales_actions = config->common.scales_actions}};
    GV_TRY(gv_dd_sizes_of(config, gv_dataset_ticks(setup->dataset), &dd->sizes));
    dd->law = (gv_return_law){.kind = (gv_return_kind)config->returns,
                              .power = config->score_power,
                              .is_relative = config->relative};
    dd->diffusion = gv_diffusion_cosine((size_t)config->diffusion_steps, GV_DIFFUSION_OFFSET);
    GV_TRY(gv_workshop_open(&dd->base, &workshop));
    scale_returns(dd);
    (config->scales_states ? scale_states : leave_states)(dd);
    return make_features(dd);
}

static gv_status dd_init(void *state, const gv_learner_setup *setup)
{
    dd_state *dd = state;
    const gv_objective_config losses[] = {
        [NOISE] = {"noise", .trained = GV_DD_UNET, .build = noise_loss, .fill = fill_noise},
        [INVERSE] = {"inverse", .trained = GV_DD_INVERSE, .build = inverse_loss,
                     .fill = fill_inverse},
    };
    GV_TRY(prepare(dd, setup));
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        gv_objective_config loss = losses[i];
        loss.context = dd;
        GV_TRY(gv_workshop_add(&dd->base, &loss));
    }
    return gv_workshop_begin(&dd->base);
}

static gv_status dd_step(void *state, uint64_t step, double *losses)
{
    dd_state *dd = state;
    dd->weighed = 0;
    for (size_t i = 0; i < (size_t)dd->base.common->batch; i++) {
        const example one = example_of(dd, step, i);
        dd->weighed += weighed_of(&one);
    }
    dd->weighed = dd->weighed > 0 ? dd->weighed : 1;
    GV_TRY(gv_workshop_run(&dd->base, NOISE, &losses[NOISE]));
    return gv_workshop_run(&dd->base, INVERSE, &losses[INVERSE]);
}

static void dd_fini(void *state)
{
    gv_mem_free(((dd_state *)state)->features);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_dd = {
    .info = {.name = "dd",
             .summary = "decision diffuser (DiffBid): imagine a period with that return, follow it",
             .source = "Ajay et al., ICLR 2023, arXiv 2211.15657; DiffBid, arXiv 2405.16141",
             .params = dd_params,
             .config_size = sizeof(gv_dd_config)},
    .state_size = sizeof(dd_state),
    .presets = dd_presets,
    .losses = {"noise", "inverse"},
    .init = dd_init,
    .step = dd_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = dd_fini,
};
