/*
 * layers.h - layers: operators with their parameters, named as torch's modules name theirs, so
 * that a state_dict and a set of parameters have the same entries.
 *
 * Each function opens the scope `name` for its parameters. Starting values are torch's: a weight
 * and a bias of `inputs` inputs are uniform in +-1 / sqrt(inputs); gains are 1, shifts 0.
 */
#ifndef MODELS_NN_LAYERS_H
#define MODELS_NN_LAYERS_H

#include "models/nn/graph.h"
#include "models/nn/operators.h"

/* x [..., in] -> [..., outputs]: NAME.weight [outputs, in], NAME.bias [outputs]. */
gv_node gv_layer_linear(gv_graph *graph, const char *name, gv_node x, size_t outputs);

/* The same, weight normal with standard deviation `scale` and bias 0: GPT-2's 0.02. */
gv_node gv_layer_linear_normal(gv_graph *graph, const char *name, gv_node x, size_t outputs,
                               double scale);

/* x [..., D] -> [..., D]: NAME.weight, NAME.bias [D]. */
gv_node gv_layer_norm(gv_graph *graph, const char *name, gv_node x);

/* x [B, C, L] -> [B, C, L]: NAME.weight, NAME.bias [C]. */
gv_node gv_layer_group_norm(gv_graph *graph, const char *name, gv_node x, size_t groups);

/* indices [...] -> [..., width]: NAME.weight [rows, width], standard normal times `scale`. */
gv_node gv_layer_embedding(gv_graph *graph, const char *name, gv_node indices, size_t rows,
                           size_t width, double scale);

typedef struct gv_conv {
    size_t outputs;
    size_t kernel;
    size_t stride;
    size_t padding;
} gv_conv;

/* x [B, C, L] -> [B, outputs, L']: NAME.weight [outputs, C, kernel], NAME.bias [outputs]. */
gv_node gv_layer_conv1d(gv_graph *graph, const char *name, gv_node x, const gv_conv *conv);

/* x [B, C, L] -> [B, outputs, L']: NAME.weight [C, outputs, kernel], NAME.bias [outputs]. */
gv_node gv_layer_conv1d_transposed(gv_graph *graph, const char *name, gv_node x,
                                   const gv_conv *conv);

/* An activation, or any other builder of one operand; NULL: none. */
typedef gv_node (*gv_activation)(gv_graph *graph, gv_node x);

enum { GV_MLP_LAYERS_MAX = 8 };

typedef struct gv_mlp {
    size_t layers; /* 1 .. GV_MLP_LAYERS_MAX */
    size_t widths[GV_MLP_LAYERS_MAX];
    gv_activation hidden; /* after every layer but the last */
    gv_activation last;   /* after the last; NULL: none */
} gv_mlp;

/*
 * x [..., in] -> [..., widths[layers - 1]]. Layer i is NAME.(2 i).weight, as in an
 * nn.Sequential of linear layers with activations between.
 */
gv_node gv_layer_mlp(gv_graph *graph, const char *name, gv_node x, const gv_mlp *mlp);

#endif
