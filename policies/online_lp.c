/*
 * AuctionNet's baseline "OnlineLp": the multiplier that would have spent the budget left in a
 * period of the past, from this tick to the end.
 *
 *     keep rows with value > 0 and cost > cost_min;   r = cost / (value + value_more)
 *     of each tick t: the rows of ticks >= t by rising r, with their costs added up; of those below
 *     cost_max one for each `interval` of cost, and the last
 *     alpha = the first r of tick t whose sum exceeds the budget left; none: CPA
 *     bid = min(alpha, most_cpas x CPA) x pCVR
 *
 * Public code of Su et al., AuctionNet (arXiv 2412.10798). The cost of a row is the least winning
 * cost; a category's rows come from its eight advertisers there, of which an eighth is drawn, so
 * that the rows cost what one advertiser's would: whoever makes the history draws it. There the
 * sums are a table made beforehand; here a tick sums up for itself, which gives the same row and
 * needs only the rows that the budget reaches (see ladder_impl.h). Values are kept as floats, so r
 * is exact to 1e-7. Rows dearer than 64 times the most that is bid are not told apart.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "policies/cpa_impl.h"
#include "policies/ladder_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/mem.h"

enum { TICKS_MAX = 10000 };

#define NAME   "online_lp"
#define SOURCE "public code of AuctionNet, arXiv 2412.10798"

typedef struct lp_config {
    int64_t cpa_nanos;
    double most_cpas;
    int64_t cost_min_nanos;
    double value_more;
    int64_t cost_max_nanos;
    int64_t interval_nanos;
} lp_config;

typedef struct lp_state {
    double cpa_nanos;
    double most_nanos;
    int64_t cost_max_nanos;
    int64_t interval_nanos;
    double multiplier;    /* nanos a conversion */
    gv_future past;       /* its ticks; its rows live only while the ladder is made */
    uint64_t *tick_first; /* [past.tick_count + 1]: rows before each tick */
    double *costs_left;   /* [past.tick_count + 1]: of all rows of a tick and later ones */
    gv_ladder *ladder;
} lp_state;

static const gv_param lp_params[] = {
    GV_CPA_PARAM,
    GV_CPA_MOST_PARAM(lp_config, "1.5", SOURCE),
    {.name = "cost_min",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "0.0001",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, cost_min_nanos),
     .help = "rows of the past are kept whose cost is above this",
     .source = SOURCE ": the reserve of its market"},
    {.name = "value_more",
     .kind = GV_PARAM_REAL,
     .fallback = "0.0001",
     .maximum = 1,
     .offset = offsetof(lp_config, value_more),
     .help = "added to each value of the past before its cost is divided by it",
     .source = SOURCE},
    {.name = "cost_max",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "6000",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, cost_max_nanos),
     .help = "a tick's table ends where its costs add up to this",
     .source = SOURCE},
    {.name = "interval",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "10",
     .maximum = HUGE_VAL,
     .offset = offsetof(lp_config, interval_nanos),
     .help = "a tick's table has one row for so much of cost",
     .source = SOURCE},
    {0},
};

static gv_status check_history(const gv_history *history)
{
    if (history == NULL) {
        return GV_FAIL(GV_EINVAL, NAME ": there is no history to learn from: give the "
                                       "scenario one");
    }
    if (history->impressions == 0) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" has no impressions to learn from: give "
                            "another history",
                       history->name);
    }
    if (history->source == NULL) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" is a summary, and it learns from the auctions "
                            "themselves: give it a log",
                       history->name);
    }
    return GV_OK;
}

static gv_status lp_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    GV_TRY(check_history(input->history));
    return gv_cpa_fit(config, input, progress);
}

/* ---- the past -------------------------------------------------------------------------------- */

/* Rows that count, in order of time. */
typedef struct past_rows {
    float *values; /* [room] */
    int64_t *costs;
    uint64_t count;
} past_rows;

/* Adds a piece; rows before each tick up to the piece's last are known then. */
static void add_piece(lp_state *lp, const gv_policy_setup *setup, const gv_opportunities *piece,
                      past_rows *rows)
{
    const lp_config *config = setup->config;
    const gv_future *past = &lp->past;
    for (size_t i = 0; i < piece->count; i++) {
        const int64_t cost = piece->rival_nanos[i];
        const double value = piece->pcvr[i];
        if (!(value > 0) || cost <= config->cost_min_nanos) {
            continue;
        }
        const int64_t since_us = piece->time_us[i] - setup->history->start_us;
        const size_t tick = (size_t)(since_us / setup->campaign->tick_us);
        assert(tick < past->tick_count);
        lp->tick_first[tick + 1]++;
        lp->costs_left[tick] += (double)cost;
        rows->values[rows->count] = (float)(value + config->value_more);
        rows->costs[rows->count++] = cost;
    }
}

