/*
 * unet.h - the temporal U-Net of Decision Diffuser (Ajay et al., arXiv 2211.15657; Janner's
 * TemporalUnet), named and ordered as its published module.
 *
 * Channels are states, positions are ticks. A residual block of C channels:
 *   y = mish(gn(conv(x))) + linear(mish(e)); y = mish(gn(conv(y))) + x (or conv of kernel 1)
 * where e is the embedding of the diffusion step beside that of the condition. Going down, each
 * level has two blocks and halves the positions (conv, kernel 3, stride 2) but for the last; two
 * blocks in the middle; going up, each takes the level's result beside its own, and doubles
 * the positions (transposed conv, kernel 4, stride 2). AuctionNet's has base 128, multipliers
 * 1, 2, 4, kernel 5, 8 groups, horizon 48, 16 channels.
 */
#ifndef MODELS_NN_UNET_H
#define MODELS_NN_UNET_H

#include <stddef.h>

#include "models/nn/graph.h"

enum { GV_UNET_LEVELS_MAX = 6 };

typedef struct gv_unet {
    size_t base;
    size_t levels; /* 1 .. GV_UNET_LEVELS_MAX; the horizon is a multiple of 2^(levels - 1) */
    size_t multipliers[GV_UNET_LEVELS_MAX]; /* of base, level by level */
    size_t kernel;                          /* odd */
    size_t groups;                          /* divides every level's channels */
} gv_unet;

typedef struct gv_unet_inputs {
    gv_node x;         /* [B, horizon, channels] */
    gv_node step;      /* [B, base]: gv_unet_step_features() of each example's step */
    gv_node condition; /* [B, any], or GV_NODE_NONE: unconditional net */
    gv_node keep;      /* [B], 0 where the condition is dropped; GV_NODE_NONE: never */
} gv_unet_inputs;

/*
 * -> [B, horizon, channels]. Parameters below NAME as torch's: time_mlp.{1, 3},
 * returns_mlp.{0, 2, 4}, downs.I.{0, 1, 2}, mid_block{1, 2}, ups.I.{0, 1, 2}, final_conv.{0, 1}.
 */
gv_node gv_layer_unet(gv_graph *graph, const char *name, const gv_unet_inputs *inputs,
                      const gv_unet *unet);

/*
 * Sines, then cosines, of step / 10000^(i / (base / 2 - 1)): features [base], base even, >= 4.
 */
void gv_unet_step_features(double step, size_t base, float *features);

#endif
