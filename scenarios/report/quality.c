#include "scenarios/report/quality.h"

#include <jansson.h>
#include <math.h>

#include "scenarios/report/format.h"
#include "scenarios/report/gnuplot.h"
#include "sim/base/clock.h"

enum { TEXT_SIZE = 64, COLUMNS = 3, BIN_COLUMNS = 5 };

static const char *const titles[GV_QUALITY_FIGURES] = {
    [GV_QUALITY_AUC] = "AUC",
    [GV_QUALITY_GAUC] = "GAUC",
    [GV_QUALITY_LOG_LOSS] = "log loss",
    [GV_QUALITY_RIG] = "relative information gain",
    [GV_QUALITY_BIAS] = "predicted over observed",
    [GV_QUALITY_ECE] = "calibration error (ECE)",
    [GV_QUALITY_RELATIVE_ECE] = "calibration error over the rate",
};

static void print_number(double value, char *text)
{
    (void)snprintf(text, TEXT_SIZE, isfinite(value) ? "%.5g" : "-", value);
}

static void print_interval(const gv_interval *interval, char *text)
{
    if (interval->state == GV_INTERVAL_GIVEN) {
        (void)snprintf(text, TEXT_SIZE, "%.5g to %.5g", interval->low, interval->high);
    } else {
        (void)snprintf(text, TEXT_SIZE, "%s",
                       interval->state == GV_INTERVAL_TOO_FEW ? "too few clusters" : "-");
    }
}

static gv_status print_figures(const gv_quality_report *report, FILE *stream,
                               const gv_report_options *options)
{
    char level[TEXT_SIZE];
    gv_table *table = NULL;
    (void)snprintf(level, sizeof level, "%g %% interval", 100 * report->level);
    const gv_table_column columns[COLUMNS] = {
        {.title = report->of_conversions ? "of conversions" : "of clicks",
         .unit = "",
         .to_the_left = true},
        {.title = "value", .unit = ""},
        {.title = level, .unit = ""}};
    GV_TRY(gv_table_create(columns, COLUMNS, GV_QUALITY_FIGURES, &table));
    for (size_t f = 0; f < GV_QUALITY_FIGURES; f++) {
        const gv_interval *figure = &report->quality->figures[f];
        char value[TEXT_SIZE];
        char interval[TEXT_SIZE];
        print_number(figure->estimate, value);
        print_interval(figure, interval);
        gv_table_set(table, f, 0, "%s", titles[f]);
        gv_table_set(table, f, 1, "%s", value);
        gv_table_set(table, f, 2, "%s", interval);
    }
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

static gv_status print_bins(const gv_quality_report *report, FILE *stream,
                            const gv_report_options *options)
{
    const gv_table_column columns[BIN_COLUMNS] = {
        {.title = "predicted", .unit = ""},
        {.title = "observed", .unit = ""},
        {.title = "interval", .unit = ""},
        {.title = report->of_conversions ? "clicks" : "samples", .unit = ""},
        {.title = "weight", .unit = ""}};
    const gv_quality *quality = report->quality;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, BIN_COLUMNS, quality->bin_count, &table));
    for (size_t b = 0; b < quality->bin_count; b++) {
        const gv_quality_bin *bin = &quality->bins[b];
        char text[TEXT_SIZE];
        gv_table_set(table, b, 0, "%.4g", bin->predicted);
        gv_table_set(table, b, 1, "%.4g", bin->observed.estimate);
        print_interval(&bin->observed, text);
        gv_table_set(table, b, 2, "%s", text);
        gv_format_number((double)bin->count, 0, text, sizeof text);
        gv_table_set(table, b, 3, "%s", text);
        gv_format_number(bin->weight, 0, text, sizeof text);
        gv_table_set(table, b, 4, "%s", text);
    }
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

gv_status gv_quality_print(const gv_quality_report *report, FILE *stream,
                           const gv_report_options *options)
{
    const gv_quality *quality = report->quality;
    char count[TEXT_SIZE];
    char positives[TEXT_SIZE];
    char span[TEXT_SIZE];
    gv_format_number((double)quality->count, 0, count, sizeof count);
    gv_format_number((double)quality->positives, 0, positives, sizeof positives);
    gv_duration_print(report->cluster_us, span, sizeof span);
    (void)fprintf(stream, "%s (%s) on %s, from %s to %s\n", report->model, report->type,
                  report->log, report->from, report->to);
    (void)fprintf(stream,
                  report->of_conversions ? "%s clicks, %s converted, rate %.5g\n\n"
                                         : "%s samples, %s clicked, rate %.5g as they weigh\n\n",
                  count, positives, quality->rate);
    GV_TRY(print_figures(report, stream, options));
    if (report->group_by != NULL) {
        (void)fprintf(stream, "  GAUC over %zu values of %s with both classes\n",
                      quality->group_count, report->group_by);
    }
    (void)fputs("\nCalibration, by parts of equal weight\n", stream);
    GV_TRY(print_bins(report, stream, options));
    (void)fprintf(stream,
                  "\nIntervals: %zu resamples of %zu clusters of %s. They say how a figure varies "
                  "with the\ntraffic, the model as it is; not how another training would vary.\n",
                  report->replicates, report->cluster_count, span);
    return GV_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_json(const gv_interval *interval)
{
    static const char *const states[] = {[GV_INTERVAL_GIVEN] = "given",
                                         [GV_INTERVAL_TOO_FEW] = "too few clusters",
                                         [GV_INTERVAL_UNDEFINED] = "undefined"};
    json_t *object = json_object();
    (void)json_object_set_new(object, "estimate", number_or_null(interval->estimate));
    (void)json_object_set_new(object, "low", number_or_null(interval->low));
    (void)json_object_set_new(object, "high", number_or_null(interval->high));
    (void)json_object_set_new(object, "interval", json_string(states[interval->state]));
    return object;
}

static json_t *bins_json(const gv_quality *quality)
{
    json_t *bins = json_array();
    for (size_t b = 0; b < quality->bin_count; b++) {
        const gv_quality_bin *bin = &quality->bins[b];
        json_t *object = json_object();
        (void)json_object_set_new(object, "predicted", number_or_null(bin->predicted));
        (void)json_object_set_new(object, "observed", interval_json(&bin->observed));
        (void)json_object_set_new(object, "count", json_integer((json_int_t)bin->count));
        (void)json_object_set_new(object, "weight", json_real(bin->weight));
        (void)json_array_append_new(bins, object);
    }
    return bins;
}

static void set_count(json_t *object, const char *key, size_t count)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)count));
}

