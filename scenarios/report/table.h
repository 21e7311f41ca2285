/*
 * table.h - a table for people: two header lines (title, unit), columns as wide as they need.
 *
 * Widths count characters of UTF-8, not bytes. The text of a cell is cut to what a cell holds.
 */
#ifndef SCENARIOS_REPORT_TABLE_H
#define SCENARIOS_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/base/status.h"

enum { GV_TABLE_CELL_SIZE = 128 };

typedef struct gv_table_column {
    const char *title;
    const char *unit;
    bool to_the_left; /* else aligned to the right, as numbers are */
} gv_table_column;

/* How a stream can be written to. */
typedef struct gv_report_options {
    bool colour; /* a terminal, and NO_COLOR is not set */
    bool utf8;   /* by locale; else plain ASCII */
    int width;   /* in characters, at most; 100 when not a terminal */
    bool all;    /* every campaign and budget, however many */
} gv_report_options;

gv_report_options gv_report_options_for(FILE *stream);

typedef enum gv_table_style {
    GV_STYLE_PLAIN,
    GV_STYLE_BEST,
    GV_STYLE_WORSE,
    GV_STYLE_DIM,
} gv_table_style;

typedef struct gv_table gv_table;

/* `columns` are borrowed. */
GV_MUST_CHECK gv_status gv_table_create(const gv_table_column *columns, size_t column_count,
                                        size_t row_count, gv_table **out);
void gv_table_destroy(gv_table *table); /* accepts NULL */

void gv_table_set(gv_table *table, size_t row, size_t column, const char *format, ...)
    GV_PRINTF(4, 5);
void gv_table_style_cell(gv_table *table, size_t row, size_t column, gv_table_style style);

/* Characters of the widest cell or heading. */
size_t gv_table_width(const gv_table *table, size_t column);

/* Columns are set two spaces apart, behind an indent of two. */
void gv_table_print(const gv_table *table, FILE *stream, const gv_report_options *options);

#endif
