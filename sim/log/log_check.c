/* The cells of a log: checked block by block, once, before anybody relies on them. */
#include <assert.h>
#include <inttypes.h>

#include "sim/base/hash.h"
#include "sim/base/vector.h"
#include "sim/log/format_impl.h"
#include "sim/log/log_impl.h"

/* The rows of one block. */
typedef struct block_rows {
    uint64_t number;
    uint64_t first;
    size_t count;
} block_rows;

static block_rows rows_of(const gv_log_column *column, uint64_t number)
{
    const uint64_t first = number * GV_LOG_BLOCK_ROWS;
    const uint64_t left = column->rows - first;
    return (block_rows){number, first, left < GV_LOG_BLOCK_ROWS ? (size_t)left : GV_LOG_BLOCK_ROWS};
}

static gv_status say_corrupt(const gv_log_column *column, const block_rows *rows, const char *what)
{
    return GV_FAIL(GV_ECORRUPT,
                   "%s: is damaged: table %s, column %s, block %" PRIu64 " (rows %" PRIu64
                   " to %" PRIu64 "): %s; ingest it anew",
                   column->log->path, gv_log_table_name(column->table), column->name, rows->number,
                   rows->first, rows->first + rows->count - 1, what);
}

static gv_status say_checksum(const gv_log_column *column, const block_rows *rows)
{
    return say_corrupt(column, rows, "its checksum does not agree");
}

/* What the cells of a block span, and how often one is less than the one before. */
typedef struct block_span {
    int64_t least;
    int64_t most;
    int64_t descents;
} block_span;

/* Below AVX2 there is no comparison of 64-bit integers to make vectors of. */
GV_VECTOR
static void measure(const int64_t *cells, size_t count, block_span *out)
{
    block_span span = {cells[0], cells[0], 0};
    for (size_t i = 1; i < count; i++) {
        span.least = cells[i] < span.least ? cells[i] : span.least;
        span.most = cells[i] > span.most ? cells[i] : span.most;
        span.descents += cells[i] < cells[i - 1];
    }
    *out = span;
}

static gv_status check_integers(const gv_log_column *column, const block_rows *rows)
{
    const int64_t *cells = (const int64_t *)column->cells + rows->first;
    const uint64_t *words =
        column->words + rows->number * gv_format_block_words(column->kind, column->is_time);
    if (gv_hash(cells, rows->count * sizeof *cells) != words[0]) {
        return say_checksum(column, rows);
    }
    if (!column->is_time && !column->is_row) {
        return GV_OK;
    }
    block_span span;
    measure(cells, rows->count, &span);
    if (column->is_time && gv_log_is_ordered(column->table) && span.descents > 0) {
        return say_corrupt(column, rows, "its times do not ascend");
    }
    if (column->is_time && (span.least != (int64_t)words[1] || span.most != (int64_t)words[2])) {
        return say_corrupt(column, rows, "its times are not in the range that the directory gives");
    }
    if (column->is_row &&
        (span.least < 0 || (uint64_t)span.most >= column->log->rows[GV_LOG_IMPRESSION])) {
        return say_corrupt(column, rows, "an event belongs to no impression");
    }
    return GV_OK;
}

static gv_status check_reals(const gv_log_column *column, const block_rows *rows)
{
    const double *cells = (const double *)column->cells + rows->first;
    return gv_hash(cells, rows->count * sizeof *cells) == column->words[rows->number]
               ? GV_OK
               : say_checksum(column, rows);
}

static gv_status check_codes(const gv_log_column *column, const block_rows *rows)
{
    const uint32_t *cells = (const uint32_t *)column->cells + rows->first;
    uint32_t most = 0;
    if (gv_hash(cells, rows->count * sizeof *cells) != column->words[rows->number]) {
        return say_checksum(column, rows);
    }
    for (size_t i = 0; i < rows->count; i++) {
        most = cells[i] > most ? cells[i] : most;
    }
    return most < column->dictionary->count
               ? GV_OK
               : say_corrupt(column, rows, "a code stands for no text");
}

