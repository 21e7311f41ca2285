#include "scenarios/run/begin.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/config/print.h"
#include "scenarios/run/version.h"

enum { OWN_FACTS = 8, FACTS_PER_INPUT = 3, FACTS_PER_WARNING = 2 };

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for where a run came from");
}

/* The run's name: the scenario's, else its file's without folder and ending. */
static const char *name_of(const gv_scenario *scenario, gv_region *region)
{
    if (scenario->top->name != NULL) {
        return scenario->top->name;
    }
    const char *slash = strrchr(scenario->path, '/');
    const char *file = slash == NULL ? scenario->path : slash + 1;
    const char *dot = strrchr(file, '.');
    return gv_region_text(region, file,
                          dot == NULL || dot == file ? strlen(file) : (size_t)(dot - file));
}

gv_status gv_run_parameters(const gv_scenario_value *values, size_t count, gv_region *region,
                            gv_run_record *record)
{
    gv_fact *facts = gv_region_alloc(region, count, sizeof *facts);
    if (facts == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        if (values[i].origin != NULL) {
            facts[record->parameter_count++] = (gv_fact){
                .name = values[i].name, .value = values[i].value, .origin = values[i].origin};
        }
    }
    record->parameters = facts;
    return GV_OK;
}

static gv_status list_parameters(const gv_composition *composition, gv_region *region,
                                 gv_run_record *record)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    GV_TRY(gv_scenario_values(composition->scenario, region, &values, &count));
    return gv_run_parameters(values, count, region, record);
}

static void add(gv_fact *facts, size_t *count, const char *name, const char *value)
{
    facts[(*count)++] = (gv_fact){.name = name, .value = value};
}

static bool add_inputs(const gv_inputs *inputs, gv_region *region, gv_fact *facts, size_t *count)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const char *path = gv_region_print(region, "input.%zu.path", i);
        const char *kind = gv_region_print(region, "input.%zu.format", i);
        const char *hash = gv_region_print(region, "input.%zu.hash", i);
        const char *hex = gv_region_print(region, "%016" PRIx64, inputs->items[i].hash);
        if (path == NULL || kind == NULL || hash == NULL || hex == NULL) {
            return false;
        }
        add(facts, count, path, inputs->items[i].path);
        add(facts, count, kind, inputs->items[i].kind);
        add(facts, count, hash, hex);
    }
    return true;
}

gv_status gv_run_origin_facts(const gv_run_origin *origin, gv_region *region, size_t more,
                              gv_fact **facts, size_t *count)
{
    gv_version_fact *versions = gv_region_alloc(region, GV_VERSION_FACTS_MAX, sizeof *versions);
    const size_t room =
        OWN_FACTS + GV_VERSION_FACTS_MAX + FACTS_PER_INPUT * origin->inputs->count + more;
    const char *jobs = gv_region_print(region, "%zu", origin->jobs);
    *facts = gv_region_alloc(region, room, sizeof **facts);
    *count = 0;
    if (versions == NULL || *facts == NULL || jobs == NULL) {
        return no_memory();
    }
    add(*facts, count, "version", gv_version());
    add(*facts, count, "commit", gv_version_commit());
    add(*facts, count, "argv", origin->arguments);
    add(*facts, count, "scenario_path", origin->scenario_path);
    add(*facts, count, "jobs", jobs);
    add(*facts, count, "engine", origin->reference ? "reference" : "batch");
    const size_t version_count = gv_version_facts(versions);
    for (size_t i = 0; i < version_count; i++) {
        add(*facts, count, versions[i].name, versions[i].value);
    }
    return add_inputs(origin->inputs, region, *facts, count) ? GV_OK : no_memory();
}

/* What a run warns of: under its kind, whose policy it is and, by a name, the rest. */
typedef struct warning {
    const char *kind;
    const char *policy;
    const char *name;
    const char *text;
} warning;

/* "leak.0.policy", "leak.0.periods" */
static bool add_warning(const warning *one, size_t number, gv_region *region, gv_fact *facts,
                        size_t *count)
{
    const char *policy = gv_region_print(region, "%s.%zu.policy", one->kind, number);
    const char *rest = gv_region_print(region, "%s.%zu.%s", one->kind, number, one->name);
    if (policy == NULL || rest == NULL) {
        return false;
    }
    add(facts, count, policy, one->policy);
    add(facts, count, rest, one->text);
    return true;
}

static bool add_warnings(const gv_composition *composition, gv_region *region, gv_fact *facts,
                         size_t *count)
{
    bool is_whole = true;
    for (size_t i = 0; is_whole && i < composition->leak_count; i++) {
        const gv_leak *leak = &composition->leaks[i];
        const warning one = {"leak", leak->policy, "periods", leak->periods};
        is_whole = add_warning(&one, i, region, facts, count);
    }
    for (size_t i = 0; is_whole && i < composition->unlearned_count; i++) {
        const gv_unlearned *unlearned = &composition->unlearned[i];
        const warning one = {"unlearned", unlearned->policy, "campaigns", unlearned->campaigns};
        is_whole = add_warning(&one, i, region, facts, count);
    }
    return is_whole;
}

