/*
 * ortb_impl.h - what ORTB1 and ORTB2 share: the curve's constant c, the multiplier lambda.
 *
 * Zhang, Yuan, Wang, "Optimal Real-Time Bidding for Display Advertising", KDD 2014. Derived
 * anew: with theta the pCTR, w(b) the chance that a bid of b wins and "pay the bid" for its
 * cost, maximise the expected clicks theta w(b) subject to the expected cost b w(b) meeting the
 * budget. The multiplier lambda of the budget gives, for each theta,
 *
 *     theta w'(b) = lambda [ w(b) + b w'(b) ]
 *
 * c is fitted to the history's win curve; lambda so that a replay of the history spends the
 * budget. In the formulas prices are in CPM, lambda in clicks for each CPM.
 */
#ifndef POLICIES_ORTB_IMPL_H
#define POLICIES_ORTB_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/market/policy.h"

typedef struct gv_ortb_config {
    int64_t c_nanos;
    double lambda;
    int32_t rate_from;
} gv_ortb_config;

extern const gv_param gv_ortb_params[];

/* One of the two forms of the win curve. */
typedef struct gv_ortb_curve {
    const char *name;
    double (*win)(double bid, double c);   /* w(b) */
    double (*bid)(double ratio, double c); /* b for theta / lambda = ratio */
    double (*ratio)(double bid, double c); /* the inverse of it */
} gv_ortb_curve;

typedef struct gv_ortb_state {
    double c; /* CPM */
    double lambda;
} gv_ortb_state;

GV_MUST_CHECK gv_status gv_ortb_fit(const gv_ortb_curve *curve, gv_ortb_config *config,
                                    const gv_fit_input *input, const gv_progress *progress);
GV_MUST_CHECK gv_status gv_ortb_init(const gv_ortb_curve *curve, const gv_policy_setup *setup,
                                     gv_ortb_state *state);

#endif
