#include "sim/estimate/priced.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/estimate/mean_bounds.h"
#include "sim/estimate/survival.h"

enum { GROUPS_MIN = 5, GROUPS_MAX = 200 };

typedef double figures[GV_PRICED_METHODS + 1][GV_PRICED_FIGURES]; /* the log's own last */

typedef struct reckoning {
    const gv_priced *priced;
    double *times;                          /* [count]: price where won, bid where not */
    double *values;                         /* [count] */
    double *kept;                           /* [count] weights of the curves: 1 or 0 */
    uint8_t *censored;                      /* [count]: not won */
    gv_survival *prices[GV_PRICED_FIGURES]; /* with sums of each figure */
    gv_survival *bids;
} reckoning;

const char *gv_priced_method_name(gv_priced_method method)
{
    static const char *const names[] = {
        [GV_PRICED_REPLAY] = "replay", [GV_PRICED_KM] = "km", [GV_PRICED_IPC] = "ipc"};
    return names[method];
}

const char *gv_priced_figure_name(gv_priced_figure figure)
{
    static const char *const names[] = {
        [GV_PRICED_WINS] = "wins", [GV_PRICED_SPEND] = "spend", [GV_PRICED_REWARD] = "reward"};
    return names[figure];
}

/* What a win of the auction counts. */
static double worth(const gv_priced *priced, size_t figure, size_t i)
{
    if (!priced->won[i]) {
        return 0;
    }
    if (figure == GV_PRICED_WINS) {
        return 1;
    }
    return figure == GV_PRICED_SPEND ? priced->prices[i] : priced->rewards[i];
}

static void drop_curves(reckoning *at)
{
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        gv_survival_destroy(at->prices[f]);
        at->prices[f] = NULL;
    }
    gv_survival_destroy(at->bids);
    at->bids = NULL;
}

/* Curves of the kept auctions. For the bids a won auction is censored, at its price. */
static gv_status draw_curves(reckoning *at)
{
    const gv_priced *priced = at->priced;
    drop_curves(at);
    gv_survival_data data = {.count = priced->count,
                             .times = at->times,
                             .observed = priced->won,
                             .values = at->values,
                             .weights = at->kept};
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        for (size_t i = 0; i < priced->count; i++) {
            at->values[i] = worth(priced, f, i);
        }
        GV_TRY(gv_survival_create(&data, &at->prices[f]));
    }
    data.observed = at->censored;
    data.values = NULL;
    return gv_survival_create(&data, &at->bids);
}

/* What a lost auction comes to at a higher bid. */
static double imputed(const reckoning *at, size_t figure, double bid, double judged)
{
    const gv_survival *curve = at->prices[figure];
    const double left = gv_survival_at(curve, bid);
    if (!(judged > bid) || !(left > 0)) {
        return 0;
    }
    return (gv_survival_sum(curve, judged) - gv_survival_sum(curve, bid)) / left;
}

/*
 * The chance that the log bids z or more: S of the bids just below z. At equal times prices come
 * first, and S at z is already without the bids that are z: next lower number.
 */
static double chance_of_win(const reckoning *at, double price)
{
    return gv_survival_at(at->bids, nextafter(price, -INFINITY));
}

static void add_auction(const reckoning *at, size_t i, figures sums)
{
    const gv_priced *priced = at->priced;
    const double judged = priced->judged[i];
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        const double u = worth(priced, f, i);
        const bool wins = priced->won[i] && judged >= priced->prices[i];
        const double shown = wins ? u : 0;
        sums[GV_PRICED_REPLAY][f] += shown;
        sums[GV_PRICED_KM][f] +=
            shown + (priced->won[i] ? 0 : imputed(at, f, priced->bids[i], judged));
        sums[GV_PRICED_IPC][f] += wins ? u / chance_of_win(at, priced->prices[i]) : 0;
        sums[GV_PRICED_METHODS][f] += u;
    }
}

/* Means over the kept auctions, with curves of their own. */
static gv_status reckon(reckoning *at, figures out)
{
    const gv_priced *priced = at->priced;
    GV_TRY(draw_curves(at));
    memset(out, 0, sizeof(figures));
    double count = 0;
    for (size_t i = 0; i < priced->count; i++) {
        if (at->kept[i] > 0) {
            add_auction(at, i, out);
            count += 1;
        }
    }
    for (size_t m = 0; m <= GV_PRICED_METHODS; m++) {
        for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
            out[m][f] /= count;
        }
    }
    return GV_OK;
}

