/*
 * episodes.h - estimators of a policy's value from logged episodes of several steps.
 *
 * An episode is `horizon` decisions one after another, of which each may change what comes later:
 * a campaign's ticks of a day. With rho_t = pi(a_t | x_t) / p(a_t | x_t), their product
 * W_t = rho_0 ... rho_t, W_-1 = 1, and q, v as modelled by fitted Q evaluation:
 *
 *     fqe     mean v_0
 *     is      mean W_(T-1) sum_t g^t r_t
 *     wis     sum W_(T-1) sum_t g^t r_t / sum W_(T-1)
 *     pdis    mean sum_t g^t W_t r_t
 *     wpdis   sum_t g^t (sum W_t r_t / sum W_t)
 *     dr      mean sum_t g^t (W_t (r_t - q_t) + W_(t-1) v_t)
 *     wdr     sum_t g^t (sum W_t (r_t - q_t) / sum W_t + sum W_(t-1) v_t / sum W_(t-1))
 *
 * is, wis, pdis: Precup, Sutton and Singh, "Eligibility traces for off-policy policy evaluation",
 * ICML 2000; wpdis: Thomas, "Safe reinforcement learning", PhD thesis, 2015; dr: Jiang and Li,
 * "Doubly robust off-policy value evaluation for reinforcement learning", ICML 2016; wdr: Thomas
 * and Brunskill, "Data-efficient off-policy policy evaluation for reinforcement learning", ICML
 * 2016; fqe: Le, Voloshin and Yue, "Batch policy learning under constraints", ICML 2019, here by
 * backward induction with a model for each step (ours).
 *
 * All are functions of sums over episodes, so one bootstrap of clusters of episodes serves all.
 */
#ifndef SIM_ESTIMATE_EPISODES_H
#define SIM_ESTIMATE_EPISODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"
#include "sim/estimate/cross_fit.h"
#include "sim/estimate/rounds.h"

enum { GV_EPISODE_TYPES_MAX = 16, GV_HORIZON_MAX = 1024 };

/* All arrays are step-major: entry t * count + i is step t of episode i. */
typedef struct gv_episodes {
    size_t count;
    size_t horizon;           /* 1 to GV_HORIZON_MAX, the same for all */
    double discount;          /* g, of (0, 1] */
    gv_rounds steps;          /* of horizon * count rounds; clusters are not used */
    gv_target target;         /* rows likewise */
    const uint32_t *clusters; /* [count], dense; NULL: each episode is one of its own */
    size_t cluster_count;
} gv_episodes;

/* Columns of sums: episodes, W R of the whole, then for each step the four below. */
enum {
    GV_EPISODE_COUNT,
    GV_EPISODE_RETURN,
    GV_EPISODE_FIRST,
    GV_STEP_REWARD = 0, /* g^t W_t r_t */
    GV_STEP_WEIGHT,     /* W_t */
    GV_STEP_RESIDUAL,   /* g^t W_t (r_t - q_t) */
    GV_STEP_VALUE,      /* g^t W_(t-1) v_t */
    GV_STEP_COLUMNS,
};

static inline size_t gv_episode_columns(size_t horizon)
{
    return GV_EPISODE_FIRST + GV_STEP_COLUMNS * horizon;
}

typedef struct gv_episode_type {
    gv_type_info info;
    bool needs_model;
    bool is_unbiased; /* given true propensities, full support and a cross-fitted model */
    double (*value)(const double *totals, size_t horizon);
} gv_episode_type;

extern const gv_episode_type *const gv_episode_types[]; /* NULL last */

/*
 * Cross-fitted values by fitted Q evaluation: for each fold the models of all steps, from the last
 * one back, see the other folds' episodes alone; what a step is fitted on is its reward and g times
 * the next one's value. logged, target: [horizon * count].
 */
GV_MUST_CHECK gv_status gv_fitted_q(const gv_cross_fit_config *config, const gv_episodes *episodes,
                                    double *logged, double *target);

/* Adds one episode to columns: [gv_episode_columns()]. Values NULL: no model, q = v = 0. */
void gv_episode_add(const gv_episodes *episodes, size_t episode, const double *logged,
                    const double *target, double *columns);

typedef struct gv_episode_evaluation {
    size_t type_count;
    gv_interval values[GV_EPISODE_TYPES_MAX];      /* by type; BCA of clusters */
    gv_interval logged;                            /* what the log's own policy earned an episode */
    gv_interval differences[GV_EPISODE_TYPES_MAX]; /* of values less that, in pairs; BCA */
    double effective;                              /* (sum W)^2 / sum W^2 at the last step */
    double largest;                                /* share of one episode in it */
    bool is_thin;        /* effective below 10, or largest above 0.3; ours */
    char complaint[192]; /* why; "": it is not */
} gv_episode_evaluation;

/* level in (0, 1). */
GV_MUST_CHECK gv_status gv_episodes_evaluate(const gv_episodes *episodes,
                                             const gv_cross_fit_config *fit,
                                             const gv_bootstrap_config *bootstrap, double level,
                                             gv_episode_evaluation *out);

#endif
