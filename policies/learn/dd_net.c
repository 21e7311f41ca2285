#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "policies/learn/dd_impl.h"

static const double bound_of_range = 1;
static const double bound_of_deviations = 5;
static const double log_action_max = 10; /* 22,000 times C: exp() stays finite */

enum { VAE_CHANNELS = 64 };

static gv_status check_config(const gv_dd_config *config)
{
    if (config->base % config->groups != 0 || config->base % 2 != 0 || config->base < 4) {
        return GV_FAIL(GV_EUSAGE,
                       "dd: a base of %lld channels, expected an even multiple of the %lld groups, "
                       "4 at least",
                       (long long)config->base, (long long)config->groups);
    }
    if (config->kernel % 2 == 0) {
        return GV_FAIL(GV_EUSAGE, "dd: a kernel of %lld, expected an odd one",
                       (long long)config->kernel);
    }
    return GV_OK;
}

static size_t multiple_of(size_t count, size_t of)
{
    return (count + of - 1) / of * of;
}

static void size_traits(gv_dd_sizes *sizes)
{
    const gv_dd_traits *traits = &sizes->traits;
    const size_t campaign = traits->has_campaign ? GV_DD_CAMPAIGN : 0;
    sizes->told = 1 + campaign + (traits->has_flag ? 1 : 0) + (traits->latent > 0 ? 1 : 0);
    sizes->condition = sizes->told + traits->latent;
    sizes->inverse_told = campaign + (traits->has_outlook ? (size_t)GV_OUTLOOK_SIZE : 0);
    sizes->inverse_inputs = GV_DD_SEEN * sizes->width + sizes->inverse_told;
    sizes->bound = traits->standardises ? bound_of_deviations : bound_of_range;
    sizes->vae = (gv_vae){.positions = multiple_of(sizes->ticks, GV_VAE_STRIDE),
                          .width = sizes->width,
                          .context = GV_DD_CAMPAIGN + sizes->width,
                          .latent = traits->latent,
                          .channels = VAE_CHANNELS};
}

gv_status gv_dd_sizes_of(const gv_dd_config *config, const gv_dd_traits *traits, size_t ticks,
                         gv_dd_sizes *out)
{
    const size_t width = (size_t)config->inverse;
    assert(config->levels <= GV_UNET_LEVELS_MAX);
    assert(ticks >= 1);
    GV_TRY(check_config(config));
    *out = (gv_dd_sizes){
        .traits = *traits,
        .unet = {.base = (size_t)config->base,
                 .levels = (size_t)config->levels,
                 .kernel = (size_t)config->kernel,
                 .groups = (size_t)config->groups},
        .inverse = {.layers = 4, .widths = {width, width, width, 1}, .hidden = gv_op_relu},
        .ticks = ticks,
        .horizon = multiple_of(ticks, (size_t)1 << (config->levels - 1)),
        .width = GV_STATE_SIZE,
    };
    for (size_t i = 0; i < out->unet.levels; i++) {
        out->unet.multipliers[i] = (size_t)1 << i;
    }
    size_traits(out);
    return GV_OK;
}

void gv_dd_tell_campaign(const gv_account *account, float *row)
{
    float token[GV_CONSTRAINT_SIZE];
    gv_constraint_token(0, account, token);
    memcpy(row, token + 1, GV_DD_CAMPAIGN * sizeof *row);
}

static_assert(GV_CONSTRAINT_SIZE == GV_DD_CAMPAIGN + 1, "a token of log C and log budget");

void gv_dd_tell(const gv_dd_sizes *sizes, const gv_dd_told *told, float *row)
{
    const gv_dd_traits *traits = &sizes->traits;
    float *to = row;
    /* Without an embedding what is hidden is hidden by the U-Net's `keep`. */
    const float keep = traits->latent > 0 && told->is_hidden ? 0 : 1;
    *to++ = keep * (float)told->reached;
    if (traits->has_flag) {
        *to++ = told->keeps_cpa ? keep : 0;
    }
    if (traits->latent > 0) {
        *to++ = keep;
    }
    if (traits->has_campaign) {
        gv_dd_tell_campaign(&told->account, to);
        to += GV_DD_CAMPAIGN;
    }
    assert(to == row + sizes->told);
}

gv_node gv_dd_build_noise(gv_graph *graph, const gv_dd_sizes *sizes, size_t batch,
                          gv_node condition, gv_unet_inputs *inputs)
{
    const size_t base = sizes->unet.base;
    inputs->x =
        gv_graph_input(graph, "x", gv_shape_of(3, (size_t[]){batch, sizes->horizon, sizes->width}));
    inputs->step = gv_graph_input(graph, "step", gv_shape_of(2, (size_t[]){batch, base}));
    inputs->condition = condition;
    if (condition == GV_NODE_NONE) {
        inputs->condition =
            gv_graph_input(graph, "condition", gv_shape_of(2, (size_t[]){batch, sizes->condition}));
    }
    inputs->keep = gv_graph_input(graph, "keep", gv_shape_of(1, (size_t[]){batch}));
    gv_graph_open(graph, "dd");
    const gv_node noise = gv_layer_unet(graph, "unet", inputs, &sizes->unet);
    gv_graph_close(graph);
    return noise;
}

gv_node gv_dd_build_inverse(gv_graph *graph, const gv_dd_sizes *sizes, gv_node seen)
{
    gv_graph_open(graph, "dd");
    const gv_node action = gv_layer_mlp(graph, "inverse", seen, &sizes->inverse);
    gv_graph_close(graph);
    return action;
}

void gv_dd_gather(const gv_dd_sizes *sizes, const float *states, size_t tick, const float *next,
                  const gv_dd_sight *sight, float *seen)
{
    const size_t width = sizes->width;
    for (size_t back = 0; back + 1 < GV_DD_SEEN; back++) {
        const size_t at = tick < back ? 0 : tick - back;
        memcpy(seen + (GV_DD_SEEN - 2 - back) * width, states + at * width, width * sizeof *seen);
    }
    memcpy(seen + (GV_DD_SEEN - 1) * width, next, width * sizeof *seen);
    float *told = seen + GV_DD_SEEN * width;
    if (sizes->traits.has_campaign) {
        gv_dd_tell_campaign(&sight->account, told);
        told += GV_DD_CAMPAIGN;
    }
    if (sizes->traits.has_outlook) {
        memcpy(told, sight->outlook, GV_OUTLOOK_SIZE * sizeof *told);
    }
}

double gv_dd_action_in(const gv_dd_sizes *sizes, const gv_scaling *scaling, double action,
                       double cpa)
{
    if (!sizes->traits.is_log) {
        return action / scaling->action_divisor;
    }
    return log1p(fmax(action, 0) / (cpa > 0 ? cpa : 1));
}

double gv_dd_action_out(const gv_dd_sizes *sizes, const gv_scaling *scaling, double scaled,
                        double cpa)
{
    if (!sizes->traits.is_log) {
        return scaled * scaling->action_divisor;
    }
    return expm1(fmin(fmax(scaled, 0), log_action_max)) * (cpa > 0 ? cpa : 1);
}
