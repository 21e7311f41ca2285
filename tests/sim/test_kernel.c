/* Continuous actions: kernels and their integrals, weights by hand, values of known curves. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/base/random.h"
#include "sim/estimate/kernel.h"

static void every_kernel_has_the_integrals_that_it_says(void **state)
{
    (void)state;
    enum { STEPS = 200000 };
    for (size_t k = 0; gv_kernel_types[k] != NULL; k++) {
        const gv_kernel_type *kernel = gv_kernel_types[k];
        double mass = 0;
        double squares = 0;
        double variance = 0;
        for (size_t i = 0; i < STEPS; i++) {
            const double u = -10 + 20 * ((double)i + 0.5) / STEPS;
            const double density = kernel->density(u);
            assert_true(density >= 0 && density == kernel->density(-u));
            mass += density * 20 / STEPS;
            squares += density * density * 20 / STEPS;
            variance += u * u * density * 20 / STEPS;
        }
        assert_true(fabs(mass - 1) < 1e-6);
        assert_true(fabs(squares - kernel->roughness) < 1e-6);
        assert_true(fabs(variance - kernel->variance) < 1e-6);
        assert_ptr_equal(gv_kernel_find(kernel->info.name), kernel);
    }
    assert_null(gv_kernel_find("box"));
}

static void weights_by_hand(void **state)
{
    (void)state;
    const double logged[] = {1, 2, 4};
    const double target[] = {1.5, 2, 1};
    const double densities[] = {0.5, 2, 1};
    const gv_doses doses = {logged, target, gv_kernel_find("triangular"), 2};
    double weights[3];
    gv_kernel_weights(&doses, densities, 3, weights);
    assert_true(fabs(weights[0] - 0.75 / (2 * 0.5)) < 1e-15);
    assert_true(fabs(weights[1] - 1 / (2 * 2.0)) < 1e-15);
    assert_true(weights[2] == 0);
}

/*
 * Doses uniform on (0, 1), reward 3 + 2 a - a^2 on average. Judged at t the mean of w r is, for a
 * symmetric kernel within the doses, exactly 3 + 2 t - t^2 - h^2 variance: the bias is known, too.
 */
static void values_and_their_bias_are_those_of_the_curve(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    static double logged[COUNT];
    static double target[COUNT];
    static double densities[COUNT];
    static double weights[COUNT];
    const gv_random random = gv_random_key(3, GV_STREAM_TEST, 0);
    gv_random_fill_uniform(&random, 0, COUNT, logged);
    const double t = 0.45;
    for (size_t i = 0; i < COUNT; i++) {
        target[i] = t;
        densities[i] = 1;
    }
    for (size_t k = 1; gv_kernel_types[k] != NULL; k++) {
        const double h = 0.4;
        const gv_doses doses = {logged, target, gv_kernel_types[k], h};
        gv_kernel_weights(&doses, densities, COUNT, weights);
        double sum = 0;
        double squares = 0;
        for (size_t i = 0; i < COUNT; i++) {
            const double term = weights[i] * (3 + 2 * logged[i] - logged[i] * logged[i]);
            sum += term;
            squares += term * term;
        }
        const double mean = sum / COUNT;
        const double error = sqrt((squares / COUNT - mean * mean) / COUNT);
        const double expected = 3 + 2 * t - t * t - h * h * gv_kernel_types[k]->variance;
        assert_true(fabs(mean - expected) < 4 * error);
    }
}

/* Silverman's 1.06 s n^(-1/5); the Epanechnikov kernel is wider by sqrt(5) and a little less. */
static void bandwidths_by_hand(void **state)
{
    (void)state;
    const double doses[] = {1, 3};
    const double normal = gv_kernel_bandwidth(gv_kernel_find("gaussian"), doses, 2);
    assert_true(fabs(normal - 1.06 * sqrt(2) * pow(2, -0.2)) < 1e-14);
    const double other = gv_kernel_bandwidth(gv_kernel_find("epanechnikov"), doses, 2);
    assert_true(fabs(other / normal - 2.2138) < 1e-3);
}

static void bins_hold_a_sixteenth_each(void **state)
{
    (void)state;
    enum { COUNT = 1600 };
    static double logged[COUNT];
    static double target[COUNT];
    static uint32_t logged_codes[COUNT];
    static uint32_t target_codes[COUNT];
    size_t counts[GV_DOSE_BINS] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        logged[i] = (double)((i * 7919) % COUNT);
        target[i] = i % 2 == 0 ? -1 : 1e9;
    }
    const gv_doses doses = {logged, target, gv_kernel_find("gaussian"), 1};
    assert_int_equal(gv_dose_bins(&doses, COUNT, logged_codes, target_codes), GV_OK);
    for (size_t i = 0; i < COUNT; i++) {
        counts[logged_codes[i]]++;
        assert_int_equal(target_codes[i], i % 2 == 0 ? 0 : GV_DOSE_BINS - 1);
    }
    for (size_t bin = 0; bin < GV_DOSE_BINS; bin++) {
        assert_int_equal(counts[bin], COUNT / GV_DOSE_BINS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_has_the_integrals_that_it_says),
        cmocka_unit_test(weights_by_hand),
        cmocka_unit_test(values_and_their_bias_are_those_of_the_curve),
        cmocka_unit_test(bandwidths_by_hand),
        cmocka_unit_test(bins_hold_a_sixteenth_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
