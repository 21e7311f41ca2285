/* Plans of A/B tests: by hand, and whether the promised power is what simulated tests have. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/estimate/experiment.h"

/* Units of sums 3, 0, 1 and rounds 2, 1, 1: mean 1, d = 1, -1, 0, V = 3/2 x 2 / 16. */
static void a_design_by_hand(void **state)
{
    (void)state;
    const double rewards[] = {2, 1, 0, 1};
    const uint32_t units[] = {0, 0, 1, 2};
    const uint8_t early[] = {1, 0, 1, 0};
    const gv_unit_log log = {4, rewards, units, early, 3};
    gv_design design;
    assert_int_equal(gv_design_measure(&log, 2, &design), GV_OK);
    assert_true(design.mean == 1);
    assert_true(fabs(design.variance - 3.0 / 16) < 1e-15);
    assert_true(design.correlation == 0); /* nothing late differs from the mean */
    const gv_test_plan plan = {.share = 0.5, .level = 0.95, .power = 0.8, .kept = 1};
    assert_true(fabs(gv_design_error(&design, &plan, 8) - sqrt(3.0 / 16 * 0.25 * 4)) < 1e-15);
    assert_true(isinf(gv_design_effect(&design, &plan, 2)));
}

/* With very many units t is normal: 1.959964 + 0.841621. */
static void effect_power_and_days_belong_together(void **state)
{
    (void)state;
    const gv_design design = {
        .unit_count = 1000000, .mean = 1, .variance = 1e-4, .correlation = 0.6, .days = 7};
    gv_test_plan plan = {.share = 0.3, .level = 0.95, .power = 0.8, .kept = 1};
    const double error = gv_design_error(&design, &plan, 14);
    const double effect = gv_design_effect(&design, &plan, 14);
    assert_true(fabs(effect / error - 2.801585) < 1e-4);
    assert_true(fabs(gv_design_power(&design, &plan, 14, effect) - 0.8) < 1e-4);
    assert_true(fabs(gv_design_power(&design, &plan, 14, 0) - 0.05) < 1e-6);
    assert_true(fabs(gv_design_days(&design, &plan, effect) - 14) < 0.01);
    assert_true(isinf(gv_design_days(&design, &plan, 1e-9)));
    plan.kept = 1 - design.correlation * design.correlation;
    assert_true(fabs(gv_design_days(&design, &plan, effect) - 14 * 0.64) < 0.01);
}

/* --- simulated tests ----------------------------------------------------------------------- */

enum { UNITS = 400, ROUNDS = 10, HALF = ROUNDS / 2, TESTS = 2500 };

#define EFFECT_SPREAD 0.15

/* A unit's own level, which lasts from before the test into it. */
static double level_of(uint64_t test, uint64_t unit)
{
    const gv_random random = gv_random_key(test, GV_STREAM_TEST, unit);
    return 1 + EFFECT_SPREAD * gv_random_normal(&random, 0);
}

/* Reward of a round: the unit's level, and noise. */
static double reward_of(uint64_t test, uint64_t unit, uint64_t round)
{
    const gv_random random = gv_random_key(test, GV_STREAM_TEST, unit);
    return level_of(test, unit) + 0.4 * gv_random_normal(&random, 1 + round);
}

static gv_design measure(void)
{
    enum { MANY = 4000 };
    static double rewards[MANY * ROUNDS];
    static uint32_t units[MANY * ROUNDS];
    static uint8_t early[MANY * ROUNDS];
    for (size_t i = 0; i < (size_t)MANY * ROUNDS; i++) {
        units[i] = (uint32_t)(i / ROUNDS);
        early[i] = i % ROUNDS < ROUNDS / 2 ? 1 : 0;
        rewards[i] = reward_of(1000000, units[i], i % ROUNDS);
    }
    const gv_unit_log log = {(size_t)MANY * ROUNDS, rewards, units, early, MANY};
    gv_design design;
    assert_int_equal(gv_design_measure(&log, 10, &design), GV_OK);
    return design;
}

