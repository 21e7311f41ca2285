#include <math.h>

#include "policies/learn/bcq_impl.h"
#include "policies/learn/bounded_impl.h"

/* Of z's deviation; as in the authors' code. */
static const double log_deviation_min = -4;
static const double log_deviation_max = 15;

gv_bcq_net gv_bcq_net_of(const gv_bcq_config *config, const gv_scaling *scaling)
{
    const double limit = config->max_action > 0 ? config->max_action / scaling->action_divisor
                                                : gv_bounded_limit(scaling);
    return (gv_bcq_net){.config = config, .limit = limit, .least = config->is_signed ? -limit : 0};
}

static gv_activation activation_of(const gv_bcq_net *net)
{
    return net->config->activation == GV_BCQ_MISH ? gv_op_mish : gv_op_relu;
}

gv_node gv_bcq_encode(gv_graph *graph, const gv_bcq_net *net, gv_node state, gv_node action,
                      gv_node *log_deviation)
{
    const size_t width = (size_t)net->config->vae;
    const size_t latent = (size_t)net->config->latent;
    const gv_activation then = activation_of(net);
    const gv_mlp trunk = {.layers = 2, .widths = {width, width}, .hidden = then, .last = then};
    gv_graph_open(graph, GV_BCQ_ENCODER);
    const gv_node pairs = gv_op_concat(graph, state, action, 1);
    const gv_node x = gv_layer_mlp(graph, "trunk", pairs, &trunk);
    const gv_node mean = gv_layer_linear(graph, "mean", x, latent);
    *log_deviation = gv_op_clamp(graph, gv_layer_linear(graph, "log_deviation", x, latent),
                                 log_deviation_min, log_deviation_max);
    gv_graph_close(graph);
    return mean;
}

gv_node gv_bcq_decode(gv_graph *graph, const gv_bcq_net *net, gv_node state, gv_node z, bool clamps)
{
    const size_t width = (size_t)net->config->vae;
    const gv_activation then = activation_of(net);
    gv_graph_open(graph, GV_BCQ_DECODER);
    gv_node x = gv_layer_linear(graph, "0", gv_op_concat(graph, state, z, 1), width);
    x = then(graph, x);
    x = clamps ? gv_op_clamp(graph, x, -GV_BCQ_BOUND, GV_BCQ_BOUND) : x;
    x = then(graph, gv_layer_linear(graph, "2", x, width));
    x = gv_layer_linear(graph, "4", x, 1);
    gv_graph_close(graph);
    x = net->config->is_signed ? gv_op_tanh(graph, x) : gv_op_sigmoid(graph, x);
    return gv_op_scale(graph, x, net->limit, 0);
}

/* Actor and critics alike: of a state and an action one number. */
static gv_node judge(gv_graph *graph, const gv_bcq_net *net, const char *name,
                     const gv_node pair[2], gv_activation last)
{
    const gv_bcq_config *config = net->config;
    const gv_mlp mlp = {.layers = 3,
                        .widths = {(size_t)config->hidden_1, (size_t)config->hidden_2, 1},
                        .hidden = activation_of(net),
                        .last = last};
    return gv_layer_mlp(graph, name, gv_op_concat(graph, pair[0], pair[1], 1), &mlp);
}

gv_node gv_bcq_perturb(gv_graph *graph, const gv_bcq_net *net, const char *actor, gv_node state,
                       gv_node action)
{
    const gv_node share = judge(graph, net, actor, (gv_node[]){state, action}, gv_op_tanh);
    const gv_node moved = gv_op_scale(graph, share, net->config->phi * net->limit, 0);
    return gv_op_clamp(graph, gv_op_add(graph, action, moved), net->least, net->limit);
}

gv_node gv_bcq_worth(gv_graph *graph, const gv_bcq_net *net, const char *critic, gv_node state,
                     gv_node action)
{
    return judge(graph, net, critic, (gv_node[]){state, action}, NULL);
}

void gv_bcq_draw_latents(const gv_random *random, uint64_t first, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        const double drawn = gv_random_normal(random, first + i);
        to[i] = (float)fmin(fmax(drawn, -GV_BCQ_BOUND), GV_BCQ_BOUND);
    }
}
