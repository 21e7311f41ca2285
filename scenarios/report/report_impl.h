/* report_impl.h - the pieces of JSON that reports and comparisons share. */
#ifndef SCENARIOS_REPORT_REPORT_IMPL_H
#define SCENARIOS_REPORT_REPORT_IMPL_H

#include <jansson.h>
#include <stdio.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"
#include "sim/outcome/read.h"

/* null for what is not finite. */
json_t *gv_report_real_json(double value);

/* "given", "too few blocks", "undefined" */
const char *gv_interval_state_text(gv_interval_state state);

/* {"estimate", "low", "high", "interval"} */
json_t *gv_report_interval_json(const gv_interval *interval);

/* A market's tables: [{"rivals", ..., "policies": [...]}]. */
GV_MUST_CHECK gv_status gv_market_json(const gv_outcomes *outcomes, json_t **out);

/* {"id", "name", "state", "seed", ...} */
json_t *gv_report_run_json(const gv_outcomes *outcomes);

/* Writes and frees `document`; NULL, from memory running out, is a failure. */
GV_MUST_CHECK gv_status gv_report_dump_json(FILE *stream, json_t *document);

#endif
