/*
 * Every operator's backward against central differences in double. A case makes all operands
 * that may have a gradient parameters, and weighs the result with fixed numbers, so that no
 * mistake can cancel. The error is stated: below 1e-8 of max(1, value).
 */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "models/nn/operators.h"
#include "test_nn.h"

#define BOUND 1e-8
#define NONE  GV_NODE_NONE

/* rank, then sizes */
static gv_node param(gv_graph *graph, const char *name, size_t a, size_t b, size_t c)
{
    const size_t rank = c > 0 ? 3 : b > 0 ? 2 : 1;
    return gv_graph_param(graph, name, gv_shape_of(rank, (size_t[]){a, b, c}),
                          (gv_init){.law = GV_INIT_NORMAL, .scale = 1.0});
}

static gv_node input(gv_graph *graph, const char *name, size_t a, size_t b, size_t c)
{
    const size_t rank = c > 0 ? 3 : b > 0 ? 2 : 1;
    return gv_graph_input(graph, name, gv_shape_of(rank, (size_t[]){a, b, c}));
}

/* A number that every element of x moves differently. */
static gv_node weighed(gv_graph *graph, gv_node x)
{
    const gv_node weights = gv_graph_input(graph, "w", *gv_graph_shape(graph, x));
    return gv_op_sum(graph, gv_op_mul(graph, x, weights));
}

static gv_node matmul(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    return weighed(g, gv_op_matmul(g, a, param(g, "b", 2, 4, 5)));
}

static gv_node matmul_by_one(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    return weighed(g, gv_op_matmul(g, a, param(g, "b", 4, 5, 0)));
}

static gv_node matmul_transposed(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    return weighed(g, gv_op_matmul_transposed(g, a, param(g, "b", 2, 5, 4)));
}

static gv_node matmul_transposed_by_one(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    return weighed(g, gv_op_matmul_transposed(g, a, param(g, "b", 5, 4, 0)));
}

static gv_node linear(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 4);
    const gv_node weight = param(g, "weight", 5, 4, 0);
    return weighed(g, gv_op_linear(g, x, weight, param(g, "bias", 5, 0, 0)));
}

static gv_node linear_without_bias(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 4, 0);
    return weighed(g, gv_op_linear(g, x, param(g, "weight", 5, 4, 0), GV_NODE_NONE));
}

static gv_node add(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 4);
    const gv_node with_row = gv_op_add(g, x, param(g, "row", 4, 0, 0));
    const gv_node with_last = gv_op_add(g, with_row, param(g, "last", 3, 4, 0));
    const gv_node with_first = gv_op_add(g, with_last, param(g, "first", 2, 3, 0));
    return weighed(g, gv_op_add(g, with_first, param(g, "same", 2, 3, 4)));
}

static gv_node sub(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 4);
    const gv_node with_row = gv_op_sub(g, x, param(g, "row", 4, 0, 0));
    return weighed(g, gv_op_sub(g, with_row, param(g, "first", 2, 3, 0)));
}

static gv_node mul(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 4);
    const gv_node with_row = gv_op_mul(g, x, param(g, "row", 4, 0, 0));
    const gv_node with_first = gv_op_mul(g, with_row, param(g, "first", 2, 3, 0));
    return weighed(g, gv_op_mul(g, with_first, param(g, "same", 2, 3, 4)));
}

static gv_node min(gv_graph *g)
{
    const gv_node a = param(g, "a", 5, 7, 0);
    return weighed(g, gv_op_min(g, a, param(g, "b", 5, 7, 0)));
}

static gv_node scale(gv_graph *g)
{
    return weighed(g, gv_op_scale(g, param(g, "x", 3, 4, 0), -1.5, 0.25));
}

static gv_node clamp(gv_graph *g)
{
    return weighed(g, gv_op_clamp(g, param(g, "x", 5, 7, 0), -0.5, 0.75));
}

