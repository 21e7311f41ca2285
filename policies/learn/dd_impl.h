/*
 * dd_impl.h - the networks of a decision diffuser (Ajay et al., ICLR 2023) and DiffBid
 * (arXiv 2405.16141), for training and for serving alike, and what others add to them.
 *
 * A U-Net guesses the noise in a period's states, given the step of diffusion and a condition;
 * an MLP guesses the action between two states that follow each other from the two before as
 * well, in the order s_(t-2), s_(t-1), s_t, s_(t+1). Before the first tick there is the first
 * state again.
 *
 * A decision diffuser's condition is a return in [0, 1], and it has none of the traits below.
 * An expert-guided planner (egdb_impl.h) has some or all.
 */
#ifndef POLICIES_LEARN_DD_IMPL_H
#define POLICIES_LEARN_DD_IMPL_H

#include "models/nn/diffusion.h"
#include "models/nn/layers.h"
#include "models/nn/unet.h"
#include "models/nn/vae.h"
#include "policies/learn/common_impl.h"
#include "policies/learn/dd.h"
#include "policies/learn/returns_impl.h"

typedef enum gv_dd_condition { GV_DD_RANGE, GV_DD_SIGMOID } gv_dd_condition;

/* Every kind's config begins with it. */
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

typedef struct gv_dd_traits {
    bool standardises; /* states to mean 0 and deviation 1, within 5; else their range to +-1 */
    bool is_log;       /* actions as log(1 + a / C); else in units of the action divisor */
    bool has_flag;     /* the condition tells whether the cost per conversion kept to C */
    bool has_campaign; /* condition and inverse dynamics are told log C and log budget */
    bool has_outlook;  /* the inverse dynamics are told the outlook at the tick (outlook.h) */
    size_t latent;     /* numbers of an expert's embedding in the condition; 0: none */
} gv_dd_traits;

enum {
    GV_DD_SEEN = 4,
    GV_DD_CAMPAIGN = 2,
    GV_DD_TOLD_MAX = GV_DD_CAMPAIGN + (int)GV_OUTLOOK_SIZE, /* beside states */
    GV_DD_INPUTS_MAX = GV_DD_SEEN * (int)GV_STATE_SIZE + GV_DD_TOLD_MAX
};

/* What follows from a config and the ticks of a period. */
typedef struct gv_dd_sizes {
    gv_dd_traits traits;
    gv_unet unet;
    gv_mlp inverse;
    gv_vae vae;          /* of a latent above 0 */
    size_t ticks;        /* of a period */
    size_t horizon;      /* the same, up to a multiple of what the U-Net halves */
    size_t width;        /* numbers of a state */
    size_t told;         /* numbers of a condition before the embedding */
    size_t condition;    /* and in all */
    size_t inverse_told; /* numbers that the inverse dynamics are told beside states */
    size_t inverse_inputs;
    double bound; /* of the guesses at a state */
} gv_dd_sizes;

/* GV_EUSAGE: groups do not divide the channels, or the kernel is even. */
GV_MUST_CHECK gv_status gv_dd_sizes_of(const gv_dd_config *config, const gv_dd_traits *traits,
                                       size_t ticks, gv_dd_sizes *out);

/* What a condition holds before the embedding. */
typedef struct gv_dd_told {
    double reached; /* the return, in [0, 1] */
    bool keeps_cpa;
    bool is_hidden; /* the two above are 0 */
    gv_account account;
} gv_dd_told;

/* row: [sizes->told] = return, flag, whether these are told, log C, log budget */
void gv_dd_tell(const gv_dd_sizes *sizes, const gv_dd_told *told, float *row);

/* log C and log budget, each about 0: row [GV_DD_CAMPAIGN] */
void gv_dd_tell_campaign(const gv_account *account, float *row);

/*
 * -> the noise, [B, horizon, width]. condition: [B, sizes->condition], or GV_NODE_NONE for an
 * input.
 */
gv_node gv_dd_build_noise(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                          gv_node condition, gv_unet_inputs *inputs);

/* seen [B, inverse_inputs] -> the scaled action [B, 1] */
gv_node gv_dd_build_inverse(gv_graph *graph, const gv_dd_sizes *sizes, gv_node seen);

/* What the inverse dynamics may be told of a campaign at a tick. */
typedef struct gv_dd_sight {
    gv_account account;
    const float *outlook; /* [GV_OUTLOOK_SIZE]; not looked at unless the traits have it */
} gv_dd_sight;

/*
 * What tick `tick`'s action is a guess from: states out of [ticks][width], `next`, and what the
 * inverse dynamics are told of the campaign there. seen: [inverse_inputs]
 */
void gv_dd_gather(const gv_dd_sizes *sizes, const float *states, size_t tick, const float *next,
                  const gv_dd_sight *sight, float *seen);

/* An action in units of currency as the network has it, and back; C: the campaign's. */
double gv_dd_action_in(const gv_dd_sizes *sizes, const gv_scaling *scaling, double action,
                       double cpa);
double gv_dd_action_out(const gv_dd_sizes *sizes, const gv_scaling *scaling, double scaled,
                        double cpa);

/* Tensors are below these. */
#define GV_DD_PREFIX  "dd."
#define GV_DD_UNET    "dd.unet"
#define GV_DD_INVERSE "dd.inverse"
#define GV_DD_VAE     "dd.vae."

#endif
