#include "sim/estimate/log_normal_price.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>

enum { STEPS_MAX = 100, HALVINGS_MAX = 60 };

/* The log-likelihood at a point with its slope and curvature, in (theta, gamma). */
typedef struct slope {
    double value;
    double theta;
    double gamma;
    double theta_theta;
    double theta_gamma;
    double gamma_gamma;
} slope;

/* log P(Z > x) of a standard normal, far out as well. */
static double log_above(double x)
{
    return gsl_sf_log_erfc(x / M_SQRT2) - M_LN2;
}

/* d/dx of -log P(Z > x) is the hazard h, whose own slope is h (h - x). */
static void add_beyond(slope *sum, double weight, double y, double x, double sign)
{
    const double h = gsl_sf_hazard(sign * x);
    const double bend = h * (h - sign * x);
    sum->value += weight * log_above(sign * x);
    sum->theta -= weight * sign * h * y;
    sum->gamma += weight * sign * h;
    sum->theta_theta -= weight * bend * y * y;
    sum->theta_gamma += weight * bend * y;
    sum->gamma_gamma -= weight * bend;
}

static void add_seen(slope *sum, double weight, double y, double x, double theta)
{
    sum->value += weight * (log(theta) - x * x / 2 - log(2 * M_PI) / 2);
    sum->theta += weight * (1 / theta - x * y);
    sum->gamma += weight * x;
    sum->theta_theta -= weight * (1 / (theta * theta) + y * y);
    sum->theta_gamma += weight * y;
    sum->gamma_gamma -= weight;
}

static slope slope_at(const gv_price_sample *samples, size_t count, int64_t least, double theta,
                      double gamma)
{
    slope sum = {.value = 0};
    for (size_t i = 0; i < count; i++) {
        const gv_price_sample *sample = &samples[i];
        const bool is_low = sample->nanos < least;
        const double y = log((double)(is_low ? least : sample->nanos));
        const double x = theta * y - gamma;
        if (!sample->won) {
            add_beyond(&sum, sample->weight, y, x, 1);
        } else if (is_low) {
            add_beyond(&sum, sample->weight, y, x, -1);
        } else {
            add_seen(&sum, sample->weight, y, x, theta);
        }
    }
    return sum;
}

/* Moments of the prices that were seen: where to begin. */
static gv_status begin(const gv_price_sample *samples, size_t count, int64_t least, double *theta,
                       double *gamma)
{
    double weight = 0;
    double mean = 0;
    double spread = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_price_sample *sample = &samples[i];
        if (!(sample->weight > 0 && sample->weight < HUGE_VAL)) {
            return GV_FAIL(GV_EINVAL, "auction %zu has the weight %g, expected one above 0", i,
                           sample->weight);
        }
        if (sample->won && sample->nanos >= least) {
            const double y = log((double)sample->nanos);
            const double before = mean;
            weight += sample->weight;
            mean += sample->weight / weight * (y - mean);
            spread += sample->weight * (y - before) * (y - mean);
        }
    }
    if (!(spread > 0)) {
        return GV_FAIL(GV_EINVAL,
                       "of %zu auctions no two were won at prices that differ, so no "
                       "law of prices can be fitted: bid more",
                       count);
    }
    *theta = sqrt(weight / spread);
    *gamma = mean * *theta;
    return GV_OK;
}

/* Where the likelihood is all but flat, one whole step more squares what is left of the error. */
static bool is_last(const slope *at, double gain)
{
    return gain <= 1e-10 * (1 + fabs(at->value));
}

/* One of Newton's steps, halved until the likelihood rises. False: it was the last. */
static bool climb(const gv_price_sample *samples, size_t count, int64_t least, double *theta,
                  double *gamma, slope *at)
{
    const double det = at->theta_theta * at->gamma_gamma - at->theta_gamma * at->theta_gamma;
    double by_theta = (at->theta_gamma * at->gamma - at->gamma_gamma * at->theta) / det;
    double by_gamma = (at->theta_gamma * at->theta - at->theta_theta * at->gamma) / det;
    const bool last = is_last(at, (by_theta * at->theta + by_gamma * at->gamma) / 2);
    for (int i = 0; i < HALVINGS_MAX; i++) {
        if (*theta + by_theta > 0) {
            const slope next =
                slope_at(samples, count, least, *theta + by_theta, *gamma + by_gamma);
            if (last || next.value > at->value) {
                *theta += by_theta;
                *gamma += by_gamma;
                *at = next;
                return !last;
            }
        }
        by_theta /= 2;
        by_gamma /= 2;
    }
    return false;
}

gv_status gv_log_normal_price_fit(const gv_price_sample *samples, size_t count, int64_t least,
                                  gv_log_normal_price *out)
{
    assert(least > 0);
    double theta = 0;
    double gamma = 0;
    GV_TRY(begin(samples, count, least, &theta, &gamma));
    slope at = slope_at(samples, count, least, theta, gamma);
    for (int i = 0; i < STEPS_MAX && climb(samples, count, least, &theta, &gamma, &at); i++) {
    }
    *out = (gv_log_normal_price){
        .mu = gamma / theta, .sigma = 1 / theta, .likelihood = at.value, .least = least};
    return GV_OK;
}

double gv_log_normal_price_win_rate(const gv_log_normal_price *law, int64_t bid_nanos)
{
    const int64_t bid = bid_nanos < law->least ? law->least : bid_nanos;
    return gsl_cdf_ugaussian_P((log((double)bid) - law->mu) / law->sigma);
}
