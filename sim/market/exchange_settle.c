/*
 * One piece of opportunities: offers, ranks, awards. The piece is settled in order; where a
 * payment leaves a campaign less than its highest remaining offer, the rest of the piece is
 * offered and ranked again with what that campaign has left.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/vector.h"
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE };

typedef struct offer_sum {
    int64_t nanos;
    int64_t bid_count;
    int64_t highest;
} offer_sum;

/* The highest and the lowest of 0 and the offers. */
typedef struct offer_range {
    int64_t highest;
    int64_t lowest;
} offer_range;

GV_VECTOR static offer_range range_of(const int64_t *offers, size_t count)
{
    offer_range range = {0, 0};
    for (size_t i = 0; i < count; i++) {
        range.highest = offers[i] > range.highest ? offers[i] : range.highest;
        range.lowest = offers[i] < range.lowest ? offers[i] : range.lowest;
    }
    return range;
}

GV_VECTOR static offer_sum sum_of(const int64_t *offers, size_t count)
{
    offer_sum sum = {0, 0, GV_NO_BID};
    for (size_t i = 0; i < count; i++) {
        sum.nanos += offers[i] > 0 ? offers[i] : 0;
        sum.bid_count += offers[i] > 0 ? 1 : 0;
        sum.highest = offers[i] > sum.highest ? offers[i] : sum.highest;
    }
    return sum;
}

/* Offers may be absurd, so sums of them stop at the end of their type, as in tally.h. */
static int64_t add_offers(int64_t sum, int64_t nanos)
{
    return sum > INT64_MAX - nanos ? INT64_MAX : sum + nanos;
}

/* A sum with terms of both signs wraps instead, which no order of the terms can change. */
static int64_t add_least_cost(int64_t sum, int64_t nanos)
{
    return (int64_t)((uint64_t)sum + (uint64_t)nanos);
}

/* Bids below 0 are no amounts, and stay. */
static void scale_bids(double scale, size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        const double scaled = round((double)bids[i] * scale);
        if (bids[i] > 0) {
            bids[i] = scaled < 0x1p63 ? (int64_t)scaled : INT64_MAX;
        }
    }
}

static int64_t units_of(double value)
{
    return (int64_t)(value * GV_VALUE_UNITS + 0.5);
}

static const float *values_of(const gv_exchange *exchange, size_t seat)
{
    return exchange->piece_values + seat * exchange->values_stride;
}

/* What the seat believes of the piece. */
static void believe(gv_exchange *exchange, size_t seat, size_t count)
{
    gv_seat_believe_all(&exchange->config.seats[seat], exchange->next, count,
                        values_of(exchange, seat), exchange->believed);
}

/* No offer of the seat may be above it, whatever its budget. */
static int64_t offer_limit(const gv_exchange *exchange, size_t seat)
{
    const int64_t cap = exchange->config.seats[seat].campaign->bid_cap_nanos;
    const int64_t packed = gv_ranking_offer_max(&exchange->ranking);
    const int64_t most = packed < GV_OFFER_MAX ? packed : GV_OFFER_MAX;
    return cap < most ? cap : most;
}

/*
 * From `from` on, the offers that the seat's bids make with the budget that it has left. Bids that
 * went wrong leave a trace, no offer or one at the limit, so only then need they be counted.
 */
static void offer(gv_exchange *exchange, size_t seat, size_t from, size_t count)
{
    seat_state *state = &exchange->states[seat];
    const gv_mechanism *mechanism = &exchange->config.mechanism;
    const int64_t most = offer_limit(exchange, seat);
    const int64_t limit = state->budget_left_nanos < most ? state->budget_left_nanos : most;
    int64_t *offers = exchange->offers + seat * PIECE + from;
    gv_mechanism_offer_all(mechanism, exchange->bids + seat * PIECE + from, limit, count - from,
                           offers);
    const offer_range range = range_of(offers, count - from);
    const bool may_be_odd = range.lowest < 0 || range.highest > limit - mechanism->price_step_nanos;
    state->has_odd_bids = may_be_odd || (state->has_odd_bids && from > 0);
    state->highest_offer = range.highest;
    state->is_short = false;
}

void gv_exchange_offer_freely(gv_exchange *exchange, size_t seat, size_t count)
{
    int64_t *offers = exchange->offers + seat * PIECE;
    gv_mechanism_offer_all(&exchange->config.mechanism, exchange->bids + seat * PIECE,
                           offer_limit(exchange, seat), count, offers);
    exchange->states[seat].highest_offer = 0; /* nobody runs short */
    exchange->states[seat].is_short = false;
}

void gv_exchange_find_values(gv_exchange *exchange)
{
    const uint64_t first = gv_traffic_before(exchange->config.traffic, exchange->tick);
    exchange->piece_values = exchange->tick_values + (exchange->next - first);
}

