/*
 * The linear bid ("Lin"): proportional to pCTR, with one number tuned to the budget.
 *
 *     bid = b0 x pCTR / mean pCTR
 *
 * Under second price no policy that prices each opportunity by itself wins more expected clicks
 * for the same expected spend: with a multiplier mu of the budget constraint an impression is
 * worth buying exactly when pCTR >= mu x price, that is for prices up to pCTR / mu.
 */
#include "policies/linear_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "policies/types_impl.h"

typedef struct linear_state {
    double factor; /* nanos for each unit of pCTR */
} linear_state;

static const gv_param linear_params[] = {GV_LINEAR_PARAMS, {0}};

static void set_b0(void *config, double x)
{
    ((gv_linear_config *)config)->b0_nanos = gv_price_round(x);
}

static double mean_bid(const void *config)
{
    return (double)((const gv_linear_config *)config)->b0_nanos;
}

gv_status gv_linear_fit(void *config, const char *type, const gv_fit_input *input,
                        const gv_progress *progress)
{
    gv_linear_config *linear = config;
    if (isnan(linear->mean_pctr)) {
        GV_TRY(gv_plan_click_rate(input->history, type, &linear->rate_from, &linear->mean_pctr));
    }
    if (linear->b0_nanos != GV_PARAM_UNSET) {
        return GV_OK;
    }
    GV_TRY(gv_plan_need(input->history, type, "b0"));
    gv_tune tune = {.what = "b0",
                    .input = input,
                    .progress = progress,
                    .config = config,
                    .set = set_b0,
                    .mean_bid = mean_bid,
                    .click_rate = linear->mean_pctr};
    /* Few impressions may hold most clicks, so the mean one may deserve far less than the top. */
    const double top = gv_plan_top_price(input->history);
    double b0 = 0;
    GV_TRY(gv_tune_clicks(&tune, top / 4096, top * 64, &b0));
    set_b0(config, b0);
    return GV_OK;
}

gv_status gv_linear_factor(const gv_linear_config *config, const char *type, double *factor)
{
    if (config->b0_nanos == GV_PARAM_UNSET || isnan(config->mean_pctr)) {
        return GV_FAIL(GV_EINVAL, "%s: %s is not set and was not fitted", type,
                       config->b0_nanos == GV_PARAM_UNSET ? "b0" : "mean_pctr");
    }
    if (!(config->mean_pctr > 0)) {
        return GV_FAIL(GV_EINVAL, "%s: mean_pctr is 0; give one above 0", type);
    }
    *factor = (double)config->b0_nanos / config->mean_pctr;
    return GV_OK;
}

static gv_status linear_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    gv_linear_config draft = *(gv_linear_config *)config;
    GV_TRY(gv_linear_fit(&draft, "linear", input, progress));
    *(gv_linear_config *)config = draft;
    return GV_OK;
}

static gv_status linear_init(void *state, const gv_policy_setup *setup)
{
    return gv_linear_factor(setup->config, "linear", &((linear_state *)state)->factor);
}

static void linear_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pctr, batch->count, ((const linear_state *)state)->factor, bids);
}

const gv_policy_type gv_policy_linear = {
    .info = {.name = "linear",
             .summary = "a bid proportional to pCTR, tuned to the budget",
             .source = "Lin of Zhang et al. 2014, arXiv 1407.7073",
             .params = linear_params,
             .config_size = sizeof(gv_linear_config)},
    .state_size = sizeof(linear_state),
    .reads = GV_READS_PCTR,
    .needs_history = true,
    .fit = linear_fit,
    .init = linear_init,
    .bid = linear_bid,
};