static gv_status read_past(lp_state *lp, const gv_policy_setup *setup, past_rows *rows)
{
    gv_source *source = setup->history->source;
    for (uint64_t position = source->begin;;) {
        gv_opportunities piece;
        uint64_t next = position;
        GV_TRY(source->load(source, position, &piece, &next));
        if (piece.count == 0) {
            break;
        }
        if (piece.pcvr == NULL) {
            return GV_FAIL(GV_EINVAL, NAME ": the history \"%s\" has no pCVR",
                           setup->history->name);
        }
        add_piece(lp, setup, &piece, rows);
        position = next;
    }
    for (size_t tick = 0; tick < lp->past.tick_count; tick++) {
        lp->tick_first[tick + 1] += lp->tick_first[tick];
    }
    for (size_t tick = lp->past.tick_count; tick > 0; tick--) {
        lp->costs_left[tick - 1] += lp->costs_left[tick];
    }
    return GV_OK;
}

/* Whatever budget is left: the first row whose sum exceeds it lies within this and an interval. */
static int64_t reach_of(const lp_state *lp, int64_t budget)
{
    const int64_t reach =
        budget < INT64_MAX - lp->interval_nanos ? budget + lp->interval_nanos : INT64_MAX;
    return reach < lp->cost_max_nanos ? reach : lp->cost_max_nanos;
}

static gv_status make_ladder(lp_state *lp, const past_rows *rows, int64_t budget)
{
    static const double always[] = {1};
    lp->past.slot_count = 1;
    lp->past.exposure = always;
    lp->past.tick_first = lp->tick_first;
    lp->past.values = rows->values;
    lp->past.prices = rows->costs;
    const gv_ladder_config config = {.future = &lp->past,
                                     .ceiling_nanos = 64 * lp->most_nanos,
                                     .reach_nanos = reach_of(lp, budget),
                                     .offer_max_nanos = INT64_MAX,
                                     .price_step_nanos = 1};
    const gv_status status = gv_ladder_create(&config, &lp->ladder);
    lp->past.values = NULL;
    lp->past.prices = NULL;
    return status;
}

static gv_status learn(lp_state *lp, const gv_policy_setup *setup)
{
    const gv_history *history = setup->history;
    const size_t room = (size_t)(history->source->end - history->source->begin);
    past_rows rows = {.values = gv_mem_alloc_vector(room + 1, sizeof *rows.values),
                      .costs = gv_mem_alloc_vector(room + 1, sizeof *rows.costs)};
    if (rows.values == NULL || rows.costs == NULL) {
        gv_mem_free(rows.values);
        gv_mem_free(rows.costs);
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for the %zu rows of \"%s\"", room,
                       history->name);
    }
    gv_status status = read_past(lp, setup, &rows);
    if (status == GV_OK) {
        status = make_ladder(lp, &rows, setup->campaign->budget_nanos);
    }
    gv_mem_free(rows.values);
    gv_mem_free(rows.costs);
    return status;
}

static gv_status count_ticks(const gv_policy_setup *setup, size_t *tick_count)
{
    const gv_history *history = setup->history;
    const int64_t tick_us = setup->campaign->tick_us;
    assert(tick_us > 0);
    const int64_t ticks = (history->end_us - history->start_us - 1) / tick_us + 1;
    if (ticks > TICKS_MAX) {
        return GV_FAIL(GV_EINVAL,
                       NAME ": the history \"%s\" spans %" PRId64
                            " ticks, expected at most %d: give longer ticks or a shorter history",
                       history->name, ticks, TICKS_MAX);
    }
    *tick_count = (size_t)ticks;
    return GV_OK;
}

