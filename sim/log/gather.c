#include <assert.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/gather_impl.h"
#include "sim/log/log.h"

enum { HEAP_BUFFER = 1 << 18, LONG_COPY = 1 << 14 };

/* Where a walk stands in one piece, with all that a row needs: rows jump from piece to piece. */
typedef struct lane {
    gv_piece_column column;
    const gv_piece *piece;
    size_t rows;
    size_t next; /* row */
    uint32_t worker;
} lane;

/* A walk over the order: where each piece stands, and what of the current run is left. */
typedef struct order_walk {
    const gv_gather *gather;
    lane *lanes; /* [piece_count] */
    size_t run;
    uint32_t left; /* of the current run */
    uint64_t row;  /* rows given out */
} order_walk;

/* Rows of one piece that follow each other in both. */
typedef struct stretch {
    const lane *lane;
    size_t first;
    size_t rows;
} stretch;

static gv_status start_walk(order_walk *walk, const gv_gather *gather, size_t field)
{
    assert(gather->order->rows == 0 || gather->piece_count > 0);
    walk->gather = gather;
    walk->lanes = gv_mem_alloc_vector(gather->piece_count, sizeof *walk->lanes);
    if (walk->lanes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to merge %zu runs of rows", gather->piece_count);
    }
    for (size_t i = 0; i < gather->piece_count; i++) {
        const gv_piece *piece = gather->pieces[i];
        walk->lanes[i] = (lane){{{NULL}, NULL}, piece, piece->rows, 0, piece->worker};
        if (field < piece->field_count) { /* who walks over rows alone needs no column */
            walk->lanes[i].column = piece->columns[field];
        }
    }
    return GV_OK;
}

/* The next stretch of at most `rows_max` rows; there must be one. */
static inline stretch next_stretch(order_walk *walk, size_t rows_max)
{
    const gv_order *order = walk->gather->order;
    while (walk->left == 0) {
        assert(walk->run < order->run_count);
        const gv_order_run run = order->runs[walk->run];
        if ((run.coded_rows & GV_ORDER_SKIP) != 0) {
            walk->lanes[run.piece].next += run.coded_rows & ~GV_ORDER_SKIP;
            walk->run++;
        } else {
            walk->left = run.coded_rows;
        }
    }
    lane *from = &walk->lanes[order->runs[walk->run].piece];
    stretch found = {from, from->next, walk->left};
    found.rows = found.rows < rows_max ? found.rows : rows_max;
    assert(found.first + found.rows <= from->rows);
    from->next += found.rows;
    walk->left -= (uint32_t)found.rows;
    walk->row += found.rows;
    walk->run += walk->left == 0;
    return found;
}

static size_t rows_of_block(const order_walk *walk)
{
    const uint64_t left = walk->gather->order->rows - walk->row;
    return left < GV_LOG_BLOCK_ROWS ? (size_t)left : GV_LOG_BLOCK_ROWS;
}

/* Copies of a few cells are too short for a call. */
static inline void copy_words(int64_t *to, const int64_t *from, size_t count)
{
    if (count < 8) {
        for (size_t i = 0; i < count; i++) {
            to[i] = from[i];
        }
    } else {
        memcpy(to, from, count * sizeof *to);
    }
}

static void fill_words(order_walk *walk, int64_t *block, size_t rows)
{
    for (size_t filled = 0; filled < rows;) {
        const stretch some = next_stretch(walk, rows - filled);
        copy_words(block + filled, some.lane->column.integers + some.first, some.rows);
        filled += some.rows;
    }
}

static void fill_origins(order_walk *walk, int64_t *block, size_t rows)
{
    for (size_t filled = 0; filled < rows;) {
        const stretch some = next_stretch(walk, rows - filled);
        for (size_t i = 0; i < some.rows; i++) {
            block[filled + i] = (int64_t)gv_piece_origin(some.lane->piece, some.first + i);
        }
        filled += some.rows;
    }
}

typedef void word_filler(order_walk *walk, int64_t *block, size_t rows);

static gv_status gather_words(const gv_gather *gather, size_t field, word_filler *fill,
                              const gv_sink *sink)
{
    order_walk walk = {.gather = NULL};
    gv_status status = GV_OK;
    int64_t *block = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS, sizeof *block);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a block of cells");
    }
    GV_TRY_GOTO(status, start_walk(&walk, gather, field), end);
    for (uint64_t number = 0; walk.row < gather->order->rows; number++) {
        const size_t rows = rows_of_block(&walk);
        fill(&walk, block, rows);
        GV_TRY_GOTO(status, gv_sink_cells(sink, number, block, rows), end);
        GV_TRY_GOTO(status, gv_meter_add(gather->meter, rows), end);
    }
