/*
 * bid_log.h - the bids of one cell of a replay as a CSV, as `gavel evaluate` reads it.
 *
 *   time         of the auction, ISO 8601
 *   opportunity  its number
 *   intended     what the policy means to bid, CPM
 *   bid          what was bid: `intended`, explored
 *   propensity   the density of that bid, per CPM; with strata the probability of its multiplier;
 *                empty without exploration
 *   offer        the bid as lowered by cap, budget and price step, CPM
 *   won          0 or 1
 *   price        what was paid, CPM; empty: lost
 *   click        how often it was clicked where won, whenever that became visible; else 0
 *   multiplier   of the bid's stratum, to six digits; empty without strata
 *
 * Opportunities on which the policy means to bid nothing, or 0, are left out.
 */
#ifndef SCENARIOS_RUN_BID_LOG_H
#define SCENARIOS_RUN_BID_LOG_H

#include <stdint.h>

#include "sim/base/file.h"
#include "sim/base/status.h"
#include "sim/market/exploration.h"
#include "sim/market/replay.h"

typedef struct gv_bid_log {
    gv_file_writer *file;              /* NULL: none is written */
    const gv_exploration *exploration; /* borrowed; NULL: none */
    int64_t zone_us;
    gv_replay_tap tap;
    gv_status status; /* the first failure to write, with */
    char sentence[512];
} gv_bid_log;

/* Begins `folder`/cell-N.csv; folder NULL: no log. The log must not move afterwards. */
GV_MUST_CHECK gv_status gv_bid_log_open(gv_bid_log *log, const char *folder, uint64_t number,
                                        const gv_exploration *exploration, int64_t zone_us);

/* For the replay; NULL: no log is written. */
const gv_replay_tap *gv_bid_log_tap(const gv_bid_log *log);

/* Puts the whole log under its name. */
GV_MUST_CHECK gv_status gv_bid_log_commit(gv_bid_log *log);
void gv_bid_log_abandon(gv_bid_log *log); /* does nothing after a commit, or where zeroed */

#endif
