/*
 * The networks that predict clicks and conversions: slopes of the whole network, the same bits for
 * any number of threads and in any company, what is written is what is read, and planted
 * interactions are found.
 */
#include "test_networks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "models/predict/net_impl.h"
#include "planted_examples.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/quality.h"
#include "test_folder.h"
#include "test_nn.h"

enum { ROWS = 700, ALLOCATIONS_MAX = 4000 };

/* What every property below is asked of. */
typedef struct subject {
    const gv_model_type *type;
    const char *settings[5]; /* name, value, ..., NULL */
} subject;

static const subject subjects[] = {
    {&gv_model_mlp, {NULL}},
    {&gv_model_infnet, {NULL}},
    {&gv_model_infnet, {"sequence", "events", NULL}},
    {&gv_model_infnet, {"sequence", "codes", "codes", "8", NULL}},
};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

/* One pass over all rows, then all rows priced: [2 ROWS], clicks and conversions. */
static gv_status learn_and_price(const subject *what, const gv_examples *rows, size_t jobs,
                                 float *prices)
{
    net_made made = {.state = NULL};
    uint32_t *order = net_order_of(rows->count);
    double loss = 0;
    gv_status status = net_make(&made, what->type, &rows->shape, jobs, what->settings);
    if (status == GV_OK) {
        status = made.type->learn(made.state, rows, order, rows->count, &loss);
    }
    if (status == GV_OK) {
        assert_true(loss > 0);
        status = made.type->predict(made.state, rows, prices, prices + rows->count);
    }
    net_unmake(&made);
    gv_mem_free(order);
    return status;
}

/* ---- slopes of the whole ------------------------------------------------------------------- */

static gv_net net_of_check;
static char config_of_check[NET_CONFIG_SIZE];

static gv_node loss_of_check(gv_graph *graph)
{
    gv_node logits[GV_NET_TASKS];
    gv_net_nodes nodes = gv_net_inputs(graph, &net_of_check, 2, true);
    net_of_check.kind->build(graph, &nodes, config_of_check, logits);
    return gv_net_loss(graph, &nodes, logits);
}

static void check_slopes(const gv_model_type *type, const gv_net_kind *kind, size_t past,
                         const char *const *settings)
{
    net_configure(type, config_of_check, settings);
    net_of_check = (gv_net){.kind = kind, .table_width = 4 + kind->extra};
    net_of_check.setup.shape = (gv_example_shape){
        .field_count = 3, .bucket_count = 16, .past_length = past, .past_field_count = 2};
    net_of_check.reading = kind->reading(config_of_check);
    net_of_check.past_slots = past == 0                                    ? 0
                              : net_of_check.reading.form == GV_NET_POOLED ? 2
                                                                           : 2 * past;
    nn_net net = nn_net_made(GV_F64, loss_of_check);
    const nn_gradient_check check = nn_net_check(&net);
    /* Without broadcast nobody hears the tasks' hubs. */
    const bool is_deaf = settings != NULL && strcmp(settings[0], "broadcast") == 0 &&
                         strcmp(settings[1], "off") == 0;
    if (check.worst > 1e-7 || (check.idle > 0 && !is_deaf)) {
        fail_msg("%s with %s: error %g at %s; %zu parameters without effect", type->info.name,
                 settings == NULL ? "nothing set" : settings[0], check.worst, check.where,
                 check.idle);
    }
    nn_net_free(&net);
}

static void networks_have_the_slope_of_their_loss(void **state)
{
    (void)state;
    static const char *const flags[][7] = {
        {"hubs", "mean", NULL},       {"hub_start", "learned", NULL}, {"broadcast", "token", NULL},
        {"broadcast", "off", NULL},   {"tasks", "end", NULL},         {"blocks", "1", NULL},
        {"sequence", "events", NULL},
    };
    check_slopes(&gv_model_mlp, &gv_net_mlp, 3,
                 (const char *const[]){"hidden_1", "6", "hidden_2", "3", NULL});
    check_slopes(&gv_model_mlp, &gv_net_mlp, 0, (const char *const[]){"deep", "off", NULL});
    check_slopes(&gv_model_infnet, &gv_net_infnet, 3, NULL);
    check_slopes(&gv_model_infnet, &gv_net_infnet, 0, NULL);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        check_slopes(&gv_model_infnet, &gv_net_infnet, 3, flags[i]);
    }
}

/* ---- the table ------------------------------------------------------------------------------ */

