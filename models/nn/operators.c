/* The builders: attributes of each operator, and the few that are made of others. */
#include "models/nn/operators.h"

#include <assert.h>

#include "models/nn/graph_impl.h"

#define NONE GV_NODE_NONE

static gv_node node_of(gv_graph *graph, gv_op_id op, gv_node a, gv_node b, const gv_op_attrs *attrs)
{
    return gv_graph_operator(graph, op, (gv_node[OP_ARITY_MAX]){a, b, NONE, NONE}, attrs);
}

static gv_node map(gv_graph *graph, gv_op_id op, gv_node x)
{
    return node_of(graph, op, x, NONE, &(gv_op_attrs){.factor = 1.0});
}

gv_node gv_op_matmul(gv_graph *graph, gv_node a, gv_node b)
{
    return node_of(graph, GV_OP_MATMUL, a, b, &(gv_op_attrs){.is_flagged = false});
}

gv_node gv_op_matmul_transposed(gv_graph *graph, gv_node a, gv_node b)
{
    return node_of(graph, GV_OP_MATMUL, a, b, &(gv_op_attrs){.is_flagged = true});
}

gv_node gv_op_linear(gv_graph *graph, gv_node x, gv_node weight, gv_node bias)
{
    const gv_op_attrs attrs = {.is_flagged = graph->config.rows_alone};
    return gv_graph_operator(graph, GV_OP_LINEAR, (gv_node[OP_ARITY_MAX]){x, weight, bias, NONE},
                             &attrs);
}

/* Does b have a's last axes? */
static bool ends_alike(const gv_shape *a, const gv_shape *b)
{
    for (size_t i = 1; i <= b->rank; i++) {
        if (i > a->rank || a->dim[a->rank - i] != b->dim[b->rank - i]) {
            return false;
        }
    }
    return true;
}

static gv_node combine(gv_graph *graph, gv_op_id op, gv_node a, gv_node b)
{
    if (graph->status != GV_OK) {
        return NONE;
    }
    const bool is_last = ends_alike(&graph->nodes[a].shape, &graph->nodes[b].shape);
    return node_of(graph, op, a, b, &(gv_op_attrs){.is_flagged = !is_last});
}

gv_node gv_op_add(gv_graph *graph, gv_node a, gv_node b)
{
    return combine(graph, GV_OP_ADD, a, b);
}

gv_node gv_op_sub(gv_graph *graph, gv_node a, gv_node b)
{
    return combine(graph, GV_OP_SUB, a, b);
}

gv_node gv_op_mul(gv_graph *graph, gv_node a, gv_node b)
{
    return combine(graph, GV_OP_MUL, a, b);
}

gv_node gv_op_min(gv_graph *graph, gv_node a, gv_node b)
{
    if (graph->status == GV_OK) {
        assert(gv_shape_count(&graph->nodes[a].shape) == gv_shape_count(&graph->nodes[b].shape));
    }
    return combine(graph, GV_OP_MIN, a, b);
}

gv_node gv_op_scale(gv_graph *graph, gv_node x, double factor, double offset)
{
    return node_of(graph, GV_OP_SCALE, x, NONE, &(gv_op_attrs){.factor = factor, .offset = offset});
}

gv_node gv_op_clamp(gv_graph *graph, gv_node x, double low, double high)
{
    assert(low <= high);
    return node_of(graph, GV_OP_CLAMP, x, NONE, &(gv_op_attrs){.offset = low, .high = high});
}

gv_node gv_op_relu(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_RELU, x);
}

gv_node gv_op_gelu(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_GELU, x);
}

gv_node gv_op_gelu_tanh(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_GELU_TANH, x);
}

gv_node gv_op_silu(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SILU, x);
}

gv_node gv_op_mish(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_MISH, x);
}

gv_node gv_op_tanh(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_TANH, x);
}

gv_node gv_op_sigmoid(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SIGMOID, x);
}

gv_node gv_op_exp(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_EXP, x);
}

gv_node gv_op_softplus(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SOFTPLUS, x);
}

gv_node gv_op_symlog(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SYMLOG, x);
}

gv_node gv_op_dropout(gv_graph *graph, gv_node x, double rate)
{
    assert(rate >= 0);
    assert(rate < 1);
    if (rate == 0) {
        return x;
    }
    const gv_op_attrs attrs = {.rate = rate, .ordinal = graph->dropper_count++};
    return node_of(graph, GV_OP_DROPOUT, x, NONE, &attrs);
}

gv_node gv_op_stop(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_STOP, x);
}

gv_node gv_op_embedding(gv_graph *graph, gv_node indices, gv_node table)
{
    if (graph->status == GV_OK) {
        assert(graph->nodes[indices].kind == NODE_INDICES);
    }
    return node_of(graph, GV_OP_EMBEDDING, indices, table, &(gv_op_attrs){.factor = 1.0});
}

