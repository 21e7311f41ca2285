/* What `gavel inspect` prints for people. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/cli/inspect.h"
#include "scenarios/report/format.h"
#include "scenarios/report/table.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"

enum { NUMBER_SIZE = 48, BAR_WIDTH = 50, ADVERTISERS_SHOWN = 20 };

static void heading(const gv_report_options *options, const char *text)
{
    (void)printf(options->colour ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static void print_count(uint64_t count, char text[NUMBER_SIZE])
{
    gv_format_number((double)count, 0, text, NUMBER_SIZE);
}

static void set_count(gv_table *table, size_t row, size_t column, uint64_t count)
{
    char text[NUMBER_SIZE];
    print_count(count, text);
    gv_table_set(table, row, column, "%s", text);
}

/* In the largest unit that leaves at least one: a delay is read, not computed with. */
static void print_delay(int64_t delay_us, char text[NUMBER_SIZE])
{
    static const struct {
        double us;
        const char *unit;
    } units[] = {{86400e6, "d"}, {3600e6, "h"}, {60e6, "min"}, {1e6, "s"}, {1e3, "ms"}};
    const double delay = (double)delay_us;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (fabs(delay) >= units[i].us) {
            (void)snprintf(text, NUMBER_SIZE, "%.3g %s", delay / units[i].us, units[i].unit);
            return;
        }
    }
    (void)snprintf(text, NUMBER_SIZE, delay_us == 0 ? "0 s" : "%.0f us", delay);
}

/* "2013-06-06 00:00:04" in the log's zone, which the head of the report names once. */
static void print_time(const gv_log *log, int64_t time_us, char text[NUMBER_SIZE])
{
    gv_time_print(time_us, gv_log_zone_us(log), text, NUMBER_SIZE);
    if (strlen(text) > 19) {
        text[10] = ' ';
        text[19] = '\0';
    }
}

static gv_status print_tables(const gv_inspection *inspection, const gv_report_options *options)
{
    static const gv_table_column columns[] = {{"table", "", true},
                                              {"rows", "", false},
                                              {"first", "local time", true},
                                              {"last", "local time", true}};
    const gv_log *log = inspection->log;
    const char *ordinal = gv_log_fact(log, "ordinal_time");
    const bool is_ordinal = ordinal != NULL && strcmp(ordinal, "yes") == 0;
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns, 4, GV_LOG_TABLE_COUNT, &table));
    for (size_t i = 0; i < GV_LOG_TABLE_COUNT; i++) {
        int64_t first = 0;
        int64_t last = 0;
        char text[NUMBER_SIZE];
        gv_table_set(table, i, 0, "%s", gv_log_table_name((gv_log_table)i));
        set_count(table, i, 1, gv_log_rows(log, (gv_log_table)i));
        if (!is_ordinal && gv_log_time_range(log, (gv_log_table)i, &first, &last)) {
            print_time(log, first, text);
            gv_table_set(table, i, 2, "%s", text);
            print_time(log, last, text);
            gv_table_set(table, i, 3, "%s", text);
        }
    }
    heading(options,
            is_ordinal ? "Tables (the input has no times: row n is at n seconds)" : "Tables");
    gv_table_print(table, stdout, options);
    gv_table_destroy(table);
    return GV_OK;
}

static bool is_orphan(gv_log_table table)
{
    return table == GV_LOG_ORPHAN_CLICK || table == GV_LOG_ORPHAN_CONVERSION;
}

static void set_column(gv_table *table, size_t row, const gv_inspect_column *column, bool is_first)
{
    static const char *const kinds[] = {[GV_LOG_INTEGER] = "integer",
                                        [GV_LOG_REAL] = "real",
                                        [GV_LOG_CODE] = "code",
                                        [GV_LOG_TEXT] = "text"};
    gv_table_set(table, row, 0, "%s", is_first ? gv_log_table_name(column->table) : "");
    gv_table_set(table, row, 1, "%s", gv_log_column_name(column->column));
    gv_table_set(table, row, 2, "%s", kinds[gv_log_column_kind(column->column)]);
    if (column->distinct == UINT64_MAX) {
        gv_table_set(table, row, 3, "> %d", GV_INSPECT_DISTINCT_MAX);
    } else {
        set_count(table, row, 3, column->distinct);
    }
    set_count(table, row, 4, column->size);
}

