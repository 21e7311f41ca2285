/*
 * mari_impl.h - a network in pieces: the graph written once more, so that what is said of each
 * position (token) by itself is a node for each run of positions of one colour.
 *
 * Positions are those of axis 1. An operator that goes position by position over a concatenation
 * of both colours becomes one operator for each run of them,
 *   f([x_u ; x_i(b)]) = [f(x_u) ; f(x_i(b))],
 * and the concatenation is made where an operator mixes positions, if at all. The new graph goes
 * row by row as the old one does, its nodes stand after their operands, and any of them is either
 * the user's or not.
 */
#ifndef MODELS_NN_MARI_IMPL_H
#define MODELS_NN_MARI_IMPL_H

#include "models/nn/graph_impl.h"
#include "models/nn/mari.h"

typedef struct gv_mari_pieces {
    gv_graph graph; /* nodes alone, never planned; a parameter's `value` is where its rows begin */
    bool *is_user;  /* [graph.capacity]; parameters have no colour: they count as the user's */
    gv_node *whole; /* [nodes of the old graph] where an input or the output is now, or NONE */
} gv_mari_pieces;

/* GV_EINVAL as gv_mari_create(). On failure too gv_mari_pieces_fini() is safe. */
GV_MUST_CHECK gv_status gv_mari_pieces_init(gv_mari_pieces *pieces, const gv_mari_config *config);
void gv_mari_pieces_fini(gv_mari_pieces *pieces);

/* GV_EINVAL: the operator does not go row by row. */
GV_MUST_CHECK gv_status gv_mari_check_rows(const gv_graph *graph, const gv_node_record *record);

#endif
