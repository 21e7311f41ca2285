/* What every type of traffic promises, whatever its parameters. */
#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "test_log.h"
#include "test_random.h"
#include "traffic_fixture.h"

enum { CASES = 60, LOG_ROWS = 700, ROW_SIZE = 96, COUNT_MAX = 4000 };

typedef struct test_suite {
    const test_folder *folder;
    test_random random;
    char log_path[TEST_PATH_SIZE];
    char curve_path[TEST_PATH_SIZE];
} test_suite;

/* Rows up to two days apart, many at one time, good and bad alike. */
static void write_log(test_suite *suite)
{
    static char texts[LOG_ROWS][ROW_SIZE];
    static const char *rows[LOG_ROWS + 1];
    for (size_t i = 0; i < LOG_ROWS; i++) {
        const int64_t time_us = test_random_below(&suite->random, 400) * 400 * GV_US_PER_SECOND;
        (void)snprintf(texts[i], ROW_SIZE, "impression time=%lld bid_id=%zu pctr=%g pcvr=%g",
                       (long long)time_us, i, (double)test_random_below(&suite->random, 100) / 99.0,
                       (double)test_random_below(&suite->random, 100) / 99.0);
        rows[i] = texts[i];
    }
    gv_log_close(test_log_make(suite->folder, "drawn.gvlog", rows));
    test_folder_path(suite->folder, "drawn.gvlog", suite->log_path);
}

/* Some hours of the week have nothing. */
static void write_curve(test_suite *suite)
{
    char text[168 * 32] = "dow,hour,share\n";
    for (int hour = 0; hour < 168; hour++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%d,%d,%d\n", hour / 24 + 1, hour % 24,
                       (int)test_random_below(&suite->random, 4));
    }
    traffic_write(suite->folder, "curve.csv", text, suite->curve_path);
}

static void suite_open(test_suite *suite, void **state)
{
    suite->folder = *state;
    suite->random = test_random_seeded();
    write_log(suite);
    write_curve(suite);
}

static const char *one_of(test_random *random, const char *const *texts, int64_t count)
{
    return texts[test_random_below(random, count)];
}

/* Parameters and a market of the type, drawn so that what is rare is common. */
static void draw_stage(test_suite *suite, const gv_traffic_type *type, traffic_stage *stage)
{
    static const char *const counts[] = {"1", "300", "3000"};
    static const char *const means[] = {"0", "0.0005", "0.5", "1"};
    static const char *const spreads[] = {"0", "0.5", "1"};
    static const char *const law_spreads[] = {"category_spread", "advertiser_spread",
                                              "deviation_mean",  "deviation_spread",
                                              "sigma_mean",      "sigma_max"};
    const char *const curves[] = {"flat", "auctionnet", suite->curve_path};
    static const char *const values[] = {"auto", "law", "pctr", "pcvr", "pctr_pcvr"};
    test_random *random = &suite->random;
    traffic_stage_init(stage, type);
    traffic_stage_try(stage, "opportunities", one_of(random, counts, 3));
    traffic_stage_try(stage, "rate", one_of(random, counts, 3));
    traffic_stage_try(stage, "curve", one_of(random, curves, 3));
    traffic_stage_try(stage, "path", suite->log_path);
    traffic_stage_try(stage, "value", one_of(random, values, 5));
    traffic_stage_set(stage, "value_mean", one_of(random, means, 4));
    for (size_t i = 0; i < sizeof law_spreads / sizeof law_spreads[0]; i++) {
        traffic_stage_set(stage, law_spreads[i], one_of(random, spreads, 3));
    }
    stage->setup.seed = (uint64_t)test_random_below(random, 1000);
    stage->setup.period = (uint64_t)test_random_below(random, 1 << 24);
    stage->setup.start_us = test_random_below(random, 400) * GV_US_PER_HOUR;
    stage->setup.zone_us = (test_random_below(random, 25) - 12) * GV_US_PER_HOUR;
    stage->setup.tick_us = (1 + test_random_below(random, 300)) * GV_US_PER_MINUTE;
    stage->setup.tick_count =
        (size_t)(3 * GV_US_PER_DAY / stage->setup.tick_us + 1 + test_random_below(random, 9));
    stage->setup.advertiser_count = (size_t)(1 + test_random_below(random, 13));
}

static float whole[TRAFFIC_ADVERTISERS * COUNT_MAX];
static float part[TRAFFIC_ADVERTISERS * COUNT_MAX];
static int64_t times[COUNT_MAX];
static int64_t part_times[COUNT_MAX];

static size_t load_tick(const traffic_stage *stage, const gv_traffic *traffic, size_t tick)
{
    const gv_traffic_piece piece = {
        .tick = tick,
        .first = gv_traffic_before(traffic, tick),
        .count = (size_t)gv_traffic_count(traffic, tick),
        .advertiser_count = stage->setup.advertiser_count,
    };
    assert_true(piece.count <= COUNT_MAX);
    gv_traffic_values(traffic, &piece, COUNT_MAX, whole);
    gv_traffic_times(traffic, tick, piece.first, piece.count, times);
    return piece.count;
}

