#include "models/nn/vae.h"

#include <assert.h>

#include "models/nn/operators.h"

enum { PRIOR_WIDTH = 64 };

/* [B, 2 latent] as mean and log variance. */
static gv_normal halves_of(gv_graph *graph, const gv_vae *vae, gv_node both)
{
    const gv_node log_variance = gv_op_slice(graph, both, 1, vae->latent, vae->latent, 1);
    return (gv_normal){.mean = gv_op_slice(graph, both, 1, 0, vae->latent, 1),
                       .log_variance = gv_op_clamp(graph, log_variance, -GV_VAE_LOG_VARIANCE,
                                                   GV_VAE_LOG_VARIANCE)};
}

gv_normal gv_vae_encode(gv_graph *graph, const gv_vae *vae, gv_node sequence)
{
    gv_conv conv = {.outputs = vae->channels,
                    .kernel = GV_VAE_KERNEL,
                    .stride = 2,
                    .padding = GV_VAE_KERNEL / 2};
    assert(vae->positions % GV_VAE_STRIDE == 0);
    gv_graph_open(graph, "encoder");
    gv_node x = gv_op_transpose(graph, sequence, 1, 2);
    x = gv_op_mish(graph, gv_layer_conv1d(graph, "0", x, &conv));
    conv.outputs *= 2;
    x = gv_op_mish(graph, gv_layer_conv1d(graph, "2", x, &conv));
    x = gv_layer_linear(graph, "head", gv_op_mean_last(graph, x), 2 * vae->latent);
    gv_graph_close(graph);
    return halves_of(graph, vae, x);
}

gv_node gv_vae_decode(gv_graph *graph, const gv_vae *vae, gv_node z)
{
    const size_t least = vae->positions / GV_VAE_STRIDE;
    const size_t batch = gv_graph_dim(graph, z, 0);
    gv_conv conv = {.outputs = vae->channels, .kernel = 4, .stride = 2, .padding = 1};
    gv_graph_open(graph, "decoder");
    gv_node x = gv_layer_linear(graph, "head", z, 2 * vae->channels * least);
    x = gv_op_reshape(graph, x, gv_shape_of(3, (size_t[]){batch, 2 * vae->channels, least}));
    x = gv_layer_conv1d_transposed(graph, "1", gv_op_mish(graph, x), &conv);
    conv.outputs = vae->width;
    x = gv_layer_conv1d_transposed(graph, "3", gv_op_mish(graph, x), &conv);
    gv_graph_close(graph);
    return gv_op_transpose(graph, x, 1, 2);
}

gv_normal gv_vae_prior(gv_graph *graph, const gv_vae *vae, gv_node context)
{
    const gv_mlp mlp = {
        .layers = 3, .widths = {PRIOR_WIDTH, PRIOR_WIDTH, 2 * vae->latent}, .hidden = gv_op_mish};
    return halves_of(graph, vae, gv_layer_mlp(graph, "prior", context, &mlp));
}

gv_node gv_normal_draw(gv_graph *graph, const gv_normal *normal, gv_node noise)
{
    const gv_node deviation = gv_op_exp(graph, gv_op_scale(graph, normal->log_variance, 0.5, 0));
    return gv_op_add(graph, normal->mean, gv_op_mul(graph, deviation, noise));
}

/* p is taken to the standard normal, and q with it. */
gv_node gv_normal_kl(gv_graph *graph, const gv_normal *q, const gv_normal *p, gv_node weights)
{
    const gv_node inverse = gv_op_exp(graph, gv_op_scale(graph, p->log_variance, -0.5, 0));
    const gv_node mean = gv_op_mul(graph, gv_op_sub(graph, q->mean, p->mean), inverse);
    const gv_node log_variance = gv_op_sub(graph, q->log_variance, p->log_variance);
    return gv_op_kl(graph, mean, log_variance, weights);
}

gv_node gv_vae_loss(gv_graph *graph, const gv_vae *vae, size_t batch, gv_vae_inputs *inputs)
{
    const gv_shape sequence = gv_shape_of(3, (size_t[]){batch, vae->positions, vae->width});
    const gv_shape latent = gv_shape_of(2, (size_t[]){batch, vae->latent});
    *inputs = (gv_vae_inputs){
        .sequence = gv_graph_input(graph, "sequence", sequence),
        .context =
            gv_graph_input(graph, "context", gv_shape_of(2, (size_t[]){batch, vae->context})),
        .noise = gv_graph_input(graph, "noise", latent),
        .weights = gv_graph_input(graph, "weights", sequence),
        .divergences = gv_graph_input(graph, "divergences", latent),
    };
    const gv_normal q = gv_vae_encode(graph, vae, inputs->sequence);
    const gv_normal p = gv_vae_prior(graph, vae, inputs->context);
    const gv_node back = gv_vae_decode(graph, vae, gv_normal_draw(graph, &q, inputs->noise));
    const gv_node apart = gv_op_mse(graph, back, inputs->sequence, inputs->weights);
    return gv_op_add(graph, apart, gv_normal_kl(graph, &q, &p, inputs->divergences));
}
