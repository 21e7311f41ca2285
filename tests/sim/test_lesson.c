/* A recorded period as a history: whose rows it holds, what they say, how evenly they are drawn. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/lesson.h"

enum { SEATS = 6, TICKS = 4, SLOTS = 2, CONFIG_SIZE = 1024, CATEGORY = 1, SEED = 5 };

/* Advertisers 0, 1, 5 are of category 0, the others of category 1. */
static const uint32_t categories[SEATS] = {0, 0, 1, 1, 1, 0};

static void value_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    (void)state;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pcvr[i] * 1e9);
    }
}

static const gv_policy_type value = {.info = {.name = "value"},
                                     .state_size = 1,
                                     .reads = GV_READS_PCVR,
                                     .bid = value_bid};

typedef struct stage {
    unsigned char traffic_config[CONFIG_SIZE];
    gv_traffic *traffic;
    gv_response *response;
    gv_campaign campaigns[SEATS];
    gv_seat seats[SEATS];
    gv_exchange_config config;
    gv_record *record;
} stage;

static void set(stage *market, const char *name, const char *text)
{
    const gv_param *param = gv_param_find(gv_traffic_auctionnet.info.params, name);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, text, 0, market->traffic_config), GV_OK);
}

static void open_seats(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        market->campaigns[s] = (gv_campaign){.name = "seat",
                                             .number = s,
                                             .end_us = TICKS * GV_US_PER_HOUR,
                                             .budget_nanos = INT64_MAX,
                                             .bid_cap_nanos = INT64_MAX,
                                             .tick_us = GV_US_PER_HOUR};
        const gv_policy_setup setup = {.campaign = &market->campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        market->seats[s] = (gv_seat){.campaign = &market->campaigns[s], .category = categories[s]};
        assert_int_equal(gv_policy_create(&value, &setup, &market->seats[s].policy), GV_OK);
    }
}

