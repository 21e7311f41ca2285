/* Between the steps of composing. */
#ifndef SCENARIOS_COMPOSE_COMPOSE_IMPL_H
#define SCENARIOS_COMPOSE_COMPOSE_IMPL_H

#include "scenarios/compose/compose.h"

/* What an impression table spans, the last row included; has_times: not merely an order. */
GV_MUST_CHECK gv_status gv_compose_span(const gv_log *log, int64_t *from_us, int64_t *to_us,
                                        bool *has_times);

/* Spans of log, history and campaigns, with every contradiction among them a problem. */
GV_MUST_CHECK gv_status gv_compose_spans(gv_composition *composition);

/* The predictor, what is believed of it, and what is true. */
GV_MUST_CHECK gv_status gv_compose_coupling(gv_composition *composition,
                                            const gv_progress *progress);

/* Adds to the rows what the scenario says is believed and true of them. */
void gv_couple_rows(const gv_composition *composition, gv_logged_config *rows);

/* Sources of every campaign, tried once; the cost of its rows where a budget is a share of it. */
GV_MUST_CHECK gv_status gv_compose_campaigns(gv_composition *composition);

/* The list of cells, and what their policies need that the scenario does not give. */
GV_MUST_CHECK gv_status gv_compose_cells(gv_composition *composition);

#endif
