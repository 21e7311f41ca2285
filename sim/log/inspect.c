#include "sim/log/inspect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/log_impl.h"

/* Distinct words, up to a limit, by open addressing; 0 is kept apart. */
typedef struct word_set {
    uint64_t *words; /* [slot_count], 0: empty */
    size_t slot_count;
    size_t count;
    bool has_zero;
} word_set;

enum { FIRST_SLOTS = 1 << 12 };

static size_t slot_of(const word_set *set, uint64_t word)
{
    size_t at = (size_t)(word * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (set->slot_count - 1);
    while (set->words[at] != 0 && set->words[at] != word) {
        at = (at + 1) & (set->slot_count - 1);
    }
    return at;
}

static gv_status grow_set(word_set *set)
{
    word_set grown = {.slot_count = set->slot_count == 0 ? FIRST_SLOTS : 4 * set->slot_count,
                      .count = set->count,
                      .has_zero = set->has_zero};
    grown.words = gv_mem_alloc(0, grown.slot_count, sizeof *grown.words);
    if (grown.words == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to count %zu distinct cells", set->count);
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->words[i] != 0) {
            grown.words[slot_of(&grown, set->words[i])] = set->words[i];
        }
    }
    gv_mem_free(set->words);
    *set = grown;
    return GV_OK;
}

static gv_status add_word(word_set *set, uint64_t word)
{
    if (2 * (set->count + 1) > set->slot_count) {
        GV_TRY(grow_set(set));
    }
    if (word == 0) {
        set->has_zero = true;
        return GV_OK;
    }
    const size_t slot = slot_of(set, word);
    set->count += set->words[slot] == 0;
    set->words[slot] = word;
    return GV_OK;
}

/* The cell as a word that is as distinct as it is; of a text its hash. */
static uint64_t word_of(const gv_log_column *column, uint64_t row)
{
    uint64_t word = 0;
    if (column->kind == GV_LOG_CODE) {
        return gv_log_codes(column)[row];
    }
    if (column->kind == GV_LOG_TEXT) {
        size_t size = 0;
        const char *text = gv_log_text(column, row, &size);
        return gv_hash(text, size);
    }
    memcpy(&word, (const uint64_t *)column->cells + row, sizeof word);
    return word;
}

static gv_status count_distinct(const gv_log_column *column, uint64_t *distinct)
{
    word_set set = {.slot_count = 0};
    gv_status status = GV_OK;
    uint64_t last = 0;
    *distinct = UINT64_MAX;
    for (uint64_t row = 0; row < column->rows; row++) {
        const uint64_t word = word_of(column, row);
        if (row == 0 || word != last) {
            GV_TRY_GOTO(status, add_word(&set, word), end);
            if (set.count > GV_INSPECT_DISTINCT_MAX) {
                goto end;
            }
        }
        last = word;
    }
    *distinct = set.count + set.has_zero;
end:
    gv_mem_free(set.words);
    return status;
}

static gv_status inspect_columns(gv_inspection *inspection, const gv_progress *progress)
{
    const gv_log *log = inspection->log;
    inspection->column_count = log->column_count;
    inspection->columns = gv_mem_alloc(0, log->column_count, sizeof *inspection->columns);
    if (inspection->columns == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to inspect it", log->path);
    }
    for (size_t i = 0; i < log->column_count; i++) {
        const gv_log_column *column = &log->columns[i];
        gv_inspect_column *row = &inspection->columns[i];
        if (!gv_progress_report(progress, "inspect", i, log->column_count)) {
            return GV_FAIL(GV_ESTOPPED, "%s: stopped before all of it was read", log->path);
        }
        *row = (gv_inspect_column){column, column->table, 0, gv_log_column_size(column)};
        GV_TRY(gv_log_check(column, 0, column->rows));
        GV_TRY(count_distinct(column, &row->distinct));
    }
    return GV_OK;
}

/* The column of a role, if it has that role's kind. */
static const gv_log_column *find(const gv_log *log, gv_log_table table, gv_log_role role)
{
    const gv_log_column *column = gv_log_find(log, table, gv_log_role_name(role));
    return column != NULL && column->kind == gv_log_role_kind(role) ? column : NULL;
}