/* Orphans have the columns of impressions: one line for all of theirs. */
static void set_orphans(gv_table *table, size_t row, const gv_inspect_column *columns, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += columns[i].size;
    }
    gv_table_set(table, row, 0, "%s", gv_log_table_name(columns[0].table));
    gv_table_set(table, row, 1, "(%zu, as above)", count);
    set_count(table, row, 4, size);
}

static gv_status print_columns(const gv_inspection *inspection, const gv_report_options *options)
{
    static const gv_table_column titles[] = {{"table", "", true},
                                             {"column", "", true},
                                             {"kind", "", true},
                                             {"distinct", "cells", false},
                                             {"size", "bytes", false}};
    const gv_inspect_column *columns = inspection->columns;
    gv_table *table = NULL;
    size_t row = 0;
    size_t row_count = 0;
    for (size_t i = 0; i < inspection->column_count; i++) {
        row_count +=
            !is_orphan(columns[i].table) || i == 0 || columns[i - 1].table != columns[i].table;
    }
    GV_TRY(gv_table_create(titles, 5, row_count, &table));
    for (size_t i = 0, end = 0; i < inspection->column_count; i = end) {
        const bool is_first = i == 0 || columns[i - 1].table != columns[i].table;
        end = i + 1;
        if (!is_orphan(columns[i].table)) {
            set_column(table, row++, &columns[i], is_first);
            continue;
        }
        while (end < inspection->column_count && columns[end].table == columns[i].table) {
            end++;
        }
        set_orphans(table, row++, columns + i, end - i);
    }
    heading(options, "Columns");
    gv_table_print(table, stdout, options);
    gv_table_destroy(table);
    return GV_OK;
}

static double cpm(double nanos)
{
    return nanos / (double)GV_NANOS_PER_CPM;
}

/* Eighths of a character where the terminal has them, else whole ones. */
static void print_bar(double share, bool utf8)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int steps = (int)lround(share * BAR_WIDTH * 8);
    for (int i = 0; i < (utf8 ? steps / 8 : (steps + 4) / 8); i++) {
        (void)fputs(utf8 ? "█" : "#", stdout);
    }
    if (utf8) {
        (void)fputs(eighths[steps % 8], stdout);
    }
}

static void print_histogram(const gv_inspect_histogram *histogram, uint64_t count,
                            const gv_report_options *options)
{
    uint64_t most = 1;
    for (size_t i = 0; i < histogram->bin_count; i++) {
        most = histogram->bins[i] > most ? histogram->bins[i] : most;
    }
    for (size_t i = 0; i < histogram->bin_count; i++) {
        char label[NUMBER_SIZE];
        char rows[NUMBER_SIZE];
        const bool is_open = histogram->has_overflow && i + 1 == histogram->bin_count;
        const double from = cpm((double)(histogram->start + (int64_t)i * histogram->width));
        const double to = from + cpm((double)histogram->width);
        (void)snprintf(label, sizeof label, is_open ? "%.6g and more" : "%.6g to <%.6g", from, to);
        print_count(histogram->bins[i], rows);
        (void)printf("  %16s %12s %5.1f %%  ", label, rows,
                     100 * (double)histogram->bins[i] / (double)count);
        print_bar((double)histogram->bins[i] / (double)most, options->utf8);
        (void)putchar('\n');
    }
}

static void print_prices(const gv_inspection *inspection, const gv_report_options *options)
{
    const gv_inspect_spread *price = &inspection->price;
    if (price->count == 0) {
        return;
    }
    char mean[NUMBER_SIZE];
    (void)snprintf(mean, sizeof mean, cpm(price->mean) < 10 ? "%.3g" : "%.1f", cpm(price->mean));
    heading(options, "Price (CPM)");
    (void)printf("  mean %s   least %.6g   quartiles %.6g / %.6g / %.6g   99 %% %.6g   most %.6g\n",
                 mean, cpm((double)price->least), cpm((double)price->low),
                 cpm((double)price->median), cpm((double)price->high), cpm((double)price->top),
                 cpm((double)price->most));
    print_histogram(&inspection->histogram, price->count, options);
}