static void a_table_moves_touched_rows_as_adam_says(void **state)
{
    (void)state;
    enum { SPOT = 16, UNTOUCHED = 6 }; /* in rows 5 and 2 */
    const gv_embeddings_config config = {
        .rows = 8, .width = 3, .scale = 0.1, .seed = 1, .learns = true};
    gv_embeddings *table = NULL;
    assert_int_equal(gv_embeddings_create(&config, &table), GV_OK);
    double p = (double)gv_embeddings_values(table)[SPOT];
    const float untouched = gv_embeddings_values(table)[UNTOUCHED];
    double m = 0;
    double v = 0;
    for (int step = 1; step <= 5; step++) {
        const float slope[3] = {0, 0.5F * (float)step, 1};
        const bool is_touched = step != 3;
        if (is_touched) {
            assert_int_equal(gv_embeddings_touch(table, 5, slope, 1.0F), GV_OK);
            assert_int_equal(gv_embeddings_touch(table, 5, slope, 0.5F), GV_OK);
            const double d = 1.5 * (double)slope[1] + 0.01 * p;
            m = 0.9 * m + 0.1 * d;
            v = 0.999 * v + 0.001 * d * d;
            p -= 0.1 * (m / (1 - pow(0.9, step))) / (sqrt(v / (1 - pow(0.999, step))) + 1e-8);
        }
        assert_int_equal(gv_embeddings_touch(table, 6, slope, 1.0F), GV_OK);
        assert_int_equal(gv_embeddings_step(table, 0.1, 0.01), GV_OK);
        assert_true(fabs((double)gv_embeddings_values(table)[SPOT] - p) < 1e-5);
    }
    assert_true(gv_embeddings_values(table)[UNTOUCHED] == untouched);
    const float none[3] = {0, NAN, 0};
    const float before = gv_embeddings_values(table)[SPOT];
    assert_int_equal(gv_embeddings_touch(table, 5, none, 1.0F), GV_OK);
    assert_int_equal(gv_embeddings_step(table, 0.1, 0), GV_EINVAL);
    assert_true(gv_embeddings_values(table)[SPOT] == before);
    gv_embeddings_destroy(table);
}

/* The machine alone, number by number from its tensors. */
static void a_factorisation_machine_is_its_formula(void **state)
{
    (void)state;
    enum { WIDTH = 4, SLOTS = PLANTED_FIELDS + PLANTED_PAST_FIELDS };
    planted_examples *planted = net_planted_rows(50);
    const gv_examples *rows = planted_examples_rows(planted);
    net_made made;
    const char *const settings[] = {"deep", "off", "start", "0.7", NULL};
    assert_int_equal(net_make(&made, &gv_model_mlp, &rows->shape, 1, settings), GV_OK);
    float pctr[50];
    float pcvr[50];
    assert_int_equal(made.type->predict(made.state, rows, pctr, pcvr), GV_OK);
    gv_net *net = made.state;
    const float *table = gv_embeddings_values(net->table);
    const gv_weight *weight = gv_params_find(net->params, "out.weight");
    const gv_weight *bias = gv_params_find(net->params, "out.bias");
    const float *block = gv_params_read_f32(net->params);
    for (size_t r = 0; r < 50; r++) {
        double v[SLOTS][WIDTH + 1] = {{0}};
        for (size_t f = 0; f < PLANTED_FIELDS; f++) {
            const uint32_t *starts = rows->starts + r * PLANTED_FIELDS + f;
            for (uint32_t i = starts[0]; i < starts[1]; i++) {
                for (size_t k = 0; k <= WIDTH; k++) {
                    v[f][k] += (double)table[(size_t)rows->buckets[i] * (WIDTH + 1) + k] /
                               (double)(starts[1] - starts[0]);
                }
            }
        }
        const size_t count = rows->past_counts[r];
        for (size_t i = 0; i < 2 * count; i++) {
            const uint32_t bucket = rows->past_buckets[r * NET_PAST * 2 + i];
            for (size_t k = 0; k <= WIDTH; k++) {
                v[PLANTED_FIELDS + i % 2][k] +=
                    (double)table[(size_t)bucket * (WIDTH + 1) + k] / (double)count;
            }
        }
        double logit = (double)block[bias->offset];
        for (size_t a = 0; a < SLOTS; a++) {
            logit += (double)block[weight->offset] * v[a][WIDTH];
            for (size_t b = a + 1; b < SLOTS; b++) {
                for (size_t k = 0; k < WIDTH; k++) {
                    logit += (double)block[weight->offset + 1 + k] * v[a][k] * v[b][k];
                }
            }
        }
        assert_true(fabs(1 / (1 + exp(-logit)) - (double)pctr[r]) < 1e-5);
    }
    net_unmake(&made);
    planted_examples_destroy(planted);
}

