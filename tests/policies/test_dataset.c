/* Trajectory sets as learners see them: what is refused, how they are split, drawn and scaled. */
#include "policies/learn/dataset.h"
#include "policies/learn/scaling.h"
#include "test_random.h"
#include "trajectory_fixture.h"

enum { TICKS = 6 };

static const planted_set small = {.plant = plant_policy,
                                  .episodes = 12,
                                  .ticks = TICKS,
                                  .first_period = 7,
                                  .of_period = 3};

static const char *write_set(void **state, const char *name, const planted_set *set)
{
    static char paths[4][TEST_PATH_SIZE];
    static size_t next;
    char *path = paths[next++ % 4];
    test_folder_path(*state, name, path);
    planted_write(set, path);
    return path;
}

static gv_dataset *open_set(void **state, const planted_set *set)
{
    const char *path = write_set(state, "set.safetensors", set);
    gv_dataset *dataset = NULL;
    assert_int_equal(gv_dataset_open(&path, 1, &dataset), GV_OK);
    return dataset;
}

/* Opening must fail with a sentence that holds `words`. */
static void assert_refused(void **state, const planted_set *set, const char *words)
{
    const char *path = write_set(state, "bad.safetensors", set);
    gv_dataset *dataset = NULL;
    assert_int_not_equal(gv_dataset_open(&path, 1, &dataset), GV_OK);
    assert_null(dataset);
    if (strstr(gv_status_detail(), words) == NULL) {
        fail_msg("\"%s\" does not hold \"%s\"", gv_status_detail(), words);
    }
    assert_non_null(strstr(gv_status_detail(), "bad.safetensors"));
}

static void plant_nan(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    plant_policy(draw, episode, tick, out);
    if (episode == 3 && tick == 2) {
        out->state[5] = (double)NAN;
    }
}

static void plant_endless(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    plant_policy(draw, episode, tick, out);
    out->action = episode == 1 && tick == 1 ? HUGE_VAL : out->action;
}

static void what_cannot_be_learnt_from_is_refused(void **state)
{
    planted_set bad = small;
    bad.plant = plant_nan;
    assert_refused(state, &bad, "\"state\" of trajectory 3 holds nan at place 37");
    bad.plant = plant_endless;
    assert_refused(state, &bad, "\"action\" of trajectory 1 holds inf at place 1");
    bad = small;
    bad.episodes = 0;
    assert_refused(state, &bad, "no trajectory to learn from");
    bad = small;
    bad.length = TICKS + 1;
    assert_refused(state, &bad, "trajectory 0 has a length of 7, expected 1 to its 6 ticks");
    bad.length = -1;
    assert_refused(state, &bad, "a length of -1");
    bad = small;
    bad.state = "time_left,budget,mean_bid";
    assert_refused(state, &bad, "entry 1 of its state is \"budget\", expected \"budget_left\"");
}

/* ---- outlooks -------------------------------------------------------------------------------- */

static void an_outlook_is_read_or_is_said_to_be_missing(void **state)
{
    gv_dataset *dataset = open_set(state, &small);
    for (size_t tick = 0; tick < TICKS; tick++) {
        const gv_random draw = gv_random_key(77, GV_STREAM_TEST, (size_t)2 * TICKS + tick);
        float expected[GV_OUTLOOK_SIZE];
        planted_outlook(&small, &draw, expected);
        assert_memory_equal(gv_episode_outlook(gv_dataset_at(dataset, 2), tick), expected,
                            sizeof expected);
    }
    assert_int_equal(gv_dataset_expect_outlook(dataset, "pupil"), GV_OK);
    planted_set older = small;
    older.has_no_outlook = true;
    gv_dataset *without = open_set(state, &older);
    assert_null(gv_episode_outlook(gv_dataset_at(without, 0), 3));
    assert_true(gv_dataset_hash(without) != gv_dataset_hash(dataset));
    assert_int_equal(gv_dataset_expect_outlook(without, "pupil"), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(),
                           "pupil: the episode of advertiser 0 in period 7 has no outlook: set "
                           "outlook=off, or make the trajectories anew"));
    gv_dataset_destroy(without);
    gv_dataset_destroy(dataset);
}

