/* Learners on planted problems, and what must hold of every one of them. */
#include <math.h>

#include "policies/learn/actor.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/train.h"
#include "trajectory_fixture.h"

enum { CONFIG_SIZE = 1024, TICKS = 48 };

typedef union learner_config {
    unsigned char bytes[CONFIG_SIZE];
    double aligned;
} learner_config;

static gv_dataset *planted(void **state, planting plant, size_t episodes)
{
    char path[TEST_PATH_SIZE];
    const planted_set set = {
        .plant = plant, .episodes = episodes, .ticks = TICKS, .first_period = 7, .of_period = 4};
    test_folder_path(*state, "planted.safetensors", path);
    planted_write(&set, path);
    gv_dataset *dataset = NULL;
    const char *paths[] = {path};
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

static void set_value(const gv_learner_type *type, learner_config *config, const char *name,
                      const char *value)
{
    const gv_param *row = gv_param_find(type->info.params, name);
    if (row != NULL) {
        assert_int_equal(gv_param_parse(row, value, 0, config), GV_OK);
    }
}

/* Small enough for a test: narrow networks, small batches. */
static learner_config small_config(const gv_learner_type *type)
{
    static const char *const widths[] = {"hidden_1", "hidden_2", "actor_1", "actor_2", "value_1",
                                         "value_2",  "value_3",  "critic",  NULL};
    learner_config config = {{0}};
    assert_true(type->info.config_size <= sizeof config);
    gv_param_defaults(type->info.params, &config);
    for (const char *const *width = widths; *width != NULL; width++) {
        set_value(type, &config, *width, "32");
    }
    set_value(type, &config, "batch", "64");
    set_value(type, &config, "rate", "0.002");
    return config;
}

typedef struct lesson {
    gv_dataset *dataset;
    learner_config config;
    gv_learner *learner;
} lesson;

static gv_learner *learner_of(const gv_learner_type *type, const gv_dataset *dataset,
                              const learner_config *config, size_t jobs)
{
    const gv_learner_setup setup = {.config = config, .dataset = dataset, .seed = 11, .jobs = jobs};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(type, &setup, &learner), GV_OK);
    return learner;
}

/* Means of the losses of the first and the last tenth of the steps. */
static void teach(gv_learner *learner, const gv_learner_type *type, uint64_t steps,
                  double before[GV_LOSSES_MAX], double after[GV_LOSSES_MAX])
{
    memset(before, 0, GV_LOSSES_MAX * sizeof *before);
    memset(after, 0, GV_LOSSES_MAX * sizeof *after);
    for (uint64_t step = 0; step < steps; step++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
        for (size_t i = 0; i < gv_learner_losses(type); i++) {
            before[i] += step < steps / 10 ? losses[i] / (double)(steps / 10) : 0;
            after[i] += step >= steps - steps / 10 ? losses[i] / (double)(steps / 10) : 0;
        }
    }
}

/* What the trained actor does in states of the plant that it has not seen. */
static void ask(void **state, const gv_learner *learner, const gv_actor_kind *kind, size_t count,
                double *states, double *actions)
{
    char path[TEST_PATH_SIZE];
    gv_actor *actor = NULL;
    gv_actor_hand *hand = NULL;
    test_folder_path(*state, "weights.safetensors", path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    assert_int_equal(gv_actor_open(kind, path, &actor), GV_OK);
    assert_int_equal(gv_actor_hand_create(actor, &hand), GV_OK);
    for (size_t i = 0; i < count; i++) {
        const gv_random draw = gv_random_key(99, GV_STREAM_TEST, i);
        planted_state(&draw, TICKS, i % TICKS, states + i * GV_STATE_SIZE);
    }
    gv_actor_act(hand, states, count, actions);
    gv_actor_hand_destroy(hand);
    gv_actor_close(actor);
}

enum { ASKED = 100 };

/* Its error against the planted policy is 2 of 60 or less, where the actions' spread is 14. */
static void cloning_recovers_a_known_policy(void **state)
{
    static double states[ASKED * GV_STATE_SIZE];
    double actions[ASKED];
    double before[GV_LOSSES_MAX];
    double after[GV_LOSSES_MAX];
    gv_dataset *dataset = planted(state, plant_policy, 60);
    const learner_config config = small_config(&gv_learner_bc);
    gv_learner *learner = learner_of(&gv_learner_bc, dataset, &config, 1);
    teach(learner, &gv_learner_bc, 2000, before, after);
    assert_true(after[0] < before[0] / 20);
    ask(state, learner, &gv_actor_bc, ASKED, states, actions);
    double error = 0;
    for (size_t i = 0; i < ASKED; i++) {
        error += fabs(actions[i] - planted_policy(states + i * GV_STATE_SIZE)) / ASKED;
    }
    printf("bc: mean error %.3f, loss %.5f to %.5f\n", error, before[0], after[0]);
    assert_true(error < 2);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

/* Cloning takes the middle of two behaviours, 75; these the better one, 100. */
static double mean_choice(void **state, const gv_learner_type *type, const gv_actor_kind *kind,
                          uint64_t steps)
{
    static double states[ASKED * GV_STATE_SIZE];
    double actions[ASKED];
    double before[GV_LOSSES_MAX];
    double after[GV_LOSSES_MAX];
    gv_dataset *dataset = planted(state, plant_choice, 60);
    learner_config config = small_config(type);
    set_value(type, &config, "gamma", "0.5");
    set_value(type, &config, "temperature", "3");
    gv_learner *learner = learner_of(type, dataset, &config, 2);
    teach(learner, type, steps, before, after);
    ask(state, learner, kind, ASKED, states, actions);
    double mean = 0;
    for (size_t i = 0; i < ASKED; i++) {
        mean += actions[i] / ASKED;
    }
    printf("%s: mean action %.2f\n", type->info.name, mean);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
    return mean;
}

static void a_critic_prefers_the_better_of_two_behaviours(void **state)
{
    const double cloned = mean_choice(state, &gv_learner_bc, &gv_actor_bc, 1000);
    assert_true(cloned > 70 && cloned < 80);
    assert_true(mean_choice(state, &gv_learner_iql, &gv_actor_iql, 3000) > cloned + 5);
    assert_true(mean_choice(state, &gv_learner_td3bc, &gv_actor_td3bc, 3000) > cloned + 5);
    assert_true(mean_choice(state, &gv_learner_cql, &gv_actor_cql, 3000) > cloned + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cloning_recovers_a_known_policy, test_folder_make,
                                        test_folder_remove),
        cmocka_unit_test_setup_teardown(a_critic_prefers_the_better_of_two_behaviours,
                                        test_folder_make, test_folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
