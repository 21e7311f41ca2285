/*
 * Estimators of episodes on a small Markov decision process whose every episode can be enumerated:
 * unbiasedness exactly, one-step episodes against the bandit's estimators, and fitted Q evaluation
 * against dynamic programming.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/episodes.h"
#include "sim/estimate/estimator.h"

enum { STATES = 2, ACTIONS = 2, HORIZON = 3, COUNT = 4000 };

#define DISCOUNT 0.9

/* By state and action; rewards and chances are additive, and so is every step's Q. */
static const double logging[STATES][ACTIONS] = {{0.7, 0.3}, {0.4, 0.6}};
static const double judged[STATES][ACTIONS] = {{0.2, 0.8}, {0.5, 0.5}};
static const double rewards[STATES][ACTIONS] = {{0.5, 1.25}, {1.5, 2.25}};
static const double to_one[STATES][ACTIONS] = {{0.1, 0.4}, {0.4, 0.7}}; /* chance of state 1 */

typedef struct episode_log {
    uint32_t actions[HORIZON * COUNT];
    uint32_t states[HORIZON * COUNT];
    uint32_t steps[HORIZON * COUNT];
    double rewards[HORIZON * COUNT];
    double propensities[HORIZON * COUNT];
    gv_episodes episodes;
} episode_log;

static episode_log *make_log(size_t count, size_t horizon)
{
    episode_log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    log->episodes = (gv_episodes){
        .count = count,
        .horizon = horizon,
        .discount = DISCOUNT,
        .steps = {.count = count * horizon,
                  .action_count = ACTIONS,
                  .actions = log->actions,
                  .rewards = log->rewards,
                  .propensities = log->propensities,
                  .contexts = {log->states},
                  .level_counts = {STATES},
                  .context_count = 1},
        .target = {.table = &judged[0][0], .row_count = STATES, .rows = log->states},
        .cluster_count = count,
    };
    return log;
}

static void put(episode_log *log, size_t round, size_t state, size_t action)
{
    log->states[round] = (uint32_t)state;
    log->actions[round] = (uint32_t)action;
    log->rewards[round] = rewards[state][action];
    log->propensities[round] = logging[state][action];
}

/* Value of a policy from state 0 or 1, by dynamic programming; out: [STATES]. */
static void solve(size_t steps, double *out)
{
    double next[STATES] = {0, 0};
    while (steps-- > 0) {
        for (size_t s = 0; s < STATES; s++) {
            out[s] = 0;
            for (size_t a = 0; a < ACTIONS; a++) {
                const double later = to_one[s][a] * next[1] + (1 - to_one[s][a]) * next[0];
                out[s] += judged[s][a] * (rewards[s][a] + DISCOUNT * later);
            }
        }
        memcpy(next, out, sizeof next);
    }
}

static double truth(void)
{
    double values[STATES];
    solve(HORIZON, values);
    return 0.5 * (values[0] + values[1]);
}

/* All (2 x 2)^3 episodes with their chance, a model that is arbitrary: means are exact. */
static void unbiased_types_are_unbiased(void **state)
{
    (void)state;
    double q[HORIZON];
    double v[HORIZON];
    double model[HORIZON][STATES][ACTIONS];
    const gv_random random = gv_random_key(1, GV_STREAM_TEST, 0);
    for (size_t i = 0; i < (size_t)HORIZON * STATES * ACTIONS; i++) {
        model[i / 4][i / 2 % 2][i % 2] = 3 * gv_random_uniform(&random, i) - 1;
    }
    double means[GV_EPISODE_TYPES_MAX] = {0};
    double total = 0;
    for (unsigned code = 0; code < 64; code++) {
        episode_log *log = make_log(1, HORIZON);
        double chance = 0.5;
        for (size_t t = 0; t < HORIZON; t++) {
            const size_t s = code >> (2 * t) & 1;
            const size_t a = code >> (2 * t + 1) & 1;
            if (t > 0) {
                const double one = to_one[log->states[t - 1]][log->actions[t - 1]];
                chance *= s == 1 ? one : 1 - one;
            }
            chance *= logging[s][a];
            put(log, t, s, a);
            q[t] = model[t][s][a];
            v[t] = judged[s][0] * model[t][s][0] + judged[s][1] * model[t][s][1];
        }
        double columns[GV_EPISODE_FIRST + GV_STEP_COLUMNS * HORIZON] = {0};
        gv_episode_add(&log->episodes, 0, q, v, columns);
        for (size_t e = 0; gv_episode_types[e] != NULL; e++) {
            means[e] += chance * gv_episode_types[e]->value(columns, HORIZON);
        }
        total += chance;
        free(log);
    }
    assert_true(fabs(total - 1) < 1e-14);
    for (size_t e = 0; gv_episode_types[e] != NULL; e++) {
        const double bias = means[e] - truth();
        assert_true(gv_episode_types[e]->is_unbiased ? fabs(bias) < 1e-13 : fabs(bias) > 1e-3);
    }
}

