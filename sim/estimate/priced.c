#include "sim/estimate/priced.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/estimate/mean_bounds.h"
#include "sim/estimate/overlap.h"
#include "sim/estimate/priced_impl.h"
#include "sim/estimate/survival.h"

enum { GROUPS_MIN = 5, GROUPS_MAX = 200 };

typedef double figures[GV_PRICED_METHODS + 1][GV_PRICED_FIGURES]; /* the log's own last */

/* Where an auction's numbers lie on the curves; these places stay when curves are drawn again. */
typedef struct places {
    uint32_t bid;
    uint32_t judged;
    uint32_t chance; /* of winning at its price, on the curve of bids */
} places;

typedef struct reckoning {
    const gv_priced *priced; /* in order of `times` */
    const double *times;     /* [count]: price where won, bid where not */
    double *values;          /* [GV_PRICED_FIGURES][count] */
    double *kept;            /* [count] weights of the curves: 1 or 0 */
    uint8_t *censored;       /* [count]: not won */
    gv_survival *prices;     /* with sums of each figure */
    gv_survival *bids;
    places *places; /* [count] */
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

static gv_survival_data price_data(const reckoning *at)
{
    gv_survival_data data = {.count = at->priced->count,
                             .times = at->times,
                             .observed = at->priced->won,
                             .weights = at->kept};
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        data.values[f] = at->values + f * at->priced->count;
    }
    return data;
}

/* For the bids a won auction is censored, at its price. */
static gv_survival_data bid_data(const reckoning *at)
{
    return (gv_survival_data){.count = at->priced->count,
                              .times = at->times,
                              .observed = at->censored,
                              .weights = at->kept};
}

/*
 * The chance that the log bids z or more: S of the bids just below z. At equal times prices come
 * first, and S at z is already without the bids that are z: next lower number.
 */
static void find_places(reckoning *at)
{
    const gv_priced *priced = at->priced;
    for (size_t i = 0; i < priced->count; i++) {
        at->places[i] = (places){
            .bid = (uint32_t)gv_survival_find(at->prices, priced->bids[i]),
            .judged = (uint32_t)gv_survival_find(at->prices, priced->judged[i]),
        };
        if (priced->won[i]) {
            at->places[i].chance =
                (uint32_t)gv_survival_find(at->bids, nextafter(priced->prices[i], -INFINITY));
        }
    }
}

static gv_status draw_curves(reckoning *at)
{
    const gv_survival_data prices = price_data(at);
    const gv_survival_data bids = bid_data(at);
    GV_TRY(gv_survival_create(&prices, &at->prices));
    GV_TRY(gv_survival_create(&bids, &at->bids));
    find_places(at);
    return GV_OK;
}

/* What a lost auction comes to at a higher bid, in each figure. */
static void impute(const reckoning *at, size_t i, double *out)
{
    const gv_priced *priced = at->priced;
    const gv_survival_point *from = gv_survival_point_of(at->prices, at->places[i].bid);
    const gv_survival_point *to = gv_survival_point_of(at->prices, at->places[i].judged);
    const bool is_raised = priced->judged[i] > priced->bids[i] && from->survival > 0;
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        out[f] = is_raised ? (to->sums[f] - from->sums[f]) / from->survival : 0;
    }
}

/* A lost auction that hides its price: nothing to replay. */
static void add_lost(const reckoning *at, size_t i, figures sums)
{
    double gained[GV_PRICED_FIGURES];
    impute(at, i, gained);
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        sums[GV_PRICED_KM][f] += gained[f];
    }
}

/* One that shows it: wins and spend are known to all methods, its reward to km alone, as a mean. */
static void add_shown(const reckoning *at, size_t i, figures sums)
{
    const gv_priced *priced = at->priced;
    double gained[GV_PRICED_FIGURES];
    if (priced->judged[i] < priced->prices[i]) {
        return;
    }
    impute(at, i, gained);
    for (size_t m = 0; m < GV_PRICED_METHODS; m++) {
        sums[m][GV_PRICED_WINS] += 1;
        sums[m][GV_PRICED_SPEND] += priced->prices[i];
    }
    const double wins = gained[GV_PRICED_WINS];
    sums[GV_PRICED_KM][GV_PRICED_REWARD] += wins > 0 ? gained[GV_PRICED_REWARD] / wins : 0;
}

