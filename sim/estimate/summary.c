#include "sim/estimate/summary.h"

#include <assert.h>
#include <gsl/gsl_statistics_double.h>

gv_summary gv_summary_of(const double *values, size_t count)
{
    assert(count > 0);
    gv_summary summary = {.count = count, .mean = gsl_stats_mean(values, 1, count)};
    summary.deviation = count > 1 ? gsl_stats_sd_m(values, 1, count, summary.mean) : 0;
    gsl_stats_minmax(&summary.minimum, &summary.maximum, values, 1, count);
    return summary;
}

static void swap(double *values, size_t i, size_t j)
{
    const double kept = values[i];
    values[i] = values[j];
    values[j] = kept;
}

/* The median of three ends up in the middle: sorted input costs no more than random input. */
static double choose_pivot(double *values, size_t first, size_t last)
{
    const size_t middle = first + (last - first) / 2;
    if (values[middle] < values[first]) {
        swap(values, middle, first);
    }
    if (values[last] < values[first]) {
        swap(values, last, first);
    }
    if (values[last] < values[middle]) {
        swap(values, last, middle);
    }
    return values[middle];
}

/*
 * Hoare's FIND (1961): afterwards values[rank] is what a sort would put there, nothing before
 * it is larger and nothing behind it smaller.
 */
static void place_rank(double *values, size_t count, size_t rank)
{
    size_t first = 0;
    size_t last = count - 1;
    while (first < last) {
        const double pivot = choose_pivot(values, first, last);
        size_t i = first;
        size_t j = last;
        while (i <= j) {
            while (values[i] < pivot) {
                i++;
            }
            while (pivot < values[j]) {
                j--;
            }
            if (i <= j) {
                swap(values, i, j);
                i++;
                j = j == 0 ? 0 : j - 1;
                if (i > j) {
                    break;
                }
            }
        }
        if (rank <= j) {
            last = j;
        } else if (rank >= i) {
            first = i;
        } else {
            return;
        }
    }
}

double gv_quantile(double *values, size_t count, double share)
{
    assert(count > 0);
    assert(share >= 0 && share <= 1);
    const double place = share * (double)(count - 1);
    const size_t rank = (size_t)place;
    place_rank(values, count, rank);
    const double below = values[rank];
    if (rank + 1 == count) {
        return below;
    }
    double above = values[rank + 1];
    for (size_t i = rank + 2; i < count; i++) {
        above = values[i] < above ? values[i] : above;
    }
    return below + (place - (double)rank) * (above - below);
}
