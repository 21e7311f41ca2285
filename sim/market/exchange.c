/*
 * The market on the event core: ticks plan, arrivals are settled in pieces, conversions that a
 * policy listens for come back as events.
 */
#include "sim/market/exchange.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/vector.h"
#include "sim/market/exchange_impl.h"

enum { PIECE = GV_EXCHANGE_PIECE };

static gv_status check_seat(const gv_exchange_config *config, const gv_seat *seat)
{
    const gv_campaign *campaign = seat->campaign;
    const gv_distortion *distortion = seat->distortion;
    const int64_t end_us = config->start_us + (int64_t)config->tick_count * config->tick_us;
    if (campaign->start_us > config->start_us || campaign->end_us < end_us) {
        return GV_FAIL(GV_EINVAL, "campaign %s does not span the whole period", campaign->name);
    }
    if (distortion != NULL && !(distortion->bid_scale >= 0.0 && distortion->belief_scale >= 0.0 &&
                                distortion->belief_noise >= 0.0)) {
        return GV_FAIL(GV_EINVAL,
                       "campaign %s scales its bids by %g and its values by %g, with a noise of "
                       "%g, expected at least 0",
                       campaign->name, distortion->bid_scale, distortion->belief_scale,
                       distortion->belief_noise);
    }
    if (distortion != NULL && !(distortion->belief_cold >= 0.0 && distortion->belief_cold <= 1.0)) {
        return GV_FAIL(
            GV_EINVAL,
            "campaign %s knows nothing of a share of %g of its opportunities, expected 0 "
            "to 1",
            campaign->name, distortion->belief_cold);
    }
    if (gv_exploration_is_on(seat->exploration) && config->overspend == GV_OVERSPEND_AUCTIONNET) {
        return GV_FAIL(GV_EINVAL,
                       "campaign %s explores its bids, of which AuctionNet's overspend rule drops "
                       "some: sell with the exact rule",
                       campaign->name);
    }
    if (campaign->budget_nanos < 0 || campaign->bid_cap_nanos < 0) {
        return GV_FAIL(GV_EINVAL, "campaign %s has a negative budget or bid cap", campaign->name);
    }
    return GV_OK;
}

/* The original asks for the bids of a tick at once, and so must this. */
static gv_status check_overspend(const gv_exchange_config *config)
{
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        const gv_policy_type *type = gv_policy_type_of(config->seats[seat].policy);
        if (config->overspend == GV_OVERSPEND_AUCTIONNET && type->one_by_one) {
            return GV_FAIL(GV_EINVAL,
                           "campaign %s plays %s, which bids on one auction after another, where "
                           "AuctionNet's overspend rule asks for a tick's bids at once",
                           config->seats[seat].campaign->name, type->info.name);
        }
    }
    return GV_OK;
}

/* The slots as the response shows them; the mechanism must be able to price them. */
static gv_status slots_of(const gv_exchange_config *config, gv_slots *slots)
{
    double exposure[GV_SLOTS_MAX];
    for (size_t slot = 0; slot < config->slot_count; slot++) {
        exposure[slot] = gv_response_exposure(config->response, slot);
    }
    GV_TRY(gv_slots_of(exposure, config->slot_count, slots));
    return gv_mechanism_validate_slots(&config->mechanism, slots);
}

static gv_status check_rivals(const gv_exchange_config *config)
{
    if (config->rivals == NULL) {
        return GV_OK;
    }
    const gv_record *record = config->rivals->record;
    if (config->seat_count != 1) {
        return GV_FAIL(GV_EINVAL, "%zu campaigns against a recorded market, expected 1",
                       config->seat_count);
    }
    if (record->slot_count != config->slot_count || record->filled != record->count ||
        record->count != gv_traffic_before(config->traffic, config->tick_count)) {
        return GV_FAIL(GV_EINVAL, "the recorded market has other slots or opportunities");
    }
    if (config->rivals->number >= record->ranking.bidder_count) {
        return GV_FAIL(GV_EINVAL, "bidder %u of a recorded market of %zu", config->rivals->number,
                       record->ranking.bidder_count);
    }
    return GV_OK;
}

static gv_status check_config(const gv_exchange_config *config)
{
    if (config->slot_count == 0 || config->slot_count > GV_SLOTS_MAX) {
        return GV_FAIL(GV_EINVAL, "%zu slots, expected 1 to %d", config->slot_count, GV_SLOTS_MAX);
    }
    if (config->seat_count == 0 || config->seat_count > GV_RANK_BIDDERS_MAX) {
        return GV_FAIL(GV_EINVAL, "%zu campaigns, expected 1 to %d", config->seat_count,
                       GV_RANK_BIDDERS_MAX);
    }
    GV_TRY(gv_mechanism_validate(&config->mechanism));
    GV_TRY(check_overspend(config));
    GV_TRY(check_rivals(config));
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        GV_TRY(check_seat(config, &config->seats[seat]));
    }
    return GV_OK;
}

