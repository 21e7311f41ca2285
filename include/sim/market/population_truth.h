/*
 * population_truth.h - what can be known of a user's retention, exactly: p(y | x) and
 * p(y | x, content).
 *
 * Given the interest z everything that is seen is independent, so
 *
 *   p(y | seen) = integral p(y | z) p(seen | z) phi(z) dz / integral p(seen | z) phi(z) dz,
 *
 * sums over an even grid of z here, whose error is far below single precision. p(seen | z) holds
 * the features, the past events, that the user has not returned on its own since the lapse, and the
 * content when it is given.
 *
 * It is exact for a user's first spell. Later ones are a selection that x does not tell of: they
 * begin where an earlier one has ended. With loyalty 0 spells are independent and all are exact.
 */
#ifndef SIM_MARKET_POPULATION_TRUTH_H
#define SIM_MARKET_POPULATION_TRUTH_H

#include <stddef.h>

#include "sim/market/population.h"

/* What a bid sees: x [GV_USER_FEATURES] and past [past_count], the latest first. */
typedef struct gv_bid_sight {
    const float *x;
    const gv_past_event *past;
    size_t past_count;
} gv_bid_sight;

enum { GV_TRUTH_GRID = 121 };

/* What the law says at each z of the grid; a plain value of some 25 KB. */
typedef struct gv_retention_truth {
    gv_population_law law;
    double retention[GV_TRUTH_GRID];
    double organic[GV_TRUTH_GRID];
    double past_types[GV_TRUTH_GRID][GV_ITEM_TYPES]; /* logarithms, as all below */
    double item_types[GV_TRUTH_GRID][GV_ITEM_TYPES];
    double likes[GV_TRUTH_GRID][2];    /* of an item not to be liked, and to be */
    double bounces[GV_TRUTH_GRID][2];  /* of a re-entry with content, and without */
    double furthers[GV_TRUTH_GRID][2]; /* of no further session, and of one */
} gv_retention_truth;

void gv_retention_truth_make(gv_retention_truth *truth, const gv_population_law *law);

/* content: NULL for p(y | x). Reads nothing of the user but what is given. */
double gv_retention_truth_of(const gv_retention_truth *truth, const gv_bid_sight *sight,
                             const gv_onboarding *content);

#endif
