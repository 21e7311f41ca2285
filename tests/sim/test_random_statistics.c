/*
 * The draws against theory: frequencies by chi-square, distributions by Kolmogorov and Smirnov,
 * moments, and correlation along every coordinate of the key. Seeds are fixed, so a verdict
 * never changes. A check fails beyond one in a million, or five standard errors: a right
 * generator passes with nearly any seed, and the errors that matter here (a word dropped, a
 * block shared by two keys) miss by hundreds of standard errors.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/random.h"

enum { DRAWS = 1 << 20, CELLS = 1 << 12, SAMPLE = 1 << 17, FEW = 1 << 16 };

#define LEVEL 1e-6

static double draws[DRAWS];

/* Probability that chi-square with as many cells would be as far out on either side. */
static double chi_square_level(const size_t *counts, size_t cells, double total)
{
    const double expected = total / (double)cells;
    double sum = 0.0;
    for (size_t i = 0; i < cells; i++) {
        const double deviation = (double)counts[i] - expected;
        sum += deviation * deviation / expected;
    }
    const double above = gsl_cdf_chisq_Q(sum, (double)cells - 1.0);
    return 2.0 * fmin(above, 1.0 - above);
}

/* The uniform's leading 12 bits, and after `skip` bits the next 12: each cell is as likely. */
static void check_frequencies(int skip)
{
    static size_t counts[CELLS];
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < DRAWS; i++) {
        const double shifted = ldexp(draws[i], skip);
        counts[(size_t)((shifted - floor(shifted)) * CELLS)]++;
    }
    const double level = chi_square_level(counts, CELLS, DRAWS);
    printf("bits %d to %d: level %.3g\n", skip, skip + 12, level);
    assert_true(level > LEVEL);
}

static void every_run_of_bits_is_uniform(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 0);
    gv_random_fill_uniform(&random, 0, DRAWS, draws);
    for (int skip = 0; skip <= 40; skip += 5) {
        check_frequencies(skip);
    }
}

