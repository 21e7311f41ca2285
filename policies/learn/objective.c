#include <assert.h>
#include <string.h>

#include "models/nn/trainer.h"
#include "policies/learn/objective_impl.h"
#include "sim/base/mem.h"

#define STEPS_TAG "optimizer_steps"

struct gv_objective {
    gv_objective_config config;
    gv_graph *graph;
    gv_optimizer *optimizer;
    gv_trainer *trainer;
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
    objective->config.optimizer.trained = config->trained;
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
    if (objective != NULL) {
        gv_trainer_destroy(objective->trainer);
        gv_optimizer_destroy(objective->optimizer);
        gv_graph_destroy(objective->graph);
        gv_mem_free(objective);
    }
}

static void fill(void *context, gv_tape *tape, uint64_t step, size_t number)
{
    const gv_objective *objective = context;
    const gv_objective_config *config = &objective->config;
    const gv_shard shard = {
        .tape = tape, .step = step, .number = number, .size = examples_of(config)};
    config->fill(config->context, &shard);
}

gv_status gv_objective_begin(gv_objective *objective)
{
    const gv_objective_config *config = &objective->config;
    GV_TRY(gv_optimizer_create(&config->optimizer, config->params, &objective->optimizer));
    const gv_trainer_config trainer = {.graph = objective->graph,
                                       .params = config->params,
                                       .optimizer = objective->optimizer,
                                       .shards = config->shards,
                                       .jobs = config->jobs,
                                       .seed = config->seed,
                                       .fill = fill,
                                       .context = objective};
    return gv_trainer_create(&trainer, &objective->trainer);
}

gv_status gv_objective_run(gv_objective *objective, double *loss)
{
    gv_trainer_report report = {0};
    const gv_status status = gv_trainer_step(objective->trainer, &report);
    if (status != GV_OK) {
        return GV_FAIL(status, "the loss \"%s\": %.900s", objective->config.loss,
                       gv_status_detail());
    }
    *loss = report.loss;
    return GV_OK;
}

gv_status gv_objective_measure(gv_objective *objective, double *loss)
{
    return gv_trainer_loss(objective->trainer, gv_optimizer_steps(objective->optimizer), loss);
}

void gv_shard_put(const gv_shard *shard, gv_node node, const float *rows, size_t width)
{
    const size_t count = shard->size * width;
    memcpy(gv_tape_f32(shard->tape, node), rows + shard->number * count, count * sizeof *rows);
}

/* ---- going on -------------------------------------------------------------------------------- */

static size_t moments_size(const gv_objective *objective)
{
    return gv_params_size(objective->config.params) * sizeof(float);
}

gv_status gv_objective_save(const gv_objective *objective, gv_writer *writer)
{
    const uint64_t steps = gv_optimizer_steps(objective->optimizer);
    for (size_t i = 0; i < objective->config.optimizer.type->moments; i++) {
        GV_TRY(gv_writer_put(writer, objective->config.loss,
                             gv_optimizer_moment(objective->optimizer, i),
                             moments_size(objective)));
    }
    return gv_writer_put(writer, STEPS_TAG, &steps, sizeof steps);
}

gv_status gv_objective_restore(gv_objective *objective, gv_reader *reader)
{
    uint64_t steps = 0;
    for (size_t i = 0; i < objective->config.optimizer.type->moments; i++) {
        GV_TRY(gv_reader_get(reader, objective->config.loss,
                             gv_optimizer_moment(objective->optimizer, i),
                             moments_size(objective)));
    }
    GV_TRY(gv_reader_get(reader, STEPS_TAG, &steps, sizeof steps));
    gv_optimizer_resume(objective->optimizer, steps);
    return GV_OK;
}
