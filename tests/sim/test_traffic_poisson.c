/* Poisson arrivals: against their construction, against theory, and along curves of many kinds. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/number.h"
#include "sim/base/random.h"
#include "sim/log/sheet.h"
#include "traffic_fixture.h"

enum { ARRIVALS_MAX = 300000, HOURS_OF_WEEK = 168 };

/* 1970-01-05 00:00, a Monday. */
#define MONDAY_US (4 * GV_US_PER_DAY)

/* Beyond this an event has a chance of 6 in 100,000, as four standard errors of a normal have. */
#define TAIL 6.3e-5

static int64_t arrivals[ARRIVALS_MAX];

static traffic_stage stage;

static int stage_fresh(void **state)
{
    (void)state;
    traffic_stage_init(&stage, &gv_traffic_poisson);
    return 0;
}

/* All times of a period. */
static size_t load_times(const gv_traffic *traffic)
{
    const size_t ticks = stage.setup.tick_count;
    assert_true(gv_traffic_before(traffic, ticks) <= ARRIVALS_MAX);
    for (size_t tick = 0; tick < ticks; tick++) {
        const uint64_t first = gv_traffic_before(traffic, tick);
        gv_traffic_times(traffic, tick, first, (size_t)gv_traffic_count(traffic, tick),
                         arrivals + first);
    }
    return (size_t)gv_traffic_before(traffic, ticks);
}

/*
 * By hand: 48 ticks of mean 100 are 96 cells of mean 50. The k-th arrival of cell n lies where the
 * sum of its first k gaps is of those 50, and n = 0, 1, ... follow each other in 15 minutes each.
 */
static void cells_are_processes_of_their_own(void **state)
{
    (void)state;
    traffic_stage_set(&stage, "rate", "4800");
    stage.setup.period = 3;
    gv_traffic *traffic = traffic_stage_open(&stage);
    const size_t count = load_times(traffic);
    const int64_t cell_us = 15 * GV_US_PER_MINUTE;
    size_t at = 0;
    for (uint64_t n = 0; n < 96; n++) {
        const gv_random key = gv_random_key(21, GV_STREAM_ARRIVAL, UINT64_C(3) << 40 | n);
        double sum = gv_random_exponential(&key, 0);
        for (uint64_t k = 1; sum < 50.0; k++) {
            assert_true(at < count);
            const int64_t into_us = (int64_t)(sum * ((double)cell_us / 50.0));
            assert_int_equal(arrivals[at++], (int64_t)n * cell_us + into_us);
            sum += gv_random_exponential(&key, k);
        }
    }
    assert_int_equal(at, count);
    gv_traffic_destroy(traffic);
}

/* Sum of (x - mean)^2 / mean over independent Poisson counts: about its number, give or take. */
static void check_dispersion(double statistic, size_t count)
{
    assert_true(gsl_cdf_chisq_P(statistic, (double)count) > TAIL / 2);
    assert_true(gsl_cdf_chisq_Q(statistic, (double)count) > TAIL / 2);
}

/* Ticks of 100, which are two cells, and of 10,000, which are more than a hundred. */
static void counts_have_the_mean_and_the_variance_of_a_poisson_law(void **state)
{
    (void)state;
    static const char *const rates[] = {"4800", "480000"};
    for (size_t r = 0; r < 2; r++) {
        const double mean = r == 0 ? 100.0 : 10000.0;
        const size_t periods = r == 0 ? 200 : 10;
        double total = 0.0;
        double statistic = 0.0;
        traffic_stage_set(&stage, "rate", rates[r]);
        for (stage.setup.period = 0; stage.setup.period < periods; stage.setup.period++) {
            gv_traffic *traffic = traffic_stage_open(&stage);
            for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
                const double count = (double)gv_traffic_count(traffic, tick);
                total += count;
                statistic += (count - mean) * (count - mean) / mean;
            }
            gv_traffic_destroy(traffic);
        }
        const size_t cells = periods * TRAFFIC_TICKS;
        const double expected = mean * (double)cells;
        assert_true(fabs(total - expected) < 4.0 * sqrt(expected));
        check_dispersion(statistic, cells);
    }
}

