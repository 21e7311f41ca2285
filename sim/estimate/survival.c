#include "sim/estimate/survival.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"

typedef struct moment {
    double time;
    size_t row;
    uint32_t is_later; /* sorts behind the others of the same time */
    bool is_censored;
} moment;

/* From an observed time on, up to the next. */
typedef struct step {
    double time;
    double greenwood; /* sum of d / (n (n - d)); infinite once nothing is left */
    gv_survival_point point;
} step;

struct gv_survival {
    double end;
    size_t row_count;
    moment *moments; /* [row_count], in order */
    size_t count;    /* of steps; the first is before all times */
    step steps[];
};

static int compare(const void *left, const void *right)
{
    const moment *a = left;
    const moment *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->is_later > b->is_later) - (a->is_later < b->is_later);
}

/* Whoever draws curves of times that are in order need not sort them. */
static void sort(moment *moments, size_t count)
{
    size_t i = 1;
    while (i < count && compare(&moments[i - 1], &moments[i]) <= 0) {
        i++;
    }
    if (i < count) {
        qsort(moments, count, sizeof *moments, compare);
    }
}

static double weight_of(const gv_survival_data *data, const moment *of)
{
    return data->weights == NULL ? 1 : data->weights[of->row];
}

/* S falls by the share of what is open; the jump is shared by all that ends at that time. */
static void add_step(gv_survival *out, double time, double ended, const double *sums, double open)
{
    const step *last = &out->steps[out->count - 1];
    step *made = &out->steps[out->count++];
    *made = *last;
    made->time = time;
    if (!(ended > 0)) {
        return;
    }
    const bool is_last = ended >= open;
    made->greenwood += is_last ? HUGE_VAL : ended / (open * (open - ended));
    made->point.survival = is_last ? 0 : last->point.survival * (1 - ended / open);
    for (size_t s = 0; s < GV_SURVIVAL_SUMS; s++) {
        made->point.sums[s] += last->point.survival / open * sums[s];
    }
}

/* What an observed time adds to the sums. */
static void add_values(const gv_survival_data *data, const moment *ended, double weight,
                       double *sums)
{
    for (size_t s = 0; s < GV_SURVIVAL_SUMS; s++) {
        const double *values = data->values[s];
        sums[s] += weight * (values == NULL ? 1 : values[ended->row]);
    }
}

/* The rows of one time, from `i` on; returns the first behind them. */
static size_t take_time(gv_survival *out, const gv_survival_data *data, size_t i, double *open)
{
    const moment *moments = out->moments;
    const size_t count = out->row_count;
    const double time = moments[i].time;
    double left = 0;
    for (; i < count && moments[i].time == time && moments[i].is_censored; i++) {
        left += weight_of(data, &moments[i]);
    }
    *open -= left; /* what is censored first; otherwise there is none here */
    double ended = 0;
    double sums[GV_SURVIVAL_SUMS] = {0};
    bool is_step = false;
    for (left = 0; i < count && moments[i].time == time; i++) {
        const double weight = weight_of(data, &moments[i]);
        if (!moments[i].is_censored) {
            is_step = true;
            ended += weight;
            add_values(data, &moments[i], weight, sums);
        }
        left += weight;
    }
    if (is_step) {
        add_step(out, time, ended, sums, *open);
    }
    *open -= left;
    return i;
}

void gv_survival_redraw(gv_survival *survival, const gv_survival_data *data)
{
    double open = 0;
    survival->end = 0;
    for (size_t i = 0; i < survival->row_count; i++) {
        const double weight = weight_of(data, &survival->moments[i]);
        open += weight;
        survival->end = weight > 0 ? survival->moments[i].time : survival->end;
    }
    survival->count = 1;
    survival->steps[0] = (step){.time = -HUGE_VAL, .point = {.survival = 1}};
    for (size_t i = 0; i < survival->row_count;) {
        i = take_time(survival, data, i, &open);
    }
}

static void order(gv_survival *survival, const gv_survival_data *data)
{
    for (size_t i = 0; i < data->count; i++) {
        const bool is_censored = data->observed[i] == 0;
        survival->moments[i] = (moment){.time = data->times[i],
                                        .row = i,
                                        .is_later = is_censored != data->censored_first,
                                        .is_censored = is_censored};
    }
    sort(survival->moments, survival->row_count);
}

gv_status gv_survival_create(const gv_survival_data *data, gv_survival **out)
{
    gv_survival *survival = gv_mem_alloc(sizeof *survival, data->count + 1, sizeof(step));
    moment *moments = gv_mem_alloc(0, data->count, sizeof *moments);
    if (survival == NULL || moments == NULL) {
        gv_mem_free(survival);
        gv_mem_free(moments);
        return GV_FAIL(GV_ENOMEM, "no memory for the curve of %zu times", data->count);
    }
    survival->moments = moments;
    survival->row_count = data->count;
    order(survival, data);
    gv_survival_redraw(survival, data);
    *out = survival;
    return GV_OK;
}

void gv_survival_destroy(gv_survival *survival)
{
    if (survival != NULL) {
        gv_mem_free(survival->moments);
    }
    gv_mem_free(survival);
}

/* The last step at or below x. */
size_t gv_survival_find(const gv_survival *survival, double x)
{
    size_t low = 1;
    size_t high = survival->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (survival->steps[middle].time <= x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - 1;
}

const gv_survival_point *gv_survival_point_of(const gv_survival *survival, size_t number)
{
    return &survival->steps[number].point;
}

const gv_survival_point *gv_survival_point_at(const gv_survival *survival, double x)
{
    return gv_survival_point_of(survival, gv_survival_find(survival, x));
}

double gv_survival_at(const gv_survival *survival, double x)
{
    return gv_survival_point_at(survival, x)->survival;
}

double gv_survival_deviation(const gv_survival *survival, double x)
{
    const step *at = &survival->steps[gv_survival_find(survival, x)];
    return at->point.survival > 0 ? at->point.survival * sqrt(at->greenwood) : 0;
}

double gv_survival_end(const gv_survival *survival)
{
    return survival->end;
}
