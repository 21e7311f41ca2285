/* The formulas of ORTB and Lin against the theory that they come from. */
#include "policies/ortb_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "test_random.h"

enum { CASES = 400, ROWS = 6000, LONG = 40000 };

static double ortb1_win(double bid, double c)
{
    return bid / (c + bid);
}

static double ortb2_win(double bid, double c)
{
    return bid * bid / (c * c + bid * bid);
}

/* One bid of the type, in CPM, with c in CPM. */
static double bid_of(const gv_policy_type *type, double c, double lambda, double pctr)
{
    const gv_ortb_config config = {
        .c_nanos = (int64_t)(c * 1e6), .lambda = lambda, .rate_from = -1};
    const gv_campaign campaign = {.name = "one"};
    const gv_policy_setup setup = {
        .config = &config, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
    const gv_batch batch = {.count = 1, .pctr = &pctr, .auctions_left = 1};
    gv_policy *policy = NULL;
    int64_t bid = 0;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    gv_policy_bid(policy, &batch, &bid);
    gv_policy_destroy(policy);
    return (double)bid / 1e6;
}

/*
 * theta w'(b) = lambda [ w(b) + b w'(b) ], with w' by central differences. Both sides agree to
 * 1e-5 of the larger: the bid is rounded to nanos, the difference quotient errs by h^2.
 */
static void check_first_order(const gv_policy_type *type, double (*win)(double, double))
{
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        const double c = 5 + (double)test_random_below(&random, 100);
        const double theta = 1e-4 * (double)(1 + test_random_below(&random, 200));
        const double lambda = 1e-6 * (double)(1 + test_random_below(&random, 300));
        const double bid = bid_of(type, c, lambda, theta);
        const double h = 1e-4 * bid;
        const double slope = (win(bid + h, c) - win(bid - h, c)) / (2 * h);
        const double left = theta * slope;
        const double right = lambda * (win(bid, c) + bid * slope);
        assert_true(fabs(left - right) < 1e-5 * fmax(left, right));
    }
}

static void both_ortb_bids_meet_the_first_order_condition(void **state)
{
    (void)state;
    check_first_order(&gv_policy_ortb1, ortb1_win);
    check_first_order(&gv_policy_ortb2, ortb2_win);
}

static void the_ortb2_bid_is_the_root_of_its_cubic(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        const double c = 1 + (double)test_random_below(&random, 200);
        const double theta = 1e-5 * (double)(1 + test_random_below(&random, 9000));
        const double lambda = 1e-6 * (double)(1 + test_random_below(&random, 900));
        const double bid = bid_of(&gv_policy_ortb2, c, lambda, theta);
        const double left = bid * bid * bid + 3 * c * c * bid;
        const double right = 2 * c * c * theta / lambda;
        assert_true(fabs(left - right) < 1e-5 * right);
    }
}

/* b = sqrt(c theta / lambda + c^2) - c with c = 20, theta / lambda = 100: 20 (sqrt 6 - 1). */
static void a_worked_ortb1_bid(void **state)
{
    (void)state;
    assert_true(fabs(bid_of(&gv_policy_ortb1, 20, 1e-5, 1e-3) - 20 * (sqrt(6) - 1)) < 2e-6);
    assert_true(bid_of(&gv_policy_ortb1, 20, 1e-5, 0) == 0);
    assert_true(bid_of(&gv_policy_ortb2, 20, 1e-5, 0) == 0);
}

/* On prices drawn from a curve of the policy's own form, its c comes back (to 4 %). */
static void ortb_finds_the_constant_of_its_own_curve(void **state)
{
    (void)state;
    const gv_policy_type *const types[] = {&gv_policy_ortb1, &gv_policy_ortb2};
    double (*const wins[])(double, double) = {ortb1_win, ortb2_win};
    for (size_t t = 0; t < 2; t++) {
        uint64_t counts[LOG_PRICE_BINS];
        for (size_t i = 0; i < LOG_PRICE_BINS; i++) {
            const double below = i == 0 ? 0 : wins[t]((double)i - 1, 40);
            counts[i] = (uint64_t)(1e7 * (wins[t]((double)i, 40) - below));
        }
        counts[LOG_PRICE_BINS - 1] += (uint64_t)(1e7 * (1 - wins[t](LOG_PRICE_BINS - 1, 40)));
        const gv_history history = {.name = "curve",
                                    .impressions = 1000,
                                    .mean_pctr = 0.001,
                                    .price_step_nanos = GV_NANOS_PER_CPM,
                                    .price_count = LOG_PRICE_BINS,
                                    .price_counts = counts};
        const gv_campaign campaign = {.name = "c", .budget_nanos = 1, .end_us = 1};
        const gv_fit_input input = {.history = &history, .campaign = &campaign};
        policy_config config = made_config(types[t], NULL);
        assert_int_equal(gv_policy_fit(types[t], &config, &input, NULL), GV_OK);
        const double c = (double)((gv_ortb_config *)&config)->c_nanos / 1e6;
        assert_true(fabs(c - 40) < 0.04 * 40);
    }
}

