/*
 * One piece of opportunities: offers, ranks, awards. The piece is settled in order; where a
 * payment leaves a campaign less than its highest remaining offer, the rest of the piece is
 * offered and ranked again with what that campaign has left.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/vector.h"
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE };

typedef struct offer_sum {
    int64_t nanos;
    int64_t bid_count;
} offer_sum;

GV_VECTOR static int64_t highest_of(const int64_t *offers, size_t count)
{
    int64_t highest = 0;
    for (size_t i = 0; i < count; i++) {
        highest = offers[i] > highest ? offers[i] : highest;
    }
    return highest;
}

GV_VECTOR static offer_sum sum_of(const int64_t *offers, size_t count)
{
    offer_sum sum = {0, 0};
    for (size_t i = 0; i < count; i++) {
        sum.nanos += offers[i] > 0 ? offers[i] : 0;
        sum.bid_count += offers[i] > 0 ? 1 : 0;
    }
    return sum;
}

GV_VECTOR static void widen(const float *values, size_t count, double *believed)
{
    for (size_t i = 0; i < count; i++) {
        believed[i] = (double)values[i];
    }
}

static int64_t units_of(double value)
{
    return (int64_t)(value * GV_VALUE_UNITS + 0.5);
}

static const float *values_of(const gv_exchange *exchange, size_t seat)
{
    const uint64_t in_tick =
        exchange->next - gv_traffic_before(exchange->config.traffic, exchange->tick);
    return exchange->tick_values + seat * exchange->values_stride + in_tick;
}

/* From `from` on, the offers that the seat's bids make with the budget that it has left. */
static void offer(gv_exchange *exchange, size_t seat, size_t from, size_t count)
{
    const gv_exchange_config *config = &exchange->config;
    seat_state *state = &exchange->states[seat];
    const int64_t cap = config->seats[seat].campaign->bid_cap_nanos;
    const int64_t packed = gv_ranking_offer_max(&exchange->ranking);
    const int64_t limit = cap < packed ? cap : packed;
    const int64_t left = state->budget_left_nanos;
    int64_t *offers = exchange->offers + seat * PIECE;
    gv_mechanism_offer_all(&config->mechanism, exchange->bids + seat * PIECE + from,
                           left < limit ? left : limit, count - from, offers + from);
    state->highest_offer = highest_of(offers + from, count - from);
    state->is_short = false;
}

static void price(gv_exchange *exchange, size_t seat, size_t count)
{
    const seat_state *state = &exchange->states[seat];
    widen(values_of(exchange, seat), count, exchange->believed);
    const gv_batch batch = {
        .count = count,
        .first_id = exchange->next,
        .time_us = exchange->times,
        .pcvr = exchange->believed,
        .budget_left_nanos = state->budget_left_nanos,
        .auctions_left = GV_AUCTIONS_UNKNOWN,
    };
    gv_policy_bid(exchange->config.seats[seat].policy, &batch, exchange->bids + seat * PIECE);
    offer(exchange, seat, 0, count);
}

/* The offers of one auction, the lone seat's and the recorded others' alike. Returns how many. */
static size_t gather_entries(gv_exchange *exchange, size_t i)
{
    const gv_rivals *rivals = exchange->config.rivals;
    gv_bid *entries = exchange->entries;
    size_t bid_count = 0;
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        const int64_t amount = exchange->offers[seat * PIECE + i];
        if (amount >= 0) {
            entries[bid_count++] = (gv_bid){gv_exchange_bidder(exchange, seat), amount};
        }
    }
    for (size_t place = 0; rivals != NULL && place < exchange->ranking.places; place++) {
        const gv_record *record = rivals->record;
        const int64_t key = record->keys[place * record->count + exchange->next + i];
        if (key >= 0 && gv_ranking_bidder(&exchange->ranking, key) != rivals->number) {
            entries[bid_count++] = (gv_bid){gv_ranking_bidder(&exchange->ranking, key),
                                            gv_ranking_offer(&exchange->ranking, key)};
        }
    }
    return bid_count;
}

static int64_t amount_of(const gv_bid *entries, uint32_t bidder)
{
    while (entries->bidder != bidder) {
        entries++;
    }
    return entries->amount_nanos;
}

