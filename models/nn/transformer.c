#include "models/nn/transformer.h"

#include <assert.h>
#include <stdio.h>

#include "models/nn/layers.h"
#include "models/nn/operators.h"

static gv_node attend(gv_graph *graph, gv_node x, gv_node valid, const gv_decoder *decoder)
{
    const gv_attention causal = {
        .heads = decoder->heads, .is_causal = true, .dropout = decoder->dropout};
    gv_graph_open(graph, "attn");
    const gv_node qkv = gv_layer_linear(graph, "qkv", x, 3 * decoder->width);
    const gv_node mixed = gv_op_attention(graph, qkv, valid, &causal);
    const gv_node out = gv_layer_linear(graph, "proj", mixed, decoder->width);
    gv_graph_close(graph);
    return gv_op_dropout(graph, out, decoder->dropout);
}

static gv_node think(gv_graph *graph, gv_node x, const gv_decoder *decoder)
{
    const gv_mlp mlp = {
        .layers = 2, .widths = {decoder->inner, decoder->width}, .hidden = gv_op_gelu};
    return gv_op_dropout(graph, gv_layer_mlp(graph, "mlp", x, &mlp), decoder->dropout);
}

gv_node gv_layer_decoder(gv_graph *graph, const char *name, gv_node x, gv_node valid,
                         const gv_decoder *decoder)
{
    assert(decoder->width % decoder->heads == 0);
    gv_graph_open(graph, name);
    for (size_t i = 0; i < decoder->layers; i++) {
        char block[32];
        (void)snprintf(block, sizeof block, "blocks.%zu", i);
        gv_graph_open(graph, block);
        x = gv_op_add(graph, x, attend(graph, gv_layer_norm(graph, "ln1", x), valid, decoder));
        x = gv_op_add(graph, x, think(graph, gv_layer_norm(graph, "ln2", x), decoder));
        gv_graph_close(graph);
    }
    if (decoder->has_last_norm) {
        x = gv_layer_norm(graph, "ln", x);
    }
    gv_graph_close(graph);
    return x;
}
