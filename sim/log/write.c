#include <assert.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/log/write_impl.h"

static size_t count_pieces(const gv_builder *builder, gv_log_table table)
{
    size_t count = 0;
    for (size_t i = 0; i < builder->worker_count; i++) {
        count += builder->workers[i]->lists[table].count;
    }
    return count;
}

static gv_status open_source(gv_write *write, gv_log_table table)
{
    const gv_builder *builder = write->builder;
    gv_source *source = &write->sources[table];
    const size_t count = count_pieces(builder, table);
    source->pieces = gv_mem_alloc(0, count, sizeof(gv_piece *));
    if (source->pieces == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to merge %zu runs", builder->path, count);
    }
    size_t filled = 0;
    for (size_t i = 0; i < builder->worker_count; i++) {
        const gv_piece_list *list = &builder->workers[i]->lists[table];
        write->has_table[table] |= builder->workers[i]->has_seen[table];
        for (size_t k = 0; k < list->count; k++) {
            source->pieces[filled++] = list->pieces[k];
        }
    }
    const gv_piece *const *pieces = (const gv_piece *const *)source->pieces;
    GV_TRY(gv_order_merge(pieces, count, builder->path, &source->order));
    source->gather = (gv_gather){pieces, count, &source->order, &write->meter};
    return GV_OK;
}

static gv_status open_sources(gv_write *write)
{
    const gv_log_table tables[] = {GV_LOG_IMPRESSION, GV_LOG_CLICK, GV_LOG_CONVERSION,
                                   GV_LOG_REJECT};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        GV_TRY(open_source(write, tables[i]));
        write->meter.total += write->sources[tables[i]].order.rows *
                              gv_work_schema(&write->builder->work, tables[i])->field_count;
    }
    for (gv_log_table table = GV_LOG_CLICK; table <= GV_LOG_CONVERSION; table++) {
        write->has_table[table] |= write->builder->work.count_fields[table] != SIZE_MAX;
    }
    return GV_OK;
}

/* CODE fields have the dictionaries 0, 1, 2... in the order of the schema; then the file names. */
static uint64_t dictionary_number(const gv_log_schema *schema, size_t field)
{
    uint64_t number = 0;
    for (size_t i = 0; i < field; i++) {
        number += schema->fields[i].kind == GV_LOG_CODE;
    }
    return number;
}

static gv_status run_task(void *context, size_t index, size_t worker)
{
    const gv_write *write = context;
    const gv_column_task *task = &write->tasks[index];
    (void)worker;
    switch (task->sink->kind) {
    case GV_LOG_INTEGER:
    case GV_LOG_REAL:
        return gv_gather_words(task->gather, task->field, task->sink);
    case GV_LOG_CODE:
        return gv_gather_codes(task->gather, task->field, task->renumber, task->sink);
    case GV_LOG_TEXT:
        return gv_gather_texts(task->gather, task->field, task->hashes, task->sink);
    case GV_LOG_KIND_COUNT:
        break;
    }
    assert(false);
    return GV_EINVAL;
}

static gv_status run_tasks(gv_write *write)
{
    const size_t count = write->task_count;
    write->task_count = 0;
    return gv_parallel_for(write->builder->jobs, count, run_task, write);
}

/* Declares one column of a table and queues the gathering of it. */
static gv_status queue_field(gv_write *write, gv_log_table table, const gv_gather *gather,
                             size_t field, const gv_sink **sink)
{
    const bool is_reject = table == GV_LOG_REJECT;
    const gv_log_schema *schema = write->builder->work.schema;
    const gv_log_field *row = &gv_work_schema(&write->builder->work, table)->fields[field];
    gv_column_spec spec = {table, row->kind, row->name, UINT64_MAX, gather->order->rows, 0};
    gv_renumber *renumber = is_reject ? &write->file_renumber : &write->renumbers[field];
    if (row->kind == GV_LOG_CODE) {
        spec.dictionary = dictionary_number(schema, is_reject ? schema->field_count : field);
    } else if (row->kind == GV_LOG_TEXT) {
        GV_TRY(gv_gather_heap_size(gather, field, &spec.heap_size));
    }
    GV_TRY(gv_log_writer_column(&write->writer, spec, sink));
    write->tasks[write->task_count++] =
        (gv_column_task){.gather = gather, .field = field, .sink = *sink, .renumber = renumber};
    return GV_OK;
}

