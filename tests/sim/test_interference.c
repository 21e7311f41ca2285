/*
 * Whether rounds hang on one another: against figures by hand and a slow jackknife, on logs whose
 * budget runs out and on logs where nothing hangs on anything.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/estimate/interference.h"

enum { ACTIONS = 3, DAY = 60, DAYS = 40, COUNT = DAY * DAYS };

static const double costs[ACTIONS] = {0.5, 1, 2};

typedef struct spent_log {
    uint32_t actions[COUNT];
    uint32_t clusters[COUNT];
    double spends[COUNT];
    double weights[COUNT];
    gv_rounds rounds;
} spent_log;

/* Bids that win by chance until the day's budget is spent; the judged policy leans on the dear. */
static spent_log *draw_log(uint64_t seed, double budget, const double *judged)
{
    spent_log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    double left = budget;
    for (size_t i = 0; i < COUNT; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const size_t a = (size_t)gv_random_below(&random, 0, ACTIONS);
        left = i % DAY == 0 ? budget : left;
        const bool wins = gv_random_bernoulli(&random, 1, 0.4) && left >= costs[a];
        log->spends[i] = wins ? costs[a] : 0;
        left -= log->spends[i];
        log->actions[i] = (uint32_t)a;
        log->weights[i] = judged[a] * ACTIONS;
        log->clusters[i] = (uint32_t)(i / DAY);
    }
    log->rounds = (gv_rounds){.count = COUNT,
                              .action_count = ACTIONS,
                              .actions = log->actions,
                              .spends = log->spends,
                              .clusters = log->clusters,
                              .cluster_count = DAYS};
    return log;
}

static const double uniform[ACTIONS] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
static const double dear[ACTIONS] = {0.1, 0.2, 0.7};

static gv_interference look(const spent_log *log)
{
    gv_interference found;
    assert_int_equal(gv_interference_of(&log->rounds, log->weights, 0.95, &found), GV_OK);
    return found;
}

static void assert_near(double value, double expected, double most)
{
    if (!(fabs(value - expected) <= most)) {
        fail_msg("%.12g is not within %g of %.12g", value, most, expected);
    }
}