static episode_log *draw_log(uint64_t seed, size_t count, size_t horizon)
{
    episode_log *log = make_log(count, horizon);
    for (size_t i = 0; i < count; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        size_t s = gv_random_bernoulli(&random, 0, 0.5) ? 1 : 0;
        for (size_t t = 0; t < horizon; t++) {
            const size_t a = gv_random_bernoulli(&random, 2 * t + 1, logging[s][1]) ? 1 : 0;
            put(log, t * count + i, s, a);
            s = gv_random_bernoulli(&random, 2 * t + 2, to_one[s][a]) ? 1 : 0;
        }
    }
    return log;
}

/* With one step each is a bandit's estimator, whose rounds are the episodes. */
static void one_step_is_a_bandit(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"fqe", "dm"},   {"is", "ips"},      {"wis", "snips"},
                                           {"pdis", "ips"}, {"wpdis", "snips"}, {"dr", "dr"},
                                           {"wdr", "sndr"}};
    enum { ROUNDS = 50 };
    episode_log *log = draw_log(2, ROUNDS, 1);
    double q[ROUNDS];
    double v[ROUNDS];
    const gv_random random = gv_random_key(3, GV_STREAM_TEST, 0);
    gv_random_fill_uniform(&random, 0, ROUNDS, q);
    gv_random_fill_uniform(&random, ROUNDS, ROUNDS, v);
    double columns[GV_EPISODE_FIRST + GV_STEP_COLUMNS] = {0};
    for (size_t i = 0; i < ROUNDS; i++) {
        gv_episode_add(&log->episodes, i, q, v, columns);
    }
    for (size_t e = 0; gv_episode_types[e] != NULL; e++) {
        assert_string_equal(gv_episode_types[e]->info.name, pairs[e][0]);
        const gv_estimator_type *bandit = gv_estimator_find(pairs[e][1]);
        gv_terms sum = {0};
        for (size_t i = 0; i < ROUNDS; i++) {
            const size_t s = log->states[i];
            const size_t a = log->actions[i];
            const gv_evidence evidence = {judged[s][a] / logging[s][a], rewards[s][a], q[i], v[i]};
            const gv_terms terms = bandit->terms(NULL, &evidence);
            sum.plain += terms.plain;
            sum.corrected += terms.corrected;
            sum.normaliser += terms.normaliser;
        }
        const double value =
            sum.plain / ROUNDS + (bandit->is_self_normalised ? sum.corrected / sum.normaliser : 0);
        assert_true(fabs(gv_episode_types[e]->value(columns, 1) - value) < 1e-13);
    }
    free(log);
}

static const double little = 1e-6;

