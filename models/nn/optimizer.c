#include "models/nn/optimizer.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "models/nn/real_impl.h"
#include "sim/base/mem.h"

/* torch's guard in clip_grad_norm_. */
#define CLIP_GUARD 1e-6

struct gv_optimizer {
    gv_optimizer_config config;
    char trained[GV_NN_NAME_MAX];
    gv_params *params;
    uint64_t steps;
    float *moments[GV_OPTIMIZER_MOMENTS_MAX];
};

static double constant_share(uint64_t step, uint64_t warm_up, uint64_t total)
{
    (void)step;
    (void)warm_up;
    (void)total;
    return 1.0;
}

/* How far step is from the end of the warm-up to `total`, 0 .. 1. */
static double progress_of(uint64_t step, uint64_t warm_up, uint64_t total)
{
    if (step >= total) {
        return 1.0;
    }
    return (double)(step - warm_up) / (double)(total - warm_up);
}

static double cosine_share(uint64_t step, uint64_t warm_up, uint64_t total)
{
    return 0.5 * (1.0 + cos(3.14159265358979323846 * progress_of(step, warm_up, total)));
}

static double linear_share(uint64_t step, uint64_t warm_up, uint64_t total)
{
    return 1.0 - progress_of(step, warm_up, total);
}

const gv_schedule_type gv_schedule_constant = {
    .name = "constant",
    .summary = "the same rate after the warm-up",
    .share = constant_share,
};

const gv_schedule_type gv_schedule_cosine = {
    .name = "cosine",
    .summary = "down half a cosine to 0 after the warm-up",
    .share = cosine_share,
};

const gv_schedule_type gv_schedule_linear = {
    .name = "linear",
    .summary = "straight down to 0 after the warm-up",
    .share = linear_share,
};

const gv_schedule_type *const gv_schedule_types[] = {&gv_schedule_constant, &gv_schedule_cosine,
                                                     &gv_schedule_linear, NULL};

GV_VECTOR static void sgd_update(const gv_optimizer_call *call, const float *g, size_t count,
                                 float *const *moments, float *p)
{
    const float rate = (float)call->rate;
    const float scale = (float)call->scale;
    const float decay = (float)call->config->weight_decay;
    const float momentum = (float)call->config->momentum;
    float *u = moments[0];
    for (size_t i = 0; i < count; i++) {
        u[i] = momentum * u[i] + (scale * g[i] + decay * p[i]);
        p[i] -= rate * u[i];
    }
}

/* Both of Adam's: `shrink` is what parameters are multiplied by first, `decay` joins g. */
REAL_INLINE void adam(const gv_optimizer_call *call, const float *g, size_t count,
                      float *const *moments, float shrink, float decay, float *p)
{
    const double b1 = call->config->beta1;
    const double b2 = call->config->beta2;
    const float beta1 = (float)b1;
    const float beta2 = (float)b2;
    const float rest1 = (float)(1.0 - b1);
    const float rest2 = (float)(1.0 - b2);
    const float scale = (float)call->scale;
    const float epsilon = (float)call->config->epsilon;
    const float step = (float)(call->rate / (1.0 - pow(b1, (double)call->step)));
    const float root = (float)(1.0 / sqrt(1.0 - pow(b2, (double)call->step)));
    float *m = moments[0];
    float *v = moments[1];
    for (size_t i = 0; i < count; i++) {
        const float d = scale * g[i] + decay * p[i];
        m[i] = beta1 * m[i] + rest1 * d;
        v[i] = beta2 * v[i] + rest2 * (d * d);
        p[i] = shrink * p[i] - step * (m[i] / (sqrtf(v[i]) * root + epsilon));
    }
}

GV_VECTOR static void adam_update(const gv_optimizer_call *call, const float *g, size_t count,
                                  float *const *moments, float *p)
{
    adam(call, g, count, moments, 1.0F, (float)call->config->weight_decay, p);
}

GV_VECTOR static void adamw_update(const gv_optimizer_call *call, const float *g, size_t count,
                                   float *const *moments, float *p)
{
    const float shrink = (float)(1.0 - call->rate * call->config->weight_decay);
    adam(call, g, count, moments, shrink, 0.0F, p);
}

const gv_optimizer_type gv_optimizer_sgd = {
    .name = "sgd",
    .summary = "stochastic gradient descent, with momentum",
    .moments = 1,
    .update = sgd_update,
};

const gv_optimizer_type gv_optimizer_adam = {
    .name = "adam",
    .summary = "Adam (Kingma and Ba)",
    .moments = 2,
    .update = adam_update,
};

const gv_optimizer_type gv_optimizer_adamw = {
    .name = "adamw",
    .summary = "Adam with decoupled weight decay (Loshchilov and Hutter)",
    .moments = 2,
    .update = adamw_update,
};

const gv_optimizer_type *const gv_optimizer_types[] = {&gv_optimizer_sgd, &gv_optimizer_adam,
                                                       &gv_optimizer_adamw, NULL};

