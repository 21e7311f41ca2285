/* EBaReT: what it reduces to, what it refuses, and how it is guided. */
#include "expert_fixture.h"
#include "models/nn/tape.h"
#include "planner_fixture.h"
#include "policies/learn/dt_serve_impl.h"
#include "policies/learn/ebaret.h"
#include "policies/learn/ebaret_impl.h"
#include "policies/learn/learners_impl.h"

enum { TICKS = EXPERT_TICKS, CAMPAIGNS = 48 };

static void assert_near(double found, double expected, double error)
{
    if (!(fabs(found - expected) <= error)) {
        fail_msg("%.9g, expected %.9g within %g", found, expected, error);
    }
}

/* The state never changes. */
static void plant_constant(const gv_random *draw, size_t episode, size_t tick, planted_tick *out)
{
    (void)episode;
    (void)tick;
    out->action = 50 + gv_random_normal(draw, 50);
    out->oracle = 60;
}

#define SMALL                                                                           \
    "batch=8", "width=16", "heads=2", "inner=32", "layers=2", "dropout=0", "warm_up=0", \
        "pu_batch=64", "pu_hidden=32"

static const char *const guided_text[] = {SMALL, "pu_steps=30", "show_returns=on", NULL};

static gv_learner *taught(void **state, planting plant, const char *const *text, size_t steps,
                          gv_dataset **dataset)
{
    const planner_config config = planner_config_of(&gv_learner_ebaret, text);
    *dataset = dataset_of(state, plant, 18, 3);
    static planner_config kept;
    kept = config;
    gv_learner *learner = planner_learner(&gv_learner_ebaret, *dataset, &kept, 1);
    for (size_t i = 0; i < steps; i++) {
        double losses[GV_LOSSES_MAX];
        assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    }
    return learner;
}

static void weights_file(void **state, planting plant, const char *const *text, size_t steps,
                         char path[TEST_PATH_SIZE])
{
    gv_dataset *dataset = NULL;
    gv_learner *learner = taught(state, plant, text, steps, &dataset);
    test_folder_path(*state, "made.safetensors", path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

/* ---- the reduction to a decision transformer ------------------------------------------------- */

static const char *const dt_text[] = {"batch=8",  "width=16",    "heads=2",    "inner=32",
                                      "layers=2", "dropout=0.1", "warm_up=20", NULL};

static void same_tensors(const char *a, const char *b, const char *prefix)
{
    gv_safetensors *files[2];
    size_t count = 0;
    assert_int_equal(gv_safetensors_open(a, &files[0]), GV_OK);
    assert_int_equal(gv_safetensors_open(b, &files[1]), GV_OK);
    assert_int_equal(gv_safetensors_count(files[0]), gv_safetensors_count(files[1]));
    for (size_t i = 0; i < gv_safetensors_count(files[0]); i++) {
        const gv_tensor *one = gv_safetensors_at(files[0], i);
        const gv_tensor *other = gv_safetensors_find(files[1], one->name);
        assert_non_null(other);
        assert_memory_equal(one->data, other->data, gv_tensor_size(one));
        count += strncmp(one->name, prefix, strlen(prefix)) == 0;
    }
    assert_true(count > 10);
    gv_safetensors_close(files[0]);
    gv_safetensors_close(files[1]);
}

static void train_into(const gv_learner_type *type, const gv_dataset *dataset,
                       const planner_config *config, size_t steps, const char *path)
{
    gv_learner *learner = planner_learner(type, dataset, config, 1);
    (void)planner_teach(learner, steps);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
    gv_learner_destroy(learner);
}

static void act_alone(gv_dt *dt, uint64_t number, double *actions)
{
    made_period period;
    gv_dt_seat *seat = NULL;
    assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seat), GV_OK);
    period_begin(&period, TICKS);
    for (size_t tick = 0; tick < TICKS; tick++) {
        gv_dt_act(&seat, &period.seen, 1, &actions[tick]);
        period_pass_drawn(&period, number);
    }
    gv_dt_seat_destroy(seat);
    gv_dt_close(dt);
}

