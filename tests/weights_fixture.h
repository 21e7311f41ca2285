/*
 * weights_fixture.h - a weights file of every learner, for tests of the policies that serve them.
 *
 * As a group's setup and teardown:  cmocka_run_group_tests(tests, made_weights, unmade_weights)
 */
#ifndef TESTS_WEIGHTS_FIXTURE_H
#define TESTS_WEIGHTS_FIXTURE_H

#include "learner_fixture.h"
#include "policies/learn/learner.h"
#include "trajectory_fixture.h"

enum { WEIGHTS_TYPES_MAX = 32 };

static char weights_paths[WEIGHTS_TYPES_MAX][TEST_PATH_SIZE];

/* The file of the learner of that name; lives as long as the tests. */
static inline const char *weights_of(const char *type)
{
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        if (strcmp(gv_learner_types[i]->info.name, type) == 0) {
            return weights_paths[i];
        }
    }
    fail_msg("no learner is called %s", type);
    return NULL;
}

/* A few steps on the planted policy, for periods of `ticks`. */
static inline void made_weights_file(const gv_learner_type *type, const gv_dataset *dataset,
                                     const char *path)
{
    learner_config config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, &config);
    set_value(type, &config, "batch", "20");
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .seed = 4, .jobs = 1};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(type, &setup, &learner), GV_OK);
    for (int step = 0; step < 20; step++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    }
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
}

static inline int made_weights_for(void **state, size_t ticks)
{
    const planted_set set = {.plant = plant_policy,
                             .episodes = 12,
                             .ticks = ticks,
                             .first_period = 3,
                             .of_period = 4,
                             .expert_every = 3};
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    gv_dataset *dataset = NULL;
    const int code = test_folder_make(state);
    test_folder_path(*state, "planted.safetensors", path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        char name[64];
        assert_true(i < WEIGHTS_TYPES_MAX);
        (void)snprintf(name, sizeof name, "%s.safetensors", gv_learner_types[i]->info.name);
        test_folder_path(*state, name, weights_paths[i]);
        made_weights_file(gv_learner_types[i], dataset, weights_paths[i]);
    }
    gv_dataset_destroy(dataset);
    return code;
}

#endif
