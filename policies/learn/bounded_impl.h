/*
 * bounded_impl.h - the networks of learners whose actor climbs its critics: it must not leave what
 * the data hold, so its action is a sigmoid times the largest logged one.
 */
#ifndef POLICIES_LEARN_BOUNDED_IMPL_H
#define POLICIES_LEARN_BOUNDED_IMPL_H

#include "models/nn/graph.h"
#include "policies/learn/scaling.h"

/* Two hidden layers with ReLU, in every network. */
typedef struct gv_bounded_widths {
    size_t hidden_1;
    size_t hidden_2;
} gv_bounded_widths;

/* The largest scaled action; 1 where all logged ones are 0. */
double gv_bounded_limit(const gv_scaling *scaling);

/* state [B, GV_STATE_SIZE] -> [B, 1]; tensors below `name`. */
gv_node gv_bounded_actor(gv_graph *graph, const char *name, const gv_bounded_widths *widths,
                         const gv_scaling *scaling, gv_node state);

/* Pairs [..., GV_STATE_SIZE + 1] of state and action -> [..., 1]; tensors below `name`. */
gv_node gv_bounded_critic(gv_graph *graph, const char *name, const gv_bounded_widths *widths,
                          gv_node pairs);

#endif
