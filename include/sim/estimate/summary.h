/*
 * summary.h - a sample in a few figures.
 */
#ifndef SIM_ESTIMATE_SUMMARY_H
#define SIM_ESTIMATE_SUMMARY_H

#include <stddef.h>

typedef struct gv_summary {
    size_t count;
    double mean;
    double deviation; /* standard, over count - 1; 0 for a single value */
    double minimum;
    double maximum;
} gv_summary;

/* values: [count], at least one, none NaN. */
gv_summary gv_summary_of(const double *values, size_t count);

/*
 * The quantile at `share` in [0, 1], between neighbours by linear interpolation (type 7 of
 * Hyndman and Fan, 1996, as NumPy and R do). Reorders `values`; a few passes, no full sort.
 */
double gv_quantile(double *values, size_t count, double share);

#endif
