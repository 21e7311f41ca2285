/*
 * AuctionNet's overspend rule, as its public run/run_test.py has it (run_test, adjust_over_cost):
 *
 *   bids of the tick: 0 for whoever has less left than the least that counts
 *   again:
 *     sell the whole tick; cost[a] = what a's wins that are seen cost
 *     ratio[a] = max((cost[a] - left[a]) / (cost[a] + 1e-4), 0)
 *     where some ratio is above 0, for each such a and each slot: of a's wins in that slot, seen or
 *     not, ceil(their number x ratio[a]) at random, without replacement, get a bid of 0
 *   until no ratio is above 0
 *
 * Who is seen and converts is drawn by opportunity, so a rerun meets the same users, as there. The
 * original draws wins from a generator that restarts from one seed; here draws are keyed by tick,
 * seat, slot and pass. Wins with a bid of 0 are not drawn: they cost nothing, and dropping one
 * would change nothing, for ever.
 *
 * The bids are settled when the tick begins; pieces then sell them by the exchange's own code.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE, TICK_SHIFT = 32, SEAT_SHIFT = 8, PASS_SHIFT = 32 };

#define NOBODY UINT32_MAX

/* 1e-4 of the currency, which keeps the original from dividing by 0. */
static const double little_nanos = 1e-4 * (double)GV_NANOS_PER_UNIT;

bool gv_exchange_allocate_tick(gv_exchange *x)
{
    const gv_exchange_config *config = &x->config;
    if (config->overspend == GV_OVERSPEND_EXACT) {
        return true;
    }
    uint64_t widest = 1;
    for (size_t tick = 0; tick < config->tick_count; tick++) {
        const uint64_t count = gv_traffic_count(config->traffic, tick);
        widest = count > widest ? count : widest;
    }
    x->tick_stride = (size_t)widest;
    x->tick_bids = gv_mem_alloc_vector(config->seat_count * widest, sizeof *x->tick_bids);
    x->tick_winners = gv_mem_alloc_vector(config->slot_count * widest, sizeof *x->tick_winners);
    x->tick_wins = gv_mem_alloc_vector(widest, sizeof *x->tick_wins);
    x->tick_costs = gv_mem_alloc(0, config->seat_count, sizeof *x->tick_costs);
    return x->tick_bids != NULL && x->tick_winners != NULL && x->tick_wins != NULL &&
           x->tick_costs != NULL;
}

/* How many of the tick's opportunities, from `at` on, make a piece. */
static size_t piece_at(const gv_exchange *x, size_t at)
{
    const size_t left = (size_t)gv_traffic_count(x->config.traffic, x->tick) - at;
    return left < PIECE ? left : PIECE;
}

static void ask_piece(gv_exchange *x, size_t at, size_t count)
{
    x->piece_times = gv_exchange_times(x, x->tick, count);
    gv_exchange_find_values(x);
    for (size_t seat = 0; seat < x->config.seat_count; seat++) {
        int64_t *bids = x->tick_bids + seat * x->tick_stride + at;
        if (x->states[seat].budget_left_nanos < x->config.min_remaining_nanos) {
            memset(bids, 0, count * sizeof *bids);
            continue;
        }
        gv_exchange_ask(x, seat, count, bids);
        gv_exchange_count_odd(x, seat, bids, count);
    }
}

/* Stops at INT64_MAX: offers may be absurd, and no budget lowered them. */
static void add_cost(int64_t *sum, int64_t nanos)
{
    *sum = *sum > INT64_MAX - nanos ? INT64_MAX : *sum + nanos;
}

/* Who wins a slot of a page for a price, NOBODY where none is paid. */
static uint32_t winner_of(const gv_exchange *x, size_t slot, size_t row)
{
    const gv_rivals *rivals = x->config.rivals;
    const int64_t key = x->keys[slot * PIECE + row];
    if (x->asked[slot * PIECE + row] < 0 || gv_ranking_offer(&x->ranking, key) == 0) {
        return NOBODY;
    }
    const uint32_t bidder = gv_ranking_bidder(&x->ranking, key);
    if (rivals == NULL) {
        return bidder;
    }
    return bidder == rivals->number ? 0 : NOBODY;
}

