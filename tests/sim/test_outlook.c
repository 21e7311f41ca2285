/* The outlook by hand, and with numbers that no campaign should have. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "sim/base/money.h"
#include "sim/market/outlook.h"
#include "sim/market/seat.h"
#include "test_random.h"

enum { TICKS = 8 };

#define VALUE(x) ((int64_t)((x)*GV_VALUE_UNITS))
#define MONEY(x) ((int64_t)((x)*1e9))

/* A budget of 1000 and a CPA of 50: K = 20. At tick 2 of 8, 250 are spent for 4 conversions. */
static const gv_seat_tick by_hand[TICKS] = {
    {.tally =
         {.auctions = 1000, .bid_nanos = MONEY(100), .spend_nanos = MONEY(50), .conversions = 1},
     .value_units = VALUE(2),
     .exposed_value_units = VALUE(1),
     .least_cost_nanos = MONEY(200)},
    {.tally =
         {.auctions = 500, .bid_nanos = MONEY(200), .spend_nanos = MONEY(200), .conversions = 3},
     .value_units = VALUE(2),
     .exposed_value_units = VALUE(1.5),
     .least_cost_nanos = MONEY(50)},
};

static gv_observation observed(size_t tick)
{
    return (gv_observation){.tick = tick,
                            .tick_count = TICKS,
                            .budget_nanos = MONEY(1000),
                            .budget_left_nanos = MONEY(tick == 0 ? 1000 : 750),
                            .market = {.is_market = true,
                                       .announced_count = 2000,
                                       .announced_value = 0.002,
                                       .ticks = by_hand}};
}

static const gv_campaign campaign = {.name = "c", .cpa_nanos = INT64_C(50) * 1000000000};

static void assert_near(double found, double expected)
{
    if (fabs(found - expected) > 1e-9) {
        fail_msg("found %.12g, expected %.12g", found, expected);
    }
}

static void entries_by_hand(void **state)
{
    (void)state;
    const gv_observation seen = observed(2);
    double x[GV_OUTLOOK_SIZE];
    gv_outlook_of(&seen, &campaign, x);
    const double expected[GV_OUTLOOK_SIZE] = {
        [GV_OUTLOOK_TIME_LEFT] = 0.75,
        [GV_OUTLOOK_BUDGET_LEFT] = 0.75,
        [GV_OUTLOOK_SPENT] = 0.25,
        [GV_OUTLOOK_CONVERSIONS] = 4.0 / 20,
        [GV_OUTLOOK_EXPECTED] = 2.5 / 20,
        [GV_OUTLOOK_SIZE_LOG] = log(20),
        [GV_OUTLOOK_COST] = log(300.0 / (50 * 5)),
        [GV_OUTLOOK_COST_EXPECTED] = log(260 / (50 * 2.7)),
        [GV_OUTLOOK_LUCK] = log(7 / 5.5),
        [GV_OUTLOOK_VALUE_NOW] = log(4.0 * 8 / 20),
        [GV_OUTLOOK_COUNT_NOW] = log(0.2),
        [GV_OUTLOOK_MEAN_NOW] = log(2),
        [GV_OUTLOOK_PRICE_LAST] = log(50.0 / (2 * 50)),
        [GV_OUTLOOK_MEAN_LAST] = log(4),
        [GV_OUTLOOK_PRICE_LAST_3] = log(250.0 / (4 * 50)),
        [GV_OUTLOOK_MEAN_LAST_3] = log(4000.0 / 1500),
        [GV_OUTLOOK_PRICE] = log(250.0 / (4 * 50)),
        [GV_OUTLOOK_MEAN] = log(4000.0 / 1500),
        [GV_OUTLOOK_BID_LAST] = log(2),
        [GV_OUTLOOK_SPENT_LAST] = 1.6,
        [GV_OUTLOOK_EXPECTED_LAST] = 1.5 * 8 / 20,
        [GV_OUTLOOK_COST_LAST] = log(202.5 / (50 * 1.55)),
        [GV_OUTLOOK_BID] = log(2) / 2,
        [GV_OUTLOOK_SPENT_LAST_4] = 1,
        [GV_OUTLOOK_EXPECTED_LAST_4] = 2.5 * 4 / 20,
        [GV_OUTLOOK_PACE] = 1,
    };
    for (size_t i = 0; i < GV_OUTLOOK_SIZE; i++) {
        assert_near(x[i], expected[i]);
    }
}

