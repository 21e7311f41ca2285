/* AuctionNet's overspend rule: a tick by hand, budgets, reruns, what the exact one shares. */
#include "made_market.h"
#include "sim/base/mem.h"
#include "test_random.h"

enum { CASES = 30 };

#define UNIT GV_NANOS_PER_UNIT

/* One tick of `count` opportunities with one slot, always seen; two seats. */
static void made_page(made_market *market, uint64_t count)
{
    made_defaults(market);
    market->traffic_config.per_tick = count;
    market->response_config = (gv_response_config){.slot_count = 1, .exposure = {1.0}};
    market->seat_count = 2;
    market->config.tick_count = 1;
    market->config.mechanism.reserve_nanos = UNIT;
    market->config.overspend = GV_OVERSPEND_AUCTIONNET;
    market->config.min_remaining_nanos = GV_AUCTIONNET_MIN_REMAINING;
}

/*
 * Four opportunities, bids of 10 against 4, reserve 1, budgets 10 and 1.5.
 *   pass 1: the first wins all four at 4: cost 16, ratio 6 / 16.0001 = 0.375; ceil(4 x 0.375) = 2
 *           of its bids become 0
 *   pass 2: the first wins two, cost 8; the second the other two at the reserve: cost 2, ratio
 *           0.5 / 2.0001 = 0.25; ceil(2 x 0.25) = 1 of its bids becomes 0
 *   pass 3: 8 and 1; one opportunity is sold to nobody
 */
static void a_tick_worked_by_hand(void **state)
{
    (void)state;
    const int64_t high[] = {10 * UNIT, 10 * UNIT, 10 * UNIT, 10 * UNIT};
    const int64_t low[] = {4 * UNIT, 4 * UNIT, 4 * UNIT, 4 * UNIT};
    for (int reference = 0; reference < 2; reference++) {
        made_market market;
        made_result result;
        made_page(&market, 4);
        market.bidders[0].bids = high;
        market.bidders[1].bids = low;
        market.campaigns[0].budget_nanos = 10 * UNIT;
        market.campaigns[1].budget_nanos = 3 * UNIT / 2;
        market.config.reference = reference == 1;
        made_run(&market, &result);
        assert_int_equal(result.totals[0].tally.wins, 2);
        assert_int_equal(result.totals[0].tally.spend_nanos, 8 * UNIT);
        assert_int_equal(result.totals[0].tally.bids, 2);
        assert_int_equal(result.totals[1].tally.wins, 1);
        assert_int_equal(result.totals[1].tally.spend_nanos, UNIT);
        assert_int_equal(result.totals[1].tally.bids, 3);
    }
}

/* No bid is lowered: with 3 left, one that bids 10 pays 2 where the exact rule offers 3. */
static void no_budget_lowers_an_offer(void **state)
{
    (void)state;
    const int64_t high[] = {10 * UNIT};
    const int64_t low[] = {2 * UNIT};
    made_market market;
    made_result result;
    made_page(&market, 1);
    market.bidders[0].bids = high;
    market.bidders[1].bids = low;
    market.campaigns[0].budget_nanos = 3 * UNIT;
    made_run(&market, &result);
    assert_int_equal(result.totals[0].tally.bid_nanos, 10 * UNIT);
    assert_int_equal(result.totals[0].tally.spend_nanos, 2 * UNIT);
}

static void who_has_less_than_the_least_bids_nothing(void **state)
{
    (void)state;
    const int64_t bids[] = {2 * UNIT, 2 * UNIT};
    for (int64_t more = -1; more <= 0; more++) {
        made_market market;
        made_result result;
        made_page(&market, 2);
        market.config.mechanism.reserve_nanos = UNIT / 100;
        market.bidders[0].bids = bids;
        market.bidders[1].multiplier = 0.0;
        market.campaigns[0].budget_nanos = GV_AUCTIONNET_MIN_REMAINING + more;
        made_run(&market, &result);
        assert_int_equal(result.totals[0].tally.bids, more < 0 ? 0 : 2);
        assert_int_equal(result.totals[0].tally.spend_nanos, more < 0 ? 0 : UNIT / 50);
    }
}

