/*
 * market_policies.h - small policies for tests of the market: each leans on one part of the
 * interface as hard as it may.
 */
#ifndef TESTS_MARKET_POLICIES_H
#define TESTS_MARKET_POLICIES_H

#include "sim/base/money.h"
#include "sim/market/policy.h"

/* Bids by the identity of the opportunity alone: no bid, 0, ordinary and absurd ones. */
static void whim_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    (void)state;
    static const int64_t choices[] = {GV_NO_BID, 0, 3, 5, 7, 11, 2, INT64_MIN, INT64_MAX, 8};
    for (size_t i = 0; i < batch->count; i++) {
        const uint64_t id = batch->ids == NULL ? batch->first_id + i : batch->ids[i];
        const int64_t choice = choices[(id * UINT64_C(0x9E3779B97F4A7C15) >> 40) % 10];
        const bool is_extreme = choice < 1 || choice == INT64_MAX;
        bids[i] = is_extreme ? choice : choice * GV_NANOS_PER_CPM + (int64_t)(id % 2);
    }
}

static const gv_policy_type whim = {.info = {.name = "whim"}, .bid = whim_bid};

typedef struct linear_config {
    double nanos_per_click;
} linear_config;

typedef struct linear_state {
    double nanos_per_click;
} linear_state;

static const gv_param linear_params[] = {{.name = NULL}};

static gv_status linear_init(void *state, const gv_policy_setup *setup)
{
    const linear_config *config = setup->config;
    ((linear_state *)state)->nanos_per_click = config->nanos_per_click;
    return GV_OK;
}

static void linear_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const double nanos_per_click = ((const linear_state *)state)->nanos_per_click;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pctr[i] * nanos_per_click);
    }
}

static const gv_policy_type test_linear = {
    .info = {.name = "test_linear", .params = linear_params, .config_size = sizeof(linear_config)},
    .state_size = sizeof(linear_state),
    .reads = GV_READS_PCTR,
    .init = linear_init,
    .bid = linear_bid,
};

/* Counts all it is told into a number that depends on every part and on the order. */
typedef struct listener_state {
    uint64_t trace;
    uint64_t wins_since; /* takes effect at the next tick or click */
    int64_t level;
} listener_state;

static void mix(listener_state *self, uint64_t number)
{
    self->trace = (self->trace ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    self->trace ^= self->trace >> 29;
}

static void listener_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const listener_state *self = state;
    for (size_t i = 0; i < batch->count; i++) {
        const int64_t value = (int64_t)(batch->pctr[i] * 1e8);
        bids[i] = value * (self->level % 5) + (batch->time_us[i] % 3) * GV_NANOS_PER_CPM;
    }
}

static void listener_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        listener_state *self = states[i];
        const gv_observation *seen = &observations[i];
        mix(self, (uint64_t)seen->time_us);
        mix(self, seen->tick + seen->tick_count);
        mix(self, (uint64_t)(seen->episode_start_us ^ seen->episode_end_us));
        mix(self, (uint64_t)seen->budget_left_nanos);
        mix(self, seen->episode.wins + seen->last.wins * 3 + seen->last.clicks * 7);
        mix(self, (uint64_t)(seen->last.spend_nanos ^ seen->episode.expected_nanoclicks));
        self->level = (int64_t)((self->trace + self->wins_since) % 17);
        self->wins_since = 0;
    }
}

static void listener_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    listener_state *self = state;
    for (size_t i = 0; i < count; i++) {
        mix(self, (uint64_t)outcomes[i].kind);
        mix(self, outcomes[i].opportunity);
        mix(self, (uint64_t)outcomes[i].time_us);
        mix(self, (uint64_t)outcomes[i].bid_nanos);
        mix(self, (uint64_t)outcomes[i].price_nanos);
        mix(self, (uint64_t)(outcomes[i].pcvr * 0x1p60));
        self->wins_since += outcomes[i].won;
        if (outcomes[i].kind != GV_OUTCOME_AUCTION) {
            self->level += (int64_t)(self->wins_since % 4);
        }
    }
}

static const gv_policy_type listener = {
    .info = {.name = "listener"},
    .state_size = sizeof(listener_state),
    .reads = GV_READS_PCTR | GV_READS_TIME,
    .bid = listener_bid,
    .tick = listener_tick,
    .observe = listener_observe,
};

/* Each bid depends on what is left and on what the last auction gave. */
static void clinger_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const listener_state *self = state;
    const int64_t share = batch->budget_left_nanos / 50 % (9 * GV_NANOS_PER_CPM);
    const bool is_last = batch->auctions_left == 1;
    const int64_t more = self->level % 3 * GV_NANOS_PER_CPM;
    bids[0] = is_last ? batch->budget_left_nanos : share + more;
}

static void clinger_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    listener_observe(state, outcomes, count);
    ((listener_state *)state)->level = (int64_t)(((listener_state *)state)->trace % 1000);
}

static const gv_policy_type clinger = {
    .info = {.name = "clinger"},
    .state_size = sizeof(listener_state),
    .one_by_one = true,
    .bid = clinger_bid,
    .observe = clinger_observe,
};

#endif
