#include "sim/estimate/bootstrap.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/summary.h"

#define UNDEFINED_SHARE_MAX 0.05

struct gv_bootstrap {
    gv_clusters clusters;
    size_t replicates;
    double *totals;    /* [column_count] of the clusters as they are */
    double *resampled; /* [replicates][column_count] */
    double *without;   /* [column_count]: totals less one cluster */
    double *influence; /* [cluster_count] */
    double *values;    /* [replicates] */
    uint64_t *draws;   /* [cluster_count] */
    uint32_t *weights; /* [cluster_count]: how often each was drawn */
};

static void add_weighted(double *restrict totals, const double *restrict sums, double weight,
                         size_t count)
{
    for (size_t k = 0; k < count; k++) {
        totals[k] += weight * sums[k];
    }
}

/* As many draws of each stratum as it has clusters; a draw is 32 bits scaled to the size. */
static void draw_weights(gv_bootstrap *bootstrap, const gv_random *random)
{
    const gv_clusters *clusters = &bootstrap->clusters;
    assert(clusters->cluster_count < UINT32_MAX);
    gv_random_fill_bits(random, 0, clusters->cluster_count, bootstrap->draws);
    memset(bootstrap->weights, 0, clusters->cluster_count * sizeof *bootstrap->weights);
    size_t first = 0;
    for (size_t s = 0; s < clusters->stratum_count; s++) {
        const size_t size = clusters->stratum_sizes[s];
        for (size_t i = first; i < first + size; i++) {
            const uint64_t drawn = ((bootstrap->draws[i] >> 32) * size) >> 32;
            bootstrap->weights[first + drawn]++;
        }
        first += size;
    }
}

static void resample(gv_bootstrap *bootstrap, uint64_t seed)
{
    const gv_clusters *clusters = &bootstrap->clusters;
    const size_t columns = clusters->column_count;
    for (size_t c = 0; c < clusters->cluster_count; c++) {
        add_weighted(bootstrap->totals, clusters->sums + c * columns, 1, columns);
    }
    for (size_t r = 0; r < bootstrap->replicates; r++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_BOOTSTRAP, r);
        draw_weights(bootstrap, &random);
        double *totals = bootstrap->resampled + r * columns;
        for (size_t c = 0; c < clusters->cluster_count; c++) {
            if (bootstrap->weights[c] != 0) {
                add_weighted(totals, clusters->sums + c * columns, bootstrap->weights[c], columns);
            }
        }
    }
}

static bool allocate(gv_bootstrap *bootstrap)
{
    const size_t clusters = bootstrap->clusters.cluster_count;
    const size_t columns = bootstrap->clusters.column_count;
    const size_t replicates = bootstrap->replicates;
    bootstrap->totals = gv_mem_alloc(0, columns, sizeof(double));
    bootstrap->resampled = gv_mem_alloc(0, replicates * columns, sizeof(double));
    bootstrap->without = gv_mem_alloc(0, columns, sizeof(double));
    bootstrap->influence = gv_mem_alloc(0, clusters, sizeof(double));
    bootstrap->values = gv_mem_alloc(0, replicates, sizeof(double));
    bootstrap->draws = gv_mem_alloc(0, clusters, sizeof(uint64_t));
    bootstrap->weights = gv_mem_alloc(0, clusters, sizeof(uint32_t));
    return bootstrap->totals != NULL && bootstrap->resampled != NULL &&
           bootstrap->without != NULL && bootstrap->influence != NULL &&
           bootstrap->values != NULL && bootstrap->draws != NULL && bootstrap->weights != NULL;
}

gv_status gv_bootstrap_create(const gv_clusters *clusters, const gv_bootstrap_config *config,
                              gv_bootstrap **out)
{
    assert(config->replicates >= 100);
    gv_bootstrap *bootstrap = gv_mem_alloc(sizeof *bootstrap, 0, 0);
    if (bootstrap != NULL) {
        bootstrap->clusters = *clusters;
        bootstrap->replicates = config->replicates;
    }
    if (bootstrap == NULL || !allocate(bootstrap)) {
        gv_bootstrap_destroy(bootstrap);
        return GV_FAIL(GV_ENOMEM, "a bootstrap of %zu replicates of %zu clusters",
                       config->replicates, clusters->cluster_count);
    }
    resample(bootstrap, config->seed);
    *out = bootstrap;
    return GV_OK;
}

void gv_bootstrap_destroy(gv_bootstrap *bootstrap)
{
    if (bootstrap == NULL) {
        return;
    }
    gv_mem_free(bootstrap->totals);
    gv_mem_free(bootstrap->resampled);
    gv_mem_free(bootstrap->without);
    gv_mem_free(bootstrap->influence);
    gv_mem_free(bootstrap->values);
    gv_mem_free(bootstrap->draws);
    gv_mem_free(bootstrap->weights);
    gv_mem_free(bootstrap);
}

