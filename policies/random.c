/*
 * A bid uniform in a range, drawn anew for each opportunity ("Rand" of Zhang et al. 2014).
 *
 * The draw belongs to (seed, campaign, opportunity), so it is the same however opportunities
 * are batched and whatever was bid before.
 */
#include "sim/base/random.h"

#include <math.h>
#include <stddef.h>

#include "policies/plan_impl.h"
#include "policies/price_impl.h"
#include "policies/tune_impl.h"
#include "policies/types_impl.h"

enum { DRAWS = 512 };

typedef struct random_config {
    int64_t low_nanos;
    int64_t high_nanos;
} random_config;

typedef struct random_state {
    uint64_t seed; /* of this campaign's bids */
    double low_nanos;
    double width_nanos;
} random_state;

static const gv_param random_params[] = {
    {.name = "low",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "0",
     .maximum = HUGE_VAL,
     .offset = offsetof(random_config, low_nanos),
     .help = "the lowest bid",
     .source = "ours: Zhang et al. 2014 state a range without its bounds' names"},
    {.name = "high",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .maximum = HUGE_VAL,
     .offset = offsetof(random_config, high_nanos),
     .help = "the highest bid, not below `low`; auto: the one that wins most on the history "
             "within the budget",
     .source = "Rand of Zhang et al. 2014, arXiv 1407.7073; the tuning is ours"},
    {0},
};

static void set_high(void *config, double x)
{
    ((random_config *)config)->high_nanos = gv_price_round(x);
}

static double mean_bid(const void *config)
{
    const random_config *random = config;
    return ((double)random->low_nanos + (double)random->high_nanos) / 2;
}

static gv_status random_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    random_config *fitted = config;
    if (fitted->high_nanos != GV_PARAM_UNSET) {
        return GV_OK;
    }
    GV_TRY(gv_plan_need(input->history, "random", "high"));
    random_config draft = *fitted;
    gv_tune tune = {.what = "random: high",
                    .input = input,
                    .progress = progress,
                    .config = &draft,
                    .set = set_high,
                    .mean_bid = mean_bid};
    const double top = gv_plan_top_price(input->history);
    const double low = fmax((double)draft.low_nanos, top / 1024);
    double high = 0;
    GV_TRY(gv_tune_clicks(&tune, low, fmax(low, top) * 4, &high));
    fitted->high_nanos = gv_price_round(high);
    return GV_OK;
}

static gv_status random_init(void *state, const gv_policy_setup *setup)
{
    const random_config *config = setup->config;
    if (config->high_nanos == GV_PARAM_UNSET) {
        return GV_FAIL(GV_EINVAL, "random: high is not set and was not fitted");
    }
    if (config->high_nanos < config->low_nanos) {
        return GV_FAIL(GV_EINVAL, "random: high is below low; give high of at least low");
    }
    const gv_random campaign = gv_random_key(setup->seed, GV_STREAM_BID, setup->campaign->number);
    *(random_state *)state = (random_state){
        .seed = gv_random_bits(&campaign, 0),
        .low_nanos = (double)config->low_nanos,
        .width_nanos = (double)config->high_nanos - (double)config->low_nanos,
    };
    return GV_OK;
}

/* Bids of up to DRAWS opportunities, the first of them number `from` of the batch. */
static void draw(const random_state *random, const gv_batch *batch, size_t from, size_t count,
                 int64_t *bids)
{
    uint64_t ids[DRAWS] = {0};
    double draws[DRAWS];
    for (size_t i = 0; i < count; i++) {
        ids[i] = batch->ids == NULL ? batch->first_id + from + i : batch->ids[from + i];
    }
    gv_random_each_uniform(random->seed, GV_STREAM_BID, ids, count, draws);
    for (size_t i = 0; i < count; i++) {
        draws[i] = random->low_nanos + draws[i] * random->width_nanos;
    }
    gv_price_round_all(draws, count, bids + from);
}

static void random_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    for (size_t from = 0; from < batch->count; from += DRAWS) {
        const size_t rest = batch->count - from;
        draw(state, batch, from, rest < DRAWS ? rest : DRAWS, bids);
    }
}

const gv_policy_type gv_policy_random = {
    .info = {.name = "random",
             .summary = "a bid uniform in a range, drawn for each opportunity",
             .source = "Rand of Zhang et al. 2014, arXiv 1407.7073",
             .params = random_params,
             .config_size = sizeof(random_config)},
    .state_size = sizeof(random_state),
    .needs_history = true,
    .fit = random_fit,
    .init = random_init,
    .bid = random_bid,
};
