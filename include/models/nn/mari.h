/*
 * mari.h - requests of many candidates: a network run so that what depends on the user alone is
 * computed once a request (MaRI, arXiv 2602.23105: lossless, at inference alone, found on the
 * graph).
 *
 * Each input of a graph whose first axis is the batch is coloured: the user's, the item's, or of
 * both. A node is the user's if all that it reads is, parameters aside; it then has one row a
 * request. A linear layer over a concatenation of both colours is split: with the columns brought
 * together by colour,
 *   [x_u ; x_i(b) ; x_c(b)] W + bias = (x_u W_u + bias) + [x_i(b) ; x_c(b)] W_rest,
 * the bracket once a request. Concatenations along the second axis count, flattened or not, in any
 * order and depth; weights are packed once, when the network is loaded. What is said of each
 * position of the second axis by itself (a token: its norm, its linear layer, a map, a sum with
 * another) is computed position by position: those of the user once a request,
 *   f([x_u ; x_i(b)]) = [f(x_u) ; f(x_i(b))],
 * through concatenations and slices. A few queries over many keys read the user's keys where they
 * are; the user's own queries weigh them once a request. Wherever else the colours meet, the user's
 * row is repeated.
 *
 * A run takes several requests at a time, so that those of one candidate cost little more than a
 * plain network does. Products are our own (dense.h), so a candidate's bits depend on it and its
 * user alone, whatever else is in its request or its run. The sums begin with the user's part, so
 * they are not those of the graph to the bit, but to rounding.
 */
#ifndef MODELS_NN_MARI_H
#define MODELS_NN_MARI_H

#include <stddef.h>

#include "models/nn/graph.h"
#include "models/nn/params.h"
#include "sim/base/status.h"

typedef enum gv_colour { GV_COLOUR_ITEM, GV_COLOUR_USER, GV_COLOUR_CROSS } gv_colour;

typedef struct gv_mari_leaf {
    gv_node input;
    gv_colour colour;
} gv_mari_leaf;

typedef struct gv_mari_config {
    const gv_graph *graph;   /* finished, in single precision; any batch; read at creation alone */
    const gv_params *params; /* drawn; a later change of linear layers is not seen */
    const gv_mari_leaf *leaves;
    size_t leaf_count;
    gv_colour rest; /* of the inputs that are not named */
    gv_node output;
    size_t requests_max; /* of one run, at least 1 */
    size_t rows_max;     /* candidates of one run, all requests together; at least requests_max */
} gv_mari_config;

typedef struct gv_mari gv_mari;

/* GV_EINVAL: an operator that does not go row by row over the first axis, named in the sentence. */
GV_MUST_CHECK gv_status gv_mari_create(const gv_mari_config *config, gv_mari **out);
void gv_mari_destroy(gv_mari *mari); /* accepts NULL */

/* Where an input is written: requests_max rows of a user's, rows_max of others; 0 at first. */
float *gv_mari_input(gv_mari *mari, gv_node input);

/*
 * Request r has the candidates ends[r - 1] (0 for the first) to ends[r] - 1, at least one. Returns
 * the output's rows: a candidate's each, or a request's if it is the user's.
 */
const float *gv_mari_run(gv_mari *mari, const size_t *ends, size_t requests);

/* Multiplications of linear layers and of attention for so many candidates of so many requests. */
size_t gv_mari_products(const gv_mari *mari, size_t requests, size_t rows);

#endif
