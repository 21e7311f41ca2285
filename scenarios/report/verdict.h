/*
 * verdict.h - better, worse, unclear or too thin: the sentence that a manager reads, and the test
 * that would settle it.
 */
#ifndef SCENARIOS_REPORT_VERDICT_H
#define SCENARIOS_REPORT_VERDICT_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/estimate/evaluation.h"
#include "sim/estimate/experiment.h"

typedef struct gv_verdict_case {
    gv_verdict verdict;
    const char *complaint;   /* why it is too thin */
    gv_interval difference;  /* the judged policy's less the logged one's */
    double logged;           /* what the logged one earned */
    double level;            /* of the interval */
    const char *unit;        /* of both: "an auction" */
    const char *by;          /* whose estimate it is: "km" */
    const char *split;       /* the test that deals them out: "an A/B split of users" */
    const gv_design *design; /* of the log; unit_count 0: too few to plan by */
    bool has_days;           /* the design's are days; else one is as long as the log */
} gv_verdict_case;

void gv_verdict_print(FILE *stream, const gv_verdict_case *verdict);

/*
 * The A/B test by halves that sees a difference of that size 80 times in 100, and how long it
 * takes; nothing where it never does.
 */
void gv_verdict_print_test(FILE *stream, const gv_verdict_case *verdict);

/* That length, in the design's days; infinite where it never does. */
double gv_verdict_test_length(const gv_verdict_case *verdict);

#endif
