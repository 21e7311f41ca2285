#include <assert.h>
#include <csv.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/csv_impl.h"
#include "sim/log/split_impl.h"

enum {
    OPTIONS = CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL | CSV_REPALL_NL,
    /*
     * A byte of input gives at most one of the heap, field ends included; before a piece there
     * are at most a row's fields and libcsv's own unfinished one.
     */
    HEAP_SIZE = GV_INPUT_ROOM + 2 * GV_LINE_MAX + 64,
};

struct gv_csv {
    struct csv_parser parser;
    gv_rows rows;  /* of text that libcsv cut */
    gv_rows plain; /* of text that the splitter can cut */
    char *heap;    /* [HEAP_SIZE]: the fields' texts, a delimiter behind each */
    uint32_t heap_size;
    uint32_t field_count; /* in the heap */
    uint32_t done_fields; /* of them, those of finished rows */
    uint64_t line;        /* of the next byte */
    uint64_t row_line;    /* where the unfinished row began */
    const gv_splitter *splitter;
    char delimiter;
    bool may_hold_newlines; /* this piece has quotes, or began inside them */
    bool is_skipping;       /* to the end of a faulty line */
};

static void *resize(void *block, size_t size)
{
    return gv_mem_resize(block, size, 1);
}

/* libcsv keeps only its options over a fault: a fresh parser begins a row. */
static void start_parser(gv_csv *csv)
{
    const int failed = csv_init(&csv->parser, OPTIONS);
    assert(failed == 0);
    csv_set_realloc_func(&csv->parser, resize);
    csv_set_free_func(&csv->parser, gv_mem_free);
    csv_set_delim(&csv->parser, (unsigned char)csv->delimiter);
}

gv_status gv_csv_create(char delimiter, gv_csv **out)
{
    assert(delimiter != '"');
    assert(delimiter != '\n');
    gv_csv *csv = gv_mem_alloc(sizeof *csv, 0, 0);
    if (csv == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to read CSV");
    }
    gv_status status = GV_OK;
    csv->delimiter = delimiter;
    csv->line = 1;
    start_parser(csv);
    GV_TRY_GOTO(status, gv_rows_init(&csv->rows, HEAP_SIZE), fail);
    GV_TRY_GOTO(status, gv_rows_init(&csv->plain, GV_INPUT_ROOM), fail);
    csv->plain.is_csv = true;
    csv->splitter = gv_splitter_pick();
    csv->heap = gv_mem_alloc_vector(HEAP_SIZE, 1);
    csv->rows.lines = gv_mem_alloc_vector(HEAP_SIZE, sizeof *csv->rows.lines);
    csv->rows.faults = gv_mem_alloc_vector(HEAP_SIZE, 1);
    if (csv->heap == NULL || csv->rows.lines == NULL || csv->rows.faults == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to read CSV");
        goto fail;
    }
    csv->rows.text = csv->heap;
    csv->rows.marks[0] = UINT32_MAX;
    csv->rows.firsts[0] = 0;
    *out = csv;
    return GV_OK;
fail:
    gv_csv_destroy(csv);
    return status;
}

void gv_csv_destroy(gv_csv *csv)
{
    if (csv != NULL) {
        csv_free(&csv->parser);
        gv_rows_fini(&csv->rows);
        gv_rows_fini(&csv->plain);
        gv_mem_free(csv->heap);
        gv_mem_free(csv);
    }
}

static uint64_t count_newlines(const char *bytes, size_t size)
{
    uint64_t count = 0;
    const char *const end = bytes + size;
    for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
        count++;
    }
    return count;
}

static void add_field(gv_csv *csv, const void *bytes, size_t size)
{
    if (csv->field_count == csv->done_fields) {
        csv->row_line = csv->line;
    }
    assert(csv->heap_size + size + 1 <= HEAP_SIZE);
    memcpy(csv->heap + csv->heap_size, bytes, size);
    csv->heap_size += (uint32_t)size;
    csv->heap[csv->heap_size] = csv->delimiter;
    csv->rows.marks[++csv->field_count] = csv->heap_size++;
    if (csv->may_hold_newlines) {
        csv->line += count_newlines(bytes, size);
    }
}

static void take_field(void *bytes, size_t size, void *context)
{
    add_field(context, bytes, size);
}

static void finish_row(gv_csv *csv, gv_row_fault fault)
{
    const size_t row = csv->rows.row_count++;
    csv->rows.lines[row] = csv->row_line;
    csv->rows.faults[row] = (uint8_t)fault;
    csv->rows.firsts[row + 1] = csv->field_count;
    csv->done_fields = csv->field_count;
}

/* Called for empty lines too, which have no field: CSV_REPALL_NL, for the count of lines. */
static void take_row(int ended_by, void *context)
{
    gv_csv *csv = context;
    if (csv->field_count > csv->done_fields) {
        finish_row(csv, GV_ROW_WHOLE);
    }
    csv->line += ended_by == '\n';
}

/* Bytes of the row that is not finished yet. */
static size_t pending_size(const gv_csv *csv)
{
    const uint32_t done = csv->rows.marks[csv->done_fields] + 1;
    return csv->heap_size - done + csv->parser.entry_pos;
}