/* ---- bits ----------------------------------------------------------------------------------- */

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_examples *rows = planted_examples_rows(planted);
    static float one[2 * ROWS];
    static float more[2 * ROWS];
    for (size_t t = 0; t < SUBJECTS; t++) {
        assert_int_equal(learn_and_price(&subjects[t], rows, 1, one), GV_OK);
        for (size_t jobs = 2; jobs <= 3; jobs++) {
            assert_int_equal(learn_and_price(&subjects[t], rows, jobs, more), GV_OK);
            assert_memory_equal(one, more, sizeof one);
        }
    }
    planted_examples_destroy(planted);
}

/* Rows first .. first + count - 1 of the examples as examples of their own. */
static gv_examples part_of(const gv_examples *all, size_t first, size_t count)
{
    gv_examples part = *all;
    part.count = count;
    part.starts += first * all->shape.field_count;
    part.past_counts += first;
    part.past_buckets += first * all->shape.past_length * all->shape.past_field_count;
    part.past_ages += first * all->shape.past_length;
    return part;
}

static void a_row_is_priced_alike_in_any_company(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 48, 200};
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_examples *rows = planted_examples_rows(planted);
    static float all[2 * ROWS];
    for (size_t t = 0; t < SUBJECTS; t++) {
        net_made made;
        assert_int_equal(net_make(&made, subjects[t].type, &rows->shape, 2, subjects[t].settings),
                         GV_OK);
        assert_int_equal(made.type->predict(made.state, rows, all, all + ROWS), GV_OK);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            for (size_t first = 0; first + sizes[i] <= ROWS; first += 100 + sizes[i]) {
                float pctr[200];
                float pcvr[200];
                const gv_examples some = part_of(rows, first, sizes[i]);
                assert_int_equal(made.type->predict(made.state, &some, pctr, pcvr), GV_OK);
                assert_memory_equal(pctr, all + first, sizes[i] * sizeof *pctr);
                assert_memory_equal(pcvr, all + ROWS + first, sizes[i] * sizeof *pcvr);
            }
        }
        net_unmake(&made);
    }
    planted_examples_destroy(planted);
}

static void what_lies_behind_a_short_past_does_not_matter(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_examples *rows = planted_examples_rows(planted);
    const size_t places = (size_t)ROWS * NET_PAST;
    uint32_t *buckets = gv_mem_alloc(0, places * 2, sizeof *buckets);
    assert_non_null(buckets);
    for (size_t i = 0; i < places * 2; i++) {
        const bool is_there = i / 2 % NET_PAST < rows->past_counts[i / 2 / NET_PAST];
        buckets[i] = is_there ? rows->past_buckets[i] : 17;
    }
    gv_examples other = *rows;
    other.past_buckets = buckets;
    static float one[2 * ROWS];
    static float two[2 * ROWS];
    for (size_t t = 0; t < SUBJECTS; t++) {
        assert_int_equal(learn_and_price(&subjects[t], rows, 1, one), GV_OK);
        assert_int_equal(learn_and_price(&subjects[t], &other, 1, two), GV_OK);
        assert_memory_equal(one, two, sizeof one);
    }
    gv_mem_free(buckets);
    planted_examples_destroy(planted);
}

/* ---- files, memory -------------------------------------------------------------------------- */

