/*
 * Adaptive pacing: one multiplier, moved after every auction towards spending the budget evenly.
 * Balseiro and Gur, "Learning in repeated auctions with budgets", Management Science 2019
 * (recalled, not re-read):
 *
 *     b = min(v / (1 + mu), budget left)
 *     mu <- project onto [0, mu_max] of mu - eps (rho - spend),   rho = budget / auctions
 *
 * v is the value of a click times pCTR. So that eps has no unit, spend and rho are divided by
 * the mean value v of an impression (ours). The exchange lowers bids to the budget left.
 */
#include <math.h>
#include <stddef.h>

#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "policies/types_impl.h"

typedef struct adaptive_config {
    int64_t click_nanos;
    double mean_pctr;
    int32_t rate_from;
    int64_t auctions;
    double mu_start;
    double mu_max;
    double step;
} adaptive_config;

typedef struct adaptive_state {
    double click_nanos;
    double mean_nanos; /* mean value of an impression */
    double rho;        /* of the mean value, an auction */
    double step;
    double mu_start;
    double mu_max;
    double mu;
} adaptive_state;

static const gv_param adaptive_params[] = {
    {.name = "click_value",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(adaptive_config, click_nanos),
     .help = "what a click is worth; auto: as the campaign says, else twice what spends the "
             "budget on the history",
     .source = "v of Balseiro and Gur 2019; the fallback is ours"},
    {.name = "mean_pctr",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = 1,
     .offset = offsetof(adaptive_config, mean_pctr),
     .help = "mean pCTR, which scales the steps; auto: the history's click rate",
     .source = "ours"},
    {.name = "rate_from",
     .kind = GV_PARAM_CHOICE,
     .fallback = "auto",
     .choices = gv_plan_rate_choices,
     .offset = offsetof(adaptive_config, rate_from),
     .help = GV_PLAN_RATE_HELP,
     .source = "ours"},
    {.name = "auctions",
     .kind = GV_PARAM_INTEGER,
     .fallback = "auto",
     .minimum = 1,
     .maximum = 1e12,
     .offset = offsetof(adaptive_config, auctions),
     .help = "auctions in an episode; auto: as the campaign says, else at the history's rate",
     .source = "T of Balseiro and Gur 2019; the estimate is ours"},
    {.name = "mu_start",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(adaptive_config, mu_start),
     .help = "multiplier at the start of an episode; auto: the one that spends the budget on the "
             "history",
     .source = "mu_1 of Balseiro and Gur 2019; the fit is ours"},
    {.name = "mu_max",
     .kind = GV_PARAM_REAL,
     .fallback = "1000",
     .maximum = HUGE_VAL,
     .offset = offsetof(adaptive_config, mu_max),
     .help = "the highest multiplier",
     .source = "projection of Balseiro and Gur 2019; the value is ours"},
    {.name = "step",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(adaptive_config, step),
     .help = "eps, the size of a step; auto: 1 / sqrt(auctions)",
     .source = "eps of Balseiro and Gur 2019, about 1 / sqrt(T)"},
    {0},
};

/* A plain linear bid: no multiplier, no steps. x: the bid for an impression of mean pCTR. */
static void set_still(void *config, double x)
{
    adaptive_config *adaptive = config;
    adaptive->click_nanos = gv_price_round(x / adaptive->mean_pctr);
    adaptive->mu_start = 0;
    adaptive->step = 0;
}

static double mean_bid(const void *config)
{
    const adaptive_config *adaptive = config;
    return (double)adaptive->click_nanos * adaptive->mean_pctr / (1 + adaptive->mu_start);
}

/* The value of a click that, bid as it is, spends the budget on the history. */
static gv_status find_spending(const adaptive_config *config, const gv_fit_input *input,
                               const gv_progress *progress, double *click_nanos)
{
    GV_TRY(gv_plan_need(input->history, "adaptive", "mu_start"));
    adaptive_config still = *config;
    gv_tune tune = {.what = "adaptive",
                    .input = input,
                    .progress = progress,
                    .config = &still,
                    .set = set_still,
                    .mean_bid = mean_bid,
                    .click_rate = config->mean_pctr};
    const double top = gv_plan_top_price(input->history);
    double bid = 0;
    GV_TRY(gv_tune_spend(&tune, top / 4096, top * 64, &bid));
    *click_nanos = bid / config->mean_pctr;
    return GV_OK;
}

