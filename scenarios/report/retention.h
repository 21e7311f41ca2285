/*
 * retention.h - how policies that win users back did, as a table and as JSON.
 */
#ifndef SCENARIOS_REPORT_RETENTION_H
#define SCENARIOS_REPORT_RETENTION_H

#include <stddef.h>
#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/run/retention.h"
#include "sim/base/status.h"

typedef struct gv_retention_report {
    const gv_retention_plan *plan;
    const gv_retention_run *run;
    const gv_retention_figure *figures; /* [policy_count] */
    size_t baseline;                    /* whose difference to itself is left out */
} gv_retention_report;

GV_MUST_CHECK gv_status gv_retention_report_print(FILE *stream, const gv_retention_report *report,
                                                  const gv_report_options *options);
GV_MUST_CHECK gv_status gv_retention_report_json(FILE *stream, const gv_retention_report *report);

#endif
