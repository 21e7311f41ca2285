/*
 * dense.h - linear layers for serving: each row's bits depend on that row alone.
 *
 * A library's matrix product sums in an order that depends on how many rows it is given, where a
 * row stands, and the processor. Campaigns that share a network are priced together, and which
 * others are there must not change a bid: so these products are our own. Every output is
 *   bias + x[0] w[0] + x[1] w[1] + ...   in this order,
 * for one row or a thousand, at any place, on every processor: no tile has to be padded. Weights
 * are packed once into panels of 16 outputs, over which vectors run.
 */
#ifndef MODELS_NN_DENSE_H
#define MODELS_NN_DENSE_H

#include <stddef.h>

#include "models/nn/layers.h"
#include "models/nn/params.h"
#include "sim/base/status.h"

typedef struct gv_dense gv_dense;

/*
 * Copies NAME.weight [outputs, inputs] and NAME.bias of a drawn set in single precision; a later
 * change of the set is not seen. GV_ENOTFOUND: the set has no such layer.
 */
GV_MUST_CHECK gv_status gv_dense_create(const gv_params *params, const char *name, gv_dense **out);
void gv_dense_destroy(gv_dense *dense); /* accepts NULL */

size_t gv_dense_inputs(const gv_dense *dense);
size_t gv_dense_outputs(const gv_dense *dense);

/* x [rows][inputs], y [rows][outputs], apart from each other. Allocates nothing. */
void gv_dense_apply(const gv_dense *dense, const float *x, size_t rows, float *y);

/* The layers of a gv_layer_mlp() and the activations between them, for serving. */
typedef struct gv_dense_mlp gv_dense_mlp;

/*
 * `mlp` as the network was built with; its activations are relu, gelu, gelu_tanh, silu, mish,
 * tanh, sigmoid or NULL. Names as in gv_layer_mlp(), `name` with its scopes: "q1.net". Rows
 * are taken `rows_max` at a time at most.
 */
GV_MUST_CHECK gv_status gv_dense_mlp_create(const gv_params *params, const char *name,
                                            const gv_mlp *mlp, size_t rows_max, gv_dense_mlp **out);
void gv_dense_mlp_destroy(gv_dense_mlp *mlp); /* accepts NULL */

/* x [rows][inputs], y [rows][outputs of the last layer]; any number of rows. */
void gv_dense_mlp_apply(gv_dense_mlp *mlp, const float *x, size_t rows, float *y);

#endif
