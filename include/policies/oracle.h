/*
 * oracle.h - the hindsight oracle as a solver: from what a campaign has really spent and gained at
 * a tick to the one multiplier that buys the best of what is to come.
 *
 * The policy oracle_slot bids by it; so does whoever wants to know what it would do in another's
 * place. What the period offers is sorted once, which is the costly part, and serves any number of
 * episodes of one campaign, one after the other, with other budgets and CPAs.
 *
 * Source: "oracle-slot" of Oracle Imitation Learning, arXiv 2412.11434; see policies/oracle_slot.c.
 */
#ifndef POLICIES_ORACLE_H
#define POLICIES_ORACLE_H

#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/future.h"
#include "sim/market/policy.h"

/* What a prefix is worth. SCORE: AuctionNet's, which a CPA above the constraint lowers; VALUE:
   conversions under a hard CPA. */
typedef enum gv_oracle_objective { GV_ORACLE_SCORE, GV_ORACLE_VALUE } gv_oracle_objective;

typedef struct gv_oracle_config {
    const gv_future *future; /* its ticks, values and prices are borrowed while the oracle lives */
    gv_market_rules rules;
    gv_oracle_objective objective;
    double most_cpas;          /* the multiplier is at most so many CPAs; 8 in oracle_slot */
    double cpa_most_nanos;     /* of all episodes to come; above 0 */
    int64_t budget_most_nanos; /* likewise */
    int64_t bid_cap_nanos;     /* of the campaign; INT64_MAX: none */
} gv_oracle_config;

typedef struct gv_oracle gv_oracle;

/*
 * GV_EINVAL: the mechanism's prices depend on the own bid, or better slots are seen less often. It
 * is then aimed at cpa_most_nanos and budget_most_nanos. On GV_OK the caller owns *out.
 */
GV_MUST_CHECK gv_status gv_oracle_create(const gv_oracle_config *config, gv_oracle **out);
void gv_oracle_destroy(gv_oracle *oracle); /* accepts NULL */

/*
 * Begins an episode of this CPA and budget, neither above the config's (asserted); its answers are
 * those of an oracle that was made for them. Fails only where a single offer of the period is above
 * the budget, since then all is sorted anew and memory may be short.
 */
GV_MUST_CHECK gv_status gv_oracle_aim(gv_oracle *oracle, double cpa_nanos, int64_t budget_nanos);

/*
 * The multiplier, nanos a conversion, that buys the best prefix of what this tick and later ones
 * offer, with what is spent and gained already; 0: buy nothing. Ticks of an episode never fall.
 */
double gv_oracle_solve(gv_oracle *oracle, const gv_observation *seen);

#endif
