/* Between the parts of auctions.c: the rows, and the policy that is replayed on them. */
#ifndef SCENARIOS_RUN_AUCTIONS_IMPL_H
#define SCENARIOS_RUN_AUCTIONS_IMPL_H

#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "scenarios/run/auctions.h"

/* The scenario that a request comes to: one campaign on the log, under one policy. */
typedef struct gv_auction_play {
    gv_region region;
    gv_scenario *scenario;
    gv_composition *composition;
    bool has_own_budget; /* the request's; else it is what the log paid */
} gv_auction_play;

/* type: the policy's; NULL: bids are scaled, and the policy is only there to be one. */
GV_MUST_CHECK gv_status gv_auction_play_open(const gv_auctions_request *request,
                                             const gv_policy_type *type, gv_auction_play *play);
void gv_auction_play_close(gv_auction_play *play); /* of a zeroed one does nothing */

/*
 * What it bids on each row, in CPM, -1 for none: judged [count]. budget_nanos: where it has none of
 * its own. Fills the facts of the policy.
 */
GV_MUST_CHECK gv_status gv_auction_play_run(const gv_auction_play *play,
                                            const gv_auctions_request *request,
                                            int64_t budget_nanos, size_t count, double *judged,
                                            gv_auctions_facts *facts);

/* The rows of the campaign with their bids, prices, clicks and clusters. Sets *cost_nanos to what
   those that were won did cost. */
GV_MUST_CHECK gv_status gv_auction_rows_read(const gv_auctions_request *request,
                                             const gv_composition *composition, gv_decisions **out,
                                             int64_t *cost_nanos, gv_auctions_facts *facts);

#endif