static void reduced_it_is_the_decision_transformer_to_the_bit(void **state)
{
    char paths[2][TEST_PATH_SIZE];
    double actions[2][TICKS];
    gv_dataset *dataset = dataset_of(state, plant_experts, 12, 0);
    gv_dt *dt = NULL;
    planner_config dt_config = planner_config_of(&gv_learner_dt, dt_text);
    planner_config config = {{0}};
    gv_param_defaults(gv_learner_ebaret.info.params, &config);
    assert_int_equal(gv_learner_preset(&gv_learner_ebaret, "ebaret-dt", &config), GV_OK);
    for (const char *const *text = dt_text; *text != NULL; text++) {
        char name[64] = "";
        memcpy(name, *text, (size_t)(strchr(*text, '=') - *text));
        assert_int_equal(gv_param_parse(gv_param_find(gv_learner_ebaret.info.params, name),
                                        strchr(*text, '=') + 1, 0, &config),
                         GV_OK);
    }
    test_folder_path(*state, "dt.safetensors", paths[0]);
    test_folder_path(*state, "ebaret.safetensors", paths[1]);
    train_into(&gv_learner_dt, dataset, &dt_config, 200, paths[0]);
    train_into(&gv_learner_ebaret, dataset, &config, 200, paths[1]);
    same_tensors(paths[0], paths[1], GV_DT_PREFIX);
    const gv_dt_serving serving = {.target = 1};
    const gv_guidance plain = {.tilt = GV_TILT_NONE, .expertness = 1};
    assert_int_equal(gv_dt_open(paths[0], &serving, &dt), GV_OK);
    act_alone(dt, 4, actions[0]);
    assert_int_equal(gv_ebaret_open(paths[1], &serving, &plain, &dt), GV_OK);
    act_alone(dt, 4, actions[1]);
    assert_memory_equal(actions[0], actions[1], sizeof actions[0]);
    gv_dataset_destroy(dataset);
}

/* ---- learning -------------------------------------------------------------------------------- */

static void same_learning(void **state, gv_learner *a, gv_learner *b)
{
    char paths[2][TEST_PATH_SIZE];
    test_folder_path(*state, "a.safetensors", paths[0]);
    test_folder_path(*state, "b.safetensors", paths[1]);
    assert_int_equal(gv_learner_export(a, "test", paths[0]), GV_OK);
    assert_int_equal(gv_learner_export(b, "test", paths[1]), GV_OK);
    same_tensors(paths[0], paths[1], GV_DT_PREFIX);
}

/* Stopped while the discriminator learns, at its last step, and behind it. */
static void a_saved_training_goes_on_to_the_same_bits_for_any_number_of_threads(void **state)
{
    static const size_t stops[] = {10, 30, 31, 37};
    const planner_config config = planner_config_of(&gv_learner_ebaret, guided_text);
    gv_dataset *dataset = dataset_of(state, plant_experts, 18, 3);
    for (size_t k = 0; k < sizeof stops / sizeof stops[0]; k++) {
        gv_learner *whole = planner_learner(&gv_learner_ebaret, dataset, &config, 1);
        gv_learner *first = planner_learner(&gv_learner_ebaret, dataset, &config, 2);
        gv_learner *second = planner_learner(&gv_learner_ebaret, dataset, &config, 2);
        double losses[GV_LOSSES_MAX];
        gv_writer writer = {0};
        for (size_t i = 0; i < stops[k]; i++) {
            assert_int_equal(gv_learner_step(first, losses), GV_OK);
        }
        assert_int_equal(gv_learner_save(first, &writer), GV_OK);
        gv_reader reader = {.bytes = writer.bytes, .size = writer.size};
        assert_int_equal(gv_learner_restore(second, &reader), GV_OK);
        for (size_t i = 0; i < 40; i++) {
            assert_int_equal(gv_learner_step(whole, losses), GV_OK);
            if (i >= stops[k]) {
                assert_int_equal(gv_learner_step(second, losses), GV_OK);
            }
        }
        same_learning(state, whole, second);
        gv_writer_fini(&writer);
        gv_learner_destroy(whole);
        gv_learner_destroy(first);
        gv_learner_destroy(second);
    }
    gv_dataset_destroy(dataset);
}

static void a_state_that_never_changes_is_learnt_from(void **state)
{
    gv_dataset *dataset = NULL;
    gv_learner *learner = taught(state, plant_constant, guided_text, 60, &dataset);
    double losses[GV_LOSSES_MAX];
    assert_int_equal(gv_learner_step(learner, losses), GV_OK);
    assert_true(isfinite(losses[0]));
    gv_learner_destroy(learner);
    gv_dataset_destroy(dataset);
}

