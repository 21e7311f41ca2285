/* Rates worked by hand, rates known to who made a log, what all predictors keep, real logs. */
#include <math.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "models/predict/fit.h"
#include "models/predict/predictors.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/log/ingest.h"
#include "test_log.h"

enum { MADE_ROWS = 40000, ROW_SIZE = 160, PATHS_MAX = 14 };

#define HOUR GV_US_PER_HOUR

typedef struct rate_config {
    double strength;
} rate_config;

static const gv_predictor_type *historical(void)
{
    return gv_predictor_find("historical_rate");
}

static gv_status fit(const gv_log *log, const gv_log *past, int64_t end_us, double weight,
                     const rate_config *config, gv_predictor **out)
{
    const gv_predictor_training training = {
        .log = past, .start_us = 0, .end_us = end_us, .impression_weight = weight};
    return gv_predictor_create(historical(), config, log, &training, NULL, out);
}

static gv_predictor *fitted(const gv_log *log, const gv_log *past, int64_t end_us, double weight,
                            const rate_config *config)
{
    gv_predictor *predictor = NULL;
    assert_int_equal(fit(log, past, end_us, weight, config, &predictor), GV_OK);
    return predictor;
}

static double rate_at(const gv_predictor *predictor, uint64_t row)
{
    double rate = 0;
    assert_int_equal(gv_predictor_predict(predictor, &row, 1, &rate), GV_OK);
    return rate;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

/*
 * Weight 10. Of x: bid a clicked (twice), b and c not; an orphan o clicked three times. Of y: d
 * not clicked within the span. So all: 2 / (2 + 10 x 3) = 1/16. x: (2 + s) / (22 + 16 s).
 */
static const char *const rows[] = {
    "impression time=10 bid_id=a advertiser=x exchange=1 slot_width=3 slot_height=4 pctr=0.5",
    "impression time=20 bid_id=b advertiser=x exchange=1 slot_width=3 slot_height=4 pctr=0.25",
    "impression time=30 bid_id=c advertiser=x exchange=2 slot_width=3 slot_height=4 pctr=0",
    "impression time=40 bid_id=d advertiser=y exchange=1 slot_width=3 slot_height=4 pctr=1",
    "impression time=900 bid_id=e advertiser=z exchange=1 slot_width=3 slot_height=4 pctr=1",
    "impression time=901 bid_id=f advertiser=x exchange=3 slot_width=3 slot_height=4 pctr=1",
    "impression time=902 bid_id=g advertiser=x exchange=1 slot_width=4 slot_height=3 pctr=1",
    "impression time=903 bid_id=h advertiser=x exchange=1 slot_width=3 slot_height=4 pctr=1",
    "click time=12 bid_id=a",
    "click time=90 bid_id=a",
    "click time=15 bid_id=o advertiser=x exchange=1 slot_width=3 slot_height=4",
    "click time=16 bid_id=o advertiser=x exchange=1 slot_width=3 slot_height=4",
    "click time=700 bid_id=o advertiser=x exchange=1 slot_width=3 slot_height=4",
    "click time=800 bid_id=d",
    "click time=801 bid_id=q advertiser=x exchange=1 slot_width=3 slot_height=4",
    NULL,
};

static void a_rate_worked_by_hand(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const rate_config config = {4};
    gv_predictor *predictor = fitted(log, log, 100, 10, &config);
    const double all = 2.0 / (2 + 10 * 3);
    const double x = (2 + 4) / (2 + 10 * 2 + 4 / all);
    const double x1 = (2 + 4) / (2 + 10 + 4 / x);
    const double size = (2 + 4) / (2 + 10 + 4 / x1);
    const double hour = (2 + 4) / (2 + 10 + 4 / size);
    assert_true(near(rate_at(predictor, 4), all)); /* z was not seen */
    assert_true(near(rate_at(predictor, 5), x));   /* x on exchange 3 was not */
    assert_true(near(rate_at(predictor, 6), x1));  /* that size was not */
    assert_true(near(rate_at(predictor, 7), hour));
    gv_predictor_destroy(predictor);
    gv_log_close(log);
}

static void without_strength_rates_are_raw(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const rate_config config = {0};
    gv_predictor *predictor = fitted(log, log, 100, 10, &config);
    assert_true(near(rate_at(predictor, 7), 2.0 / 12));
    assert_true(near(rate_at(predictor, 2), 0));
    assert_true(near(rate_at(predictor, 3), 0));
    gv_predictor_destroy(predictor);
    gv_log_close(log);
}

/* Hours are the log's own: the same UTC minute is another hour, and an unseen one, elsewhere. */
static void hours_are_those_of_the_logs_zone(void **state)
{
    const char *const hourly[] = {
        "impression time=0 bid_id=a advertiser=x exchange=1 slot_width=1 slot_height=1",
        "impression time=1799999999 bid_id=b advertiser=x exchange=1 slot_width=1 slot_height=1",
        "impression time=1800000000 bid_id=c advertiser=x exchange=1 slot_width=1 slot_height=1",
        "click time=5 bid_id=a",
        NULL,
    };
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    test_folder_path(*state, "zone.gvlog", path);
    const test_log_options options = {.zone_us = -5 * HOUR + HOUR / 2};
    assert_int_equal(test_log_build(path, hourly, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    const rate_config config = {1};
    gv_predictor *predictor = fitted(log, log, 2 * HOUR, 1, &config);
    assert_true(near(rate_at(predictor, 0), rate_at(predictor, 1))); /* both of 19:30 to 20:00 */
    assert_true(rate_at(predictor, 2) < rate_at(predictor, 1));
    gv_predictor_destroy(predictor);
    gv_log_close(log);
}

/* The rate of a kind, known to whoever made the log. */
static double true_rate(size_t advertiser, size_t exchange, size_t size, size_t hour)
{
    static const double by_advertiser[] = {0.02, 0.1, 0.05};
    return by_advertiser[advertiser] * (exchange == 0 ? 1 : 1.8) * (size == 0 ? 1 : 0.6) *
           (1 + (double)hour / 24);
}

/*
 * A sample of one in 5: of the population of `count`, all clicks are kept, and each fifth
 * impression. heap: room for the rows' text. Returns how many rows there are.
 */
static size_t make_sample(uint64_t seed, size_t count, char (*heap)[ROW_SIZE], const char **text)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const size_t advertiser = (size_t)gv_random_below(&random, 0, 3);
        const size_t exchange = (size_t)gv_random_below(&random, 1, 2);
        const size_t size = (size_t)gv_random_below(&random, 2, 2);
        const size_t hour = i % 24;
        char kind[96];
        (void)snprintf(kind, sizeof kind,
                       "advertiser=%zu exchange=%zu slot_width=%zu slot_height=9", advertiser,
                       exchange, size);
        const long long time = (long long)hour * HOUR + (long long)(i % (size_t)HOUR);
        if (i % 5 == 0) {
            text[used] = heap[used];
            (void)snprintf(heap[used++], ROW_SIZE, "impression time=%lld bid_id=b%zu %s", time, i,
                           kind);
        }
        if (gv_random_bernoulli(&random, 3, true_rate(advertiser, exchange, size, hour))) {
            text[used] = heap[used];
            (void)snprintf(heap[used++], ROW_SIZE, "click time=%lld bid_id=b%zu %s", time, i, kind);
        }
    }
    text[used] = NULL;
    return used;
}

static gv_log *open_sample(const test_folder *folder, const char *name, uint64_t seed)
{
    char(*heap)[ROW_SIZE] = gv_mem_alloc(0, (size_t)MADE_ROWS * 2, ROW_SIZE);
    const char **text = gv_mem_alloc(0, (size_t)MADE_ROWS * 2 + 1, sizeof *text);
    char path[TEST_PATH_SIZE];
    gv_builder_counts counts;
    gv_log *log = NULL;
    assert_non_null(heap);
    assert_non_null(text);
    (void)make_sample(seed, MADE_ROWS, heap, text);
    test_folder_path(folder, name, path);
    const test_log_options options = {.rows_per_chunk = 1};
    assert_int_equal(test_log_build(path, text, options, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    gv_mem_free(heap);
    gv_mem_free(text);
    return log;
}

static size_t number_in(const gv_log *log, const char *name, uint64_t row)
{
    const gv_log_column *column = gv_log_find(log, GV_LOG_IMPRESSION, name);
    assert_int_equal(gv_log_check(column, row, 1), GV_OK);
    size_t size = 0;
    const char *text = gv_log_text(column, row, &size);
    return (size_t)(text[0] - '0');
}

/*
 * 40,000 impressions, about 3,700 clicks in 288 kinds: some 13 clicks a kind, so a raw rate is
 * off by 28 % or so. Smoothed ones are off by less than 20 % on average, and all of them
 * together by less than 3 %.
 */
static void known_rates_come_back_from_a_sample(void **state)
{
    gv_log *log = open_sample(*state, "made.gvlog", 1);
    const rate_config config = {10};
    gv_predictor *predictor = fitted(log, log, 24 * HOUR, 5, &config);
    const uint64_t count = gv_log_rows(log, GV_LOG_IMPRESSION);
    const gv_log_column *time = gv_log_find(log, GV_LOG_IMPRESSION, "time");
    const gv_log_column *width = gv_log_find(log, GV_LOG_IMPRESSION, "slot_width");
    assert_int_equal(gv_log_check(time, 0, count), GV_OK);
    assert_int_equal(gv_log_check(width, 0, count), GV_OK);
    double error = 0;
    double found = 0;
    double wanted = 0;
    for (uint64_t row = 0; row < count; row++) {
        const double rate = rate_at(predictor, row);
        const double truth = true_rate(
            number_in(log, "advertiser", row), number_in(log, "exchange", row),
            (size_t)gv_log_integers(width)[row], (size_t)(gv_log_integers(time)[row] / HOUR));
        error += fabs(rate / truth - 1) / (double)count;
        found += rate;
        wanted += truth;
    }
    assert_true(error < 0.2);
    assert_true(fabs(found / wanted - 1) < 0.03);
    gv_predictor_destroy(predictor);
    gv_log_close(log);
}

/* Fitted on one log, asked about another, whose codes have other numbers: by text, not by code. */
static void another_log_is_read_by_its_texts(void **state)
{
    const char *const swapped[] = {
        "impression time=1 bid_id=y advertiser=y exchange=9 slot_width=3 slot_height=4",
        "impression time=2 bid_id=n advertiser=new exchange=2 slot_width=3 slot_height=4",
        "impression time=3 bid_id=x advertiser=x exchange=1 slot_width=3 slot_height=4",
        NULL,
    };
    gv_log *past = test_log_make(*state, "a.gvlog", rows);
    gv_log *next = test_log_make(*state, "b.gvlog", swapped);
    const rate_config config = {4};
    gv_predictor *own = fitted(past, past, 100, 10, &config);
    gv_predictor *other = fitted(next, past, 100, 10, &config);
    assert_true(near(rate_at(other, 2), rate_at(own, 0)));
    assert_true(near(rate_at(other, 1), rate_at(own, 4))); /* all: neither advertiser was seen */
    gv_predictor_destroy(own);
    gv_predictor_destroy(other);
    gv_log_close(past);
    gv_log_close(next);
}

static void what_lies_outside_the_span_changes_nothing(void **state)
{
    const char *early[sizeof rows / sizeof rows[0]];
    size_t count = 0;
    for (size_t i = 0; rows[i] != NULL; i++) {
        const char *time = strstr(rows[i], "time=");
        if (strtol(time + 5, NULL, 10) < 100) {
            early[count++] = rows[i];
        }
    }
    early[count] = NULL;
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    gv_log *cut = test_log_make(*state, "cut.gvlog", early);
    const rate_config config = {4};
    gv_predictor *from_all = fitted(log, log, 100, 10, &config);
    gv_predictor *from_cut = fitted(log, cut, 100, 10, &config);
    for (uint64_t row = 0; row < gv_log_rows(log, GV_LOG_IMPRESSION); row++) {
        assert_true(near(rate_at(from_all, row), rate_at(from_cut, row)));
    }
    gv_predictor_destroy(from_all);
    gv_predictor_destroy(from_cut);
    gv_log_close(log);
    gv_log_close(cut);
}

static void all_missing_columns_are_named(void **state)
{
    const char *const bare[] = {"impression time=1 bid_id=a slot_height=2", NULL};
    gv_log *log = test_log_make(*state, "bare.gvlog", bare);
    const rate_config config = {4};
    gv_predictor *predictor = NULL;
    assert_int_equal(fit(log, log, 100, 1, &config, &predictor), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "bare.gvlog"));
    assert_non_null(strstr(gv_status_detail(), "advertiser, exchange, slot_width."));
    assert_int_equal(
        gv_predictor_create(gv_predictor_find("logged"), NULL, log, NULL, NULL, &predictor),
        GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "pctr"));
    assert_null(predictor);
    gv_log_close(log);
}

static void a_span_with_nothing_to_learn_is_refused(void **state)
{
    const char *const clicked[] = {
        "impression time=1 bid_id=a advertiser=x exchange=1 slot_width=3 slot_height=4",
        "click time=2 bid_id=a",
        NULL,
    };
    gv_log *log = test_log_make(*state, "clicked.gvlog", clicked);
    const rate_config config = {4};
    gv_predictor *predictor = NULL;
    assert_int_equal(fit(log, log, 2, 1, &config, &predictor), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "no click in the span"));
    assert_int_equal(fit(log, log, 100, 1, &config, &predictor), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "no impression without a click"));
    assert_null(predictor);
    gv_log_close(log);
}

