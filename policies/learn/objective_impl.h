/*
 * objective_impl.h - one loss of a learner: its graph, the optimiser of the tensors that it trains,
 * and the trainer that runs both over threads (models/nn/trainer.h).
 *
 * A learner with several losses (a value, a critic, an actor) has an objective for each over one
 * set of parameters, and runs them in turn.
 *
 *   gv_objective_build()  makes the graph, which adds its tensors to the set,
 *   gv_params_draw()      by the learner, once all its objectives are built,
 *   gv_objective_begin()  makes optimiser and trainer,
 *   gv_objective_run()    a step.
 */
#ifndef POLICIES_LEARN_OBJECTIVE_IMPL_H
#define POLICIES_LEARN_OBJECTIVE_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "models/nn/graph.h"
#include "models/nn/optimizer.h"
#include "models/nn/tape.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"

/* One shard of one step, as fill() sees it. */
typedef struct gv_shard {
    gv_tape *tape;
    uint64_t step; /* of this objective */
    size_t number;
    size_t size; /* examples in it: those from number x size on of the batch */
} gv_shard;

typedef struct gv_objective_config {
    const char *loss;    /* its name, for sentences; also the tag of what is saved, plain text */
    const char *trained; /* prefix of the tensors that it moves */
    /* Builds the graph for `size` examples, keeps its inputs in context; returns the loss. */
    gv_node (*build)(void *context, gv_graph *graph, size_t size);
    /* Writes a shard's inputs; on any thread, several at once. */
    void (*fill)(void *context, const gv_shard *shard);
    void *context;
    gv_optimizer_config optimizer; /* its `trained` is set from the above */
    gv_params *params;
    size_t shards;
    size_t batch; /* a multiple of shards (asserted) */
    size_t jobs;
    uint64_t seed; /* of dropout */
} gv_objective_config;

typedef struct gv_objective gv_objective;

GV_MUST_CHECK gv_status gv_objective_build(const gv_objective_config *config, gv_objective **out);
void gv_objective_destroy(gv_objective *objective); /* accepts NULL */

GV_MUST_CHECK gv_status gv_objective_begin(gv_objective *objective);

/*
 * One step. A loss or gradient that is not finite is GV_EINVAL with its tensor in the sentence,
 * and moves nothing.
 */
GV_MUST_CHECK gv_status gv_objective_run(gv_objective *objective, double *loss);

/* The loss as it is, without dropout and without a step. */
GV_MUST_CHECK gv_status gv_objective_measure(gv_objective *objective, double *loss);

/* Copies the shard's rows of a batch's array, `width` numbers each, into an input. */
void gv_shard_put(const gv_shard *shard, gv_node node, const float *rows, size_t width);

/* The optimiser's moments and its count of steps. */
GV_MUST_CHECK gv_status gv_objective_save(const gv_objective *objective, gv_writer *writer);
GV_MUST_CHECK gv_status gv_objective_restore(gv_objective *objective, gv_reader *reader);

#endif
