/*
 * What predictors ask of graphs: numbers that come from a table outside, attention of a few
 * queries, and rows whose bits are their own.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph.h"
#include "models/nn/layers.h"
#include "models/nn/operators.h"
#include "models/nn/tape.h"
#include "sim/base/random.h"

enum { ROWS = 3, KEYS = 9, QUERIES = 2, WIDTH = 8, HEADS = 2, ROWS_MAX = 48, IN = 37, OUT = 21 };

static double drawn(uint64_t entity, size_t index)
{
    const gv_random random = gv_random_key(11, GV_STREAM_TEST, entity);
    return gv_random_normal(&random, index);
}

typedef struct net {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
} net;

static net net_begun(gv_real_kind kind, bool rows_alone)
{
    net made = {.tape = NULL};
    assert_int_equal(gv_params_create(kind, &made.params), GV_OK);
    const gv_graph_config config = {.params = made.params, .rows_alone = rows_alone};
    assert_int_equal(gv_graph_create(&config, &made.graph), GV_OK);
    return made;
}

static void net_finish(net *made, gv_node loss)
{
    assert_int_equal(gv_graph_finish(made->graph, loss), GV_OK);
    assert_int_equal(gv_params_draw(made->params, 3), GV_OK);
    assert_int_equal(gv_tape_create(made->graph, made->params, &made->tape), GV_OK);
}

static void net_free(net *made)
{
    gv_tape_destroy(made->tape);
    gv_graph_destroy(made->graph);
    gv_params_destroy(made->params);
}

/* Twice into the sum, so that its slope is written once and added to once. */
static gv_node loss_of(gv_graph *graph, gv_node x)
{
    const gv_node once = gv_op_sum(graph, gv_op_tanh(graph, gv_layer_linear(graph, "a", x, 4)));
    return gv_op_add(graph, once, gv_op_sum(graph, gv_op_mul(graph, x, x)));
}

static void what_is_gathered_has_the_slope_of_a_parameter(void **state)
{
    (void)state;
    const gv_shape shape = gv_shape_of(2, (size_t[]){ROWS, WIDTH});
    net by_param = net_begun(GV_F64, false);
    const gv_node x =
        gv_graph_param(by_param.graph, "x", shape, (gv_init){.law = GV_INIT_NORMAL, .scale = 1});
    net_finish(&by_param, loss_of(by_param.graph, x));
    net gathered = net_begun(GV_F64, false);
    const gv_node rows = gv_graph_gathered(gathered.graph, "x", shape);
    net_finish(&gathered, loss_of(gathered.graph, rows));

    const gv_weight *weight = gv_params_find(by_param.params, "x");
    const double *values = gv_params_f64(by_param.params) + weight->offset;
    memcpy(gv_tape_f64(gathered.tape, rows), values, weight->count * sizeof *values);
    double gradients[256] = {0};
    double others[256] = {0};
    assert_true(gv_params_size(by_param.params) <= 256);
    gv_tape_forward(by_param.tape, &(gv_tape_step){.seed = 1});
    gv_tape_backward(by_param.tape, gradients);
    gv_tape_forward(gathered.tape, &(gv_tape_step){.seed = 1});
    gv_tape_backward(gathered.tape, others);
    assert_true(gv_tape_loss(gathered.tape) == gv_tape_loss(by_param.tape));
    const double *slope = gv_tape_slope_f64(gathered.tape, rows);
    for (size_t i = 0; i < weight->count; i++) {
        assert_true(slope[i] != 0);
        assert_true(slope[i] == gradients[weight->offset + i]);
    }
    net_free(&by_param);
    net_free(&gathered);
}

/* One number of the result, by the definition. */
static double attended(const double *query, const double *pairs, const double *shares, size_t head,
                       size_t column)
{
    const size_t columns = WIDTH / HEADS;
    double total = 0;
    double sum = 0;
    for (size_t n = 0; n < KEYS; n++) {
        double score = 0;
        for (size_t j = 0; j < columns; j++) {
            const size_t at = head * columns + j;
            score += query[at] * pairs[n * 2 * WIDTH + at];
        }
        const double weight = shares[n] * exp(score / sqrt((double)columns));
        total += weight;
        sum += weight * pairs[n * 2 * WIDTH + WIDTH + head * columns + column];
    }
    return total == 0 ? 0 : sum / total;
}

