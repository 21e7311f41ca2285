/* The expert-guided planner: what it adds to the diffuser, and that it reduces to it. */
#include "planner_fixture.h"
#include "policies/learn/dd.h"
#include "policies/learn/dd_lesson_impl.h"
#include "policies/learn/egdb_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/types_impl.h"
#include "sim/base/safetensors.h"

enum { TICKS = 8, CAMPAIGNS = 48, ROUND = PLANNER_TICKS_MAX / 6 };

#define SMALL                                                                      \
    "base=8", "groups=4", "levels=2", "batch=8", "inverse=8", "diffusion_steps=6", \
        "forcing_steps=10", "beta_steps=2", "rate=0.01"

static const char *const small_text[] = {SMALL, NULL};
static const char *const oracle_text[] = {SMALL, "labels=oracle", NULL};

static void made_weights(void **state, const gv_learner_type *type, const char *const *text,
                         size_t steps, char path[TEST_PATH_SIZE])
{
    const planner_config config = planner_config_of(type, text);
    gv_dataset *dataset = planner_dataset(state, plant_policy, 12, PLANNER_TICKS_MAX);
    gv_learner *learner = planner_learner(type, dataset, &config, 1);
    (void)planner_teach(learner, steps);
    test_folder_path(*state, type->info.name, path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

/* All passes, all jumps. */
static gv_dd_serving whole_serving(void)
{
    return (gv_dd_serving){.target = 1,
                           .guidance = 1.5,
                           .expert_guidance = 0.7,
                           .spread = 1,
                           .eta = 1,
                           .noise_scale = 1};
}

/* ---- serving --------------------------------------------------------------------------------- */

typedef struct game {
    const gv_dd_kind *kind;
    const char *path;
    gv_dd_serving serving;
    size_t first; /* number of the first campaign */
    size_t count;
    bool saves; /* and restores every seat in the middle */
} game;

static gv_dd_seat *seat_of(const gv_dd *dd, size_t number)
{
    const gv_dd_owner owner = {
        .seed = 5, .number = number, .budget = 2000 + 40 * (double)number, .cpa = 70};
    gv_dd_seat *seat = NULL;
    assert_int_equal(gv_dd_seat_create(dd, &owner, &seat), GV_OK);
    return seat;
}

static gv_dd_seat *moved(const gv_dd *dd, gv_dd_seat *seat, size_t number)
{
    gv_writer writer = {0};
    assert_int_equal(gv_dd_seat_save(seat, &writer), GV_OK);
    gv_dd_seat_destroy(seat);
    seat = seat_of(dd, number);
    gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
    assert_int_equal(gv_dd_seat_restore(seat, &reader), GV_OK);
    assert_true(gv_reader_is_done(&reader));
    gv_writer_fini(&writer);
    return seat;
}

/* actions: [ROUND][count] */
static gv_dd_counts play(const game *played, double *actions)
{
    static made_period periods[CAMPAIGNS];
    gv_observation seen[CAMPAIGNS];
    gv_dd_seat *seats[CAMPAIGNS] = {NULL};
    gv_dd *dd = NULL;
    const size_t count = played->count;
    assert_int_equal(gv_dd_open(played->kind, played->path, &played->serving, &dd), GV_OK);
    for (size_t i = 0; i < count; i++) {
        period_begin(&periods[i], PLANNER_TICKS_MAX);
        seats[i] = seat_of(dd, played->first + i);
    }
    for (size_t tick = 0; tick < ROUND; tick++) {
        for (size_t i = 0; i < count; i++) {
            seen[i] = periods[i].seen;
        }
        gv_dd_act(seats, seen, count, actions + tick * count);
        for (size_t i = 0; i < count; i++) {
            period_pass_drawn(&periods[i], played->first + i);
            seats[i] = played->saves && tick == ROUND / 2 ? moved(dd, seats[i], played->first + i)
                                                          : seats[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        gv_dd_seat_destroy(seats[i]);
    }
    const gv_dd_counts counts = gv_dd_counted(dd);
    gv_dd_close(dd);
    return counts;
}

static void companions_and_place_change_no_bit(void **state)
{
    static double whole[ROUND * CAMPAIGNS];
    static double part[ROUND * CAMPAIGNS];
    static const struct {
        size_t first, count;
    } parts[] = {{0, 1}, {47, 1}, {3, 7}, {41, 7}};
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, oracle_text, 60, path);
    game played = {&gv_dd_egdb, path, whole_serving(), 0, CAMPAIGNS, false};
    played.serving.jumps = 2;
    (void)play(&played, whole);
    assert_true(whole[0] != whole[1]);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        played.first = parts[p].first;
        played.count = parts[p].count;
        (void)play(&played, part);
        for (size_t tick = 0; tick < ROUND; tick++) {
            assert_memory_equal(part + tick * played.count, whole + tick * CAMPAIGNS + played.first,
                                played.count * sizeof *part);
        }
    }
}

static void a_shade_is_a_factor_of_every_action(void **state)
{
    enum { COUNT = 3 };
    double plain[ROUND * COUNT];
    double shaded[ROUND * COUNT];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, oracle_text, 40, path);
    game played = {&gv_dd_egdb, path, whole_serving(), 0, COUNT, false};
    (void)play(&played, plain);
    played.serving.shade = 0.75;
    (void)play(&played, shaded);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        assert_true(shaded[i] == 0.75 * plain[i]);
    }
}