static void an_outlook_that_makes_no_sense_is_refused(void **state)
{
    planted_set bad = small;
    bad.outlook_moved = (double)NAN;
    assert_refused(state, &bad, "\"outlook\" of trajectory 0 holds nan at place 0");
    bad.outlook_moved = 100;
    assert_refused(state, &bad, "expected a number within 10");
    bad = small;
    bad.outlook = "time_left,spent";
    assert_refused(state, &bad, "entry 1 of its outlook is \"spent\", expected \"budget_left\"");
}

/* ---- the oracle's answers -------------------------------------------------------------------- */

static double teach(size_t episode, size_t tick)
{
    return tick == 5 ? 0 : (double)(100 * episode + tick);
}

static double teach_less_than_nothing(size_t episode, size_t tick)
{
    return episode == 2 && tick == 3 ? -1 : 1;
}

static double teach_no_number(size_t episode, size_t tick)
{
    return episode == 2 && tick == 4 ? (double)NAN : 1;
}

static void answers_of_the_oracle_are_read(void **state)
{
    planted_set taught = small;
    taught.teach = teach;
    taught.expert = 1;
    gv_dataset *dataset = open_set(state, &taught);
    for (size_t e = 0; e < gv_dataset_count(dataset); e++) {
        const gv_episode *episode = gv_dataset_at(dataset, e);
        assert_true(episode->is_expert == (e % 3 == 0));
        for (size_t tick = 0; tick < TICKS; tick++) {
            assert_true(episode->oracle[tick] == teach(e, tick));
        }
    }
    gv_dataset *plain = open_set(state, &small);
    assert_null(gv_dataset_at(plain, 0)->oracle);
    assert_false(gv_dataset_at(plain, 0)->is_expert);
    assert_true(gv_dataset_hash(plain) != gv_dataset_hash(dataset));
    gv_dataset_destroy(plain);
    gv_dataset_destroy(dataset);
}

static void answers_that_make_no_sense_are_refused(void **state)
{
    planted_set bad = small;
    bad.teach = teach_less_than_nothing;
    assert_refused(state, &bad, "\"oracle\" of trajectory 2 holds -1 at place 3");
    bad.teach = teach_no_number;
    assert_refused(state, &bad, "\"oracle\" of trajectory 2 holds nan at place 4");
    bad.teach = teach;
    bad.expert = 7;
    assert_refused(state, &bad, "\"expert\" of trajectory 0 is 7, expected 0 or 1");
}

/* A file that some other program wrote: the tensors of `set`, with an oracle of another shape. */
static void answers_of_another_shape_are_refused(void **state)
{
    char path[TEST_PATH_SIZE];
    planted_set taught = small;
    taught.teach = teach;
    const char *whole = write_set(state, "whole.safetensors", &taught);
    gv_safetensors *file = NULL;
    gv_tensor tensors[32];
    size_t count = 0;
    assert_int_equal(gv_safetensors_open(whole, &file), GV_OK);
    for (size_t i = 0; i < gv_safetensors_count(file); i++) {
        tensors[count] = *gv_safetensors_at(file, i);
        if (strcmp(tensors[count].name, "oracle") == 0) {
            tensors[count].shape[1] = TICKS - 1;
        }
        count++;
    }
    test_folder_path(*state, "shape.safetensors", path);
    const char *const paths[] = {path};
    gv_dataset *dataset = NULL;
    assert_int_equal(gv_safetensors_write(path, tensors, count, NULL, 0), GV_OK);
    assert_int_not_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    assert_non_null(strstr(gv_status_detail(), "oracle"));
    for (size_t i = 0; i < count; i++) { /* and without the one that goes with it */
        if (strcmp(tensors[i].name, "oracle") == 0) {
            tensors[i] = tensors[--count];
        }
    }
    assert_int_equal(gv_safetensors_write(path, tensors, count, NULL, 0), GV_OK);
    assert_int_not_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    assert_non_null(strstr(gv_status_detail(), "oracle"));
    assert_null(dataset);
    gv_safetensors_close(file);
}

static void imprints_go_with_their_periods(void **state)
{
    planted_set marked = small;
    marked.provenance = "{\"seed\": 1, \"periods\": {\"7\": \"00000000000000ff\", "
                        "\"10\": \"0123456789abcdef\"}}";
    gv_dataset *all = open_set(state, &marked);
    gv_dataset *training = NULL;
    assert_int_equal(gv_dataset_imprints(all)->count, 2);
    assert_int_equal(gv_dataset_split(all, 0.5, GV_PART_TRAINING, &training), GV_OK);
    assert_int_equal(gv_dataset_imprints(training)->count, 1);
    assert_int_equal(gv_dataset_imprints(training)->items[0].period, 7);
    assert_int_equal(gv_dataset_imprints(training)->items[0].hash, 255);
    gv_dataset_destroy(training);
    gv_dataset_destroy(all);
    marked.provenance = "{\"periods\": {\"7\": \"ff\"}}";
    assert_refused(state, &marked, "the imprint of period \"7\" is \"ff\"");
    marked.provenance = "[]";
    assert_refused(state, &marked, "no JSON object");
}

