/*
 * Rows to chunks, in batches small enough for the cache: first every row's shape is checked and
 * its table found, then each table's rows are read column by column, then bad rows are taken
 * out and explained.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/input_impl.h"
#include "sim/log/reader_impl.h"

enum {
    REASON_SIZE = 320, /* of one reject's sentence, cut if need be */
    TEXT_SHOWN = 200,  /* bytes of a bad row that its reject keeps */
    CELL_SHOWN = 40,   /* of a bad cell in the sentence */
    SOME_TABLE = GV_LOG_CONVERSION + 1,
    REJECTED = SOME_TABLE, /* as a row's table: its shape is wrong */
};

/* A row that cannot be used, until its chunk is complete. */
typedef struct fault {
    uint64_t line;
    uint32_t column;
    gv_span text;
    char reason[REASON_SIZE];
} fault;

struct gv_decoder {
    const gv_plan *plan;
    gv_chunk chunk;
    size_t batch_size;
    uint32_t *firsts; /* [GV_BATCH_ROWS] each, of the rows of one table */
    uint32_t *widths;
    size_t *numbers; /* each row's number in the gv_rows */
    uint8_t *is_bad;
    uint8_t *tables; /* [GV_BATCH_ROWS]: of all rows of the batch */
    fault *faults;   /* [fault_capacity] */
    size_t fault_count;
    size_t fault_capacity;
};

gv_status gv_decoder_create(const gv_plan *plan, gv_decoder **out)
{
    gv_decoder *decoder = gv_mem_alloc(sizeof *decoder, 0, 0);
    if (decoder == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to decode rows");
    }
    gv_status status = GV_OK;
    decoder->plan = plan;
    GV_TRY_GOTO(status, gv_chunk_init(&decoder->chunk, &plan->schema, GV_BATCH_ROWS), fail);
    decoder->firsts = gv_mem_alloc_vector(GV_BATCH_ROWS, sizeof *decoder->firsts);
    decoder->widths = gv_mem_alloc_vector(GV_BATCH_ROWS, sizeof *decoder->widths);
    decoder->numbers = gv_mem_alloc_vector(GV_BATCH_ROWS, sizeof *decoder->numbers);
    decoder->is_bad = gv_mem_alloc_vector(GV_BATCH_ROWS, 1);
    decoder->tables = gv_mem_alloc_vector(GV_BATCH_ROWS, 1);
    if (decoder->firsts == NULL || decoder->widths == NULL || decoder->numbers == NULL ||
        decoder->is_bad == NULL || decoder->tables == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to decode %d rows", GV_BATCH_ROWS);
        goto fail;
    }
    *out = decoder;
    return GV_OK;
fail:
    gv_decoder_destroy(decoder);
    return status;
}

void gv_decoder_destroy(gv_decoder *decoder)
{
    if (decoder != NULL) {
        gv_chunk_fini(&decoder->chunk);
        gv_mem_free(decoder->firsts);
        gv_mem_free(decoder->widths);
        gv_mem_free(decoder->numbers);
        gv_mem_free(decoder->is_bad);
        gv_mem_free(decoder->tables);
        gv_mem_free(decoder->faults);
        gv_mem_free(decoder);
    }
}

/* From the row's first byte to its last, carriage return and newline aside. */
static gv_span row_text(const gv_rows *rows, size_t row)
{
    const gv_span first = gv_rows_field(rows, rows->firsts[row]);
    const gv_span last = gv_rows_field(rows, rows->firsts[row + 1] - 1);
    return (gv_span){first.bytes, (size_t)(last.bytes + last.size - first.bytes)};
}

