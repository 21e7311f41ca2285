#include "scenarios/run/experiment.h"

#include <math.h>
#include <stdint.h>

#include "sim/base/mem.h"

static const char *const names[] = {
#define X(kind, name, units, leak) [kind] = (name),
    GV_DESIGN_LIST(X)
#undef X
};

static const char *const units_of[] = {
#define X(kind, name, units, leak) [kind] = (units),
    GV_DESIGN_LIST(X)
#undef X
};

static const char *const leaks[] = {
#define X(kind, name, units, leak) [kind] = (leak),
    GV_DESIGN_LIST(X)
#undef X
};

const char *gv_design_name(gv_design_kind kind)
{
    return names[kind];
}

const char *gv_design_units(gv_design_kind kind)
{
    return units_of[kind];
}

const char *gv_design_leak(gv_design_kind kind)
{
    return leaks[kind];
}

/* The log with that column as its clusters; rows come in the same order each time. */
static gv_status read_units(const gv_experiment_request *request, gv_unit_column column,
                            gv_decisions **out)
{
    gv_decision_columns columns = gv_decision_columns_plain();
    columns.action = request->reward;
    columns.reward = request->reward;
    columns.propensity = NULL;
    columns.cluster = column.name;
    columns.cluster_bytes = column.bytes;
    return gv_decisions_read(request->log, &columns, out);
}

/* Rows of the days before the middle one, days as they are met. */
static gv_status mark_early(const gv_decisions *days, uint8_t **out)
{
    uint8_t *early = gv_mem_alloc(0, days->count, 1);
    if (early == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu rounds", days->count);
    }
    for (size_t i = 0; i < days->count; i++) {
        early[i] = (uint8_t)(2 * (size_t)days->clusters[i] < days->cluster_count ? 1 : 0);
    }
    *out = early;
    return GV_OK;
}

static void plan(const gv_experiment_request *request, gv_design_result *out)
{
    const gv_design *design = &out->design;
    const double asked = request->effect * fabs(design->mean);
    gv_test_plan test = {
        .share = request->share, .level = request->level, .power = request->power, .kept = 1};
    out->effect = gv_design_effect(design, &test, request->horizon) / fabs(design->mean);
    out->days = asked > 0 ? gv_design_days(design, &test, asked) : (double)INFINITY;
    out->effect_cuped = (double)NAN;
    out->days_cuped = (double)NAN;
    if (!isnan(design->correlation) && asked > 0) {
        test.kept = 1 - design->correlation * design->correlation;
        out->effect_cuped = gv_design_effect(design, &test, request->horizon) / fabs(design->mean);
        out->days_cuped = gv_design_days(design, &test, asked);
    }
}

static gv_status measure(const gv_experiment_request *request, gv_design_kind kind,
                         const uint8_t *early, gv_experiment_result *out)
{
    gv_decisions *log = NULL;
    GV_TRY(read_units(request, request->units[kind], &log));
    const gv_unit_log units = {.count = log->count,
                               .rewards = log->rewards,
                               .units = log->clusters,
                               .is_early = kind == GV_DESIGN_SWITCHBACK ? NULL : early,
                               .unit_count = log->cluster_count};
    gv_status status = GV_OK;
    if (log->cluster_count >= 2) {
        status = gv_design_measure(&units, out->days, &out->designs[kind].design);
    }
    if (status == GV_OK && log->cluster_count >= 2) {
        plan(request, &out->designs[kind]);
    }
    out->round_count = log->count;
    out->mean = out->designs[kind].design.mean;
    gv_decisions_destroy(log);
    return status;
}

static double days_of(const gv_design_result *result)
{
    if (result->design.unit_count == 0) {
        return (double)INFINITY;
    }
    return isnan(result->days_cuped) ? result->days : result->days_cuped;
}

static void choose(gv_experiment_result *out)
{
    out->quickest = GV_DESIGNS;
    out->clean = GV_DESIGNS;
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        const double days = days_of(&out->designs[kind]);
        if (isinf(days)) {
            continue;
        }
        if (out->quickest == GV_DESIGNS || days < days_of(&out->designs[out->quickest])) {
            out->quickest = (gv_design_kind)kind;
        }
        if (kind != GV_DESIGN_USER &&
            (out->clean == GV_DESIGNS || days < days_of(&out->designs[out->clean]))) {
            out->clean = (gv_design_kind)kind;
        }
    }
}

gv_status gv_experiment_run(const gv_experiment_request *request, gv_experiment_result *out)
{
    uint8_t *early = NULL;
    gv_status status = GV_OK;
    *out = (gv_experiment_result){.days = request->days};
    if (request->day.name != NULL) {
        gv_decisions *days = NULL;
        GV_TRY(read_units(request, request->day, &days));
        out->days = (double)days->cluster_count;
        status = mark_early(days, &early);
        gv_decisions_destroy(days);
    }
    for (int kind = 0; status == GV_OK && kind < GV_DESIGNS; kind++) {
        if (request->units[kind].name != NULL) {
            status = measure(request, (gv_design_kind)kind, early, out);
        }
    }
    choose(out);
    gv_mem_free(early);
    return status;
}
