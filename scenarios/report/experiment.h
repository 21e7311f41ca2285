/*
 * experiment.h - plans of A/B tests as a table and as JSON.
 */
#ifndef SCENARIOS_REPORT_EXPERIMENT_H
#define SCENARIOS_REPORT_EXPERIMENT_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/run/experiment.h"
#include "sim/base/status.h"

GV_MUST_CHECK gv_status gv_experiment_print(FILE *stream, const gv_experiment_request *request,
                                            const gv_experiment_result *result,
                                            const gv_report_options *options);
GV_MUST_CHECK gv_status gv_experiment_json(FILE *stream, const gv_experiment_request *request,
                                           const gv_experiment_result *result);

#endif