static void what_is_written_is_what_is_read(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_examples *rows = planted_examples_rows(planted);
    static float before[2 * ROWS];
    static float after[2 * ROWS];
    static gv_tensor list[GV_MODEL_TENSORS_MAX];
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "net.safetensors", path);
    for (size_t t = 0; t < SUBJECTS; t++) {
        net_made made;
        double loss = 0;
        uint32_t *order = net_order_of(ROWS);
        assert_int_equal(net_make(&made, subjects[t].type, &rows->shape, 1, subjects[t].settings),
                         GV_OK);
        assert_int_equal(subjects[t].type->learn(made.state, rows, order, ROWS, &loss), GV_OK);
        assert_int_equal(subjects[t].type->predict(made.state, rows, before, before + ROWS), GV_OK);
        gv_model_tensors tensors = {.tensors = list};
        subjects[t].type->tensors(made.state, &tensors);
        assert_int_equal(gv_safetensors_write(path, list, tensors.count, NULL, 0), GV_OK);
        net_unmake(&made);

        net_made again;
        gv_safetensors *file = NULL;
        assert_int_equal(net_make(&again, subjects[t].type, &rows->shape, 1, subjects[t].settings),
                         GV_OK);
        assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
        assert_int_equal(subjects[t].type->restore(again.state, file), GV_OK);
        assert_int_equal(subjects[t].type->predict(again.state, rows, after, after + ROWS), GV_OK);
        assert_memory_equal(before, after, sizeof before);
        net_unmake(&again);

        net_made other;
        gv_example_shape shape = rows->shape;
        shape.bucket_count *= 2;
        assert_int_equal(net_make(&other, subjects[t].type, &shape, 1, subjects[t].settings),
                         GV_OK);
        assert_int_not_equal(subjects[t].type->restore(other.state, file), GV_OK);
        net_unmake(&other);
        gv_safetensors_close(file);
        gv_mem_free(order);
    }
    planted_examples_destroy(planted);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    static gv_tensor list[GV_MODEL_TENSORS_MAX];
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_example_shape *shape = &planted_examples_rows(planted)->shape;
    char path[TEST_PATH_SIZE];
    test_folder_path(*state, "net.safetensors", path);
    for (size_t t = 0; t < SUBJECTS; t++) {
        net_made made;
        gv_safetensors *file = NULL;
        assert_int_equal(net_make(&made, subjects[t].type, shape, 1, subjects[t].settings), GV_OK);
        gv_net *net = made.state;
        gv_model_tensors tensors = {.tensors = list};
        subjects[t].type->tensors(made.state, &tensors);
        gv_params_f32(net->params)[gv_params_at(net->params, 0)->offset] = (float)NAN;
        assert_int_equal(gv_safetensors_write(path, list, tensors.count, NULL, 0), GV_OK);
        assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
        assert_int_equal(subjects[t].type->restore(made.state, file), GV_ECORRUPT);
        assert_non_null(strstr(gv_status_detail(), "is not finite"));
        gv_safetensors_close(file);
        net_unmake(&made);
    }
    planted_examples_destroy(planted);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    gv_examples some = *planted_examples_rows(planted);
    some.count = 80;
    static float prices[2 * ROWS];
    for (size_t t = 0; t < SUBJECTS; t++) {
        uint32_t *order = net_order_of(some.count);
        int fails = 0;
        bool is_done = false;
        for (; !is_done && fails < ALLOCATIONS_MAX; fails++) {
            net_made made = {.state = NULL};
            double loss = 0;
            gv_mem_fail_after(fails);
            gv_status status =
                net_make(&made, subjects[t].type, &some.shape, 1, subjects[t].settings);
            if (status == GV_OK) {
                status = subjects[t].type->learn(made.state, &some, order, some.count, &loss);
            }
            if (status == GV_OK) {
                status = subjects[t].type->predict(made.state, &some, prices, prices + ROWS);
            }
            gv_mem_fail_after(-1);
            assert_true(status == GV_OK || status == GV_ENOMEM);
            is_done = status == GV_OK;
            net_unmake(&made);
        }
        assert_true(is_done);
        assert_true(fails > 10);
        gv_mem_free(order);
    }
    planted_examples_destroy(planted);
}

/* ---- what is learnt ------------------------------------------------------------------------- */

static float click_price(net_made *made, const gv_examples *rows)
{
    float pctr[1];
    const gv_examples one = part_of(rows, 30, 1);
    assert_int_equal(made->type->predict(made->state, &one, pctr, NULL), GV_OK);
    return pctr[0];
}

/* The conversion's token reaches the click's price by the hubs, unless tasks part at the end. */
static void tasks_know_of_each_other(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(100);
    const gv_examples *rows = planted_examples_rows(planted);
    for (size_t i = 0; i < 2; i++) {
        const char *const settings[] = {"tasks", i == 0 ? "first" : "end", NULL};
        net_made made;
        assert_int_equal(net_make(&made, &gv_model_infnet, &rows->shape, 1, settings), GV_OK);
        gv_net *net = made.state;
        const float before = click_price(&made, rows);
        const gv_weight *task = gv_params_find(net->params, "task");
        gv_params_f32(net->params)[task->offset + 4] += 1.0F; /* of the conversion */
        assert_int_equal(click_price(&made, rows) != before, i == 0);
        gv_params_f32(net->params)[task->offset] += 1.0F; /* of the click */
        assert_true(click_price(&made, rows) != before);
        net_unmake(&made);
    }
    planted_examples_destroy(planted);
}

