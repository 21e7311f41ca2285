/*
 * expert_fixture.h - made-up sets of experts and of a log beside them.
 */
#ifndef TESTS_EXPERT_FIXTURE_H
#define TESTS_EXPERT_FIXTURE_H

#include "policies/learn/dataset.h"
#include "trajectory_fixture.h"

enum { EXPERT_TICKS = 48 };

/* Experts play near the oracle, the log mostly a quarter or four times of it. */
static inline void plant_experts(const gv_random *draw, size_t episode, size_t tick,
                                 planted_tick *out)
{
    static const double budget_left = 0.5;
    planted_state(draw, EXPERT_TICKS, tick, out->state);
    out->oracle = planted_policy(out->state);
    out->action = out->oracle * (1 + 0.05 * gv_random_normal(draw, 50));
    if (episode % 3 != 0 && gv_random_bernoulli(draw, 51, 0.7)) {
        out->action = out->oracle * (gv_random_bernoulli(draw, 52, 0.5) ? 0.25 : 4);
    }
    out->state[GV_STATE_BUDGET_LEFT] =
        fmax(budget_left, 1 - (double)tick / EXPERT_TICKS) * out->state[GV_STATE_TIME_LEFT];
    out->reward = (double)gv_random_below(draw, 53, 2);
    out->reward_continuous = 0.5 * gv_random_uniform(draw, 54);
}

/* Whoever plays plays alike. */
static inline void plant_alike(const gv_random *draw, size_t episode, size_t tick,
                               planted_tick *out)
{
    (void)episode;
    planted_state(draw, EXPERT_TICKS, tick, out->state);
    out->action = 50 + 10 * gv_random_normal(draw, 50);
    out->oracle = out->action;
}

/* `episodes` of them, each expert_every-th an expert's (0: none). */
static inline gv_dataset *dataset_of(void **state, planting plant, size_t episodes,
                                     size_t expert_every)
{
    static int number;
    char name[32];
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    const planted_set set = {.plant = plant,
                             .episodes = episodes,
                             .ticks = EXPERT_TICKS,
                             .first_period = 1000,
                             .of_period = 6,
                             .expert_every = expert_every};
    gv_dataset *dataset = NULL;
    (void)snprintf(name, sizeof name, "set%d.safetensors", number++);
    test_folder_path(*state, name, path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

#endif
