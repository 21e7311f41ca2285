/*
 * A resample of clusters is how often each was drawn: so the bootstrap is given an identity as its
 * sums, and its totals are those numbers, by which every figure weighs its examples.
 */
#include "sim/estimate/quality.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"

#define P_MIN 1e-15

const char *const gv_quality_names[GV_QUALITY_FIGURES] = {
    "auc", "gauc", "log_loss", "rig", "bias", "ece", "relative_ece",
};

typedef struct example {
    uint64_t group;
    float p;
    float weight;
    uint32_t cluster;
    bool is_positive;
} example;

/* Sums of one cluster, or of a bin of one. */
typedef struct sums {
    double weight;
    double positive; /* sum w y */
    double expected; /* sum w p */
    double loss;     /* sum w log loss */
} sums;

typedef struct measuring {
    const gv_quality_data *data;
    example *by_p;     /* [count] */
    example *by_group; /* [count] by group, then p; NULL: no groups */
    sums *clusters;    /* [cluster_count] */
    sums *bins;        /* [cluster_count][GV_QUALITY_BINS] */
    double *identity;  /* [cluster_count][cluster_count] */
} measuring;

/* One bin's rate is a figure, too. */
typedef struct bin_view {
    const measuring *state;
    size_t bin;
} bin_view;

/* ---- figures of a resample ------------------------------------------------------------------- */

/* Pairs in order, and both weights, of examples [count] that ascend in p. */
static double ordered_pairs(const example *list, size_t count, const double *drawn,
                            double *positive, double *negative)
{
    double pairs = 0;
    *positive = 0;
    *negative = 0;
    for (size_t i = 0; i < count;) {
        const float p = list[i].p;
        double tied_positive = 0;
        double tied_negative = 0;
        for (; i < count && list[i].p == p; i++) {
            const double weight = (double)list[i].weight * drawn[list[i].cluster];
            tied_positive += list[i].is_positive ? weight : 0;
            tied_negative += list[i].is_positive ? 0 : weight;
        }
        pairs += tied_positive * (*negative + tied_negative / 2);
        *positive += tied_positive;
        *negative += tied_negative;
    }
    return pairs;
}

static double auc(const void *context, const double *drawn)
{
    const measuring *state = context;
    double positive = 0;
    double negative = 0;
    const double pairs =
        ordered_pairs(state->by_p, state->data->count, drawn, &positive, &negative);
    return positive > 0 && negative > 0 ? pairs / positive / negative : (double)NAN;
}

/* *used: groups that count, where wanted. */
static double gauc_of(const measuring *state, const double *drawn, size_t *used)
{
    const size_t count = state->data->count;
    double sum = 0;
    double weight = 0;
    *used = 0;
    for (size_t first = 0; first < count;) {
        size_t end = first;
        double positive = 0;
        double negative = 0;
        while (end < count && state->by_group[end].group == state->by_group[first].group) {
            end++;
        }
        const double pairs =
            ordered_pairs(state->by_group + first, end - first, drawn, &positive, &negative);
        if (positive > 0 && negative > 0) {
            sum += (positive + negative) * pairs / positive / negative;
            weight += positive + negative;
            (*used)++;
        }
        first = end;
    }
    return weight > 0 ? sum / weight : (double)NAN;
}

static double gauc(const void *context, const double *drawn)
{
    size_t used = 0;
    return gauc_of(context, drawn, &used);
}

static sums total_of(const measuring *state, const double *drawn)
{
    sums total = {.weight = 0};
    for (size_t c = 0; c < state->data->cluster_count; c++) {
        total.weight += drawn[c] * state->clusters[c].weight;
        total.positive += drawn[c] * state->clusters[c].positive;
        total.expected += drawn[c] * state->clusters[c].expected;
        total.loss += drawn[c] * state->clusters[c].loss;
    }
    return total;
}

static double log_loss(const void *context, const double *drawn)
{
    const sums total = total_of(context, drawn);
    return total.weight > 0 ? total.loss / total.weight : (double)NAN;
}

static double rig(const void *context, const double *drawn)
{
    const sums total = total_of(context, drawn);
    const double r = total.positive / total.weight;
    const double entropy = -r * log(r) - (1 - r) * log1p(-r);
    return r > 0 && r < 1 ? 1 - total.loss / total.weight / entropy : (double)NAN;
}

static double bias(const void *context, const double *drawn)
{
    const sums total = total_of(context, drawn);
    return total.positive > 0 ? total.expected / total.positive : (double)NAN;
}

static sums bin_of(const measuring *state, const double *drawn, size_t bin)
{
    sums total = {.weight = 0};
    for (size_t c = 0; c < state->data->cluster_count; c++) {
        const sums *part = &state->bins[c * GV_QUALITY_BINS + bin];
        total.weight += drawn[c] * part->weight;
        total.positive += drawn[c] * part->positive;
        total.expected += drawn[c] * part->expected;
    }
    return total;
}

