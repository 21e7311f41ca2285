/*
 * mean_bounds.h - intervals for a mean that need no resampling.
 *
 * student: mean +- t s / sqrt(n); of clusters, by their influence on the figure.
 *
 * bernstein: for n independent values of [low, high], Maurer and Pontil, "Empirical Bernstein
 * bounds and sample variance penalization", COLT 2009, theorem 4, on both sides with half of
 * delta = 1 - level each:
 *
 *     mean +- sqrt(2 V log(4 / delta) / n) + 7 (high - low) log(4 / delta) / (3 (n - 1))
 *
 * sequence: a confidence sequence, which holds at all times at once, so that a test may be watched
 * and stopped at will. Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
 * betting", JRSS B 86, 2024, theorem 2, the predictable plug-in empirical Bernstein, of values
 * x scaled to [0, 1] with bets l_t:
 *
 *     sum l_i x_i / sum l_i +- (log(2 / delta) + sum v_i psi(l_i)) / sum l_i
 *     v_i = 4 (x_i - m_(i-1))^2, psi(l) = (-log(1 - l) - l) / 4
 *     l_t = min(sqrt(2 log(2 / delta) / (s2_(t-1) t log(1 + t))), 1/2)
 *     m_t = (1/2 + sum x_i) / (t + 1), s2_t = (1/4 + sum (x_i - m_i)^2) / (t + 1)
 *
 * asymptotic: the same promise in the limit, without a range, from mean and deviation alone;
 * Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences", Annals of Statistics 52, 2024, theorem 2.2, with the mixture's
 * rho set for `tuned` values by their eq. for the narrowest interval there:
 *
 *     mean +- s sqrt(2 (n rho^2 + 1) / (n^2 rho^2) log(sqrt(n rho^2 + 1) / delta))
 */
#ifndef SIM_ESTIMATE_MEAN_BOUNDS_H
#define SIM_ESTIMATE_MEAN_BOUNDS_H

#include <stddef.h>

#include "sim/estimate/bootstrap.h"

/* What all values lie in. */
typedef struct gv_range {
    double low;
    double high;
} gv_range;

/* `deviation`: of the single values, over n - 1. TOO_FEW below two values, or where it is 0. */
gv_interval gv_student_interval(double mean, double deviation, size_t count, double level);

/* TOO_FEW below two values. */
gv_interval gv_bernstein_interval(double mean, double deviation, size_t count, gv_range range,
                                  double level);

/* TOO_FEW below two values, or where the deviation is 0. `tuned`: fixed before data are seen. */
gv_interval gv_asymptotic_interval(double mean, double deviation, size_t count, size_t tuned,
                                   double level);

/* A confidence sequence that takes one value at a time. */
typedef struct gv_sequence {
    gv_range range;
    double level;
    size_t count;
    double sum;       /* of values, scaled */
    double squares;   /* sum of (x_i - m_i)^2 */
    double bets;      /* sum of l */
    double bet_sum;   /* sum of l x */
    double bet_price; /* sum of v psi(l) */
} gv_sequence;

/* low < high. */
gv_sequence gv_sequence_begin(gv_range range, double level);

/* A value outside of the range is a broken promise: it is taken for the nearest end. */
void gv_sequence_add(gv_sequence *sequence, double value);

/* After `count` values; its estimate is the plain mean. TOO_FEW before any. */
gv_interval gv_sequence_interval(const gv_sequence *sequence);

#endif
