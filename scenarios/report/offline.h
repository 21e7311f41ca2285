/*
 * offline.h - offline scores as a table and as JSON.
 */
#ifndef SCENARIOS_REPORT_OFFLINE_H
#define SCENARIOS_REPORT_OFFLINE_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/estimate/offline_board.h"

typedef struct gv_offline_report {
    const char *policy;
    const double *ratios; /* [ratio_count] */
    size_t ratio_count;
    size_t campaign_count;
    const char *overspend;
    uint64_t seed;
    const gv_interval *intervals; /* [ratio_count][GV_OFFLINE_FIGURES] */
} gv_offline_report;

GV_MUST_CHECK gv_status gv_offline_report_print(FILE *stream, const gv_offline_report *report,
                                                const gv_report_options *options);
GV_MUST_CHECK gv_status gv_offline_report_json(FILE *stream, const gv_offline_report *report);

#endif
