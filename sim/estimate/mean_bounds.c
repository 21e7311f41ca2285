#include "sim/estimate/mean_bounds.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#define BET_MAX 0.5

static gv_interval none(double mean)
{
    return (gv_interval){
        .state = GV_INTERVAL_TOO_FEW, .estimate = mean, .low = (double)NAN, .high = (double)NAN};
}

static gv_interval around(double mean, double half)
{
    return (gv_interval){
        .state = GV_INTERVAL_GIVEN, .estimate = mean, .low = mean - half, .high = mean + half};
}

gv_interval gv_student_interval(double mean, double deviation, size_t count, double level)
{
    if (count < 2 || !(deviation > 0)) {
        return none(mean);
    }
    const double n = (double)count;
    return around(mean, gsl_cdf_tdist_Pinv(0.5 + level / 2, n - 1) * deviation / sqrt(n));
}

gv_interval gv_bernstein_interval(double mean, double deviation, size_t count, gv_range range,
                                  double level)
{
    if (count < 2) {
        return none(mean);
    }
    const double n = (double)count;
    const double log_term = log(4 / (1 - level));
    const double half = deviation * sqrt(2 * log_term / n) +
                        7 * (range.high - range.low) * log_term / (3 * (n - 1));
    gv_interval interval = around(mean, half);
    interval.low = fmax(interval.low, range.low);
    interval.high = fmin(interval.high, range.high);
    return interval;
}

gv_interval gv_asymptotic_interval(double mean, double deviation, size_t count, size_t tuned,
                                   double level)
{
    if (count < 2 || !(deviation > 0)) {
        return none(mean);
    }
    const double n = (double)count;
    const double delta = 1 - level;
    const double square = (-2 * log(delta) + log(-2 * log(delta) + 1)) / (double)tuned; /* rho^2 */
    const double scale = n * square + 1;
    return around(mean, deviation * sqrt(2 * scale / (n * n * square) * log(sqrt(scale) / delta)));
}

gv_sequence gv_sequence_begin(gv_range range, double level)
{
    assert(range.low < range.high);
    return (gv_sequence){.range = range, .level = level};
}

void gv_sequence_add(gv_sequence *sequence, double value)
{
    const double span = sequence->range.high - sequence->range.low;
    const double x = fmin(fmax((value - sequence->range.low) / span, 0), 1);
    const double t = (double)++sequence->count;
    const double mean_before = (0.5 + sequence->sum) / t;
    const double variance_before = (0.25 + sequence->squares) / t;
    const double log_term = log(2 / (1 - sequence->level));
    const double bet = fmin(sqrt(2 * log_term / (variance_before * t * log(1 + t))), BET_MAX);
    const double surprise = x - mean_before;
    sequence->bets += bet;
    sequence->bet_sum += bet * x;
    sequence->bet_price += 4 * surprise * surprise * (-log1p(-bet) - bet) / 4;
    sequence->sum += x;
    const double miss = x - (0.5 + sequence->sum) / (t + 1);
    sequence->squares += miss * miss;
}

gv_interval gv_sequence_interval(const gv_sequence *sequence)
{
    const double span = sequence->range.high - sequence->range.low;
    if (sequence->count == 0) {
        return none((double)NAN);
    }
    const double centre = sequence->bet_sum / sequence->bets;
    const double log_term = log(2 / (1 - sequence->level));
    const double half = (log_term + sequence->bet_price) / sequence->bets;
    return (gv_interval){
        .state = GV_INTERVAL_GIVEN,
        .estimate = sequence->range.low + span * sequence->sum / (double)sequence->count,
        .low = sequence->range.low + span * fmax(centre - half, 0),
        .high = sequence->range.low + span * fmin(centre + half, 1),
    };
}
