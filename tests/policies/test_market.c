/* What must hold of every policy that can play in a market, and what the oracle is worth there. */
#include "policies/types_impl.h"
#include "policy_fixture.h"
#include "sim/market/exchange.h"
#include "sim/market/future.h"
#include "sim/market/record.h"

enum { SEATS = 6, TICKS = 8, SLOTS = 3, MOST = 4000 };

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

static gv_status spliced_init(void *state, const gv_traffic_setup *setup)
{
    spliced *self = state;
    self->config = *(const spliced_config *)setup->config;
    for (size_t tick = 0; tick < TICKS; tick++) {
        self->before[tick + 1] = self->before[tick] + gv_traffic_count(part_of(self, tick), tick);
    }
    return GV_OK;
}

static uint64_t spliced_count(const void *state, size_t tick)
{
    return gv_traffic_count(part_of(state, tick), tick);
}

/* As the part numbers it. */
static uint64_t number_in_part(const spliced *self, size_t tick, uint64_t first)
{
    return first - self->before[tick] + gv_traffic_before(part_of(self, tick), tick);
}

static void spliced_times(const void *state, size_t tick, uint64_t first, size_t count,
                          int64_t *time_us)
{
    const spliced *self = state;
    gv_traffic_times(part_of(self, tick), tick, number_in_part(self, tick, first), count, time_us);
}

static void spliced_values(const void *state, const gv_traffic_piece *piece, size_t stride,
                           float *values)
{
    const spliced *self = state;
    gv_traffic_piece moved = *piece;
    moved.first = number_in_part(self, piece->tick, piece->first);
    gv_traffic_values(part_of(self, piece->tick), &moved, stride, values);
}

static double spliced_sigma(const void *state, uint64_t opportunity, uint32_t advertiser,
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

static gv_traffic *traffic_of(uint64_t period, uint64_t opportunities)
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

static gv_traffic *splice(gv_traffic *past, gv_traffic *future, size_t from)
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
static void stage_open(stage *market, const gv_traffic *traffic)
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

static void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
}

static gv_exchange *run(const stage *market)
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

static gv_policy *seat_player(const player *who, const gv_campaign *campaign)
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
static bool plays_in_a_market(const gv_policy_type *type)
{
    return (type->reads & ~(unsigned)(GV_READS_PCVR | GV_READS_TIME)) == 0;
}

/* Fitted on a made-up log, which is as good a past as any; dynamic programmes get small tables. */
static player player_of(const gv_policy_type *type, const made_log *past)
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

static made_log *made_past(void)
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

static foresight *foresee(const gv_traffic *traffic, const gv_record *record, uint32_t seat)
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

static void foresight_destroy(foresight *self)
{
    if (self != NULL) {
        gv_mem_free(self->values);
        gv_mem_free(self->prices);
        gv_mem_free(self);
    }
}

/* A market of abids and pids alone, recorded. */
static gv_record *record_market(const gv_traffic *traffic)
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

/* ---- no leak --------------------------------------------------------------------------------- */

/* Writes down the bids of the policy within, by opportunity. */
typedef struct spy_config {
    player who;
    int64_t *bids; /* [MOST] */
} spy_config;

typedef struct spy {
    int64_t *bids;
    gv_policy *inner;
} spy;

static gv_status spy_init(void *state, const gv_policy_setup *setup)
{
    const spy_config *config = setup->config;
    spy *self = state;
    self->bids = config->bids;
    self->inner = seat_player(&config->who, setup->campaign);
    return GV_OK;
}

static void spy_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const spy *self = state;
    gv_policy_bid(self->inner, batch, bids);
    assert_true(batch->first_id + batch->count <= MOST);
    memcpy(self->bids + batch->first_id, bids, batch->count * sizeof *bids);
}

static void spy_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gv_policy_tick(&((const spy *)states[i])->inner, &observations[i], 1);
    }
}

static void spy_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    gv_policy_observe(((spy *)state)->inner, outcomes, count);
}

static void spy_fini(void *state)
{
    gv_policy_destroy(((spy *)state)->inner);
}