/* What `gavel train ftrl` would write. */
static void train_file(const gv_predictor_training *training, const char *path)
{
    const gv_model_type *type = gv_model_find("ftrl");
    void *config = gv_mem_alloc(0, 1, type->info.config_size);
    gv_fit_result result;
    gv_fit_config work = {.type = type,
                          .config = config,
                          .training = *training,
                          .bits = 10,
                          .seed = 1,
                          .jobs = 1,
                          .epochs = 3,
                          .path = path,
                          .version = "test"};
    assert_non_null(config);
    gv_param_defaults(type->info.params, config);
    assert_int_equal(gv_fields_usual(training->log, &work.fields), GV_OK);
    assert_int_equal(gv_fit(&work, &result), GV_OK);
    gv_mem_free(config);
}

/* Each type, fitted where it wants it: probabilities, the same however they are asked for. */
static void every_predictor_gives_probabilities_row_by_row(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const gv_predictor_training training = {
        .log = log, .start_us = 0, .end_us = 100, .impression_weight = 10};
    const uint64_t order[] = {7, 0, 3, 3, 1, 6, 2, 5, 4};
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "ctr.safetensors", path);
    train_file(&training, path);
    for (const gv_predictor_type *const *type = gv_predictor_types; *type != NULL; type++) {
        union {
            double aligned;
            const char *weights; /* of `model`, its only parameter */
            unsigned char bytes[256];
        } config = {.bytes = {0}};
        assert_true((*type)->info.config_size <= sizeof config);
        if ((*type)->info.params != NULL) {
            gv_param_defaults((*type)->info.params, &config);
        }
        if (strcmp((*type)->info.name, "model") == 0) {
            config.weights = path;
            assert_string_equal(gv_predictor_model_path(*type, &config), path);
        }
        assert_ptr_equal(gv_predictor_find((*type)->info.name), *type);
        gv_predictor *predictor = NULL;
        assert_int_equal(gv_predictor_create(*type, &config, log, &training, NULL, &predictor),
                         GV_OK);
        double together[9];
        assert_int_equal(gv_predictor_predict(predictor, order, 9, together), GV_OK);
        for (size_t i = 0; i < 9; i++) {
            assert_true(0 <= together[i] && together[i] <= 1);
            assert_true(near(together[i], rate_at(predictor, order[i])));
        }
        assert_int_equal(gv_predictor_predict(predictor, order, 0, together), GV_OK);
        gv_predictor_destroy(predictor);
    }
    assert_null(gv_predictor_find("oracle"));
    gv_log_close(log);
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    gv_log *past = test_log_make(*state, "a.gvlog", rows);
    gv_log *next = test_log_make(*state, "b.gvlog", rows);
    const rate_config config = {4};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_predictor *predictor = NULL;
        gv_mem_fail_after(n);
        status = fit(next, past, 100, 10, &config, &predictor);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 30);
        gv_predictor_destroy(predictor);
    }
    gv_log_close(past);
    gv_log_close(next);
}