#define MAP_CASE(name)                                              \
    static gv_node map_##name(gv_graph *g)                          \
    {                                                               \
        return weighed(g, gv_op_##name(g, param(g, "x", 5, 7, 0))); \
    }

MAP_CASE(relu)
MAP_CASE(gelu)
MAP_CASE(gelu_tanh)
MAP_CASE(silu)
MAP_CASE(mish)
MAP_CASE(tanh)
MAP_CASE(sigmoid)
MAP_CASE(exp)
MAP_CASE(softplus)
MAP_CASE(symlog)
MAP_CASE(unit)
MAP_CASE(softmax)
MAP_CASE(log_sum_exp)
MAP_CASE(sum_last)
MAP_CASE(mean_last)

static gv_node dropout(gv_graph *g)
{
    return weighed(g, gv_op_dropout(g, param(g, "x", 9, 7, 0), 0.3));
}

static gv_node embedding(gv_graph *g)
{
    const gv_node rows = gv_graph_indices(g, "row", gv_shape_of(2, (size_t[]){2, 3}));
    return weighed(g, gv_op_embedding(g, rows, param(g, "table", 3, 5, 0)));
}

static gv_node layer_norm(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 21, 0);
    const gv_node gain = param(g, "gain", 21, 0, 0);
    return weighed(g, gv_op_layer_norm(g, x, gain, param(g, "bias", 21, 0, 0)));
}

static gv_node group_norm(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 6, 5);
    const gv_node gain = param(g, "gain", 6, 0, 0);
    return weighed(g, gv_op_group_norm(g, x, gain, param(g, "bias", 6, 0, 0), 3));
}

static gv_node attention(gv_graph *g)
{
    const gv_attention causal = {.heads = 2, .is_causal = true};
    return weighed(g, gv_op_attention(g, param(g, "qkv", 2, 5, 12), GV_NODE_NONE, &causal));
}

static gv_node attention_masked(gv_graph *g)
{
    const gv_attention causal = {.heads = 2, .is_causal = true, .dropout = 0.25};
    const gv_node valid = input(g, "valid", 2, 37, 0);
    return weighed(g, gv_op_attention(g, param(g, "qkv", 2, 37, 12), valid, &causal));
}

static gv_node attention_open(gv_graph *g)
{
    const gv_attention open = {.heads = 1};
    const gv_node valid = input(g, "valid", 2, 6, 0);
    return weighed(g, gv_op_attention(g, param(g, "qkv", 2, 6, 9), valid, &open));
}

static gv_node cross_attention(gv_graph *g)
{
    const gv_node query = param(g, "query", 2, 3, 8);
    const gv_node valid = input(g, "valid", 2, 7, 0);
    return weighed(g, gv_op_cross_attention(g, query, param(g, "pairs", 2, 7, 16), valid, 2));
}

static gv_node cross_attention_wide(gv_graph *g)
{
    const gv_node query = param(g, "query", 2, 2, 16);
    const gv_node open = gv_op_cross_attention(g, query, param(g, "pairs", 2, 21, 32), NONE, 2);
    return weighed(g, gv_op_cross_attention(g, open, param(g, "more", 2, 5, 32), NONE, 1));
}

static gv_node cross_attention_shared(gv_graph *g)
{
    const gv_node query = param(g, "query", 2, 3, 8);
    const gv_node pairs = param(g, "pairs", 2, 7, 16);
    const gv_node all = gv_op_exp(g, param(g, "all", 2, 7, 0));
    const gv_node each = gv_op_exp(g, param(g, "each", 2, 2, 7));
    const gv_node y = gv_op_cross_attention(g, query, pairs, all, 2);
    return weighed(g, gv_op_cross_attention(g, y, pairs, each, 2));
}

static gv_node modulate(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 5);
    const gv_node gain = param(g, "gain", 2, 5, 0);
    const gv_node both = gv_op_modulate(g, x, gain, param(g, "shift", 2, 5, 0));
    const gv_node again = gv_op_modulate(g, both, gain, NONE);
    return weighed(g, gv_op_modulate(g, again, NONE, param(g, "more", 2, 5, 0)));
}

