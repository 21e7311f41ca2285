/*
 * Estimators: by hand, properties over every registered type, and theory by enumeration: on tiny
 * problems every log that can be is summed over with its probability.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/estimate/estimator.h"
#include "test_random.h"

enum { ROUNDS = 40, CONFIG_SIZE = 64, CONTEXTS = 2, ACTIONS = 3 };

typedef union settings {
    char bytes[CONFIG_SIZE];
    double align;
} settings;

static settings defaults_of(const gv_estimator_type *type)
{
    settings config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    if (type->info.params != NULL) {
        gv_param_defaults(type->info.params, &config);
    }
    return config;
}

static settings set_to(const gv_estimator_type *type, const char *key, const char *value)
{
    settings config = defaults_of(type);
    const gv_param *param = gv_param_find(type->info.params, key);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, value, 0, &config), GV_OK);
    return config;
}

static double estimate(const gv_estimator_type *type, const settings *config,
                       const gv_evidence *rounds, size_t count)
{
    gv_terms sum = {0};
    for (size_t i = 0; i < count; i++) {
        const gv_terms terms = type->terms(config, &rounds[i]);
        sum.plain += terms.plain;
        sum.corrected += terms.corrected;
        sum.normaliser += terms.normaliser;
    }
    const double plain = sum.plain / (double)count;
    return type->is_self_normalised ? plain + sum.corrected / sum.normaliser : plain;
}

static double draw(test_random *random)
{
    return (double)test_random_below(random, 1 << 30) / (1 << 30);
}

static void draw_rounds(test_random *random, gv_evidence *rounds)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        rounds[i] = (gv_evidence){.weight = 30 * draw(random) * draw(random),
                                  .reward = draw(random) - 0.3,
                                  .logged = draw(random),
                                  .target = draw(random)};
    }
}

static bool near(double left, double right, double error)
{
    return fabs(left - right) <= error * (1 + fabs(left) + fabs(right));
}

/* w 0.5, 2, 20; r 1, 0, 1; q 0.5, 0.25, 0.5; v 0.5, 0.5, 0.2. */
static void three_rounds_by_hand(void **state)
{
    (void)state;
    const gv_evidence rounds[] = {{0.5, 1, 0.5, 0.5}, {2, 0, 0.25, 0.5}, {20, 1, 0.5, 0.2}};
    const struct {
        const char *name;
        double value;
    } expected[] = {
        {"dm", 1.2 / 3},
        {"ips", 20.5 / 3},
        {"snips", 20.5 / 22.5},
        {"clipped_ips", 10.5 / 3},
        {"shrunk_ips", (100 * 0.5 / 100.25 + 2000.0 / 500) / 3},
        {"switch", (1.2 + 0.25 - 0.5) / 3},
        {"dr", (1.2 + 0.25 - 0.5 + 10) / 3},
        {"sndr", 1.2 / 3 + 9.75 / 22.5},
        {"dros", (1.2 + 0.5 * 50 / 100.25 - 0.25 * 200 / 104 + 0.5 * 2000 / 500) / 3},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const gv_estimator_type *type = gv_estimator_find(expected[i].name);
        assert_non_null(type);
        const settings config = defaults_of(type);
        assert_true(near(estimate(type, &config, rounds, 3), expected[i].value, 1e-14));
    }
    assert_null(gv_estimator_find("dr2"));
}

static void every_type_scales_with_rewards(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    gv_evidence rounds[ROUNDS];
    gv_evidence scaled[ROUNDS];
    draw_rounds(&random, rounds);
    for (size_t i = 0; i < ROUNDS; i++) {
        scaled[i] = rounds[i];
        scaled[i].reward *= -7;
        scaled[i].logged *= -7;
        scaled[i].target *= -7;
    }
    for (size_t t = 0; gv_estimator_types[t] != NULL; t++) {
        const settings config = defaults_of(gv_estimator_types[t]);
        const double value = estimate(gv_estimator_types[t], &config, rounds, ROUNDS);
        const double other = estimate(gv_estimator_types[t], &config, scaled, ROUNDS);
        assert_true(near(-7 * value, other, 1e-12));
    }
}

/* A model that knows every reward leaves nothing to be weighted. */
static void every_model_that_is_right_is_believed(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    gv_evidence rounds[ROUNDS];
    draw_rounds(&random, rounds);
    double mean = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        rounds[i].logged = rounds[i].reward;
        mean += rounds[i].target / ROUNDS;
    }
    for (size_t t = 0; gv_estimator_types[t] != NULL; t++) {
        const gv_estimator_type *type = gv_estimator_types[t];
        const settings config = defaults_of(type);
        if (type->needs_model) {
            assert_true(near(estimate(type, &config, rounds, ROUNDS), mean, 1e-12));
        }
    }
}

