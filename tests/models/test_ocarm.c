/*
 * OCARM: slopes of every loss and of both networks, what reaches the teacher, what is masked, same
 * bytes for any threads, serving against the graph, files, and what is refused.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/predict/ocarm_impl.h"
#include "population_fixture.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "test_folder.h"
#include "test_nn.h"

enum { ROWS = 6 };

/* ---- slopes ---------------------------------------------------------------------------------- */

static gv_ocarm_config config_of(gv_ocarm_role role)
{
    gv_ocarm_config config = {.epochs = 0};
    gv_param_defaults(gv_ocarm_types[role].params, &config);
    return config;
}

/* Small, and without dropout. */
static gv_ocarm_config small(double align, double distil, double contrast)
{
    gv_ocarm_config config = config_of(GV_OCARM_STUDENT);
    config.width = 4;
    config.dropout = 0;
    config.align = align;
    config.distil = distil;
    config.contrast = contrast;
    return config;
}

static gv_node student_loss(gv_graph *graph, double align, double distil, double contrast)
{
    const gv_ocarm_config config = small(align, distil, contrast);
    const gv_sight_nodes sight = gv_ocarm_sight_inputs(graph, ROWS);
    const gv_lesson_nodes lesson = gv_ocarm_lesson_inputs(graph, ROWS, 4);
    const gv_retention_nodes said = gv_ocarm_student(graph, &config, &sight);
    return gv_ocarm_loss(graph, &config, &said, &lesson);
}

static gv_node plain(gv_graph *graph)
{
    return student_loss(graph, 0, 0, 0);
}

static gv_node aligned(gv_graph *graph)
{
    return student_loss(graph, 1, 0, 0);
}

static gv_node distilled(gv_graph *graph)
{
    return student_loss(graph, 0, 0.5, 0);
}

static gv_node contrasted(gv_graph *graph)
{
    return student_loss(graph, 0, 0, 0.3);
}

static gv_node all_terms(gv_graph *graph)
{
    return student_loss(graph, 1, 0.5, 0.3);
}

static gv_node teacher(gv_graph *graph)
{
    const gv_ocarm_config config = small(0, 0, 0);
    const gv_sight_nodes sight = gv_ocarm_sight_inputs(graph, ROWS);
    const gv_content_nodes content = gv_ocarm_content_inputs(graph, ROWS);
    const gv_node label = gv_graph_input(graph, "positive", gv_shape_of(1, (size_t[]){ROWS}));
    const gv_retention_nodes said = gv_ocarm_teacher(graph, &config, &sight, &content);
    return gv_op_bce(graph, said.logit, label, GV_NODE_NONE);
}

/* As in a training: what has no content matches nothing, and the rest itself. */
static void match_what_is_valid(nn_net *net)
{
    const gv_node valid = gv_graph_find(net->graph, "valid_content");
    const gv_node match = gv_graph_find(net->graph, "share_of_match");
    for (size_t i = 0; valid != GV_NODE_NONE && i < ROWS; i++) {
        gv_tape_f64(net->tape, match)[i] *= gv_tape_f64(net->tape, valid)[i];
        gv_tape_indices(net->tape, gv_graph_find(net->graph, "numbers"))[i] = (int32_t)i;
    }
}