/* Disjoint pairs at a lag, over 64 x 64 cells: dependence between a block's halves would show. */
static void neighbouring_draws_fill_the_square(void **state)
{
    (void)state;
    static size_t counts[CELLS];
    const gv_random random = gv_random_key(2, GV_STREAM_TEST, 0);
    gv_random_fill_uniform(&random, 0, DRAWS, draws);
    for (size_t lag = 1; lag <= 4; lag++) {
        memset(counts, 0, sizeof counts);
        for (size_t i = 0; i + 2 * lag <= DRAWS; i += 2 * lag) {
            for (size_t j = i; j < i + lag; j++) {
                counts[(size_t)(draws[j] * 64) * 64 + (size_t)(draws[j + lag] * 64)]++;
            }
        }
        double total = 0.0;
        for (size_t i = 0; i < CELLS; i++) {
            total += (double)counts[i];
        }
        assert_true(chi_square_level(counts, CELLS, total) > LEVEL);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov's limit: P(sqrt(n) D > x) = 2 sum (-1)^(k-1) exp(-2 k^2 x^2). */
static double kolmogorov_level(double x)
{
    double sum = 0.0;
    for (int k = 1; k < 100; k++) {
        sum += (k % 2 == 1 ? 2.0 : -2.0) * exp(-2.0 * k * k * x * x);
    }
    return sum;
}

static void check_distribution(const char *name, double (*cdf)(double))
{
    qsort(draws, SAMPLE, sizeof draws[0], compare_doubles);
    double distance = 0.0;
    for (size_t i = 0; i < SAMPLE; i++) {
        const double p = cdf(draws[i]);
        distance = fmax(distance, fmax(p - (double)i / SAMPLE, (double)(i + 1) / SAMPLE - p));
    }
    const double level = kolmogorov_level(distance * sqrt(SAMPLE));
    printf("%s: largest distance %.2g, level %.3g\n", name, distance, level);
    assert_true(level > LEVEL);
}

static double uniform_cdf(double x)
{
    return x;
}

static double exponential_cdf(double x)
{
    return gsl_cdf_exponential_P(x, 1.0);
}

static void samples_follow_their_distributions(void **state)
{
    (void)state;
    for (uint64_t entity = 0; entity < 3; entity++) {
        const gv_random random = gv_random_key(3, GV_STREAM_TEST, entity);
        gv_random_fill_uniform(&random, 0, SAMPLE, draws);
        check_distribution("uniform", uniform_cdf);
        gv_random_fill_normal(&random, SAMPLE, SAMPLE, draws);
        check_distribution("normal", gsl_cdf_ugaussian_P);
        gv_random_fill_exponential(&random, UINT64_C(2) * SAMPLE, SAMPLE, draws);
        check_distribution("exponential", exponential_cdf);
    }
}

/* The k-th raw moment of a million draws within five of its standard errors. */
static void check_moment(const char *name, unsigned k, double expected, double of_twice)
{
    double sum = 0.0;
    for (size_t i = 0; i < DRAWS; i++) {
        sum += pow(draws[i], k);
    }
    const double error = sqrt((of_twice - expected * expected) / DRAWS);
    printf("%s: moment %u %.5f +- %.5f, theory %.5f\n", name, k, sum / DRAWS, error, expected);
    assert_true(fabs(sum / DRAWS - expected) < 5.0 * error);
}

static void moments_are_those_of_theory(void **state)
{
    (void)state;
    static const double normal[] = {1, 0, 1, 0, 3, 0, 15, 0, 105};
    static const double exponential[] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320};
    const gv_random random = gv_random_key(4, GV_STREAM_TEST, 0);
    for (unsigned k = 1; k <= 4; k++) {
        gv_random_fill_uniform(&random, 0, DRAWS, draws);
        check_moment("uniform", k, 1.0 / (k + 1), 1.0 / (2 * k + 1));
        gv_random_fill_normal(&random, 0, DRAWS, draws);
        check_moment("normal", k, normal[k], normal[(size_t)2 * k]);
        gv_random_fill_exponential(&random, 0, DRAWS, draws);
        check_moment("exponential", k, exponential[k], exponential[(size_t)2 * k]);
    }
}

/* The normals beyond 2, 3 and 4 sigma, by count: within five standard errors. */
static void tails_hold_as_many_as_they_should(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(5, GV_STREAM_TEST, 0);
    gv_random_fill_normal(&random, 0, DRAWS, draws);
    for (int sigma = 1; sigma <= 4; sigma++) {
        size_t beyond = 0;
        for (size_t i = 0; i < DRAWS; i++) {
            beyond += fabs(draws[i]) > sigma;
        }
        const double expected = 2.0 * gsl_cdf_ugaussian_Q(sigma) * DRAWS;
        assert_true(fabs((double)beyond - expected) < 5.0 * sqrt(expected));
    }
}

/* Independent uniforms have correlation 0 with the standard error 1 / sqrt(count). */
static void check_correlation(const char *along, const double *left, const double *right)
{
    double sum = 0.0;
    for (size_t i = 0; i < FEW; i++) {
        sum += (left[i] - 0.5) * (right[i] - 0.5);
    }
    const double correlation = 12.0 * sum / FEW;
    printf("correlation along %s: %+.5f +- %.5f\n", along, correlation, 1.0 / sqrt(FEW));
    assert_true(fabs(correlation) < 5.0 / sqrt(FEW));
}

/* The uniforms of FEW keys that differ in one coordinate only, each against the next. */
static void no_coordinate_of_the_key_correlates(void **state)
{
    (void)state;
    static double along[4][FEW + 1];
    for (uint64_t i = 0; i <= FEW; i++) {
        const gv_random seed = gv_random_key(i, GV_STREAM_TEST, 0);
        const gv_random entity = gv_random_key(1, GV_STREAM_TEST, i);
        const gv_random index = gv_random_key(1, GV_STREAM_TEST, 0);
        along[0][i] = gv_random_uniform(&seed, 0);
        along[1][i] = gv_random_uniform(&entity, 0);
        along[2][i] = gv_random_uniform(&index, i);
    }
    check_correlation("seed", along[0], along[0] + 1);
    check_correlation("entity", along[1], along[1] + 1);
    check_correlation("index", along[2], along[2] + 1);
    for (unsigned bit = 0; bit < 64; bit += 7) {
        for (uint64_t i = 0; i <= FEW; i++) {
            const gv_random far = gv_random_key(1, GV_STREAM_TEST, i ^ UINT64_C(1) << bit);
            along[3][i] = gv_random_uniform(&far, 0);
        }
        if (bit > 0) {
            check_correlation("one flipped bit of the entity", along[1], along[3]);
        }
    }
}

static void streams_do_not_correlate(void **state)
{
    (void)state;
    static double here[FEW];
    static double there[FEW];
    const gv_random click = gv_random_key(1, GV_STREAM_CLICK, 0);
    gv_random_fill_uniform(&click, 0, FEW, here);
    for (gv_stream stream = GV_STREAM_BID; stream <= GV_STREAM_TEST; stream++) {
        const gv_random other = gv_random_key(1, stream, 0);
        gv_random_fill_uniform(&other, 0, FEW, there);
        if (stream != GV_STREAM_CLICK) {
            check_correlation("streams", here, there);
        }
    }
}

static void bernoulli_and_below_have_their_frequencies(void **state)
{
    (void)state;
    const gv_random random = gv_random_key(6, GV_STREAM_TEST, 0);
    size_t counts[10] = {0};
    size_t hits = 0;
    for (uint64_t i = 0; i < FEW; i++) {
        hits += gv_random_bernoulli(&random, i, 0.01);
        counts[gv_random_below(&random, i, 10)]++;
    }
    assert_true(fabs((double)hits - 0.01 * FEW) < 5.0 * sqrt(0.01 * 0.99 * FEW));
    assert_true(chi_square_level(counts, 10, FEW) > LEVEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_run_of_bits_is_uniform),
        cmocka_unit_test(neighbouring_draws_fill_the_square),
        cmocka_unit_test(samples_follow_their_distributions),
        cmocka_unit_test(moments_are_those_of_theory),
        cmocka_unit_test(tails_hold_as_many_as_they_should),
        cmocka_unit_test(no_coordinate_of_the_key_correlates),
        cmocka_unit_test(streams_do_not_correlate),
        cmocka_unit_test(bernoulli_and_below_have_their_frequencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
