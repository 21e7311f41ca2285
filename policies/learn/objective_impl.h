/*
 * objective_impl.h - one loss of a learner: its graph, run in shards on several threads, and the
 * optimiser of the tensors that it trains.
 *
 * A batch is cut into `shards` equal parts, each with a tape and a gradient block of its own;
 * threads take shards in any order, and the gradients are then added in a fixed tree, so the bits
 * depend on the number of shards and on nothing else. A learner with several losses (a value, a
 * critic, an actor) has an objective for each over one set of parameters, and runs them in turn.
 *
 *   gv_objective_build()  makes the graph, which adds its tensors to the set,
 *   gv_params_draw()      by the learner, once all its objectives are built,
 *   gv_objective_begin()  makes tapes and moments,
 *   gv_objective_run()    a step: fill, forward, backward, add, clip, move.
 */
#ifndef POLICIES_LEARN_OBJECTIVE_IMPL_H
#define POLICIES_LEARN_OBJECTIVE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "models/nn/graph.h"
#include "models/nn/tape.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"

/* One shard of one step, as fill() and read() see it. */
typedef struct gv_shard {
    gv_tape *tape;
    uint64_t step;
    size_t number;
    size_t size; /* examples in it: examples number x size .. of the batch */
} gv_shard;

typedef struct gv_objective_config {
    const char *loss; /* its name, for sentences; also the tag of what is saved, plain text */
    gv_params *params;
    const char *trained; /* prefix of the tensors that it moves */
    size_t shards;
    size_t batch; /* a multiple of shards (asserted) */
    /* Builds the graph for `size` examples, keeps its inputs in context; returns the loss. */
    gv_node (*build)(void *context, gv_graph *graph, size_t size);
    /* Writes a shard's inputs; on any thread. */
    void (*fill)(void *context, const gv_shard *shard);
    /* After forward, may read kept nodes and write what is the shard's own. NULL: nothing. */
    void (*read)(void *context, const gv_shard *shard);
    void *context;
    uint64_t seed; /* of dropout */
    double rate;   /* of learning; Adam with beta 0.9 and 0.999, epsilon 1e-8 */
    double decay;  /* AdamW's, each step; 0: Adam */
    double clip;   /* of the gradient's norm; 0: none */
} gv_objective_config;

typedef struct gv_objective gv_objective;

GV_MUST_CHECK gv_status gv_objective_build(const gv_objective_config *config, gv_objective **out);
void gv_objective_destroy(gv_objective *objective); /* accepts NULL */

GV_MUST_CHECK gv_status gv_objective_begin(gv_objective *objective);

/*
 * One step at `rate_factor` times the rate (a schedule; usually 1). A loss or gradient that is not
 * finite is GV_EINVAL with its tensor in the sentence, and moves nothing.
 */
GV_MUST_CHECK gv_status gv_objective_run(gv_objective *objective, uint64_t step, size_t jobs,
                                         double rate_factor, double *loss);

/* Copies the shard's rows of a batch's array, `width` numbers each, into an input. */
void gv_shard_put(const gv_shard *shard, gv_node node, const float *rows, size_t width);

/* The optimiser's moments and its count of steps. */
GV_MUST_CHECK gv_status gv_objective_save(const gv_objective *objective, gv_writer *writer);
GV_MUST_CHECK gv_status gv_objective_restore(gv_objective *objective, gv_reader *reader);

/* The block of a set of parameters, which the learner saves once for all its objectives. */
GV_MUST_CHECK gv_status gv_params_save(const gv_params *params, gv_writer *writer);
GV_MUST_CHECK gv_status gv_params_restore(gv_params *params, gv_reader *reader);

#endif
