/*
 * ORTB1: the optimal bid under the win curve w(b) = b / (c + b).
 *
 * With w' = c / (c + b)^2 the condition theta w' = lambda (w + b w') of policies/ortb_impl.h is
 * c theta / lambda = b (c + b) + c b = (b + c)^2 - c^2, so
 *
 *     b = sqrt(c theta / lambda + c^2) - c
 *
 * Computed as x / (sqrt(x + c^2) + c) with x = c theta / lambda, which is the same without the
 * cancellation at small pCTR.
 */
#include <math.h>

#include "policies/ortb_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/money.h"
#include "sim/base/vector.h"

enum { PIECE = 512 };

static double win(double bid, double c)
{
    return bid / (c + bid);
}

static inline double bid_for(double ratio, double c)
{
    const double x = c * ratio;
    return x / (sqrt(x + c * c) + c);
}

static double curve_bid(double ratio, double c)
{
    return bid_for(ratio, c);
}

static double ratio_of(double bid, double c)
{
    return bid * (bid + 2 * c) / c;
}

static const gv_ortb_curve curve = {"ortb1", win, curve_bid, ratio_of};

static gv_status ortb1_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    return gv_ortb_fit(&curve, config, input, progress);
}

static gv_status ortb1_init(void *state, const gv_policy_setup *setup)
{
    return gv_ortb_init(&curve, setup, state);
}

GV_VECTOR
static void price(const gv_ortb_state *state, const double *pctr, size_t count, double *nanos)
{
    for (size_t i = 0; i < count; i++) {
        nanos[i] = bid_for(pctr[i] / state->lambda, state->c) * (double)GV_NANOS_PER_CPM;
    }
}

static void ortb1_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    double nanos[PIECE];
    for (size_t from = 0; from < batch->count; from += PIECE) {
        const size_t rest = batch->count - from;
        const size_t count = rest < PIECE ? rest : PIECE;
        price(state, batch->pctr + from, count, nanos);
        gv_price_round_all(nanos, count, bids + from);
    }
}

const gv_policy_type gv_policy_ortb1 = {
    .info = {.name = "ortb1",
             .summary = "optimal under the win curve b / (c + b): concave in pCTR",
             .source = "ORTB1 of Zhang, Yuan and Wang, KDD 2014",
             .params = gv_ortb_params,
             .config_size = sizeof(gv_ortb_config)},
    .state_size = sizeof(gv_ortb_state),
    .reads = GV_READS_PCTR,
    .needs_history = true,
    .fit = ortb1_fit,
    .init = ortb1_init,
    .bid = ortb1_bid,
};
