/*
 * market_stage.h - a small market for policies to play in, and what they could have known of it.
 *
 * Its traffic is AuctionNet's, or spliced: one period up to a tick, another from it on. Budgets
 * bind for some seats and CPAs for others.
 */
#ifndef TESTS_MARKET_STAGE_H
#define TESTS_MARKET_STAGE_H

#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "sim/market/exchange.h"
#include "sim/market/future.h"
#include "sim/market/record.h"

enum { SEATS = 6, TICKS = 8, SLOTS = 3 };

#define TICK_US (30 * GV_US_PER_MINUTE)

/* ---- traffic whose future can be another's --------------------------------------------------- */

typedef struct spliced_config {
    gv_traffic *past;
    gv_traffic *future;
    size_t from; /* the first tick of the future */
} spliced_config;

typedef struct spliced {
    spliced_config config;
    uint64_t before[TICKS + 1];
} spliced;

static const gv_traffic *part_of(const spliced *self, size_t tick)
{
    return tick < self->config.from ? self->config.past : self->config.future;
}

static inline gv_status spliced_init(void *state, const gv_traffic_setup *setup)
{
    spliced *self = state;
    self->config = *(const spliced_config *)setup->config;
    for (size_t tick = 0; tick < TICKS; tick++) {
        self->before[tick + 1] = self->before[tick] + gv_traffic_count(part_of(self, tick), tick);
    }
    return GV_OK;
}

static inline uint64_t spliced_count(const void *state, size_t tick)
{
    return gv_traffic_count(part_of(state, tick), tick);
}

/* As the part numbers it. */
static inline uint64_t number_in_part(const spliced *self, size_t tick, uint64_t first)
{
    return first - self->before[tick] + gv_traffic_before(part_of(self, tick), tick);
}

static inline void spliced_times(const void *state, size_t tick, uint64_t first, size_t count,
                                 int64_t *time_us)
{
    const spliced *self = state;
    gv_traffic_times(part_of(self, tick), tick, number_in_part(self, tick, first), count, time_us);
}

static inline void spliced_values(const void *state, const gv_traffic_piece *piece, size_t stride,
                                  float *values)
{
    const spliced *self = state;
    gv_traffic_piece moved = *piece;
    moved.first = number_in_part(self, piece->tick, piece->first);
    gv_traffic_values(part_of(self, piece->tick), &moved, stride, values);
}

static inline double spliced_sigma(const void *state, uint64_t opportunity, uint32_t advertiser,
                                   double value)
{
    const spliced *self = state;
    size_t tick = 0;
    while (opportunity >= self->before[tick + 1]) {
        tick++;
    }
    return gv_traffic_sigma(part_of(self, tick), number_in_part(self, tick, opportunity),
                            advertiser, value);
}

static const gv_param no_params[] = {{0}};

static const gv_traffic_type spliced_type = {
    .info = {.name = "spliced", .params = no_params, .config_size = sizeof(spliced_config)},
    .state_size = sizeof(spliced),
    .init = spliced_init,
    .count = spliced_count,
    .times = spliced_times,
    .values = spliced_values,
    .sigma = spliced_sigma,
};

/* ---- a market -------------------------------------------------------------------------------- */

static const uint32_t categories[SEATS] = {0, 0, 0, 1, 1, 1};

static inline gv_traffic *traffic_of(uint64_t period, uint64_t opportunities)
{
    unsigned char config[1024];
    char count[32];
    const gv_param *params = gv_traffic_auctionnet.info.params;
    (void)snprintf(count, sizeof count, "%llu", (unsigned long long)opportunities);
    gv_param_defaults(params, config);
    assert_int_equal(gv_param_parse(gv_param_find(params, "opportunities"), count, 0, config),
                     GV_OK);
    assert_int_equal(gv_param_parse(gv_param_find(params, "value_mean"), "0.02", 0, config), GV_OK);
    const gv_traffic_setup setup = {.config = config,
                                    .seed = 21,
                                    .period = period,
                                    .tick_us = TICK_US,
                                    .tick_count = TICKS,
                                    .advertiser_count = SEATS,
                                    .categories = categories};
    gv_traffic *traffic = NULL;
    assert_int_equal(gv_traffic_create(&gv_traffic_auctionnet, &setup, &traffic), GV_OK);
    return traffic;
}

static inline gv_traffic *splice(gv_traffic *past, gv_traffic *future, size_t from)
{
    const spliced_config config = {past, future, from};
    const gv_traffic_setup setup = {.config = &config,
                                    .tick_us = TICK_US,
                                    .tick_count = TICKS,
                                    .advertiser_count = SEATS,
                                    .categories = categories};
    gv_traffic *traffic = NULL;
    assert_int_equal(gv_traffic_create(&spliced_type, &setup, &traffic), GV_OK);
    return traffic;
}

/* All that one run needs besides its traffic. */
typedef struct stage {
    gv_response *response;
    gv_campaign campaigns[SEATS];
    gv_seat seats[SEATS];
    gv_exchange_config config;
} stage;

