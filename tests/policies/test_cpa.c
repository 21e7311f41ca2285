/* The policies of a market with conversions: worked by hand, and against their constraints. */
#include "policies/types_impl.h"
#include "policy_fixture.h"

enum { ROWS = 60000 };

static gv_policy *make(const gv_policy_type *type, const policy_config *config,
                       const gv_campaign *campaign)
{
    const gv_policy_setup setup = {
        .config = config, .campaign = campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    return policy;
}

static int64_t bid_on(gv_policy *policy, uint64_t id, double value)
{
    const gv_batch batch = {.count = 1, .first_id = id, .pcvr = &value, .auctions_left = 1};
    int64_t bid = 0;
    gv_policy_bid(policy, &batch, &bid);
    return bid;
}

/*
 * Budget 100, ten ticks, multiplier 15 at first. After tick 0: spent 1, so 9 of 99 left: raise.
 * After tick 1: spent 20, so 160 of 79: lower. After tick 2: 11 x 7 = 77 of 68, lower; then
 * 10 x 6 = 60 of 58, between 0.7 and 1.1: as it is.
 */
static void auctionnets_pid_moves_in_steps(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "c", .budget_nanos = 100, .end_us = 10};
    const policy_config config = made_config(&gv_policy_auctionnet_pid, NULL);
    gv_policy *policy = make(&gv_policy_auctionnet_pid, &config, &campaign);
    const int64_t spends[] = {0, 1, 20, 11, 10};
    const double multipliers[] = {15, 18, 12.6, 8.82, 8.82};
    int64_t left = 100;
    for (uint64_t tick = 0; tick < 5; tick++) {
        left -= spends[tick];
        const gv_observation seen = {.tick = tick,
                                     .tick_count = 10,
                                     .episode_end_us = 10,
                                     .budget_nanos = 100,
                                     .budget_left_nanos = left,
                                     .last = {.spend_nanos = spends[tick]}};
        gv_policy_tick(&policy, &seen, 1);
        assert_true(fabs((double)bid_on(policy, tick, 0.01) - multipliers[tick] * 1e7) < 2);
    }
    gv_policy_destroy(policy);
}

/* CPA 80 and a mean of 0.0005: a value of 0.001 is worth 80 x 1e-6 / 5e-4 = 0.16. */
static void abid_bids_with_the_square_of_the_value(void **state)
{
    (void)state;
    const gv_campaign campaign = {
        .name = "c", .budget_nanos = 1, .end_us = 1, .cpa_nanos = 80 * GV_NANOS_PER_UNIT};
    const policy_config config = made_config(&gv_policy_abid, NULL);
    gv_policy *policy = make(&gv_policy_abid, &config, &campaign);
    assert_int_equal(bid_on(policy, 0, 0.001), 0); /* nothing was announced */
    const gv_observation seen = {.tick_count = 1,
                                 .episode_end_us = 1,
                                 .market = {.is_market = true, .announced_value = 0.0005}};
    gv_policy_tick(&policy, &seen, 1);
    assert_true(fabs((double)bid_on(policy, 1, 0.001) - 0.16e9) < 2);
    assert_true(fabs((double)bid_on(policy, 2, 0.0005) - 0.04e9) < 2);
    assert_int_equal(bid_on(policy, 3, 0), 0);
    gv_policy_destroy(policy);
}

static void without_a_cpa_they_say_so(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "bare", .budget_nanos = 1, .end_us = 1};
    const gv_policy_type *const types[] = {&gv_policy_abid, &gv_policy_dual_pacing,
                                           &gv_policy_min_pacing};
    for (size_t i = 0; i < 3; i++) {
        const policy_config unset = made_config(types[i], NULL);
        const policy_config zero = made_config(types[i], (const char *const[]){"cpa=0", NULL});
        const policy_config *const configs[] = {&unset, &zero};
        const char *const sentences[] = {"campaign bare has none", "cpa is 0"};
        for (size_t c = 0; c < 2; c++) {
            const gv_policy_setup setup = {
                .config = configs[c], .campaign = &campaign, .rules = {.price_step_nanos = 1}};
            gv_policy *policy = NULL;
            assert_int_equal(gv_policy_create(types[i], &setup, &policy), GV_EINVAL);
            assert_non_null(strstr(gv_status_detail(), sentences[c]));
        }
    }
}

