/* What is believed of a probability, against its formula and the laws of its draws. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/market/belief.h"

enum { COUNT = 40000 };

static const gv_belief exact = {.scale = 1, .slope = 1, .seed = 7};

/* Every opportunity is predicted p; out: [COUNT]. */
static void believe(const gv_belief *belief, const uint64_t *groups, double p, double *out)
{
    uint64_t *ids = gv_mem_alloc(0, COUNT, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = 3 * i + 11;
        out[i] = p;
    }
    gv_belief_apply(belief, ids, groups, COUNT, out);
    gv_mem_free(ids);
}

static double logit(double p)
{
    return log(p / (1 - p));
}

static void an_exact_one_changes_nothing(void **state)
{
    (void)state;
    assert_true(gv_belief_is_exact(&exact));
    const gv_belief others[] = {{.scale = 2, .slope = 1},
                                {.scale = 1, .slope = 0.5, .mean = 0.1},
                                {.scale = 1, .slope = 1, .noise = 0.1},
                                {.scale = 1, .slope = 1, .cold = 0.1, .mean = 0.1}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(gv_belief_is_exact(&others[i]));
        assert_int_equal(gv_belief_needs_mean(&others[i]), i % 2 == 1);
    }
}

static void certainties_stay(void **state)
{
    (void)state;
    const gv_belief belief = {.scale = 3, .slope = 2, .noise = 1, .cold = 1, .mean = 0.1};
    const uint64_t ids[] = {1, 2};
    double p[] = {0, 1};
    gv_belief_apply(&belief, ids, NULL, 2, p);
    assert_true(p[0] == 0.0);
    assert_true(p[1] == 1.0);
}

static void scale_and_slope_are_the_formula(void **state)
{
    (void)state;
    static double q[COUNT];
    const gv_belief belief = {.scale = 2.5, .slope = 0.7, .mean = 0.02};
    for (size_t i = 0; i < 27; i++) {
        const double p = 0.001 + 0.037 * (double)i;
        believe(&belief, NULL, p, q);
        const double middle = logit(0.02);
        const double wanted = middle + 0.7 * (logit(p) - middle) + log(2.5);
        assert_true(fabs(logit(q[0]) - wanted) < 1e-12 * (1 + fabs(wanted)) / p);
    }
}

/* Mean and variance of the log-odds within five standard errors; so is the mean of small odds. */
static void noise_is_normal_and_keeps_the_mean(void **state)
{
    (void)state;
    static double q[COUNT];
    const double p = 1e-4;
    const double noise = 0.8;
    gv_belief belief = exact;
    belief.noise = noise;
    believe(&belief, NULL, p, q);
    double sum = 0;
    double squares = 0;
    double mean = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const double z = (logit(q[i]) - logit(p) + noise * noise / 2) / noise;
        sum += z / COUNT;
        squares += z * z / COUNT;
        mean += q[i] / COUNT;
    }
    const double error = 1 / sqrt(COUNT);
    const double relative = sqrt(expm1(noise * noise)) * error; /* of a log-normal's mean */
    assert_true(fabs(sum) < 5 * error);
    assert_true(fabs(squares - 1) < 5 * sqrt(2) * error);
    assert_true(fabs(mean / p - 1) < 5 * relative);
}

static void a_share_is_cold(void **state)
{
    (void)state;
    static double q[COUNT];
    gv_belief belief = exact;
    belief.cold = 0.3;
    belief.mean = 0.01;
    believe(&belief, NULL, 0.2, q);
    size_t cold = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(q[i] == 0.01 || fabs(q[i] - 0.2) < 1e-15);
        cold += q[i] == 0.01;
    }
    const double error = sqrt(0.3 * 0.7 * COUNT);
    assert_true(fabs((double)cold - 0.3 * COUNT) < 5 * error);
}

/* A group is cold as a whole or not at all, and the share is one of groups. */
static void groups_are_cold_together(void **state)
{
    (void)state;
    enum { GROUPS = 400 };
    static double q[COUNT];
    static uint64_t groups[COUNT];
    gv_belief belief = exact;
    belief.cold = 0.5;
    belief.mean = 0.01;
    for (size_t i = 0; i < COUNT; i++) {
        groups[i] = i % GROUPS * UINT64_C(0x9E3779B97F4A7C15);
    }
    believe(&belief, groups, 0.2, q);
    size_t cold = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true((q[i] == 0.01) == (q[i % GROUPS] == 0.01));
        cold += i < GROUPS && q[i] == 0.01;
    }
    assert_true(fabs((double)cold - 0.5 * GROUPS) < 5 * sqrt(0.25 * GROUPS));
}

/* A draw belongs to its opportunity, whichever others are asked for with it. */
static void draws_do_not_depend_on_company(void **state)
{
    (void)state;
    gv_belief belief = exact;
    belief.noise = 0.5;
    const uint64_t ids[] = {5, 6, 7};
    double together[] = {0.1, 0.2, 0.3};
    gv_belief_apply(&belief, ids, NULL, 3, together);
    for (size_t i = 0; i < 3; i++) {
        double alone = (double)(i + 1) / 10.0;
        gv_belief_apply(&belief, &ids[i], NULL, 1, &alone);
        assert_true(alone == together[i] || fabs(alone - together[i]) < 1e-15);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_one_changes_nothing),
        cmocka_unit_test(certainties_stay),
        cmocka_unit_test(scale_and_slope_are_the_formula),
        cmocka_unit_test(noise_is_normal_and_keeps_the_mean),
        cmocka_unit_test(a_share_is_cold),
        cmocka_unit_test(groups_are_cold_together),
        cmocka_unit_test(draws_do_not_depend_on_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
