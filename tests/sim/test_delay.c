/* Every law of delay: its mean, what theory says of its median, its limits. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/market/delay.h"

enum { DRAWS = 40000 };

static gv_random test_key(void)
{
    return gv_random_key(5, GV_STREAM_TEST, 1);
}

static int64_t draw(const gv_delay *delay, uint64_t index)
{
    const gv_random key = test_key();
    return gv_delay_draw(delay, gv_delay_scale(delay), &key, index);
}

static void every_law_is_found_and_has_the_mean_it_is_given(void **state)
{
    (void)state;
    for (size_t t = 0; gv_delay_types[t] != NULL; t++) {
        const gv_delay_type *type = gv_delay_types[t];
        assert_ptr_equal(gv_delay_find(type->info.name), type);
        const gv_delay delay = {.type = type, .mean_us = 2 * GV_US_PER_HOUR, .shape = 0.8};
        const double mean_us = type->draw == NULL ? 0.0 : (double)delay.mean_us;
        assert_int_equal(gv_delay_validate(&delay, "conversions"), GV_OK);
        double sum = 0.0;
        double squares = 0.0;
        for (uint64_t i = 0; i < DRAWS; i++) {
            const double each = (double)draw(&delay, i);
            sum += each;
            squares += each * each;
        }
        const double mean = sum / DRAWS;
        const double error = sqrt(fmax(squares / DRAWS - mean * mean, 0.0) / DRAWS);
        printf("%s: mean %.0f us, given %.0f, standard error %.0f\n", type->info.name, mean,
               mean_us, error);
        assert_true(fabs(mean - mean_us) <= 4.0 * error + 1.0);
    }
    assert_null(gv_delay_find("gamma"));
}

/* The share of draws below the law's own median is a half: 4 standard errors are 0.01. */
static void half_of_all_delays_are_below_the_laws_median(void **state)
{
    (void)state;
    const double shape = 0.6;
    const struct {
        const gv_delay_type *type;
        double median; /* with a mean of 1 */
    } laws[] = {
        {&gv_delay_exponential, log(2.0)},
        {&gv_delay_log_normal, exp(-0.5 * shape * shape)},
        {&gv_delay_weibull, pow(log(2.0), 1.0 / shape) / tgamma(1.0 + 1.0 / shape)},
    };
    for (size_t l = 0; l < sizeof laws / sizeof laws[0]; l++) {
        const gv_delay delay = {.type = laws[l].type, .mean_us = GV_US_PER_HOUR, .shape = shape};
        uint64_t below = 0;
        for (uint64_t i = 0; i < DRAWS; i++) {
            below += (double)draw(&delay, i) < laws[l].median * (double)GV_US_PER_HOUR;
        }
        assert_true(fabs((double)below / DRAWS - 0.5) < 0.01);
    }
}

static void a_weibull_of_shape_one_is_the_exponential(void **state)
{
    (void)state;
    const gv_delay weibull = {.type = &gv_delay_weibull, .mean_us = 1000003, .shape = 1.0};
    const gv_delay exponential = {.type = &gv_delay_exponential, .mean_us = 1000003};
    for (uint64_t i = 0; i < 1000; i++) {
        assert_int_equal(draw(&weibull, i), draw(&exponential, i));
    }
}

static void no_law_and_a_mean_of_zero_are_at_once_and_none_is_endless(void **state)
{
    (void)state;
    const gv_delay zeroed = {0};
    const gv_delay none = {.type = &gv_delay_none, .mean_us = 77};
    const gv_delay instant = {.type = &gv_delay_exponential};
    const gv_delay fixed = {.type = &gv_delay_fixed, .mean_us = 77};
    const gv_delay heavy = {.type = &gv_delay_log_normal, .mean_us = GV_DELAY_MAX_US, .shape = 0.2};
    bool is_cut = false;
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(draw(&zeroed, i), 0);
        assert_int_equal(draw(&none, i), 0);
        assert_int_equal(draw(&instant, i), 0);
        assert_int_equal(draw(&fixed, i), 77);
        assert_true(draw(&heavy, i) <= GV_DELAY_MAX_US);
        is_cut |= draw(&heavy, i) == GV_DELAY_MAX_US;
    }
    assert_true(is_cut);
    assert_false(gv_delay_is_any(&zeroed));
    assert_false(gv_delay_is_any(&none));
    assert_false(gv_delay_is_any(&instant));
    assert_true(gv_delay_is_any(&fixed));
}

static void impossible_laws_are_refused_in_a_sentence(void **state)
{
    (void)state;
    gv_delay delay = {.type = &gv_delay_fixed, .mean_us = -1};
    assert_int_equal(gv_delay_validate(&delay, "exposures"), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "mean delay of exposures is -1 us"));
    delay = (gv_delay){.type = &gv_delay_weibull, .mean_us = 5, .shape = 0.0};
    assert_int_equal(gv_delay_validate(&delay, "conversions"), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "weibull delay of conversions has shape 0"));
    delay.shape = NAN;
    assert_int_equal(gv_delay_validate(&delay, "conversions"), GV_EINVAL);
    delay.type = NULL;
    assert_int_equal(gv_delay_validate(&delay, "conversions"), GV_OK);
}

static void every_parameter_has_its_row(void **state)
{
    (void)state;
    for (size_t t = 0; gv_delay_types[t] != NULL; t++) {
        const gv_type_info *info = &gv_delay_types[t]->info;
        gv_delay delay = {0};
        const gv_param *mean = gv_param_find(info->params, "mean");
        const gv_param *shape = gv_param_find(info->params, "shape");
        assert_int_equal(mean != NULL, gv_delay_types[t]->draw != NULL);
        assert_int_equal(shape != NULL, gv_delay_types[t]->has_shape);
        if (mean != NULL) {
            assert_int_equal(gv_param_parse(mean, "90", 0, &delay), GV_OK);
            assert_int_equal(delay.mean_us, 90 * GV_US_PER_SECOND);
        }
        if (shape != NULL) {
            assert_int_equal(gv_param_parse(shape, "0.7", 0, &delay), GV_OK);
            assert_true(fabs(delay.shape - 0.7) < 1e-15);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_law_is_found_and_has_the_mean_it_is_given),
        cmocka_unit_test(half_of_all_delays_are_below_the_laws_median),
        cmocka_unit_test(a_weibull_of_shape_one_is_the_exponential),
        cmocka_unit_test(no_law_and_a_mean_of_zero_are_at_once_and_none_is_endless),
        cmocka_unit_test(impossible_laws_are_refused_in_a_sentence),
        cmocka_unit_test(every_parameter_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
