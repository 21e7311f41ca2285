/*
 * Whole evaluations of logs drawn from a known problem: against a slow reference, the overlap by
 * hand, models against closed forms, and intervals against each other and the truth.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/evaluation.h"

enum { ACTIONS = 4, CONTEXTS = 3, COUNT = 6000 };

/* Chances in each context; they add up to 1. */
static const double logging[CONTEXTS][ACTIONS] = {{0.4, 0.3, 0.2, 0.1},
                                                  {0.25, 0.25, 0.25, 0.25},
                                                  {0.1, 0.1, 0.2, 0.6}};
static const double judged[CONTEXTS][ACTIONS] = {{0.1, 0.2, 0.3, 0.4},
                                                 {0.7, 0.1, 0.1, 0.1},
                                                 {0.4, 0.2, 0.2, 0.2}};
static const double earning[CONTEXTS][ACTIONS] = {{0.1, 0.3, 0.2, 0.4},
                                                  {0.5, 0.2, 0.1, 0.3},
                                                  {0.2, 0.6, 0.1, 0.3}};

typedef struct log_of_rounds {
    uint32_t actions[COUNT];
    uint32_t contexts[COUNT];
    uint32_t clusters[COUNT];
    double rewards[COUNT];
    double propensities[COUNT];
    gv_rounds rounds;
    gv_target target;
} log_of_rounds;

static size_t pick(const double *chances, double uniform)
{
    size_t a = 0;
    for (; a + 1 < ACTIONS && uniform >= chances[a]; a++) {
        uniform -= chances[a];
    }
    return a;
}

static log_of_rounds *draw_log(uint64_t seed, size_t count, size_t cluster_size)
{
    log_of_rounds *log = calloc(1, sizeof *log);
    assert_non_null(log);
    for (size_t i = 0; i < count; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const size_t x = (size_t)gv_random_below(&random, 0, CONTEXTS);
        const size_t a = pick(logging[x], gv_random_uniform(&random, 1));
        log->contexts[i] = (uint32_t)x;
        log->actions[i] = (uint32_t)a;
        log->propensities[i] = logging[x][a];
        log->rewards[i] = gv_random_bernoulli(&random, 2, earning[x][a]) ? 1 : 0;
        log->clusters[i] = (uint32_t)(i / cluster_size);
    }
    log->rounds = (gv_rounds){.count = count,
                              .action_count = ACTIONS,
                              .actions = log->actions,
                              .rewards = log->rewards,
                              .propensities = log->propensities,
                              .clusters = log->clusters,
                              .cluster_count = (count + cluster_size - 1) / cluster_size,
                              .contexts = {log->contexts},
                              .level_counts = {CONTEXTS},
                              .context_count = 1};
    log->target = (gv_target){.table = &judged[0][0], .row_count = CONTEXTS, .rows = log->contexts};
    return log;
}

static double truth(void)
{
    double value = 0;
    for (size_t x = 0; x < CONTEXTS; x++) {
        for (size_t a = 0; a < ACTIONS; a++) {
            value += judged[x][a] * earning[x][a] / CONTEXTS;
        }
    }
    return value;
}

static const double penalty = 1;
static const double ten = 10;
static const void *const configs[] = {NULL, NULL, NULL, &ten, &ten, &ten, NULL, NULL, &ten};

static gv_evaluation_config config_of(const log_of_rounds *log)
{
    return (gv_evaluation_config){
        .rounds = &log->rounds,
        .target = &log->target,
        .types = gv_estimator_types,
        .type_configs = configs,
        .type_count = sizeof configs / sizeof configs[0],
        .fit = {.model = &gv_value_logistic, .model_config = &penalty, .fold_count = 3, .seed = 1},
        .bootstrap = {.replicates = 1000, .seed = 1},
        .level = 0.95,
        .cluster_max = 1000,
        .weight_most = (double)NAN,
        .reward_low = (double)NAN,
        .reward_high = (double)NAN,
    };
}

static const gv_estimate *find(const gv_evaluation *evaluation, const char *name)
{
    size_t e = 0;
    while (e + 1 < evaluation->type_count &&
           strcmp(evaluation->estimates[e].type->info.name, name) != 0) {
        e++;
    }
    assert_string_equal(evaluation->estimates[e].type->info.name, name);
    return &evaluation->estimates[e];
}

/* --- estimates ----------------------------------------------------------------------------- */

