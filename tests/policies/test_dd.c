/* The decision diffuser: what it imagines, what it learns, how it serves. */
#include "planner_fixture.h"
#include "policies/learn/dd.h"
#include "policies/learn/dd_impl.h"
#include "policies/learn/learners_impl.h"

enum { TICKS = 8, CAMPAIGNS = 48 };

/* ---- a planted set --------------------------------------------------------------------------- */

/*
 * A line of periods: all begin alike, as period_begin() has it, and of the share q = 0 .. 1 of an
 * episode is what follows: bids of 100 q, wins and money that go with q t. q is also what a tick
 * brings, and the action is 50 + 50 q.
 */
static void plant_line(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    (void)draw;
    const double q = (double)(episode % 11) / 10;
    const double t = (double)tick / TICKS;
    const double count = 5000;
    out->state[GV_STATE_TIME_LEFT] = 1 - t;
    out->state[GV_STATE_BUDGET_LEFT] = 1 - q * t;
    out->state[GV_STATE_VALUE_NOW] = 0.5;
    out->state[GV_STATE_COUNT_NOW] = count;
    out->state[GV_STATE_COUNT_LAST] = count * (double)(tick < 3 ? tick : 3);
    out->state[GV_STATE_COUNT] = count * (double)tick;
    if (tick > 0) {
        out->state[GV_STATE_BID] = 100 * q;
        out->state[GV_STATE_BID_LAST] = 100 * q;
        out->state[GV_STATE_WIN] = q * t;
        out->state[GV_STATE_WIN_LAST] = q * t;
    }
    out->action = 50 + 50 * q;
    out->reward = q;
}

static void made_weights(void **state, const char *const *text, size_t steps, size_t ticks,
                         char path[TEST_PATH_SIZE])
{
    const planner_config config = planner_config_of(&gv_learner_dd, text);
    gv_dataset *dataset = planner_dataset(state, plant_line, 44, ticks);
    gv_learner *learner = planner_learner(&gv_learner_dd, dataset, &config, 1);
    const double loss = planner_teach(learner, steps);
    printf("loss of noise %.4f\n", loss);
    test_folder_path(*state, "dd.safetensors", path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

static gv_dd_serving serving_of(double target, double guidance)
{
    return (gv_dd_serving){.target = target, .guidance = guidance, .eta = 1, .noise_scale = 0.5};
}

typedef struct imagined {
    double bids;     /* mean over campaigns and later ticks, of 100 */
    double distance; /* from the bids of the target, mean */
    double action;
} imagined;

/* What campaigns imagine at the first tick, when nothing tells them apart but their noise. */
static imagined imagine(const char *path, gv_dd_serving serving)
{
    enum { COUNT = 16 };
    gv_dd *dd = NULL;
    imagined all = {0};
    assert_int_equal(gv_dd_open(&gv_dd_diffuser, path, &serving, &dd), GV_OK);
    for (size_t i = 0; i < COUNT; i++) {
        made_period period;
        gv_dd_seat *seat = NULL;
        double action = 0;
        period_begin(&period, TICKS);
        assert_int_equal(gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 5, .number = i}, &seat),
                         GV_OK);
        gv_dd_act(&seat, &period.seen, 1, &action);
        all.action += action / COUNT;
        for (size_t t = 1; t < TICKS; t++) {
            const double bid = 50 + 50 * (double)gv_dd_plan(seat)[t * GV_STATE_SIZE + GV_STATE_BID];
            all.bids += bid / COUNT / (TICKS - 1);
            all.distance += fabs(bid - 100 * serving.target) / COUNT / (TICKS - 1);
        }
        gv_dd_seat_destroy(seat);
    }
    gv_dd_close(dd);
    return all;
}

static void guidance_finds_the_planted_periods(void **state)
{
    static const char *const text[] = {"base=64",  "levels=1",   "kernel=3", "groups=4",
                                       "batch=32", "rate=0.003", NULL};
    char path[TEST_PATH_SIZE];
    imagined guided[3];
    made_weights(state, text, 800, TICKS, path);
    for (size_t i = 0; i < 3; i++) {
        const double target = (double)i / 2;
        guided[i] = imagine(path, serving_of(target, 1.2));
        const imagined blind = imagine(path, serving_of(target, 0));
        printf("return %.1f: bids %.1f, %.1f away; without guidance %.1f, %.1f away; action %.1f\n",
               target, guided[i].bids, guided[i].distance, blind.bids, blind.distance,
               guided[i].action);
        assert_true(guided[i].distance < 15);
        assert_true(i == 1 || guided[i].distance < blind.distance / 2);
        assert_true(fabs(guided[i].action - (50 + 50 * target)) < 15);
    }
    assert_true(guided[0].bids + 20 < guided[1].bids);
    assert_true(guided[1].bids + 20 < guided[2].bids);
}

/* ---- serving --------------------------------------------------------------------------------- */

static const char *const small_text[] = {"base=8", "groups=4", "batch=8", "completion=on", NULL};

