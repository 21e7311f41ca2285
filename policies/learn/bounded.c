#include "models/nn/layers.h"
#include "policies/learn/bounded_impl.h"

double gv_bounded_limit(const gv_scaling *scaling)
{
    return scaling->action_largest > 0 ? scaling->action_largest / scaling->action_divisor : 1;
}

gv_node gv_bounded_actor(gv_graph *graph, const char *name, const gv_bounded_widths *widths,
                         const gv_scaling *scaling, gv_node state)
{
    const gv_mlp mlp = {.layers = 3,
                        .widths = {widths->hidden_1, widths->hidden_2, 1},
                        .hidden = gv_op_relu,
                        .last = gv_op_sigmoid};
    const gv_node share = gv_layer_mlp(graph, name, state, &mlp);
    return gv_op_scale(graph, share, gv_bounded_limit(scaling), 0);
}

gv_node gv_bounded_critic(gv_graph *graph, const char *name, const gv_bounded_widths *widths,
                          gv_node pairs)
{
    const gv_mlp mlp = {
        .layers = 3, .widths = {widths->hidden_1, widths->hidden_2, 1}, .hidden = gv_op_relu};
    return gv_layer_mlp(graph, name, pairs, &mlp);
}