static double ece(const void *context, const double *drawn)
{
    const measuring *state = context;
    const sums total = total_of(state, drawn);
    double sum = 0;
    for (size_t b = 0; b < GV_QUALITY_BINS; b++) {
        const sums bin = bin_of(state, drawn, b);
        sum += fabs(bin.expected - bin.positive);
    }
    return total.weight > 0 ? sum / total.weight : (double)NAN;
}

static double relative_ece(const void *context, const double *drawn)
{
    const sums total = total_of(context, drawn);
    return total.positive > 0 ? ece(context, drawn) * total.weight / total.positive : (double)NAN;
}

static double bin_rate(const void *context, const double *drawn)
{
    const bin_view *view = context;
    const sums bin = bin_of(view->state, drawn, view->bin);
    return bin.weight > 0 ? bin.positive / bin.weight : (double)NAN;
}

/* ---- preparing ------------------------------------------------------------------------------- */

/* By p; what is equal in p is alike but for order, which no sum below depends on in ties of one
   cluster, and the order of the input decides the rest. */
static int compare_p(const void *one, const void *other)
{
    const example *a = one;
    const example *b = other;
    if (a->p != b->p) {
        return a->p < b->p ? -1 : 1;
    }
    if (a->cluster != b->cluster) {
        return a->cluster < b->cluster ? -1 : 1;
    }
    if (a->is_positive != b->is_positive) {
        return a->is_positive ? 1 : -1;
    }
    return (a->weight > b->weight) - (a->weight < b->weight);
}

double gv_quality_auc(const float *scores, const float *labels, size_t count)
{
    const double once = 1;
    double positive = 0;
    double negative = 0;
    example *list = gv_mem_alloc(0, count, sizeof *list);
    if (list == NULL) {
        return (double)NAN;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (example){.p = scores[i], .weight = 1, .is_positive = labels[i] > 0};
    }
    qsort(list, count, sizeof *list, compare_p);
    const double pairs = ordered_pairs(list, count, &once, &positive, &negative);
    gv_mem_free(list);
    return positive > 0 && negative > 0 ? pairs / positive / negative : (double)NAN;
}

static int compare_group(const void *one, const void *other)
{
    const example *a = one;
    const example *b = other;
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    return compare_p(one, other);
}

static bool allocate(measuring *state)
{
    const size_t count = state->data->count;
    const size_t clusters = state->data->cluster_count;
    state->by_p = gv_mem_alloc(0, count, sizeof *state->by_p);
    state->clusters = gv_mem_alloc(0, clusters, sizeof *state->clusters);
    state->bins = gv_mem_alloc(0, clusters * GV_QUALITY_BINS, sizeof *state->bins);
    state->identity = gv_mem_alloc(0, clusters * clusters, sizeof *state->identity);
    const bool has_groups = state->data->groups != NULL;
    state->by_group = has_groups ? gv_mem_alloc(0, count, sizeof *state->by_group) : NULL;
    return state->by_p != NULL && state->clusters != NULL && state->bins != NULL &&
           state->identity != NULL && (!has_groups || state->by_group != NULL);
}

static void release(measuring *state)
{
    gv_mem_free(state->by_p);
    gv_mem_free(state->by_group);
    gv_mem_free(state->clusters);
    gv_mem_free(state->bins);
    gv_mem_free(state->identity);
}

static void sort(measuring *state)
{
    const gv_quality_data *data = state->data;
    for (size_t i = 0; i < data->count; i++) {
        assert(data->clusters[i] < data->cluster_count);
        assert(data->weights[i] > 0);
        state->by_p[i] = (example){.group = data->groups == NULL ? 0 : data->groups[i],
                                   .p = data->p[i],
                                   .weight = data->weights[i],
                                   .cluster = data->clusters[i],
                                   .is_positive = data->labels[i] > 0};
    }
    if (state->by_group != NULL) {
        memcpy(state->by_group, state->by_p, data->count * sizeof *state->by_group);
        qsort(state->by_group, data->count, sizeof *state->by_group, compare_group);
    }
    qsort(state->by_p, data->count, sizeof *state->by_p, compare_p);
    for (size_t c = 0; c < data->cluster_count; c++) {
        state->identity[c * data->cluster_count + c] = 1;
    }
}

static void add_example(sums *to, const example *from)
{
    const double p = fmin(fmax((double)from->p, P_MIN), 1 - P_MIN);
    const double w = (double)from->weight;
    to->weight += w;
    to->positive += from->is_positive ? w : 0;
    to->expected += w * (double)from->p;
    to->loss -= w * (from->is_positive ? log(p) : log1p(-p));
}