/* Ticks of mean 1 are empty, hold one, two, ... in the proportions e^-1 / k!. */
static void small_counts_have_the_probabilities_of_a_poisson_law(void **state)
{
    (void)state;
    enum { PERIODS = 300, CLASSES = 6 };
    double seen[CLASSES] = {0};
    traffic_stage_set(&stage, "rate", "48");
    for (stage.setup.period = 0; stage.setup.period < PERIODS; stage.setup.period++) {
        gv_traffic *traffic = traffic_stage_open(&stage);
        for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
            const uint64_t count = gv_traffic_count(traffic, tick);
            seen[count < CLASSES ? count : CLASSES - 1] += 1.0;
        }
        gv_traffic_destroy(traffic);
    }
    double statistic = 0.0;
    for (unsigned k = 0; k < CLASSES; k++) {
        const double chance =
            k < CLASSES - 1 ? gsl_ran_poisson_pdf(k, 1.0) : gsl_cdf_poisson_Q(CLASSES - 2, 1.0);
        const double expected = chance * PERIODS * TRAFFIC_TICKS;
        statistic += (seen[k] - expected) * (seen[k] - expected) / expected;
    }
    assert_true(gsl_cdf_chisq_Q(statistic, CLASSES - 1) > TAIL);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/*
 * Over cells and ticks alike, gaps are exponential (Kolmogorov and Smirnov's greatest distance D:
 * D sqrt(n) > 2.3 has a chance of 5 in 100,000) and know nothing of the one before.
 */
static void gaps_are_exponential_and_independent(void **state)
{
    (void)state;
    static double gaps[ARRIVALS_MAX];
    traffic_stage_set(&stage, "rate", "250000");
    gv_traffic *traffic = traffic_stage_open(&stage);
    const size_t count = load_times(traffic) - 1;
    const double mean_us = (double)GV_US_PER_DAY / 250000.0;
    double product = 0.0;
    for (size_t i = 0; i < count; i++) {
        gaps[i] = (double)(arrivals[i + 1] - arrivals[i]) / mean_us;
        product += i == 0 ? 0.0 : (gaps[i] - 1.0) * (gaps[i - 1] - 1.0);
    }
    const double n = (double)count;
    assert_true(fabs(product) < 4.0 * sqrt(n));
    qsort(gaps, count, sizeof *gaps, by_size);
    double distance = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double law = -expm1(-gaps[i]);
        distance = fmax(distance, fmax(law - (double)i / n, (double)(i + 1) / n - law));
    }
    assert_true(distance * sqrt(n) < 2.3);
    gv_traffic_destroy(traffic);
}

/*
 * Counts of hours against what each expects of `total`, over all hours with any share; one that
 * expects none has none.
 */
static void check_shares(const double *counts, const double *shares, size_t count, double total)
{
    double statistic = 0.0;
    size_t busy = 0;
    for (size_t i = 0; i < count; i++) {
        const double expected = shares[i] * total;
        assert_true(expected > 0.0 || counts[i] == 0.0);
        if (expected > 0.0) {
            statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
            busy++;
        }
    }
    check_dispersion(statistic, busy);
}

/* The half-hours of AuctionNet's day; 38.1, 3.0 and 23.0 per mille of 1000.2, the table's sum. */
static void the_built_in_day_has_its_shape(void **state)
{
    (void)state;
    traffic_stage_set(&stage, "rate", "200000");
    traffic_stage_set(&stage, "curve", "auctionnet");
    /* Half past midnight where local time is 90 minutes ahead is 23:00 UTC. */
    stage.setup.zone_us = 90 * GV_US_PER_MINUTE;
    stage.setup.start_us = -60 * GV_US_PER_MINUTE;
    gv_traffic *traffic = traffic_stage_open(&stage);
    const double all = 1000.2 / 200000.0;
    const double evening = 38.1 / all;
    const double night = 3.0 / all;
    const double midnight = 23.0 / all;
    assert_true(fabs((double)gv_traffic_count(traffic, 17) - evening) < 4.0 * sqrt(evening));
    assert_true(fabs((double)gv_traffic_count(traffic, 6) - night) < 4.0 * sqrt(night));
    assert_true(fabs((double)gv_traffic_count(traffic, 47) - midnight) < 4.0 * sqrt(midnight));
    gv_traffic_destroy(traffic);
}

/* A CSV of one day in which hour h of two regions has share h and 0, quoted, out of order. */
static void write_day(const test_folder *folder, char path[TEST_PATH_SIZE])
{
    char text[4096] = "where,share,hour\n";
    for (int hour = 23; hour >= 0; hour--) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "\"north, east\",%d,%d\r\nsouth,%s,%d\n\n",
                       hour, hour, hour == 5 ? "1" : "0", hour);
    }
    traffic_write(folder, "day.csv", text, path);
}

