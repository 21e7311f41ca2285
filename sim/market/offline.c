#include "sim/market/offline.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/random.h"
#include "sim/market/offline_impl.h"

enum {
    PIECE = 256, /* outcomes told at once */
    ROUNDS = 4096,
    DRAWS = 4,
    DRAW_CONVERTS = 0,
    DRAW_TRUTH = 1,
    DRAW_DROPPED = 2,
    PERIOD_SHIFT = 32,
};

/* Normal draws end here (random.h), so most wins are settled by their uniform alone. */
#define NORMAL_MAX 8.3

/* In the published ratio: keeps a division by nothing away. */
#define COST_FLOOR_NANOS 1e5

typedef struct seat_state {
    gv_random random;
    int64_t left_nanos;
    gv_seat_tick episode;
} seat_state;

struct gv_offline {
    gv_offline_config config;
    size_t next_tick;
    uint64_t first; /* opportunities of the period before this tick */
    size_t capacity;
    size_t loaded_row;            /* whose costs `least` holds; SIZE_MAX: nobody's */
    seat_state *states;           /* [seat] */
    gv_seat_tick *ticks;          /* [seat][tick_count] */
    gv_policy **together;         /* [seat]: scratch of a tick */
    gv_observation *observations; /* [seat] */
    gv_outcome *outcomes;         /* [PIECE] */
    int64_t *bids;                /* [capacity]: and so on: one seat's */
    int64_t *least;
    int64_t *times;
    uint32_t *winners;
    uint32_t *converted;
};

static gv_status check_config(const gv_offline_config *config)
{
    assert(config->seat_count >= 1 && config->tick_count >= 1 && config->tick_us >= 1);
    assert(config->period >> PERIOD_SHIFT == 0);
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        const gv_policy_type *type = gv_policy_type_of(config->seats[seat].policy);
        if ((type->reads & ~(unsigned)(GV_READS_PCVR | GV_READS_TIME)) != 0) {
            return GV_FAIL(GV_EINVAL,
                           "the policy %s bids by click probabilities or floors, which "
                           "AuctionNet's logs lack: use one that bids by conversions",
                           type->info.name);
        }
        if (type->one_by_one && config->overspend != GV_OVERSPEND_EXACT) {
            return GV_FAIL(GV_EINVAL,
                           "the policy %s bids by what its last auction left, which a tick that is "
                           "played again cannot give: use the exact overspend rule",
                           type->info.name);
        }
    }
    return GV_OK;
}

static bool allocate(gv_offline *offline)
{
    const size_t seats = offline->config.seat_count;
    offline->states = gv_mem_alloc(0, seats, sizeof *offline->states);
    offline->ticks = gv_mem_alloc(0, seats * offline->config.tick_count, sizeof *offline->ticks);
    offline->together = gv_mem_alloc(0, seats, sizeof(gv_policy *));
    offline->observations = gv_mem_alloc(0, seats, sizeof *offline->observations);
    offline->outcomes = gv_mem_alloc(0, PIECE, sizeof *offline->outcomes);
    return offline->states != NULL && offline->ticks != NULL && offline->together != NULL &&
           offline->observations != NULL && offline->outcomes != NULL;
}

gv_status gv_offline_create(const gv_offline_config *config, gv_offline **out)
{
    GV_TRY(check_config(config));
    gv_offline *offline = gv_mem_alloc(sizeof *offline, 0, 0);
    if (offline == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for an offline evaluation");
    }
    offline->config = *config;
    if (!allocate(offline)) {
        gv_offline_destroy(offline);
        return GV_FAIL(GV_ENOMEM, "no memory for an offline evaluation of %zu campaigns",
                       config->seat_count);
    }
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        const gv_offline_seat *about = &config->seats[seat];
        offline->states[seat] = (seat_state){
            .random = gv_random_key(config->seed, GV_STREAM_OFFLINE,
                                    config->period << PERIOD_SHIFT | about->advertiser),
            .left_nanos = about->campaign->budget_nanos,
        };
    }
    *out = offline;
    return GV_OK;
}