static bool stop_at_once(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)context;
    (void)what;
    assert_true(done <= total);
    return false;
}

static void a_fit_stops_when_told(void **state)
{
    gv_log *log = test_log_make(*state, "a.gvlog", rows);
    const rate_config config = {4};
    const gv_progress progress = {stop_at_once, NULL};
    const gv_predictor_training training = {
        .log = log, .start_us = 0, .end_us = 100, .impression_weight = 10};
    gv_predictor *predictor = NULL;
    assert_int_equal(
        gv_predictor_create(historical(), &config, log, &training, &progress, &predictor),
        GV_ESTOPPED);
    assert_null(predictor);
    gv_log_close(log);
}

/* The log of season 2, ingested into the test's folder; NULL with a sentence when absent. */
static gv_log *season_two(const test_folder *folder)
{
    const char *data = getenv("GAVEL_DATA");
    static char paths[PATHS_MAX][512];
    const char *inputs[PATHS_MAX];
    for (size_t day = 0; day < 7; day++) {
        const char *base = data == NULL ? "../shared/data" : data;
        (void)snprintf(paths[day], sizeof paths[day], "%s/ipinyou-season2/imp.201306%02zu.txt.gz",
                       base, day + 6);
        (void)snprintf(paths[7 + day], sizeof paths[day],
                       "%s/ipinyou-season2/clk.201306%02zu.txt.gz", base, day + 6);
    }
    for (size_t i = 0; i < PATHS_MAX; i++) {
        inputs[i] = paths[i];
        if (access(paths[i], R_OK) != 0) {
            printf("no %s: set GAVEL_DATA to test on real data\n", paths[i]);
            return NULL;
        }
    }
    char output[TEST_PATH_SIZE];
    test_folder_path(folder, "june.gvlog", output);
    const gv_ingest_config config = {.type = gv_reader_find("ipinyou"),
                                     .paths = inputs,
                                     .path_count = PATHS_MAX,
                                     .output_path = output,
                                     .jobs = 1,
                                     .rejects_max = 0.01};
    gv_ingest_report report;
    gv_log *log = NULL;
    assert_int_equal(gv_ingest(&config, NULL, &report), GV_OK);
    assert_int_equal(gv_log_open(output, &log), GV_OK);
    return log;
}

