/* The market: a page settled by hand, the batch path against the reference, budgets, delays. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/exchange.h"
#include "sim/market/record.h"
#include "test_random.h"

enum { SEATS = 9, TICKS = 5, CASES = 40, SLOTS = 3, PERIOD = 3 };

#define TICK_US (30 * GV_US_PER_MINUTE)

/* Bids multiplier x value; one that listens bids less after each win and more after each loss. */
typedef struct nudge_config {
    double multiplier;
    double step;
} nudge_config;

typedef struct nudge_state {
    double multiplier;
    double step;
} nudge_state;

static const gv_param nudge_params[] = {
    {.name = "multiplier", .kind = GV_PARAM_REAL, .fallback = "1", .help = "CPA-like."},
    {.name = "step",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .offset = offsetof(nudge_config, step),
     .help = "Relative change after each conversion."},
    {.name = NULL},
};

static gv_status nudge_init(void *object, const gv_policy_setup *setup)
{
    const nudge_config *config = setup->config;
    *(nudge_state *)object = (nudge_state){config->multiplier, config->step};
    return GV_OK;
}

static void nudge_bid(void *object, const gv_batch *batch, int64_t *bids)
{
    const nudge_state *state = object;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(state->multiplier * batch->pcvr[i] * 1e9);
    }
}

static void nudge_observe(void *object, const gv_outcome *outcomes, size_t count)
{
    nudge_state *state = object;
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].kind == GV_OUTCOME_CONVERSION) {
            state->multiplier *= 1.0 - state->step;
        }
    }
}

static void nudge_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        nudge_state *state = states[i];
        assert_true(observations[i].market.is_market);
        state->multiplier *= observations[i].last.wins > 0 ? 0.9 : 1.1;
    }
}

#define NUDGE                                                                               \
    .info = {.name = "nudge", .params = nudge_params, .config_size = sizeof(nudge_config)}, \
    .state_size = sizeof(nudge_state), .reads = GV_READS_PCVR, .init = nudge_init,          \
    .bid = nudge_bid, .tick = nudge_tick

static const gv_policy_type deaf = {NUDGE};
static const gv_policy_type listening = {NUDGE, .observe = nudge_observe};
static const gv_policy_type one_by_one = {NUDGE, .observe = nudge_observe, .one_by_one = true};

/* A market with all that it borrows. */
typedef struct stage {
    unsigned char traffic_config[1024];
    gv_traffic *traffic;
    gv_response *response;
    nudge_config configs[SEATS];
    gv_campaign campaigns[SEATS];
    uint32_t categories[SEATS];
    gv_seat seats[SEATS];
    gv_exchange_config config;
} stage;

static void set(stage *market, const char *name, const char *value)
{
    const gv_param *param = gv_param_find(gv_traffic_auctionnet.info.params, name);
    assert_non_null(param);
    assert_int_equal(gv_param_parse(param, value, 0, market->traffic_config), GV_OK);
}

static void open_traffic(stage *market, const gv_response_config *response)
{
    const gv_traffic_setup setup = {
        .config = market->traffic_config,
        .seed = 11,
        .period = PERIOD,
        .tick_us = TICK_US,
        .tick_count = TICKS,
        .advertiser_count = SEATS,
        .categories = market->categories,
    };
    assert_int_equal(gv_traffic_create(&gv_traffic_auctionnet, &setup, &market->traffic), GV_OK);
    assert_int_equal(
        gv_response_create(response, market->traffic, 11, PERIOD, SEATS, &market->response), GV_OK);
}

