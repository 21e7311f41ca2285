#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/egdb_impl.h"

gv_dd_traits gv_egdb_traits(const gv_egdb_config *config)
{
    return (gv_dd_traits){.standardises = config->standardises,
                          .is_log = config->is_log,
                          .has_flag = config->has_flag,
                          .has_campaign = config->has_campaign,
                          .has_outlook = config->has_outlook,
                          .latent = (size_t)config->latent};
}

double gv_egdb_risen(double end, int64_t steps, uint64_t step)
{
    return step >= (uint64_t)steps ? end : end * (double)step / (double)steps;
}

/* decodes x decoded + (1 - decodes) x expert's */
static gv_node blend(gv_graph *graph, const gv_vae *vae, size_t batch, gv_node decoded,
                     gv_egdb_inputs *inputs)
{
    inputs->expert = gv_graph_input(graph, "expert",
                                    gv_shape_of(3, (size_t[]){batch, vae->positions, vae->width}));
    inputs->decodes = gv_graph_input(graph, "decodes", gv_shape_of(1, (size_t[]){batch}));
    const gv_node rest = gv_op_scale(graph, inputs->decodes, -1, 1);
    return gv_op_add(graph, gv_op_mul(graph, decoded, inputs->decodes),
                     gv_op_mul(graph, inputs->expert, rest));
}

gv_node gv_egdb_build_embedding(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                                bool has_teacher, gv_egdb_inputs *inputs)
{
    const gv_vae *vae = &sizes->vae;
    *inputs = (gv_egdb_inputs){.expert = GV_NODE_NONE, .decodes = GV_NODE_NONE};
    inputs->context =
        gv_graph_input(graph, "context", gv_shape_of(2, (size_t[]){batch, vae->context}));
    inputs->noise = gv_graph_input(graph, "z", gv_shape_of(2, (size_t[]){batch, vae->latent}));
    gv_graph_open(graph, "dd");
    gv_graph_open(graph, "vae");
    const gv_normal prior = gv_vae_prior(graph, vae, inputs->context);
    gv_node tau = gv_vae_decode(graph, vae, gv_normal_draw(graph, &prior, inputs->noise));
    if (has_teacher) {
        tau = blend(graph, vae, batch, tau, inputs);
    }
    const gv_node z = gv_vae_encode(graph, vae, tau).mean;
    gv_graph_close(graph);
    gv_graph_close(graph);
    return z;
}

void gv_egdb_context(const gv_dd_sizes *sizes, const gv_account *account, const float *first,
                     float *row)
{
    gv_dd_tell_campaign(account, row);
    memcpy(row + GV_DD_CAMPAIGN, first, sizes->width * sizeof *row);
}
