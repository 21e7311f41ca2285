#include "models/nn/unet.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "models/nn/layers.h"
#include "models/nn/operators.h"

void gv_unet_step_features(double step, size_t base, float *features)
{
    assert(base % 2 == 0);
    assert(base >= 4);
    const size_t half = base / 2;
    for (size_t i = 0; i < half; i++) {
        const double angle = step * exp(-log(10000.0) * (double)i / (double)(half - 1));
        features[i] = (float)sin(angle);
        features[half + i] = (float)cos(angle);
    }
}

/* Convolution, group norm, Mish: NAME.block.0, NAME.block.2. */
static gv_node conv_block(gv_graph *graph, const char *name, gv_node x, size_t outputs,
                          const gv_unet *unet)
{
    const gv_conv conv = {
        .outputs = outputs, .kernel = unet->kernel, .stride = 1, .padding = unet->kernel / 2};
    gv_graph_open(graph, name);
    x = gv_layer_conv1d(graph, "block.0", x, &conv);
    x = gv_layer_group_norm(graph, "block.2", x, unet->groups);
    gv_graph_close(graph);
    return gv_op_mish(graph, x);
}

/* x [B, inputs, L], mish(e) [B, E] -> [B, outputs, L] */
static gv_node residual_block(gv_graph *graph, const char *name, gv_node x, size_t inputs,
                              size_t outputs, const gv_unet *unet, gv_node embedding)
{
    gv_graph_open(graph, name);
    gv_node y = conv_block(graph, "blocks.0", x, outputs, unet);
    y = gv_op_add(graph, y, gv_layer_linear(graph, "time_mlp.1", embedding, outputs));
    y = conv_block(graph, "blocks.1", y, outputs, unet);
    if (inputs != outputs) {
        const gv_conv conv = {.outputs = outputs, .kernel = 1, .stride = 1};
        x = gv_layer_conv1d(graph, "residual_conv", x, &conv);
    }
    gv_graph_close(graph);
    return gv_op_add(graph, y, x);
}

/* Where the network is being built. */
typedef struct unet_build {
    gv_graph *graph;
    const gv_unet *unet;
    gv_node embedding; /* mish of step and condition */
    size_t channels;   /* of x */
    gv_node skipped[GV_UNET_LEVELS_MAX];
} unet_build;

static gv_node block(unet_build *build, const char *name, gv_node x, size_t inputs, size_t outputs)
{
    build->channels = outputs;
    return residual_block(build->graph, name, x, inputs, outputs, build->unet, build->embedding);
}

static size_t channels_at(const gv_unet *unet, size_t level)
{
    return unet->base * unet->multipliers[level];
}

static gv_node go_down(unet_build *build, gv_node x, size_t channels)
{
    const gv_unet *unet = build->unet;
    build->channels = channels;
    for (size_t i = 0; i < unet->levels; i++) {
        const size_t wide = channels_at(unet, i);
        char name[32];
        (void)snprintf(name, sizeof name, "downs.%zu", i);
        gv_graph_open(build->graph, name);
        x = block(build, "0", x, build->channels, wide);
        x = block(build, "1", x, wide, wide);
        build->skipped[i] = x;
        if (i + 1 < unet->levels) {
            const gv_conv halve = {.outputs = wide, .kernel = 3, .stride = 2, .padding = 1};
            x = gv_layer_conv1d(build->graph, "2.conv", x, &halve);
        }
        gv_graph_close(build->graph);
    }
    return x;
}

static gv_node go_up(unet_build *build, gv_node x)
{
    const gv_unet *unet = build->unet;
    for (size_t i = 0; i + 1 < unet->levels; i++) {
        const size_t level = unet->levels - 1 - i;
        const size_t narrow = channels_at(unet, level - 1);
        const gv_conv twice = {.outputs = narrow, .kernel = 4, .stride = 2, .padding = 1};
        char name[32];
        (void)snprintf(name, sizeof name, "ups.%zu", i);
        x = gv_op_concat(build->graph, x, build->skipped[level], 1);
        gv_graph_open(build->graph, name);
        x = block(build, "0", x, 2 * channels_at(unet, level), narrow);
        x = block(build, "1", x, narrow, narrow);
        x = gv_layer_conv1d_transposed(build->graph, "2.conv", x, &twice);
        gv_graph_close(build->graph);
    }
    return x;
}

/* The step's features through an MLP, beside the condition's. */
static gv_node embed(gv_graph *graph, const gv_unet_inputs *inputs, const gv_unet *unet)
{
    const size_t base = unet->base;
    gv_node step = gv_layer_linear(graph, "time_mlp.1", inputs->step, 4 * base);
    step = gv_layer_linear(graph, "time_mlp.3", gv_op_mish(graph, step), base);
    if (inputs->condition == GV_NODE_NONE) {
        return step;
    }
    const gv_mlp mlp = {.layers = 3, .widths = {base, 4 * base, base}, .hidden = gv_op_mish};
    gv_node condition = gv_layer_mlp(graph, "returns_mlp", inputs->condition, &mlp);
    if (inputs->keep != GV_NODE_NONE) {
        condition = gv_op_mul(graph, condition, inputs->keep);
    }
    return gv_op_concat(graph, step, condition, 1);
}

gv_node gv_layer_unet(gv_graph *graph, const char *name, const gv_unet_inputs *inputs,
                      const gv_unet *unet)
{
    assert(unet->levels >= 1);
    assert(unet->levels <= GV_UNET_LEVELS_MAX);
    assert(unet->kernel % 2 == 1);
    const size_t channels = gv_graph_width(graph, inputs->x);
    gv_graph_open(graph, name);
    unet_build build = {.graph = graph, .unet = unet};
    build.embedding = gv_op_mish(graph, embed(graph, inputs, unet));
    gv_node x = go_down(&build, gv_op_transpose(graph, inputs->x, 1, 2), channels);
    const size_t deep = channels_at(unet, unet->levels - 1);
    x = block(&build, "mid_block1", x, deep, deep);
    x = block(&build, "mid_block2", x, deep, deep);
    x = go_up(&build, x);
    x = conv_block(graph, "final_conv.0", x, unet->base, unet);
    const gv_conv last = {.outputs = channels, .kernel = 1, .stride = 1};
    x = gv_layer_conv1d(graph, "final_conv.1", x, &last);
    gv_graph_close(graph);
    return gv_op_transpose(graph, x, 1, 2);
}
