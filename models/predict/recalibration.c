#include "models/predict/recalibration.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sim/base/mem.h"

enum { NEWTON_MAX = 100, BISECTIONS = 200 };

/* Beyond these a probability is held, so that its logit is finite. */
#define P_MIN     1e-12
#define LOGIT_MAX 60.0

const char *const gv_recalibration_names[] = {"none", "platt", "isotonic", NULL};

static double logit_of(double p)
{
    const double held = fmin(fmax(p, P_MIN), 1 - P_MIN);
    return log(held / (1 - held));
}

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

void gv_recalibration_fini(gv_recalibration *recalibration)
{
    gv_mem_free(recalibration->knots);
    gv_mem_free(recalibration->values);
    *recalibration = (gv_recalibration){.knot_count = 0};
}

static double interpolate(const gv_recalibration *map, double p)
{
    size_t low = 0;
    size_t high = map->knot_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        low = map->knots[middle] < p ? middle + 1 : low;
        high = map->knots[middle] < p ? high : middle;
    }
    if (low == 0 || low == map->knot_count) {
        return map->values[low == 0 ? 0 : map->knot_count - 1];
    }
    const double width = map->knots[low] - map->knots[low - 1];
    const double share = (p - map->knots[low - 1]) / width;
    return map->values[low - 1] + share * (map->values[low] - map->values[low - 1]);
}

void gv_recalibration_apply(const gv_recalibration *map, float *p, size_t count)
{
    if (map->kind == GV_RECALIBRATE_NONE && map->shift == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const double logit = logit_of((double)p[i]) + map->shift;
        switch (map->kind) {
        case GV_RECALIBRATE_PLATT:
            p[i] = (float)sigmoid(map->slope * logit + map->offset);
            break;
        case GV_RECALIBRATE_ISOTONIC:
            p[i] = (float)interpolate(map, map->shift == 0 ? (double)p[i] : sigmoid(logit));
            break;
        case GV_RECALIBRATE_NONE:
        default:
            p[i] = (float)sigmoid(logit);
            break;
        }
    }
}

/* ---- fitting --------------------------------------------------------------------------------- */

static gv_status check_classes(const gv_recalibration_data *data)
{
    size_t clicks = 0;
    for (size_t i = 0; i < data->count; i++) {
        clicks += data->labels[i] > 0 ? 1 : 0;
    }
    if (clicks == 0 || clicks == data->count) {
        return GV_FAIL(GV_EINVAL,
                       "%s of the %zu examples to calibrate on %s: give a span with both",
                       clicks == 0 ? "none" : "all", data->count, data->event);
    }
    return GV_OK;
}

gv_status gv_recalibration_fit_shift(const gv_recalibration_data *data, double *shift)
{
    double clicks = 0;
    double low = -LOGIT_MAX;
    double high = LOGIT_MAX;
    GV_TRY(check_classes(data));
    for (size_t i = 0; i < data->count; i++) {
        clicks += data->weights[i] * (double)data->labels[i];
    }
    for (int k = 0; k < BISECTIONS && high - low > 1e-14 * LOGIT_MAX; k++) {
        const double middle = (low + high) / 2;
        double expected = 0;
        for (size_t i = 0; i < data->count; i++) {
            expected += data->weights[i] * sigmoid(logit_of((double)data->p[i]) + middle);
        }
        low = expected < clicks ? middle : low;
        high = expected < clicks ? high : middle;
    }
    *shift = (low + high) / 2;
    return GV_OK;
}

/* Gradient and Hessian of the weighted log loss at (slope, offset), and the loss itself. */
typedef struct platt_point {
    double loss;
    double by_slope;
    double by_offset;
    double slope_slope;
    double slope_offset;
    double offset_offset;
} platt_point;

static platt_point platt_at(const gv_recalibration_data *data, double slope, double offset)
{
    platt_point at = {.loss = 0};
    for (size_t i = 0; i < data->count; i++) {
        const double x = logit_of((double)data->p[i]);
        const double z = slope * x + offset;
        const double y = (double)data->labels[i];
        const double w = data->weights[i];
        const double p = sigmoid(z);
        at.loss += w * (fmax(z, 0) - z * y + log1p(exp(-fabs(z))));
        at.by_slope += w * (p - y) * x;
        at.by_offset += w * (p - y);
        at.slope_slope += w * p * (1 - p) * x * x;
        at.slope_offset += w * p * (1 - p) * x;
        at.offset_offset += w * p * (1 - p);
    }
    return at;
}

/* Where no positive lies below a negative, the likelihood rises with the slope without end. */
static gv_status check_overlap(const gv_recalibration_data *data)
{
    double least[2] = {INFINITY, INFINITY}; /* of negatives, of positives */
    double most[2] = {-INFINITY, -INFINITY};
    size_t positives = 0;
    for (size_t i = 0; i < data->count; i++) {
        const double x = logit_of((double)data->p[i]);
        const size_t class = data->labels[i] > 0 ? 1 : 0;
        least[class] = fmin(least[class], x);
        most[class] = fmax(most[class], x);
        positives += class;
    }
    const bool is_constant = least[0] == most[1];
    if (least[1] < most[0] || is_constant) {
        return GV_OK;
    }
    return GV_FAIL(GV_EINVAL,
                   "the %zu of %zu examples that %s have the highest predictions of all, so the "
                   "steeper Platt's line the better it fits, without end: give a span with more of "
                   "them, or use --method prior",
                   positives, data->count, data->event);
}