static void refused(const gv_dataset *dataset, const char *more, gv_status status,
                    const char *sentence)
{
    const char *const text[] = {SMALL, more, NULL};
    const planner_config config = planner_config_of(&gv_learner_ebaret, text);
    const gv_learner_setup setup = {.config = &config, .dataset = dataset, .seed = 1, .jobs = 1};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(&gv_learner_ebaret, &setup, &learner), status);
    if (strstr(gv_status_detail(), sentence) == NULL) {
        fail_msg("expected \"%s\", found \"%s\"", sentence, gv_status_detail());
    }
}

static void what_cannot_be_learnt_is_refused_in_one_sentence(void **state)
{
    gv_dataset *plain = dataset_of(state, plant_experts, 6, 0);
    gv_dataset *experts = dataset_of(state, plant_experts, 6, 1);
    gv_dataset *both = dataset_of(state, plant_experts, 6, 3);
    refused(plain, "pu_steps=0", GV_EINVAL, "none of the 6 episodes is an expert's: add a set of");
    refused(experts, "pu_steps=2", GV_EINVAL, "all of the 6 episodes are experts'");
    refused(both, "constraint=on", GV_EUSAGE, "no token for a constraint");
    refused(both, "context=20", GV_EUSAGE, "make context 48");
    refused(both, "heads=3", GV_EUSAGE, "16 cannot be shared by 3 heads");
    refused(both, "pu_batch=66", GV_EUSAGE, "twice the 2 shards");
    gv_dataset_destroy(plain);
    gv_dataset_destroy(experts);
    gv_dataset_destroy(both);
}

/* ---- serving --------------------------------------------------------------------------------- */

static const gv_guidance plain_guidance = {.expertness = 1};
static const gv_guidance full_guidance = {.tilt = GV_TILT_EXPERTNESS,
                                          .kappa = 3,
                                          .expertness = 1,
                                          .candidates = 8,
                                          .reach = 0.1};

/*
 * `count` campaigns over a period, numbered from `first`; actions: [TICKS][count]. With `saved`
 * every seat is saved and restored into another in the middle.
 */