/* The largest tick's opportunities: how many values are held at once. */
static size_t widest_tick(const gv_exchange_config *config)
{
    uint64_t widest = 1;
    for (size_t tick = 0; tick < config->tick_count; tick++) {
        const uint64_t count = gv_traffic_count(config->traffic, tick);
        widest = count > widest ? count : widest;
    }
    return (size_t)widest;
}

static bool allocate(gv_exchange *x)
{
    const size_t seats = x->config.seat_count;
    const size_t places = x->ranking.places;
    x->values_stride = x->config.rivals == NULL ? widest_tick(&x->config) : 1;
    x->states = gv_mem_alloc(0, seats, sizeof *x->states);
    x->ticks = gv_mem_alloc(0, seats * (x->config.tick_count + 1), sizeof *x->ticks);
    x->coming = gv_mem_alloc(0, seats * (x->config.tick_count + 1), sizeof *x->coming);
    x->order = gv_mem_alloc(0, seats, sizeof *x->order);
    x->together = gv_mem_alloc(0, seats, sizeof(gv_policy *));
    x->observations = gv_mem_alloc(0, seats, sizeof *x->observations);
    x->values = gv_mem_alloc_vector(seats * x->values_stride, sizeof *x->values);
    x->believed = gv_mem_alloc_vector(PIECE, sizeof *x->believed);
    x->times = gv_mem_alloc_vector(PIECE, sizeof *x->times);
    x->bids = gv_mem_alloc_vector(seats * PIECE, sizeof *x->bids);
    x->intended = gv_mem_alloc_vector(seats * PIECE, sizeof *x->intended);
    x->offers = gv_mem_alloc_vector(seats * PIECE, sizeof *x->offers);
    x->pages = gv_mem_alloc(0, PIECE, sizeof *x->pages);
    x->recorded = gv_mem_alloc_vector(places * PIECE, sizeof *x->recorded);
    x->page_offers = gv_mem_alloc_vector(PIECE, sizeof *x->page_offers);
    x->keys = gv_mem_alloc_vector(places * PIECE, sizeof *x->keys);
    x->paid = gv_mem_alloc_vector(seats * PIECE, sizeof *x->paid);
    x->outcomes = gv_mem_alloc(0, PIECE, sizeof *x->outcomes);
    x->entries = gv_mem_alloc(0, seats + places, sizeof *x->entries);
    x->awards = gv_mem_alloc(0, places, sizeof *x->awards);
    x->ranked = gv_mem_alloc_vector(places * PIECE, sizeof *x->ranked);
    x->asked = gv_mem_alloc_vector(places * PIECE, sizeof *x->asked);
    x->piece_seen = gv_mem_alloc_vector(PIECE, sizeof *x->piece_seen);
    x->bidders = gv_mem_alloc_vector(PIECE, sizeof *x->bidders);
    x->luck = gv_mem_alloc_vector(places * PIECE, sizeof *x->luck);
    x->slot_prices = gv_mem_alloc_vector(places * PIECE, sizeof *x->slot_prices);
    x->slot_states = gv_mem_alloc(0, places * PIECE, sizeof *x->slot_states);
    return x->states != NULL && x->ticks != NULL && x->coming != NULL && x->order != NULL &&
           x->together != NULL && x->observations != NULL && x->values != NULL &&
           x->believed != NULL && x->times != NULL && x->bids != NULL && x->offers != NULL &&
           x->keys != NULL && x->paid != NULL && x->outcomes != NULL && x->entries != NULL &&
           x->awards != NULL && x->slot_prices != NULL && x->slot_states != NULL &&
           x->ranked != NULL && x->asked != NULL && x->piece_seen != NULL && x->bidders != NULL &&
           x->luck != NULL && x->intended != NULL && x->pages != NULL && x->recorded != NULL &&
           x->page_offers != NULL && gv_exchange_allocate_tick(x);
}

/* A policy whose every bid depends on the last outcome makes the whole market go one by one. */
static size_t piece_max_of(const gv_exchange_config *config)
{
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        if (gv_policy_type_of(config->seats[seat].policy)->one_by_one) {
            return 1;
        }
    }
    return config->reference ? 1 : PIECE;
}

