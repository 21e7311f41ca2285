/*
 * The clicks and conversions of a span, read once from their tables and merged by row and time,
 * so that loading a piece costs a bisection. A log has far fewer of them than auctions.
 */
#include <assert.h>

#include "sim/base/mem.h"
#include "sim/market/logged_impl.h"

/* One event table, in ascending (row, time); absent: no rows. */
typedef struct event_table {
    const int64_t *rows;
    const int64_t *time_us;
    uint64_t next;
    uint64_t end;
    uint32_t is_conversion;
} event_table;

/* A checksum does not promise order, and everything behind relies on it. */
static gv_status check_order(const gv_log *log, gv_log_table name, const event_table *table)
{
    for (uint64_t i = 1; i < table->end; i++) {
        const bool ascends =
            table->rows[i - 1] < table->rows[i] ||
            (table->rows[i - 1] == table->rows[i] && table->time_us[i - 1] <= table->time_us[i]);
        if (!ascends) {
            return GV_FAIL(GV_ECORRUPT, "%s: table %s is not in order; ingest it anew",
                           gv_log_path(log), gv_log_table_name(name));
        }
    }
    return GV_OK;
}

static gv_status open_table(const gv_log *log, gv_log_table table, event_table *out)
{
    *out = (event_table){.is_conversion = table == GV_LOG_CONVERSION};
    const uint64_t count = gv_log_rows(log, table);
    if (count == 0) {
        return GV_OK;
    }
    const gv_log_column *row = NULL;
    const gv_log_column *time = NULL;
    GV_TRY(gv_logged_column(log, table, gv_log_role_name(GV_ROLE_ROW), GV_LOG_INTEGER, &row));
    GV_TRY(gv_logged_column(log, table, gv_log_role_name(GV_ROLE_TIME), GV_LOG_INTEGER, &time));
    GV_TRY(gv_log_check(row, 0, count));
    GV_TRY(gv_log_check(time, 0, count));
    out->rows = gv_log_integers(row);
    out->time_us = gv_log_integers(time);
    out->end = count;
    return check_order(log, table, out);
}

static uint64_t first_of(const event_table *table, uint64_t row)
{
    uint64_t low = 0;
    uint64_t high = table->end;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if ((uint64_t)table->rows[middle] < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void cut_table(event_table *table, uint64_t begin, uint64_t end)
{
    table->next = first_of(table, begin);
    table->end = first_of(table, end);
}

static bool comes_first(const event_table *a, const event_table *b)
{
    if (a->next == a->end || b->next == b->end) {
        return b->next == b->end;
    }
    assert(a->rows != NULL);
    assert(b->rows != NULL);
    const int64_t row_a = a->rows[a->next];
    const int64_t row_b = b->rows[b->next];
    return row_a != row_b ? row_a < row_b : a->time_us[a->next] <= b->time_us[b->next];
}

static gv_event_record take(event_table *table)
{
    assert(table->rows != NULL);
    const uint64_t at = table->next++;
    return (gv_event_record){.opportunity = (uint64_t)table->rows[at],
                             .time_us = table->time_us[at],
                             .is_conversion = table->is_conversion};
}

static gv_status merge(event_table *clicks, event_table *conversions,
                       const gv_bound_filter *filters, size_t filter_count, gv_event_record *events,
                       size_t *count)
{
    size_t kept = 0;
    while (clicks->next < clicks->end || conversions->next < conversions->end) {
        const gv_event_record event = take(comes_first(clicks, conversions) ? clicks : conversions);
        uint64_t row = 0;
        size_t matching = 0;
        GV_TRY(gv_logged_select(filters, filter_count, event.opportunity, 1, &row, &matching));
        if (matching == 1) {
            events[kept++] = event;
        }
    }
    *count = kept;
    return GV_OK;
}

gv_status gv_logged_events(const gv_log *log, const gv_bound_filter *filters, size_t filter_count,
                           uint64_t begin, uint64_t end, gv_event_record **events, size_t *count)
{
    event_table clicks;
    event_table conversions;
    GV_TRY(open_table(log, GV_LOG_CLICK, &clicks));
    GV_TRY(open_table(log, GV_LOG_CONVERSION, &conversions));
    cut_table(&clicks, begin, end);
    cut_table(&conversions, begin, end);
    const uint64_t room = clicks.end - clicks.next + conversions.end - conversions.next;
    gv_event_record *merged = gv_mem_alloc(0, room, sizeof *merged);
    if (merged == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the %zu clicks and conversions of %s",
                       (size_t)room, gv_log_path(log));
    }
    const gv_status status = merge(&clicks, &conversions, filters, filter_count, merged, count);
    if (status != GV_OK) {
        gv_mem_free(merged);
        return status;
    }
    *events = merged;
    return GV_OK;
}
