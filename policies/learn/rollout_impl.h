/*
 * rollout_impl.h - episodes played anew in their bid landscapes, tick after tick, and what one more
 * percent of a tick's multiplier would have been worth.
 *
 * What a multiplier buys in a tick is read off the landscape, straight between its points over the
 * logarithm of the multiplier; where it costs more than the budget that is left, that share of it
 * is bought. Values are expected ones; conversions are drawn, Poisson with the tick's true
 * probabilities, and are what the player sees.
 *
 *   S' = S + f c(m)     N' = N + Poisson(f t v(m))     f = min(1, left / c(m))
 *
 * The gradient of the score by each tick's log multiplier goes backwards through these with the
 * multipliers of all other ticks held fixed, draws counted as their mean. That is not the gradient
 * of a policy, which would answer at later ticks; where the later multipliers are best for the
 * score already, how they answer does not matter (the envelope theorem), so both have the same
 * stationary points. After Madeka et al., "Deep Inventory Management", arXiv 2210.03137, where what
 * happens to others is exogenous and so a simulator is differentiated.
 */
#ifndef POLICIES_LEARN_ROLLOUT_IMPL_H
#define POLICIES_LEARN_ROLLOUT_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "policies/learn/dataset.h"
#include "sim/base/random.h"
#include "sim/base/status.h"
#include "sim/market/outlook.h"

/* What a tick offered at its multiplier, before the budget cut it; money in units of currency. */
typedef struct gv_rollout_tick {
    double cost;
    double value;
    double cost_slope; /* by the logarithm of the multiplier */
    double value_slope;
    double truth; /* conversions expected of a value of 1 */
    double left;  /* of the budget, before */
} gv_rollout_tick;

/* Where an episode came out. */
typedef struct gv_rollout_end {
    double spend;
    double conversions;
    double cpa;
} gv_rollout_end;

/* At exp(log_multiplier) of the episode's own CPA; beyond the grid it is the grid's end. */
gv_rollout_tick gv_rollout_offer(const gv_episode *episode, size_t tick, double log_multiplier,
                                 double left);

/* The share of it that is bought: f above. */
double gv_rollout_share(const gv_rollout_tick *tick);

double gv_rollout_score(const gv_rollout_end *end);

/* gradient: [count]: of the score by each log multiplier. */
void gv_rollout_adjoint(const gv_rollout_tick *ticks, size_t count, const gv_rollout_end *end,
                        double *gradient);

/* ---- players --------------------------------------------------------------------------------- */

/* One episode to be played. */
typedef struct gv_rollout_draw {
    const gv_episode *episode; /* with a landscape */
    double budget;
    double cpa;
    gv_random random;   /* of its conversions */
    uint64_t first;     /* index of the first of its draws */
    bool has_mean_luck; /* conversions are their mean instead, rounded in what is seen */
} gv_rollout_draw;

/* Several episodes, played side by side. */
typedef struct gv_rollout gv_rollout;

/* Rows of `ticks` ticks; has_oracle: gv_rollout_best() will be asked. */
GV_MUST_CHECK gv_status gv_rollout_create(size_t rows, size_t ticks, bool has_oracle,
                                          gv_rollout **out);
void gv_rollout_destroy(gv_rollout *rollout); /* accepts NULL */

void gv_rollout_begin(gv_rollout *rollout, size_t row, const gv_rollout_draw *draw);

/* Before the row's next tick. outlook: [GV_OUTLOOK_SIZE]. */
void gv_rollout_look(const gv_rollout *rollout, size_t row, double *outlook);

/*
 * The log multiplier, over the CPA of the draw, of the one grid point that bids best in this and
 * all later ticks with what the row has spent and gained: the hindsight oracle's.
 */
double gv_rollout_best(const gv_rollout *rollout, size_t row);

/* The row's next tick at exp(log_multiplier) of the draw's CPA. */
void gv_rollout_bid(gv_rollout *rollout, size_t row, double log_multiplier);

/* After the last tick: the score, and its gradient by what was bid: [ticks]. */
double gv_rollout_finish(const gv_rollout *rollout, size_t row, double *gradient);

gv_rollout_end gv_rollout_end_of(const gv_rollout *rollout, size_t row);

#endif
