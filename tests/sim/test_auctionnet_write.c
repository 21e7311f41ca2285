/*
 * AuctionNet's log written: numbers as pandas prints them, what was read from the real log to the
 * byte, and a market's periods, whose log holds what its seats got.
 */
#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "auctionnet_text.h"
#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/number.h"
#include "sim/base/safetensors.h"
#include "sim/log/auctionnet_write.h"
#include "sim/market/auctionnet_tap.h"
#include "sim/market/observation.h"
#include "sim/outcome/trajectory.h"
#include "test_random.h"

enum { SEATS = 9, TICKS = 48, SLOTS = 3, PERIODS = 2 };

#define TICK_US (30 * GV_US_PER_MINUTE)

static void numbers_are_printed_as_pandas_does(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {7.0, "7.0"},
        {116.0, "116.0"},
        {19976.0, "19976.0"},
        {0.5, "0.5"},
        {0.0001, "0.0001"},
        {0.1, "0.1"},
        {0.05384401932215551, "0.05384401932215551"},
        {6.0608474536861296e-05, "6.0608474536861296e-05"},
        {5.755207321873189e-05, "5.755207321873189e-05"},
        {1e-09, "1e-09"},
        {2.5e-07, "2.5e-07"},
        {1.25e-05, "1.25e-05"},
        {9.999999999999999e-05, "9.999999999999999e-05"},
        {0.00010000000000000002, "0.00010000000000000002"},
        {99999.99999999999, "99999.99999999999"},
        {12345678.901234567, "12345678.901234567"},
        {9007199254740993.0, "9007199254740992.0"},
        {113.574811935, "113.574811935"},
        {0.30000000000000004, "0.30000000000000004"},
        {1.0 / 3.0, "0.3333333333333333"},
        {-0.25, "-0.25"},
        {-0.0, "-0.0"},
        {123456789012345.0, "123456789012345.0"},
    };
    char text[GV_AUCTIONNET_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(gv_auctionnet_print(cases[i].number, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void numbers_read_back_to_the_bit(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    char text[GV_AUCTIONNET_NUMBER_SIZE];
    for (int i = 0; i < 200000; i++) {
        const int64_t kind = test_random_below(&random, 4);
        const double share = (double)test_random_below(&random, INT64_C(1) << 31) / 2147483648.0;
        double number = share * share * share * 1e-3 * (double)test_random_below(&random, 1000);
        number = kind == 1 ? (double)(float)number : number;
        number = kind == 2 ? nearbyint(share * 1e12) / 1e9 : number;
        number = kind == 3 ? ldexp(share, (int)test_random_below(&random, 600) - 300) : number;
        const size_t size = gv_auctionnet_print(number, text);
        double read = -1.0;
        assert_null(gv_number_real(text, size, &read));
        assert_true(read == number);
        assert_true(strpbrk(text, ".e") != NULL && size < sizeof text);
    }
}

/* Reads ticks and writes them again. */
static void copy_ticks(const char *from, const char *to, size_t tick_max)
{
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_writer *writer = NULL;
    gv_auctionnet_tick tick;
    bool found = true;
    assert_int_equal(gv_auctionnet_open(from, GV_AUCTIONNET_ALL, &reader), GV_OK);
    assert_int_equal(gv_auctionnet_writer_create(to, &writer), GV_OK);
    for (size_t i = 0; i < tick_max && found; i++) {
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        if (found) {
            assert_int_equal(gv_auctionnet_write(writer, &tick), GV_OK);
        }
    }
    assert_int_equal(gv_auctionnet_writer_commit(writer), GV_OK);
    gv_auctionnet_close(reader);
}

static void the_small_log_is_written_as_it_was(void **state)
{
    char from[TEST_PATH_SIZE];
    char to[TEST_PATH_SIZE];
    char *text = NULL;
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, from);
    test_folder_path(*state, "b.csv", to);
    copy_ticks(from, to, SIZE_MAX);
    assert_int_equal(gv_file_read_text(to, 1 << 16, &text, NULL), GV_OK);
    char expected[4096] = AUCTIONNET_SMALL;
    char *exponent = strstr(expected, "6.25e-02");
    assert_non_null(exponent);
    memmove(exponent, "0.0625", 6);
    memmove(exponent + 6, exponent + 8, strlen(exponent + 8) + 1);
    assert_string_equal(text, expected);
    gv_mem_free(text);
}

/* The first ticks of the real log, as pandas wrote them. */
static void the_sample_is_written_to_the_byte(void **state)
{
    char from[TEST_PATH_SIZE];
    char to[TEST_PATH_SIZE];
    auctionnet_sample("period-7.csv.zst", from);
    test_folder_path(*state, "copy.csv", to);
    copy_ticks(from, to, 4);
    gv_file_map map;
    assert_int_equal(gv_file_map_open(to, &map), GV_OK);
    struct archive *archive = archive_read_new();
    struct archive_entry *entry = NULL;
    assert_int_equal(archive_read_support_filter_all(archive), ARCHIVE_OK);
    assert_int_equal(archive_read_support_format_raw(archive), ARCHIVE_OK);
    assert_int_equal(archive_read_open_filename(archive, from, 1 << 16), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
    char *original = gv_mem_alloc(0, map.size, 1);
    assert_non_null(original);
    assert_int_equal(archive_read_data(archive, original, map.size), map.size);
    assert_memory_equal(original, map.bytes, map.size);
    gv_mem_free(original);
    (void)archive_read_free(archive);
    gv_file_map_close(&map);
}

/* Bids a fixed multiple of the value, by the seat. */
static void steady_bid(void *object, const gv_batch *batch, int64_t *bids)
{
    const double nanos = *(const double *)object;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pcvr[i] * nanos);
    }
}

static gv_status steady_init(void *object, const gv_policy_setup *setup)
{
    *(double *)object = (3.0 + (double)setup->campaign->number) * (double)GV_NANOS_PER_UNIT;
    return GV_OK;
}

static const gv_policy_type steady = {.info = {.name = "steady"},
                                      .state_size = sizeof(double),
                                      .reads = GV_READS_PCVR,
                                      .init = steady_init,
                                      .bid = steady_bid};

typedef struct stage {
    unsigned char traffic_config[1024];
    gv_traffic *traffic;
    gv_response *response;
    gv_campaign campaigns[SEATS];
    uint32_t categories[SEATS];
    gv_seat seats[SEATS];
    gv_exchange_config config;
} stage;

static void set(stage *market, const char *name, const char *value)
{
    const gv_param *param = gv_param_find(gv_traffic_auctionnet.info.params, name);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, value, 0, market->traffic_config), GV_OK);
}

