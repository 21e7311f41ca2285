#include <assert.h>
#include <math.h>
#include <string.h>

#include "policies/learn/objective_impl.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/base/vector.h"

#define PARAMS_TAG "params"

/*
 * Adam (Kingma and Ba, 2015) with decoupled decay (Loshchilov and Hutter, 2019), as torch's:
 *
 *     m = b1 m + (1 - b1) g       v = b2 v + (1 - b2) g^2
 *     w = w - rate decay w - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
 */
static const double beta_1 = 0.9;
static const double beta_2 = 0.999;
static const double epsilon = 1e-8;

struct gv_objective {
    gv_objective_config config;
    gv_graph *graph;
    gv_tape **tapes;  /* [shards] */
    float *gradients; /* [shards][block] */
    float *moments;   /* [2][block]: m, v */
    double *losses;   /* [shards] */
    size_t block;
    uint64_t moved; /* t */
    uint64_t step;  /* under way */
};

static size_t examples_of(const gv_objective_config *config)
{
    return config->batch / config->shards;
}

gv_status gv_objective_build(const gv_objective_config *config, gv_objective **out)
{
    assert(config->shards >= 1);
    assert(config->batch % config->shards == 0);
    gv_objective *objective = gv_mem_alloc(sizeof *objective, 0, 0);
    if (objective == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the loss \"%s\"", config->loss);
    }
    objective->config = *config;
    const gv_graph_config graph = {
        .params = config->params, .shards = config->shards, .trained = config->trained};
    gv_status status = gv_graph_create(&graph, &objective->graph);
    if (status == GV_OK) {
        const gv_node loss = config->build(config->context, objective->graph, examples_of(config));
        status = gv_graph_finish(objective->graph, loss);
    }
    if (status != GV_OK) {
        gv_objective_destroy(objective);
        return status;
    }
    *out = objective;
    return GV_OK;
}

void gv_objective_destroy(gv_objective *objective)
{
    if (objective == NULL) {
        return;
    }
    for (size_t s = 0; objective->tapes != NULL && s < objective->config.shards; s++) {
        gv_tape_destroy(objective->tapes[s]);
    }
    gv_mem_free(objective->tapes);
    gv_mem_free(objective->gradients);
    gv_mem_free(objective->moments);
    gv_mem_free(objective->losses);
    gv_graph_destroy(objective->graph);
    gv_mem_free(objective);
}

static float *zeroed(size_t count)
{
    float *numbers = gv_mem_alloc_vector(count, sizeof *numbers);
    if (numbers != NULL) {
        memset(numbers, 0, count * sizeof *numbers);
    }
    return numbers;
}

gv_status gv_objective_begin(gv_objective *objective)
{
    const gv_objective_config *config = &objective->config;
    objective->block = gv_params_size(config->params);
    objective->gradients = zeroed(config->shards * objective->block);
    objective->moments = zeroed(2 * objective->block);
    objective->losses = gv_mem_alloc(0, config->shards, sizeof *objective->losses);
    objective->tapes = gv_mem_alloc(0, config->shards, sizeof(gv_tape *));
    if (objective->gradients == NULL || objective->moments == NULL || objective->losses == NULL ||
        objective->tapes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the gradients of \"%s\" in %zu shards",
                       config->loss, config->shards);
    }
    for (size_t s = 0; s < config->shards; s++) {
        GV_TRY(gv_tape_create(objective->graph, config->params, &objective->tapes[s]));
    }
    return GV_OK;
}

/* ---- a step ---------------------------------------------------------------------------------- */

static gv_status run_shard(void *context, size_t index, size_t worker)
{
    (void)worker;
    gv_objective *objective = context;
    const gv_objective_config *config = &objective->config;
    const gv_shard shard = {.tape = objective->tapes[index],
                            .step = objective->step,
                            .number = index,
                            .size = examples_of(config)};
    const gv_tape_step step = {
        .seed = config->seed, .step = objective->step, .shard = index, .is_training = true};
    config->fill(config->context, &shard);
    gv_tape_forward(shard.tape, &step);
    objective->losses[index] = gv_tape_loss(shard.tape);
    if (config->read != NULL) {
        config->read(config->context, &shard);
    }
    gv_tape_backward(shard.tape, objective->gradients + index * objective->block);
    return GV_OK;
}

GV_VECTOR
static void add_block(float *restrict to, const float *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] += from[i];
    }
}

/* Shard 0 becomes the sum, by pairs of pairs. */
static void add_gradients(gv_objective *objective)
{
    const size_t block = objective->block;
    const size_t shards = objective->config.shards;
    for (size_t apart = 1; apart < shards; apart *= 2) {
        for (size_t s = 0; s + apart < shards; s += 2 * apart) {
            add_block(objective->gradients + s * block, objective->gradients + (s + apart) * block,
                      block);
        }
    }
}

