/* The decision transformer: what it is told, what it sees, what it learns, how it serves. */
#include "models/nn/tape.h"
#include "planner_fixture.h"
#include "policies/learn/dt.h"
#include "policies/learn/dt_impl.h"
#include "policies/learn/learners_impl.h"
#include "sim/base/parallel.h"

enum { TICKS = 8, CAMPAIGNS = 48 };

static void assert_near(double found, double expected, double error)
{
    if (!(fabs(found - expected) <= error)) {
        fail_msg("%.9g, expected %.9g within %g", found, expected, error);
    }
}

/* ---- returns --------------------------------------------------------------------------------- */

/*
 * Four ticks, budget 100, C = 10: conversions 1, 0, 2, 1; left before the ticks 1, 0.8, 0.4, 0.3
 * of the budget.
 */
static const double rewards[] = {1, 0, 2, 1};

static gv_episode worked_episode(double states[4 * GV_STATE_SIZE])
{
    static const double left[] = {1, 0.8, 0.4, 0.3};
    for (size_t t = 0; t < 4; t++) {
        states[t * GV_STATE_SIZE + GV_STATE_BUDGET_LEFT] = left[t];
    }
    return (gv_episode){
        .state = states, .reward = rewards, .length = 4, .budget = 100, .cpa = 10, .spend = 80};
}

static void returns_to_go_worked_by_hand(void **state)
{
    (void)state;
    double states[4 * GV_STATE_SIZE] = {0};
    double to_go[4];
    const gv_episode episode = worked_episode(states);
    const gv_return_law plain = {.kind = GV_RETURN_PLAIN};
    const double counted[] = {4, 3, 3, 1};
    gv_return_to_go(&plain, &episode, to_go);
    for (size_t t = 0; t < 4; t++) {
        assert_near(to_go[t], counted[t], 1e-12);
    }
    /* S is (40 / 80)^2 4 = 1 in all, before the ticks 0, (10/20)^2, (10/60)^2, (30/70)^2 3. */
    const gv_return_law score = {.kind = GV_RETURN_SCORE, .power = 2};
    const double scored[] = {1, 0.75, 35.0 / 36, 1 - 27.0 / 49};
    gv_return_to_go(&score, &episode, to_go);
    for (size_t t = 0; t < 4; t++) {
        assert_near(to_go[t], scored[t], 1e-12);
    }
    /* The fault: C / CPA unsquared; and in units of budget / C = 10. */
    const gv_return_law faulty = {.kind = GV_RETURN_SCORE, .power = 1, .is_relative = true};
    gv_return_to_go(&faulty, &episode, to_go);
    assert_near(to_go[0], 0.2, 1e-12);
    assert_near(to_go[1], 0.2 - 0.05, 1e-12);
}

static void a_constraint_is_told_as_its_share(void **state)
{
    (void)state;
    float token[GV_CONSTRAINT_SIZE];
    const gv_account account = {.conversions = 4, .spend = 30, .budget = 100, .cpa = 10};
    const gv_account without = {.conversions = 0, .spend = 30, .budget = 100, .cpa = 10};
    const gv_account unspent = {.budget = 100, .cpa = 10};
    assert_near(gv_constraint_used(&account), 0.75, 1e-12);
    assert_near(gv_constraint_used(&without), 2, 0);
    assert_near(gv_constraint_used(&unspent), 0, 0);
    gv_constraint_token(0.5, &account, token);
    assert_near((double)token[0], 0.5, 0);
    assert_near((double)token[1], log(10) - 4, 1e-6);
    assert_near((double)token[2], log(100) - 8, 1e-6);
}

/* ---- causality ------------------------------------------------------------------------------- */

static void fill_random(gv_tape *tape, gv_node node, size_t count, uint64_t entity)
{
    const gv_random random = gv_random_key(5, GV_STREAM_TEST, entity);
    for (size_t i = 0; i < count; i++) {
        gv_tape_f32(tape, node)[i] = (float)gv_random_normal(&random, i);
    }
}