static void add_won(const reckoning *at, size_t i, figures sums)
{
    const gv_priced *priced = at->priced;
    const bool wins = priced->judged[i] >= priced->prices[i];
    const double chance = gv_survival_point_of(at->bids, at->places[i].chance)->survival;
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        const double u = at->values[f * priced->count + i];
        const double shown = wins ? u : 0;
        const bool is_known = priced->shows_all && f != GV_PRICED_REWARD;
        sums[GV_PRICED_REPLAY][f] += shown;
        sums[GV_PRICED_KM][f] += shown;
        sums[GV_PRICED_IPC][f] += wins ? u / (is_known ? 1 : chance) : 0;
        sums[GV_PRICED_METHODS][f] += u;
    }
}

static void add_auction(const reckoning *at, size_t i, figures sums)
{
    if (at->priced->won[i]) {
        add_won(at, i, sums);
    } else if (at->priced->shows_all) {
        add_shown(at, i, sums);
    } else {
        add_lost(at, i, sums);
    }
}

/* Means over the kept auctions, by the curves as they are. */
static void reckon(const reckoning *at, figures out)
{
    const gv_priced *priced = at->priced;
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
}

static double earning_of(const reckoning *at)
{
    const gv_priced *priced = at->priced;
    double wins = 0;
    double sum = 0;
    double squares = 0;
    double earned = 0;
    double earned_squares = 0;
    for (size_t i = 0; i < priced->count; i++) {
        if (!priced->won[i]) {
            continue;
        }
        if (priced->judged[i] >= priced->prices[i]) {
            const double v = 1 / gv_survival_point_of(at->bids, at->places[i].chance)->survival;
            sum += v;
            squares += v * v;
        }
        wins += 1;
        earned += fabs(priced->rewards[i]);
        earned_squares += priced->rewards[i] * priced->rewards[i];
    }
    return squares > 0 && earned_squares > 0
               ? sum * sum / squares * earned * earned / earned_squares / wins
               : 0;
}

/* The chance that the auction's price, above the log's bid, is above every bid of the log. */
static double unseen_chance(const reckoning *at, size_t i, double end)
{
    const gv_survival *curve = at->prices;
    return at->priced->judged[i] > end
               ? gv_survival_at(curve, end) / gv_survival_at(curve, at->priced->bids[i])
               : 0;
}

static void describe(const reckoning *at, gv_priced_result *out)
{
    const gv_priced *priced = at->priced;
    const double end = gv_survival_end(at->prices);
    double raised = 0;
    double unseen = 0;
    double blind = 0;
    double lost = 0;
    for (size_t i = 0; i < priced->count; i++) {
        const bool is_higher = priced->judged[i] > priced->bids[i];
        lost += priced->won[i] ? 0 : 1;
        blind += is_higher ? 1 : 0;
        if (!priced->won[i] && is_higher) {
            raised += 1;
            unseen += unseen_chance(at, i, end);
        }
    }
    out->earning = earning_of(at);
    out->raised = raised / (double)priced->count;
    out->unseen = unseen / (double)priced->count;
    out->blind = lost > 0 ? 0 : blind / (double)priced->count;
}

static void complain(figures whole, gv_priced_result *out)
{
    char *text = out->complaint;
    const double wins = whole[GV_PRICED_KM][GV_PRICED_WINS];
    out->inferred = wins > 0 ? 1 - whole[GV_PRICED_REPLAY][GV_PRICED_WINS] / wins : 0;
    if (out->blind > GV_PRICED_UNSEEN_MAX) {
        (void)snprintf(text, sizeof out->complaint,
                       "in %.1f %% of auctions the bid is above the logged one, and the log holds "
                       "none that it lost: what such bids win more is not in it",
                       100 * out->blind);
    } else if (out->unseen > GV_PRICED_UNSEEN_MAX) {
        (void)snprintf(text, sizeof out->complaint,
                       "%.1f %% of auctions may be won at prices above every bid of the log",
                       100 * out->unseen);
    } else if (out->inferred > GV_PRICED_INFERRED_MAX) {
        (void)snprintf(
            text, sizeof out->complaint,
            "%.0f %% of what it wins the log lost: inferred from other auctions' prices, "
            "not seen",
            100 * out->inferred);
    } else if (out->earning < GV_OVERLAP_EARNING_MIN) {
        (void)snprintf(text, sizeof out->complaint,
                       "some %.0f rewards carry what it earns, fewer than %.0f", out->earning,
                       GV_OVERLAP_EARNING_MIN);
    }
    out->is_thin = text[0] != '\0';
}

