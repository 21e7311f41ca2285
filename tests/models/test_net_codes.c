/* A network that reads a past by codes: served as it learnt, and its codes move with its keys. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/predict/net_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_networks.h"

enum { ROWS = 700 };

/* Events of so many kinds that what is kept of them is given up now and then. */
static void make_kinds_many(gv_examples *rows, uint32_t *buckets)
{
    const gv_random random = gv_random_key(8, GV_STREAM_TEST, 0);
    for (size_t i = 0; i < (size_t)ROWS * NET_PAST * 2; i++) {
        buckets[i] = (uint32_t)gv_random_below(&random, i, 48);
    }
    rows->past_buckets = buckets;
}

/* A past told by codes is what the network learnt to read: every event, its key its code. */
static void what_codes_tell_is_what_was_learnt(void **state)
{
    (void)state;
    static uint32_t buckets[ROWS * NET_PAST * 2];
    planted_examples *planted = net_planted_rows(ROWS);
    gv_examples many = *planted_examples_rows(planted);
    const gv_examples *rows = &many;
    make_kinds_many(&many, buckets);
    static const char *const settings[] = {"sequence", "codes", "codes", "8", NULL};
    uint32_t *order = net_order_of(ROWS);
    static float served[2 * ROWS];
    net_made made;
    double loss = 0;
    assert_int_equal(net_make(&made, &gv_model_infnet, &rows->shape, 1, settings), GV_OK);
    assert_int_equal(made.type->learn(made.state, rows, order, ROWS, &loss), GV_OK);
    assert_int_equal(made.type->predict(made.state, rows, served, served + ROWS), GV_OK);

    gv_net *net = made.state;
    const gv_graph_config config = {.params = net->params};
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    gv_node logits[GV_NET_TASKS];
    assert_int_equal(gv_graph_create(&config, &graph), GV_OK);
    gv_net_nodes nodes = gv_net_inputs(graph, net, ROWS, true);
    net->kind->build(graph, &nodes, made.config, logits);
    gv_graph_keep(graph, logits[0]);
    gv_graph_keep(graph, logits[1]);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_tape_create(graph, net->params, &tape), GV_OK);
    size_t with_past = 0;
    for (size_t row = 0; row < ROWS; row++) {
        gv_net_gather(net, tape, &nodes, row, row, 0);
        with_past += rows->past_counts[row] > 1 ? 1 : 0;
    }
    gv_tape_forward(tape, &(gv_tape_step){.seed = 1});
    for (size_t i = 0; i < (size_t)ROWS * GV_NET_TASKS; i++) {
        const double logit = (double)gv_tape_f32(tape, logits[i / ROWS])[i % ROWS];
        assert_true(fabs(1 / (1 + exp(-logit)) - (double)served[i]) < 1e-5);
    }
    assert_true(with_past > ROWS / 2);
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
    net_unmake(&made);
    gv_mem_free(order);
    planted_examples_destroy(planted);
}

/* Codes go where keys are: apart at the start, near after some steps. */
static void codes_follow_the_networks_keys(void **state)
{
    (void)state;
    planted_examples *planted = net_planted_rows(ROWS);
    const gv_examples *rows = planted_examples_rows(planted);
    static const char *const settings[] = {"sequence", "codes", "codes", "8", NULL};
    uint32_t *order = net_order_of(ROWS);
    net_made made;
    double loss = 0;
    assert_int_equal(net_make(&made, &gv_model_infnet, &rows->shape, 1, settings), GV_OK);
    const gv_net *net = made.state;
    const gv_weight *codes = gv_params_find(net->params, "block1.read.codes");
    const float *values = gv_params_read_f32(net->params) + codes->offset;
    float first[2 * 8 * 2];
    assert_true(codes->count == sizeof first / sizeof first[0]);
    memcpy(first, values, sizeof first);
    assert_int_equal(made.type->learn(made.state, rows, order, ROWS, &loss), GV_OK);
    size_t moved = 0;
    for (size_t i = 0; i < codes->count; i++) {
        moved += values[i] != first[i] ? 1 : 0;
    }
    assert_true(moved == codes->count);
    net_unmake(&made);
    gv_mem_free(order);
    planted_examples_destroy(planted);
}

/* As many tensors as the largest network has can be listed, and so written. */
static void the_deepest_network_can_be_written(void **state)
{
    (void)state;
    static gv_tensor list[GV_MODEL_TENSORS_MAX];
    static const char *const settings[] = {"sequence", "codes", "codes",     "2",     "blocks", "8",
                                           "heads",    "1",     "broadcast", "token", NULL};
    planted_examples *planted = net_planted_rows(20);
    gv_model_tensors tensors = {.tensors = list};
    net_made made;
    assert_int_equal(
        net_make(&made, &gv_model_infnet, &planted_examples_rows(planted)->shape, 1, settings),
        GV_OK);
    made.type->tensors(made.state, &tensors);
    assert_true(tensors.count > 600);
    net_unmake(&made);
    planted_examples_destroy(planted);
}

static void codes_without_a_past_are_refused(void **state)
{
    (void)state;
    static const char *const settings[] = {"sequence", "codes", NULL};
    const gv_example_shape shape = {.field_count = 2, .bucket_count = 16};
    net_made made;
    assert_int_equal(net_make(&made, &gv_model_infnet, &shape, 1, settings), GV_EUSAGE);
    assert_non_null(strstr(gv_status_detail(), "sequence=codes reads a user's past"));
    net_unmake(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_codes_tell_is_what_was_learnt),
        cmocka_unit_test(codes_follow_the_networks_keys),
        cmocka_unit_test(the_deepest_network_can_be_written),
        cmocka_unit_test(codes_without_a_past_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