static void files_of_different_horizons_do_not_mix(void **state)
{
    planted_set longer = small;
    longer.ticks = TICKS + 2;
    const char *paths[] = {write_set(state, "a.safetensors", &small),
                           write_set(state, "b.safetensors", &longer)};
    gv_dataset *dataset = NULL;
    assert_int_equal(gv_dataset_open(paths, 2, &dataset), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "b.safetensors: its trajectories have 8 ticks"));
    const char *missing[] = {"/nonexistent/x.safetensors"};
    assert_int_equal(gv_dataset_open(missing, 1, &dataset), GV_EIO);
}

static void several_files_are_one_set(void **state)
{
    planted_set more = small;
    more.first_period = 11;
    more.length = 2;
    const char *paths[] = {write_set(state, "a.safetensors", &small),
                           write_set(state, "b.safetensors", &more)};
    gv_dataset *dataset = NULL;
    char periods[64];
    assert_int_equal(gv_dataset_open(paths, 2, &dataset), GV_OK);
    assert_int_equal(gv_dataset_count(dataset), 24);
    assert_int_equal(gv_dataset_ticks(dataset), TICKS);
    assert_int_equal(gv_dataset_places(dataset), 12 * TICKS + 12 * 2);
    gv_dataset_periods(dataset, periods, sizeof periods);
    assert_string_equal(periods, "7..14");
    const gv_place last = gv_dataset_place(dataset, gv_dataset_places(dataset) - 1);
    assert_int_equal(last.episode, 23);
    assert_int_equal(last.tick, 1);
    const gv_place first = gv_dataset_place(dataset, UINT64_C(12) * TICKS);
    assert_int_equal(first.episode, 12);
    assert_int_equal(first.tick, 0);
    gv_dataset_destroy(dataset);
}

/* Of four periods a half is two: the latest, whole. */
static void whole_periods_are_held_out(void **state)
{
    gv_dataset *all = open_set(state, &small);
    gv_dataset *training = NULL;
    gv_dataset *validation = NULL;
    char periods[64];
    assert_int_equal(gv_dataset_split(all, 0.5, GV_PART_TRAINING, &training), GV_OK);
    assert_int_equal(gv_dataset_split(all, 0.5, GV_PART_VALIDATION, &validation), GV_OK);
    assert_int_equal(gv_dataset_count(training), 6);
    assert_int_equal(gv_dataset_count(validation), 6);
    gv_dataset_periods(training, periods, sizeof periods);
    assert_string_equal(periods, "7..8");
    gv_dataset_periods(validation, periods, sizeof periods);
    assert_string_equal(periods, "9..10");
    assert_true(gv_dataset_hash(training) != gv_dataset_hash(validation));
    assert_true(gv_dataset_hash(training) != gv_dataset_hash(all));
    gv_dataset_destroy(training);
    gv_dataset_destroy(validation);
    assert_int_equal(gv_dataset_split(all, 0, GV_PART_TRAINING, &training), GV_OK);
    assert_true(gv_dataset_hash(training) == gv_dataset_hash(all));
    gv_dataset_destroy(training);
    assert_int_equal(gv_dataset_split(all, 0.2, GV_PART_VALIDATION, &validation), GV_OK);
    assert_int_equal(gv_dataset_count(validation), 0);
    gv_dataset_destroy(validation);
    gv_dataset_destroy(all);
}

