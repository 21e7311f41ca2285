/*
 * priced.h - a log of auctions whose price shows only to the winner, under other bids.
 */
#ifndef SCENARIOS_RUN_PRICED_H
#define SCENARIOS_RUN_PRICED_H

#include "sim/base/status.h"
#include "sim/estimate/priced.h"
#include "sim/log/decisions.h"

/*
 * judged: [log->count] bids; has_chosen_bids as in gv_priced. A won auction whose bid is below its
 * price is GV_EUSAGE: its columns are not what they were said to be.
 */
GV_MUST_CHECK gv_status gv_priced_run(const gv_decisions *log, const double *judged,
                                      bool has_chosen_bids, double level, gv_priced_result *out);

#endif