/* Within 0.06 at 4,000 episodes, where values differ by more than 1. */
static void fitted_q_is_dynamic_programming(void **state)
{
    (void)state;
    static double logged[HORIZON * COUNT];
    static double target[HORIZON * COUNT];
    episode_log *log = draw_log(4, COUNT, HORIZON);
    const gv_cross_fit_config config = {
        .model = &gv_value_ridge, .model_config = &little, .fold_count = 2, .seed = 1};
    assert_int_equal(gv_fitted_q(&config, &log->episodes, logged, target), GV_OK);
    for (size_t t = 0; t < HORIZON; t++) {
        double now[STATES];
        double next[STATES] = {0, 0};
        solve(HORIZON - t, now);
        solve(HORIZON - t - 1, next);
        for (size_t i = 0; i < COUNT; i++) {
            const size_t round = t * COUNT + i;
            const size_t s = log->states[round];
            const size_t a = log->actions[round];
            const double later = to_one[s][a] * next[1] + (1 - to_one[s][a]) * next[0];
            assert_true(fabs(target[round] - now[s]) < 0.06);
            assert_true(fabs(logged[round] - rewards[s][a] - DISCOUNT * later) < 0.06);
        }
    }
    free(log);
}

static void evaluations_hold_the_truth(void **state)
{
    (void)state;
    enum { LOGS = 200, EPISODES = 400 };
    static const double penalty = 1;
    size_t held[GV_EPISODE_TYPES_MAX] = {0};
    double width[GV_EPISODE_TYPES_MAX] = {0};
    static gv_interval more[200][GV_EPISODE_TYPES_MAX]; /* than the log's own policy */
    double own = 0;
    const gv_cross_fit_config fit = {
        .model = &gv_value_ridge, .model_config = &penalty, .fold_count = 2, .seed = 1};
    const gv_bootstrap_config bootstrap = {.replicates = 300, .seed = 1};
    for (uint64_t seed = 0; seed < LOGS; seed++) {
        episode_log *log = draw_log(100 + seed, EPISODES, HORIZON);
        gv_episode_evaluation result;
        assert_int_equal(gv_episodes_evaluate(&log->episodes, &fit, &bootstrap, 0.95, &result),
                         GV_OK);
        assert_false(result.is_thin);
        for (size_t e = 0; e < result.type_count; e++) {
            const gv_interval *value = &result.values[e];
            assert_int_equal(value->state, GV_INTERVAL_GIVEN);
            held[e] += value->low <= truth() && value->high >= truth() ? 1 : 0;
            width[e] += (value->high - value->low) / LOGS;
            more[seed][e] = result.differences[e];
            assert_true(fabs(more[seed][e].estimate - value->estimate + result.logged.estimate) <
                        1e-12);
        }
        own += result.logged.estimate / LOGS; /* nearly the truth: 80,000 episodes */
        free(log);
    }
    const double error = 4 * sqrt(0.95 * 0.05 / LOGS);
    for (size_t e = 0; gv_episode_types[e] != NULL; e++) {
        const double share = (double)held[e] / LOGS;
        double gains = 0;
        for (size_t i = 0; i < LOGS; i++) {
            const double gain = truth() - own;
            gains += more[i][e].low <= gain && more[i][e].high >= gain ? 1.0 / LOGS : 0;
        }
        print_message("%s %.3f, width %.3f; its gain %.3f\n", gv_episode_types[e]->info.name, share,
                      width[e], gains);
        if (strcmp(gv_episode_types[e]->info.name, "fqe") != 0) {
            assert_true(fabs(share - 0.95) < error); /* a model alone promises nothing */
            assert_true(fabs(gains - 0.95) < error);
        }
    }
    assert_true(width[3] < width[1]); /* per decision is narrower than whole episodes */
    assert_true(width[5] < width[3]); /* and with a model narrower still */
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    episode_log *log = draw_log(5, 60, HORIZON);
    const gv_cross_fit_config fit = {
        .model = &gv_value_ridge, .model_config = &little, .fold_count = 2, .seed = 1};
    const gv_bootstrap_config bootstrap = {.replicates = 100, .seed = 1};
    gv_episode_evaluation result;
    gv_status status = GV_ENOMEM;
    for (int count = 0; status != GV_OK && count < 100; count++) {
        gv_mem_fail_after(count);
        status = gv_episodes_evaluate(&log->episodes, &fit, &bootstrap, 0.95, &result);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    assert_int_equal(status, GV_OK);
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbiased_types_are_unbiased),
        cmocka_unit_test(one_step_is_a_bandit),
        cmocka_unit_test(fitted_q_is_dynamic_programming),
        cmocka_unit_test(evaluations_hold_the_truth),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
