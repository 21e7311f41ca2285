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
    return (gv_bcq_net){.config = config,
                        .limit = limit,
                        .least = config->is_signed ? -limit : 0,
                        .levels = GV_NODE_NONE};
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

/* Actor and critics alike: of a state and an action `outputs` numbers. */
static gv_node judge(gv_graph *graph, const gv_bcq_net *net, const char *name,
                     const gv_node pair[2], size_t outputs)
{
    const gv_bcq_config *config = net->config;
    const gv_mlp mlp = {.layers = 3,
                        .widths = {(size_t)config->hidden_1, (size_t)config->hidden_2, outputs},
                        .hidden = activation_of(net)};
    return gv_layer_mlp(graph, name, gv_op_concat(graph, pair[0], pair[1], 1), &mlp);
}

gv_node gv_bcq_perturb(gv_graph *graph, const gv_bcq_net *net, const char *actor, gv_node state,
                       gv_node action)
{
    const gv_node share =
        gv_op_tanh(graph, judge(graph, net, actor, (gv_node[]){state, action}, 1));
    const gv_node moved = gv_op_scale(graph, share, net->config->phi * net->limit, 0);
    return gv_op_clamp(graph, gv_op_add(graph, action, moved), net->least, net->limit);
}

static bool has_bins(const gv_bcq_net *net)
{
    return net->config->told == GV_BCQ_BINS;
}

void gv_bcq_add_levels(gv_graph *graph, gv_bcq_net *net)
{
    const size_t bins = (size_t)net->config->bins;
    net->levels = has_bins(net) ? gv_graph_input(graph, "levels", gv_shape_of(1, (size_t[]){bins}))
                                : GV_NODE_NONE;
}

void gv_bcq_put_levels(const gv_bcq_net *net, gv_tape *tape)
{
    const size_t bins = (size_t)net->config->bins;
    if (net->levels != GV_NODE_NONE) {
        float *levels = gv_tape_f32(tape, net->levels);
        for (size_t i = 0; i < bins; i++) {
            levels[i] = (float)(GV_BCQ_HIGHEST * (double)i / (double)(bins - 1));
        }
    }
}

/* A number, or the logits of the bins. */
static gv_node tell(gv_graph *graph, const gv_bcq_net *net, const char *critic,
                    const gv_node pair[2])
{
    return judge(graph, net, critic, pair, has_bins(net) ? (size_t)net->config->bins : 1);
}

gv_node gv_bcq_worth(gv_graph *graph, const gv_bcq_net *net, const char *critic, gv_node state,
                     gv_node action)
{
    const gv_node told = tell(graph, net, critic, (gv_node[]){state, action});
    if (!has_bins(net)) {
        return told;
    }
    const gv_node shares = gv_op_mul(graph, gv_op_softmax(graph, told), net->levels);
    const gv_node grown = gv_op_exp(graph, gv_op_sum_last(graph, shares));
    const gv_shape column = gv_shape_of(2, (size_t[]){gv_graph_dim(graph, told, 0), 1});
    return gv_op_scale(graph, gv_op_reshape(graph, grown, column), 1, -1);
}

/* max(0, 1 - |place - i|) for each bin i: [B, bins]. */
static gv_node two_hot(gv_graph *graph, const gv_bcq_net *net, gv_node target)
{
    const double bins = (double)net->config->bins;
    const double a_unit = (net->config->is_uneven ? bins : bins - 1) / GV_BCQ_HIGHEST;
    const gv_node held = gv_op_clamp(graph, gv_op_symlog(graph, target), 0, GV_BCQ_HIGHEST);
    const gv_node place = gv_op_scale(graph, held, a_unit, 0);
    const gv_node number = gv_op_scale(graph, net->levels, (bins - 1) / GV_BCQ_HIGHEST, 0);
    const gv_node ones = gv_op_reshape(graph, gv_op_scale(graph, net->levels, 0, 1),
                                       gv_shape_of(2, (size_t[]){1, (size_t)net->config->bins}));
    const gv_node apart = gv_op_sub(graph, gv_op_matmul(graph, place, ones), number);
    const gv_node below = gv_op_relu(graph, gv_op_scale(graph, apart, -1, 0));
    const gv_node distance = gv_op_add(graph, gv_op_relu(graph, apart), below);
    return gv_op_relu(graph, gv_op_scale(graph, distance, -1, 1));
}

gv_node gv_bcq_critic_loss(gv_graph *graph, const gv_bcq_net *net, const char *critic,
                           const gv_node pair[2], gv_node target)
{
    const gv_node told = tell(graph, net, critic, pair);
    if (!has_bins(net)) {
        return gv_op_mse(graph, told, target, GV_NODE_NONE);
    }
    const gv_node wanted = gv_op_mul(graph, told, gv_op_stop(graph, two_hot(graph, net, target)));
    return gv_op_sub(graph, gv_op_mean(graph, gv_op_log_sum_exp(graph, told)),
                     gv_op_mean(graph, gv_op_sum_last(graph, wanted)));
}

void gv_bcq_draw_latents(const gv_random *random, uint64_t first, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++) {
        const double drawn = gv_random_normal(random, first + i);
        to[i] = (float)fmin(fmax(drawn, -GV_BCQ_BOUND), GV_BCQ_BOUND);
    }
}
