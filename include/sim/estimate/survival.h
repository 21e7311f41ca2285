/*
 * survival.h - how long things last, where some were only seen to last so long: the product-limit
 * curve of Kaplan and Meier (JASA 53, 1958).
 *
 *     S(x) = product over observed times t <= x of (1 - d(t) / n(t))
 *
 * d(t) is the weight of what ended at t, n(t) of what is still open then. Of market prices a time
 * is the price where it was seen, and censored at the own bid where the auction was lost.
 */
#ifndef SIM_ESTIMATE_SURVIVAL_H
#define SIM_ESTIMATE_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

enum { GV_SURVIVAL_SUMS = 3 };

/* Plain arrays [count], borrowed while a curve is drawn. */
typedef struct gv_survival_data {
    size_t count;
    const double *times;                    /* of the end, or until when it was open */
    const uint8_t *observed;                /* 0: censored */
    const double *values[GV_SURVIVAL_SUMS]; /* what is summed up over jumps; NULL: 1 each */
    const double *weights;                  /* at least 0; rows of 0 do not count. NULL: 1 each */
    bool censored_first; /* at equal times what is censored has left before; else after */
} gv_survival_data;

typedef struct gv_survival gv_survival;

/* On GV_OK the caller owns *out. Times that are already in order are not sorted again. */
GV_MUST_CHECK gv_status gv_survival_create(const gv_survival_data *data, gv_survival **out);
void gv_survival_destroy(gv_survival *survival); /* accepts NULL */

/* Chance of a time above x. */
double gv_survival_at(const gv_survival *survival, double x);

/* Its standard deviation by Greenwood's formula: S sqrt(sum of d / (n (n - d))); 0 where S is. */
double gv_survival_deviation(const gv_survival *survival, double x);

/* The curve at x, and the sums of each of the values times jumps at times up to x. */
typedef struct gv_survival_point {
    double survival;
    double sums[GV_SURVIVAL_SUMS];
} gv_survival_point;

/* Valid until the curve is drawn again. */
const gv_survival_point *gv_survival_point_at(const gv_survival *survival, double x);

/* Its number, which stays when the curve is drawn again, and the point by it. */
size_t gv_survival_find(const gv_survival *survival, double x);
const gv_survival_point *gv_survival_point_of(const gv_survival *survival, size_t number);

/*
 * Draws it again with other weights of the same rows ([count]; 0: left out), without allocating.
 * `data`: that of the creation, whose weights alone may differ.
 */
void gv_survival_redraw(gv_survival *survival, const gv_survival_data *data);

/* The largest time, observed or censored, of a weight above 0: beyond it nothing is known. */
double gv_survival_end(const gv_survival *survival);

#endif
