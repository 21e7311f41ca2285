/* What a plan means for one file: its table by its name, its columns by its header. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/param.h"
#include "sim/log/input_impl.h"
#include "sim/log/reader_impl.h"

static bool name_starts(const char *path, const char *prefix)
{
    const char *const slash = strrchr(path, '/');
    const char *const name = slash == NULL ? path : slash + 1;
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

void gv_file_plan_start(gv_file_plan *file, const gv_plan *plan, const char *path, uint32_t number)
{
    static const char *const prefixes[] = {"imp", "clk", "conv"};
    *file = (gv_file_plan){.plan = plan,
                           .path = path,
                           .file = number,
                           .counts = {plan->column_counts[0], plan->column_counts[1]},
                           .table = plan->table.table,
                           .table_by_column = plan->table.by_column,
                           .table_column = plan->table.column};
    for (size_t i = 0; i < plan->binding_count; i++) {
        file->columns[i] = plan->bindings[i].column;
    }
    for (size_t i = 0; plan->table.by_file_name && i < 3; i++) {
        if (name_starts(path, prefixes[i])) {
            file->table = (gv_log_table)(GV_LOG_IMPRESSION + i);
            file->table_by_column = false;
        }
    }
}

static bool is_text(gv_span span, const char *text)
{
    return strlen(text) == span.size && memcmp(span.bytes, text, span.size) == 0;
}

/* "; did you mean 'x'?" or the first names, for a column that is not there. */
static void suggest(const gv_rows *rows, const char *name, char *text, size_t size)
{
    enum { NAMES = 64, NAME_SIZE = 64 };
    char names[NAMES][NAME_SIZE];
    const char *list[NAMES] = {NULL};
    const uint32_t count = rows->firsts[1] < NAMES ? rows->firsts[1] : NAMES;
    for (uint32_t i = 0; i < count; i++) {
        const gv_span field = gv_rows_field(rows, i);
        const size_t kept = field.size < NAME_SIZE ? field.size : NAME_SIZE - 1;
        memcpy(names[i], field.bytes, kept);
        names[i][kept] = '\0';
        list[i] = names[i];
    }
    const char *const nearest = gv_param_nearest(list, count, name);
    if (nearest != NULL) {
        (void)snprintf(text, size, ": did you mean '%.63s'?", nearest);
        return;
    }
    (void)snprintf(text, size, ": the header has");
    for (uint32_t i = 0; i < count && strlen(text) + NAME_SIZE + 8 < size; i++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, size - used, "%s %.63s", i == 0 ? "" : ",", names[i]);
    }
}

static gv_status find_column(const gv_file_plan *file, const gv_rows *rows, const char *name,
                             uint64_t origin, uint32_t *column)
{
    for (uint32_t i = 0; i < rows->firsts[1]; i++) {
        if (is_text(gv_rows_field(rows, i), name)) {
            *column = i;
            return GV_OK;
        }
    }
    char hint[400];
    suggest(rows, name, hint, sizeof hint);
    return GV_FAIL(GV_EPARSE, "%s:1: has no column '%s', which %s:%" PRIu64 ":%" PRIu64 " names%s",
                   file->path, name, file->plan->mapping_path, origin >> 32, origin & UINT32_MAX,
                   hint);
}

static gv_status check_columns(const gv_file_plan *file)
{
    for (size_t i = 0; i < file->plan->binding_count; i++) {
        const gv_binding *binding = &file->plan->bindings[i];
        if (file->columns[i] >= file->counts[0] && !binding->is_optional) {
            return GV_FAIL(GV_EPARSE,
                           "%s:1: has %" PRIu32 " columns, but %s:%" PRIu64 ":%" PRIu64
                           " names column %" PRIu32,
                           file->path, file->counts[0], file->plan->mapping_path,
                           binding->origin >> 32, binding->origin & UINT32_MAX,
                           file->columns[i] + 1);
        }
    }
    if (file->table_by_column && file->table_column >= file->counts[0]) {
        return GV_FAIL(GV_EPARSE,
                       "%s:1: has %" PRIu32 " columns, but the kind of row is in number %" PRIu32,
                       file->path, file->counts[0], file->table_column + 1);
    }
    return GV_OK;
}

gv_status gv_file_plan_first_row(gv_file_plan *file, const gv_rows *rows, bool *skip)
{
    const gv_plan *plan = file->plan;
    assert(rows->row_count > 0);
    *skip =
        plan->header == GV_HEADER_ALWAYS ||
        (plan->header == GV_HEADER_IF_NAMED && is_text(gv_rows_field(rows, 0), plan->header_word));
    if (plan->column_counts[0] == 0) {
        file->counts[0] = rows->firsts[1];
        file->counts[1] = rows->firsts[1];
    }
    for (size_t i = 0; i < plan->binding_count; i++) {
        if (plan->bindings[i].header != NULL) {
            GV_TRY(find_column(file, rows, plan->bindings[i].header, plan->bindings[i].origin,
                               &file->columns[i]));
        }
    }
    if (plan->table.by_column && plan->table.header != NULL) {
        GV_TRY(
            find_column(file, rows, plan->table.header, plan->table.origin, &file->table_column));
    }
    return plan->mapping_path == NULL ? GV_OK : check_columns(file);
}