static void play(const char *path, const gv_guidance *guidance, size_t first, size_t count,
                 bool saved, double *actions)
{
    static made_period periods[CAMPAIGNS];
    const gv_dt_serving serving = {.target = 1};
    gv_observation seen[CAMPAIGNS];
    gv_dt_seat *seats[CAMPAIGNS] = {NULL};
    gv_dt *dt = NULL;
    assert_int_equal(gv_ebaret_open(path, &serving, guidance, &dt), GV_OK);
    for (size_t i = 0; i < count; i++) {
        period_begin(&periods[i], TICKS);
        assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seats[i]), GV_OK);
    }
    for (size_t tick = 0; tick < TICKS; tick++) {
        for (size_t i = 0; i < count; i++) {
            seen[i] = periods[i].seen;
        }
        gv_dt_act(seats, seen, count, actions + tick * count);
        for (size_t i = 0; i < count; i++) {
            period_pass_drawn(&periods[i], first + i);
        }
        for (size_t i = 0; saved && tick == TICKS / 2 && i < count; i++) {
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

static void companions_and_place_change_no_bit(void **state)
{
    static double whole[TICKS * CAMPAIGNS];
    static double part[TICKS * CAMPAIGNS];
    static const struct {
        size_t first, count;
    } parts[] = {{0, 1}, {20, 1}, {47, 1}, {0, 7}, {3, 7}, {41, 7}};
    char path[TEST_PATH_SIZE];
    weights_file(state, plant_experts, guided_text, 50, path);
    play(path, &full_guidance, 0, CAMPAIGNS, false, whole);
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        play(path, &full_guidance, parts[p].first, parts[p].count, false, part);
        for (size_t tick = 0; tick < TICKS; tick++) {
            assert_memory_equal(part + tick * parts[p].count,
                                whole + tick * CAMPAIGNS + parts[p].first,
                                parts[p].count * sizeof *part);
        }
    }
}

static void a_saved_campaign_goes_on_to_the_same_bits(void **state)
{
    enum { COUNT = 3 };
    double plain[TICKS * COUNT];
    double saved[TICKS * COUNT];
    char path[TEST_PATH_SIZE];
    weights_file(state, plant_experts, guided_text, 40, path);
    play(path, &full_guidance, 9, COUNT, false, plain);
    play(path, &full_guidance, 9, COUNT, true, saved);
    assert_memory_equal(plain, saved, sizeof plain);
}

static void a_shade_is_a_factor_of_every_action(void **state)
{
    const gv_dt_serving plain = {.target = 1};
    const gv_dt_serving shaded = {.target = 1, .shade = 0.75};
    char path[TEST_PATH_SIZE];
    made_period period;
    gv_dt *dts[2] = {NULL};
    gv_dt_seat *seats[2] = {NULL};
    weights_file(state, plant_experts, guided_text, 40, path);
    assert_int_equal(gv_ebaret_open(path, &plain, &full_guidance, &dts[0]), GV_OK);
    assert_int_equal(gv_ebaret_open(path, &shaded, &full_guidance, &dts[1]), GV_OK);
    assert_int_equal(gv_dt_seat_create(dts[0], 1000, 50, &seats[0]), GV_OK);
    assert_int_equal(gv_dt_seat_create(dts[1], 1000, 50, &seats[1]), GV_OK);
    period_begin(&period, TICKS);
    for (size_t tick = 0; tick < TICKS; tick++) {
        double actions[2] = {0};
        gv_dt_act(&seats[0], &period.seen, 1, &actions[0]);
        gv_dt_act(&seats[1], &period.seen, 1, &actions[1]);
        assert_true(actions[1] == 0.75 * actions[0]);
        period_pass_drawn(&period, 3);
    }
    for (size_t i = 0; i < 2; i++) {
        gv_dt_seat_destroy(seats[i]);
        gv_dt_close(dts[i]);
    }
}

/* What the training's graph says of a seat's whole past, tick by tick. */
static void compute_anew(const gv_dt_seat *seat, float *actions, float *expertness)
{
    const gv_dt_network *dt = seat->dt;
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    const gv_graph_config config = {.params = dt->params};
    assert_int_equal(gv_graph_create(&config, &graph), GV_OK);
    const gv_dt_nodes nodes = gv_dt_inputs(graph, &dt->sizes, 1, TICKS);
    const gv_dt_heads heads = gv_dt_build(graph, &dt->sizes, &nodes);
    gv_graph_keep(graph, heads.action);
    gv_graph_keep(graph, heads.expertness);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_tape_create(graph, dt->params, &tape), GV_OK);
    memcpy(gv_tape_f32(tape, nodes.state), seat->states,
           TICKS * dt->sizes.features * sizeof(float));
    memcpy(gv_tape_f32(tape, nodes.to_go), seat->to_go, TICKS * sizeof(float));
    memcpy(gv_tape_f32(tape, nodes.action), seat->done, TICKS * sizeof(float));
    for (size_t t = 0; t < TICKS; t++) {
        gv_tape_f32(tape, nodes.expertness)[t] = 1;
        gv_tape_indices(tape, nodes.tick)[t] = (int32_t)t;
    }
    gv_tape_forward(tape, &(gv_tape_step){.is_training = false});
    memcpy(actions, gv_tape_f32(tape, heads.action), TICKS * sizeof *actions);
    memcpy(expertness, gv_tape_f32(tape, heads.expertness), TICKS * sizeof *expertness);
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
}

static void served_it_is_the_network_that_was_trained(void **state)
{
    static const gv_guidance guidances[] = {
        {.expertness = 1},
        {.tilt = GV_TILT_RETURN, .kappa = 2, .expertness = 1},
        {.tilt = GV_TILT_EXPERTNESS, .kappa = 5, .expertness = 1}};
    const gv_dt_serving serving = {.target = 1};
    char path[TEST_PATH_SIZE];
    weights_file(state, plant_experts, guided_text, 60, path);
    for (size_t k = 0; k < 3; k++) {
        float anew[TICKS];
        float logits[TICKS];
        double served[TICKS];
        double thought[TICKS];
        double worst = 0;
        made_period period;
        gv_dt *dt = NULL;
        gv_dt_seat *seat = NULL;
        assert_int_equal(gv_ebaret_open(path, &serving, &guidances[k], &dt), GV_OK);
        assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seat), GV_OK);
        period_begin(&period, TICKS);
        for (size_t tick = 0; tick < TICKS; tick++) {
            double action = 0;
            double to_go = 0;
            gv_dt_act(&seat, &period.seen, 1, &action);
            served[tick] = seat->action;
            gv_ebaret_thought(seat, &to_go, &thought[tick]);
            assert_near(to_go, (double)seat->to_go[tick], 0);
            period_pass_drawn(&period, 2);
        }
        compute_anew(seat, anew, logits);
        for (size_t tick = 0; tick < TICKS; tick++) {
            worst = fmax(worst, fabs(served[tick] - (double)anew[tick]));
            worst = fmax(worst, fabs(thought[tick] - 1 / (1 + exp(-(double)logits[tick]))));
        }
        printf("tilt %zu: served and trained %.2g apart\n", k, worst);
        assert_true(worst < 1e-5);
        gv_dt_seat_destroy(seat);
        gv_dt_close(dt);
    }
}

