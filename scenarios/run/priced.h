/*
 * priced.h - a log of auctions whose price shows only to the winner, under other bids.
 */
#ifndef SCENARIOS_RUN_PRICED_H
#define SCENARIOS_RUN_PRICED_H

#include "sim/base/status.h"
#include "sim/estimate/priced.h"
#include "sim/log/decisions.h"

typedef struct gv_priced_how {
    bool shows_all;       /* every auction has a price, and was won where its bid reaches that */
    bool has_chosen_bids; /* as in gv_priced */
    double level;
} gv_priced_how;

/*
 * judged: [log->count] bids. A won auction whose bid is below its price, or one without a price
 * where all are said to show, is GV_EUSAGE: its columns are not what they were said to be.
 */
GV_MUST_CHECK gv_status gv_priced_run(const gv_decisions *log, const double *judged,
                                      const gv_priced_how *how, gv_priced_result *out);

#endif
