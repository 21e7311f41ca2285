/*
 * exploration.h - bids that are varied at random, so that a log of them can judge other bids.
 *
 * What always bids the same on the same tells nothing of other bids. With b > 0 what the policy
 * intends, s the jitter and e epsilon, the bid that is made is
 *
 *     b exp(s z - s^2 / 2)          with probability 1 - e, z standard normal: b on average
 *     b low (high / low)^u          with probability e, u uniform: log-uniform in [low, high] b
 *
 * or, with K strata instead of both,
 *
 *     b low (high / low)^(k / (K - 1))   with k of 0 to K - 1, each with probability 1 / K
 *
 * where each block of K opportunities, [nK, nK + K), gets each k once, in an order of its own: what
 * the multipliers are compared on is alike but for chance within blocks. What is bid is then one of
 * K actions, whose chance is a probability and not a density.
 *
 * A bid of 0, and no bid, stay. The draws are the opportunity's own, the same under every policy
 * and however auctions are batched. Cap, budget and price step lower the bid that was made, so
 * they are part of what answers it.
 */
#ifndef SIM_MARKET_EXPLORATION_H
#define SIM_MARKET_EXPLORATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gv_exploration {
    double epsilon; /* in [0, 1] */
    double jitter;  /* at least 0; above 0 where epsilon is inside (0, 1): else no density */
    double low;     /* 0 < low < high */
    double high;
    int64_t strata; /* K, 2 to GV_STRATA_MAX, where the first two are 0; 0: none */
    uint64_t seed;
} gv_exploration;

enum { GV_STRATA_MAX = 32 };

/* Whether it changes bids; NULL does not. */
bool gv_exploration_is_on(const gv_exploration *exploration);

/* The bid that is made on opportunity `id`: nanos, at least 1 where `intended` is above 0, at most
   GV_OFFER_MAX there. */
int64_t gv_explore(const gv_exploration *exploration, uint64_t id, int64_t intended);

/* In place: bids [count] on the opportunities first_id + i, or where not NULL ids [count]. */
void gv_explore_all(const gv_exploration *exploration, uint64_t first_id, const uint64_t *ids,
                    size_t count, int64_t *bids);

/* Of stratum k, what the intended bid is multiplied by. */
double gv_stratum_multiplier(const gv_exploration *exploration, size_t k);

/* The stratum of an opportunity. Strata only. */
size_t gv_stratum_of(const gv_exploration *exploration, uint64_t id);

/*
 * The density of making `bid` where `intended` is meant, both above 0 and in one unit of money, per
 * that unit; it integrates to 1 over `bid`. Rounding to nanos is left out of account.
 * Without strata, whose bids have probabilities.
 */
double gv_exploration_density(const gv_exploration *exploration, double intended, double bid);

#endif
