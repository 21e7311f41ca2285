/*
 * belief.h - what is believed of a probability, where that is worse than what is predicted.
 *
 * To see what a worse predictor costs, a given one is disturbed. With p what is predicted and m
 * what is predicted on average, an opportunity is believed to have the odds of q:
 *
 *     logit q = logit m + slope (logit p - logit m) + log scale + noise z - noise^2 / 2
 *
 * scale: miscalibration, a factor of the odds. slope: overconfidence above 1, timidity below.
 * noise: what the predictor does not see; z is standard normal, the opportunity's own, the same
 * under every policy; the last term keeps the mean of small probabilities where it was. cold: the
 * share of opportunities, or of all values of a column such as `creative`, of which nothing is
 * known, so that they are believed to be like the average: q = m.
 *
 * A p of 0 or 1 is certain and stays.
 */
#ifndef SIM_MARKET_BELIEF_H
#define SIM_MARKET_BELIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gv_belief {
    double scale; /* above 0 */
    double slope; /* at least 0 */
    double noise; /* at least 0, a standard deviation of log-odds */
    double cold;  /* in [0, 1] */
    double mean;  /* m, in (0, 1) where slope is not 1 or cold above 0 */
    uint64_t seed;
} gv_belief;

/* Whether it leaves every probability as it is. */
bool gv_belief_is_exact(const gv_belief *belief);

/* Whether it needs the mean. */
bool gv_belief_needs_mean(const gv_belief *belief);

/*
 * In place: probabilities [count] of the opportunities ids [count]. groups [count]: whose being
 * cold they share, a hash of the column's value; NULL: each has its own. Allocates nothing.
 */
void gv_belief_apply(const gv_belief *belief, const uint64_t *ids, const uint64_t *groups,
                     size_t count, double *probabilities);

#endif
