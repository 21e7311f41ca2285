/*
 * cell_choice.h - which cell of a stored market run somebody means.
 */
#ifndef SCENARIOS_RUN_CELL_CHOICE_H
#define SCENARIOS_RUN_CELL_CHOICE_H

#include "scenarios/run/explain.h"

/*
 * Of several, the first contender whose policy has something to tell, else the first contender
 * that sees no future, else the first. GV_EUSAGE: there is none, and the sentence lists what there
 * is; GV_EINVAL: the run is no market.
 */
GV_MUST_CHECK gv_status gv_cell_choose(const gv_outcomes *outcomes, const gv_explain_choice *choice,
                                       const gv_cell_record **out);

#endif
