/*
 * dt_impl.h - the network of a decision transformer (Chen et al., NeurIPS 2021), for training and
 * for serving alike.
 *
 * A tick is three tokens, return to go, state and action, or four with a constraint before them.
 * To each its tick's embedding is added; LayerNorm; a pre-LN decoder; the action is read off the
 * state's token, which sees the tick's return and all ticks before, but not its own action.
 *
 * Guided (EBaReT's, see ebaret_impl.h) a tick is four: state, return, expertness, action. What is
 * to come is predicted where it is not yet seen: the return, in bins, off the state; the
 * expertness off the return; the action off the expertness.
 */
#ifndef POLICIES_LEARN_DT_IMPL_H
#define POLICIES_LEARN_DT_IMPL_H

#include "models/nn/transformer.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/dt.h"
#include "policies/learn/lens_impl.h"
#include "policies/learn/returns_impl.h"

typedef struct gv_dt_config {
    gv_learner_common common;
    int64_t width;
    int64_t layers;
    int64_t heads;
    int64_t inner;
    double dropout;
    int64_t context;
    int32_t returns;
    double score_power;
    bool relative;
    double return_scale;
    bool constraint;
    int64_t tick_end;
    int64_t warm_up;
    double decay;
    double clip;
} gv_dt_config;

/* What follows from a config and the ticks of a period. */
typedef struct gv_dt_sizes {
    gv_decoder decoder;
    size_t context;  /* ticks that the network sees, at most those of a period */
    size_t ticks;    /* of a period */
    size_t tick_end; /* indices of ticks stop there: the published fault; ticks - 1 otherwise */
    size_t tokens;   /* of a tick: 3 or 4 */
    size_t features; /* that a state's token is made of */
    size_t bins;     /* of the return that is predicted; 0: not guided */
} gv_dt_sizes;

gv_dt_sizes gv_dt_sizes_of(const gv_dt_config *config, size_t ticks);
gv_return_law gv_dt_law(const gv_dt_config *config);

/* Inputs, of a batch of B sequences of n ticks. */
typedef struct gv_dt_nodes {
    gv_node constraint; /* [B, n, GV_CONSTRAINT_SIZE]; GV_NODE_NONE without one */
    gv_node to_go;      /* [B, n, 1] */
    gv_node state;      /* [B, n, features] */
    gv_node expertness; /* [B, n, 1]; GV_NODE_NONE unless guided */
    gv_node action;     /* [B, n, 1]: what was done, scaled */
    gv_node tick;       /* [B, n]: indices */
} gv_dt_nodes;

gv_dt_nodes gv_dt_inputs(gv_graph *graph, const gv_dt_sizes *sizes, size_t batch, size_t n);

/* What is read off a tick's tokens; the last two are GV_NODE_NONE unless guided. */
typedef struct gv_dt_heads {
    gv_node action;     /* [B, n, 1], scaled */
    gv_node returns;    /* [B, n, bins]: logits */
    gv_node expertness; /* [B, n, 1]: logits */
} gv_dt_heads;

gv_dt_heads gv_dt_build(gv_graph *graph, const gv_dt_sizes *sizes, const gv_dt_nodes *nodes);

/*
 * Bins of a return, in units of return_scale: equal parts of [0, GV_RETURN_TOP], the outer ones
 * for what is beyond. 1 is what one training episode in twenty exceeds.
 */
#define GV_RETURN_TOP 1.25
size_t gv_return_bin(double to_go, size_t bins);
double gv_return_of_bin(size_t bin, size_t bins); /* its middle */

/* Tensors are below this. */
#define GV_DT_PREFIX "dt."

#endif
