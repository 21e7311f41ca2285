/*
 * Decision transformer (Chen et al., NeurIPS 2021): which action would lead to that return?
 *
 *     loss = mean over the valid ticks of (action(R_1, s_1, a_1, ..., R_t, s_t) - a_t)^2
 *
 * Sizes and training as in the public code of AuctionNet (arXiv 2412.10798): width 64, 3 layers, 1
 * head, 512 inside, dropout 0.1, AdamW at 1e-4 with decay 1e-4, the rate rising over the whole
 * training, batches of 32 trajectories drawn in proportion to their length, gradients clipped to
 * 0.25. Mended, and restorable: the context of 20 ticks that serving cut to 10 (context), tick
 * indices that stop at 23 (tick_end), returns scaled by 2000 whatever they are (return_scale).
 * With a context of the whole period every sequence begins at its first tick, as in serving; a
 * shorter one begins anywhere.
 */
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dt_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct dt_state {
    gv_workshop base;
    gv_dt_sizes sizes;
    gv_return_law law;
    gv_dt_nodes nodes;
    gv_node target;  /* [B, n, 1] */
    gv_node weights; /* [B, n, 1]: 1 / valid ticks of the batch, 0 behind an episode's end */
    double valid;    /* ticks of this step's batch */
    double *to_go;   /* [episode][ticks], scaled */
} dt_state;

static const char *const return_kinds[] = {"plain", "score", NULL};

static const gv_param dt_params[] = {
    GV_LEARNER_ROWS("4000", "32", "0.001", SOURCE ": 10,000 steps, at a rate of 1e-4"),
    GV_WIDTH_ROW(gv_dt_config, width, "64", "width of a token; a multiple of heads", SOURCE),
    GV_WIDTH_ROW(gv_dt_config, layers, "2", "blocks of the decoder", SOURCE ": 3"),
    GV_WIDTH_ROW(gv_dt_config, heads, "2", "heads of attention", SOURCE ": 1"),
    GV_WIDTH_ROW(gv_dt_config, inner, "256", "width inside a block", SOURCE ": 512"),
    {.name = "dropout",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 0.9,
     .offset = offsetof(gv_dt_config, dropout),
     .help = "share of numbers that training hides",
     .source = SOURCE},
    {.name = "context",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "48",
     .minimum = 1,
     .maximum = 1000,
     .offset = offsetof(gv_dt_config, context),
     .help = "ticks that the network sees; of a whole period serving forgets nothing and is fast",
     .source = SOURCE ": 20"},
    {.name = "returns",
     .kind = GV_PARAM_CHOICE,
     .fallback = "plain",
     .choices = return_kinds,
     .offset = offsetof(gv_dt_config, returns),
     .help = "the return to come: plain counts conversions; score is S_T - S_(t-1) of the score",
     .source = SOURCE "; DT-score in arXiv 2504.14587"},
    {.name = "score_power",
     .kind = GV_PARAM_REAL,
     .fallback = "2",
     .maximum = 10,
     .offset = offsetof(gv_dt_config, score_power),
     .help = "power of C / CPA in the score; the public code of DT-score has 1, a fault",
     .source = "arXiv 2504.14587"},
    {.name = "relative",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_dt_config, relative),
     .help = "count returns in units of budget / C, so that campaigns of any budget compare",
     .source = "ours"},
    {.name = "return_scale",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 1e9,
     .offset = offsetof(gv_dt_config, return_scale),
     .help = "a return of 1 to the network; 0: what one training episode in twenty exceeds",
     .source = SOURCE ": 2000"},
    {.name = "constraint",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_dt_config, constraint),
     .help = "a fourth token a tick: the share of C to be used, C and the budget",
     .source = "CDT, Liu et al., ICML 2023, arXiv 2302.07351"},
    {.name = "tick_end",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .maximum = 1000,
     .offset = offsetof(gv_dt_config, tick_end),
     .help = "last index of a tick, later ones get it too; 0: every tick has its own",
     .source = SOURCE ": 23, a fault"},
    {.name = "warm_up",
     .kind = GV_PARAM_INTEGER,
     .unit = "steps",
     .fallback = "400",
     .maximum = 1e12,
     .offset = offsetof(gv_dt_config, warm_up),
     .help = "steps over which the rate rises to its own",
     .source = SOURCE ": 10,000"},
    {.name = "decay",
     .kind = GV_PARAM_REAL,
     .fallback = "0.0001",
     .maximum = 1,
     .offset = offsetof(gv_dt_config, decay),
     .help = "AdamW's decay of weights",
     .source = SOURCE},
    {.name = "clip",
     .kind = GV_PARAM_REAL,
     .fallback = "0.25",
     .maximum = 1e9,
     .offset = offsetof(gv_dt_config, clip),
     .help = "longest norm of a gradient; 0: any",
     .source = SOURCE},
    {0},
};

