#include "sim/estimate/experiment.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>

#include "sim/base/mem.h"

#define DAYS_MAX 36500.0

/* Sums of one unit, both of (r - mean). */
typedef struct unit_sums {
    double all;
    double early;
} unit_sums;

static double mean_reward(const gv_unit_log *log)
{
    double sum = 0;
    for (size_t i = 0; i < log->count; i++) {
        sum += log->rewards[i];
    }
    return sum / (double)log->count;
}

/* Of late with early sums over units. */
static double correlation_of(const unit_sums *units, size_t count)
{
    double mean_early = 0;
    double mean_late = 0;
    for (size_t u = 0; u < count; u++) {
        mean_early += units[u].early / (double)count;
        mean_late += (units[u].all - units[u].early) / (double)count;
    }
    double both = 0;
    double early = 0;
    double late = 0;
    for (size_t u = 0; u < count; u++) {
        const double x = units[u].early - mean_early;
        const double y = units[u].all - units[u].early - mean_late;
        both += x * y;
        early += x * x;
        late += y * y;
    }
    return early > 0 && late > 0 ? both / sqrt(early * late) : 0;
}

gv_status gv_design_measure(const gv_unit_log *log, double days, gv_design *out)
{
    assert(log->count > 0 && log->unit_count >= 2 && days > 0);
    unit_sums *units = gv_mem_alloc(0, log->unit_count, sizeof *units);
    if (units == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu units", log->unit_count);
    }
    const double mean = mean_reward(log);
    for (size_t i = 0; i < log->count; i++) {
        const double off = log->rewards[i] - mean;
        unit_sums *unit = &units[log->units == NULL ? i : log->units[i]];
        unit->all += off;
        unit->early += log->is_early != NULL && log->is_early[i] ? off : 0;
    }
    double squares = 0;
    for (size_t u = 0; u < log->unit_count; u++) {
        squares += units[u].all * units[u].all;
    }
    const double n = (double)log->count;
    const double u = (double)log->unit_count;
    *out = (gv_design){
        .unit_count = log->unit_count,
        .mean = mean,
        .variance = u / (u - 1) * squares / (n * n),
        .correlation = log->is_early == NULL ? (double)NAN : correlation_of(units, log->unit_count),
        .days = days};
    gv_mem_free(units);
    return GV_OK;
}

double gv_design_error(const gv_design *design, const gv_test_plan *plan, double days)
{
    const double arms = 1 / plan->share + 1 / (1 - plan->share);
    return sqrt(plan->kept * design->variance * design->days / days * arms);
}

static double freedom_of(const gv_design *design, double days)
{
    return (double)design->unit_count * days / design->days - 2;
}

double gv_design_effect(const gv_design *design, const gv_test_plan *plan, double days)
{
    const double freedom = freedom_of(design, days);
    if (freedom < 2) {
        return (double)INFINITY;
    }
    const double quantiles = gsl_cdf_tdist_Pinv(0.5 + plan->level / 2, freedom) +
                             gsl_cdf_tdist_Pinv(plan->power, freedom);
    return quantiles * gv_design_error(design, plan, days);
}

double gv_design_power(const gv_design *design, const gv_test_plan *plan, double days,
                       double effect)
{
    const double freedom = freedom_of(design, days);
    if (freedom < 2) {
        return 0;
    }
    const double bar = gsl_cdf_tdist_Pinv(0.5 + plan->level / 2, freedom);
    const double shift = fabs(effect) / gv_design_error(design, plan, days);
    return gsl_cdf_tdist_P(shift - bar, freedom) + gsl_cdf_tdist_P(-shift - bar, freedom);
}

/* The least effect falls as days go by: halved until it is found to a thousandth of a day. */
double gv_design_days(const gv_design *design, const gv_test_plan *plan, double effect)
{
    assert(effect > 0);
    double low = 0;
    double high = DAYS_MAX;
    if (gv_design_effect(design, plan, high) > effect) {
        return (double)INFINITY;
    }
    while (high - low > 1e-3 && high - low > 1e-9 * high) {
        const double middle = 0.5 * (low + high);
        if (gv_design_effect(design, plan, middle) > effect) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

/* --- a finished test ----------------------------------------------------------------------- */

typedef struct arm {
    double units;
    double rounds;
    double sum;    /* adjusted */
    double before; /* mean over all units, the same for both arms */
    double theta;
} arm;

/* theta = cov(y, x) / var(x) over all units, whichever arm; y is the sum less the mean's share. */
static double theta_of(const gv_finished_test *test, double mean, double before)
{
    double both = 0;
    double squares = 0;
    for (size_t u = 0; u < test->unit_count; u++) {
        const double x = test->before[u] - before;
        both += x * (test->sums[u] - mean * test->rounds[u]);
        squares += x * x;
    }
    return squares > 0 ? both / squares : 0;
}

static double adjusted(const gv_finished_test *test, const arm *of, size_t u)
{
    const double x = test->before == NULL ? 0 : test->before[u] - of->before;
    return test->sums[u] - of->theta * x;
}

static arm add_arm(const gv_finished_test *test, arm of, bool is_new)
{
    for (size_t u = 0; u < test->unit_count; u++) {
        if ((test->is_new[u] != 0) == is_new) {
            of.units += 1;
            of.rounds += test->rounds[u];
            of.sum += adjusted(test, &of, u);
        }
    }
    return of;
}

/* Of the arm's mean, by the influence of its units. */
static double variance_of(const gv_finished_test *test, const arm *of, bool is_new)
{
    double squares = 0;
    for (size_t u = 0; u < test->unit_count; u++) {
        if ((test->is_new[u] != 0) == is_new) {
            const double off = adjusted(test, of, u) - of->sum / of->rounds * test->rounds[u];
            squares += off * off;
        }
    }
    return squares * of->units / (of->units - 1) / (of->rounds * of->rounds);
}

gv_interval gv_test_difference(const gv_finished_test *test, double level)
{
    arm start = {0};
    double sum = 0;
    double rounds = 0;
    for (size_t u = 0; u < test->unit_count; u++) {
        sum += test->sums[u];
        rounds += test->rounds[u];
        start.before += test->before == NULL ? 0 : test->before[u] / (double)test->unit_count;
    }
    start.theta = test->before == NULL ? 0 : theta_of(test, sum / rounds, start.before);
    const arm fresh = add_arm(test, start, true);
    const arm old = add_arm(test, start, false);
    gv_interval interval = {.state = GV_INTERVAL_TOO_FEW, .low = (double)NAN, .high = (double)NAN};
    interval.estimate = fresh.sum / fresh.rounds - old.sum / old.rounds;
    if (fresh.units < 2 || old.units < 2) {
        return interval;
    }
    const double error = sqrt(variance_of(test, &fresh, true) + variance_of(test, &old, false));
    const double freedom = (double)test->unit_count - 2;
    const double half = gsl_cdf_tdist_Pinv(0.5 + level / 2, freedom) * error;
    interval.state = GV_INTERVAL_GIVEN;
    interval.low = interval.estimate - half;
    interval.high = interval.estimate + half;
    return interval;
}