/* Rewards and model moved by c: self-normalised values move by c, whatever the weights are. */
static void self_normalised_types_move_with_the_rewards(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    gv_evidence rounds[ROUNDS];
    gv_evidence moved[ROUNDS];
    draw_rounds(&random, rounds);
    for (size_t i = 0; i < ROUNDS; i++) {
        moved[i] = rounds[i];
        moved[i].reward += 5;
        moved[i].logged += 5;
        moved[i].target += 5;
    }
    size_t seen = 0;
    for (size_t t = 0; gv_estimator_types[t] != NULL; t++) {
        const gv_estimator_type *type = gv_estimator_types[t];
        const settings config = defaults_of(type);
        const double shift =
            estimate(type, &config, moved, ROUNDS) - estimate(type, &config, rounds, ROUNDS);
        if (type->is_self_normalised) {
            assert_true(near(shift, 5, 1e-12));
            seen++;
        }
        if (strcmp(type->info.name, "ips") == 0) {
            assert_true(fabs(shift - 5) > 0.1); /* and IPS does not */
        }
    }
    assert_true(seen >= 2);
}

static void no_type_weighs_more_than_it_says(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (size_t t = 0; gv_estimator_types[t] != NULL; t++) {
        const gv_estimator_type *type = gv_estimator_types[t];
        const settings config = defaults_of(type);
        for (size_t i = 0; i < 2000; i++) {
            const double most = exp(12 * draw(&random) - 6);
            const gv_evidence evidence = {.weight = most * draw(&random), .reward = 1};
            const gv_terms terms = type->terms(&config, &evidence);
            const double used = terms.plain + terms.corrected;
            assert_true(used >= 0);
            assert_true(used <= type->weight_most(&config, most) * (1 + 1e-12));
        }
    }
}

static void assert_same(const gv_estimator_type *left, settings left_config,
                        const gv_estimator_type *right, double error)
{
    test_random random = test_random_seeded();
    const settings right_config = defaults_of(right);
    gv_evidence rounds[ROUNDS];
    draw_rounds(&random, rounds);
    assert_true(near(estimate(left, &left_config, rounds, ROUNDS),
                     estimate(right, &right_config, rounds, ROUNDS), error));
}

static void types_reduce_to_one_another(void **state)
{
    (void)state;
    const gv_estimator_type *dm = gv_estimator_find("dm");
    const gv_estimator_type *ips = gv_estimator_find("ips");
    const gv_estimator_type *dr = gv_estimator_find("dr");
    const gv_estimator_type *dros = gv_estimator_find("dros");
    const gv_estimator_type *switched = gv_estimator_find("switch");
    const gv_estimator_type *clipped = gv_estimator_find("clipped_ips");
    const gv_estimator_type *shrunk = gv_estimator_find("shrunk_ips");
    assert_same(switched, set_to(switched, "tau", "0"), dm, 0);
    assert_same(switched, set_to(switched, "tau", "1000"), dr, 0);
    assert_same(dros, set_to(dros, "lambda", "1e12"), dr, 1e-8);
    assert_same(dros, set_to(dros, "lambda", "1e-9"), dm, 1e-6);
    assert_same(clipped, set_to(clipped, "most", "1000"), ips, 0);
    assert_same(shrunk, set_to(shrunk, "lambda", "1e12"), ips, 1e-8);
}

/* Without a model DR is IPS, without weights it is DM; likewise the self-normalised. */
static void doubly_robust_becomes_either_half(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    static const char *const pairs[][2] = {{"dr", "ips"}, {"sndr", "snips"}};
    gv_evidence rounds[ROUNDS];
    for (size_t p = 0; p < 2; p++) {
        const gv_estimator_type *robust = gv_estimator_find(pairs[p][0]);
        const gv_estimator_type *weighting = gv_estimator_find(pairs[p][1]);
        const gv_estimator_type *direct = gv_estimator_find("dm");
        const settings none = {{0}};
        draw_rounds(&random, rounds);
        for (size_t i = 0; i < ROUNDS; i++) {
            rounds[i].logged = 0;
            rounds[i].target = 0;
        }
        assert_true(near(estimate(robust, &none, rounds, ROUNDS),
                         estimate(weighting, &none, rounds, ROUNDS), 1e-14));
        draw_rounds(&random, rounds);
        for (size_t i = 0; i < ROUNDS; i++) {
            rounds[i].logged = rounds[i].reward; /* nothing is left of the weights */
        }
        assert_true(near(estimate(robust, &none, rounds, ROUNDS),
                         estimate(direct, &none, rounds, ROUNDS), 1e-14));
    }
}

/* --- enumeration --------------------------------------------------------------------------- */

/* Contexts with their chance; two policies; rewards 0 or 1; a model that is wrong. */
typedef struct problem {
    double context[CONTEXTS];
    double logging[CONTEXTS][ACTIONS];
    double target[CONTEXTS][ACTIONS];
    double reward[CONTEXTS][ACTIONS]; /* chance of 1 */
    double model[CONTEXTS][ACTIONS];
} problem;

static void draw_chances(test_random *random, double *chances, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        chances[i] = 0.05 + draw(random);
        sum += chances[i];
    }
    for (size_t i = 0; i < count; i++) {
        chances[i] /= sum;
    }
}