static void open_seats(stage *market, const gv_policy_type *type, test_random *random)
{
    for (size_t s = 0; s < SEATS; s++) {
        market->configs[s] =
            (nudge_config){.multiplier = (double)test_random_below(random, 40) / 4, .step = 0.05};
        market->campaigns[s] = (gv_campaign){
            .name = "seat",
            .number = s,
            .end_us = TICKS * TICK_US,
            .budget_nanos = test_random_below(random, 40) * GV_NANOS_PER_CPM * 1000,
            .bid_cap_nanos = s == 0 ? 40 * GV_NANOS_PER_CPM : INT64_MAX,
            .tick_us = TICK_US,
        };
        const gv_policy_setup setup = {.config = &market->configs[s],
                                       .campaign = &market->campaigns[s],
                                       .rules = {.price_step_nanos = 1}};
        market->seats[s] =
            (gv_seat){.campaign = &market->campaigns[s], .category = (uint32_t)s / 4};
        assert_int_equal(gv_policy_create(type, &setup, &market->seats[s].policy), GV_OK);
    }
}

static void stage_open(stage *market, const gv_policy_type *type, int64_t delay_us,
                       test_random *random)
{
    const gv_response_config response = {
        .slot_count = SLOTS,
        .exposure = {1.0, 0.8, 0.6},
        .cascade = true,
        .conversion_delay = {.type = &gv_delay_exponential, .mean_us = delay_us}};
    memset(market, 0, sizeof *market);
    gv_param_defaults(gv_traffic_auctionnet.info.params, market->traffic_config);
    set(market, "opportunities", "3000");
    set(market, "value_mean", "0.02");
    for (size_t s = 0; s < SEATS; s++) {
        market->categories[s] = (uint32_t)s / 4;
    }
    open_traffic(market, &response);
    open_seats(market, type, random);
    market->config = (gv_exchange_config){
        .traffic = market->traffic,
        .response = market->response,
        .mechanism = {.type = &gv_mechanism_second_price,
                      .tie_wins = true,
                      .price_step_nanos = 1,
                      .reserve_nanos = GV_NANOS_PER_CPM},
        .slot_count = SLOTS,
        .seats = market->seats,
        .seat_count = SEATS,
        .tick_us = TICK_US,
        .tick_count = TICKS,
    };
}

static void stage_close(stage *market)
{
    for (size_t s = 0; s < SEATS; s++) {
        gv_policy_destroy(market->seats[s].policy);
    }
    gv_response_destroy(market->response);
    gv_traffic_destroy(market->traffic);
}

