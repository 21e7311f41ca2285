/*
 * returns_impl.h - what a sequence model is conditioned on: how much of a return is still to come.
 *
 * One function says what a campaign has reached with so many conversions at such a spend:
 *   plain   conv
 *   score   min((C / CPA)^power, 1) conv, CPA = spend / conv      (power 2: the competition's)
 * and the return to go at a tick is what the period reaches in all less what was reached before
 * the tick: S_T - S_(t-1), as DT-score and GAVE have it (arXiv 2504.14587). In training both are
 * read from an episode, in serving the first is asked for; the second is the same function.
 *
 * Relative (ours): in units of budget / C, the conversions that the budget buys at the
 * constraint, so that campaigns of other budgets can ask for the same.
 */
#ifndef POLICIES_LEARN_RETURNS_IMPL_H
#define POLICIES_LEARN_RETURNS_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/dataset.h"
#include "sim/base/status.h"

typedef enum gv_return_kind { GV_RETURN_PLAIN, GV_RETURN_SCORE } gv_return_kind;

extern const char *const gv_return_names[]; /* of the kinds, NULL-ended */

typedef struct gv_return_law {
    gv_return_kind kind;
    double power;
    bool is_relative;
} gv_return_law;

/* What a campaign has got so far, and what it may spend; money in units of currency. */
typedef struct gv_account {
    double conversions;
    double spend;
    double budget;
    double cpa; /* C */
} gv_account;

double gv_return_reached(const gv_return_law *law, const gv_account *account);

/* Of an episode before tick t; t = its length: of all of it. */
gv_account gv_episode_account(const gv_episode *episode, size_t t);

/* to_go: [episode->length] */
void gv_return_to_go(const gv_return_law *law, const gv_episode *episode, double *to_go);

/*
 * Of what the episodes reach in all, the value at that share of their order (nearest rank):
 * 0.95 is what one in twenty exceeds. Allocates.
 */
GV_MUST_CHECK gv_status gv_return_quantile(const gv_return_law *law, const gv_dataset *dataset,
                                           double share, double *value);

/* CPA / C, at most 2; spend without a conversion is 2, neither 0. */
double gv_constraint_used(const gv_account *account);

enum { GV_CONSTRAINT_SIZE = 3 };

/*
 * A constraint as a token (CDT's, Liu et al., ICML 2023, carries the cost to come): the share of C
 * that the period uses in all, known in training and asked for in serving; log C - 4; log budget
 * - 8. The last two are ours: AuctionNet's 16 numbers hold neither. token: [GV_CONSTRAINT_SIZE]
 */
void gv_constraint_token(double used, const gv_account *account, float *token);

#endif
