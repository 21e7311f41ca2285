/*
 * AuctionNet's baseline "PID": a multiplier of the value, raised or lowered by whole steps.
 *
 *     bid = a x pCVR
 *     cost of the last tick x ticks left / budget left:  below `low`: a *= raise
 *                                                        above `high`: a *= lower
 *
 * Public code of Su et al., AuctionNet (arXiv 2412.10798), with its even traffic plan. It knows no
 * CPA. Where an episode's ticks are not known it keeps its multiplier.
 */
#include <math.h>
#include <stddef.h>

#include "policies/price_impl.h"
#include "policies/types_impl.h"

typedef struct steps_config {
    int64_t start_nanos;
    double low;
    double high;
    double raise;
    double lower;
} steps_config;

typedef struct steps_state {
    steps_config config;
    double multiplier; /* nanos a conversion */
} steps_state;

#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

static const gv_param steps_params[] = {
    {.name = "start",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "15",
     .maximum = HUGE_VAL,
     .offset = offsetof(steps_config, start_nanos),
     .help = "the multiplier at an episode's start: bid for a conversion that is certain",
     .source = SOURCE},
    {.name = "low",
     .kind = GV_PARAM_REAL,
     .fallback = "0.7",
     .maximum = HUGE_VAL,
     .offset = offsetof(steps_config, low),
     .help = "raise the multiplier when the rest of the budget would be used to less than this",
     .source = SOURCE},
    {.name = "high",
     .kind = GV_PARAM_REAL,
     .fallback = "1.1",
     .maximum = HUGE_VAL,
     .offset = offsetof(steps_config, high),
     .help = "lower the multiplier when the rest of the budget would be used to more than this",
     .source = SOURCE},
    {.name = "raise",
     .kind = GV_PARAM_REAL,
     .fallback = "1.2",
     .minimum = 1,
     .maximum = HUGE_VAL,
     .offset = offsetof(steps_config, raise),
     .help = "factor of a raise",
     .source = SOURCE},
    {.name = "lower",
     .kind = GV_PARAM_REAL,
     .fallback = "0.7",
     .maximum = 1,
     .offset = offsetof(steps_config, lower),
     .help = "factor of a lowering",
     .source = SOURCE},
    {0},
};

static gv_status steps_init(void *state, const gv_policy_setup *setup)
{
    steps_state *steps = state;
    steps->config = *(const steps_config *)setup->config;
    steps->multiplier = (double)steps->config.start_nanos;
    return GV_OK;
}

static void steps_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const steps_state *)state)->multiplier, bids);
}

static void plan(steps_state *steps, const gv_observation *seen)
{
    const steps_config *config = &steps->config;
    if (seen->tick == 0) {
        steps->multiplier = (double)config->start_nanos;
        return;
    }
    if (seen->tick_count == 0) {
        return;
    }
    const double ticks_left = (double)(seen->tick_count - seen->tick);
    const double would_spend = (double)seen->last.spend_nanos * ticks_left;
    const double left = (double)seen->budget_left_nanos;
    if (would_spend < config->low * left) {
        steps->multiplier *= config->raise;
    } else if (would_spend > config->high * left) {
        steps->multiplier *= config->lower;
    }
}

static void steps_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

const gv_policy_type gv_policy_auctionnet_pid = {
    .info = {.name = "auctionnet_pid",
             .summary = "a multiplier of pCVR, raised or lowered in steps towards an even spend",
             .source = "PID baseline of AuctionNet, public code",
             .params = steps_params,
             .config_size = sizeof(steps_config)},
    .state_size = sizeof(steps_state),
    .reads = GV_READS_PCVR,
    .init = steps_init,
    .bid = steps_bid,
    .tick = steps_tick,
};
