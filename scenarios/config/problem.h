/*
 * problem.h - what is wrong with a scenario: every problem, each with its place.
 *
 * A problem is one sentence with the line it is about and a caret under the column. They are
 * collected, not returned at the first, so one run shows a person all there is to mend.
 */
#ifndef SCENARIOS_CONFIG_PROBLEM_H
#define SCENARIOS_CONFIG_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "scenarios/config/region.h"
#include "sim/base/status.h"

/* A text that settings come from: a scenario file or the argument of one --set. */
typedef struct gv_text_source {
    const char *name; /* the path, or "--set" */
    const char *text; /* [size], NUL-ended */
    size_t size;
    bool is_option;    /* --set: shown as such, without line numbers */
    const char *shown; /* of an option: the argument as typed; `text` is its value */
} gv_text_source;

/* source NULL: nowhere in particular. Lines and columns count from 1; columns in characters. */
typedef struct gv_mark {
    const gv_text_source *source;
    uint32_t line;
    uint32_t column;
} gv_mark;

typedef struct gv_problem {
    struct gv_problem *next;
    gv_mark mark;
    const char *sentence;
} gv_problem;

enum { GV_PROBLEMS_MAX = 50 };

typedef struct gv_problems {
    gv_region *region;
    gv_problem *first;
    gv_problem *last;
    size_t count; /* all that were found, also those beyond GV_PROBLEMS_MAX, which are not kept */
} gv_problems;

/* Adds one. Where there is no memory for the sentence the count still grows. */
void gv_problems_add(gv_problems *problems, gv_mark mark, const char *format, ...) GV_PRINTF(3, 4);

/*
 * "file:line:column: sentence", the line and a caret, for each, in the order of their places.
 * `colour`: as gv_cli_colours() says.
 */
void gv_problems_print(const gv_problems *problems, FILE *stream, bool colour);

/* The first of them as GV_EUSAGE with its place, for callers that want one sentence. */
gv_status gv_problems_fail(const gv_problems *problems);

#endif
