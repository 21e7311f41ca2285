/* Mechanisms, delays, odd bids and impossible rules in the market of made_market.h. */
#include "made_market.h"
#include "sim/base/mem.h"
#include "sim/market/record.h"

static int64_t spend_of(const made_result *result)
{
    int64_t sum = 0;
    for (size_t s = 0; s < MADE_SEATS; s++) {
        sum += result->totals[s].tally.spend_nanos;
    }
    return sum;
}

/* The same market by batches and by single auctions; returns what it spends. */
static int64_t assert_same(const made_market *market)
{
    made_result batch;
    made_result plain;
    made_market copy = *market;
    copy.config.seats = copy.seats;
    made_run(&copy, &batch);
    copy = *market;
    copy.config.seats = copy.seats;
    copy.config.reference = true;
    made_run(&copy, &plain);
    assert_memory_equal(&batch, &plain, sizeof batch);
    return spend_of(&batch);
}

static void every_mechanism_is_the_same_by_batches_and_by_single_auctions(void **state)
{
    (void)state;
    const gv_policy_type *const policies[] = {&made_deaf, &made_listening};
    for (size_t t = 0; gv_mechanism_types[t] != NULL; t++) {
        for (int variant = 0; variant < 16; variant++) {
            made_market market;
            made_defaults(&market);
            market.config.mechanism.type = gv_mechanism_types[t];
            market.config.reserve_unsold = variant % 2 == 1;
            market.config.mechanism.soft_reserve_nanos =
                variant / 2 % 2 == 1 ? 700 * GV_NANOS_PER_CPM : 0;
            market.policy_type = policies[variant / 4 % 2];
            market.response_config.exposure_delay = (gv_delay){
                .type = variant / 8 == 1 ? &gv_delay_weibull : &gv_delay_none,
                .mean_us = GV_US_PER_MINUTE,
                .shape = 0.7,
            };
            market.response_config.conversion_delay =
                (gv_delay){.type = &gv_delay_exponential, .mean_us = GV_US_PER_MINUTE};
            for (size_t s = 0; s < MADE_SEATS; s++) {
                market.bidders[s].is_spurred = s % 2 == 0;
                market.campaigns[s].budget_nanos = (int64_t)(s * s * 40) * GV_NANOS_PER_UNIT;
            }
            assert_true(assert_same(&market) > 0);
        }
    }
}

static void vcg_earns_less_than_gsp_and_that_less_than_first_price(void **state)
{
    (void)state;
    const gv_mechanism_type *const types[] = {&gv_mechanism_vcg, &gv_mechanism_gsp,
                                              &gv_mechanism_second_price,
                                              &gv_mechanism_first_price};
    int64_t spends[4];
    made_result results[4];
    for (size_t t = 0; t < 4; t++) {
        made_market market;
        made_defaults(&market);
        market.config.mechanism.type = types[t];
        made_run(&market, &results[t]);
        spends[t] = spend_of(&results[t]);
    }
    assert_true(spends[0] > 0);
    assert_true(spends[0] < spends[1]);
    assert_true(spends[1] < spends[3]);
    assert_memory_equal(&results[1], &results[2], sizeof results[1]);
}

