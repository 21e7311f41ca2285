/* Learners on planted problems, and what must hold of every one of them. */
#include <math.h>

#include "learner_fixture.h"
#include "policies/learn/actor.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/file.h"
#include "trajectory_fixture.h"

enum { TICKS = 48 };

static gv_dataset *planted(void **state, planting plant, size_t episodes)
{
    static int number;
    char name[32];
    char path[TEST_PATH_SIZE];
    const planted_set set = {.plant = plant,
                             .episodes = episodes,
                             .ticks = TICKS,
                             .first_period = 7,
                             .of_period = 4,
                             .teach = planted_oracle,
                             .expert = 1};
    (void)snprintf(name, sizeof name, "planted%d.safetensors", number++);
    test_folder_path(*state, name, path);
    planted_write(&set, path);
    gv_dataset *dataset = NULL;
    const char *paths[] = {path};
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

/* Small enough for a test: narrow networks, small batches. */
static learner_config small_config(const gv_learner_type *type)
{
    static const char *const widths[] = {"hidden_1", "hidden_2", "actor_1", "actor_2", "value_1",
                                         "value_2",  "value_3",  "critic",  "vae",     NULL};
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
    const uint64_t tenth = steps / 10;
    for (uint64_t step = 0; step < steps; step++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
        for (size_t i = 0; i < gv_learner_losses(type); i++) {
            before[i] += step < tenth ? losses[i] / (double)tenth : 0;
            after[i] += step >= steps - tenth ? losses[i] / (double)tenth : 0;
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

/* ---- what must hold of every learner --------------------------------------------------------- */

static void weights_path(void **state, const char *name, char path[TEST_PATH_SIZE])
{
    test_folder_path(*state, name, path);
}

static void assert_same_files(const char *a, const char *b)
{
    gv_file_map x = {0};
    gv_file_map y = {0};
    assert_int_equal(gv_file_map_open(a, &x), GV_OK);
    assert_int_equal(gv_file_map_open(b, &y), GV_OK);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.bytes, y.bytes, x.size);
    gv_file_map_close(&x);
    gv_file_map_close(&y);
}

static void steps_on(gv_learner *learner, int steps)
{
    double losses[GV_LOSSES_MAX];
    for (int step = 0; step < steps; step++) {
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    }
}

/* The weights after 30 steps, by one thread, by three, and stopped in between. */
static void threads_and_stops_change_no_bit(void **state)
{
    char one[TEST_PATH_SIZE];
    char other[TEST_PATH_SIZE];
    gv_dataset *dataset = planted(state, plant_choice, 8);
    weights_path(state, "one", one);
    weights_path(state, "other", other);
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const gv_learner_type *type = gv_learner_types[i];
        learner_config config = smallest_config(type);
        set_value(type, &config, "shards", "4");
        gv_learner *alone = learner_of(type, dataset, &config, 1);
        steps_on(alone, 30);
        assert_int_equal(gv_learner_export(alone, "test", one), GV_OK);
        gv_learner *many = learner_of(type, dataset, &config, 3);
        steps_on(many, 13);
        gv_writer writer = {0};
        assert_int_equal(gv_learner_save(many, &writer), GV_OK);
        gv_learner_destroy(many);
        many = learner_of(type, dataset, &config, 2);
        gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
        assert_int_equal(gv_learner_restore(many, &reader), GV_OK);
        assert_true(gv_reader_is_done(&reader));
        assert_int_equal(gv_learner_steps(many), 13);
        steps_on(many, 17);
        assert_int_equal(gv_learner_export(many, "test", other), GV_OK);
        assert_same_files(one, other);
        gv_writer_fini(&writer);
        gv_learner_destroy(many);
        gv_learner_destroy(alone);
    }
    gv_dataset_destroy(dataset);
}

static void another_training_is_not_resumed(void **state)
{
    gv_dataset *dataset = planted(state, plant_choice, 8);
    gv_dataset *other = planted(state, plant_policy, 8);
    learner_config config = smallest_config(&gv_learner_bc);
    gv_learner *first = learner_of(&gv_learner_bc, dataset, &config, 1);
    gv_writer writer = {0};
    assert_int_equal(gv_learner_save(first, &writer), GV_OK);
    gv_learner_destroy(first);
    set_value(&gv_learner_bc, &config, "hidden_2", "7");
    gv_learner *wider = learner_of(&gv_learner_bc, dataset, &config, 1);
    gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
    assert_int_equal(gv_learner_restore(wider, &reader), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "\"hidden_2=8\""));
    assert_non_null(strstr(gv_status_detail(), "\"hidden_2=7\""));
    gv_learner_destroy(wider);
    set_value(&gv_learner_bc, &config, "hidden_2", "8");
    set_value(&gv_learner_bc, &config, "steps",
              "77"); /* going on for longer is no other training */
    gv_learner *elsewhere = learner_of(&gv_learner_bc, other, &config, 1);
    reader = (gv_reader){.bytes = writer.bytes, .size = writer.size};
    assert_int_equal(gv_learner_restore(elsewhere, &reader), GV_ECORRUPT);
    assert_non_null(strstr(gv_status_detail(), "data="));
    gv_learner_destroy(elsewhere);
    gv_writer_fini(&writer);
    gv_dataset_destroy(other);
    gv_dataset_destroy(dataset);
}

static void a_rate_beyond_measure_is_named(void **state)
{
    gv_dataset *dataset = planted(state, plant_choice, 8);
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const gv_learner_type *type = gv_learner_types[i];
        learner_config config = smallest_config(type);
        set_value(type, &config, "rate", "1e6");
        set_value(type, &config, "scale_actions", "off");
        gv_learner *learner = learner_of(type, dataset, &config, 1);
        gv_status status = GV_OK;
        for (int step = 0; step < 3000 && status == GV_OK; step++) {
            double losses[GV_LOSSES_MAX];
            status = gv_learner_step(learner, losses);
        }
        if (status != GV_OK) {
            char place[64];
            (void)snprintf(place, sizeof place, "%s, step %d: the loss \"", type->info.name,
                           (int)gv_learner_steps(learner));
            assert_int_equal(status, GV_EINVAL);
            assert_non_null(strstr(gv_status_detail(), place));
        }
        printf("%s: %s\n", type->info.name, status == GV_OK ? "stayed finite" : gv_status_detail());
        gv_learner_destroy(learner);
    }
    gv_dataset_destroy(dataset);
}

