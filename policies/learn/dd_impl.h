/*
 * dd_impl.h - the networks of a decision diffuser (Ajay et al., ICLR 2023) and DiffBid
 * (arXiv 2405.16141), for training and for serving alike.
 *
 * A U-Net guesses the noise in a period's states, given the step of diffusion and a return in
 * [0, 1]; an MLP guesses the action between two states that follow each other from the two
 * before as well, in the order s_(t-2), s_(t-1), s_t, s_(t+1). Before the first tick there is the
 * first state again.
 */
#ifndef POLICIES_LEARN_DD_IMPL_H
#define POLICIES_LEARN_DD_IMPL_H

#include "models/nn/diffusion.h"
#include "models/nn/layers.h"
#include "models/nn/unet.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/dd.h"
#include "policies/learn/returns_impl.h"

typedef enum gv_dd_condition { GV_DD_RANGE, GV_DD_SIGMOID } gv_dd_condition;

typedef struct gv_dd_config {
    gv_learner_common common;
    int64_t base;
    int64_t levels;
    int64_t kernel;
    int64_t groups;
    int64_t diffusion_steps;
    double drop;
    int64_t inverse;
    int32_t returns;
    double score_power;
    bool relative;
    int32_t condition;
    bool scales_states;
    bool completes;
} gv_dd_config;

enum { GV_DD_SEEN = 4, GV_DD_INVERSE_INPUTS = GV_DD_SEEN * GV_STATE_SIZE };

/* What follows from a config and the ticks of a period. */
typedef struct gv_dd_sizes {
    gv_unet unet;
    gv_mlp inverse;
    size_t ticks;   /* of a period */
    size_t horizon; /* the same, up to a multiple of what the U-Net halves */
} gv_dd_sizes;

/* GV_EUSAGE: groups do not divide the channels, or the kernel is even. */
GV_MUST_CHECK gv_status gv_dd_sizes_of(const gv_dd_config *config, size_t ticks, gv_dd_sizes *out);

/* -> the noise, [B, horizon, GV_STATE_SIZE] */
gv_node gv_dd_build_noise(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                          gv_unet_inputs *inputs);

/* seen [B, GV_DD_INVERSE_INPUTS] -> the scaled action [B, 1] */
gv_node gv_dd_build_inverse(gv_graph *graph, const gv_dd_sizes *sizes, gv_node seen);

/* The states of which tick `tick`'s action is a guess, out of states [ticks][GV_STATE_SIZE]. */
void gv_dd_gather(const float *states, size_t tick, const float *next, float *seen);

/* Tensors are below these. */
#define GV_DD_PREFIX  "dd."
#define GV_DD_UNET    "dd.unet."
#define GV_DD_INVERSE "dd.inverse"

#endif
