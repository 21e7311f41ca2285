/*
 * dt_impl.h - the network of a decision transformer (Chen et al., NeurIPS 2021), for training and
 * for serving alike.
 *
 * A tick is three tokens, return to go, state and action, or four with a constraint before them.
 * To each its tick's embedding is added; LayerNorm; a pre-LN decoder; the action is read off the
 * state's token, which sees the tick's return and all ticks before, but not its own action.
 */
#ifndef POLICIES_LEARN_DT_IMPL_H
#define POLICIES_LEARN_DT_IMPL_H

#include "models/nn/transformer.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/dt.h"
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
} gv_dt_sizes;

gv_dt_sizes gv_dt_sizes_of(const gv_dt_config *config, size_t ticks);
gv_return_law gv_dt_law(const gv_dt_config *config);

/* Inputs, of a batch of B sequences of n ticks. */
typedef struct gv_dt_nodes {
    gv_node constraint; /* [B, n, GV_CONSTRAINT_SIZE]; GV_NODE_NONE without one */
    gv_node to_go;      /* [B, n, 1] */
    gv_node state;      /* [B, n, GV_STATE_SIZE] */
    gv_node action;     /* [B, n, 1]: what was done, scaled */
    gv_node tick;       /* [B, n]: indices */
} gv_dt_nodes;

gv_dt_nodes gv_dt_inputs(gv_graph *graph, const gv_dt_sizes *sizes, size_t batch, size_t n);

/* -> the scaled action of each tick, [B, n, 1] */
gv_node gv_dt_build(gv_graph *graph, const gv_dt_sizes *sizes, const gv_dt_nodes *nodes);

/* Tensors are below this. */
#define GV_DT_PREFIX "dt."

#endif