static void every_loss_and_network_has_the_slope_of_its_value(void **state)
{
    (void)state;
    const struct {
        const char *name;
        nn_builder build;
        double h;
        size_t pools;
    } cases[] = {
        {"plain", plain, 1e-3, 1},         {"aligned", aligned, 1e-3, 1},
        {"distilled", distilled, 1e-3, 1}, {"contrasted", contrasted, 1e-4, 1},
        {"all terms", all_terms, 1e-4, 1}, {"teacher", teacher, 1e-3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_net net = nn_net_made(GV_F64, cases[i].build);
        match_what_is_valid(&net);
        const nn_gradient_check check = nn_net_check_by(&net, cases[i].h);
        printf("%s: worst %.2g, %zu idle\n", cases[i].name, check.worst, check.idle);
        /* A score's bias moves all of a softmax alike: one of each pool has no effect. */
        if (!(check.worst <= 1e-7) || check.idle != cases[i].pools) {
            fail_msg("%s: error %g at %s; %zu without effect", cases[i].name, check.worst,
                     check.where, check.idle);
        }
        nn_net_free(&net);
    }
}

/* ---- a training ------------------------------------------------------------------------------ */

static gv_reentries *examples_by(const gv_population *population, uint64_t users)
{
    const gv_winback_config config = {.population = population,
                                      .user_count = users,
                                      .days = 30,
                                      .budget_nanos = INT64_MAX,
                                      .multiplier = 1.0,
                                      .aim = GV_AIM_REACH,
                                      .click_nanos = GV_NANOS_PER_UNIT};
    gv_winback *winback = NULL;
    gv_reentries *examples = NULL;
    assert_int_equal(gv_winback_create(&config, &winback), GV_OK);
    assert_int_equal(gv_winback_run(winback, NULL), GV_OK);
    assert_int_equal(gv_reentries_of(population, winback, &examples), GV_OK);
    gv_winback_destroy(winback);
    return examples;
}

static gv_reentries *examples_of(uint64_t seed, uint64_t users)
{
    const gv_population population = fixture_population(seed);
    return examples_by(&population, users);
}

static gv_ocarm *train(gv_ocarm_role role, const gv_ocarm_config *config,
                       const gv_reentry_view *view, gv_ocarm *teacher, size_t jobs)
{
    const gv_ocarm_training training = {.role = role,
                                        .config = config,
                                        .examples = view,
                                        .teacher = teacher,
                                        .seed = 3,
                                        .jobs = jobs};
    gv_ocarm *ocarm = NULL;
    const gv_status status = gv_ocarm_train(&training, &ocarm);
    if (status != GV_OK) {
        print_message("%s\n", gv_status_detail());
    }
    assert_int_equal(status, GV_OK);
    return ocarm;
}

static size_t bytes_of(const gv_ocarm *ocarm)
{
    return gv_params_size(ocarm->params) * sizeof(float);
}

static void expect_same_weights(const gv_ocarm *a, const gv_ocarm *b)
{
    assert_int_equal(bytes_of(a), bytes_of(b));
    assert_memory_equal(gv_params_block(a->params), gv_params_block(b->params), bytes_of(a));
}

static double log_loss(gv_ocarm *ocarm, const gv_reentry_view *view)
{
    double *p = gv_mem_alloc(0, view->count, sizeof *p);
    double sum = 0;
    assert_non_null(p);
    gv_ocarm_predict(ocarm, view, p);
    for (size_t i = 0; i < view->count; i++) {
        assert_true(p[i] > 0.0);
        assert_true(p[i] < 1.0);
        sum -= log(view->retained[i] > 0.0F ? p[i] : 1.0 - p[i]);
    }
    gv_mem_free(p);
    return sum / (double)view->count;
}

/*
 * Any number of threads gives the same bytes, a teacher is not moved by its students, and content
 * makes the teacher better on users that nobody learned from.
 */
static void trainings_are_pure_and_leave_the_teacher_alone(void **state)
{
    (void)state;
    gv_reentries *learned = examples_of(1, 900);
    gv_reentries *others = examples_of(2, 900);
    const gv_reentry_view *view = gv_reentries_view(learned);
    gv_ocarm_config config = config_of(GV_OCARM_TEACHER);
    config.epochs = 6;
    gv_ocarm *teacher = train(GV_OCARM_TEACHER, &config, view, NULL, 1);
    gv_ocarm *again = train(GV_OCARM_TEACHER, &config, view, NULL, 3);
    expect_same_weights(teacher, again);
    gv_ocarm_config terms = config_of(GV_OCARM_STUDENT);
    terms.epochs = 6;
    terms.contrast = 0.1;
    gv_ocarm *student = train(GV_OCARM_STUDENT, &terms, view, teacher, 1);
    gv_ocarm *student_again = train(GV_OCARM_STUDENT, &terms, view, teacher, 4);
    expect_same_weights(student, student_again);
    expect_same_weights(teacher, again);
    const double taught = log_loss(teacher, gv_reentries_view(others));
    const double blind = log_loss(student, gv_reentries_view(others));
    printf("log loss %.4f of the teacher, %.4f of the student\n", taught, blind);
    assert_true(taught < blind);
    assert_true(blind < log(2.0));
    gv_ocarm_destroy(student_again);
    gv_ocarm_destroy(student);
    gv_ocarm_destroy(again);
    gv_ocarm_destroy(teacher);
    gv_reentries_destroy(others);
    gv_reentries_destroy(learned);
}

/* ---- serving --------------------------------------------------------------------------------- */

/* A student's graph over rows of a view. */
static void run_graph(gv_ocarm *ocarm, const gv_reentry_view *view, double *p)
{
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    const gv_graph_config config = {.params = ocarm->params};
    assert_int_equal(gv_graph_create(&config, &graph), GV_OK);
    const gv_sight_nodes sight = gv_ocarm_sight_inputs(graph, view->count);
    const gv_retention_nodes said = gv_ocarm_student(graph, &ocarm->config, &sight);
    gv_graph_keep(graph, said.logit);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_tape_create(graph, ocarm->params, &tape), GV_OK);
    for (size_t row = 0; row < view->count; row++) {
        gv_ocarm_put_sight(tape, &sight, view, row, row);
    }
    gv_tape_forward(tape, &(gv_tape_step){.seed = 1});
    for (size_t row = 0; row < view->count; row++) {
        p[row] = 1.0 / (1.0 + exp(-(double)gv_tape_f32(tape, said.logit)[row]));
    }
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
}