/* Also where a plan is followed for some ticks. */
static void a_saved_campaign_goes_on_to_the_same_bits(void **state)
{
    enum { COUNT = 2 };
    double plain[ROUND * COUNT];
    double saved[ROUND * COUNT];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    for (size_t replan = 1; replan <= 5; replan += 4) {
        game played = {&gv_dd_egdb, path, whole_serving(), 9, COUNT, false};
        played.serving.replan = replan;
        (void)play(&played, plain);
        played.saves = true;
        (void)play(&played, saved);
        assert_memory_equal(plain, saved, sizeof plain);
    }
}

static void without_eta_only_the_seed_draws(void **state)
{
    double one[ROUND];
    double same[ROUND];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    game played = {&gv_dd_egdb, path, whole_serving(), 3, 1, false};
    played.serving.eta = 0;
    played.serving.jumps = 3;
    (void)play(&played, one);
    (void)play(&played, same);
    assert_memory_equal(one, same, sizeof one);
    played.serving.noise_scale = 0;
    played.serving.spread = 0;
    (void)play(&played, same);
    assert_memory_not_equal(one, same, sizeof one);
}

/* Of the guesses under nothing, the return, and both: those whose factor is 0 are left out. */
static void guesses_left_out_would_not_have_counted(void **state)
{
    static const double pairs[][2] = {{1, 1}, {0, 0}, {1, 0}, {0.5, 0.5}, {1, 0.4}};
    double exact[ROUND];
    double all[ROUND];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 30, path);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        game played = {&gv_dd_egdb, path, whole_serving(), 3, 1, false};
        played.serving.guidance = pairs[i][0];
        played.serving.expert_guidance = pairs[i][1];
        (void)play(&played, exact);
        /* Factors that are not 0, though hardly anything. */
        played.serving.guidance += 1e-9;
        played.serving.expert_guidance += 3e-9;
        (void)play(&played, all);
        for (size_t tick = 0; tick < ROUND; tick++) {
            assert_true(fabs(exact[tick] - all[tick]) < 1e-3 * (1 + fabs(exact[tick])));
        }
    }
}

static void plans_out_of_bounds_are_counted(void **state)
{
    double actions[ROUND];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    game played = {&gv_dd_egdb, path, whole_serving(), 3, 1, false};
    played.serving.guidance = 500;
    const gv_dd_counts wild = play(&played, actions);
    assert_int_equal(wild.plans, ROUND);
    assert_true(wild.clamped > ROUND / 2);
    for (size_t tick = 0; tick < ROUND; tick++) {
        assert_true(isfinite(actions[tick]) && actions[tick] >= 0);
    }
}