static void inspect_prices(gv_inspection *inspection)
{
    const gv_log_column *price = find(inspection->log, GV_LOG_IMPRESSION, GV_ROLE_PRICE);
    inspection->has_price = price != NULL;
    if (price != NULL) {
        const int64_t *prices = gv_log_integers(price);
        inspection->price = gv_inspect_measure(prices, price->rows);
        inspection->histogram = gv_inspect_bin(prices, price->rows, &inspection->price);
    }
}

/* Times between events and their impressions; *count_of: impressions that have any. */
static gv_status inspect_events(const gv_log *log, gv_log_table table, gv_inspect_spread *delay,
                                uint64_t *count_of)
{
    const gv_log_column *shown = find(log, GV_LOG_IMPRESSION, GV_ROLE_TIME);
    const gv_log_column *row = find(log, table, GV_ROLE_ROW);
    const gv_log_column *time = find(log, table, GV_ROLE_TIME);
    if (shown == NULL || row == NULL || time == NULL) {
        return GV_OK;
    }
    const int64_t *rows = gv_log_integers(row);
    const int64_t *times = gv_log_integers(time);
    int64_t *delays = gv_mem_alloc_vector(row->rows, sizeof *delays);
    if (delays == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to inspect its events", log->path);
    }
    for (uint64_t i = 0; i < row->rows; i++) {
        const uint64_t from = (uint64_t)gv_log_integers(shown)[rows[i]];
        delays[i] = (int64_t)((uint64_t)times[i] - from);
        *count_of += i == 0 || rows[i] != rows[i - 1];
    }
    *delay = gv_inspect_measure(delays, row->rows);
    gv_mem_free(delays);
    return GV_OK;
}

static void add_cost(int64_t *cost, int64_t price)
{
    if (__builtin_add_overflow(*cost, price, cost)) {
        *cost = INT64_MAX;
    }
}

static void count_impressions(const gv_log *log, gv_inspect_advertiser *rows)
{
    const gv_log_column *advertiser = find(log, GV_LOG_IMPRESSION, GV_ROLE_ADVERTISER);
    const gv_log_column *price = find(log, GV_LOG_IMPRESSION, GV_ROLE_PRICE);
    if (advertiser == NULL) {
        return;
    }
    const uint32_t *codes = gv_log_codes(advertiser);
    for (uint64_t i = 0; i < advertiser->rows; i++) {
        rows[codes[i]].impressions++;
        if (price != NULL) {
            add_cost(&rows[codes[i]].cost_nanos, gv_log_integers(price)[i]);
        }
    }
}

/* The advertiser of each joined event is that of its impression. */
static void count_joined(const gv_log *log, gv_log_table table, gv_inspect_advertiser *rows)
{
    const gv_log_column *advertiser = find(log, GV_LOG_IMPRESSION, GV_ROLE_ADVERTISER);
    const gv_log_column *row = find(log, table, GV_ROLE_ROW);
    for (uint64_t i = 0; advertiser != NULL && row != NULL && i < row->rows; i++) {
        gv_inspect_advertiser *own = &rows[gv_log_codes(advertiser)[gv_log_integers(row)[i]]];
        own->clicks += table == GV_LOG_CLICK;
        own->conversions += table == GV_LOG_CONVERSION;
    }
}

static void count_orphans(const gv_log *log, gv_log_table table, gv_inspect_advertiser *rows)
{
    const gv_log_column *advertiser = find(log, table, GV_ROLE_ADVERTISER);
    for (uint64_t i = 0; advertiser != NULL && i < advertiser->rows; i++) {
        gv_inspect_advertiser *own = &rows[gv_log_codes(advertiser)[i]];
        own->orphan_clicks += table == GV_LOG_ORPHAN_CLICK;
        own->orphan_conversions += table == GV_LOG_ORPHAN_CONVERSION;
    }
}

static int compare_advertisers(const void *left, const void *right)
{
    const gv_inspect_advertiser *a = left;
    const gv_inspect_advertiser *b = right;
    if (a->impressions != b->impressions) {
        return a->impressions > b->impressions ? -1 : 1;
    }
    return a->code < b->code ? -1 : a->code > b->code;
}

