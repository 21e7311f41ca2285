#include "models/nn/layers.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static gv_node vector(gv_graph *graph, const char *name, size_t size, gv_init init)
{
    return gv_graph_param(graph, name, gv_shape_of(1, (size_t[]){size}), init);
}

static gv_init constant(double value)
{
    return (gv_init){.law = GV_INIT_CONSTANT, .scale = value};
}

/* torch's kaiming_uniform_(a = sqrt(5)): +-1 / sqrt(inputs). */
static gv_init torch_uniform(size_t inputs)
{
    return (gv_init){.law = GV_INIT_UNIFORM, .scale = 1.0 / sqrt((double)inputs)};
}

static gv_node linear(gv_graph *graph, const char *name, gv_node x, size_t outputs,
                      const gv_init init[2])
{
    const size_t inputs = gv_graph_width(graph, x);
    gv_graph_open(graph, name);
    const gv_node weight =
        gv_graph_param(graph, "weight", gv_shape_of(2, (size_t[]){outputs, inputs}), init[0]);
    const gv_node bias = vector(graph, "bias", outputs, init[1]);
    gv_graph_close(graph);
    return gv_op_linear(graph, x, weight, bias);
}

gv_node gv_layer_linear(gv_graph *graph, const char *name, gv_node x, size_t outputs)
{
    const gv_init init = torch_uniform(gv_graph_width(graph, x));
    return linear(graph, name, x, outputs, (gv_init[]){init, init});
}

gv_node gv_layer_linear_normal(gv_graph *graph, const char *name, gv_node x, size_t outputs,
                               double scale)
{
    const gv_init normal = {.law = GV_INIT_NORMAL, .scale = scale};
    return linear(graph, name, x, outputs, (gv_init[]){normal, constant(0)});
}

gv_node gv_layer_norm(gv_graph *graph, const char *name, gv_node x)
{
    const size_t width = gv_graph_width(graph, x);
    gv_graph_open(graph, name);
    const gv_node gain = vector(graph, "weight", width, constant(1));
    const gv_node bias = vector(graph, "bias", width, constant(0));
    gv_graph_close(graph);
    return gv_op_layer_norm(graph, x, gain, bias);
}

gv_node gv_layer_group_norm(gv_graph *graph, const char *name, gv_node x, size_t groups)
{
    const size_t channels = gv_graph_dim(graph, x, 1);
    gv_graph_open(graph, name);
    const gv_node gain = vector(graph, "weight", channels, constant(1));
    const gv_node bias = vector(graph, "bias", channels, constant(0));
    gv_graph_close(graph);
    return gv_op_group_norm(graph, x, gain, bias, groups);
}

gv_node gv_layer_embedding(gv_graph *graph, const char *name, gv_node indices, size_t rows,
                           size_t width, double scale)
{
    gv_graph_open(graph, name);
    const gv_node table = gv_graph_param(graph, "weight", gv_shape_of(2, (size_t[]){rows, width}),
                                         (gv_init){.law = GV_INIT_NORMAL, .scale = scale});
    gv_graph_close(graph);
    return gv_op_embedding(graph, indices, table);
}

/* shape: of the weight. torch counts the inputs of either convolution by its second axis. */
static void conv_params(gv_graph *graph, const char *name, const gv_shape *shape, size_t outputs,
                        gv_node params[2])
{
    const gv_init init = torch_uniform(shape->dim[1] * shape->dim[2]);
    gv_graph_open(graph, name);
    params[0] = gv_graph_param(graph, "weight", *shape, init);
    params[1] = vector(graph, "bias", outputs, init);
    gv_graph_close(graph);
}

gv_node gv_layer_conv1d(gv_graph *graph, const char *name, gv_node x, const gv_conv *conv)
{
    gv_node params[2];
    const gv_shape shape =
        gv_shape_of(3, (size_t[]){conv->outputs, gv_graph_dim(graph, x, 1), conv->kernel});
    conv_params(graph, name, &shape, conv->outputs, params);
    return gv_op_conv1d(graph, x, params[0], params[1], conv->stride, conv->padding);
}

gv_node gv_layer_conv1d_transposed(gv_graph *graph, const char *name, gv_node x,
                                   const gv_conv *conv)
{
    gv_node params[2];
    const gv_shape shape =
        gv_shape_of(3, (size_t[]){gv_graph_dim(graph, x, 1), conv->outputs, conv->kernel});
    conv_params(graph, name, &shape, conv->outputs, params);
    return gv_op_conv1d_transposed(graph, x, params[0], params[1], conv->stride, conv->padding);
}

gv_node gv_layer_mlp(gv_graph *graph, const char *name, gv_node x, const gv_mlp *mlp)
{
    assert(mlp->layers >= 1);
    assert(mlp->layers <= GV_MLP_LAYERS_MAX);
    gv_graph_open(graph, name);
    for (size_t i = 0; i < mlp->layers; i++) {
        char layer[16];
        (void)snprintf(layer, sizeof layer, "%zu", 2 * i);
        x = gv_layer_linear(graph, layer, x, mlp->widths[i]);
        const gv_activation then = i + 1 < mlp->layers ? mlp->hidden : mlp->last;
        x = then == NULL ? x : then(graph, x);
    }
    gv_graph_close(graph);
    return x;
}
