/*
 * rows_impl.h - text cut into rows and fields, whoever cut it.
 *
 * Both cutters, the vectorised splitter and libcsv's callbacks, fill this, so that the
 * decoder behind them knows one layout. Field k of all fields, counted from 0 over all rows,
 * lies between the marks: text[marks[k] + 1] up to text[marks[k + 1]].
 */
#ifndef SIM_LOG_ROWS_IMPL_H
#define SIM_LOG_ROWS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/chunk.h"

/* Why the cutter could not make sense of a row. */
typedef enum gv_row_fault {
    GV_ROW_WHOLE = 0,
    GV_ROW_STRAY_QUOTE,
    GV_ROW_OPEN_QUOTE,
    GV_ROW_TOO_LONG,
} gv_row_fault;

typedef struct gv_rows {
    const char *text; /* borrowed */
    uint32_t *marks;  /* [1 + fields]: the byte before the first field, then each field's end */
    uint32_t *firsts; /* [row_count + 1]: number of each row's first field; then that behind all */
    uint64_t *lines;  /* [row_count], or NULL: row r is line first_line + r */
    uint8_t *faults;  /* [row_count] of gv_row_fault, or NULL: all are whole */
    size_t row_count;
    size_t mark_capacity; /* fields that there is room for */
    uint64_t first_line;
    bool has_nul; /* some byte is 0: rows are to be searched for it */
    bool is_csv;  /* quotes around a field, or spaces and tabs, are not part of it */
} gv_rows;

/* Room to split any text of `size` bytes. */
GV_MUST_CHECK gv_status gv_rows_init(gv_rows *rows, size_t size);
void gv_rows_fini(gv_rows *rows);

static inline uint64_t gv_rows_line(const gv_rows *rows, size_t row)
{
    return rows->lines != NULL ? rows->lines[row] : rows->first_line + row;
}

/* Without the quotes around it, or else without the spaces and tabs. */
static inline gv_span gv_rows_bare(gv_span field)
{
    if (field.size >= 2 && field.bytes[0] == '"') {
        return (gv_span){field.bytes + 1, field.size - 2};
    }
    while (field.size > 0 && (field.bytes[0] == ' ' || field.bytes[0] == '\t')) {
        field.bytes++;
        field.size--;
    }
    while (field.size > 0 &&
           (field.bytes[field.size - 1] == ' ' || field.bytes[field.size - 1] == '\t')) {
        field.size--;
    }
    return field;
}

/* Field number `field` of all; a carriage return before the newline is not part of it. */
static inline gv_span gv_rows_field(const gv_rows *rows, uint32_t field)
{
    const uint32_t start = rows->marks[field] + 1;
    uint32_t end = rows->marks[field + 1];
    if (rows->text[end] == '\n' && end > start && rows->text[end - 1] == '\r') {
        end--;
    }
    if (rows->is_csv) {
        return gv_rows_bare((gv_span){rows->text + start, end - start});
    }
    return (gv_span){rows->text + start, end - start};
}

#endif
