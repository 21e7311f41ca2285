/* A log's impressions as traffic: which are sold when, what they are worth, what is refused. */
#include <math.h>

#include "test_log.h"
#include "traffic_fixture.h"

static traffic_stage stage;

/* In two periods of two ticks of 10 s: at 100 to 119, and at 120 to 139. */
static const char *const rows[] = {
    "impression time=100000000 bid_id=a pctr=0.25 pcvr=0.5",
    "impression time=100000000 bid_id=b pctr=0.5 pcvr=0.5",
    "impression time=109999999 bid_id=c pctr=0.125 pcvr=0.25",
    "impression time=110000000 bid_id=d pctr=1 pcvr=0.125",
    "impression time=119999999 bid_id=e pctr=0 pcvr=1",
    "impression time=120000000 bid_id=f pctr=0.75 pcvr=1",
    "impression time=150000000 bid_id=g pctr=0.75 pcvr=1",
    NULL,
};

/* Opens a log of these rows; the law adds nothing: a value is what the log says. */
static void set_stage(const test_folder *folder, const char *const *log_rows,
                      char path[TEST_PATH_SIZE])
{
    static const char *const spreads[] = {"category_spread", "advertiser_spread", "deviation_mean",
                                          "deviation_spread", "deviation_tick_spread"};
    gv_log_close(test_log_make(folder, "rows.gvlog", log_rows));
    test_folder_path(folder, "rows.gvlog", path);
    traffic_stage_init(&stage, &gv_traffic_log);
    traffic_stage_set(&stage, "path", path);
    for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++) {
        traffic_stage_set(&stage, spreads[i], "0");
    }
    stage.setup.start_us = 7 * GV_US_PER_DAY;
    stage.setup.tick_us = 10 * GV_US_PER_SECOND;
    stage.setup.tick_count = 2;
}

static float value_at(const gv_traffic *traffic, size_t tick, uint64_t opportunity)
{
    float values[GV_TRAFFIC_GROUP];
    const gv_traffic_piece piece = {.tick = tick,
                                    .first = opportunity,
                                    .count = 1,
                                    .advertiser = 8,
                                    .advertiser_count = GV_TRAFFIC_GROUP};
    gv_traffic_values(traffic, &piece, 1, values);
    assert_true(values[0] == values[3]);
    return values[0];
}

static void rows_are_sold_at_their_own_times(void **state)
{
    char path[TEST_PATH_SIZE];
    int64_t times[3];
    set_stage(*state, rows, path);
    gv_traffic *traffic = traffic_stage_open(&stage);
    const int64_t start_us = stage.setup.start_us;
    assert_int_equal(gv_traffic_count(traffic, 0), 3);
    assert_int_equal(gv_traffic_count(traffic, 1), 2);
    gv_traffic_times(traffic, 0, 0, 3, times);
    assert_int_equal(times[0], start_us);
    assert_int_equal(times[1], start_us);
    assert_int_equal(times[2], start_us + 9999999);
    gv_traffic_times(traffic, 1, 3, 2, times);
    assert_int_equal(times[0], start_us + 10000000);
    assert_int_equal(times[1], start_us + 19999999);
    gv_traffic_destroy(traffic);
}

static void values_are_what_the_log_predicts(void **state)
{
    static const float of_law = 0.0005F;
    static const struct {
        const char *value;
        float expected[2]; /* of c in tick 0 and d in tick 1 */
    } cases[] = {
        {"auto", {0.125F, 1.0F}},          {"pctr", {0.125F, 1.0F}},  {"pcvr", {0.25F, 0.125F}},
        {"pctr_pcvr", {0.03125F, 0.125F}}, {"law", {of_law, of_law}},
    };
    char path[TEST_PATH_SIZE];
    set_stage(*state, rows, path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        traffic_stage_set(&stage, "value", cases[i].value);
        gv_traffic *traffic = traffic_stage_open(&stage);
        assert_true(value_at(traffic, 0, 2) == cases[i].expected[0]);
        assert_true(value_at(traffic, 1, 3) == cases[i].expected[1]);
        gv_traffic_destroy(traffic);
    }
}

static void the_next_period_sells_the_next_rows_when_told_to(void **state)
{
    char path[TEST_PATH_SIZE];
    int64_t time_us = 0;
    set_stage(*state, rows, path);
    stage.setup.period = 1;
    traffic_stage_set(&stage, "advance", "on");
    gv_traffic *traffic = traffic_stage_open(&stage);
    assert_int_equal(gv_traffic_before(traffic, 2), 1);
    gv_traffic_times(traffic, 0, 0, 1, &time_us);
    assert_int_equal(time_us, stage.setup.start_us);
    assert_true(value_at(traffic, 0, 0) == 0.75F);
    gv_traffic_destroy(traffic);
    traffic_stage_set(&stage, "advance", "off");
    traffic = traffic_stage_open(&stage);
    assert_int_equal(gv_traffic_before(traffic, 2), 5);
    gv_traffic_destroy(traffic);
    /* From 95 s: the first period has the rows before 115, the second e and f. */
    traffic_stage_set(&stage, "advance", "on");
    traffic_stage_set(&stage, "from", "1970-01-01 00:01:35Z");
    traffic = traffic_stage_open(&stage);
    assert_int_equal(gv_traffic_before(traffic, 2), 2);
    gv_traffic_times(traffic, 0, 1, 1, &time_us);
    assert_int_equal(time_us, stage.setup.start_us + 5000000);
    assert_true(value_at(traffic, 0, 1) == 0.75F);
    gv_traffic_destroy(traffic);
}