static void describe(const reckoning *at, gv_priced_result *out)
{
    const gv_priced *priced = at->priced;
    const double end = gv_survival_end(at->prices[0]);
    double raised = 0;
    double unseen = 0;
    for (size_t i = 0; i < priced->count; i++) {
        if (!priced->won[i] && priced->judged[i] > priced->bids[i]) {
            raised += 1;
            unseen += priced->judged[i] > end ? gv_survival_at(at->prices[0], end) /
                                                    gv_survival_at(at->prices[0], priced->bids[i])
                                              : 0;
        }
    }
    out->raised = raised / (double)priced->count;
    out->unseen = unseen / (double)priced->count;
}

static size_t group_of(const gv_priced *priced, size_t i, size_t groups)
{
    const size_t cluster = priced->clusters == NULL ? i : priced->clusters[i];
    return cluster * groups / priced->cluster_count;
}

/* Squares of the jackknife, around the estimate on all. */
static gv_status leave_out(reckoning *at, size_t groups, figures whole, figures squares)
{
    const gv_priced *priced = at->priced;
    memset(squares, 0, sizeof(figures));
    for (size_t g = 0; g < groups; g++) {
        figures part;
        for (size_t i = 0; i < priced->count; i++) {
            at->kept[i] = group_of(priced, i, groups) != g ? 1 : 0;
        }
        GV_TRY(reckon(at, part));
        for (size_t m = 0; m <= GV_PRICED_METHODS; m++) {
            for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
                const double off = part[m][f] - whole[m][f];
                squares[m][f] += off * off;
            }
        }
    }
    return GV_OK;
}

static gv_interval interval_of(double estimate, double squares, size_t groups, double level)
{
    const double n = (double)groups;
    const double error = sqrt(squares * (n - 1) / n);
    if (groups < GROUPS_MIN) {
        return gv_student_interval(estimate, 0, groups, level);
    }
    return gv_student_interval(estimate, error * sqrt(n), groups, level);
}

static gv_status work(reckoning *at, double level, gv_priced_result *out)
{
    figures whole;
    figures squares;
    GV_TRY(reckon(at, whole));
    describe(at, out);
    GV_TRY(leave_out(at, out->group_count, whole, squares));
    for (size_t m = 0; m <= GV_PRICED_METHODS; m++) {
        for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
            const bool applies = m != GV_PRICED_IPC || !at->priced->has_chosen_bids;
            gv_interval *interval = m == GV_PRICED_METHODS ? &out->logged[f] : &out->figures[m][f];
            *interval = interval_of(applies ? whole[m][f] : (double)NAN,
                                    applies ? squares[m][f] : 0, out->group_count, level);
        }
    }
    return GV_OK;
}

static bool allocate(reckoning *at)
{
    const size_t count = at->priced->count;
    at->times = gv_mem_alloc(0, count, sizeof(double));
    at->values = gv_mem_alloc(0, count, sizeof(double));
    at->kept = gv_mem_alloc(0, count, sizeof(double));
    at->censored = gv_mem_alloc(0, count, 1);
    if (at->times == NULL || at->values == NULL || at->kept == NULL || at->censored == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        at->times[i] = at->priced->won[i] ? at->priced->prices[i] : at->priced->bids[i];
        at->censored[i] = at->priced->won[i] ? 0 : 1;
        at->kept[i] = 1;
    }
    return true;
}

gv_status gv_priced_evaluate(const gv_priced *priced, size_t groups, double level,
                             gv_priced_result *out)
{
    assert(priced->count > 0 && groups >= GROUPS_MIN && groups <= GROUPS_MAX);
    reckoning at = {.priced = priced};
    *out = (gv_priced_result){.group_count =
                                  priced->cluster_count < groups ? priced->cluster_count : groups};
    const gv_status status = allocate(&at)
                                 ? work(&at, level, out)
                                 : GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", priced->count);
    drop_curves(&at);
    gv_mem_free(at.times);
    gv_mem_free(at.values);
    gv_mem_free(at.kept);
    gv_mem_free(at.censored);
    return status;
}
