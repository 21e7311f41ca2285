/*
 * denoiser.h - the temporal U-Net of unet.h for serving: a whole batch of sequences at once, each
 * of whose bits depend on itself alone.
 *
 * Campaigns that share a network, and the passes of guidance of each, go through it together; who
 * else is there, how many and in which order changes no bit, on any processor (dense.h). It is
 * the function that the graph of gv_layer_unet() computes, rounded in another order.
 */
#ifndef MODELS_NN_DENOISER_H
#define MODELS_NN_DENOISER_H

#include <stddef.h>

#include "models/nn/params.h"
#include "models/nn/unet.h"
#include "sim/base/status.h"

typedef struct gv_denoiser gv_denoiser;

typedef struct gv_denoiser_config {
    const gv_params *params; /* drawn, single precision; copied from at create */
    const char *name;        /* as given to gv_layer_unet(), with its scopes: "dd.unet" */
    gv_unet unet;
    size_t channels;   /* of x */
    size_t ticks;      /* the horizon, a multiple of 2^(levels - 1) (asserted) */
    size_t conditions; /* numbers of each condition; 0: unconditional net */
} gv_denoiser_config;

/* GV_ENOTFOUND: the set lacks a layer of such a net. */
GV_MUST_CHECK gv_status gv_denoiser_create(const gv_denoiser_config *config, gv_denoiser **out);
void gv_denoiser_destroy(gv_denoiser *denoiser); /* accepts NULL */

typedef struct gv_denoiser_batch {
    size_t count;           /* sequences, any number */
    const float *x;         /* [count][ticks][channels] */
    double step;            /* of diffusion, the same for all; see gv_unet_step_features() */
    const float *condition; /* [count][conditions]; not looked at in an unconditional net */
    const float *keep;      /* [count], 0 where the condition is dropped; NULL: never */
} gv_denoiser_batch;

/*
 * eps [count][ticks][channels], apart from x. Not for two threads at once: the scratch is the
 * denoiser's. Allocates nothing.
 */
void gv_denoiser_apply(gv_denoiser *denoiser, const gv_denoiser_batch *batch, float *eps);

/* Floating point operations of one sequence's convolutions and linear layers. */
double gv_denoiser_flops(const gv_denoiser *denoiser);

#endif