static problem draw_problem(test_random *random)
{
    problem made;
    draw_chances(random, made.context, CONTEXTS);
    for (size_t x = 0; x < CONTEXTS; x++) {
        draw_chances(random, made.logging[x], ACTIONS);
        draw_chances(random, made.target[x], ACTIONS);
        for (size_t a = 0; a < ACTIONS; a++) {
            made.reward[x][a] = draw(random);
            made.model[x][a] = draw(random);
        }
    }
    return made;
}

static double model_value(const problem *of, size_t x)
{
    double value = 0;
    for (size_t a = 0; a < ACTIONS; a++) {
        value += of->target[x][a] * of->model[x][a];
    }
    return value;
}

static double true_value(const problem *of, size_t x)
{
    double value = 0;
    for (size_t a = 0; a < ACTIONS; a++) {
        value += of->target[x][a] * of->reward[x][a];
    }
    return value;
}

typedef struct moments {
    double mean;
    double variance;
} moments;

/* Of one round's `plain`, over all rounds that can be. */
static moments enumerate(const problem *of, const gv_estimator_type *type, const settings *config)
{
    double mean = 0;
    double square = 0;
    for (size_t x = 0; x < CONTEXTS; x++) {
        for (size_t a = 0; a < ACTIONS; a++) {
            for (int reward = 0; reward < 2; reward++) {
                const double chance = of->context[x] * of->logging[x][a] *
                                      (reward ? of->reward[x][a] : 1 - of->reward[x][a]);
                const gv_evidence evidence = {.weight = of->target[x][a] / of->logging[x][a],
                                              .reward = reward,
                                              .logged = of->model[x][a],
                                              .target = model_value(of, x)};
                const double plain = type->terms(config, &evidence).plain;
                mean += chance * plain;
                square += chance * plain * plain;
            }
        }
    }
    return (moments){mean, square - mean * mean};
}

static double value_of(const problem *of)
{
    double value = 0;
    for (size_t x = 0; x < CONTEXTS; x++) {
        value += of->context[x] * true_value(of, x);
    }
    return value;
}

/* Those that say so are; of the others that are not self-normalised none is. */
static void unbiased_types_are_unbiased(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    size_t seen = 0;
    for (size_t trial = 0; trial < 50; trial++) {
        const problem made = draw_problem(&random);
        for (size_t t = 0; gv_estimator_types[t] != NULL; t++) {
            const gv_estimator_type *type = gv_estimator_types[t];
            settings config = defaults_of(type);
            if (strcmp(type->info.name, "clipped_ips") == 0) {
                config = set_to(type, "most", "0.5");
            } else if (strcmp(type->info.name, "switch") == 0) {
                config = set_to(type, "tau", "0.5");
            }
            const double bias = enumerate(&made, type, &config).mean - value_of(&made);
            if (type->is_unbiased) {
                assert_true(fabs(bias) < 1e-14);
                seen++;
            } else if (!type->is_self_normalised) {
                assert_true(fabs(bias) > 1e-9);
            }
        }
    }
    assert_int_equal(seen, 100);
}

/*
 * Dudik, Erhan, Langford and Li, Statistical Science 29, 2014, theorem 2 with true propensities:
 * variance of a round = E w^2 Var r + Var_x V(x) + E_x Var_a w (q - mean r); IPS has q = 0.
 */
static moments theory(const problem *of, bool has_model)
{
    double noise = 0;
    double model = 0;
    double square = 0;
    for (size_t x = 0; x < CONTEXTS; x++) {
        double first = 0;
        double second = 0;
        for (size_t a = 0; a < ACTIONS; a++) {
            const double w = of->target[x][a] / of->logging[x][a];
            const double miss = w * ((has_model ? of->model[x][a] : 0) - of->reward[x][a]);
            const double spread = of->reward[x][a] * (1 - of->reward[x][a]);
            noise += of->context[x] * of->logging[x][a] * w * w * spread;
            first += of->logging[x][a] * miss;
            second += of->logging[x][a] * miss * miss;
        }
        model += of->context[x] * (second - first * first);
        square += of->context[x] * true_value(of, x) * true_value(of, x);
    }
    const double value = value_of(of);
    return (moments){value, noise + model + square - value * value};
}

static void variances_are_those_of_the_formulas(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    const gv_estimator_type *ips = gv_estimator_find("ips");
    const gv_estimator_type *dr = gv_estimator_find("dr");
    const settings none = {{0}};
    for (size_t trial = 0; trial < 50; trial++) {
        const problem made = draw_problem(&random);
        assert_true(
            near(enumerate(&made, ips, &none).variance, theory(&made, false).variance, 1e-12));
        assert_true(
            near(enumerate(&made, dr, &none).variance, theory(&made, true).variance, 1e-12));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_rounds_by_hand),
        cmocka_unit_test(every_type_scales_with_rewards),
        cmocka_unit_test(every_model_that_is_right_is_believed),
        cmocka_unit_test(self_normalised_types_move_with_the_rewards),
        cmocka_unit_test(no_type_weighs_more_than_it_says),
        cmocka_unit_test(types_reduce_to_one_another),
        cmocka_unit_test(doubly_robust_becomes_either_half),
        cmocka_unit_test(unbiased_types_are_unbiased),
        cmocka_unit_test(variances_are_those_of_the_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
