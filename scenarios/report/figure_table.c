#include "scenarios/report/figure_table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/format.h"

enum { SPARK_MIN = 10, SPARK_MAX = 32, TEXT_SIZE = 64 };

/* The table in the making: the name, figures, the curve. */
typedef struct chosen_columns {
    gv_table_column heads[2 + GV_FIGURE_COLUMNS_MAX];
    size_t sources[2 + GV_FIGURE_COLUMNS_MAX]; /* which figure each is */
    size_t count;
} chosen_columns;

/* Columns that say nothing in any row are left out. */
static bool is_worth_showing(const gv_figure_table *figures, size_t column)
{
    for (size_t i = 0; i < figures->row_count; i++) {
        const double value = figures->value(figures->context, i, column);
        if (!isnan(value) && value != 0) {
            return true;
        }
    }
    return false;
}

static chosen_columns choose_columns(const gv_figure_table *figures, size_t limit)
{
    chosen_columns chosen = {.heads = {{"policy", "", true}}, .count = 1};
    for (size_t i = 0; i < limit; i++) {
        if (is_worth_showing(figures, i)) {
            const gv_figure_column *column = &figures->columns[i];
            chosen.sources[chosen.count] = i;
            chosen.heads[chosen.count++] = (gv_table_column){column->title, column->unit, false};
        }
    }
    chosen.heads[chosen.count++] = (gv_table_column){"spend", "in time", true};
    return chosen;
}

static bool is_reference(const gv_figure_table *figures, size_t row)
{
    return figures->is_reference != NULL && figures->is_reference(figures->context, row);
}

/* Marks the best value of a column, if one value is better than another. */
static void style_best(const gv_figure_table *figures, gv_table *table, size_t place, size_t column)
{
    const gv_better better = figures->columns[column].better;
    if (better == GV_BETTER_NEITHER || figures->row_count < 2) {
        return;
    }
    const double sign = better == GV_BETTER_HIGHER ? 1 : -1;
    double best = -HUGE_VAL;
    for (size_t i = 0; i < figures->row_count; i++) {
        const double value = sign * figures->value(figures->context, i, column);
        best = value > best && !is_reference(figures, i) ? value : best;
    }
    for (size_t i = 0; i < figures->row_count; i++) {
        if (sign * figures->value(figures->context, i, column) == best &&
            !is_reference(figures, i)) {
            gv_table_style_cell(table, i, place, GV_STYLE_BEST);
        }
    }
}

/* Characters that all columns but the curve take, gaps included. */
static size_t width_of_figures(const gv_table *table, const chosen_columns *chosen)
{
    size_t used = 2;
    for (size_t c = 0; c + 1 < chosen->count; c++) {
        used += gv_table_width(table, c) + 2;
    }
    return used;
}

static void fill_rows(const gv_figure_table *figures, const chosen_columns *chosen, gv_table *table)
{
    for (size_t i = 0; i < figures->row_count; i++) {
        gv_table_set(table, i, 0, "%.24s", figures->name(figures->context, i));
        for (size_t c = 1; c + 1 < chosen->count; c++) {
            char text[TEXT_SIZE];
            figures->format(figures->context, i, chosen->sources[c], text, sizeof text);
            gv_table_set(table, i, c, "%s", text);
        }
    }
    for (size_t c = 1; c + 1 < chosen->count; c++) {
        style_best(figures, table, c, chosen->sources[c]);
    }
}

static void add_curves(const gv_figure_table *figures, gv_table *table, size_t column, size_t room,
                       bool utf8)
{
    for (size_t i = 0; i < figures->row_count; i++) {
        char curve[3 * SPARK_MAX + 1];
        size_t count = 0;
        const double *values = figures->curve(figures->context, i, &count);
        gv_format_sparkline(values, count, room, utf8, curve, sizeof curve);
        size_t length = strlen(curve);
        while (length > 0 && curve[length - 1] == ' ') {
            length--; /* no line ends in a blank */
        }
        gv_table_set(table, i, column, "%.*s", (int)length, curve);
    }
}

/* False, with nothing printed, when `limit` columns are too many for the width. */
static gv_status try_table(const gv_figure_table *figures, FILE *stream,
                           const gv_report_options *options, size_t limit, bool *fits)
{
    const chosen_columns chosen = choose_columns(figures, limit);
    gv_table *table = NULL;
    GV_TRY(gv_table_create(chosen.heads, chosen.count, figures->row_count, &table));
    fill_rows(figures, &chosen, table);
    const size_t used = width_of_figures(table, &chosen);
    const size_t width = (size_t)options->width;
    *fits = used + SPARK_MIN <= width || limit == figures->kept_count;
    if (*fits) {
        size_t room = width > used + SPARK_MIN ? width - used : SPARK_MIN;
        room = room > SPARK_MAX ? SPARK_MAX : room;
        add_curves(figures, table, chosen.count - 1, room, options->utf8);
        gv_table_print(table, stream, options);
    }
    gv_table_destroy(table);
    return GV_OK;
}

gv_status gv_figure_table_print(const gv_figure_table *figures, FILE *stream,
                                const gv_report_options *options)
{
    assert(figures->column_count <= GV_FIGURE_COLUMNS_MAX);
    assert(figures->kept_count <= figures->column_count);
    bool fits = false;
    for (size_t limit = figures->column_count; !fits; limit--) {
        GV_TRY(try_table(figures, stream, options, limit, &fits));
    }
    return GV_OK;
}
