#include <assert.h>
#include <math.h>

#include "models/nn/layers.h"
#include "models/nn/operators.h"
#include "policies/learn/dt_impl.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

gv_dt_sizes gv_dt_sizes_of(const gv_dt_config *config, size_t ticks)
{
    assert(ticks >= 1);
    const size_t last = ticks - 1;
    return (gv_dt_sizes){
        .decoder = {.width = (size_t)config->width,
                    .layers = (size_t)config->layers,
                    .heads = (size_t)config->heads,
                    .inner = (size_t)config->inner,
                    .dropout = config->dropout},
        .context = smaller((size_t)config->context, ticks),
        .ticks = ticks,
        .tick_end = config->tick_end == 0 ? last : smaller((size_t)config->tick_end, last),
        .tokens = config->constraint ? 4 : 3,
        .features = GV_STATE_SIZE,
    };
}

gv_return_law gv_dt_law(const gv_dt_config *config)
{
    return (gv_return_law){.kind = (gv_return_kind)config->returns,
                           .power = config->score_power,
                           .is_relative = config->relative};
}

gv_dt_nodes gv_dt_inputs(gv_graph *graph, const gv_dt_sizes *sizes, size_t batch, size_t n)
{
    gv_dt_nodes nodes = {.constraint = GV_NODE_NONE, .expertness = GV_NODE_NONE};
    const bool is_guided = sizes->bins > 0;
    if (sizes->tokens == 4 && !is_guided) {
        const gv_shape shape = gv_shape_of(3, (size_t[]){batch, n, GV_CONSTRAINT_SIZE});
        nodes.constraint = gv_graph_input(graph, "constraint", shape);
    }
    const gv_shape one = gv_shape_of(3, (size_t[]){batch, n, 1});
    nodes.to_go = gv_graph_input(graph, "to_go", one);
    nodes.state =
        gv_graph_input(graph, "state", gv_shape_of(3, (size_t[]){batch, n, sizes->features}));
    if (is_guided) {
        nodes.expertness = gv_graph_input(graph, "expertness", one);
    }
    nodes.action = gv_graph_input(graph, "action", one);
    nodes.tick = gv_graph_indices(graph, "tick", gv_shape_of(2, (size_t[]){batch, n}));
    return nodes;
}

/* A token a tick: [B, n, width]. */
static gv_node token(gv_graph *graph, const gv_dt_sizes *sizes, const char *name, gv_node x,
                     gv_node tick)
{
    return gv_op_add(graph, gv_layer_linear(graph, name, x, sizes->decoder.width), tick);
}

/* Four tokens [B, n, width] of a tick side by side: [B, 4 n, width]. */
static gv_node four(gv_graph *graph, const gv_node tokens[4])
{
    const size_t batch = gv_graph_dim(graph, tokens[0], 0);
    const size_t n = gv_graph_dim(graph, tokens[0], 1);
    const size_t width = gv_graph_dim(graph, tokens[0], 2);
    gv_node beside = gv_op_concat(graph, tokens[0], tokens[1], 2);
    beside = gv_op_concat(graph, beside, gv_op_concat(graph, tokens[2], tokens[3], 2), 2);
    return gv_op_reshape(graph, beside, gv_shape_of(3, (size_t[]){batch, 4 * n, width}));
}

/* [B, n tokens, width], tick by tick. */
static gv_node tokens(gv_graph *graph, const gv_dt_sizes *sizes, const gv_dt_nodes *nodes)
{
    const size_t width = sizes->decoder.width;
    const gv_node tick =
        gv_layer_embedding(graph, "embed_tick", nodes->tick, sizes->ticks, width, 1);
    const gv_node to_go = token(graph, sizes, "embed_return", nodes->to_go, tick);
    const gv_node state = token(graph, sizes, "embed_state", nodes->state, tick);
    const gv_node action = token(graph, sizes, "embed_action", nodes->action, tick);
    if (nodes->expertness != GV_NODE_NONE) {
        const gv_node expertness = token(graph, sizes, "embed_expertness", nodes->expertness, tick);
        return four(graph, (gv_node[]){state, to_go, expertness, action});
    }
    if (nodes->constraint != GV_NODE_NONE) {
        const gv_node constraint = token(graph, sizes, "embed_constraint", nodes->constraint, tick);
        return four(graph, (gv_node[]){constraint, to_go, state, action});
    }
    return gv_op_interleave(graph, to_go, state, action);
}

/* Where heads read: the decoder's output x, n ticks of so many tokens. */
typedef struct read_place {
    gv_node x;
    size_t n;
    size_t tokens;
} read_place;

/* A linear map of every tick's token number `place`. */
static gv_node head(gv_graph *graph, const char *name, const read_place *from, size_t place,
                    size_t outputs)
{
    const gv_node x = gv_op_slice(graph, from->x, 1, place, from->n, from->tokens);
    return gv_layer_linear(graph, name, x, outputs);
}

gv_dt_heads gv_dt_build(gv_graph *graph, const gv_dt_sizes *sizes, const gv_dt_nodes *nodes)
{
    gv_dt_heads heads = {.returns = GV_NODE_NONE, .expertness = GV_NODE_NONE};
    gv_graph_open(graph, "dt");
    gv_node x = gv_layer_norm(graph, "embed_ln", tokens(graph, sizes, nodes));
    x = gv_layer_decoder(graph, "decoder", x, GV_NODE_NONE, &sizes->decoder);
    const read_place from = {
        .x = x, .n = gv_graph_dim(graph, nodes->state, 1), .tokens = sizes->tokens};
    heads.action = head(graph, "predict_action", &from, sizes->tokens - 2, 1);
    if (sizes->bins > 0) {
        heads.returns = head(graph, "predict_return", &from, 0, sizes->bins);
        heads.expertness = head(graph, "predict_expertness", &from, 1, 1);
    }
    gv_graph_close(graph);
    return heads;
}

size_t gv_return_bin(double to_go, size_t bins)
{
    const double place = floor(to_go / GV_RETURN_TOP * (double)bins);
    if (!(place > 0)) {
        return 0;
    }
    return place < (double)(bins - 1) ? (size_t)place : bins - 1;
}

double gv_return_of_bin(size_t bin, size_t bins)
{
    return ((double)bin + 0.5) * GV_RETURN_TOP / (double)bins;
}
