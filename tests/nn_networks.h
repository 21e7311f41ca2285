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
                                              const gv_decoder *decoder, gv_node *action)
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
    *action = gv_layer_linear(g, "predict_action", at_state, 1);
    return gv_op_mse(g, *action, actions, weights);
}

/* Noise predicted from noisy states; loss: weighted square. */
static inline gv_node nn_diffuser(gv_graph *g, const nn_sizes *n, const gv_unet *unet,
                                  gv_node *predicted)
{
    const gv_unet_inputs inputs = {.x = nn_input(g, "x", n->batch, n->ticks, n->states),
                                   .step = nn_input(g, "step", n->batch, unet->base, 0),
                                   .condition = nn_input(g, "returns", n->batch, 1, 0),
                                   .keep = nn_input(g, "keep", n->batch, 0, 0)};
    const gv_node noise = nn_input(g, "noise", n->batch, n->ticks, n->states);
    *predicted = gv_layer_unet(g, "unet", &inputs, unet);
    return gv_op_mse(g, *predicted, noise, GV_NODE_NONE);
}

/* AuctionNet's critic: state and action embedded apart, then an MLP. `q`: its width, 64. */
static inline gv_node nn_critic(gv_graph *g, const char *name, gv_node state, gv_node action,
                                size_t q)
{
    const gv_mlp mlp = {.layers = 3, .widths = {q, q, 1}, .hidden = gv_op_relu};
    gv_graph_open(g, name);
    const gv_node s = gv_layer_linear(g, "obs_FC", state, q);
    const gv_node a = gv_layer_linear(g, "action_FC", action, q);
    const gv_node value = gv_layer_mlp(g, "net", gv_op_concat(g, s, a, 1), &mlp);
    gv_graph_close(g);
    return value;
}

static inline gv_node nn_value(gv_graph *g, gv_node state, size_t q)
{
    const gv_mlp mlp = {.layers = 4, .widths = {2 * q, q, q / 2, 1}, .hidden = gv_op_relu};
    return gv_layer_mlp(g, "net.v", state, &mlp);
}

/*
 * All nets of IQL below "net.", the target critics below "target."; the loss is the sum of V's
 * expectile, both critics' squares and the actor's weighted square, min(3 exp(Q - V), 100).
 */
static inline gv_node nn_implicit_q_learning(gv_graph *g, const nn_sizes *n, size_t q,
                                             gv_node *action)
{
    const gv_node state = nn_input(g, "states", n->batch, n->states, 0);
    const gv_node next = nn_input(g, "next", n->batch, n->states, 0);
    const gv_node taken = nn_input(g, "actions", n->batch, 1, 0);
    const gv_node reward = nn_input(g, "rewards", n->batch, 1, 0);
    const gv_node going = nn_input(g, "going", n->batch, 1, 0);
    const gv_node q1 = nn_critic(g, "target.q1", state, taken, q);
    const gv_node least = gv_op_min(g, q1, nn_critic(g, "target.q2", state, taken, q));
    const gv_node v = nn_value(g, state, q);
    const gv_node later = gv_op_mul(g, nn_value(g, next, q), going);
    const gv_node wanted = gv_op_add(g, gv_op_scale(g, later, 0.99, 0.0), reward);
    gv_node loss = gv_op_expectile(g, v, least, GV_NODE_NONE, 0.7);
    static const char *const critics[2] = {"net.q1", "net.q2"};
    for (size_t i = 0; i < 2; i++) {
        const gv_node value = nn_critic(g, critics[i], state, taken, q);
        loss = gv_op_add(g, loss, gv_op_mse(g, value, wanted, GV_NODE_NONE));
    }
    const gv_node grown = gv_op_exp(g, gv_op_sub(g, least, v));
    const gv_node held = gv_op_clamp(g, gv_op_scale(g, grown, 3.0, 0.0), 0.0, 100.0);
    const gv_node weights = gv_op_scale(g, held, 1.0 / (double)n->batch, 0.0);
    const gv_mlp actor = {.layers = 3, .widths = {2 * q, q, 1}, .hidden = gv_op_relu};
    *action = gv_layer_mlp(g, "net.actor", state, &actor);
    return gv_op_add(g, loss, gv_op_mse(g, *action, taken, weights));
}

#endif
