#include <assert.h>

#include "sim/base/mem.h"
#include "sim/log/merge_impl.h"

/* A piece's next row. */
typedef struct head {
    int64_t time;
    uint64_t origin;
    uint32_t piece;
} head;

typedef struct merge_state {
    const gv_piece *const *pieces;
    head *heap;    /* [count], the earliest first */
    size_t *taken; /* [piece_count] rows so far */
    size_t count;
    gv_file_writer *scratch;
    gv_order_run last; /* not yet written; rows 0: none */
} merge_state;

static head head_of(const gv_piece *piece, uint32_t number, size_t row)
{
    return (head){piece->times == NULL ? 0 : piece->times[row], gv_piece_origin(piece, row),
                  number};
}

static inline bool precedes(const head *left, const head *right)
{
    if (left->time != right->time) {
        return left->time < right->time;
    }
    if (left->origin != right->origin) {
        return left->origin < right->origin;
    }
    return left->piece < right->piece;
}

static void sink(head *heap, size_t count, size_t at)
{
    const head moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && precedes(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!precedes(&heap[child], &moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

static gv_status write_run(merge_state *merger, gv_order_run run)
{
    const uint32_t skip = run.coded_rows & GV_ORDER_SKIP;
    const uint64_t joined =
        (uint64_t)(merger->last.coded_rows & ~GV_ORDER_SKIP) + (run.coded_rows & ~GV_ORDER_SKIP);
    if (merger->last.coded_rows != 0 && merger->last.piece == run.piece &&
        (merger->last.coded_rows & GV_ORDER_SKIP) == skip && joined < GV_ORDER_SKIP) {
        merger->last.coded_rows = (uint32_t)joined | skip;
        return GV_OK;
    }
    if (merger->last.coded_rows != 0) {
        GV_TRY(gv_file_write(merger->scratch, &merger->last, sizeof merger->last));
    }
    merger->last = run;
    return GV_OK;
}

static gv_status write_rows(merge_state *merger, uint32_t piece, uint64_t rows)
{
    while (rows > 0) {
        const uint64_t most = GV_ORDER_SKIP - 1;
        const uint32_t some = (uint32_t)(rows < most ? rows : most);
        GV_TRY(write_run(merger, (gv_order_run){piece, some}));
        rows -= some;
    }
    return GV_OK;
}

/* The row of the piece at the top from which on the runner-up goes first. */
static size_t end_of_run(const merge_state *merger, const gv_piece *piece, size_t row)
{
    const head *top = merger->heap;
    if (merger->count == 1) {
        return piece->rows;
    }
    const head *next = &top[1];
    if (merger->count > 2 && precedes(&top[2], next)) {
        next = &top[2];
    }
    const head last = head_of(piece, top->piece, piece->rows - 1);
    if (precedes(&last, next)) {
        return piece->rows;
    }
    for (row++; row < piece->rows; row++) {
        const head candidate = head_of(piece, top->piece, row);
        if (!precedes(&candidate, next)) {
            break;
        }
    }
    return row;
}

static gv_status merge_all(merge_state *merger)
{
    while (merger->count > 0) {
        const uint32_t number = merger->heap[0].piece;
        const gv_piece *piece = merger->pieces[number];
        const size_t end = end_of_run(merger, piece, merger->taken[number]);
        GV_TRY(write_rows(merger, number, end - merger->taken[number]));
        merger->taken[number] = end;
        if (end < piece->rows) {
            merger->heap[0] = head_of(piece, number, end);
        } else {
            merger->heap[0] = merger->heap[--merger->count];
        }
        if (merger->count > 0) {
            sink(merger->heap, merger->count, 0);
        }
    }
    return GV_OK;
}

static gv_status close_order(merge_state *merger, uint64_t rows, gv_order *out)
{
    if (merger->last.coded_rows != 0) {
        GV_TRY(gv_file_write(merger->scratch, &merger->last, sizeof merger->last));
    }
    gv_order order = {.rows = rows};
    GV_TRY(gv_file_writer_map(merger->scratch, &order.map));
    order.runs = (const void *)order.map.bytes;
    order.run_count = order.map.size / sizeof *order.runs;
    *out = order;
    return GV_OK;
}

static gv_status start_merger(merge_state *merger, const gv_piece *const *pieces, size_t count)
{
    merger->pieces = pieces;
    merger->heap = gv_mem_alloc(0, count, sizeof *merger->heap);
    merger->taken = gv_mem_alloc(0, count, sizeof *merger->taken);
    if (merger->heap == NULL || merger->taken == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to merge %zu runs of rows", count);
    }
    for (size_t i = 0; i < count; i++) {
        assert(pieces[i]->rows > 0);
        merger->heap[i] = head_of(pieces[i], (uint32_t)i, 0);
    }
    merger->count = count;
    for (size_t i = count / 2; i-- > 0;) {
        sink(merger->heap, count, i);
    }
    return GV_OK;
}

gv_status gv_order_merge(const gv_piece *const *pieces, size_t piece_count, const char *path,
                         gv_order *out)
{
    merge_state merger = {.pieces = NULL};
    gv_status status = GV_OK;
    uint64_t rows = 0;
    assert(piece_count < UINT32_MAX);
    for (size_t i = 0; i < piece_count; i++) {
        rows += pieces[i]->rows;
    }
    GV_TRY_GOTO(status, gv_file_scratch_create(path, &merger.scratch), end);
    GV_TRY_GOTO(status, start_merger(&merger, pieces, piece_count), end);
    GV_TRY_GOTO(status, merge_all(&merger), end);
    GV_TRY_GOTO(status, close_order(&merger, rows, out), end);
end:
    gv_mem_free(merger.heap);
    gv_mem_free(merger.taken);
    gv_file_abandon(merger.scratch);
    return status;
}

static gv_status filter_run(merge_state *merger, gv_order_run run, const bool *keep, uint64_t *kept)
{
    for (uint32_t i = 0; i < run.coded_rows; i++) {
        const uint32_t skip = keep[i] ? 0 : GV_ORDER_SKIP;
        GV_TRY(write_run(merger, (gv_order_run){run.piece, 1 | skip}));
        *kept += keep[i];
    }
    return GV_OK;
}

gv_status gv_order_filter(const gv_order *order, const bool *keep, const char *path, gv_order *out)
{
    merge_state merger = {.pieces = NULL};
    gv_status status = GV_OK;
    uint64_t row = 0;
    uint64_t kept = 0;
    GV_TRY_GOTO(status, gv_file_scratch_create(path, &merger.scratch), end);
    for (size_t i = 0; i < order->run_count; i++) {
        assert((order->runs[i].coded_rows & GV_ORDER_SKIP) == 0);
        GV_TRY_GOTO(status, filter_run(&merger, order->runs[i], keep + row, &kept), end);
        row += order->runs[i].coded_rows;
    }
    assert(row == order->rows);
    GV_TRY_GOTO(status, close_order(&merger, kept, out), end);
end:
    gv_file_abandon(merger.scratch);
    return status;
}

void gv_order_fini(gv_order *order)
{
    gv_file_map_close(&order->map);
    *order = (gv_order){0};
}