static planner_config serving_config(const char *weights, const char *guidance)
{
    const gv_param *rows = gv_policy_egdb.info.params;
    planner_config config = {{0}};
    assert_true(gv_policy_egdb.info.config_size <= sizeof config);
    gv_param_defaults(rows, &config);
    assert_int_equal(gv_param_parse(gv_param_find(rows, "weights"), weights, 0, &config), GV_OK);
    assert_int_equal(gv_param_parse(gv_param_find(rows, "guidance"), guidance, 0, &config), GV_OK);
    return config;
}

/* One campaign of the model's policy over a round. */
static void play_by(void *model, const planner_config *config)
{
    static made_period period;
    const gv_campaign campaign = {
        .name = "c", .end_us = PLANNER_TICKS_MAX, .bid_cap_nanos = INT64_MAX, .tick_us = 1};
    const gv_policy_setup setup = {
        .config = config, .campaign = &campaign, .rules = {.price_step_nanos = 1}, .model = model};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(&gv_policy_egdb, &setup, &policy), GV_OK);
    period_begin(&period, PLANNER_TICKS_MAX);
    for (size_t tick = 0; tick < ROUND; tick++) {
        gv_policy_tick(&policy, &period.seen, 1);
        period_pass_drawn(&period, 3);
    }
    gv_policy_destroy(policy);
}

/* What a run says of it; nothing before there is any. */
static void plans_out_of_bounds_are_told(void **state)
{
    char path[TEST_PATH_SIZE];
    char text[128] = "before";
    char expected[128];
    void *model = NULL;
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    const planner_config config = serving_config(path, "500");
    assert_int_equal(gv_policy_load(&gv_policy_egdb, &config, &model), GV_OK);
    gv_policy_tell(&gv_policy_egdb, model, text, sizeof text);
    assert_string_equal(text, "");
    for (size_t rounds = 1; rounds <= 2; rounds++) {
        play_by(model, &config);
        const gv_dd_counts counts = gv_dd_counted(model);
        assert_true(counts.clamped > rounds * ROUND / 2);
        (void)snprintf(expected, sizeof expected,
                       "%zu of %zu plans had states out of bounds and were held at them",
                       (size_t)counts.clamped, rounds * ROUND);
        gv_policy_tell(&gv_policy_egdb, model, text, sizeof text);
        assert_string_equal(text, expected);
    }
    gv_policy_unload(&gv_policy_egdb, model);
}

/* x_0^ is -eps sqrt((1 - abar) / abar) where x is 0. */
static void a_guess_beyond_its_bound_is_seen(void **state)
{
    (void)state;
    const gv_diffusion diffusion = gv_diffusion_cosine(10, GV_DIFFUSION_OFFSET);
    const gv_jumps jumps = {.count = 5, .bound = 5, .noise_scale = 1};
    const double kept = diffusion.kept[gv_diffusion_stop(&diffusion, &jumps, 1)];
    const double edge = 5 * sqrt(kept / (1 - kept));
    const float x[3] = {0};
    const float within[3] = {0, (float)(0.999 * edge), (float)(-0.999 * edge)};
    const float beyond[3] = {0, 0, (float)(1.001 * edge)};
    assert_false(gv_diffusion_exceeds(&diffusion, &jumps, 1, x, 3, x));
    assert_false(gv_diffusion_exceeds(&diffusion, &jumps, 1, within, 3, x));
    assert_true(gv_diffusion_exceeds(&diffusion, &jumps, 1, beyond, 3, x));
}

static void a_plan_is_kept_within_its_band(void **state)
{
    double actions[ROUND];
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    game played = {&gv_dd_egdb, path, whole_serving(), 3, 1, false};
    played.serving.replan = 4;
    assert_int_equal(play(&played, actions).plans, ROUND / 4);
    played.serving.replan = 1000;
    assert_int_equal(play(&played, actions).plans, 1);
    played.serving.band = 1e5;
    assert_int_equal(play(&played, actions).plans, 1);
    played.serving.band = 1e-9;
    assert_int_equal(play(&played, actions).plans, ROUND);
}

/* ---- reductions ------------------------------------------------------------------------------ */

