/*
 * Networks served for requests of many candidates: the plain forward to rounding, the same bits
 * whatever else is in a request, and plain where there is nothing to share or it is refused.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/operators.h"
#include "models/predict/net_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_folder.h"

enum { FIELDS = 6, VALUES = 7, PAST = 3, PAST_FIELDS = 2, BUCKETS = 512, CONFIG_SIZE = 1024 };
enum { REQUESTS = 5, ROWS = 1 + 7 + 48 + 100 + 1 };

static const size_t sizes[REQUESTS] = {1, 7, 48, 100, 1};
static const gv_side sides[FIELDS] = {GV_SIDE_USER,  GV_SIDE_ITEM, GV_SIDE_USER,
                                      GV_SIDE_CROSS, GV_SIDE_ITEM, GV_SIDE_USER};

/* Rows by request; the first field has two values. */
typedef struct many {
    gv_examples view;
    uint32_t starts[ROWS * FIELDS + 1];
    uint32_t buckets[ROWS * VALUES];
    uint32_t past_counts[ROWS];
    uint32_t past_buckets[ROWS * PAST * PAST_FIELDS];
    float past_ages[ROWS * PAST];
    float clicks[ROWS];
    float conversions[ROWS];
} many;

static uint32_t bucket(size_t field, size_t user, size_t item)
{
    const gv_random random = gv_random_key(5, GV_STREAM_TEST, field * 1000000 + user * 1000 + item);
    return (uint32_t)gv_random_below(&random, 0, BUCKETS);
}

static void put_row(many *m, size_t row, size_t user, size_t item)
{
    uint32_t *to = m->buckets + row * VALUES;
    to[0] = bucket(FIELDS, user, 0);
    for (size_t f = 0; f < FIELDS; f++) {
        const size_t of_user = sides[f] == GV_SIDE_ITEM ? 0 : user + 1;
        to[f + 1] = bucket(f, of_user, sides[f] == GV_SIDE_USER ? 0 : item + 1);
        m->starts[row * FIELDS + f + 1] = (uint32_t)(row * VALUES + f + 2);
    }
    m->past_counts[row] = (uint32_t)(user % (PAST + 1));
    for (size_t e = 0; e < m->past_counts[row]; e++) {
        m->past_ages[row * PAST + e] = (float)(100 * (user + 1) + 7 * (PAST - e));
        for (size_t k = 0; k < PAST_FIELDS; k++) {
            m->past_buckets[(row * PAST + e) * PAST_FIELDS + k] = bucket(20 + k, user, e);
        }
    }
    m->clicks[row] = (user * 3 + item) % 4 == 0 ? 1.0F : 0.0F;
    m->conversions[row] = m->clicks[row] > 0 && item % 2 == 0 ? 1.0F : 0.0F;
}

static many *make_rows(void)
{
    many *m = gv_mem_alloc(sizeof *m, 0, 0);
    assert_non_null(m);
    size_t row = 0;
    for (size_t r = 0; r < REQUESTS; r++) {
        for (size_t k = 0; k < sizes[r]; k++) {
            put_row(m, row, r, row);
            row++;
        }
    }
    m->view = (gv_examples){.count = ROWS,
                            .starts = m->starts,
                            .buckets = m->buckets,
                            .past_counts = m->past_counts,
                            .past_buckets = m->past_buckets,
                            .past_ages = m->past_ages,
                            .clicks = m->clicks,
                            .conversions = m->conversions};
    m->view.shape = (gv_example_shape){.field_count = FIELDS,
                                       .bucket_count = BUCKETS,
                                       .past_length = PAST,
                                       .past_field_count = PAST_FIELDS};
    return m;
}

typedef struct subject {
    const gv_model_type *type;
    bool has_past;
    const char *settings[5]; /* name, value, ..., NULL */
} subject;

static const subject subjects[] = {
    {&gv_model_mlp, true, {NULL}},
    {&gv_model_mlp, false, {NULL}},
    {&gv_model_mlp, true, {"deep", "off", NULL}},
    {&gv_model_mlp, true, {"hidden_1", "0", "hidden_2", "0", NULL}},
    {&gv_model_infnet, true, {NULL}},
    {&gv_model_infnet, false, {NULL}},
    {&gv_model_infnet, true, {"hubs", "mean", "tasks", "end", NULL}},
    {&gv_model_infnet, true, {"hub_start", "learned", "broadcast", "token", NULL}},
    {&gv_model_infnet, true, {"broadcast", "off", NULL}},
    {&gv_model_infnet, true, {"sequence", "codes", "codes", "4", NULL}},
    {&gv_model_infnet, true, {"sequence", "events", NULL}},
};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

static void configure(const subject *s, char *config)
{
    memset(config, 0, CONFIG_SIZE);
    gv_param_defaults(s->type->info.params, config);
    for (size_t i = 0; s->settings[i] != NULL; i += 2) {
        const gv_param *param = gv_param_find(s->type->info.params, s->settings[i]);
        assert_int_equal(gv_param_parse(param, s->settings[i + 1], 0, config), GV_OK);
    }
}

