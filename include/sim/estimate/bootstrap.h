/*
 * bootstrap.h - intervals for any function of sums over clusters.
 *
 * What happens within an hour or a day hangs together: traffic, prices and a policy's pace. So
 * what is drawn anew is whole clusters, with all that happened in them, under all policies at
 * once; two policies on the same traffic are thereby compared in pairs, and what they share
 * cancels. Every column (a quantity under a policy) is summed with the same draws, so that
 * ratios and differences are functions of one resample's sums.
 *
 * Clusters may lie in strata (campaigns): each stratum keeps its number of clusters.
 *
 * Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13-14; Davison and
 * Hinkley, "Bootstrap Methods and their Application", 1997, sec. 5.3 for strata. Both kinds of
 * interval are widened as Hesterberg ("What Teachers Should Know about the Bootstrap", The
 * American Statistician 69, 2015, sec. 4.5) advises: with n clusters the normal quantile z is
 * replaced by sqrt(n / (n - 1)) times Student's t with n - 1 degrees of freedom, without which
 * 95 % intervals of ten clusters hold the truth some 90 % of the time.
 */
#ifndef SIM_ESTIMATE_BOOTSTRAP_H
#define SIM_ESTIMATE_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* Below this many clusters beyond one a stratum, no interval is given. */
enum { GV_BOOTSTRAP_FREEDOM_MIN = 4 };

typedef struct gv_clusters {
    const double *sums; /* [cluster_count][column_count]; those of a stratum lie together */
    size_t cluster_count;
    size_t column_count;
    const size_t *stratum_sizes; /* [stratum_count], none 0, adding up to cluster_count */
    size_t stratum_count;
} gv_clusters;

typedef struct gv_bootstrap_config {
    size_t replicates; /* at least 100 */
    uint64_t seed;     /* replicate r draws from (seed, GV_STREAM_BOOTSTRAP, r) */
} gv_bootstrap_config;

typedef struct gv_bootstrap gv_bootstrap;

/*
 * Draws all replicates at once: replicates x clusters x columns multiply-adds. Borrows
 * `clusters->sums` and `stratum_sizes` while it lives. On GV_OK the caller owns *out.
 */
GV_MUST_CHECK gv_status gv_bootstrap_create(const gv_clusters *clusters,
                                            const gv_bootstrap_config *config, gv_bootstrap **out);
void gv_bootstrap_destroy(gv_bootstrap *bootstrap); /* accepts NULL */

/* A figure from column sums; NaN where they do not give one. totals: [column_count]. */
typedef double (*gv_statistic)(const void *context, const double *totals);

typedef enum gv_interval_kind {
    GV_INTERVAL_BCA, /* bias-corrected and accelerated */
    GV_INTERVAL_PERCENTILE,
} gv_interval_kind;

typedef enum gv_interval_state {
    GV_INTERVAL_GIVEN,
    GV_INTERVAL_TOO_FEW,   /* clusters */
    GV_INTERVAL_UNDEFINED, /* the figure itself, or more than 5 % of its replicates, is NaN */
} gv_interval_state;

typedef struct gv_interval {
    gv_interval_state state;
    double estimate; /* on the clusters as they are; may be NaN */
    double low;      /* NaN unless GIVEN */
    double high;
} gv_interval;

/* The figure on the clusters as they are. */
double gv_bootstrap_estimate(const gv_bootstrap *bootstrap, gv_statistic statistic,
                             const void *context);

/* `level` in (0, 1): 0.95. Allocates nothing. */
gv_interval gv_bootstrap_interval(gv_bootstrap *bootstrap, gv_statistic statistic,
                                  const void *context, gv_interval_kind kind, double level);

#endif
