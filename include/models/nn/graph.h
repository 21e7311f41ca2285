/*
 * graph.h - a static graph of tensor operators, built once, planned once, run many times.
 *
 * A builder makes nodes: inputs, parameters, and operators on earlier nodes (the functions of
 * operators.h and layers.h). Shapes, the batch included, are known then. gv_graph_finish() plans
 * all memory: which values and gradients share which bytes of one arena, from the slot in which
 * each is first written to the last in which forward or backward reads it. A graph is then
 * read-only and may be shared; what runs it is a tape (tape.h), one a thread.
 *
 * A builder call that fails (no memory) is remembered, later calls do nothing, and
 * gv_graph_finish() returns the first failure: so a network reads without a check on every
 * line. Shapes that do not fit are a programmer's error and asserted.
 *
 *   gv_node x = gv_graph_input(graph, "state", gv_shape_of(2, (size_t[]){batch, 16}));
 *   gv_node y = gv_layer_mlp(graph, "actor", x, &actor_sizes);
 *   gv_node loss = gv_op_mse(graph, y, action, weights);
 *   GV_TRY(gv_graph_finish(graph, loss));
 */
#ifndef MODELS_NN_GRAPH_H
#define MODELS_NN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/nn/params.h"
#include "sim/base/status.h"

typedef uint32_t gv_node;

/* No node: an optional operand left out, or what a builder gives after a failure. */
#define GV_NODE_NONE UINT32_MAX

typedef struct gv_graph_config {
    gv_params *params; /* borrowed until the graph is finished */
    size_t shards;     /* this graph sees one of that many equal parts of a batch; 0 means 1 */
    /* Only parameters whose name begins with it get gradients; NULL: all. The rest of the set is
     * constant here: a critic through which an actor learns. */
    const char *trained;
    /* Linear layers go through our own product (dense.h), so that each row's bits depend on that
     * row alone: for serving. In single precision; slower than OpenBLAS on wide layers. */
    bool rows_alone;
} gv_graph_config;

typedef struct gv_graph gv_graph;

GV_MUST_CHECK gv_status gv_graph_create(const gv_graph_config *config, gv_graph **out);
void gv_graph_destroy(gv_graph *graph); /* accepts NULL */

/* Numbers that the caller writes before each run; `name` for people and for finding it again. */
gv_node gv_graph_input(gv_graph *graph, const char *name, gv_shape shape);

/*
 * The same for numbers gathered from a table that the caller keeps: backward leaves the loss's
 * slope by them on the tape (gv_tape_slope_f32()), and the caller takes it to the table's rows. So
 * a table of which a batch touches little costs what is touched, where a parameter's gradient
 * is as large as the table. The loss must depend on it (asserted when the slope is read).
 */
gv_node gv_graph_gathered(gv_graph *graph, const char *name, gv_shape shape);

/* The same for int32_t indices, of gv_op_embedding() and gv_op_cross_entropy(). */
gv_node gv_graph_indices(gv_graph *graph, const char *name, gv_shape shape);

/* The parameter of that name under the open scopes: "blocks.0." + name. */
gv_node gv_graph_param(gv_graph *graph, const char *name, gv_shape shape, gv_init init);

/* Names asked for until the matching close are below `name` and a dot. */
void gv_graph_open(gv_graph *graph, const char *name);
void gv_graph_close(gv_graph *graph);

/* Keeps the node's value readable after a run; without it its memory may have been reused. */
void gv_graph_keep(gv_graph *graph, gv_node node);

/*
 * Ends the building. `loss` is a node of one number, whose gradient backward computes;
 * GV_NODE_NONE: forward alone, and memory is reused as soon as it may be. Returns the first
 * failure of any builder call.
 */
GV_MUST_CHECK gv_status gv_graph_finish(gv_graph *graph, gv_node loss);

/* For builders of layers: the size of an axis, and of the last one; 1 after a failure. */
size_t gv_graph_dim(const gv_graph *graph, gv_node node, size_t axis);
size_t gv_graph_width(const gv_graph *graph, gv_node node);

const gv_shape *gv_graph_shape(const gv_graph *graph, gv_node node);

/* What a finished graph holds. */
gv_node gv_graph_find(const gv_graph *graph, const char *input_name); /* GV_NODE_NONE: none */
size_t gv_graph_arena_size(const gv_graph *graph); /* numbers a tape needs for all but parameters */
size_t gv_graph_flops(const gv_graph *graph); /* of the matrix products: forward, and backward */

#endif
