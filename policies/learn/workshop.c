#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "policies/learn/workshop_impl.h"

#define PARAMS_TAG "params"

static gv_status check_common(const gv_type_info *info, const gv_learner_common *common)
{
    if (common->batch % common->shards != 0) {
        return GV_FAIL(GV_EUSAGE,
                       "%s: a batch of %" PRId64 " cannot be cut into %" PRId64
                       " equal shards: make batch a multiple of shards",
                       info->name, common->batch, common->shards);
    }
    return GV_OK;
}

gv_workshop_config gv_workshop_of_transitions(const gv_type_info *info,
                                              const gv_learner_setup *setup, const char *served,
                                              bool is_continuous)
{
    const gv_learner_common *common = setup->config;
    return (gv_workshop_config){.info = info,
                                .setup = setup,
                                .served = served,
                                .scaling = {.kind = GV_SCALING_COUNTS,
                                            .scales_actions = common->scales_actions,
                                            .scales_rewards = true,
                                            .is_continuous = is_continuous},
                                .has_batch = true};
}

gv_status gv_workshop_open(gv_workshop *workshop, const gv_workshop_config *config)
{
    const gv_learner_common *common = config->setup->config;
    workshop->setup = *config->setup;
    workshop->common = common;
    workshop->served = config->served;
    workshop->anneals = config->anneals;
    GV_TRY(check_common(config->info, common));
    workshop->scaling = gv_scaling_fit(config->setup->dataset, &config->scaling);
    GV_TRY(gv_params_create(GV_F32, &workshop->params));
    return config->has_batch ? gv_transitions_create((size_t)common->batch, &workshop->batch)
                             : GV_OK;
}

gv_status gv_workshop_add(gv_workshop *workshop, const gv_objective_config *config)
{
    assert(workshop->count < GV_WORKSHOP_LOSSES_MAX);
    gv_objective_config complete = *config;
    complete.params = workshop->params;
    complete.shards = (size_t)workshop->common->shards;
    if (config->batch == 0) {
        complete.batch = (size_t)workshop->common->batch;
    }
    complete.jobs = workshop->setup.jobs;
    complete.seed = workshop->setup.seed;
    if (config->optimizer.type == NULL) {
        complete.optimizer =
            (gv_optimizer_config){.type = &gv_optimizer_adam,
                                  .schedule = workshop->anneals ? &gv_schedule_cosine : NULL,
                                  .total = (uint64_t)workshop->common->steps,
                                  .rate = workshop->common->rate};
    }
    GV_TRY(gv_objective_build(&complete, &workshop->objectives[workshop->count]));
    workshop->count++;
    return GV_OK;
}

gv_status gv_workshop_begin(gv_workshop *workshop)
{
    GV_TRY(gv_params_draw(workshop->params, workshop->setup.seed));
    for (size_t i = 0; i < workshop->count; i++) {
        GV_TRY(gv_objective_begin(workshop->objectives[i]));
    }
    return GV_OK;
}

gv_status gv_workshop_run(gv_workshop *workshop, size_t index, double *loss)
{
    assert(index < workshop->count);
    return gv_objective_run(workshop->objectives[index], loss);
}

static gv_status save_params(const gv_params *params, gv_writer *writer)
{
    return gv_writer_put(writer, PARAMS_TAG, gv_params_read_f32(params),
                         gv_params_size(params) * sizeof(float));
}

static gv_status restore_params(gv_params *params, gv_reader *reader)
{
    return gv_reader_get(reader, PARAMS_TAG, gv_params_f32(params),
                         gv_params_size(params) * sizeof(float));
}

gv_network_view gv_workshop_network(const void *state)
{
    const gv_workshop *workshop = state;
    return (gv_network_view){
        .params = workshop->params, .prefix = workshop->served, .scaling = &workshop->scaling};
}

gv_status gv_workshop_save(const void *state, gv_writer *writer)
{
    const gv_workshop *workshop = state;
    GV_TRY(save_params(workshop->params, writer));
    for (size_t i = 0; i < workshop->count; i++) {
        GV_TRY(gv_objective_save(workshop->objectives[i], writer));
    }
    return GV_OK;
}

gv_status gv_workshop_restore(void *state, gv_reader *reader)
{
    const gv_workshop *workshop = state;
    GV_TRY(restore_params(workshop->params, reader));
    for (size_t i = 0; i < workshop->count; i++) {
        GV_TRY(gv_objective_restore(workshop->objectives[i], reader));
    }
    return GV_OK;
}

void gv_workshop_fini(void *state)
{
    const gv_workshop *workshop = state;
    for (size_t i = 0; i < GV_WORKSHOP_LOSSES_MAX; i++) {
        gv_objective_destroy(workshop->objectives[i]);
    }
    gv_transitions_destroy(workshop->batch);
    gv_params_destroy(workshop->params);
}

/* ---- inputs of transitions ------------------------------------------------------------------- */

gv_transition_nodes gv_transition_inputs(gv_graph *graph, size_t size, bool has_next)
{
    const gv_shape state = gv_shape_of(2, (size_t[]){size, GV_STATE_SIZE});
    const gv_shape one = gv_shape_of(2, (size_t[]){size, 1});
    gv_transition_nodes nodes = {
        .next = GV_NODE_NONE, .reward = GV_NODE_NONE, .goes_on = GV_NODE_NONE};
    nodes.state = gv_graph_input(graph, "state", state);
    nodes.action = gv_graph_input(graph, "action", one);
    if (has_next) {
        nodes.next = gv_graph_input(graph, "next", state);
        nodes.reward = gv_graph_input(graph, "reward", one);
        nodes.goes_on = gv_graph_input(graph, "goes_on", one);
    }
    return nodes;
}

void gv_transition_fill(const gv_shard *shard, const gv_transition_nodes *nodes,
                        const gv_transitions *batch)
{
    gv_shard_put(shard, nodes->state, batch->states, GV_STATE_SIZE);
    gv_shard_put(shard, nodes->action, batch->actions, 1);
    if (nodes->next != GV_NODE_NONE) {
        gv_shard_put(shard, nodes->next, batch->nexts, GV_STATE_SIZE);
        gv_shard_put(shard, nodes->reward, batch->rewards, 1);
        gv_shard_put(shard, nodes->goes_on, batch->goes_on, 1);
    }
}
