/*
 * ORTB2: the optimal bid under the win curve w(b) = b^2 / (c^2 + b^2).
 *
 * With w' = 2 b c^2 / (c^2 + b^2)^2 the condition theta w' = lambda (w + b w') of
 * policies/ortb_impl.h is 2 c^2 theta / lambda = b (c^2 + b^2) + 2 c^2 b, that is
 *
 *     b^3 + 3 c^2 b = 2 c^2 theta / lambda
 *
 * Its one real root, with x = theta / (c lambda) and u = (x + sqrt(1 + x^2))^(1/3), is
 *
 *     b = c (u - 1 / u)
 *
 * which is the paper's form, R = sqrt(c^2 lambda^2 + theta^2) being c lambda sqrt(1 + x^2).
 */
#include <math.h>

#include "policies/ortb_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/money.h"

static double win(double bid, double c)
{
    return bid * bid / (c * c + bid * bid);
}

static double bid_for(double ratio, double c)
{
    const double x = ratio / c;
    const double u = cbrt(x + sqrt(1 + x * x));
    return c * (u - 1 / u);
}

static double ratio_of(double bid, double c)
{
    return bid * (bid * bid + 3 * c * c) / (2 * c * c);
}

static const gv_ortb_curve curve = {"ortb2", win, bid_for, ratio_of};

static gv_status ortb2_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    return gv_ortb_fit(&curve, config, input, progress);
}

static gv_status ortb2_init(void *state, const gv_policy_setup *setup)
{
    return gv_ortb_init(&curve, setup, state);
}

static void ortb2_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const gv_ortb_state *ortb = state;
    for (size_t i = 0; i < batch->count; i++) {
        const double bid = bid_for(batch->pctr[i] / ortb->lambda, ortb->c);
        bids[i] = gv_price_bid(bid * (double)GV_NANOS_PER_CPM);
    }
}

const gv_policy_type gv_policy_ortb2 = {
    .info = {.name = "ortb2",
             .summary = "optimal under the win curve b^2 / (c^2 + b^2)",
             .source = "ORTB2 of Zhang, Yuan and Wang, KDD 2014",
             .params = gv_ortb_params,
             .config_size = sizeof(gv_ortb_config)},
    .state_size = sizeof(gv_ortb_state),
    .reads = GV_READS_PCTR,
    .needs_history = true,
    .fit = ortb2_fit,
    .init = ortb2_init,
    .bid = ortb2_bid,
};