/* With its own bids a lone seat gets, under every mechanism, what it got among the others. */
static void a_recorded_market_gives_a_lone_seat_what_it_got(void **state)
{
    (void)state;
    enum { WHO = 3 };
    for (size_t t = 0; gv_mechanism_types[t] != NULL; t++) {
        made_market market;
        made_defaults(&market);
        market.config.mechanism.type = gv_mechanism_types[t];
        market.campaigns[WHO].budget_nanos = 200 * GV_NANOS_PER_UNIT;
        gv_record *record = NULL;
        gv_exchange *exchange = NULL;
        made_open(&market);
        assert_int_equal(gv_record_create(&market.config, &record), GV_OK);
        market.config.tap = gv_record_tap(record);
        assert_int_equal(gv_exchange_create(&market.config, &exchange), GV_OK);
        assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
        const gv_seat_tick among = gv_exchange_total(exchange, WHO);
        gv_exchange_destroy(exchange);

        float values[MADE_SEATS][MADE_COUNT];
        for (size_t tick = 0; tick < MADE_TICKS; tick++) {
            const gv_traffic_piece piece = {.tick = tick,
                                            .first = tick * MADE_PER_TICK,
                                            .count = MADE_PER_TICK,
                                            .advertiser_count = MADE_SEATS};
            gv_traffic_values(market.traffic, &piece, MADE_COUNT, &values[0][tick * MADE_PER_TICK]);
        }
        const gv_rivals rivals = {.record = record, .number = WHO, .values = values[WHO]};
        gv_exchange_config alone = market.config;
        alone.tap = NULL;
        alone.rivals = &rivals;
        alone.seats = &market.seats[WHO];
        alone.seat_count = 1;
        assert_int_equal(gv_exchange_create(&alone, &exchange), GV_OK);
        assert_int_equal(gv_exchange_run(exchange, NULL), GV_OK);
        const gv_seat_tick lone = gv_exchange_total(exchange, 0);
        assert_true(among.exposures > 0);
        assert_memory_equal(&among, &lone, sizeof among);
        gv_exchange_destroy(exchange);
        gv_record_destroy(record);
        made_close(&market);
    }
}

/* A market whose exposures are known one tick later, and its conversions one more. */
static void made_delayed(made_market *market)
{
    made_defaults(market);
    market->response_config.exposure_delay =
        (gv_delay){.type = &gv_delay_fixed, .mean_us = MADE_TICK_US};
    market->response_config.conversion_delay =
        (gv_delay){.type = &gv_delay_fixed, .mean_us = MADE_TICK_US};
}

/* Budgets bind: what happens is the same, since they are charged at once, and is known later. */
static void a_delay_of_a_tick_moves_what_is_known_by_a_tick_and_changes_nothing(void **state)
{
    (void)state;
    made_market market;
    made_result prompt;
    made_result late;
    made_defaults(&market);
    for (size_t s = 0; s < MADE_SEATS; s++) {
        market.campaigns[s].budget_nanos = 100 * GV_NANOS_PER_UNIT;
    }
    made_run(&market, &prompt);
    assert_true(market.bidders[5].first_left[1] < 100 * GV_NANOS_PER_UNIT);
    made_delayed(&market);
    for (size_t s = 0; s < MADE_SEATS; s++) {
        market.campaigns[s].budget_nanos = 100 * GV_NANOS_PER_UNIT;
    }
    made_run(&market, &late);
    for (size_t s = 0; s < MADE_SEATS; s++) {
        assert_memory_equal(&prompt.totals[s], &late.totals[s], sizeof prompt.totals[s]);
        assert_int_equal(market.bidders[s].first_left[1], 100 * GV_NANOS_PER_UNIT);
        assert_int_equal(late.ticks[s][0].exposures, 0);
        assert_int_equal(late.ticks[s][0].tally.wins, prompt.ticks[s][0].tally.wins);
        for (size_t tick = 0; tick + 2 < MADE_TICKS; tick++) {
            const gv_seat_tick *then = &prompt.ticks[s][tick];
            const gv_seat_tick *known = &late.ticks[s][tick + 1];
            assert_int_equal(known->exposures, then->exposures);
            assert_int_equal(known->tally.spend_nanos, then->tally.spend_nanos);
            assert_int_equal(known->exposed_value_units, then->exposed_value_units);
            assert_int_equal(late.ticks[s][tick + 2].tally.conversions, then->tally.conversions);
        }
    }
}

