#include "scenarios/run/cell.h"

#include <assert.h>
#include <string.h>

#include "scenarios/config/print.h"
#include "scenarios/run/bid_log.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/market/replay.h"
#include "sim/market/trial.h"

enum { VALUE_SIZE = 64, FACTS_MAX = 64 };

gv_status gv_cell_worker_init(gv_cell_worker *worker, const gv_composition *composition)
{
    const size_t count = composition->scenario->campaign_count;
    worker->composition = composition;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    worker->histories = gv_mem_alloc(0, count, sizeof *worker->histories);
    return worker->histories == NULL ? GV_FAIL(GV_ENOMEM, "no memory for %zu histories", count)
                                     : GV_OK;
}

void gv_cell_worker_fini(gv_cell_worker *worker)
{
    if (worker->histories == NULL) {
        return;
    }
    for (size_t i = 0; i < worker->composition->scenario->campaign_count; i++) {
        gv_history_destroy(worker->histories[i]);
    }
    gv_mem_free(worker->histories);
    worker->histories = NULL;
}

/* The campaign's history as this thread has it; NULL: there is none. */
static gv_status find_history(gv_cell_worker *worker, const gv_cell *cell, const gv_history **out)
{
    const gv_composition *composition = worker->composition;
    const gv_composed_campaign *campaign = &composition->campaigns[cell->campaign_number];
    gv_history **own = &worker->histories[cell->campaign_number];
    *out = composition->totals;
    if (campaign->past.log == NULL) {
        return GV_OK;
    }
    if (*own == NULL) {
        GV_TRY(gv_logged_history_create(&campaign->past, campaign->past_name,
                                        composition->scenario->history->price_step_nanos, own));
    }
    *out = *own;
    return GV_OK;
}

/* All that a cell owns while it runs; zeroed, any of it may be missing. */
typedef struct run_parts {
    void *config;
    gv_trial *trial;
    gv_policy *policy;
    gv_source *source;
    gv_replay *replay;
    gv_bid_log log;
    gv_region region;
} run_parts;

static void release(run_parts *parts)
{
    gv_replay_destroy(parts->replay);
    gv_bid_log_abandon(&parts->log);
    if (parts->source != NULL) {
        parts->source->destroy(parts->source);
    }
    gv_policy_destroy(parts->policy);
    gv_trial_destroy(parts->trial);
    gv_region_fini(&parts->region);
    gv_mem_free(parts->config);
}

static gv_status copy_config(run_parts *parts, const gv_policy_plan *policy)
{
    const size_t size = policy->type->info.config_size;
    parts->config = gv_mem_alloc(0, size, 1);
    if (parts->config == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the parameters of %s", policy->name);
    }
    memcpy(parts->config, policy->section.config, size);
    return GV_OK;
}

static gv_status fit(gv_cell_worker *worker, const gv_cell_job *job, const gv_history *history,
                     run_parts *parts)
{
    const gv_cell *cell = job->cell;
    const gv_composition *composition = worker->composition;
    const gv_mechanism *mechanism = composition->scenario->mechanism;
    const gv_policy_type *type = cell->policy->type;
    const uint64_t seed = (uint64_t)composition->scenario->top->seed;
    gv_fit_input input = {.history = history,
                          .campaign = &cell->campaign,
                          .rules = gv_market_rules_of(mechanism),
                          .seed = seed};
    if (history != NULL && history->source != NULL && type->fit != NULL) {
        const gv_trial_config config = {.type = type,
                                        .history = history,
                                        .campaign = &cell->campaign,
                                        .mechanism = *mechanism,
                                        .times_are_ordinal = !composition->past_has_times,
                                        .seed = seed};
        GV_TRY(gv_trial_create(&config, &parts->trial));
        input = gv_trial_fit_input(parts->trial);
    }
    return gv_policy_fit(type, parts->config, &input, job->progress);
}

/* Fitted values go into a checkpoint as their texts, which read back to the same bits. */
static gv_status save_config(const gv_policy_plan *policy, const void *config, gv_writer *writer)
{
    for (const gv_param *row = policy->type->info.params; row != NULL && row->name != NULL; row++) {
        char text[VALUE_SIZE] = "";
        if (row->kind != GV_PARAM_TEXT && row->kind != GV_PARAM_PATH) {
            gv_param_print(row, config, text, sizeof text);
            GV_TRY(gv_writer_put(writer, "PARM", text, sizeof text));
        }
    }
    return GV_OK;
}

static gv_status restore_config(const gv_policy_plan *policy, void *config, gv_reader *reader)
{
    for (const gv_param *row = policy->type->info.params; row != NULL && row->name != NULL; row++) {
        char text[VALUE_SIZE] = "";
        if (row->kind != GV_PARAM_TEXT && row->kind != GV_PARAM_PATH) {
            GV_TRY(gv_reader_get(reader, "PARM", text, sizeof text));
            text[sizeof text - 1] = '\0';
            GV_TRY(gv_param_parse(row, text, 0, config));
        }
    }
    return GV_OK;
}