static int compare_texts(const void *one, const void *other)
{
    const gv_span *a = one;
    const gv_span *b = other;
    const int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

/* Distinct clicked bids with a click in [start, end), by sorting their names. */
static double clicked_bids(const gv_log *log, int64_t start_us, int64_t end_us)
{
    const uint64_t orphans = gv_log_rows(log, GV_LOG_ORPHAN_CLICK);
    const gv_log_column *time = gv_log_find(log, GV_LOG_ORPHAN_CLICK, "time");
    const gv_log_column *bid_id = gv_log_find(log, GV_LOG_ORPHAN_CLICK, "bid_id");
    assert_int_equal(gv_log_check(time, 0, orphans), GV_OK);
    assert_int_equal(gv_log_check(bid_id, 0, orphans), GV_OK);
    gv_span *names = gv_mem_alloc(0, orphans, sizeof *names);
    assert_non_null(names);
    size_t count = 0;
    for (uint64_t row = 0; row < orphans; row++) {
        const int64_t at = gv_log_integers(time)[row];
        if (start_us <= at && at < end_us) {
            names[count].bytes = gv_log_text(bid_id, row, &names[count].size);
            count++;
        }
    }
    qsort(names, count, sizeof *names, compare_texts);
    double distinct = 0;
    for (size_t i = 0; i < count; i++) {
        distinct += i == 0 || compare_texts(&names[i - 1], &names[i]) != 0 ? 1 : 0;
    }
    gv_mem_free(names);
    return distinct;
}

/*
 * Fitted on 6 to 10 June, asked about 11 and 12 June: what is expected of the sampled impressions,
 * each standing for 1 / 0.00343, against the bids that were clicked. Days differ; 15 % is what
 * the test allows.
 */
static void season_two_is_calibrated_on_days_it_has_not_seen(void **state)
{
    gv_log *log = season_two(*state);
    if (log == NULL) {
        skip();
    }
    int64_t split_us = 0;
    int64_t end_us = 0;
    assert_int_equal(gv_time_parse("2013-06-11", 8 * HOUR, &split_us), GV_OK);
    assert_int_equal(gv_time_parse("2013-06-13", 8 * HOUR, &end_us), GV_OK);
    const rate_config config = {10};
    const double weight = 1 / 0.00343;
    gv_predictor *predictor = fitted(log, log, split_us, weight, &config);
    uint64_t first = 0;
    uint64_t last = 0;
    assert_int_equal(gv_log_lower_bound(log, GV_LOG_IMPRESSION, split_us, &first), GV_OK);
    assert_int_equal(gv_log_lower_bound(log, GV_LOG_IMPRESSION, end_us, &last), GV_OK);
    double expected = 0;
    for (uint64_t row = first; row < last; row++) {
        expected += weight * rate_at(predictor, row);
    }
    const double found = clicked_bids(log, split_us, end_us);
    printf("11 and 12 June: %.0f clicks expected, %.0f bids clicked (orphans), ratio %.3f\n",
           expected, found, expected / found);
    assert_true(fabs(expected / found - 1) < 0.15);
    gv_predictor_destroy(predictor);
    gv_log_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_rate_worked_by_hand),
        test_in_folder(without_strength_rates_are_raw),
        test_in_folder(hours_are_those_of_the_logs_zone),
        test_in_folder(known_rates_come_back_from_a_sample),
        test_in_folder(another_log_is_read_by_its_texts),
        test_in_folder(what_lies_outside_the_span_changes_nothing),
        test_in_folder(all_missing_columns_are_named),
        test_in_folder(a_span_with_nothing_to_learn_is_refused),
        test_in_folder(every_predictor_gives_probabilities_row_by_row),
        test_in_folder(failing_memory_is_reported_and_leaks_nothing),
        test_in_folder(a_fit_stops_when_told),
        test_in_folder(season_two_is_calibrated_on_days_it_has_not_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
