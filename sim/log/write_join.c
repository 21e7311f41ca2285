/* The middle of a commit: which events belong to which impression. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/write_impl.h"

enum { FIRST_JOINED = 256 };

static gv_status add_joined(gv_joined_list *list, gv_joined event)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity == 0 ? FIRST_JOINED : 2 * list->capacity;
        gv_joined *grown = gv_mem_resize(list->events, capacity, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu events", capacity);
        }
        list->events = grown;
        list->capacity = capacity;
    }
    list->events[list->count++] = event;
    return GV_OK;
}

/* What the join needs of the part of the log that is written. */
typedef struct written_part {
    gv_file_map log;
    gv_file_map hashes;
    gv_join_impressions impressions;
} written_part;

static gv_status map_written(gv_write *write, written_part *written)
{
    GV_TRY(gv_file_writer_map(write->writer.file, &written->log));
    const unsigned char *bytes = written->log.bytes;
    gv_join_impressions *impressions = &written->impressions;
    impressions->rows = write->sources[GV_LOG_IMPRESSION].order.rows;
    if (impressions->rows == 0) {
        return GV_OK;
    }
    impressions->times = (const void *)(bytes + write->time_sink->cells_at);
    if (write->hashes != NULL) {
        GV_TRY(gv_file_writer_map(write->hashes, &written->hashes));
        impressions->hashes = (const void *)written->hashes.bytes;
        impressions->starts = (const void *)(bytes + write->bid_id_sink->cells_at);
        impressions->heap = (const char *)bytes + write->bid_id_sink->heap_at;
    }
    return GV_OK;
}

static void unmap_written(written_part *written)
{
    gv_file_map_close(&written->log);
    gv_file_map_close(&written->hashes);
}

/* Collects the events of a table in its order. */
typedef struct event_collector {
    gv_join_event *next;
    size_t bid_id_field;
} event_collector;

static void collect_event(void *context, const gv_piece *piece, size_t row)
{
    event_collector *collector = context;
    gv_join_event event = {.row = GV_JOIN_ORPHAN, .time = INT64_MIN};
    if (piece->times != NULL) {
        event.time = piece->times[row];
    }
    if (collector->bid_id_field != SIZE_MAX) {
        const gv_piece_column *column = &piece->columns[collector->bid_id_field];
        const uint64_t start = column->starts[row];
        event.bid_id = (gv_span){column->heap + start, column->starts[row + 1] - start};
        event.hash = gv_gather_hash(event.bid_id.bytes, event.bid_id.size);
    }
    *collector->next++ = event;
}

/* The events of both tables, clicks first. *out is the caller's. */
static gv_status collect_events(const gv_write *write, gv_join_event **out)
{
    const gv_source *clicks = &write->sources[GV_LOG_CLICK];
    const gv_source *conversions = &write->sources[GV_LOG_CONVERSION];
    const uint64_t count = clicks->order.rows + conversions->order.rows;
    gv_join_event *events = gv_mem_alloc_vector(count, sizeof *events);
    if (events == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to join %zu events", (size_t)count);
    }
    event_collector collector = {.next = events, .bid_id_field = write->bid_id_field};
    gv_status status = gv_gather_visit(&clicks->gather, collect_event, &collector);
    if (status == GV_OK) {
        status = gv_gather_visit(&conversions->gather, collect_event, &collector);
    }
    if (status != GV_OK) {
        gv_mem_free(events);
        return status;
    }
    assert(collector.next == events + count);
    *out = events;
    return GV_OK;
}