static void free_rows(gv_offline *offline)
{
    gv_mem_free(offline->bids);
    gv_mem_free(offline->least);
    gv_mem_free(offline->times);
    gv_mem_free(offline->winners);
    gv_mem_free(offline->converted);
}

void gv_offline_destroy(gv_offline *offline)
{
    if (offline == NULL) {
        return;
    }
    free_rows(offline);
    gv_mem_free(offline->states);
    gv_mem_free(offline->ticks);
    gv_mem_free(offline->together);
    gv_mem_free(offline->observations);
    gv_mem_free(offline->outcomes);
    gv_mem_free(offline);
}

/* Room for a tick of `count`; only the widest ticks so far come here. */
static gv_status widen(gv_offline *offline, size_t count)
{
    if (count <= offline->capacity) {
        return GV_OK;
    }
    const size_t capacity = count + count / 2;
    free_rows(offline);
    offline->capacity = 0;
    offline->bids = gv_mem_alloc_vector(capacity, sizeof *offline->bids);
    offline->least = gv_mem_alloc_vector(capacity, sizeof *offline->least);
    offline->times = gv_mem_alloc_vector(capacity, sizeof *offline->times);
    offline->winners = gv_mem_alloc_vector(capacity, sizeof *offline->winners);
    offline->converted = gv_mem_alloc_vector(capacity, sizeof *offline->converted);
    if (offline->bids == NULL || offline->least == NULL || offline->times == NULL ||
        offline->winners == NULL || offline->converted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a tick of %zu opportunities", count);
    }
    offline->capacity = capacity;
    return GV_OK;
}

/* The log tells no times: opportunities come evenly. */
static void load_times(gv_offline *offline, size_t tick, size_t count)
{
    const gv_offline_config *config = &offline->config;
    const int64_t start = config->start_us + (int64_t)tick * config->tick_us;
    const double step = (double)config->tick_us / (double)(count > 0 ? count : 1);
    for (size_t i = 0; i < count; i++) {
        offline->times[i] = start + (int64_t)(step * (double)i);
    }
}

static gv_observation observe(const gv_offline *offline, size_t seat, size_t tick,
                              const gv_seat_tick *now)
{
    const gv_offline_config *config = &offline->config;
    const seat_state *state = &offline->states[seat];
    const gv_seat_tick *row = &offline->ticks[seat * config->tick_count];
    const double count = (double)now->tally.auctions;
    return (gv_observation){
        .time_us = config->start_us + (int64_t)tick * config->tick_us,
        .tick = tick,
        .tick_count = config->tick_count,
        .episode_start_us = config->start_us,
        .episode_end_us = config->start_us + (int64_t)config->tick_count * config->tick_us,
        .budget_nanos = config->seats[seat].campaign->budget_nanos,
        .budget_left_nanos = state->left_nanos,
        .episode = state->episode.tally,
        .last = tick == 0 ? (gv_tally){0} : row[tick - 1].tally,
        .market = {.is_market = true,
                   .announced_count = now->tally.auctions,
                   .announced_value =
                       count == 0.0 ? 0.0 : (double)now->value_units / GV_VALUE_UNITS / count,
                   .ticks = row},
    };
}

/* Neighbouring seats of one type and model plan together, all before any bids. */
static void plan(gv_offline *offline, size_t tick)
{
    const gv_offline_config *config = &offline->config;
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        const gv_seat_tick *now = &offline->ticks[seat * config->tick_count + tick];
        offline->together[seat] = config->seats[seat].policy;
        offline->observations[seat] = observe(offline, seat, tick, now);
    }
    for (size_t first = 0; first < config->seat_count;) {
        size_t end = first + 1;
        while (end < config->seat_count &&
               gv_policy_plan_as_one(offline->together[first], offline->together[end])) {
            end++;
        }
        gv_policy_tick(offline->together + first, offline->observations + first, end - first);
        first = end;
    }
}