/* Who listens hears each price once: with the auction, or later with the exposure. */
static void listeners_hear_each_price_when_it_is_known(void **state)
{
    (void)state;
    for (int is_late = 0; is_late < 2; is_late++) {
        made_market market;
        made_result result;
        if (is_late == 1) {
            made_delayed(&market);
        } else {
            made_defaults(&market);
        }
        market.policy_type = &made_listening;
        made_run(&market, &result);
        for (size_t s = 0; s < MADE_SEATS; s++) {
            const gv_seat_tick *total = &result.totals[s];
            const made_bidder *bidder = &market.bidders[s];
            assert_true(total->exposures > 0);
            assert_int_equal(bidder->heard_nanos, total->tally.spend_nanos);
            assert_int_equal(bidder->exposures, is_late == 1 ? total->exposures : 0);
            assert_int_equal(bidder->conversions, total->tally.conversions);
        }
    }
}

/* Four opportunities; what is written beside each bid is what becomes of it. */
static void odd_bids_are_counted_and_follow_the_rules(void **state)
{
    (void)state;
    const int64_t cap = 50 * GV_NANOS_PER_CPM;
    const int64_t odd[] = {
        GV_BID_NAN,            /* no bid, counted */
        INT64_MAX,             /* the cap, counted */
        -7,                    /* no bid, counted */
        GV_NO_BID,             /* no bid, as it says */
        50 * GV_NANOS_PER_CPM, /* the cap, as it says */
        GV_OFFER_MAX + 1,      /* the cap, counted */
        INT64_MIN + 1,         /* no bid, counted */
        0,                     /* below the reserve */
    };
    made_result results[2];
    for (int reference = 0; reference < 2; reference++) {
        made_market market;
        made_defaults(&market);
        market.seat_count = 2;
        market.traffic_config.per_tick = 2;
        market.bidders[0].bids = odd;
        market.bidders[1].multiplier = 0.0;
        market.campaigns[0].bid_cap_nanos = cap;
        market.config.reference = reference == 1;
        made_run(&market, &results[reference]);
    }
    const made_result *result = &results[0];
    assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    assert_int_equal(result->clamped[0].above, 2);
    assert_int_equal(result->clamped[0].negative, 2);
    assert_int_equal(result->clamped[0].not_numbers, 1);
    assert_int_equal(result->totals[0].tally.bids, 3);
    assert_int_equal(result->totals[0].tally.bid_nanos, 3 * cap);
    assert_int_equal(result->totals[0].tally.wins, 3);
    assert_int_equal(result->totals[0].tally.spend_nanos, 3 * GV_NANOS_PER_CPM);
    assert_memory_equal(&result->clamped[1], &(gv_clamped_bids){0}, sizeof(gv_clamped_bids));
}

/* All bid more than there is money in the world: sums stop, nothing overflows. */
static void endless_bids_break_nothing(void **state)
{
    (void)state;
    for (int rule = 0; rule < 2; rule++) {
        made_market market;
        made_defaults(&market);
        market.config.overspend = rule == 0 ? GV_OVERSPEND_EXACT : GV_OVERSPEND_AUCTIONNET;
        for (size_t s = 0; s < MADE_SEATS; s++) {
            market.bidders[s].multiplier = 9e8;
            market.campaigns[s].budget_nanos = INT64_MAX;
        }
        market.traffic_config.highest = 1.0;
        made_result result;
        made_run(&market, &result);
        for (size_t s = 0; s < MADE_SEATS; s++) {
            assert_true(result.clamped[s].above > 0);
            assert_true(result.totals[s].tally.spend_nanos >= 0);
        }
        assert_int_equal(result.highest_offer, GV_OFFER_MAX);
    }
}

static void a_reserve_above_every_bid_sells_nothing_and_shows(void **state)
{
    (void)state;
    made_market market;
    made_result result;
    made_defaults(&market);
    market.config.mechanism.reserve_nanos = 9 * GV_NANOS_PER_UNIT;
    made_run(&market, &result);
    for (size_t s = 0; s < MADE_SEATS; s++) {
        assert_int_equal(result.totals[s].tally.wins, 0);
        assert_true(result.totals[s].tally.bids > 0);
    }
    assert_true(result.highest_offer > 0);
    assert_true(result.highest_offer < market.config.mechanism.reserve_nanos);
}

