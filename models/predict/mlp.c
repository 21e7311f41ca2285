/*
 * A factorisation machine and a network over the same embeddings, one of DeepFM's class (Guo et
 * al., IJCAI 2017). A row of the table is a weight and a vector of d numbers; of the F fields and
 * the means of the past's E:
 *   first order    s = sum_f w_f
 *   second order   b = ((sum_f v_f)^2 - sum_f v_f^2) / 2, a vector of d whose sum is FM's term
 *   deep part      h = MLP([v_1 ... v_(F+E)])
 * The logits of click and conversion are two rows of weights over [s, b, h]. (DeepFM adds s, the
 * sum of b and one row over h; weights on s and b are a choice of ours, which serves two tasks.)
 */
#include <stddef.h>

#include "models/nn/layers.h"
#include "models/predict/net_impl.h"

typedef struct mlp_config {
    gv_net_common common;
    bool deep;
    int64_t hidden_1;
    int64_t hidden_2;
    int64_t hidden_3;
} mlp_config;

#define HIDDEN_ROW(field, text, what)                                                   \
    {                                                                                   \
        .name = #field, .kind = GV_PARAM_INTEGER, .fallback = (text), .minimum = 0,     \
        .maximum = 4096, .offset = offsetof(mlp_config, field),                         \
        .help = "width of the " what " hidden layer of the deep part; 0: there is none" \
    }

static const gv_param params[] = {
    GV_NET_ROWS(mlp_config, "16"),
    {.name = "deep",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(mlp_config, deep),
     .help = "off: the factorisation machine alone"},
    HIDDEN_ROW(hidden_1, "128", "first"),
    HIDDEN_ROW(hidden_2, "64", "second"),
    HIDDEN_ROW(hidden_3, "0", "third"),
    {0},
};

/* x [B, S, D] -> [B, D]: the sum over S. */
static gv_node sum_slots(gv_graph *graph, gv_node x)
{
    return gv_op_pool(graph, x, GV_NODE_NONE, 1.0);
}

/* [B, D] of v [B, S, D]. */
static gv_node pairs_of(gv_graph *graph, gv_node v)
{
    const gv_node sum = sum_slots(graph, v);
    const gv_node squares = sum_slots(graph, gv_op_mul(graph, v, v));
    const gv_node twice = gv_op_sub(graph, gv_op_mul(graph, sum, sum), squares);
    return gv_op_scale(graph, twice, 0.5, 0);
}

static gv_node deep_part(gv_graph *graph, gv_node v, const mlp_config *config)
{
    const int64_t hidden[] = {config->hidden_1, config->hidden_2, config->hidden_3};
    const size_t rows = gv_graph_dim(graph, v, 0);
    const size_t numbers = gv_graph_dim(graph, v, 1) * gv_graph_width(graph, v);
    gv_mlp mlp = {.layers = 0, .hidden = gv_op_relu, .last = gv_op_relu};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (hidden[i] > 0) {
            mlp.widths[mlp.layers++] = (size_t)hidden[i];
        }
    }
    const gv_node flat = gv_op_reshape(graph, v, gv_shape_of(2, (size_t[]){rows, numbers}));
    return mlp.layers == 0 ? flat : gv_layer_mlp(graph, "deep", flat, &mlp);
}

/* Numbers start .. start + count - 1 of each slot, fields and past: [B, F + E, count]. Each part is
   cut for itself, so that it keeps its side. */
static gv_node cut_slots(gv_graph *graph, const gv_net_nodes *nodes, size_t start, size_t count)
{
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < nodes->part_count; i++) {
        const gv_node cut = gv_op_slice(graph, nodes->parts[i].node, 2, start, count, 1);
        all = i == 0 ? cut : gv_op_concat(graph, all, cut, 1);
    }
    return nodes->past == GV_NODE_NONE
               ? all
               : gv_op_concat(graph, all, gv_op_slice(graph, nodes->past, 2, start, count, 1), 1);
}

static gv_net_reading reading(const void *config)
{
    (void)config;
    return (gv_net_reading){.form = GV_NET_POOLED};
}

static void build(gv_graph *graph, gv_net_nodes *nodes, const void *config,
                  gv_node logits[GV_NET_TASKS])
{
    const mlp_config *mlp = config;
    const size_t rows = gv_graph_dim(graph, nodes->fields, 0);
    const size_t width = (size_t)mlp->common.width;
    const gv_node v = cut_slots(graph, nodes, 0, width);
    const gv_node first = sum_slots(graph, cut_slots(graph, nodes, width, 1));
    gv_node x = gv_op_concat(graph, first, pairs_of(graph, v), 1);
    if (mlp->deep) {
        x = gv_op_concat(graph, x, deep_part(graph, v, mlp), 1);
    }
    const gv_node y = gv_layer_linear(graph, "out", x, GV_NET_TASKS);
    for (size_t k = 0; k < GV_NET_TASKS; k++) {
        logits[k] = gv_op_reshape(graph, gv_op_slice(graph, y, 1, k, 1, 1),
                                  gv_shape_of(1, (size_t[]){rows}));
    }
}

const gv_net_kind gv_net_mlp = {.extra = 1, .reading = reading, .build = build};

static gv_status init(void *state, const gv_model_setup *setup)
{
    return gv_net_init(state, &gv_net_mlp, setup);
}

const gv_model_type gv_model_mlp = {
    .info = {.name = "mlp",
             .summary = "a factorisation machine and a network over the same embeddings",
             .source = "Guo et al., DeepFM, IJCAI 2017",
             .params = params,
             .config_size = sizeof(mlp_config)},
    .state_size = sizeof(gv_net),
    .tells_conversions = true,
    .init = init,
    .learn = gv_net_learn,
    .predict = gv_net_predict,
    .sharing = gv_net_sharing,
    .tensors = gv_net_tensors,
    .restore = gv_net_restore,
    .fini = gv_net_fini,
};
