/*
 * leak.h - whether learned policies meet in a market what they have learned from.
 *
 * Periods are compared by what their traffic is (gv_traffic_hash()), not by their numbers.
 */
#ifndef SCENARIOS_COMPOSE_LEAK_H
#define SCENARIOS_COMPOSE_LEAK_H

#include <stddef.h>

#include "policies/learn/imprints.h"
#include "scenarios/compose/market.h"
#include "scenarios/config/region.h"

typedef struct gv_leak {
    const char *policy;  /* as the scenario names it */
    const char *periods; /* "1000, 1001, ...": of the run, those that its weights know */
} gv_leak;

/* found: gets the periods of the market that are among the imprints. */
GV_MUST_CHECK gv_status gv_leaks_find(const gv_market *market, const gv_imprints *imprints,
                                      gv_imprints *found);

/* For every policy that somebody bids by; the list is the region's. */
GV_MUST_CHECK gv_status gv_leaks_list(const gv_market *market, gv_region *region,
                                      const gv_leak **leaks, size_t *count);

#endif
