/*
 * kernel.h - weights for continuous actions: what would have come of other bids.
 *
 * The log took dose a (a bid) where the judged policy takes t, and wrote down the density p of a.
 * No round has exactly the judged dose, so rounds near it count, by a kernel K of bandwidth h:
 *
 *     w = K((t - a) / h) / (h p)
 *
 * With these weights, and q(x, t) in place of q(x, a), the estimators of estimator.h are those of
 * Kallus and Zhou, "Policy evaluation and optimization with continuous treatments", AISTATS 2018
 * (IPS: eq. of sec. 3; SNIPS and DR follow). A bandwidth trades bias, which falls with h^2, for
 * variance, which rises with 1/h: no interval holds the bias.
 *
 * A model of rewards sees doses in bins; gv_dose_bins() makes them.
 */
#ifndef SIM_ESTIMATE_KERNEL_H
#define SIM_ESTIMATE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"

typedef struct gv_kernel_type {
    gv_type_info info;
    double (*density)(double u); /* adds up to 1, symmetric */
    double roughness;            /* integral of K^2 */
    double variance;             /* integral of u^2 K */
} gv_kernel_type;

extern const gv_kernel_type *const gv_kernel_types[]; /* NULL last */

/* The type called `name`, or NULL. */
const gv_kernel_type *gv_kernel_find(const char *name);

/* Doses of a log and of the judged policy. */
typedef struct gv_doses {
    const double *logged; /* [count] */
    const double *target; /* [count] */
    const gv_kernel_type *kernel;
    double bandwidth; /* above 0, in units of a dose */
} gv_doses;

/* densities: [count], above 0; out: [count]. */
void gv_kernel_weights(const gv_doses *doses, const double *densities, size_t count, double *out);

/*
 * A bandwidth by the rule of thumb for a normal density, 1.06 s n^(-1/5) with Gaussian kernels
 * (Silverman, "Density estimation", 1986, eq. 3.28), brought to the kernel's own scale; s is the
 * deviation of the logged doses. A choice to begin with, no optimum: see how the estimate moves.
 */
double gv_kernel_bandwidth(const gv_kernel_type *kernel, const double *logged, size_t count);

enum { GV_DOSE_BINS = 16 };

/*
 * Codes below GV_DOSE_BINS: how many sixteenths of the logged doses are below. GV_ENOMEM only.
 * logged_codes, target_codes: [count].
 */
GV_MUST_CHECK gv_status gv_dose_bins(const gv_doses *doses, size_t count, uint32_t *logged_codes,
                                     uint32_t *target_codes);

#endif