static gv_policy_type spy_on(const gv_policy_type *type)
{
    return (gv_policy_type){
        .info = {.name = "spy", .params = no_params, .config_size = sizeof(spy_config)},
        .state_size = sizeof(spy),
        .reads = type->reads,
        .one_by_one = type->one_by_one,
        .init = spy_init,
        .bid = spy_bid,
        .tick = spy_tick,
        .observe = type->observe == NULL ? NULL : spy_observe,
        .fini = spy_fini,
    };
}

/* A market in which every seat is the player's; bids: [SEATS][MOST]. */
static void market_bids(const gv_traffic *traffic, const player *who, int64_t *bids)
{
    stage market;
    const gv_policy_type type = spy_on(who->type);
    gv_record *record = who->type->sees_future ? record_market(traffic) : NULL;
    foresight *known[SEATS] = {NULL};
    memset(bids, 0, sizeof(int64_t) * SEATS * MOST);
    stage_open(&market, traffic);
    for (size_t s = 0; s < SEATS; s++) {
        spy_config config = {*who, bids + s * MOST};
        if (record != NULL) {
            known[s] = foresee(traffic, record, (uint32_t)s);
            config.who.future = &known[s]->base;
        }
        const gv_policy_setup setup = {
            .config = &config, .campaign = &market.campaigns[s], .rules = {.price_step_nanos = 1}};
        assert_int_equal(gv_policy_create(&type, &setup, &market.seats[s].policy), GV_OK);
    }
    gv_exchange_destroy(run(&market));
    stage_close(&market);
    for (size_t s = 0; s < SEATS; s++) {
        foresight_destroy(known[s]);
    }
    gv_record_destroy(record);
}

/* How many bids before `from` differ between two markets that differ from it on. */
static size_t differing_before(const player *who, size_t from)
{
    gv_traffic *past = traffic_of(1, 2000);
    gv_traffic *other = traffic_of(2, 2600);
    gv_traffic *spliced_traffic = splice(past, other, from);
    int64_t *before = gv_mem_alloc(0, (size_t)SEATS * MOST, sizeof *before);
    int64_t *after = gv_mem_alloc(0, (size_t)SEATS * MOST, sizeof *after);
    assert_non_null(before);
    assert_non_null(after);
    market_bids(past, who, before);
    market_bids(spliced_traffic, who, after);
    const uint64_t end = gv_traffic_before(past, from);
    size_t differ = 0;
    size_t later = 0;
    for (size_t s = 0; s < SEATS; s++) {
        for (size_t i = 0; i < MOST; i++) {
            const bool same = before[s * MOST + i] == after[s * MOST + i];
            differ += !same && i < end;
            later += !same && i >= end;
        }
    }
    assert_true(later > 0 || who->type->reads == 0); /* the futures are not alike */
    gv_mem_free(before);
    gv_mem_free(after);
    gv_traffic_destroy(spliced_traffic);
    gv_traffic_destroy(other);
    gv_traffic_destroy(past);
    return differ;
}

static void another_future_changes_no_bid_but_of_who_sees_it(void **state)
{
    (void)state;
    made_log *past = made_past();
    size_t blind = 0;
    size_t seers = 0;
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (!plays_in_a_market(*type)) {
            continue;
        }
        const player who = player_of(*type, past);
        for (size_t from = 1; from < TICKS; from += 3) {
            const size_t differ = differing_before(&who, from);
            if ((*type)->sees_future ? differ == 0 : differ > 0) {
                fail_msg("%s: %zu bids before tick %zu differ", (*type)->info.name, differ, from);
            }
        }
        blind += !(*type)->sees_future;
        seers += (*type)->sees_future;
    }
    assert_true(blind >= 10);
    assert_true(seers >= 1);
    made_log_destroy(past);
}

/* ---- batches --------------------------------------------------------------------------------- */

