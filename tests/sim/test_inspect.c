/* The figures of a log are those of its rows; the published ones of iPinYou come out. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/log/ingest.h"
#include "sim/log/inspect.h"
#include "test_log.h"
#include "test_random.h"

static const char *const rows[] = {
    "impression time=1000000 bid_id=a advertiser=x price=10",
    "impression time=2000000 bid_id=b advertiser=y price=20",
    "impression time=3000000 bid_id=c advertiser=x price=30",
    "impression time=4000000 bid_id=d advertiser=x price=90",
    "click time=1500000 bid_id=a advertiser=x",
    "click time=9000000 bid_id=a advertiser=x",
    "click time=2000000 bid_id=c advertiser=x",
    "click time=2000000 bid_id=z advertiser=w",
    "conversion time=9500000 bid_id=a advertiser=x",
    "reject reason=odd text=row",
    NULL,
};

static gv_inspect_column column(const gv_inspection *inspection, const char *name)
{
    for (size_t i = 0; i < inspection->column_count; i++) {
        if (strcmp(gv_log_column_name(inspection->columns[i].column), name) == 0) {
            return inspection->columns[i];
        }
    }
    fail_msg("no column %s", name);
    return (gv_inspect_column){.column = NULL};
}

static void figures_are_those_of_the_rows(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_inspection *inspection = NULL;
    assert_int_equal(gv_inspect(log, NULL, &inspection), GV_OK);
    assert_true(inspection->has_price && inspection->has_clicks && inspection->has_conversions);
    assert_int_equal(inspection->price.count, 4);
    assert_int_equal(inspection->price.low, 10);
    assert_int_equal(inspection->price.median, 20);
    assert_int_equal(inspection->price.high, 30);
    assert_int_equal(inspection->price.most, 90);
    assert_true(inspection->price.mean >= 37.5 && inspection->price.mean <= 37.5);
    assert_int_equal(inspection->clicked, 2);
    assert_int_equal(inspection->converted, 1);
    assert_int_equal(inspection->click_delay.least, -1000000);
    assert_int_equal(inspection->click_delay.median, 500000);
    assert_int_equal(inspection->click_delay.most, 8000000);
    assert_int_equal(inspection->conversion_delay.median, 8500000);
    assert_int_equal(inspection->advertiser_count, 3);
    const gv_inspect_advertiser *first = &inspection->advertisers[0];
    assert_int_equal(first->impressions, 3);
    assert_int_equal(first->clicks, 3);
    assert_int_equal(first->conversions, 1);
    assert_int_equal(first->cost_nanos, 130);
    assert_int_equal(inspection->advertisers[2].orphan_clicks, 1);
    assert_int_equal(column(inspection, "advertiser").distinct, 2);
    assert_int_equal(column(inspection, "bid_id").distinct, 4);
    assert_int_equal(column(inspection, "clicks").distinct, 3);
    assert_int_equal(column(inspection, "price").size, 32);
    gv_inspect_rejects rejects;
    assert_true(gv_inspect_find_rejects(log, &rejects));
    assert_int_equal(rejects.count, 1);
    gv_inspect_destroy(inspection);
    gv_log_close(log);
}

static int compare(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left;
    const int64_t b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

/* Against a sorted copy, over values from few to all kinds. */
static void quantiles_are_those_of_a_sorted_copy(void **state)
{
    (void)state;
    enum { MOST = 300, CASES = 60 };
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        int64_t values[MOST];
        const uint64_t count = 1 + (uint64_t)test_random_below(&random, MOST);
        const int64_t range = INT64_C(1) << (1 + i % 61);
        for (uint64_t k = 0; k < count; k++) {
            values[k] = test_random_below(&random, range) - range / 3;
        }
        const gv_inspect_spread spread = gv_inspect_measure(values, count);
        const gv_inspect_histogram histogram = gv_inspect_bin(values, count, &spread);
        uint64_t sum = histogram.bin_count == 0 ? count : 0;
        for (size_t k = 0; k < histogram.bin_count; k++) {
            sum += histogram.bins[k];
        }
        assert_int_equal(sum, count);
        qsort(values, count, sizeof values[0], compare);
        assert_int_equal(spread.least, values[0]);
        assert_int_equal(spread.low, values[(25 * count + 99) / 100 - 1]);
        assert_int_equal(spread.median, values[(50 * count + 99) / 100 - 1]);
        assert_int_equal(spread.high, values[(75 * count + 99) / 100 - 1]);
        assert_int_equal(spread.top, values[(99 * count + 99) / 100 - 1]);
        assert_int_equal(spread.most, values[count - 1]);
    }
}

