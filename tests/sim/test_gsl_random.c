/* GSL's own checks of a generator, its distributions on ours, and copies that go on alike. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>

#include "cmocka_all.h"
#include "sim/base/gsl_random.h"

enum { DRAWS = 200000, BINS = 17 };

static gsl_rng *rng_of(unsigned long seed)
{
    gsl_rng *rng = gsl_rng_alloc(gv_gsl_rng_philox);
    assert_non_null(rng);
    gsl_rng_set(rng, seed);
    return rng;
}

static void draws_are_those_of_the_keyed_sequence(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(42);
    const gv_random library = gv_random_key(42, GV_STREAM_LIBRARY, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(gsl_rng_get(rng), gv_random_bits(&library, i));
    }
    gv_gsl_rng_key(rng, 7, GV_STREAM_TRAFFIC, 99);
    const gv_random traffic = gv_random_key(7, GV_STREAM_TRAFFIC, 99);
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(gsl_rng_uniform(rng) == gv_random_uniform(&traffic, i));
    }
    gsl_rng_free(rng);
}

static void the_same_seed_starts_the_same_sequence(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(5);
    const unsigned long first = gsl_rng_get(rng);
    for (int i = 0; i < 333; i++) {
        (void)gsl_rng_get(rng);
    }
    gsl_rng_set(rng, 5);
    assert_int_equal(gsl_rng_get(rng), first);
    gsl_rng_set(rng, 6);
    assert_int_not_equal(gsl_rng_get(rng), first);
    gsl_rng_free(rng);
}

/* As gsl's rng/test.c does for every generator: range, mean, and a restored state. */
static void range_and_mean_are_right(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(1);
    assert_int_equal(gsl_rng_max(rng), UINT64_MAX);
    assert_int_equal(gsl_rng_min(rng), 0);
    double sum = 0.0;
    double top = 0.0;
    double bottom = 1.0;
    for (int i = 0; i < DRAWS; i++) {
        const double u = gsl_rng_uniform(rng);
        assert_true(u >= 0.0 && u < 1.0);
        sum += u;
        top = fmax(top, u);
        bottom = fmin(bottom, u);
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 5.0 / sqrt(12.0 * DRAWS));
    assert_true(top > 1.0 - 20.0 / DRAWS);
    assert_true(bottom < 20.0 / DRAWS);
    gsl_rng_free(rng);
}

static void integers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(2);
    size_t counts[BINS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        counts[gsl_rng_uniform_int(rng, BINS)]++;
    }
    double sum = 0.0;
    for (size_t i = 0; i < BINS; i++) {
        const double expected = (double)DRAWS / BINS;
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    assert_true(gsl_cdf_chisq_Q(sum, BINS - 1) > 1e-6);
    gsl_rng_free(rng);
}

/* Copied at every place in the batch, the copy goes on like the original. */
static void copies_and_saved_states_go_on_alike(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(3);
    gsl_rng *saved = rng_of(4);
    for (int i = 0; i < 300; i++) {
        gsl_rng *clone = gsl_rng_clone(rng);
        assert_non_null(clone);
        assert_int_equal(gsl_rng_memcpy(saved, rng), 0);
        FILE *file = tmpfile();
        assert_non_null(file);
        assert_int_equal(gsl_rng_fwrite(file, rng), 0);
        rewind(file);
        gsl_rng *read = rng_of(9);
        assert_int_equal(gsl_rng_fread(file, read), 0);
        assert_int_equal(fclose(file), 0);
        const unsigned long next = gsl_rng_get(rng);
        assert_int_equal(gsl_rng_get(clone), next);
        assert_int_equal(gsl_rng_get(saved), next);
        assert_int_equal(gsl_rng_get(read), next);
        gsl_rng_free(clone);
        gsl_rng_free(read);
    }
    gsl_rng_free(rng);
    gsl_rng_free(saved);
}

/* The mean of DRAWS values within five standard errors. */
static void check_mean(const char *name, double sum, double mean, double variance)
{
    const double error = sqrt(variance / DRAWS);
    printf("%s: mean %.4f +- %.4f, theory %.4f\n", name, sum / DRAWS, error, mean);
    assert_true(fabs(sum / DRAWS - mean) < 5.0 * error);
}

static void distributions_have_their_means(void **state)
{
    (void)state;
    gsl_rng *rng = rng_of(8);
    double gamma = 0.0;
    double poisson = 0.0;
    double ziggurat = 0.0;
    double squares = 0.0;
    double beta = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        gamma += gsl_ran_gamma(rng, 2.5, 2.0);
        poisson += gsl_ran_poisson(rng, 3.5);
        const double z = gsl_ran_gaussian_ziggurat(rng, 1.0);
        ziggurat += z;
        squares += z * z;
        beta += gsl_ran_beta(rng, 2.0, 3.0);
    }
    check_mean("gamma(2.5, 2)", gamma, 5.0, 10.0);
    check_mean("poisson(3.5)", poisson, 3.5, 3.5);
    check_mean("normal", ziggurat, 0.0, 1.0);
    check_mean("normal squared", squares, 1.0, 2.0);
    check_mean("beta(2, 3)", beta, 0.4, 0.04);
    gsl_rng_free(rng);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_are_those_of_the_keyed_sequence),
        cmocka_unit_test(the_same_seed_starts_the_same_sequence),
        cmocka_unit_test(range_and_mean_are_right),
        cmocka_unit_test(integers_below_a_bound_are_uniform),
        cmocka_unit_test(copies_and_saved_states_go_on_alike),
        cmocka_unit_test(distributions_have_their_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
