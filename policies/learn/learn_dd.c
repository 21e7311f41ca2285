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
#include "policies/learn/dd_lesson_impl.h"
#include "policies/learn/learners_impl.h"

#define DEFAULT_base            "64"
#define DEFAULT_inverse         "128"
#define DEFAULT_levels          "2"
#define DEFAULT_kernel          "5"
#define DEFAULT_groups          "8"
#define DEFAULT_diffusion_steps "10"
#define DEFAULT_drop            "0.25"
#define DEFAULT_returns         "plain"
#define DEFAULT_score_power     "2"
#define DEFAULT_relative        "off"
#define DEFAULT_condition       "range"
#define DEFAULT_scale_states    "on"
#define DEFAULT_completion      "off"

static const gv_param dd_params[] = {
    GV_LEARNER_ROWS("4000", "32", "0.0005",
                    GV_DD_SOURCE ": batches of 1000 at 1e-4, once over the data"),
    GV_DD_ROWS(DEFAULT),
    {0},
};

static const gv_preset dd_presets[] = {
    {"dd", "AuctionNet's sizes: a U-Net of 16.5 million weights",
     (const char *const[]){"base=128", "levels=3", "inverse=256", "batch=1000", "shards=10",
                           "rate=0.0001", NULL}},
    {"diffbid", "DiffBid's: two levels of 128 and 256, 30 steps, the return dropped for a fifth",
     (const char *const[]){"base=128", "levels=2", "inverse=256", "diffusion_steps=30", "drop=0.2",
                           "batch=128", "shards=16", "rate=0.0001", NULL}},
    {"completion", "CBD's planner at CPU sizes: the start of a period known, told the return alone",
     (const char *const[]){"base=16", "levels=3", "inverse=256", "diffusion_steps=100", "drop=0.2",
                           "returns=score", "relative=on", "completion=on", "batch=32",
                           "rate=0.001", NULL}},
    {0},
};

static gv_status dd_init(void *state, const gv_learner_setup *setup)
{
    gv_dd_lesson *dd = state;
    const gv_dd_traits none = {.latent = 0};
    GV_TRY(gv_dd_lesson_open(dd, &gv_learner_dd.info, &none, setup));
    GV_TRY(gv_dd_lesson_add(dd));
    return gv_workshop_begin(&dd->base);
}

static gv_status dd_step(void *state, uint64_t step, double *losses)
{
    return gv_dd_lesson_step(state, step, losses);
}

static void dd_fini(void *state)
{
    gv_dd_lesson_fini(state);
}

const gv_learner_type gv_learner_dd = {
    .info = {.name = "dd",
             .summary = "decision diffuser (DiffBid): imagine a period with that return, follow it",
             .source = "Ajay et al., ICLR 2023, arXiv 2211.15657; DiffBid, arXiv 2405.16141",
             .params = dd_params,
             .config_size = sizeof(gv_dd_config)},
    .state_size = sizeof(gv_dd_lesson),
    .presets = dd_presets,
    .losses = {"noise", "inverse"},
    .init = dd_init,
    .step = dd_step,
    .network = gv_workshop_network,
    .save = gv_workshop_save,
    .restore = gv_workshop_restore,
    .fini = dd_fini,
};
