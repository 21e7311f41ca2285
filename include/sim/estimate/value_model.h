/*
 * value_model.h - what an estimator asks of a model of rewards: q(x, a), the mean reward of action
 * a in context x.
 *
 * The interface belongs to its caller: the estimators of this folder know no more of a model than
 * this. Two simple ones are here, so that a log needs nothing but itself; a network of models/
 * can stand in their place.
 *
 * Both simple ones are additive in one-hot features: a constant, the action, the level of each
 * context column (levels beyond the first 255 met share one), with an L2 penalty on all but the
 * constant:
 *
 *     g(q(x, a)) = b + u_a + sum_j v_(j, x_j)
 *
 * `ridge` has g(q) = q and minimises sum (r - q)^2 + penalty |u, v|^2; `logistic`, for rewards of
 * [0, 1], has g(q) = log(q / (1 - q)) and minimises the cross-entropy + penalty / 2 |u, v|^2 by
 * Newton's method.
 */
#ifndef SIM_ESTIMATE_VALUE_MODEL_H
#define SIM_ESTIMATE_VALUE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/estimate/rounds.h"

/* Which rounds a model is fitted on: those whose fold is not `held_out`. */
typedef struct gv_fold {
    const uint8_t *folds; /* [count] */
    uint8_t held_out;
} gv_fold;

typedef struct gv_value_model_type {
    gv_type_info info;

    /* On GV_OK the caller ends *state with destroy. config: as info.params describe it. */
    gv_status (*fit)(const void *config, const gv_rounds *rounds, const gv_fold *fold,
                     void **state);
    void (*destroy)(void *state); /* accepts NULL */

    /* q(x, a) of every action in the round's context. values: [action_count]. */
    void (*predict)(const void *state, const gv_rounds *rounds, size_t round, double *values);
} gv_value_model_type;

extern const gv_value_model_type gv_value_ridge;
extern const gv_value_model_type gv_value_logistic;
extern const gv_value_model_type *const gv_value_model_types[]; /* NULL last */

/* `logistic` where all rewards are of [0, 1], else `ridge`. */
const gv_value_model_type *gv_value_model_for(const gv_rounds *rounds);

#endif
