/* The oracle as a solver that many episodes share, and the tutor that asks it. */
#include "known_period.h"
#include "policies/oracle.h"
#include "policies/tutor.h"

static gv_oracle_config solver_of(const known *period)
{
    return (gv_oracle_config){
        .future = &period->base,
        .rules = {.pays_harm = period->pays_harm, .price_step_nanos = period->price_step_nanos},
        .objective = period->is_value ? GV_ORACLE_VALUE : GV_ORACLE_SCORE,
        .most_cpas = period->most_cpas,
        .cpa_most_nanos = (double)period->campaign.cpa_nanos,
        .budget_most_nanos = period->campaign.budget_nanos,
        .bid_cap_nanos = period->campaign.bid_cap_nanos};
}

static gv_oracle *created(const gv_oracle_config *config)
{
    gv_oracle *oracle = NULL;
    assert_int_equal(gv_oracle_create(config, &oracle), GV_OK);
    return oracle;
}

static gv_observation seen_at(const known *period, const standing *at, int64_t budget)
{
    return (gv_observation){.tick = at->tick,
                            .time_us = (int64_t)at->tick,
                            .tick_count = period->base.tick_count,
                            .episode_end_us = (int64_t)period->base.tick_count,
                            .budget_nanos = budget,
                            .budget_left_nanos = budget - at->spent,
                            .episode = {.spend_nanos = at->spent, .conversions = at->conversions}};
}

/* Spends and conversions that have little to do with the answers. */
static standing draw_standing(test_random *random, size_t tick, int64_t budget)
{
    const int64_t part = budget / 4;
    return (standing){.tick = tick,
                      .spent = part == 0 ? 0 : test_random_below(random, part) * (int64_t)tick / 4,
                      .conversions = (uint64_t)test_random_below(random, 3)};
}

/* An episode at this aim, of the shared oracle and of one that was made for it alone. */
static void assert_same_answers(gv_oracle *shared, const gv_oracle_config *config,
                                const known *period, test_random *random)
{
    gv_oracle *alone = created(config);
    assert_int_equal(gv_oracle_aim(shared, config->cpa_most_nanos, config->budget_most_nanos),
                     GV_OK);
    for (size_t tick = 0; tick < period->base.tick_count; tick++) {
        const standing at = draw_standing(random, tick, config->budget_most_nanos);
        const gv_observation seen = seen_at(period, &at, config->budget_most_nanos);
        const double one = gv_oracle_solve(shared, &seen);
        const double other = gv_oracle_solve(alone, &seen);
        assert_memory_equal(&one, &other, sizeof one);
    }
    gv_oracle_destroy(alone);
}

/* Budgets down to less than a single offer, CPAs down to a twentieth, back and forth. */
static void one_oracle_serves_every_budget_and_cpa(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static known period;
    for (int c = 0; c < 60; c++) {
        known_draw(&period, &random, 1 + (size_t)test_random_below(&random, OPPORTUNITIES_MAX),
                   1 + (size_t)test_random_below(&random, SLOTS_MAX),
                   1 + (size_t)test_random_below(&random, TICKS_MAX));
        period.is_value = c % 2 == 1;
        period.pays_harm = c % 3 == 1;
        period.most_cpas = c % 4 == 0 ? 1e6 : 2;
        period.price_step_nanos = c % 5 == 4 ? 10000000 : 1;
        const gv_oracle_config most = solver_of(&period);
        gv_oracle *shared = created(&most);
        for (int episode = 0; episode < 8; episode++) {
            gv_oracle_config own = most;
            own.cpa_most_nanos *= uniform(&random, 0.05, 1);
            own.budget_most_nanos = (int64_t)((double)own.budget_most_nanos *
                                              exp(uniform(&random, episode % 3 == 0 ? -7 : -1, 0)));
            assert_same_answers(shared, &own, &period, &random);
        }
        assert_same_answers(shared, &most, &period, &random);
        gv_oracle_destroy(shared);
    }
}

static void what_it_cannot_foresee_is_refused(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static known period;
    gv_oracle *oracle = NULL;
    known_draw(&period, &random, 10, 2, 2);
    gv_oracle_config config = solver_of(&period);
    config.rules.pays_own_bid = true;
    assert_int_equal(gv_oracle_create(&config, &oracle), GV_EINVAL);
    config = solver_of(&period);
    config.future = NULL;
    assert_int_equal(gv_oracle_create(&config, &oracle), GV_EINVAL);
    period.exposure[0] = 0.1;
    config = solver_of(&period);
    assert_int_equal(gv_oracle_create(&config, &oracle), GV_EINVAL);
    assert_null(oracle);
}