/* The next fault, its text and line filled in; its reason is the caller's to write. */
static gv_status add_fault(gv_decoder *decoder, uint64_t line, uint32_t column, gv_span text,
                           fault **out)
{
    if (decoder->fault_count == decoder->fault_capacity) {
        const size_t capacity = decoder->fault_capacity == 0 ? 8 : 2 * decoder->fault_capacity;
        fault *grown = gv_mem_resize(decoder->faults, capacity, sizeof *grown);
        if (grown == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu rejected rows", capacity);
        }
        decoder->faults = grown;
        decoder->fault_capacity = capacity;
    }
    fault *made = &decoder->faults[decoder->fault_count++];
    made->line = line;
    made->column = column;
    made->text = text;
    made->text.size = text.size < TEXT_SHOWN ? text.size : TEXT_SHOWN;
    *out = made;
    return GV_OK;
}

static bool fits_counts(const gv_file_plan *file, size_t count)
{
    if (file->plan->has_rest) {
        return count >= file->counts[0];
    }
    return count == file->counts[0] || count == file->counts[1];
}

static void explain_count(const gv_file_plan *file, size_t count, char *reason)
{
    char other[32] = "";
    if (file->plan->has_rest) {
        (void)snprintf(other, sizeof other, " or more");
    } else if (file->counts[1] != file->counts[0]) {
        (void)snprintf(other, sizeof other, " or %" PRIu32, file->counts[1]);
    }
    (void)snprintf(reason, REASON_SIZE, "expected %" PRIu32 "%s columns, found %zu",
                   file->counts[0], other, count);
}

static const char *explain_cut(uint8_t cut)
{
    switch ((gv_row_fault)cut) {
    case GV_ROW_STRAY_QUOTE:
        return "expected a delimiter behind a closing quote or none inside a bare field, found a "
               "stray quote";
    case GV_ROW_OPEN_QUOTE:
        return "expected a closing quote, found the end of the file";
    case GV_ROW_TOO_LONG:
    case GV_ROW_WHOLE:
        break;
    }
    return "expected a row of at most 1048576 bytes, found a longer one: is a closing quote "
           "missing?";
}

/* NULL where the shape is right; else fills in `reason`, perhaps with the column. */
static bool is_misshapen(const gv_file_plan *file, const gv_rows *rows, size_t row, gv_span text,
                         uint32_t *column, char *reason)
{
    const size_t count = rows->firsts[row + 1] - rows->firsts[row];
    *column = 0;
    if (rows->faults != NULL && rows->faults[row] != GV_ROW_WHOLE) {
        *column = (uint32_t)count;
        (void)snprintf(reason, REASON_SIZE, "%s", explain_cut(rows->faults[row]));
        return true;
    }
    if (text.size > GV_LINE_MAX) {
        (void)snprintf(reason, REASON_SIZE, "expected a line of at most %d bytes, found %zu",
                       GV_LINE_MAX, text.size);
        return true;
    }
    const char *const nul = rows->has_nul ? memchr(text.bytes, '\0', text.size) : NULL;
    if (nul != NULL) {
        (void)snprintf(reason, REASON_SIZE,
                       "expected text, found a NUL byte at byte %td of the row",
                       nul - text.bytes + 1);
        return true;
    }
    if (!fits_counts(file, count)) {
        explain_count(file, count, reason);
        return true;
    }
    return false;
}

/* The table that a cell names, or REJECTED. */
static uint8_t table_of_row(const gv_file_plan *file, const gv_rows *rows, size_t row)
{
    const gv_span cell = gv_rows_field(rows, rows->firsts[row] + file->table_column);
    for (uint8_t i = 0; i < 3; i++) {
        const char *const word = file->plan->table.words[i];
        if (word != NULL && strlen(word) == cell.size && memcmp(word, cell.bytes, cell.size) == 0) {
            return (uint8_t)(GV_LOG_IMPRESSION + i);
        }
    }
    return REJECTED;
}

