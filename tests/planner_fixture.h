/*
 * planner_fixture.h - what tests of planners over sequences share: learners made from texts, and
 * periods of a market that campaigns may have had, tick by tick.
 */
#ifndef TESTS_PLANNER_FIXTURE_H
#define TESTS_PLANNER_FIXTURE_H

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policies/learn/learner.h"
#include "sim/base/money.h"
#include "sim/market/seat.h"
#include "trajectory_fixture.h"

enum { PLANNER_CONFIG = 1024, PLANNER_TICKS_MAX = 48 };

typedef union planner_config {
    unsigned char bytes[PLANNER_CONFIG];
    double aligned;
} planner_config;

/* The type's defaults, then `text` ("name=value", NULL-ended) over them. */
static inline planner_config planner_config_of(const gv_learner_type *type, const char *const *text)
{
    planner_config config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, &config);
    for (; text != NULL && *text != NULL; text++) {
        char name[64] = "";
        const char *equals = strchr(*text, '=');
        assert_non_null(equals);
        memcpy(name, *text, (size_t)(equals - *text));
        const gv_param *row = gv_param_find(type->info.params, name);
        assert_non_null(row);
        assert_int_equal(gv_param_parse(row, equals + 1, 0, &config), GV_OK);
    }
    return config;
}

static inline gv_dataset *planner_dataset(void **state, planting plant, size_t episodes,
                                          size_t ticks)
{
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    const planted_set set = {.plant = plant,
                             .episodes = episodes,
                             .ticks = ticks,
                             .first_period = 7,
                             .of_period = 4,
                             .teach = planted_oracle,
                             .expert = 1};
    gv_dataset *dataset = NULL;
    test_folder_path(*state, "planted.safetensors", path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

static inline gv_learner *planner_learner(const gv_learner_type *type, const gv_dataset *dataset,
                                          const planner_config *config, size_t jobs)
{
    const gv_learner_setup setup = {.config = config, .dataset = dataset, .seed = 3, .jobs = jobs};
    gv_learner *learner = NULL;
    const gv_status status = gv_learner_create(type, &setup, &learner);
    if (status != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return learner;
}

/* The mean of the first loss over the last tenth of the steps. */
static inline double planner_teach(gv_learner *learner, size_t steps)
{
    double mean = 0;
    const size_t last = steps / 10;
    for (size_t step = 0; step < steps; step++) {
        double losses[GV_LOSSES_MAX] = {0};
        const gv_status status = gv_learner_step(learner, losses);
        if (status != GV_OK) {
            fail_msg("%s", gv_status_detail());
        }
        mean += step >= steps - last ? losses[0] / (double)last : 0;
    }
    return mean;
}

/* ---- a period of a market -------------------------------------------------------------------- */

typedef struct made_period {
    gv_seat_tick ticks[PLANNER_TICKS_MAX]; /* those that are over */
    gv_observation seen;
} made_period;

/* At its beginning, with all money left. */
static inline void period_begin(made_period *period, size_t tick_count)
{
    memset(period, 0, sizeof *period);
    period->seen.tick_count = tick_count;
    period->seen.budget_nanos = 1000 * GV_NANOS_PER_UNIT;
    period->seen.budget_left_nanos = period->seen.budget_nanos;
    period->seen.market.is_market = true;
    period->seen.market.announced_count = 5000;
    period->seen.market.announced_value = 0.5;
    period->seen.market.ticks = period->ticks;
}

/* A tick at the multiplier `action` passes, with one opportunity of value 1/2. */
static inline void period_pass(made_period *period, double action, uint64_t conversions,
                               double spend)
{
    gv_seat_tick *tick = &period->ticks[period->seen.tick];
    tick->tally.auctions = 1;
    tick->tally.wins = 1;
    tick->tally.bid_nanos = (int64_t)(action / 2 * (double)GV_NANOS_PER_UNIT);
    tick->tally.conversions = conversions;
    tick->value_units = (int64_t)(GV_VALUE_UNITS / 2);
    tick->least_cost_nanos = GV_NANOS_PER_UNIT / 4;
    period->seen.tick++;
    period->seen.episode.conversions += conversions;
    period->seen.budget_left_nanos -= (int64_t)(spend * (double)GV_NANOS_PER_UNIT);
}

/* The same with what campaign `number` drew for the tick. */
static inline void period_pass_drawn(made_period *period, uint64_t number)
{
    const gv_random draw = gv_random_key(number, GV_STREAM_TEST, period->seen.tick);
    period_pass(period, 100 * gv_random_uniform(&draw, 0), gv_random_below(&draw, 1, 3),
                20 * gv_random_uniform(&draw, 2));
    period->seen.market.announced_count = gv_random_below(&draw, 3, 10000);
    period->seen.market.announced_value = gv_random_uniform(&draw, 4);
}

/* ---- other processors ------------------------------------------------------------------------ */

static inline int planner_as(const char *processor, const char *filter)
{
    int status = -1;
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)setenv("OPENBLAS_CORETYPE", processor, 1);
        (void)execl("/proc/self/exe", "test", filter, (char *)NULL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/*
 * Runs this program again, its test of that name alone, with OpenBLAS's kernels for others of
 * this processor's family: main() gives its first argument to cmocka_set_test_filter().
 */
static inline void planner_on_processors(const char *filter)
{
#if defined(__x86_64__)
    assert_int_equal(planner_as("Prescott", filter), 0);
    if (__builtin_cpu_supports("avx2")) {
        assert_int_equal(planner_as("Haswell", filter), 0);
    }
    if (__builtin_cpu_supports("avx512vl")) {
        assert_int_equal(planner_as("SkylakeX", filter), 0);
    }
#else
    assert_int_equal(planner_as("GENERIC", filter), 0);
#endif
}

#endif