/* What is known of a tick before it is played. */
static void announce(gv_offline *offline, size_t tick, const gv_auctionnet_tick *log)
{
    const gv_offline_config *config = &offline->config;
    for (size_t seat = 0; seat < config->seat_count; seat++) {
        gv_seat_tick *now = &offline->ticks[seat * config->tick_count + tick];
        *now = (gv_seat_tick){0};
        if (log != NULL) {
            const double *values = log->values + config->seats[seat].row * log->stride;
            now->tally.auctions = log->count;
            now->value_units = gv_offline_value_units(values, log->count);
        }
    }
}

/* One seat in one tick. */
typedef struct tick_play {
    const gv_offline_seat *seat;
    seat_state *state;
    const double *values;
    const double *sigmas;
    size_t tick;
    size_t count;
    int64_t left_nanos; /* of the budget: at the tick's start, or now where bids go one by one */
    size_t win_count;   /* of `winners` */
    size_t conversion_count;
    uint64_t round;
} tick_play;

static uint64_t draw_index(const gv_offline *offline, const tick_play *play, size_t i,
                           uint64_t draw)
{
    return ((offline->first + i) * ROUNDS + play->round % ROUNDS) * DRAWS + draw;
}

/* Bids on opportunities from, from + 1, ... of the tick. */
static void ask(const gv_offline *offline, const tick_play *play, size_t from, size_t count,
                int64_t *bids)
{
    const gv_batch batch = {
        .count = count,
        .first_id = offline->first + from,
        .time_us = offline->times + from,
        .pcvr = play->values + from,
        .budget_left_nanos = play->left_nanos,
        .auctions_left = GV_AUCTIONS_UNKNOWN,
    };
    gv_policy_bid(play->seat->policy, &batch, bids);
}

static void bid_together(gv_offline *offline, const tick_play *play)
{
    const int64_t cap = play->seat->campaign->bid_cap_nanos;
    const int64_t limit = cap < GV_OFFLINE_PRICE_END ? cap : GV_OFFLINE_PRICE_END - 1;
    for (size_t from = 0; from < play->count; from += GV_OPPORTUNITY_PIECE) {
        const size_t left = play->count - from;
        const size_t count = left < GV_OPPORTUNITY_PIECE ? left : GV_OPPORTUNITY_PIECE;
        ask(offline, play, from, count, offline->bids + from);
    }
    gv_offline_lower(offline->bids, play->count, limit);
}

/* The published rule: without so many of the wins, drawn without replacement. */
static void drop_wins(gv_offline *offline, const tick_play *play, size_t win_count, double ratio)
{
    uint32_t *winners = offline->winners;
    size_t drop_count = (size_t)ceil((double)win_count * ratio);
    drop_count = drop_count < win_count ? drop_count : win_count;
    for (size_t k = 0; k < drop_count; k++) {
        const uint64_t index = draw_index(offline, play, k, DRAW_DROPPED);
        const size_t pick = k + (size_t)gv_random_below(&play->state->random, index, win_count - k);
        const uint32_t dropped = winners[pick];
        winners[pick] = winners[k];
        winners[k] = dropped;
        offline->bids[dropped] = 0;
    }
}

static double overspent_ratio(int64_t cost_nanos, int64_t left_nanos)
{
    return (double)(cost_nanos - left_nanos) / ((double)cost_nanos + COST_FLOOR_NANOS);
}

static gv_offline_sums fit_by_dropping(gv_offline *offline, tick_play *play, gv_offline_sums sums)
{
    while (sums.cost_nanos > play->left_nanos) {
        const size_t win_count =
            gv_offline_winners(offline->bids, offline->least, play->count, offline->winners);
        const double ratio = overspent_ratio(sums.cost_nanos, play->left_nanos);
        drop_wins(offline, play, win_count, ratio);
        play->round++;
        sums = gv_offline_sum(offline->bids, offline->least, play->count);
    }
    return sums;
}