/* Row n is at n seconds: for logs that say nothing of time. */
static gv_status write_ordinal_time(gv_write *write, gv_log_table table, uint64_t rows,
                                    const gv_sink **sink)
{
    const gv_column_spec spec = {table,      GV_LOG_INTEGER, gv_log_role_name(GV_ROLE_TIME),
                                 UINT64_MAX, rows,           0};
    GV_TRY(gv_log_writer_column(&write->writer, spec, sink));
    gv_status status = GV_OK;
    int64_t *times = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS, sizeof *times);
    if (times == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a block of times");
    }
    for (uint64_t first = 0; first < rows; first += GV_LOG_BLOCK_ROWS) {
        const uint64_t left = rows - first;
        const size_t some = left < GV_LOG_BLOCK_ROWS ? (size_t)left : GV_LOG_BLOCK_ROWS;
        for (size_t i = 0; i < some; i++) {
            times[i] = (int64_t)(first + i) * GV_US_PER_SECOND;
        }
        GV_TRY_GOTO(status, gv_sink_cells(*sink, first / GV_LOG_BLOCK_ROWS, times, some), end);
    }
end:
    gv_mem_free(times);
    return status;
}

/* The columns of rows that keep their features: impressions and orphans. */
static gv_status write_features(gv_write *write, gv_log_table table, const gv_gather *gather)
{
    const gv_work *work = &write->builder->work;
    const bool is_impression = table == GV_LOG_IMPRESSION;
    const gv_sink *sink = NULL;
    write->writer.rows[table] = gather->order->rows;
    if (work->time_field == SIZE_MAX) {
        GV_TRY(write_ordinal_time(write, table, gather->order->rows, &sink));
        write->time_sink = is_impression ? sink : write->time_sink;
    }
    for (size_t i = 0; i < work->schema->field_count; i++) {
        if (i == work->count_fields[GV_LOG_CLICK] || i == work->count_fields[GV_LOG_CONVERSION]) {
            continue; /* become events, and from them the columns of the same names */
        }
        GV_TRY(queue_field(write, table, gather, i, &sink));
        if (is_impression && i == work->time_field) {
            write->time_sink = sink;
        }
        if (is_impression && i == write->bid_id_field) {
            write->bid_id_sink = sink;
            write->tasks[write->task_count - 1].hashes = write->hashes;
        }
    }
    return run_tasks(write);
}

/* How many events each impression has, from events that are sorted by row. */
static gv_status write_event_counts(gv_write *write, gv_log_table table, gv_log_role role)
{
    const gv_joined_list *list = &write->joined[table];
    const uint64_t rows = write->sources[GV_LOG_IMPRESSION].order.rows;
    const gv_column_spec spec = {GV_LOG_IMPRESSION, GV_LOG_INTEGER, gv_log_role_name(role),
                                 UINT64_MAX,        rows,           0};
    const gv_sink *sink = NULL;
    gv_status status = GV_OK;
    size_t next = 0;
    GV_TRY(gv_log_writer_column(&write->writer, spec, &sink));
    int64_t *counts = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS, sizeof *counts);
    if (counts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a block of counts");
    }
    for (uint64_t first = 0; first < rows; first += GV_LOG_BLOCK_ROWS) {
        const uint64_t left = rows - first;
        const size_t some = left < GV_LOG_BLOCK_ROWS ? (size_t)left : GV_LOG_BLOCK_ROWS;
        memset(counts, 0, some * sizeof *counts);
        for (; next < list->count && list->events[next].row < first + some; next++) {
            counts[list->events[next].row - first]++;
        }
        GV_TRY_GOTO(status, gv_sink_cells(sink, first / GV_LOG_BLOCK_ROWS, counts, some), end);
    }
    assert(next == list->count);
end:
    gv_mem_free(counts);
    return status;
}

static gv_status write_joined_column(gv_write *write, gv_log_table table, gv_log_role role,
                                     int64_t *cells)
{
    const gv_joined_list *list = &write->joined[table];
    const gv_column_spec spec = {table,      GV_LOG_INTEGER, gv_log_role_name(role),
                                 UINT64_MAX, list->count,    0};
    const gv_sink *sink = NULL;
    GV_TRY(gv_log_writer_column(&write->writer, spec, &sink));
    for (size_t i = 0; i < list->count; i++) {
        cells[i] = role == GV_ROLE_ROW ? (int64_t)list->events[i].row : list->events[i].time;
    }
    return gv_sink_all(sink, cells, list->count);
}

