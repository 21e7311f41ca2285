/*
 * workshop_impl.h - what every learner's state begins with: its set of parameters, its losses, how
 * it scales its data; and the methods that are then the same for all.
 *
 *   typedef struct bc_state {
 *       gv_workshop base;    first, so that gv_workshop_save() and the others serve as methods
 *       gv_transition_nodes nodes;
 *   } bc_state;
 *
 *   init:  gv_workshop_open(), gv_workshop_add() each loss, gv_workshop_begin()
 *   step:  draw the batch, gv_workshop_run() each loss in turn
 *
 * Whatever steps change must be in the set of parameters (targets and averages too) or in the
 * objectives: that is what is saved.
 */
#ifndef POLICIES_LEARN_WORKSHOP_IMPL_H
#define POLICIES_LEARN_WORKSHOP_IMPL_H

#include "policies/learn/batch_impl.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/objective_impl.h"

enum { GV_WORKSHOP_LOSSES_MAX = 4 };

typedef struct gv_workshop {
    gv_learner_setup setup;
    const gv_learner_common *common; /* the config's first member */
    gv_scaling scaling;
    gv_params *params;
    const char *served; /* prefix of the tensors that go into a weights file */
    bool anneals;
    gv_objective *objectives[GV_WORKSHOP_LOSSES_MAX];
    size_t count;
    gv_transitions *batch; /* NULL unless the learner asked for one */
} gv_workshop;

typedef struct gv_workshop_config {
    const gv_type_info *info;
    const gv_learner_setup *setup;
    const char *served;
    gv_scaling_config scaling;
    bool has_batch; /* of transitions, of the common batch size */
    bool anneals;   /* the common rate falls along half a cosine to 0 at the last step */
} gv_workshop_config;

/* Of a learner of single transitions, whose rewards are scaled and whose state is of counts. */
gv_workshop_config gv_workshop_of_transitions(const gv_type_info *info,
                                              const gv_learner_setup *setup, const char *served,
                                              bool is_continuous);

GV_MUST_CHECK gv_status gv_workshop_open(gv_workshop *workshop, const gv_workshop_config *config);

/*
 * Builds a loss; `context` is the state. Set, shards, jobs and seed are filled in, a batch of 0
 * with the common one, and an optimiser without a type: Adam at the common rate.
 */
GV_MUST_CHECK gv_status gv_workshop_add(gv_workshop *workshop, const gv_objective_config *config);

/* Draws all parameters and makes ready every loss. */
GV_MUST_CHECK gv_status gv_workshop_begin(gv_workshop *workshop);

/* Loss number `index`, in the order in which they were added. */
GV_MUST_CHECK gv_status gv_workshop_run(gv_workshop *workshop, size_t index, double *loss);

/* Methods of a learner whose state begins with a workshop. */
gv_network_view gv_workshop_network(const void *state);
GV_MUST_CHECK gv_status gv_workshop_save(const void *state, gv_writer *writer);
GV_MUST_CHECK gv_status gv_workshop_restore(void *state, gv_reader *reader);
void gv_workshop_fini(void *state);

/* ---- inputs of transitions ------------------------------------------------------------------- */

typedef struct gv_transition_nodes {
    gv_node state;   /* [size, GV_STATE_SIZE] */
    gv_node action;  /* [size, 1] */
    gv_node next;    /* [size, GV_STATE_SIZE]; these three GV_NODE_NONE unless asked for */
    gv_node reward;  /* [size, 1] */
    gv_node goes_on; /* [size, 1] */
} gv_transition_nodes;

gv_transition_nodes gv_transition_inputs(gv_graph *graph, size_t size, bool has_next);
void gv_transition_fill(const gv_shard *shard, const gv_transition_nodes *nodes,
                        const gv_transitions *batch);

#endif