/* The replicates that have a value, at the front of `values`; returns how many. */
static size_t replicate_values(gv_bootstrap *bootstrap, gv_statistic statistic, const void *context)
{
    const size_t columns = bootstrap->clusters.column_count;
    size_t count = 0;
    for (size_t r = 0; r < bootstrap->replicates; r++) {
        const double value = statistic(context, bootstrap->resampled + r * columns);
        if (!isnan(value)) {
            bootstrap->values[count++] = value;
        }
    }
    return count;
}

/*
 * Empirical influence of each cluster by the jackknife, l_i = (n - 1)(mean of theta_(j) -
 * theta_(i)) within its stratum of n, and from it the acceleration (Davison and Hinkley, 5.3.2)
 *
 *     a = sum_s sum_i l_i^3 / n_s^3 / (6 (sum_s sum_i l_i^2 / n_s^2)^(3/2))
 *
 * which for one stratum is Efron's. A cluster without which the figure is NaN counts as 0.
 */
static double acceleration(gv_bootstrap *bootstrap, gv_statistic statistic, const void *context)
{
    const gv_clusters *clusters = &bootstrap->clusters;
    const size_t columns = clusters->column_count;
    double squares = 0;
    double cubes = 0;
    size_t first = 0;
    for (size_t s = 0; s < clusters->stratum_count; s++) {
        const size_t size = clusters->stratum_sizes[s];
        double mean = 0;
        for (size_t i = first; i < first + size; i++) {
            memcpy(bootstrap->without, bootstrap->totals, columns * sizeof(double));
            add_weighted(bootstrap->without, clusters->sums + i * columns, -1, columns);
            bootstrap->influence[i] = statistic(context, bootstrap->without);
            if (isnan(bootstrap->influence[i])) {
                bootstrap->influence[i] = statistic(context, bootstrap->totals);
            }
            mean += bootstrap->influence[i] / (double)size;
        }
        for (size_t i = first; i < first + size; i++) {
            const double l = (double)(size - 1) * (mean - bootstrap->influence[i]) / (double)size;
            squares += l * l;
            cubes += l * l * l;
        }
        first += size;
    }
    return squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
}

/* How far the median of the replicates is from the estimate, in normal units. */
static double bias_correction(const double *values, size_t count, double estimate)
{
    double below = 0;
    for (size_t i = 0; i < count; i++) {
        below += values[i] < estimate ? 1 : 0;
        below += values[i] == estimate ? 0.5 : 0;
    }
    const double least = 0.5 / (double)count;
    const double share = fmin(fmax(below / (double)count, least), 1 - least);
    return gsl_cdf_ugaussian_Pinv(share);
}

/* z for one tail, widened for few clusters; see the header. */
static double tail_quantile(const gv_clusters *clusters, double level)
{
    const double n = (double)clusters->cluster_count;
    const double freedom = n - (double)clusters->stratum_count;
    return gsl_cdf_tdist_Pinv(0.5 + level / 2, freedom) * sqrt(n / freedom);
}

static double bca_share(double z, double z0, double a)
{
    const double shifted = z0 + z;
    const double scale = 1 - a * shifted;
    if (scale <= 0) {
        return shifted > 0 ? 1 : 0;
    }
    return gsl_cdf_ugaussian_P(z0 + shifted / scale);
}

double gv_bootstrap_estimate(const gv_bootstrap *bootstrap, gv_statistic statistic,
                             const void *context)
{
    return statistic(context, bootstrap->totals);
}

gv_interval gv_bootstrap_interval(gv_bootstrap *bootstrap, gv_statistic statistic,
                                  const void *context, gv_interval_kind kind, double level)
{
    const gv_clusters *clusters = &bootstrap->clusters;
    assert(level > 0 && level < 1);
    gv_interval interval = {
        .state = GV_INTERVAL_UNDEFINED, .low = (double)NAN, .high = (double)NAN};
    interval.estimate = statistic(context, bootstrap->totals);
    if (isnan(interval.estimate)) {
        return interval;
    }
    if (clusters->cluster_count < clusters->stratum_count + GV_BOOTSTRAP_FREEDOM_MIN) {
        interval.state = GV_INTERVAL_TOO_FEW;
        return interval;
    }
    const size_t count = replicate_values(bootstrap, statistic, context);
    const size_t missing = bootstrap->replicates - count;
    if ((double)missing > UNDEFINED_SHARE_MAX * (double)bootstrap->replicates) {
        return interval;
    }
    const double z = tail_quantile(clusters, level);
    double z0 = 0;
    double a = 0;
    if (kind == GV_INTERVAL_BCA) {
        z0 = bias_correction(bootstrap->values, count, interval.estimate);
        a = acceleration(bootstrap, statistic, context);
    }
    interval.state = GV_INTERVAL_GIVEN;
    interval.low = gv_quantile(bootstrap->values, count, bca_share(-z, z0, a));
    interval.high = gv_quantile(bootstrap->values, count, bca_share(z, z0, a));
    return interval;
}
