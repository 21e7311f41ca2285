/*
 * A period of the multi-bidder market: 48 campaigns, 48 ticks, about 500,000 opportunities of
 * three slots, on one thread; and what its parts cost alone, which is the floor: the normals
 * behind 24 million values, the values, and the best four of 48 offers for each opportunity.
 * Each campaign bids its target cost times the value and paces by the budget that is left, so
 * the policies cost next to nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timing.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"
#include "sim/base/random_lanes.h"
#include "sim/market/exchange.h"
#include "sim/market/rank.h"

enum { SEATS = 48, CATEGORIES = 6, TICKS = 48, SLOTS = 3, PIECE = 512, TURNS = 5 };

#define TICK_US (30 * GV_US_PER_MINUTE)

typedef struct pace_config {
    double target; /* currency a conversion */
} pace_config;

typedef struct pace_state {
    double target;
    double factor;
} pace_state;

static gv_status pace_init(void *object, const gv_policy_setup *setup)
{
    const pace_config *config = setup->config;
    *(pace_state *)object = (pace_state){.target = config->target, .factor = 1.0};
    return GV_OK;
}

static void pace_bid(void *object, const gv_batch *batch, int64_t *bids)
{
    const pace_state *state = object;
    const double nanos = state->factor * state->target * (double)GV_NANOS_PER_UNIT;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(nanos * batch->pcvr[i]);
    }
}

/* Up a little while money is left over, down where it runs out before the time. */
static void pace_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pace_state *state = states[i];
        const gv_observation *seen = &observations[i];
        const double left = (double)seen->budget_left_nanos / (double)seen->budget_nanos;
        const double time_left = 1.0 - (double)seen->tick / TICKS;
        state->factor *= left > time_left ? 1.05 : 0.95;
    }
}

static const gv_policy_type pace = {
    .info = {.name = "pace"},
    .state_size = sizeof(pace_state),
    .reads = GV_READS_PCVR,
    .init = pace_init,
    .bid = pace_bid,
    .tick = pace_tick,
};

typedef struct stage {
    unsigned char traffic_config[1024];
    uint32_t categories[SEATS];
    gv_traffic *traffic;
    gv_response *response;
    pace_config configs[SEATS];
    gv_campaign campaigns[SEATS];
    gv_seat seats[SEATS];
} stage;

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_market: %s\n", gv_status_detail());
        exit(1);
    }
}

static void open_traffic(stage *market, uint64_t period)
{
    const gv_response_config response = {
        .slot_count = SLOTS, .exposure = {1.0, 0.8, 0.6}, .cascade = true};
    for (size_t s = 0; s < SEATS; s++) {
        market->categories[s] = (uint32_t)(s / (SEATS / CATEGORIES));
    }
    gv_param_defaults(gv_traffic_auctionnet.info.params, market->traffic_config);
    const gv_traffic_setup setup = {
        .config = market->traffic_config,
        .seed = 1,
        .period = period,
        .tick_us = TICK_US,
        .tick_count = TICKS,
        .advertiser_count = SEATS,
        .categories = market->categories,
    };
    must(gv_traffic_create(&gv_traffic_auctionnet, &setup, &market->traffic));
    must(gv_response_create(&response, market->traffic, 1, period, SEATS, &market->response));
}

static void open_seats(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        market->configs[s] = (pace_config){.target = 60.0 + (double)(s * 37 % 8) * 10.0};
        market->campaigns[s] = (gv_campaign){
            .name = "seat",
            .number = s,
            .end_us = TICKS * TICK_US,
            .budget_nanos = (2000 + (int64_t)(s * 29 % 48) * 60) * GV_NANOS_PER_UNIT,
            .bid_cap_nanos = INT64_MAX,
            .tick_us = TICK_US,
        };
        const gv_policy_setup setup = {.config = &market->configs[s],
                                       .campaign = &market->campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        market->seats[s] =
            (gv_seat){.campaign = &market->campaigns[s], .category = market->categories[s]};
        must(gv_policy_create(&pace, &setup, &market->seats[s].policy));
    }
}

static void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
    gv_traffic_destroy(market->traffic);
}

