/*
 * estimator.h - estimators of a policy's value from a bandit's log, one constant type each.
 *
 * Every one is a function of four numbers of each round: its reward r, its weight
 * w = pi(a | x) / p(a | x), the modelled value q of the action that was taken, and v = sum_a
 * pi(a | x) q(x, a). It adds up three columns, `plain`, `corrected` and `normaliser`, and is
 *
 *     mean(plain)                                        or, self-normalised,
 *     mean(plain) + sum(corrected) / sum(normaliser)
 *
 * so that the sums over clusters are all that an interval needs, one set of a bootstrap's draws
 * serves all estimators, and the figure's influence function is in closed form. Kernel estimators
 * for continuous actions are the same with the weights of kernel.h.
 */
#ifndef SIM_ESTIMATE_ESTIMATOR_H
#define SIM_ESTIMATE_ESTIMATOR_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/param.h"

/* One round as an estimator sees it. */
typedef struct gv_evidence {
    double weight; /* w, 0 and up */
    double reward; /* r */
    double logged; /* q(x, a); 0 where no model is used */
    double target; /* v */
} gv_evidence;

typedef struct gv_terms {
    double plain;
    double corrected;  /* 0 unless self-normalised */
    double normaliser; /* 0 unless self-normalised */
} gv_terms;

typedef struct gv_estimator_type {
    gv_type_info info;
    bool needs_model;        /* reads `logged` and `target` */
    bool is_self_normalised; /* has `corrected` and `normaliser` */
    bool is_unbiased;        /* given true propensities, full support and a cross-fitted model */
    gv_terms (*terms)(const void *config, const gv_evidence *evidence);

    /* The largest factor that `terms` may put on a reward when no w is above `weight`. */
    double (*weight_most)(const void *config, double weight);
} gv_estimator_type;

extern const gv_estimator_type *const gv_estimator_types[]; /* NULL last */

/* The type called `name`, or NULL. */
const gv_estimator_type *gv_estimator_find(const char *name);

#endif