gv_node gv_op_layer_norm(gv_graph *graph, gv_node x, gv_node gain, gv_node bias)
{
    const gv_op_attrs attrs = {.factor = 1.0};
    return gv_graph_operator(graph, GV_OP_LAYER_NORM, (gv_node[OP_ARITY_MAX]){x, gain, bias, NONE},
                             &attrs);
}

gv_node gv_op_group_norm(gv_graph *graph, gv_node x, gv_node gain, gv_node bias, size_t groups)
{
    assert(groups >= 1);
    const gv_op_attrs attrs = {.groups = groups};
    return gv_graph_operator(graph, GV_OP_GROUP_NORM, (gv_node[OP_ARITY_MAX]){x, gain, bias, NONE},
                             &attrs);
}

gv_node gv_op_unit(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_UNIT, x);
}

gv_node gv_op_softmax(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SOFTMAX, x);
}

gv_node gv_op_log_sum_exp(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_LOG_SUM_EXP, x);
}

gv_node gv_op_attention(gv_graph *graph, gv_node qkv, gv_node valid, const gv_attention *attention)
{
    assert(attention->heads >= 1);
    assert(attention->dropout >= 0);
    assert(attention->dropout < 1);
    const gv_op_attrs attrs = {.groups = attention->heads,
                               .is_flagged = attention->is_causal,
                               .rate = attention->dropout,
                               .ordinal = graph->dropper_count++};
    return node_of(graph, GV_OP_ATTENTION, qkv, valid, &attrs);
}

gv_node gv_op_cross_attention(gv_graph *graph, gv_node query, gv_node pairs, gv_node shares,
                              size_t heads)
{
    assert(heads >= 1);
    const gv_op_attrs attrs = {.groups = heads};
    return gv_graph_operator(graph, GV_OP_CROSS_ATTENTION,
                             (gv_node[OP_ARITY_MAX]){query, pairs, shares, NONE}, &attrs);
}

gv_node gv_op_nearest(gv_graph *graph, gv_node keys, gv_node codes)
{
    return node_of(graph, GV_OP_NEAREST, keys, codes, &(gv_op_attrs){.factor = 1.0});
}

gv_node gv_op_modulate(gv_graph *graph, gv_node x, gv_node gain, gv_node shift)
{
    const gv_op_attrs attrs = {.factor = 1.0};
    return gv_graph_operator(graph, GV_OP_MODULATE, (gv_node[OP_ARITY_MAX]){x, gain, shift, NONE},
                             &attrs);
}

gv_node gv_op_pool(gv_graph *graph, gv_node x, gv_node shares, double factor)
{
    return node_of(graph, GV_OP_POOL, x, shares, &(gv_op_attrs){.factor = factor});
}

gv_node gv_op_conv1d(gv_graph *graph, gv_node x, gv_node weight, gv_node bias, size_t stride,
                     size_t padding)
{
    assert(stride >= 1);
    const gv_op_attrs attrs = {.stride = stride, .padding = padding};
    return gv_graph_operator(graph, GV_OP_CONV1D, (gv_node[OP_ARITY_MAX]){x, weight, bias, NONE},
                             &attrs);
}

gv_node gv_op_conv1d_transposed(gv_graph *graph, gv_node x, gv_node weight, gv_node bias,
                                size_t stride, size_t padding)
{
    assert(stride >= 1);
    const gv_op_attrs attrs = {.stride = stride, .padding = padding, .is_flagged = true};
    return gv_graph_operator(graph, GV_OP_CONV1D_TRANSPOSED,
                             (gv_node[OP_ARITY_MAX]){x, weight, bias, NONE}, &attrs);
}

gv_node gv_op_concat(gv_graph *graph, gv_node a, gv_node b, size_t axis)
{
    return node_of(graph, GV_OP_CONCAT, a, b, &(gv_op_attrs){.axis = axis});
}

gv_node gv_op_slice(gv_graph *graph, gv_node x, size_t axis, size_t start, size_t length,
                    size_t step)
{
    const gv_op_attrs attrs = {.axis = axis, .start = start, .other = length, .stride = step};
    return node_of(graph, GV_OP_SLICE, x, NONE, &attrs);
}

gv_node gv_op_transpose(gv_graph *graph, gv_node x, size_t axis, size_t other)
{
    const gv_op_attrs attrs = {.axis = axis < other ? axis : other,
                               .other = axis < other ? other : axis};
    return axis == other ? x : node_of(graph, GV_OP_TRANSPOSE, x, NONE, &attrs);
}

gv_node gv_op_reshape(gv_graph *graph, gv_node x, gv_shape shape)
{
    const gv_node node = map(graph, GV_OP_RESHAPE, x);
    if (node != NONE) {
        assert(gv_shape_count(&shape) == gv_shape_count(&graph->nodes[node].shape));
        graph->nodes[node].shape = shape;
    }
    return node;
}