/* How many actions before tick `from` change when all from it on is another; *later: after it. */
static size_t changed_before(bool constraint, size_t from, size_t *later)
{
    const gv_dt_config config = {.width = 16,
                                 .layers = 2,
                                 .heads = 2,
                                 .inner = 24,
                                 .context = TICKS,
                                 .constraint = constraint};
    const gv_dt_sizes sizes = gv_dt_sizes_of(&config, TICKS);
    gv_params *params = NULL;
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    assert_int_equal(gv_params_create(GV_F32, &params), GV_OK);
    const gv_graph_config graph_config = {.params = params};
    assert_int_equal(gv_graph_create(&graph_config, &graph), GV_OK);
    const gv_dt_nodes nodes = gv_dt_inputs(graph, &sizes, 1, TICKS);
    const gv_node action = gv_dt_build(graph, &sizes, &nodes).action;
    gv_graph_keep(graph, action);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(params, 1), GV_OK);
    assert_int_equal(gv_tape_create(graph, params, &tape), GV_OK);
    const gv_node inputs[] = {nodes.to_go, nodes.action, nodes.state, nodes.constraint};
    const size_t widths[] = {1, 1, GV_STATE_SIZE, GV_CONSTRAINT_SIZE};
    float kept[TICKS];
    const gv_tape_step step = {.is_training = false};
    for (int run = 0; run < 2; run++) {
        for (size_t i = 0; i < (constraint ? 4 : 3); i++) {
            const size_t first = from * widths[i];
            fill_random(tape, inputs[i], TICKS * widths[i], i);
            /* The tick's own action is after its prediction. */
            for (size_t at = first; run == 1 && at < TICKS * widths[i]; at++) {
                gv_tape_f32(tape, inputs[i])[at] += 1;
            }
            if (run == 1 && inputs[i] == nodes.action && from > 0) {
                gv_tape_f32(tape, inputs[i])[from - 1] += 1;
            }
        }
        for (size_t t = 0; t < TICKS; t++) {
            gv_tape_indices(tape, nodes.tick)[t] = (int32_t)t;
        }
        gv_tape_forward(tape, &step);
        if (run == 0) {
            memcpy(kept, gv_tape_f32(tape, action), sizeof kept);
        }
    }
    size_t before = 0;
    *later = 0;
    for (size_t t = 0; t < TICKS; t++) {
        const bool differs = kept[t] != gv_tape_f32(tape, action)[t];
        before += differs && t < from;
        *later += differs && t >= from;
    }
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
    gv_params_destroy(params);
    return before;
}

static void no_action_sees_what_comes_after_it(void **state)
{
    (void)state;
    for (size_t from = 0; from < TICKS; from++) {
        for (int constraint = 0; constraint < 2; constraint++) {
            size_t later = 0;
            assert_int_equal(changed_before(constraint == 1, from, &later), 0);
            assert_int_equal(later, TICKS - from);
        }
    }
}

/* ---- a planted set --------------------------------------------------------------------------- */

/* Three behaviours: 50, 75 or 100 and a wave, which convert 0, 1 or 2 a tick. */
static double planted_action(size_t level, size_t tick)
{
    return 50 + 25 * (double)level + 10 * sin((double)tick);
}

static void plant_levels(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    const size_t level = episode % 3;
    planted_state(draw, TICKS, tick, out->state);
    out->state[GV_STATE_BID] *= 200;
    out->state[GV_STATE_BID_LAST] *= 200;
    out->action = planted_action(level, tick);
    out->reward = (double)level;
}

