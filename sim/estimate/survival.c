#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/estimate/priced.h"

typedef struct moment {
    double time;
    double value;
    uint32_t is_censored; /* sorts behind what is observed at the same time */
} moment;

struct gv_survival {
    size_t count; /* distinct observed times */
    double end;
    double *times;     /* [count], rising */
    double *survivals; /* [count]: behind each */
    double *sums;      /* [count]: up to and with each */
    double memory[];
};

static int compare(const void *left, const void *right)
{
    const moment *a = left;
    const moment *b = right;
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (a->is_censored > b->is_censored) - (a->is_censored < b->is_censored);
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

/* S falls by the share of those still at risk; the jump is shared by all observed at that time. */
static void fill(const moment *moments, size_t count, gv_survival *out)
{
    double survival = 1;
    double sum = 0;
    size_t i = 0;
    while (i < count) {
        const double time = moments[i].time;
        const double at_risk = (double)(count - i);
        double deaths = 0;
        double value = 0;
        for (; i < count && moments[i].time == time; i++) {
            deaths += moments[i].is_censored ? 0 : 1;
            value += moments[i].is_censored ? 0 : moments[i].value;
        }
        if (deaths > 0) {
            sum += survival / at_risk * value;
            survival *= 1 - deaths / at_risk;
            out->times[out->count] = time;
            out->survivals[out->count] = survival;
            out->sums[out->count++] = sum;
        }
    }
    out->end = count > 0 ? moments[count - 1].time : 0;
}

gv_status gv_survival_create(const double *times, const uint8_t *observed, const double *values,
                             const uint8_t *weights, size_t count, gv_survival **out)
{
    gv_survival *survival = gv_mem_alloc(sizeof *survival, 3 * count, sizeof(double));
    moment *moments = gv_mem_alloc(0, count, sizeof *moments);
    if (survival == NULL || moments == NULL) {
        gv_mem_free(survival);
        gv_mem_free(moments);
        return GV_FAIL(GV_ENOMEM, "no memory for the curve of %zu prices", count);
    }
    survival->times = survival->memory;
    survival->survivals = survival->memory + count;
    survival->sums = survival->memory + 2 * count;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (weights == NULL || weights[i] != 0) {
            const double value = values == NULL ? 1 : values[i];
            moments[kept++] = (moment){times[i], value, observed[i] ? 0 : 1};
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

/* How many observed times are at most x. */
static size_t count_up_to(const gv_survival *survival, double x)
{
    size_t low = 0;
    size_t high = survival->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (survival->times[middle] <= x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

double gv_survival_at(const gv_survival *survival, double x)
{
    const size_t count = count_up_to(survival, x);
    return count == 0 ? 1 : survival->survivals[count - 1];
}

double gv_survival_sum(const gv_survival *survival, double x)
{
    const size_t count = count_up_to(survival, x);
    return count == 0 ? 0 : survival->sums[count - 1];
}

double gv_survival_end(const gv_survival *survival)
{
    return survival->end;
}
