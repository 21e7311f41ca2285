/*
 * made_market.h - a small market whose values and bids a test sets, for rules that need a hand.
 *
 * The traffic has the same number of opportunities in each tick, at even distances, with values
 * scattered by a hash, and predictions that are true. A seat bids its multiplier times the value,
 * in units of currency, or what its own table says.
 */
#ifndef TESTS_MADE_MARKET_H
#define TESTS_MADE_MARKET_H

#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"
#include "sim/market/exchange.h"

enum { MADE_SEATS = 6, MADE_TICKS = 4, MADE_SLOTS_MAX = 3, MADE_TRACE_START = 1 };
enum { MADE_PER_TICK = 700, MADE_COUNT = MADE_TICKS * MADE_PER_TICK };

#define MADE_TICK_US (10 * GV_US_PER_MINUTE)

typedef struct made_traffic_config {
    uint64_t per_tick;
    double highest; /* values lie below it */
} made_traffic_config;

typedef struct made_traffic {
    made_traffic_config config;
    size_t tick_count;
} made_traffic;

static inline gv_status made_traffic_init(void *state, const gv_traffic_setup *setup)
{
    *(made_traffic *)state =
        (made_traffic){*(const made_traffic_config *)setup->config, setup->tick_count};
    return GV_OK;
}

static inline uint64_t made_traffic_count(const void *state, size_t tick)
{
    (void)tick;
    return ((const made_traffic *)state)->config.per_tick;
}

static inline void made_traffic_times(const void *state, size_t tick, uint64_t first, size_t count,
                                      int64_t *time_us)
{
    const uint64_t per_tick = ((const made_traffic *)state)->config.per_tick;
    for (size_t i = 0; i < count; i++) {
        const int64_t place = (int64_t)(first + i - tick * per_tick);
        time_us[i] = (int64_t)tick * MADE_TICK_US + place * (MADE_TICK_US / (int64_t)per_tick);
    }
}

static inline void made_traffic_values(const void *state, const gv_traffic_piece *piece,
                                       size_t stride, float *values)
{
    const double highest = ((const made_traffic *)state)->config.highest;
    for (size_t a = 0; a < piece->advertiser_count; a++) {
        for (size_t i = 0; i < piece->count; i++) {
            const uint64_t cell = (piece->first + i) * MADE_SEATS + piece->advertiser + a;
            const uint64_t mixed = (cell + 1) * UINT64_C(0x9E3779B97F4A7C15);
            const uint64_t bits = (mixed ^ mixed >> 29) * UINT64_C(0xBF58476D1CE4E5B9) >> 44;
            values[a * stride + i] = (float)((double)bits * 0x1p-20 * highest);
        }
    }
}

static inline double made_traffic_sigma(const void *state, uint64_t opportunity,
                                        uint32_t advertiser, double value)
{
    (void)state;
    (void)opportunity;
    (void)advertiser;
    (void)value;
    return 0.0;
}

static const gv_traffic_type made_traffic_type = {
    .info = {.name = "made"},
    .state_size = sizeof(made_traffic),
    .init = made_traffic_init,
    .count = made_traffic_count,
    .times = made_traffic_times,
    .values = made_traffic_values,
    .sigma = made_traffic_sigma,
};

/* What a seat bids, and what it was told; the latter outlives its policy. */
typedef struct made_bidder {
    double multiplier;
    const int64_t *bids; /* [opportunity]; NULL: the multiplier decides */
    bool is_spurred;     /* each exposure and conversion that it hears of changes what it bids */
    uint64_t trace;      /* of all it heard and saw, in order */
    int64_t heard_nanos; /* prices of auctions and exposures */
    uint64_t exposures;  /* heard of */
    uint64_t conversions;
    int64_t first_left[MADE_TICKS]; /* the budget left that it saw at each tick */
} made_bidder;

typedef struct made_bidder_config {
    made_bidder *bidder;
} made_bidder_config;

static inline gv_status made_init(void *state, const gv_policy_setup *setup)
{
    *(made_bidder_config *)state = *(const made_bidder_config *)setup->config;
    return GV_OK;
}

static inline void made_mix(made_bidder *bidder, uint64_t number)
{
    bidder->trace = (bidder->trace ^ number) * UINT64_C(0x9E3779B97F4A7C15);
    bidder->trace ^= bidder->trace >> 31;
}

static inline void made_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const made_bidder *bidder = ((const made_bidder_config *)state)->bidder;
    const uint64_t heard = bidder->exposures * 3 + bidder->conversions;
    const double spur = bidder->is_spurred ? (double)(heard % 8) / 8.0 + 0.5 : 1.0;
    for (size_t i = 0; i < batch->count; i++) {
        const double nanos = bidder->multiplier * spur * batch->pcvr[i] * 1e9;
        bids[i] = bidder->bids != NULL ? bidder->bids[batch->first_id + i] : (int64_t)nanos;
    }
}

static inline void made_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        made_bidder *bidder = ((const made_bidder_config *)states[i])->bidder;
        const gv_observation *seen = &observations[i];
        assert_int_equal(seen->budget_left_nanos, seen->budget_nanos - seen->episode.spend_nanos);
        bidder->first_left[seen->tick] = seen->budget_left_nanos;
        made_mix(bidder, (uint64_t)seen->budget_left_nanos);
        made_mix(bidder, seen->last.wins + seen->last.conversions);
    }
}