static void check_tick(const traffic_stage *stage, const gv_traffic *traffic, size_t tick,
                       size_t count)
{
    const gv_traffic_setup *setup = &stage->setup;
    const uint64_t first = gv_traffic_before(traffic, tick);
    int64_t last_us = setup->start_us + (int64_t)tick * setup->tick_us;
    for (size_t i = 0; i < count; i++) {
        assert_true(times[i] >= last_us);
        last_us = times[i];
    }
    assert_true(last_us < setup->start_us + (int64_t)(tick + 1) * setup->tick_us);
    for (uint32_t a = 0; a < setup->advertiser_count; a++) {
        const float *row = whole + (size_t)a * COUNT_MAX;
        for (size_t i = 0; i < count; i++) {
            const double value = (double)row[i];
            assert_true(value >= 0.0 && value <= 1.0);
            const double sigma = gv_traffic_sigma(traffic, first + i, a, value);
            assert_true(sigma >= 0.0 && sigma <= value);
        }
    }
}

static void times_ascend_in_their_tick_and_values_are_probabilities(void **state)
{
    test_suite suite;
    traffic_stage stage;
    suite_open(&suite, state);
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        for (int k = 0; k < CASES; k++) {
            draw_stage(&suite, gv_traffic_types[t], &stage);
            gv_traffic *traffic = traffic_stage_open(&stage);
            for (size_t tick = 0; tick < stage.setup.tick_count; tick++) {
                check_tick(&stage, traffic, tick, load_tick(&stage, traffic, tick));
            }
            gv_traffic_destroy(traffic);
        }
    }
}

/* A piece of the tick that is loaded, for some neighbouring advertisers. */
static void check_piece(test_suite *suite, const traffic_stage *stage, const gv_traffic *traffic,
                        gv_traffic_piece piece)
{
    const uint64_t from = piece.first - gv_traffic_before(traffic, piece.tick);
    const int64_t groups = 1 + (int64_t)(stage->setup.advertiser_count - 1) / GV_TRAFFIC_GROUP;
    piece.advertiser = GV_TRAFFIC_GROUP * (uint32_t)test_random_below(&suite->random, groups);
    const size_t left = stage->setup.advertiser_count - piece.advertiser;
    piece.advertiser_count = 1 + (size_t)test_random_below(&suite->random, (int64_t)left);
    gv_traffic_values(traffic, &piece, piece.count, part);
    gv_traffic_times(traffic, piece.tick, piece.first, piece.count, part_times);
    assert_memory_equal(part_times, times + from, piece.count * sizeof *times);
    for (size_t a = 0; a < piece.advertiser_count; a++) {
        assert_memory_equal(part + a * piece.count,
                            whole + (piece.advertiser + a) * COUNT_MAX + from,
                            piece.count * sizeof *part);
    }
}

static void any_piece_has_the_times_and_values_of_the_whole_tick(void **state)
{
    test_suite suite;
    traffic_stage stage;
    suite_open(&suite, state);
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        for (int k = 0; k < CASES; k++) {
            draw_stage(&suite, gv_traffic_types[t], &stage);
            gv_traffic *traffic = traffic_stage_open(&stage);
            for (size_t tick = 0; tick < stage.setup.tick_count; tick++) {
                const size_t count = load_tick(&stage, traffic, tick);
                for (size_t done = 0; done < count;) {
                    const size_t size =
                        1 + (size_t)test_random_below(&suite.random, (int64_t)(count - done));
                    const gv_traffic_piece piece = {.tick = tick,
                                                    .first =
                                                        gv_traffic_before(traffic, tick) + done,
                                                    .count = size};
                    check_piece(&suite, &stage, traffic, piece);
                    done += size;
                }
            }
            gv_traffic_destroy(traffic);
        }
    }
}

/* The first advertisers' values of the first opportunities, 0 where there are too few. */
static void first_values(const traffic_stage *stage, float values[256])
{
    gv_traffic *traffic = traffic_stage_open(stage);
    memset(values, 0, 256 * sizeof *values);
    size_t tick = 0;
    while (gv_traffic_count(traffic, tick) < 64) {
        tick++;
    }
    const gv_traffic_piece piece = {.tick = tick,
                                    .first = gv_traffic_before(traffic, tick),
                                    .count = 64,
                                    .advertiser_count = 4};
    gv_traffic_values(traffic, &piece, 64, values);
    gv_traffic_destroy(traffic);
}

static size_t equal_values(const float *a, const float *b)
{
    size_t count = 0;
    for (size_t i = 0; i < 256; i++) {
        count += a[i] == b[i];
    }
    return count;
}