static size_t bytes_of(const gv_tensor *tensor)
{
    size_t bytes = tensor->type == GV_TENSOR_F64 ? sizeof(double) : sizeof(float);
    for (size_t axis = 0; axis < tensor->rank; axis++) {
        bytes *= (size_t)tensor->shape[axis];
    }
    return bytes;
}

static void assert_same_tensors(const char *a, const char *b, const char *prefix)
{
    gv_safetensors *x = NULL;
    gv_safetensors *y = NULL;
    size_t compared = 0;
    assert_int_equal(gv_safetensors_open(a, &x), GV_OK);
    assert_int_equal(gv_safetensors_open(b, &y), GV_OK);
    assert_int_equal(gv_safetensors_count(x), gv_safetensors_count(y));
    for (size_t i = 0; i < gv_safetensors_count(x); i++) {
        const gv_tensor *one = gv_safetensors_at(x, i);
        const gv_tensor *other = gv_safetensors_find(y, one->name);
        assert_non_null(other);
        assert_int_equal(bytes_of(one), bytes_of(other));
        assert_memory_equal(one->data, other->data, bytes_of(one));
        compared += strncmp(one->name, prefix, strlen(prefix)) == 0;
    }
    assert_true(compared > 20);
    gv_safetensors_close(x);
    gv_safetensors_close(y);
}

static planner_config preset_of(const gv_learner_type *type, const char *preset,
                                const char *const *text)
{
    planner_config config = planner_config_of(type, NULL);
    assert_int_equal(gv_learner_preset(type, preset, &config), GV_OK);
    for (; *text != NULL; text++) {
        char name[64] = "";
        const char *equals = strchr(*text, '=');
        memcpy(name, *text, (size_t)(equals - *text));
        assert_int_equal(
            gv_param_parse(gv_param_find(type->info.params, name), equals + 1, 0, &config), GV_OK);
    }
    return config;
}

static void taught(const gv_learner_type *type, const gv_dataset *dataset,
                   const planner_config *config, const char *path)
{
    gv_learner *learner = planner_learner(type, dataset, config, 1);
    for (int step = 0; step < 40; step++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    }
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
}

/* Weights after 40 steps and bids over a round, of a preset that both have, made small. */
static void presets_agree(void **state, const char *preset, const char *of_dd)
{
    static const char *const smaller[] = {"base=8",   "groups=4",  "batch=8",
                                          "shards=2", "inverse=8", NULL};
    char paths[2][TEST_PATH_SIZE];
    double actions[2][ROUND * 3];
    gv_dataset *dataset = planner_dataset(state, plant_policy, 12, PLANNER_TICKS_MAX);
    const planner_config ours = preset_of(&gv_learner_egdb, preset, smaller);
    const planner_config theirs = preset_of(&gv_learner_dd, of_dd, smaller);
    test_folder_path(*state, "ours", paths[0]);
    test_folder_path(*state, "theirs", paths[1]);
    taught(&gv_learner_egdb, dataset, &ours, paths[0]);
    taught(&gv_learner_dd, dataset, &theirs, paths[1]);
    assert_same_tensors(paths[0], paths[1], GV_DD_PREFIX);
    game played = {&gv_dd_egdb, paths[0], whole_serving(), 3, 3, false};
    played.serving.jumps = 0;
    (void)play(&played, actions[0]);
    played.kind = &gv_dd_diffuser;
    played.path = paths[1];
    (void)play(&played, actions[1]);
    assert_memory_equal(actions[0], actions[1], sizeof actions[0]);
    gv_dataset_destroy(dataset);
}

static void with_the_return_alone_it_is_the_completion_preset(void **state)
{
    presets_agree(state, "return_only", "completion");
}

static void without_completion_it_is_diffbid(void **state)
{
    presets_agree(state, "diffbid", "diffbid");
}

/* ---- lessons --------------------------------------------------------------------------------- */