/* Runs it to the end and copies what each seat got. ticks: [SEATS][TICKS + 1]. */
static void run(const stage *market, bool reference, gv_seat_tick ticks[SEATS][TICKS + 1])
{
    gv_exchange_config config = market->config;
    config.reference = reference;
    gv_exchange *exchange = NULL;
    assert_int_equal(gv_exchange_create(&config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    assert_int_equal(gv_exchange_auctions(exchange), gv_traffic_before(market->traffic, TICKS));
    for (size_t s = 0; s < SEATS; s++) {
        memcpy(ticks[s], gv_exchange_ticks(exchange, s), sizeof ticks[s]);
    }
    gv_exchange_destroy(exchange);
}

static void assert_same(test_random *random, const gv_policy_type *type, gv_least_cost least_cost)
{
    gv_seat_tick batch[SEATS][TICKS + 1];
    gv_seat_tick plain[SEATS][TICKS + 1];
    const test_random start = *random;
    for (int reference = 0; reference < 2; reference++) {
        stage market;
        *random = start;
        stage_open(&market, type, GV_US_PER_HOUR / 4, random);
        market.config.least_cost = least_cost;
        run(&market, reference != 0, reference != 0 ? plain : batch);
        stage_close(&market);
    }
    assert_memory_equal(batch, plain, sizeof batch);
}

static void batches_equal_single_auctions(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int c = 0; c < CASES; c++) {
        assert_same(&random, &deaf, GV_LEAST_COST_OTHERS);
        assert_same(&random, &listening, GV_LEAST_COST_AUCTIONNET);
    }
    assert_same(&random, &one_by_one, GV_LEAST_COST_OTHERS);
}

static gv_seat_tick total_of(gv_seat_tick ticks[TICKS + 1])
{
    gv_seat_tick total = {0};
    for (size_t tick = 0; tick <= TICKS; tick++) {
        gv_seat_tick_add(&total, &ticks[tick]);
    }
    return total;
}

static void no_budget_is_overspent_and_some_are_used_up(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    size_t used_up = 0;
    for (int c = 0; c < CASES; c++) {
        stage market;
        gv_seat_tick ticks[SEATS][TICKS + 1];
        stage_open(&market, &deaf, 0, &random);
        run(&market, false, ticks);
        for (size_t s = 0; s < SEATS; s++) {
            const gv_seat_tick total = total_of(ticks[s]);
            const int64_t budget = market.campaigns[s].budget_nanos;
            assert_true(total.tally.spend_nanos <= budget);
            assert_true(total.exposures <= total.tally.wins);
            assert_true(total.tally.conversions <= total.exposures);
            used_up += total.tally.spend_nanos > budget - budget / 100 && budget > 0;
        }
        stage_close(&market);
    }
    assert_true(used_up > CASES);
}

/* What a user does depends on neither delay nor policy's ears, only when it becomes known does. */
static void delay_moves_conversions_and_loses_none(void **state)
{
    (void)state;
    const int64_t delays[] = {0, GV_US_PER_MINUTE, 3 * GV_US_PER_HOUR};
    uint64_t totals[3] = {0};
    uint64_t late[3] = {0};
    for (size_t d = 0; d < 3; d++) {
        test_random random = {.state = 5};
        stage market;
        gv_seat_tick ticks[SEATS][TICKS + 1];
        stage_open(&market, &deaf, delays[d], &random);
        run(&market, false, ticks);
        for (size_t s = 0; s < SEATS; s++) {
            totals[d] += total_of(ticks[s]).tally.conversions;
            late[d] += ticks[s][TICKS].tally.conversions;
        }
        stage_close(&market);
    }
    assert_true(totals[0] > 20);
    assert_int_equal(totals[0], totals[1]);
    assert_int_equal(totals[0], totals[2]);
    assert_int_equal(late[0], 0);
    assert_true(late[2] > late[1]);
}

/* A win priced at exactly the reserve counts, unless AuctionNet's fault is asked for. */
static void only_the_fault_cancels_wins_at_the_reserve(void **state)
{
    (void)state;
    uint64_t wins[2] = {0};
    for (int fault = 0; fault < 2; fault++) {
        test_random random = {.state = 9};
        stage market;
        gv_seat_tick ticks[SEATS][TICKS + 1];
        stage_open(&market, &deaf, 0, &random);
        market.config.mechanism.reserve_nanos = 60 * GV_NANOS_PER_CPM;
        market.config.reserve_unsold = fault != 0;
        run(&market, false, ticks);
        for (size_t s = 0; s < SEATS; s++) {
            wins[fault] += total_of(ticks[s]).tally.wins;
        }
        stage_close(&market);
    }
    assert_true(wins[1] > 0);
    assert_true(wins[0] > wins[1]);
}

/* What a tap heard, added up; to be held against the seats' own books. */
typedef struct heard {
    uint64_t next;
    gv_seat_tick seats[SEATS];
} heard;

static void hear(void *context, const gv_exchange_piece *piece)
{
    heard *all = context;
    assert_int_equal(piece->first, all->next);
    all->next += piece->count;
    for (size_t i = 0; i < piece->count; i++) {
        for (size_t slot = 0; slot < piece->slot_count; slot++) {
            const size_t at = slot * piece->stride + i;
            if (piece->prices[at] < 0) {
                assert_int_equal(piece->states[at], 0);
                continue;
            }
            const uint32_t s = gv_ranking_bidder(piece->ranking, piece->keys[at]);
            gv_seat_tick *seat = &all->seats[s];
            const bool is_seen = (piece->states[at] & GV_SLOT_SEEN) != 0;
            assert_int_equal(gv_ranking_offer(piece->ranking, piece->keys[at]),
                             piece->offers[s * piece->stride + i]);
            seat->tally.wins++;
            seat->exposures += is_seen;
            seat->tally.spend_nanos += is_seen ? piece->prices[at] : 0;
            seat->tally.conversions += (piece->states[at] & GV_SLOT_CONVERTS) != 0;
        }
    }
}

static void a_tap_hears_all_that_the_seats_got(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    stage market;
    gv_seat_tick ticks[SEATS][TICKS + 1];
    heard all = {0};
    const gv_exchange_tap tap = {hear, &all};
    stage_open(&market, &deaf, 0, &random);
    market.config.tap = &tap;
    run(&market, false, ticks);
    assert_int_equal(all.next, gv_traffic_before(market.traffic, TICKS));
    for (size_t s = 0; s < SEATS; s++) {
        const gv_seat_tick total = total_of(ticks[s]);
        assert_int_equal(all.seats[s].tally.wins, total.tally.wins);
        assert_int_equal(all.seats[s].exposures, total.exposures);
        assert_int_equal(all.seats[s].tally.spend_nanos, total.tally.spend_nanos);
        assert_int_equal(all.seats[s].tally.conversions, total.tally.conversions);
    }
    stage_close(&market);
}

/* The seat's own values of the whole period. */
static float *values_of(const stage *market, size_t seat)
{
    const uint64_t count = gv_traffic_before(market->traffic, TICKS);
    float *own = gv_mem_alloc_vector((1 + GV_TRAFFIC_GROUP) * count, sizeof *own);
    assert(own != NULL);
    float *group = own + count;
    for (size_t tick = 0; tick < TICKS; tick++) {
        const uint32_t first = (uint32_t)(seat / GV_TRAFFIC_GROUP * GV_TRAFFIC_GROUP);
        const gv_traffic_piece piece = {.tick = tick,
                                        .first = gv_traffic_before(market->traffic, tick),
                                        .count = gv_traffic_count(market->traffic, tick),
                                        .advertiser = first,
                                        .advertiser_count = seat - first + 1};
        gv_traffic_values(market->traffic, &piece, count, group);
        memcpy(own + piece.first, group + (seat - first) * count, piece.count * sizeof *own);
    }
    return own;
}

static void play_alone(stage *market, const gv_record *record, size_t seat, bool reference,
                       gv_seat_tick ticks[TICKS + 1])
{
    float *values = values_of(market, seat);
    int64_t *last_slot = gv_mem_alloc_vector(2 * record->count, sizeof *last_slot);
    assert_non_null(last_slot);
    int64_t *behind = last_slot + record->count;
    gv_record_place(record, (uint32_t)seat, record->slot_count - 1, last_slot);
    gv_record_place(record, (uint32_t)seat, record->slot_count, behind);
    const gv_rivals rivals = {record, (uint32_t)seat, values, last_slot, behind};
    gv_exchange_config config = market->config;
    config.tap = NULL;
    config.reference = reference;
    config.rivals = &rivals;
    config.seats = &market->seats[seat];
    config.seat_count = 1;
    gv_exchange *exchange = NULL;
    assert_int_equal(gv_exchange_create(&config, &exchange), GV_OK);
    assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
    memcpy(ticks, gv_exchange_ticks(exchange, 0), (TICKS + 1) * sizeof *ticks);
    gv_exchange_destroy(exchange);
    gv_mem_free(values);
    gv_mem_free(last_slot);
}

/* The market with `type` in each seat, recorded; then each seat alone against it. */
static void assert_alone_is_as_among_all(const gv_policy_type *type, gv_least_cost least_cost)
{
    test_random random = test_random_seeded();
    const test_random start = random;
    stage market;
    gv_seat_tick among[SEATS][TICKS + 1];
    gv_seat_tick alone[TICKS + 1];
    gv_record *record = NULL;
    stage_open(&market, type, GV_US_PER_HOUR / 4, &random);
    market.config.least_cost = least_cost;
    assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
    market.config.tap = gv_record_tap(record);
    run(&market, false, among);
    stage_close(&market);
    for (int reference = 0; reference < 2; reference++) {
        random = start; /* fresh policies */
        stage_open(&market, type, GV_US_PER_HOUR / 4, &random);
        market.config.least_cost = least_cost;
        for (size_t s = 0; s < SEATS; s++) {
            play_alone(&market, record, s, reference != 0, alone);
            assert_memory_equal(alone, among[s], sizeof alone);
        }
        stage_close(&market);
    }
    gv_record_destroy(record);
}

static void alone_against_the_record_a_seat_gets_what_it_got_among_all(void **state)
{
    (void)state;
    assert_alone_is_as_among_all(&deaf, GV_LEAST_COST_OTHERS);
    assert_alone_is_as_among_all(&deaf, GV_LEAST_COST_AUCTIONNET);
    assert_alone_is_as_among_all(&listening, GV_LEAST_COST_AUCTIONNET);
    assert_alone_is_as_among_all(&one_by_one, GV_LEAST_COST_OTHERS);
}

typedef struct other_rules {
    const gv_policy_type *type;
    const gv_mechanism_type *mechanism;
    gv_least_cost least_cost;
    gv_overspend overspend;
    bool reserve_unsold;
} other_rules;

/* Other bids than those recorded: vectors against the plain path. Counts who fared else. */
static size_t assert_alone_is_as_by_reference(const gv_record *record, const other_rules *rules,
                                              test_random start, gv_seat_tick among[][TICKS + 1])
{
    gv_seat_tick alone[2][TICKS + 1];
    size_t moved = 0;
    for (size_t s = 0; s < SEATS; s++) {
        for (int reference = 0; reference < 2; reference++) {
            stage market;
            test_random random = start;
            stage_open(&market, rules->type, GV_US_PER_MINUTE, &random);
            market.config.mechanism.type = rules->mechanism;
            market.config.least_cost = rules->least_cost;
            market.config.overspend = rules->overspend;
            market.config.reserve_unsold = rules->reserve_unsold;
            play_alone(&market, record, s, reference != 0, alone[reference]);
            stage_close(&market);
        }
        assert_memory_equal(alone[0], alone[1], sizeof alone[0]);
        moved += memcmp(alone[0], among[s], sizeof alone[0]) != 0;
    }
    return moved;
}

static void alone_with_other_bids_batches_equal_single_auctions(void **state)
{
    (void)state;
    static const other_rules rules[] = {
        {&listening, &gv_mechanism_gsp, GV_LEAST_COST_OTHERS, GV_OVERSPEND_EXACT, false},
        {&deaf, &gv_mechanism_gsp, GV_LEAST_COST_OTHERS, GV_OVERSPEND_EXACT, false},
        {&deaf, &gv_mechanism_vcg, GV_LEAST_COST_AUCTIONNET, GV_OVERSPEND_EXACT, false},
        {&deaf, &gv_mechanism_first_price, GV_LEAST_COST_OTHERS, GV_OVERSPEND_EXACT, false},
        {&deaf, &gv_mechanism_gsp, GV_LEAST_COST_OTHERS, GV_OVERSPEND_EXACT, true},
        {&deaf, &gv_mechanism_gsp, GV_LEAST_COST_AUCTIONNET, GV_OVERSPEND_AUCTIONNET, true},
    };
    test_random random = test_random_seeded();
    stage market;
    gv_seat_tick among[SEATS][TICKS + 1];
    gv_record *record = NULL;
    stage_open(&market, &deaf, 0, &random);
    assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
    market.config.tap = gv_record_tap(record);
    run(&market, false, among);
    stage_close(&market);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        assert_true(assert_alone_is_as_by_reference(record, &rules[i], random, among) > SEATS / 2);
    }
    gv_record_destroy(record);
}