static void open_seats(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        market->categories[s] = (uint32_t)s / 4;
        market->campaigns[s] =
            (gv_campaign){.name = "seat",
                          .number = s,
                          .end_us = TICKS * TICK_US,
                          .budget_nanos = (int64_t)(s + 1) * 3 * GV_NANOS_PER_UNIT,
                          .bid_cap_nanos = INT64_MAX,
                          .tick_us = TICK_US,
                          .cpa_nanos = 8 * GV_NANOS_PER_UNIT};
        const gv_policy_setup setup = {.campaign = &market->campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        market->seats[s] =
            (gv_seat){.campaign = &market->campaigns[s], .category = market->categories[s]};
        assert_int_equal(gv_policy_create(&steady, &setup, &market->seats[s].policy), GV_OK);
    }
}

static void stage_open(stage *market, uint64_t period)
{
    const gv_response_config response = {
        .slot_count = SLOTS, .exposure = {1.0, 0.8, 0.6}, .cascade = true};
    memset(market, 0, sizeof *market);
    gv_param_defaults(gv_traffic_auctionnet.info.params, market->traffic_config);
    set(market, "opportunities", "3000");
    set(market, "value_mean", "0.02");
    open_seats(market);
    const gv_traffic_setup traffic = {
        .config = market->traffic_config,
        .seed = 11,
        .period = period,
        .tick_us = TICK_US,
        .tick_count = TICKS,
        .advertiser_count = SEATS,
        .categories = market->categories,
    };
    assert_int_equal(gv_traffic_create(&gv_traffic_auctionnet, &traffic, &market->traffic), GV_OK);
    assert_int_equal(
        gv_response_create(&response, market->traffic, 11, period, SEATS, &market->response),
        GV_OK);
    market->config = (gv_exchange_config){
        .traffic = market->traffic,
        .response = market->response,
        .mechanism = {.type = &gv_mechanism_second_price,
                      .tie_wins = true,
                      .price_step_nanos = 1,
                      .reserve_nanos = GV_NANOS_PER_UNIT / 10000},
        .slot_count = SLOTS,
        .least_cost = GV_LEAST_COST_AUCTIONNET,
        .seats = market->seats,
        .seat_count = SEATS,
        .tick_us = TICK_US,
        .tick_count = TICKS,
    };
}

