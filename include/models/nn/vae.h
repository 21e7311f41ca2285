/*
 * vae.h - a variational autoencoder of sequences whose prior knows the context
 * (Kingma and Welling, arXiv 1312.6114; conditional prior: Sohn, Lee and Yan, NIPS 2015).
 *
 * The encoder takes two convolutions (kernel 5, stride 2, 64 and 128 channels, Mish), the mean
 * over positions, and a linear layer to mean and log variance; the decoder mirrors it with
 * transposed convolutions (kernel 4, so that lengths come out even); the prior is an MLP of the
 * context. With a target tau of n numbers that count:
 *
 *     loss = mean over the batch of (||tau - dec(z)||^2 + beta KL(q(z|tau) || p(z|context))) / n
 *
 * Sizes are a choice of ours: the paper that uses it (EGDP, arXiv 2508.08687) gives none.
 */
#ifndef MODELS_NN_VAE_H
#define MODELS_NN_VAE_H

#include "models/nn/layers.h"

typedef struct gv_vae {
    size_t positions; /* a multiple of GV_VAE_STRIDE */
    size_t width;     /* numbers of a position */
    size_t context;   /* numbers of a context */
    size_t latent;    /* dimensions of z */
    size_t channels;  /* of the first convolution; the second has twice as many */
} gv_vae;

enum { GV_VAE_STRIDE = 4, GV_VAE_KERNEL = 5 };

/* Independent normal numbers: mean and log variance, both [B, latent]. */
typedef struct gv_normal {
    gv_node mean;
    gv_node log_variance; /* within +-GV_VAE_LOG_VARIANCE */
} gv_normal;

#define GV_VAE_LOG_VARIANCE 8.0

/* sequence [B, positions, width]; parameters below encoder., under the open scopes */
gv_normal gv_vae_encode(gv_graph *graph, const gv_vae *vae, gv_node sequence);

/* z [B, latent] -> [B, positions, width]; parameters below decoder. */
gv_node gv_vae_decode(gv_graph *graph, const gv_vae *vae, gv_node z);

/* context [B, context]; parameters below prior. */
gv_normal gv_vae_prior(gv_graph *graph, const gv_vae *vae, gv_node context);

/* mean + deviation noise; noise: [B, latent] */
gv_node gv_normal_draw(gv_graph *graph, const gv_normal *normal, gv_node noise);

/* KL(q || p), the sum of `weights` [B, latent] times each dimension's */
gv_node gv_normal_kl(gv_graph *graph, const gv_normal *q, const gv_normal *p, gv_node weights);

/* What a loss is given; all but the first two may have weights 0 where nothing counts. */
typedef struct gv_vae_inputs {
    gv_node sequence;    /* [B, positions, width] */
    gv_node context;     /* [B, context] */
    gv_node noise;       /* [B, latent] */
    gv_node weights;     /* [B, positions, width], of the squared differences */
    gv_node divergences; /* [B, latent], of the divergence: beta in them */
} gv_vae_inputs;

/* Makes the inputs and the loss of `batch` sequences. */
gv_node gv_vae_loss(gv_graph *graph, const gv_vae *vae, size_t batch, gv_vae_inputs *inputs);

#endif