end:
    gv_mem_free(walk.lanes);
    gv_mem_free(block);
    return status;
}

gv_status gv_gather_words(const gv_gather *gather, size_t field, const gv_sink *sink)
{
    return gather_words(gather, field, fill_words, sink);
}

gv_status gv_gather_origins(const gv_gather *gather, const gv_sink *sink)
{
    return gather_words(gather, 0, fill_origins, sink);
}

static void fill_codes(order_walk *walk, gv_renumber *renumber, uint32_t *block, size_t rows)
{
    for (size_t filled = 0; filled < rows;) {
        const stretch some = next_stretch(walk, rows - filled);
        const uint32_t *codes = some.lane->column.codes + some.first;
        if (renumber == NULL) {
            memcpy(block + filled, codes, some.rows * sizeof *codes);
        } else {
            gv_renumber_codes(renumber, some.lane->worker, codes, some.rows, block + filled);
        }
        filled += some.rows;
    }
}

gv_status gv_gather_codes(const gv_gather *gather, size_t field, gv_renumber *renumber,
                          const gv_sink *sink)
{
    order_walk walk = {.gather = NULL};
    gv_status status = GV_OK;
    uint32_t *block = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS, sizeof *block);
    if (block == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a block of codes");
    }
    GV_TRY_GOTO(status, start_walk(&walk, gather, field), end);
    for (uint64_t number = 0; walk.row < gather->order->rows; number++) {
        const size_t rows = rows_of_block(&walk);
        fill_codes(&walk, renumber, block, rows);
        GV_TRY_GOTO(status, gv_sink_cells(sink, number, block, rows), end);
        GV_TRY_GOTO(status, gv_meter_add(gather->meter, rows), end);
    }
end:
    gv_mem_free(walk.lanes);
    gv_mem_free(block);
    return status;
}

/* The part of a heap that is on its way out. */
typedef struct heap_buffer {
    const gv_sink *sink;
    gv_hasher *hasher; /* of the block's heap */
    char *bytes;       /* [HEAP_BUFFER] */
    size_t used;
    uint64_t written; /* where the buffer belongs in the heap */
} heap_buffer;

static gv_status write_heap(heap_buffer *buffer, const char *bytes, size_t size)
{
    if (buffer->sink->words != NULL) {
        gv_hasher_add(buffer->hasher, bytes, size);
    }
    GV_TRY(gv_sink_heap(buffer->sink, buffer->written, bytes, size));
    buffer->written += size;
    return GV_OK;
}

static gv_status flush_heap(heap_buffer *buffer)
{
    const size_t used = buffer->used;
    buffer->used = 0;
    return write_heap(buffer, buffer->bytes, used);
}

static gv_status add_heap(heap_buffer *buffer, const char *bytes, size_t size)
{
    if (size > HEAP_BUFFER - buffer->used) {
        GV_TRY(flush_heap(buffer));
    }
    if (size > LONG_COPY && buffer->used == 0) {
        return write_heap(buffer, bytes, size);
    }
    if (size > HEAP_BUFFER) {
        return write_heap(buffer, bytes, size);
    }
    memcpy(buffer->bytes + buffer->used, bytes, size);
    buffer->used += size;
    return GV_OK;
}

/* Hashes of bid ids while the texts are at hand, for the join. */
typedef struct hash_block {
    gv_file_writer *file; /* NULL: nobody asks */
    uint64_t *hashes;     /* [GV_LOG_BLOCK_ROWS] */
} hash_block;

static void hash_texts(const gv_piece_column *column, stretch some, uint64_t *hashes)
{
    for (size_t i = 0; i < some.rows; i++) {
        const uint64_t start = column->starts[some.first + i];
        const uint64_t size = column->starts[some.first + i + 1] - start;
        hashes[i] = gv_gather_hash(column->heap + start, size);
    }
}

