/* Made-up logs: what their rows promise, and that any allocation may fail. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/log/generate.h"
#include "sim/log/log.h"
#include "test_folder.h"

enum { ROWS = 60000 };

static gv_log *make(const test_folder *folder, gv_builder_counts *counts)
{
    char path[TEST_PATH_SIZE];
    gv_log *log = NULL;
    test_folder_path(folder, "made.gvlog", path);
    const gv_generate_config config = {
        .path = path, .auction_count = ROWS, .seed = 11, .start_us = GV_US_PER_DAY, .days = 3};
    if (gv_generate(&config, NULL, counts) != GV_OK || gv_log_open(path, &log) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return log;
}

static const gv_log_column *column(const gv_log *log, gv_log_table table, const char *name)
{
    const gv_log_column *found = gv_log_find(log, table, name);
    assert_non_null(found);
    assert_int_equal(gv_log_check(found, 0, gv_log_rows(log, table)), GV_OK);
    return found;
}

static void rows_are_what_they_promise(void **state)
{
    gv_builder_counts counts;
    gv_log *log = make(*state, &counts);
    const int64_t *time = gv_log_integers(column(log, GV_LOG_IMPRESSION, "time"));
    const int64_t *price = gv_log_integers(column(log, GV_LOG_IMPRESSION, "price"));
    const int64_t *floor = gv_log_integers(column(log, GV_LOG_IMPRESSION, "floor"));
    const int64_t *bid = gv_log_integers(column(log, GV_LOG_IMPRESSION, "bid"));
    assert_int_equal(gv_log_rows(log, GV_LOG_IMPRESSION), ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(time[i] >= GV_US_PER_DAY && time[i] < 4 * GV_US_PER_DAY);
        assert_true(i == 0 || time[i - 1] <= time[i]);
        assert_true(floor[i] <= price[i] && price[i] <= bid[i]);
        assert_true(price[i] >= GV_NANOS_PER_CPM && price[i] <= 300 * GV_NANOS_PER_CPM);
        assert_int_equal(price[i] % GV_NANOS_PER_CPM, 0);
    }
    assert_int_equal(gv_log_code_count(column(log, GV_LOG_IMPRESSION, "advertiser")), 5);
    assert_int_equal(gv_log_code_count(column(log, GV_LOG_IMPRESSION, "exchange")), 3);
    gv_log_close(log);
}

/* Traffic from 21 to 22 h is eight times that from 4 to 5 h; both counts are Poisson. */
static void arrivals_follow_the_hours(void **state)
{
    gv_builder_counts counts;
    gv_log *log = make(*state, &counts);
    const int64_t *time = gv_log_integers(column(log, GV_LOG_IMPRESSION, "time"));
    double by_hour[24] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        by_hour[time[i] / GV_US_PER_HOUR % 24] += 1;
    }
    const double ratio = by_hour[21] / by_hour[4];
    assert_true(fabs(log1p(ratio - 1) - log1p(8.0 - 1)) <
                4 * sqrt(1 / by_hour[21] + 1 / by_hour[4]));
    gv_log_close(log);
}

/* Clicks come after their impression, all of them join, and about as many as predicted. */
static void clicks_are_late_and_near_what_is_predicted(void **state)
{
    gv_builder_counts counts;
    gv_log *log = make(*state, &counts);
    const double *pctr = gv_log_reals(column(log, GV_LOG_IMPRESSION, "pctr"));
    const int64_t *time = gv_log_integers(column(log, GV_LOG_IMPRESSION, "time"));
    const int64_t *row = gv_log_integers(column(log, GV_LOG_CLICK, "row"));
    const int64_t *click = gv_log_integers(column(log, GV_LOG_CLICK, "time"));
    const uint64_t clicks = gv_log_rows(log, GV_LOG_CLICK);
    double expected = 0;
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(pctr[i] > 0 && pctr[i] < 1);
        expected += pctr[i];
    }
    for (uint64_t i = 0; i < clicks; i++) {
        assert_true(click[i] > time[row[i]]);
    }
    assert_int_equal(gv_log_rows(log, GV_LOG_ORPHAN_CLICK), 0);
    assert_int_equal(counts.rows[GV_LOG_CLICK], clicks);
    assert_true(gv_log_rows(log, GV_LOG_CONVERSION) > 0);
    /* The blur of the truth adds up to 8 % to the mean. */
    assert_true(fabs((double)clicks - 1.04 * expected) < 0.05 * expected + 4 * sqrt(expected));
    gv_log_close(log);
}

static void no_allocation_may_fail_badly(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    gv_status status = GV_ENOMEM;
    test_folder_path(folder, "made.gvlog", path);
    const gv_generate_config config = {.path = path, .auction_count = 200, .seed = 1, .days = 1};
    for (int n = 0; status != GV_OK; n++) {
        gv_builder_counts counts;
        gv_mem_fail_after(n);
        status = gv_generate(&config, NULL, &counts);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_int_equal(test_folder_count(folder), status == GV_OK ? 1 : 0);
        assert_true(n < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(rows_are_what_they_promise),
        test_in_folder(arrivals_follow_the_hours),
        test_in_folder(clicks_are_late_and_near_what_is_predicted),
        test_in_folder(no_allocation_may_fail_badly),
    };
    return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
