/* Recalibration against what is known: laws that were bent, sums, and a slow isotonic reference. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/predict/recalibration.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { ROWS = 20000, FEW = 60 };

typedef struct made {
    float p[ROWS];
    float labels[ROWS];
    double weights[ROWS];
    gv_recalibration_data data;
} made;

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

/* Clicks by sigmoid(slope z + offset), of which a predictor says sigmoid(z). */
static void make(made *m, size_t count, double slope, double offset)
{
    for (size_t i = 0; i < count; i++) {
        const gv_random random = gv_random_key(3, GV_STREAM_TEST, i);
        const double z = 1.5 * gv_random_normal(&random, 0) - 1;
        m->p[i] = (float)sigmoid(z);
        m->labels[i] = gv_random_bernoulli(&random, 1, sigmoid(slope * z + offset)) ? 1 : 0;
        m->weights[i] = 1 + (double)gv_random_below(&random, 2, 3);
    }
    m->data = (gv_recalibration_data){.p = m->p,
                                      .labels = m->labels,
                                      .weights = m->weights,
                                      .count = count,
                                      .event = "were clicked"};
}

/* Of the weighted log loss by slope and offset: 0 at the maximum of the likelihood. */
static void gradients_of(const made *m, const gv_recalibration *map, double *by_slope,
                         double *by_offset)
{
    *by_slope = 0;
    *by_offset = 0;
    for (size_t i = 0; i < m->data.count; i++) {
        const double z = log((double)m->p[i] / (1 - (double)m->p[i]));
        const double error = sigmoid(map->slope * z + map->offset) - (double)m->labels[i];
        *by_slope += m->weights[i] * error * z;
        *by_offset += m->weights[i] * error;
    }
}

static void platt_finds_the_line_that_was_bent(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    make(&m, ROWS, 0.6, -0.8);
    assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_OK);
    printf("slope %.3f, offset %.3f\n", map.slope, map.offset);
    assert_true(fabs(map.slope - 0.6) < 0.05); /* some three standard errors */
    assert_true(fabs(map.offset + 0.8) < 0.07);
    double by_offset = 0;
    double by_slope = 0;
    gradients_of(&m, &map, &by_slope, &by_offset);
    assert_true(fabs(by_offset) < 1e-3);
    assert_true(fabs(by_slope) < 1e-3);
}

static void a_shift_makes_the_mean_the_rate(void **state)
{
    (void)state;
    static made m;
    double shift = 0;
    double expected = 0;
    double clicks = 0;
    make(&m, ROWS, 1, 2);
    assert_int_equal(gv_recalibration_fit_shift(&m.data, &shift), GV_OK);
    assert_true(fabs(shift - 2) < 0.1);
    const gv_recalibration map = {.shift = shift};
    gv_recalibration_apply(&map, m.p, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        expected += m.weights[i] * (double)m.p[i];
        clicks += m.weights[i] * (double)m.labels[i];
    }
    assert_true(fabs(expected / clicks - 1) < 1e-6);
}

/*
 * Of a sample that keeps a tenth of what was not clicked, odds are tenfold; a shift by log 0.1
 * gives the population's back exactly.
 */
static void the_shift_of_a_sample_is_the_log_of_its_rate(void **state)
{
    (void)state;
    const gv_recalibration map = {.shift = log(0.1)};
    for (int k = 1; k < 100; k++) {
        const double p = k / 100.0;
        const double sampled = p / (p + 0.1 * (1 - p));
        float shifted = (float)sampled;
        gv_recalibration_apply(&map, &shifted, 1);
        assert_true(fabs((double)shifted - p) < 1e-6);
    }
}

/* The largest over starts of the least over ends of the mean of what lies between. */
static double isotonic_at(const made *m, const size_t *order, size_t count, size_t place)
{
    double best = 0;
    for (size_t s = 0; s <= place; s++) {
        double least = 1;
        for (size_t t = place; t < count; t++) {
            double clicks = 0;
            double weight = 0;
            for (size_t i = s; i <= t; i++) {
                clicks += m->weights[order[i]] * (double)m->labels[order[i]];
                weight += m->weights[order[i]];
            }
            least = fmin(least, clicks / weight);
        }
        best = fmax(best, least);
    }
    return best;
}

/* The min-max formula of isotonic regression, on predictions that all differ. */
static void isotonic_is_the_min_max_formula(void **state)
{
    (void)state;
    static made m;
    size_t order[FEW];
    gv_recalibration map = {.shift = 0};
    double total = 0;
    make(&m, FEW, 1, 1);
    for (size_t i = 0; i < FEW; i++) {
        size_t place = i;
        for (; place > 0 && m.p[order[place - 1]] > m.p[i]; place--) {
            order[place] = order[place - 1];
        }
        order[place] = i;
        total += m.weights[i];
    }
    assert_int_equal(gv_recalibration_fit_isotonic(&m.data, &map), GV_OK);
    assert_true(map.knot_count > 4);
    for (size_t i = 0; i < FEW; i++) {
        float p = m.p[order[i]];
        const double rate = isotonic_at(&m, order, FEW, i);
        const double held = fmin(fmax(rate, 0.5 / total), 1 - 0.5 / total);
        gv_recalibration_apply(&map, &p, 1);
        assert_true(fabs((double)p - held) < 1e-6);
    }
    gv_recalibration_fini(&map);
}