static void fill_defaults(gv_optimizer *optimizer)
{
    gv_optimizer_config *config = &optimizer->config;
    config->schedule = config->schedule == NULL ? &gv_schedule_constant : config->schedule;
    config->total = config->total == 0 ? 1 : config->total;
    if (config->beta1 == 0 && config->beta2 == 0) {
        config->beta1 = 0.9;
        config->beta2 = 0.999;
    }
    config->epsilon = config->epsilon == 0 ? 1e-8 : config->epsilon;
    if (config->trained != NULL) {
        assert(strlen(config->trained) < sizeof optimizer->trained);
        memcpy(optimizer->trained, config->trained, strlen(config->trained) + 1);
    }
    config->trained = optimizer->trained;
}

gv_status gv_optimizer_create(const gv_optimizer_config *config, gv_params *params,
                              gv_optimizer **out)
{
    assert(config->type != NULL);
    assert(gv_params_f32(params) != NULL);
    assert(config->type->moments <= GV_OPTIMIZER_MOMENTS_MAX);
    gv_optimizer *optimizer = gv_mem_alloc(sizeof *optimizer, 0, 0);
    if (optimizer == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for an optimiser");
    }
    optimizer->config = *config;
    optimizer->params = params;
    fill_defaults(optimizer);
    const size_t size = gv_params_size(params);
    for (size_t k = 0; k < config->type->moments; k++) {
        optimizer->moments[k] = gv_mem_alloc_vector(size, sizeof(float));
        if (optimizer->moments[k] == NULL) {
            gv_optimizer_destroy(optimizer);
            return GV_FAIL(GV_ENOMEM, "no memory for an optimiser of %zu parameters", size);
        }
        memset(optimizer->moments[k], 0, size * sizeof(float));
    }
    *out = optimizer;
    return GV_OK;
}

void gv_optimizer_destroy(gv_optimizer *optimizer)
{
    if (optimizer != NULL) {
        for (size_t k = 0; k < GV_OPTIMIZER_MOMENTS_MAX; k++) {
            gv_mem_free(optimizer->moments[k]);
        }
        gv_mem_free(optimizer);
    }
}

static bool is_trained(const gv_optimizer *optimizer, const gv_weight *param)
{
    return strncmp(param->name, optimizer->trained, strlen(optimizer->trained)) == 0;
}

/* In double, over lanes: a norm's last bits decide nothing, but they must not vary. */
GV_VECTOR static double square_sum(const float *x, size_t count)
{
    double lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lane[k] += (double)x[i + k] * (double)x[i + k];
        }
    }
    double total = 0;
    for (; i < count; i++) {
        total += (double)x[i] * (double)x[i];
    }
    for (size_t k = 0; k < LANES; k++) {
        total += lane[k];
    }
    return total;
}

/* *norm is written even when it is not finite. */
static gv_status measure(const gv_optimizer *optimizer, const float *gradients, double *norm)
{
    double total = 0;
    for (size_t k = 0; k < gv_params_count(optimizer->params); k++) {
        const gv_weight *param = gv_params_at(optimizer->params, k);
        if (!is_trained(optimizer, param)) {
            continue;
        }
        const double sum = square_sum(gradients + param->offset, param->count);
        if (!isfinite(sum)) {
            return GV_FAIL(GV_EINVAL, "step %llu: the gradient of '%s' is not finite",
                           (unsigned long long)optimizer->steps, param->name);
        }
        total += sum;
    }
    *norm = sqrt(total);
    return GV_OK;
}

double gv_optimizer_rate(const gv_optimizer *optimizer)
{
    const gv_optimizer_config *config = &optimizer->config;
    const uint64_t step = optimizer->steps;
    if (step < config->warm_up) {
        return config->rate * (double)(step + 1) / (double)config->warm_up;
    }
    return config->rate * config->schedule->share(step, config->warm_up, config->total);
}

gv_status gv_optimizer_step(gv_optimizer *optimizer, const float *gradients, double *norm)
{
    double length = 0;
    GV_TRY(measure(optimizer, gradients, &length));
    const double clip = optimizer->config.clip_norm;
    const gv_optimizer_call call = {
        .config = &optimizer->config,
        .rate = gv_optimizer_rate(optimizer),
        .scale = clip > 0 && length > clip ? clip / (length + CLIP_GUARD) : 1.0,
        .step = optimizer->steps + 1,
    };
    float *values = gv_params_f32(optimizer->params);
    for (size_t k = 0; k < gv_params_count(optimizer->params); k++) {
        const gv_weight *param = gv_params_at(optimizer->params, k);
        if (is_trained(optimizer, param)) {
            float *moments[GV_OPTIMIZER_MOMENTS_MAX] = {NULL};
            for (size_t i = 0; i < optimizer->config.type->moments; i++) {
                moments[i] = optimizer->moments[i] + param->offset;
            }
            optimizer->config.type->update(&call, gradients + param->offset, param->count, moments,
                                           values + param->offset);
        }
    }
    optimizer->steps++;
    if (norm != NULL) {
        *norm = length;
    }
    return GV_OK;
}

uint64_t gv_optimizer_steps(const gv_optimizer *optimizer)
{
    return optimizer->steps;
}

void gv_optimizer_resume(gv_optimizer *optimizer, uint64_t steps)
{
    optimizer->steps = steps;
}

float *gv_optimizer_moment(gv_optimizer *optimizer, size_t index)
{
    assert(index < optimizer->config.type->moments);
    return optimizer->moments[index];
}

const gv_optimizer_config *gv_optimizer_configured(const gv_optimizer *optimizer)
{
    return &optimizer->config;
}
