/*
 * transformer.h - the pre-LN decoder of GPT and of decision transformers, for training as a part
 * of a graph, and for serving with a cache of keys and values (decoder_cache.h).
 *
 * A block, of width D and `heads` heads (D / heads columns each):
 *   x += dropout(proj(attention(qkv(ln1(x)))))      qkv: D -> 3 D, proj: D -> D
 *   x += dropout(mlp.2(gelu(mlp.0(ln2(x)))))        mlp: D -> inner -> D
 * The official decision transformer of AuctionNet has width 64, 3 layers, 1 head, inner 512,
 * dropout 0.1 and no last norm; its three projections key, query, value are qkv's rows in the
 * order query, key, value.
 */
#ifndef MODELS_NN_TRANSFORMER_H
#define MODELS_NN_TRANSFORMER_H

#include <stdbool.h>
#include <stddef.h>

#include "models/nn/graph.h"

typedef struct gv_decoder {
    size_t width; /* D */
    size_t layers;
    size_t heads; /* divides width */
    size_t inner;
    double dropout;
    bool has_last_norm; /* a LayerNorm "ln" behind the last block */
} gv_decoder;

/*
 * x [B, T, D], valid [B, T] (0: padding that nobody may see) or GV_NODE_NONE -> [B, T, D].
 * Parameters below NAME: blocks.I.{ln1, attn.qkv, attn.proj, ln2, mlp.0, mlp.2}.{weight, bias},
 * and ln.{weight, bias}.
 */
gv_node gv_layer_decoder(gv_graph *graph, const char *name, gv_node x, gv_node valid,
                         const gv_decoder *decoder);

#endif
