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

enum { GV_ACTOR_LAYERS_MAX = 4 };

struct gv_actor_kind {
    const gv_learner_type *learner;
    gv_features features; /* what its networks see */
    /* state [B, width of the features], scaled -> the scaled action that it would take [B, 1] */
    gv_node (*build)(gv_graph *graph, const void *config, const gv_scaling *scaling, gv_node state);
    /* The same for serving: linear layers with ReLU between, NULL-ended. */
    const char *layers[GV_ACTOR_LAYERS_MAX + 1];
    bool is_bounded; /* as gv_bounded_actor(): a sigmoid at the end, times the limit */
};

#endif