/* ---- the tutor ------------------------------------------------------------------------------- */

/* 100 a conversion, whatever happens. */
static gv_policy *steady(const known *period, policy_config *config)
{
    static const char *const text[] = {"cpa=100", NULL};
    *config = made_config(&gv_policy_mcpa, text);
    const gv_policy_setup setup = {
        .config = config, .campaign = &period->campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(&gv_policy_mcpa, &setup, &policy), GV_OK);
    return policy;
}

static void answers_are_the_oracles_and_bids_the_pupils(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static known period;
    policy_config config;
    double labels[TICKS_MAX];
    gv_policy *policy = NULL;
    known_draw(&period, &random, OPPORTUNITIES_MAX, 3, TICKS_MAX);
    const gv_oracle_config solver = solver_of(&period);
    gv_oracle *shared = created(&solver);
    gv_oracle *alone = created(&solver);
    gv_policy *pupil = steady(&period, &config);
    gv_tutor tutor = {.pupil = pupil, .oracle = shared, .labels = labels};
    assert_int_equal(gv_tutor_create(&tutor, &period.campaign, &policy), GV_OK);
    assert_int_equal(gv_policy_type_of(policy)->reads, gv_policy_mcpa.reads);
    for (size_t tick = 0; tick < TICKS_MAX; tick++) {
        const standing at = draw_standing(&random, tick, period.campaign.budget_nanos);
        const gv_observation seen = seen_at(&period, &at, period.campaign.budget_nanos);
        plan(policy, &period, &at);
        assert_true(labels[tick] == gv_oracle_solve(alone, &seen));
        assert_int_equal(bid_on(policy, 0.25), bid_on(pupil, 0.25));
        assert_int_equal(bid_on(policy, 0.25), 25 * GV_NANOS_PER_UNIT);
    }
    gv_policy_destroy(policy);
    gv_policy_destroy(pupil);
    gv_oracle_destroy(shared);
    gv_oracle_destroy(alone);
}

/* Without a pupil it bids the oracle's answer, times the noise of the tick. */
static void alone_it_bids_as_the_oracle_times_noise(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static known period;
    double labels[TICKS_MAX];
    const double noise[TICKS_MAX] = {1, 2, 0.5, 1, 1, 4, 1, 0.25};
    known_draw(&period, &random, OPPORTUNITIES_MAX, 3, TICKS_MAX);
    for (int is_noisy = 0; is_noisy < 2; is_noisy++) {
        const gv_oracle_config solver = solver_of(&period);
        gv_oracle *shared = created(&solver);
        gv_policy *own = oracle_of(&period);
        gv_policy *policy = NULL;
        gv_tutor tutor = {
            .oracle = shared, .labels = labels, .noise = is_noisy == 1 ? noise : NULL};
        assert_int_equal(gv_tutor_create(&tutor, &period.campaign, &policy), GV_OK);
        for (size_t tick = 0; tick < TICKS_MAX; tick++) {
            const standing at = draw_standing(&random, tick, period.campaign.budget_nanos);
            plan(policy, &period, &at);
            plan(own, &period, &at);
            const double factor = is_noisy == 1 ? noise[tick] : 1;
            assert_int_equal(bid_on(policy, 0.25 / factor), bid_on(own, 0.25));
            assert_true((double)bid_on(own, 0.25) <= labels[tick] / 4);
            assert_true((double)bid_on(own, 0.25) + 1 > labels[tick] / 4);
        }
        gv_policy_destroy(policy);
        gv_policy_destroy(own);
        gv_oracle_destroy(shared);
    }
}

static void failed_allocations_are_survived(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static known period;
    gv_status status = GV_ENOMEM;
    double labels[TICKS_MAX];
    known_draw(&period, &random, 50, 2, 4);
    const gv_oracle_config config = solver_of(&period);
    for (int n = 0; status != GV_OK; n++) {
        gv_oracle *oracle = NULL;
        gv_policy *policy = NULL;
        gv_mem_fail_after(n);
        status = gv_oracle_create(&config, &oracle);
        gv_tutor tutor = {.oracle = oracle, .labels = labels};
        status = status == GV_OK ? gv_oracle_aim(oracle, config.cpa_most_nanos, 1) : status;
        status = status == GV_OK ? gv_tutor_create(&tutor, &period.campaign, &policy) : status;
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 40);
        gv_policy_destroy(policy);
        gv_oracle_destroy(oracle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_oracle_serves_every_budget_and_cpa),
        cmocka_unit_test(what_it_cannot_foresee_is_refused),
        cmocka_unit_test(answers_are_the_oracles_and_bids_the_pupils),
        cmocka_unit_test(alone_it_bids_as_the_oracle_times_noise),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
