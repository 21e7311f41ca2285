/*
 * How an INFNet reads a past that is no tokens: with sequence=codes or events the events stay what
 * they are, and in each block all hubs read them at once,
 *   P += MHA(LN(P), LN(E), LN(E); kernel) of tokens E linear in an event's fields,
 * where kernel = sum_r exp(a_r) exp(-l_r age), the a_r learnt for each head. `events` attends to
 * every event; `codes` is VQL (arXiv 2508.17125, vql.h): keys are taken for the nearest of a few
 * codes, which follow them, at the price 1/4 |k - code|^2 (van den Oord et al., NeurIPS 2017), and
 * a served past is what its codes tell.
 */
#include <stdio.h>

#include "models/nn/layers.h"
#include "models/predict/infnet_impl.h"

/* What keys apart from their codes cost, beside the losses of the tasks. */
#define COMMITMENT 0.25

gv_node gv_infnet_events(gv_graph *graph, gv_node events, size_t width)
{
    return gv_layer_linear(graph, "event", events, width);
}

/* Keys and values [..., 2 d] of a reading. */
static gv_node read_pairs(gv_graph *graph, gv_node events, size_t width)
{
    return gv_layer_linear(graph, "pairs", gv_layer_norm(graph, "event_norm", events), 2 * width);
}

gv_net_reading gv_infnet_reading(const void *config)
{
    const infnet_config *infnet = config;
    static const gv_net_past forms[] = {
        [SEQUENCE_TOKENS] = GV_NET_TOKENS,
        [SEQUENCE_EVENTS] = GV_NET_EVENTS,
        [SEQUENCE_CODES] = GV_NET_CODES,
    };
    return (gv_net_reading){.form = forms[infnet->sequence],
                            .reads = (size_t)infnet->blocks,
                            .heads = (size_t)infnet->heads,
                            .codes = (size_t)infnet->codes};
}

gv_node gv_infnet_encode(gv_graph *graph, gv_node events, const void *config)
{
    const gv_net_reading how = gv_infnet_reading(config);
    const size_t width = (size_t)((const infnet_config *)config)->common.width;
    const gv_node tokens = gv_infnet_events(graph, events, width);
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < how.reads; i++) {
        char name[GV_NN_NAME_MAX];
        (void)snprintf(name, sizeof name, GV_NET_READ_SCOPE, i);
        gv_graph_open(graph, name);
        const gv_node pairs = read_pairs(graph, tokens, width);
        all = behind(graph, all, pairs, 1);
        gv_graph_close(graph);
    }
    return all;
}

/* exp(a_r) of each head, for every row: [B, heads R]. The zeros are an input that nobody writes. */
static gv_node shares_of(const flow *f)
{
    gv_graph *graph = f->graph;
    const size_t heads = (size_t)f->config->heads;
    const gv_node none = gv_graph_input(graph, "no_shares",
                                        gv_shape_of(3, (size_t[]){f->rows, heads, GV_NET_DECAYS}));
    const gv_node logs = gv_graph_param(
        graph, "shares", gv_shape_of(2, (size_t[]){heads, GV_NET_DECAYS}), gv_net_shares_init);
    return gv_op_reshape(graph, gv_op_exp(graph, gv_op_add(graph, none, logs)),
                         gv_shape_of(2, (size_t[]){f->rows, heads * GV_NET_DECAYS}));
}

/* What is left of each event for each head: [B, heads, L]. */
static gv_node kernel_of(const flow *f)
{
    gv_graph *graph = f->graph;
    const size_t heads = (size_t)f->config->heads;
    const size_t length = gv_graph_dim(graph, f->nodes->decays, 1);
    gv_node left = f->nodes->decays;
    for (size_t h = 1; h < heads; h++) {
        left = gv_op_concat(graph, left, f->nodes->decays, 2);
    }
    left = gv_op_modulate(graph, left, shares_of(f), GV_NODE_NONE);
    left = gv_op_sum_last(
        graph, gv_op_reshape(graph, left,
                             gv_shape_of(4, (size_t[]){f->rows, length, heads, GV_NET_DECAYS})));
    return gv_op_transpose(graph, left, 1, 2);
}

/* Keys as their codes, and what it costs that they are apart. */
static gv_node take_for_codes(const flow *f, size_t read, gv_node pairs)
{
    gv_graph *graph = f->graph;
    const gv_net_reading how = gv_infnet_reading(f->config);
    const gv_node keys = gv_op_slice(graph, pairs, 2, 0, f->width, 1);
    const gv_node values = gv_op_slice(graph, pairs, 2, f->width, f->width, 1);
    const gv_node codes =
        gv_graph_param(graph, "codes", gv_net_codes_shape(&how, f->width), gv_net_codes_init);
    const gv_node nearest = gv_op_nearest(graph, keys, codes);
    const size_t length = gv_graph_dim(graph, keys, 1);
    const gv_node there = gv_op_reshape(graph, gv_op_slice(graph, f->nodes->decays, 2, 0, 1, 1),
                                        gv_shape_of(2, (size_t[]){f->rows, length}));
    const gv_node own = gv_op_mul(graph, keys, there);
    const gv_node taken = gv_op_stop(graph, gv_op_mul(graph, nearest, there));
    const gv_node apart =
        gv_op_scale(graph, gv_op_mse(graph, own, taken, GV_NODE_NONE), COMMITMENT, 0);
    gv_node *penalty = &f->nodes->penalty;
    *penalty = *penalty == GV_NODE_NONE ? apart : gv_op_add(graph, *penalty, apart);
    f->nodes->keys[read] = keys;
    gv_graph_keep(graph, keys);
    return gv_op_concat(graph, nearest, values, 2);
}

/* What the hubs read of a past, for queries [B, M, d]. */
static gv_node attend_past(const flow *f, size_t read, gv_node query)
{
    const size_t heads = (size_t)f->config->heads;
    if (f->events == GV_NODE_NONE) {
        return gv_op_cross_attention(f->graph, query, f->nodes->code_pairs[read],
                                     f->nodes->code_weights[read], heads);
    }
    gv_node pairs = read_pairs(f->graph, f->events, f->width);
    if (f->config->sequence == SEQUENCE_CODES) {
        pairs = take_for_codes(f, read, pairs);
    }
    return gv_op_cross_attention(f->graph, query, pairs, kernel_of(f), heads);
}

/* All groups' hubs side by side [B, M, d]. */
static gv_node all_hubs(const flow *f)
{
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < GROUPS; i++) {
        if (exists(&f->groups[i])) {
            all = behind(f->graph, all, f->groups[i].hubs, 1);
        }
    }
    return all;
}

void gv_infnet_read(flow *f, size_t read)
{
    gv_graph *graph = f->graph;
    gv_graph_open(graph, "read");
    const gv_node normed = gv_layer_norm(graph, "hub_norm", all_hubs(f));
    const gv_node query = gv_layer_linear(graph, "query", normed, f->width);
    const gv_node told = gv_layer_linear(graph, "mix", attend_past(f, read, query), f->width);
    size_t first = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        group *g = &f->groups[i];
        if (exists(g)) {
            g->hubs =
                gv_op_add(graph, g->hubs, gv_op_slice(graph, told, 1, first, g->hub_count, 1));
            first += g->hub_count;
        }
    }
    gv_graph_close(graph);
}

bool gv_infnet_reads(const flow *f)
{
    return f->events != GV_NODE_NONE || f->nodes->code_pairs[0] != GV_NODE_NONE;
}