/* Known states are clean and have no weight, the others are mixed and share it. */
static void what_is_known_is_clean_and_without_weight(void **state)
{
    const planner_config config = planner_config_of(&gv_learner_egdb, small_text);
    gv_dataset *dataset = planner_dataset(state, plant_policy, 12, TICKS);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .seed = 3, .jobs = 1};
    const gv_dd_traits traits = gv_egdb_traits((const gv_egdb_config *)&config);
    gv_dd_lesson lesson = {.label = GV_DD_PLAYED};
    size_t known = 0;
    assert_int_equal(gv_dd_lesson_open(&lesson, &gv_learner_egdb.info, &traits, &setup), GV_OK);
    lesson.weighed = 4;
    for (size_t index = 0; index < 40; index++) {
        const gv_dd_example one = gv_dd_example_of(&lesson, 5, index);
        assert_true(one.prefix < TICKS);
        for (size_t tick = 0; tick < TICKS; tick++) {
            float x[GV_STATE_SIZE];
            float noise[GV_STATE_SIZE];
            float weights[GV_STATE_SIZE];
            float clean[GV_STATE_SIZE];
            gv_dd_fill_tick(&lesson, &one, tick, &(gv_dd_tick){x, noise, weights});
            gv_dd_state_at(&lesson, one.episode, tick, clean);
            for (size_t i = 0; i < GV_STATE_SIZE; i++) {
                assert_true((x[i] == clean[i]) == (tick <= one.prefix));
                assert_true(weights[i] == (tick <= one.prefix ? 0 : 0.25F));
            }
            known += tick <= one.prefix;
        }
    }
    assert_true(known > 100 && known < 260); /* of 320: 4.5 of 8 on average */
    gv_dd_lesson_fini(&lesson);
    gv_dataset_destroy(dataset);
}

static void forcing_and_beta_rise_to_their_ends(void **state)
{
    (void)state;
    assert_true(gv_egdb_risen(0.5, 100, 0) == 0);
    assert_true(gv_egdb_risen(0.5, 100, 50) == 0.25);
    assert_true(gv_egdb_risen(0.5, 100, 100) == 0.5);
    assert_true(gv_egdb_risen(0.5, 100, 1000000) == 0.5);
    assert_true(gv_egdb_risen(0.1, 0, 0) == 0.1);
}

/* Every third episode is an expert's; advertiser e % 4 of period 7 + e / 4. */
static void an_episode_finds_its_own_expert(void **state)
{
    gv_dataset *dataset = planner_dataset(state, plant_policy, 12, TICKS);
    gv_expert_index *index = NULL;
    assert_int_equal(gv_expert_index_create(dataset, GV_EGDB_MARKED, &index), GV_OK);
    assert_int_equal(gv_expert_count(index), 4);
    for (size_t e = 0; e < 12; e += 3) {
        assert_ptr_equal(gv_expert_of(index, e), gv_dataset_at(dataset, e));
    }
    /* All categories, budgets and CPAs are alike: the earliest. */
    assert_ptr_equal(gv_expert_of(index, 5), gv_dataset_at(dataset, 0));
    gv_expert_index_destroy(index);
    assert_int_equal(gv_expert_index_create(dataset, GV_EGDB_ALL, &index), GV_OK);
    assert_ptr_equal(gv_expert_of(index, 5), gv_dataset_at(dataset, 5));
    gv_expert_index_destroy(index);
    gv_dataset_destroy(dataset);
}

/* As planted_oracle(), but for the episodes that the oracle itself played. */
static double answers_of_others(size_t episode, size_t tick)
{
    return planted_oracle(episode, tick) * (episode % 3 == 0 ? 50 : 1);
}

/* What the oracle did itself is no example of how to act without its foresight. */
static void only_answers_to_others_are_followed(void **state)
{
    char paths[2][TEST_PATH_SIZE];
    const planner_config config = planner_config_of(&gv_learner_egdb, oracle_text);
    for (size_t i = 0; i < 2; i++) {
        char path[TEST_PATH_SIZE];
        const char *const files[] = {path};
        const planted_set set = {.plant = plant_policy,
                                 .episodes = 12,
                                 .ticks = TICKS,
                                 .of_period = 4,
                                 .teach = i == 0 ? planted_oracle : answers_of_others,
                                 .expert = 1};
        gv_dataset *dataset = NULL;
        test_folder_path(*state, i == 0 ? "a.set" : "b.set", path);
        test_folder_path(*state, i == 0 ? "a" : "b", paths[i]);
        planted_write(&set, path);
        assert_int_equal(gv_dataset_open(files, 1, &dataset), GV_OK);
        taught(&gv_learner_egdb, dataset, &config, paths[i]);
        gv_dataset_destroy(dataset);
    }
    assert_same_tensors(paths[0], paths[1], GV_DD_PREFIX);
}