/* One episode of one tick is little, but no fault. */
static void the_smallest_set_is_learnt_from(void **state)
{
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    const planted_set set = {
        .plant = plant_policy, .episodes = 1, .ticks = 1, .teach = planted_oracle, .expert = 1};
    gv_dataset *dataset = NULL;
    test_folder_path(*state, "one.safetensors", path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const learner_config config = smallest_config(gv_learner_types[i]);
        gv_learner *learner = learner_of(gv_learner_types[i], dataset, &config, 1);
        steps_on(learner, 5);
        gv_learner_destroy(learner);
    }
    gv_dataset_destroy(dataset);
}

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    gv_dataset *dataset = planted(state, plant_choice, 8);
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const learner_config config = smallest_config(gv_learner_types[i]);
        const gv_learner_setup setup = {
            .config = &config, .dataset = dataset, .seed = 1, .jobs = 1};
        gv_status status = GV_ENOMEM;
        for (int n = 0; status != GV_OK; n++) {
            gv_learner *learner = NULL;
            gv_mem_fail_after(n);
            status = gv_learner_create(gv_learner_types[i], &setup, &learner);
            gv_mem_fail_after(-1);
            assert_true(status == GV_OK || status == GV_ENOMEM);
            assert_true(n < 2000);
            gv_learner_destroy(learner);
        }
    }
    gv_dataset_destroy(dataset);
}

static void tables_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; gv_learner_types[i] != NULL; i++) {
        const gv_learner_type *type = gv_learner_types[i];
        learner_config config = {{0}};
        assert_ptr_equal(gv_learner_find(type->info.name), type);
        assert_non_null(type->info.summary);
        assert_non_null(type->info.source);
        assert_true(gv_learner_losses(type) >= 1);
        gv_param_defaults(type->info.params, &config);
        assert_true(gv_learner_usual_steps(type, &config) >= 1);
        for (const gv_param *row = type->info.params; row->name != NULL; row++) {
            assert_true(gv_param_is_set(row, &config));
            assert_non_null(row->help);
            assert_non_null(row->source);
            assert_true(row->offset < type->info.config_size);
        }
        for (const gv_preset *preset = type->presets; preset != NULL && preset->name != NULL;
             preset++) {
            assert_int_equal(gv_learner_preset(type, preset->name, &config), GV_OK);
        }
        assert_int_equal(gv_learner_preset(type, "nobody's", &config), GV_EUSAGE);
    }
    assert_null(gv_learner_find("BC"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cloning_recovers_a_known_policy),
        cmocka_unit_test(a_critic_prefers_the_better_of_two_behaviours),
        cmocka_unit_test(threads_and_stops_change_no_bit),
        cmocka_unit_test(another_training_is_not_resumed),
        cmocka_unit_test(a_rate_beyond_measure_is_named),
        cmocka_unit_test(the_smallest_set_is_learnt_from),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(tables_are_whole),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
