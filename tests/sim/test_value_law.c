/* AuctionNet's law of values against closed forms: factors, deviations, values, sigmas, presets. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "sim/market/value_law_impl.h"
#include "traffic_fixture.h"

enum { PERIODS = 100, BLOCK = 8, COUNT = 4000, TICK = 21 };

typedef struct law_config {
    gv_value_law_config law;
} law_config;

static const gv_param law_params[] = {
    GV_VALUE_LAW_ROWS(law_config),
    {.name = NULL},
};

/* Only what parameters and a market of 48 need; it makes no traffic. */
static const gv_traffic_type law_only = {
    .info = {.name = "law", .params = law_params, .config_size = sizeof(law_config)},
};

static traffic_stage stage;

static gv_value_law open_law(uint64_t period)
{
    gv_value_law law = {0};
    const law_config *config = (const law_config *)(const void *)stage.config;
    stage.setup.period = period;
    assert_int_equal(gv_value_law_init(&law, &config->law, &stage.setup), GV_OK);
    return law;
}

/* Sums that give a mean and a variance. */
typedef struct sums {
    double n;
    double sum;
    double square;
} sums;

static void add(sums *into, double value)
{
    into->n += 1.0;
    into->sum += value;
    into->square += value * value;
}

static double mean_of(const sums *from)
{
    return from->sum / from->n;
}

static double variance_of(const sums *from)
{
    return from->square / from->n - mean_of(from) * mean_of(from);
}

/* A sample of n independent uniforms of variance v: 4th central moment 9/5 v^2. */
static void check_uniform(const sums *from, double half_width)
{
    const double variance = half_width * half_width / 3.0;
    assert_true(fabs(mean_of(from) - 1.0) < 4.0 * sqrt(variance / from->n));
    assert_true(fabs(variance_of(from) - variance) < 4.0 * variance * sqrt(0.8 / from->n));
}

/* A leader's mean over the base is c ~ U(0.3, 1.7), another's over its leader's g ~ U(0.5, 1.5). */
static void factors_are_uniform_and_last_a_block(void **state)
{
    (void)state;
    sums of_categories = {0};
    sums of_advertisers = {0};
    traffic_stage_init(&stage, &law_only);
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_value_law law = open_law(period);
        for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
            const float *mean = law.mean + tick * TRAFFIC_ADVERTISERS;
            for (size_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
                if (tick % BLOCK != 0) {
                    assert_true(mean[a] ==
                                law.mean[tick / BLOCK * BLOCK * TRAFFIC_ADVERTISERS + a]);
                } else if (a % 8 == 0) {
                    add(&of_categories, (double)mean[a] / 0.0005);
                } else {
                    add(&of_advertisers, (double)(mean[a] / mean[a - a % 8]));
                }
            }
        }
        gv_value_law_fini(&law);
    }
    check_uniform(&of_categories, 0.7);
    check_uniform(&of_advertisers, 0.5);
}

/*
 * r[a][t] has mean 0.5 and variance 0.1^2 + 0.2^2 E r[a]^2 = 0.01 + 0.04 x 0.26; 0.01 of it is
 * shared by an advertiser's ticks. The cuts at 0 and 1 touch one in ten thousand.
 */
static void deviations_have_the_spread_of_advertisers_and_ticks(void **state)
{
    (void)state;
    sums all = {0};
    sums of_advertisers = {0};
    traffic_stage_init(&stage, &law_only);
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_value_law law = open_law(period);
        for (size_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
            sums own = {0};
            for (size_t tick = 0; tick < TRAFFIC_TICKS; tick++) {
                const size_t cell = tick * TRAFFIC_ADVERTISERS + a;
                const double ratio = (double)law.deviation[cell] / (double)law.mean[cell];
                assert_true(ratio >= 0.0 && ratio <= 1.0 + 1e-6);
                add(&all, ratio);
                add(&own, ratio);
            }
            add(&of_advertisers, mean_of(&own));
        }
        gv_value_law_fini(&law);
    }
    const double n = of_advertisers.n;
    const double of_mean = 0.01 + 0.04 * 0.26 / TRAFFIC_TICKS;
    assert_true(fabs(mean_of(&all) - 0.5) < 4.0 * sqrt(of_mean / n));
    assert_true(fabs(variance_of(&of_advertisers) - of_mean) < 4.0 * of_mean * sqrt(2.0 / n));
    assert_true(fabs(variance_of(&all) - 0.0204) < 4.0 * 0.0204 * sqrt(2.0 / n));
}