/* One base, many rows: the mean over rows and periods is the base's, the spread the law's. */
static void advertisers_see_a_row_through_factors_and_noise(void **state)
{
    enum { ROWS = 500, PERIODS = 40, ROW_SIZE = 64 };
    static char texts[ROWS][ROW_SIZE];
    static const char *same[ROWS + 1];
    static float values[TRAFFIC_ADVERTISERS * ROWS];
    char path[TEST_PATH_SIZE];
    for (size_t i = 0; i < ROWS; i++) {
        (void)snprintf(texts[i], ROW_SIZE, "impression time=%zu bid_id=%zu pctr=0.02", i, i);
        same[i] = texts[i];
    }
    set_stage(*state, same, path);
    traffic_stage_set(&stage, "category_spread", "0.7");
    traffic_stage_set(&stage, "advertiser_spread", "0.5");
    traffic_stage_set(&stage, "deviation_mean", "0.2");
    double leaders = 0.0;
    double leader_squares = 0.0;
    double ratio = 0.0;
    for (stage.setup.period = 0; stage.setup.period < PERIODS; stage.setup.period++) {
        gv_traffic *traffic = traffic_stage_open(&stage);
        const gv_traffic_piece piece = {.count = ROWS, .advertiser_count = TRAFFIC_ADVERTISERS};
        gv_traffic_values(traffic, &piece, ROWS, values);
        for (size_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
            double mean = 0.0;
            double square = 0.0;
            for (size_t i = 0; i < ROWS; i++) {
                const double value = (double)values[a * ROWS + i];
                mean += value / ROWS;
                square += value * value / ROWS;
            }
            ratio += sqrt(square - mean * mean) / mean / (PERIODS * TRAFFIC_ADVERTISERS);
            if (a % 8 == 0) {
                leaders += mean / 0.02;
                leader_squares += mean * mean / 0.0004;
            }
        }
        gv_traffic_destroy(traffic);
    }
    /* 240 factors uniform in 0.3 to 1.7: variance 0.49 / 3; its error from the 4th moment. */
    const double n = 6.0 * PERIODS;
    const double variance = 0.49 / 3.0;
    const double found = leader_squares / n - leaders * leaders / n / n;
    assert_true(fabs(leaders / n - 1.0) < 4.0 * sqrt(variance / n));
    assert_true(fabs(found - variance) < 4.0 * variance * sqrt(0.8 / n));
    assert_true(fabs(ratio - 0.2) < 0.002);
}

static void a_log_without_predictions_has_the_law_alone(void **state)
{
    static const char *const bare[] = {"impression time=5 bid_id=a", "impression time=9 bid_id=b",
                                       NULL};
    char path[TEST_PATH_SIZE];
    set_stage(*state, bare, path);
    traffic_stage_set(&stage, "preset", "dense");
    gv_traffic *traffic = traffic_stage_open(&stage);
    assert_true(value_at(traffic, 0, 1) == 0.005F);
    gv_traffic_destroy(traffic);
    traffic_stage_set(&stage, "value", "pctr");
    traffic_stage_refused(&stage, GV_EINVAL, "has no column `pctr`, which value asks for");
    traffic_stage_set(&stage, "value", "pctr_pcvr");
    traffic_stage_refused(&stage, GV_EINVAL, "has no column `pctr`");
}

static void logs_that_cannot_be_sold_are_refused_in_a_sentence(void **state)
{
    static const char *const timeless[] = {"impression bid_id=a pctr=0.5", NULL};
    static const char *const empty[] = {"click time=5 bid_id=a", NULL};
    static const char *const wild[] = {"impression time=1 bid_id=a pctr=0.5",
                                       "impression time=2 bid_id=b pctr=1.5", NULL};
    char path[TEST_PATH_SIZE];
    set_stage(*state, timeless, path);
    traffic_stage_refused(&stage, GV_EINVAL, "rows.gvlog has no times of its own");
    set_stage(*state, empty, path);
    traffic_stage_refused(&stage, GV_EINVAL, "rows.gvlog has no");
    set_stage(*state, wild, path);
    traffic_stage_refused(&stage, GV_EINVAL, "row 2 has pctr 1.5, expected 0 to 1");
    set_stage(*state, rows, path);
    traffic_stage_set(&stage, "advance", "on");
    stage.setup.period = 3;
    traffic_stage_refused(&stage, GV_EINVAL, "no rows for period 3: it goes from 1970-01-01");
    traffic_stage_refused(&stage, GV_EINVAL, "; set advance: off");
    stage.setup.period = (1 << 24) - 1;
    stage.setup.tick_us = GV_US_PER_DAY * 365;
    traffic_stage_refused(&stage, GV_EINVAL, "no rows for period 16777215");
    set_stage(*state, rows, path);
    traffic_stage_set(&stage, "from", "1970-01-01 00:02:05Z");
    traffic_stage_refused(&stage, GV_EINVAL, "falls into a gap");
    traffic_stage_set(&stage, "from", "1970-01-01 00:00:05Z");
    traffic_stage_refused(&stage, GV_EINVAL, "; set from to a time within");
    test_folder_path(*state, "absent.gvlog", path);
    traffic_stage_set(&stage, "path", path);
    traffic_stage_refused(&stage, GV_EIO, "absent.gvlog");
    traffic_write(*state, "text.gvlog", "no log at all", path);
    traffic_stage_refused(&stage, GV_ECORRUPT, "text.gvlog");
    traffic_stage_init(&stage, &gv_traffic_log);
    traffic_stage_refused(&stage, GV_EINVAL, "no path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(rows_are_sold_at_their_own_times),
        test_in_folder(values_are_what_the_log_predicts),
        test_in_folder(the_next_period_sells_the_next_rows_when_told_to),
        test_in_folder(advertisers_see_a_row_through_factors_and_noise),
        test_in_folder(a_log_without_predictions_has_the_law_alone),
        test_in_folder(logs_that_cannot_be_sold_are_refused_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
