/* Laws of market prices from auctions won and lost, against the laws that made them. */
#include <math.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/log_normal_price.h"
#include "sim/estimate/price_sample.h"

enum { COUNT = 60000 };

static const double price_mu = 18.0; /* of nanos: about 66 CPM */
static const double price_sigma = 0.7;

/* Own bids lie about a quarter below prices, so most auctions are lost. */
static gv_price_sample *draw(void)
{
    gv_price_sample *samples = gv_mem_alloc(0, COUNT, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < COUNT; i++) {
        const gv_random own = gv_random_key(4, GV_STREAM_TEST, i);
        const int64_t price = llrint(exp(price_mu + price_sigma * gv_random_normal(&own, 0)));
        const int64_t bid = llrint(exp(price_mu - 0.25 + 0.6 * gv_random_normal(&own, 1)));
        const bool won = bid >= price;
        samples[i] = (gv_price_sample){.nanos = won ? price : bid, .won = won, .weight = 1};
    }
    return samples;
}

static double law(int64_t bid)
{
    return 0.5 * erfc(-(log((double)bid) - price_mu) / price_sigma / sqrt(2));
}

static double win_rate(const gv_survival *curve, int64_t bid)
{
    return 1 - gv_survival_at(curve, (double)bid);
}

static double share_of_won(const gv_price_sample *samples, int64_t bid)
{
    double below = 0;
    double won = 0;
    for (size_t i = 0; i < COUNT; i++) {
        won += samples[i].won;
        below += samples[i].won && samples[i].nanos <= bid;
    }
    return below / won;
}

/* Within five of its own deviations everywhere, where the wins alone are far off. */
static void the_product_limit_finds_the_law_that_wins_alone_miss(void **state)
{
    (void)state;
    gv_price_sample *samples = draw();
    gv_survival *fit = NULL;
    assert_int_equal(gv_price_curve_create(samples, COUNT, true, &fit), GV_OK);
    for (int decile = 1; decile < 10; decile++) {
        const double z[] = {0, -1.2816, -0.8416, -0.5244, -0.2533,
                            0, 0.2533,  0.5244,  0.8416,  1.2816};
        const int64_t bid = llrint(exp(price_mu + price_sigma * z[decile]));
        const double deviation = gv_survival_deviation(fit, (double)bid);
        assert_true(deviation > 0 && deviation < 0.02);
        assert_true(fabs(win_rate(fit, bid) - law(bid)) < 5 * deviation);
        assert_true(share_of_won(samples, bid) > law(bid) + 0.03);
    }
    gv_survival_destroy(fit);
    gv_mem_free(samples);
}

/* Greenwood's deviations are those of repeated samples: their ratio over 400 small ones. */
static void deviations_are_those_of_repeated_samples(void **state)
{
    (void)state;
    enum { TIMES = 400, SMALL = COUNT / TIMES };
    const int64_t bid = llrint(exp(price_mu));
    gv_price_sample *samples = draw();
    double sum = 0;
    double squares = 0;
    double variances = 0;
    for (size_t t = 0; t < TIMES; t++) {
        gv_survival *fit = NULL;
        assert_int_equal(gv_price_curve_create(samples + t * SMALL, SMALL, true, &fit), GV_OK);
        const double rate = win_rate(fit, bid);
        const double deviation = gv_survival_deviation(fit, (double)bid);
        sum += rate / TIMES;
        squares += rate * rate / TIMES;
        variances += deviation * deviation / TIMES;
        gv_survival_destroy(fit);
    }
    const double ratio = (squares - sum * sum) / variances;
    assert_true(fabs(ratio - 1) < 5 * sqrt(2.0 / TIMES)); /* of a variance from TIMES values */
    gv_mem_free(samples);
}