#define DT_SIZES "width=64", "layers=3", "heads=1", "inner=512", "rate=0.0001", "steps=10000"

static const gv_preset dt_presets[] = {
    {"dt", "AuctionNet's sizes and training, over whole periods",
     (const char *const[]){DT_SIZES, "warm_up=10000", NULL}},
    {"dt-published", "the same with its faults: 20 ticks, indices to 23, returns by 2000",
     (const char *const[]){DT_SIZES, "warm_up=10000", "context=20", "tick_end=23",
                           "return_scale=2000", "scale_actions=off", NULL}},
    {"dt-gas", "the sizes of GAS and GAVE: width 512, 8 layers, 16 heads",
     (const char *const[]){"width=512", "layers=8", "heads=16", "inner=1024", "context=20",
                           "batch=128", "shards=8", "rate=0.0001", "steps=400000", "warm_up=10000",
                           NULL}},
    {0},
};

/* ---- batches --------------------------------------------------------------------------------- */

/* Where example `index` of a step begins. */
static gv_place begin_of(const dt_state *dt, uint64_t step, size_t index)
{
    const gv_learner_setup *setup = &dt->base.setup;
    gv_place place = gv_dataset_draw(setup->dataset, setup->seed, step, index);
    place.tick = dt->sizes.context >= dt->sizes.ticks ? 0 : place.tick;
    return place;
}

static size_t length_from(const dt_state *dt, gv_place place)
{
    const size_t left = gv_dataset_at(dt->base.setup.dataset, place.episode)->length - place.tick;
    return left < dt->sizes.context ? left : dt->sizes.context;
}

typedef struct inputs {
    float *constraint, *to_go, *state, *action, *target, *weights;
    int32_t *tick;
} inputs;

static inputs inputs_of(const dt_state *dt, gv_tape *tape)
{
    const gv_dt_nodes *nodes = &dt->nodes;
    return (inputs){
        .constraint =
            nodes->constraint == GV_NODE_NONE ? NULL : gv_tape_f32(tape, nodes->constraint),
        .to_go = gv_tape_f32(tape, nodes->to_go),
        .state = gv_tape_f32(tape, nodes->state),
        .action = gv_tape_f32(tape, nodes->action),
        .target = gv_tape_f32(tape, dt->target),
        .weights = gv_tape_f32(tape, dt->weights),
        .tick = gv_tape_indices(tape, nodes->tick),
    };
}

/* Tick number `at` of an example is tick t of its episode. */
static void fill_tick(const dt_state *dt, const inputs *in, size_t episode_index, size_t t,
                      size_t at)
{
    const gv_episode *episode = gv_dataset_at(dt->base.setup.dataset, episode_index);
    const gv_scaling *scaling = &dt->base.scaling;
    gv_scaling_state(scaling, episode->state + t * GV_STATE_SIZE, in->state + at * GV_STATE_SIZE);
    in->to_go[at] = (float)dt->to_go[episode_index * dt->sizes.ticks + t];
    in->action[at] = (float)(episode->action[t] / scaling->action_divisor);
    in->target[at] = in->action[at];
    in->weights[at] = (float)(1 / dt->valid);
    in->tick[at] = (int32_t)(t < dt->sizes.tick_end ? t : dt->sizes.tick_end);
    if (in->constraint != NULL) {
        const gv_account total = gv_episode_account(episode, episode->length);
        gv_constraint_token(gv_constraint_used(&total), &total,
                            in->constraint + at * GV_CONSTRAINT_SIZE);
    }
}

/* Behind an episode's end: seen by nothing before it, and of no weight. */
static void clear_tick(const inputs *in, size_t at)
{
    memset(in->state + at * GV_STATE_SIZE, 0, GV_STATE_SIZE * sizeof *in->state);
    in->to_go[at] = 0;
    in->action[at] = 0;
    in->target[at] = 0;
    in->weights[at] = 0;
    in->tick[at] = 0;
    if (in->constraint != NULL) {
        memset(in->constraint + at * GV_CONSTRAINT_SIZE, 0,
               GV_CONSTRAINT_SIZE * sizeof *in->constraint);
    }
}