/* A draw is a pure function of its key, and every place comes up as often as any other. */
static void draws_are_pure_and_even(void **state)
{
    enum { DRAWS = 72000 };
    gv_dataset *dataset = open_set(state, &small);
    size_t counts[12][TICKS] = {{0}};
    for (uint64_t i = 0; i < DRAWS; i++) {
        const gv_place place = gv_dataset_draw(dataset, 5, i / 100, i % 100);
        const gv_place again = gv_dataset_draw(dataset, 5, i / 100, i % 100);
        assert_true(place.episode == again.episode && place.tick == again.tick);
        counts[place.episode][place.tick]++;
    }
    double chi_square = 0;
    const double expected = (double)DRAWS / (12 * TICKS);
    for (size_t e = 0; e < 12; e++) {
        for (size_t tick = 0; tick < TICKS; tick++) {
            const double apart = (double)counts[e][tick] - expected;
            chi_square += apart * apart / expected;
        }
    }
    assert_true(chi_square > 40);  /* 71 degrees of freedom: 1 in 1000 below, */
    assert_true(chi_square < 113); /* and above */
    gv_dataset_destroy(dataset);
}

/* Two ticks by hand: 1 and 3 have mean 2 and deviation 1. */
static void plant_two(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    (void)draw;
    (void)episode;
    for (size_t k = 0; k < GV_STATE_SIZE; k++) {
        out->state[k] = tick == 0 ? 1 : 3;
    }
    out->state[4] = 7;
    out->action = tick == 0 ? 3 : 4;
    out->reward = tick == 0 ? 0 : 2;
    out->reward_continuous = tick == 0 ? 5 : 6;
}

static void scaling_by_hand(void **state)
{
    const planted_set two = {.plant = plant_two, .episodes = 1, .ticks = 2};
    gv_dataset *dataset = open_set(state, &two);
    const gv_scaling_config whole = {.kind = GV_SCALING_ZSCORE, .scales_actions = true};
    const gv_scaling z = gv_scaling_fit(dataset, &whole);
    float scaled[GV_STATE_SIZE];
    assert_true(z.offset[0] == 2 && fabs(z.divisor[0] - 1.000001) < 1e-12);
    assert_true(z.offset[4] == 7 && z.divisor[4] == 1e-6);
    assert_true(fabs(z.action_divisor - sqrt(12.5)) < 1e-12 && z.action_largest == 4);
    assert_true(z.reward_offset == 0 && z.reward_divisor == 1);
    double other[GV_STATE_SIZE] = {[0] = 3, [4] = 8};
    gv_scaling_state(&z, other, scaled);
    assert_true(fabsf(scaled[0] - 1) < 1e-5F);
    assert_true(scaled[4] == (float)GV_SCALED_MAX); /* a constant that moved does not blow up */
    const gv_scaling_config counts = {
        .kind = GV_SCALING_COUNTS, .scales_rewards = true, .is_continuous = true};
    const gv_scaling c = gv_scaling_fit(dataset, &counts);
    assert_true(c.offset[0] == 0 && c.divisor[0] == 1 && c.action_divisor == 1);
    assert_true(c.offset[13] == 1 && fabs(c.divisor[13] - 2.01) < 1e-12);
    assert_true(c.offset[15] == 1 && c.divisor[12] == 1);
    assert_true(c.reward_offset == 5 && fabs(c.reward_divisor - 1.01) < 1e-12);
    other[0] = 123;
    gv_scaling_state(&c, other, scaled);
    assert_true(scaled[0] == 123);
    gv_dataset_destroy(dataset);
}

static void failed_allocations_are_survived(void **state)
{
    planted_set marked = small;
    marked.provenance = "{\"periods\": {\"7\": \"00000000000000ff\"}}";
    const char *path = write_set(state, "a.safetensors", &marked);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_dataset *dataset = NULL;
        gv_dataset *part = NULL;
        gv_mem_fail_after(n);
        status = gv_dataset_open(&path, 1, &dataset);
        if (status == GV_OK) {
            status = gv_dataset_split(dataset, 0.5, GV_PART_TRAINING, &part);
        }
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true(n < 40);
        gv_dataset_destroy(part);
        gv_dataset_destroy(dataset);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_learnt_from_is_refused),
        cmocka_unit_test(an_outlook_is_read_or_is_said_to_be_missing),
        cmocka_unit_test(an_outlook_that_makes_no_sense_is_refused),
        cmocka_unit_test(answers_of_the_oracle_are_read),
        cmocka_unit_test(answers_that_make_no_sense_are_refused),
        cmocka_unit_test(answers_of_another_shape_are_refused),
        cmocka_unit_test(imprints_go_with_their_periods),
        cmocka_unit_test(files_of_different_horizons_do_not_mix),
        cmocka_unit_test(several_files_are_one_set),
        cmocka_unit_test(whole_periods_are_held_out),
        cmocka_unit_test(draws_are_pure_and_even),
        cmocka_unit_test(scaling_by_hand),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
