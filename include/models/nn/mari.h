/*
 * mari.h - one request, many candidates: a network run so that what depends on the user alone is
 * computed once (MaRI, arXiv 2602.23105: lossless, at inference alone, found on the graph).
 *
 * Each input of a graph whose first axis is the batch is coloured: the user's, the item's, or of
 * both. A node is the user's if all that it reads is, parameters aside; it then has one row. A
 * linear layer over a concatenation of both colours is split: with the columns brought together by
 * colour,
 *   [x_u ; x_i(b) ; x_c(b)] W + bias = (x_u W_u + bias) + [x_i(b) ; x_c(b)] W_rest,
 * the bracket once a request. Concatenations along the second axis count, flattened or not, in any
 * order and depth; weights are packed once, when the network is loaded. Wherever else the colours
 * meet, the user's row is repeated.
 *
 * Products are our own (dense.h), so a candidate's bits depend on it and its user alone. The sums
 * begin with the user's part, so they are not those of the graph to the bit, but to rounding.
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
    gv_colour colour; /* inputs that are not named are the item's */
} gv_mari_leaf;

typedef struct gv_mari_config {
    const gv_graph *graph;   /* finished, in single precision; any batch; borrowed */
    const gv_params *params; /* drawn; a later change of linear layers is not seen */
    const gv_mari_leaf *leaves;
    size_t leaf_count;
    gv_node output;
    size_t rows_max; /* candidates of one request */
} gv_mari_config;

typedef struct gv_mari gv_mari;

/* GV_EINVAL: an operator that does not go row by row over the first axis, named in the sentence. */
GV_MUST_CHECK gv_status gv_mari_create(const gv_mari_config *config, gv_mari **out);
void gv_mari_destroy(gv_mari *mari); /* accepts NULL */

/* Where an input is written: one row of a user's, rows_max of others. */
float *gv_mari_input(gv_mari *mari, gv_node input);

/* The first `rows` candidates; returns the output's rows, or its only one if it is the user's. */
const float *gv_mari_run(gv_mari *mari, size_t rows);

/* Multiplications of the linear layers for so many candidates. */
size_t gv_mari_products(const gv_mari *mari, size_t rows);

#endif