/* The campaign's outlook behind its state and account; past bids with past actions alone. */
static void an_outlook_is_seen_as_trajectories_hold_it(void **state)
{
    static const char *const texts[] = {"show_actions=on", "show_actions=off"};
    const gv_dt_serving serving = {.target = 1};
    for (size_t k = 0; k < 2; k++) {
        char path[TEST_PATH_SIZE];
        const char *text[16] = {texts[k]};
        made_period period;
        gv_dt *dt = NULL;
        gv_dt_seat *seat = NULL;
        for (size_t i = 0; guided_text[i] != NULL; i++) {
            text[i + 1] = guided_text[i];
        }
        weights_file(state, plant_experts, text, 2, path);
        assert_int_equal(gv_ebaret_open(path, &serving, &plain_guidance, &dt), GV_OK);
        assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seat), GV_OK);
        period_begin(&period, TICKS);
        for (size_t tick = 0; tick < TICKS; tick++) {
            float told[GV_OUTLOOK_SIZE];
            double action = 0;
            gv_outlook_told(&period.seen, 50 * GV_NANOS_PER_UNIT, told);
            if (k == 1) {
                told[GV_OUTLOOK_BID_LAST] = 0;
                told[GV_OUTLOOK_BID] = 0;
            }
            gv_dt_act(&seat, &period.seen, 1, &action);
            const float *seen = seat->states + (tick + 1) * seat->dt->sizes.features;
            assert_memory_equal(seen - GV_OUTLOOK_SIZE, told, sizeof told);
            period_pass_drawn(&period, 3);
        }
        gv_dt_seat_destroy(seat);
        gv_dt_close(dt);
    }
}

/* The returns that are asked for over a period. */
static void returns_asked(const char *path, const gv_guidance *guidance, double *to_go,
                          double *actions)
{
    const gv_dt_serving serving = {.target = 1.5};
    made_period period;
    gv_dt *dt = NULL;
    gv_dt_seat *seat = NULL;
    assert_int_equal(gv_ebaret_open(path, &serving, guidance, &dt), GV_OK);
    assert_int_equal(gv_dt_seat_create(dt, 1000, 50, &seat), GV_OK);
    period_begin(&period, TICKS);
    for (size_t tick = 0; tick < TICKS; tick++) {
        double expertness = 0;
        gv_dt_act(&seat, &period.seen, 1, &actions[tick]);
        gv_ebaret_thought(seat, &to_go[tick], &expertness);
        period_pass_drawn(&period, 6);
    }
    gv_dt_seat_destroy(seat);
    gv_dt_close(dt);
}

static void each_way_of_guiding_can_be_switched_off(void **state)
{
    double fixed[TICKS];
    double likely[TICKS];
    double most[TICKS];
    double actions[4][TICKS];
    double to_go[TICKS];
    char path[TEST_PATH_SIZE];
    weights_file(state, plant_experts, guided_text, 60, path);
    gv_guidance guidance = plain_guidance;
    returns_asked(path, &guidance, fixed, actions[0]);
    assert_near(fixed[0], 1.5, 1e-6);
    guidance.tilt = GV_TILT_RETURN;
    returns_asked(path, &guidance, likely, actions[1]);
    guidance.kappa = 1e6;
    returns_asked(path, &guidance, most, actions[2]);
    for (size_t t = 0; t < TICKS; t++) {
        assert_near(most[t], gv_return_of_bin(31, 32), 1e-6);
        assert_true(likely[t] <= most[t]);
    }
    assert_memory_not_equal(actions[0], actions[2], sizeof actions[0]);
    guidance = plain_guidance;
    guidance.candidates = 8;
    guidance.reach = 0.1;
    returns_asked(path, &guidance, to_go, actions[3]);
    size_t changed = 0;
    for (size_t t = 0; t < TICKS; t++) {
        assert_true(fabs(actions[3][t] - actions[0][t]) <= 0.1 * actions[0][t]);
        changed += actions[3][t] != actions[0][t];
    }
    assert_memory_equal(to_go, fixed, sizeof fixed);
    assert_true(changed > 0);
}

