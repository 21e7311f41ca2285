/*
 * EBaReT: expert-guided bag reward transformer (arXiv 2507.16186; see ebaret_impl.h).
 *
 * The first pu_steps steps train the discriminator (discriminator_impl.h), which then rates every
 * logged transition once: e = eta(s, a), 1 for experts'. The steps behind them train the
 * transformer (dt_course_impl.h) with
 *     w_t = 1 for experts,   weight_floor + (1 - weight_floor) eta(s_t, a_t) for the log
 * so that the log's coverage is kept, and the discriminator says what of it is imitated; a share
 * of each batch is experts'. The target of the action is what was played, or (ours, after oracle
 * imitation, arXiv 2412.11434) what the hindsight oracle says of the state, whoever came there.
 *
 * By default all weights are 1, returns are hidden and experts are few: an oracle's day holds what
 * nobody could foresee, and who learns to read that takes his own past for it. With the preset
 * ebaret-dt it is the learner dt, to the bit.
 */
#include <stddef.h>

#include "policies/learn/discriminator_impl.h"
#include "policies/learn/dt_course_impl.h"
#include "policies/learn/dt_rows_impl.h"
#include "policies/learn/ebaret_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"
#include "sim/base/mem.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"
#define PAPER  "a choice of ours; the idea: EBaReT, arXiv 2507.16186"

typedef struct ebaret_state {
    gv_workshop base;
    gv_dt_course course;
    gv_judge_course judging;
    bool is_rated; /* the lessons have their weights and expertness */
} ebaret_state;

static const char *const units[] = {"scaled", "log_cpa", NULL};
static const char *const targets[] = {"played", "oracle", NULL};
static const char *const weightings[] = {"unit", "expert", NULL};
static const char *const pu_losses[] = {"logistic", "sigmoid", NULL};

static const gv_param ebaret_params[] = {
    GV_LEARNER_ROWS("1500", "32", "0.002", "a choice of ours"),
    GV_DT_ROWS("score", "on", "0", "100", SOURCE),
    GV_ANNEAL_ROW(gv_ebaret_config),
    {.name = "expertness",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_ebaret_config, expertness),
     .help = "tokens of expertness, predicted returns; off: the tokens of a decision transformer",
     .source = PAPER},
    {.name = "account",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_ebaret_config, account),
     .help = "show the network C and the budget, on a logarithmic scale, beside the state",
     .source = "ours"},
    {.name = "outlook",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_ebaret_config, outlook),
     .help = "show the network the campaign's outlook, free of scale, beside the state",
     .source = "ours"},
    {.name = "action_unit",
     .kind = GV_PARAM_CHOICE,
     .fallback = "log_cpa",
     .choices = units,
     .offset = offsetof(gv_ebaret_config, action_unit),
     .help = "actions are log(1 + a / C); scaled: as the learner dt has them",
     .source = "ours"},
    {.name = "show_actions",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_ebaret_config, shows_actions),
     .help =
         "tell the network past actions, also in its outlook; off: so that it does not copy them",
     .source = "ours"},
    {.name = "show_returns",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     .offset = offsetof(gv_ebaret_config, shows_returns),
     .help =
         "tell a guided network the return to go, which holds what nobody could foresee; off: it "
         "is predicted alone",
     .source = "ours"},
    {.name = "action_target",
     .kind = GV_PARAM_CHOICE,
     .fallback = "oracle",
     .choices = targets,
     .offset = offsetof(gv_ebaret_config, target),
     .help = "what the action is taught by: what was played, or the hindsight oracle's",
     .source = "ours; OIL, arXiv 2412.11434"},
    {.name = "weights",
     .kind = GV_PARAM_CHOICE,
     .fallback = "unit",
     .choices = weightings,
     .offset = offsetof(gv_ebaret_config, weights),
     .help = "of transitions: by their expertness, or all 1",
     .source = PAPER},
    {.name = "weight_floor",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .maximum = 1,
     .offset = offsetof(gv_ebaret_config, weight_floor),
     .help = "weight of a logged transition that looks like no expert's",
     .source = PAPER},
    {.name = "expert_share",
     .kind = GV_PARAM_REAL,
     .fallback = "0.05",
     .maximum = 1,
     .offset = offsetof(gv_ebaret_config, expert_share),
     .help = "of each batch; 0: all episodes alike, whoever played them",
     .source = PAPER},
    {.name = "bag_length",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "8",
     .minimum = 1,
     .maximum = 100000,
     .offset = offsetof(gv_ebaret_config, bag_length),
     .help = "ticks that are rewarded together; with returns=score by what they add to the score",
     .source = PAPER},
    {.name = "bag_weight",
     .kind = GV_PARAM_REAL,
     .fallback = "0.5",
     .maximum = 1,
     .offset = offsetof(gv_ebaret_config, bag_weight),
     .help = "share of the reward that is expected conversions rather than those that came",
     .source = PAPER},
    {.name = "bins",
     .kind = GV_PARAM_INTEGER,
     .fallback = "32",
     .minimum = 2,
     .maximum = 1024,
     .offset = offsetof(gv_ebaret_config, bins),
     .help = "of the return that is predicted, over 0 to 1.25 of its scale",
     .source = PAPER},
    {.name = "return_share",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 100,
     .offset = offsetof(gv_ebaret_config, return_share),
     .help = "weight of the return's cross-entropy in the loss",
     .source = PAPER},
    {.name = "expertness_share",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 100,
     .offset = offsetof(gv_ebaret_config, expertness_share),
     .help = "weight of the expertness's cross-entropy in the loss",
     .source = PAPER},
    {.name = "pu_steps",
     .kind = GV_PARAM_INTEGER,
     .unit = "steps",
     .fallback = "200",
     .maximum = 1e12,
     .offset = offsetof(gv_ebaret_config, pu_steps),
     .help = "first steps, which train the discriminator; 0: there is none",
     .source = PAPER},
    {.name = "pu_batch",
     .kind = GV_PARAM_INTEGER,
     .fallback = "256",
     .minimum = 2,
     .maximum = 65536,
     .offset = offsetof(gv_ebaret_config, pu_batch),
     .help = "its transitions a step, half of them experts'; a multiple of shards",
     .source = PAPER},
    {.name = "pu_hidden",
     .kind = GV_PARAM_INTEGER,
     .fallback = "128",
     .minimum = 1,
     .maximum = 65536,
     .offset = offsetof(gv_ebaret_config, pu_hidden),
     .help = "width of its two hidden layers",
     .source = PAPER},
    {.name = "pu_rate",
     .kind = GV_PARAM_REAL,
     .fallback = "0.001",
     .maximum = 1e6,
     .offset = offsetof(gv_ebaret_config, pu_rate),
     .help = "its rate of learning, of Adam",
     .source = PAPER},
    {.name = "pu_loss",
     .kind = GV_PARAM_CHOICE,
     .fallback = "logistic",
     .choices = pu_losses,
     .offset = offsetof(gv_ebaret_config, pu_loss),
     .help = "loss of the risk nnPU: logistic tells a probability, sigmoid decides",
     .source = "Kiryo et al., NeurIPS 2017, arXiv 1703.00593"},
    {.name = "pu_prior",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 0.95,
     .offset = offsetof(gv_ebaret_config, pu_prior),
     .help = "share of experts' transitions in the log; 0: estimated, and shown beside the losses",
     .source = PAPER},
    {0},
};

