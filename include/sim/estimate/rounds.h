/*
 * rounds.h - logged rounds of a bandit: context, action, reward, propensity; and a policy to judge.
 *
 * A round is one decision: a context was met, one of `action_count` actions was taken with a
 * probability that was written down, and a reward came. Contexts are codes in columns, one column a
 * feature. Rounds of one cluster (an hour, a user, a day of an advertiser) hang together and are
 * drawn together by every interval.
 *
 * Everything here is borrowed arrays: whoever makes a gv_rounds owns them.
 */
#ifndef SIM_ESTIMATE_ROUNDS_H
#define SIM_ESTIMATE_ROUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/decisions.h"

typedef struct gv_rounds {
    size_t count; /* at least 1 */
    size_t action_count;
    const uint32_t *actions;    /* [count], below action_count */
    const double *rewards;      /* [count] */
    const double *propensities; /* [count], of (0, 1]: of the action that was taken */
    const double *spends;       /* [count], at least 0: what the action cost; NULL: not logged */
    const uint32_t *clusters;   /* [count], below cluster_count; NULL: each is one of its own */
    size_t cluster_count;
    const uint32_t *contexts[GV_DECISION_CONTEXTS_MAX + 1]; /* [context_count][count] */
    size_t level_counts[GV_DECISION_CONTEXTS_MAX + 1];      /* codes are below */
    size_t context_count;
} gv_rounds;

/* The policy that is judged: a distribution over the actions for each round. */
typedef struct gv_target {
    const double *table; /* [row_count][action_count], each row adding up to 1 */
    size_t row_count;
    const uint32_t *rows; /* [count]: which row each round has; NULL: all have row 0 */
} gv_target;

static inline const double *gv_target_row(const gv_target *target, const gv_rounds *rounds,
                                          size_t round)
{
    const size_t row = target->rows == NULL ? 0 : target->rows[round];
    return target->table + row * rounds->action_count;
}

/* The rounds of a log, borrowed from it. Propensities must have been logged or estimated. */
gv_rounds gv_rounds_of(const gv_decisions *decisions, const double *propensities);

/*
 * Propensities where none were logged: in each position (or over all, where there is none) the
 * share of the rounds in which the action was taken. That is right when the logging policy did not
 * look at the context; whoever prints the result says that it was estimated. out: [count].
 */
GV_MUST_CHECK gv_status gv_rounds_estimate_propensities(const gv_decisions *decisions, double *out);

#endif