/* X = max(N(m, s), 0): E X = m P + s p, E X^2 = (m^2 + s^2) P + m s p, P and p at m / s. */
static void values_are_normal_and_cut_at_nothing(void **state)
{
    (void)state;
    static float values[TRAFFIC_ADVERTISERS * COUNT];
    double worst = 0.0;
    sums scores = {0};
    traffic_stage_init(&stage, &law_only);
    for (uint64_t period = 0; period < 4; period++) {
        gv_value_law law = open_law(period);
        const gv_traffic_piece piece = {
            .tick = TICK, .first = 7, .count = COUNT, .advertiser_count = TRAFFIC_ADVERTISERS};
        gv_value_law_values(&law, &piece, COUNT, values);
        for (size_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
            const size_t cell = (size_t)TICK * TRAFFIC_ADVERTISERS + a;
            const double m = (double)law.mean[cell];
            const double s = (double)law.deviation[cell];
            const double area = gsl_cdf_ugaussian_P(m / s);
            const double density = gsl_ran_ugaussian_pdf(m / s);
            const double mean = m * area + s * density;
            const double variance = (m * m + s * s) * area + m * s * density - mean * mean;
            sums found = {0};
            for (size_t i = 0; i < COUNT; i++) {
                add(&found, (double)values[a * COUNT + i]);
            }
            const double score = (mean_of(&found) - mean) / sqrt(variance / COUNT);
            assert_true(fabs(variance_of(&found) / variance - 1.0) < 0.12);
            worst = fmax(worst, fabs(score));
            add(&scores, score);
        }
        gv_value_law_fini(&law);
    }
    /* 192 standard normal scores: none beyond 4.5, their variance near 1. */
    assert_true(worst < 4.5);
    assert_true(fabs(mean_of(&scores)) < 4.0 / sqrt(scores.n));
    assert_true(fabs(variance_of(&scores) - 1.0) < 4.0 * sqrt(2.0 / scores.n));
}

/* m = |N(0.15, 0.06)|; the one in 161 that is above 0.3 counts 0.2 instead. */
static void sigma_means_are_folded_and_few_are_replaced(void **state)
{
    (void)state;
    sums all = {0};
    double replaced = 0.0;
    traffic_stage_init(&stage, &law_only);
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_value_law law = open_law(period);
        for (size_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
            const double m = law.sigma_mean[a];
            assert_true(m >= 0.0 && m <= 0.3);
            replaced += m == 0.2 ? 1.0 : 0.0;
            add(&all, m);
        }
        gv_value_law_fini(&law);
    }
    const double expected = all.n * gsl_cdf_ugaussian_Q(2.5);
    assert_true(fabs(replaced - expected) < 4.0 * sqrt(expected));
    assert_true(fabs(mean_of(&all) - 0.15) < 4.0 * 0.06 / sqrt(all.n));
    assert_true(fabs(variance_of(&all) / 0.0036 - 1.0) < 0.1);
}

/* E min(|m + m z / 2|, 0.3)^power by the rectangle rule, which is exact enough for bells. */
static double expected_sigma(double m, double power)
{
    double sum = 0.0;
    const double step = 0.01;
    for (int i = -600; i < 600; i++) {
        const double z = i * step;
        sum += pow(fmin(fabs(m + 0.5 * m * z), 0.3), power) * gsl_ran_ugaussian_pdf(z);
    }
    return sum * step;
}

