/* A run as JSON: exact figures as integers, undefined ratios as null. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "scenarios/report/report.h"
#include "scenarios/report/report_impl.h"
#include "sim/outcome/metric.h"

/* jansson has no 64-bit unsigned number: what does not fit is written as its decimal text. */
static json_t *unsigned_json(uint64_t value)
{
    char text[24];
    if (value <= INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return json_string(text);
}

json_t *gv_report_real_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

const char *gv_interval_state_text(gv_interval_state state)
{
    static const char *const texts[] = {
        [GV_INTERVAL_GIVEN] = "given",
        [GV_INTERVAL_TOO_FEW] = "too few blocks",
        [GV_INTERVAL_UNDEFINED] = "undefined",
    };
    assert(state <= GV_INTERVAL_UNDEFINED);
    return texts[state];
}

json_t *gv_report_interval_json(const gv_interval *interval)
{
    return json_pack("{s:o, s:o, s:o, s:s}", "estimate", gv_report_real_json(interval->estimate),
                     "low", gv_report_real_json(interval->low), "high",
                     gv_report_real_json(interval->high), "interval",
                     gv_interval_state_text(interval->state));
}

json_t *gv_report_run_json(const gv_outcomes *outcomes)
{
    const gv_run_facts *run = &outcomes->run;
    const char *version = gv_outcomes_fact(outcomes, "version");
    const char *commit = gv_outcomes_fact(outcomes, "commit");
    return json_pack("{s:I, s:s, s:s, s:o, s:s, s:I, s:I, s:s?, s:s?, s:f}", "id",
                     (json_int_t)run->id, "name", run->name, "state", run->state, "seed",
                     unsigned_json(run->seed), "scenario_hash", run->scenario_hash, "cell_count",
                     (json_int_t)run->cell_count, "cells_done", (json_int_t)outcomes->cell_count,
                     "version", version, "commit", commit, "wall_s", (double)run->wall_us / 1e6);
}

static json_t *cell_json(const gv_cell_record *cell)
{
    double quantities[GV_QUANTITY_COUNT];
    gv_cell_quantities(cell, quantities);
    json_t *metrics = json_object();
    for (const gv_metric *metric = gv_metrics; metric->name != NULL; metric++) {
        if (gv_metric_fits(metric, cell)) {
            (void)json_object_set_new(metrics, metric->name,
                                      gv_report_real_json(gv_metric_value(metric, quantities)));
        }
    }
    json_t *json = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "cell", (json_int_t)cell->cell, "campaign",
        cell->campaign->name, "budget_label", cell->budget_label, "policy", cell->policy,
        "policy_type", cell->policy_type, "auctions", (json_int_t)cell->total->auctions,
        "spend_nanos", (json_int_t)cell->total->spend_nanos, "metrics", metrics);
    if (cell->seat != NULL) {
        json_t *seat = json_pack(
            "{s:o, s:I, s:s, s:o}", "period", unsigned_json(cell->seat->period), "category",
            (json_int_t)cell->seat->category, "rivals", cell->seat->rivals, "cpa_nanos",
            gv_cell_has_target(cell) ? json_integer((json_int_t)cell->campaign->cpa_nanos)
                                     : json_null());
        (void)json_object_set_new(json, "seat", seat);
    }
    return json;
}

gv_status gv_report_dump_json(FILE *stream, json_t *document)
{
    /* A failed allocation anywhere below leaves NULL, here or in a parent that took it. */
    if (document == NULL || json_dumpf(document, stream, JSON_INDENT(1)) != 0) {
        json_decref(document);
        return GV_FAIL(GV_EIO, "JSON cannot be written");
    }
    (void)fputc('\n', stream);
    json_decref(document);
    return GV_OK;
}

gv_status gv_report_json(FILE *stream, gv_store *store, int64_t run_id)
{
    gv_outcomes *outcomes = NULL;
    GV_TRY(gv_outcomes_read(store, run_id, false, &outcomes));
    json_t *cells = json_array();
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        (void)json_array_append_new(cells, cell_json(&outcomes->cells[i]));
    }
    json_t *document = json_pack("{s:o, s:o}", "run", gv_report_run_json(outcomes), "cells", cells);
    json_t *league = NULL;
    gv_status status = GV_OK;
    if (outcomes->cell_count > 0 && outcomes->cells[0].seat != NULL) {
        status = gv_market_json(outcomes, &league);
        (void)json_object_set_new(document, "league", league);
    }
    gv_outcomes_destroy(outcomes);
    if (status != GV_OK) {
        json_decref(document);
        return status;
    }
    return gv_report_dump_json(stream, document);
}