/* The starts are checked before the heap is read by them. */
static gv_status check_texts(const gv_log_column *column, const block_rows *rows)
{
    const uint64_t *starts = (const uint64_t *)column->cells + rows->first;
    const uint64_t *words = column->words + 2 * rows->number;
    bool ascends = true;
    if (gv_hash(starts, (rows->count + 1) * sizeof *starts) != words[0]) {
        return say_checksum(column, rows);
    }
    for (size_t i = 0; i < rows->count; i++) {
        ascends &= starts[i] <= starts[i + 1];
    }
    if (!ascends || starts[rows->count] > column->heap_size) {
        return say_corrupt(column, rows, "its texts overlap");
    }
    const uint64_t size = starts[rows->count] - starts[0];
    return gv_hash(column->heap + starts[0], size) == words[1] ? GV_OK : say_checksum(column, rows);
}

static gv_status check_block(const gv_log_column *column, uint64_t number)
{
    const block_rows rows = rows_of(column, number);
    switch (column->kind) {
    case GV_LOG_INTEGER:
        return check_integers(column, &rows);
    case GV_LOG_REAL:
        return check_reals(column, &rows);
    case GV_LOG_CODE:
        return check_codes(column, &rows);
    case GV_LOG_TEXT:
        return check_texts(column, &rows);
    case GV_LOG_KIND_COUNT:
        break;
    }
    assert(false);
    return GV_EINVAL;
}

/* Two threads may check the same block at once; both find the same. */
gv_status gv_log_check(const gv_log_column *column, uint64_t first, uint64_t count)
{
    assert(first <= column->rows);
    assert(count <= column->rows - first);
    if (count == 0) {
        return GV_OK;
    }
    const uint64_t last = (first + count - 1) / GV_LOG_BLOCK_ROWS;
    for (uint64_t block = first / GV_LOG_BLOCK_ROWS; block <= last; block++) {
        if (atomic_load_explicit(&column->is_valid[block], memory_order_acquire) == 0) {
            GV_TRY(check_block(column, block));
            atomic_store_explicit(&column->is_valid[block], 1, memory_order_release);
        }
    }
    return GV_OK;
}

bool gv_log_time_range(const gv_log *log, gv_log_table table, int64_t *first_us, int64_t *last_us)
{
    const gv_log_column *time = gv_log_find(log, table, gv_log_role_name(GV_ROLE_TIME));
    if (time == NULL || !time->is_time || time->rows == 0) {
        return false;
    }
    int64_t first = INT64_MAX;
    int64_t last = INT64_MIN;
    for (uint64_t block = 0; block < gv_format_blocks(time->rows); block++) {
        const int64_t least = (int64_t)time->words[3 * block + 1];
        const int64_t most = (int64_t)time->words[3 * block + 2];
        first = least < first ? least : first;
        last = most > last ? most : last;
    }
    *first_us = first;
    *last_us = last;
    return true;
}

gv_status gv_log_lower_bound(const gv_log *log, gv_log_table table, int64_t time_us, uint64_t *row)
{
    assert(gv_log_is_ordered(table));
    const gv_log_column *time = gv_log_find(log, table, gv_log_role_name(GV_ROLE_TIME));
    if (time == NULL || !time->is_time) {
        return GV_FAIL(GV_ENOTFOUND, "%s: table %s has no times", log->path,
                       gv_log_table_name(table));
    }
    const uint64_t blocks = gv_format_blocks(time->rows);
    uint64_t block = 0;
    while (block < blocks && (int64_t)time->words[3 * block + 2] < time_us) {
        block++;
    }
    if (block == blocks) {
        *row = time->rows;
        return GV_OK;
    }
    const block_rows rows = rows_of(time, block);
    GV_TRY(gv_log_check(time, rows.first, rows.count));
    const int64_t *times = gv_log_integers(time);
    uint64_t low = rows.first;
    uint64_t high = rows.first + rows.count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (times[middle] < time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *row = low;
    return GV_OK;
}
