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
#include <stddef.h>

#include "policies/learn/dt_course_impl.h"
#include "policies/learn/dt_rows_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/workshop_impl.h"

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct dt_state {
    gv_workshop base;
    gv_dt_course course;
} dt_state;

static const gv_param dt_params[] = {
    GV_LEARNER_ROWS("4000", "32", "0.001", SOURCE ": 10,000 steps, at a rate of 1e-4"),
    GV_DT_ROWS("plain", "off", "0.1", "400", SOURCE),
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

/* ---- methods --------------------------------------------------------------------------------- */

static gv_status dt_init(void *state, const gv_learner_setup *setup)
{
    dt_state *dt = state;
    const gv_dt_config *config = setup->config;
    const gv_workshop_config workshop = {
        .info = &gv_learner_dt.info,
        .setup = setup,
        .served = GV_DT_PREFIX,
        .scaling = {.kind = GV_SCALING_ZSCORE, .scales_actions = config->common.scales_actions}};
    const gv_objective_config action = gv_dt_objective(config, &dt->course);
    const gv_return_law law = gv_dt_law(config);
    const gv_bag_law bags = {.length = 1};
    GV_TRY(gv_dt_check(gv_learner_dt.info.name, config));
    GV_TRY(gv_workshop_open(&dt->base, &workshop));
    dt->course = (gv_dt_course){.dataset = setup->dataset,
                                .scaling = &dt->base.scaling,
                                .sizes = gv_dt_sizes_of(config, gv_dataset_ticks(setup->dataset)),
                                .seed = setup->seed};
    GV_TRY(gv_dt_scale_returns(&law, config->return_scale, setup->dataset, &dt->base.scaling));
    GV_TRY(gv_dt_course_init(&dt->course));
    GV_TRY(gv_dt_course_teach(&dt->course, &law, &bags));
    GV_TRY(gv_workshop_add(&dt->base, &action));
    return gv_workshop_begin(&dt->base);
}

static gv_status dt_step(void *state, uint64_t step, double *losses)
{
    dt_state *dt = state;
    gv_dt_course_begin(&dt->course, step, (size_t)dt->base.common->batch);
    return gv_workshop_run(&dt->base, 0, &losses[0]);
}

static void dt_fini(void *state)
{
    gv_dt_course_fini(&((dt_state *)state)->course);
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