/* Value of a mean opportunity 10, rho 0.1 of it: one win at 8 of a value of 20, then a loss. */
static void a_worked_step_of_both_multipliers(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "c", .budget_nanos = 10 * GV_NANOS_PER_UNIT, .end_us = 1};
    const char *const text[] = {"cpa=100",      "mean_value=0.1", "auctions=10", "lambda_start=2",
                                "mu_start=0.5", "alpha=0.5",      "eta=0.25",    NULL};
    const policy_config config = made_config(&gv_policy_dual_pacing, text);
    gv_policy *dual = make(&gv_policy_dual_pacing, &config, &campaign);
    gv_policy *least = make(&gv_policy_min_pacing, &config, &campaign);
    double lambda = 2;
    double mu = 0.5;
    for (uint64_t i = 0; i < 3; i++) {
        const double value = i == 0 ? 20 : 5;
        const double both = (1 + lambda) / (mu + lambda) * value;
        const double lower = fmin((1 + lambda) / lambda, 1 / mu) * value;
        assert_true(fabs((double)bid_on(dual, i, value / 100) - both * 1e9) < 10);
        assert_true(fabs((double)bid_on(least, i, value / 100) - lower * 1e9) < 10);
        const bool won = i == 0;
        const gv_outcome outcome = {.kind = GV_OUTCOME_AUCTION,
                                    .opportunity = i,
                                    .won = won,
                                    .bid_nanos = won ? 8 * GV_NANOS_PER_UNIT : 0,
                                    .price_nanos = won ? 8 * GV_NANOS_PER_UNIT : 0};
        gv_policy_observe(dual, &outcome, 1);
        gv_policy_observe(least, &outcome, 1);
        lambda *= exp(-0.5 * (won ? 2 - 0.8 : 0));
        mu *= exp(-0.25 * (0.1 - (won ? 0.8 : 0)));
    }
    gv_policy_destroy(dual);
    gv_policy_destroy(least);
}

/*
 * One tick of ten of budget 100 spent 4, at a CPA of 1: ideal 10, so e1 = 0.6; 8 conversions at 0.5
 * each, so e2 = 0.5. u = 0.5 e each (kp 0.3, ki 0.2).
 */
static void a_worked_tick_of_two_coupled_controllers(void **state)
{
    (void)state;
    const int64_t unit = GV_NANOS_PER_UNIT;
    const gv_campaign campaign = {
        .name = "c", .budget_nanos = 100 * unit, .end_us = 10, .cpa_nanos = unit};
    const policy_config config =
        made_config(&gv_policy_m_pid, (const char *const[]){"clip=5", NULL});
    gv_policy *policy = make(&gv_policy_m_pid, &config, &campaign);
    const gv_observation seen = {.tick = 1,
                                 .tick_count = 10,
                                 .episode_end_us = 10,
                                 .budget_nanos = 100 * unit,
                                 .budget_left_nanos = 96 * unit,
                                 .episode = {.spend_nanos = 4 * unit, .conversions = 8},
                                 .last = {.spend_nanos = 4 * unit}};
    gv_policy_tick(&policy, &seen, 1);
    const double p = exp(-(0.22 * 0.3 + 0.78 * 0.25));
    const double q = exp(-(0.63 * 0.3 + 0.37 * 0.25));
    assert_true(fabs((double)bid_on(policy, 0, 1) - 1e9 * (1 + q) / (p + q)) < 2);
    gv_policy_destroy(policy);
}

/* A tick of `tick_count`: `spent` of a budget of 100 so far, `last` of it in the last tick. */
static void spend_tick(gv_policy *policy, uint64_t tick, uint64_t tick_count, double spent,
                       double last)
{
    const gv_observation seen = {
        .tick = tick,
        .tick_count = tick_count,
        .episode_end_us = 100,
        .budget_nanos = 100 * GV_NANOS_PER_UNIT,
        .budget_left_nanos = (int64_t)((100 - spent) * 1e9),
        .episode = {.spend_nanos = (int64_t)(spent * 1e9)},
        .last = {.spend_nanos = (int64_t)(last * 1e9)},
    };
    gv_policy_tick(&policy, &seen, 1);
}

static gv_policy *mystique_of(const char *const *text)
{
    const gv_campaign campaign = {.name = "c",
                                  .budget_nanos = 100 * GV_NANOS_PER_UNIT,
                                  .end_us = 100,
                                  .cpa_nanos = 2 * GV_NANOS_PER_UNIT};
    const policy_config config = made_config(&gv_policy_mystique, text);
    return make(&gv_policy_mystique, &config, &campaign);
}

