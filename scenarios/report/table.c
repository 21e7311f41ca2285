#include "scenarios/report/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/base/mem.h"

enum { PLAIN_WIDTH = 100, WIDTH_MIN = 60, WIDTH_MAX = 140 };

typedef struct table_cell {
    char text[GV_TABLE_CELL_SIZE];
    gv_table_style style;
} table_cell;

struct gv_table {
    const gv_table_column *columns;
    size_t column_count;
    size_t row_count;
    table_cell cells[]; /* [row_count][column_count] */
};

/* By the variables that setlocale() would read: the program itself stays in the C locale. */
static bool locale_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') {
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

gv_report_options gv_report_options_for(FILE *stream)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    const bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    const bool is_terminal = isatty(fileno(stream)) == 1;
    gv_report_options options = {
        .colour = is_terminal && !dumb && (no_color == NULL || no_color[0] == '\0'),
        .utf8 = locale_is_utf8() && !dumb,
        .width = PLAIN_WIDTH,
    };
    struct winsize size;
    if (is_terminal && ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        const int columns = (int)size.ws_col;
        options.width = columns < WIDTH_MIN ? WIDTH_MIN : columns;
        options.width = options.width > WIDTH_MAX ? WIDTH_MAX : options.width;
    }
    return options;
}

gv_status gv_table_create(const gv_table_column *columns, size_t column_count, size_t row_count,
                          gv_table **out)
{
    assert(column_count > 0);
    gv_table *table =
        gv_mem_alloc(sizeof *table, (row_count + 1) * column_count, sizeof(table_cell));
    if (table == NULL) {
        return GV_FAIL(GV_ENOMEM, "a table of %zu rows", row_count);
    }
    table->columns = columns;
    table->column_count = column_count;
    table->row_count = row_count;
    *out = table;
    return GV_OK;
}

void gv_table_destroy(gv_table *table)
{
    gv_mem_free(table);
}

static table_cell *cell_at(gv_table *table, size_t row, size_t column)
{
    assert(row < table->row_count);
    assert(column < table->column_count);
    return &table->cells[row * table->column_count + column];
}

void gv_table_set(gv_table *table, size_t row, size_t column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(cell_at(table, row, column)->text, GV_TABLE_CELL_SIZE, format, args);
    va_end(args);
}

void gv_table_style_cell(gv_table *table, size_t row, size_t column, gv_table_style style)
{
    cell_at(table, row, column)->style = style;
}

/* Characters, counting each UTF-8 sequence once by its first byte. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0U) != 0x80U;
    }
    return width;
}

size_t gv_table_width(const gv_table *table, size_t column)
{
    const gv_table_column *head = &table->columns[column];
    size_t width = text_width(head->title);
    const size_t unit = text_width(head->unit);
    width = unit > width ? unit : width;
    for (size_t row = 0; row < table->row_count; row++) {
        const size_t cell = text_width(table->cells[row * table->column_count + column].text);
        width = cell > width ? cell : width;
    }
    return width;
}

/* Blanks wait in *pending until something follows them, so that no line ends in one. */
static void print_cell(const gv_table *table, FILE *stream, size_t column, const char *text,
                       const char *escape, int *pending)
{
    const int pad = (int)(gv_table_width(table, column) - text_width(text));
    const bool to_the_left = table->columns[column].to_the_left;
    *pending += to_the_left ? 2 : 2 + pad;
    if (text[0] != '\0') {
        (void)fprintf(stream, "%*s%s%s%s", *pending, "", escape, text,
                      escape[0] == '\0' ? "" : "\033[0m");
        *pending = 0;
    }
    *pending += to_the_left ? pad : 0;
}

void gv_table_print(const gv_table *table, FILE *stream, const gv_report_options *options)
{
    static const char *const escapes[] = {[GV_STYLE_PLAIN] = "",
                                          [GV_STYLE_BEST] = "\033[1;32m",
                                          [GV_STYLE_WORSE] = "\033[31m",
                                          [GV_STYLE_DIM] = "\033[2m"};
    int pending = 0;
    for (size_t column = 0; column < table->column_count; column++) {
        print_cell(table, stream, column, table->columns[column].title,
                   options->colour ? "\033[1m" : "", &pending);
    }
    pending = 0;
    (void)fputc('\n', stream);
    for (size_t column = 0; column < table->column_count; column++) {
        print_cell(table, stream, column, table->columns[column].unit,
                   options->colour ? escapes[GV_STYLE_DIM] : "", &pending);
    }
    (void)fputc('\n', stream);
    for (size_t row = 0; row < table->row_count; row++) {
        pending = 0;
        for (size_t column = 0; column < table->column_count; column++) {
            const table_cell *cell = &table->cells[row * table->column_count + column];
            print_cell(table, stream, column, cell->text,
                       options->colour ? escapes[cell->style] : "", &pending);
        }
        (void)fputc('\n', stream);
    }
}
