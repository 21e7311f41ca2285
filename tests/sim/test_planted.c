/*
 * Planted impressions: outcomes follow the truth that is told, a past acts only by advertiser and
 * exchange together, and the log holds the same rows.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/log/generate.h"
#include "sim/log/log.h"
#include "sim/log/planted.h"
#include "test_folder.h"

enum { ROWS = 30000, PAST = 12 };

static const gv_planted_config config = {.count = ROWS,
                                         .users = ROWS / 60 + 1,
                                         .seed = 3,
                                         .past_length = PAST,
                                         .start_us = GV_US_PER_DAY,
                                         .span_us = 7 * GV_US_PER_DAY};

static gv_planted *planted_of(void)
{
    gv_planted *planted = NULL;
    assert_int_equal(gv_planted_create(&config, &planted), GV_OK);
    return planted;
}

/* (observed - expected) / deviation of a sum of independent outcomes. */
typedef struct tally {
    double observed, expected, variance;
} tally;

static void count(tally *t, bool is_one, double p)
{
    t->observed += is_one ? 1 : 0;
    t->expected += p;
    t->variance += p * (1 - p);
}

static double score(const tally *t)
{
    return (t->observed - t->expected) / sqrt(t->variance);
}

static void outcomes_follow_the_truth(void **state)
{
    (void)state;
    gv_planted *planted = planted_of();
    gv_planted_row row;
    tally clicks = {0, 0, 0};
    tally conversions = {0, 0, 0};
    tally likely = {0, 0, 0};
    while (gv_planted_next(planted, &row)) {
        count(&clicks, row.is_clicked, row.pctr);
        if (row.pctr > 0.4) {
            count(&likely, row.is_clicked, row.pctr);
        }
        if (row.is_clicked) {
            count(&conversions, row.is_converted, row.pcvr);
        }
        assert_true(row.is_clicked || !row.is_converted);
    }
    assert_true(likely.observed > 1000);
    assert_true(fabs(score(&clicks)) < 4);
    assert_true(fabs(score(&likely)) < 4);
    assert_true(fabs(score(&conversions)) < 4);
    gv_planted_destroy(planted);
}

/* Sums for a correlation. */
typedef struct moments {
    double n, x, y, xx, yy, xy;
} moments;

static void add(moments *m, double x, double y)
{
    m->n += 1;
    m->x += x;
    m->y += y;
    m->xx += x * x;
    m->yy += y * y;
    m->xy += x * y;
}

static double correlation(const moments *m)
{
    const double xy = m->xy - m->x * m->y / m->n;
    return xy / sqrt((m->xx - m->x * m->x / m->n) * (m->yy - m->y * m->y / m->n));
}

static void a_past_acts_by_advertiser_and_exchange_together(void **state)
{
    (void)state;
    gv_planted *planted = planted_of();
    gv_planted_row row;
    moments together = {0};
    moments exchanges = {0};
    while (gv_planted_next(planted, &row)) {
        double matched = 0;
        double any = 0;
        for (size_t i = 0; i < row.past_count; i++) {
            const double sign = row.past[i].exchange % 2 == 0 ? 1 : -1;
            const double age = (double)(row.time_us - row.past[i].time_us) / (double)GV_US_PER_DAY;
            assert_true(age >= 0);
            matched += row.past[i].advertiser == row.advertiser ? sign * exp(-age) : 0;
            any += row.past[i].advertiser != row.advertiser ? sign * exp(-age) : 0;
        }
        const double logit = log(row.pctr / (1 - row.pctr));
        add(&together, tanh(matched), logit);
        add(&exchanges, tanh(any), logit);
    }
    assert_true(correlation(&together) > 0.5);
    assert_true(fabs(correlation(&exchanges)) < 0.05);
    gv_planted_destroy(planted);
}

static void a_past_is_the_users_latest_rows(void **state)
{
    (void)state;
    gv_planted *planted = planted_of();
    gv_planted_row row;
    static gv_planted_event seen[ROWS];
    size_t count_seen = 0;
    while (gv_planted_next(planted, &row)) {
        if (row.user != 5) {
            continue;
        }
        const size_t told = count_seen < PAST ? count_seen : PAST;
        assert_int_equal(row.past_count, told);
        for (size_t i = 0; i < told; i++) {
            const gv_planted_event *event = &seen[count_seen - told + i];
            assert_int_equal(row.past[i].time_us, event->time_us);
            assert_int_equal(row.past[i].advertiser, event->advertiser);
            assert_int_equal(row.past[i].exchange, event->exchange);
        }
        seen[count_seen++] = (gv_planted_event){row.advertiser, row.exchange, row.time_us};
    }
    assert_true(count_seen > PAST);
    gv_planted_destroy(planted);
}

static void the_log_holds_the_same_rows(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "planted.gvlog", path);
    const gv_generate_config how = {.kind = GV_GENERATE_PLANTED,
                                    .path = path,
                                    .auction_count = ROWS,
                                    .seed = config.seed,
                                    .start_us = config.start_us,
                                    .days = 7};
    gv_builder_counts counts;
    gv_log *log = NULL;
    assert_int_equal(gv_generate(&how, NULL, &counts), GV_OK);
    assert_int_equal(gv_log_open(path, &log), GV_OK);
    assert_int_equal(gv_log_rows(log, GV_LOG_IMPRESSION), ROWS);
    assert_int_equal(gv_log_rows(log, GV_LOG_ORPHAN_CLICK), 0);
    const double *pctr = gv_log_reals(gv_log_find(log, GV_LOG_IMPRESSION, "pctr"));
    const int64_t *time = gv_log_integers(gv_log_find(log, GV_LOG_IMPRESSION, "time"));
    const int64_t *clicks = gv_log_integers(gv_log_find(log, GV_LOG_IMPRESSION, "clicks"));
    const int64_t *sales = gv_log_integers(gv_log_find(log, GV_LOG_IMPRESSION, "conversions"));
    gv_planted *planted = planted_of();
    gv_planted_row row;
    for (size_t i = 0; gv_planted_next(planted, &row); i++) {
        assert_int_equal(time[i], row.time_us);
        assert_true(pctr[i] == row.pctr);
        assert_int_equal(clicks[i], row.is_clicked);
        assert_int_equal(sales[i], row.is_converted);
    }
    gv_planted_destroy(planted);
    gv_log_close(log);
}

static void failed_allocations_are_survived(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "failed.gvlog", path);
    const gv_generate_config how = {
        .kind = GV_GENERATE_PLANTED, .path = path, .auction_count = 50, .seed = 1, .days = 1};
    bool is_done = false;
    int fails = 0;
    for (; !is_done && fails < 1000; fails++) {
        gv_builder_counts counts;
        gv_mem_fail_after(fails);
        const gv_status status = gv_generate(&how, NULL, &counts);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        is_done = status == GV_OK;
    }
    assert_true(is_done);
    assert_true(fails > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_follow_the_truth),
        cmocka_unit_test(a_past_acts_by_advertiser_and_exchange_together),
        cmocka_unit_test(a_past_is_the_users_latest_rows),
        cmocka_unit_test(the_log_holds_the_same_rows),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
