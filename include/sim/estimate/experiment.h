/*
 * experiment.h - how long an A/B test must run, worked out from a log before it begins.
 *
 * A test gives a share of its units to the new policy and compares mean rewards a round. Units
 * are what is dealt as a whole: users, halves of budgets, blocks of time (switchback),
 * advertisers. What happens in a unit hangs together, so the difference's variance comes from sums
 * over units: with d_u = sum over the unit's rounds of (r - mean) and N rounds, a log of T days has
 *
 *     V = U / (U - 1) sum d_u^2 / N^2
 *
 * for the variance of its mean, and a test of D days with share s in the new arm
 *
 *     error^2 = V (T / D) (1 / s + 1 / (1 - s))
 *
 * The least effect that it sees with a power of p at a level of 1 - a is (t(1 - a/2) + t(p)) error,
 * with Student's t of U D / T - 2 degrees of freedom (Bloom, "Minimum detectable effects",
 * Evaluation Review 19, 1995; clusters as in Deng, Knoblich and Lu, "Applying the delta method in
 * metric analytics", KDD 2018). That takes units to come at the same rate throughout; users who
 * come back make a longer test a little less precise than that.
 *
 * CUPED (Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments
 * by utilizing pre-experiment data", WSDM 2013, eq. 4) takes from each unit what it did before the
 * test, times theta = cov / var: the variance falls by 1 - rho^2.
 */
#ifndef SIM_ESTIMATE_EXPERIMENT_H
#define SIM_ESTIMATE_EXPERIMENT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"

/* Rounds of a log and the units that they are dealt in. */
typedef struct gv_unit_log {
    size_t count;
    const double *rewards;   /* [count] */
    const uint32_t *units;   /* [count], below unit_count; NULL: each round is one */
    const uint8_t *is_early; /* [count]: of the first half, CUPED's before; NULL: no CUPED */
    size_t unit_count;
} gv_unit_log;

typedef struct gv_design {
    size_t unit_count;
    double mean;        /* reward a round */
    double variance;    /* V */
    double correlation; /* rho of a unit's late with its early rewards; NaN: no CUPED */
    double days;        /* T, set by the caller */
} gv_design;

/* At least two units. */
GV_MUST_CHECK gv_status gv_design_measure(const gv_unit_log *log, double days, gv_design *out);

typedef struct gv_test_plan {
    double share; /* s, of (0, 1) */
    double level; /* 1 - a */
    double power; /* p */
    double kept;  /* share of the variance that is left: 1, or 1 - rho^2 with CUPED */
} gv_test_plan;

/* error of a test of so many days. */
double gv_design_error(const gv_design *design, const gv_test_plan *plan, double days);

/* Least effect seen with the plan's power; infinite with less than two degrees of freedom. */
double gv_design_effect(const gv_design *design, const gv_test_plan *plan, double days);

/* Chance that a test of so many days calls a true effect of this size different from 0. */
double gv_design_power(const gv_design *design, const gv_test_plan *plan, double days,
                       double effect);

/* Days until an effect is seen with the plan's power; infinite above 100 years. effect > 0. */
double gv_design_days(const gv_design *design, const gv_test_plan *plan, double effect);

/* A finished test: sums of each unit. */
typedef struct gv_finished_test {
    size_t unit_count;
    const double *sums;    /* [unit_count]: rewards */
    const double *rounds;  /* [unit_count] */
    const double *before;  /* [unit_count]: what CUPED takes away; NULL: nothing */
    const uint8_t *is_new; /* [unit_count]: the arm */
} gv_finished_test;

/* Mean a round of the new arm less the old one's, Student's t of units. TOO_FEW: an arm of one. */
gv_interval gv_test_difference(const gv_finished_test *test, double level);

#endif