static void run_mixed(const gv_traffic *traffic, const player *who, bool reference,
                      gv_seat_tick ticks[SEATS][TICKS + 1])
{
    stage market;
    stage_open(&market, traffic);
    market.config.reference = reference;
    for (size_t s = 0; s < SEATS; s++) {
        market.seats[s].policy = seat_player(who, &market.campaigns[s]);
    }
    gv_exchange *exchange = run(&market);
    for (size_t s = 0; s < SEATS; s++) {
        memcpy(ticks[s], gv_exchange_ticks(exchange, s), sizeof ticks[s]);
        assert_true(gv_exchange_total(exchange, s).tally.spend_nanos <=
                    market.campaigns[s].budget_nanos);
    }
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

/* All seats of one type, in batches and one auction at a time. */
static void each_type_plays_alike_in_batches_and_one_by_one(void **state)
{
    (void)state;
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 2000);
    gv_record *record = record_market(traffic);
    foresight *known = foresee(traffic, record, 0);
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (!plays_in_a_market(*type)) {
            continue;
        }
        player who = player_of(*type, past);
        who.future = &known->base;
        gv_seat_tick fast[SEATS][TICKS + 1];
        gv_seat_tick plain[SEATS][TICKS + 1];
        run_mixed(traffic, &who, false, fast);
        run_mixed(traffic, &who, true, plain);
        assert_memory_equal(fast, plain, sizeof fast);
    }
    foresight_destroy(known);
    gv_record_destroy(record);
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

/* ---- the oracle against all others ----------------------------------------------------------- */

/* min((C / CPA)^2, 1) x conversions, with the conversions that were to be expected. */
static double expected_score(const gv_seat_tick *total, int64_t cpa_nanos)
{
    const double value = (double)total->exposed_value_units / GV_VALUE_UNITS;
    const double allowed = (double)cpa_nanos * value;
    const double spend = (double)total->tally.spend_nanos;
    return spend <= allowed ? value : value * pow(allowed / spend, 2);
}

static double score_alone(const gv_traffic *traffic, const gv_record *record, size_t seat,
                          const player *who)
{
    stage market;
    foresight *known = foresee(traffic, record, (uint32_t)seat);
    const gv_rivals rivals = {record, (uint32_t)seat, known->values};
    player with_future = *who;
    with_future.future = &known->base;
    stage_open(&market, traffic);
    market.config.rivals = &rivals;
    market.config.seats = &market.seats[seat];
    market.config.seat_count = 1;
    market.seats[seat].policy = seat_player(&with_future, &market.campaigns[seat]);
    gv_exchange *exchange = run(&market);
    const gv_seat_tick total = gv_exchange_total(exchange, 0);
    const double score = expected_score(&total, market.campaigns[seat].cpa_nanos);
    gv_exchange_destroy(exchange);
    stage_close(&market);
    foresight_destroy(known);
    return score;
}

/* Rivals stand still, so over all seats nobody's expected score comes near the oracle's. */
static void nobody_beats_the_oracle_against_rivals_that_stand_still(void **state)
{
    (void)state;
    made_log *past = made_past();
    gv_traffic *traffic = traffic_of(1, 8000);
    gv_record *record = record_market(traffic);
    const player oracle = player_of(&gv_policy_oracle_slot, past);
    double best = 0;
    for (size_t s = 0; s < SEATS; s++) {
        best += score_alone(traffic, record, s, &oracle);
    }
    for (const gv_policy_type *const *type = gv_policy_types; *type != NULL; type++) {
        if (*type == &gv_policy_oracle_slot || ((*type)->reads & GV_READS_PCVR) == 0) {
            continue;
        }
        const player who = player_of(*type, past);
        double sum = 0;
        for (size_t s = 0; s < SEATS; s++) {
            sum += score_alone(traffic, record, s, &who);
        }
        printf("%-16s %.3f of the oracle's score\n", (*type)->info.name, sum / best);
        assert_true(sum < 0.98 * best);
    }
    gv_record_destroy(record);
    gv_traffic_destroy(traffic);
    made_log_destroy(past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_future_changes_no_bid_but_of_who_sees_it),
        cmocka_unit_test(each_type_plays_alike_in_batches_and_one_by_one),
        cmocka_unit_test(nobody_beats_the_oracle_against_rivals_that_stand_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