static void allocations_may_fail(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_inspection *inspection = NULL;
        gv_mem_fail_after(n);
        status = gv_inspect(log, NULL, &inspection);
        gv_mem_fail_after(-1);
        gv_inspect_destroy(inspection);
    }
    assert_int_equal(status, GV_OK);
    gv_log_close(log);
}

static bool stop(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    (void)what;
    (void)done;
    (void)total;
    return false;
}

static void inspection_can_be_stopped(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_inspection *inspection = NULL;
    const gv_progress progress = {stop, NULL};
    assert_int_equal(gv_inspect(log, &progress, &inspection), GV_ESTOPPED);
    assert_null(inspection);
    gv_log_close(log);
}

/* iPinYou season 2: mean pay price 78.6 CPM, quartiles 39, 70, 93. */
static void season_two_has_its_known_prices(void **state)
{
    char path[TEST_PATH_SIZE];
    char pattern[TEST_PATH_SIZE];
    const char *data = getenv("GAVEL_DATA");
    glob_t files = {.gl_pathc = 0};
    (void)snprintf(pattern, sizeof pattern, "%s/ipinyou-season2/[ic]*.201306*",
                   data != NULL ? data : "../shared/data");
    if (glob(pattern, 0, NULL, &files) != 0) {
        print_message("%s: no such files, so nothing is checked against them\n", pattern);
        skip();
    }
    test_folder_path(*state, "a.gvlog", path);
    const gv_ingest_config config = {.type = gv_reader_find("ipinyou"),
                                     .paths = (const char *const *)files.gl_pathv,
                                     .path_count = files.gl_pathc,
                                     .output_path = path,
                                     .jobs = 2,
                                     .rejects_max = 0.01};
    gv_ingest_report report;
    gv_log *log = NULL;
    gv_inspection *inspection = NULL;
    assert_int_equal(gv_ingest(&config, NULL, &report), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    assert_int_equal(gv_inspect(log, NULL, &inspection), GV_OK);
    assert_int_equal(inspection->price.count, 42000);
    assert_true(inspection->price.mean > 78.55e6 && inspection->price.mean < 78.65e6);
    assert_int_equal(inspection->price.low, 39000000);
    assert_int_equal(inspection->price.median, 70000000);
    assert_int_equal(inspection->price.high, 93000000);
    assert_int_equal(inspection->clicked, 32);
    assert_int_equal(inspection->advertiser_count, 5);
    assert_int_equal(report.counts.clicked_bid_ids, 8838);
    assert_int_equal(report.counts.repeated_bid_ids, 1);
    assert_int_equal(report.counts.rows[GV_LOG_CLICK] + report.counts.rows[GV_LOG_ORPHAN_CLICK],
                     9978);
    assert_int_equal(gv_log_rows(log, GV_LOG_REJECT), 1);
    gv_inspect_destroy(inspection);
    gv_log_close(log);
    globfree(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(figures_are_those_of_the_rows),
        cmocka_unit_test(quantiles_are_those_of_a_sorted_copy),
        test_in_folder(allocations_may_fail),
        test_in_folder(inspection_can_be_stopped),
        test_in_folder(season_two_has_its_known_prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
