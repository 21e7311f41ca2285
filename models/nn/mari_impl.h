/*
 * mari_impl.h - the parts of mari.h: mari_pieces.c writes the graph once more, so that what is said
 * of each position (token) by itself is a node for each run of positions of one colour;
 * mari_split.c runs the operators that read a concatenation of both colours in its pieces; mari.c
 * all others.
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
#include "models/nn/panel_impl.h"

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

/* Columns of a concatenation that come from one node. */
typedef struct gv_mari_piece {
    gv_node node;
    size_t first; /* in the concatenation */
    size_t count;
} gv_mari_piece;

typedef struct gv_mari_node {
    bool is_needed;
    bool is_user;   /* one row a request */
    bool is_split;  /* a linear layer or an attention that reads pieces */
    size_t width;   /* numbers of a row */
    float *values;  /* [requests_max or rows_max][width]; a reshape has its operand's */
    gv_panels own;  /* linear: the weights of what differs between candidates, and the bias */
    gv_panels user; /* of a split one: of the user's columns, which have the bias then */
    gv_mari_piece *pieces; /* of a split one: [piece_count], the user's first */
    size_t piece_count;
    size_t user_pieces;
    size_t split_width; /* of all pieces */
} gv_mari_node;

struct gv_mari {
    gv_mari_config config;
    gv_mari_pieces pieces;
    const gv_graph *graph; /* that of the pieces */
    gv_node output;
    gv_mari_node *nodes; /* [graph->count] */
    float *rooms;        /* [OP_ARITY_MAX][rows_max][widest] */
    float *saved;
    float *work;
    size_t widest;
    /* The run at hand. */
    const size_t *ends; /* [requests] */
    size_t requests;
};

/* A node's numbers; a reshape has those of what it reshapes. */
static inline float *gv_mari_values(const gv_mari *mari, gv_node node)
{
    return mari->nodes[mari->graph->nodes[node].root].values;
}

/* Scratch of [rows_max][widest], for operand k. */
static inline float *gv_mari_room(const gv_mari *mari, size_t k)
{
    return mari->rooms + k * mari->config.rows_max * mari->widest;
}

const float *gv_mari_param(const gv_mari *mari, gv_node node);

/* A row of each request, [requests][width], as one of each of its candidates. */
void gv_mari_repeat(const gv_mari *mari, const float *from, size_t width, float *to);

/* y [rows][outputs] := bias + x w, or y + x w. */
void gv_mari_apply(const gv_panels *panels, const float *x, size_t rows, float *y, bool adds);

/* Of linear layers and attention, when loaded: packs weights, and splits where colours meet. */
GV_MUST_CHECK gv_status gv_mari_load_operator(gv_mari *mari, size_t index);

/* Which operand a split operator reads in pieces. */
size_t gv_mari_split_operand(const gv_node_record *record);

/* Numbers of `work` that it takes. */
size_t gv_mari_split_work(const gv_mari *mari, size_t index);

void gv_mari_run_split(gv_mari *mari, size_t index, size_t rows);

#endif