static const log_recipe past_recipe = {.count = ROWS,
                                       .seed = 1,
                                       .start_us = 0,
                                       .price_cpm = 60,
                                       .pctr = 0.001};
static const log_recipe next_recipe = {.count = ROWS,
                                       .seed = 2,
                                       .start_us = ROWS * LOG_GAP_US,
                                       .price_cpm = 60,
                                       .pctr = 0.001};

/* Expected clicks that the best b0 in hindsight wins: a grid in steps of 1.5 %. */
static int64_t best_linear(made_log *log, const gv_campaign *campaign, gv_mechanism mechanism)
{
    int64_t best = 0;
    for (int i = 0; i < 464; i++) {
        const double cpm = pow(1.015, i);
        char b0[64];
        (void)snprintf(b0, sizeof b0, "b0=%.3f", cpm);
        const policy_config config =
            made_config(&gv_policy_linear, (const char *const[]){b0, "mean_pctr=0.001", NULL});
        const gv_tally got =
            made_replay(&gv_policy_linear, &config, NULL, log, campaign, mechanism, NULL);
        best = got.expected_nanoclicks > best ? got.expected_nanoclicks : best;
    }
    return best;
}

/*
 * Dantzig's bound: the best set of impressions that the budget buys, taken by clicks for money,
 * the last one in part. No bidder gets more; and what the best threshold gets is less than one
 * impression short of it.
 */
typedef struct offer {
    double clicks;
    double cost;
} offer;

static int better_offer(const void *one, const void *other)
{
    const offer *a = one;
    const offer *b = other;
    const double left = a->clicks * b->cost;
    const double right = b->clicks * a->cost;
    return (left < right) - (left > right);
}

static double hindsight(const made_log *log, double budget)
{
    const size_t count = (size_t)log->base.end;
    offer *offers = gv_mem_alloc(0, count, sizeof *offers);
    assert_non_null(offers);
    for (size_t i = 0; i < count; i++) {
        offers[i] = (offer){log->pctr[i], (double)log->rival_nanos[i]};
    }
    qsort(offers, count, sizeof *offers, better_offer);
    double clicks = 0;
    for (size_t i = 0; i < count && budget > 0; i++) {
        const double part = offers[i].cost > budget ? budget / offers[i].cost : 1;
        clicks += part * offers[i].clicks;
        budget -= offers[i].cost;
    }
    gv_mem_free(offers);
    return clicks;
}

/* Of any b0 at all, to 1 % of the bound. */
static void a_linear_bid_is_as_good_as_hindsight_under_second_price(void **state)
{
    (void)state;
    made_log *log = made_log_create(&next_recipe);
    const gv_mechanism mechanism = made_mechanism(&gv_mechanism_second_price);
    for (int divisor = 2; divisor <= 32; divisor *= 2) {
        const gv_campaign campaign = made_campaign(log, 1.0 / divisor);
        const double bound = hindsight(log, (double)campaign.budget_nanos);
        const double found = (double)best_linear(log, &campaign, mechanism) / GV_NANO_EVENTS;
        assert_true(found <= bound + 1e-6);
        assert_true(found > 0.99 * bound);
    }
    made_log_destroy(log);
}

/* b0 tuned on one log is within 3 % of the best there is on the next, which it has not seen. */
static void a_tuned_linear_bid_carries_over(void **state)
{
    (void)state;
    made_log *past = made_log_create(&past_recipe);
    made_log *next = made_log_create(&next_recipe);
    const gv_mechanism mechanism = made_mechanism(&gv_mechanism_second_price);
    for (int divisor = 2; divisor <= 16; divisor *= 2) {
        const gv_campaign campaign = made_campaign(next, 1.0 / divisor);
        policy_config config = made_config(&gv_policy_linear, NULL);
        made_fit(&gv_policy_linear, &config, past, &campaign, mechanism);
        const gv_tally got =
            made_replay(&gv_policy_linear, &config, NULL, next, &campaign, mechanism, NULL);
        const double bound = hindsight(next, (double)campaign.budget_nanos);
        assert_true((double)got.expected_nanoclicks / GV_NANO_EVENTS > 0.97 * bound);
    }
    made_log_destroy(past);
    made_log_destroy(next);
}