/* Ends the row as it stands; its last field is what libcsv had of it, cut short. */
static void fault_row(gv_csv *csv, gv_row_fault fault)
{
    enum { SHOWN = 64 };
    const size_t had = csv->parser.entry_pos;
    const size_t kept = had < SHOWN ? had : SHOWN;
    if (kept > 0) {
        add_field(csv, csv->parser.entry_buf, kept);
    } else {
        add_field(csv, "", 0);
    }
    if (csv->may_hold_newlines && had > kept) {
        csv->line += count_newlines((char *)csv->parser.entry_buf + kept, had - kept);
    }
    finish_row(csv, fault);
    csv_free(&csv->parser);
    start_parser(csv);
    csv->is_skipping = true;
}

/* Bytes up to and with the next newline. */
static size_t skip_line(gv_csv *csv, const char *bytes, size_t size)
{
    const char *const newline = memchr(bytes, '\n', size);
    if (newline == NULL) {
        return size;
    }
    csv->is_skipping = false;
    csv->line++;
    return (size_t)(newline + 1 - bytes);
}

static gv_status parse(gv_csv *csv, const char *bytes, size_t size)
{
    size_t used = 0;
    while (used < size) {
        if (csv->is_skipping) {
            used += skip_line(csv, bytes + used, size - used);
            continue;
        }
        const size_t left = size - used;
        const size_t done = csv_parse(&csv->parser, bytes + used, left, take_field, take_row, csv);
        used += done;
        if (done < left) {
            if (csv_error(&csv->parser) != CSV_EPARSE) {
                return GV_FAIL(GV_ENOMEM, "no memory for a field of line %llu",
                               (unsigned long long)csv->line);
            }
            fault_row(csv, GV_ROW_STRAY_QUOTE);
        } else if (pending_size(csv) > GV_LINE_MAX) {
            fault_row(csv, GV_ROW_TOO_LONG);
        }
    }
    return GV_OK;
}

/* The fields of the unfinished row move to the front; finished ones have been used. */
static void start_piece(gv_csv *csv)
{
    gv_rows *rows = &csv->rows;
    const uint32_t start = rows->marks[csv->done_fields] + 1;
    memmove(csv->heap, csv->heap + start, csv->heap_size - start);
    const uint32_t kept = csv->field_count - csv->done_fields;
    for (uint32_t i = 0; i < kept; i++) {
        rows->marks[i + 1] = rows->marks[csv->done_fields + i + 1] - start;
    }
    csv->heap_size -= start;
    csv->field_count = kept;
    csv->done_fields = 0;
    rows->row_count = 0;
}

/* Whether carriage returns come before newlines only; others end rows, which libcsv knows. */
static bool has_usual_returns(const gv_piece *piece)
{
    const char *const end = piece->text + piece->size; /* behind a newline */
    const char *at = piece->text;
    while ((at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
        at++;
        if (*at != '\n') {
            return false;
        }
    }
    return true;
}

/*
 * Where quotes, if any, only enclose whole cells there is nothing for libcsv to find out: the
 * splitter gives the same cells several times faster.
 */
static bool split_plain(gv_csv *csv, const gv_piece *piece)
{
    if (csv->parser.quoted != 0 || piece->is_overlong || piece->size == 0 ||
        !has_usual_returns(piece)) {
        return false;
    }
    if (memchr(piece->text, '"', piece->size) == NULL) {
        csv->splitter->split(piece->text, piece->size, csv->delimiter, &csv->plain);
        return true;
    }
    return csv->splitter->split_quoted(piece->text, piece->size, csv->delimiter, &csv->plain);
}

/* A line that is too long to be read: its row is a fault, and the input is behind it. */
static void fault_overlong(gv_csv *csv, const gv_piece *piece)
{
    if (csv->parser.quoted != 0) {
        fault_row(csv, GV_ROW_TOO_LONG);
    } else {
        add_field(csv, piece->text, piece->size);
        finish_row(csv, GV_ROW_TOO_LONG);
    }
    csv->is_skipping = false;
    csv->line++;
}

static gv_status parse_piece(gv_csv *csv, const gv_piece *piece)
{
    start_piece(csv);
    csv->rows.has_nul = csv->rows.has_nul || memchr(piece->text, '\0', piece->size) != NULL;
    csv->may_hold_newlines = true;
    if (piece->is_overlong) {
        fault_overlong(csv, piece);
        return GV_OK;
    }
    GV_TRY(parse(csv, piece->text, piece->size));
    if (piece->size == 0 && csv_fini(&csv->parser, take_field, take_row, csv) != 0) {
        fault_row(csv, GV_ROW_OPEN_QUOTE);
    }
    return GV_OK;
}

gv_status gv_csv_read(gv_csv *csv, gv_input *input, char *buffer, const gv_rows **rows,
                      bool *has_ended)
{
    gv_piece piece = {0};
    GV_TRY(gv_input_lines(input, buffer, &piece));
    *has_ended = piece.size == 0;
    if (split_plain(csv, &piece)) {
        csv->plain.first_line = csv->line;
        csv->line += csv->plain.row_count;
        *rows = &csv->plain;
        return GV_OK;
    }
    GV_TRY(parse_piece(csv, &piece));
    *rows = &csv->rows;
    return GV_OK;
}
