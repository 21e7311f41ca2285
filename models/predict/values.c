#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/values_impl.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

enum { FIRST_SCRATCH = 16, DIGITS = 24 };

static gv_value_kind derived_kind(const char *name)
{
    static const struct {
        const char *name;
        gv_value_kind kind;
    } derived[] = {
        {"hour", GV_VALUE_HOUR}, {"weekday", GV_VALUE_WEEKDAY}, {"event", GV_VALUE_EVENT}};
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        if (strcmp(derived[i].name, name) == 0) {
            return derived[i].kind;
        }
    }
    return GV_VALUE_CODE;
}

static char separator_of(const char *name)
{
    if (strcmp(name, gv_log_role_name(GV_ROLE_TAGS)) == 0) {
        return ',';
    }
    if (strcmp(name, gv_log_role_name(GV_ROLE_FEATURES)) == 0) {
        return ' ';
    }
    return '\0';
}

gv_values_fault gv_values_find(gv_values *values, const gv_log *log, const char *name)
{
    *values = (gv_values){.kind = derived_kind(name), .zone_us = gv_log_zone_us(log)};
    (void)snprintf(values->name, sizeof values->name, "%s", name);
    if (values->kind != GV_VALUE_CODE) {
        name = gv_log_role_name(GV_ROLE_TIME);
    }
    values->columns[0] = gv_log_find(log, GV_LOG_IMPRESSION, name);
    if (values->columns[0] == NULL) {
        return GV_VALUES_MISSING;
    }
    if (gv_log_rows(log, GV_LOG_ORPHAN_CLICK) > 0) {
        values->columns[1] = gv_log_find(log, GV_LOG_ORPHAN_CLICK, name);
        if (values->columns[1] == NULL) {
            return GV_VALUES_MISSING;
        }
    }
    if (values->kind != GV_VALUE_CODE) {
        return GV_VALUES_FIT;
    }
    const gv_log_kind kind = gv_log_column_kind(values->columns[0]);
    if (kind == GV_LOG_REAL) {
        return GV_VALUES_REAL;
    }
    if (kind != GV_LOG_CODE) {
        values->kind = kind == GV_LOG_INTEGER ? GV_VALUE_INTEGER : GV_VALUE_TEXT;
    }
    if (kind != GV_LOG_INTEGER) {
        values->separator = separator_of(name);
    }
    return GV_VALUES_FIT;
}

static uint64_t hash_number(int64_t number)
{
    char text[DIGITS];
    const int size = snprintf(text, sizeof text, "%" PRId64, number);
    return gv_hash(text, (size_t)size);
}

/* ---- texts with several values --------------------------------------------------------------- */

static size_t count_values(const char *text, size_t size, char separator)
{
    if (separator == '\0') {
        return 1;
    }
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += text[i] != separator && (i == 0 || text[i - 1] == separator) ? 1 : 0;
    }
    return count;
}

/* hashes: [count_values()]. */
static void hash_values(const char *text, size_t size, char separator, uint64_t *hashes)
{
    if (separator == '\0') {
        hashes[0] = gv_hash(text, size);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < size;) {
        size_t end = i;
        while (end < size && text[end] != separator) {
            end++;
        }
        if (end > i) {
            hashes[count++] = gv_hash(text + i, end - i);
        }
        i = end + 1;
    }
}

static gv_status prepare_codes(gv_values *values)
{
    const gv_log_column *column = values->columns[0];
    const uint32_t codes = gv_log_code_count(column);
    uint64_t total = 0;
    values->starts = gv_mem_alloc(0, (size_t)codes + 2, sizeof *values->starts);
    if (values->starts == NULL) {
        return GV_FAIL(GV_ENOMEM, "%u values of %s", codes, values->name);
    }
    for (uint32_t c = 0; c < codes; c++) {
        size_t size = 0;
        const char *text = gv_log_code_text(column, c, &size);
        total += count_values(text, size, values->separator);
        if (total > UINT32_MAX / 2) {
            return GV_FAIL(GV_EINVAL, "more than %u values of %s", UINT32_MAX / 2, values->name);
        }
        values->starts[c + 1] = (uint32_t)total;
    }
    values->hashes = gv_mem_alloc(0, (size_t)total + 1, sizeof *values->hashes);
    if (values->hashes == NULL) {
        return GV_FAIL(GV_ENOMEM, "%llu values of %s", (unsigned long long)total, values->name);
    }
    for (uint32_t c = 0; c < codes; c++) {
        size_t size = 0;
        const char *text = gv_log_code_text(column, c, &size);
        hash_values(text, size, values->separator, values->hashes + values->starts[c]);
    }
    return GV_OK;
}