/* What each type says of the rounds, added up plainly from gv_cross_fit()'s values. */
static double slow(const log_of_rounds *log, const gv_evaluation_config *config, size_t e,
                   const double *q, const double *v)
{
    const gv_estimator_type *type = config->types[e];
    gv_terms sum = {0};
    for (size_t i = 0; i < log->rounds.count; i++) {
        const double w =
            judged[log->contexts[i]][log->actions[i]] / logging[log->contexts[i]][log->actions[i]];
        const gv_evidence evidence = {w, log->rewards[i], q[i], v[i]};
        const gv_terms terms = type->terms(config->type_configs[e], &evidence);
        sum.plain += terms.plain;
        sum.corrected += terms.corrected;
        sum.normaliser += terms.normaliser;
    }
    return sum.plain / (double)log->rounds.count +
           (type->is_self_normalised ? sum.corrected / sum.normaliser : 0);
}

static void every_estimate_is_the_slow_one(void **state)
{
    (void)state;
    static double q[COUNT];
    static double v[COUNT];
    log_of_rounds *log = draw_log(1, COUNT, 3);
    const gv_evaluation_config config = config_of(log);
    const gv_values values = {.logged = q, .target = v};
    static gv_evaluation result;
    assert_int_equal(gv_evaluate(&config, &result), GV_OK);
    assert_int_equal(gv_cross_fit(&config.fit, &log->rounds, &log->target, &values), GV_OK);
    assert_int_equal(result.group_count, 1000);
    static gv_evaluation handed;
    gv_evaluation_config other = config;
    other.given = &values;
    assert_int_equal(gv_evaluate(&other, &handed), GV_OK);
    for (size_t e = 0; e < config.type_count; e++) {
        const gv_interval *interval = &result.estimates[e].intervals[GV_REACH_BCA];
        assert_true(fabs(interval->estimate - slow(log, &config, e, q, v)) < 1e-12);
        assert_true(interval->low < interval->estimate && interval->estimate < interval->high);
        assert_true(interval->low == handed.estimates[e].intervals[GV_REACH_BCA].low);
    }
    free(log);
}

/* Within 4 standard errors, but for those that are biased by design: the model, the cut ones. */
static void estimates_are_near_the_truth(void **state)
{
    (void)state;
    static const char *const names[] = {"ips", "snips", "dr", "sndr"};
    log_of_rounds *log = draw_log(2, COUNT, 1);
    const gv_evaluation_config config = config_of(log);
    static gv_evaluation result;
    assert_int_equal(gv_evaluate(&config, &result), GV_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const gv_estimate *estimate = find(&result, names[i]);
        const double off = estimate->intervals[GV_REACH_BCA].estimate - truth();
        assert_true(fabs(off) < 4 * estimate->error);
    }
    assert_true(find(&result, "dr")->error < find(&result, "ips")->error);
    assert_false(result.is_thin);
    assert_int_equal(gv_evaluation_verdict(&result, find(&result, "dr")), GV_VERDICT_BETTER);
    free(log);
}

/* The influence function's standard error is the bootstrap's: Student's and percentiles agree. */
static void intervals_agree_where_they_should(void **state)
{
    (void)state;
    log_of_rounds *log = draw_log(3, COUNT, 2);
    const gv_evaluation_config config = config_of(log);
    static gv_evaluation result;
    assert_int_equal(gv_evaluate(&config, &result), GV_OK);
    for (size_t e = 0; e < config.type_count; e++) {
        const gv_estimate *estimate = &result.estimates[e];
        const gv_interval *student = &estimate->intervals[GV_REACH_STUDENT];
        const gv_interval *drawn = &estimate->intervals[GV_REACH_PERCENTILE];
        const double ratio = (drawn->high - drawn->low) / (student->high - student->low);
        assert_true(ratio > 0.85 && ratio < 1.15);
        const gv_interval *limit = &estimate->intervals[GV_REACH_ASYMPTOTIC];
        assert_true(limit->low < student->low && limit->high > student->high);
        if (!estimate->type->is_self_normalised && estimate->type->needs_model == false) {
            const gv_interval *bernstein = &estimate->intervals[GV_REACH_BERNSTEIN];
            assert_int_equal(bernstein->state, GV_INTERVAL_GIVEN);
            assert_true(bernstein->low < student->low && bernstein->high > student->high);
        }
    }
    assert_int_equal(find(&result, "snips")->intervals[GV_REACH_SEQUENCE].state,
                     GV_INTERVAL_TOO_FEW);
    free(log);
}