static bool is_trained(const gv_objective *objective, size_t index)
{
    const char *prefix = objective->config.trained;
    const char *name = gv_params_at(objective->config.params, index)->name;
    return prefix == NULL || strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Of a gradient block; the sum of squares of all that is trained, tensor by tensor. */
static gv_status measure(const gv_objective *objective, double *square)
{
    const gv_params *params = objective->config.params;
    *square = 0;
    for (size_t k = 0; k < gv_params_count(params); k++) {
        if (!is_trained(objective, k)) {
            continue;
        }
        const float *g = objective->gradients + gv_params_at(params, k)->offset;
        double sum = 0;
        for (size_t i = 0; i < gv_params_at(params, k)->count; i++) {
            sum += (double)g[i] * (double)g[i];
        }
        if (!isfinite(sum)) {
            return GV_FAIL(GV_EINVAL,
                           "the gradient of \"%s\" with respect to \"%s\" is not finite: a lower "
                           "rate of learning may help",
                           objective->config.loss, gv_params_at(params, k)->name);
        }
        *square += sum;
    }
    return GV_OK;
}

/* What a step is made of, the same for all tensors. */
typedef struct move {
    float scale; /* of the gradient: clipping */
    float step;  /* rate / (1 - b1^t) */
    float root;  /* 1 / sqrt(1 - b2^t) */
    float keep;  /* 1 - rate decay */
} move;

GV_VECTOR
static void move_tensor(const move *by, size_t count, const float *restrict g, float *restrict m,
                        float *restrict v, float *restrict w)
{
    const float b1 = (float)beta_1;
    const float b2 = (float)beta_2;
    for (size_t i = 0; i < count; i++) {
        const float gradient = g[i] * by->scale;
        m[i] = b1 * m[i] + (1 - b1) * gradient;
        v[i] = b2 * v[i] + (1 - b2) * gradient * gradient;
        w[i] = w[i] * by->keep - by->step * m[i] / (sqrtf(v[i]) * by->root + (float)epsilon);
    }
}

static void move_weights(gv_objective *objective, double rate, double norm)
{
    const gv_objective_config *config = &objective->config;
    const double t = (double)++objective->moved;
    const bool is_clipped = config->clip > 0 && norm > config->clip;
    const move by = {.scale = is_clipped ? (float)(config->clip / norm) : 1.0F,
                     .step = (float)(rate / (1 - pow(beta_1, t))),
                     .root = (float)(1 / sqrt(1 - pow(beta_2, t))),
                     .keep = (float)(1 - rate * config->decay)};
    float *weights = gv_params_f32(config->params);
    for (size_t k = 0; k < gv_params_count(config->params); k++) {
        if (is_trained(objective, k)) {
            const size_t at = gv_params_at(config->params, k)->offset;
            move_tensor(&by, gv_params_at(config->params, k)->count, objective->gradients + at,
                        objective->moments + at, objective->moments + objective->block + at,
                        weights + at);
        }
    }
}

gv_status gv_objective_run(gv_objective *objective, uint64_t step, size_t jobs, double rate_factor,
                           double *loss)
{
    const gv_objective_config *config = &objective->config;
    double square = 0;
    double sum = 0;
    objective->step = step;
    GV_TRY(gv_parallel_for(jobs, config->shards, run_shard, objective));
    for (size_t s = 0; s < config->shards; s++) {
        sum += objective->losses[s];
    }
    if (!isfinite(sum)) {
        return GV_FAIL(GV_EINVAL, "the loss \"%s\" is %g: a lower rate of learning may help",
                       config->loss, sum);
    }
    add_gradients(objective);
    GV_TRY(measure(objective, &square));
    move_weights(objective, rate_factor * config->rate, sqrt(square));
    *loss = sum;
    return GV_OK;
}

void gv_shard_put(const gv_shard *shard, gv_node node, const float *rows, size_t width)
{
    const size_t count = shard->size * width;
    memcpy(gv_tape_f32(shard->tape, node), rows + shard->number * count, count * sizeof *rows);
}

/* ---- going on -------------------------------------------------------------------------------- */

gv_status gv_objective_save(const gv_objective *objective, gv_writer *writer)
{
    const size_t size = 2 * objective->block * sizeof *objective->moments;
    GV_TRY(gv_writer_put(writer, objective->config.loss, objective->moments, size));
    return gv_writer_put(writer, "moved", &objective->moved, sizeof objective->moved);
}

gv_status gv_objective_restore(gv_objective *objective, gv_reader *reader)
{
    const size_t size = 2 * objective->block * sizeof *objective->moments;
    GV_TRY(gv_reader_get(reader, objective->config.loss, objective->moments, size));
    return gv_reader_get(reader, "moved", &objective->moved, sizeof objective->moved);
}

gv_status gv_params_save(const gv_params *params, gv_writer *writer)
{
    return gv_writer_put(writer, PARAMS_TAG, gv_params_read_f32(params),
                         gv_params_size(params) * sizeof(float));
}

gv_status gv_params_restore(gv_params *params, gv_reader *reader)
{
    return gv_reader_get(reader, PARAMS_TAG, gv_params_f32(params),
                         gv_params_size(params) * sizeof(float));
}
