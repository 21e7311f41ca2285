#include "sim/log/log.h"

#include <assert.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/format_impl.h"
#include "sim/log/log_impl.h"

static gv_log *make_log(const char *name)
{
    gv_log *log = gv_mem_alloc(sizeof *log, 0, 1);
    if (log == NULL) {
        return NULL;
    }
    log->path = gv_mem_copy_text(name);
    if (log->path == NULL) {
        gv_mem_free(log);
        return NULL;
    }
    return log;
}

/* Reads what log->map holds; the log goes with a failure. */
static gv_status read_or_close(gv_log *log, gv_log **out)
{
    const gv_status status = gv_log_read(log);
    if (status != GV_OK) {
        gv_log_close(log);
        return status;
    }
    *out = log;
    return GV_OK;
}

gv_status gv_log_open(const char *path, gv_log **out)
{
    gv_log *log = make_log(path);
    if (log == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to open it", path);
    }
    const gv_status status = gv_file_map_open(path, &log->map);
    if (status != GV_OK) {
        gv_log_close(log);
        return status;
    }
    log->owns_map = true;
    return read_or_close(log, out);
}

gv_status gv_log_open_bytes(const char *name, const unsigned char *bytes, size_t size, gv_log **out)
{
    assert((uintptr_t)bytes % GV_FORMAT_ALIGNMENT == 0);
    gv_log *log = make_log(name);
    if (log == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to open it", name);
    }
    log->map = (gv_file_map){bytes, size};
    return read_or_close(log, out);
}

void gv_log_close(gv_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->owns_map) {
        gv_file_map_close(&log->map);
    }
    gv_mem_free(log->is_valid);
    gv_mem_free(log->dictionaries);
    gv_mem_free(log->columns);
    gv_mem_free(log->facts);
    gv_mem_free(log->texts);
    gv_mem_free(log->path);
    gv_mem_free(log);
}

const char *gv_log_path(const gv_log *log)
{
    return log->path;
}

uint64_t gv_log_identity(const gv_log *log)
{
    return log->identity;
}

int64_t gv_log_zone_us(const gv_log *log)
{
    return log->zone_us;
}

const char *gv_log_fact(const gv_log *log, const char *name)
{
    for (size_t i = 0; i < log->fact_count; i++) {
        if (strcmp(log->facts[i].name, name) == 0) {
            return log->facts[i].value;
        }
    }
    return NULL;
}

size_t gv_log_fact_count(const gv_log *log)
{
    return log->fact_count;
}

const char *gv_log_fact_at(const gv_log *log, size_t index, const char **value)
{
    assert(index < log->fact_count);
    *value = log->facts[index].value;
    return log->facts[index].name;
}

uint64_t gv_log_rows(const gv_log *log, gv_log_table table)
{
    assert((unsigned)table < GV_LOG_TABLE_COUNT);
    return log->rows[table];
}

const gv_log_column *gv_log_find(const gv_log *log, gv_log_table table, const char *name)
{
    for (size_t i = 0; i < log->column_count; i++) {
        if (log->columns[i].table == table && strcmp(log->columns[i].name, name) == 0) {
            return &log->columns[i];
        }
    }
    return NULL;
}

/* Columns are in the order of their tables. */
static size_t first_column(const gv_log *log, gv_log_table table)
{
    size_t first = 0;
    while (first < log->column_count && log->columns[first].table < table) {
        first++;
    }
    return first;
}

size_t gv_log_column_count(const gv_log *log, gv_log_table table)
{
    const size_t first = first_column(log, table);
    size_t end = first;
    while (end < log->column_count && log->columns[end].table == table) {
        end++;
    }
    return end - first;
}

const gv_log_column *gv_log_column_at(const gv_log *log, gv_log_table table, size_t index)
{
    const size_t at = first_column(log, table) + index;
    assert(at < log->column_count);
    assert(log->columns[at].table == table);
    return &log->columns[at];
}

const char *gv_log_column_name(const gv_log_column *column)
{
    return column->name;
}

gv_log_kind gv_log_column_kind(const gv_log_column *column)
{
    return column->kind;
}

uint64_t gv_log_column_size(const gv_log_column *column)
{
    return gv_format_cells_size(column->kind, column->rows) + column->heap_size;
}

const int64_t *gv_log_integers(const gv_log_column *column)
{
    assert(column->kind == GV_LOG_INTEGER);
    return column->cells;
}

const double *gv_log_reals(const gv_log_column *column)
{
    assert(column->kind == GV_LOG_REAL);
    return column->cells;
}

const uint32_t *gv_log_codes(const gv_log_column *column)
{
    assert(column->kind == GV_LOG_CODE);
    return column->cells;
}

const char *gv_log_text(const gv_log_column *column, uint64_t row, size_t *size)
{
    assert(row < column->rows);
    if (column->kind == GV_LOG_CODE) {
        return gv_log_code_text(column, gv_log_codes(column)[row], size);
    }
    assert(column->kind == GV_LOG_TEXT);
    const uint64_t *starts = column->cells;
    *size = (size_t)(starts[row + 1] - starts[row]);
    return column->heap + starts[row];
}

uint32_t gv_log_code_count(const gv_log_column *column)
{
    assert(column->kind == GV_LOG_CODE);
    return (uint32_t)column->dictionary->count;
}

const char *gv_log_code_text(const gv_log_column *column, uint32_t code, size_t *size)
{
    assert(column->kind == GV_LOG_CODE);
    const gv_log_dictionary *dictionary = column->dictionary;
    assert(code < dictionary->count);
    *size = (size_t)(dictionary->starts[code + 1] - dictionary->starts[code]);
    return dictionary->heap + dictionary->starts[code];
}

uint32_t gv_log_code_find(const gv_log_column *column, const char *text, size_t size)
{
    assert(column->kind == GV_LOG_CODE);
    const gv_log_dictionary *dictionary = column->dictionary;
    uint64_t slot = gv_hash(text, size) & (dictionary->slot_count - 1);
    while (dictionary->slots[slot] != GV_LOG_NO_CODE) {
        const uint32_t code = dictionary->slots[slot];
        size_t found_size = 0;
        const char *found = gv_log_code_text(column, code, &found_size);
        if (found_size == size && memcmp(found, text, size) == 0) {
            return code;
        }
        slot = (slot + 1) & (dictionary->slot_count - 1);
    }
    return GV_LOG_NO_CODE;
}
