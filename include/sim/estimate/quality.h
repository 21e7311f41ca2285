/*
 * quality.h - how good predicted probabilities are, beside what happened, with intervals.
 *
 * Every example has a prediction p, a label y of 0 or 1 and a weight w, what it stands for: an
 * example of weight 2 counts as two of weight 1 do. With sums over examples, W = sum w, and the
 * observed rate r = sum w y / W:
 *
 *     AUC        the share of pairs (y = 1, y = 0) in which p is larger for the first; ties half
 *     GAUC       AUC within each group, averaged by the groups' weights; groups of one class are
 *                left out (Zhu et al., "Optimized cost per click in Taobao display advertising",
 *                KDD 2017)
 *     log loss   sum w (-y log p - (1 - y) log(1 - p)) / W, p held in [1e-15, 1 - 1e-15]
 *     RIG        1 - log loss / (-r log r - (1 - r) log(1 - r)): relative information gain
 *     bias       sum w p / sum w y: 1 is calibrated on the whole
 *     ECE        sum over bins of |sum w p - sum w y| / W; bins hold equal parts of W, by p, and
 *                equal p are never parted. Relative: over r
 *
 * Intervals are of a bootstrap over clusters of examples (bootstrap.h): hours, say. Predictions
 * are taken as they are: how another training would vary is not in them.
 */
#ifndef SIM_ESTIMATE_QUALITY_H
#define SIM_ESTIMATE_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/estimate/bootstrap.h"

enum { GV_QUALITY_BINS = 10, GV_QUALITY_CLUSTERS_MAX = 1024 };

/* Plain arrays [count], borrowed. */
typedef struct gv_quality_data {
    size_t count;
    const float *p;           /* in [0, 1] */
    const float *labels;      /* 0 or 1 */
    const float *weights;     /* above 0 */
    const uint32_t *clusters; /* below cluster_count */
    size_t cluster_count;     /* 1 to GV_QUALITY_CLUSTERS_MAX */
    const uint64_t *groups;   /* any numbers; NULL: no GAUC */
} gv_quality_data;

typedef struct gv_quality_config {
    size_t replicates; /* at least 100 */
    uint64_t seed;
    double level; /* of intervals: 0.95 */
} gv_quality_config;

typedef enum gv_quality_figure {
    GV_QUALITY_AUC,
    GV_QUALITY_GAUC,
    GV_QUALITY_LOG_LOSS,
    GV_QUALITY_RIG,
    GV_QUALITY_BIAS,
    GV_QUALITY_ECE,
    GV_QUALITY_RELATIVE_ECE,
    GV_QUALITY_FIGURES,
} gv_quality_figure;

extern const char *const gv_quality_names[GV_QUALITY_FIGURES]; /* "auc", ... */

/* One point of the calibration curve. */
typedef struct gv_quality_bin {
    size_t count;
    double weight;
    double predicted;     /* mean p */
    gv_interval observed; /* rate */
} gv_quality_bin;

typedef struct gv_quality {
    size_t count;
    size_t positives;
    double weight;                           /* W */
    double rate;                             /* r */
    gv_interval figures[GV_QUALITY_FIGURES]; /* UNDEFINED: one class, or no groups */
    size_t group_count;                      /* of both classes */
    size_t bin_count;
    gv_quality_bin bins[GV_QUALITY_BINS]; /* with something in them, p rising */
} gv_quality;

/* AUC alone, of unweighted scores [count] of any scale; NaN: one class, or no memory. */
double gv_quality_auc(const float *scores, const float *labels, size_t count);

/* Sorts once; then (replicates + clusters) passes over the examples. count is at least 1. */
GV_MUST_CHECK gv_status gv_quality_measure(const gv_quality_data *data,
                                           const gv_quality_config *config, gv_quality *out);

#endif