/* At a CPA of 2 and most_cpas 1.5, a bid for a certain conversion is three times the signal. */
static double signal_of(gv_policy *policy)
{
    return (double)bid_on(policy, 0, 1) / 3e9;
}

/*
 * Ten ticks, signal 0.5 at first. 20 of 100 spent in the first: e = 0.1, g = 2 - 1, both above, so
 * w = 1/2: position 0.1 x 0.4, slope 0.1 / 1.5. Then 2 more: e = 0.02, g = 0.2 - 1, met after
 * 0.25 ticks, so w = 0.05: position 0.1 x 0.08 down, slope 0.1 x 0.8 / 1.5 up. Then 8 more: on the
 * curve at its slope, but for the least correction of a slope, of sign 0.
 */
static void mystique_follows_the_curve_of_spend(void **state)
{
    (void)state;
    gv_policy *policy = mystique_of(NULL);
    spend_tick(policy, 0, 10, 0, 0);
    assert_true(fabs(signal_of(policy) - 0.5) < 1e-8);
    spend_tick(policy, 1, 10, 20, 20);
    const double first = 0.5 - 0.5 * 0.04 - 0.5 * 0.1 / 1.5;
    assert_true(fabs(signal_of(policy) - first) < 1e-8);
    spend_tick(policy, 2, 10, 22, 2);
    const double second = first - 0.05 * 0.008 + 0.95 * 0.08 / 1.5;
    assert_true(fabs(signal_of(policy) - second) < 1e-8);
    spend_tick(policy, 3, 10, 30, 10);
    assert_true(fabs(signal_of(policy) - second) < 1e-6);
    spend_tick(policy, 4, 10, 100, 70);
    assert_true(fabs(signal_of(policy) - second) < 1e-6); /* it rests: all is spent */
    gv_policy_destroy(policy);
}

/* Half the budget in the first of 48 ticks: a slope of 24. Then it goes on below where it was. */
static void mystique_stops_a_runaway_for_a_tick(void **state)
{
    (void)state;
    gv_policy *policy = mystique_of(NULL);
    spend_tick(policy, 0, 48, 0, 0);
    spend_tick(policy, 1, 48, 50, 50);
    assert_true(signal_of(policy) == 0);
    spend_tick(policy, 2, 48, 50, 0);
    assert_true(signal_of(policy) > 0.3);
    assert_true(signal_of(policy) < 0.5);
    gv_policy_destroy(policy);
}

/* The published law: how a day's 24 signals bend the target of the next from a straight line. */
static void bend(const double signals[24], double slopes[24])
{
    double mean = 0;
    double bent[24];
    double sum = 0;
    for (size_t i = 0; i < 24; i++) {
        mean += signals[i] / 24;
    }
    for (size_t i = 0; i < 24; i++) {
        const double factor = signals[i] < 0.0002 ? 1 : fmin(mean / signals[i], 2);
        bent[i] = fmin(fmax(factor, 0.1), 12);
    }
    for (size_t i = 0; i < 24; i++) {
        slopes[i] = 0.25 * bent[(i + 23) % 24] + 0.5 * bent[i] + 0.25 * bent[(i + 1) % 24];
        sum += slopes[i] / 24;
    }
    for (size_t i = 0; i < 24; i++) {
        slopes[i] /= sum;
    }
}

/*
 * A day of early spend, whose signal falls from 0.5 to nothing until noon. The next begins at its
 * mean and asks less of the hours in which the signal was high: who spends along the bent curve is
 * corrected by little more than the least correction of each tick, along a straight line by much.
 */
static void mystique_bends_its_target_after_a_day(void **state)
{
    (void)state;
    double signals[24];
    double slopes[24];
    for (int along = 0; along < 2; along++) {
        gv_policy *policy = mystique_of(NULL);
        double mean = 0;
        for (uint64_t tick = 0; tick < 24; tick++) {
            const double spent = tick <= 12 ? 6 * (double)tick : 72 + (double)(tick - 12);
            spend_tick(policy, tick, 24, spent, tick <= 12 ? 6 : 1);
            signals[tick] = signal_of(policy);
            mean += signals[tick] / 24;
        }
        bend(signals, slopes);
        spend_tick(policy, 0, 24, 0, 0);
        assert_true(fabs(signal_of(policy) - mean) < 1e-8);
        double spent = 0;
        for (uint64_t tick = 1; tick <= 12; tick++) {
            const double last = along == 1 ? slopes[tick - 1] * 100 / 24 : 100.0 / 24;
            spent += last;
            spend_tick(policy, tick, 24, spent, last);
        }
        const double moved = fabs(signal_of(policy) - mean);
        assert_true(along == 1 ? moved < 12 * 0.0011 : moved > 0.1);
        gv_policy_destroy(policy);
    }
}