static void explore(gv_exchange *exchange, size_t seat, size_t count, int64_t *bids)
{
    const gv_seat *own = &exchange->config.seats[seat];
    if (gv_exploration_is_on(own->exploration)) {
        memcpy(exchange->intended + seat * PIECE, bids, count * sizeof *bids);
        gv_explore_all(own->exploration, own->explore_first + exchange->next, NULL, count, bids);
    }
}

void gv_exchange_ask(gv_exchange *exchange, size_t seat, size_t count, int64_t *bids)
{
    const seat_state *state = &exchange->states[seat];
    const gv_distortion *distortion = exchange->config.seats[seat].distortion;
    believe(exchange, seat, count);
    const gv_batch batch = {
        .count = count,
        .first_id = exchange->next,
        .time_us = exchange->piece_times,
        .pcvr = exchange->believed,
        .budget_left_nanos = state->known_left_nanos,
        .auctions_left = GV_AUCTIONS_UNKNOWN,
    };
    gv_policy_bid(exchange->config.seats[seat].policy, &batch, bids);
    if (distortion != NULL && distortion->bid_scale != 1.0 &&
        exchange->tick >= distortion->bid_from) {
        scale_bids(distortion->bid_scale, count, bids);
    }
    explore(exchange, seat, count, bids);
}

GV_VECTOR static gv_clamped_bids clamped_of(const int64_t *bids, int64_t limit, size_t count)
{
    uint64_t above = 0;
    uint64_t below = 0;
    uint64_t not_numbers = 0;
    for (size_t i = 0; i < count; i++) {
        above += bids[i] > limit;
        below += bids[i] < GV_NO_BID;
        not_numbers += bids[i] == GV_BID_NAN;
    }
    return (gv_clamped_bids){above, below - not_numbers, not_numbers};
}

void gv_exchange_count_odd(gv_exchange *exchange, size_t seat, const int64_t *bids, size_t count)
{
    gv_clamped_bids *clamped = &exchange->states[seat].clamped;
    const gv_clamped_bids more = clamped_of(bids, offer_limit(exchange, seat), count);
    clamped->above += more.above;
    clamped->negative += more.negative;
    clamped->not_numbers += more.not_numbers;
}

/* The piece's bids and offers; the bids of AuctionNet's rule are settled already. */
static void price(gv_exchange *exchange, size_t seat, size_t count)
{
    int64_t *bids = exchange->bids + seat * PIECE;
    if (exchange->config.overspend == GV_OVERSPEND_EXACT) {
        gv_exchange_ask(exchange, seat, count, bids);
        offer(exchange, seat, 0, count);
        return;
    }
    const uint64_t first = gv_traffic_before(exchange->config.traffic, exchange->tick);
    const int64_t *settled = exchange->tick_bids + seat * exchange->tick_stride;
    memcpy(bids, settled + (exchange->next - first), count * sizeof *bids);
    gv_exchange_offer_freely(exchange, seat, count);
}

/* Without a delay the policy knows at once what it paid. */
static void pay(gv_exchange *exchange, seat_state *state, int64_t amount)
{
    assert(amount <= state->budget_left_nanos);
    state->budget_left_nanos -= amount;
    state->known_left_nanos -= exchange->delays_exposure ? 0 : amount;
    state->is_short = state->budget_left_nanos < state->highest_offer;
}

/*
 * When something becomes known to a policy that listens, it may bid otherwise from then on: the
 * piece ends there. One that does not listen learns of it at a tick.
 */
static void tell_later(gv_exchange *exchange, size_t i, const gv_event *event)
{
    (void)gv_sim_schedule(exchange->sim, *event);
    size_t end = i + 1;
    while (end < exchange->piece_end && exchange->piece_times[end] < event->time_us) {
        end++;
    }
    exchange->piece_end = end;
}

/* The ad was seen, or its user converted, which is known at `time_us`; amount: what was paid. */
static void note_later(gv_exchange *exchange, size_t seat, size_t i, int64_t time_us,
                       int64_t amount)
{
    const gv_event event = {.time_us = time_us,
                            .priority = GV_EXCHANGE_BEFORE_ARRIVALS,
                            .kind = amount < 0 ? GV_EXCHANGE_CONVERSION : GV_EXCHANGE_EXPOSURE,
                            .subject = seat,
                            .payload = {(int64_t)(exchange->next + i), amount < 0 ? 0 : amount}};
    if (gv_policy_listens(exchange->config.seats[seat].policy)) {
        tell_later(exchange, i, &event);
    }
}