/* 95 % of 300 logs, 4 standard errors of that many; rounds in clusters that share their reward. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state)
{
    (void)state;
    enum { LOGS = 300, ROUNDS = 1200, TOGETHER = 4 };
    size_t held[GV_REACHES] = {0};
    size_t alone = 0;
    static gv_evaluation result;
    for (uint64_t seed = 0; seed < LOGS; seed++) {
        log_of_rounds *log = draw_log(100 + seed, ROUNDS, TOGETHER);
        for (size_t i = 0; i < ROUNDS; i++) {
            const size_t first = i - i % TOGETHER; /* the same round four times */
            log->actions[i] = log->actions[first];
            log->contexts[i] = log->contexts[first];
            log->propensities[i] = log->propensities[first];
            log->rewards[i] = log->rewards[first];
        }
        gv_evaluation_config config = config_of(log);
        config.types = (const gv_estimator_type *const[]){gv_estimator_find("dr")};
        config.type_count = 1;
        config.bootstrap.replicates = 400;
        assert_int_equal(gv_evaluate(&config, &result), GV_OK);
        for (int reach = 0; reach < GV_REACHES; reach++) {
            const gv_interval *interval = &result.estimates[0].intervals[reach];
            held[reach] += interval->low <= truth() && interval->high >= truth() ? 1 : 0;
        }
        log->rounds.clusters = NULL; /* as if they were independent */
        log->rounds.cluster_count = ROUNDS;
        config.cluster_max = ROUNDS;
        assert_int_equal(gv_evaluate(&config, &result), GV_OK);
        const gv_interval *interval = &result.estimates[0].intervals[GV_REACH_STUDENT];
        alone += interval->low <= truth() && interval->high >= truth() ? 1 : 0;
        free(log);
    }
    const double error = 4 * sqrt(0.95 * 0.05 / LOGS);
    for (int reach = 0; reach < GV_REACHES; reach++) {
        const double share = (double)held[reach] / LOGS;
        print_message("%s %.3f\n", gv_reach_name((gv_reach)reach), share);
        if (reach != GV_REACH_BERNSTEIN && reach != GV_REACH_SEQUENCE) {
            assert_true(share > 0.95 - error);
        }
    }
    assert_true((double)held[GV_REACH_STUDENT] / LOGS < 0.95 + error);
    assert_true((double)alone / LOGS < 0.85); /* clusters matter, and this test can see it */
}

/* --- models -------------------------------------------------------------------------------- */

/* Without a context and with next to no penalty an action's value is its mean reward elsewhere. */
static void a_saturated_model_gives_means(void **state)
{
    (void)state;
    static const double little = 1e-6;
    static double q[COUNT * ACTIONS];
    const gv_value_model_type *const types[] = {&gv_value_ridge, &gv_value_logistic};
    log_of_rounds *log = draw_log(4, COUNT, COUNT / 4);
    log->rounds.context_count = 0;
    for (size_t t = 0; t < 2; t++) {
        const gv_cross_fit_config config = {
            .model = types[t], .model_config = &little, .fold_count = 2, .seed = 5};
        const gv_values values = {.all = q};
        assert_int_equal(gv_cross_fit(&config, &log->rounds, &log->target, &values), GV_OK);
        double counts[2][ACTIONS] = {{0}};
        double sums[2][ACTIONS] = {{0}};
        uint8_t fold[4];
        for (uint64_t c = 0; c < 4; c++) {
            const gv_random random = gv_random_key(5, GV_STREAM_EVALUATE, c);
            fold[c] = (uint8_t)gv_random_below(&random, 0, 2);
        }
        for (size_t i = 0; i < COUNT; i++) {
            counts[fold[log->clusters[i]]][log->actions[i]] += 1;
            sums[fold[log->clusters[i]]][log->actions[i]] += log->rewards[i];
        }
        for (size_t i = 0; i < COUNT; i++) {
            const size_t other = 1 - fold[log->clusters[i]];
            for (size_t a = 0; a < ACTIONS && counts[other][a] > 0; a++) {
                assert_true(fabs(q[i * ACTIONS + a] - sums[other][a] / counts[other][a]) < 1e-5);
            }
        }
    }
    free(log);
}

static void a_round_is_not_in_its_own_value(void **state)
{
    (void)state;
    static double before[COUNT];
    static double after[COUNT];
    log_of_rounds *log = draw_log(5, 500, 5);
    const gv_cross_fit_config config = {
        .model = &gv_value_logistic, .model_config = &penalty, .fold_count = 3, .seed = 1};
    const gv_values first = {.logged = before};
    const gv_values second = {.logged = after};
    assert_int_equal(gv_cross_fit(&config, &log->rounds, &log->target, &first), GV_OK);
    log->rewards[17] = 1 - log->rewards[17];
    assert_int_equal(gv_cross_fit(&config, &log->rounds, &log->target, &second), GV_OK);
    size_t moved = 0;
    for (size_t i = 0; i < 500; i++) {
        moved += before[i] != after[i] ? 1 : 0;
        if (log->clusters[i] == log->clusters[17]) {
            assert_true(before[i] == after[i]); /* nor in its cluster's */
        }
    }
    assert_true(moved > 200);
    free(log);
}

