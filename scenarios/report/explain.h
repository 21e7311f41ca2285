/*
 * explain.h - a campaign that was played again, tick by tick: as a table, as JSON, as a picture.
 */
#ifndef SCENARIOS_REPORT_EXPLAIN_H
#define SCENARIOS_REPORT_EXPLAIN_H

#include <stdio.h>

#include "scenarios/report/table.h"
#include "scenarios/run/explain.h"
#include "sim/base/status.h"

/* Only columns of which something is known. */
GV_MUST_CHECK gv_status gv_explain_print(FILE *stream, const gv_explained *explained,
                                         const gv_report_options *options);

/* One object; what nobody knows is left out. */
void gv_explain_json(FILE *stream, const gv_explained *explained);

/*
 * STEM.png and STEM.svg: budget left against the plan, the multiplier against the oracle's,
 * conversions, and what the policy asked for, one above the other.
 */
GV_MUST_CHECK gv_status gv_explain_plot(const gv_explained *explained, const char *stem);

#endif
