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

GV_MUST_CHECK gv_status gv_scenario_read_predictor(gv_scenario *scenario,
                                                   const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_mechanism(gv_scenario *scenario,
                                                   const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_campaigns(gv_scenario *scenario,
                                                   const gv_reading *reading);
GV_MUST_CHECK gv_status gv_scenario_read_policies(gv_scenario *scenario, const gv_reading *reading);

#endif