/* One auction by auction.h: its awards, as the keys that the vector ranking would give. */
static void rank_by_reference(gv_exchange *exchange, size_t i)
{
    const size_t places = exchange->ranking.places;
    const size_t bid_count = gather_entries(exchange, i);
    const size_t sold =
        gv_auction_run(exchange->auction, exchange->entries, bid_count, exchange->awards);
    for (size_t place = 0; place < places; place++) {
        int64_t key = -1;
        if (place < sold) {
            const uint32_t bidder = exchange->awards[place].bidder;
            key = gv_ranking_key(&exchange->ranking, amount_of(exchange->entries, bidder), bidder);
        }
        exchange->keys[place * PIECE + i] = key;
    }
}

/* The lone seat's offers among those of the recorded others. */
static void join(gv_exchange *exchange, size_t from, size_t count)
{
    const gv_rivals *rivals = exchange->config.rivals;
    const gv_record *record = rivals->record;
    const gv_bidder_offers own = {rivals->number, exchange->offers + from, count - from};
    gv_ranking_join(&exchange->ranking, record->keys + exchange->next + from, record->count, own,
                    PIECE, exchange->keys + from);
}

static void rank(gv_exchange *exchange, size_t from, size_t count)
{
    if (!exchange->config.reference && exchange->config.rivals != NULL) {
        join(exchange, from, count);
        return;
    }
    if (!exchange->config.reference) {
        gv_ranking_best(&exchange->ranking, exchange->offers + from, PIECE, count - from,
                        exchange->keys + from);
        return;
    }
    for (size_t i = from; i < count; i++) {
        rank_by_reference(exchange, i);
    }
}

/* The offer in a place, no less than the reserve, which is what an empty place costs. */
static int64_t offer_at(const gv_exchange *exchange, size_t place, size_t i)
{
    const int64_t key = exchange->keys[place * PIECE + i];
    const int64_t amount = gv_ranking_offer(&exchange->ranking, key);
    const int64_t reserve = exchange->config.mechanism.reserve_nanos;
    return amount > reserve ? amount : reserve;
}

static void pay(seat_state *state, int64_t amount)
{
    assert(amount <= state->budget_left_nanos);
    state->budget_left_nanos -= amount;
    state->now.tally.spend_nanos += amount;
    state->is_short = state->budget_left_nanos < state->highest_offer;
}

/*
 * When a conversion becomes visible to a policy that listens, it may bid otherwise from then on:
 * the piece ends there. One that does not listen learns of it at a tick, so the tick is all that
 * has to be found.
 */
static void convert_later(gv_exchange *exchange, size_t seat, size_t i, int64_t time_us)
{
    const gv_exchange_config *config = &exchange->config;
    const uint64_t opportunity = exchange->next + i;
    if (!gv_policy_listens(config->seats[seat].policy)) {
        ++*gv_exchange_coming_at(exchange, seat, time_us);
        return;
    }
    (void)gv_sim_schedule(exchange->sim, (gv_event){.time_us = time_us,
                                                    .priority = GV_EXCHANGE_BEFORE_ARRIVALS,
                                                    .kind = GV_EXCHANGE_CONVERSION,
                                                    .subject = seat,
                                                    .payload = {(int64_t)opportunity, 0}});
    size_t end = i + 1;
    while (end < exchange->piece_end && exchange->times[end] < time_us) {
        end++;
    }
    exchange->piece_end = end;
}

/* The ad is seen: it costs, and may convert. True when it does. */
static bool show(gv_exchange *exchange, size_t seat, size_t i, int64_t amount, double value)
{
    seat_state *state = &exchange->states[seat];
    state->now.exposures++;
    state->now.exposed_value_units += units_of(value);
    pay(state, amount);
    int64_t delay_us = 0;
    if (!gv_response_converts(exchange->config.response, exchange->next + i,
                              gv_exchange_bidder(exchange, seat), value, &delay_us)) {
        return false;
    }
    convert_later(exchange, seat, i, exchange->times[i] + delay_us);
    return true;
}