/* The ad is seen: it costs, and may convert. True when it does. */
static bool show(gv_exchange *exchange, size_t seat, size_t i, int64_t amount, double value,
                 double luck)
{
    enum { NO_PRICE = -1 };
    const gv_response *response = exchange->config.response;
    const uint64_t opportunity = exchange->next + i;
    const uint32_t bidder = gv_exchange_bidder(exchange, seat);
    gv_seat_tick *books = &exchange->states[seat].now;
    int64_t time_us = exchange->piece_times[i];
    pay(exchange, &exchange->states[seat], amount);
    if (exchange->delays_exposure) {
        time_us += gv_response_exposure_delay(response, opportunity, bidder);
        books = gv_exchange_coming_at(exchange, seat, time_us);
        note_later(exchange, seat, i, time_us, amount);
    }
    books->exposures++;
    books->exposed_value_units +=
        units_of(gv_seat_believe(&exchange->config.seats[seat], opportunity, value));
    books->tally.spend_nanos += amount;
    int64_t delay_us = 0;
    if (!gv_response_converts_by(response, opportunity, bidder, value, luck, &delay_us)) {
        return false;
    }
    gv_exchange_coming_at(exchange, seat, time_us + delay_us)->tally.conversions++;
    note_later(exchange, seat, i, time_us + delay_us, NO_PRICE);
    return true;
}

/* The threshold of a slot's winner is one place further down than a loser's. */
static int64_t winner_correction(const gv_exchange *exchange, size_t row)
{
    const gv_exchange_config *config = &exchange->config;
    if (config->least_cost == GV_LEAST_COST_AUCTIONNET) {
        return 0;
    }
    return gv_exchange_offer_at(exchange, config->slot_count, row) -
           gv_exchange_offer_at(exchange, config->slot_count - 1, row);
}

/* For the tap, where there is one. */
static void leave_unsold(gv_exchange *exchange, size_t row)
{
    if (exchange->config.tap == NULL) {
        return;
    }
    for (size_t slot = 0; slot < exchange->config.slot_count; slot++) {
        exchange->slot_prices[slot * PIECE + row] = GV_NO_BID;
        exchange->slot_states[slot * PIECE + row] = 0;
    }
}

static void note_slot(gv_exchange *exchange, size_t slot, size_t row, int64_t price, unsigned state)
{
    exchange->slot_prices[slot * PIECE + row] = price;
    exchange->slot_states[slot * PIECE + row] = (uint8_t)state;
}

/* Whether a lone seat has no slot: then nothing here is anybody's business. */
static bool is_others_affair(const gv_exchange *exchange, size_t row)
{
    const gv_rivals *rivals = exchange->config.rivals;
    if (rivals == NULL) {
        return false;
    }
    for (size_t slot = 0; slot < exchange->config.slot_count; slot++) {
        const int64_t key = exchange->keys[slot * PIECE + row];
        if (key >= 0 && gv_ranking_bidder(&exchange->ranking, key) == rivals->number) {
            return false;
        }
    }
    return true;
}

/* One slot goes to a seat at a price. True when its campaign ran short. */
static bool award_slot(gv_exchange *exchange, size_t slot, size_t row, size_t seat, int64_t amount)
{
    const bool is_seen = (exchange->seen >> slot & 1) != 0;
    seat_state *state = &exchange->states[seat];
    const size_t i = exchange->pages[row];
    const double value = (double)values_of(exchange, seat)[i];
    state->now.tally.wins++;
    state->now.won_value_units +=
        units_of(gv_seat_believe(&exchange->config.seats[seat], exchange->next + i, value));
    state->now.least_cost_nanos =
        add_least_cost(state->now.least_cost_nanos, winner_correction(exchange, row));
    exchange->paid[seat * PIECE + i] = is_seen && !exchange->delays_exposure ? amount : 0;
    const bool converts =
        is_seen && show(exchange, seat, i, amount, value, gv_exchange_luck(exchange, slot, row));
    note_slot(exchange, slot, row, amount,
              (is_seen ? GV_SLOT_SEEN : 0U) | (converts ? GV_SLOT_CONVERTS : 0U));
    return is_seen && state->is_short;
}

/* Slot by slot. True when a campaign ran short. */
static bool award(gv_exchange *exchange, size_t row)
{
    const gv_rivals *rivals = exchange->config.rivals;
    leave_unsold(exchange, row);
    if (is_others_affair(exchange, row)) {
        return false;
    }
    exchange->seen = gv_exchange_seen(exchange, row);
    bool ran_short = false;
    for (size_t slot = 0; slot < exchange->config.slot_count; slot++) {
        const int64_t asked = exchange->asked[slot * PIECE + row];
        const uint32_t bidder =
            gv_ranking_bidder(&exchange->ranking, exchange->keys[slot * PIECE + row]);
        if (asked >= 0 && (rivals == NULL || bidder == rivals->number)) {
            const size_t seat = rivals == NULL ? bidder : 0;
            ran_short = award_slot(exchange, slot, row, seat, asked) || ran_short;
        }
    }
    return ran_short;
}

