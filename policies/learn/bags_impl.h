/*
 * bags_impl.h - the reward of bags of ticks instead of single ones. A CHOICE of ours: EBaReT (arXiv
 * 2507.16186) states that transitions of a period are grouped and rewarded by the bag, not how.
 *
 * The ticks of an episode are cut into bags of L, the last one maybe shorter. With v_t the summed
 * predicted conversion probability of what was seen in tick t, c_b what bag b brought and v_b
 * the sum of its v_t, a tick's reward is
 *   r_t = (1 - w) c_b q_t + w v_t      q_t = v_t / v_b; in a bag of v_b = 0: 1 / its ticks
 * c_b is the increment over the bag of what the return law says was reached: conversions, or the
 * score, which knows the constraint (GAVE's S_T - S_(t-1), arXiv 2504.14587). Where the law is
 * relative, v_t is in units of budget / C, too. A bag's r_t sum to (1 - w) c_b + w v_b. With
 * L = 1 and w = 0 the return to go is the law's own, to the bit.
 */
#ifndef POLICIES_LEARN_BAGS_IMPL_H
#define POLICIES_LEARN_BAGS_IMPL_H

#include "policies/learn/returns_impl.h"

typedef struct gv_bag_law {
    size_t length; /* L, at least 1 (asserted) */
    double weight; /* w, in [0, 1] */
} gv_bag_law;

/* to_go: [episode->length], the sum of r_k for k >= t. */
void gv_bag_to_go(const gv_bag_law *bags, const gv_return_law *law, const gv_episode *episode,
                  double *to_go);

/*
 * What a campaign has reached while it runs: of closed bags the sum of their r_t; of the open bag
 * its v_t as they come, which is put right by (1 - w) (c_b - v_b) when the bag closes. Begins as
 * all 0.
 */
typedef struct gv_bag_purse {
    double reached; /* by the law, when the last bag closed */
    double values;  /* of closed bags */
    double open;    /* values of the open one */
} gv_bag_purse;

/* Before tick `tick`: the tick before it had `value`, and the account is what is known by now. */
void gv_bag_put(const gv_bag_law *bags, const gv_return_law *law, gv_bag_purse *purse, size_t tick,
                double value, const gv_account *account);

double gv_bag_reached(const gv_bag_law *bags, const gv_bag_purse *purse);

#endif
