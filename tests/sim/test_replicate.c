/* Means of repetitions: by hand, against the normal theory, and where they say nothing. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/estimate/replicate.h"
#include "test_random.h"

/* s = 1, s / sqrt(3) = 0.57735, t(2, 97.5 %) = 4.30265: 2 +- 2.48414. */
static void three_values_by_hand(void **state)
{
    (void)state;
    const double values[] = {1, 3, 2};
    const gv_replicated result = gv_replicated_of(values, 3, 0.95);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.mean.state, GV_INTERVAL_GIVEN);
    assert_true(result.mean.estimate == 2);
    assert_true(fabs(result.error - 0.577350269) < 1e-8);
    assert_true(fabs(result.mean.low - (2 - 2.484137712)) < 1e-6);
    assert_true(fabs(result.mean.high - (2 + 2.484137712)) < 1e-6);
}

static void what_cannot_say_how_sure_it_is_gives_no_interval(void **state)
{
    (void)state;
    const double equal[] = {5, 5, 5};
    const double holed[] = {5, (double)NAN, 6};
    gv_replicated result = gv_replicated_of(equal, 3, 0.95);
    assert_int_equal(result.mean.state, GV_INTERVAL_TOO_FEW);
    assert_true(result.mean.estimate == 5 && isnan(result.error) && isnan(result.mean.low));
    result = gv_replicated_of(equal, 1, 0.95);
    assert_int_equal(result.mean.state, GV_INTERVAL_TOO_FEW);
    result = gv_replicated_of(equal, 0, 0.95);
    assert_int_equal(result.mean.state, GV_INTERVAL_UNDEFINED);
    assert_true(isnan(result.mean.estimate));
    result = gv_replicated_of(holed, 3, 0.95);
    assert_int_equal(result.mean.state, GV_INTERVAL_UNDEFINED);
    assert_true(isnan(result.mean.estimate) && isnan(result.error));
}

/* In (0, 1]. */
static double draw_unit(test_random *random)
{
    return (double)(test_random_below(random, 1 << 30) + 1) / (1 << 30);
}

/* 90 % intervals of four normal values hold their mean in 90 % of cases, +- 4 standard errors. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state)
{
    (void)state;
    enum { CASES = 20000, VALUES = 4 };
    test_random random = test_random_seeded();
    size_t held = 0;
    for (size_t i = 0; i < CASES; i++) {
        double values[VALUES];
        for (size_t j = 0; j < VALUES; j++) {
            const double radius = sqrt(-2 * log(draw_unit(&random)));
            values[j] = 7 + 3 * radius * cos(2 * acos(-1.0) * draw_unit(&random));
        }
        const gv_replicated result = gv_replicated_of(values, VALUES, 0.9);
        held += result.mean.low <= 7 && result.mean.high >= 7 ? 1 : 0;
    }
    assert_true(fabs((double)held / CASES - 0.9) < 4 * sqrt(0.9 * 0.1 / CASES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_values_by_hand),
        cmocka_unit_test(what_cannot_say_how_sure_it_is_gives_no_interval),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
