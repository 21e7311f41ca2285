/* What a market's cold and stale beliefs are made of, against sums over values one by one. */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "scenarios/compose/compose.h"
#include "sim/base/mem.h"

enum { SEATS = 6, TICKS = 8, PERIOD = 2 };

static const char market_text[] =
    "seed: 5\n"
    "market: {periods: 1, first_period: 2, history_period: 1, ticks: 8, tick: 3h,\n"
    "         contenders: [oracle_slot, mcpa]}\n"
    "traffic: {type: auctionnet, opportunities: 3000, value_mean: 0.02, value_window: 2}\n"
    "mechanism: {type: second_price}\n"
    "advertisers: {count: 6, categories: 2, budget: [60], cpa: [3], policies: [abid]}\n"
    "policies: [{type: mcpa}, {type: abid}, {type: oracle_slot}]\n";

typedef struct made {
    gv_scenario *scenario;
    gv_composition *composition;
    gv_market_period period;
} made;

static void make(const char *const *sets, size_t count, uint64_t number, made *out)
{
    *out = (made){.scenario = NULL};
    if (gv_scenario_parse("m.yaml", market_text, strlen(market_text), sets, count,
                          &out->scenario) != GV_OK ||
        gv_compose(out->scenario, 1, NULL, &out->composition) != GV_OK ||
        gv_market_period_open(out->composition->market, number, &out->period) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
}

static void unmake(made *all)
{
    gv_market_period_close(&all->period);
    gv_composition_destroy(all->composition);
    gv_scenario_destroy(all->scenario);
}

/* Sum and number of an advertiser's values in a tick, asked for one opportunity at a time. */
static double sum_of(const gv_traffic *traffic, size_t tick, uint32_t who, double *count)
{
    double sum = 0;
    const uint64_t end = gv_traffic_before(traffic, tick + 1);
    *count = (double)gv_traffic_count(traffic, tick);
    for (uint64_t i = gv_traffic_before(traffic, tick); i < end; i++) {
        float values[SEATS];
        const gv_traffic_piece piece = {
            .tick = tick, .first = i, .count = 1, .advertiser_count = SEATS};
        gv_traffic_values(traffic, &piece, 1, values);
        sum += (double)values[who];
    }
    return sum;
}

/* L of a tick that may lie in an earlier period; before all of them, of the first tick. */
static double level_at(const made *all, int64_t number, int64_t tick, uint32_t who)
{
    gv_traffic *traffic = NULL;
    double count = 0;
    while (tick < 0 && number > 0) {
        number--;
        tick += TICKS;
    }
    assert_int_equal(gv_market_traffic(all->composition->market, (uint64_t)number, false, &traffic),
                     GV_OK);
    const double sum = sum_of(traffic, tick < 0 ? 0 : (size_t)tick, who, &count);
    gv_traffic_destroy(traffic);
    return sum / count;
}

static gv_distortion distortion_of(const made *all, size_t who, bool is_contender)
{
    const gv_market *market = all->composition->market;
    return gv_market_distortion(market, &all->period, market->contenders[1], who, is_contender);
}

static void levels_are_those_of_earlier_ticks_and_periods(void **state)
{
    (void)state;
    static const char *const sets[] = {"advertisers.belief_stale=[0, 3, 10]",
                                       "market.contender_stale=9"};
    for (int64_t number = 0; number <= PERIOD; number++) {
        made all;
        make(sets, 2, (uint64_t)number, &all);
        for (uint32_t who = 0; who < SEATS; who++) {
            static const size_t lags[] = {0, 3, 10};
            const gv_distortion own = distortion_of(&all, who, false);
            const gv_distortion guest = distortion_of(&all, who, true);
            assert_int_equal(own.belief_stale, lags[who % 3]);
            assert_int_equal(guest.belief_stale, lags[who % 3] + 9);
            for (int64_t tick = -(int64_t)guest.belief_stale; tick < TICKS; tick++) {
                const double want = level_at(&all, number, tick, who);
                const double found = guest.levels[tick * (int64_t)guest.level_stride];
                assert_true(want > 0 && fabs(found - want) < 1e-12);
                if (own.belief_stale > 0 && tick >= -(int64_t)own.belief_stale) {
                    assert_true(own.levels[tick * (int64_t)own.level_stride] == found);
                }
            }
        }
        unmake(&all);
    }
}

/* Of whom nothing is known the period's mean is believed, so all beliefs add up to what is true. */
static void who_is_cold_everywhere_believes_the_mean(void **state)
{
    (void)state;
    static const char *const sets[] = {"market.contender_cold=1"};
    made all;
    make(sets, 1, PERIOD, &all);
    for (uint32_t who = 0; who < SEATS; who++) {
        const gv_distortion distortion = distortion_of(&all, who, true);
        const gv_seat seat = {.distortion = &distortion};
        double sum = 0;
        double count = 0;
        for (size_t tick = 0; tick < TICKS; tick++) {
            double own = 0;
            sum += sum_of(all.period.traffic, tick, who, &own);
            count += own;
        }
        for (uint64_t i = 0; i < (uint64_t)count; i++) {
            assert_true(gv_seat_believe(&seat, i, 0.7) == distortion.belief_mean);
        }
        assert_true(fabs(distortion.belief_mean * count - sum) < 1e-9);
    }
    unmake(&all);
}

static void shares_of_the_unknown_add_up_as_chances_do(void **state)
{
    (void)state;
    static const char *const sets[] = {"advertisers.belief_cold=[0.5, 0]",
                                       "market.contender_cold=0.2"};
    made all;
    make(sets, 2, PERIOD, &all);
    assert_true(distortion_of(&all, 0, false).belief_cold == 0.5);
    assert_true(fabs(distortion_of(&all, 0, true).belief_cold - 0.6) < 1e-15);
    assert_true(distortion_of(&all, 1, false).belief_cold == 0);
    assert_true(fabs(distortion_of(&all, 1, true).belief_cold - 0.2) < 1e-15);
    unmake(&all);
}

static void oracles_and_those_who_learn_are_not_deceived(void **state)
{
    (void)state;
    static const char *const sets[] = {"market.contender_cold=0.2", "market.contender_stale=4"};
    made all;
    make(sets, 2, PERIOD, &all);
    const gv_market *market = all.composition->market;
    gv_market_period calm = {.is_calm = true};
    const gv_distortion oracle =
        gv_market_distortion(market, &all.period, market->contenders[0], 1, true);
    assert_int_equal(gv_market_period_open(market, 1, &calm), GV_OK);
    const gv_distortion pupil = gv_market_distortion(market, &calm, market->contenders[1], 1, true);
    assert_true(oracle.belief_cold == 0 && oracle.belief_stale == 0);
    assert_true(pupil.belief_cold == 0 && pupil.belief_stale == 0);
    assert_null(calm.levels);
    gv_market_period_close(&calm);
    unmake(&all);
}

static void nobody_pays_for_what_nobody_asks(void **state)
{
    (void)state;
    static const char *const sets[] = {"market.contender_noise=0.5"};
    made all;
    make(sets, 1, PERIOD, &all);
    assert_null(all.period.levels);
    assert_null(all.period.means);
    unmake(&all);
}

static void what_is_no_belief_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        const char *words;
    } cases[] = {{"advertisers.belief_stale=[1, 0.5]", "expected whole ticks"},
                 {"advertisers.belief_stale=-1", "belief_stale"},
                 {"advertisers.belief_cold=1.5", "belief_cold"},
                 {"market.contender_cold=-0.1", "contender_cold"},
                 {"market.contender_stale=0.5", "contender_stale"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gv_scenario *scenario = NULL;
        bool is_told = false;
        assert_int_equal(gv_scenario_parse("m.yaml", market_text, strlen(market_text),
                                           &cases[i].set, 1, &scenario),
                         GV_EUSAGE);
        for (const gv_problem *at = scenario->problems.first; at != NULL; at = at->next) {
            is_told = is_told || strstr(at->sentence, cases[i].words) != NULL;
        }
        assert_true(is_told);
        gv_scenario_destroy(scenario);
    }
}

/* What is opened is closed again, whichever allocation fails. */
static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    static const char *const sets[] = {"market.contender_cold=0.5", "market.contender_stale=9"};
    made all;
    make(sets, 2, PERIOD, &all);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_market_period period = {.is_calm = false};
        gv_mem_fail_after(n);
        status = gv_market_period_open(all.composition->market, PERIOD, &period);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        if (status == GV_OK) {
            gv_market_period_close(&period);
        }
    }
    unmake(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_those_of_earlier_ticks_and_periods),
        cmocka_unit_test(who_is_cold_everywhere_believes_the_mean),
        cmocka_unit_test(shares_of_the_unknown_add_up_as_chances_do),
        cmocka_unit_test(oracles_and_those_who_learn_are_not_deceived),
        cmocka_unit_test(nobody_pays_for_what_nobody_asks),
        cmocka_unit_test(what_is_no_belief_is_refused),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