/* Mean distance from a level's actions when its return is asked for, period after period. */
static double distance_from(const char *path, size_t level, double *mean)
{
    made_period period;
    gv_dt *dt = NULL;
    gv_dt_seat *seat = NULL;
    double distance = 0;
    /* The scale is what one in twenty exceeds: 2 conversions a tick. */
    const gv_dt_serving serving = {.target = (double)level / 2};
    assert_int_equal(gv_dt_open(path, &serving, &dt), GV_OK);
    assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seat), GV_OK);
    period_begin(&period, TICKS);
    *mean = 0;
    for (size_t tick = 0; tick < TICKS; tick++) {
        double action = 0;
        gv_dt_act(&seat, &period.seen, 1, &action);
        distance += fabs(action - planted_action(level, tick)) / TICKS;
        *mean += action / TICKS;
        period_pass(&period, action, level, 10);
    }
    gv_dt_seat_destroy(seat);
    gv_dt_close(dt);
    return distance;
}

static void asked_for_more_it_does_what_brought_more(void **state)
{
    static const char *const text[] = {"width=32", "layers=2",   "inner=64",   "dropout=0",
                                       "batch=16", "rate=0.003", "warm_up=20", NULL};
    char path[TEST_PATH_SIZE];
    double mean[3];
    const planner_config config = planner_config_of(&gv_learner_dt, text);
    gv_dataset *dataset = planner_dataset(state, plant_levels, 120, TICKS);
    gv_learner *learner = planner_learner(&gv_learner_dt, dataset, &config, 1);
    const double loss = planner_teach(learner, 400);
    test_folder_path(*state, "dt.safetensors", path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    for (size_t level = 0; level < 3; level++) {
        const double distance = distance_from(path, level, &mean[level]);
        printf("level %zu: mean action %.2f, distance %.2f; loss %.5f\n", level, mean[level],
               distance, loss);
        assert_true(distance < 8);
        assert_true(level == 0 || mean[level] > mean[level - 1] + 15);
    }
    assert_true(loss < 0.002);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

/* ---- serving --------------------------------------------------------------------------------- */

static void made_weights(void **state, const char *const *text, char path[TEST_PATH_SIZE])
{
    const planner_config config = planner_config_of(&gv_learner_dt, text);
    gv_dataset *dataset = planner_dataset(state, plant_levels, 12, CAMPAIGNS);
    gv_learner *learner = planner_learner(&gv_learner_dt, dataset, &config, 1);
    (void)planner_teach(learner, 10);
    test_folder_path(*state, "made.safetensors", path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

static const char *const plain_text[] = {"width=32", "batch=8", "warm_up=0", NULL};
static const char *const constraint_text[] = {
    "width=32", "batch=8", "warm_up=0", "relative=on", "constraint=on", "returns=score", NULL};

/*
 * `count` campaigns over a period, numbered from `first`; actions: [PLANNER_TICKS_MAX][count].
 * With `saved` every seat is saved and restored into another in the middle.
 */
static void play(const char *path, const gv_dt_serving *serving, size_t first, size_t count,
                 bool saved, double *actions)
{
    static made_period periods[CAMPAIGNS];
    gv_observation seen[CAMPAIGNS];
    gv_dt_seat *seats[CAMPAIGNS] = {NULL};
    gv_dt *dt = NULL;
    assert_int_equal(gv_dt_open(path, serving, &dt), GV_OK);
    assert_int_equal(gv_dt_ticks(dt), PLANNER_TICKS_MAX);
    for (size_t i = 0; i < count; i++) {
        period_begin(&periods[i], PLANNER_TICKS_MAX);
        assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seats[i]), GV_OK);
    }
    for (size_t tick = 0; tick < PLANNER_TICKS_MAX; tick++) {
        for (size_t i = 0; i < count; i++) {
            seen[i] = periods[i].seen;
        }
        gv_dt_act(seats, seen, count, actions + tick * count);
        for (size_t i = 0; i < count; i++) {
            period_pass_drawn(&periods[i], first + i);
        }
        for (size_t i = 0; saved && tick == PLANNER_TICKS_MAX / 2 && i < count; i++) {
            gv_writer writer = {0};
            assert_int_equal(gv_dt_seat_save(seats[i], &writer), GV_OK);
            gv_dt_seat_destroy(seats[i]);
            assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seats[i]), GV_OK);
            gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
            assert_int_equal(gv_dt_seat_restore(seats[i], &reader), GV_OK);
            assert_true(gv_reader_is_done(&reader));
            gv_writer_fini(&writer);
        }
    }
    for (size_t i = 0; i < count; i++) {
        gv_dt_seat_destroy(seats[i]);
    }
    gv_dt_close(dt);
}

