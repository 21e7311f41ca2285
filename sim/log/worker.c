#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/worker_impl.h"

enum { REJECT_ROWS = 256, FIRST_PIECES = 64, COUNT_MAX = 1000000 };

const gv_log_schema gv_reject_schema = {
    .field_count = 5,
    .fields =
        {
            [GV_REJECT_FILE] = {"file", GV_LOG_CODE},
            [GV_REJECT_LINE] = {"line", GV_LOG_INTEGER},
            [GV_REJECT_COLUMN] = {"column", GV_LOG_INTEGER},
            [GV_REJECT_REASON] = {"reason", GV_LOG_TEXT},
            [GV_REJECT_TEXT] = {"text", GV_LOG_TEXT},
        },
};

gv_status gv_worker_create(const gv_work *work, uint32_t number, gv_worker **out)
{
    gv_worker *worker = gv_mem_alloc(sizeof *worker, 0, 1);
    if (worker == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to build it", work->path);
    }
    worker->work = work;
    worker->number = number;
    const gv_status status = gv_chunk_init(&worker->rejects, &gv_reject_schema, REJECT_ROWS);
    if (status != GV_OK) {
        gv_worker_destroy(worker);
        return status;
    }
    worker->rejects.table = GV_LOG_REJECT;
    *out = worker;
    return GV_OK;
}

static void free_pieces(gv_piece_list *list)
{
    for (size_t i = 0; i < list->spilled; i++) {
        gv_file_map_close(&list->pieces[i]->map);
        gv_mem_free(list->pieces[i]);
    }
    gv_mem_free(list->pieces);
}

void gv_worker_destroy(gv_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    for (size_t table = 0; table < GV_LOG_TABLE_COUNT; table++) {
        free_pieces(&worker->lists[table]);
    }
    for (size_t i = 0; i < GV_CHUNK_COLUMNS_MAX; i++) {
        gv_dictionary_fini(&worker->dictionaries[i]);
    }
    gv_dictionary_fini(&worker->file_dictionary);
    gv_chunk_fini(&worker->rejects);
    gv_sorter_fini(&worker->sorter);
    gv_piece_memory_fini(&worker->arena);
    gv_mem_free(worker);
}

static gv_status fit_list(gv_piece_list *list)
{
    if (list->count < list->capacity) {
        return GV_OK;
    }
    const size_t capacity = list->capacity == 0 ? FIRST_PIECES : 2 * list->capacity;
    gv_piece **grown = gv_mem_resize(list->pieces, capacity, sizeof(gv_piece *));
    if (grown == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu pieces of the log", capacity);
    }
    list->pieces = grown;
    list->capacity = capacity;
    return GV_OK;
}

static gv_status add_rows(gv_worker *worker, const gv_chunk *chunk)
{
    const bool is_reject = chunk->table == GV_LOG_REJECT;
    gv_piece_list *list = &worker->lists[chunk->table];
    GV_TRY(fit_list(list));
    GV_TRY(gv_piece_make(
        chunk, is_reject ? SIZE_MAX : worker->work->time_field, &worker->arena, &worker->sorter,
        is_reject ? &worker->file_dictionary : worker->dictionaries, &list->pieces[list->count]));
    list->pieces[list->count]->worker = worker->number;
    list->count++;
    return GV_OK;
}

static void note_first_reject(gv_worker *worker, uint32_t file, const gv_reject *reject)
{
    gv_first_reject *first = &worker->first_reject;
    if (first->line == 0 || file < first->file ||
        (file == first->file && reject->line < first->line)) {
        first->file = file;
        first->line = reject->line;
        first->column = reject->column;
        (void)snprintf(first->reason, sizeof first->reason, "%s", reject->reason);
    }
}

static gv_status add_reject_rows(gv_worker *worker, const gv_chunk *chunk, size_t first,
                                 size_t count)
{
    gv_chunk *rows = &worker->rejects;
    const char *path = worker->work->input_paths[chunk->file];
    for (size_t i = 0; i < count; i++) {
        const gv_reject *reject = &chunk->rejects[first + i];
        rows->lines[i] = reject->line;
        rows->cells[GV_REJECT_FILE].texts[i] = (gv_span){path, strlen(path)};
        rows->cells[GV_REJECT_LINE].integers[i] = (int64_t)reject->line;
        rows->cells[GV_REJECT_COLUMN].integers[i] = reject->column;
        rows->cells[GV_REJECT_REASON].texts[i] = (gv_span){reject->reason, strlen(reject->reason)};
        rows->cells[GV_REJECT_TEXT].texts[i] = reject->text;
        note_first_reject(worker, chunk->file, reject);
    }
    rows->file = chunk->file;
    rows->row_count = count;
    return add_rows(worker, rows);
}

static gv_status add_rejects(gv_worker *worker, const gv_chunk *chunk)
{
    for (size_t first = 0; first < chunk->reject_count; first += REJECT_ROWS) {
        const size_t left = chunk->reject_count - first;
        GV_TRY(add_reject_rows(worker, chunk, first, left < REJECT_ROWS ? left : REJECT_ROWS));
    }
    return GV_OK;
}

/* Each count becomes as many event rows: a wrong one must not fill the disk. */
static gv_status check_counts(const gv_work *work, const gv_chunk *chunk, size_t field)
{
    if (field == SIZE_MAX) {
        return GV_OK;
    }
    for (size_t i = 0; i < chunk->row_count; i++) {
        const int64_t count = chunk->cells[field].integers[i];
        if (count < 0 || count > COUNT_MAX) {
            return GV_FAIL(GV_EPARSE, "%s:%" PRIu64 ": %s are %" PRId64 ", expected 0 to %d",
                           work->input_paths[chunk->file], chunk->lines[i],
                           work->schema->fields[field].name, count, COUNT_MAX);
        }
    }
    return GV_OK;
}

gv_status gv_worker_add(gv_worker *worker, const gv_chunk *chunk)
{
    assert(chunk->schema == worker->work->schema);
    assert(chunk->table <= GV_LOG_CONVERSION);
    assert(chunk->file < worker->work->input_count);
    worker->has_seen[chunk->table] = true;
    worker->lines += chunk->row_count + chunk->reject_count;
    if (chunk->table == GV_LOG_IMPRESSION) {
        GV_TRY(check_counts(worker->work, chunk, worker->work->count_fields[GV_LOG_CLICK]));
        GV_TRY(check_counts(worker->work, chunk, worker->work->count_fields[GV_LOG_CONVERSION]));
    }
    if (chunk->row_count > 0) {
        GV_TRY(add_rows(worker, chunk));
    }
    return add_rejects(worker, chunk);
}
