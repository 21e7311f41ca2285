/*
 * tape.h - one run of a graph: values, gradients and scratch in one arena, allocated once.
 *
 *   float *state = gv_tape_f32(tape, state_node);    write the batch
 *   gv_tape_forward(tape, &(gv_tape_step){.seed = 1, .step = 17, .is_training = true});
 *   gv_tape_backward(tape, gradients);               [gv_params_size(params)]
 *
 * Nothing is allocated after create. A tape belongs to one thread at a time; tapes of one graph
 * share its parameters, which nobody may write meanwhile.
 */
#ifndef MODELS_NN_TAPE_H
#define MODELS_NN_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/nn/graph.h"
#include "models/nn/params.h"
#include "sim/base/status.h"

/* What a run is keyed by: dropout draws its masks from (seed, step, shard, node, element). */
typedef struct gv_tape_step {
    uint64_t seed;
    uint64_t step;
    size_t shard;     /* of gv_graph_config.shards */
    bool is_training; /* false: dropout passes everything */
} gv_tape_step;

typedef struct gv_tape gv_tape;

/* Graph and parameters are borrowed; the set is drawn (asserted). */
GV_MUST_CHECK gv_status gv_tape_create(const gv_graph *graph, const gv_params *params,
                                       gv_tape **out);
void gv_tape_destroy(gv_tape *tape); /* accepts NULL */

/* Where a node's numbers lie: inputs to be written, kept nodes and the loss to be read. */
float *gv_tape_f32(gv_tape *tape, gv_node node);
double *gv_tape_f64(gv_tape *tape, gv_node node);
const float *gv_tape_read_f32(const gv_tape *tape, gv_node node);
int32_t *gv_tape_indices(gv_tape *tape, gv_node node);

void gv_tape_forward(gv_tape *tape, const gv_tape_step *step);

/* After forward: the loss, in double whatever the graph's precision. */
double gv_tape_loss(const gv_tape *tape);

/*
 * After forward, once: overwrites the trained tensors of `gradients`, a block of the parameters'
 * layout and kind whose gaps and untrained tensors are zero. The values of inputs and of kept
 * nodes are still there after it, no others' are.
 */
void gv_tape_backward(gv_tape *tape, void *gradients);

/* After backward: the loss's slope by a node of gv_graph_gathered(), of its shape. */
const float *gv_tape_slope_f32(const gv_tape *tape, gv_node node);
const double *gv_tape_slope_f64(const gv_tape *tape, gv_node node);

#endif
