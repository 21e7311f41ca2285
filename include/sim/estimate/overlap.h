/*
 * overlap.h - whether a log can say anything of a policy: weights, their tail, and the support.
 *
 *   effective    (sum w)^2 / sum w^2, rounds that the weighted log is worth (Kish, 1965)
 *   earning      rewards among them: effective (sum |r|)^2 / (n sum r^2), which is effective times
 *                the mean where rewards are 0 or 1. The log's own weighted rewards would not do: a
 *                log that chance gave one with a large weight would be refused and one that it
 *                spared be trusted, and what is then trusted is too low
 *   largest      the share of one round in all weight
 *   pareto_k     shape of the generalised Pareto distribution of the largest weights; above 0.7 a
 *                mean of weights is not to be trusted (Vehtari, Simpson, Gelman, Yao and Gabry,
 *                "Pareto smoothed importance sampling", JMLR 25, 2024; the fit is Zhang and
 *                Stephens', Technometrics 51, 2009, with their prior). NaN: too few weights, or
 *                ties, where a tail has no shape
 *   mean_weight  1 in expectation when the propensities are true and every action has a chance
 *   unsupported  chance that the policy gives to actions that the log never took in that row of
 *                the policy, averaged over rounds
 *
 * The limits below are a choice of ours.
 */
#ifndef SIM_ESTIMATE_OVERLAP_H
#define SIM_ESTIMATE_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"
#include "sim/estimate/rounds.h"

#define GV_OVERLAP_EFFECTIVE_MIN   100.0
#define GV_OVERLAP_EARNING_MIN     10.0
#define GV_OVERLAP_LARGEST_MAX     0.1
#define GV_OVERLAP_PARETO_MAX      0.7
#define GV_OVERLAP_UNSUPPORTED_MAX 0.02
#define GV_OVERLAP_MEAN_ERRORS_MAX 5.0 /* standard errors that mean_weight may be off 1 */

typedef struct gv_overlap {
    size_t count;
    double effective;
    double earning;
    double largest;
    double largest_weight;
    double pareto_k;
    double mean_weight;
    double mean_weight_error; /* standard */
    double zero_share;        /* of rounds whose weight is 0 */
    double unsupported;
} gv_overlap;

/* weights: [rounds->count]; reorders nothing. */
GV_MUST_CHECK gv_status gv_overlap_of(const gv_rounds *rounds, const gv_target *target,
                                      const double *weights, gv_overlap *out);

/* Which limit is broken, as a sentence for people; NULL: none. text: [size]. */
const char *gv_overlap_complaint(const gv_overlap *overlap, char *text, size_t size);

/* The shape k of the largest of `values`, which are sorted on the way; NaN: it has none. */
double gv_pareto_shape(double *values, size_t count);

#endif