static const gv_preset ebaret_presets[] = {
    {"ebaret-dt", "reduced to the learner dt at its defaults, to the bit",
     (const char *const[]){"anneal=off",         "expertness=off",
                           "account=off",        "outlook=off",
                           "action_unit=scaled", "action_target=played",
                           "weights=unit",       "expert_share=0",
                           "bag_length=1",       "bag_weight=0",
                           "pu_steps=0",         "returns=plain",
                           "relative=off",       "batch=32",
                           "steps=4000",         "rate=0.001",
                           "dropout=0.1",        "warm_up=400",
                           "show_actions=on",    NULL}},
    {"ebaret-large", "the class of sizes of GAVE and GAS: width 512, 8 layers, 16 heads",
     (const char *const[]){"width=512", "layers=8", "heads=16", "inner=2048", "batch=128",
                           "shards=8", "rate=0.0001", "pu_steps=20000", "pu_rate=0.0001",
                           "steps=420000", "warm_up=10000", NULL}},
    {0},
};

/* ---- what is asked of the data --------------------------------------------------------------- */

static gv_status check_config(const gv_ebaret_config *config, const gv_dataset *dataset)
{
    const char *name = gv_learner_ebaret.info.name;
    GV_TRY(gv_dt_check(name, &config->dt));
    if (config->outlook) {
        GV_TRY(gv_dataset_expect_outlook(dataset, name));
    }
    if (config->expertness && config->dt.constraint) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: a guided tick has no token for a constraint: set constraint=off, "
                       "account=on shows it C and the budget",
                       name);
    }
    if (config->expertness && (size_t)config->dt.context < gv_dataset_ticks(dataset)) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: with expertness the network looks at the whole period: make context "
                       "%zu, as many as the trajectories have ticks",
                       name, gv_dataset_ticks(dataset));
    }
    if (config->pu_steps > 0 && config->pu_batch % (2 * config->dt.common.shards) != 0) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: pu_batch of %lld is not a multiple of twice the %lld shards: each "
                       "needs as many experts' transitions as logged ones",
                       name, (long long)config->pu_batch, (long long)config->dt.common.shards);
    }
    return GV_OK;
}

