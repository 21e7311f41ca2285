#include "sim/log/chunk.h"

#include <assert.h>
#include <stdbool.h>

#include "sim/base/mem.h"

enum { FIRST_REJECTS = 16 };

static const size_t cell_sizes[GV_LOG_KIND_COUNT] = {
    [GV_LOG_INTEGER] = sizeof(int64_t),
    [GV_LOG_REAL] = sizeof(double),
    [GV_LOG_CODE] = sizeof(gv_span),
    [GV_LOG_TEXT] = sizeof(gv_span),
};

gv_status gv_chunk_init(gv_chunk *chunk, const gv_log_schema *schema, size_t row_capacity)
{
    assert(schema->field_count <= GV_CHUNK_COLUMNS_MAX);
    gv_chunk made = {.schema = schema, .row_capacity = row_capacity};
    made.lines = gv_mem_alloc_vector(row_capacity, sizeof *made.lines);
    bool is_whole = made.lines != NULL;
    for (size_t i = 0; i < schema->field_count && is_whole; i++) {
        assert(schema->fields[i].kind < GV_LOG_KIND_COUNT);
        void *cells = gv_mem_alloc_vector(row_capacity, cell_sizes[schema->fields[i].kind]);
        made.cells[i].integers = cells; /* the members of the union are pointers alike */
        is_whole = cells != NULL;
    }
    if (!is_whole) {
        gv_chunk_fini(&made);
        return GV_FAIL(GV_ENOMEM, "no memory for %zu rows of %zu columns", row_capacity,
                       schema->field_count);
    }
    *chunk = made;
    return GV_OK;
}

void gv_chunk_fini(gv_chunk *chunk)
{
    gv_mem_free(chunk->lines);
    for (size_t i = 0; i < GV_CHUNK_COLUMNS_MAX; i++) {
        gv_mem_free(chunk->cells[i].integers);
    }
    gv_mem_free(chunk->rejects);
    *chunk = (gv_chunk){0};
}

void gv_chunk_reset(gv_chunk *chunk)
{
    chunk->row_count = 0;
    chunk->reject_count = 0;
}

gv_status gv_chunk_reject(gv_chunk *chunk, gv_reject reject)
{
    if (chunk->reject_count == chunk->reject_capacity) {
        const size_t capacity =
            chunk->reject_capacity == 0 ? FIRST_REJECTS : 2 * chunk->reject_capacity;
        gv_reject *grown = gv_mem_resize(chunk->rejects, capacity, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu rejected rows", capacity);
        }
        chunk->rejects = grown;
        chunk->reject_capacity = capacity;
    }
    chunk->rejects[chunk->reject_count++] = reject;
    return GV_OK;
}
