/* Rows move out of memory: a worker's pieces become one of each table, in a scratch file. */
#include <assert.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/log/format_impl.h"
#include "sim/log/gather_impl.h"
#include "sim/log/worker_impl.h"

/* More spilled pieces than this are merged into one, so that their number stays small. */
enum { SPILLED_MAX = 64 };

/* Where the columns of a piece lie in its file; the origins come behind them. */
typedef struct piece_layout {
    gv_sink sinks[GV_CHUNK_COLUMNS_MAX];
    gv_sink origins;
} piece_layout;

static uint64_t heap_size(const gv_gather *gather, size_t field)
{
    uint64_t size = 0;
    for (size_t i = 0; i < gather->piece_count; i++) {
        size += gather->pieces[i]->columns[field].starts[gather->pieces[i]->rows];
    }
    return size;
}

static void lay_out(piece_layout *layout, const gv_gather *gather, const gv_log_schema *schema,
                    gv_file_writer *file)
{
    uint64_t end = 0;
    for (size_t i = 0; i < schema->field_count; i++) {
        const gv_log_kind kind = schema->fields[i].kind;
        layout->sinks[i] = (gv_sink){.file = file, .kind = kind, .cells_at = end};
        end = gv_format_align(end + gv_format_cells_size(kind, gather->order->rows));
        if (kind == GV_LOG_TEXT) {
            layout->sinks[i].heap_at = end;
            end = gv_format_align(end + heap_size(gather, i));
        }
    }
    layout->origins = (gv_sink){.file = file, .kind = GV_LOG_INTEGER, .cells_at = end};
}

static gv_status write_columns(const piece_layout *layout, const gv_gather *gather,
                               const gv_log_schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        switch (schema->fields[i].kind) {
        case GV_LOG_INTEGER:
        case GV_LOG_REAL:
            GV_TRY(gv_gather_words(gather, i, &layout->sinks[i]));
            break;
        case GV_LOG_CODE:
            GV_TRY(gv_gather_codes(gather, i, NULL, &layout->sinks[i]));
            break;
        case GV_LOG_TEXT:
            GV_TRY(gv_gather_texts(gather, i, NULL, &layout->sinks[i]));
            break;
        case GV_LOG_KIND_COUNT:
            assert(false);
        }
    }
    return gv_gather_origins(gather, &layout->origins);
}

static void point(gv_piece *piece, const piece_layout *layout)
{
    for (size_t i = 0; i < piece->field_count; i++) {
        piece->columns[i].cells = piece->map.bytes + layout->sinks[i].cells_at;
        piece->columns[i].heap = (const char *)piece->map.bytes + layout->sinks[i].heap_at;
    }
    piece->origins = (const void *)(piece->map.bytes + layout->origins.cells_at);
}

static gv_status write_piece(const gv_gather *gather, const gv_worker *worker, gv_log_table table,
                             gv_piece *piece)
{
    const gv_log_schema *schema = gv_work_schema(worker->work, table);
    gv_file_writer *file = NULL;
    gv_status status = GV_OK;
    piece_layout layout = {.origins = {.file = NULL}};
    GV_TRY(gv_file_scratch_create(worker->work->path, &file));
    lay_out(&layout, gather, schema, file);
    GV_TRY_GOTO(status, write_columns(&layout, gather, schema), end);
    GV_TRY_GOTO(status, gv_file_writer_map(file, &piece->map), end);
    point(piece, &layout);
    piece->rows = gather->order->rows;
    piece->worker = worker->number;
    if (table != GV_LOG_REJECT && worker->work->time_field != SIZE_MAX) {
        piece->times = piece->columns[worker->work->time_field].integers;
    }
end:
    gv_file_abandon(file);
    return status;
}

/* One piece of pieces [first, count) of the list, which it leaves alone. */
static gv_status merge_pieces(const gv_worker *worker, gv_log_table table, size_t first,
                              gv_piece **out)
{
    const gv_piece_list *list = &worker->lists[table];
    const size_t fields = gv_work_schema(worker->work, table)->field_count;
    const gv_piece *const *pieces = (const gv_piece *const *)list->pieces + first;
    gv_order order = {.rows = 0};
    gv_status status = GV_OK;
    gv_piece *piece = gv_mem_alloc(sizeof *piece, fields, sizeof piece->columns[0]);
    if (piece == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to spill rows", worker->work->path);
    }
    piece->field_count = fields;
    const gv_gather gather = {
        .pieces = pieces, .piece_count = list->count - first, .order = &order};
    GV_TRY_GOTO(status, gv_order_merge(pieces, gather.piece_count, worker->work->path, &order),
                fail);
    GV_TRY_GOTO(status, write_piece(&gather, worker, table, piece), fail);
    gv_order_fini(&order);
    *out = piece;
    return GV_OK;
fail:
    gv_order_fini(&order);
    gv_mem_free(piece);
    return status;
}

static gv_status spill_table(gv_worker *worker, gv_log_table table)
{
    gv_piece_list *list = &worker->lists[table];
    if (list->count == list->spilled) {
        return GV_OK;
    }
    const size_t first = list->spilled < SPILLED_MAX ? list->spilled : 0;
    gv_piece *piece = NULL;
    GV_TRY(merge_pieces(worker, table, first, &piece));
    for (size_t i = first; i < list->spilled; i++) {
        gv_file_map_close(&list->pieces[i]->map);
        gv_mem_free(list->pieces[i]);
    }
    list->pieces[first] = piece;
    list->count = first + 1;
    list->spilled = first + 1;
    return GV_OK;
}

gv_status gv_worker_spill(gv_worker *worker)
{
    for (gv_log_table table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        GV_TRY(spill_table(worker, table));
    }
    gv_piece_memory_reset(&worker->arena);
    return GV_OK;
}
