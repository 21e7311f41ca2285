/*
 * The same bid for every opportunity: the plainest baseline ("Const" of Zhang et al. 2014).
 */
#include <math.h>
#include <stddef.h>

#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "policies/types_impl.h"

typedef struct constant_config {
    int64_t bid_nanos;
} constant_config;

typedef struct constant_state {
    int64_t bid_nanos;
} constant_state;

static const gv_param constant_params[] = {
    {.name = "bid",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(constant_config, bid_nanos),
     .help = "the bid; auto: the one that wins most on the history within the budget",
     .source = "Const of Zhang et al. 2014, arXiv 1407.7073; the tuning is ours"},
    {0},
};

static void set_bid(void *config, double x)
{
    ((constant_config *)config)->bid_nanos = gv_price_round(x);
}

static double mean_bid(const void *config)
{
    return (double)((const constant_config *)config)->bid_nanos;
}

static gv_status constant_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    constant_config *fitted = config;
    if (fitted->bid_nanos != GV_PARAM_UNSET) {
        return GV_OK;
    }
    GV_TRY(gv_plan_need(input->history, "constant", "bid"));
    constant_config draft = *fitted;
    gv_tune tune = {.what = "constant: bid",
                    .input = input,
                    .progress = progress,
                    .config = &draft,
                    .set = set_bid,
                    .mean_bid = mean_bid};
    const double top = gv_plan_top_price(input->history);
    double bid = 0;
    GV_TRY(gv_tune_clicks(&tune, top / 1024, top * 2, &bid));
    fitted->bid_nanos = gv_price_round(bid);
    return GV_OK;
}

static gv_status constant_init(void *state, const gv_policy_setup *setup)
{
    const constant_config *config = setup->config;
    if (config->bid_nanos == GV_PARAM_UNSET) {
        return GV_FAIL(GV_EINVAL, "constant: bid is not set and was not fitted");
    }
    *(constant_state *)state = (constant_state){config->bid_nanos};
    return GV_OK;
}

static void constant_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_fill(((const constant_state *)state)->bid_nanos, batch->count, bids);
}

const gv_policy_type gv_policy_constant = {
    .info = {.name = "constant",
             .summary = "the same bid for every opportunity",
             .source = "Const of Zhang et al. 2014, arXiv 1407.7073",
             .params = constant_params,
             .config_size = sizeof(constant_config)},
    .state_size = sizeof(constant_state),
    .needs_history = true,
    .fit = constant_fit,
    .init = constant_init,
    .bid = constant_bid,
};
