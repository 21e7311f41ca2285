/* What `gavel inspect --json` prints. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/cli/inspect.h"

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void set_count(json_t *object, const char *key, uint64_t count)
{
    set(object, key, json_integer((json_int_t)count));
}

/* Logs hold any bytes; JSON only UTF-8: what is not becomes '?', so that no row is lost. */
static json_t *text_of(const char *text, size_t size)
{
    json_t *value = json_stringn(text, size);
    if (value != NULL || size >= 4096) {
        return value != NULL ? value : json_null();
    }
    char plain[4096];
    for (size_t i = 0; i < size; i++) {
        plain[i] = '?';
        if ((unsigned char)text[i] < 0x80) {
            plain[i] = text[i];
        }
    }
    return json_stringn(plain, size);
}

static json_t *table_of(const gv_log *log, gv_log_table table)
{
    json_t *object = json_object();
    int64_t first = 0;
    int64_t last = 0;
    const bool has_times = gv_log_time_range(log, table, &first, &last);
    set_count(object, "rows", gv_log_rows(log, table));
    set(object, "first_us", has_times ? json_integer(first) : json_null());
    set(object, "last_us", has_times ? json_integer(last) : json_null());
    return object;
}

static json_t *tables_of(const gv_log *log)
{
    json_t *tables = json_object();
    for (gv_log_table table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        set(tables, gv_log_table_name(table), table_of(log, table));
    }
    return tables;
}

static json_t *columns_of(const gv_inspection *inspection)
{
    static const char *const kinds[] = {[GV_LOG_INTEGER] = "integer",
                                        [GV_LOG_REAL] = "real",
                                        [GV_LOG_CODE] = "code",
                                        [GV_LOG_TEXT] = "text"};
    json_t *columns = json_array();
    for (size_t i = 0; i < inspection->column_count; i++) {
        const gv_inspect_column *column = &inspection->columns[i];
        const char *name = gv_log_column_name(column->column);
        json_t *object = json_object();
        set(object, "table", json_string(gv_log_table_name(column->table)));
        set(object, "name", text_of(name, strlen(name)));
        set(object, "kind", json_string(kinds[gv_log_column_kind(column->column)]));
        set(object, "distinct",
            column->distinct == UINT64_MAX ? json_null()
                                           : json_integer((json_int_t)column->distinct));
        set_count(object, "bytes", column->size);
        (void)json_array_append_new(columns, object);
    }
    return columns;
}

static json_t *spread_of(const gv_inspect_spread *spread)
{
    json_t *object = json_object();
    set_count(object, "count", spread->count);
    if (spread->count > 0) {
        set(object, "mean", json_real(spread->mean));
        set(object, "min", json_integer(spread->least));
        set(object, "p25", json_integer(spread->low));
        set(object, "p50", json_integer(spread->median));
        set(object, "p75", json_integer(spread->high));
        set(object, "p99", json_integer(spread->top));
        set(object, "max", json_integer(spread->most));
    }
    return object;
}

static json_t *price_of(const gv_inspection *inspection)
{
    const gv_inspect_histogram *histogram = &inspection->histogram;
    if (!inspection->has_price) {
        return json_null();
    }
    json_t *object = spread_of(&inspection->price);
    json_t *bins = json_array();
    json_t *drawn = json_object();
    for (size_t i = 0; i < histogram->bin_count; i++) {
        (void)json_array_append_new(bins, json_integer((json_int_t)histogram->bins[i]));
    }
    set(drawn, "start", json_integer(histogram->start));
    set(drawn, "width", json_integer(histogram->width));
    set(drawn, "last_is_open", json_boolean(histogram->has_overflow));
    set(drawn, "counts", bins);
    set(object, "histogram", drawn);
    return object;
}