static void a_set_without_experts_is_refused(void **state)
{
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    const planner_config config = planner_config_of(&gv_learner_egdb, small_text);
    const planted_set set = {.plant = plant_policy, .episodes = 5, .ticks = TICKS};
    gv_dataset *dataset = NULL;
    gv_learner *learner = NULL;
    test_folder_path(*state, "none.safetensors", path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .jobs = 1};
    assert_int_equal(gv_learner_create(&gv_learner_egdb, &setup, &learner), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "none of the 5 episodes is an expert's"));
    gv_dataset_destroy(dataset);
}

/* The multiplier comes in units of C: another C, the same network, another bid. */
static void actions_go_with_the_cost_asked_for(void **state)
{
    (void)state;
    const gv_scaling scaling = {.action_divisor = 3};
    gv_dd_sizes sizes = {.traits = {.is_log = true}};
    assert_true(fabs(gv_dd_action_in(&sizes, &scaling, 140, 70) - log(3)) < 1e-12);
    assert_true(fabs(gv_dd_action_out(&sizes, &scaling, log(3), 100) - 200) < 1e-9);
    assert_true(gv_dd_action_out(&sizes, &scaling, -2, 100) == 0);
    assert_true(isfinite(gv_dd_action_out(&sizes, &scaling, 1e6, 100)));
    sizes.traits.is_log = false;
    assert_true(gv_dd_action_in(&sizes, &scaling, 6, 70) == 2);
    assert_true(gv_dd_action_out(&sizes, &scaling, 2, 70) == 6);
}

/* ---- failing --------------------------------------------------------------------------------- */

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    char path[TEST_PATH_SIZE];
    made_weights(state, &gv_learner_egdb, small_text, 60, path);
    gv_dataset *dataset = planner_dataset(state, plant_policy, 12, TICKS);
    const planner_config config = planner_config_of(&gv_learner_egdb, oracle_text);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .jobs = 1};
    const gv_dd_serving serving = whole_serving();
    gv_status status = GV_ENOMEM;
    int failures = 0;
    for (int n = 0; status != GV_OK; n++) {
        gv_dd *dd = NULL;
        gv_learner *learner = NULL;
        gv_mem_fail_after(n);
        status = gv_learner_create(&gv_learner_egdb, &setup, &learner);
        status = status == GV_OK ? gv_dd_open(&gv_dd_egdb, path, &serving, &dd) : status;
        gv_mem_fail_after(-1);
        gv_dd_close(dd);
        gv_learner_destroy(learner);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
    }
    assert_true(failures > 40);
    gv_dataset_destroy(dataset);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forcing_and_beta_rise_to_their_ends),
        cmocka_unit_test(actions_go_with_the_cost_asked_for),
        cmocka_unit_test(an_episode_finds_its_own_expert),
        cmocka_unit_test(only_answers_to_others_are_followed),
        cmocka_unit_test(a_set_without_experts_is_refused),
        cmocka_unit_test(what_is_known_is_clean_and_without_weight),
        cmocka_unit_test(with_the_return_alone_it_is_the_completion_preset),
        cmocka_unit_test(without_completion_it_is_diffbid),
        cmocka_unit_test(companions_and_place_change_no_bit),
        cmocka_unit_test(a_shade_is_a_factor_of_every_action),
        cmocka_unit_test(a_saved_campaign_goes_on_to_the_same_bits),
        cmocka_unit_test(without_eta_only_the_seed_draws),
        cmocka_unit_test(guesses_left_out_would_not_have_counted),
        cmocka_unit_test(plans_out_of_bounds_are_counted),
        cmocka_unit_test(plans_out_of_bounds_are_told),
        cmocka_unit_test(a_guess_beyond_its_bound_is_seen),
        cmocka_unit_test(a_plan_is_kept_within_its_band),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