/* Users without any history are among them. */
static void a_student_serves_what_its_graph_says(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    gv_reentries *examples = examples_of(4, 400);
    const gv_reentry_view view = gv_reentry_rows(gv_reentries_view(examples), 0, COUNT);
    const gv_ocarm_config config = config_of(GV_OCARM_STUDENT);
    gv_ocarm *ocarm = NULL;
    double served[COUNT] = {0};
    double expected[COUNT] = {0};
    size_t without = 0;
    assert_int_equal(gv_ocarm_create(GV_OCARM_STUDENT, &config, 5, &ocarm), GV_OK);
    assert_int_equal(gv_ocarm_ready(ocarm), GV_OK);
    gv_ocarm_predict(ocarm, &view, served);
    run_graph(ocarm, &view, expected);
    for (size_t i = 0; i < COUNT; i++) {
        without += view.past_count[i] == 0;
        assert_true(fabs(served[i] - expected[i]) <= 1e-6);
    }
    assert_true(without > 0);
    gv_ocarm_destroy(ocarm);
    gv_reentries_destroy(examples);
}

/* Content that is not there says nothing: whatever stands in the places of absent sessions. */
static void absent_sessions_and_events_say_nothing(void **state)
{
    (void)state;
    gv_reentries *examples = examples_of(4, 200);
    const gv_reentry_view *view = gv_reentries_view(examples);
    gv_ocarm_config config = config_of(GV_OCARM_TEACHER);
    gv_ocarm *ocarm = NULL;
    assert_int_equal(gv_ocarm_create(GV_OCARM_TEACHER, &config, 5, &ocarm), GV_OK);
    assert_int_equal(gv_ocarm_ready(ocarm), GV_OK);
    double before[200];
    double after[200];
    assert_true(view->count <= 200);
    gv_ocarm_predict(ocarm, view, before);
    const size_t items = (size_t)GV_ONBOARDING_SESSIONS * GV_ONBOARDING_ITEMS;
    float *dwell = gv_mem_alloc(0, view->count * items, sizeof *dwell);
    assert_non_null(dwell);
    gv_reentry_view changed = *view;
    changed.item_dwell = dwell;
    size_t absent = 0;
    for (size_t i = 0; i < view->count * items; i++) {
        const size_t session = i % items / GV_ONBOARDING_ITEMS;
        const bool is_there = session < (size_t)view->session_count[i / items];
        dwell[i] = is_there ? view->item_dwell[i] : 1e6F;
        absent += !is_there;
    }
    gv_ocarm_predict(ocarm, &changed, after);
    assert_memory_equal(before, after, view->count * sizeof *before);
    assert_true(absent > 0);
    gv_mem_free(dwell);
    gv_ocarm_destroy(ocarm);
    gv_reentries_destroy(examples);
}

/* ---- leaks ----------------------------------------------------------------------------------- */