static void sigmas_have_the_ratio_of_their_law(void **state)
{
    (void)state;
    enum { DRAWS = 500 };
    sums means = {0};
    sums squares = {0};
    traffic_stage_init(&stage, &law_only);
    for (uint64_t period = 0; period < PERIODS / 4; period++) {
        gv_value_law law = open_law(period);
        for (uint32_t a = 0; a < TRAFFIC_ADVERTISERS; a++) {
            const double m = law.sigma_mean[a];
            const double mean = expected_sigma(m, 1.0);
            const double square = expected_sigma(m, 2.0);
            for (uint64_t i = 0; i < DRAWS; i++) {
                const double ratio = gv_value_law_sigma(&law, i, a, 0.5) / 0.5;
                assert_true(ratio >= 0.0 && ratio <= 0.3);
                add(&means, ratio - mean);
                add(&squares, ratio * ratio - square);
            }
        }
        gv_value_law_fini(&law);
    }
    assert_true(fabs(mean_of(&means)) < 4.0 * sqrt(variance_of(&means) / means.n));
    assert_true(fabs(mean_of(&squares)) < 4.0 * sqrt(variance_of(&squares) / squares.n));
}

static void a_preset_is_a_mean_and_a_number_rules_over_it(void **state)
{
    (void)state;
    traffic_stage_init(&stage, &law_only);
    gv_value_law sparse = open_law(1);
    traffic_stage_set(&stage, "preset", "dense");
    gv_value_law dense = open_law(1);
    traffic_stage_set(&stage, "value_mean", "0.0005");
    gv_value_law ruled = open_law(1);
    for (size_t cell = 0; cell < (size_t)TRAFFIC_TICKS * TRAFFIC_ADVERTISERS; cell++) {
        assert_true(fabs((double)(dense.mean[cell] / sparse.mean[cell]) - 10.0) < 1e-5);
        assert_true(fabs((double)(dense.deviation[cell] / sparse.deviation[cell]) - 10.0) < 1e-5);
        assert_true(ruled.mean[cell] == sparse.mean[cell]);
        assert_true(ruled.deviation[cell] == sparse.deviation[cell]);
    }
    gv_value_law_fini(&ruled);
    gv_value_law_fini(&dense);
    gv_value_law_fini(&sparse);
}

/* Around a base that is the same for all, the relative law is the law itself, up to rounding. */
static void around_one_base_the_law_is_the_law(void **state)
{
    (void)state;
    static float values[TRAFFIC_ADVERTISERS * 600];
    static float around[TRAFFIC_ADVERTISERS * 600];
    double bases[600];
    traffic_stage_init(&stage, &law_only);
    traffic_stage_set(&stage, "value_mean", "0.25");
    gv_value_law law = open_law(2);
    gv_value_law relative = {0};
    const law_config *config = (const law_config *)(const void *)stage.config;
    assert_int_equal(gv_value_law_init_relative(&relative, &config->law, &stage.setup), GV_OK);
    for (size_t i = 0; i < 600; i++) {
        bases[i] = 0.25;
    }
    const gv_traffic_piece piece = {
        .tick = 30, .first = 99, .count = 600, .advertiser_count = TRAFFIC_ADVERTISERS};
    gv_value_law_values(&law, &piece, 600, values);
    gv_value_law_values_around(&relative, &piece, bases, 600, around);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(fabs((double)(values[i] - around[i])) < 1e-6);
    }
    gv_value_law_fini(&relative);
    gv_value_law_fini(&law);
}

static void impossible_numbers_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } bad[] = {
        {"preset", "medium"},       {"value_mean", "-0.1"}, {"value_mean", "1.5"},
        {"sigma_mean", "-1"},       {"sigma_max", "2"},     {"value_window", "0"},
        {"category_spread", "1.1"}, {"sigma_spread", "x"},  {"deviation_mean", "nan"},
    };
    traffic_stage_init(&stage, &law_only);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const gv_param *param = gv_param_find(law_params, bad[i].name);
        assert_non_null(param);
        assert_int_not_equal(gv_param_parse(param, bad[i].value, 0, stage.config), GV_OK);
        assert_non_null(strstr(gv_status_detail(), bad[i].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_are_uniform_and_last_a_block),
        cmocka_unit_test(deviations_have_the_spread_of_advertisers_and_ticks),
        cmocka_unit_test(values_are_normal_and_cut_at_nothing),
        cmocka_unit_test(sigma_means_are_folded_and_few_are_replaced),
        cmocka_unit_test(sigmas_have_the_ratio_of_their_law),
        cmocka_unit_test(a_preset_is_a_mean_and_a_number_rules_over_it),
        cmocka_unit_test(around_one_base_the_law_is_the_law),
        cmocka_unit_test(impossible_numbers_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