static void figures_are_those_by_hand(void **state)
{
    (void)state;
    /* Two days of four rounds, one action: halves 3 and 1, then 2 and 2: 3 / 5 - 1. */
    const uint32_t actions[8] = {0};
    const uint32_t clusters[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    const double spends[8] = {1, 2, 1, 0, 1, 1, 0, 2};
    const double weights[8] = {2, 0, 0, 2, 1, 1, 1, 1};
    const gv_rounds rounds = {.count = 8,
                              .action_count = 1,
                              .actions = actions,
                              .spends = spends,
                              .clusters = clusters,
                              .cluster_count = 2};
    gv_interference found;
    assert_int_equal(gv_interference_of(&rounds, weights, 0.95, &found), GV_OK);
    assert_true(found.is_checked);
    assert_near(found.fade.estimate, -0.4, 1e-12);
    /* Student's t of one degree of freedom is 12.706; of the mean half: -0.5 +- t / 2. */
    const double low = -0.5 - 12.706204736 / 2;
    assert_near(found.fade.low, low / (1 - low / 2), 1e-6);
    assert_true(isinf(found.fade.high)); /* the first half may be 0 */
    /* Weighted: (2 + 4) / 8 over 8 / 8. */
    assert_near(found.shift.estimate, -0.25, 1e-12);
}

static double jackknifed_error(const spent_log *log)
{
    double values[DAYS];
    double mean = 0;
    double squares = 0;
    for (size_t left_out = 0; left_out < DAYS; left_out++) {
        double weight = 0;
        double weighted = 0;
        double spend = 0;
        for (size_t i = 0; i < COUNT; i++) {
            const double kept = log->clusters[i] == left_out ? 0 : 1;
            weight += kept * log->weights[i];
            weighted += kept * log->weights[i] * log->spends[i];
            spend += kept * log->spends[i];
        }
        values[left_out] = weighted / weight / (spend / (COUNT - DAY));
        mean += values[left_out] / DAYS;
    }
    for (size_t d = 0; d < DAYS; d++) {
        squares += (values[d] - mean) * (values[d] - mean);
    }
    return sqrt(squares * (DAYS - 1) / DAYS);
}

static void the_shifts_error_is_the_jackknifes(void **state)
{
    (void)state;
    spent_log *log = draw_log(1, INFINITY, dear);
    const gv_interference found = look(log);
    const double t = 2.022690920; /* 97.5 %, 39 degrees of freedom */
    const double error = (found.shift.high - found.shift.low) / 2 / t;
    assert_near(error / jackknifed_error(log), 1, 0.02);
    /* Uniform costs 3.5 / 3 a win, the dear policy 1.65. */
    const double truth = 1.65 / (3.5 / 3) - 1;
    assert_true(fabs(found.shift.estimate - truth) < 4 * error);
    free(log);
}

static void a_budget_that_runs_out_is_seen(void **state)
{
    (void)state;
    char text[GV_INTERFERENCE_TEXT_SIZE];
    spent_log *log = draw_log(2, 0.6 * DAY * 0.4 * 3.5 / 3, uniform);
    const gv_interference found = look(log);
    assert_true(found.fade.high < -0.3);
    assert_non_null(gv_interference_fade_warning(&found, text, sizeof text));
    assert_non_null(strstr(text, "budget"));
    free(log);
}

static void nothing_is_seen_where_nothing_is(void **state)
{
    (void)state;
    enum { LOGS = 400 };
    char text[GV_INTERFERENCE_TEXT_SIZE];
    int warned = 0;
    int outside = 0;
    for (uint64_t seed = 0; seed < LOGS; seed++) {
        spent_log *log = draw_log(100 + seed, INFINITY, uniform);
        const gv_interference found = look(log);
        outside += found.fade.low > 0 || found.fade.high < 0 ? 1 : 0;
        warned += gv_interference_fade_warning(&found, text, sizeof text) != NULL ? 1 : 0;
        /* The judged policy is the logging one: weights of 1 shift nothing. */
        assert_near(found.shift.estimate, 0, 1e-12);
        free(log);
    }
    /* 5 % of 400, four standard deviations; one side alone and 10 % are asked of a warning. */
    assert_in_range(outside, 3, 37);
    assert_true(warned <= 22);
}

static void a_policy_that_spends_more_is_seen(void **state)
{
    (void)state;
    char text[GV_INTERFERENCE_TEXT_SIZE];
    spent_log *log = draw_log(3, INFINITY, dear);
    gv_interference found = look(log);
    assert_non_null(gv_interference_shift_warning(&found, text, sizeof text));
    assert_non_null(strstr(text, "rivals"));
    found.shift.low = -0.05;
    found.shift.high = 0.09;
    assert_null(gv_interference_shift_warning(&found, text, sizeof text));
    free(log);
}

static void a_log_without_spend_is_not_checked(void **state)
{
    (void)state;
    char text[GV_INTERFERENCE_TEXT_SIZE];
    spent_log *log = draw_log(4, INFINITY, dear);
    log->rounds.spends = NULL;
    const gv_interference found = look(log);
    assert_false(found.is_checked);
    assert_null(gv_interference_fade_warning(&found, text, sizeof text));
    assert_null(gv_interference_shift_warning(&found, text, sizeof text));
    free(log);
}

static void rounds_alone_have_no_halves(void **state)
{
    (void)state;
    spent_log *log = draw_log(5, INFINITY, dear);
    log->rounds.clusters = NULL;
    log->rounds.cluster_count = COUNT;
    const gv_interference found = look(log);
    assert_int_equal(found.fade.state, GV_INTERVAL_TOO_FEW);
    assert_int_equal(found.shift.state, GV_INTERVAL_GIVEN);
    free(log);
}

static void a_log_that_spent_nothing_says_nothing(void **state)
{
    (void)state;
    char text[GV_INTERFERENCE_TEXT_SIZE];
    spent_log *log = draw_log(6, 0, dear);
    const gv_interference found = look(log);
    assert_null(gv_interference_fade_warning(&found, text, sizeof text));
    assert_null(gv_interference_shift_warning(&found, text, sizeof text));
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_by_hand),
        cmocka_unit_test(the_shifts_error_is_the_jackknifes),
        cmocka_unit_test(a_budget_that_runs_out_is_seen),
        cmocka_unit_test(nothing_is_seen_where_nothing_is),
        cmocka_unit_test(a_policy_that_spends_more_is_seen),
        cmocka_unit_test(a_log_without_spend_is_not_checked),
        cmocka_unit_test(rounds_alone_have_no_halves),
        cmocka_unit_test(a_log_that_spent_nothing_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