/*
 * Settles the rows from `row` on in order, up to the piece's end or behind the auction in which a
 * campaign ran short; later rows are forgotten. Returns the opportunity behind the last settled.
 */
static size_t settle(gv_exchange *exchange, size_t row)
{
    bool ran_short = false;
    while (row < exchange->page_count && exchange->pages[row] < exchange->piece_end && !ran_short) {
        ran_short = award(exchange, row++);
    }
    exchange->page_count = row;
    return ran_short ? exchange->pages[row - 1] + 1 : exchange->piece_end;
}

/* What had to be beaten by who won nothing, in rows `from` to page_count. */
static int64_t least_costs_ranked(const gv_exchange *exchange, size_t from)
{
    const gv_exchange_config *config = &exchange->config;
    const bool of_others = config->least_cost == GV_LEAST_COST_OTHERS;
    const size_t place = of_others ? config->slot_count - 1 : config->slot_count;
    int64_t sum = 0;
    for (size_t row = from; row < exchange->page_count; row++) {
        sum = add_least_cost(sum, gv_exchange_offer_at(exchange, place, row));
    }
    return sum;
}

/* Opportunities from .. to are settled, in rows `row` to page_count. What had to be beaten by who
   won nothing is the same for all seats, so it is summed once. */
static void count_offers(gv_exchange *exchange, size_t from, size_t to, size_t row)
{
    const int64_t least = add_least_cost(least_costs_ranked(exchange, row),
                                         gv_exchange_least_costs_lost(exchange, from, to));
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        gv_seat_tick *now = &exchange->states[seat].now;
        const offer_sum sum = sum_of(exchange->offers + seat * PIECE + from, to - from);
        exchange->highest_offer =
            sum.highest > exchange->highest_offer ? sum.highest : exchange->highest_offer;
        now->tally.auctions += to - from;
        now->tally.bids += (uint64_t)sum.bid_count;
        now->tally.bid_nanos = add_offers(now->tally.bid_nanos, sum.nanos);
        now->least_cost_nanos = add_least_cost(now->least_cost_nanos, least);
    }
}

/* What one bidder had to beat. */
static int64_t least_cost_of(const gv_exchange *exchange, size_t i, bool won)
{
    const gv_exchange_config *config = &exchange->config;
    const bool is_last = config->least_cost == GV_LEAST_COST_AUCTIONNET || won;
    return gv_exchange_offer_at(exchange, is_last ? config->slot_count : config->slot_count - 1, i);
}

/* Auctions are known to their bidders at once. */
static void tell(gv_exchange *exchange, size_t seat, size_t count)
{
    const int64_t *paid = exchange->paid + seat * PIECE;
    believe(exchange, seat, count);
    for (size_t i = 0; i < count; i++) {
        const bool won = paid[i] >= 0;
        exchange->outcomes[i] = (gv_outcome){
            .kind = GV_OUTCOME_AUCTION,
            .opportunity = exchange->next + i,
            .time_us = exchange->piece_times[i],
            .bid_nanos = exchange->offers[seat * PIECE + i],
            .price_nanos = paid[i] > 0 ? paid[i] : 0,
            .won = won,
            .pcvr = exchange->believed[i],
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
}

static void forget_awards(gv_exchange *exchange, size_t count)
{
    for (size_t seat = 0; seat < exchange->config.seat_count; seat++) {
        if (gv_policy_listens(exchange->config.seats[seat].policy)) {
            memset(exchange->paid + seat * PIECE, 0xff, count * sizeof *exchange->paid);
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
        .time_us = exchange->piece_times,
        .values = values_of(exchange, 0),
        .values_stride = exchange->values_stride,
        .intended = exchange->intended,
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

    gv_exchange_find_values(exchange);
    forget_awards(exchange, count);
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        price(exchange, seat, count);
    }
    exchange->piece_end = count;
    exchange->page_count = 0;
    for (size_t from = 0; from < exchange->piece_end;) {
        const size_t row = exchange->page_count;
        gv_exchange_list_pages(exchange, from, exchange->piece_end);
        gv_exchange_rank(exchange, row);
        gv_exchange_draw_responses(exchange, row);
        const size_t to = settle(exchange, row);
        count_offers(exchange, from, to, row);
        if (to < exchange->piece_end) {
            reoffer_short(exchange, to, exchange->piece_end);
        }
        from = to;
    }
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        if (exchange->states[seat].has_odd_bids) {
            gv_exchange_count_odd(exchange, seat, exchange->bids + seat * PIECE,
                                  exchange->piece_end);
        }
        if (gv_policy_listens(config->seats[seat].policy)) {
            tell(exchange, seat, exchange->piece_end);
        }
    }
    tell_tap(exchange);
    return exchange->piece_end;
}
