/* A sweep's table for programs. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/report_impl.h"
#include "scenarios/report/sweep_report.h"

static const char *state_text(gv_interval_state state)
{
    static const char *const texts[] = {
        [GV_INTERVAL_GIVEN] = "given",
        [GV_INTERVAL_TOO_FEW] = "too few runs",
        [GV_INTERVAL_UNDEFINED] = "undefined",
    };
    return texts[state];
}

static json_t *replicated_json(const gv_replicated *value)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:s}", "runs", (json_int_t)value->count, "mean",
                     gv_report_real_json(value->mean.estimate), "error",
                     gv_report_real_json(value->error), "low", gv_report_real_json(value->mean.low),
                     "high", gv_report_real_json(value->mean.high), "interval",
                     state_text(value->mean.state));
}

static json_t *axes_json(const gv_sweep_facts *facts, const gv_sweep_point *point)
{
    json_t *axes = json_object();
    for (size_t i = 0; i < facts->axis_count; i++) {
        (void)json_object_set_new(axes, facts->axes[i], json_string(point->values[i]));
    }
    return axes;
}

static json_t *figure_json(const gv_metric *metric, const gv_sweep_figure *figure)
{
    json_t *difference =
        figure->difference.count == 0 ? json_null() : replicated_json(&figure->difference);
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "metric", metric->name, "unit", metric->unit,
                     "intervals_by", figure->is_by_traffic ? "traffic" : "seeds", "value",
                     replicated_json(&figure->value), "baseline",
                     gv_report_real_json(figure->baseline), "difference", difference);
}

static json_t *row_json(const gv_sweep_table *table, const gv_sweep_row *row)
{
    json_t *metrics = json_array();
    for (size_t m = 0; m < table->metric_count; m++) {
        (void)json_array_append_new(metrics, figure_json(table->metrics[m], &row->figures[m]));
    }
    return json_pack("{s:o, s:s, s:s?, s:I, s:b, s:o}", "axes",
                     axes_json(table->facts, row->setting), "policy", row->policy, "rivals",
                     row->rivals, "runs", (json_int_t)row->run_count, "is_baseline",
                     row->is_baseline, "metrics", metrics);
}

static json_t *failures_json(const gv_sweep_facts *facts)
{
    json_t *failures = json_array();
    for (size_t i = 0; i < facts->point_count; i++) {
        const gv_sweep_point *point = &facts->points[i];
        if (point->state == GV_POINT_FAILED) {
            (void)json_array_append_new(
                failures, json_pack("{s:I, s:o, s:I, s:s?}", "point", (json_int_t)point->number,
                                    "axes", axes_json(facts, point), "seed",
                                    (json_int_t)point->seed, "error", point->error));
        }
    }
    return failures;
}

gv_status gv_sweep_json(FILE *stream, const gv_sweep_table *table)
{
    const gv_sweep_facts *facts = table->facts;
    json_t *rows = json_array();
    for (size_t i = 0; i < table->row_count; i++) {
        (void)json_array_append_new(rows, row_json(table, &table->rows[i]));
    }
    const size_t left = facts->point_count - table->done_count - table->failed_count;
    json_t *sweep = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)facts->id,
                              "name", facts->name, "scenario", facts->scenario_path, "points",
                              (json_int_t)facts->point_count, "done", (json_int_t)table->done_count,
                              "failed", (json_int_t)table->failed_count, "left", (json_int_t)left);
    return gv_report_dump_json(stream,
                               json_pack("{s:o, s:s?, s:f, s:o, s:o}", "sweep", sweep, "baseline",
                                         table->config->baseline, "level", table->config->level,
                                         "rows", rows, "failures", failures_json(facts)));
}

/* RFC 4180: quotes around a text with a comma, a quote or a line end; quotes doubled. */
static void put_text(FILE *stream, const char *text)
{
    const bool is_plain = strpbrk(text, ",\"\r\n") == NULL;
    (void)fputs(is_plain ? "" : "\"", stream);
    for (const char *c = text; *c != '\0'; c++) {
        (void)fputs(*c == '"' ? "\"" : "", stream);
        (void)fputc(*c, stream);
    }
    (void)fputs(is_plain ? "," : "\",", stream);
}

static void put_replicated(FILE *stream, const gv_replicated *value)
{
    const double figures[] = {value->mean.estimate, value->error, value->mean.low,
                              value->mean.high};
    (void)fprintf(stream, ",%zu", value->count);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        (void)fputc(',', stream);
        if (isfinite(figures[i])) {
            (void)fprintf(stream, "%.17g", figures[i]);
        }
    }
}

void gv_sweep_csv(FILE *stream, const gv_sweep_table *table)
{
    const gv_sweep_facts *facts = table->facts;
    for (size_t i = 0; i < facts->axis_count; i++) {
        put_text(stream, facts->axes[i]);
    }
    (void)fputs(
        "policy,rivals,metric,unit,runs,mean,error,low,high,pairs,difference,difference_error,"
        "difference_low,difference_high\n",
        stream);
    for (size_t i = 0; i < table->row_count; i++) {
        const gv_sweep_row *row = &table->rows[i];
        for (size_t m = 0; m < table->metric_count; m++) {
            const gv_metric *metric = table->metrics[m];
            for (size_t axis = 0; axis < facts->axis_count; axis++) {
                put_text(stream, row->setting->values[axis]);
            }
            put_text(stream, row->policy);
            put_text(stream, row->rivals == NULL ? "" : row->rivals);
            (void)fprintf(stream, "%s,%s", metric->name, metric->unit);
            put_replicated(stream, &row->figures[m].value);
            put_replicated(stream, &row->figures[m].difference);
            (void)fputc('\n', stream);
        }
    }
}