/* Experts, where they are asked for, and a log beside them. */
static gv_status check_experts(const gv_ebaret_config *config, const gv_dt_course *course)
{
    const bool wants_both = config->expert_share > 0 || config->pu_steps > 0;
    if (wants_both && gv_pool_episodes(course->pools[GV_POOL_EXPERTS]) == 0) {
        return GV_FAIL(GV_EINVAL,
                       "ebaret: none of the %zu episodes is an expert's: add a set of `gavel "
                       "experts`, or set expert_share=0 and pu_steps=0",
                       gv_dataset_count(course->dataset));
    }
    if (wants_both && gv_pool_episodes(course->pools[GV_POOL_LOG]) == 0) {
        return GV_FAIL(GV_EINVAL,
                       "ebaret: all of the %zu episodes are experts': add the log's, or set "
                       "expert_share=0 and pu_steps=0",
                       gv_dataset_count(course->dataset));
    }
    return GV_OK;
}

/* ---- lessons --------------------------------------------------------------------------------- */

/* Targets: what the oracle says instead of what was played. */
static gv_status take_targets(const ebaret_state *ebaret)
{
    const gv_dt_course *course = &ebaret->course;
    for (size_t i = 0; i < gv_dataset_count(course->dataset); i++) {
        const gv_episode *episode = gv_dataset_at(course->dataset, i);
        if (episode->oracle == NULL && !episode->is_expert) {
            return GV_FAIL(GV_EINVAL,
                           "ebaret: the set does not tell what the oracle would have played in "
                           "period %lld: take sets of `gavel experts`, or set action_target=played",
                           (long long)episode->period);
        }
        for (size_t t = 0; episode->oracle != NULL && t < episode->length; t++) {
            gv_dt_course_lessons(course, i)[t].target = (float)gv_lens_action(
                &course->lens, course->scaling, episode->cpa, episode->oracle[t]);
        }
    }
    return GV_OK;
}

/* Of one logged episode; x: [ticks][GV_JUDGE_INPUTS], expertness: [ticks] */
static void rate_episode(const ebaret_state *ebaret, gv_judge *judge, size_t number, float *x,
                         float *expertness)
{
    const gv_ebaret_config *config = ebaret->base.setup.config;
    const gv_episode *episode = gv_dataset_at(ebaret->course.dataset, number);
    gv_dt_lesson *lessons = gv_dt_course_lessons(&ebaret->course, number);
    for (size_t t = 0; t < episode->length; t++) {
        gv_judge_case_of(&ebaret->judging, (gv_place){number, t}, x + t * GV_JUDGE_INPUTS);
    }
    gv_judge_rate(judge, x, episode->length, expertness);
    for (size_t t = 0; t < episode->length; t++) {
        const float more = (float)(1 - config->weight_floor) * expertness[t];
        lessons[t].expertness = expertness[t];
        if (config->weights == GV_WEIGHTS_EXPERT) {
            lessons[t].weight = (float)config->weight_floor + more;
        }
    }
}

/* With the discriminator as it is: it does not change any more. */
static gv_status rate_log(ebaret_state *ebaret)
{
    const gv_ebaret_config *config = ebaret->base.setup.config;
    const gv_dataset *dataset = ebaret->course.dataset;
    const size_t ticks = ebaret->course.sizes.ticks;
    gv_judge *judge = NULL;
    GV_TRY(gv_judge_open(ebaret->base.params, (size_t)config->pu_hidden, &judge));
    float *x = gv_mem_alloc(0, ticks * (GV_JUDGE_INPUTS + 1), sizeof *x);
    for (size_t i = 0; x != NULL && i < gv_dataset_count(dataset); i++) {
        if (!gv_dataset_at(dataset, i)->is_expert) {
            rate_episode(ebaret, judge, i, x, x + ticks * GV_JUDGE_INPUTS);
        }
    }
    gv_judge_close(judge);
    if (x == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to rate the log");
    }
    gv_mem_free(x);
    ebaret->is_rated = true;
    return GV_OK;
}

/* ---- methods --------------------------------------------------------------------------------- */

