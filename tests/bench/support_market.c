#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/market_stage.h"
#include "policies/policies.h"
#include "sim/base/money.h"
#include "sim/market/lesson.h"
#include "sim/market/record.h"

enum { GROUP = MARKET_SEATS / MARKET_CATEGORIES };

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "market: %s\n", gv_status_detail());
        exit(1);
    }
}

static void set_up(market_stage *market)
{
    memset(market, 0, sizeof *market);
    gv_param_defaults(gv_traffic_auctionnet.info.params, market->traffic_config);
    for (size_t s = 0; s < MARKET_SEATS; s++) {
        market->categories[s] = (uint32_t)(s / GROUP);
        market->campaigns[s] = (gv_campaign){
            .name = "seat",
            .number = s,
            .end_us = MARKET_TICKS * MARKET_TICK_US,
            .budget_nanos = (2000 + (int64_t)(s * 29 % MARKET_SEATS) * 60) * GV_NANOS_PER_UNIT,
            .cpa_nanos = (60 + (int64_t)(s * 37 % GROUP) * 10) * GV_NANOS_PER_UNIT,
            .bid_cap_nanos = INT64_MAX,
            .tick_us = MARKET_TICK_US,
        };
        market->seats[s] =
            (gv_seat){.campaign = &market->campaigns[s], .category = market->categories[s]};
    }
}

static const gv_policy_type *type_of(size_t seat, bool has_past)
{
    static const char *const names[] = {"auctionnet_pid", "online_lp", "abid"};
    const gv_policy_type *type = gv_policy_find(names[seat % 3]);
    return type->needs_history && !has_past ? gv_policy_find("abid") : type;
}

static void seat_policies(market_stage *market, bool has_past)
{
    for (size_t s = 0; s < MARKET_SEATS; s++) {
        const gv_policy_type *type = type_of(s, has_past);
        unsigned char *config = market->policy_configs[s];
        const gv_fit_input input = {.history = market->histories[market->categories[s]],
                                    .campaign = &market->campaigns[s],
                                    .rules = {.price_step_nanos = 1}};
        const gv_policy_setup setup = {.config = config,
                                       .campaign = input.campaign,
                                       .rules = input.rules,
                                       .history = input.history};
        memset(config, 0, sizeof market->policy_configs[s]);
        gv_param_defaults(type->info.params, config);
        must(gv_policy_fit(type, config, &input, NULL));
        must(gv_policy_create(type, &setup, &market->seats[s].policy));
    }
}

static void unseat_policies(market_stage *market)
{
    for (size_t s = 0; s < MARKET_SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
        market->seats[s].policy = NULL;
    }
}

gv_traffic *market_traffic(const market_stage *market, uint64_t period)
{
    const gv_traffic_setup setup = {
        .config = market->traffic_config,
        .seed = MARKET_SEED,
        .period = period,
        .tick_us = MARKET_TICK_US,
        .tick_count = MARKET_TICKS,
        .advertiser_count = MARKET_SEATS,
        .categories = market->categories,
    };
    gv_traffic *traffic = NULL;
    must(gv_traffic_create(&gv_traffic_auctionnet, &setup, &traffic));
    return traffic;
}

/* Traffic and response of a period, and the rules between them. */
typedef struct scene {
    gv_traffic *traffic;
    gv_response *response;
    gv_exchange_config config;
} scene;

static scene scene_open(const market_stage *market, uint64_t period)
{
    const gv_response_config law = {
        .slot_count = MARKET_SLOTS, .exposure = {1.0, 0.8, 0.6}, .cascade = true};
    scene made = {.traffic = market_traffic(market, period)};
    must(gv_response_create(&law, made.traffic, MARKET_SEED, period, MARKET_SEATS, &made.response));
    made.config = (gv_exchange_config){
        .traffic = made.traffic,
        .response = made.response,
        .mechanism = {.type = &gv_mechanism_second_price,
                      .tie_wins = true,
                      .price_step_nanos = 1,
                      .reserve_nanos = 100000},
        .slot_count = MARKET_SLOTS,
        .seats = market->seats,
        .seat_count = MARKET_SEATS,
        .tick_us = MARKET_TICK_US,
        .tick_count = MARKET_TICKS,
    };
    return made;
}

static void scene_close(scene *made)
{
    gv_response_destroy(made->response);
    gv_traffic_destroy(made->traffic);
}

static market_result sell(const gv_exchange_config *config)
{
    gv_exchange *exchange = NULL;
    must(gv_exchange_create(config, &exchange));
    must(gv_exchange_run(exchange, NULL));
    market_result result = {.auctions = gv_exchange_auctions(exchange)};
    for (size_t s = 0; s < MARKET_SEATS; s++) {
        const gv_seat_tick total = gv_exchange_total(exchange, s);
        result.wins += total.tally.wins;
        result.spend_nanos += total.tally.spend_nanos;
    }
    gv_exchange_destroy(exchange);
    return result;
}

/* Sells period 0 with Abid in the seats of those that learn from it. */
static void learn(market_stage *market)
{
    scene past = scene_open(market, 0);
    gv_record *record = NULL;
    seat_policies(market, false);
    must(gv_record_create(&past.config, &record));
    past.config.tap = gv_record_tap(record);
    (void)sell(&past.config);
    unseat_policies(market);
    for (uint32_t category = 0; category < MARKET_CATEGORIES; category++) {
        const gv_lesson_config lesson = {.record = record,
                                         .exchange = &past.config,
                                         .categories = market->categories,
                                         .category = category,
                                         .seed = MARKET_SEED,
                                         .name = "period 0"};
        must(gv_lesson_create(&lesson, &market->histories[category]));
    }
    gv_record_destroy(record);
    scene_close(&past);
}

void market_open(market_stage *market)
{
    set_up(market);
    learn(market);
    seat_policies(market, true);
}

void market_close(market_stage *market)
{
    unseat_policies(market);
    for (size_t c = 0; c < MARKET_CATEGORIES; c++) {
        gv_history_destroy(market->histories[c]);
    }
}

market_result market_run(const market_stage *market, uint64_t period)
{
    scene today = scene_open(market, period);
    const market_result result = sell(&today.config);
    scene_close(&today);
    return result;
}

market_result market_run_plainly(uint64_t period)
{
    static market_stage market;
    set_up(&market);
    seat_policies(&market, false);
    const market_result result = market_run(&market, period);
    unseat_policies(&market);
    return result;
}