static void a_cache_is_the_same_function_as_computing_anew(void **state)
{
    static const char *const *const texts[] = {plain_text, constraint_text};
    enum { COUNT = 5, ALL = PLANNER_TICKS_MAX * COUNT };
    for (size_t k = 0; k < 2; k++) {
        char path[TEST_PATH_SIZE];
        double cached[ALL];
        double anew[ALL];
        double worst = 0;
        double spread = 0;
        gv_dt_serving serving = {.target = 1, .used = 0.8};
        made_weights(state, texts[k], path);
        play(path, &serving, 0, COUNT, false, cached);
        serving.recomputes = true;
        play(path, &serving, 0, COUNT, false, anew);
        for (size_t i = 0; i < ALL; i++) {
            worst = fmax(worst, fabs(cached[i] - anew[i]) / fmax(1, fabs(anew[i])));
            spread = fmax(spread, fabs(anew[i] - anew[0]));
        }
        printf("cached and anew: %.2g apart, actions spread over %.3g\n", worst, spread);
        assert_true(worst < 1e-5);
        assert_true(spread > 0.01);
    }
}

static void companions_and_place_change_no_bit(void **state)
{
    static double whole[PLANNER_TICKS_MAX * CAMPAIGNS];
    static double part[PLANNER_TICKS_MAX * CAMPAIGNS];
    static const struct {
        size_t first, count;
    } parts[] = {{0, 1}, {20, 1}, {47, 1}, {0, 7}, {3, 7}, {41, 7}};
    char path[TEST_PATH_SIZE];
    made_weights(state, plain_text, path);
    for (size_t context = 0; context <= 20; context += 20) {
        const gv_dt_serving serving = {.target = 1, .context = context};
        play(path, &serving, 0, CAMPAIGNS, false, whole);
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            play(path, &serving, parts[p].first, parts[p].count, false, part);
            for (size_t tick = 0; tick < PLANNER_TICKS_MAX; tick++) {
                assert_memory_equal(part + tick * parts[p].count,
                                    whole + tick * CAMPAIGNS + parts[p].first,
                                    parts[p].count * sizeof *part);
            }
        }
    }
}

static void on_other_processors_neither(void **state)
{
    (void)state;
    planner_on_processors("companions_and_place_change_no_bit");
}

/* Campaign `number` over a period, with a seat of its own in a network that others ask, too. */
typedef struct shared_play {
    const gv_dt *dt;
    double (*actions)[PLANNER_TICKS_MAX];
} shared_play;

static gv_status play_shared(void *context, size_t number, size_t worker)
{
    (void)worker;
    const shared_play *play_of = context;
    made_period period;
    gv_dt_seat *seat = NULL;
    period_begin(&period, PLANNER_TICKS_MAX);
    GV_TRY(gv_dt_seat_create(play_of->dt, 1000, 50, &seat));
    for (size_t tick = 0; tick < PLANNER_TICKS_MAX; tick++) {
        gv_dt_act(&seat, &period.seen, 1, &play_of->actions[number][tick]);
        period_pass_drawn(&period, number);
    }
    gv_dt_seat_destroy(seat);
    return GV_OK;
}