/* Where both are cut to 0 two draws may agree; a base of 0 in the log always does. */
static void a_seed_says_all_and_another_period_is_another_day(void **state)
{
    test_suite suite;
    traffic_stage stage;
    float one[256];
    float other[256];
    suite_open(&suite, state);
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        traffic_stage_init(&stage, gv_traffic_types[t]);
        traffic_stage_try(&stage, "path", suite.log_path);
        stage.setup.tick_us = GV_US_PER_HOUR;
        stage.setup.tick_us *= 6;
        first_values(&stage, one);
        first_values(&stage, other);
        assert_int_equal(equal_values(one, other), 256);
        stage.setup.period++;
        first_values(&stage, other);
        assert_in_range(equal_values(one, other), 0, 60);
        stage.setup.period--;
        stage.setup.seed++;
        first_values(&stage, other);
        assert_in_range(equal_values(one, other), 0, 60);
    }
}

static void every_failed_allocation_is_survived(void **state)
{
    test_suite suite;
    traffic_stage stage;
    suite_open(&suite, state);
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        gv_traffic *traffic = NULL;
        int failures = 0;
        traffic_stage_init(&stage, gv_traffic_types[t]);
        traffic_stage_try(&stage, "path", suite.log_path);
        traffic_stage_try(&stage, "curve", suite.curve_path);
        gv_mem_fail_after(0);
        while (gv_traffic_create(stage.type, &stage.setup, &traffic) != GV_OK) {
            assert_null(traffic);
            gv_mem_fail_after(++failures);
        }
        gv_mem_fail_after(-1);
        assert_true(failures >= 4);
        gv_traffic_destroy(traffic);
    }
}

static void ten_thousand_advertisers_are_served(void **state)
{
    enum { MANY = 10000 };
    test_suite suite;
    traffic_stage stage;
    static uint32_t categories[MANY];
    suite_open(&suite, state);
    for (uint32_t a = 0; a < MANY; a++) {
        categories[a] = a / 8;
    }
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        traffic_stage_init(&stage, gv_traffic_types[t]);
        traffic_stage_try(&stage, "path", suite.log_path);
        stage.setup.categories = categories;
        stage.setup.advertiser_count = MANY;
        gv_traffic *traffic = traffic_stage_open(&stage);
        const gv_traffic_piece piece = {.count = 3, .advertiser_count = MANY};
        gv_traffic_values(traffic, &piece, 4, part);
        const gv_traffic_piece last = {.count = 3,
                                       .advertiser = MANY - GV_TRAFFIC_GROUP,
                                       .advertiser_count = GV_TRAFFIC_GROUP};
        gv_traffic_values(traffic, &last, 4, whole);
        const float *end = part + (size_t)4 * (MANY - GV_TRAFFIC_GROUP);
        for (size_t i = 0; i < (size_t)4 * GV_TRAFFIC_GROUP; i++) {
            assert_true(i % 4 == 3 || end[i] == whole[i]);
        }
        gv_traffic_destroy(traffic);
    }
}

static void impossible_markets_are_refused_in_a_sentence(void **state)
{
    test_suite suite;
    traffic_stage good;
    suite_open(&suite, state);
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        traffic_stage_init(&good, gv_traffic_types[t]);
        traffic_stage_try(&good, "path", suite.log_path);
        traffic_stage bad = good;
        bad.setup.tick_count = 0;
        traffic_stage_refused(&bad, GV_EINVAL, "has no ticks");
        bad = good;
        bad.setup.tick_count = 2000000;
        traffic_stage_refused(&bad, GV_EINVAL, "2000000 ticks");
        bad = good;
        bad.setup.tick_us = INT64_MAX / 2;
        traffic_stage_refused(&bad, GV_EINVAL, "years");
        bad = good;
        bad.setup.advertiser_count = 0;
        traffic_stage_refused(&bad, GV_EINVAL, "no advertiser");
        bad = good;
        bad.setup.advertiser_count = SIZE_MAX;
        traffic_stage_refused(&bad, GV_EINVAL, "at most 5592405 advertisers");
        bad = good;
        bad.setup.period = UINT64_C(1) << 24;
        traffic_stage_refused(&bad, GV_EINVAL, "period 16777216");
        bad = good;
        bad.categories[3] = UINT32_C(1) << 24;
        bad.setup.categories = bad.categories;
        traffic_stage_refused(&bad, GV_EINVAL, "advertiser 3");
    }
}

static void types_are_found_by_name_alone(void **state)
{
    (void)state;
    for (size_t t = 0; gv_traffic_types[t] != NULL; t++) {
        assert_ptr_equal(gv_traffic_find(gv_traffic_types[t]->info.name), gv_traffic_types[t]);
    }
    assert_null(gv_traffic_find("tidal"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(times_ascend_in_their_tick_and_values_are_probabilities),
        test_in_folder(any_piece_has_the_times_and_values_of_the_whole_tick),
        test_in_folder(a_seed_says_all_and_another_period_is_another_day),
        test_in_folder(every_failed_allocation_is_survived),
        test_in_folder(ten_thousand_advertisers_are_served),
        test_in_folder(impossible_markets_are_refused_in_a_sentence),
        cmocka_unit_test(types_are_found_by_name_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
