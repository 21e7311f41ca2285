/*
 * trainer.h - a training step over threads, whose bits do not depend on their number.
 *
 * A batch is cut into a fixed number of shards, gv_graph_config.shards of the graph, each a batch
 * of the graph's own size. Every shard's gradient is a block of its own; the blocks are summed by
 * a fixed tree (0 + 1, 2 + 3, then 0 + 2, ...), so --jobs decides who computes, never what. The
 * shards also keep a step's working set near a processor's cache.
 */
#ifndef MODELS_NN_TRAINER_H
#define MODELS_NN_TRAINER_H

#include <stddef.h>
#include <stdint.h>

#include "models/nn/graph.h"
#include "models/nn/optimizer.h"
#include "models/nn/params.h"
#include "models/nn/tape.h"
#include "sim/base/status.h"

/*
 * Writes shard `shard` of batch number `step` into the tape's inputs: a pure function of both
 * (gv_random_key(seed, stream, step)). Called on several threads at once for different shards.
 */
typedef void (*gv_batch_fill)(void *context, gv_tape *tape, uint64_t step, size_t shard);

/*
 * Takes what backward left on the tape beside the parameters' gradients: slopes by numbers that
 * were gathered. Called after it on the same thread; writes only what is the shard's.
 */
typedef void (*gv_batch_collect)(void *context, const gv_tape *tape, size_t shard);

typedef struct gv_trainer_config {
    const gv_graph *graph; /* finished with a loss; borrowed, as all here */
    gv_params *params;
    gv_optimizer *optimizer; /* of the same set; counts the steps */
    size_t shards;           /* as the graph was built with; 0 means 1 */
    size_t jobs;             /* threads; 0 means 1 */
    uint64_t seed;           /* of dropout */
    gv_batch_fill fill;
    gv_batch_collect collect; /* NULL: nothing to take */
    void *context;
} gv_trainer_config;

typedef struct gv_trainer gv_trainer;

GV_MUST_CHECK gv_status gv_trainer_create(const gv_trainer_config *config, gv_trainer **out);
void gv_trainer_destroy(gv_trainer *trainer); /* accepts NULL */

typedef struct gv_trainer_report {
    double loss;          /* of the batch, before the step */
    double gradient_norm; /* before clipping */
} gv_trainer_report;

/*
 * One step: batch number gv_optimizer_steps(). GV_EINVAL when the loss or a gradient is not
 * finite, with step and tensor in the sentence; parameters and optimiser are as before then.
 */
GV_MUST_CHECK gv_status gv_trainer_step(gv_trainer *trainer, gv_trainer_report *report);

/* The loss of a batch without dropout and without a step: for validation. */
GV_MUST_CHECK gv_status gv_trainer_loss(gv_trainer *trainer, uint64_t step, double *loss);

/* The last step's gradient, summed over shards: [gv_params_size(params)]. */
const float *gv_trainer_gradients(const gv_trainer *trainer);

#endif
