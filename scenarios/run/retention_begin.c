#include "scenarios/run/retention_begin.h"

#include <inttypes.h>
#include <string.h>

#include "scenarios/config/print.h"
#include "scenarios/run/begin.h"
#include "sim/base/hash.h"

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for where a run of retention came from");
}

static bool has_weights(const gv_retention_policy *policy)
{
    return policy->model != NULL && strcmp(policy->model, GV_RETENTION_TRUTH) != 0;
}

static gv_status read_inputs(const gv_retention_plan *plan, gv_inputs *inputs)
{
    for (size_t i = 0; i < plan->policy_count; i++) {
        if (has_weights(plan->policies[i])) {
            GV_TRY(gv_inputs_add_file(inputs, plan->policies[i]->model, "model"));
        }
    }
    return GV_OK;
}

/* A file's name decides nothing, and neither does the run's: bytes do. */
static bool decides_outcome(const gv_retention_plan *plan, const gv_scenario_value *value)
{
    if (strcmp(value->name, "name") == 0) {
        return false;
    }
    for (size_t i = 0; i < plan->policy_count && strcmp(value->key, "model") == 0; i++) {
        if (has_weights(plan->policies[i]) && strcmp(plan->policies[i]->model, value->value) == 0) {
            return false;
        }
    }
    return true;
}

static gv_status identify(const gv_retention_plan *plan, const gv_scenario_value *values,
                          size_t count, const gv_inputs *inputs, uint64_t *hash)
{
    *hash = 0;
    for (size_t i = 0; i < count; i++) {
        if (decides_outcome(plan, &values[i])) {
            const char *text = gv_region_print(inputs->region, "%016" PRIx64 " %s=%s", *hash,
                                               values[i].name, values[i].value);
            if (text == NULL) {
                return no_memory();
            }
            *hash = gv_hash(text, strlen(text));
        }
    }
    for (size_t i = 0; i < inputs->count; i++) {
        const uint64_t pair[2] = {*hash, inputs->items[i].hash};
        *hash = gv_hash(pair, sizeof pair);
    }
    return GV_OK;
}

static gv_status describe(gv_retention_plan *plan, const gv_retention_options *options,
                          gv_inputs *inputs, gv_run_record *record)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    gv_fact *facts = NULL;
    const gv_run_origin origin = {.arguments = options->arguments,
                                  .scenario_path = plan->path,
                                  .jobs = options->jobs,
                                  .reference = options->reference,
                                  .inputs = inputs};
    *record = (gv_run_record){.name = plan->top->name == NULL ? "retention" : plan->top->name,
                              .seed = (uint64_t)plan->top->seed,
                              .cell_count = plan->policy_count};
    GV_TRY(read_inputs(plan, inputs));
    GV_TRY(gv_retention_text(plan, &record->scenario_text));
    GV_TRY(gv_retention_values(plan, inputs->region, &values, &count));
    GV_TRY(gv_run_parameters(values, count, inputs->region, record));
    GV_TRY(identify(plan, values, count, inputs, &record->scenario_hash));
    GV_TRY(gv_run_origin_facts(&origin, inputs->region, 0, &facts, &record->provenance_count));
    record->provenance = facts;
    return GV_OK;
}

static gv_status begin_or_resume(gv_store *store, const gv_run_record *record, bool resume,
                                 gv_retention_result *result)
{
    int64_t unfinished_id = 0;
    const gv_status found = gv_store_find_unfinished(store, record->scenario_hash, &unfinished_id);
    if (found != GV_OK && found != GV_ENOTFOUND) {
        return found;
    }
    result->is_resumed = found == GV_OK && resume;
    if (result->is_resumed) {
        result->run_id = unfinished_id;
        return GV_OK;
    }
    result->unfinished_id = found == GV_OK ? unfinished_id : 0;
    return gv_store_begin_run(store, record, &result->run_id);
}

gv_status gv_retention_begin(gv_retention_plan *plan, gv_store *store,
                             const gv_retention_options *options, gv_retention_result *result)
{
    gv_region region = {.chunks = NULL};
    gv_inputs *inputs = gv_region_alloc(&region, 1, sizeof *inputs);
    gv_run_record record = {.name = NULL};
    gv_status status = no_memory();
    if (inputs != NULL) {
        inputs->region = &region;
        status = describe(plan, options, inputs, &record);
    }
    if (status == GV_OK) {
        status = begin_or_resume(store, &record, options->resume, result);
    }
    gv_region_fini(&region);
    return status;
}