static void recorded_prices_are_the_best_offers_of_the_others(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    stage market;
    gv_seat_tick ticks[SEATS][TICKS + 1];
    gv_record *record = NULL;
    stage_open(&market, &deaf, 0, &random);
    assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
    market.config.tap = gv_record_tap(record);
    run(&market, false, ticks);
    int64_t *prices = gv_mem_alloc(0, record->count * SLOTS, sizeof *prices);
    assert_non_null(prices);
    for (uint32_t s = 0; s < SEATS; s++) {
        gv_record_prices(record, s, prices);
        for (uint64_t i = 0; i < record->count; i++) {
            size_t row = 0;
            for (size_t place = 0; place <= SLOTS && row < SLOTS; place++) {
                const int64_t key = record->keys[place * record->count + i];
                const bool is_own = key >= 0 && gv_ranking_bidder(&record->ranking, key) == s;
                const int64_t offer = gv_ranking_offer(&record->ranking, key);
                if (!is_own) {
                    assert_int_equal(prices[row++ * record->count + i],
                                     offer > GV_NANOS_PER_CPM ? offer : GV_NANOS_PER_CPM);
                }
            }
            assert_int_equal(row, SLOTS);
        }
    }
    gv_mem_free(prices);
    gv_record_destroy(record);
    stage_close(&market);
}

