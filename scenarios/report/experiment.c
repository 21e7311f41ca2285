#include "scenarios/report/experiment.h"

#include <jansson.h>
#include <math.h>

enum { COLUMN_NAME, COLUMN_UNITS, COLUMN_EFFECT, COLUMN_DAYS, COLUMN_RHO, COLUMN_CUPED, COLUMNS };

static const gv_table_column columns[COLUMNS] = {
    [COLUMN_NAME] = {.title = "design", .unit = "", .to_the_left = true},
    [COLUMN_UNITS] = {.title = "units", .unit = "in the log"},
    [COLUMN_EFFECT] = {.title = "least effect", .unit = "% of the mean"},
    [COLUMN_DAYS] = {.title = "duration", .unit = "days"},
    [COLUMN_RHO] = {.title = "correlation", .unit = "with before"},
    [COLUMN_CUPED] = {.title = "with CUPED", .unit = "days"},
};

static void set_days(gv_table *table, size_t row, size_t column, double days)
{
    if (isnan(days)) {
        gv_table_set(table, row, column, "-");
    } else if (isinf(days)) {
        gv_table_set(table, row, column, "never");
    } else {
        gv_table_set(table, row, column, "%.1f", days);
    }
}

static void set_row(gv_table *table, size_t row, gv_design_kind kind,
                    const gv_design_result *result)
{
    gv_table_set(table, row, COLUMN_NAME, "%s", gv_design_name(kind));
    gv_table_set(table, row, COLUMN_UNITS, "%zu", result->design.unit_count);
    gv_table_set(table, row, COLUMN_EFFECT, "%.2f", 100 * result->effect);
    set_days(table, row, COLUMN_DAYS, result->days);
    if (isnan(result->design.correlation)) {
        gv_table_set(table, row, COLUMN_RHO, "-");
    } else {
        gv_table_set(table, row, COLUMN_RHO, "%.2f", result->design.correlation);
    }
    set_days(table, row, COLUMN_CUPED, result->days_cuped);
}

static void print_verdict(FILE *stream, const gv_experiment_request *request,
                          const gv_experiment_result *result)
{
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        if (result->designs[kind].design.unit_count > 0) {
            (void)fprintf(stream, "  %-11s deals %s; %s\n", gv_design_name((gv_design_kind)kind),
                          gv_design_units((gv_design_kind)kind),
                          gv_design_leak((gv_design_kind)kind));
        }
    }
    const gv_design_kind best = result->clean < GV_DESIGNS ? result->clean : result->quickest;
    if (best == GV_DESIGNS) {
        (void)fprintf(stream, "\n  verdict   no design sees an effect of %g %% in any time\n",
                      100 * request->effect);
        return;
    }
    const gv_design_result *chosen = &result->designs[best];
    const double days = isnan(chosen->days_cuped) ? chosen->days : chosen->days_cuped;
    (void)fprintf(stream,
                  "\n  verdict   %s split, %.0f days%s: an effect of %g %% is then seen %g "
                  "times in 100\n",
                  gv_design_name(best), ceil(days), isnan(chosen->days_cuped) ? "" : " with CUPED",
                  100 * request->effect, 100 * request->power);
}

gv_status gv_experiment_print(FILE *stream, const gv_experiment_request *request,
                              const gv_experiment_result *result, const gv_report_options *options)
{
    size_t count = 0;
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        count += result->designs[kind].design.unit_count > 0 ? 1 : 0;
    }
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMNS, count, &table));
    for (int kind = 0, row = 0; kind < GV_DESIGNS; kind++) {
        if (result->designs[kind].design.unit_count > 0) {
            set_row(table, (size_t)row++, (gv_design_kind)kind, &result->designs[kind]);
        }
    }
    (void)fprintf(stream,
                  "%s: %zu rounds in %g days, mean %.4g; a share of %g, level %g %%, power %g %%\n"
                  "least effect of a test of %g days; duration for an effect of %g %%\n\n",
                  request->log, result->round_count, result->days, result->mean, request->share,
                  100 * request->level, 100 * request->power, request->horizon,
                  100 * request->effect);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    (void)fputc('\n', stream);
    print_verdict(stream, request, result);
    return GV_OK;
}

/* JSON knows neither NaN nor infinity. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *design_json(gv_design_kind kind, const gv_design_result *result)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "design", json_string(gv_design_name(kind)));
    (void)json_object_set_new(object, "units", json_integer((json_int_t)result->design.unit_count));
    (void)json_object_set_new(object, "variance_of_mean", number(result->design.variance));
    (void)json_object_set_new(object, "correlation", number(result->design.correlation));
    (void)json_object_set_new(object, "least_effect", number(result->effect));
    (void)json_object_set_new(object, "days", number(result->days));
    (void)json_object_set_new(object, "least_effect_cuped", number(result->effect_cuped));
    (void)json_object_set_new(object, "days_cuped", number(result->days_cuped));
    (void)json_object_set_new(object, "interference", json_string(gv_design_leak(kind)));
    return object;
}

gv_status gv_experiment_json(FILE *stream, const gv_experiment_request *request,
                             const gv_experiment_result *result)
{
    json_t *designs = json_array();
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        if (result->designs[kind].design.unit_count > 0) {
            (void)json_array_append_new(designs,
                                        design_json((gv_design_kind)kind, &result->designs[kind]));
        }
    }
    const gv_design_kind best = result->clean < GV_DESIGNS ? result->clean : result->quickest;
    json_t *object =
        json_pack("{s:s,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:s}", "log", request->log, "rounds",
                  (json_int_t)result->round_count, "days", result->days, "mean", result->mean,
                  "share", request->share, "level", request->level, "power", request->power,
                  "effect", request->effect, "horizon", request->horizon, "designs", designs,
                  "recommended", best < GV_DESIGNS ? gv_design_name(best) : "none");
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the plan");
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}