/* Share of tests that call the effect; before: the rounds ahead of the test are known, too. */
static double simulate(double effect, bool has_before)
{
    static double sums[UNITS];
    static double rounds[UNITS];
    static double before[UNITS];
    static uint8_t is_new[UNITS];
    size_t called = 0;
    for (uint64_t test = 0; test < TESTS; test++) {
        for (uint64_t u = 0; u < UNITS; u++) {
            sums[u] = 0;
            before[u] = 0;
            rounds[u] = HALF;
            is_new[u] = u % 2 == 0 ? 1 : 0;
            for (uint64_t k = 0; k < ROUNDS / 2; k++) {
                before[u] += reward_of(test, u, k);
                sums[u] += reward_of(test, u, ROUNDS / 2 + k) + (is_new[u] ? effect : 0);
            }
        }
        const gv_finished_test finished = {UNITS, sums, rounds, has_before ? before : NULL, is_new};
        const gv_interval difference = gv_test_difference(&finished, 0.95);
        called += difference.low > 0 || difference.high < 0 ? 1 : 0;
    }
    return (double)called / TESTS;
}

/* 80 % +- 4 standard errors of 2,500 tests, that is 3.2 %; and 5 % where there is no effect. */
static void the_promised_power_is_had(void **state)
{
    (void)state;
    const gv_design design = measure();
    gv_test_plan plan = {.share = 0.5, .level = 0.95, .power = 0.8, .kept = 1};
    /* The log's 4,000 units are its 10 days; a test of 400 is 1 of them. Units of half as many
       rounds: more noise a round, which the plan must not know: it is measured on halves. */
    const double whole = EFFECT_SPREAD * EFFECT_SPREAD + 0.16 / ROUNDS;
    const double half = EFFECT_SPREAD * EFFECT_SPREAD + 0.16 / (ROUNDS / 2.0);
    assert_true(fabs(design.variance * 4000 / whole - 1) < 0.08);
    gv_design halves = design;
    halves.variance *= half / whole;
    const double effect = gv_design_effect(&halves, &plan, 1);
    const double power = simulate(effect, false);
    const double none = simulate(0, false);
    plan.kept = 1 - design.correlation * design.correlation;
    const double adjusted_effect = gv_design_effect(&halves, &plan, 1);
    const double adjusted_power = simulate(adjusted_effect, true);
    print_message("effect %.4f: power %.3f, none %.3f; CUPED, rho %.3f: effect %.4f, power %.3f\n",
                  effect, power, none, design.correlation, adjusted_effect, adjusted_power);
    assert_true(fabs(power - 0.8) < 0.04);
    assert_true(fabs(adjusted_power - 0.8) < 0.04);
    assert_true(fabs(none - 0.05) < 4 * sqrt(0.05 * 0.95 / TESTS));
    assert_true(adjusted_effect < 0.95 * effect);
    const double rho = EFFECT_SPREAD * EFFECT_SPREAD / half;
    assert_true(fabs(design.correlation - rho) < 0.05);
}

/* Arms of means 3 and 1, whose two units are 1 off: error^2 = 2 x 2 / 4 + the same, t is 4.303. */
static void a_difference_by_hand(void **state)
{
    (void)state;
    const double sums[] = {4, 2, 0, 2};
    const double rounds[] = {1, 1, 1, 1};
    const uint8_t is_new[] = {1, 1, 0, 0};
    const gv_finished_test test = {4, sums, rounds, NULL, is_new};
    const gv_interval difference = gv_test_difference(&test, 0.95);
    assert_true(difference.estimate == 2);
    assert_true(fabs(difference.high - 2 - 4.302653 * sqrt(2)) < 1e-5);
    const gv_finished_test adjusted = {4, sums, rounds, sums, is_new}; /* all is explained */
    assert_true(fabs(gv_test_difference(&adjusted, 0.95).estimate) < 1e-15);
    const gv_finished_test lone = {3, sums, rounds, NULL, is_new};
    assert_int_equal(gv_test_difference(&lone, 0.95).state, GV_INTERVAL_TOO_FEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_design_by_hand),
        cmocka_unit_test(effect_power_and_days_belong_together),
        cmocka_unit_test(the_promised_power_is_had),
        cmocka_unit_test(a_difference_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
