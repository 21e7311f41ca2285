/*
 * The sampler against the posterior of DDPM written out in another form, against samples of a
 * normal law whose noise is known exactly, and against numbers worked by hand.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/diffusion.h"
#include "sim/base/random.h"
#include "test_random.h"

enum { CASES = 200, SAMPLES = 4000 };

static void assert_near(double found, double expected, double error)
{
    if (!(fabs(found - expected) <= error)) {
        fail_msg("%.9g, expected %.9g within %g", found, expected, error);
    }
}

static float drawn(test_random *random)
{
    return (float)test_random_below(random, 4001) / 1000 - 2;
}

static void the_schedule_falls_from_one_and_its_betas_are_capped(void **state)
{
    (void)state;
    const gv_diffusion d = gv_diffusion_cosine(10, GV_DIFFUSION_OFFSET);
    assert_true(d.kept[0] == 1.0);
    for (size_t k = 1; k <= 10; k++) {
        assert_true(d.kept[k] > 0);
        assert_true(d.kept[k] < d.kept[k - 1]);
    }
    /* f(5) / f(0) = cos^2(0.508 / 1.008 x 90 degrees) / cos^2(0.008 / 1.008 x 90 degrees). */
    assert_near(d.kept[5], 0.493844, 1e-6);
    assert_near(d.kept[10] / d.kept[9], 0.001, 1e-12);
}

static void the_last_jump_of_a_perfect_guess_ends_at_the_sample(void **state)
{
    (void)state;
    const gv_diffusion d = gv_diffusion_cosine(20, GV_DIFFUSION_OFFSET);
    const gv_jumps jumps = {.count = 1, .eta = 0, .bound = HUGE_VAL, .noise_scale = 1};
    const float x0[2] = {0.25F, -0.75F};
    const float noise[2] = {1.5F, -0.5F};
    for (size_t k = 1; k < 20; k++) {
        const gv_diffusion part = {.steps = k, .kept = {1}};
        gv_diffusion cut = part;
        memcpy(cut.kept, d.kept, (k + 1) * sizeof *cut.kept);
        float x[2];
        gv_diffusion_mix(&cut, k, x0, noise, 2, x);
        gv_diffusion_jump(&cut, &jumps, 1, noise, NULL, 2, x);
        assert_near((double)x[0], 0.25, 2e-5);
        assert_near((double)x[1], -0.75, 2e-5);
    }
}

/* Ho, Jain and Abbeel 2020, equations 6 and 7, from beta and alpha. */
static double posterior(const gv_diffusion *d, size_t k, double x, double eps, double bound,
                        double scaled_noise)
{
    const double beta = 1 - d->kept[k] / d->kept[k - 1];
    const double alpha = 1 - beta;
    const double guess = sqrt(1 / d->kept[k]) * x - sqrt(1 / d->kept[k] - 1) * eps;
    const double x0 = fmax(-bound, fmin(bound, guess));
    const double mean = beta * sqrt(d->kept[k - 1]) / (1 - d->kept[k]) * x0 +
                        (1 - d->kept[k - 1]) * sqrt(alpha) / (1 - d->kept[k]) * x;
    return mean + sqrt(beta * (1 - d->kept[k - 1]) / (1 - d->kept[k])) * scaled_noise;
}

static void all_steps_with_eta_one_are_the_posterior_of_ddpm(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const size_t sizes[] = {1, 2, 10, 100, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const gv_diffusion d = gv_diffusion_cosine(sizes[s], GV_DIFFUSION_OFFSET);
        const gv_jumps jumps = {.count = sizes[s], .eta = 1, .bound = 1, .noise_scale = 0.5};
        for (int i = 0; i < CASES; i++) {
            const size_t k = 1 + (size_t)test_random_below(&random, (int64_t)sizes[s]);
            const float x = drawn(&random);
            const float eps = drawn(&random);
            const float noise = drawn(&random);
            float found = x;
            assert_int_equal(gv_diffusion_stop(&d, &jumps, k), k);
            gv_diffusion_jump(&d, &jumps, k, &eps, &noise, 1, &found);
            const double expected =
                posterior(&d, k, (double)x, (double)eps, 1, 0.5 * (double)noise);
            assert_near((double)found, expected, 1e-5);
        }
    }
}

static void a_sub_sequence_begins_at_the_last_step_and_ends_at_none(void **state)
{
    (void)state;
    const gv_diffusion d = gv_diffusion_cosine(10, GV_DIFFUSION_OFFSET);
    const size_t by_hand[] = {0, 3, 5, 8, 10}; /* 10 i / 4, halves up */
    for (size_t count = 1; count <= 10; count++) {
        const gv_jumps jumps = {.count = count, .bound = 1, .noise_scale = 1};
        assert_int_equal(gv_diffusion_stop(&d, &jumps, 0), 0);
        assert_int_equal(gv_diffusion_stop(&d, &jumps, count), 10);
        for (size_t i = 1; i <= count; i++) {
            assert_true(gv_diffusion_stop(&d, &jumps, i) > gv_diffusion_stop(&d, &jumps, i - 1));
            assert_true(count != 4 || gv_diffusion_stop(&d, &jumps, i) == by_hand[i]);
        }
    }
}

