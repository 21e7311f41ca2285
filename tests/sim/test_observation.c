/* The 16 numbers of a state, by hand and against AuctionNet's own definition in plain doubles. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/money.h"
#include "sim/market/observation.h"
#include "sim/market/seat.h"
#include "test_random.h"

enum { TICKS = 48, CASES = 200 };

/* A tick of `count` opportunities with these means; money in whole units. */
static gv_seat_tick tick_of(uint64_t count, int64_t bid, int64_t cost, double value, uint64_t wins,
                            uint64_t conversions)
{
    return (gv_seat_tick){
        .tally = {.auctions = count,
                  .bid_nanos = bid * (int64_t)count * GV_NANOS_PER_UNIT,
                  .wins = wins,
                  .conversions = conversions},
        .least_cost_nanos = cost * (int64_t)count * GV_NANOS_PER_UNIT,
        .value_units = (int64_t)(value * GV_VALUE_UNITS) * (int64_t)count,
    };
}

static gv_observation observation_of(const gv_seat_tick *ticks, uint64_t tick)
{
    return (gv_observation){
        .tick = tick,
        .tick_count = TICKS,
        .budget_nanos = 200,
        .budget_left_nanos = 50,
        .market = {.is_market = true,
                   .announced_count = 7,
                   .announced_value = 0.125,
                   .ticks = ticks},
    };
}

static void a_period_begins_without_a_past(void **state)
{
    (void)state;
    double found[GV_STATE_SIZE];
    const gv_observation first = observation_of(NULL, 0);
    gv_state_of(&first, GV_STATE_LATEST_THREE, found);
    const double expected[GV_STATE_SIZE] = {
        [GV_STATE_TIME_LEFT] = 1.0,
        [GV_STATE_BUDGET_LEFT] = 0.25,
        [GV_STATE_VALUE_NOW] = 0.125,
        [GV_STATE_COUNT_NOW] = 7.0,
    };
    for (size_t i = 0; i < GV_STATE_SIZE; i++) {
        assert_true(found[i] == expected[i]);
    }
}

static void each_number_is_where_it_belongs(void **state)
{
    (void)state;
    const gv_seat_tick ticks[] = {
        tick_of(10, 8, 4, 0.5, 5, 2), /* only in "all" */
        tick_of(0, 0, 0, 0.0, 0, 0),  /* in no mean */
        tick_of(4, 2, 1, 0.25, 1, 1),
        tick_of(8, 4, 3, 0.75, 2, 0),
    };
    double found[GV_STATE_SIZE];
    const gv_observation fifth = observation_of(ticks, 4);
    gv_state_of(&fifth, GV_STATE_LATEST_THREE, found);
    const double expected[GV_STATE_SIZE] = {
        44.0 / 48, 0.25, 14.0 / 3, 3.0, 8.0 / 3, 1.5 / 3, (0.2 + 0.25) / 3.0, 1.0 / 3.0, 2.0, 0.5,
        0.125,     0.25, 0.125,    7.0, 12.0,    22.0,
    };
    for (size_t i = 0; i < GV_STATE_SIZE; i++) {
        if (fabs(found[i] - expected[i]) > 1e-12) {
            printf("%s: %g, expected %g\n", gv_state_name((gv_state_entry)i), found[i],
                   expected[i]);
        }
        assert_true(fabs(found[i] - expected[i]) <= 1e-12);
    }
    gv_state_of(&fifth, GV_STATE_FIRST_THREE, found);
    assert_true(found[GV_STATE_BID_LAST] == 5.0);
    assert_true(found[GV_STATE_COUNT_LAST] == 14.0);
}

/* The published definition, entry by entry: means over ticks of means within ticks. */
static double plain_mean(const double *means, size_t first, size_t last)
{
    double sum = 0.0;
    for (size_t i = first; i < last; i++) {
        sum += means[i];
    }
    return first == last ? 0.0 : sum / (double)(last - first);
}

static void integer_sums_give_the_published_means(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        gv_seat_tick ticks[TICKS];
        double bids[TICKS];
        double values[TICKS];
        const size_t tick = (size_t)test_random_below(&random, TICKS);
        for (size_t t = 0; t < tick; t++) {
            const uint64_t count = 1 + (uint64_t)test_random_below(&random, 20000);
            const int64_t bid = test_random_below(&random, 500);
            values[t] = (double)test_random_below(&random, 1024) / 1024.0;
            bids[t] = (double)bid;
            ticks[t] = tick_of(count, bid, 1, values[t], 0, 0);
        }
        double found[GV_STATE_SIZE];
        const gv_observation observation = observation_of(ticks, tick);
        gv_state_of(&observation, GV_STATE_LATEST_THREE, found);
        const size_t from = tick < 3 ? 0 : tick - 3;
        assert_true(fabs(found[GV_STATE_BID] - plain_mean(bids, 0, tick)) < 1e-9);
        assert_true(fabs(found[GV_STATE_BID_LAST] - plain_mean(bids, from, tick)) < 1e-9);
        assert_true(fabs(found[GV_STATE_VALUE] - plain_mean(values, 0, tick)) < 1e-9);
        assert_true(fabs(found[GV_STATE_VALUE_LAST] - plain_mean(values, from, tick)) < 1e-9);
    }
}

static void every_number_has_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < GV_STATE_SIZE; i++) {
        assert_true(strlen(gv_state_name((gv_state_entry)i)) > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_begins_without_a_past),
        cmocka_unit_test(each_number_is_where_it_belongs),
        cmocka_unit_test(integer_sums_give_the_published_means),
        cmocka_unit_test(every_number_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
