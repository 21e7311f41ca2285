/*
 * evaluation.h - what an evaluation came to: estimates, intervals, overlap, and a verdict.
 */
#ifndef SCENARIOS_REPORT_EVALUATION_H
#define SCENARIOS_REPORT_EVALUATION_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/run/evaluation.h"
#include "sim/base/status.h"

typedef struct gv_evaluation_report {
    const gv_evaluation_request *request;
    const gv_evaluation_result *result;
    gv_reach reach; /* the interval that the table shows */
    const char *by; /* the estimator whose verdict it is */
} gv_evaluation_report;

/* The estimate that `by` names, which must be one of them (gv_evaluation_report_has). */
const gv_estimate *gv_evaluation_report_headline(const gv_evaluation_report *report);

bool gv_evaluation_report_has(const gv_evaluation_report *report, const char *estimator);

/*
 * How many logs such as this one an A/B test by halves of clusters takes to see a difference of
 * the headline's size 80 times in 100 (experiment.h); infinite where it never does.
 */
double gv_evaluation_test_length(const gv_evaluation_report *report);

GV_MUST_CHECK gv_status gv_evaluation_print(FILE *stream, const gv_evaluation_report *report,
                                            const gv_report_options *options);
/* The same of episodes; json: as one object. */
GV_MUST_CHECK gv_status gv_episode_evaluation_print(FILE *stream,
                                                    const gv_evaluation_report *report,
                                                    const gv_report_options *options);
GV_MUST_CHECK gv_status gv_episode_evaluation_json(FILE *stream,
                                                   const gv_evaluation_report *report);
/* The same of auctions. */
GV_MUST_CHECK gv_status gv_priced_print(FILE *stream, const gv_evaluation_report *report,
                                        const gv_report_options *options);
GV_MUST_CHECK gv_status gv_priced_json(FILE *stream, const gv_evaluation_report *report);

/* Whether the overlap is too thin for the result to be trusted, whichever it is. */
bool gv_evaluation_is_thin(const gv_evaluation_result *result);

GV_MUST_CHECK gv_status gv_evaluation_json(FILE *stream, const gv_evaluation_report *report);

#endif