static gv_status prepare(gv_cell_worker *worker, const gv_cell_job *job, gv_reader *reader,
                         run_parts *parts)
{
    const gv_cell *cell = job->cell;
    const gv_composition *composition = worker->composition;
    const gv_mechanism *mechanism = composition->scenario->mechanism;
    const gv_history *history = NULL;
    GV_TRY(copy_config(parts, cell->policy));
    GV_TRY(find_history(worker, cell, &history));
    if (job->saved != NULL) {
        GV_TRY(restore_config(cell->policy, parts->config, reader));
    } else {
        GV_TRY(fit(worker, job, history, parts));
    }
    const gv_policy_setup setup = {.config = parts->config,
                                   .campaign = &cell->campaign,
                                   .rules = gv_market_rules_of(mechanism),
                                   .history = history,
                                   .seed = (uint64_t)composition->scenario->top->seed};
    GV_TRY(gv_policy_create(cell->policy->type, &setup, &parts->policy));
    GV_TRY(gv_logged_source_create(&composition->campaigns[cell->campaign_number].rows,
                                   &parts->source));
    GV_TRY(gv_bid_log_open(&parts->log, job->log_folder, cell->number,
                           gv_exploration_of(composition->scenario->exploration),
                           composition->zone_us));
    const gv_replay_config config = {
        .source = parts->source,
        .campaign = &cell->campaign,
        .mechanism = *mechanism,
        .policy = parts->policy,
        .exploration = gv_exploration_of(composition->scenario->exploration),
        .tap = job->log_folder == NULL ? job->tap : gv_bid_log_tap(&parts->log),
        .reference = job->reference};
    GV_TRY(gv_replay_create(&config, &parts->replay));
    return job->saved == NULL ? GV_OK : gv_replay_restore(parts->replay, reader);
}

/* The policy's parameters as the cell ran with them, and what they were fitted on. */
static gv_status list_facts(const gv_cell_worker *worker, const gv_cell *cell, run_parts *parts,
                            gv_fact facts[FACTS_MAX], size_t *count)
{
    const gv_scenario_value *values = NULL;
    size_t value_count = 0;
    bool is_fitted = false;
    GV_TRY(gv_section_values(&cell->policy->section, parts->config, &parts->region, &values,
                             &value_count));
    assert(value_count < FACTS_MAX);
    for (size_t i = 0; i < value_count; i++) {
        facts[(*count)++] =
            (gv_fact){.name = values[i].key, .value = values[i].value, .origin = values[i].origin};
        is_fitted = is_fitted || strcmp(values[i].origin, gv_origin_name(GV_FROM_FIT)) == 0;
    }
    const char *past = worker->composition->campaigns[cell->campaign_number].past_name;
    if (is_fitted && past != NULL) {
        facts[(*count)++] =
            (gv_fact){.name = "fit", .value = past, .origin = gv_origin_name(GV_FROM_FIT)};
    }
    return GV_OK;
}

static gv_status finish(const gv_cell_worker *worker, const gv_cell_job *job, run_parts *parts,
                        int64_t wall_us)
{
    const gv_cell *cell = job->cell;
    gv_fact facts[FACTS_MAX];
    gv_cell_record record = {
        .cell = cell->number,
        .campaign = &cell->campaign,
        .policy = cell->policy->name,
        .policy_type = cell->policy->type->info.name,
        .budget_label = cell->budget_label,
        .parameters = facts,
        .total = gv_replay_total(parts->replay),
        .episodes = gv_replay_episodes(parts->replay),
        .event_count = gv_replay_events(parts->replay),
        .wall_us = wall_us,
    };
    record.ticks = gv_replay_ticks(parts->replay, &record.tick_count);
    GV_TRY(list_facts(worker, cell, parts, facts, &record.parameter_count));
    return job->finish(job->context, &record, 1);
}

/* Until the campaign's end, or to a checkpoint. */
static gv_status replay(const gv_cell_worker *worker, const gv_cell_job *job, run_parts *parts,
                        gv_writer *writer)
{
    const int64_t start_us = gv_wall_us();
    const gv_status status = gv_replay_run(parts->replay, job->progress);
    if (status == GV_OK) {
        GV_TRY(gv_bid_log_commit(&parts->log));
        return finish(worker, job, parts, gv_wall_us() - start_us);
    }
    if (status != GV_ESTOPPED) {
        return status;
    }
    if (job->log_folder != NULL) {
        return status;
    }
    GV_TRY(save_config(job->cell->policy, parts->config, writer));
    GV_TRY(gv_replay_save(parts->replay, writer));
    return GV_FAIL(GV_ESTOPPED, "stopped while running");
}

gv_status gv_cell_run(gv_cell_worker *worker, const gv_cell_job *job, gv_writer *writer)
{
    run_parts parts = {.config = NULL};
    gv_reader reader = {.bytes = job->saved, .size = job->saved_size};
    gv_status status = prepare(worker, job, &reader, &parts);
    if (status == GV_OK) {
        status = replay(worker, job, &parts, writer);
    }
    release(&parts);
    return status;
}