typedef struct response_row {
    const char *name;
    uint64_t events;
    uint64_t orphans;
    uint64_t hit;
    const gv_inspect_spread *delay;
} response_row;

static void set_response(gv_table *table, size_t row, const response_row *response, uint64_t rows)
{
    const int64_t delays[] = {response->delay->least, response->delay->low, response->delay->median,
                              response->delay->high, response->delay->most};
    gv_table_set(table, row, 0, "%s", response->name);
    set_count(table, row, 1, response->events);
    set_count(table, row, 2, response->orphans);
    set_count(table, row, 3, response->hit);
    if (rows > 0) {
        gv_table_set(table, row, 4, "%.4g %%", 100 * (double)response->hit / (double)rows);
    }
    for (size_t i = 0; i < 5 && response->delay->count > 0; i++) {
        char text[NUMBER_SIZE];
        print_delay(delays[i], text);
        gv_table_set(table, row, 5 + i, "%s", text);
    }
}

static gv_status print_responses(const gv_inspection *inspection, const gv_report_options *options)
{
    static const gv_table_column columns[] = {{"response", "", true},
                                              {"joined", "rows", false},
                                              {"orphans", "rows", false},
                                              {"hit", "impressions", false},
                                              {"rate", "of impressions", false},
                                              {"least", "delay", false},
                                              {"quarter", "delay", false},
                                              {"half", "delay", false},
                                              {"3/4", "delay", false},
                                              {"most", "delay", false}};
    const gv_log *log = inspection->log;
    const response_row rows[] = {{"click", gv_log_rows(log, GV_LOG_CLICK),
                                  gv_log_rows(log, GV_LOG_ORPHAN_CLICK), inspection->clicked,
                                  &inspection->click_delay},
                                 {"conversion", gv_log_rows(log, GV_LOG_CONVERSION),
                                  gv_log_rows(log, GV_LOG_ORPHAN_CONVERSION), inspection->converted,
                                  &inspection->conversion_delay}};
    const bool shown[] = {inspection->has_clicks, inspection->has_conversions};
    const size_t count = (size_t)shown[0] + shown[1];
    gv_table *table = NULL;
    if (count == 0) {
        return GV_OK;
    }
    GV_TRY(gv_table_create(columns, 10, count, &table));
    for (size_t i = 0, row = 0; i < 2; i++) {
        if (shown[i]) {
            set_response(table, row++, &rows[i], gv_log_rows(log, GV_LOG_IMPRESSION));
        }
    }
    heading(options, "Clicks and conversions");
    gv_table_print(table, stdout, options);
    gv_table_destroy(table);
    return GV_OK;
}

static gv_status print_advertisers(const gv_inspection *inspection,
                                   const gv_report_options *options)
{
    static const gv_table_column columns[] = {
        {"advertiser", "", true},     {"impressions", "", false},
        {"clicks", "joined", false},  {"conversions", "joined", false},
        {"clicks", "orphans", false}, {"conversions", "orphans", false},
        {"cost", "currency", false},  {"mean price", "CPM", false}};
    const gv_log_column *names = gv_log_find(inspection->log, GV_LOG_IMPRESSION, "advertiser");
    const size_t all = inspection->advertiser_count;
    const size_t count = all < ADVERTISERS_SHOWN ? all : ADVERTISERS_SHOWN;
    gv_table *table = NULL;
    if (!inspection->has_advertisers || count == 0) {
        return GV_OK;
    }
    GV_TRY(gv_table_create(columns, 8, count, &table));
    for (size_t i = 0; i < count; i++) {
        const gv_inspect_advertiser *row = &inspection->advertisers[i];
        const uint64_t counts[] = {row->impressions, row->clicks, row->conversions,
                                   row->orphan_clicks, row->orphan_conversions};
        size_t size = 0;
        const char *name = gv_log_code_text(names, row->code, &size);
        gv_table_set(table, i, 0, "%.*s", size < 40 ? (int)size : 40, size > 0 ? name : "(none)");
        for (size_t k = 0; k < 5; k++) {
            set_count(table, i, 1 + k, counts[k]);
        }
        if (inspection->has_price && row->impressions > 0) {
            char cost[NUMBER_SIZE];
            gv_format_number((double)row->cost_nanos / (double)GV_NANOS_PER_UNIT, 2, cost,
                             sizeof cost);
            gv_table_set(table, i, 6, "%s", cost);
            gv_table_set(table, i, 7, "%.2f",
                         cpm((double)row->cost_nanos / (double)row->impressions));
        }
    }
    heading(options, "Advertisers");
    gv_table_print(table, stdout, options);
    if (count < all) {
        (void)printf("  and %zu more: --json lists all\n", all - count);
    }
    gv_table_destroy(table);
    return GV_OK;
}

