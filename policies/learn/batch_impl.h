/*
 * batch_impl.h - the transitions of one step, scaled: what the learners without memory learn from.
 *
 * Drawn on the caller's thread once a step and read by all shards of all objectives of it.
 */
#ifndef POLICIES_LEARN_BATCH_IMPL_H
#define POLICIES_LEARN_BATCH_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/dataset.h"
#include "policies/learn/scaling.h"
#include "sim/base/status.h"

typedef struct gv_transitions {
    size_t count;
    float *states;  /* [count][GV_STATE_SIZE] */
    float *nexts;   /* [count][GV_STATE_SIZE]: all 0 where the episode is done */
    float *actions; /* [count] */
    float *rewards;
    float *goes_on; /* 1, or 0 where the episode is done */
} gv_transitions;

GV_MUST_CHECK gv_status gv_transitions_create(size_t count, gv_transitions **out);
void gv_transitions_destroy(gv_transitions *batch); /* accepts NULL */

typedef struct gv_transition_source {
    const gv_dataset *dataset;
    const gv_scaling *scaling;
    bool is_continuous; /* rewards are reward_continuous */
    uint64_t seed;
} gv_transition_source;

/* The batch of that step: a pure function of seed and step. */
void gv_transitions_draw(gv_transitions *batch, const gv_transition_source *source, uint64_t step);

#endif