/* starts[0] is set; fills the others and passes the texts on. starts: [rows + 1] */
static gv_status fill_texts(order_walk *walk, const hash_block *hashed, uint64_t *starts,
                            size_t rows, heap_buffer *buffer)
{
    for (size_t filled = 0; filled < rows;) {
        const stretch some = next_stretch(walk, rows - filled);
        const gv_piece_column *column = &some.lane->column;
        const uint64_t *from = column->starts + some.first;
        const uint64_t moved = starts[filled] - from[0];
        for (size_t i = 1; i <= some.rows; i++) {
            starts[filled + i] = from[i] + moved;
        }
        GV_TRY(add_heap(buffer, column->heap + from[0], from[some.rows] - from[0]));
        if (hashed->file != NULL) {
            hash_texts(column, some, hashed->hashes + filled);
        }
        filled += some.rows;
    }
    if (hashed->file != NULL) {
        GV_TRY(gv_file_write(hashed->file, hashed->hashes, rows * sizeof *hashed->hashes));
    }
    return flush_heap(buffer);
}

static gv_status gather_texts(order_walk *walk, const hash_block *hashed, uint64_t *starts,
                              heap_buffer *buffer)
{
    const gv_gather *gather = walk->gather;
    starts[0] = 0;
    if (gather->order->rows == 0) {
        return gv_sink_starts(buffer->sink, 0, starts, 0, 0);
    }
    for (uint64_t number = 0; walk->row < gather->order->rows; number++) {
        const size_t rows = rows_of_block(walk);
        gv_hasher_reset(buffer->hasher);
        GV_TRY(fill_texts(walk, hashed, starts, rows, buffer));
        const uint64_t heap_hash = gv_hasher_value(buffer->hasher);
        GV_TRY(gv_sink_starts(buffer->sink, number, starts, rows, heap_hash));
        GV_TRY(gv_meter_add(gather->meter, rows));
        starts[0] = starts[rows];
    }
    return GV_OK;
}

gv_status gv_gather_texts(const gv_gather *gather, size_t field, gv_file_writer *hashes,
                          const gv_sink *sink)
{
    order_walk walk = {.gather = NULL};
    gv_status status = GV_OK;
    heap_buffer buffer = {.sink = sink, .hasher = gv_hasher_create()};
    hash_block hashed = {.file = hashes};
    uint64_t *starts = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS + 1, sizeof *starts);
    buffer.bytes = gv_mem_alloc_vector(HEAP_BUFFER, 1);
    hashed.hashes = gv_mem_alloc_vector(GV_LOG_BLOCK_ROWS, sizeof *hashed.hashes);
    if (buffer.hasher == NULL || starts == NULL || buffer.bytes == NULL || hashed.hashes == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for a block of texts");
        goto end;
    }
    GV_TRY_GOTO(status, start_walk(&walk, gather, field), end);
    GV_TRY_GOTO(status, gather_texts(&walk, &hashed, starts, &buffer), end);
end:
    gv_mem_free(walk.lanes);
    gv_mem_free(hashed.hashes);
    gv_mem_free(buffer.bytes);
    gv_mem_free(starts);
    gv_hasher_destroy(buffer.hasher);
    return status;
}

gv_status gv_gather_visit(const gv_gather *gather,
                          void (*visit)(void *context, const gv_piece *piece, size_t row),
                          void *context)
{
    order_walk walk = {.gather = NULL};
    GV_TRY(start_walk(&walk, gather, 0));
    while (walk.row < gather->order->rows) {
        const stretch some = next_stretch(&walk, SIZE_MAX);
        for (size_t i = 0; i < some.rows; i++) {
            visit(context, some.lane->piece, some.first + i);
        }
    }
    gv_mem_free(walk.lanes);
    return GV_OK;
}

static uint64_t size_of_all(const gv_gather *gather, size_t field, uint64_t *rows)
{
    uint64_t size = 0;
    for (size_t i = 0; i < gather->piece_count; i++) {
        size += gather->pieces[i]->columns[field].starts[gather->pieces[i]->rows];
        *rows += gather->pieces[i]->rows;
    }
    return size;
}

gv_status gv_gather_heap_size(const gv_gather *gather, size_t field, uint64_t *size)
{
    order_walk walk = {.gather = NULL};
    uint64_t rows = 0;
    uint64_t sum = size_of_all(gather, field, &rows);
    if (rows != gather->order->rows) {
        sum = 0;
        GV_TRY(start_walk(&walk, gather, field));
        while (walk.row < gather->order->rows) {
            const stretch some = next_stretch(&walk, SIZE_MAX);
            const uint64_t *starts = some.lane->column.starts + some.first;
            sum += starts[some.rows] - starts[0];
        }
        gv_mem_free(walk.lanes);
    }
    *size = sum;
    return GV_OK;
}