/* What the whole period did, for the table. */
static uint64_t auctions;
static uint64_t wins;

static void run_period(void *context)
{
    static stage market;
    (void)context;
    open_traffic(&market, 1);
    open_seats(&market);
    const gv_exchange_config config = {
        .traffic = market.traffic,
        .response = market.response,
        .mechanism = {.type = &gv_mechanism_second_price,
                      .tie_wins = true,
                      .price_step_nanos = 1,
                      .reserve_nanos = 100000},
        .slot_count = SLOTS,
        .seats = market.seats,
        .seat_count = SEATS,
        .tick_us = TICK_US,
        .tick_count = TICKS,
    };
    gv_exchange *exchange = NULL;
    must(gv_exchange_create(&config, &exchange));
    must(gv_exchange_run(exchange, NULL));
    auctions = gv_exchange_auctions(exchange);
    wins = 0;
    for (size_t s = 0; s < SEATS; s++) {
        wins += gv_exchange_total(exchange, s).tally.wins;
    }
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

static float values[SEATS][PIECE];
static int64_t offers[SEATS][PIECE];
static int64_t keys[SLOTS + 1][PIECE];

static void run_values(void *context)
{
    static stage market;
    (void)context;
    open_traffic(&market, 1);
    for (size_t tick = 0; tick < TICKS; tick++) {
        const uint64_t end = gv_traffic_before(market.traffic, tick + 1);
        for (uint64_t at = gv_traffic_before(market.traffic, tick); at < end; at += PIECE) {
            const size_t count = end - at < PIECE ? (size_t)(end - at) : PIECE;
            const gv_traffic_piece piece = {
                .tick = tick, .first = at, .count = count, .advertiser_count = SEATS};
            gv_traffic_values(market.traffic, &piece, PIECE, values[0]);
        }
    }
    gv_response_destroy(market.response);
    gv_traffic_destroy(market.traffic);
}

static void run_normals(void *context)
{
    (void)context;
    for (uint64_t at = 0; at < auctions; at += PIECE) {
        for (size_t s = 0; s < SEATS; s += GV_LANE_DRAWS) {
            gv_random_lanes_normal(1, GV_STREAM_TEST, at, PIECE, s, PIECE, values[s]);
        }
    }
}

static void run_ranking(void *context)
{
    (void)context;
    const gv_ranking ranking = gv_ranking_of(SEATS, SLOTS + 1);
    for (uint64_t at = 0; at < auctions; at += PIECE) {
        gv_ranking_best(&ranking, offers[0], PIECE, PIECE, keys[0]);
    }
}

static void print_table(const bench_side *sides, const bench_times *times, size_t count)
{
    const double bids = (double)auctions * SEATS;
    printf("## Market of 48 campaigns\n\n");
    printf("One period of %.0f auctions: %d campaigns, %d slots, %d ticks; %.0f slots won; one "
           "thread, median of %d turns. The parts alone are the floor; 24 million values of 4 "
           "bytes and offers of 8 pass through the near caches a piece at a time.\n\n",
           (double)auctions, SEATS, SLOTS, TICKS, (double)wins, TURNS);
    printf("| part | ms | thousand auctions a second | million bids a second | share |\n");
    printf("|---|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < count; i++) {
        const double seconds = times->median[i];
        printf("| %s | %.0f | %.0f | %.0f | %.0f %% |\n", sides[i].name, seconds * 1e3,
               (double)auctions / seconds * 1e-3, bids / seconds * 1e-6, 100.0 / times->ratio[i]);
    }
}

int main(void)
{
    for (size_t s = 0; s < SEATS; s++) {
        for (size_t i = 0; i < PIECE; i++) {
            offers[s][i] = (int64_t)((s * 7919 + i * 104729) % 100003);
        }
    }
    const bench_side sides[] = {
        {"the whole period", run_period, NULL},
        {"values alone", run_values, NULL},
        {"their normals alone", run_normals, NULL},
        {"best four of 48 alone", run_ranking, NULL},
    };
    enum { SIDES = sizeof sides / sizeof sides[0] };
    const bench_times times = bench_measure(sides, SIDES, TURNS);
    print_table(sides, &times, SIDES);
    return 0;
}