static void assert_refused(made_market *market, const char *says)
{
    gv_exchange *exchange = NULL;
    made_open(market);
    assert_int_equal(gv_exchange_create(&market->config, &exchange), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), says));
    assert_null(exchange);
    made_close(market);
}

static void rules_that_cannot_go_together_are_refused(void **state)
{
    (void)state;
    made_market market;
    made_defaults(&market);
    market.config.mechanism.type = &gv_mechanism_vcg;
    market.response_config.cascade = false;
    market.response_config.exposure[2] = 0.9;
    assert_refused(&market, "slot 3 is seen more often (0.9) than slot 2 (0.8)");
    made_defaults(&market);
    market.config.overspend = GV_OVERSPEND_AUCTIONNET;
    market.policy_type = &made_one_by_one;
    assert_refused(&market, "bids on one auction after another");
    made_defaults(&market);
    market.config.mechanism.soft_reserve_nanos = 1;
    assert_refused(&market, "soft reserve");
}

static void the_response_says_how_often_slots_are_seen(void **state)
{
    (void)state;
    made_market market;
    made_defaults(&market);
    const double expected[] = {1.0, 0.8, 0.48};
    made_open(&market);
    uint64_t seen[MADE_SLOTS_MAX] = {0};
    for (uint64_t i = 0; i < MADE_COUNT; i++) {
        const uint32_t mask = gv_response_seen(market.response, i);
        for (size_t slot = 0; slot < MADE_SLOTS_MAX; slot++) {
            seen[slot] += mask >> slot & 1;
        }
    }
    for (size_t slot = 0; slot < MADE_SLOTS_MAX; slot++) {
        const double chance = gv_response_exposure(market.response, slot);
        const double share = (double)seen[slot] / MADE_COUNT;
        assert_true(chance > expected[slot] - 1e-12 && chance < expected[slot] + 1e-12);
        assert_true(share > chance - 0.04 && share < chance + 0.04); /* 4 standard errors */
    }
    made_close(&market);
}

/* Of the opportunities in one place of all ticks: how many respond as that of the first tick. */
static size_t repeats_of(made_market *market)
{
    size_t repeats = 0;
    made_open(market);
    for (uint64_t place = 0; place < MADE_PER_TICK; place++) {
        bool is_same = true;
        for (uint64_t tick = 1; tick < MADE_TICKS; tick++) {
            const uint64_t other = tick * MADE_PER_TICK + place;
            int64_t delay_us = 0;
            is_same = is_same && gv_response_seen(market->response, place) ==
                                     gv_response_seen(market->response, other);
            for (uint32_t a = 0; a < MADE_SEATS; a++) {
                is_same =
                    is_same && gv_response_converts(market->response, place, a, 0.5, &delay_us) ==
                                   gv_response_converts(market->response, other, a, 0.5, &delay_us);
            }
        }
        repeats += is_same;
    }
    made_close(market);
    return repeats;
}

static void only_the_fault_repeats_draws_in_every_tick(void **state)
{
    (void)state;
    made_market market;
    made_defaults(&market);
    assert_true(repeats_of(&market) < 10);
    market.response_config.repeat_draws = true;
    assert_int_equal(repeats_of(&market), MADE_PER_TICK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mechanism_is_the_same_by_batches_and_by_single_auctions),
        cmocka_unit_test(vcg_earns_less_than_gsp_and_that_less_than_first_price),
        cmocka_unit_test(a_recorded_market_gives_a_lone_seat_what_it_got),
        cmocka_unit_test(a_delay_of_a_tick_moves_what_is_known_by_a_tick_and_changes_nothing),
        cmocka_unit_test(listeners_hear_each_price_when_it_is_known),
        cmocka_unit_test(odd_bids_are_counted_and_follow_the_rules),
        cmocka_unit_test(endless_bids_break_nothing),
        cmocka_unit_test(a_reserve_above_every_bid_sells_nothing_and_shows),
        cmocka_unit_test(rules_that_cannot_go_together_are_refused),
        cmocka_unit_test(the_response_says_how_often_slots_are_seen),
        cmocka_unit_test(only_the_fault_repeats_draws_in_every_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