static gv_status reserve(gv_values *values, size_t count)
{
    if (count <= values->scratch_room) {
        return GV_OK;
    }
    size_t room = values->scratch_room == 0 ? FIRST_SCRATCH : values->scratch_room;
    while (room < count) {
        room *= 2;
    }
    uint64_t *grown = gv_mem_resize(values->scratch, room, sizeof *grown);
    if (grown == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu values of %s", room, values->name);
    }
    values->scratch = grown;
    values->scratch_room = room;
    return GV_OK;
}

gv_status gv_values_prepare(gv_values *values)
{
    GV_TRY(reserve(values, 1));
    return values->kind == GV_VALUE_CODE ? prepare_codes(values) : GV_OK;
}

void gv_values_fini(gv_values *values)
{
    gv_mem_free(values->starts);
    gv_mem_free(values->hashes);
    gv_mem_free(values->scratch);
}

gv_status gv_values_check(const gv_values *values, bool is_orphan, uint64_t first, uint64_t count)
{
    return gv_log_check(values->columns[is_orphan ? 1 : 0], first, count);
}

/* ---- one row --------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t hour_of(int64_t local_us)
{
    return floor_div(local_us, GV_US_PER_HOUR) - 24 * floor_div(local_us, GV_US_PER_DAY);
}

/* 1: Monday. 1970-01-01 was a Thursday. */
static int64_t weekday_of(int64_t local_us)
{
    const int64_t days = floor_div(local_us, GV_US_PER_DAY) + 3;
    return days - 7 * floor_div(days, 7) + 1;
}

static uint64_t hash_cached(gv_values *values, int64_t number)
{
    const size_t slot = (size_t)((uint64_t)number % GV_VALUE_CACHE);
    if (values->cache_hashes[slot] == 0 || values->cache_keys[slot] != number) {
        values->cache_keys[slot] = number;
        values->cache_hashes[slot] = hash_number(number);
    }
    return values->cache_hashes[slot];
}

static gv_status read_text(gv_values *values, const gv_log_column *column, uint64_t row,
                           size_t *count)
{
    size_t size = 0;
    const char *text = gv_log_text(column, row, &size);
    *count = count_values(text, size, values->separator);
    GV_TRY(reserve(values, *count));
    hash_values(text, size, values->separator, values->scratch);
    return GV_OK;
}

static gv_status read_other(gv_values *values, const gv_value_place *place, size_t *count)
{
    const gv_log_column *column = values->columns[place->is_orphan ? 1 : 0];
    const int64_t local_us = place->time_us + values->zone_us;
    *count = 1;
    switch (values->kind) {
    case GV_VALUE_INTEGER:
        values->scratch[0] = hash_cached(values, gv_log_integers(column)[place->row]);
        return GV_OK;
    case GV_VALUE_HOUR:
        values->scratch[0] = hash_cached(values, hour_of(local_us));
        return GV_OK;
    case GV_VALUE_WEEKDAY:
        values->scratch[0] = hash_cached(values, weekday_of(local_us));
        return GV_OK;
    case GV_VALUE_EVENT:
        values->scratch[0] = place->is_click ? gv_hash("click", 5) : gv_hash("impression", 10);
        return GV_OK;
    case GV_VALUE_CODE:
    case GV_VALUE_TEXT:
    default:
        return read_text(values, column, place->row, count);
    }
}

gv_status gv_values_at(gv_values *values, const gv_value_place *place, const uint64_t **hashes,
                       size_t *count)
{
    if (values->kind == GV_VALUE_CODE) {
        const uint32_t code = gv_log_codes(values->columns[place->is_orphan ? 1 : 0])[place->row];
        assert(code != GV_LOG_NO_CODE);
        *hashes = values->hashes + values->starts[code];
        *count = values->starts[code + 1] - values->starts[code];
        return GV_OK;
    }
    GV_TRY(read_other(values, place, count));
    *hashes = values->scratch;
    return GV_OK;
}
