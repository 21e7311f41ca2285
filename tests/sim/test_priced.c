/*
 * Auctions whose price shows only to the winner: curves by hand, the identity of both corrections,
 * and truth known from the prices' law.
 */
#include <math.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/estimate/priced.h"
#include "sim/estimate/survival.h"

enum { COUNT = 1000 };

/* Times 1, 2+, 3, 3, 3+, 5: S is 5/6 from 1, and 5/6 x (1 - 2/4) from 3; 5 ends it. */
static void a_curve_by_hand(void **state)
{
    (void)state;
    const double times[] = {3, 1, 2, 5, 3, 3};
    const uint8_t observed[] = {1, 1, 0, 1, 0, 1};
    const double values[] = {10, 2, 99, 7, 99, 30};
    gv_survival_data data = {.count = 6, .times = times, .observed = observed, .values = {values}};
    gv_survival *curve = NULL;
    assert_int_equal(gv_survival_create(&data, &curve), GV_OK);
    assert_true(gv_survival_at(curve, 0.5) == 1);
    assert_true(fabs(gv_survival_at(curve, 1) - 5.0 / 6) < 1e-15);
    assert_true(fabs(gv_survival_at(curve, 2.9) - 5.0 / 6) < 1e-15);
    assert_true(fabs(gv_survival_at(curve, 3) - 5.0 / 12) < 1e-15);
    assert_true(gv_survival_at(curve, 5) == 0);
    assert_true(fabs(gv_survival_point_at(curve, 4)->sums[0] - (2.0 / 6 + 5.0 / 24 * 40)) < 1e-14);
    assert_true(gv_survival_end(curve) == 5);
    gv_survival_destroy(curve);
    data.weights = (const double[]){1, 0, 0, 0, 0, 1};
    assert_int_equal(gv_survival_create(&data, &curve), GV_OK);
    assert_true(gv_survival_at(curve, 2) == 1 && gv_survival_at(curve, 3) == 0);
    gv_survival_destroy(curve);
}

typedef struct auction_log {
    double bids[COUNT];
    double prices[COUNT];
    double rewards[COUNT];
    double judged[COUNT];
    uint8_t won[COUNT];
    gv_priced priced;
} auction_log;

/* Prices exponential with mean 1, bids uniform on (0, 4); a reward of 1 with chance price / 10. */
static auction_log *draw_log(uint64_t seed, double judged)
{
    auction_log *log = calloc(1, sizeof *log);
    assert_non_null(log);
    for (size_t i = 0; i < COUNT; i++) {
        const gv_random random = gv_random_key(seed, GV_STREAM_TEST, i);
        const double price = gv_random_exponential(&random, 0);
        log->bids[i] = 4 * gv_random_uniform(&random, 1);
        log->won[i] = log->bids[i] >= price ? 1 : 0;
        log->prices[i] = log->won[i] ? price : (double)NAN;
        log->rewards[i] = gv_random_bernoulli(&random, 2, fmin(price / 10, 1)) ? 1 : 0;
        log->judged[i] = judged;
    }
    log->priced = (gv_priced){.count = COUNT,
                              .bids = log->bids,
                              .prices = log->prices,
                              .won = log->won,
                              .rewards = log->rewards,
                              .judged = log->judged,
                              .cluster_count = COUNT};
    return log;
}

/* Of a bid c: 1 - e^-c are won, and they cost 1 - (1 + c) e^-c, a tenth of which they earn. */
static double truth(size_t figure, double c)
{
    const double spend = 1 - (1 + c) * exp(-c);
    if (figure == GV_PRICED_WINS) {
        return 1 - exp(-c);
    }
    return figure == GV_PRICED_SPEND ? spend : spend / 10;
}

/* Of the log's own bids: the mean of that over them. */
static double own_truth(size_t figure)
{
    const double spend = 1 - (2 - 6 * exp(-4)) / 4;
    if (figure == GV_PRICED_WINS) {
        return 1 - (1 - exp(-4)) / 4;
    }
    return figure == GV_PRICED_SPEND ? spend : spend / 10;
}