static gv_node pool(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 5);
    const gv_node by_shares = gv_op_pool(g, x, input(g, "shares", 2, 3, 0), 0.7);
    return weighed(g, gv_op_add(g, by_shares, gv_op_pool(g, x, NONE, 1.0 / 3)));
}

static gv_node conv1d(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 2, 9);
    const gv_node weight = param(g, "weight", 4, 2, 5);
    return weighed(g, gv_op_conv1d(g, x, weight, param(g, "bias", 4, 0, 0), 1, 2));
}

static gv_node conv1d_strided(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 2, 9);
    return weighed(g, gv_op_conv1d(g, x, param(g, "weight", 4, 2, 3), GV_NODE_NONE, 2, 1));
}

static gv_node conv1d_transposed(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 4, 5);
    const gv_node weight = param(g, "weight", 4, 2, 4);
    return weighed(g, gv_op_conv1d_transposed(g, x, weight, param(g, "bias", 2, 0, 0), 2, 1));
}

static gv_node concat(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    const gv_node along_last = gv_op_concat(g, a, param(g, "b", 2, 3, 2), 2);
    return weighed(g, gv_op_concat(g, along_last, param(g, "c", 2, 1, 6), 1));
}

static gv_node slice(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 7, 3);
    const gv_node every_third = gv_op_slice(g, x, 1, 1, 2, 3);
    const gv_node again = gv_op_slice(g, x, 1, 0, 2, 1);
    const gv_node rest = gv_op_slice(g, x, 1, 2, 2, 3);
    const gv_node some = gv_op_add(g, every_third, again);
    return gv_op_add(g, weighed(g, gv_op_add(g, some, rest)), gv_op_sum(g, x));
}

static gv_node transpose(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 3, 4);
    const gv_node turned = gv_op_transpose(g, x, 0, 2);
    const gv_node more = gv_op_transpose(g, param(g, "y", 4, 2, 3), 1, 2);
    return weighed(g, gv_op_add(g, turned, more));
}

static gv_node reshape(gv_graph *g)
{
    const gv_node x = param(g, "x", 2, 6, 0);
    const gv_node y = gv_op_scale(g, x, 2.0, 0.0);
    const gv_node flat = gv_op_reshape(g, y, gv_shape_of(1, (size_t[]){12}));
    const gv_node both = gv_op_mul(g, flat, gv_op_reshape(g, y, gv_shape_of(1, (size_t[]){12})));
    return gv_op_add(g, weighed(g, both), weighed(g, y));
}

static gv_node interleave(gv_graph *g)
{
    const gv_node a = param(g, "a", 2, 3, 4);
    const gv_node b = param(g, "b", 2, 3, 4);
    return weighed(g, gv_op_interleave(g, a, b, param(g, "c", 2, 3, 4)));
}

static gv_node mean(gv_graph *g)
{
    const gv_node x = param(g, "x", 3, 4, 0);
    return gv_op_mean(g, gv_op_mul(g, x, x));
}

static gv_node mse(gv_graph *g)
{
    const gv_node x = param(g, "x", 4, 5, 0);
    return gv_op_mse(g, x, input(g, "target", 4, 5, 0), input(g, "weights", 4, 5, 0));
}

static gv_node mse_mean(gv_graph *g)
{
    return gv_op_mse(g, param(g, "x", 4, 5, 0), input(g, "target", 4, 5, 0), GV_NODE_NONE);
}

static gv_node bce(gv_graph *g)
{
    const gv_node x = param(g, "x", 4, 5, 0);
    return gv_op_bce(g, x, input(g, "share", 4, 5, 0), input(g, "weights", 4, 5, 0));
}

static gv_node cross_entropy(gv_graph *g)
{
    const gv_node x = param(g, "x", 4, 5, 0);
    const gv_node labels = gv_graph_indices(g, "labels", gv_shape_of(1, (size_t[]){4}));
    return gv_op_cross_entropy(g, x, labels, input(g, "weights", 4, 0, 0));
}

