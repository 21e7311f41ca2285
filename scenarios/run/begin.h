/*
 * begin.h - the row of a run: its scenario, its parameters, where it came from.
 */
#ifndef SCENARIOS_RUN_BEGIN_H
#define SCENARIOS_RUN_BEGIN_H

#include "scenarios/run/run.h"

/* Starts a run in the store, with its parameters, provenance and the rejects of its inputs. */
GV_MUST_CHECK gv_status gv_run_begin(const gv_composition *composition, gv_store *store,
                                     const gv_run_options *options, int64_t *run_id);

#endif