static gv_status fit_start(adaptive_config *draft, const gv_fit_input *input,
                           const gv_progress *progress)
{
    if (draft->click_nanos == GV_PARAM_UNSET) {
        draft->click_nanos = input->campaign->click_nanos; /* may be unset as well */
    }
    if (draft->click_nanos != GV_PARAM_UNSET && !isnan(draft->mu_start)) {
        return GV_OK;
    }
    double spending = 0;
    GV_TRY(find_spending(draft, input, progress, &spending));
    const bool is_said = draft->click_nanos != GV_PARAM_UNSET;
    if (!is_said) {
        draft->click_nanos = gv_price_round(2 * spending);
    }
    if (isnan(draft->mu_start)) {
        const double mu = is_said ? (double)draft->click_nanos / spending - 1 : 1;
        draft->mu_start = fmin(fmax(mu, 0), draft->mu_max);
    }
    return GV_OK;
}

static gv_status adaptive_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    adaptive_config draft = *(adaptive_config *)config;
    if (isnan(draft.mean_pctr)) {
        GV_TRY(gv_plan_click_rate(input->history, "adaptive", &draft.rate_from, &draft.mean_pctr));
    }
    if (draft.auctions == GV_PARAM_UNSET) {
        GV_TRY(gv_plan_need(input->history, "adaptive", "auctions"));
        draft.auctions = (int64_t)gv_plan_auctions(input->campaign, input->history);
    }
    if (!(draft.mean_pctr > 0)) {
        return GV_FAIL(GV_EINVAL, "adaptive: mean_pctr is 0; give one above 0");
    }
    GV_TRY(fit_start(&draft, input, progress));
    if (isnan(draft.step)) {
        draft.step = 1 / sqrt((double)draft.auctions);
    }
    *(adaptive_config *)config = draft;
    return GV_OK;
}

static const char *first_unset(const adaptive_config *config)
{
    const gv_param *param = adaptive_params;
    while (param->name != NULL &&
           (gv_param_is_set(param, config) || param->kind == GV_PARAM_CHOICE)) {
        param++;
    }
    return param->name;
}

static gv_status adaptive_init(void *state, const gv_policy_setup *setup)
{
    const adaptive_config *config = setup->config;
    if (first_unset(config) != NULL) {
        return GV_FAIL(GV_EINVAL, "adaptive: %s is not set and was not fitted",
                       first_unset(config));
    }
    const double mean = (double)config->click_nanos * config->mean_pctr;
    if (!(mean > 0)) {
        return GV_FAIL(GV_EINVAL, "adaptive: %s is 0; give one above 0",
                       config->mean_pctr > 0 ? "click_value" : "mean_pctr");
    }
    const double budget = (double)setup->campaign->budget_nanos;
    *(adaptive_state *)state = (adaptive_state){
        .click_nanos = (double)config->click_nanos,
        .mean_nanos = mean,
        .rho = budget / (double)config->auctions / mean,
        .step = config->step,
        .mu_start = fmin(config->mu_start, config->mu_max),
        .mu_max = config->mu_max,
        .mu = fmin(config->mu_start, config->mu_max),
    };
    return GV_OK;
}

static void adaptive_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const adaptive_state *adaptive = state;
    gv_price_scale(batch->pctr, batch->count, adaptive->click_nanos / (1 + adaptive->mu), bids);
}

static void adaptive_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        adaptive_state *adaptive = states[i];
        adaptive->mu = observations[i].tick == 0 ? adaptive->mu_start : adaptive->mu;
    }
}

static void adaptive_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    adaptive_state *adaptive = state;
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].kind == GV_OUTCOME_AUCTION) {
            const double spend = (double)outcomes[i].price_nanos / adaptive->mean_nanos;
            const double mu = adaptive->mu - adaptive->step * (adaptive->rho - spend);
            adaptive->mu = fmin(fmax(mu, 0), adaptive->mu_max);
        }
    }
}

const gv_policy_type gv_policy_adaptive = {
    .info = {.name = "adaptive",
             .summary = "value over 1 + mu, where mu follows the spend after every auction",
             .source = "adaptive pacing of Balseiro and Gur, Management Science 2019",
             .params = adaptive_params,
             .config_size = sizeof(adaptive_config)},
    .state_size = sizeof(adaptive_state),
    .reads = GV_READS_PCTR,
    .one_by_one = true,
    .needs_history = true,
    .fit = adaptive_fit,
    .init = adaptive_init,
    .bid = adaptive_bid,
    .tick = adaptive_tick,
    .observe = adaptive_observe,
};
