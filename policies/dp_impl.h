/*
 * dp_impl.h - the dynamic programme of `ss_mdp` and `rlb` over auctions left and budget left.
 *
 * Cai, Ren, Zhang, Malialis, Wang, Yu, Guo, "Real-Time Bidding by Reinforcement Learning in
 * Display Advertising", WSDM 2017, in the form of its public code. With theta the mean click
 * rate, m(d) the chance that the market price is d steps, and no discount:
 *
 *     V(0, .) = 0,  V(n, 0) = 0
 *     V(n, b) = V(n-1, b) + sum_{d=0..a} m(d) [ theta + V(n-1, b-d) - V(n-1, b) ]
 *     a = the largest d <= min(b, top) whose bracket is at least 0
 *
 * m is the history's landscape with one observation added to each price. The bid with n
 * auctions and b steps left is the largest d <= min(b, top) with t + V(n-1, b-d) - V(n-1, b)
 * at least 0: t is theta in ss_mdp, pCTR in rlb. Both assume second price.
 */
#ifndef POLICIES_DP_IMPL_H
#define POLICIES_DP_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/market/policy.h"

/* The bare table: V as one block, [auctions + 1][budget + 1]. */
typedef struct gv_dp_table {
    size_t auctions;
    size_t budget; /* in steps */
    size_t top;    /* highest bid, in steps */
    double *values;
} gv_dp_table;

/*
 * Allocates and solves. market: [top + 1]. theta above 0. On GV_OK the caller ends it with
 * gv_dp_fini(). Equal to the definition above to the last bit (tested): a vector's lanes are
 * budgets, so that each sum runs in the order of d on every machine. O(auctions x budget x top).
 */
GV_MUST_CHECK gv_status gv_dp_solve(gv_dp_table *table, const double *market, double theta);
void gv_dp_fini(gv_dp_table *table); /* accepts a zeroed one */

/* The largest bid worth making, in steps, with n >= 1 auctions left and b steps of budget. */
size_t gv_dp_bid(const gv_dp_table *table, size_t n, size_t b, double t);

/* The two policies: config, fit, init and the rest are the same, but for t. */
extern const gv_param gv_dp_params[];

typedef struct gv_dp_config {
    double click_rate;
    int32_t rate_from;
    int64_t auctions;       /* in an episode */
    int64_t table_auctions; /* rows of the table */
    int64_t table_cells;    /* bound on its size */
} gv_dp_config;

typedef struct gv_dp_state {
    gv_dp_table table;
    double theta;
    int64_t step_nanos; /* of the table's prices and budgets */
    double auctions;    /* expected in an episode */
    int64_t episode_start_us;
    int64_t episode_end_us;
} gv_dp_state;

GV_MUST_CHECK gv_status gv_dp_fit(void *config, const gv_fit_input *input,
                                  const gv_progress *progress);
GV_MUST_CHECK gv_status gv_dp_init(void *state, const gv_policy_setup *setup);

/* For the one opportunity of `batch`. */
int64_t gv_dp_price(const gv_dp_state *state, const gv_batch *batch, double t);

void gv_dp_tick(void *const *states, const gv_observation *observations, size_t count);
GV_MUST_CHECK gv_status gv_dp_save(const void *state, gv_writer *writer);
GV_MUST_CHECK gv_status gv_dp_restore(void *state, gv_reader *reader);
void gv_dp_end(void *state);

#endif
