/* Metrics: worked figures of every kind. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_sums_and_ratios_of_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
