#include "scenarios/report/sweep_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/format.h"
#include "sim/base/mem.h"

enum { TEXT_SIZE = 64, FAILURES_SHOWN = 5 };

/* "b0" for "policies.lin.b0", where no other axis ends so. */
static const char *short_name(const gv_sweep_facts *facts, size_t axis)
{
    const char *dot = strrchr(facts->axes[axis], '.');
    const char *end = dot == NULL ? facts->axes[axis] : dot + 1;
    for (size_t i = 0; i < facts->axis_count; i++) {
        const char *other_dot = strrchr(facts->axes[i], '.');
        const char *other = other_dot == NULL ? facts->axes[i] : other_dot + 1;
        if (i != axis && strcmp(other, end) == 0) {
            return facts->axes[axis];
        }
    }
    return end;
}

/* Axes, then `more` columns that are the caller's. The caller frees. */
static gv_table_column *make_columns(const gv_sweep_facts *facts, size_t more)
{
    gv_table_column *columns = gv_mem_alloc(0, facts->axis_count + more, sizeof *columns);
    for (size_t i = 0; columns != NULL && i < facts->axis_count; i++) {
        columns[i] = (gv_table_column){.title = short_name(facts, i), .unit = ""};
    }
    return columns;
}

static void set_axes(gv_table *print, size_t line, const gv_sweep_table *table,
                     const gv_sweep_row *row)
{
    for (size_t i = 0; i < table->facts->axis_count; i++) {
        gv_table_set(print, line, i, "%.24s", row->setting->values[i]);
    }
}

/* In a market with whom it competed, as its league says it. */
static void set_policy(gv_table *print, size_t line, size_t column, const gv_sweep_row *row)
{
    if (row->rivals == NULL) {
        gv_table_set(print, line, column, "%.24s", row->policy);
    } else {
        gv_table_set(print, line, column, "%.24s (%s)", row->policy, row->rivals);
    }
}

/* "12.3 ± 0.4" */
static void set_mean(gv_table *print, size_t line, size_t column, const gv_metric *metric,
                     const gv_replicated *value, bool utf8)
{
    char mean[TEXT_SIZE];
    char error[TEXT_SIZE];
    gv_format_metric(metric, value->mean.estimate, mean, sizeof mean);
    if (isnan(value->error)) {
        gv_table_set(print, line, column, "%s", mean);
        return;
    }
    gv_format_metric_like(metric, value->error, value->mean.estimate, error, sizeof error);
    gv_table_set(print, line, column, "%s %s %s", mean, utf8 ? "±" : "+-", error);
}

static gv_status print_means(FILE *stream, const gv_sweep_table *table,
                             const gv_report_options *options)
{
    const size_t axes = table->facts->axis_count;
    gv_table_column *columns = make_columns(table->facts, 2 + table->metric_count);
    gv_table *print = NULL;
    if (columns == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a table");
    }
    columns[axes] = (gv_table_column){"policy", "", true};
    columns[axes + 1] = (gv_table_column){"runs", "", false};
    for (size_t m = 0; m < table->metric_count; m++) {
        columns[axes + 2 + m] =
            (gv_table_column){table->metrics[m]->title, gv_format_unit(table->metrics[m]), false};
    }
    const gv_status status =
        gv_table_create(columns, axes + 2 + table->metric_count, table->row_count, &print);
    for (size_t i = 0; status == GV_OK && i < table->row_count; i++) {
        const gv_sweep_row *row = &table->rows[i];
        set_axes(print, i, table, row);
        set_policy(print, i, axes, row);
        gv_table_set(print, i, axes + 1, "%zu", row->run_count);
        for (size_t m = 0; m < table->metric_count; m++) {
            set_mean(print, i, axes + 2 + m, table->metrics[m], &row->figures[m].value,
                     options->utf8);
        }
    }
    if (status == GV_OK) {
        gv_table_print(print, stream, options);
        gv_table_destroy(print);
    }
    gv_mem_free(columns);
    return status;
}

/* With a sign, in the decimals of `like`. */
static void format_signed(const gv_metric *metric, double value, double like, char *text)
{
    char plain[TEXT_SIZE];
    gv_format_metric_like(metric, value, like, plain, sizeof plain);
    const bool is_zero = strspn(plain, "-0.,") == strlen(plain);
    (void)snprintf(text, TEXT_SIZE, "%s%.*s", value > 0 && !is_zero ? "+" : "", TEXT_SIZE - 2,
                   plain);
}

static bool is_clear(const gv_replicated *difference)
{
    return difference->mean.state == GV_INTERVAL_GIVEN &&
           (difference->mean.low > 0 || difference->mean.high < 0);
}

static gv_table_style style_of(const gv_metric *metric, const gv_replicated *difference)
{
    if (!is_clear(difference) || metric->better == GV_BETTER_NEITHER) {
        return GV_STYLE_PLAIN;
    }
    const bool is_higher = difference->mean.estimate > 0;
    return is_higher == (metric->better == GV_BETTER_HIGHER) ? GV_STYLE_BEST : GV_STYLE_WORSE;
}

enum { POLICY, RUNS, VALUE, DIFFERENCE, INTERVAL, RELATIVE, OWN_COLUMNS };

