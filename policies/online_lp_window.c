/*
 * Online LP on a sliding window: the fractional knapsack of what the last ticks offered, solved
 * anew at each tick for the budget left.
 *
 *     an opportunity of value v that had cost c has ratio r = c / v
 *     window: the opportunities of the last W ticks, n in all; N are to come
 *     alpha: the ratio up to which the window costs (budget left) x n / N, or the ratio up to
 *            which a conversion of the window costs the CPA, whichever is lower
 *     bid = min(alpha, most_cpas x CPA) x pCVR
 *
 * The published table of AuctionNet's online LP is solved beforehand (see online_lp.c); to solve it
 * on the last W ticks, W = 48, the CPA in the knapsack, and all that follows are ours. c is what
 * had to be beaten for the last slot; a replay does not tell that, and then only wins teach, by
 * what they cost. N is what the market announces for the tick, and for each later one the window's
 * mean. Where nothing binds, alpha is the most. Nothing of the window is kept one by one: a tick
 * holds cost and value in bins of r, 16 to an octave over 14 octaves below the most (all cheaper
 * ones in the first), and within a bin cost is taken to rise in a straight line. So alpha is known
 * to a sixteenth or better, and a tick is 3.6 KB.
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "policies/cpa_impl.h"
#include "policies/price_impl.h"
#include "policies/types_impl.h"
#include "sim/base/mem.h"
#include "sim/market/seat.h"

/* A bin holds the ratios that share an exponent and the first 4 bits behind it. */
enum { BINS = 14 * 16, BIN_SHIFT = 52 - 4 };

#define NAME "online_lp_window"

typedef struct window_config {
    int64_t cpa_nanos;
    double most_cpas;
    int64_t window;
} window_config;

/* Whole numbers, so that what was added can be taken away to the bit. */
typedef struct tick_bins {
    int64_t count; /* opportunities, those of no bin included */
    int64_t cost_nanos[BINS];
    int64_t value_units[BINS]; /* GV_VALUE_UNITS */
} tick_bins;

/* What a checkpoint holds, with the ticks. */
typedef struct window_book {
    double multiplier; /* nanos a conversion */
    uint64_t open;     /* which tick is being filled */
    uint64_t begun;    /* ticks; 0: not even the first */
    tick_bins sum;     /* of all ticks but the open one */
} window_book;

typedef struct window_state {
    double cpa_nanos;
    double most_nanos;
    int64_t base;     /* the first bits of bin 0 */
    size_t tick_room; /* the window and the open one */
    tick_bins *ticks; /* [tick_room], in turn */
    window_book book;
} window_state;

static const gv_param window_params[] = {
    GV_CPA_PARAM,
    GV_CPA_MOST_PARAM(window_config, "1.5", "OnlineLp baseline of AuctionNet, public code"),
    {.name = "window",
     .kind = GV_PARAM_INTEGER,
     .unit = "ticks",
     .fallback = "48",
     .minimum = 1,
     .maximum = 10000,
     .offset = offsetof(window_config, window),
     .help = "how many of the last ticks count",
     .source = "ours"},
    {0},
};

/* ---- bins ------------------------------------------------------------------------------------ */

static int64_t first_bits(double positive)
{
    int64_t bits = 0;
    memcpy(&bits, &positive, sizeof bits);
    return bits >> BIN_SHIFT;
}

static double lower_edge(const window_state *state, size_t bin)
{
    const int64_t bits = (state->base + (int64_t)bin) << BIN_SHIFT;
    double edge = 0;
    memcpy(&edge, &bits, sizeof edge);
    return edge;
}

static void add_auction(const window_state *state, tick_bins *tick, double value, int64_t cost)
{
    tick->count++;
    if (cost < 0 || !(value > 0)) {
        return;
    }
    const int64_t above = first_bits((double)cost / value) - state->base;
    if (above >= BINS) {
        return;
    }
    const size_t bin = above > 0 ? (size_t)above : 0;
    tick->cost_nanos[bin] += cost;
    tick->value_units[bin] += (int64_t)(value * GV_VALUE_UNITS + 0.5);
}

static void add_bins(tick_bins *sum, const tick_bins *part, int64_t times)
{
    sum->count += times * part->count;
    for (size_t bin = 0; bin < BINS; bin++) {
        sum->cost_nanos[bin] += times * part->cost_nanos[bin];
        sum->value_units[bin] += times * part->value_units[bin];
    }
}

/* Closes the open tick into the window and opens the next, which takes the oldest one's place. */
static void turn(window_state *state)
{
    window_book *book = &state->book;
    if (book->begun > 0) {
        add_bins(&book->sum, &state->ticks[book->open], 1);
        book->open = (book->open + 1) % state->tick_room;
        add_bins(&book->sum, &state->ticks[book->open], -1);
        memset(&state->ticks[book->open], 0, sizeof state->ticks[book->open]);
    }
    book->begun++;
}

/* ---- solving --------------------------------------------------------------------------------- */

/*
 * The part of a bin, in [0, 1], up to which neither budget nor CPA is broken, when `cost` and
 * `value` lie below it. Within the bin both rise in a straight line.
 */