static void finish_tick(gv_exchange *x)
{
    const size_t row = x->config.tick_count + 1;
    for (size_t seat = 0; seat < x->config.seat_count; seat++) {
        seat_state *state = &x->states[seat];
        gv_seat_tick *record = &x->ticks[seat * row + x->tick];
        gv_seat_tick_add(&state->now, &x->coming[seat * row + x->tick]);
        *record = state->now;
        gv_seat_tick_add(&state->episode, record);
        state->now = (gv_seat_tick){0};
        state->known_left_nanos =
            x->config.seats[seat].campaign->budget_nanos - state->episode.tally.spend_nanos;
    }
}

/* Of values as believed. */
GV_VECTOR static int64_t units_of_row(const double *believed, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (int64_t)(believed[i] * GV_VALUE_UNITS + 0.5);
    }
    return sum;
}

/* The sum of what the seat believes of a tick that begins at x->next, a piece at a time. */
static int64_t units_of_tick(gv_exchange *x, size_t seat, size_t count)
{
    const float *values = x->tick_values + seat * x->values_stride;
    int64_t sum = 0;
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t piece = count - done < PIECE ? count - done : PIECE;
        gv_seat_believe_all(&x->config.seats[seat], x->next + done, piece, values + done,
                            x->believed);
        sum += units_of_row(x->believed, piece);
    }
    return sum;
}

/* This tick's values, and their sums, which the market announces as AuctionNet's does. */
static void load_values(gv_exchange *x)
{
    const gv_traffic *traffic = x->config.traffic;
    const size_t count = (size_t)gv_traffic_count(traffic, x->tick);
    x->tick_values = x->values;
    if (x->config.rivals != NULL) {
        x->tick_values = x->config.rivals->values + gv_traffic_before(traffic, x->tick);
    } else if (count > 0) {
        const gv_traffic_piece piece = {.tick = x->tick,
                                        .first = x->next,
                                        .count = count,
                                        .advertiser_count = x->config.seat_count};
        gv_traffic_values(traffic, &piece, x->values_stride, x->values);
    }
    for (size_t seat = 0; seat < x->config.seat_count; seat++) {
        seat_state *state = &x->states[seat];
        state->now.value_units = units_of_tick(x, seat, count);
        state->announced_count = count;
        state->announced_value =
            count == 0 ? 0.0 : (double)state->now.value_units / GV_VALUE_UNITS / (double)count;
    }
}

static gv_observation observe(const gv_exchange *x, size_t seat, int64_t now_us)
{
    const gv_exchange_config *config = &x->config;
    const seat_state *state = &x->states[seat];
    const gv_seat_tick *row = &x->ticks[seat * (config->tick_count + 1)];
    return (gv_observation){
        .time_us = now_us,
        .tick = x->tick,
        .tick_count = config->tick_count,
        .episode_start_us = config->start_us,
        .episode_end_us = config->start_us + (int64_t)config->tick_count * config->tick_us,
        .budget_nanos = config->seats[seat].campaign->budget_nanos,
        .budget_left_nanos = state->known_left_nanos,
        .episode = state->episode.tally,
        .last = x->tick == 0 ? (gv_tally){0} : row[x->tick - 1].tally,
        .market = {.is_market = true,
                   .announced_count = state->announced_count,
                   .announced_value = state->announced_value,
                   .ticks = row},
    };
}

/* Seats in the order in which they plan: those of one type and model stand together. */
static void find_order(gv_exchange *x)
{
    const gv_seat *seats = x->config.seats;
    const size_t count = x->config.seat_count;
    size_t placed = 0;
    for (size_t leader = 0; placed < count; leader++) {
        if (x->states[leader].is_placed) {
            continue;
        }
        for (size_t seat = leader; seat < count; seat++) {
            if (!x->states[seat].is_placed &&
                gv_policy_plan_as_one(seats[leader].policy, seats[seat].policy)) {
                x->states[seat].is_placed = true;
                x->order[placed++] = seat;
            }
        }
    }
}

/* Seats of one type and model plan together, all on the snapshot of before any acts. */
static void plan(gv_exchange *x, int64_t now_us)
{
    const gv_seat *seats = x->config.seats;
    const size_t count = x->config.seat_count;
    for (size_t i = 0; i < count; i++) {
        x->together[i] = seats[x->order[i]].policy;
        x->observations[i] = observe(x, x->order[i], now_us);
    }
    for (size_t first = 0; first < count;) {
        size_t end = first + 1;
        while (end < count && gv_policy_plan_as_one(x->together[first], x->together[end])) {
            end++;
        }
        gv_policy_tick(x->together + first, x->observations + first, end - first);
        first = end;
    }
}