static double logistic_loss(const log_of_rounds *log, const double *q)
{
    double loss = 0;
    for (size_t i = 0; i < log->rounds.count; i++) {
        const double p = q[i];
        loss -= log->rewards[i] > 0 ? log1p(p - 1) : log1p(-p);
    }
    return loss;
}

static void a_penalty_shrinks_and_fits_less_well(void **state)
{
    (void)state;
    static double q[COUNT];
    static const double penalties[] = {1e-3, 10, 1e6};
    log_of_rounds *log = draw_log(6, COUNT, 1);
    double last = 0;
    for (size_t k = 0; k < 3; k++) {
        const gv_cross_fit_config config = {
            .model = &gv_value_logistic, .model_config = &penalties[k], .fold_count = 2, .seed = 1};
        const gv_values values = {.logged = q};
        assert_int_equal(gv_cross_fit(&config, &log->rounds, &log->target, &values), GV_OK);
        double least = 1;
        double most = 0;
        for (size_t i = 0; i < COUNT; i++) {
            least = fmin(least, q[i]);
            most = fmax(most, q[i]);
        }
        assert_true(k == 0 || most - least < last);
        last = most - least;
        assert_true(logistic_loss(log, q) < COUNT * 0.7);
    }
    assert_true(last < 0.02); /* two folds' means */
    free(log);
}

/* --- overlap ------------------------------------------------------------------------------- */

static void overlap_by_hand(void **state)
{
    (void)state;
    static const uint32_t actions[] = {0, 0, 1, 0};
    static const double rewards[] = {1, 0, 1, 0};
    static const double propensities[] = {0.5, 0.5, 0.25, 1};
    static const double table[] = {0.5, 0.25, 0.25};
    const gv_rounds rounds = {.count = 4,
                              .action_count = 3,
                              .actions = actions,
                              .rewards = rewards,
                              .propensities = propensities,
                              .cluster_count = 4};
    const gv_target target = {.table = table, .row_count = 1};
    static const double weights[] = {1, 1, 1, 0.5};
    gv_overlap overlap;
    assert_int_equal(gv_overlap_of(&rounds, &target, weights, &overlap), GV_OK);
    assert_true(fabs(overlap.effective - 3.5 * 3.5 / 3.25) < 1e-14);
    assert_true(fabs(overlap.earning - overlap.effective / 2) < 1e-14);
    assert_true(fabs(overlap.largest - 1 / 3.5) < 1e-14);
    assert_true(fabs(overlap.mean_weight - 0.875) < 1e-14);
    assert_true(overlap.unsupported == 0.25); /* action 2 was never taken */
    assert_true(isnan(overlap.pareto_k));
    char text[192];
    assert_non_null(gv_overlap_complaint(&overlap, text, sizeof text));
    assert_non_null(strstr(text, "25.0 % of its chances"));
}

/* (u^-k - 1) / k has shape k; its largest values, too. Within 0.12 at 40,000 values. */
static void pareto_shapes_are_found(void **state)
{
    (void)state;
    enum { VALUES = 40000 };
    static double values[VALUES];
    static const double shapes[] = {0.2, 0.5, 0.9};
    for (size_t s = 0; s < 3; s++) {
        const gv_random random = gv_random_key(7, GV_STREAM_TEST, s);
        for (size_t i = 0; i < VALUES; i++) {
            const double u = 1 - gv_random_uniform(&random, i);
            values[i] = 10 * (pow(u, -shapes[s]) - 1) / shapes[s];
        }
        assert_true(fabs(gv_pareto_shape(values, VALUES) - shapes[s]) < 0.12);
    }
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = (double)(i % 3);
    }
    assert_true(isnan(gv_pareto_shape(values, VALUES))); /* ties */
    assert_true(isnan(gv_pareto_shape(values, 10)));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    log_of_rounds *log = draw_log(8, 200, 2);
    const gv_evaluation_config config = config_of(log);
    static gv_evaluation result;
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status != GV_OK && count < 100; count++) {
        gv_mem_fail_after(count);
        status = gv_evaluate(&config, &result);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 15);
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_estimate_is_the_slow_one),
        cmocka_unit_test(estimates_are_near_the_truth),
        cmocka_unit_test(intervals_agree_where_they_should),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
        cmocka_unit_test(a_saturated_model_gives_means),
        cmocka_unit_test(a_round_is_not_in_its_own_value),
        cmocka_unit_test(a_penalty_shrinks_and_fits_less_well),
        cmocka_unit_test(overlap_by_hand),
        cmocka_unit_test(pareto_shapes_are_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
