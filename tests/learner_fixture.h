/*
 * learner_fixture.h - learners small enough to be tested by the dozen: where what is tested is not
 * what they learn.
 */
#ifndef TESTS_LEARNER_FIXTURE_H
#define TESTS_LEARNER_FIXTURE_H

#include "cmocka_all.h"
#include "policies/learn/learner.h"

typedef union learner_config {
    unsigned char bytes[1024];
    double aligned;
} learner_config;

/* Rows that a type lacks are passed over. */
static inline void set_value(const gv_learner_type *type, learner_config *config, const char *name,
                             const char *value)
{
    const gv_param *row = gv_param_find(type->info.params, name);
    if (row != NULL) {
        assert_int_equal(gv_param_parse(row, value, 0, config), GV_OK);
    }
}

static inline learner_config smallest_config(const gv_learner_type *type)
{
    static const struct {
        const char *name;
        const char *value;
    } sizes[] = {{"batch", "12"},
                 {"samples", "2"},
                 {"hidden_1", "8"},
                 {"hidden_2", "8"},
                 {"actor_1", "8"},
                 {"actor_2", "8"},
                 {"value_1", "8"},
                 {"value_2", "8"},
                 {"value_3", "8"},
                 {"critic", "8"},
                 {"vae", "8"},
                 {"width", "8"},
                 {"heads", "2"},
                 {"inner", "8"},
                 {"layers", "1"},
                 {"base", "8"},
                 {"groups", "4"},
                 {"inverse", "8"},
                 {"diffusion_steps", "2"},
                 {"pu_steps", "0"},
                 {"pu_hidden", "8"},
                 {"expert_share", "0"},
                 {"action_target", "played"}};
    learner_config config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, &config);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        set_value(type, &config, sizes[i].name, sizes[i].value);
    }
    return config;
}

#endif
