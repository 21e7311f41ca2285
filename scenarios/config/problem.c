#include "scenarios/config/problem.h"

#include <stdarg.h>
#include <string.h>

enum { LINE_SHOWN_MAX = 160 };

void gv_problems_add(gv_problems *problems, gv_mark mark, const char *format, ...)
{
    problems->count++;
    if (problems->count > GV_PROBLEMS_MAX) {
        return;
    }
    char sentence[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    gv_problem *problem = gv_region_alloc(problems->region, 1, sizeof *problem);
    char *copy = gv_region_text(problems->region, sentence, strlen(sentence));
    if (problem == NULL || copy == NULL) {
        return;
    }
    *problem = (gv_problem){.mark = mark, .sentence = copy};
    if (problems->last == NULL) {
        problems->first = problem;
    } else {
        problems->last->next = problem;
    }
    problems->last = problem;
}

static void print_place(const gv_mark *mark, FILE *stream)
{
    if (mark->source == NULL) {
        return;
    }
    if (mark->source->is_option) {
        (void)fprintf(stream, "%s %s: ", mark->source->name, mark->source->shown);
    } else if (mark->line == 0) {
        (void)fprintf(stream, "%s: ", mark->source->name);
    } else {
        (void)fprintf(stream, "%s:%u:%u: ", mark->source->name, mark->line, mark->column);
    }
}

/* The start of a line of the source, NULL beyond its end. */
static const char *find_line(const gv_text_source *source, uint32_t line)
{
    const char *start = source->text;
    for (uint32_t i = 1; i < line; i++) {
        start = strchr(start, '\n');
        if (start == NULL) {
            return NULL;
        }
        start++;
    }
    return start;
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0U) == 0x80U;
}

/* Blanks as wide as the line's beginning: tabs stay tabs, so that the caret meets its column. */
static void print_indent(const char *line, size_t size, uint32_t column, FILE *stream)
{
    uint32_t characters = 1;
    for (size_t i = 0; i < size && characters < column; i++) {
        if (i + 1 < size && continues_character(line[i + 1])) {
            continue;
        }
        (void)fputc(line[i] == '\t' ? '\t' : ' ', stream);
        characters++;
    }
}

/* Control bytes would let a file write on the terminal. */
static void print_clean(const char *line, size_t size, FILE *stream)
{
    for (size_t i = 0; i < size; i++) {
        const bool is_control =
            ((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7F;
        (void)fputc(is_control ? '?' : line[i], stream);
    }
}

static void print_excerpt(const gv_mark *mark, FILE *stream, bool colour)
{
    const char *line = find_line(mark->source, mark->line);
    if (mark->line == 0 || line == NULL) {
        return;
    }
    const size_t length = strcspn(line, "\r\n");
    const size_t size = length > LINE_SHOWN_MAX ? LINE_SHOWN_MAX : length;
    (void)fprintf(stream, "%5u | ", mark->line);
    print_clean(line, size, stream);
    (void)fputs("\n      | ", stream);
    print_indent(line, size, mark->column, stream);
    (void)fputs(colour ? "\033[1;31m^\033[0m\n" : "^\n", stream);
}

static bool comes_before(const gv_mark *a, const gv_mark *b)
{
    if (a->source != b->source || a->source == NULL) {
        return false; /* another file's keep the order in which they were found */
    }
    return a->line < b->line || (a->line == b->line && a->column < b->column);
}

void gv_problems_print(const gv_problems *problems, FILE *stream, bool colour)
{
    const gv_problem *shown[GV_PROBLEMS_MAX];
    size_t count = 0;
    for (const gv_problem *problem = problems->first; problem != NULL; problem = problem->next) {
        size_t place = count++;
        for (; place > 0 && comes_before(&problem->mark, &shown[place - 1]->mark); place--) {
            shown[place] = shown[place - 1];
        }
        shown[place] = problem;
    }
    for (size_t i = 0; i < count; i++) {
        print_place(&shown[i]->mark, stream);
        (void)fprintf(stream, "%s\n", shown[i]->sentence);
        if (shown[i]->mark.source != NULL && !shown[i]->mark.source->is_option) {
            print_excerpt(&shown[i]->mark, stream, colour);
        }
    }
    if (problems->count > count) {
        (void)fprintf(stream, "... and %zu more\n", problems->count - count);
    }
}

gv_status gv_problems_fail(const gv_problems *problems)
{
    if (problems->count == 0) {
        return GV_OK;
    }
    const gv_problem *first = problems->first;
    if (first == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what is wrong with the scenario");
    }
    if (first->mark.source == NULL || first->mark.line == 0) {
        return GV_FAIL(GV_EUSAGE, "%s", first->sentence);
    }
    return GV_FAIL(GV_EUSAGE, "%s:%u:%u: %s", first->mark.source->name, first->mark.line,
                   first->mark.column, first->sentence);
}