/*
 * `count` campaigns over half a period, numbered from `first`; actions: [HALF][count]. With
 * `saved` every seat is saved and restored into another in the middle.
 */
enum { HALF = PLANNER_TICKS_MAX / 2 };

static void play(const char *path, const gv_dd_serving *serving, size_t first, size_t count,
                 bool saved, double *actions)
{
    static made_period periods[CAMPAIGNS];
    gv_observation seen[CAMPAIGNS];
    gv_dd_seat *seats[CAMPAIGNS] = {NULL};
    gv_dd *dd = NULL;
    assert_int_equal(gv_dd_open(&gv_dd_diffuser, path, serving, &dd), GV_OK);
    assert_int_equal(gv_dd_ticks(dd), PLANNER_TICKS_MAX);
    for (size_t i = 0; i < count; i++) {
        period_begin(&periods[i], PLANNER_TICKS_MAX);
        assert_int_equal(
            gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 5, .number = first + i}, &seats[i]),
            GV_OK);
    }
    for (size_t tick = 0; tick < HALF; tick++) {
        for (size_t i = 0; i < count; i++) {
            seen[i] = periods[i].seen;
        }
        gv_dd_act(seats, seen, count, actions + tick * count);
        for (size_t i = 0; i < count; i++) {
            period_pass_drawn(&periods[i], first + i);
        }
        for (size_t i = 0; saved && tick == HALF / 2 && i < count; i++) {
            gv_writer writer = {0};
            assert_int_equal(gv_dd_seat_save(seats[i], &writer), GV_OK);
            gv_dd_seat_destroy(seats[i]);
            assert_int_equal(
                gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 5, .number = first + i}, &seats[i]),
                GV_OK);
            gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
            assert_int_equal(gv_dd_seat_restore(seats[i], &reader), GV_OK);
            assert_true(gv_reader_is_done(&reader));
            gv_writer_fini(&writer);
        }
    }
    for (size_t i = 0; i < count; i++) {
        gv_dd_seat_destroy(seats[i]);
    }
    gv_dd_close(dd);
}

static void companions_and_place_change_no_bit(void **state)
{
    static double whole[HALF * CAMPAIGNS];
    static double part[HALF * CAMPAIGNS];
    static const struct {
        size_t first, count;
    } parts[] = {{0, 1}, {47, 1}, {3, 7}, {41, 7}};
    char path[TEST_PATH_SIZE];
    gv_dd_serving serving = serving_of(1, 1.2);
    serving.jumps = 2;
    made_weights(state, small_text, 10, PLANNER_TICKS_MAX, path);
    play(path, &serving, 0, CAMPAIGNS, false, whole);
    assert_true(whole[0] != whole[1]); /* their noise differs */
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        play(path, &serving, parts[p].first, parts[p].count, false, part);
        for (size_t tick = 0; tick < HALF; tick++) {
            assert_memory_equal(part + tick * parts[p].count,
                                whole + tick * CAMPAIGNS + parts[p].first,
                                parts[p].count * sizeof *part);
        }
    }
}

static void on_other_processors_neither(void **state)
{
    (void)state;
    planner_on_processors("companions_and_place_change_no_bit");
}

static void a_saved_campaign_goes_on_to_the_same_bits(void **state)
{
    enum { COUNT = 2 };
    double plain[HALF * COUNT];
    double saved[HALF * COUNT];
    char path[TEST_PATH_SIZE];
    const gv_dd_serving serving = serving_of(1, 1.2);
    made_weights(state, small_text, 10, PLANNER_TICKS_MAX, path);
    play(path, &serving, 9, COUNT, false, plain);
    play(path, &serving, 9, COUNT, true, saved);
    assert_memory_equal(plain, saved, sizeof plain);
}

/* What was seen stands in the plan as it was; the rest is held within the bound. */
static void a_plan_begins_with_what_was_seen(void **state)
{
    char path[TEST_PATH_SIZE];
    made_period period;
    gv_dd *dd = NULL;
    gv_dd_seat *seat = NULL;
    float seen[TICKS][GV_STATE_SIZE] = {{0}};
    made_weights(state, small_text, 10, TICKS, path);
    const gv_dd_serving serving = serving_of(1, 1.2);
    assert_int_equal(gv_dd_open(&gv_dd_diffuser, path, &serving, &dd), GV_OK);
    assert_int_equal(gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 5}, &seat), GV_OK);
    period_begin(&period, TICKS);
    for (size_t tick = 0; tick < TICKS; tick++) {
        double action = 0;
        gv_dd_act(&seat, &period.seen, 1, &action);
        if (tick + 1 == TICKS) {
            break; /* nothing follows, so nothing is imagined */
        }
        const float *plan = gv_dd_plan(seat);
        memcpy(seen[tick], plan + tick * GV_STATE_SIZE, sizeof seen[tick]);
        assert_memory_equal(plan, seen, (tick + 1) * sizeof seen[0]);
        for (size_t i = (tick + 1) * GV_STATE_SIZE; i < (size_t)TICKS * GV_STATE_SIZE; i++) {
            assert_true(fabsf(plan[i]) <= 1.0001F);
        }
        period_pass(&period, 60, tick % 2, 10);
    }
    gv_dd_seat_destroy(seat);
    gv_dd_close(dd);
}