static void conversions_may_be_unknown(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    gv_examples rows = *planted_examples_rows(planted);
    rows.conversions = NULL;
    static float prices[2 * ROWS];
    for (size_t t = 0; t < SUBJECTS; t++) {
        assert_int_equal(learn_and_price(&subjects[t], &rows, 1, prices), GV_OK);
        for (size_t i = 0; i < (size_t)2 * ROWS; i++) {
            assert_true(prices[i] > 0);
            assert_true(prices[i] < 1);
        }
    }
    planted_examples_destroy(planted);
}

/* A row of weight 3 is three rows, but to codes, the last subject's, which follow events alike. */
static void weights_count_rows(void **state)
{
    (void)state;
    enum { COUNT = 16 };
    planted_examples *planted = net_planted_rows(ROWS);
    gv_examples rows = *planted_examples_rows(planted);
    float weights[ROWS];
    uint32_t once[COUNT];
    uint32_t thrice[3 * COUNT];
    for (size_t i = 0; i < ROWS; i++) {
        weights[i] = i % 2 == 0 ? 3.0F : 1.0F;
    }
    size_t more = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        once[i] = i;
        for (size_t k = 0; k < (i % 2 == 0 ? 3 : 1); k++) {
            thrice[more++] = i;
        }
    }
    double losses[2] = {0, 0};
    for (size_t t = 0; t + 1 < SUBJECTS; t++) {
        for (size_t i = 0; i < 2; i++) {
            net_made made;
            rows.weights = i == 0 ? weights : NULL;
            assert_int_equal(
                net_make(&made, subjects[t].type, &rows.shape, 1, subjects[t].settings), GV_OK);
            assert_int_equal(subjects[t].type->learn(made.state, &rows, i == 0 ? once : thrice,
                                                     i == 0 ? COUNT : more, &losses[i]),
                             GV_OK);
            net_unmake(&made);
        }
        assert_true(fabs(losses[0] - losses[1]) < 1e-5);
    }
    planted_examples_destroy(planted);
}

/* On rows that were not learnt: better than the share of clicks, and told apart. */
static void planted_clicks_are_told_apart(void **state)
{
    (void)state;
    enum { ALL = 12000, TRAIN = 9000 };
    planted_examples *planted = net_planted_rows(ALL);
    const gv_examples *rows = planted_examples_rows(planted);
    static float pctr[ALL];
    static float pcvr[ALL];
    for (size_t t = 0; t < SUBJECTS; t++) {
        net_made made;
        uint32_t *order = net_order_of(TRAIN);
        const char *settings[7] = {"width", "8"};
        memcpy(settings + 2, subjects[t].settings, sizeof subjects[t].settings);
        assert_int_equal(net_make(&made, subjects[t].type, &rows->shape, 2, settings), GV_OK);
        double losses[3];
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(subjects[t].type->learn(made.state, rows, order, TRAIN, &losses[i]),
                             GV_OK);
        }
        assert_true(losses[2] < losses[0]);
        assert_int_equal(subjects[t].type->predict(made.state, rows, pctr, pcvr), GV_OK);
        const double area = gv_quality_auc(pctr + TRAIN, rows->clicks + TRAIN, ALL - TRAIN);
        print_message("%s %zu: area %.4f\n", subjects[t].type->info.name, t, area);
        assert_true(area > 0.58);
        net_unmake(&made);
        gv_mem_free(order);
    }
    planted_examples_destroy(planted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_have_the_slope_of_their_loss),
        cmocka_unit_test(a_table_moves_touched_rows_as_adam_says),
        cmocka_unit_test(a_factorisation_machine_is_its_formula),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(a_row_is_priced_alike_in_any_company),
        cmocka_unit_test(what_lies_behind_a_short_past_does_not_matter),
        cmocka_unit_test(what_is_written_is_what_is_read),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(tasks_know_of_each_other),
        cmocka_unit_test(conversions_may_be_unknown),
        cmocka_unit_test(weights_count_rows),
        cmocka_unit_test(planted_clicks_are_told_apart),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
