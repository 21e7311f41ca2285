/* Between the files that read a scenario's sections. */
#ifndef SCENARIOS_CONFIG_SCENARIO_IMPL_H
#define SCENARIOS_CONFIG_SCENARIO_IMPL_H

#include "scenarios/config/scenario.h"

/* The mapping of columns to values under `where`; kept among the section's extras. */
GV_MUST_CHECK gv_status gv_scenario_read_where(const gv_reading *reading, size_t node,
                                               gv_section *section, const gv_filter **filters,
                                               size_t *count);

/* `budget` and `budget_share` of a campaign: at least one amount. */
GV_MUST_CHECK gv_status gv_scenario_read_budgets(const gv_reading *reading, size_t node,
                                                 gv_campaign_plan *campaign);

enum { GV_SCENARIO_TYPES_MAX = 64 };

/* `name` is no type: says which are, and which of them was meant. */
void gv_scenario_refuse_type(const gv_reading *reading, size_t node, const char *path,
                             const char *name, const char *const *names, size_t count);

/* Keeps a word (a name, a type) among the section's extras. */
GV_MUST_CHECK gv_status gv_scenario_keep_word(const gv_reading *reading, size_t node,
                                              gv_section *section, const char *key,
                                              const char *word);

/* Every PATH of the section as it is to be opened: relative to the scenario's file. */
GV_MUST_CHECK gv_status gv_scenario_resolve_paths(gv_scenario *scenario, const gv_section *section);

/* market, traffic and advertisers; scenario->market stays NULL where there is no market. */
GV_MUST_CHECK gv_status gv_scenario_read_market(gv_scenario *scenario, const gv_reading *reading);

GV_MUST_CHECK gv_status gv_scenario_read_predictor(gv_scenario *scenario,
                                                   const gv_reading *reading);

/* belief and response. */
GV_MUST_CHECK gv_status gv_scenario_read_belief(gv_scenario *scenario, const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_response(gv_scenario *scenario, const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_exploration(gv_scenario *scenario,
                                                     const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_mechanism(gv_scenario *scenario,
                                                   const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_campaigns(gv_scenario *scenario,
                                                   const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_policies(gv_scenario *scenario, const gv_reading *reading);

#endif