/* The same drawn market for both rules. Budgets from what buys nothing to more than enough. */
static void made_drawn(made_market *market, uint64_t number)
{
    test_random random = {.state = number};
    made_defaults(market);
    market->config.seed = number;
    market->config.reserve_unsold = number % 2 == 1;
    market->config.min_remaining_nanos = GV_AUCTIONNET_MIN_REMAINING;
    market->config.overspend = GV_OVERSPEND_AUCTIONNET;
    market->policy_type = number % 3 == 0 ? &made_listening : &made_deaf;
    market->response_config.conversion_delay =
        (gv_delay){.type = &gv_delay_exponential, .mean_us = GV_US_PER_MINUTE};
    market->config.mechanism.type = gv_mechanism_types[number % 4];
    for (size_t s = 0; s < MADE_SEATS; s++) {
        market->campaigns[s].budget_nanos = test_random_below(&random, 900) * UNIT;
        market->bidders[s].multiplier = (double)(1 + test_random_below(&random, 20));
    }
}

static void no_budget_is_overspent_and_batches_equal_single_auctions(void **state)
{
    (void)state;
    size_t tight = 0;
    for (uint64_t c = 0; c < CASES; c++) {
        made_market market;
        made_result batch;
        made_result plain;
        made_drawn(&market, c);
        made_run(&market, &batch);
        for (size_t s = 0; s < MADE_SEATS; s++) {
            const int64_t budget = market.campaigns[s].budget_nanos;
            const int64_t spent = batch.totals[s].tally.spend_nanos;
            assert_true(spent <= budget);
            tight += spent > budget - budget / 20 && spent > 0;
        }
        made_drawn(&market, c);
        market.config.reference = true;
        made_run(&market, &plain);
        assert_memory_equal(&batch, &plain, sizeof batch);
    }
    assert_true(tight > CASES / 2);
}

static void where_no_budget_binds_both_rules_agree_to_the_byte(void **state)
{
    (void)state;
    for (uint64_t c = 0; c < CASES; c++) {
        made_result results[2];
        for (int rule = 0; rule < 2; rule++) {
            made_market market;
            made_drawn(&market, c);
            market.config.overspend = rule == 0 ? GV_OVERSPEND_EXACT : GV_OVERSPEND_AUCTIONNET;
            for (size_t s = 0; s < MADE_SEATS; s++) {
                market.campaigns[s].budget_nanos = 1000000 * UNIT;
            }
            made_run(&market, &results[rule]);
        }
        assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    }
}

/* Which wins are dropped depends on the seed, and on nothing else. */
static void the_seed_alone_decides_what_is_dropped(void **state)
{
    (void)state;
    made_result results[3];
    for (uint64_t run = 0; run < 3; run++) {
        made_market market;
        made_drawn(&market, 4);
        market.config.seed = run == 2 ? 99 : 4;
        made_run(&market, &results[run]);
    }
    assert_memory_equal(&results[0], &results[1], sizeof results[0]);
    assert_memory_not_equal(&results[0], &results[2], sizeof results[0]);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    made_market market;
    made_defaults(&market);
    market.config.overspend = GV_OVERSPEND_AUCTIONNET;
    made_open(&market);
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
    assert_true(failures > 20);
    gv_exchange_destroy(exchange);
    made_close(&market);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_worked_by_hand),
        cmocka_unit_test(no_budget_lowers_an_offer),
        cmocka_unit_test(who_has_less_than_the_least_bids_nothing),
        cmocka_unit_test(no_budget_is_overspent_and_batches_equal_single_auctions),
        cmocka_unit_test(where_no_budget_binds_both_rules_agree_to_the_byte),
        cmocka_unit_test(the_seed_alone_decides_what_is_dropped),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