static gv_status write_joined(gv_write *write, gv_log_table table)
{
    const size_t count = write->joined[table].count;
    int64_t *cells = gv_mem_alloc_vector(count, sizeof *cells);
    if (cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu events", count);
    }
    write->writer.rows[table] = count;
    gv_status status = write_joined_column(write, table, GV_ROLE_ROW, cells);
    if (status == GV_OK) {
        status = write_joined_column(write, table, GV_ROLE_TIME, cells);
    }
    gv_mem_free(cells);
    return status;
}

/* Columns are declared table by table, in the order of the tables. */
static gv_status write_events(gv_write *write)
{
    static const struct {
        gv_log_table table;
        gv_log_table orphans;
        gv_log_role role;
    } kinds[] = {{GV_LOG_CLICK, GV_LOG_ORPHAN_CLICK, GV_ROLE_CLICKS},
                 {GV_LOG_CONVERSION, GV_LOG_ORPHAN_CONVERSION, GV_ROLE_CONVERSIONS}};
    for (size_t i = 0; i < 2; i++) {
        if (write->has_table[kinds[i].table]) {
            GV_TRY(write_event_counts(write, kinds[i].table, kinds[i].role));
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (write->has_table[kinds[i].table]) {
            GV_TRY(write_joined(write, kinds[i].table));
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (write->has_table[kinds[i].table]) {
            gv_gather gather = write->sources[kinds[i].table].gather;
            gather.order = &write->sources[kinds[i].table].orphans;
            GV_TRY(write_features(write, kinds[i].orphans, &gather));
        }
    }
    return GV_OK;
}

static gv_status write_rejects(gv_write *write)
{
    const gv_gather *gather = &write->sources[GV_LOG_REJECT].gather;
    const gv_sink *sink = NULL;
    write->writer.rows[GV_LOG_REJECT] = gather->order->rows;
    for (size_t i = 0; i < gv_reject_schema.field_count; i++) {
        GV_TRY(queue_field(write, GV_LOG_REJECT, gather, i, &sink));
    }
    return run_tasks(write);
}

static gv_status write_parts(gv_write *write)
{
    GV_TRY(open_sources(write));
    GV_TRY(gv_write_renumbers(write));
    GV_TRY(gv_log_writer_init(&write->writer, write->builder->path));
    write->writer.zone_us = write->builder->work.schema->zone_us;
    if (write->bid_id_field != SIZE_MAX) {
        GV_TRY(gv_file_scratch_create(write->builder->path, &write->hashes));
    }
    GV_TRY(write_features(write, GV_LOG_IMPRESSION, &write->sources[GV_LOG_IMPRESSION].gather));
    GV_TRY(gv_write_join(write));
    GV_TRY(write_events(write));
    GV_TRY(write_rejects(write));
    GV_TRY(gv_write_dictionaries(write));
    for (size_t table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        write->counts->rows[table] = write->writer.rows[table];
    }
    GV_TRY(gv_write_facts(write));
    return gv_log_writer_commit(&write->writer);
}

static void close_write(gv_write *write)
{
    for (size_t table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        gv_order_fini(&write->sources[table].order);
        gv_order_fini(&write->sources[table].orphans);
        gv_mem_free(write->sources[table].pieces);
        gv_mem_free(write->joined[table].events);
    }
    for (size_t i = 0; i < GV_CHUNK_COLUMNS_MAX; i++) {
        gv_renumber_fini(&write->renumbers[i]);
    }
    gv_renumber_fini(&write->file_renumber);
    gv_log_writer_fini(&write->writer);
    gv_file_abandon(write->hashes);
    gv_mem_free(write->facts);
    gv_meter_fini(&write->meter);
    gv_mem_free(write);
}

/* A bid id is one by its name, whether it is coded or not; only a TEXT one can be joined. */
static size_t find_bid_id(const gv_log_schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].kind == GV_LOG_TEXT &&
            strcmp(schema->fields[i].name, gv_log_role_name(GV_ROLE_BID_ID)) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

gv_status gv_builder_write(gv_builder *builder, const gv_progress *progress,
                           gv_builder_counts *counts)
{
    gv_write *write = gv_mem_alloc(sizeof *write, 0, 1);
    if (write == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to write it", builder->path);
    }
    write->builder = builder;
    write->counts = counts;
    write->bid_id_field = find_bid_id(builder->work.schema);
    gv_meter_init(&write->meter, progress, "write", 0);
    const gv_status status = write_parts(write);
    close_write(write);
    return status;
}