/* Nothing spent by the last tick but one: the signal is at its highest. */
static void ta_pid_bids_at_most_some_cpas(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "c",
                                  .budget_nanos = 100 * GV_NANOS_PER_UNIT,
                                  .end_us = 100,
                                  .cpa_nanos = 2 * GV_NANOS_PER_UNIT};
    const policy_config config =
        made_config(&gv_policy_ta_pid, (const char *const[]){"most_cpas=1.5", NULL});
    gv_policy *policy = make(&gv_policy_ta_pid, &config, &campaign);
    for (uint64_t tick = 0; tick < 47; tick++) {
        spend_tick(policy, tick, 48, 0, 0);
    }
    assert_true(fabs((double)bid_on(policy, 0, 1) - 3e9) < 10);
    gv_policy_destroy(policy);
}

/* lambda 2 at first, so min-pacing bids 3/2 of the value; a win that nobody saw leaves it so. */
static void in_a_market_only_what_was_seen_is_gained(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "c", .budget_nanos = 10 * GV_NANOS_PER_UNIT, .end_us = 1};
    const char *const text[] = {"cpa=100",        "mean_value=0.1", "auctions=10", "eta=0",
                                "lambda_start=2", "mu_start=0.1",   "alpha=0.5",   NULL};
    const policy_config config = made_config(&gv_policy_min_pacing, text);
    int64_t after[2];
    for (int is_market = 0; is_market < 2; is_market++) {
        gv_policy *policy = make(&gv_policy_min_pacing, &config, &campaign);
        const gv_observation seen = {
            .tick_count = 1, .episode_end_us = 1, .market = {.is_market = is_market != 0}};
        gv_policy_tick(&policy, &seen, 1);
        const int64_t before = bid_on(policy, 0, 0.2);
        assert_true(fabs((double)before - 30e9) < 10);
        const gv_outcome unseen = {
            .kind = GV_OUTCOME_AUCTION, .won = true, .bid_nanos = before, .price_nanos = 0};
        gv_policy_observe(policy, &unseen, 1);
        after[is_market] = bid_on(policy, 1, 0.2);
        gv_policy_destroy(policy);
    }
    assert_true(fabs((double)after[1] - 30e9) < 10);
    assert_true(after[0] > after[1]); /* in a replay it was free, and is a gain */
}

/* One win, seen at once or known to be seen later: both multipliers end where they would. */
static void an_exposure_told_later_moves_both_multipliers_as_one_at_once(void **state)
{
    (void)state;
    const gv_campaign campaign = {.name = "c", .budget_nanos = 10 * GV_NANOS_PER_UNIT, .end_us = 1};
    const char *const text[] = {"cpa=100",      "mean_value=0.1", "auctions=10", "lambda_start=2",
                                "mu_start=0.1", "alpha=0.5",      "eta=0.3",     NULL};
    const gv_policy_type *const types[] = {&gv_policy_dual_pacing, &gv_policy_min_pacing};
    for (size_t t = 0; t < 2; t++) {
        const policy_config config = made_config(types[t], text);
        int64_t after[3]; /* told at once, told later, not seen */
        for (int how = 0; how < 3; how++) {
            gv_policy *policy = make(types[t], &config, &campaign);
            const gv_observation seen = {
                .tick_count = 1, .episode_end_us = 1, .market = {.is_market = true}};
            gv_policy_tick(&policy, &seen, 1);
            const int64_t price = 4 * GV_NANOS_PER_UNIT;
            gv_outcome told = {.kind = GV_OUTCOME_AUCTION,
                               .won = true,
                               .bid_nanos = bid_on(policy, 0, 0.2),
                               .price_nanos = how == 0 ? price : 0};
            gv_policy_observe(policy, &told, 1);
            told.kind = GV_OUTCOME_EXPOSURE;
            told.price_nanos = price;
            gv_policy_observe(policy, &told, how == 1 ? 1 : 0);
            after[how] = bid_on(policy, 1, 0.2);
            gv_policy_destroy(policy);
        }
        assert_true(fabs((double)(after[0] - after[1])) < 10);
        assert_true(fabs((double)(after[0] - after[2])) > 1e6);
    }
}