/* Offers follow what is left; those that no longer reach the cost lose. */
static gv_offline_sums fit_exactly(gv_offline *offline, const tick_play *play)
{
    int64_t left = play->left_nanos;
    for (size_t i = 0; i < play->count; i++) {
        int64_t *bid = &offline->bids[i];
        *bid = *bid < left ? *bid : left;
        left -= *bid >= offline->least[i] ? offline->least[i] : 0;
    }
    return gv_offline_sum(offline->bids, offline->least, play->count);
}

static bool converts(const gv_offline *offline, const tick_play *play, size_t i)
{
    const gv_random *random = &play->state->random;
    const double value = play->values[i];
    const double sigma = play->sigmas[i];
    const double uniform = gv_random_uniform(random, draw_index(offline, play, i, DRAW_CONVERTS));
    if (uniform >= value + NORMAL_MAX * sigma) {
        return false;
    }
    const double normal = gv_random_normal(random, draw_index(offline, play, i, DRAW_TRUTH));
    return uniform < value + sigma * normal;
}

static void settle_wins(gv_offline *offline, tick_play *play, gv_seat_tick *now)
{
    play->win_count =
        gv_offline_winners(offline->bids, offline->least, play->count, offline->winners);
    play->conversion_count = 0;
    for (size_t k = 0; k < play->win_count; k++) {
        const uint32_t i = offline->winners[k];
        now->won_value_units += (int64_t)(play->values[i] * GV_VALUE_UNITS + 0.5);
        if (converts(offline, play, i)) {
            offline->converted[play->conversion_count++] = i;
        }
    }
    now->exposures = play->win_count;
    now->exposed_value_units = now->won_value_units;
    now->tally.conversions = play->conversion_count;
}

static gv_outcome auction_outcome(const gv_offline *offline, const tick_play *play, size_t i)
{
    const bool won = offline->bids[i] >= offline->least[i];
    return (gv_outcome){
        .kind = GV_OUTCOME_AUCTION,
        .opportunity = offline->first + i,
        .time_us = offline->times[i],
        .bid_nanos = offline->bids[i],
        .price_nanos = won ? offline->least[i] : 0,
        .won = won,
        .pcvr = play->values[i],
        .least_cost_nanos = offline->least[i],
    };
}

/* What became of a tick's auctions is known when all of it was bid on. */
static void tell_auctions(gv_offline *offline, const tick_play *play)
{
    for (size_t first = 0; first < play->count; first += PIECE) {
        const size_t left = play->count - first;
        const size_t count = left < PIECE ? left : PIECE;
        for (size_t i = 0; i < count; i++) {
            offline->outcomes[i] = auction_outcome(offline, play, first + i);
        }
        gv_policy_observe(play->seat->policy, offline->outcomes, count);
    }
}

/* At the tick's end. */
static void tell_conversions(const gv_offline *offline, const tick_play *play)
{
    const gv_offline_config *config = &offline->config;
    const int64_t end_us = config->start_us + (int64_t)(play->tick + 1) * config->tick_us;
    for (size_t k = 0; k < play->conversion_count; k++) {
        const gv_outcome outcome = {.kind = GV_OUTCOME_CONVERSION,
                                    .opportunity = offline->first + offline->converted[k],
                                    .time_us = end_us,
                                    .won = true,
                                    .least_cost_nanos = GV_NO_BID};
        gv_policy_observe(play->seat->policy, &outcome, 1);
    }
}

/* Each bid by what the one before left, and told at once: only conversions are left to tell. */
static gv_offline_sums bid_one_by_one(gv_offline *offline, tick_play *play)
{
    const int64_t cap = play->seat->campaign->bid_cap_nanos;
    for (size_t i = 0; i < play->count; i++) {
        const int64_t most = play->left_nanos < cap ? play->left_nanos : cap;
        ask(offline, play, i, 1, &offline->bids[i]);
        gv_offline_lower(&offline->bids[i], 1,
                         most < GV_OFFLINE_PRICE_END ? most : GV_OFFLINE_PRICE_END - 1);
        offline->outcomes[0] = auction_outcome(offline, play, i);
        play->left_nanos -= offline->outcomes[0].price_nanos;
        gv_policy_observe(play->seat->policy, offline->outcomes, 1);
    }
    return gv_offline_sum(offline->bids, offline->least, play->count);
}