static void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
    gv_traffic_destroy(market->traffic);
}

/* Sells a period into the tap, and adds what its seats got as trajectories. */
static void sell(gv_auctionnet_tap *tap, uint64_t period, gv_trajectories *set)
{
    stage market;
    gv_exchange *exchange = NULL;
    stage_open(&market, period);
    assert_int_equal(gv_auctionnet_tap_begin(tap, &market.config, period), GV_OK);
    market.config.tap = gv_auctionnet_tap_of(tap);
    assert_int_equal(gv_exchange_create(&market.config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    for (size_t s = 0; s < SEATS; s++) {
        const gv_trajectory_about about = {.period = period,
                                           .advertiser = (uint32_t)s,
                                           .category = market.categories[s],
                                           .budget_nanos = market.campaigns[s].budget_nanos,
                                           .cpa_nanos = market.campaigns[s].cpa_nanos};
        assert_int_equal(gv_trajectories_add_seat(set, &about, gv_exchange_ticks(exchange, s)),
                         GV_OK);
    }
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

static void assert_same_tensor(const gv_safetensors *a, const gv_safetensors *b, size_t index)
{
    const gv_tensor *one = gv_safetensors_at(a, index);
    const gv_tensor *other = gv_safetensors_find(b, one->name);
    assert_non_null(other);
    assert_int_equal(gv_tensor_size(one), gv_tensor_size(other));
    if (one->type != GV_TENSOR_F64) {
        const bool may_differ = strcmp(one->name, "done") == 0 || strcmp(one->name, "length") == 0;
        assert_true(may_differ || memcmp(one->data, other->data, gv_tensor_size(one)) ==
                                      0); /* isEnd is the log's */
        return;
    }
    for (size_t i = 0; i < gv_tensor_size(one) / sizeof(double); i++) {
        const double x = ((const double *)one->data)[i];
        const double y = ((const double *)other->data)[i];
        if (fabs(x - y) > 1e-12 * fmax(fabs(x), 1.0)) {
            fail_msg("%s[%zu]: the log gives %.17g, the seats %.17g", one->name, i, x, y);
        }
    }
}

/* What its log says of a market is what the market's own books say, state by state. */
static void a_market_s_log_holds_what_its_seats_got(void **state)
{
    char path[TEST_PATH_SIZE];
    char from_log[TEST_PATH_SIZE];
    char from_seats[TEST_PATH_SIZE];
    gv_auctionnet_tap *tap = NULL;
    gv_trajectories *seats = NULL;
    gv_trajectories *log = NULL;
    test_folder_path(*state, "market.csv", path);
    test_folder_path(*state, "log.safetensors", from_log);
    test_folder_path(*state, "seats.safetensors", from_seats);
    assert_int_equal(gv_trajectories_create(TICKS, &seats), GV_OK);
    assert_int_equal(gv_auctionnet_tap_create(path, &tap), GV_OK);
    for (uint64_t period = 0; period < PERIODS; period++) {
        sell(tap, 20 + period, seats);
    }
    assert_int_equal(gv_auctionnet_tap_commit(tap), GV_OK);
    assert_int_equal(gv_trajectories_create(TICKS, &log), GV_OK);
    assert_int_equal(gv_trajectories_read(log, path, NULL), GV_OK);
    assert_int_equal(gv_trajectories_count(log), PERIODS * SEATS);
    assert_int_equal(gv_trajectories_write(log, from_log, "log", NULL), GV_OK);
    assert_int_equal(gv_trajectories_write(seats, from_seats, "seats", NULL), GV_OK);
    gv_safetensors *a = NULL;
    gv_safetensors *b = NULL;
    assert_int_equal(gv_safetensors_open(from_log, &a), GV_OK);
    assert_int_equal(gv_safetensors_open(from_seats, &b), GV_OK);
    for (size_t i = 0; i < gv_safetensors_count(a); i++) {
        assert_same_tensor(a, b, i);
    }
    gv_safetensors_close(a);
    gv_safetensors_close(b);
    gv_trajectories_destroy(seats);
    gv_trajectories_destroy(log);
}

/* Row by row: sigma is the traffic's, the least cost the fourth offer, the end in its place. */
static void every_cell_is_what_its_column_says(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_auctionnet_tap *tap = NULL;
    gv_trajectories *set = NULL;
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    stage market;
    uint64_t next = 0;
    test_folder_path(*state, "market.csv", path);
    assert_int_equal(gv_trajectories_create(TICKS, &set), GV_OK);
    assert_int_equal(gv_auctionnet_tap_create(path, &tap), GV_OK);
    sell(tap, 4, set);
    assert_int_equal(gv_auctionnet_tap_commit(tap), GV_OK);
    gv_trajectories_destroy(set);
    stage_open(&market, 4);
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader), GV_OK);
    for (size_t t = 0; t < TICKS; t++) {
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        assert_true(found && tick.tick == t && tick.period == 4);
        for (size_t i = 0; i < tick.count; i++, next++) {
            double best[SLOTS + 1] = {0};
            assert_true(tick.opportunities[i] == next);
            for (size_t s = 0; s < SEATS; s++) {
                const size_t at = s * tick.stride + i;
                double bid = tick.bids[at];
                const double sigma =
                    gv_traffic_sigma(market.traffic, next, (uint32_t)s, tick.values[at]);
                assert_true(tick.sigmas[at] == sigma);
                for (size_t k = 0; k <= SLOTS; k++) {
                    const double larger = fmax(best[k], bid);
                    bid = fmin(best[k], bid);
                    best[k] = larger;
                }
            }
            for (size_t s = 0; s < SEATS; s++) {
                const size_t at = s * tick.stride + i;
                const uint8_t slot = tick.slots[at];
                assert_true(tick.least_costs[at] == fmax(best[SLOTS], 0.0001));
                assert_true(tick.won[at] == (slot > 0) && tick.exposed[at] <= tick.won[at]);
                assert_true(slot == 0 ? tick.costs[at] == 0.0
                                      : tick.costs[at] == fmax(best[slot], 0.0001));
                assert_true(tick.converted[at] <= tick.exposed[at]);
            }
        }
        for (size_t s = 0; s < SEATS; s++) {
            const bool is_spent = tick.advertisers[s].budget_left < 0.1;
            assert_true(tick.advertisers[s].has_ended == (is_spent || t + 1 == TICKS));
        }
    }
    assert_true(next == gv_traffic_before(market.traffic, TICKS));
    gv_auctionnet_close(reader);
    stage_close(&market);
}

static void a_log_that_cannot_be_written_is_told(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_auctionnet_tap *tap = NULL;
    gv_trajectories *set = NULL;
    test_folder_path(*state, "absent/market.csv", path);
    assert_int_equal(gv_auctionnet_tap_create(path, &tap), GV_EIO);
    test_folder_path(*state, "market.csv", path);
    assert_int_equal(gv_trajectories_create(TICKS, &set), GV_OK);
    assert_int_equal(gv_auctionnet_tap_create(path, &tap), GV_OK);
    sell(tap, 1, set);
    gv_auctionnet_tap_abandon(tap);
    assert_int_equal(test_folder_count(*state), 0);
    gv_trajectories_destroy(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_printed_as_pandas_does),
        cmocka_unit_test(numbers_read_back_to_the_bit),
        test_in_folder(the_small_log_is_written_as_it_was),
        test_in_folder(the_sample_is_written_to_the_byte),
        test_in_folder(a_market_s_log_holds_what_its_seats_got),
        test_in_folder(every_cell_is_what_its_column_says),
        test_in_folder(a_log_that_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
