/* Which rows a campaign sees: columns that hold one wanted value each. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/market/logged_impl.h"

gv_status gv_logged_column(const gv_log *log, gv_log_table table, const char *name,
                           gv_log_kind kind, const gv_log_column **column)
{
    const gv_log_column *found = gv_log_find(log, table, name);
    if (found == NULL) {
        return GV_FAIL(GV_ENOTFOUND, "%s: table %s has no column %s; see gavel inspect",
                       gv_log_path(log), gv_log_table_name(table), name);
    }
    if (gv_log_column_kind(found) != kind) {
        return GV_FAIL(GV_EINVAL, "%s: column %s is not of the kind that is needed here",
                       gv_log_path(log), name);
    }
    *column = found;
    return GV_OK;
}

static gv_status bind_integer(const gv_log *log, const gv_filter *filter, gv_bound_filter *bound)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(filter->value, &end, 10);
    if (errno != 0 || end == filter->value || *end != '\0') {
        return GV_FAIL(GV_EINVAL, "%s: column %s holds whole numbers, found filter value \"%s\"",
                       gv_log_path(log), filter->column, filter->value);
    }
    bound->integers = gv_log_integers(bound->column);
    bound->wanted = value;
    return GV_OK;
}

static gv_status bind_code(const gv_log *log, const gv_filter *filter, gv_bound_filter *bound)
{
    const uint32_t code = gv_log_code_find(bound->column, filter->value, strlen(filter->value));
    if (code == GV_LOG_NO_CODE) {
        return GV_FAIL(GV_ENOTFOUND, "%s: no row has %s \"%s\"; see gavel inspect",
                       gv_log_path(log), filter->column, filter->value);
    }
    bound->codes = gv_log_codes(bound->column);
    bound->wanted = code;
    return GV_OK;
}

gv_status gv_logged_bind_filter(const gv_log *log, const gv_filter *filter, gv_bound_filter *bound)
{
    *bound = (gv_bound_filter){.column = gv_log_find(log, GV_LOG_IMPRESSION, filter->column)};
    if (bound->column == NULL) {
        return GV_FAIL(GV_ENOTFOUND, "%s: no column %s to filter by; see gavel inspect",
                       gv_log_path(log), filter->column);
    }
    switch (gv_log_column_kind(bound->column)) {
    case GV_LOG_CODE:
        return bind_code(log, filter, bound);
    case GV_LOG_INTEGER:
        return bind_integer(log, filter, bound);
    case GV_LOG_REAL:
    case GV_LOG_TEXT:
    case GV_LOG_KIND_COUNT:
        break;
    }
    return GV_FAIL(GV_EINVAL, "%s: column %s cannot be filtered by, only codes and whole numbers",
                   gv_log_path(log), filter->column);
}

static bool matches(const gv_bound_filter *filter, uint64_t row)
{
    return filter->codes != NULL ? filter->codes[row] == (uint32_t)filter->wanted
                                 : filter->integers[row] == filter->wanted;
}

/* Appends without a branch: whether a row matches is as good as random. In place is allowed. */
static size_t keep_matching(const gv_bound_filter *filter, uint64_t *rows, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t row = rows[i];
        rows[kept] = row;
        kept += matches(filter, row);
    }
    return kept;
}

gv_status gv_logged_select(const gv_bound_filter *filters, size_t filter_count, uint64_t first,
                           size_t count, uint64_t *rows, size_t *selected)
{
    for (size_t i = 0; i < count; i++) {
        rows[i] = first + i;
    }
    size_t kept = count;
    for (size_t f = 0; f < filter_count && kept > 0; f++) {
        GV_TRY(gv_log_check(filters[f].column, first, count));
        kept = keep_matching(&filters[f], rows, kept);
    }
    *selected = kept;
    return GV_OK;
}