static void begin_tick(gv_exchange *x, gv_sim *sim, size_t tick)
{
    if (x->has_begun) {
        finish_tick(x);
    }
    x->has_begun = true;
    x->tick = tick;
    load_values(x);
    plan(x, gv_sim_now(sim));
    if (x->config.overspend == GV_OVERSPEND_AUCTIONNET) {
        gv_exchange_settle_bids(x);
    }
    if (tick + 1 < x->config.tick_count) {
        (void)gv_sim_schedule(sim, (gv_event){.time_us = gv_sim_now(sim) + x->config.tick_us,
                                              .priority = GV_EXCHANGE_TICKS_FIRST,
                                              .kind = GV_EXCHANGE_TICK,
                                              .subject = tick + 1});
    }
}

/* What becomes known is in the books already (see coming): the policy has to be told. */
static void hear(const gv_exchange *x, const gv_event *event)
{
    const bool is_exposure = event->kind == GV_EXCHANGE_EXPOSURE;
    const gv_outcome outcome = {
        .kind = is_exposure ? GV_OUTCOME_EXPOSURE : GV_OUTCOME_CONVERSION,
        .opportunity = (uint64_t)event->payload[0],
        .time_us = event->time_us,
        .price_nanos = event->payload[1],
        .won = true,
    };
    x->states[event->subject].known_left_nanos -= event->payload[1];
    gv_policy_observe(x->config.seats[event->subject].policy, &outcome, 1);
}

static gv_status handle(void *context, gv_sim *sim, const gv_event *event)
{
    gv_exchange *x = context;
    if (event->kind == GV_EXCHANGE_TICK) {
        begin_tick(x, sim, (size_t)event->subject);
    } else {
        hear(x, event);
    }
    return GV_OK;
}

/* The tick in which the next opportunity lies; tick_count behind the last. */
static size_t tick_of_next(const gv_exchange *x)
{
    size_t tick = x->tick;
    while (tick < x->config.tick_count &&
           x->next >= gv_traffic_before(x->config.traffic, tick) +
                          gv_traffic_count(x->config.traffic, tick)) {
        tick++;
    }
    return tick;
}

const int64_t *gv_exchange_times(const gv_exchange *x, size_t tick, size_t count)
{
    const gv_rivals *rivals = x->config.rivals;
    if (rivals != NULL) {
        return rivals->record->time_us + x->next;
    }
    gv_traffic_times(x->config.traffic, tick, x->next, count, x->times);
    return x->times;
}

static int64_t next_us(void *context)
{
    const gv_exchange *x = context;
    const size_t tick = tick_of_next(x);
    return tick < x->config.tick_count ? *gv_exchange_times(x, tick, 1) : GV_NEVER_US;
}

/* Tick events come first at their times, so what is taken lies within the current tick. */
static gv_status take(void *context, gv_sim *sim, int64_t until_us)
{
    gv_exchange *x = context;
    const gv_traffic *traffic = x->config.traffic;
    const uint64_t end = gv_traffic_before(traffic, x->tick) + gv_traffic_count(traffic, x->tick);
    const uint64_t left = end - x->next;
    size_t count = left < x->piece_max ? (size_t)left : x->piece_max;
    x->piece_times = gv_exchange_times(x, x->tick, count);
    while (x->piece_times[count - 1] >= until_us) {
        count--;
    }
    const size_t settled = gv_exchange_settle_piece(x, count);
    x->next += settled;
    gv_sim_advance(sim, x->piece_times[settled - 1]);
    return GV_OK;
}

static gv_status create_auction(gv_exchange *x)
{
    const gv_auction_config auction = {
        .type = x->config.mechanism.type,
        .slot_count = x->config.slot_count,
        .reserve_nanos = x->config.mechanism.reserve_nanos,
        .soft_reserve_nanos = x->config.mechanism.soft_reserve_nanos,
        .exposure = x->slots.exposure,
    };
    return gv_auction_create(&auction, &x->auction);
}

static gv_status create_sim(gv_exchange *x)
{
    const gv_arrivals arrivals = {
        .context = x, .priority = GV_EXCHANGE_ARRIVALS, .next_us = next_us, .take = take};
    const gv_sim_config config = {
        .handle = handle,
        .context = x,
        .pending_max = x->pending_max,
        .arrivals = &arrivals,
        .arrival_count = 1,
        .start_us = x->config.start_us,
    };
    return gv_sim_create(&config, &x->sim);
}

/* What waits does so for policies that listen; no opportunity has more ads than its slots. */
static size_t most_pending(const gv_exchange_config *config)
{
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        if (gv_policy_listens(config->seats[seat].policy)) {
            const uint64_t all = gv_traffic_before(config->traffic, config->tick_count);
            const size_t each = gv_response_delays_exposure(config->response) ? 2 : 1;
            return (size_t)all * config->slot_count * each + 1;
        }
    }
    return 1;
}

