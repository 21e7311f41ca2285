/*
 * actor_impl.h - how each learner's actor is built, for training and for serving alike.
 */
#ifndef POLICIES_LEARN_ACTOR_IMPL_H
#define POLICIES_LEARN_ACTOR_IMPL_H

#include "models/nn/graph.h"
#include "policies/learn/actor.h"
#include "policies/learn/learner.h"

/* Tensors of every actor are below this. */
#define GV_ACTOR_PREFIX "actor."

struct gv_actor_kind {
    const gv_learner_type *learner;
    /* state [B, GV_STATE_SIZE], scaled -> the scaled action that it would take [B, 1] */
    gv_node (*build)(gv_graph *graph, const void *config, const gv_scaling *scaling, gv_node state);
};

#endif