/*
 * One prediction said of many is one step, at the rate of all of them, whichever of them comes
 * first: here the later prediction's begin with what was not clicked.
 */
static void what_is_tied_is_one_step(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    static const float labels[] = {1, 0, 0, 0, 0, 1, 1, 1}; /* rates 1/4 and 3/4 */
    make(&m, 8, 1, 0);
    for (size_t i = 0; i < 8; i++) {
        m.p[i] = i < 4 ? 0.25F : 0.5F;
        m.labels[i] = labels[i];
        m.weights[i] = 1;
    }
    assert_int_equal(gv_recalibration_fit_isotonic(&m.data, &map), GV_OK);
    assert_int_equal(map.knot_count, 2);
    assert_true(map.values[0] == 0.25 && map.values[1] == 0.75);
    gv_recalibration_fini(&map);
}

static void isotonic_never_falls_and_pools_ties(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    make(&m, 3000, 1, 0);
    for (size_t i = 0; i < 3000; i++) {
        m.p[i] = roundf(m.p[i] * 20) / 20;
    }
    assert_int_equal(gv_recalibration_fit_isotonic(&m.data, &map), GV_OK);
    assert_true(map.knot_count <= 21);
    float before = 0;
    for (int k = 0; k <= 1000; k++) {
        float p = (float)k / 1000;
        gv_recalibration_apply(&map, &p, 1);
        assert_true(p >= before);
        assert_true(p > 0 && p < 1);
        before = p;
    }
    gv_recalibration_fini(&map);
}

static void one_class_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    double shift = 0;
    make(&m, 100, 1, 0);
    for (int label = 0; label < 2; label++) {
        for (size_t i = 0; i < 100; i++) {
            m.labels[i] = (float)label;
        }
        const char *phrase = label == 0 ? "none of the 100 examples" : "all of the 100 examples";
        assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), phrase));
        assert_int_equal(gv_recalibration_fit_isotonic(&m.data, &map), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "examples to calibrate on were clicked"));
        assert_int_equal(gv_recalibration_fit_shift(&m.data, &shift), GV_EINVAL);
    }
}

static void predictions_that_fall_are_not_turned_round(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    make(&m, 2000, -1, 0);
    assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "would turn them round"));
}

/* One click of thirty, at the given place by p; the last `ties` places have one p. */
static void make_one_click(made *m, size_t place, size_t ties)
{
    enum { COUNT = 30 };
    make(m, COUNT, 1, 0);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t level = i + ties > COUNT ? COUNT - ties : i;
        m->p[i] = 0.01F + 0.002F * (float)level;
        m->labels[i] = i == place ? 1 : 0;
        m->weights[i] = 1;
    }
}

/* The likelihood has a maximum unless the scores part the labels, a tie at the border included. */
static void separated_labels_have_no_line(void **state)
{
    (void)state;
    static made m;
    gv_recalibration map = {.shift = 0};
    double by_slope = 0;
    double by_offset = 0;
    for (size_t ties = 0; ties < 3; ties++) {
        make_one_click(&m, 29, ties);
        assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_EINVAL);
        assert_non_null(strstr(gv_status_detail(), "the 1 of 30 examples that were clicked have"));
        assert_int_equal(map.kind, GV_RECALIBRATE_NONE);
    }
    make_one_click(&m, 28, 0);
    assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_OK);
    gradients_of(&m, &map, &by_slope, &by_offset);
    assert_true(fabs(by_slope) < 1e-4 && fabs(by_offset) < 1e-4);
    assert_true(map.slope > 1 && map.slope < 100);
    make_one_click(&m, 0, 0);
    assert_int_equal(gv_recalibration_fit_platt(&m.data, &map), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "would turn them round"));
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    static made m;
    gv_status status = GV_ENOMEM;
    make(&m, 200, 1, 0);
    for (int n = 0; status != GV_OK; n++) {
        gv_recalibration map = {.shift = 0};
        gv_mem_fail_after(n);
        status = gv_recalibration_fit_isotonic(&m.data, &map);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 10);
        gv_recalibration_fini(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platt_finds_the_line_that_was_bent),
        cmocka_unit_test(a_shift_makes_the_mean_the_rate),
        cmocka_unit_test(the_shift_of_a_sample_is_the_log_of_its_rate),
        cmocka_unit_test(isotonic_is_the_min_max_formula),
        cmocka_unit_test(what_is_tied_is_one_step),
        cmocka_unit_test(isotonic_never_falls_and_pools_ties),
        cmocka_unit_test(one_class_is_refused_with_a_sentence),
        cmocka_unit_test(predictions_that_fall_are_not_turned_round),
        cmocka_unit_test(separated_labels_have_no_line),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