/* Tables that share the name of a column share its dictionary, so one array serves them all. */
static gv_status inspect_advertisers(gv_inspection *inspection)
{
    const gv_log *log = inspection->log;
    const gv_log_column *advertiser = find(log, GV_LOG_IMPRESSION, GV_ROLE_ADVERTISER);
    if (advertiser == NULL) {
        return GV_OK;
    }
    for (gv_log_table table = GV_LOG_ORPHAN_CLICK; table <= GV_LOG_ORPHAN_CONVERSION; table++) {
        const gv_log_column *orphans = find(log, table, GV_ROLE_ADVERTISER);
        if (orphans != NULL && orphans->dictionary != advertiser->dictionary) {
            return GV_FAIL(GV_ECORRUPT, "%s: its advertisers have two dictionaries", log->path);
        }
    }
    const size_t count = gv_log_code_count(advertiser);
    inspection->advertisers = gv_mem_alloc(0, count, sizeof *inspection->advertisers);
    if (inspection->advertisers == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory for %zu advertisers", log->path, count);
    }
    for (size_t i = 0; i < count; i++) {
        inspection->advertisers[i].code = (uint32_t)i;
    }
    inspection->has_advertisers = true;
    inspection->advertiser_count = count;
    count_impressions(log, inspection->advertisers);
    count_joined(log, GV_LOG_CLICK, inspection->advertisers);
    count_joined(log, GV_LOG_CONVERSION, inspection->advertisers);
    count_orphans(log, GV_LOG_ORPHAN_CLICK, inspection->advertisers);
    count_orphans(log, GV_LOG_ORPHAN_CONVERSION, inspection->advertisers);
    qsort(inspection->advertisers, count, sizeof *inspection->advertisers, compare_advertisers);
    return GV_OK;
}

static gv_status inspect_all(gv_inspection *inspection, const gv_progress *progress)
{
    const gv_log *log = inspection->log;
    GV_TRY(inspect_columns(inspection, progress));
    inspect_prices(inspection);
    inspection->has_clicks = find(log, GV_LOG_CLICK, GV_ROLE_ROW) != NULL;
    inspection->has_conversions = find(log, GV_LOG_CONVERSION, GV_ROLE_ROW) != NULL;
    GV_TRY(inspect_events(log, GV_LOG_CLICK, &inspection->click_delay, &inspection->clicked));
    GV_TRY(inspect_events(log, GV_LOG_CONVERSION, &inspection->conversion_delay,
                          &inspection->converted));
    return inspect_advertisers(inspection);
}

gv_status gv_inspect(const gv_log *log, const gv_progress *progress, gv_inspection **out)
{
    gv_inspection *inspection = gv_mem_alloc(sizeof *inspection, 0, 1);
    if (inspection == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to inspect it", gv_log_path(log));
    }
    inspection->log = log;
    const gv_status status = inspect_all(inspection, progress);
    if (status != GV_OK) {
        gv_inspect_destroy(inspection);
        return status;
    }
    *out = inspection;
    return GV_OK;
}

void gv_inspect_destroy(gv_inspection *inspection)
{
    if (inspection != NULL) {
        gv_mem_free(inspection->columns);
        gv_mem_free(inspection->advertisers);
        gv_mem_free(inspection);
    }
}

static const gv_log_column *find_reject(const gv_log *log, const char *name, gv_log_kind kind)
{
    const gv_log_column *column = gv_log_find(log, GV_LOG_REJECT, name);
    return column != NULL && column->kind == kind ? column : NULL;
}

bool gv_inspect_find_rejects(const gv_log *log, gv_inspect_rejects *rejects)
{
    *rejects = (gv_inspect_rejects){
        .count = gv_log_rows(log, GV_LOG_REJECT),
        .file = find_reject(log, "file", GV_LOG_CODE),
        .line = find_reject(log, "line", GV_LOG_INTEGER),
        .column = find_reject(log, "column", GV_LOG_INTEGER),
        .reason = find_reject(log, "reason", GV_LOG_TEXT),
        .text = find_reject(log, "text", GV_LOG_TEXT),
    };
    return rejects->file != NULL && rejects->line != NULL && rejects->column != NULL &&
           rejects->reason != NULL && rejects->text != NULL;
}