static int compare_joined(const void *left, const void *right)
{
    const gv_joined *a = left;
    const gv_joined *b = right;
    if (a->row != b->row) {
        return a->row < b->row ? -1 : 1;
    }
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Parts the events of one table into joined ones and orphans. */
static gv_status part_events(gv_write *write, gv_log_table table, const gv_join_event *events,
                             const int64_t *times)
{
    gv_source *source = &write->sources[table];
    const bool has_time = write->builder->work.time_field != SIZE_MAX;
    gv_joined_list *list = &write->joined[table];
    gv_status status = GV_OK;
    bool *keep = gv_mem_alloc(0, source->order.rows, sizeof *keep);
    if (keep == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu events", (size_t)source->order.rows);
    }
    assert(source->order.rows == 0 || events != NULL);
    for (uint64_t i = 0; i < source->order.rows; i++) {
        const uint64_t row = events[i].row;
        keep[i] = row == GV_JOIN_ORPHAN;
        if (!keep[i]) {
            assert(has_time || times != NULL);
            const int64_t time = has_time ? events[i].time : times[row];
            GV_TRY_GOTO(status, add_joined(list, (gv_joined){row, time, list->count}), end);
        }
    }
    GV_TRY_GOTO(status,
                gv_order_filter(&source->order, keep, write->builder->path, &source->orphans), end);
end:
    gv_mem_free(keep);
    return status;
}

/* Makes events of the counts that stand in the impressions themselves. */
typedef struct event_counter {
    gv_joined_list *list;
    const int64_t *times;
    size_t field;
    uint64_t row;
    uint64_t counted_rows;
    gv_status status;
} event_counter;

static void count_events(void *context, const gv_piece *piece, size_t row)
{
    event_counter *counter = context;
    const int64_t count = piece->columns[counter->field].integers[row];
    for (int64_t i = 0; i < count && counter->status == GV_OK; i++) {
        const gv_joined event = {counter->row, counter->times[counter->row], counter->list->count};
        counter->status = add_joined(counter->list, event);
    }
    counter->counted_rows += count > 0;
    counter->row++;
}

static gv_status add_counted(gv_write *write, gv_log_table table, const int64_t *times)
{
    event_counter counter = {
        .list = &write->joined[table],
        .times = times,
        .field = write->builder->work.count_fields[table],
        .status = GV_OK,
    };
    if (counter.field == SIZE_MAX) {
        return GV_OK;
    }
    GV_TRY(gv_gather_visit(&write->sources[GV_LOG_IMPRESSION].gather, count_events, &counter));
    if (table == GV_LOG_CLICK) {
        write->counts->clicked_bid_ids += counter.counted_rows;
    }
    return counter.status;
}

static gv_status finish_table(gv_write *write, gv_log_table table, const gv_join_event *events,
                              const written_part *written)
{
    gv_joined_list *list = &write->joined[table];
    GV_TRY(add_counted(write, table, written->impressions.times));
    GV_TRY(part_events(write, table, events, written->impressions.times));
    if (list->count > 0 && write->sources[table].order.rows > 0) {
        qsort(list->events, list->count, sizeof *list->events, compare_joined);
    }
    return GV_OK;
}

static gv_status join(gv_write *write, const written_part *written, gv_join_event *events)
{
    gv_builder_counts *counts = write->counts;
    const size_t click_count = write->sources[GV_LOG_CLICK].order.rows;
    const size_t event_count = click_count + write->sources[GV_LOG_CONVERSION].order.rows;
    if (written->impressions.hashes != NULL) {
        GV_TRY(gv_join(&written->impressions, events, event_count, &counts->repeated_bid_ids));
    }
    GV_TRY(gv_join_distinct(events, click_count, &counts->clicked_bid_ids));
    GV_TRY(finish_table(write, GV_LOG_CLICK, events, written));
    return finish_table(write, GV_LOG_CONVERSION, events + click_count, written);
}

gv_status gv_write_join(gv_write *write)
{
    written_part written = {.log = {NULL, 0}};
    gv_join_event *events = NULL;
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, map_written(write, &written), end);
    GV_TRY_GOTO(status, collect_events(write, &events), end);
    GV_TRY_GOTO(status, join(write, &written, events), end);
end:
    gv_mem_free(events);
    unmap_written(&written);
    return status;
}