/*
 * For one bid for all, ipc is the curve's own sum: its jumps are 1 / (n G). What is below every
 * logged bid needs no correction: there the three are one.
 */
static void both_corrections_are_one_curve(void **state)
{
    (void)state;
    auction_log *log = draw_log(1, 2.5);
    gv_priced_result result;
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    double times[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        times[i] = log->won[i] ? log->prices[i] : log->bids[i];
    }
    const gv_survival_data data = {.count = COUNT, .times = times, .observed = log->won};
    gv_survival *curve = NULL;
    assert_int_equal(gv_survival_create(&data, &curve), GV_OK);
    const double ipc = result.figures[GV_PRICED_IPC][GV_PRICED_WINS].estimate;
    assert_true(fabs(ipc - gv_survival_point_at(curve, 2.5)->sums[0]) < 1e-12);
    assert_true(fabs(ipc - (1 - gv_survival_at(curve, 2.5))) < 1e-12);
    gv_survival_destroy(curve);
    for (size_t i = 0; i < COUNT; i++) {
        log->judged[i] = 0.8 * log->bids[i];
    }
    log->priced.has_chosen_bids = true;
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        assert_true(result.figures[GV_PRICED_REPLAY][f].estimate ==
                    result.figures[GV_PRICED_KM][f].estimate);
        assert_int_equal(result.figures[GV_PRICED_IPC][f].state, GV_INTERVAL_TOO_FEW);
    }
    assert_true(result.raised == 0);
    free(log);
}

/* 95 % of 150 logs, 4 standard errors of that many; without a correction it never holds. */
static void intervals_hold_the_truth(void **state)
{
    (void)state;
    enum { LOGS = 150 };
    size_t held[GV_PRICED_METHODS][GV_PRICED_FIGURES] = {{0}};
    size_t held_more[GV_PRICED_FIGURES] = {0};
    for (uint64_t seed = 0; seed < LOGS; seed++) {
        auction_log *log = draw_log(10 + seed, 2);
        gv_priced_result result;
        assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
        for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
            const gv_interval *more = &result.differences[GV_PRICED_KM][f];
            const double value = result.figures[GV_PRICED_KM][f].estimate;
            const double gain = truth(f, 2) - own_truth(f);
            held_more[f] += more->low <= gain && more->high >= gain ? 1 : 0;
            assert_true(fabs(more->estimate - (value - result.logged[f].estimate)) < 1e-12);
        }
        for (size_t m = 0; m < GV_PRICED_METHODS; m++) {
            for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
                const gv_interval *interval = &result.figures[m][f];
                held[m][f] += interval->low <= truth(f, 2) && interval->high >= truth(f, 2) ? 1 : 0;
            }
        }
        free(log);
    }
    const double error = 4 * sqrt(0.95 * 0.05 / LOGS);
    for (size_t f = 0; f < GV_PRICED_FIGURES; f++) {
        print_message("%s: replay %.3f, km %.3f, ipc %.3f, km less own %.3f\n",
                      gv_priced_figure_name((gv_priced_figure)f), (double)held[0][f] / LOGS,
                      (double)held[1][f] / LOGS, (double)held[2][f] / LOGS,
                      (double)held_more[f] / LOGS);
        assert_true(fabs((double)held_more[f] / LOGS - 0.95) < error);
        assert_true(fabs((double)held[GV_PRICED_KM][f] / LOGS - 0.95) < error);
        assert_true(fabs((double)held[GV_PRICED_IPC][f] / LOGS - 0.95) < error);
        assert_true((double)held[GV_PRICED_REPLAY][f] / LOGS < 0.5);
    }
}

/*
 * Prices of lost auctions: wins and spend are then those of the prices themselves, to the bit in
 * wins; rewards keep to the truth, 95 % of the time with 4 standard errors of that many logs.
 */
