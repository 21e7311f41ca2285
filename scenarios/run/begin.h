/*
 * begin.h - the row of a run: its scenario, its parameters, where it came from.
 */
#ifndef SCENARIOS_RUN_BEGIN_H
#define SCENARIOS_RUN_BEGIN_H

#include "scenarios/config/print.h"
#include "scenarios/run/run.h"

/* Starts a run in the store, with its parameters, provenance and the rejects of its inputs. */
GV_MUST_CHECK gv_status gv_run_begin(const gv_composition *composition, gv_store *store,
                                     const gv_run_options *options, int64_t *run_id);

/* Every value of a scenario as a parameter of the run; headers are none. In the region. */
GV_MUST_CHECK gv_status gv_run_parameters(const gv_scenario_value *values, size_t count,
                                          gv_region *region, gv_run_record *record);

/* Where any run comes from: the command, who played it, and the files that it read. */
typedef struct gv_run_origin {
    const char *arguments;
    const char *scenario_path;
    size_t jobs;
    bool reference;
    const gv_inputs *inputs;
} gv_run_origin;

/*
 * As provenance, with versions and inputs, in the region; (*facts)[*count] and the `more` behind it
 * are the caller's to fill, and one for the folder of logs.
 */
GV_MUST_CHECK gv_status gv_run_origin_facts(const gv_run_origin *origin, gv_region *region,
                                            size_t more, gv_fact **facts, size_t *count);

#endif