static gv_status teach(ebaret_state *ebaret, const gv_learner_setup *setup)
{
    const gv_ebaret_config *config = setup->config;
    const gv_return_law law = gv_dt_law(&config->dt);
    const gv_bag_law bags = gv_ebaret_bags(config);
    gv_scaling *scaling = &ebaret->base.scaling;
    ebaret->course =
        (gv_dt_course){.dataset = setup->dataset,
                       .scaling = scaling,
                       .sizes = gv_ebaret_sizes(config, gv_dataset_ticks(setup->dataset)),
                       .lens = gv_ebaret_lens(config),
                       .seed = setup->seed,
                       .expert_share = config->expert_share,
                       .return_share = config->return_share,
                       .expertness_share = config->expertness_share};
    GV_TRY(gv_dt_scale_returns(&law, config->dt.return_scale, setup->dataset, scaling));
    GV_TRY(gv_dt_course_init(&ebaret->course));
    GV_TRY(check_experts(config, &ebaret->course));
    GV_TRY(gv_dt_course_teach(&ebaret->course, &law, &bags));
    return config->target == GV_TARGET_ORACLE ? take_targets(ebaret) : GV_OK;
}

static gv_status add_judge(ebaret_state *ebaret, const gv_learner_setup *setup)
{
    const gv_ebaret_config *config = setup->config;
    ebaret->judging = (gv_judge_course){
        .dataset = setup->dataset,
        .scaling = &ebaret->base.scaling,
        .pools = ebaret->course.pools,
        .seed = setup->seed,
        .hidden = (size_t)config->pu_hidden,
        .prior = config->pu_prior > 0 ? config->pu_prior : gv_judge_prior(setup->dataset),
        .is_sigmoid = config->pu_loss != 0};
    const gv_objective_config risk =
        gv_judge_objective(&ebaret->judging, (size_t)config->pu_batch, config->pu_rate);
    return gv_workshop_add(&ebaret->base, &risk);
}

/* Behind those of the discriminator; 1 at least. */
static uint64_t transformer_steps(const gv_ebaret_config *config)
{
    const int64_t left = config->dt.common.steps - config->pu_steps;
    return left > 0 ? (uint64_t)left : 1;
}

static gv_status ebaret_init(void *state, const gv_learner_setup *setup)
{
    ebaret_state *ebaret = state;
    const gv_ebaret_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_ebaret.info,
        .setup = setup,
        .served = "",
        .scaling = {.kind = GV_SCALING_ZSCORE, .scales_actions = config->dt.common.scales_actions}};
    gv_objective_config action = gv_dt_objective(&config->dt, &ebaret->course);
    action.optimizer.schedule = config->anneals ? &gv_schedule_cosine : NULL;
    action.optimizer.total = transformer_steps(config);
    GV_TRY(check_config(config, setup->dataset));
    GV_TRY(gv_workshop_open(&ebaret->base, &workshop));
    GV_TRY(teach(ebaret, setup));
    GV_TRY(gv_workshop_add(&ebaret->base, &action));
    if (config->pu_steps > 0) {
        GV_TRY(add_judge(ebaret, setup));
    }
    return gv_workshop_begin(&ebaret->base);
}

enum { ACTION_LOSS, JUDGE_LOSS };

/* losses: of the transformer, 0 before its first step; the risk, 0 behind its last; the prior. */
static gv_status ebaret_step(void *state, uint64_t step, double *losses)
{
    ebaret_state *ebaret = state;
    const gv_ebaret_config *config = ebaret->base.setup.config;
    const uint64_t judged = (uint64_t)config->pu_steps;
    losses[0] = 0;
    losses[1] = 0;
    losses[2] = ebaret->judging.prior;
    if (step < judged) {
        return gv_workshop_run(&ebaret->base, JUDGE_LOSS, &losses[1]);
    }
    if (judged > 0 && !ebaret->is_rated) {
        GV_TRY(rate_log(ebaret));
    }
    gv_dt_course_begin(&ebaret->course, step - judged, (size_t)ebaret->base.common->batch);
    return gv_workshop_run(&ebaret->base, ACTION_LOSS, &losses[0]);
}

static void ebaret_fini(void *state)
{
    gv_dt_course_fini(&((ebaret_state *)state)->course);
    gv_workshop_fini(state);
}

const gv_learner_type gv_learner_ebaret = {
    .info = {.name = "ebaret",
             .summary = "decision transformer guided by experts, with rewards of bags of ticks",
             .source = "EBaReT, arXiv 2507.16186, as far as it is known; the rest a choice of ours",
             .params = ebaret_params,
             .config_size = sizeof(gv_ebaret_config)},
    .state_size = sizeof(ebaret_state),
    .presets = ebaret_presets,
    .losses = {"transformer", "pu_risk", "pu_prior"},
    .init = ebaret_init,
    .step = ebaret_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = ebaret_fini,
};