static void set_difference(gv_table *print, size_t line, size_t axes, const gv_metric *metric,
                           const gv_sweep_row *row, const gv_sweep_figure *figure)
{
    const gv_interval *mean = &figure->difference.mean;
    const double like = figure->value.mean.estimate;
    char text[TEXT_SIZE];
    char high[TEXT_SIZE];
    if (row->is_baseline) {
        gv_table_set(print, line, axes + DIFFERENCE, "baseline");
        return;
    }
    if (figure->difference.count == 0) {
        gv_table_set(print, line, axes + DIFFERENCE, "no partner");
        return;
    }
    format_signed(metric, mean->estimate, like, text);
    gv_table_set(print, line, axes + DIFFERENCE, "%s%s", text,
                 is_clear(&figure->difference) ? " *" : "  ");
    gv_table_style_cell(print, line, axes + DIFFERENCE, style_of(metric, &figure->difference));
    if (mean->state == GV_INTERVAL_GIVEN) {
        format_signed(metric, mean->low, like, text);
        format_signed(metric, mean->high, like, high);
        gv_table_set(print, line, axes + INTERVAL, "%s to %s", text, high);
    } else {
        gv_table_set(print, line, axes + INTERVAL, "%s",
                     mean->state == GV_INTERVAL_UNDEFINED ? "undefined"
                     : figure->difference.count == 1      ? "one run"
                                                          : "equal runs");
    }
    const double relative = figure->baseline == 0 ? (double)NAN : mean->estimate / figure->baseline;
    gv_format_number(100 * relative, 1, text, sizeof text);
    gv_table_set(print, line, axes + RELATIVE, "%s%s", relative > 0 ? "+" : "", text);
}

static gv_status print_metric(FILE *stream, const gv_sweep_table *table, size_t m,
                              const gv_report_options *options)
{
    static const gv_table_column own[OWN_COLUMNS] = {
        [POLICY] = {"policy", "", true},      [RUNS] = {"runs", "", false},
        [VALUE] = {"value", "", false},       [DIFFERENCE] = {"difference", "", false},
        [INTERVAL] = {"interval", "", false}, [RELATIVE] = {"relative", "%", false},
    };
    const gv_metric *metric = table->metrics[m];
    const size_t axes = table->facts->axis_count;
    gv_table_column *columns = make_columns(table->facts, OWN_COLUMNS);
    gv_table *print = NULL;
    if (columns == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a table");
    }
    memcpy(columns + axes, own, sizeof own);
    const gv_status status = gv_table_create(columns, axes + OWN_COLUMNS, table->row_count, &print);
    for (size_t i = 0; status == GV_OK && i < table->row_count; i++) {
        const gv_sweep_row *row = &table->rows[i];
        set_axes(print, i, table, row);
        set_policy(print, i, axes + POLICY, row);
        gv_table_set(print, i, axes + RUNS, "%zu", row->run_count);
        set_mean(print, i, axes + VALUE, metric, &row->figures[m].value, options->utf8);
        set_difference(print, i, axes, metric, row, &row->figures[m]);
    }
    if (status == GV_OK) {
        const char *unit = gv_format_unit(metric);
        const bool says_unit = strcmp(unit, "count") == 0 || strcmp(unit, metric->title) == 0;
        (void)fprintf(stream, says_unit ? "\n%s\n" : "\n%s, %s\n", metric->title, unit);
        gv_table_print(print, stream, options);
        gv_table_destroy(print);
    }
    gv_mem_free(columns);
    return status;
}

static void print_failures(FILE *stream, const gv_sweep_table *table)
{
    size_t shown = 0;
    for (size_t i = 0; i < table->facts->point_count && shown < FAILURES_SHOWN; i++) {
        const gv_sweep_point *point = &table->facts->points[i];
        if (point->state == GV_POINT_FAILED) {
            (void)fprintf(stream, "%spoint %zu failed: %s\n", shown == 0 ? "\n" : "", point->number,
                          point->error == NULL ? "" : point->error);
            shown++;
        }
    }
}

/* Whether seeds alone could not say how sure some figure is. */
static bool is_by_traffic(const gv_sweep_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        for (size_t m = 0; m < table->metric_count; m++) {
            if (table->rows[i].figures[m].is_by_traffic) {
                return true;
            }
        }
    }
    return false;
}

static void print_notes(FILE *stream, const gv_sweep_table *table)
{
    const gv_sweep_table_config *config = table->config;
    (void)fprintf(stream, "\nEach figure: the mean over the seeds, with its standard error; all "
                          "campaigns and budgets of a run together.\n");
    if (config->baseline != NULL) {
        (void)fprintf(stream,
                      "Differences: runs of one seed in pairs, %g %% intervals by Student's t over "
                      "the seeds; * leaves out 0.\n",
                      100 * config->level);
    }
    if (is_by_traffic(table)) {
        (void)fprintf(stream,
                      "Where there is one run, or seeds change nothing: by %zu resamples of blocks "
                      "of its traffic.\n",
                      config->traffic->bootstrap.replicates);
    }
}

gv_status gv_sweep_print(FILE *stream, const gv_sweep_table *table,
                         const gv_report_options *options)
{
    const gv_sweep_table_config *config = table->config;
    const gv_sweep_facts *facts = table->facts;
    (void)fprintf(stream, "Sweep %" PRId64 ", %s: %zu of %zu points done", facts->id, facts->name,
                  table->done_count, facts->point_count);
    if (table->failed_count > 0) {
        (void)fprintf(stream, ", %zu failed", table->failed_count);
    }
    (void)fprintf(stream, "%s%s\n", config->baseline == NULL ? "" : ", against ",
                  config->baseline == NULL ? "" : config->baseline);
    if (table->row_count > 0 && config->baseline == NULL) {
        (void)fputc('\n', stream);
        GV_TRY(print_means(stream, table, options));
    }
    for (size_t m = 0; config->baseline != NULL && table->row_count > 0 && m < table->metric_count;
         m++) {
        GV_TRY(print_metric(stream, table, m, options));
    }
    print_failures(stream, table);
    if (table->row_count > 0) {
        print_notes(stream, table);
    }
    return GV_OK;
}