/* The threshold of a slot's winner is one place further down than a loser's. */
static int64_t winner_correction(const gv_exchange *exchange, size_t i)
{
    const gv_exchange_config *config = &exchange->config;
    if (config->least_cost == GV_LEAST_COST_AUCTIONNET) {
        return 0;
    }
    return offer_at(exchange, config->slot_count, i) -
           offer_at(exchange, config->slot_count - 1, i);
}

/* For the tap, where there is one. */
static void leave_unsold(gv_exchange *exchange, size_t i)
{
    if (exchange->config.tap == NULL) {
        return;
    }
    for (size_t slot = 0; slot < exchange->config.slot_count; slot++) {
        exchange->slot_prices[slot * PIECE + i] = GV_NO_BID;
        exchange->slot_states[slot * PIECE + i] = 0;
    }
}

static void note_slot(gv_exchange *exchange, size_t slot, size_t i, int64_t price, unsigned state)
{
    exchange->slot_prices[slot * PIECE + i] = price;
    exchange->slot_states[slot * PIECE + i] = (uint8_t)state;
}

/* Whether a lone seat has no slot: then nothing here is anybody's business. */
static bool is_others_affair(const gv_exchange *exchange, size_t i)
{
    const gv_rivals *rivals = exchange->config.rivals;
    if (rivals == NULL) {
        return false;
    }
    for (size_t slot = 0; slot < exchange->config.slot_count; slot++) {
        const int64_t key = exchange->keys[slot * PIECE + i];
        if (key >= 0 && gv_ranking_bidder(&exchange->ranking, key) == rivals->number) {
            return false;
        }
    }
    return true;
}

/* One slot goes to a seat. True when its campaign ran short. */
static bool award_slot(gv_exchange *exchange, size_t slot, size_t i, size_t seat, bool is_seen)
{
    const gv_exchange_config *config = &exchange->config;
    const int64_t own = gv_ranking_offer(&exchange->ranking, exchange->keys[slot * PIECE + i]);
    const int64_t amount = config->mechanism.type->price(own, offer_at(exchange, slot + 1, i));
    if (config->reserve_unsold && amount == config->mechanism.reserve_nanos) {
        return false;
    }
    seat_state *state = &exchange->states[seat];
    const double value = (double)values_of(exchange, seat)[i];
    state->now.tally.wins++;
    state->now.won_value_units += units_of(value);
    state->now.least_cost_nanos += winner_correction(exchange, i);
    exchange->paid[seat * PIECE + i] = is_seen ? amount : 0;
    const bool converts = is_seen && show(exchange, seat, i, amount, value);
    note_slot(exchange, slot, i, amount,
              (is_seen ? GV_SLOT_SEEN : 0U) | (converts ? GV_SLOT_CONVERTS : 0U));
    return is_seen && state->is_short;
}

/* Slot by slot. True when a campaign ran short. */
static bool award(gv_exchange *exchange, size_t i)
{
    const gv_exchange_config *config = &exchange->config;
    const gv_rivals *rivals = config->rivals;
    leave_unsold(exchange, i);
    if (is_others_affair(exchange, i)) {
        return false;
    }
    const uint32_t seen = gv_response_seen(config->response, exchange->next + i);
    bool ran_short = false;
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        const int64_t key = exchange->keys[slot * PIECE + i];
        if (key < 0 ||
            gv_ranking_offer(&exchange->ranking, key) < config->mechanism.reserve_nanos) {
            break;
        }
        const uint32_t bidder = gv_ranking_bidder(&exchange->ranking, key);
        if (rivals == NULL || bidder == rivals->number) {
            const size_t seat = rivals == NULL ? bidder : 0;
            const bool is_seen = (seen >> slot & 1) != 0;
            ran_short = award_slot(exchange, slot, i, seat, is_seen) || ran_short;
        }
    }
    return ran_short;
}

/* Settles in order up to the piece's end or behind the auction in which a campaign ran short. */
static size_t settle(gv_exchange *exchange, size_t from)
{
    size_t i = from;
    bool ran_short = false;
    while (i < exchange->piece_end && !ran_short) {
        ran_short = award(exchange, i++);
    }
    return i;
}