static double part_within(const window_state *state, double cost, double value, size_t bin,
                          double budget)
{
    const double more = (double)state->book.sum.cost_nanos[bin];
    const double gain = (double)state->book.sum.value_units[bin] / GV_VALUE_UNITS;
    double part = 1;
    if (cost + more > budget) {
        part = (budget - cost) / more;
    }
    const double slack = state->cpa_nanos * value - cost;
    const double loss = more - state->cpa_nanos * gain;
    if (loss > slack) {
        part = fmin(part, slack / loss);
    }
    return fmax(part, 0);
}

static double solve(const window_state *state, double budget)
{
    const tick_bins *sum = &state->book.sum;
    double cost = 0;
    double value = 0;
    for (size_t bin = 0; bin < BINS; bin++) {
        const double part = part_within(state, cost, value, bin, budget);
        if (part < 1) {
            const double low = lower_edge(state, bin);
            return fmin(low + part * (lower_edge(state, bin + 1) - low), state->most_nanos);
        }
        cost += (double)sum->cost_nanos[bin];
        value += (double)sum->value_units[bin] / GV_VALUE_UNITS;
    }
    return state->most_nanos;
}

static void plan(window_state *state, const gv_observation *seen)
{
    turn(state);
    const window_book *book = &state->book;
    if (book->sum.count == 0 || seen->tick_count == 0) {
        return;
    }
    const uint64_t closed = book->begun - 1;
    const uint64_t window = state->tick_room - 1;
    const double mean = (double)book->sum.count / (double)(closed < window ? closed : window);
    const double ticks_left = (double)(seen->tick_count - seen->tick);
    const double now = seen->market.is_market ? (double)seen->market.announced_count : mean;
    const double to_come = now + mean * (ticks_left - 1);
    if (to_come > 0) {
        const double share = (double)book->sum.count / to_come;
        state->book.multiplier = solve(state, (double)seen->budget_left_nanos * share);
    }
}

/* ---- the policy ------------------------------------------------------------------------------ */

static gv_status window_init(void *object, const gv_policy_setup *setup)
{
    const window_config *config = setup->config;
    window_state *state = object;
    GV_TRY(gv_cpa_find(config->cpa_nanos, setup->campaign, NAME, &state->cpa_nanos));
    state->most_nanos = state->cpa_nanos * config->most_cpas;
    state->base = first_bits(state->most_nanos) - (BINS - 1);
    state->book.multiplier = fmin(state->cpa_nanos, state->most_nanos);
    state->tick_room = (size_t)config->window + 1;
    state->ticks = gv_mem_alloc(0, state->tick_room, sizeof *state->ticks);
    if (state->ticks == NULL) {
        return GV_FAIL(GV_ENOMEM, NAME ": no memory for a window of %zu ticks",
                       state->tick_room - 1);
    }
    return GV_OK;
}

static void window_bid(void *object, const gv_batch *batch, int64_t *bids)
{
    const window_state *state = object;
    gv_price_scale(batch->pcvr, batch->count, state->book.multiplier, bids);
}

static void window_observe(void *object, const gv_outcome *outcomes, size_t count)
{
    window_state *state = object;
    for (size_t i = 0; i < count; i++) {
        const gv_outcome *outcome = &outcomes[i];
        if (outcome->kind != GV_OUTCOME_AUCTION) {
            continue;
        }
        const bool is_known = outcome->least_cost_nanos >= 0;
        const int64_t paid = outcome->won ? outcome->price_nanos : GV_NO_BID;
        add_auction(state, &state->ticks[state->book.open], outcome->pcvr,
                    is_known ? outcome->least_cost_nanos : paid);
    }
}

static void window_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan(states[i], &observations[i]);
    }
}

static gv_status window_save(const void *object, gv_writer *writer)
{
    const window_state *state = object;
    GV_TRY(gv_writer_put(writer, NAME, &state->book, sizeof state->book));
    return gv_writer_put(writer, NAME, state->ticks, state->tick_room * sizeof *state->ticks);
}

static gv_status window_restore(void *object, gv_reader *reader)
{
    window_state *state = object;
    GV_TRY(gv_reader_get(reader, NAME, &state->book, sizeof state->book));
    if (state->book.open >= state->tick_room) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint's window is of more than %zu ticks",
                       state->tick_room - 1);
    }
    return gv_reader_get(reader, NAME, state->ticks, state->tick_room * sizeof *state->ticks);
}

static void window_fini(void *object)
{
    window_state *state = object;
    gv_mem_free(state->ticks);
}

const gv_policy_type gv_policy_online_lp_window = {
    .info = {.name = NAME,
             .summary = "the multiplier that would have spent the budget left in the last ticks",
             .source = "ours, after the OnlineLp baseline of AuctionNet",
             .params = window_params,
             .config_size = sizeof(window_config)},
    .state_size = sizeof(window_state),
    .reads = GV_READS_PCVR,
    .fit = gv_cpa_fit,
    .init = window_init,
    .bid = window_bid,
    .tick = window_tick,
    .observe = window_observe,
    .save = window_save,
    .restore = window_restore,
    .fini = window_fini,
};
