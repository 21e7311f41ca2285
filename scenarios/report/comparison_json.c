/* Comparisons for programs: JSON by jansson, CSV with quotes where a name needs them. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/comparison.h"
#include "scenarios/report/report_impl.h"

static const char *block_text(gv_block_kind kind)
{
    static const char *const texts[] = {
        [GV_BLOCK_AUTO] = "auto",   [GV_BLOCK_EPISODE] = "episode", [GV_BLOCK_DAY] = "day",
        [GV_BLOCK_TICKS] = "ticks", [GV_BLOCK_PERIOD] = "period",   [GV_BLOCK_SEAT] = "seat",
    };
    return texts[kind];
}

static const char *interval_text(gv_interval_kind kind)
{
    return kind == GV_INTERVAL_BCA ? "bca" : "percentile";
}

static json_t *difference_json(const gv_difference *difference)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b}", "metric", difference->metric->name,
                     "unit", difference->metric->unit, "value",
                     gv_report_interval_json(&difference->value), "baseline",
                     gv_report_real_json(difference->baseline), "difference",
                     gv_report_interval_json(&difference->difference), "relative",
                     gv_report_interval_json(&difference->relative), "clear",
                     gv_difference_is_clear(difference));
}

static json_t *comparison_json(const gv_comparison *row, size_t metric_count)
{
    json_t *metrics = json_array();
    for (size_t m = 0; m < metric_count; m++) {
        (void)json_array_append_new(metrics, difference_json(&row->differences[m]));
    }
    json_t *json =
        json_pack("{s:s?, s:s?, s:s, s:b, s:I, s:I, s:I, s:s, s:I, s:o}", "campaign",
                  row->group->campaign, "budget_label", row->group->budget_label, "policy",
                  row->policy, "is_baseline", row->is_baseline, "parts",
                  (json_int_t)row->part_count, "campaigns", (json_int_t)row->campaign_count,
                  "blocks", (json_int_t)row->cluster_count, "block", block_text(row->block.kind),
                  "block_ticks", (json_int_t)row->block.ticks, "metrics", metrics);
    if (row->group->rivals != NULL) {
        (void)json_object_set_new(json, "rivals", json_string(row->group->rivals));
    }
    return json;
}

gv_status gv_comparison_json(FILE *stream, const gv_comparison_report *report)
{
    const gv_compare_config *config = report->config;
    json_t *rows = json_array();
    for (size_t i = 0; i < report->comparisons->row_count; i++) {
        const gv_comparison *row = &report->comparisons->rows[i];
        (void)json_array_append_new(rows, comparison_json(row, config->metric_count));
    }
    json_t *document = json_pack(
        "{s:o, s:o, s:s, s:f, s:s, s:I, s:o}", "run", gv_report_run_json(report->outcomes),
        "baseline_run", gv_report_run_json(report->baseline), "baseline", config->baseline, "level",
        config->level, "interval", interval_text(config->interval), "replicates",
        (json_int_t)config->bootstrap.replicates, "comparisons", rows);
    if (report->swapped != NULL) {
        (void)json_object_set_new(document, "swapped_run", gv_report_run_json(report->swapped));
    }
    return gv_report_dump_json(stream, document);
}

/* RFC 4180: quotes around a text with a comma, a quote or a line end; quotes doubled. */
static void put_text(FILE *stream, const char *text)
{
    if (text == NULL) {
        return;
    }
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, stream);
        return;
    }
    (void)fputc('"', stream);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"') {
            (void)fputc('"', stream);
        }
        (void)fputc(*c, stream);
    }
    (void)fputc('"', stream);
}

static void put_real(FILE *stream, double value)
{
    (void)fputc(',', stream);
    if (isfinite(value)) {
        (void)fprintf(stream, "%.17g", value);
    }
}

static void put_row(FILE *stream, const gv_comparison *row, const gv_difference *difference)
{
    if (row->group->rivals != NULL) {
        (void)fprintf(stream, "%s,", row->group->rivals);
    }
    put_text(stream, row->group->campaign);
    (void)fputc(',', stream);
    put_text(stream, row->group->budget_label);
    (void)fputc(',', stream);
    put_text(stream, row->policy);
    (void)fprintf(stream, ",%s,%s,%zu,%zu", difference->metric->name, difference->metric->unit,
                  row->part_count, row->cluster_count);
    put_real(stream, difference->value.estimate);
    put_real(stream, difference->value.low);
    put_real(stream, difference->value.high);
    put_real(stream, difference->baseline);
    put_real(stream, difference->difference.estimate);
    put_real(stream, difference->difference.low);
    put_real(stream, difference->difference.high);
    put_real(stream, difference->relative.estimate);
    put_real(stream, difference->relative.low);
    put_real(stream, difference->relative.high);
    (void)fprintf(stream, ",%s,%d\n", gv_interval_state_text(difference->difference.state),
                  gv_difference_is_clear(difference) ? 1 : 0);
}

void gv_comparison_csv(FILE *stream, const gv_comparison_report *report)
{
    const gv_grouping *grouping = report->comparisons->grouping;
    if (grouping->group_count > 0 && grouping->groups[0].rivals != NULL) {
        (void)fputs("rivals,", stream); /* of a market's groups only */
    }
    (void)fputs("campaign,budget_label,policy,metric,unit,parts,blocks,value,value_low,value_high,"
                "baseline,difference,difference_low,difference_high,relative,relative_low,"
                "relative_high,interval,clear\n",
                stream);
    for (size_t i = 0; i < report->comparisons->row_count; i++) {
        const gv_comparison *row = &report->comparisons->rows[i];
        for (size_t m = 0; m < report->config->metric_count; m++) {
            put_row(stream, row, &row->differences[m]);
        }
    }
}
