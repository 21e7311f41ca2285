/*
 * sweep_report.h - a sweep's table for people, as JSON and as CSV.
 */
#ifndef SCENARIOS_REPORT_SWEEP_REPORT_H
#define SCENARIOS_REPORT_SWEEP_REPORT_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/sweep/sweep_table.h"

/* Without a baseline one table of means with standard errors; with one a table for each metric. */
GV_MUST_CHECK gv_status gv_sweep_print(FILE *stream, const gv_sweep_table *table,
                                       const gv_report_options *options);

/* All figures at full precision, and the points that failed; undefined figures are null. */
GV_MUST_CHECK gv_status gv_sweep_json(FILE *stream, const gv_sweep_table *table);

/* One line for each setting, policy and metric; undefined figures are empty. */
void gv_sweep_csv(FILE *stream, const gv_sweep_table *table);

#endif