static void without_eta_noise_is_not_read(void **state)
{
    (void)state;
    const gv_diffusion d = gv_diffusion_cosine(10, GV_DIFFUSION_OFFSET);
    const gv_jumps still = {.count = 5, .eta = 0, .bound = 1, .noise_scale = 1};
    const gv_jumps moved = {.count = 5, .eta = 1, .bound = 1, .noise_scale = 1};
    const float eps = 0.5F;
    const float noise[2] = {0.0F, 3.0F};
    for (size_t i = 5; i >= 1; i--) {
        float x[4] = {0.3F, 0.3F, 0.3F, 0.3F};
        gv_diffusion_jump(&d, &still, i, &eps, NULL, 1, &x[0]);
        gv_diffusion_jump(&d, &still, i, &eps, &noise[1], 1, &x[1]);
        gv_diffusion_jump(&d, &moved, i, &eps, &noise[0], 1, &x[2]);
        gv_diffusion_jump(&d, &moved, i, &eps, &noise[1], 1, &x[3]);
        assert_true(x[0] == x[1]);
        assert_true((x[2] != x[3]) == (i > 1));
    }
}

/*
 * For samples of N(m, v) the expected noise in x_k is known:
 *   eps = sqrt(1 - abar) (x - sqrt(abar) m) / (abar v + 1 - abar).
 * Going back with it must give N(m, v) again.
 */
static void known_noise_leads_back_to_the_law(void **state)
{
    (void)state;
    static float x[SAMPLES];
    static float eps[SAMPLES];
    static float noise[SAMPLES];
    const double m = 0.3;
    const double v = 0.25;
    const gv_diffusion d = gv_diffusion_cosine(200, GV_DIFFUSION_OFFSET);
    for (int eta = 0; eta <= 1; eta++) {
        const gv_jumps jumps = {.count = 200, .eta = eta, .bound = HUGE_VAL, .noise_scale = 1};
        for (size_t i = 200; i >= 1; i--) {
            const double abar = d.kept[i];
            const gv_random random = gv_random_key(4, GV_STREAM_TEST, i + 1000 * (size_t)eta);
            for (size_t s = 0; s < SAMPLES; s++) {
                noise[s] = (float)gv_random_normal(&random, s);
                x[s] = i == 200 ? (float)gv_random_normal(&random, SAMPLES + s) : x[s];
                eps[s] = (float)(sqrt(1 - abar) * ((double)x[s] - sqrt(abar) * m) /
                                 (abar * v + 1 - abar));
            }
            gv_diffusion_jump(&d, &jumps, i, eps, noise, SAMPLES, x);
        }
        double mean = 0;
        double square = 0;
        for (size_t s = 0; s < SAMPLES; s++) {
            mean += (double)x[s] / SAMPLES;
            square += (double)x[s] * (double)x[s] / SAMPLES;
        }
        /* Three standard errors of 4,000 samples: 0.024 of the mean, 0.017 of the variance. */
        printf("eta %d: mean %.4f, variance %.4f\n", eta, mean, square - mean * mean);
        assert_near(mean, m, 0.024);
        assert_near(square - mean * mean, v, 0.017 + 0.005);
    }
}

static void guidance_of_one_is_the_condition_and_of_none_is_without(void **state)
{
    (void)state;
    const float none[2] = {1, 2};
    float eps[2] = {3, 1};
    gv_diffusion_guide(none, 1, 2, eps);
    assert_true(eps[0] == 3 && eps[1] == 1);
    gv_diffusion_guide(none, 1.5, 2, eps);
    assert_true(eps[0] == 4 && eps[1] == 0.5F);
    gv_diffusion_guide(none, 0, 2, eps);
    assert_true(eps[0] == 1 && eps[1] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schedule_falls_from_one_and_its_betas_are_capped),
        cmocka_unit_test(the_last_jump_of_a_perfect_guess_ends_at_the_sample),
        cmocka_unit_test(all_steps_with_eta_one_are_the_posterior_of_ddpm),
        cmocka_unit_test(a_sub_sequence_begins_at_the_last_step_and_ends_at_none),
        cmocka_unit_test(without_eta_noise_is_not_read),
        cmocka_unit_test(known_noise_leads_back_to_the_law),
        cmocka_unit_test(guidance_of_one_is_the_condition_and_of_none_is_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
