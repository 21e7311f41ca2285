/*
 * unlearned.h - whether policies meet in a market campaigns that their weights have not learned:
 * with a budget or a CPA below the least or above the largest that the training saw (reach.h).
 *
 * Counted are the campaigns that a policy bids for: as an advertiser's own, and as a contender in
 * every advertiser's place with the contender's budget. Weights that do not say what they were
 * trained on have learned everything.
 */
#ifndef SCENARIOS_COMPOSE_UNLEARNED_H
#define SCENARIOS_COMPOSE_UNLEARNED_H

#include <stddef.h>

#include "scenarios/compose/market.h"
#include "scenarios/config/region.h"

typedef struct gv_unlearned {
    const char *policy;    /* as the scenario names it */
    const char *campaigns; /* "12 of 48 campaigns have a budget outside what its weights were
                              trained on (2000 to 6000): 1000 to 1800" */
} gv_unlearned;

/*
 * One for the budget and one for the CPA of every policy that has such campaigns; the list is the
 * region's. GV_ECORRUPT: a weights file says no ranges in their place.
 */
GV_MUST_CHECK gv_status gv_unlearned_list(const gv_market *market, gv_region *region,
                                          const gv_unlearned **list, size_t *count);

#endif
