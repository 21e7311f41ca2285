/* Metrics: worked figures of every kind. */
#include <math.h>

#include "cmocka_all.h"
#include "sim/outcome/metric.h"

static void metrics_are_sums_and_ratios_of_sums(void **state)
{
    (void)state;
    const gv_tally tally = {.auctions = 1000,
                            .bids = 900,
                            .wins = 400,
                            .bid_nanos = INT64_C(90000000000),
                            .spend_nanos = INT64_C(307751000000),
                            .expected_nanoclicks = INT64_C(500000000),
                            .clicks = 48};
    double quantities[GV_QUANTITY_COUNT];
    gv_quantities_of(&tally, quantities);
    const struct {
        const char *name;
        double value;
    } expected[] = {{"impressions", 400}, {"spend_cpm", 307751},   {"ecpm", 307751.0 / 400},
                    {"win_rate", 0.4},    {"expected_clicks", .5}, {"clicks", 48},
                    {"ctr", 0.12},        {"ecpc", 307.751 / 48},  {"expected_ecpc", 307.751 / .5},
                    {"mean_bid", 100}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const gv_metric *metric = gv_metric_find(expected[i].name);
        assert_non_null(metric);
        assert_true(gv_metric_value(metric, quantities) == expected[i].value);
    }
    const double unlimited = gv_metric_value(gv_metric_find("budget_used"), quantities);
    assert_true(unlimited != unlimited);
    assert_null(gv_metric_find("cpm"));
}

/* At a target of 40, 4 conversions for 200 score (40 / 50)^2 x 4 = 2.56, and 3 for 60 score 3. */
static void a_score_adds_up_over_seats(void **state)
{
    (void)state;
    const gv_campaign campaign = {.budget_nanos = INT64_C(400000000000),
                                  .cpa_nanos = INT64_C(40000000000)};
    const gv_tally totals[] = {
        {.auctions = 100, .wins = 20, .spend_nanos = INT64_C(200000000000), .conversions = 4},
        {.auctions = 100, .wins = 30, .spend_nanos = INT64_C(60000000000), .conversions = 3}};
    const gv_seat_tick tick = {.exposures = 15,
                               .value_units = INT64_C(8) << 40,
                               .won_value_units = INT64_C(4) << 40,
                               .exposed_value_units = INT64_C(2) << 40,
                               .least_cost_nanos = INT64_C(300000000000)};
    const gv_seat_record seat = {.rivals = "market", .ticks = &tick, .tick_count = 1};
    double sums[GV_QUANTITY_COUNT] = {0};
    for (size_t i = 0; i < 2; i++) {
        double quantities[GV_QUANTITY_COUNT];
        const gv_cell_record cell = {
            .campaign = &campaign, .total = &totals[i], .episodes = 1, .seat = &seat};
        gv_cell_quantities(&cell, quantities);
        for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
            sums[q] += quantities[q];
        }
    }
    const struct {
        const char *name;
        double value;
    } expected[] = {{"score", (2.56 + 3) / 2},
                    {"over_cpa", 0.5},
                    {"cpa", 260.0 / 7},
                    {"cpa_of_target", 260.0 / 280},
                    {"spend", 260},
                    {"budget_used", 260.0 / 800},
                    {"exposures", 30},
                    {"won_value", 8},
                    {"exposed_value", 4},
                    {"value_share", 0.25},
                    {"least_cost", 3.0},
                    {"conversions", 7}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const double found = gv_metric_value(gv_metric_find(expected[i].name), sums);
        assert_true(fabs(found - expected[i].value) < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_sums_and_ratios_of_sums),
        cmocka_unit_test(a_score_adds_up_over_seats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