static void nothing_lost_is_the_plain_histogram(void **state)
{
    (void)state;
    gv_price_sample samples[] = {{30, true, 1}, {10, true, 2}, {20, true, 1}, {10, true, 1}};
    gv_survival *fit = NULL;
    assert_int_equal(gv_price_curve_create(samples, 4, true, &fit), GV_OK);
    const double wanted[] = {0, 0.6, 0.6, 0.8, 1, 1};
    const int64_t bids[] = {9, 10, 19, 20, 30, 1000};
    for (size_t i = 0; i < 6; i++) {
        assert_true(fabs(win_rate(fit, bids[i]) - wanted[i]) < 1e-15);
    }
    assert_true(fabs(gv_survival_point_at(fit, 25)->sums[0] - (0.6 * 10 + 0.2 * 20)) < 1e-12);
    assert_true(gv_survival_end(fit) == 30);
    gv_survival_destroy(fit);
}

/* By hand: 5 open at 10, of which one is won; lost at 20; then 3 or 4 open, one won at 20. */
static void a_tie_is_lost_or_won_as_the_rule_says(void **state)
{
    (void)state;
    const double wanted[] = {1 - 0.8 * (1 - 1.0 / 4), 1 - 0.8 * (1 - 1.0 / 3)};
    for (int loses = 0; loses < 2; loses++) {
        gv_price_sample samples[] = {
            {10, true, 1}, {20, true, 1}, {20, false, 1}, {30, false, 1}, {40, false, 1}};
        gv_survival *fit = NULL;
        assert_int_equal(gv_price_curve_create(samples, 5, loses == 0, &fit), GV_OK);
        assert_true(fabs(win_rate(fit, 20) - wanted[loses]) < 1e-15);
        assert_true(win_rate(fit, 1000) == win_rate(fit, 20));
        gv_survival_destroy(fit);
    }
}

static void a_weight_of_two_is_two_auctions(void **state)
{
    (void)state;
    gv_price_sample weighed[] = {{10, true, 2}, {15, false, 3}, {20, true, 2}};
    gv_price_sample single[] = {{10, true, 1},  {10, true, 1}, {15, false, 1}, {15, false, 1},
                                {15, false, 1}, {20, true, 1}, {20, true, 1}};
    gv_survival *one = NULL;
    gv_survival *other = NULL;
    gv_log_normal_price laws[2];
    assert_int_equal(gv_log_normal_price_fit(weighed, 3, 1, &laws[0]), GV_OK);
    assert_int_equal(gv_log_normal_price_fit(single, 7, 1, &laws[1]), GV_OK);
    assert_int_equal(gv_price_curve_create(weighed, 3, true, &one), GV_OK);
    assert_int_equal(gv_price_curve_create(single, 7, true, &other), GV_OK);
    for (int64_t bid = 5; bid < 25; bid++) {
        assert_true(fabs(win_rate(one, bid) - win_rate(other, bid)) < 1e-15);
    }
    assert_true(fabs(laws[0].mu - laws[1].mu) < 1e-10);
    assert_true(fabs(laws[0].sigma - laws[1].sigma) < 1e-10);
    gv_survival_destroy(one);
    gv_survival_destroy(other);
}

/* With nothing lost the best law has the moments of the logarithms. */
static void a_whole_sample_gives_its_moments(void **state)
{
    (void)state;
    gv_price_sample samples[100];
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < 100; i++) {
        samples[i] = (gv_price_sample){.nanos = (int64_t)(1000 + 37 * i), .won = true, .weight = 1};
        const double y = log((double)samples[i].nanos);
        sum += y / 100;
        squares += y * y / 100;
    }
    gv_log_normal_price fit;
    assert_int_equal(gv_log_normal_price_fit(samples, 100, 1, &fit), GV_OK);
    assert_true(fabs(fit.mu - sum) < 1e-9);
    assert_true(fabs(fit.sigma - sqrt(squares - sum * sum)) < 1e-9);
}