static void check_attention(bool is_of_heads)
{
    net made = net_begun(GV_F64, false);
    const gv_node query =
        gv_graph_input(made.graph, "q", gv_shape_of(3, (size_t[]){ROWS, QUERIES, WIDTH}));
    const gv_node pairs =
        gv_graph_input(made.graph, "kv", gv_shape_of(3, (size_t[]){ROWS, KEYS, 2 * (size_t)WIDTH}));
    const gv_shape of_shares = is_of_heads ? gv_shape_of(3, (size_t[]){ROWS, HEADS, KEYS})
                                           : gv_shape_of(2, (size_t[]){ROWS, KEYS});
    const gv_node shares = gv_graph_input(made.graph, "shares", of_shares);
    const gv_node y = gv_op_cross_attention(made.graph, query, pairs, shares, HEADS);
    gv_graph_keep(made.graph, y);
    net_finish(&made, GV_NODE_NONE);
    double *q = gv_tape_f64(made.tape, query);
    double *kv = gv_tape_f64(made.tape, pairs);
    double *share = gv_tape_f64(made.tape, shares);
    const size_t heads = is_of_heads ? HEADS : 1;
    for (size_t i = 0; i < (size_t)ROWS * KEYS * 2 * WIDTH; i++) {
        kv[i] = drawn(1, i);
    }
    for (size_t i = 0; i < (size_t)ROWS * QUERIES * WIDTH; i++) {
        q[i] = drawn(2, i);
    }
    for (size_t i = 0; i < ROWS * heads * KEYS; i++) { /* the last row sees nothing */
        share[i] = i < 2 * heads * KEYS && i % 4 != 1 ? fabs(drawn(3, i)) : 0;
    }
    gv_tape_forward(made.tape, &(gv_tape_step){.seed = 1});
    const double *out = gv_tape_f64(made.tape, y);
    for (size_t i = 0; i < (size_t)ROWS * QUERIES * WIDTH; i++) {
        const size_t b = i / ((size_t)QUERIES * WIDTH);
        const size_t columns = WIDTH / HEADS;
        const size_t head = i % WIDTH / columns;
        const size_t own = (b * heads + (is_of_heads ? head : 0)) * KEYS;
        const double expected = attended(q + i / WIDTH * WIDTH, kv + b * KEYS * 2 * WIDTH,
                                         share + own, head, i % columns);
        assert_true(fabs(out[i] - expected) < 1e-12);
    }
    net_free(&made);
}

static void a_few_queries_are_an_explicit_softmax(void **state)
{
    (void)state;
    check_attention(false);
    check_attention(true);
}

/* Row `row` of the batch that holds `mark` at that place, through a layer, a norm and a head. */
static void run_among(size_t rows, size_t place, float *out)
{
    net made = net_begun(GV_F32, true);
    const gv_node x = gv_graph_input(made.graph, "x", gv_shape_of(2, (size_t[]){rows, IN}));
    const gv_node y = gv_layer_norm(made.graph, "n", gv_layer_linear(made.graph, "a", x, OUT));
    const gv_node z = gv_layer_linear(made.graph, "b", gv_op_silu(made.graph, y), 3);
    gv_graph_keep(made.graph, z);
    net_finish(&made, GV_NODE_NONE);
    float *in = gv_tape_f32(made.tape, x);
    for (size_t i = 0; i < rows * IN; i++) {
        in[i] = (float)drawn(i / IN == place ? 5 : 100 + i / IN, i % IN);
    }
    gv_tape_forward(made.tape, &(gv_tape_step){.seed = 1});
    memcpy(out, gv_tape_f32(made.tape, z) + place * 3, 3 * sizeof *out);
    net_free(&made);
}

static void rows_alone_have_bits_of_their_own(void **state)
{
    (void)state;
    float alone[3];
    run_among(1, 0, alone);
    static const size_t counts[] = {2, 7, ROWS_MAX};
    for (size_t i = 0; i < 3; i++) {
        for (size_t place = 0; place < counts[i]; place++) {
            float among[3];
            run_among(counts[i], place, among);
            assert_memory_equal(among, alone, sizeof alone);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_gathered_has_the_slope_of_a_parameter),
        cmocka_unit_test(a_few_queries_are_an_explicit_softmax),
        cmocka_unit_test(rows_alone_have_bits_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