/* Ticks of 90 minutes straddle hours; those of one region and of all regions. */
static void a_curve_from_a_file_rules_within_ticks_too(void **state)
{
    char path[TEST_PATH_SIZE];
    write_day(*state, path);
    traffic_stage_init(&stage, &gv_traffic_poisson);
    traffic_stage_set(&stage, "rate", "200000");
    traffic_stage_set(&stage, "curve", path);
    traffic_stage_set(&stage, "curve_column", "where");
    stage.setup.tick_us = 90 * GV_US_PER_MINUTE;
    stage.setup.tick_count = 16;
    for (int south = 0; south < 2; south++) {
        double counts[24] = {0};
        double shares[24];
        for (int hour = 0; hour < 24; hour++) {
            shares[hour] = south != 0 ? (hour + (hour == 5)) / 277.0 : hour / 276.0;
        }
        traffic_stage_set(&stage, "curve_region", south != 0 ? "auto" : "north, east");
        gv_traffic *traffic = traffic_stage_open(&stage);
        const size_t count = load_times(traffic);
        for (size_t i = 0; i < count; i++) {
            counts[arrivals[i] / GV_US_PER_HOUR] += 1.0;
        }
        check_shares(counts, shares, 24, 200000.0);
        gv_traffic_destroy(traffic);
    }
    traffic_stage_set(&stage, "curve_region", "south");
    gv_traffic *traffic = traffic_stage_open(&stage);
    assert_int_equal(gv_traffic_count(traffic, 2), 0);
    assert_int_equal(gv_traffic_count(traffic, 3), gv_traffic_before(traffic, 16));
    gv_traffic_destroy(traffic);
    /* A period from noon to midnight has none of hour 5. */
    stage.setup.start_us = 12 * GV_US_PER_HOUR;
    stage.setup.tick_count = 8;
    traffic_stage_refused(&stage, GV_EINVAL, "no traffic in the hours of this period");
}

/* The rows of a region, in the order of the file: by day from Monday and hour. */
static void load_region(const char *path, const char *region, double shares[HOURS_OF_WEEK])
{
    gv_sheet *sheet = NULL;
    size_t hour = 0;
    assert_int_equal(gv_sheet_read(path, &sheet), GV_OK);
    for (size_t row = 0; row < gv_sheet_row_count(sheet); row++) {
        const gv_span name = gv_sheet_cell(sheet, row, 0);
        if (name.size == strlen(region) && memcmp(name.bytes, region, name.size) == 0) {
            assert_true(hour < HOURS_OF_WEEK);
            const gv_span share = gv_sheet_cell(sheet, row, 3);
            assert_null(gv_number_real(share.bytes, share.size, &shares[hour++]));
        }
    }
    assert_int_equal(hour, HOURS_OF_WEEK);
    gv_sheet_destroy(sheet);
}

/* BAT's real curves, with the zone of their region: each hour of the week has its share. */
static void a_region_has_its_week(void **state)
{
    (void)state;
    const char *folder = getenv("GAVEL_DATA");
    char path[TEST_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/bat-traffic/traffic_share.csv.gz",
                   folder == NULL ? "../shared/data" : folder);
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    double counts[HOURS_OF_WEEK] = {0};
    double shares[HOURS_OF_WEEK] = {0};
    traffic_stage_set(&stage, "rate", "250000");
    traffic_stage_set(&stage, "curve", path);
    traffic_stage_set(&stage, "curve_region", "645530");
    stage.setup.zone_us = 3 * GV_US_PER_HOUR;
    stage.setup.start_us = MONDAY_US - stage.setup.zone_us + 2 * GV_US_PER_DAY;
    stage.setup.tick_us = 45 * GV_US_PER_MINUTE;
    stage.setup.tick_count = 224;
    gv_traffic *traffic = traffic_stage_open(&stage);
    const size_t count = load_times(traffic);
    for (size_t i = 0; i < count; i++) {
        const int64_t local_us = arrivals[i] + stage.setup.zone_us - MONDAY_US;
        counts[local_us / GV_US_PER_HOUR % HOURS_OF_WEEK] += 1.0;
    }
    load_region(path, "645530", shares);
    check_shares(counts, shares, HOURS_OF_WEEK, 250000.0);
    gv_traffic_destroy(traffic);
}

static void refuse_curve(const test_folder *folder, const char *text, const char *words)
{
    char path[TEST_PATH_SIZE];
    traffic_write(folder, "bad.csv", text, path);
    traffic_stage_set(&stage, "curve", path);
    traffic_stage_refused(&stage, GV_EPARSE, words);
}