static json_t *response_of(const gv_log *log, gv_log_table table, gv_log_table orphans,
                           uint64_t hit, const gv_inspect_spread *delay)
{
    const uint64_t rows = gv_log_rows(log, GV_LOG_IMPRESSION);
    json_t *object = json_object();
    set_count(object, "joined", gv_log_rows(log, table));
    set_count(object, "orphans", gv_log_rows(log, orphans));
    set_count(object, "impressions", hit);
    set(object, "rate", rows > 0 ? json_real((double)hit / (double)rows) : json_null());
    set(object, "delay_us", spread_of(delay));
    return object;
}

static json_t *advertisers_of(const gv_inspection *inspection)
{
    const gv_log_column *names = gv_log_find(inspection->log, GV_LOG_IMPRESSION, "advertiser");
    json_t *advertisers = json_array();
    for (size_t i = 0; i < inspection->advertiser_count; i++) {
        const gv_inspect_advertiser *row = &inspection->advertisers[i];
        size_t size = 0;
        const char *name = gv_log_code_text(names, row->code, &size);
        json_t *object = json_object();
        set(object, "advertiser", text_of(name, size));
        set_count(object, "impressions", row->impressions);
        set_count(object, "clicks", row->clicks);
        set_count(object, "conversions", row->conversions);
        set_count(object, "orphan_clicks", row->orphan_clicks);
        set_count(object, "orphan_conversions", row->orphan_conversions);
        set(object, "cost_nanos",
            inspection->has_price ? json_integer(row->cost_nanos) : json_null());
        (void)json_array_append_new(advertisers, object);
    }
    return advertisers;
}

static json_t *cell_of(const gv_log_column *column, uint64_t row)
{
    size_t size = 0;
    const char *text = gv_log_text(column, row, &size);
    return text_of(text, size);
}

static json_t *rejects_of(const gv_log *log)
{
    gv_inspect_rejects rejects;
    json_t *list = json_array();
    const bool has_any = gv_inspect_find_rejects(log, &rejects);
    for (uint64_t row = 0; has_any && row < rejects.count; row++) {
        json_t *object = json_object();
        set(object, "file", cell_of(rejects.file, row));
        set(object, "line", json_integer(gv_log_integers(rejects.line)[row]));
        set(object, "column", json_integer(gv_log_integers(rejects.column)[row]));
        set(object, "reason", cell_of(rejects.reason, row));
        set(object, "text", cell_of(rejects.text, row));
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *facts_of(const gv_log *log)
{
    json_t *facts = json_object();
    for (size_t i = 0; i < gv_log_fact_count(log); i++) {
        const char *value = NULL;
        const char *name = gv_log_fact_at(log, i, &value);
        set(facts, name, text_of(value, strlen(value)));
    }
    return facts;
}

gv_status gv_inspect_print_json(const gv_inspection *inspection, bool lists_rejects)
{
    const gv_log *log = inspection->log;
    char identity[32];
    json_t *object = json_object();
    (void)snprintf(identity, sizeof identity, "%016llx", (unsigned long long)gv_log_identity(log));
    set(object, "path", text_of(gv_log_path(log), strlen(gv_log_path(log))));
    set(object, "identity", json_string(identity));
    set(object, "zone_us", json_integer(gv_log_zone_us(log)));
    set(object, "facts", facts_of(log));
    set(object, "tables", tables_of(log));
    set(object, "columns", columns_of(inspection));
    set(object, "price_nanos", price_of(inspection));
    if (inspection->has_clicks) {
        set(object, "clicks",
            response_of(log, GV_LOG_CLICK, GV_LOG_ORPHAN_CLICK, inspection->clicked,
                        &inspection->click_delay));
    }
    if (inspection->has_conversions) {
        set(object, "conversions",
            response_of(log, GV_LOG_CONVERSION, GV_LOG_ORPHAN_CONVERSION, inspection->converted,
                        &inspection->conversion_delay));
    }
    if (inspection->has_advertisers) {
        set(object, "advertisers", advertisers_of(inspection));
    }
    if (lists_rejects) {
        set(object, "rejects", rejects_of(log));
    }
    const int written = object == NULL ? -1 : json_dumpf(object, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(object);
    return written == 0 ? GV_OK : GV_FAIL(GV_EIO, "the JSON could not be written");
}