typedef struct outcome {
    double spend; /* of the budget */
    double paid;  /* spend over value won: above 1 the CPA is broken */
} outcome;

static outcome pace(const gv_policy_type *type, double budget_share, int64_t cpa_nanos)
{
    const log_recipe recipe = {
        .count = ROWS, .seed = 5, .start_us = 0, .price_cpm = 60, .pctr = 0.001};
    made_log *log = made_log_create(&recipe);
    gv_campaign campaign = made_campaign(log, budget_share);
    campaign.cpa_nanos = cpa_nanos;
    const char *const text[] = {"mean_value=0.001", "auctions=60000", NULL};
    const policy_config config = made_config(type, text);
    const gv_tally total = made_replay(type, &config, NULL, log, &campaign,
                                       made_mechanism(&gv_mechanism_second_price), NULL);
    const double value = (double)total.expected_nanoclicks / GV_NANO_EVENTS * (double)cpa_nanos;
    made_log_destroy(log);
    return (outcome){(double)total.spend_nanos / (double)campaign.budget_nanos,
                     (double)total.spend_nanos / value};
}

/*
 * Mean price 60 CPM, mean value 0.001. A CPA of 60,000 CPM and a twentieth of what all costs: the
 * budget binds and is spent, to 4 %, at a cost below the CPA. A CPA of 30,000 CPM and money
 * enough: the CPA binds and is met, to 4 %.
 */
static void both_constraints_are_kept_where_they_bind(void **state)
{
    (void)state;
    const gv_policy_type *const types[] = {&gv_policy_dual_pacing, &gv_policy_min_pacing};
    for (size_t i = 0; i < 2; i++) {
        const outcome budget = pace(types[i], 0.05, 60000 * GV_NANOS_PER_CPM);
        assert_true(budget.spend > 0.96);
        assert_true(budget.paid < 1);
        const outcome cost = pace(types[i], 1, 30000 * GV_NANOS_PER_CPM);
        assert_true(cost.spend < 0.9);
        assert_true(fabs(cost.paid - 1) < 0.04);
    }
}

/*
 * CPA x pCVR alone would spend one budget eight times too fast and the other half too slowly. With
 * TA-PID each tick of the second half spends an even part of it, to 25 %.
 */
static void ta_pid_spends_evenly_to_the_end(void **state)
{
    (void)state;
    const log_recipe recipe = {
        .count = ROWS, .seed = 5, .start_us = 0, .price_cpm = 60, .pctr = 0.001};
    made_log *log = made_log_create(&recipe);
    const double shares[] = {0.03, 0.4};
    for (size_t i = 0; i < 2; i++) {
        gv_campaign campaign = made_campaign(log, shares[i]);
        const policy_config config = made_config(&gv_policy_ta_pid, NULL);
        gv_tick_record ticks[MADE_TICKS] = {{0}};
        const gv_tally total = made_replay(&gv_policy_ta_pid, &config, NULL, log, &campaign,
                                           made_mechanism(&gv_mechanism_second_price), ticks);
        assert_true((double)total.spend_nanos > 0.95 * (double)campaign.budget_nanos);
        for (size_t t = MADE_TICKS / 2; t < MADE_TICKS; t++) {
            const double even = (double)campaign.budget_nanos / MADE_TICKS;
            assert_true(fabs((double)ticks[t].tally.spend_nanos / even - 1) < 0.25);
        }
    }
    made_log_destroy(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auctionnets_pid_moves_in_steps),
        cmocka_unit_test(abid_bids_with_the_square_of_the_value),
        cmocka_unit_test(without_a_cpa_they_say_so),
        cmocka_unit_test(a_worked_step_of_both_multipliers),
        cmocka_unit_test(both_constraints_are_kept_where_they_bind),
        cmocka_unit_test(a_worked_tick_of_two_coupled_controllers),
        cmocka_unit_test(in_a_market_only_what_was_seen_is_gained),
        cmocka_unit_test(an_exposure_told_later_moves_both_multipliers_as_one_at_once),
        cmocka_unit_test(mystique_follows_the_curve_of_spend),
        cmocka_unit_test(mystique_stops_a_runaway_for_a_tick),
        cmocka_unit_test(mystique_bends_its_target_after_a_day),
        cmocka_unit_test(ta_pid_bids_at_most_some_cpas),
        cmocka_unit_test(ta_pid_spends_evenly_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