/* What had to be beaten by who won nothing: the same for all, so summed once. */
static int64_t least_costs(const gv_exchange *exchange, size_t from, size_t to)
{
    const gv_exchange_config *config = &exchange->config;
    const bool of_others = config->least_cost == GV_LEAST_COST_OTHERS;
    const size_t place = of_others ? config->slot_count - 1 : config->slot_count;
    int64_t sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += offer_at(exchange, place, i);
    }
    return sum;
}

static void count_offers(gv_exchange *exchange, size_t from, size_t to)
{
    const int64_t least = least_costs(exchange, from, to);
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        gv_seat_tick *now = &exchange->states[seat].now;
        const offer_sum sum = sum_of(exchange->offers + seat * PIECE + from, to - from);
        now->tally.auctions += to - from;
        now->tally.bids += (uint64_t)sum.bid_count;
        now->tally.bid_nanos += sum.nanos;
        now->least_cost_nanos += least;
    }
}

/* What one bidder had to beat. */
static int64_t least_cost_of(const gv_exchange *exchange, size_t i, bool won)
{
    const gv_exchange_config *config = &exchange->config;
    const bool is_last = config->least_cost == GV_LEAST_COST_AUCTIONNET || won;
    return offer_at(exchange, is_last ? config->slot_count : config->slot_count - 1, i);
}

/* Auctions are known to their bidders at once. */
static void tell(gv_exchange *exchange, size_t seat, size_t count)
{
    const int64_t *paid = exchange->paid + seat * PIECE;
    for (size_t i = 0; i < count; i++) {
        const bool won = paid[i] >= 0;
        exchange->outcomes[i] = (gv_outcome){
            .kind = GV_OUTCOME_AUCTION,
            .opportunity = exchange->next + i,
            .time_us = exchange->times[i],
            .bid_nanos = exchange->offers[seat * PIECE + i],
            .price_nanos = paid[i] > 0 ? paid[i] : 0,
            .won = won,
            .least_cost_nanos = least_cost_of(exchange, i, won),
        };
    }
    gv_policy_observe(exchange->config.seats[seat].policy, exchange->outcomes, count);
}

static void reoffer_short(gv_exchange *exchange, size_t from, size_t count)
{
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        if (exchange->states[seat].is_short) {
            offer(exchange, seat, from, count);
        }
    }
    rank(exchange, from, count);
}

static void forget_awards(gv_exchange *exchange)
{
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        if (gv_policy_listens(exchange->config.seats[seat].policy)) {
            memset(exchange->paid + seat * PIECE, 0xff, PIECE * sizeof *exchange->paid);
        }
    }
}

static void tell_tap(const gv_exchange *exchange)
{
    const gv_exchange_config *config = &exchange->config;
    if (config->tap == NULL) {
        return;
    }
    const gv_exchange_piece piece = {
        .tick = exchange->tick,
        .first = exchange->next,
        .count = exchange->piece_end,
        .stride = PIECE,
        .seat_count = config->seat_count,
        .slot_count = config->slot_count,
        .ranking = &exchange->ranking,
        .reserve_nanos = config->mechanism.reserve_nanos,
        .time_us = exchange->times,
        .values = values_of(exchange, 0),
        .values_stride = exchange->values_stride,
        .offers = exchange->offers,
        .keys = exchange->keys,
        .prices = exchange->slot_prices,
        .states = exchange->slot_states,
    };
    config->tap->piece(config->tap->context, &piece);
}

size_t gv_exchange_settle_piece(gv_exchange *exchange, size_t count)
{
    const gv_exchange_config *config = &exchange->config;
    assert(count <= PIECE);

    forget_awards(exchange);
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        price(exchange, seat, count);
    }
    rank(exchange, 0, count);
    exchange->piece_end = count;
    for (size_t from = 0; from < exchange->piece_end;) {
        const size_t to = settle(exchange, from);
        count_offers(exchange, from, to);
        if (to < exchange->piece_end) {
            reoffer_short(exchange, to, exchange->piece_end);
        }
        from = to;
    }
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        if (gv_policy_listens(config->seats[seat].policy)) {
            tell(exchange, seat, exchange->piece_end);
        }
    }
    tell_tap(exchange);
    return exchange->piece_end;
}
