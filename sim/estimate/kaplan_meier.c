#include "sim/estimate/kaplan_meier.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"

/* From this price on, up to the next. */
typedef struct step {
    int64_t nanos;
    double survival;  /* S */
    double greenwood; /* sum of d / (n (n - d)); infinite once S is 0 */
    double cost;      /* sum of price x its probability so far, nanos */
} step;

struct gv_kaplan_meier {
    int64_t reach;
    size_t count;
    step steps[];
};

static int by_nanos(const void *a, const void *b)
{
    const int64_t one = ((const gv_price_sample *)a)->nanos;
    const int64_t other = ((const gv_price_sample *)b)->nanos;
    return (one > other) - (one < other);
}

static gv_status check(const gv_price_sample *samples, size_t count, double *weight)
{
    double won = 0;
    *weight = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(samples[i].weight > 0 && samples[i].weight < HUGE_VAL)) {
            return GV_FAIL(GV_EINVAL, "auction %zu has the weight %g, expected one above 0", i,
                           samples[i].weight);
        }
        *weight += samples[i].weight;
        won += samples[i].won ? samples[i].weight : 0;
    }
    return won > 0 ? GV_OK
                   : GV_FAIL(GV_EINVAL, "no auction of %zu was won, so no price is known: bid more",
                             count);
}

/* What has one amount: won, and lost. */
typedef struct tied {
    double won;
    double lost;
    size_t next; /* the first sample behind them */
} tied;

static tied tie(const gv_price_sample *samples, size_t count, size_t at)
{
    tied same = {.next = at};
    while (same.next < count && samples[same.next].nanos == samples[at].nanos) {
        *(samples[same.next].won ? &same.won : &same.lost) += samples[same.next].weight;
        same.next++;
    }
    return same;
}

static void add_step(gv_kaplan_meier *fit, int64_t nanos, double won, double open)
{
    static const step none = {.survival = 1};
    const step *last = fit->count == 0 ? &none : &fit->steps[fit->count - 1];
    const bool ends = won >= open;
    const double survival = ends ? 0 : last->survival * (1 - won / open);
    fit->steps[fit->count++] = (step){
        .nanos = nanos,
        .survival = survival,
        .greenwood = last->greenwood + (ends ? HUGE_VAL : won / (open * (open - won))),
        .cost = last->cost + (double)nanos * (last->survival - survival),
    };
}

gv_status gv_kaplan_meier_fit(gv_price_sample *samples, size_t count, bool tie_wins,
                              gv_kaplan_meier **out)
{
    double open = 0;
    GV_TRY(check(samples, count, &open));
    gv_kaplan_meier *fit = gv_mem_alloc(sizeof *fit, count, sizeof *fit->steps);
    if (fit == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu prices", count);
    }
    qsort(samples, count, sizeof *samples, by_nanos);
    fit->reach = samples[count - 1].nanos;
    for (size_t i = 0; i < count;) {
        const tied same = tie(samples, count, i);
        if (same.won > 0) {
            add_step(fit, samples[i].nanos, same.won, tie_wins ? open : open - same.lost);
        }
        open -= same.won + same.lost;
        i = same.next;
    }
    *out = fit;
    return GV_OK;
}

void gv_kaplan_meier_destroy(gv_kaplan_meier *fit)
{
    gv_mem_free(fit);
}

/* The last step at or below the bid; NULL: there is none. */
static const step *find(const gv_kaplan_meier *fit, int64_t bid_nanos)
{
    size_t low = 0;
    size_t high = fit->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (fit->steps[middle].nanos <= bid_nanos) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &fit->steps[low - 1];
}

double gv_kaplan_meier_win_rate(const gv_kaplan_meier *fit, int64_t bid_nanos)
{
    const step *at = find(fit, bid_nanos);
    return at == NULL ? 0 : 1 - at->survival;
}

double gv_kaplan_meier_deviation(const gv_kaplan_meier *fit, int64_t bid_nanos)
{
    const step *at = find(fit, bid_nanos);
    return at == NULL || at->survival <= 0 ? 0 : at->survival * sqrt(at->greenwood);
}

double gv_kaplan_meier_cost(const gv_kaplan_meier *fit, int64_t bid_nanos)
{
    const step *at = find(fit, bid_nanos);
    return at == NULL ? 0 : at->cost;
}

int64_t gv_kaplan_meier_reach(const gv_kaplan_meier *fit)
{
    return fit->reach;
}