static gv_model_setup setup_of(const subject *s, const many *m, const char *config)
{
    gv_model_setup setup = {.config = config, .shape = m->view.shape, .seed = 3, .jobs = 1};
    if (!s->has_past) {
        setup.shape.past_length = 0;
        setup.shape.past_field_count = 0;
    }
    return setup;
}

/* Learns a little and writes the file that the others restore. */
static void write_trained(const subject *s, many *m, const char *path)
{
    char config[CONFIG_SIZE];
    uint32_t order[ROWS];
    gv_tensor list[GV_MODEL_TENSORS_MAX];
    gv_model_tensors tensors = {.tensors = list};
    gv_model *model = NULL;
    double loss = 0;
    configure(s, config);
    gv_model_setup setup = setup_of(s, m, config);
    setup.learns = true;
    m->view.shape = setup.shape;
    for (size_t i = 0; i < ROWS; i++) {
        order[i] = (uint32_t)i;
    }
    assert_int_equal(gv_model_create(s->type, &setup, &model), GV_OK);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(gv_model_learn(model, &m->view, order, ROWS, &loss), GV_OK);
    }
    gv_model_list_tensors(model, &tensors);
    assert_int_equal(gv_safetensors_write(path, list, tensors.count, NULL, 0), GV_OK);
    gv_model_destroy(model);
}

/* config: [CONFIG_SIZE], for as long as the model. */
static gv_status restore(const subject *s, const many *m, const char *path, const gv_side *of,
                         size_t jobs, char *config, gv_model **out)
{
    gv_safetensors *file = NULL;
    configure(s, config);
    gv_model_setup setup = setup_of(s, m, config);
    setup.sides = of;
    setup.jobs = jobs;
    gv_status status = gv_model_create(s->type, &setup, out);
    if (status == GV_OK) {
        status = gv_safetensors_open(path, &file);
    }
    if (status == GV_OK) {
        status = gv_model_restore(*out, file);
    }
    gv_safetensors_close(file);
    return status;
}

static gv_model *restored(const subject *s, const many *m, const char *path, const gv_side *of,
                          size_t jobs, char *config)
{
    gv_model *model = NULL;
    assert_int_equal(restore(s, m, path, of, jobs, config, &model), GV_OK);
    return model;
}

static void the_plain_forward_is_met_to_rounding(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "m.safetensors", path);
    for (size_t i = 0; i < SUBJECTS; i++) {
        char configs[2][CONFIG_SIZE];
        float p[2][2][ROWS];
        double spread = 0;
        many *m = make_rows();
        write_trained(&subjects[i], m, path);
        for (size_t k = 0; k < 2; k++) {
            gv_model *model = restored(&subjects[i], m, path, k == 0 ? NULL : sides, 1, configs[k]);
            assert_int_equal(gv_model_predict(model, &m->view, p[k][0], p[k][1]), GV_OK);
            assert_int_equal(gv_model_sharing(model) == NULL, k == 0);
            assert_true(k == 0 || strstr(gv_model_sharing(model), "once a request") != NULL);
            gv_model_destroy(model);
        }
        for (size_t k = 0; k < (size_t)2 * ROWS; k++) {
            const double plain = (double)p[0][k / ROWS][k % ROWS];
            assert_true(fabs((double)p[1][k / ROWS][k % ROWS] - plain) < 1e-5 * plain);
            spread = fmax(spread, fabs(plain - (double)p[0][0][0]));
        }
        assert_true(spread > 0.01);
        gv_mem_free(m);
    }
}

/* Rows chosen [count] as examples of their own, predicted. */
static void predict_chosen(gv_model *model, const many *m, const size_t *chosen, size_t count,
                           float *pctr)
{
    many *some = make_rows();
    some->view.shape = m->view.shape;
    some->view.count = count;
    for (size_t i = 0; i < count; i++) {
        size_t user = 0;
        for (size_t end = sizes[0]; chosen[i] >= end; end += sizes[user]) {
            user++;
        }
        put_row(some, i, user, chosen[i]);
    }
    assert_int_equal(gv_model_predict(model, &some->view, pctr, NULL), GV_OK);
    gv_mem_free(some);
}

/* 1, 7 and 48 candidates of the request of 100, from both ends and beside another's. */
static void expect_bits(gv_model *model, const many *m, const float *all)
{
    static const size_t counts[] = {1, 7, 48};
    const size_t first = 1 + 7 + 48;
    for (size_t k = 0; k < 3; k++) {
        for (size_t turn = 0; turn < 3; turn++) {
            size_t chosen[ROWS];
            float pctr[ROWS];
            size_t count = 0;
            for (size_t i = 0; i < turn; i++) {
                chosen[count++] = 1 + i;
            }
            for (size_t i = 0; i < counts[k]; i++) {
                chosen[count++] = turn == 1 ? first + 99 - i : first + i;
            }
            predict_chosen(model, m, chosen, count, pctr);
            for (size_t i = 0; i < count; i++) {
                assert_memory_equal(&pctr[i], &all[chosen[i]], sizeof *pctr);
            }
        }
    }
}

