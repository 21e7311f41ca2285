/*
 * dual_impl.h - pacing by two multipliers: mu for the budget, lambda for the return on spend.
 *
 * "A Field Guide for Pacing Budget and ROS Constraints" (Balseiro et al.), as the notes have it.
 * With v the value of a conversion, CPA, times pCVR, p what was paid and x whether it was won:
 *
 *     dual pacing:  bid = (1 + lambda) / (mu + lambda) v
 *     min-pacing:   bid = min( (1 + lambda) / lambda v, v / mu )
 *     both:         lambda <- lambda exp(-alpha (v x - p)),   mu <- mu exp(-eta (rho - p))
 *
 * In a market x is whether the ad was seen: a slot that is not seen costs and gains nothing. Where
 * that is known later only, the step's v x - p follows then, with the mean value of what was won
 * for v (ours: an exposure does not bring its value back).
 * v, p and rho are divided by the mean value first, so that alpha and eta have no unit; the steps
 * default to 1 / sqrt(auctions); multipliers start above 0, since a product cannot leave it, and
 * are kept in [1e-6, 1e6] (all three ours). The exchange lowers bids to the budget left.
 */
#ifndef POLICIES_DUAL_IMPL_H
#define POLICIES_DUAL_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/market/policy.h"

typedef struct gv_dual_config {
    int64_t cpa_nanos;
    double mean_value;
    int64_t auctions;
    double lambda_start;
    double mu_start;
    double alpha;
    double eta;
} gv_dual_config;

extern const gv_param gv_dual_params[];

typedef struct gv_dual_state {
    double cpa_nanos;
    double mean_nanos; /* of an opportunity's value */
    double rho;        /* of the mean value, an auction */
    double alpha;
    double eta;
    double lambda_start;
    double mu_start;
    double lambda;
    double mu;
    double asked;   /* value of the opportunity last bid on, of the mean value */
    double won_sum; /* of what was asked for where it was won */
    double won_count;
    bool is_market; /* what was won and cost nothing was not seen */
} gv_dual_state;

GV_MUST_CHECK gv_status gv_dual_init(const char *type, const gv_policy_setup *setup,
                                     gv_dual_state *state);

/* The one bid of the batch, `factor` times its value; remembers the value. */
int64_t gv_dual_price(gv_dual_state *state, const gv_batch *batch, double factor);

void gv_dual_tick(void *const *states, const gv_observation *observations, size_t count);
void gv_dual_observe(void *state, const gv_outcome *outcomes, size_t count);

#endif