void gv_quality_json(const gv_quality_report *report, FILE *stream)
{
    const gv_quality *quality = report->quality;
    json_t *object = json_object();
    json_t *figures = json_object();
    (void)json_object_set_new(object, "model", json_string(report->model));
    (void)json_object_set_new(object, "type", json_string(report->type));
    (void)json_object_set_new(object, "log", json_string(report->log));
    (void)json_object_set_new(object, "from", json_string(report->from));
    (void)json_object_set_new(object, "to", json_string(report->to));
    (void)json_object_set_new(object, "of",
                              json_string(report->of_conversions ? "conversions" : "clicks"));
    set_count(object, "samples", quality->count);
    set_count(object, "clicks", report->clicks);
    set_count(object, "conversions", report->conversions);
    (void)json_object_set_new(object, "weight", json_real(quality->weight));
    (void)json_object_set_new(object, "rate", number_or_null(quality->rate));
    for (size_t f = 0; f < GV_QUALITY_FIGURES; f++) {
        (void)json_object_set_new(figures, gv_quality_names[f],
                                  interval_json(&quality->figures[f]));
    }
    (void)json_object_set_new(object, "figures", figures);
    (void)json_object_set_new(
        object, "group_by", report->group_by == NULL ? json_null() : json_string(report->group_by));
    set_count(object, "groups", quality->group_count);
    (void)json_object_set_new(object, "calibration", bins_json(quality));
    (void)json_object_set_new(object, "level", json_real(report->level));
    set_count(object, "replicates", report->replicates);
    set_count(object, "clusters", report->cluster_count);
    (void)json_object_set_new(object, "seed", json_integer((json_int_t)report->seed));
    (void)json_dumpf(object, stream, JSON_INDENT(1));
    (void)fputc('\n', stream);
    json_decref(object);
}

/* ---- the plot -------------------------------------------------------------------------------- */

/* From, to: powers of ten around all that is drawn. */
static void find_range(const gv_quality *quality, double *least, double *most)
{
    *least = 1;
    *most = 0;
    for (size_t b = 0; b < quality->bin_count; b++) {
        const gv_quality_bin *bin = &quality->bins[b];
        const double values[] = {bin->predicted, bin->observed.estimate, bin->observed.low,
                                 bin->observed.high};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            if (isfinite(values[i]) && values[i] > 0) {
                *least = fmin(*least, values[i]);
                *most = fmax(*most, values[i]);
            }
        }
    }
    *least = pow(10, floor(log10(*least)));
    *most = *most > 0 ? pow(10, ceil(log10(*most))) : 1;
    *most = *most > *least ? *most : *least * 10;
}

static void write_plot(FILE *script, const void *context)
{
    const gv_quality_report *report = context;
    const gv_quality *quality = report->quality;
    char title[512];
    const char *rate = report->of_conversions ? "conversion" : "click";
    double least = 0;
    double most = 0;
    find_range(quality, &least, &most);
    (void)fputs("$bins << END\n", script);
    for (size_t b = 0; b < quality->bin_count; b++) {
        const gv_quality_bin *bin = &quality->bins[b];
        const bool is_given = bin->observed.state == GV_INTERVAL_GIVEN;
        const double observed = bin->observed.estimate;
        if (observed > 0 && bin->predicted > 0) {
            (void)fprintf(script, "%.9g %.9g %.9g %.9g\n", bin->predicted, observed,
                          is_given ? fmax(bin->observed.low, least) : observed,
                          is_given ? bin->observed.high : observed);
        }
    }
    (void)fputs("END\n", script);
    (void)snprintf(title, sizeof title, "Calibration of %.160s, from %.40s to %.40s", report->model,
                   report->from, report->to);
    (void)fputs("set title ", script);
    gv_gnuplot_quote(script, title);
    (void)fprintf(script,
                  "\nset logscale xy\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n"
                  "set format xy '%%g'\nset xlabel 'predicted %s rate'\n"
                  "set ylabel 'observed %s rate'\nset key left top\nset grid lc rgb '#e0e0e0'\n"
                  "plot x with lines lw 4 lc rgb '#b8b8b8' title 'calibrated', "
                  "$bins using 1:2:3:4 with yerrorbars pt 7 lw 2 lc rgb '#0072b2' "
                  "title 'parts of equal weight'\n",
                  least, most, least, most, rate, rate);
}

gv_status gv_quality_plot(const gv_quality_report *report, const char *stem)
{
    const gv_drawing drawing = {.write = write_plot, .context = report};
    return gv_gnuplot_draw(&drawing, stem);
}
