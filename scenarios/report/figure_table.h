/*
 * figure_table.h - a ranked table: a name, its figures, and a curve, as wide as fits.
 *
 * What the tables of replays and of markets have in common: figures that say nothing in any row
 * are left out, those at the end go where the width is not enough, the best of each column is
 * marked, and the curve takes what is left of the line.
 */
#ifndef SCENARIOS_REPORT_FIGURE_TABLE_H
#define SCENARIOS_REPORT_FIGURE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/outcome/metric.h"

enum { GV_FIGURE_COLUMNS_MAX = 16 };

typedef struct gv_figure_column {
    const char *title;
    const char *unit;
    gv_better better; /* which value is marked */
} gv_figure_column;

typedef struct gv_figure_table {
    const gv_figure_column *columns; /* [column_count], by weight */
    size_t column_count;             /* at most GV_FIGURE_COLUMNS_MAX */
    size_t kept_count;               /* the first so many stay, however narrow the page */
    size_t row_count;
    const void *context; /* of the functions */
    const char *(*name)(const void *context, size_t row);
    double (*value)(const void *context, size_t row, size_t column); /* NaN: none */
    void (*format)(const void *context, size_t row, size_t column, char *text, size_t size);
    const double *(*curve)(const void *context, size_t row, size_t *count); /* none negative */
    bool (*is_reference)(const void *context, size_t row); /* never the best; NULL: none is */
} gv_figure_table;

GV_MUST_CHECK gv_status gv_figure_table_print(const gv_figure_table *figures, FILE *stream,
                                              const gv_report_options *options);

#endif
