#include <assert.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dd_impl.h"

gv_status gv_dd_sizes_of(const gv_dd_config *config, size_t ticks, gv_dd_sizes *out)
{
    const size_t width = (size_t)config->inverse;
    const size_t even = (size_t)1 << (config->levels - 1);
    assert(config->levels <= GV_UNET_LEVELS_MAX);
    assert(ticks >= 1);
    if (config->base % config->groups != 0 || config->base % 2 != 0 || config->base < 4) {
        return GV_FAIL(GV_EUSAGE,
                       "dd: a base of %lld channels, expected an even multiple of the %lld groups, "
                       "4 at least",
                       (long long)config->base, (long long)config->groups);
    }
    if (config->kernel % 2 == 0) {
        return GV_FAIL(GV_EUSAGE, "dd: a kernel of %lld, expected an odd one",
                       (long long)config->kernel);
    }
    *out = (gv_dd_sizes){
        .unet = {.base = (size_t)config->base,
                 .levels = (size_t)config->levels,
                 .kernel = (size_t)config->kernel,
                 .groups = (size_t)config->groups},
        .inverse = {.layers = 4, .widths = {width, width, width, 1}, .hidden = gv_op_relu},
        .ticks = ticks,
        .horizon = (ticks + even - 1) / even * even,
    };
    for (size_t i = 0; i < out->unet.levels; i++) {
        out->unet.multipliers[i] = (size_t)1 << i;
    }
    return GV_OK;
}

gv_node gv_dd_build_noise(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                          gv_unet_inputs *inputs)
{
    const size_t base = sizes->unet.base;
    inputs->x = gv_graph_input(graph, "x",
                               gv_shape_of(3, (size_t[]){batch, sizes->horizon, GV_STATE_SIZE}));
    inputs->step = gv_graph_input(graph, "step", gv_shape_of(2, (size_t[]){batch, base}));
    inputs->condition = gv_graph_input(graph, "condition", gv_shape_of(2, (size_t[]){batch, 1}));
    inputs->keep = gv_graph_input(graph, "keep", gv_shape_of(1, (size_t[]){batch}));
    gv_graph_open(graph, "dd");
    const gv_node noise = gv_layer_unet(graph, "unet", inputs, &sizes->unet);
    gv_graph_close(graph);
    return noise;
}

gv_node gv_dd_build_inverse(gv_graph *graph, const gv_dd_sizes *sizes, gv_node seen)
{
    gv_graph_open(graph, "dd");
    const gv_node action = gv_layer_mlp(graph, "inverse", seen, &sizes->inverse);
    gv_graph_close(graph);
    return action;
}

void gv_dd_gather(const float *states, size_t tick, const float *next, float *seen)
{
    const size_t bytes = GV_STATE_SIZE * sizeof *seen;
    for (size_t back = 0; back + 1 < GV_DD_SEEN; back++) {
        const size_t at = tick < back ? 0 : tick - back;
        memcpy(seen + (GV_DD_SEEN - 2 - back) * GV_STATE_SIZE, states + at * GV_STATE_SIZE, bytes);
    }
    memcpy(seen + (size_t)(GV_DD_SEEN - 1) * GV_STATE_SIZE, next, bytes);
}
