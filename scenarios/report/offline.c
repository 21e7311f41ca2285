#include "scenarios/report/offline.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

static const struct {
    const char *key;
    const char *title;
    const char *unit;
} figures[GV_OFFLINE_FIGURES] = {
#define X(name, key, title, unit) [name] = {(key), (title), (unit)},
    GV_OFFLINE_FIGURE_LIST(X)
#undef X
};

static bool is_share(size_t figure)
{
    return figure == GV_OFFLINE_SPEND_SHARE || figure == GV_OFFLINE_OVER_CPA;
}

static void print_figure(gv_table *table, size_t row, size_t figure, const gv_interval *interval)
{
    const double scale = is_share(figure) ? 100.0 : 1.0;
    const char *const sign = is_share(figure) ? " %" : "";
    const int decimals = is_share(figure) ? 1 : 3;
    if (interval->state != GV_INTERVAL_GIVEN) {
        gv_table_set(table, row, figure + 1, "%.*f%s", decimals, scale * interval->estimate, sign);
        return;
    }
    gv_table_set(table, row, figure + 1, "%.*f%s [%.*f, %.*f]", decimals,
                 scale * interval->estimate, sign, decimals, scale * interval->low, decimals,
                 scale * interval->high);
}

gv_status gv_offline_report_print(FILE *stream, const gv_offline_report *report,
                                  const gv_report_options *options)
{
    gv_table_column columns[GV_OFFLINE_FIGURES + 1] = {{.title = "budget", .unit = "of the log"}};
    for (size_t i = 0; i < GV_OFFLINE_FIGURES; i++) {
        columns[i + 1] = (gv_table_column){.title = figures[i].title, .unit = figures[i].unit};
    }
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, GV_OFFLINE_FIGURES + 1, report->ratio_count, &table));
    for (size_t row = 0; row < report->ratio_count; row++) {
        gv_table_set(table, row, 0, "%g %%", 100.0 * report->ratios[row]);
        for (size_t i = 0; i < GV_OFFLINE_FIGURES; i++) {
            print_figure(table, row, i, &report->intervals[row * GV_OFFLINE_FIGURES + i]);
        }
    }
    (void)fprintf(stream,
                  "%s, offline on %zu campaigns (advertiser x period), overspend %s, seed %" PRIu64
                  "; 95 %% intervals\n\n",
                  report->policy, report->campaign_count, report->overspend, report->seed);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *row_json(const gv_offline_report *report, size_t row)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "budget_ratio", json_real(report->ratios[row]));
    for (size_t i = 0; i < GV_OFFLINE_FIGURES; i++) {
        const gv_interval *interval = &report->intervals[row * GV_OFFLINE_FIGURES + i];
        json_t *figure = json_object();
        (void)json_object_set_new(figure, "estimate", number(interval->estimate));
        (void)json_object_set_new(figure, "low", number(interval->low));
        (void)json_object_set_new(figure, "high", number(interval->high));
        (void)json_object_set_new(object, figures[i].key, figure);
    }
    return object;
}

gv_status gv_offline_report_json(FILE *stream, const gv_offline_report *report)
{
    json_t *rows = json_array();
    for (size_t row = 0; row < report->ratio_count; row++) {
        (void)json_array_append_new(rows, row_json(report, row));
    }
    json_t *object = json_pack("{s:s,s:I,s:s,s:I,s:f,s:o}", "policy", report->policy, "campaigns",
                               (json_int_t)report->campaign_count, "overspend", report->overspend,
                               "seed", (json_int_t)report->seed, "level", 0.95, "budgets", rows);
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the scores");
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}
