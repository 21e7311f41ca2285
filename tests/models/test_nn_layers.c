/*
 * Layers: their gradients by central differences in double, their parameters' names, and
 * training: the same weights for any number of threads, and losses that fall.
 */
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "models/nn/layers.h"
#include "models/nn/optimizer.h"
#include "models/nn/trainer.h"
#include "models/nn/transformer.h"
#include "models/nn/unet.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_nn.h"

#define BOUND 1e-7

static gv_node input(gv_graph *graph, const char *name, size_t a, size_t b, size_t c)
{
    const size_t rank = c > 0 ? 3 : b > 0 ? 2 : 1;
    return gv_graph_input(graph, name, gv_shape_of(rank, (size_t[]){a, b, c}));
}

static gv_node mlp_loss(gv_graph *g)
{
    const gv_mlp mlp = {.layers = 3, .widths = {7, 5, 2}, .hidden = gv_op_silu, .last = gv_op_tanh};
    const gv_node y = gv_layer_mlp(g, "actor", input(g, "x", 4, 3, 0), &mlp);
    return gv_op_mse(g, y, input(g, "target", 4, 2, 0), GV_NODE_NONE);
}

static const gv_decoder small_decoder =
    {.width = 8, .layers = 2, .heads = 2, .inner = 12, .dropout = 0.1, .has_last_norm = true};

static gv_node decoder_loss(gv_graph *g)
{
    const gv_node tick = gv_graph_indices(g, "tick", gv_shape_of(2, (size_t[]){2, 6}));
    const gv_node places = gv_layer_embedding(g, "embed_tick", tick, 3, 8, 1.0);
    const gv_node x = gv_op_add(g, gv_layer_linear(g, "embed", input(g, "x", 2, 6, 3), 8), places);
    const gv_node normed = gv_layer_norm(g, "embed_ln", x);
    const gv_node y =
        gv_layer_decoder(g, "decoder", normed, input(g, "valid", 2, 6, 0), &small_decoder);
    const gv_node head = gv_layer_linear(g, "head", y, 2);
    return gv_op_mse(g, head, input(g, "target", 2, 6, 2), GV_NODE_NONE);
}

static const gv_unet small_unet = {.base = 4,
                                   .levels = 3,
                                   .multipliers = {1, 2, 4},
                                   .kernel = 5,
                                   .groups = 2};

static gv_node unet_loss(gv_graph *g)
{
    const gv_unet_inputs inputs = {.x = input(g, "x", 2, 8, 3),
                                   .step = input(g, "share_step", 2, 4, 0),
                                   .condition = input(g, "condition", 2, 1, 0),
                                   .keep = input(g, "valid", 2, 0, 0)};
    const gv_node y = gv_layer_unet(g, "unet", &inputs, &small_unet);
    return gv_op_mse(g, y, input(g, "target", 2, 8, 3), GV_NODE_NONE);
}

static void check_layer(nn_builder build)
{
    nn_net net = nn_net_made(GV_F64, build);
    const nn_gradient_check check = nn_net_check(&net);
    if (check.worst > BOUND) {
        fail_msg("error %g at %s", check.worst, check.where);
    }
    nn_net_free(&net);
}

static void an_mlp_has_the_slope_of_its_value(void **state)
{
    (void)state;
    check_layer(mlp_loss);
}

static void a_decoder_has_the_slope_of_its_value(void **state)
{
    (void)state;
    check_layer(decoder_loss);
}

static void a_unet_has_the_slope_of_its_value(void **state)
{
    (void)state;
    check_layer(unet_loss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mlp_has_the_slope_of_its_value),
        cmocka_unit_test(a_decoder_has_the_slope_of_its_value),
        cmocka_unit_test(a_unet_has_the_slope_of_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
