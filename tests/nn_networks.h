/*
 * nn_networks.h - the published networks that benchmarks and the comparison with PyTorch build:
 * AuctionNet's decision transformer, its Decision Diffuser's U-Net, and IQL's four nets.
 */
#ifndef TESTS_NN_NETWORKS_H
#define TESTS_NN_NETWORKS_H

#include "models/nn/graph.h"
#include "models/nn/layers.h"
#include "models/nn/operators.h"
#include "models/nn/transformer.h"
#include "models/nn/unet.h"

typedef struct nn_sizes {
    size_t batch;
    size_t ticks;
    size_t states;
} nn_sizes;

static inline gv_node nn_input(gv_graph *graph, const char *name, size_t a, size_t b, size_t c)
{
    const size_t rank = c > 0 ? 3 : b > 0 ? 2 : 1;
    return gv_graph_input(graph, name, gv_shape_of(rank, (size_t[]){a, b, c}));
}

/*
 * Tokens return, state, action of each tick, each plus the tick's embedding, normed; the action
 * is read from the state's token. Loss: mean square over all positions of the weights.
 */
static inline gv_node nn_decision_transformer(gv_graph *g, const nn_sizes *n,
                                              const gv_decoder *decoder)
{
    const size_t width = decoder->width;
    const gv_node returns = nn_input(g, "returns", n->batch, n->ticks, 1);
    const gv_node states = nn_input(g, "states", n->batch, n->ticks, n->states);
    const gv_node actions = nn_input(g, "actions", n->batch, n->ticks, 1);
    const gv_node valid = nn_input(g, "valid", n->batch, 3 * n->ticks, 0);
    const gv_node weights = nn_input(g, "weights", n->batch, n->ticks, 1);
    const gv_node tick =
        gv_graph_indices(g, "tick", gv_shape_of(2, (size_t[]){n->batch, n->ticks}));
    const gv_node when = gv_layer_embedding(g, "embed_timestep", tick, 48, width, 1.0);
    const gv_node r = gv_op_add(g, gv_layer_linear(g, "embed_return", returns, width), when);
    const gv_node s = gv_op_add(g, gv_layer_linear(g, "embed_state", states, width), when);
    const gv_node a = gv_op_add(g, gv_layer_linear(g, "embed_action", actions, width), when);
    const gv_node x = gv_layer_norm(g, "embed_ln", gv_op_interleave(g, r, s, a));
    const gv_node y = gv_layer_decoder(g, "decoder", x, valid, decoder);
    const gv_node at_state = gv_op_slice(g, y, 1, 1, n->ticks, 3);
    const gv_node action = gv_layer_linear(g, "predict_action", at_state, 1);
    gv_graph_keep(g, action);
    return gv_op_mse(g, action, actions, weights);
}

/* Noise predicted from noisy states; loss: weighted square. */
static inline gv_node nn_diffuser(gv_graph *g, const nn_sizes *n, const gv_unet *unet)
{
    const gv_unet_inputs inputs = {.x = nn_input(g, "x", n->batch, n->ticks, n->states),
                                   .step = nn_input(g, "step", n->batch, unet->base, 0),
                                   .condition = nn_input(g, "returns", n->batch, 1, 0),
                                   .keep = nn_input(g, "keep", n->batch, 0, 0)};
    const gv_node noise = nn_input(g, "noise", n->batch, n->ticks, n->states);
    const gv_node y = gv_layer_unet(g, "unet", &inputs, unet);
    gv_graph_keep(g, y);
    return gv_op_mse(g, y, noise, GV_NODE_NONE);
}

#endif