/* Sums of clusters and bins; a tie goes to the bin that holds its middle. */
static void add_up(measuring *state, gv_quality *out)
{
    const size_t count = state->data->count;
    double before = 0;
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        add_example(&state->clusters[state->by_p[i].cluster], &state->by_p[i]);
        out->positives += state->by_p[i].is_positive ? 1 : 0;
        out->weight += (double)state->by_p[i].weight;
    }
    for (size_t first = 0; first < count;) {
        size_t end = first;
        double tied = 0;
        for (; end < count && state->by_p[end].p == state->by_p[first].p; end++) {
            tied += (double)state->by_p[end].weight;
        }
        const double place = (before + tied / 2) / out->weight * GV_QUALITY_BINS;
        const size_t bin = place < GV_QUALITY_BINS ? (size_t)place : GV_QUALITY_BINS - 1;
        for (size_t i = first; i < end; i++) {
            add_example(&state->bins[(size_t)state->by_p[i].cluster * GV_QUALITY_BINS + bin],
                        &state->by_p[i]);
            out->bins[bin].count++;
        }
        before += tied;
        first = end;
    }
}

/* ---- all together ---------------------------------------------------------------------------- */

static void measure_bins(const measuring *state, gv_bootstrap *bootstrap, double level,
                         const double *once, gv_quality *out)
{
    for (size_t b = 0; b < GV_QUALITY_BINS; b++) {
        const bin_view view = {state, b};
        const sums bin = bin_of(state, once, b);
        if (out->bins[b].count == 0) {
            continue;
        }
        gv_quality_bin *to = &out->bins[out->bin_count++];
        *to = (gv_quality_bin){.count = out->bins[b].count,
                               .weight = bin.weight,
                               .predicted = bin.expected / bin.weight};
        to->observed =
            gv_bootstrap_interval(bootstrap, bin_rate, &view, GV_INTERVAL_PERCENTILE, level);
    }
}

static void measure_all(const measuring *state, gv_bootstrap *bootstrap, double level,
                        const double *once, gv_quality *out)
{
    static const gv_statistic figures[GV_QUALITY_FIGURES] = {
        [GV_QUALITY_AUC] = auc,
        [GV_QUALITY_GAUC] = gauc,
        [GV_QUALITY_LOG_LOSS] = log_loss,
        [GV_QUALITY_RIG] = rig,
        [GV_QUALITY_BIAS] = bias,
        [GV_QUALITY_ECE] = ece,
        [GV_QUALITY_RELATIVE_ECE] = relative_ece,
    };
    const sums total = total_of(state, once);
    out->rate = total.positive / total.weight;
    for (size_t f = 0; f < GV_QUALITY_FIGURES; f++) {
        const bool lacks_groups = f == GV_QUALITY_GAUC && state->by_group == NULL;
        out->figures[f] = (gv_interval){.state = GV_INTERVAL_UNDEFINED,
                                        .estimate = (double)NAN,
                                        .low = (double)NAN,
                                        .high = (double)NAN};
        if (!lacks_groups) {
            out->figures[f] =
                gv_bootstrap_interval(bootstrap, figures[f], state, GV_INTERVAL_BCA, level);
        }
    }
    if (state->by_group != NULL) {
        (void)gauc_of(state, once, &out->group_count);
    }
    measure_bins(state, bootstrap, level, once, out);
}

static gv_status measure(measuring *state, const gv_quality_config *config, gv_quality *out)
{
    const size_t clusters = state->data->cluster_count;
    gv_bootstrap *bootstrap = NULL;
    sort(state);
    add_up(state, out);
    const gv_clusters drawn = {.sums = state->identity,
                               .cluster_count = clusters,
                               .column_count = clusters,
                               .stratum_sizes = &clusters,
                               .stratum_count = 1};
    const gv_bootstrap_config bootstrap_config = {.replicates = config->replicates,
                                                  .seed = config->seed};
    double *once = gv_mem_alloc(0, clusters, sizeof *once);
    if (once == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu clusters", clusters);
    }
    for (size_t c = 0; c < clusters; c++) {
        once[c] = 1;
    }
    const gv_status status = gv_bootstrap_create(&drawn, &bootstrap_config, &bootstrap);
    if (status == GV_OK) {
        measure_all(state, bootstrap, config->level, once, out);
    }
    gv_bootstrap_destroy(bootstrap);
    gv_mem_free(once);
    return status;
}

gv_status gv_quality_measure(const gv_quality_data *data, const gv_quality_config *config,
                             gv_quality *out)
{
    measuring state = {.data = data};
    assert(data->count > 0);
    assert(data->cluster_count > 0);
    assert(data->cluster_count <= GV_QUALITY_CLUSTERS_MAX);
    gv_quality found = {.count = 0};
    gv_status status = GV_OK;
    if (allocate(&state)) {
        status = measure(&state, config, &found);
    } else {
        status = GV_FAIL(GV_ENOMEM, "the quality of %zu predictions", data->count);
    }
    release(&state);
    if (status == GV_OK) {
        *out = found;
    }
    return status;
}