/* Budgets that bind for some, CPAs that bind for others. */
static inline void stage_open(stage *market, const gv_traffic *traffic)
{
    const gv_response_config response = {
        .slot_count = SLOTS,
        .exposure = {1.0, 0.8, 0.6},
        .cascade = true,
        .conversion_delay = {.type = &gv_delay_exponential, .mean_us = 10 * GV_US_PER_MINUTE}};
    memset(market, 0, sizeof *market);
    assert_int_equal(gv_response_create(&response, traffic, 21, 1, SEATS, &market->response),
                     GV_OK);
    for (size_t s = 0; s < SEATS; s++) {
        market->campaigns[s] = (gv_campaign){.name = "seat",
                                             .number = s,
                                             .end_us = TICKS * TICK_US,
                                             .budget_nanos = (int64_t)(2 + s) * 120 * 1000000000,
                                             .bid_cap_nanos = INT64_MAX,
                                             .tick_us = TICK_US,
                                             .click_nanos = GV_PARAM_UNSET,
                                             .cpa_nanos = (int64_t)(60 - 4 * s) * 1000000000};
        market->seats[s] = (gv_seat){.campaign = &market->campaigns[s], .category = categories[s]};
    }
    market->config = (gv_exchange_config){.traffic = traffic,
                                          .response = market->response,
                                          .mechanism = {.type = &gv_mechanism_second_price,
                                                        .tie_wins = true,
                                                        .price_step_nanos = 1,
                                                        .reserve_nanos = 1000000},
                                          .slot_count = SLOTS,
                                          .seats = market->seats,
                                          .seat_count = SEATS,
                                          .tick_us = TICK_US,
                                          .tick_count = TICKS};
}

static inline void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
}

static inline gv_exchange *run(const stage *market)
{
    gv_exchange *exchange = NULL;
    assert_int_equal(gv_exchange_create(&market->config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    return exchange;
}

/* A policy to be seated: type, config, history, perhaps what it foresees. */
typedef struct player {
    const gv_policy_type *type;
    policy_config config;
    const gv_history *history;
    const gv_future *future;
} player;

static inline gv_policy *seat_player(const player *who, const gv_campaign *campaign)
{
    const gv_policy_setup setup = {.config = &who->config,
                                   .campaign = campaign,
                                   .rules = {.price_step_nanos = 1},
                                   .history = who->history,
                                   .future = who->future,
                                   .seed = 5};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(who->type, &setup, &policy), GV_OK);
    return policy;
}

/* A market has no clicks. */
static inline bool plays_in_a_market(const gv_policy_type *type)
{
    return (type->reads & ~(unsigned)(GV_READS_PCVR | GV_READS_TIME)) == 0;
}

/* Fitted on a made-up log, which is as good a past as any; dynamic programmes get small tables. */
static inline player player_of(const gv_policy_type *type, const made_log *past)
{
    static const char *const small[] = {"table_auctions=40", "table_cells=20000", NULL};
    const bool is_tabled = gv_param_find(type->info.params, "table_cells") != NULL;
    player who = {.type = type,
                  .config = made_config(type, is_tabled ? small : NULL),
                  .history = &past->history};
    gv_campaign campaign = made_campaign(past, 0.5);
    campaign.start_us = past->history.end_us;
    campaign.end_us = campaign.start_us + past->history.end_us;
    campaign.cpa_nanos = 40 * GV_NANOS_PER_UNIT;
    made_fit(type, &who.config, past, &campaign, made_mechanism(&gv_mechanism_second_price));
    return who;
}

static inline made_log *made_past(void)
{
    const log_recipe recipe = {
        .count = 1200, .seed = 1, .start_us = 0, .price_cpm = 60, .pctr = 0.02};
    return made_log_create(&recipe);
}

/* ---- what a seat could have known ------------------------------------------------------------ */

typedef struct foresight {
    gv_future base;
    uint64_t tick_first[TICKS + 1];
    float *values;
    int64_t *prices;
} foresight;

static const double exposures[SLOTS] = {1, 0.8, 0.48};

static inline foresight *foresee(const gv_traffic *traffic, const gv_record *record, uint32_t seat)
{
    foresight *self = gv_mem_alloc(sizeof *self, 0, 0);
    const uint64_t count = record->count;
    float *group = gv_mem_alloc_vector(count * GV_TRAFFIC_GROUP, sizeof *group);
    assert_non_null(self);
    assert_non_null(group);
    self->values = gv_mem_alloc_vector(count, sizeof *self->values);
    self->prices = gv_mem_alloc_vector(count * SLOTS, sizeof *self->prices);
    const uint32_t first = seat / GV_TRAFFIC_GROUP * GV_TRAFFIC_GROUP;
    for (size_t tick = 0; tick < TICKS; tick++) {
        const gv_traffic_piece piece = {.tick = tick,
                                        .first = gv_traffic_before(traffic, tick),
                                        .count = (size_t)gv_traffic_count(traffic, tick),
                                        .advertiser = first,
                                        .advertiser_count = seat - first + 1};
        gv_traffic_values(traffic, &piece, piece.count, group);
        memcpy(self->values + piece.first, group + (seat - first) * piece.count,
               piece.count * sizeof *group);
        self->tick_first[tick + 1] = piece.first + piece.count;
    }
    gv_record_prices(record, seat, self->prices);
    self->base = (gv_future){SLOTS, exposures, TICKS, self->tick_first, self->values, self->prices};
    gv_mem_free(group);
    return self;
}

static inline void foresight_destroy(foresight *self)
{
    if (self != NULL) {
        gv_mem_free(self->values);
        gv_mem_free(self->prices);
        gv_mem_free(self);
    }
}

/* A market of abids and pids alone, recorded. */
static inline gv_record *record_market(const gv_traffic *traffic)
{
    stage market;
    gv_record *record = NULL;
    stage_open(&market, traffic);
    assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
    market.config.tap = gv_record_tap(record);
    for (size_t s = 0; s < SEATS; s++) {
        const player who = {
            .type = s % 2 == 0 ? &gv_policy_abid : &gv_policy_ta_pid,
            .config = made_config(s % 2 == 0 ? &gv_policy_abid : &gv_policy_ta_pid, NULL)};
        market.seats[s].policy = seat_player(&who, &market.campaigns[s]);
    }
    gv_exchange_destroy(run(&market));
    stage_close(&market);
    return record;
}

#endif