/* Where the logs are, from wherever they are looked for. */
static gv_status add_folder(const char *folder, gv_region *region, gv_fact *facts, size_t *count)
{
    char path[PATH_MAX];
    if (realpath(folder, path) == NULL) {
        return GV_FAIL(GV_EIO, "%s: %s, where logs are to be written", folder, strerror(errno));
    }
    const char *text = gv_region_text(region, path, strlen(path));
    if (text == NULL) {
        return no_memory();
    }
    add(facts, count, "logs", text);
    return GV_OK;
}

static gv_status list_provenance(const gv_composition *composition, const gv_run_options *options,
                                 gv_region *region, gv_run_record *record)
{
    const gv_run_origin origin = {.arguments = options->arguments,
                                  .scenario_path = composition->scenario->path,
                                  .jobs = options->jobs,
                                  .reference = options->reference,
                                  .inputs = &composition->inputs};
    const size_t warnings = composition->leak_count + composition->unlearned_count;
    gv_fact *facts = NULL;
    size_t count = 0;
    GV_TRY(gv_run_origin_facts(&origin, region, FACTS_PER_WARNING * warnings, &facts, &count));
    if (options->log_folder != NULL) {
        GV_TRY(add_folder(options->log_folder, region, facts, &count));
    }
    if (!add_warnings(composition, region, facts, &count)) {
        return no_memory();
    }
    record->provenance = facts;
    record->provenance_count = count;
    return GV_OK;
}

/* A text cell of the reject table as a text of its own. */
static const char *copy_cell(gv_region *region, const gv_log_column *column, uint64_t row)
{
    size_t size = 0;
    const char *text = column == NULL ? "" : gv_log_text(column, row, &size);
    return gv_region_text(region, text, size);
}

static gv_status check_column(const gv_log_column *column, uint64_t rows)
{
    return column == NULL ? GV_OK : gv_log_check(column, 0, rows);
}

static gv_status list_rejects(const gv_log *log, gv_region *region, gv_run_record *record)
{
    const uint64_t rows = gv_log_rows(log, GV_LOG_REJECT);
    const gv_log_column *file = gv_log_find(log, GV_LOG_REJECT, "file");
    const gv_log_column *line = gv_log_find(log, GV_LOG_REJECT, "line");
    const gv_log_column *column = gv_log_find(log, GV_LOG_REJECT, "column");
    const gv_log_column *reason = gv_log_find(log, GV_LOG_REJECT, "reason");
    const gv_log_column *text = gv_log_find(log, GV_LOG_REJECT, "text");
    if (rows == 0 || line == NULL || column == NULL) {
        return GV_OK;
    }
    GV_TRY(check_column(file, rows));
    GV_TRY(check_column(line, rows));
    GV_TRY(check_column(column, rows));
    GV_TRY(check_column(reason, rows));
    GV_TRY(check_column(text, rows));
    gv_reject_record *rejects = gv_region_alloc(region, rows, sizeof *rejects);
    if (rejects == NULL) {
        return no_memory();
    }
    for (uint64_t i = 0; i < rows; i++) {
        rejects[i] = (gv_reject_record){.file = copy_cell(region, file, i),
                                        .line = (uint64_t)gv_log_integers(line)[i],
                                        .field = (uint64_t)gv_log_integers(column)[i],
                                        .reason = copy_cell(region, reason, i),
                                        .text = copy_cell(region, text, i)};
        if (rejects[i].file == NULL || rejects[i].reason == NULL || rejects[i].text == NULL) {
            return no_memory();
        }
    }
    record->rejects = rejects;
    record->reject_count = rows;
    return GV_OK;
}

static gv_status begin(const gv_composition *composition, gv_store *store,
                       const gv_run_options *options, gv_region *region, int64_t *run_id)
{
    gv_run_record record = {.reserved_id = options->run_id,
                            .name = name_of(composition->scenario, region),
                            .scenario_hash = composition->hash,
                            .seed = (uint64_t)composition->scenario->top->seed,
                            .cell_count = composition->cell_count};
    if (record.name == NULL) {
        return no_memory();
    }
    GV_TRY(gv_scenario_text(composition->scenario, region, &record.scenario_text));
    GV_TRY(list_parameters(composition, region, &record));
    GV_TRY(list_provenance(composition, options, region, &record));
    if (composition->log != NULL) {
        GV_TRY(list_rejects(composition->log, region, &record));
    }
    return gv_store_begin_run(store, &record, run_id);
}

gv_status gv_run_begin(const gv_composition *composition, gv_store *store,
                       const gv_run_options *options, int64_t *run_id)
{
    gv_region region = {.chunks = NULL};
    const gv_status status = begin(composition, store, options, &region, run_id);
    gv_region_fini(&region);
    return status;
}