static gv_node gaussian_nll(gv_graph *g)
{
    const gv_node x = param(g, "mean", 4, 5, 0);
    const gv_node v = param(g, "log_variance", 4, 5, 0);
    return gv_op_gaussian_nll(g, x, v, input(g, "target", 4, 5, 0), input(g, "weights", 4, 5, 0));
}

static gv_node beyond(gv_graph *g)
{
    const gv_node x = param(g, "mean", 4, 5, 0);
    const gv_node v = param(g, "log_variance", 4, 5, 0);
    return gv_op_beyond(g, x, v, input(g, "bound", 4, 5, 0), input(g, "weights", 4, 5, 0));
}

static gv_node expectile(gv_graph *g)
{
    const gv_node x = param(g, "x", 4, 5, 0);
    return gv_op_expectile(g, x, input(g, "target", 4, 5, 0), GV_NODE_NONE, 0.7);
}

static gv_node kl(gv_graph *g)
{
    const gv_node x = param(g, "mean", 4, 5, 0);
    return gv_op_kl(g, x, param(g, "log_variance", 4, 5, 0), input(g, "weights", 4, 5, 0));
}

static gv_node nnpu(gv_graph *g)
{
    return gv_op_nnpu(g, param(g, "x", 12, 0, 0), input(g, "positive", 12, 0, 0),
                      &(gv_nnpu){.prior = 0.2});
}

static gv_node nnpu_sigmoid(gv_graph *g)
{
    return gv_op_nnpu(g, param(g, "x", 12, 0, 0), input(g, "positive", 12, 0, 0),
                      &(gv_nnpu){.prior = 0.4, .is_sigmoid = true});
}

typedef struct gradient_case {
    const char *name;
    nn_builder build;
} gradient_case;

#define CASE(label)                      \
    {                                    \
        .name = #label, .build = (label) \
    }
#define MAP(label)                           \
    {                                        \
        .name = #label, .build = map_##label \
    }

static const gradient_case cases[] = {
    CASE(matmul),
    CASE(matmul_by_one),
    CASE(matmul_transposed),
    CASE(linear),
    CASE(matmul_transposed_by_one),
    CASE(linear_without_bias),
    CASE(add),
    CASE(sub),
    CASE(mul),
    CASE(min),
    CASE(scale),
    CASE(clamp),
    MAP(relu),
    MAP(gelu),
    MAP(gelu_tanh),
    MAP(silu),
    MAP(mish),
    MAP(tanh),
    MAP(sigmoid),
    MAP(exp),
    MAP(softplus),
    MAP(symlog),
    MAP(unit),
    MAP(softmax),
    MAP(log_sum_exp),
    MAP(sum_last),
    MAP(mean_last),
    CASE(dropout),
    CASE(embedding),
    CASE(layer_norm),
    CASE(group_norm),
    CASE(attention),
    CASE(attention_masked),
    CASE(attention_open),
    CASE(cross_attention),
    CASE(cross_attention_wide),
    CASE(cross_attention_shared),
    CASE(modulate),
    CASE(pool),
    CASE(conv1d),
    CASE(conv1d_strided),
    CASE(conv1d_transposed),
    CASE(concat),
    CASE(slice),
    CASE(transpose),
    CASE(reshape),
    CASE(interleave),
    CASE(mean),
    CASE(mse),
    CASE(mse_mean),
    CASE(bce),
    CASE(cross_entropy),
    CASE(gaussian_nll),
    CASE(beyond),
    CASE(expectile),
    CASE(kl),
    CASE(nnpu),
    CASE(nnpu_sigmoid),
};

enum { CASES = sizeof cases / sizeof cases[0] };

static void every_operator_has_the_slope_of_its_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        nn_net net = nn_net_made(GV_F64, cases[i].build);
        const nn_gradient_check check = nn_net_check(&net);
        if (check.worst > BOUND || check.idle > 0) {
            fail_msg("%s: error %g at %s; %zu operands without effect", cases[i].name, check.worst,
                     check.where, check.idle);
        }
        nn_net_free(&net);
    }
}

