/*
 * quality.h - how good predictions are: a table, JSON, and a reliability diagram.
 */
#ifndef SCENARIOS_REPORT_QUALITY_H
#define SCENARIOS_REPORT_QUALITY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "scenarios/report/table.h"
#include "sim/base/status.h"
#include "sim/estimate/quality.h"

typedef struct gv_quality_report {
    const char *model; /* its file */
    const char *type;
    const char *log;
    const char *from; /* of the span, in the log's zone */
    const char *to;
    const char *group_by; /* NULL: no groups */
    int64_t cluster_us;
    size_t cluster_count;
    size_t clicks;
    size_t conversions;
    bool of_conversions; /* judged among clicks; else clicks among samples */
    double level;
    size_t replicates;
    uint64_t seed;
    const gv_quality *quality;
} gv_quality_report;

GV_MUST_CHECK gv_status gv_quality_print(const gv_quality_report *report, FILE *stream,
                                         const gv_report_options *options);
void gv_quality_json(const gv_quality_report *report, FILE *stream);

/* Observed rate over predicted, both axes logarithmic: STEM.png and STEM.svg. */
GV_MUST_CHECK gv_status gv_quality_plot(const gv_quality_report *report, const char *stem);

#endif