/* lambda makes the history spend the budget: within 1 % of it, from below. */
static void ortb_spends_the_budget_on_its_history(void **state)
{
    (void)state;
    const gv_policy_type *const types[] = {&gv_policy_ortb1, &gv_policy_ortb2};
    made_log *past = made_log_create(&past_recipe);
    made_log *next = made_log_create(&next_recipe);
    for (size_t t = 0; t < 4; t++) {
        const gv_policy_type *type = types[t % 2];
        const gv_mechanism mechanism =
            made_mechanism(t < 2 ? &gv_mechanism_second_price : &gv_mechanism_first_price);
        gv_campaign campaign = made_campaign(next, 0.25);
        policy_config config = made_config(type, NULL);
        made_fit(type, &config, past, &campaign, mechanism);
        gv_campaign again = made_campaign(past, 0.25);
        again.budget_nanos = INT64_MAX;
        const gv_tally got = made_replay(type, &config, NULL, past, &again, mechanism, NULL);
        assert_true(got.spend_nanos <= campaign.budget_nanos);
        assert_true((double)got.spend_nanos > 0.99 * (double)campaign.budget_nanos);
    }
    made_log_destroy(past);
    made_log_destroy(next);
}

/*
 * Under first price, on prices of ORTB1's own curve, its cost model is the true one: it wins more
 * expected clicks than the linear bid does.
 */
static void ortb1_beats_linear_where_its_model_holds(void **state)
{
    (void)state;
    log_recipe recipe = next_recipe;
    recipe.curve_cpm = 20;
    recipe.count = LONG;
    recipe.start_us = LONG * LOG_GAP_US;
    made_log *next = made_log_create(&recipe);
    recipe = past_recipe;
    recipe.curve_cpm = 20;
    recipe.count = LONG;
    made_log *past = made_log_create(&recipe);
    const gv_mechanism mechanism = made_mechanism(&gv_mechanism_first_price);
    const gv_campaign campaign = made_campaign(next, 0.5);
    const gv_policy_type *const types[] = {&gv_policy_linear, &gv_policy_ortb1};
    int64_t clicks[2];
    for (size_t t = 0; t < 2; t++) {
        policy_config config = made_config(types[t], NULL);
        made_fit(types[t], &config, past, &campaign, mechanism);
        clicks[t] = made_replay(types[t], &config, NULL, next, &campaign, mechanism, NULL)
                        .expected_nanoclicks;
    }
    assert_true((double)clicks[1] > 1.005 * (double)clicks[0]);
    made_log_destroy(past);
    made_log_destroy(next);
}

static void rounding_goes_down_and_takes_anything(void **state)
{
    (void)state;
    const double values[] = {0,   0.999999, 1,         1.5,    -3,
                             NAN, INFINITY, -INFINITY, 2.5e15, 123456789.999};
    const int64_t expected[] = {
        0, 0, 1, 1, 0, 0, (int64_t)GV_PRICE_MAX, 0, (int64_t)GV_PRICE_MAX, 123456789};
    int64_t bids[10];
    gv_price_round_all(values, 10, bids);
    for (size_t i = 0; i < 10; i++) {
        const int64_t clamped = values[i] > GV_PRICE_MAX ? expected[i] + 1 : expected[i];
        assert_int_equal(bids[i], isnan(values[i]) ? GV_BID_NAN : clamped);
        assert_int_equal(gv_price_bid(values[i]), bids[i]);
        assert_int_equal(gv_price_round(values[i]), expected[i]);
    }
    assert_true(expected[6] + 1 > GV_OFFER_MAX);
    int64_t scaled[10];
    gv_price_scale(values, 10, 1.0, scaled);
    assert_memory_equal(scaled, bids, sizeof bids);
    gv_price_scale_square(values, 10, 2.0, scaled);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(scaled[i], gv_price_bid(2.0 * (values[i] * values[i])));
    }
    test_random random = test_random_seeded();
    for (int i = 0; i < 100000; i++) {
        const double value = (double)test_random_below(&random, INT64_C(1) << 31) *
                             (double)test_random_below(&random, 1 << 20) / 1024;
        assert_int_equal(gv_price_round(value), (int64_t)floor(value));
        gv_price_scale(&value, 1, 0.37, bids);
        assert_int_equal(bids[0], (int64_t)floor(0.37 * value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ortb_bids_meet_the_first_order_condition),
        cmocka_unit_test(the_ortb2_bid_is_the_root_of_its_cubic),
        cmocka_unit_test(a_worked_ortb1_bid),
        cmocka_unit_test(ortb_finds_the_constant_of_its_own_curve),
        cmocka_unit_test(a_linear_bid_is_as_good_as_hindsight_under_second_price),
        cmocka_unit_test(a_tuned_linear_bid_carries_over),
        cmocka_unit_test(ortb_spends_the_budget_on_its_history),
        cmocka_unit_test(ortb1_beats_linear_where_its_model_holds),
        cmocka_unit_test(rounding_goes_down_and_takes_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
