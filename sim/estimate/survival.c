#include "sim/estimate/survival.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"

typedef struct moment {
    double time;
    double value;
    double weight;
    uint32_t is_later; /* sorts behind the others of the same time */
    bool is_censored;
} moment;

/* From an observed time on, up to the next. */
typedef struct step {
    double time;
    double survival;
    double greenwood; /* sum of d / (n (n - d)); infinite once nothing is left */
    double sum;
} step;

struct gv_survival {
    double end;
    size_t count;
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

/* Whoever draws many curves of the same times sorts them once. */
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

/* S falls by the share of what is open; the jump is shared by all that ends at that time. */
static void add_step(gv_survival *out, double time, double ended, double value, double open)
{
    static const step none = {.survival = 1};
    const step *last = out->count == 0 ? &none : &out->steps[out->count - 1];
    const bool is_last = ended >= open;
    out->steps[out->count++] = (step){
        .time = time,
        .survival = is_last ? 0 : last->survival * (1 - ended / open),
        .greenwood = last->greenwood + (is_last ? HUGE_VAL : ended / (open * (open - ended))),
        .sum = last->sum + last->survival / open * value,
    };
}

static void fill(const moment *moments, size_t count, gv_survival *out)
{
    double open = 0;
    for (size_t i = 0; i < count; i++) {
        open += moments[i].weight;
    }
    for (size_t i = 0; i < count;) {
        const double time = moments[i].time;
        double left = 0;
        for (; i < count && moments[i].time == time && moments[i].is_censored; i++) {
            left += moments[i].weight;
        }
        open -= left; /* what is censored first; otherwise there is none here */
        double ended = 0;
        double value = 0;
        for (left = 0; i < count && moments[i].time == time; i++) {
            ended += moments[i].is_censored ? 0 : moments[i].weight;
            value += moments[i].is_censored ? 0 : moments[i].weight * moments[i].value;
            left += moments[i].weight;
        }
        if (ended > 0) {
            add_step(out, time, ended, value, open);
        }
        open -= left;
    }
    out->end = count > 0 ? moments[count - 1].time : 0;
}

gv_status gv_survival_create(const gv_survival_data *data, gv_survival **out)
{
    gv_survival *survival = gv_mem_alloc(sizeof *survival, data->count, sizeof(step));
    moment *moments = gv_mem_alloc(0, data->count, sizeof *moments);
    if (survival == NULL || moments == NULL) {
        gv_mem_free(survival);
        gv_mem_free(moments);
        return GV_FAIL(GV_ENOMEM, "no memory for the curve of %zu prices", data->count);
    }
    size_t kept = 0;
    for (size_t i = 0; i < data->count; i++) {
        const double weight = data->weights == NULL ? 1 : data->weights[i];
        const bool is_censored = data->observed[i] == 0;
        if (weight > 0) {
            moments[kept++] = (moment){.time = data->times[i],
                                       .value = data->values == NULL ? 1 : data->values[i],
                                       .weight = weight,
                                       .is_later = is_censored != data->censored_first,
                                       .is_censored = is_censored};
        }
    }
    sort(moments, kept);
    fill(moments, kept, survival);
    gv_mem_free(moments);
    *out = survival;
    return GV_OK;
}

void gv_survival_destroy(gv_survival *survival)
{
    gv_mem_free(survival);
}

/* The last step at or below x; that of before all of them where there is none. */
static const step *step_at(const gv_survival *survival, double x)
{
    static const step none = {.survival = 1};
    size_t low = 0;
    size_t high = survival->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (survival->steps[middle].time <= x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? &none : &survival->steps[low - 1];
}

double gv_survival_at(const gv_survival *survival, double x)
{
    return step_at(survival, x)->survival;
}

double gv_survival_deviation(const gv_survival *survival, double x)
{
    const step *at = step_at(survival, x);
    return at->survival > 0 ? at->survival * sqrt(at->greenwood) : 0;
}

double gv_survival_sum(const gv_survival *survival, double x)
{
    return step_at(survival, x)->sum;
}

double gv_survival_end(const gv_survival *survival)
{
    return survival->end;
}
