/*
 * Prices and settles the opportunities of one batch.
 *
 * Fast path: a batch is priced in one call and settled in chunks. A chunk that the budget could
 * pay for, highest offer included, is settled by vectors alone. Where the budget binds, offers
 * are lowered to what is left; as long as nothing is paid then, nothing changes and vectors still
 * do. Only a chunk in which the budget binds and something is paid goes auction by auction.
 *
 * Reference path: gv_settle_one(), by the plain rules of mechanism.h.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/market/replay_impl.h"

/* What clicks are to be expected by: the truth where it is known, or else what is believed. */
static const double *click_rates(const gv_opportunities *piece)
{
    return piece->truth == NULL ? piece->pctr : piece->truth;
}

static uint64_t id_of(const gv_opportunities *piece, size_t row)
{
    return piece->ids == NULL ? piece->first_id + row : piece->ids[row];
}

static gv_batch batch_of(const gv_replay *replay, size_t count)
{
    const gv_opportunities *piece = &replay->piece;
    const gv_campaign *campaign = replay->config.campaign;
    const uint64_t from = replay->state.offset;
    gv_batch batch = {
        .count = count,
        .first_id = piece->first_id + from,
        .ids = piece->ids == NULL ? NULL : piece->ids + from,
        .time_us = piece->time_us + from,
        .floor_nanos = piece->floor_nanos == NULL ? NULL : piece->floor_nanos + from,
        .pctr = piece->pctr == NULL ? NULL : piece->pctr + from,
        .pcvr = piece->pcvr == NULL ? NULL : piece->pcvr + from,
        .budget_left_nanos = replay->state.budget_left_nanos,
        .auctions_left = GV_AUCTIONS_UNKNOWN,
    };
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        batch.auctions_left = campaign->episode_auctions - replay->state.episode_auctions;
    }
    return batch;
}

/* What the policy means to bid, and of it the bids that are made. */
static void bid(const gv_replay *replay, const gv_batch *batch, int64_t *bids)
{
    const gv_exploration *exploration = replay->config.exploration;
    gv_policy_bid(replay->config.policy, batch, bids);
    if (replay->intended != NULL) {
        memcpy(replay->intended, bids, batch->count * sizeof *bids);
    }
    if (gv_exploration_is_on(exploration)) {
        gv_explore_all(exploration, batch->first_id, batch->ids, batch->count, bids);
    }
}

/* Tells the policy of `count` settled auctions, the first of them row `row` of the piece. */
static void tell(gv_replay *replay, size_t row, const int64_t *offers, const int64_t *prices,
                 size_t count)
{
    const gv_opportunities *piece = &replay->piece;
    for (size_t i = 0; i < count; i++) {
        const bool won = prices[i] >= 0;
        replay->outcomes[i] = (gv_outcome){
            .kind = GV_OUTCOME_AUCTION,
            .opportunity = id_of(piece, row + i),
            .time_us = piece->time_us[row + i],
            .bid_nanos = offers[i],
            .price_nanos = won ? prices[i] : 0,
            .won = won,
            .pctr = piece->pctr == NULL ? 0.0 : piece->pctr[row + i],
            .pcvr = piece->pcvr == NULL ? 0.0 : piece->pcvr[row + i],
            .least_cost_nanos = GV_NO_BID,
        };
    }
    gv_policy_observe(replay->config.policy, replay->outcomes, count);
}

static void settle_vector(const gv_replay *replay, size_t row, const int64_t *offers, size_t count,
                          int64_t *prices)
{
    const gv_opportunities *piece = &replay->piece;
    const int64_t *floors = piece->floor_nanos == NULL ? NULL : piece->floor_nanos + row;
    gv_mechanism_settle_all(&replay->config.mechanism, offers, piece->rival_nanos + row, floors,
                            count, prices);
}

/* Auction by auction, each offer lowered to what the ones before it left of the budget. */
static void settle_in_turn(const gv_replay *replay, size_t row, int64_t *offers, size_t count,
                           int64_t *prices)
{
    const gv_opportunities *piece = &replay->piece;
    int64_t left = replay->state.budget_left_nanos;
    for (size_t i = 0; i < count; i++) {
        const int64_t floor = piece->floor_nanos == NULL ? 0 : piece->floor_nanos[row + i];
        offers[i] = gv_mechanism_offer(&replay->config.mechanism, offers[i], left);
        prices[i] = -1;
        if (gv_mechanism_settle(&replay->config.mechanism, offers[i], piece->rival_nanos[row + i],
                                floor, &prices[i])) {
            left -= prices[i];
        }
    }
    assert(left >= 0);
}

/*
 * Whether offers that were made against all of `left` stand as they are. They do when the highest
 * still fits after all is paid; above all, when nothing was paid.
 */
static bool budget_suffices(const gv_chunk_sums *sums, int64_t left)
{
    return sums->tally.spend_nanos <= left && sums->offer_max <= left - sums->tally.spend_nanos;
}