static void bad_curves_are_refused_by_name_and_line(void **state)
{
    const test_folder *folder = *state;
    char path[TEST_PATH_SIZE];
    traffic_stage_init(&stage, &gv_traffic_poisson);
    refuse_curve(folder, "", "is empty");
    refuse_curve(folder, "day,share\n1,2\n", "no column `hour`");
    refuse_curve(folder, "hour,weight\n1,2\n", "no column `traffic_share` or `share`");
    refuse_curve(folder, "hour,share\n1,2\n24,2\n", "bad.csv:3: '24' is no whole number");
    refuse_curve(folder, "hour,share\n1.5,2\n", ":2: '1.5' is no whole number from 0 to 23");
    refuse_curve(folder, "hour,dow,share\n1,0,2\n", ":2: '0' is no whole number from 1 to 7");
    refuse_curve(folder, "hour,share\n1,-2\n", ":2: '-2' is no share");
    refuse_curve(folder, "hour,share\n1,nan\n", ":2: 'nan' is no share");
    refuse_curve(folder, "hour,share\n1,1e13\n", ":2: '1e13' is no share");
    refuse_curve(folder, "hour,share\n1,2\n2\n", ":3: 1 cells, expected 2");
    refuse_curve(folder, "hour,share\n1,2\n\"2,3\n", ":3: a quote");
    refuse_curve(folder, "hour,share\n1,2\n", "no row for hour 0 of day 1");
    traffic_stage_set(&stage, "curve_region", "5");
    refuse_curve(folder, "hour,share\n1,2\n", "no column `region_id`, which curve_column names");
    refuse_curve(folder, "region_id,hour,share\n4,1,2\n", "no row has the curve_region '5'");
    test_folder_path(folder, "absent.csv", path);
    traffic_stage_set(&stage, "curve", path);
    traffic_stage_refused(&stage, GV_EIO, "absent.csv");
    traffic_stage_set(&stage, "curve", folder->path);
    traffic_stage_refused(&stage, GV_EIO, "directory");
    char text[1024] = "hour,share\n";
    for (int hour = 0; hour < 24; hour++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%d,0\n", hour);
    }
    traffic_stage_set(&stage, "curve_region", "auto");
    refuse_curve(folder, text, "all shares are 0");
}

/* Cells are then longer, not more, and a piece in the middle comes at once. */
static void fifty_million_opportunities_are_no_burden(void **state)
{
    (void)state;
    static int64_t some[1000];
    stage.setup.tick_us = GV_US_PER_HOUR;
    stage.setup.tick_count = 24;
    traffic_stage_set(&stage, "rate", "50000000");
    gv_traffic *traffic = traffic_stage_open(&stage);
    const double count = (double)gv_traffic_before(traffic, 24);
    assert_true(fabs(count - 5e7) < 4.0 * sqrt(5e7));
    const uint64_t first = gv_traffic_before(traffic, 13) + 1000000;
    gv_traffic_times(traffic, 13, first, 1000, some);
    assert_true(some[0] > 13 * GV_US_PER_HOUR && some[999] < 14 * GV_US_PER_HOUR);
    gv_traffic_destroy(traffic);
}

static void impossible_rates_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "-5", "2e9", "nan", "many"};
    const gv_param *rate = gv_param_find(gv_traffic_poisson.info.params, "rate");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(gv_param_parse(rate, bad[i], 0, stage.config), GV_OK);
        assert_non_null(strstr(gv_status_detail(), "0.001 to 1000000000"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(cells_are_processes_of_their_own, stage_fresh),
        cmocka_unit_test_setup(counts_have_the_mean_and_the_variance_of_a_poisson_law, stage_fresh),
        cmocka_unit_test_setup(small_counts_have_the_probabilities_of_a_poisson_law, stage_fresh),
        cmocka_unit_test_setup(gaps_are_exponential_and_independent, stage_fresh),
        cmocka_unit_test_setup(the_built_in_day_has_its_shape, stage_fresh),
        test_in_folder(a_curve_from_a_file_rules_within_ticks_too),
        cmocka_unit_test_setup(a_region_has_its_week, stage_fresh),
        test_in_folder(bad_curves_are_refused_by_name_and_line),
        cmocka_unit_test_setup(fifty_million_opportunities_are_no_burden, stage_fresh),
        cmocka_unit_test_setup(impossible_rates_are_refused, stage_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
