/*
 * retention_begin.h - the row of a run of retention in the store, new or an earlier one's.
 */
#ifndef SCENARIOS_RUN_RETENTION_BEGIN_H
#define SCENARIOS_RUN_RETENTION_BEGIN_H

#include "scenarios/run/retention.h"

/* Sets result->run_id, is_resumed and unfinished_id. */
GV_MUST_CHECK gv_status gv_retention_begin(gv_retention_plan *plan, gv_store *store,
                                           const gv_retention_options *options,
                                           gv_retention_result *result);

#endif