/* Who wins the slots of a page, and what it costs them. */
static void note_page(gv_exchange *x, size_t at, size_t row)
{
    const size_t i = at + x->pages[row];
    const uint32_t seen = x->piece_seen[x->pages[row]];
    for (size_t slot = 0; slot < x->config.slot_count; slot++) {
        const uint32_t winner = winner_of(x, slot, row);
        x->tick_winners[slot * x->tick_stride + i] = winner;
        if (winner != NOBODY && (seen >> slot & 1) != 0) {
            add_cost(&x->tick_costs[winner], x->asked[slot * PIECE + row]);
        }
    }
}

static void sell_piece(gv_exchange *x, size_t at, size_t count)
{
    for (size_t seat = 0; seat < x->config.seat_count; seat++) {
        memcpy(x->bids + seat * PIECE, x->tick_bids + seat * x->tick_stride + at,
               count * sizeof *x->bids);
        gv_exchange_offer_freely(x, seat, count);
    }
    for (size_t slot = 0; slot < x->config.slot_count; slot++) {
        memset(x->tick_winners + slot * x->tick_stride + at, 0xff, count * sizeof *x->tick_winners);
    }
    x->page_count = 0;
    gv_exchange_list_pages(x, 0, count);
    gv_exchange_rank(x, 0);
    gv_response_seen_all(x->config.response, x->next, count, x->piece_seen);
    for (size_t row = 0; row < x->page_count; row++) {
        note_page(x, at, row);
    }
}

static void sell_tick(gv_exchange *x)
{
    const uint64_t first = x->next;
    const size_t count = (size_t)gv_traffic_count(x->config.traffic, x->tick);
    memset(x->tick_costs, 0, x->config.seat_count * sizeof *x->tick_costs);
    for (size_t at = 0; at < count; at += PIECE) {
        x->next = first + at;
        sell_piece(x, at, piece_at(x, at));
    }
    x->next = first;
}

/* The seat's wins in one slot, by place in the tick. Returns how many. */
static size_t gather_wins(const gv_exchange *x, size_t seat, size_t slot)
{
    const size_t count = (size_t)gv_traffic_count(x->config.traffic, x->tick);
    const uint32_t *winners = x->tick_winners + slot * x->tick_stride;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (winners[i] == seat) {
            x->tick_wins[found++] = (uint32_t)i;
        }
    }
    return found;
}

/* The first `dropped` of a random order of the seat's wins in the slot. */
static void drop_wins(gv_exchange *x, size_t seat, size_t slot, double ratio, uint64_t pass)
{
    const uint64_t entity = (uint64_t)x->tick << TICK_SHIFT | seat << SEAT_SHIFT | slot;
    const gv_random random = gv_random_key(x->config.seed, GV_STREAM_OVERSPEND, entity);
    const size_t found = gather_wins(x, seat, slot);
    const size_t dropped = (size_t)ceil((double)found * ratio);
    assert(dropped <= found);
    for (size_t i = 0; i < dropped; i++) {
        const size_t pick = i + (size_t)gv_random_below(&random, pass << PASS_SHIFT | i, found - i);
        const uint32_t win = x->tick_wins[pick];
        x->tick_wins[pick] = x->tick_wins[i];
        x->tick_bids[seat * x->tick_stride + win] = 0;
    }
}

/* True when somebody had to drop wins. */
static bool drop_what_is_over(gv_exchange *x, uint64_t pass)
{
    bool is_over = false;
    for (size_t seat = 0; seat < x->config.seat_count; seat++) {
        const int64_t cost = x->tick_costs[seat];
        const int64_t over = cost - x->states[seat].budget_left_nanos;
        if (over <= 0) {
            continue;
        }
        is_over = true;
        const double ratio = (double)over / ((double)cost + little_nanos);
        for (size_t slot = 0; slot < x->config.slot_count; slot++) {
            drop_wins(x, seat, slot, ratio, pass);
        }
    }
    return is_over;
}

void gv_exchange_settle_bids(gv_exchange *x)
{
    const uint64_t first = x->next;
    const size_t count = (size_t)gv_traffic_count(x->config.traffic, x->tick);
    for (size_t at = 0; at < count; at += PIECE) {
        x->next = first + at;
        ask_piece(x, at, piece_at(x, at));
    }
    x->next = first;
    uint64_t pass = 0;
    do {
        sell_tick(x);
    } while (drop_what_is_over(x, pass++));
}