/* [B, T, D] as [B, T, 1, D], one beside the other along the new axis. */
gv_node gv_op_interleave(gv_graph *graph, gv_node a, gv_node b, gv_node c)
{
    if (graph->status != GV_OK) {
        return NONE;
    }
    const gv_shape s = graph->nodes[a].shape;
    assert(s.rank == 3);
    const gv_shape apart = gv_shape_of(4, (size_t[]){s.dim[0], s.dim[1], 1, s.dim[2]});
    const gv_node pair =
        gv_op_concat(graph, gv_op_reshape(graph, a, apart), gv_op_reshape(graph, b, apart), 2);
    const gv_node all = gv_op_concat(graph, pair, gv_op_reshape(graph, c, apart), 2);
    return gv_op_reshape(graph, all, gv_shape_of(3, (size_t[]){s.dim[0], 3 * s.dim[1], s.dim[2]}));
}

gv_node gv_op_sum_last(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SUM_LAST, x);
}

static size_t count_of(const gv_graph *graph, gv_node x)
{
    return graph->status == GV_OK ? gv_shape_count(&graph->nodes[x].shape) : 1;
}

gv_node gv_op_mean_last(gv_graph *graph, gv_node x)
{
    if (graph->status != GV_OK) {
        return NONE;
    }
    const gv_shape *shape = &graph->nodes[x].shape;
    const gv_op_attrs attrs = {.factor = 1.0 / (double)shape->dim[shape->rank - 1]};
    return node_of(graph, GV_OP_SUM_LAST, x, NONE, &attrs);
}

gv_node gv_op_sum(gv_graph *graph, gv_node x)
{
    return map(graph, GV_OP_SUM, x);
}

/* What a mean over the whole batch multiplies each of `count` elements by. */
static double mean_factor(const gv_graph *graph, size_t count)
{
    return 1.0 / ((double)count * (double)graph->config.shards);
}

gv_node gv_op_mean(gv_graph *graph, gv_node x)
{
    const gv_op_attrs attrs = {.factor = mean_factor(graph, count_of(graph, x))};
    return node_of(graph, GV_OP_SUM, x, NONE, &attrs);
}

/* A loss of `count` elements: their mean, or with weights their weighted sum. */
static gv_node loss_of(gv_graph *graph, gv_op_id op, const gv_node in[OP_ARITY_MAX], double offset,
                       size_t count)
{
    bool is_weighted = false;
    for (size_t k = gv_op_rows[op].arity_min; k < OP_ARITY_MAX; k++) {
        is_weighted = is_weighted || in[k] != NONE;
    }
    const gv_op_attrs attrs = {.offset = offset,
                               .factor = is_weighted ? 1.0 : mean_factor(graph, count)};
    return gv_graph_operator(graph, op, in, &attrs);
}

gv_node gv_op_mse(gv_graph *graph, gv_node prediction, gv_node target, gv_node weights)
{
    return loss_of(graph, GV_OP_MSE, (gv_node[OP_ARITY_MAX]){prediction, target, weights, NONE}, 0,
                   count_of(graph, prediction));
}

gv_node gv_op_bce(gv_graph *graph, gv_node logits, gv_node target, gv_node weights)
{
    return loss_of(graph, GV_OP_BCE, (gv_node[OP_ARITY_MAX]){logits, target, weights, NONE}, 0,
                   count_of(graph, logits));
}

gv_node gv_op_cross_entropy(gv_graph *graph, gv_node logits, gv_node labels, gv_node weights)
{
    return loss_of(graph, GV_OP_CROSS_ENTROPY,
                   (gv_node[OP_ARITY_MAX]){logits, labels, weights, NONE}, 0,
                   count_of(graph, labels));
}

gv_node gv_op_gaussian_nll(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node target,
                           gv_node weights)
{
    return loss_of(graph, GV_OP_GAUSSIAN_NLL,
                   (gv_node[OP_ARITY_MAX]){mean, log_variance, target, weights}, 0,
                   count_of(graph, mean));
}

gv_node gv_op_beyond(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node bound,
                     gv_node weights)
{
    return loss_of(graph, GV_OP_BEYOND, (gv_node[OP_ARITY_MAX]){mean, log_variance, bound, weights},
                   0, count_of(graph, mean));
}

gv_node gv_op_expectile(gv_graph *graph, gv_node prediction, gv_node target, gv_node weights,
                        double tau)
{
    assert(tau > 0);
    assert(tau < 1);
    return loss_of(graph, GV_OP_EXPECTILE,
                   (gv_node[OP_ARITY_MAX]){prediction, target, weights, NONE}, tau,
                   count_of(graph, prediction));
}

gv_node gv_op_kl(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node weights)
{
    return loss_of(graph, GV_OP_KL, (gv_node[OP_ARITY_MAX]){mean, log_variance, weights, NONE}, 0,
                   count_of(graph, mean));
}

gv_node gv_op_nnpu(gv_graph *graph, gv_node logits, gv_node is_positive, const gv_nnpu *nnpu)
{
    assert(nnpu->prior > 0);
    assert(nnpu->prior < 1);
    const gv_op_attrs attrs = {
        .factor = mean_factor(graph, 1), .offset = nnpu->prior, .is_flagged = nnpu->is_sigmoid};
    return node_of(graph, GV_OP_NNPU, logits, is_positive, &attrs);
}