static size_t group_of(const gv_priced *priced, size_t i, size_t groups)
{
    const size_t cluster = priced->clusters == NULL ? i : priced->clusters[i];
    return cluster * groups / priced->cluster_count;
}

/* Squares of the jackknife, around the estimate on all: of values, and of what they are more than
   the log's own. */
typedef struct jackknife {
    figures values;
    figures differences;
} jackknife;

static void add_part(figures whole, figures part, jackknife *squares)
{
    for (size_t m = 0; m <= GV_PRICED_METHODS; m++) {
        for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
            const double off = part[m][f] - whole[m][f];
            const double own = part[GV_PRICED_METHODS][f] - whole[GV_PRICED_METHODS][f];
            squares->values[m][f] += off * off;
            squares->differences[m][f] += (off - own) * (off - own);
        }
    }
}

static void leave_out(reckoning *at, size_t groups, figures whole, jackknife *squares)
{
    const gv_priced *priced = at->priced;
    const gv_survival_data prices = price_data(at);
    const gv_survival_data bids = bid_data(at);
    memset(squares, 0, sizeof *squares);
    for (size_t g = 0; g < groups; g++) {
        figures part;
        for (size_t i = 0; i < priced->count; i++) {
            at->kept[i] = group_of(priced, i, groups) != g ? 1 : 0;
        }
        gv_survival_redraw(at->prices, &prices);
        gv_survival_redraw(at->bids, &bids);
        reckon(at, part);
        add_part(whole, part, squares);
    }
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
    jackknife squares;
    const size_t groups = out->group_count;
    GV_TRY(draw_curves(at));
    reckon(at, whole);
    describe(at, out);
    complain(whole, out);
    leave_out(at, groups, whole, &squares);
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        const double own = whole[GV_PRICED_METHODS][f];
        out->logged[f] = interval_of(own, squares.values[GV_PRICED_METHODS][f], groups, level);
        for (size_t m = 0; m < GV_PRICED_METHODS; m++) {
            const bool applies = m != GV_PRICED_IPC || !at->priced->has_chosen_bids;
            const double value = applies ? whole[m][f] : (double)NAN;
            out->figures[m][f] =
                interval_of(value, applies ? squares.values[m][f] : 0, groups, level);
            out->differences[m][f] =
                interval_of(value - own, applies ? squares.differences[m][f] : 0, groups, level);
        }
    }
    return GV_OK;
}

static bool allocate(reckoning *at)
{
    const size_t count = at->priced->count;
    at->values = gv_mem_alloc(0, GV_PRICED_FIGURES * count, sizeof(double));
    at->kept = gv_mem_alloc(0, count, sizeof(double));
    at->censored = gv_mem_alloc(0, count, 1);
    at->places = gv_mem_alloc(0, count, sizeof *at->places);
    if (at->values == NULL || at->kept == NULL || at->censored == NULL || at->places == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        at->censored[i] = at->priced->won[i] ? 0 : 1;
        at->kept[i] = 1;
        for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
            at->values[f * count + i] = worth(at->priced, f, i);
        }
    }
    return true;
}

gv_status gv_priced_evaluate(const gv_priced *priced, size_t groups, double level,
                             gv_priced_result *out)
{
    assert(priced->count > 0 && groups >= GROUPS_MIN && groups <= GROUPS_MAX);
    gv_priced_order order;
    gv_status status = gv_priced_order_init(&order, priced);
    reckoning at = {.priced = &order.priced, .times = order.times};
    *out = (gv_priced_result){.group_count =
                                  priced->cluster_count < groups ? priced->cluster_count : groups};
    if (status == GV_OK) {
        status = allocate(&at) ? work(&at, level, out)
                               : GV_FAIL(GV_ENOMEM, "no memory for %zu auctions", priced->count);
    }
    gv_survival_destroy(at.prices);
    gv_survival_destroy(at.bids);
    gv_mem_free(at.places);
    gv_priced_order_fini(&order);
    gv_mem_free(at.values);
    gv_mem_free(at.kept);
    gv_mem_free(at.censored);
    return status;
}