/* Log loss of p(y | x), which nothing that reads x alone can beat for long. */
static double truth_loss(const gv_reentry_view *view)
{
    double sum = 0;
    for (size_t i = 0; i < view->count; i++) {
        const double p = view->truth_bid[i];
        sum -= log(view->retained[i] > 0.0F ? p : 1.0 - p);
    }
    return sum / (double)view->count;
}

/* The same rows, whose last feature, mere noise, is what items dwelt after the re-entry. */
static gv_reentry_view shown_early(const gv_reentry_view *view, float *x)
{
    const size_t items = (size_t)GV_ONBOARDING_SESSIONS * GV_ONBOARDING_ITEMS;
    gv_reentry_view early = *view;
    early.x = x;
    memcpy(x, view->x, view->count * GV_USER_FEATURES * sizeof *x);
    for (size_t row = 0; row < view->count; row++) {
        float sum = 0;
        for (size_t i = 0; i < items; i++) {
            sum += view->item_dwell[row * items + i] + view->item_like[row * items + i];
        }
        x[(row + 1) * GV_USER_FEATURES - 1] = sum / 4;
    }
    return early;
}

/* A student of what a bid may see stays behind the truth; one that was shown content is found. */
static void content_shown_early_gives_itself_away(void **state)
{
    (void)state;
    gv_population population = fixture_population(1);
    population.law.content_signal = 1.5;
    population.law.visit_slope = 2.5;
    gv_reentries *learned = examples_by(&population, 1500);
    population.seed = 2;
    gv_reentries *others = examples_by(&population, 1000);
    const gv_reentry_view *view = gv_reentries_view(learned);
    const gv_reentry_view *test = gv_reentries_view(others);
    gv_ocarm_config config = config_of(GV_OCARM_STUDENT);
    config.align = 0;
    config.distil = 0;
    config.epochs = 12;
    gv_ocarm *honest = train(GV_OCARM_STUDENT, &config, view, NULL, 1);
    float *x = gv_mem_alloc(0, view->count * GV_USER_FEATURES, sizeof *x);
    float *x_test = gv_mem_alloc(0, test->count * GV_USER_FEATURES, sizeof *x_test);
    assert_non_null(x);
    assert_non_null(x_test);
    const gv_reentry_view early = shown_early(view, x);
    const gv_reentry_view early_test = shown_early(test, x_test);
    gv_ocarm *leaky = train(GV_OCARM_STUDENT, &config, &early, NULL, 1);
    const double truth = truth_loss(test);
    printf("log loss %.4f of the truth at the bid, %.4f honest, %.4f shown content\n", truth,
           log_loss(honest, test), log_loss(leaky, &early_test));
    assert_true(log_loss(honest, test) > truth);
    assert_true(log_loss(leaky, &early_test) < truth);
    gv_mem_free(x);
    gv_mem_free(x_test);
    gv_ocarm_destroy(leaky);
    gv_ocarm_destroy(honest);
    gv_reentries_destroy(others);
    gv_reentries_destroy(learned);
}

/* ---- a campaign ------------------------------------------------------------------------------ */

static void no_campaign_can_ask_a_teacher_and_any_a_student(void **state)
{
    (void)state;
    const gv_population population = fixture_population(6);
    for (int role = 0; role < GV_OCARM_ROLES; role++) {
        const gv_ocarm_config config = config_of((gv_ocarm_role)role);
        gv_ocarm *ocarm = NULL;
        gv_winback *winback = NULL;
        assert_int_equal(gv_ocarm_create((gv_ocarm_role)role, &config, 5, &ocarm), GV_OK);
        assert_int_equal(gv_ocarm_ready(ocarm), GV_OK);
        const gv_return_model model = gv_ocarm_model(ocarm);
        const gv_winback_config campaign = {.population = &population,
                                            .model = &model,
                                            .user_count = 50,
                                            .days = 5,
                                            .budget_nanos = INT64_MAX,
                                            .multiplier = 1.0,
                                            .aim = GV_AIM_RETENTION,
                                            .lifetime_nanos = GV_NANOS_PER_UNIT};
        assert_int_equal(gv_winback_create(&campaign, &winback), GV_OK);
        const gv_status status = gv_winback_run(winback, NULL);
        assert_int_equal(status, role == GV_OCARM_TEACHER ? GV_EINVAL : GV_OK);
        if (role == GV_OCARM_TEACHER) {
            assert_non_null(strstr(gv_status_detail(), "the model ocarm_teacher cannot be asked"));
        }
        gv_winback_destroy(winback);
        gv_ocarm_destroy(ocarm);
    }
}