/* Who may not bid is asked all the same: a policy is told of what it was asked, always. */
static gv_offline_sums bid_and_fit(gv_offline *offline, tick_play *play)
{
    bid_together(offline, play);
    if (play->left_nanos < offline->config.left_min_nanos) {
        memset(offline->bids, 0, play->count * sizeof *offline->bids);
    }
    const gv_offline_sums sums = gv_offline_sum(offline->bids, offline->least, play->count);
    if (sums.cost_nanos <= play->left_nanos) {
        return sums;
    }
    return offline->config.overspend == GV_OVERSPEND_EXACT ? fit_exactly(offline, play)
                                                           : fit_by_dropping(offline, play, sums);
}

static void play_seat(gv_offline *offline, size_t seat, size_t tick, const gv_auctionnet_tick *log)
{
    const gv_offline_seat *about = &offline->config.seats[seat];
    gv_seat_tick *now = &offline->ticks[seat * offline->config.tick_count + tick];
    const size_t at = about->row * log->stride;
    tick_play play = {.seat = about,
                      .state = &offline->states[seat],
                      .values = log->values + at,
                      .sigmas = log->sigmas + at,
                      .tick = tick,
                      .count = log->count,
                      .left_nanos = offline->states[seat].left_nanos};
    if (offline->loaded_row != about->row) {
        gv_offline_nanos(log->least_costs + at, log->count, offline->least);
        offline->loaded_row = about->row;
    }
    const bool is_single = gv_policy_type_of(about->policy)->one_by_one;
    const gv_offline_sums sums =
        is_single ? bid_one_by_one(offline, &play) : bid_and_fit(offline, &play);
    now->tally.bids = (uint64_t)sums.bids;
    now->tally.bid_nanos = sums.bid_nanos;
    now->tally.wins = (uint64_t)sums.wins;
    now->tally.spend_nanos = sums.cost_nanos;
    now->least_cost_nanos = gv_offline_total_nanos(offline->least, log->count);
    settle_wins(offline, &play, now);
    play.state->left_nanos -= sums.cost_nanos;
    if (gv_policy_listens(about->policy)) {
        if (!is_single) {
            tell_auctions(offline, &play);
        }
        tell_conversions(offline, &play);
    }
}

gv_status gv_offline_play(gv_offline *offline, const gv_auctionnet_tick *tick)
{
    const gv_offline_config *config = &offline->config;
    assert(tick->values != NULL && tick->sigmas != NULL && tick->least_costs != NULL);
    assert(tick->tick >= offline->next_tick);
    if (tick->tick >= config->tick_count) {
        return GV_FAIL(GV_EINVAL, "tick %zu of period %" PRIu64 ", expected %zu ticks from 0 on",
                       tick->tick, tick->period, config->tick_count);
    }
    GV_TRY(widen(offline, tick->count));
    for (; offline->next_tick <= tick->tick; offline->next_tick++) {
        const size_t now = offline->next_tick;
        const gv_auctionnet_tick *log = now == tick->tick ? tick : NULL;
        announce(offline, now, log);
        plan(offline, now);
        if (log == NULL) {
            continue;
        }
        load_times(offline, now, log->count);
        offline->loaded_row = SIZE_MAX;
        for (size_t seat = 0; seat < config->seat_count; seat++) {
            play_seat(offline, seat, now, log);
            gv_seat_tick_add(&offline->states[seat].episode,
                             &offline->ticks[seat * config->tick_count + now]);
        }
        offline->first += log->count;
    }
    return GV_OK;
}

const gv_seat_tick *gv_offline_ticks(const gv_offline *offline, size_t seat)
{
    assert(seat < offline->config.seat_count);
    return &offline->ticks[seat * offline->config.tick_count];
}

gv_seat_tick gv_offline_total(const gv_offline *offline, size_t seat)
{
    assert(seat < offline->config.seat_count);
    return offline->states[seat].episode;
}
