/*
 * evaluation.h - what a policy would have earned on a log: every estimator, every interval.
 *
 * The rounds are weighed, a model is cross-fitted where an estimator needs one, and each
 * estimator's columns (estimator.h) are added up over clusters. All bootstraps work on those sums,
 * with one set of draws, so that estimators and the logged policy's own mean are compared in
 * pairs. More than `cluster_max` clusters are joined, neighbours together, into so many groups:
 * what is drawn is then groups, whose number bounds the time and whose sums keep what neighbouring
 * clusters share.
 *
 * A reward's range, and the largest weight that there can be, are promises of the caller on which
 * the empirical Bernstein bound and the confidence sequence rest; where they are left open the
 * log's own extremes stand in, which `is_range_seen` says. Both take rounds as independent; the
 * sequence takes them in their order.
 */
#ifndef SIM_ESTIMATE_EVALUATION_H
#define SIM_ESTIMATE_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"
#include "sim/estimate/cross_fit.h"
#include "sim/estimate/estimator.h"
#include "sim/estimate/interference.h"
#include "sim/estimate/kernel.h"
#include "sim/estimate/overlap.h"
#include "sim/estimate/rounds.h"

enum { GV_EVALUATION_ESTIMATORS_MAX = 32 };

/* Name as it is spelt, and what it promises. */
#define GV_REACH_LIST(X)                                                           \
    X(GV_REACH_BCA, "bca", "bootstrap of clusters, bias-corrected, accelerated")   \
    X(GV_REACH_PERCENTILE, "percentile", "bootstrap of clusters, percentiles")     \
    X(GV_REACH_STUDENT, "student", "Student's t of clusters")                      \
    X(GV_REACH_BERNSTEIN, "bernstein", "empirical Bernstein, for any sample size") \
    X(GV_REACH_SEQUENCE, "sequence", "confidence sequence, at all times at once")  \
    X(GV_REACH_ASYMPTOTIC, "asymptotic", "the same in the limit, of clusters")

typedef enum gv_reach {
#define X(name, text, promise) name,
    GV_REACH_LIST(X)
#undef X
        GV_REACHES
} gv_reach;

const char *gv_reach_name(gv_reach reach);
const char *gv_reach_promise(gv_reach reach);

typedef struct gv_evaluation_config {
    const gv_rounds *rounds;
    const gv_target *target;
    const gv_doses *doses; /* NULL: actions are codes. Else propensities are densities, actions are
                              bins of doses, and the target gives each round its dose's bin */
    double lost; /* chance that the policy gives to actions unknown to the log: gv_target_owned */
    const gv_estimator_type *const *types; /* [type_count], at most GV_EVALUATION_ESTIMATORS_MAX */
    const void *const *type_configs;       /* [type_count] */
    size_t type_count;
    gv_cross_fit_config fit;
    const gv_values
        *given; /* `logged` and `target` of a model of the caller's; NULL: cross-fitted */
    gv_bootstrap_config bootstrap;
    double level;
    size_t cluster_max;
    double weight_most; /* NaN: the largest seen */
    double reward_low;  /* NaN: the least seen, or 0 and 1 where all are of [0, 1] */
    double reward_high;
} gv_evaluation_config;

typedef struct gv_estimate {
    const gv_estimator_type *type;
    gv_interval intervals[GV_REACHES]; /* TOO_FEW where one cannot be given */
    gv_interval difference;            /* BCA of the value less the logged policy's mean */
    double error;                      /* standard, of clusters */
} gv_estimate;

typedef enum gv_verdict {
    GV_VERDICT_BETTER,
    GV_VERDICT_WORSE,
    GV_VERDICT_UNCLEAR,
    GV_VERDICT_THIN, /* overlap too thin to say anything */
} gv_verdict;

const char *gv_verdict_name(gv_verdict verdict); /* "better" */

/* By the interval of the difference to the logged policy, unless that is too thin. */
gv_verdict gv_verdict_of(bool is_thin, const gv_interval *difference);

typedef struct gv_evaluation {
    gv_estimate estimates[GV_EVALUATION_ESTIMATORS_MAX]; /* [type_count] */
    size_t type_count;
    gv_interval logged;  /* the logged policy's mean reward, BCA */
    double logged_error; /* its standard error, of clusters */
    gv_overlap overlap;
    gv_interference interference;
    bool is_thin;
    char complaint[192]; /* why the overlap is too thin; "": it is not */
    size_t group_count;  /* of clusters as drawn */
    bool is_range_seen;
    double lost;
} gv_evaluation;

GV_MUST_CHECK gv_status gv_evaluate(const gv_evaluation_config *config, gv_evaluation *out);

/* By the difference's interval, unless the overlap is too thin. */
gv_verdict gv_evaluation_verdict(const gv_evaluation *evaluation, const gv_estimate *estimate);

#endif
