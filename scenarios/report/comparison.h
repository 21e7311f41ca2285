/*
 * comparison.h - paired differences as tables for people, as JSON and as CSV.
 */
#ifndef SCENARIOS_REPORT_COMPARISON_H
#define SCENARIOS_REPORT_COMPARISON_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/estimate/compare.h"
#include "sim/outcome/read.h"

typedef struct gv_comparison_report {
    const gv_compare_config *config;
    const gv_comparisons *comparisons;
    const gv_outcomes *outcomes;
    const gv_outcomes *baseline; /* the run that the baseline is from; perhaps the same */
    const gv_outcomes *swapped;  /* the run with policies in each other's places; NULL: none */
} gv_comparison_report;

GV_MUST_CHECK gv_status gv_comparison_print(FILE *stream, const gv_comparison_report *report,
                                            const gv_report_options *options);

/* Every group, policy and metric; undefined figures are null. */
GV_MUST_CHECK gv_status gv_comparison_json(FILE *stream, const gv_comparison_report *report);

/*
 * The same, one line for each; undefined figures and the names of pools are empty. A market's
 * lines start with what the policies competed with.
 */
void gv_comparison_csv(FILE *stream, const gv_comparison_report *report);

#endif