static void prices_that_show_are_counted(void **state)
{
    (void)state;
    enum { LOGS = 150 };
    size_t held = 0;
    for (uint64_t seed = 0; seed < LOGS; seed++) {
        auction_log *log = draw_log(500 + seed, 2);
        double wins = 0;
        double spend = 0;
        for (size_t i = 0; i < COUNT; i++) {
            const gv_random random = gv_random_key(500 + seed, GV_STREAM_TEST, i);
            log->prices[i] = gv_random_exponential(&random, 0);
            wins += log->prices[i] <= 2 ? 1 : 0;
            spend += log->prices[i] <= 2 ? log->prices[i] : 0;
        }
        log->priced.shows_all = true;
        gv_priced_result result;
        assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
        for (size_t m = 0; m < GV_PRICED_METHODS; m++) {
            assert_true(result.figures[m][GV_PRICED_WINS].estimate == wins / COUNT);
            assert_true(fabs(result.figures[m][GV_PRICED_SPEND].estimate - spend / COUNT) < 1e-12);
        }
        const gv_interval *reward = &result.figures[GV_PRICED_KM][GV_PRICED_REWARD];
        const double expected = truth(GV_PRICED_REWARD, 2);
        held += reward->low <= expected && reward->high >= expected ? 1 : 0;
        free(log);
    }
    print_message("rewards: %.3f\n", (double)held / LOGS);
    assert_true(fabs((double)held / LOGS - 0.95) < 4 * sqrt(0.95 * 0.05 / LOGS));
}

/* Bids above all logged ones: what is unseen is said, about e^-4 of the judged chance. */
static void what_no_log_can_show_is_said(void **state)
{
    (void)state;
    auction_log *log = draw_log(3, 9);
    gv_priced_result result;
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    assert_true(result.raised > 0.2);
    assert_true(result.unseen > 0.005 && result.unseen < 0.2);
    assert_int_equal(result.is_thin, result.unseen > GV_PRICED_UNSEEN_MAX);
    assert_true(result.blind == 0);
    log->priced.cluster_count = 1;
    static const uint32_t clusters[COUNT] = {0};
    log->priced.clusters = clusters;
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    free(log);
}

/* Without the auctions that it lost a log is blind to what higher bids win. */
static void a_log_without_losses_is_blind(void **state)
{
    (void)state;
    auction_log *log = draw_log(5, 2);
    gv_priced_result result;
    size_t count = 0;
    double higher = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (log->won[i]) {
            log->bids[count] = log->bids[i];
            log->prices[count] = log->prices[i];
            log->rewards[count] = log->rewards[i];
            higher += log->bids[count] < 2 ? 1 : 0;
            log->won[count++] = 1;
        }
    }
    log->priced.count = count;
    log->priced.cluster_count = count;
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    assert_true(fabs(result.blind - higher / (double)count) < 1e-12 && result.blind > 0.2);
    assert_true(result.is_thin && result.complaint[0] != '\0');
    for (size_t i = 0; i < count; i++) {
        log->judged[i] = 0.5 * log->bids[i];
    }
    assert_int_equal(gv_priced_evaluate(&log->priced, 20, 0.95, &result), GV_OK);
    assert_true(result.blind == 0 && !result.is_thin && result.complaint[0] == '\0');
    free(log);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    auction_log *log = draw_log(4, 2);
    gv_priced_result result;
    gv_status status = GV_ENOMEM;
    for (int count = 0; status != GV_OK && count < 400; count += 7) {
        gv_mem_fail_after(count);
        status = gv_priced_evaluate(&log->priced, 5, 0.95, &result);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    assert_int_equal(status, GV_OK);
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_by_hand),
        cmocka_unit_test(both_corrections_are_one_curve),
        cmocka_unit_test(intervals_hold_the_truth),
        cmocka_unit_test(prices_that_show_are_counted),
        cmocka_unit_test(what_no_log_can_show_is_said),
        cmocka_unit_test(a_log_without_losses_is_blind),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