static void fill(void *context, const gv_shard *shard)
{
    const dt_state *dt = context;
    const inputs in = inputs_of(dt, shard->tape);
    for (size_t i = 0; i < shard->size; i++) {
        const gv_place place = begin_of(dt, shard->step, shard->number * shard->size + i);
        const size_t length = length_from(dt, place);
        for (size_t k = 0; k < dt->sizes.context; k++) {
            const size_t at = i * dt->sizes.context + k;
            if (k < length) {
                fill_tick(dt, &in, place.episode, place.tick + k, at);
            } else {
                clear_tick(&in, at);
            }
        }
    }
}

/* ---- methods --------------------------------------------------------------------------------- */

static gv_node build_loss(void *context, gv_graph *graph, size_t size)
{
    dt_state *dt = context;
    const gv_shape one = gv_shape_of(3, (size_t[]){size, dt->sizes.context, 1});
    dt->nodes = gv_dt_inputs(graph, &dt->sizes, size, dt->sizes.context);
    dt->target = gv_graph_input(graph, "target", one);
    dt->weights = gv_graph_input(graph, "weights", one);
    return gv_op_mse(graph, gv_dt_build(graph, &dt->sizes, &dt->nodes), dt->target, dt->weights);
}

static gv_status check_sizes(const gv_dt_config *config)
{
    if (config->width % config->heads != 0) {
        return GV_FAIL(GV_EUSAGE, "dt: a width of %lld cannot be shared by %lld heads equally",
                       (long long)config->width, (long long)config->heads);
    }
    return GV_OK;
}

/* The scaling's reward is the return to go. */
static gv_status scale_returns(dt_state *dt, const gv_dt_config *config)
{
    const gv_dataset *dataset = dt->base.setup.dataset;
    const size_t count = gv_dataset_count(dataset);
    const double common_share = 0.95;
    double scale = config->return_scale;
    if (scale <= 0) {
        GV_TRY(gv_return_quantile(&dt->law, dataset, common_share, &scale));
    }
    dt->base.scaling.reward_offset = 0;
    dt->base.scaling.reward_divisor = scale > 0 ? scale : 1;
    dt->to_go = gv_mem_alloc(0, count * dt->sizes.ticks, sizeof *dt->to_go);
    if (dt->to_go == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the returns of %zu episodes", count);
    }
    for (size_t i = 0; i < count; i++) {
        double *to_go = dt->to_go + i * dt->sizes.ticks;
        gv_return_to_go(&dt->law, gv_dataset_at(dataset, i), to_go);
        for (size_t t = 0; t < gv_dataset_at(dataset, i)->length; t++) {
            to_go[t] /= dt->base.scaling.reward_divisor;
        }
    }
    return GV_OK;
}

static gv_status dt_init(void *state, const gv_learner_setup *setup)
{
    dt_state *dt = state;
    const gv_dt_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_dt.info,
        .setup = setup,
        .served = GV_DT_PREFIX,
        .scaling = {.kind = GV_SCALING_ZSCORE, .scales_actions = config->common.scales_actions}};
    const gv_objective_config action = {.loss = "action",
                                        .trained = GV_DT_PREFIX,
                                        .build = build_loss,
                                        .fill = fill,
                                        .context = dt,
                                        .optimizer = {.type = &gv_optimizer_adamw,
                                                      .warm_up = (uint64_t)config->warm_up,
                                                      .rate = config->common.rate,
                                                      .weight_decay = config->decay,
                                                      .clip_norm = config->clip}};
    GV_TRY(check_sizes(config));
    dt->sizes = gv_dt_sizes_of(config, gv_dataset_ticks(setup->dataset));
    dt->law = gv_dt_law(config);
    GV_TRY(gv_workshop_open(&dt->base, &workshop));
    GV_TRY(scale_returns(dt, config));
    GV_TRY(gv_workshop_add(&dt->base, &action));
    return gv_workshop_begin(&dt->base);
}

static gv_status dt_step(void *state, uint64_t step, double *losses)
{
    dt_state *dt = state;
    const gv_dt_config *config = dt->base.setup.config;
    dt->valid = 0;
    for (size_t i = 0; i < (size_t)config->common.batch; i++) {
        dt->valid += (double)length_from(dt, begin_of(dt, step, i));
    }
    return gv_workshop_run(&dt->base, 0, &losses[0]);
}

static void dt_fini(void *state)
{
    gv_mem_free(((dt_state *)state)->to_go);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_dt = {
    .info = {.name = "dt",
             .summary = "decision transformer: what led to the return that is asked for",
             .source = "Chen et al., NeurIPS 2021, arXiv 2106.01345; " SOURCE,
             .params = dt_params,
             .config_size = sizeof(gv_dt_config)},
    .state_size = sizeof(dt_state),
    .presets = dt_presets,
    .losses = {"action"},
    .init = dt_init,
    .step = dt_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = dt_fini,
};
