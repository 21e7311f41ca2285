#include "sim/log/sheet.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/csv_impl.h"

struct gv_sheet {
    char *path;
    size_t column_count;
    size_t row_count; /* with the header, which is row 0 */
    size_t row_capacity;
    size_t text_size;
    size_t text_capacity;
    char *text;      /* of all cells, one behind the other */
    uint32_t *ends;  /* [row_capacity * column_count]: where each cell's text ends */
    uint64_t *lines; /* [row_capacity] */
};

/* What is read with. */
typedef struct reading {
    gv_sheet *sheet;
    gv_input *input;
    gv_csv *csv;
    char *buffer;
} reading;

static gv_status no_memory(const gv_sheet *sheet)
{
    return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", sheet->path);
}

static gv_status make_room_for_row(gv_sheet *sheet)
{
    if (sheet->row_count < sheet->row_capacity) {
        return GV_OK;
    }
    const size_t capacity = sheet->row_capacity == 0 ? 256 : 2 * sheet->row_capacity;
    uint64_t *lines = gv_mem_resize(sheet->lines, capacity, sizeof *lines);
    if (lines == NULL) {
        return no_memory(sheet);
    }
    sheet->lines = lines;
    uint32_t *ends = gv_mem_resize(sheet->ends, capacity * sheet->column_count, sizeof *ends);
    if (ends == NULL) {
        return no_memory(sheet);
    }
    sheet->ends = ends;
    sheet->row_capacity = capacity;
    return GV_OK;
}

static gv_status add_text(gv_sheet *sheet, gv_span cell)
{
    const size_t size = sheet->text_size + cell.size;
    if (size > GV_SHEET_SIZE_MAX) {
        return GV_FAIL(GV_EPARSE, "%s: more than %d MiB of cells: expected a small table",
                       sheet->path, GV_SHEET_SIZE_MAX >> 20);
    }
    if (size > sheet->text_capacity) {
        const size_t capacity = size < 4096 ? 4096 : 2 * size;
        char *text = gv_mem_resize(sheet->text, capacity, 1);
        if (text == NULL) {
            return no_memory(sheet);
        }
        sheet->text = text;
        sheet->text_capacity = capacity;
    }
    if (cell.size > 0) {
        memcpy(sheet->text + sheet->text_size, cell.bytes, cell.size);
    }
    sheet->text_size = size;
    return GV_OK;
}

static gv_status check_row(const gv_sheet *sheet, const gv_rows *rows, size_t row)
{
    const uint64_t line = gv_rows_line(rows, row);
    const size_t cells = rows->firsts[row + 1] - rows->firsts[row];
    if (rows->faults != NULL && rows->faults[row] != GV_ROW_WHOLE) {
        return GV_FAIL(GV_EPARSE,
                       "%s:%llu: a quote that is stray or never ends, or an overlong line",
                       sheet->path, (unsigned long long)line);
    }
    if (cells != sheet->column_count) {
        return GV_FAIL(GV_EPARSE, "%s:%llu: %zu cells, expected %zu as in the header", sheet->path,
                       (unsigned long long)line, cells, sheet->column_count);
    }
    return GV_OK;
}

static gv_status add_row(gv_sheet *sheet, const gv_rows *rows, size_t row)
{
    const uint32_t first = rows->firsts[row];
    const size_t cells = rows->firsts[row + 1] - first;
    if (cells == 0 || (cells == 1 && gv_rows_field(rows, first).size == 0)) {
        return GV_OK;
    }
    if (sheet->row_count == 0) {
        sheet->column_count = cells;
    }
    GV_TRY(check_row(sheet, rows, row));
    GV_TRY(make_room_for_row(sheet));
    uint32_t *ends = sheet->ends + sheet->row_count * sheet->column_count;
    for (size_t cell = 0; cell < cells; cell++) {
        GV_TRY(add_text(sheet, gv_rows_field(rows, first + (uint32_t)cell)));
        ends[cell] = (uint32_t)sheet->text_size;
    }
    sheet->lines[sheet->row_count++] = gv_rows_line(rows, row);
    return GV_OK;
}

static gv_status read_rows(reading *at)
{
    bool has_ended = false;
    while (!has_ended) {
        const gv_rows *rows = NULL;
        GV_TRY(gv_csv_read(at->csv, at->input, at->buffer, &rows, &has_ended));
        for (size_t row = 0; row < rows->row_count; row++) {
            GV_TRY(add_row(at->sheet, rows, row));
        }
    }
    if (at->sheet->row_count == 0) {
        return GV_FAIL(GV_EPARSE, "%s: is empty: expected a header and rows", at->sheet->path);
    }
    return GV_OK;
}

static gv_status read_all(reading *at, const char *path)
{
    at->sheet->path = gv_mem_copy_text(path);
    at->buffer = gv_mem_alloc_vector(GV_INPUT_ROOM + GV_INPUT_PAD, 1);
    if (at->sheet->path == NULL || at->buffer == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    GV_TRY(gv_input_open(path, &at->input));
    GV_TRY(gv_csv_create(',', &at->csv));
    return read_rows(at);
}

gv_status gv_sheet_read(const char *path, gv_sheet **out)
{
    reading at = {.sheet = gv_mem_alloc(sizeof *at.sheet, 0, 0)};
    if (at.sheet == NULL) {
        return GV_FAIL(GV_ENOMEM, "%s: no memory to read it", path);
    }
    const gv_status status = read_all(&at, path);
    gv_csv_destroy(at.csv);
    gv_input_close(at.input);
    gv_mem_free(at.buffer);
    if (status != GV_OK) {
        gv_sheet_destroy(at.sheet);
        return status;
    }
    *out = at.sheet;
    return GV_OK;
}

void gv_sheet_destroy(gv_sheet *sheet)
{
    if (sheet != NULL) {
        gv_mem_free(sheet->path);
        gv_mem_free(sheet->text);
        gv_mem_free(sheet->ends);
        gv_mem_free(sheet->lines);
        gv_mem_free(sheet);
    }
}

const char *gv_sheet_path(const gv_sheet *sheet)
{
    return sheet->path;
}

size_t gv_sheet_row_count(const gv_sheet *sheet)
{
    return sheet->row_count - 1;
}

uint64_t gv_sheet_line(const gv_sheet *sheet, size_t row)
{
    assert(row < gv_sheet_row_count(sheet));
    return sheet->lines[row + 1];
}

static gv_span cell_at(const gv_sheet *sheet, size_t index)
{
    const size_t start = index == 0 ? 0 : sheet->ends[index - 1];
    return (gv_span){sheet->text + start, sheet->ends[index] - start};
}

bool gv_sheet_find(const gv_sheet *sheet, const char *name, size_t *column)
{
    const size_t size = strlen(name);
    for (size_t i = 0; i < sheet->column_count; i++) {
        const gv_span cell = cell_at(sheet, i);
        if (cell.size == size && memcmp(cell.bytes, name, size) == 0) {
            *column = i;
            return true;
        }
    }
    return false;
}

gv_span gv_sheet_cell(const gv_sheet *sheet, size_t row, size_t column)
{
    assert(row < gv_sheet_row_count(sheet));
    assert(column < sheet->column_count);
    return cell_at(sheet, (row + 1) * sheet->column_count + column);
}