/* Which operators the cases reach: all of the table but the one whose gradient is none, and the one
   whose gradient is not its slope (test_nn_nearest.c). */
static void no_operator_is_left_out(void **state)
{
    (void)state;
    bool is_reached[GV_OP_COUNT] = {[GV_OP_STOP] = true, [GV_OP_NEAREST] = true};
    for (size_t i = 0; i < CASES; i++) {
        nn_net net = nn_net_made(GV_F64, cases[i].build);
        for (size_t node = 0; node < net.graph->count; node++) {
            if (net.graph->nodes[node].kind == NODE_OPERATOR) {
                is_reached[net.graph->nodes[node].op] = true;
            }
        }
        nn_net_free(&net);
    }
    for (size_t op = 0; op < GV_OP_COUNT; op++) {
        if (!is_reached[op]) {
            fail_msg("no case has %s", gv_op_rows[op].name);
        }
    }
}

static const gv_op_kernel *whole;

/* The operator's own backward, with its last operand's gradient one part in a thousand off. */
static void broken_backward(const gv_op_call *call)
{
    whole->backward(call);
    for (size_t k = OP_ARITY_MAX; k-- > 0;) {
        double *gradient = call->grad_in[k];
        if (gradient != NULL) {
            for (size_t i = 0; i < gv_shape_count(call->shape[k]); i++) {
                gradient[i] *= 1.001;
            }
            return;
        }
    }
}

/* Breaks the backward of each operator in turn: the check must see it. */
static void a_broken_backward_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        nn_net net = nn_net_made(GV_F64, cases[i].build);
        for (size_t op = 0; op < GV_OP_COUNT; op++) {
            bool is_used = false;
            for (size_t node = 0; node < net.graph->count; node++) {
                const gv_node_record *record = &net.graph->nodes[node];
                is_used = is_used || (record->runs_back && record->op == (gv_op_id)op);
            }
            gv_op_row rows[GV_OP_COUNT];
            memcpy(rows, gv_op_rows, sizeof rows);
            whole = rows[op].kernel[GV_F64];
            const gv_op_kernel broken = {.forward = whole->forward, .backward = broken_backward};
            rows[op].kernel[GV_F64] = &broken;
            net.graph->rows = rows;
            if (is_used && op != GV_OP_RESHAPE && nn_net_check(&net).worst < 100 * BOUND) {
                fail_msg("%s: a broken %s went unseen", cases[i].name, rows[op].name);
            }
        }
        nn_net_free(&net);
    }
}

static void a_stop_passes_the_value_and_no_gradient(void **state)
{
    (void)state;
    gv_params *params = NULL;
    gv_graph *graph = NULL;
    assert_int_equal(gv_params_create(GV_F64, &params), GV_OK);
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = params}, &graph), GV_OK);
    const gv_node x = param(graph, "x", 1, 0, 0);
    const gv_node loss = gv_op_sum(graph, gv_op_mul(graph, x, gv_op_stop(graph, x)));
    assert_int_equal(gv_graph_finish(graph, loss), GV_OK);
    assert_int_equal(gv_params_draw(params, 1), GV_OK);
    gv_tape *tape = NULL;
    assert_int_equal(gv_tape_create(graph, params, &tape), GV_OK);
    double gradients[16] = {0};
    gv_tape_forward(tape, &(gv_tape_step){.seed = 1});
    gv_tape_backward(tape, gradients);
    const double value = gv_params_f64(params)[0];
    assert_true(gv_tape_loss(tape) == value * value);
    assert_true(gradients[0] == value);
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
    gv_params_destroy(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_has_the_slope_of_its_value),
        cmocka_unit_test(no_operator_is_left_out),
        cmocka_unit_test(a_broken_backward_is_found),
        cmocka_unit_test(a_stop_passes_the_value_and_no_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
