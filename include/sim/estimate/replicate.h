/*
 * replicate.h - the mean of independent repetitions, and how sure it is.
 *
 * Repetitions of a run differ in their seed alone and are independent of one another, so the
 * classical interval holds: mean +- t s / sqrt(n), Student's t with n - 1 degrees of freedom.
 * With the three to ten repetitions that sweeps have, a bootstrap of so few is too narrow
 * (bootstrap.h). Differences are taken repetition by repetition before they come here: what
 * two runs of one seed share then cancels.
 *
 * Equal values give no interval: a seed that changes nothing, as in the replay of a log by a
 * policy that draws no numbers, cannot say how sure a figure is.
 */
#ifndef SIM_ESTIMATE_REPLICATE_H
#define SIM_ESTIMATE_REPLICATE_H

#include <stddef.h>

#include "sim/estimate/bootstrap.h"

typedef struct gv_replicated {
    size_t count;
    gv_interval mean; /* TOO_FEW: one value, or all are equal; UNDEFINED: one is NaN, or none */
    double error;     /* standard, of the mean; NaN unless GIVEN */
} gv_replicated;

/* values: [count]; level in (0, 1). */
gv_replicated gv_replicated_of(const double *values, size_t count, double level);

#endif