gv_status gv_exchange_create(const gv_exchange_config *config, gv_exchange **out)
{
    gv_slots slots;
    GV_TRY(check_config(config));
    GV_TRY(slots_of(config, &slots));

    gv_exchange *x = gv_mem_alloc(sizeof *x, 0, 0);
    if (x == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a market");
    }
    gv_status status = GV_OK;
    x->config = *config;
    x->ranking = config->rivals == NULL ? gv_ranking_of(config->seat_count, config->slot_count + 1)
                                        : config->rivals->record->ranking;
    x->slots = slots;
    x->delays_exposure = gv_response_delays_exposure(config->response);
    x->highest_offer = GV_NO_BID;
    x->piece_max = piece_max_of(config);
    x->pending_max = most_pending(config);
    x->skips_lost = gv_exchange_may_skip_lost(x);
    if (!allocate(x)) {
        status = GV_FAIL(GV_ENOMEM, "no memory for a market of %zu campaigns and %zu values each",
                         config->seat_count, x->values_stride);
        goto fail;
    }
    GV_TRY_GOTO(status, create_auction(x), fail);
    GV_TRY_GOTO(status, create_sim(x), fail);
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        x->states[seat].budget_left_nanos = config->seats[seat].campaign->budget_nanos;
        x->states[seat].known_left_nanos = config->seats[seat].campaign->budget_nanos;
    }
    find_order(x);
    *out = x;
    return GV_OK;
fail:
    gv_exchange_destroy(x);
    return status;
}

void gv_exchange_destroy(gv_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    void *const blocks[] = {
        exchange->states,    exchange->ticks,        exchange->coming,      exchange->order,
        exchange->together,  exchange->observations, exchange->values,      exchange->believed,
        exchange->times,     exchange->bids,         exchange->intended,    exchange->offers,
        exchange->keys,      exchange->paid,         exchange->outcomes,    exchange->entries,
        exchange->awards,    exchange->slot_prices,  exchange->slot_states, exchange->asked,
        exchange->tick_bids, exchange->tick_winners, exchange->tick_wins,   exchange->tick_costs,
        exchange->ranked,    exchange->piece_seen,   exchange->bidders,     exchange->luck,
        exchange->pages,     exchange->recorded,     exchange->page_offers};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        gv_mem_free(blocks[i]);
    }
    gv_auction_destroy(exchange->auction);
    gv_sim_destroy(exchange->sim);
    gv_mem_free(exchange);
}

/* Tick by tick, so that whoever waits sees it advance and can stop it. */
gv_status gv_exchange_run(gv_exchange *exchange, const gv_progress *progress)
{
    const gv_exchange_config *config = &exchange->config;
    if (!exchange->has_begun) {
        begin_tick(exchange, exchange->sim, 0);
    }
    for (size_t tick = exchange->tick; tick < config->tick_count; tick++) {
        if (!gv_progress_report(progress, "market", tick, config->tick_count)) {
            return GV_FAIL(GV_ESTOPPED, "stopped before tick %zu of %zu", tick, config->tick_count);
        }
        GV_TRY(gv_sim_run(exchange->sim, config->start_us + (int64_t)(tick + 1) * config->tick_us));
    }
    finish_tick(exchange);
    exchange->tick = config->tick_count;
    GV_TRY(gv_sim_run(exchange->sim, GV_NEVER_US));
    finish_tick(exchange);
    return GV_OK;
}

const gv_seat_tick *gv_exchange_ticks(const gv_exchange *exchange, size_t seat)
{
    assert(seat < exchange->config.seat_count);
    return &exchange->ticks[seat * (exchange->config.tick_count + 1)];
}

gv_seat_tick gv_exchange_total(const gv_exchange *exchange, size_t seat)
{
    const gv_seat_tick *ticks = gv_exchange_ticks(exchange, seat);
    gv_seat_tick total = {0};
    for (size_t tick = 0; tick <= exchange->config.tick_count; tick++) {
        gv_seat_tick_add(&total, &ticks[tick]);
    }
    return total;
}

uint64_t gv_exchange_auctions(const gv_exchange *exchange)
{
    return exchange->next;
}

gv_clamped_bids gv_exchange_clamped(const gv_exchange *exchange, size_t seat)
{
    assert(seat < exchange->config.seat_count);
    return exchange->states[seat].clamped;
}

int64_t gv_exchange_highest_offer(const gv_exchange *exchange)
{
    return exchange->highest_offer;
}
