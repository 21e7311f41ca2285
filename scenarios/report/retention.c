#include "scenarios/report/retention.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "sim/base/money.h"

static const gv_table_column columns[] = {
    {.title = "policy", .unit = "", .to_the_left = true},
    {.title = "wins", .unit = ""},
    {.title = "spend", .unit = "currency"},
    {.title = "clicks", .unit = ""},
    {.title = "re-entries", .unit = ""},
    {.title = "retained", .unit = ""},
    {.title = "retention", .unit = "%"},
    {.title = "retained per", .unit = "currency"},
    {.title = "more than the", .unit = "baseline, 95 %"},
};

enum { COLUMNS = sizeof columns / sizeof columns[0] };

static double spend_of(const gv_winback_tally *tally)
{
    return (double)tally->spend_nanos / (double)GV_NANOS_PER_UNIT;
}

static void fill_row(gv_table *table, size_t row, const gv_retention_report *report)
{
    const gv_winback_tally tally = gv_retention_outcome(report->run, row)->total;
    const gv_retention_figure *figure = &report->figures[row];
    const double entries = (double)tally.reentries;
    gv_table_set(table, row, 0, "%s", report->plan->policies[row]->name);
    gv_table_set(table, row, 1, "%" PRIu64, tally.wins);
    gv_table_set(table, row, 2, "%.2f", spend_of(&tally));
    gv_table_set(table, row, 3, "%" PRIu64, tally.clicks);
    gv_table_set(table, row, 4, "%" PRIu64, tally.reentries);
    gv_table_set(table, row, 5, "%" PRIu64, tally.retained);
    if (tally.reentries > 0) {
        gv_table_set(table, row, 6, "%.1f", 100.0 * (double)tally.retained / entries);
    }
    if (isfinite(figure->value.estimate)) {
        gv_table_set(table, row, 7, "%.3f", figure->value.estimate);
    }
    if (row == report->baseline) {
        gv_table_set(table, row, 8, "baseline");
    } else if (figure->difference.state == GV_INTERVAL_GIVEN) {
        gv_table_set(table, row, 8, "%+.3f [%+.3f, %+.3f]", figure->difference.estimate,
                     figure->difference.low, figure->difference.high);
    }
}

gv_status gv_retention_report_print(FILE *stream, const gv_retention_report *report,
                                    const gv_report_options *options)
{
    const gv_retention_campaign *campaign = report->plan->campaign;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, COLUMNS, report->plan->policy_count, &table));
    for (size_t row = 0; row < report->plan->policy_count; row++) {
        fill_row(table, row, report);
    }
    (void)fprintf(stream,
                  "%" PRId64 " users, %" PRId64 " days, seed %" PRId64
                  "; differences are paired over users\n\n",
                  campaign->users, campaign->days, report->plan->top->seed);
    gv_table_print(table, stream, options);
    gv_table_destroy(table);
    return GV_OK;
}

/* JSON knows no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *interval_json(const gv_interval *interval)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "estimate", number(interval->estimate));
    (void)json_object_set_new(object, "low", number(interval->low));
    (void)json_object_set_new(object, "high", number(interval->high));
    return object;
}

static void set_count(json_t *object, const char *key, uint64_t count)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)count));
}

static json_t *row_json(const gv_retention_report *report, size_t row)
{
    const gv_retention_policy *policy = report->plan->policies[row];
    const gv_winback_tally tally = gv_retention_outcome(report->run, row)->total;
    json_t *object = json_object();
    (void)json_object_set_new(object, "policy", json_string(policy->name));
    (void)json_object_set_new(object, "aim", json_string(gv_winback_aims[policy->aim]));
    (void)json_object_set_new(object, "model",
                              policy->model == NULL ? json_null() : json_string(policy->model));
    set_count(object, "auctions", tally.auctions);
    set_count(object, "wins", tally.wins);
    (void)json_object_set_new(object, "spend_currency", json_real(spend_of(&tally)));
    set_count(object, "clicks", tally.clicks);
    set_count(object, "reentries", tally.reentries);
    set_count(object, "retained", tally.retained);
    set_count(object, "organic", tally.organic);
    set_count(object, "visits", tally.visits);
    (void)json_object_set_new(object, "retained_per_currency",
                              interval_json(&report->figures[row].value));
    (void)json_object_set_new(object, "difference",
                              interval_json(&report->figures[row].difference));
    return object;
}

gv_status gv_retention_report_json(FILE *stream, const gv_retention_report *report)
{
    const gv_retention_campaign *campaign = report->plan->campaign;
    json_t *rows = json_array();
    for (size_t row = 0; row < report->plan->policy_count; row++) {
        (void)json_array_append_new(rows, row_json(report, row));
    }
    json_t *object =
        json_pack("{s:I,s:I,s:I,s:s,s:f,s:o}", "seed", (json_int_t)report->plan->top->seed, "users",
                  (json_int_t)campaign->users, "days", (json_int_t)campaign->days, "baseline",
                  report->plan->policies[report->baseline]->name, "level", 0.95, "policies", rows);
    if (object == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to print the outcomes");
    }
    (void)json_dumpf(object, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    (void)fputc('\n', stream);
    json_decref(object);
    return GV_OK;
}