/* ---- files and refusals ---------------------------------------------------------------------- */

static void weights_come_back_from_a_file(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "weights.safetensors", path);
    for (int role = 0; role < GV_OCARM_ROLES; role++) {
        gv_ocarm_config config = config_of((gv_ocarm_role)role);
        config.width = 6;
        gv_ocarm *made = NULL;
        gv_ocarm *opened = NULL;
        assert_int_equal(gv_ocarm_create((gv_ocarm_role)role, &config, 8, &made), GV_OK);
        assert_int_equal(gv_ocarm_write(made, path), GV_OK);
        assert_int_equal(gv_ocarm_open(path, &opened), GV_OK);
        assert_int_equal(gv_ocarm_role_of(opened), role);
        assert_true(gv_ocarm_configured(opened)->width == 6);
        expect_same_weights(made, opened);
        gv_ocarm_destroy(made);
        gv_ocarm_destroy(opened);
    }
}

static void other_files_are_no_weights(void **state)
{
    char path[TEST_PATH_SIZE];
    gv_ocarm *opened = NULL;
    test_folder_path(*state, "examples.safetensors", path);
    gv_reentries *examples = examples_of(4, 100);
    assert_int_equal(gv_reentries_write(examples, path), GV_OK);
    assert_int_equal(gv_ocarm_open(path, &opened), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "expected weights, as `gavel train ocarm_teacher`"));
    gv_reentries_destroy(examples);
}

static gv_status try_training(const gv_ocarm_training *training)
{
    gv_ocarm *ocarm = NULL;
    const gv_status status = gv_ocarm_train(training, &ocarm);
    gv_ocarm_destroy(ocarm);
    return status;
}

static void trainings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    gv_reentries *examples = examples_of(4, 300);
    gv_reentry_view view = *gv_reentries_view(examples);
    gv_ocarm_config config = config_of(GV_OCARM_STUDENT);
    gv_ocarm_training training = {
        .role = GV_OCARM_STUDENT, .config = &config, .examples = &view, .seed = 1, .jobs = 1};
    assert_int_equal(try_training(&training), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "there is no teacher"));
    config.align = 0;
    config.distil = 0;
    config.batch = 100000;
    assert_int_equal(try_training(&training), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "examples to learn from"));
    config.batch = 30;
    assert_int_equal(try_training(&training), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "a multiple of 4"));
    config.batch = 32;
    float *labels = gv_mem_alloc(0, view.count, sizeof *labels);
    assert_non_null(labels);
    view.retained = labels;
    assert_int_equal(try_training(&training), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "expected both kinds"));
    gv_mem_free(labels);
    gv_reentries_destroy(examples);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    gv_reentries *examples = examples_of(4, 300);
    gv_ocarm_config config = config_of(GV_OCARM_STUDENT);
    config.align = 0;
    config.distil = 0;
    config.batch = 32;
    config.epochs = 1;
    const gv_ocarm_training training = {.role = GV_OCARM_STUDENT,
                                        .config = &config,
                                        .examples = gv_reentries_view(examples),
                                        .seed = 1,
                                        .jobs = 1};
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_mem_fail_after(count);
        status = try_training(&training);
        gv_mem_fail_after(-1);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 20);
    gv_reentries_destroy(examples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss_and_network_has_the_slope_of_its_value),
        cmocka_unit_test(trainings_are_pure_and_leave_the_teacher_alone),
        cmocka_unit_test(a_student_serves_what_its_graph_says),
        cmocka_unit_test(absent_sessions_and_events_say_nothing),
        cmocka_unit_test(content_shown_early_gives_itself_away),
        cmocka_unit_test(no_campaign_can_ask_a_teacher_and_any_a_student),
        test_in_folder(weights_come_back_from_a_file),
        test_in_folder(other_files_are_no_weights),
        cmocka_unit_test(trainings_that_cannot_be_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