static inline void made_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    made_bidder *bidder = ((const made_bidder_config *)state)->bidder;
    for (size_t i = 0; i < count; i++) {
        const gv_outcome *told = &outcomes[i];
        bidder->heard_nanos += told->price_nanos;
        bidder->exposures += told->kind == GV_OUTCOME_EXPOSURE;
        bidder->conversions += told->kind == GV_OUTCOME_CONVERSION;
        if (told->kind != GV_OUTCOME_AUCTION || told->won) {
            made_mix(bidder, (uint64_t)told->kind + told->opportunity * 4);
            made_mix(bidder, (uint64_t)(told->time_us ^ told->price_nanos));
            made_mix(bidder, (uint64_t)(told->pcvr * 0x1p60));
        }
    }
}

static const gv_param made_params[] = {{.name = NULL}};

#define MADE_POLICY                                                                             \
    .info = {.name = "made", .params = made_params, .config_size = sizeof(made_bidder_config)}, \
    .state_size = sizeof(made_bidder_config), .reads = GV_READS_PCVR, .init = made_init,        \
    .bid = made_bid

static const gv_policy_type made_deaf = {MADE_POLICY, .tick = made_tick};
static const gv_policy_type made_listening = {MADE_POLICY, .tick = made_tick,
                                              .observe = made_observe};
static const gv_policy_type made_one_by_one = {MADE_POLICY, .one_by_one = true};

/* A market with all that it borrows; a test changes what it likes before made_open(). */
typedef struct made_market {
    made_traffic_config traffic_config;
    gv_response_config response_config;
    size_t seat_count;
    made_bidder bidders[MADE_SEATS];
    gv_campaign campaigns[MADE_SEATS];
    const gv_policy_type *policy_type;
    gv_exchange_config config;
    uint32_t categories[MADE_SEATS];
    made_bidder_config bidder_configs[MADE_SEATS];
    gv_seat seats[MADE_SEATS];
    gv_traffic *traffic;
    gv_response *response;
} made_market;

static inline void made_defaults(made_market *market)
{
    memset(market, 0, sizeof *market);
    market->traffic_config = (made_traffic_config){.per_tick = MADE_PER_TICK, .highest = 0.2};
    market->response_config = (gv_response_config){
        .slot_count = MADE_SLOTS_MAX, .exposure = {1.0, 0.8, 0.6}, .cascade = true};
    market->seat_count = MADE_SEATS;
    market->policy_type = &made_deaf;
    market->config = (gv_exchange_config){
        .mechanism = {.type = &gv_mechanism_gsp,
                      .tie_wins = true,
                      .price_step_nanos = 1,
                      .reserve_nanos = GV_NANOS_PER_CPM},
        .slot_count = MADE_SLOTS_MAX,
        .seats = market->seats,
        .tick_us = MADE_TICK_US,
        .tick_count = MADE_TICKS,
    };
    for (size_t s = 0; s < MADE_SEATS; s++) {
        market->bidders[s] =
            (made_bidder){.multiplier = 5.0 + (double)s, .trace = MADE_TRACE_START + s};
        market->campaigns[s] = (gv_campaign){.name = "made",
                                             .number = s,
                                             .end_us = MADE_TICKS * MADE_TICK_US,
                                             .budget_nanos = INT64_C(1) << 50,
                                             .bid_cap_nanos = INT64_MAX,
                                             .tick_us = MADE_TICK_US};
    }
}

static inline void made_open(made_market *market)
{
    const gv_traffic_setup traffic = {.config = &market->traffic_config,
                                      .tick_us = MADE_TICK_US,
                                      .tick_count = market->config.tick_count,
                                      .advertiser_count = market->seat_count,
                                      .categories = market->categories};
    assert_int_equal(gv_traffic_create(&made_traffic_type, &traffic, &market->traffic), GV_OK);
    assert_int_equal(gv_response_create(&market->response_config, market->traffic, 3, 1,
                                        market->seat_count, &market->response),
                     GV_OK);
    for (size_t s = 0; s < market->seat_count; s++) {
        market->bidder_configs[s].bidder = &market->bidders[s];
        const gv_policy_setup setup = {.config = &market->bidder_configs[s],
                                       .campaign = &market->campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        market->seats[s].campaign = &market->campaigns[s];
        assert_int_equal(gv_policy_create(market->policy_type, &setup, &market->seats[s].policy),
                         GV_OK);
    }
    market->config.traffic = market->traffic;
    market->config.response = market->response;
    market->config.slot_count = market->response_config.slot_count;
    market->config.seat_count = market->seat_count;
}

static inline void made_close(made_market *market)
{
    for (size_t s = 0; s < market->seat_count; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
    gv_traffic_destroy(market->traffic);
}

/* What came of it: compared as bytes. */
typedef struct made_result {
    gv_seat_tick ticks[MADE_SEATS][MADE_TICKS + 1];
    gv_seat_tick totals[MADE_SEATS];
    gv_clamped_bids clamped[MADE_SEATS];
    uint64_t traces[MADE_SEATS];
    int64_t highest_offer;
} made_result;

/* Opens, runs and closes it; what bidders heard stays in them. */
static inline void made_run(made_market *market, made_result *result)
{
    gv_exchange *exchange = NULL;
    memset(result, 0, sizeof *result);
    made_open(market);
    assert_int_equal(gv_exchange_create(&market->config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    for (size_t s = 0; s < market->seat_count; s++) {
        memcpy(result->ticks[s], gv_exchange_ticks(exchange, s),
               (market->config.tick_count + 1) * sizeof result->ticks[s][0]);
        result->totals[s] = gv_exchange_total(exchange, s);
        result->clamped[s] = gv_exchange_clamped(exchange, s);
        result->traces[s] = market->bidders[s].trace;
    }
    result->highest_offer = gv_exchange_highest_offer(exchange);
    gv_exchange_destroy(exchange);
    made_close(market);
}

#endif
