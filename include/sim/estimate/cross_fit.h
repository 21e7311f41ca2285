/*
 * cross_fit.h - a model's values of rounds that it was not fitted on.
 *
 * Clusters are dealt to `fold_count` folds by random draws; the rounds of a fold are valued by the
 * model that was fitted on the other folds. So a round's own reward is not in its own value, which
 * the unbiasedness of the doubly robust estimator needs (Chernozhukov, Chetverikov, Demirer, Duflo,
 * Hansen, Newey and Robins, "Double/debiased machine learning for treatment and structural
 * parameters", The Econometrics Journal 21, 2018, definition 3.2).
 */
#ifndef SIM_ESTIMATE_CROSS_FIT_H
#define SIM_ESTIMATE_CROSS_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/rounds.h"
#include "sim/estimate/value_model.h"

enum { GV_FOLDS_MAX = 32 };

typedef struct gv_cross_fit_config {
    const gv_value_model_type *model;
    const void *model_config;
    size_t fold_count; /* 2 to GV_FOLDS_MAX */
    uint64_t seed;     /* cluster c draws from (seed, GV_STREAM_EVALUATE, c) */
} gv_cross_fit_config;

/* What to write; NULL: not wanted. */
typedef struct gv_values {
    double *logged; /* [count]: q(x_i, a_i) */
    double *target; /* [count]: sum_a pi(a | x_i) q(x_i, a) */
    double *all;    /* [count][action_count] */
} gv_values;

GV_MUST_CHECK gv_status gv_cross_fit(const gv_cross_fit_config *config, const gv_rounds *rounds,
                                     const gv_target *target, const gv_values *values);

#endif
