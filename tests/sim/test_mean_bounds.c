/*
 * Bounds of means: by hand, and whether they hold as often as they promise; a confidence sequence
 * at all times at once, where an interval for one time that is looked at often does not.
 */
#include <math.h>
#include <stdbool.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/estimate/mean_bounds.h"

/* 2 +- sqrt(2 V log(80) / n) + 7 range log(80) / (3 (n - 1)) with V = 1, n = 101, range 8. */
static void bernstein_by_hand(void **state)
{
    (void)state;
    const gv_range range = {.low = 0, .high = 8};
    const gv_interval interval = gv_bernstein_interval(2, 1, 101, range, 0.95);
    const double half = sqrt(2 * log(80) / 101) + 7 * 8 * log(80) / 300;
    assert_int_equal(interval.state, GV_INTERVAL_GIVEN);
    assert_true(fabs(interval.low - (2 - half)) < 1e-12);
    assert_true(fabs(interval.high - (2 + half)) < 1e-12);
    assert_int_equal(gv_bernstein_interval(2, 0, 1, range, 0.95).state, GV_INTERVAL_TOO_FEW);
    assert_true(gv_bernstein_interval(2, 1, 5, range, 0.95).low == 0); /* never out of the range */
}

/* Student's t (9, 97.5 %) = 2.262157. */
static void student_by_hand(void **state)
{
    (void)state;
    const gv_interval interval = gv_student_interval(1, 2, 10, 0.95);
    assert_true(fabs(interval.high - (1 + 2.262157163 * 2 / sqrt(10))) < 1e-8);
    assert_int_equal(gv_student_interval(1, 0, 10, 0.95).state, GV_INTERVAL_TOO_FEW);
}

/* The first two bets are 1/2: variances before are 1/4 and less, and log 40 is large. */
static void a_sequence_of_two_by_hand(void **state)
{
    (void)state;
    gv_sequence sequence = gv_sequence_begin((gv_range){.low = -1, .high = 3}, 0.95);
    gv_sequence_add(&sequence, 3);
    gv_sequence_add(&sequence, -1);
    const gv_interval interval = gv_sequence_interval(&sequence);
    assert_true(interval.estimate == 1);
    assert_true(interval.low == -1 && interval.high == 3); /* of two values nothing is known */
    const double psi = (log(2) - 0.5) / 4;
    assert_true(fabs(sequence.bets - 1) < 1e-15);
    assert_true(fabs(sequence.bet_sum - 0.5) < 1e-15);
    assert_true(fabs(sequence.bet_price - 4 * (0.25 + 0.75 * 0.75) * psi) < 1e-15);
    assert_int_equal(gv_sequence_interval(&(gv_sequence){.range = {0, 1}, .level = 0.9}).state,
                     GV_INTERVAL_TOO_FEW);
}

enum { PATHS = 600, LENGTH = 1500, FIRST_LOOK = 20 };

#define TRUTH 0.1
#define LEVEL 0.9

static bool misses(const gv_interval *interval)
{
    return interval->state == GV_INTERVAL_GIVEN &&
           (interval->low > TRUTH || interval->high < TRUTH);
}

typedef struct missed {
    bool sequence;
    bool student;
    bool asymptotic;
    bool bernstein; /* at the end alone */
} missed;

/* Values are 0 or 1 with chance TRUTH; each is followed by a look. */
static missed walk(uint64_t path)
{
    const gv_range unit = {.low = 0, .high = 1};
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, path);
    gv_sequence sequence = gv_sequence_begin(unit, LEVEL);
    missed any = {false, false, false, false};
    double sum = 0;
    for (size_t t = 1; t <= LENGTH; t++) {
        const double x = gv_random_bernoulli(&random, t, TRUTH) ? 1 : 0;
        sum += x;
        gv_sequence_add(&sequence, x);
        const double n = (double)t;
        const double mean = sum / n;
        const double deviation = sqrt(mean * (1 - mean) * n / fmax(n - 1, 1));
        const gv_interval now = gv_sequence_interval(&sequence);
        any.sequence = any.sequence || misses(&now);
        if (t < (size_t)FIRST_LOOK * 5) {
            continue;
        }
        const gv_interval student = gv_student_interval(mean, deviation, t, LEVEL);
        const gv_interval limit = gv_asymptotic_interval(mean, deviation, t, 300, LEVEL);
        const gv_interval bernstein = gv_bernstein_interval(mean, deviation, t, unit, LEVEL);
        any.student = any.student || misses(&student);
        any.asymptotic = any.asymptotic || misses(&limit);
        any.bernstein = misses(&bernstein);
    }
    return any;
}

/*
 * A path misses if any of its looks does. 10 % may, and 4 standard errors of 600 paths are 4.9 %
 * more; the control, Student's interval watched in the same way, misses far more often.
 */
static void sequences_hold_at_all_times(void **state)
{
    (void)state;
    size_t sequence = 0;
    size_t student = 0;
    size_t asymptotic = 0;
    size_t bernstein = 0;
    for (uint64_t path = 0; path < PATHS; path++) {
        const missed any = walk(path);
        sequence += any.sequence ? 1 : 0;
        student += any.student ? 1 : 0;
        asymptotic += any.asymptotic ? 1 : 0;
        bernstein += any.bernstein ? 1 : 0;
    }
    const double most = (1 - LEVEL) + 4 * sqrt((1 - LEVEL) * LEVEL / PATHS);
    print_message("missed: sequence %zu, asymptotic %zu, student %zu, bernstein %zu of %d\n",
                  sequence, asymptotic, student, bernstein, PATHS);
    assert_true((double)sequence / PATHS < most);
    assert_true((double)asymptotic / PATHS < most);
    assert_true((double)bernstein / PATHS < most);
    assert_true((double)student / PATHS > 2 * most);
}

/* It is of use: after 1500 values the sequence is not far wider than an interval for one time. */
static void sequences_narrow(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(2, GV_STREAM_TEST, 0);
    gv_sequence sequence = gv_sequence_begin((gv_range){.low = 0, .high = 1}, 0.95);
    double last = 1;
    for (size_t t = 1; t <= 20000; t++) {
        gv_sequence_add(&sequence, gv_random_bernoulli(&random, t, TRUTH) ? 1 : 0);
        if (t == 200 || t == 2000 || t == 20000) {
            const gv_interval now = gv_sequence_interval(&sequence);
            assert_true(now.high - now.low < 0.6 * last);
            last = now.high - now.low;
        }
    }
    const double student = 2 * 1.96 * sqrt(TRUTH * (1 - TRUTH) / 20000);
    assert_true(last < 2.5 * student);
    assert_true(last > student);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bernstein_by_hand),         cmocka_unit_test(student_by_hand),
        cmocka_unit_test(a_sequence_of_two_by_hand), cmocka_unit_test(sequences_hold_at_all_times),
        cmocka_unit_test(sequences_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