/* Ten times the money in all that is money, and the outlook is the same. */
static void a_scale_of_money_changes_nothing(void **state)
{
    (void)state;
    gv_seat_tick ticks[TICKS];
    memcpy(ticks, by_hand, sizeof ticks);
    for (size_t i = 0; i < 2; i++) {
        ticks[i].tally.bid_nanos *= 10;
        ticks[i].tally.spend_nanos *= 10;
        ticks[i].least_cost_nanos *= 10;
    }
    const gv_observation small = observed(2);
    gv_observation large = small;
    large.budget_nanos *= 10;
    large.budget_left_nanos *= 10;
    large.market.ticks = ticks;
    gv_campaign rich = campaign;
    rich.cpa_nanos *= 10;
    double x[GV_OUTLOOK_SIZE];
    double y[GV_OUTLOOK_SIZE];
    gv_outlook_of(&small, &campaign, x);
    gv_outlook_of(&large, &rich, y);
    for (size_t i = 0; i < GV_OUTLOOK_SIZE; i++) {
        assert_near(x[i], y[i]);
    }
}

/* What has not happened is neutral, and a mean value what is announced. */
static void before_the_first_tick(void **state)
{
    (void)state;
    const gv_observation seen = observed(0);
    double x[GV_OUTLOOK_SIZE];
    gv_outlook_of(&seen, &campaign, x);
    assert_true(x[GV_OUTLOOK_TIME_LEFT] == 1 && x[GV_OUTLOOK_PACE] == 1);
    assert_true(x[GV_OUTLOOK_COST] == 0 && x[GV_OUTLOOK_LUCK] == 0);
    assert_true(x[GV_OUTLOOK_COST_EXPECTED] == 0 && x[GV_OUTLOOK_COST_LAST] == 0);
    assert_near(x[GV_OUTLOOK_MEAN], log(2));
    assert_near(x[GV_OUTLOOK_MEAN_LAST], log(2));
    assert_true(x[GV_OUTLOOK_PRICE] == 0 && x[GV_OUTLOOK_BID] == 0);
    assert_true(x[GV_OUTLOOK_SPENT_LAST_4] == 0 && x[GV_OUTLOOK_EXPECTED_LAST] == 0);
}

/* Nothing, one and very much of each number, in all of 20,000 ways that are tried. */
static int64_t extreme(test_random *random)
{
    static const int64_t numbers[] = {0, 0, 1, INT64_C(1) << 40, INT64_C(1) << 62};
    return numbers[test_random_below(random, 5)];
}

static void every_entry_is_finite_whatever_happened(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int c = 0; c < 20000; c++) {
        gv_seat_tick ticks[TICKS];
        for (size_t i = 0; i < TICKS; i++) {
            ticks[i] = (gv_seat_tick){.tally = {.auctions = (uint64_t)extreme(&random),
                                                .bid_nanos = extreme(&random),
                                                .spend_nanos = extreme(&random),
                                                .conversions = (uint64_t)extreme(&random)},
                                      .value_units = extreme(&random),
                                      .exposed_value_units = extreme(&random),
                                      .least_cost_nanos = extreme(&random)};
        }
        const gv_observation seen = {
            .tick = (uint64_t)test_random_below(&random, TICKS),
            .tick_count = TICKS,
            .budget_nanos = extreme(&random),
            .budget_left_nanos = extreme(&random),
            .market = {.is_market = true,
                       .announced_count = (uint64_t)extreme(&random),
                       .announced_value = (double)test_random_below(&random, 2) / 1e9,
                       .ticks = ticks}};
        const gv_campaign any = {.name = "c", .cpa_nanos = 1 + extreme(&random)};
        double x[GV_OUTLOOK_SIZE];
        gv_outlook_of(&seen, &any, x);
        for (size_t i = 0; i < GV_OUTLOOK_SIZE; i++) {
            if (!(fabs(x[i]) <= GV_OUTLOOK_MOST)) {
                fail_msg("%s is %g", gv_outlook_name((gv_outlook_entry)i), x[i]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_by_hand),
        cmocka_unit_test(a_scale_of_money_changes_nothing),
        cmocka_unit_test(before_the_first_tick),
        cmocka_unit_test(every_entry_is_finite_whatever_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