static void serving_refused(const char *path, const gv_dt_serving *serving,
                            const gv_guidance *guidance, const char *sentence)
{
    gv_dt *dt = NULL;
    assert_int_equal(gv_ebaret_open(path, serving, guidance, &dt), GV_EINVAL);
    if (strstr(gv_status_detail(), sentence) == NULL) {
        fail_msg("expected \"%s\", found \"%s\"", sentence, gv_status_detail());
    }
}

static void weights_without_a_part_cannot_be_guided_by_it(void **state)
{
    static const char *const unguided[] = {SMALL, "pu_steps=0", "expertness=off", "expert_share=0",
                                           NULL};
    const gv_dt_serving whole = {.target = 1};
    const gv_dt_serving window = {.target = 1, .context = 10};
    char path[TEST_PATH_SIZE];
    weights_file(state, plant_experts, unguided, 2, path);
    const gv_guidance tilted = {.tilt = GV_TILT_RETURN, .expertness = 1};
    const gv_guidance choosy = {.candidates = 8, .reach = 0.1, .expertness = 1};
    serving_refused(path, &whole, &tilted, "trained without expertness");
    serving_refused(path, &whole, &choosy, "trained without a discriminator");
    weights_file(state, plant_experts, guided_text, 2, path);
    serving_refused(path, &window, &plain_guidance, "looks at the whole period");
}

/* ---- failing --------------------------------------------------------------------------------- */

static void failing_memory_is_reported_and_leaks_nothing(void **state)
{
    char path[TEST_PATH_SIZE];
    const planner_config config = planner_config_of(&gv_learner_ebaret, guided_text);
    gv_dataset *dataset = dataset_of(state, plant_experts, 6, 3);
    int failures = 0;
    weights_file(state, plant_experts, guided_text, 2, path);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_dt *dt = NULL;
        gv_dt_seat *seat = NULL;
        const gv_dt_serving serving = {.target = 1};
        gv_mem_fail_after(n);
        status = gv_ebaret_open(path, &serving, &full_guidance, &dt);
        status = status == GV_OK ? gv_dt_seat_create(dt, 1, 1, &seat) : status;
        gv_mem_fail_after(-1);
        gv_dt_seat_destroy(seat);
        gv_dt_close(dt);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
    }
    status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_learner *learner = NULL;
        const gv_learner_setup setup = {
            .config = &config, .dataset = dataset, .seed = 1, .jobs = 1};
        gv_mem_fail_after(n);
        status = gv_learner_create(&gv_learner_ebaret, &setup, &learner);
        gv_mem_fail_after(-1);
        gv_learner_destroy(learner);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
    }
    assert_true(failures > 60);
    gv_dataset_destroy(dataset);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduced_it_is_the_decision_transformer_to_the_bit),
        cmocka_unit_test(a_saved_training_goes_on_to_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(a_state_that_never_changes_is_learnt_from),
        cmocka_unit_test(what_cannot_be_learnt_is_refused_in_one_sentence),
        cmocka_unit_test(companions_and_place_change_no_bit),
        cmocka_unit_test(a_saved_campaign_goes_on_to_the_same_bits),
        cmocka_unit_test(a_shade_is_a_factor_of_every_action),
        cmocka_unit_test(served_it_is_the_network_that_was_trained),
        cmocka_unit_test(an_outlook_is_seen_as_trajectories_hold_it),
        cmocka_unit_test(each_way_of_guiding_can_be_switched_off),
        cmocka_unit_test(weights_without_a_part_cannot_be_guided_by_it),
        cmocka_unit_test(failing_memory_is_reported_and_leaks_nothing),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