static void wrong_markets_are_refused_in_a_sentence(void **state)
{
    (void)state;
    test_random random = {.state = 3};
    stage market;
    gv_exchange *exchange = NULL;
    stage_open(&market, &deaf, 0, &random);
    gv_exchange_config config = market.config;
    config.slot_count = 0;
    assert_int_equal(gv_exchange_create(&config, &exchange), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "0 slots"));
    config = market.config;
    config.seat_count = 0;
    assert_int_equal(gv_exchange_create(&config, &exchange), GV_EINVAL);
    market.campaigns[2].end_us = 5;
    assert_int_equal(gv_exchange_create(&market.config, &exchange), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "whole period"));
    assert_null(exchange);
    stage_close(&market);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    test_random random = {.state = 3};
    stage market;
    stage_open(&market, &deaf, 0, &random);
    gv_exchange *exchange = NULL;
    int failures = 0;
    for (;;) {
        gv_mem_fail_after(failures);
        const gv_status status = gv_exchange_create(&market.config, &exchange);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            break;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_null(exchange);
        failures++;
    }
    assert_true(failures > 10);
    gv_exchange_destroy(exchange);
    stage_close(&market);
}

static void score_is_the_competitions(void **state)
{
    (void)state;
    const gv_seat_tick total = {.tally = {.conversions = 10, .spend_nanos = 2000}};
    assert_true(fabs(gv_seat_score(&total, 200) - 10.0) < 1e-12);
    assert_true(fabs(gv_seat_score(&total, 400) - 10.0) < 1e-12);
    assert_true(fabs(gv_seat_score(&total, 100) - 2.5) < 1e-12);
    assert_true(gv_seat_score(&(gv_seat_tick){0}, 100) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_equal_single_auctions),
        cmocka_unit_test(no_budget_is_overspent_and_some_are_used_up),
        cmocka_unit_test(delay_moves_conversions_and_loses_none),
        cmocka_unit_test(only_the_fault_cancels_wins_at_the_reserve),
        cmocka_unit_test(a_tap_hears_all_that_the_seats_got),
        cmocka_unit_test(alone_against_the_record_a_seat_gets_what_it_got_among_all),
        cmocka_unit_test(alone_with_other_bids_batches_equal_single_auctions),
        cmocka_unit_test(recorded_prices_are_the_best_offers_of_the_others),
        cmocka_unit_test(wrong_markets_are_refused_in_a_sentence),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(score_is_the_competitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
