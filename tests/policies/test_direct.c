/* Roll-outs in bid landscapes, the way back through them, and what is learnt from it. */
#include <math.h>

#include "learner_fixture.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/rollout_impl.h"
#include "sim/market/landscape.h"
#include "test_random.h"
#include "trajectory_fixture.h"

enum { TICKS = 12, EPISODES = 12 };

static gv_dataset *planted(void **state, bool has_no_landscape)
{
    char path[TEST_PATH_SIZE];
    const char *paths[] = {path};
    const planted_set set = {.plant = plant_policy,
                             .episodes = EPISODES,
                             .ticks = TICKS,
                             .first_period = 7,
                             .of_period = 4,
                             .has_no_landscape = has_no_landscape};
    gv_dataset *dataset = NULL;
    test_folder_path(*state, "planted.safetensors", path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

static double uniform(test_random *random, double least, double most)
{
    return least + (most - least) * (double)test_random_below(random, 1 << 20) / (1 << 20);
}

/* ---- one tick -------------------------------------------------------------------------------- */

/* On the grid it is the landscape; between two points, between the two; beyond, the end. */
static void an_offer_is_read_off_the_landscape(void **state)
{
    gv_dataset *dataset = planted(state, false);
    const gv_episode *episode = gv_dataset_at(dataset, 3);
    const double step = log(2) / GV_LANDSCAPE_OCTAVE;
    const float *cost = episode->landscape.cost + (size_t)5 * GV_LANDSCAPE_SIZE;
    for (size_t k = 1; k + 1 < GV_LANDSCAPE_SIZE; k++) {
        const double at = log(gv_landscape_multiplier(k));
        const gv_rollout_tick on = gv_rollout_offer(episode, 5, at + 1e-9, 1e9);
        const gv_rollout_tick above = gv_rollout_offer(episode, 5, at + step / 2, 1e9);
        const double next = (double)cost[k + 1];
        assert_true(fabs(on.cost - (double)cost[k]) < 1e-6 * next);
        assert_true(fabs(above.cost - ((double)cost[k] + next) / 2) < 1e-6 * next);
        assert_true(fabs(above.cost_slope * step - (next - (double)cost[k])) < 1e-6 * next);
    }
    assert_true(gv_rollout_offer(episode, 5, 50, 1e9).cost == (double)cost[GV_LANDSCAPE_SIZE - 1]);
    assert_true(gv_rollout_offer(episode, 5, -50, 1e9).cost == (double)cost[0]);
    const gv_rollout_tick cut = gv_rollout_offer(episode, 5, 0, (double)cost[48] / 4);
    assert_true(fabs(gv_rollout_share(&cut) - 0.25) < 1e-6);
    gv_dataset_destroy(dataset);
}

static void the_score_is_the_competitions(void **state)
{
    (void)state;
    const gv_rollout_end within = {.spend = 300, .conversions = 4, .cpa = 100};
    const gv_rollout_end above = {.spend = 800, .conversions = 4, .cpa = 100};
    const gv_rollout_end nothing = {.spend = 10, .conversions = 0, .cpa = 100};
    assert_true(gv_rollout_score(&within) == 4 && gv_rollout_score(&above) == 1);
    assert_true(gv_rollout_score(&nothing) == 0);
}

/* ---- the way back ---------------------------------------------------------------------------- */

/* A play with these log multipliers and luck at its mean. */
static double play(gv_rollout *rollout, const gv_rollout_draw *draw, const double *logs,
                   double *gradient)
{
    gv_rollout_begin(rollout, 0, draw);
    for (size_t tick = 0; tick < TICKS; tick++) {
        gv_rollout_bid(rollout, 0, logs[tick]);
    }
    return gv_rollout_finish(rollout, 0, gradient);
}

/*
 * Every tick's multiplier up and down, the others held: the score moves as the gradient says.
 * Between grid points the play is smooth, so steps of a ten-thousandth of the grid's leave errors
 * of their square; multipliers stay away from the points.
 */
static void the_gradient_is_that_of_the_score(void **state)
{
    test_random random = test_random_seeded();
    gv_dataset *dataset = planted(state, false);
    const double step = log(2) / GV_LANDSCAPE_OCTAVE;
    const double less = 1e-4 * step;
    gv_rollout *rollout = NULL;
    size_t cut = 0;
    size_t over = 0;
    size_t within = 0;
    assert_int_equal(gv_rollout_create(1, TICKS, false, &rollout), GV_OK);
    for (int c = 0; c < 300; c++) {
        double logs[TICKS];
        double gradient[TICKS];
        double ignored[TICKS];
        const gv_rollout_draw draw = {
            .episode = gv_dataset_at(dataset, (size_t)test_random_below(&random, EPISODES)),
            .budget = PLANTED_BUDGET * uniform(&random, 0.3, 6),
            .cpa = PLANTED_CPA * uniform(&random, 0.2, 1.4),
            .has_mean_luck = true};
        const double shift = log(draw.cpa / PLANTED_CPA);
        const double base = uniform(&random, -1.5, 1.5);
        for (size_t tick = 0; tick < TICKS; tick++) {
            const double point = floor((base + uniform(&random, -0.5, 0.5)) / step);
            logs[tick] = (point + uniform(&random, 0.1, 0.9)) * step - shift;
        }
        (void)play(rollout, &draw, logs, gradient);
        const gv_rollout_end end = gv_rollout_end_of(rollout, 0);
        cut += end.spend > draw.budget * (1 - 1e-9);
        over += end.spend > end.cpa * end.conversions;
        within += end.spend < end.cpa * end.conversions && end.spend < draw.budget * (1 - 1e-9);
        for (size_t tick = 0; tick < TICKS; tick++) {
            const double at = logs[tick];
            logs[tick] = at + less;
            const double more = play(rollout, &draw, logs, ignored);
            logs[tick] = at - less;
            const double fewer = play(rollout, &draw, logs, ignored);
            logs[tick] = at;
            const double slope = (more - fewer) / (2 * less);
            if (!(fabs(slope - gradient[tick]) < 1e-4 * (1 + fabs(slope)))) {
                fail_msg("play %d, tick %zu: %.9g, by differences %.9g", c, tick, gradient[tick],
                         slope);
            }
        }
    }
    printf("%zu of 300 plays used up the budget, %zu were above the CPA, %zu neither\n", cut, over,
           within);
    assert_true(cut > 20 && over > 20 && within > 20);
    gv_rollout_destroy(rollout);
    gv_dataset_destroy(dataset);
}

/* ---- luck ------------------------------------------------------------------------------------ */

/* Counts have their mean's mean and variance, within four standard errors of 4000 plays. */
static void conversions_are_poisson(void **state)
{
    enum { PLAYS = 4000 };
    gv_dataset *dataset = planted(state, false);
    gv_rollout *rollout = NULL;
    double gradient[TICKS];
    double sum = 0;
    double square = 0;
    gv_rollout_draw draw = {.episode = gv_dataset_at(dataset, 0),
                            .budget = 1e9,
                            .cpa = PLANTED_CPA,
                            .has_mean_luck = true};
    assert_int_equal(gv_rollout_create(1, TICKS, false, &rollout), GV_OK);
    const double logs[TICKS] = {0};
    (void)play(rollout, &draw, logs, gradient);
    const double mean = gv_rollout_end_of(rollout, 0).conversions;
    draw.has_mean_luck = false;
    for (uint64_t c = 0; c < PLAYS; c++) {
        draw.random = gv_random_key(5, GV_STREAM_TEST, c);
        (void)play(rollout, &draw, logs, gradient);
        const double found = gv_rollout_end_of(rollout, 0).conversions;
        sum += found / PLAYS;
        square += (found - mean) * (found - mean) / PLAYS;
    }
    printf("mean %.3f, found %.3f with variance %.3f\n", mean, sum, square);
    assert_true(fabs(sum - mean) < 4 * sqrt(mean / PLAYS));
    assert_true(fabs(square - mean) < 4 * mean * sqrt((2 + 1 / mean) / PLAYS));
    gv_rollout_destroy(rollout);
    gv_dataset_destroy(dataset);
}

/* ---- the oracle ------------------------------------------------------------------------------ */

/* With luck at its mean no constant multiplier of the grid within the budget scores more. */
static void the_oracle_bids_the_best_constant(void **state)
{
    test_random random = test_random_seeded();
    gv_dataset *dataset = planted(state, false);
    gv_rollout *rollout = NULL;
    assert_int_equal(gv_rollout_create(1, TICKS, true, &rollout), GV_OK);
    for (int c = 0; c < 40; c++) {
        double logs[TICKS];
        double ignored[TICKS];
        const gv_rollout_draw draw = {.episode = gv_dataset_at(dataset, 1),
                                      .budget = PLANTED_BUDGET * uniform(&random, 0.3, 3),
                                      .cpa = PLANTED_CPA * uniform(&random, 0.7, 1.4),
                                      .has_mean_luck = true};
        gv_rollout_begin(rollout, 0, &draw);
        const double best = gv_rollout_best(rollout, 0);
        double most = 0;
        double scored = 0;
        for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
            const double one = log(gv_landscape_multiplier(k)) - log(draw.cpa / draw.episode->cpa);
            for (size_t tick = 0; tick < TICKS; tick++) {
                logs[tick] = one;
            }
            const double score = play(rollout, &draw, logs, ignored);
            if (gv_rollout_end_of(rollout, 0).spend < draw.budget * (1 - 1e-9)) {
                most = fmax(most, score);
                scored = fabs(one - best) < 1e-9 ? score : scored;
            }
        }
        assert_true(scored > 0 && scored > most * (1 - 1e-6));
    }
    gv_rollout_destroy(rollout);
    gv_dataset_destroy(dataset);
}

/* ---- learning -------------------------------------------------------------------------------- */

static double mean_score(gv_learner *learner, int steps)
{
    double mean = 0;
    for (int step = 0; step < steps; step++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
        mean += losses[1] / steps;
    }
    return mean;
}

/* It begins by bidding the CPA, and in a market with a budget too small for that learns better. */
static void learning_beats_bidding_the_cpa(void **state)
{
    static const char *const names[] = {"score", "oracle"};
    gv_dataset *dataset = planted(state, false);
    for (size_t i = 0; i < 2; i++) {
        learner_config config = smallest_config(&gv_learner_direct);
        set_value(&gv_learner_direct, &config, "batch", "60");
        set_value(&gv_learner_direct, &config, "hidden_1", "32");
        set_value(&gv_learner_direct, &config, "hidden_2", "32");
        set_value(&gv_learner_direct, &config, "steps", "300");
        set_value(&gv_learner_direct, &config, "target", names[i]);
        const gv_learner_setup setup = {
            .config = &config, .dataset = dataset, .seed = 11, .jobs = 2};
        gv_learner *learner = NULL;
        assert_int_equal(gv_learner_create(&gv_learner_direct, &setup, &learner), GV_OK);
        const double before = mean_score(learner, 5);
        (void)mean_score(learner, 245);
        const double after = mean_score(learner, 50);
        printf("%s: %.3f of what the budget buys at the CPA, then %.3f\n", names[i], before, after);
        assert_true(after > 1.1 * before);
        gv_learner_destroy(learner);
    }
    gv_dataset_destroy(dataset);
}

static void a_file_without_landscapes_is_named(void **state)
{
    gv_dataset *dataset = planted(state, true);
    const learner_config config = smallest_config(&gv_learner_direct);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .seed = 1, .jobs = 1};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(&gv_learner_direct, &setup, &learner), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "gavel landscapes"));
    gv_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_offer_is_read_off_the_landscape, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test(the_score_is_the_competitions),
        cmocka_unit_test_setup_teardown(the_gradient_is_that_of_the_score, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test_setup_teardown(conversions_are_poisson, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test_setup_teardown(the_oracle_bids_the_best_constant, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test_setup_teardown(learning_beats_bidding_the_cpa, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test_setup_teardown(a_file_without_landscapes_is_named, test_folder_make,
                                        test_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
