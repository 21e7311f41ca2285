#include "scenarios/compose/compose.h"

#include <inttypes.h>
#include <string.h>

#include "scenarios/compose/compose_impl.h"
#include "scenarios/config/print.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

void gv_composition_destroy(gv_composition *composition)
{
    if (composition == NULL) {
        return;
    }
    gv_market_destroy(composition->market);
    gv_predictor_destroy(composition->predictor);
    gv_predictor_destroy(composition->truth_predictor);
    if (composition->past_log != composition->log) {
        gv_log_close(composition->past_log);
    }
    gv_log_close(composition->log);
    gv_region_fini(&composition->region);
    gv_mem_free(composition);
}

/* A scenario's mistake becomes a problem with its place; the world's stays a status. */
static gv_status place(gv_composition *composition, const gv_section *section, const char *row,
                       gv_status status)
{
    if (status != GV_EUSAGE) {
        return status;
    }
    gv_problems_add(&composition->scenario->problems, gv_section_mark(section, row), "%s.%s: %s",
                    section->path, row, gv_status_detail());
    return gv_problems_fail(&composition->scenario->problems);
}

static gv_status open_log(gv_composition *composition, size_t jobs, const gv_progress *progress)
{
    const gv_scenario *scenario = composition->scenario;
    const gv_input_plan plan = {.path = scenario->log->path,
                                .format = scenario->log->format,
                                .mapping = scenario->log->mapping,
                                .rejects_max = scenario->log->rejects_max,
                                .jobs = jobs};
    return place(composition, &scenario->log_section, "format",
                 gv_inputs_open(&composition->inputs, &plan, progress, &composition->log));
}

static gv_status open_history(gv_composition *composition, size_t jobs, const gv_progress *progress)
{
    const gv_scenario *scenario = composition->scenario;
    const gv_history_plan *history = scenario->history;
    if (history == NULL) {
        return GV_OK;
    }
    if (history->path == NULL) {
        composition->past_log = composition->log;
        return GV_OK;
    }
    if (strcmp(history->format, "rlb-info") == 0) {
        return gv_inputs_read_info(&composition->inputs, history->path, &composition->totals);
    }
    const gv_input_plan plan = {.path = history->path,
                                .format = history->format,
                                .mapping = history->mapping,
                                .rejects_max = scenario->log->rejects_max,
                                .jobs = jobs};
    return place(composition, &scenario->history_section, "format",
                 gv_inputs_open(&composition->inputs, &plan, progress, &composition->past_log));
}

/* Names of files are left out: the same bytes under another name give the same outcome. */
static bool decides_outcome(const gv_scenario_value *value)
{
    static const char *const names[] = {"log.path", "log.mapping", "history.path",
                                        "history.mapping", "name"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], value->name) == 0) {
            return false;
        }
    }
    return true;
}

static gv_status identify(gv_composition *composition)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    const char *text = "";
    GV_TRY(gv_scenario_values(composition->scenario, &composition->region, &values, &count));
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        if (!decides_outcome(&values[i])) {
            continue;
        }
        text = gv_region_print(&composition->region, "%016" PRIx64 " %s=%s", hash, values[i].name,
                               values[i].value);
        if (text == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for the identity of a run");
        }
        hash = gv_hash(text, strlen(text));
    }
    for (size_t i = 0; i < composition->inputs.count; i++) {
        const uint64_t pair[2] = {hash, composition->inputs.items[i].hash};
        hash = gv_hash(pair, sizeof pair);
    }
    composition->hash = hash;
    return GV_OK;
}

/* The files that a section's type opens by itself. */
static gv_status add_files(gv_composition *composition, const gv_section *section)
{
    for (const gv_param *row = section->params; row != NULL && row->name != NULL; row++) {
        if (gv_param_is_file(row, section->config)) {
            const char *path = NULL;
            memcpy(&path, (const char *)section->config + row->offset, sizeof path);
            GV_TRY(gv_inputs_add_file(&composition->inputs, path, row->name));
        }
    }
    return GV_OK;
}

static gv_status compose_market(gv_composition *composition, const gv_progress *progress)
{
    const gv_scenario *scenario = composition->scenario;
    GV_TRY(add_files(composition, &scenario->market->traffic_section));
    for (size_t i = 0; i < scenario->policy_count; i++) {
        GV_TRY(add_files(composition, &scenario->policies[i].section));
    }
    GV_TRY(identify(composition));
    composition->zone_us = gv_scenario_zone_us(composition->scenario);
    GV_TRY(gv_market_create(composition->scenario, &composition->market));
    const gv_market *market = composition->market;
    composition->unit_count = (size_t)market->plan->settings->periods;
    composition->unit_cells = (market->contender_count + 1) * market->seat_count;
    composition->cell_count = composition->unit_count * composition->unit_cells;
    GV_TRY(
        gv_leaks_list(market, &composition->region, &composition->leaks, &composition->leak_count));
    GV_TRY(gv_unlearned_list(market, &composition->region, &composition->unlearned,
                             &composition->unlearned_count));
    return gv_market_learn(composition->market, progress);
}

static gv_status compose(gv_composition *composition, size_t jobs, const gv_progress *progress)
{
    if (composition->scenario->market != NULL) {
        return compose_market(composition, progress);
    }
    /* The identity first: composing settles what is "auto". */
    GV_TRY(open_log(composition, jobs, progress));
    GV_TRY(open_history(composition, jobs, progress));
    GV_TRY(add_files(composition, &composition->scenario->predictor_section));
    GV_TRY(add_files(composition, &composition->scenario->truth_section));
    GV_TRY(identify(composition));
    const gv_scenario_top *top = composition->scenario->top;
    composition->zone_us = top->zone == NULL ? gv_log_zone_us(composition->log)
                                             : gv_scenario_zone_us(composition->scenario);
    GV_TRY(gv_compose_spans(composition));
    GV_TRY(gv_compose_coupling(composition, progress));
    GV_TRY(gv_compose_campaigns(composition));
    return gv_compose_cells(composition);
}

gv_status gv_compose(gv_scenario *scenario, size_t jobs, const gv_progress *progress,
                     gv_composition **out)
{
    gv_composition *composition = gv_mem_alloc(sizeof *composition, 0, 0);
    *out = NULL;
    if (composition == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to compose a scenario");
    }
    composition->scenario = scenario;
    composition->inputs.region = &composition->region;
    const gv_status status = compose(composition, jobs, progress);
    if (status != GV_OK) {
        gv_composition_destroy(composition);
        return status;
    }
    *out = composition;
    return GV_OK;
}