static void past_states_go_to_the_inverse_in_their_order(void **state)
{
    (void)state;
    float states[3 * GV_STATE_SIZE];
    float next[GV_STATE_SIZE];
    enum { INPUTS = GV_DD_SEEN * GV_STATE_SIZE };
    float seen[INPUTS];
    for (size_t i = 0; i < GV_STATE_SIZE; i++) {
        next[i] = 9;
        for (size_t t = 0; t < 3; t++) {
            states[t * GV_STATE_SIZE + i] = (float)t;
        }
    }
    static const float expected[3][GV_DD_SEEN] = {{0, 0, 0, 9}, {0, 0, 1, 9}, {0, 1, 2, 9}};
    const planner_config config = planner_config_of(&gv_learner_dd, small_text);
    const gv_dd_traits none = {.latent = 0};
    const gv_dd_sight sight = {.outlook = NULL};
    gv_dd_sizes sizes;
    assert_int_equal(gv_dd_sizes_of((const gv_dd_config *)&config, &none, TICKS, &sizes), GV_OK);
    assert_int_equal(sizes.inverse_inputs, INPUTS);
    for (size_t tick = 0; tick < 3; tick++) {
        gv_dd_gather(&sizes, states, tick, next, &sight, seen);
        for (size_t i = 0; i < GV_DD_SEEN; i++) {
            assert_true(seen[i * GV_STATE_SIZE] == expected[tick][i]);
            assert_true(seen[(i + 1) * GV_STATE_SIZE - 1] == expected[tick][i]);
        }
    }
}

static void odd_periods_and_faults_can_be_learnt(void **state)
{
    static const char *const text[] = {"base=8",           "groups=4",          "batch=8",
                                       "scale_states=off", "condition=sigmoid", NULL};
    for (size_t ticks = 1; ticks <= 7; ticks += 3) {
        char path[TEST_PATH_SIZE];
        made_period period;
        gv_dd *dd = NULL;
        gv_dd_seat *seat = NULL;
        const gv_dd_serving serving = serving_of(1, 1.2);
        made_weights(state, text, 10, ticks, path);
        assert_int_equal(gv_dd_open(&gv_dd_diffuser, path, &serving, &dd), GV_OK);
        assert_int_equal(gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 5}, &seat), GV_OK);
        period_begin(&period, ticks);
        for (size_t tick = 0; tick < ticks; tick++) {
            double action = NAN;
            gv_dd_act(&seat, &period.seen, 1, &action);
            assert_true(isfinite(action));
            period_pass(&period, action, 0, 1);
        }
        gv_dd_seat_destroy(seat);
        gv_dd_close(dd);
    }
}

/* ---- failing --------------------------------------------------------------------------------- */

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    char path[TEST_PATH_SIZE];
    made_weights(state, small_text, 10, TICKS, path);
    gv_status status = GV_ENOMEM;
    int failures = 0;
    for (int n = 0; status != GV_OK; n++) {
        gv_dd *dd = NULL;
        gv_dd_seat *seat = NULL;
        const gv_dd_serving serving = serving_of(1, 1.2);
        gv_mem_fail_after(n);
        status = gv_dd_open(&gv_dd_diffuser, path, &serving, &dd);
        status = status == GV_OK ? gv_dd_seat_create(dd, &(gv_dd_owner){.seed = 1}, &seat) : status;
        gv_mem_fail_after(-1);
        gv_dd_seat_destroy(seat);
        gv_dd_close(dd);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
    }
    assert_true(failures > 20);
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    static const char *const odd[][3] = {{"kernel=4", NULL, "a kernel of 4"},
                                         {"groups=5", NULL, "5 groups"},
                                         {"groups=1", "base=2", "a base of 2 channels"}};
    gv_dataset *dataset = planner_dataset(state, plant_line, 11, TICKS);
    for (size_t i = 0; i < 3; i++) {
        const char *const text[] = {odd[i][0], odd[i][1], NULL};
        const planner_config config = planner_config_of(&gv_learner_dd, text);
        const gv_learner_setup setup = {.config = &config, .dataset = dataset, .jobs = 1};
        gv_learner *learner = NULL;
        assert_int_equal(gv_learner_create(&gv_learner_dd, &setup, &learner), GV_EUSAGE);
        assert_non_null(strstr(gv_status_detail(), odd[i][2]));
    }
    gv_dataset_destroy(dataset);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_states_go_to_the_inverse_in_their_order),
        cmocka_unit_test(guidance_finds_the_planted_periods),
        cmocka_unit_test(companions_and_place_change_no_bit),
        cmocka_unit_test(on_other_processors_neither),
        cmocka_unit_test(a_saved_campaign_goes_on_to_the_same_bits),
        cmocka_unit_test(a_plan_begins_with_what_was_seen),
        cmocka_unit_test(odd_periods_and_faults_can_be_learnt),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