static gv_status lp_init(void *state, const gv_policy_setup *setup)
{
    const lp_config *config = setup->config;
    lp_state *lp = state;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, NAME, &lp->cpa_nanos));
    GV_TRY(check_history(setup->history));
    GV_TRY(count_ticks(setup, &lp->past.tick_count));
    lp->most_nanos = lp->cpa_nanos * config->most_cpas;
    lp->multiplier = fmin(lp->cpa_nanos, lp->most_nanos);
    lp->cost_max_nanos = config->cost_max_nanos;
    lp->interval_nanos = config->interval_nanos;
    lp->tick_first = gv_mem_alloc(0, lp->past.tick_count + 1, sizeof *lp->tick_first);
    lp->costs_left = gv_mem_alloc(0, lp->past.tick_count + 1, sizeof *lp->costs_left);
    if (lp->tick_first == NULL || lp->costs_left == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for %zu ticks", lp->past.tick_count);
    }
    return learn(lp, setup);
}

/* ---- solving --------------------------------------------------------------------------------- */

/* A walk by rising r. */
typedef struct lp_walk {
    double left;      /* nanos: the budget */
    double sum;       /* of the costs so far */
    double last_kept; /* the sum of the last row that the table would keep */
    double ratio;     /* of the last row */
    double found;     /* the answer; 0: none yet */
    bool is_over;     /* the table ends here */
} lp_walk;

static void walk_bucket(const lp_state *lp, gv_rungs at, lp_walk *walk)
{
    for (size_t i = 0; i < at.count && !walk->is_over; i++) {
        const double sum = walk->sum + at.rungs[i].cost_nanos;
        if (sum >= (double)lp->cost_max_nanos) {
            walk->is_over = true;
            return;
        }
        walk->sum = sum;
        walk->ratio = at.rungs[i].multiplier;
        if (sum - walk->last_kept >= (double)lp->interval_nanos) {
            walk->last_kept = sum;
            walk->is_over = sum > walk->left;
            walk->found = walk->is_over ? walk->ratio : 0;
        }
    }
}

/* The first r of the tick that is kept and whose sum exceeds `left`; the CPA where none is. */
static double solve(const lp_state *lp, uint64_t tick, int64_t left)
{
    if (tick >= lp->past.tick_count) {
        return lp->cpa_nanos;
    }
    lp_walk walk = {.left = (double)left};
    for (size_t at = 0; at < GV_LADDER_BUCKETS && !walk.is_over; at++) {
        walk_bucket(lp, gv_ladder_bucket(lp->ladder, (size_t)tick, at), &walk);
    }
    if (walk.found > 0) {
        return walk.found;
    }
    if (!walk.is_over && lp->costs_left[tick] > walk.sum) {
        /* The rest is too dear for the ladder. */
        return lp->costs_left[tick] > walk.left ? lp->most_nanos : lp->cpa_nanos;
    }
    return walk.sum > walk.left ? walk.ratio : lp->cpa_nanos; /* the last row is always kept */
}

static void lp_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    gv_price_scale(batch->pcvr, batch->count, ((const lp_state *)state)->multiplier, bids);
}

static void lp_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lp_state *lp = states[i];
        const gv_observation *seen = &observations[i];
        lp->multiplier = fmin(solve(lp, seen->tick, seen->budget_left_nanos), lp->most_nanos);
    }
}

/* The ladder is the history's, and is there again after init. */
static gv_status lp_save(const void *state, gv_writer *writer)
{
    const lp_state *lp = state;
    return gv_writer_put(writer, NAME, &lp->multiplier, sizeof lp->multiplier);
}

static gv_status lp_restore(void *state, gv_reader *reader)
{
    lp_state *lp = state;
    return gv_reader_get(reader, NAME, &lp->multiplier, sizeof lp->multiplier);
}

static void lp_fini(void *state)
{
    lp_state *lp = state;
    gv_ladder_destroy(lp->ladder);
    gv_mem_free(lp->costs_left);
    gv_mem_free(lp->tick_first);
}

const gv_policy_type gv_policy_online_lp = {
    .info = {.name = NAME,
             .summary = "the multiplier that would have spent the budget left in a past period",
             .source = "OnlineLp baseline of AuctionNet, public code",
             .params = lp_params,
             .config_size = sizeof(lp_config)},
    .state_size = sizeof(lp_state),
    .reads = GV_READS_PCVR,
    .needs_history = true,
    .fit = lp_fit,
    .init = lp_init,
    .bid = lp_bid,
    .tick = lp_tick,
    .save = lp_save,
    .restore = lp_restore,
    .fini = lp_fini,
};