/* One byte that is no printable ASCII could steer the terminal: it is shown as '.'. */
static void print_safely(const char *text, size_t size, size_t most)
{
    for (size_t i = 0; i < size && i < most; i++) {
        const unsigned char byte = (unsigned char)text[i];
        (void)putchar(byte == '\t' ? ' ' : byte < 0x20 || byte == 0x7f ? '.' : byte);
    }
    (void)fputs(size > most ? "..." : "", stdout);
}

static void print_reject(const gv_inspect_rejects *rejects, uint64_t row)
{
    size_t size = 0;
    const char *text = gv_log_text(rejects->file, row, &size);
    (void)fputs("  ", stdout);
    print_safely(text, size, 1000);
    (void)printf(":%" PRId64, gv_log_integers(rejects->line)[row]);
    if (gv_log_integers(rejects->column)[row] > 0) {
        (void)printf(": column %" PRId64, gv_log_integers(rejects->column)[row]);
    }
    (void)fputs(": ", stdout);
    text = gv_log_text(rejects->reason, row, &size);
    print_safely(text, size, 1000);
    (void)fputs("\n      ", stdout);
    text = gv_log_text(rejects->text, row, &size);
    print_safely(text, size, 90);
    (void)putchar('\n');
}

static void print_rejects(const gv_inspection *inspection, const gv_report_options *options)
{
    enum { FEW = 5 };
    gv_inspect_rejects rejects;
    if (!gv_inspect_find_rejects(inspection->log, &rejects) || rejects.count == 0) {
        return;
    }
    const uint64_t shown = options->all || rejects.count <= FEW ? rejects.count : FEW;
    heading(options, "Rejects");
    for (uint64_t row = 0; row < shown; row++) {
        print_reject(&rejects, row);
    }
    if (shown < rejects.count) {
        char more[NUMBER_SIZE];
        print_count(rejects.count - shown, more);
        (void)printf("  and %s more: --rejects lists all\n", more);
    }
}

static void print_head(const gv_inspection *inspection)
{
    const gv_log *log = inspection->log;
    char rows[NUMBER_SIZE];
    char zone[NUMBER_SIZE] = "";
    const char *format = gv_log_fact(log, "format");
    const char *version = gv_log_fact(log, "version");
    print_count(gv_log_rows(log, GV_LOG_IMPRESSION), rows);
    gv_time_print(0, gv_log_zone_us(log), zone, sizeof zone);
    const char *offset = strlen(zone) > 19 ? strpbrk(zone + 19, "Z+-") : NULL;
    (void)printf("%s: %s impressions from format %s, by Gavel %s\n", gv_log_path(log), rows,
                 format != NULL ? format : "unknown", version != NULL ? version : "unknown");
    (void)printf("  times in UTC%s, content %016" PRIx64 "\n",
                 offset == NULL || *offset == 'Z' ? "" : offset, gv_log_identity(log));
}

gv_status gv_inspect_print(const gv_inspection *inspection, bool lists_rejects)
{
    gv_report_options options = gv_report_options_for(stdout);
    options.all = lists_rejects;
    print_head(inspection);
    GV_TRY(print_tables(inspection, &options));
    GV_TRY(print_columns(inspection, &options));
    print_prices(inspection, &options);
    GV_TRY(print_responses(inspection, &options));
    GV_TRY(print_advertisers(inspection, &options));
    print_rejects(inspection, &options);
    return GV_OK;
}