static void sell(stage *market)
{
    gv_exchange *exchange = NULL;
    assert_int_equal(gv_record_create(&market->config, &market->record), GV_OK);
    market->config.tap = gv_record_tap(market->record);
    assert_int_equal(gv_exchange_create(&market->config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    gv_exchange_destroy(exchange);
}

static void stage_open(stage *market, gv_least_cost least_cost)
{
    memset(market, 0, sizeof *market);
    gv_param_defaults(gv_traffic_auctionnet.info.params, market->traffic_config);
    set(market, "opportunities", "6000");
    set(market, "value_mean", "0.02");
    const gv_traffic_setup traffic = {.config = market->traffic_config,
                                      .seed = 1,
                                      .tick_us = GV_US_PER_HOUR,
                                      .tick_count = TICKS,
                                      .advertiser_count = SEATS,
                                      .categories = categories};
    const gv_response_config response = {.slot_count = SLOTS, .exposure = {1.0, 0.5}};
    assert_int_equal(gv_traffic_create(&gv_traffic_auctionnet, &traffic, &market->traffic), GV_OK);
    assert_int_equal(gv_response_create(&response, market->traffic, 1, 0, SEATS, &market->response),
                     GV_OK);
    open_seats(market);
    market->config = (gv_exchange_config){.traffic = market->traffic,
                                          .response = market->response,
                                          .mechanism = {.type = &gv_mechanism_second_price,
                                                        .tie_wins = true,
                                                        .price_step_nanos = 1,
                                                        .reserve_nanos = GV_NANOS_PER_CPM},
                                          .slot_count = SLOTS,
                                          .least_cost = least_cost,
                                          .seats = market->seats,
                                          .seat_count = SEATS,
                                          .tick_us = GV_US_PER_HOUR,
                                          .tick_count = TICKS};
    sell(market);
}

static void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_record_destroy(market->record);
    gv_response_destroy(market->response);
    gv_traffic_destroy(market->traffic);
}

static gv_lesson_config lesson_of(const stage *market)
{
    return (gv_lesson_config){.record = market->record,
                              .exchange = &market->config,
                              .categories = categories,
                              .category = CATEGORY,
                              .seed = SEED,
                              .name = "a period"};
}

/* Everybody bids the value, so offers are values and the others' second best is the threshold. */
static int64_t second_of_others(const float values[SEATS], size_t own, bool of_all)
{
    int64_t best[SLOTS + 1] = {0};
    for (size_t s = 0; s < SEATS; s++) {
        int64_t offer = (int64_t)((double)values[s] * 1e9);
        for (size_t place = 0; place <= SLOTS && (of_all || s != own); place++) {
            if (offer > best[place]) {
                const int64_t pushed = best[place];
                best[place] = offer;
                offer = pushed;
            }
        }
    }
    const int64_t least = best[of_all ? SLOTS : SLOTS - 1];
    return least > GV_NANOS_PER_CPM ? least : GV_NANOS_PER_CPM;
}

/* values: of one opportunity. */
static void load_values(const stage *market, uint64_t i, float values[SEATS])
{
    size_t tick = 0;
    while (gv_traffic_before(market->traffic, tick + 1) <= i) {
        tick++;
    }
    const gv_traffic_piece piece = {
        .tick = tick, .first = i, .count = 1, .advertiser_count = SEATS};
    gv_traffic_values(market->traffic, &piece, 1, values);
}

/* The member of the category whose value this is; SEATS: nobody's. */
static size_t owner_of(const float values[SEATS], double pcvr)
{
    for (size_t s = 0; s < SEATS; s++) {
        if (categories[s] == CATEGORY && (double)values[s] == pcvr) {
            return s;
        }
    }
    return SEATS;
}

static void check_rows(const stage *market, bool of_all)
{
    gv_history *history = NULL;
    const gv_lesson_config config = lesson_of(market);
    gv_opportunities piece;
    uint64_t next = 0;
    uint64_t drawn[SEATS] = {0};
    int64_t cost = 0;
    assert_int_equal(gv_lesson_create(&config, &history), GV_OK);
    gv_source *source = history->source;
    for (uint64_t at = 0; source->load(source, at, &piece, &next) == GV_OK && piece.count > 0;
         at = next) {
        for (size_t i = 0; i < piece.count; i++) {
            float values[SEATS];
            load_values(market, at + i, values);
            const size_t own = owner_of(values, piece.pcvr[i]);
            assert_true(own < SEATS);
            assert_int_equal(piece.time_us[i], market->record->time_us[at + i]);
            assert_int_equal(piece.rival_nanos[i], second_of_others(values, own, of_all));
            cost += piece.rival_nanos[i];
            drawn[own] += piece.pcvr[i] > 0;
        }
    }
    assert_int_equal(source->end, market->record->count);
    assert_int_equal(history->impressions, source->end);
    assert_int_equal(history->cost_nanos, cost);
    assert_int_equal(history->end_us, TICKS * GV_US_PER_HOUR);
    /* A third each, less the values of 0, within four standard errors. */
    for (size_t s = 2; s < 5; s++) {
        const double share = (double)drawn[s] / (double)(drawn[2] + drawn[3] + drawn[4]);
        assert_true(fabs(share - 1.0 / 3.0) < 4.0 * sqrt(2.0 / 9.0 / (double)source->end) + 0.01);
    }
    gv_history_destroy(history);
}

static void rows_are_an_even_sample_of_the_category(void **state)
{
    (void)state;
    stage market;
    for (int of_all = 0; of_all < 2; of_all++) {
        stage_open(&market, of_all != 0 ? GV_LEAST_COST_AUCTIONNET : GV_LEAST_COST_OTHERS);
        check_rows(&market, of_all != 0);
        stage_close(&market);
    }
}

static void a_category_without_advertisers_teaches_nothing(void **state)
{
    (void)state;
    stage market;
    gv_history *history = NULL;
    stage_open(&market, GV_LEAST_COST_OTHERS);
    gv_lesson_config config = lesson_of(&market);
    config.category = 7;
    assert_int_equal(gv_lesson_create(&config, &history), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "category 7"));
    assert_null(history);
    stage_close(&market);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    stage market;
    gv_history *history = NULL;
    int failures = 0;
    stage_open(&market, GV_LEAST_COST_OTHERS);
    const gv_lesson_config config = lesson_of(&market);
    for (;; failures++) {
        gv_mem_fail_after(failures);
        const gv_status status = gv_lesson_create(&config, &history);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_null(history);
    }
    assert_true(failures >= 5);
    gv_history_destroy(history);
    stage_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_an_even_sample_of_the_category),
        cmocka_unit_test(a_category_without_advertisers_teaches_nothing),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