gv_status gv_recalibration_fit_platt(const gv_recalibration_data *data, gv_recalibration *out)
{
    double slope = 1;
    double offset = 0;
    GV_TRY(check_classes(data));
    GV_TRY(check_overlap(data));
    platt_point at = platt_at(data, slope, offset);
    for (int k = 0; k < NEWTON_MAX; k++) {
        /* A ridge keeps one prediction for all from dividing by 0. */
        const double ridge = 1e-9 * (at.slope_slope + at.offset_offset) + 1e-300;
        const double a = at.slope_slope + ridge;
        const double b = at.slope_offset;
        const double d = at.offset_offset + ridge;
        const double determinant = a * d - b * b;
        const double slope_step = (d * at.by_slope - b * at.by_offset) / determinant;
        const double offset_step = (a * at.by_offset - b * at.by_slope) / determinant;
        double share = 1;
        platt_point next = platt_at(data, slope - slope_step, offset - offset_step);
        while (!(next.loss <= at.loss) && share > 1e-10) {
            share /= 2;
            next = platt_at(data, slope - share * slope_step, offset - share * offset_step);
        }
        if (!(next.loss <= at.loss)) {
            break;
        }
        slope -= share * slope_step;
        offset -= share * offset_step;
        const bool is_done = at.loss - next.loss <= 1e-14 * fabs(at.loss);
        at = next;
        if (is_done) {
            break;
        }
    }
    if (!(slope > 0) || !isfinite(slope) || !isfinite(offset)) {
        return GV_FAIL(GV_EINVAL,
                       "the fitted slope is %g: predictions fall where rates rise, so Platt's "
                       "line would turn them round; look at the model, or use --method prior",
                       slope);
    }
    out->kind = GV_RECALIBRATE_PLATT;
    out->slope = slope;
    out->offset = offset;
    return GV_OK;
}

typedef struct iso_block {
    double low;
    double high; /* of p */
    double weight;
    double clicks;
} iso_block;

static int compare_blocks(const void *one, const void *other)
{
    const iso_block *a = one;
    const iso_block *b = other;
    return (a->low > b->low) - (a->low < b->low);
}

static void merge(iso_block *into, const iso_block *from)
{
    into->high = from->high;
    into->weight += from->weight;
    into->clicks += from->clicks;
}

/* Sorted blocks, those of one p made one. Returns how many are left. */
static size_t merge_ties(iso_block *blocks, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (used > 0 && blocks[used - 1].low == blocks[i].low) {
            merge(&blocks[used - 1], &blocks[i]);
        } else {
            blocks[used++] = blocks[i];
        }
    }
    return used;
}

/* Neighbours whose rates do not rise are pooled. Returns how many are left. */
static size_t pool(iso_block *blocks, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        blocks[used++] = blocks[i];
        while (used > 1 && blocks[used - 2].clicks * blocks[used - 1].weight >=
                               blocks[used - 1].clicks * blocks[used - 2].weight) {
            merge(&blocks[used - 2], &blocks[used - 1]);
            used--;
        }
    }
    return used;
}

static gv_status make_knots(const iso_block *blocks, size_t count, double total,
                            gv_recalibration *out)
{
    out->knots = gv_mem_alloc(0, 2 * count, sizeof *out->knots);
    out->values = gv_mem_alloc(0, 2 * count, sizeof *out->values);
    if (out->knots == NULL || out->values == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu knots", 2 * count);
    }
    const double least = 0.5 / total;
    for (size_t i = 0; i < count; i++) {
        const double rate = blocks[i].clicks / blocks[i].weight;
        const double value = fmin(fmax(rate, least), 1 - least);
        out->knots[out->knot_count] = blocks[i].low;
        out->values[out->knot_count++] = value;
        if (blocks[i].high > blocks[i].low) {
            out->knots[out->knot_count] = blocks[i].high;
            out->values[out->knot_count++] = value;
        }
    }
    out->kind = GV_RECALIBRATE_ISOTONIC;
    return GV_OK;
}

gv_status gv_recalibration_fit_isotonic(const gv_recalibration_data *data, gv_recalibration *out)
{
    double total = 0;
    assert(out->knots == NULL);
    GV_TRY(check_classes(data));
    iso_block *blocks = gv_mem_alloc(0, data->count, sizeof *blocks);
    if (blocks == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu blocks", data->count);
    }
    for (size_t i = 0; i < data->count; i++) {
        const double p = (double)data->p[i];
        const double w = data->weights[i];
        blocks[i] =
            (iso_block){.low = p, .high = p, .weight = w, .clicks = w * (double)data->labels[i]};
        total += w;
    }
    qsort(blocks, data->count, sizeof *blocks, compare_blocks);
    const size_t count = pool(blocks, merge_ties(blocks, data->count));
    const gv_status status = make_knots(blocks, count, fmax(total, 2), out);
    gv_mem_free(blocks);
    return status;
}