/*
 * The offers are left as they were made: lowered where the budget bound. Whether they are lowered
 * before the first try or after it is a guess from the last chunk, and of no account to the
 * outcome.
 */
static gv_tally settle_within_budget(gv_replay *replay, size_t row, int64_t *offers, size_t count,
                                     int64_t *prices)
{
    const int64_t left = replay->state.budget_left_nanos;
    if (!replay->is_tight) {
        settle_vector(replay, row, offers, count, prices);
        const gv_chunk_sums sums = gv_settle_sum(offers, prices, count);
        if (budget_suffices(&sums, left)) {
            return sums.tally;
        }
    }
    gv_mechanism_offer_all(&replay->config.mechanism, offers, left, count, replay->lowered);
    settle_vector(replay, row, replay->lowered, count, prices);
    const gv_chunk_sums sums = gv_settle_sum(replay->lowered, prices, count);
    replay->is_tight = sums.offer_max >= left - left / 4;
    if (budget_suffices(&sums, left)) {
        memcpy(offers, replay->lowered, count * sizeof *offers);
        return sums.tally;
    }
    settle_in_turn(replay, row, offers, count, prices);
    return gv_settle_sum(offers, prices, count).tally;
}

static void settle_chunk(gv_replay *replay, size_t at, size_t count)
{
    const gv_opportunities *piece = &replay->piece;
    const size_t row = replay->state.offset + at;
    int64_t *offers = replay->offers + at;
    int64_t *prices = replay->prices + at;

    gv_tally tally = settle_within_budget(replay, row, offers, count, prices);
    const double *rates = click_rates(piece);
    if (rates != NULL) {
        tally.expected_nanoclicks = gv_settle_sum_clicks(prices, rates + row, count);
        if (piece->pcvr != NULL) {
            tally.expected_nanoconversions =
                gv_settle_sum_conversions(prices, rates + row, piece->pcvr + row, count);
        }
    }
    replay->state.budget_left_nanos -= tally.spend_nanos;
    assert(replay->state.budget_left_nanos >= 0);
    gv_tally_add(gv_book_open_tally(replay), &tally);
    if (replay->outcomes != NULL) {
        tell(replay, row, offers, prices, count);
    }
}

void gv_settle_batch(gv_replay *replay, size_t count)
{
    const gv_batch batch = batch_of(replay, count);
    bid(replay, &batch, replay->offers);
    gv_mechanism_offer_all(&replay->config.mechanism, replay->offers,
                           replay->config.campaign->bid_cap_nanos, count, replay->offers);
    for (size_t at = 0; at < count; at += GV_SETTLE_CHUNK) {
        const size_t rest = count - at;
        settle_chunk(replay, at, rest < GV_SETTLE_CHUNK ? rest : GV_SETTLE_CHUNK);
    }
}

/* The reference's own: the check of what settle_vector.c does. */
static int64_t nano_events_plainly(double probability)
{
    if (!(probability > 0.0)) {
        return 0;
    }
    return llrint((probability < 1.0 ? probability : 1.0) * GV_NANO_EVENTS);
}

static gv_tally tally_one(const gv_opportunities *piece, size_t row, int64_t offer, int64_t price)
{
    const bool won = price >= 0;
    gv_tally tally = {
        .auctions = 1,
        .bids = offer > 0,
        .wins = won,
        .bid_nanos = offer > 0 ? offer : 0,
        .spend_nanos = won ? price : 0,
    };
    const double *rates = click_rates(piece);
    if (won && rates != NULL) {
        tally.expected_nanoclicks = nano_events_plainly(rates[row]);
        if (piece->pcvr != NULL) {
            tally.expected_nanoconversions = nano_events_plainly(rates[row] * piece->pcvr[row]);
        }
    }
    return tally;
}

void gv_settle_one(gv_replay *replay)
{
    const gv_opportunities *piece = &replay->piece;
    const size_t row = replay->state.offset;
    const gv_batch batch = batch_of(replay, 1);
    int64_t own = 0;
    bid(replay, &batch, &own);

    const int64_t cap = replay->config.campaign->bid_cap_nanos;
    const int64_t left = replay->state.budget_left_nanos;
    const int64_t offer =
        gv_mechanism_offer(&replay->config.mechanism, own, cap < left ? cap : left);
    const int64_t floor = piece->floor_nanos == NULL ? 0 : piece->floor_nanos[row];
    int64_t price = -1;
    if (gv_mechanism_settle(&replay->config.mechanism, offer, piece->rival_nanos[row], floor,
                            &price)) {
        replay->state.budget_left_nanos -= price;
    }
    replay->offers[0] = offer;
    replay->prices[0] = price;
    const gv_tally tally = tally_one(piece, row, offer, price);
    gv_tally_add(gv_book_open_tally(replay), &tally);
    if (replay->outcomes != NULL) {
        tell(replay, row, &offer, &price, 1);
    }
}