static void explain_table(const gv_file_plan *file, const gv_rows *rows, size_t row, char *reason)
{
    const char *const *const words = file->plan->table.words;
    const gv_span cell = gv_rows_field(rows, rows->firsts[row] + file->table_column);
    char list[160] = "";
    for (size_t i = 0; i < 3; i++) {
        const size_t used = strlen(list);
        if (words[i] != NULL) {
            (void)snprintf(list + used, sizeof list - used, "%s%s (%s)", used == 0 ? "" : ", ",
                           words[i], gv_log_table_name((gv_log_table)i));
        }
    }
    (void)snprintf(reason, REASON_SIZE, "expected the kind of row, one of %s, found '%.*s'", list,
                   (int)(cell.size < CELL_SHOWN ? cell.size : CELL_SHOWN), cell.bytes);
}

/* Finds every row's table; what has none is a fault. */
static gv_status check_rows(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                            size_t first)
{
    for (size_t i = 0; i < decoder->batch_size; i++) {
        const size_t row = first + i;
        const gv_span text = row_text(rows, row);
        decoder->tables[i] = REJECTED;
        if (text.size == 0) {
            continue; /* an empty line is no row */
        }
        char reason[REASON_SIZE];
        uint32_t column = 0;
        if (!is_misshapen(file, rows, row, text, &column, reason)) {
            decoder->tables[i] =
                file->table_by_column ? table_of_row(file, rows, row) : (uint8_t)file->table;
            if (decoder->tables[i] != REJECTED) {
                continue;
            }
            column = file->table_column + 1;
            explain_table(file, rows, row, reason);
        }
        fault *made = NULL;
        GV_TRY(add_fault(decoder, gv_rows_line(rows, row), column, text, &made));
        assert(made != NULL);
        memcpy(made->reason, reason, sizeof reason);
    }
    return GV_OK;
}

/* Lists the batch's rows of one table. */
static size_t select_rows(gv_decoder *decoder, const gv_rows *rows, size_t first, uint8_t table)
{
    size_t count = 0;
    for (size_t i = 0; i < decoder->batch_size; i++) {
        const size_t row = first + i;
        decoder->firsts[count] = rows->firsts[row];
        decoder->widths[count] = rows->firsts[row + 1] - rows->firsts[row];
        decoder->numbers[count] = row;
        decoder->chunk.lines[count] = gv_rows_line(rows, row);
        count += decoder->tables[i] == table;
    }
    return count;
}

/* Says what was expected and found in the first bad cell of a row. */
static gv_status explain_cell(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                              size_t i)
{
    const size_t number = (size_t)decoder->is_bad[i] - 1;
    const gv_binding *binding = &file->plan->bindings[number];
    const uint32_t column = file->columns[number];
    const size_t row = decoder->numbers[i];
    const gv_span cell = column < decoder->widths[i]
                             ? gv_rows_field(rows, decoder->firsts[i] + column)
                             : (gv_span){rows->text, 0};
    const char *const complaint = gv_cell_complaint(binding, cell, file->plan->schema.zone_us);
    assert(complaint != NULL);
    fault *made = NULL;
    GV_TRY(add_fault(decoder, gv_rows_line(rows, row), column + 1, row_text(rows, row), &made));
    assert(made != NULL);
    (void)snprintf(made->reason, sizeof made->reason, "expected %s, found '%.*s%s', which %s",
                   binding->expected, (int)(cell.size < CELL_SHOWN ? cell.size : CELL_SHOWN),
                   cell.bytes, cell.size < CELL_SHOWN ? "" : "...", complaint);
    return GV_OK;
}

static void drop_cells(void *cells, size_t size, const uint8_t *is_bad, size_t count)
{
    char *const bytes = cells;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_bad[i] == 0) {
            memmove(bytes + kept * size, bytes + i * size, size);
            kept++;
        }
    }
}

