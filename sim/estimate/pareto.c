#include <math.h>
#include <stdlib.h>

#include "sim/estimate/overlap.h"

enum { TAIL_MIN = 5, GRID_MIN = 30, GRID_MAX = 30 + 4096, PRIOR_WEIGHT = 10 };

static int compare_reals(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;
    return (a > b) - (a < b);
}

static double mean_log(const double *tail, size_t count, double cut, double b)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += log1p(-b * (tail[i] - cut));
    }
    return sum / (double)count;
}

/*
 * Zhang and Stephens: b is averaged over a grid by its profile likelihood. In units of the largest
 * excess, so that the size of weights does not matter.
 */
static double fit(const double *tail, size_t count, double cut)
{
    const double n = (double)count;
    const size_t grid = GRID_MIN + (size_t)sqrt(n);
    const double top = tail[count - 1] - cut;
    const double quartile = tail[(size_t)(n / 4 + 0.5) - 1] - cut;
    if (!(quartile > 0) || grid > GRID_MAX) {
        return (double)NAN;
    }
    double b[GRID_MAX];
    double likelihood[GRID_MAX];
    for (size_t j = 0; j < grid; j++) {
        b[j] = 1 / top + (1 - sqrt((double)grid / ((double)j + 0.5))) / (3 * quartile);
        const double k = mean_log(tail, count, cut, b[j]);
        likelihood[j] = n * (log(-b[j] / k) - k - 1);
    }
    double mean = 0;
    for (size_t j = 0; j < grid; j++) {
        double sum = 0;
        for (size_t i = 0; i < grid; i++) {
            sum += exp(likelihood[i] - likelihood[j]);
        }
        mean += b[j] / sum;
    }
    const double k = mean_log(tail, count, cut, mean);
    return (k * n + 0.5 * PRIOR_WEIGHT) / (n + PRIOR_WEIGHT);
}

double gv_pareto_shape(double *values, size_t count)
{
    const double n = (double)count;
    const size_t tail = (size_t)ceil(fmin(0.2 * n, 3 * sqrt(n)));
    if (tail < TAIL_MIN || tail >= count) {
        return (double)NAN;
    }
    qsort(values, count, sizeof *values, compare_reals);
    return fit(values + (count - tail), tail, values[count - tail - 1]);
}