/* Within five standard errors of a censored sample, which lie below 2 / sqrt(won). */
static void a_censored_sample_gives_the_law_that_made_it(void **state)
{
    (void)state;
    gv_price_sample *samples = draw();
    double won = 0;
    for (size_t i = 0; i < COUNT; i++) {
        won += samples[i].won;
    }
    gv_log_normal_price fit;
    assert_int_equal(gv_log_normal_price_fit(samples, COUNT, 1, &fit), GV_OK);
    const double error = 2 * price_sigma / sqrt(won);
    assert_true(won > COUNT / 4.0 && won < COUNT / 2.0);
    assert_true(fabs(fit.mu - price_mu) < 5 * error);
    assert_true(fabs(fit.sigma - price_sigma) < 5 * error);
    assert_true(fabs(gv_log_normal_price_win_rate(&fit, llrint(exp(price_mu))) - 0.5) < 0.02);
    gv_mem_free(samples);
}

/* No neighbouring law is likelier: prices of 0 and lost auctions among them. */
static void the_likelihood_has_its_maximum_there(void **state)
{
    (void)state;
    const gv_price_sample samples[] = {{0, true, 1},   {5, true, 1},  {9, true, 2},
                                       {20, false, 1}, {14, true, 1}, {30, false, 2}};
    gv_log_normal_price best;
    assert_int_equal(gv_log_normal_price_fit(samples, 6, 2, &best), GV_OK);
    for (int k = 0; k < 8; k++) {
        const double mu = best.mu + 1e-3 * cos(k * M_PI / 4);
        const double sigma = best.sigma + 1e-3 * sin(k * M_PI / 4);
        double value = 0;
        for (size_t i = 0; i < 6; i++) {
            const bool is_low = samples[i].nanos < 2;
            const double x = (log(is_low ? 2.0 : (double)samples[i].nanos) - mu) / sigma;
            const double seen = -log(sigma) - x * x / 2 - log(2 * M_PI) / 2;
            const double above = log(0.5 * erfc(x / sqrt(2)));
            const double below = log(0.5 * erfc(-x / sqrt(2)));
            value += samples[i].weight * (!samples[i].won ? above : is_low ? below : seen);
        }
        assert_true(value < best.likelihood);
        assert_true(value > best.likelihood - 1e-3);
    }
}

static void what_cannot_be_fitted_is_refused(void **state)
{
    (void)state;
    gv_price_sample lost[] = {{10, false, 1}, {20, false, 1}};
    gv_price_sample alike[] = {{10, true, 1}, {10, true, 1}, {20, false, 1}};
    gv_price_sample weightless[] = {{10, true, 0}};
    gv_survival *fit = NULL;
    gv_log_normal_price law_of;
    assert_int_equal(gv_price_curve_create(lost, 2, true, &fit), GV_EINVAL);
    assert_int_equal(gv_price_curve_create(weightless, 1, true, &fit), GV_EINVAL);
    assert_int_equal(gv_log_normal_price_fit(lost, 2, 1, &law_of), GV_EINVAL);
    assert_int_equal(gv_log_normal_price_fit(alike, 3, 1, &law_of), GV_EINVAL);
    assert_int_equal(gv_log_normal_price_fit(weightless, 1, 1, &law_of), GV_EINVAL);
    gv_mem_fail_after(0);
    assert_int_equal(gv_price_curve_create(alike, 3, true, &fit), GV_ENOMEM);
    gv_mem_fail_after(-1);
    assert_null(fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_product_limit_finds_the_law_that_wins_alone_miss),
        cmocka_unit_test(deviations_are_those_of_repeated_samples),
        cmocka_unit_test(nothing_lost_is_the_plain_histogram),
        cmocka_unit_test(a_tie_is_lost_or_won_as_the_rule_says),
        cmocka_unit_test(a_weight_of_two_is_two_auctions),
        cmocka_unit_test(a_whole_sample_gives_its_moments),
        cmocka_unit_test(a_censored_sample_gives_the_law_that_made_it),
        cmocka_unit_test(the_likelihood_has_its_maximum_there),
        cmocka_unit_test(what_cannot_be_fitted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