static void threads_may_share_a_network(void **state)
{
    enum { COUNT = 40 };
    static double serial[COUNT][PLANNER_TICKS_MAX];
    static double threaded[COUNT][PLANNER_TICKS_MAX];
    char path[TEST_PATH_SIZE];
    gv_dt *dt = NULL;
    const gv_dt_serving serving = {.target = 1};
    made_weights(state, plain_text, path);
    assert_int_equal(gv_dt_open(path, &serving, &dt), GV_OK);
    assert_int_equal(gv_parallel_for(1, COUNT, play_shared, &(shared_play){dt, serial}), GV_OK);
    assert_int_equal(gv_parallel_for(4, COUNT, play_shared, &(shared_play){dt, threaded}), GV_OK);
    assert_memory_equal(serial, threaded, sizeof serial);
    gv_dt_close(dt);
}

static void a_saved_campaign_goes_on_to_the_same_bits(void **state)
{
    enum { COUNT = 3 };
    double plain[PLANNER_TICKS_MAX * COUNT];
    double saved[PLANNER_TICKS_MAX * COUNT];
    char path[TEST_PATH_SIZE];
    made_weights(state, constraint_text, path);
    for (size_t context = 0; context <= 20; context += 20) {
        const gv_dt_serving serving = {.target = 1, .used = 1, .context = context};
        play(path, &serving, 9, COUNT, false, plain);
        play(path, &serving, 9, COUNT, true, saved);
        assert_memory_equal(plain, saved, sizeof plain);
    }
}

/* Shorter windows and the first three ticks are other functions, as the published agent's are. */
static void the_published_faults_change_the_actions(void **state)
{
    double mended[PLANNER_TICKS_MAX];
    double faulty[PLANNER_TICKS_MAX];
    char path[TEST_PATH_SIZE];
    static const gv_dt_serving faults[] = {
        {.target = 4}, {.target = 1, .context = 10}, {.target = 1, .window = GV_STATE_FIRST_THREE}};
    made_weights(state, plain_text, path);
    const gv_dt_serving serving = {.target = 1};
    play(path, &serving, 0, 1, false, mended);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        play(path, &faults[i], 0, 1, false, faulty);
        assert_true(fabs(faulty[PLANNER_TICKS_MAX - 1] - mended[PLANNER_TICKS_MAX - 1]) > 1e-6);
    }
}

/* ---- going on, failing ----------------------------------------------------------------------- */

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    char path[TEST_PATH_SIZE];
    made_weights(state, plain_text, path);
    gv_status status = GV_ENOMEM;
    int failures = 0;
    for (int n = 0; status != GV_OK; n++) {
        gv_dt *dt = NULL;
        gv_dt_seat *seat = NULL;
        const gv_dt_serving serving = {.target = 1};
        gv_mem_fail_after(n);
        status = gv_dt_open(path, &serving, &dt);
        status = status == GV_OK ? gv_dt_seat_create(dt, 1, 1, &seat) : status;
        gv_mem_fail_after(-1);
        gv_dt_seat_destroy(seat);
        gv_dt_close(dt);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
    }
    assert_true(failures > 20);
}

static void heads_that_do_not_divide_the_width_are_refused(void **state)
{
    static const char *const text[] = {"width=30", "heads=4", NULL};
    const planner_config config = planner_config_of(&gv_learner_dt, text);
    gv_dataset *dataset = planner_dataset(state, plant_levels, 4, TICKS);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .jobs = 1};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(&gv_learner_dt, &setup, &learner), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "30 cannot be shared by 4 heads"));
    gv_dataset_destroy(dataset);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returns_to_go_worked_by_hand),
        cmocka_unit_test(a_constraint_is_told_as_its_share),
        cmocka_unit_test(no_action_sees_what_comes_after_it),
        cmocka_unit_test(asked_for_more_it_does_what_brought_more),
        cmocka_unit_test(a_cache_is_the_same_function_as_computing_anew),
        cmocka_unit_test(companions_and_place_change_no_bit),
        cmocka_unit_test(on_other_processors_neither),
        cmocka_unit_test(threads_may_share_a_network),
        cmocka_unit_test(a_saved_campaign_goes_on_to_the_same_bits),
        cmocka_unit_test(the_published_faults_change_the_actions),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
        cmocka_unit_test(heads_that_do_not_divide_the_width_are_refused),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