/* Takes the bad rows out of the chunk's columns. */
static gv_status drop_bad_rows(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                               const gv_cells *cells)
{
    gv_chunk *chunk = &decoder->chunk;
    for (size_t i = 0; i < cells->count; i++) {
        if (cells->is_bad[i] != 0) {
            GV_TRY(explain_cell(decoder, file, rows, i));
        }
    }
    for (size_t field = 0; field < chunk->schema->field_count; field++) {
        const gv_log_kind kind = chunk->schema->fields[field].kind;
        const bool is_text = kind == GV_LOG_CODE || kind == GV_LOG_TEXT;
        drop_cells(chunk->cells[field].integers, is_text ? sizeof(gv_span) : sizeof(int64_t),
                   cells->is_bad, cells->count);
    }
    drop_cells(chunk->lines, sizeof *chunk->lines, cells->is_bad, cells->count);
    chunk->row_count = cells->count - cells->bad_count;
    return GV_OK;
}

/* The rows of one table, listed in the decoder, into its chunk. */
static gv_status read_table(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                            size_t count)
{
    gv_cells cells = {.rows = rows,
                      .firsts = decoder->firsts,
                      .widths = decoder->widths,
                      .count = count,
                      .is_bad = decoder->is_bad,
                      .zone_us = file->plan->schema.zone_us};
    memset(decoder->is_bad, 0, count);
    for (size_t i = 0; i < file->plan->binding_count; i++) {
        const gv_binding *binding = &file->plan->bindings[i];
        const bool has_rest = file->plan->has_rest && i + 1 == file->plan->binding_count;
        gv_cells_read(&cells, binding, file->columns[i], has_rest, (uint8_t)(i + 1),
                      decoder->chunk.cells[binding->field].integers);
    }
    decoder->chunk.row_count = count;
    return cells.bad_count == 0 ? GV_OK : drop_bad_rows(decoder, file, rows, &cells);
}

/* Faults come by kind; rejects go out by line. Few, or a file that is hopeless anyway. */
static void sort_faults(fault *faults, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            const fault moved = faults[i];
            size_t place = i;
            while (place >= gap && faults[place - gap].line > moved.line) {
                faults[place] = faults[place - gap];
                place -= gap;
            }
            faults[place] = moved;
        }
    }
}

/* Hands the chunk over, with the batch's faults so far as its rejects. */
static gv_status give(gv_decoder *decoder, const gv_file_plan *file, gv_log_table table,
                      gv_chunk_taker take, void *context)
{
    gv_chunk *chunk = &decoder->chunk;
    sort_faults(decoder->faults, decoder->fault_count);
    for (size_t i = 0; i < decoder->fault_count; i++) {
        const fault *made = &decoder->faults[i];
        const gv_reject reject = {made->line, made->column, made->reason, made->text};
        GV_TRY(gv_chunk_reject(chunk, reject));
    }
    chunk->table = table;
    chunk->file = file->file;
    chunk->first_line = chunk->row_count > 0 ? chunk->lines[0] : 0;
    const gv_status status = take(context, chunk);
    gv_chunk_reset(chunk);
    decoder->fault_count = 0;
    return status;
}

static gv_status run_batch(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                           size_t first, gv_chunk_taker take, void *context)
{
    GV_TRY(check_rows(decoder, file, rows, first));
    for (unsigned table = 0; table < SOME_TABLE; table++) {
        if (!file->table_by_column && table != (unsigned)file->table) {
            continue;
        }
        const size_t count = select_rows(decoder, rows, first, (uint8_t)table);
        if (count > 0) {
            GV_TRY(read_table(decoder, file, rows, count));
            GV_TRY(give(decoder, file, (gv_log_table)table, take, context));
        }
    }
    /* A batch of nothing but faults. */
    return decoder->fault_count == 0 ? GV_OK : give(decoder, file, file->table, take, context);
}

gv_status gv_decoder_run(gv_decoder *decoder, const gv_file_plan *file, const gv_rows *rows,
                         size_t first, gv_chunk_taker take, void *context)
{
    assert(first <= rows->row_count);
    for (size_t row = first; row < rows->row_count; row += decoder->batch_size) {
        const size_t left = rows->row_count - row;
        decoder->batch_size = left < GV_BATCH_ROWS ? left : GV_BATCH_ROWS;
        GV_TRY(run_batch(decoder, file, rows, row, take, context));
    }
    return GV_OK;
}