static void a_candidate_has_its_bits_in_any_request(void **state)
{
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "m.safetensors", path);
    for (size_t i = 0; i < SUBJECTS; i++) {
        float all[ROWS];
        many *m = make_rows();
        write_trained(&subjects[i], m, path);
        for (size_t jobs = 1; jobs <= 2; jobs++) {
            char config[CONFIG_SIZE];
            float again[ROWS];
            gv_model *model = restored(&subjects[i], m, path, sides, jobs, config);
            assert_int_equal(gv_model_predict(model, &m->view, again, NULL), GV_OK);
            if (jobs == 1) {
                memcpy(all, again, sizeof all);
                expect_bits(model, m, all);
            }
            assert_memory_equal(again, all, sizeof all);
            gv_model_destroy(model);
        }
        gv_mem_free(m);
    }
}

static void without_two_sides_nothing_is_shared(void **state)
{
    static const gv_side users[FIELDS] = {GV_SIDE_USER, GV_SIDE_USER, GV_SIDE_USER,
                                          GV_SIDE_USER, GV_SIDE_USER, GV_SIDE_USER};
    static const gv_side items[FIELDS] = {GV_SIDE_ITEM};
    const subject *s = &subjects[1]; /* without a past */
    char path[TEST_PATH_SIZE];
    char config[CONFIG_SIZE];
    float p[3][ROWS];
    const gv_side *const of[3] = {NULL, users, items};
    static const char *const words[3] = {NULL, "no field is an item's", "no field is the user's"};
    many *m = make_rows();
    test_folder_path(*state, "m.safetensors", path);
    write_trained(s, m, path);
    for (size_t i = 0; i < 3; i++) {
        gv_model *model = restored(s, m, path, of[i], 1, config);
        assert_true(words[i] == NULL || strstr(gv_model_sharing(model), words[i]) != NULL);
        assert_int_equal(gv_model_predict(model, &m->view, p[i], NULL), GV_OK);
        assert_memory_equal(p[i], p[0], sizeof p[0]);
        gv_model_destroy(model);
    }
    gv_mem_free(m);
}

/* A network that adds a number over the batch, twice turned, which no candidate has alone. */
static void build_over_the_batch(gv_graph *graph, gv_net_nodes *nodes, const void *config,
                                 gv_node logits[GV_NET_TASKS])
{
    gv_net_mlp.build(graph, nodes, config, logits);
    const size_t rows = gv_graph_dim(graph, logits[0], 0);
    const gv_node column = gv_op_reshape(graph, logits[0], gv_shape_of(2, (size_t[]){rows, 1}));
    const gv_node turned = gv_op_transpose(graph, column, 0, 1);
    logits[0] = gv_op_reshape(graph, gv_op_transpose(graph, turned, 0, 1),
                              gv_shape_of(1, (size_t[]){rows}));
}

static gv_status init_over_the_batch(void *state, const gv_model_setup *setup)
{
    static gv_net_kind kind;
    kind = gv_net_mlp;
    kind.build = build_over_the_batch;
    return gv_net_init(state, &kind, setup);
}

static void what_is_refused_is_priced_plainly(void **state)
{
    gv_model_type type = gv_model_mlp;
    type.init = init_over_the_batch;
    const subject odd = {&type, true, {NULL}};
    char path[TEST_PATH_SIZE];
    char config[CONFIG_SIZE];
    float p[2][ROWS];
    many *m = make_rows();
    test_folder_path(*state, "m.safetensors", path);
    write_trained(&subjects[0], m, path);
    for (size_t i = 0; i < 2; i++) {
        gv_model *model = i == 0 ? restored(&subjects[0], m, path, NULL, 1, config)
                                 : restored(&odd, m, path, sides, 1, config);
        assert_int_equal(gv_model_predict(model, &m->view, p[i], NULL), GV_OK);
        assert_true(i == 0 ||
                    strstr(gv_model_sharing(model), "a network with 'transpose'") != NULL);
        gv_model_destroy(model);
    }
    assert_memory_equal(p[0], p[1], sizeof p[0]);
    gv_mem_free(m);
}

static void failed_allocations_are_survived(void **state)
{
    char path[TEST_PATH_SIZE];
    many *m = make_rows();
    test_folder_path(*state, "m.safetensors", path);
    write_trained(&subjects[0], m, path);
    bool is_done = false;
    int fails = 0;
    for (; !is_done && fails < 4000; fails++) {
        char config[CONFIG_SIZE];
        gv_model *model = NULL;
        gv_mem_fail_after(fails);
        const gv_status status = restore(&subjects[0], m, path, sides, 2, config, &model);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        is_done = status == GV_OK;
        gv_model_destroy(model);
    }
    assert_true(is_done);
    assert_true(fails > 50);
    gv_mem_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_forward_is_met_to_rounding),
        cmocka_unit_test(a_candidate_has_its_bits_in_any_request),
        cmocka_unit_test(without_two_sides_nothing_is_shared),
        cmocka_unit_test(what_is_refused_is_priced_plainly),
        cmocka_unit_test(failed_allocations_are_survived),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
