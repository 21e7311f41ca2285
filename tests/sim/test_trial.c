/* Trials on a history, and histories that are only totals. */
#include <string.h>

#include "market_fixture.h"
#include "market_policies.h"
#include "sim/base/mem.h"
#include "sim/market/trial.h"

enum { CASES = 40 };

/* A history of the drawn market, and a campaign that begins where it ends. */
typedef struct past_market {
    drawn_market market;
    gv_history history;
    gv_campaign campaign;
    gv_trial_config config;
} past_market;

static void draw(test_random *random, past_market *out)
{
    memset(out, 0, sizeof *out);
    out->market = market_drawn(random, test_linear.reads);
    const market_source *source = out->market.source;
    out->history = (gv_history){.name = "drawn",
                                .start_us = MARKET_BEGIN_US,
                                .end_us = source->time_us[source->base.end - 1] + 1,
                                .source = &out->market.source->base};
    out->campaign = out->market.campaign;
    out->campaign.start_us = out->history.end_us;
    out->campaign.end_us = out->history.end_us + GV_US_PER_DAY;
    out->config = (gv_trial_config){.type = &test_linear,
                                    .history = &out->history,
                                    .campaign = &out->campaign,
                                    .mechanism = out->market.mechanism,
                                    .seed = 1};
}

/* The same replay, set up by hand and by the plain rules. */
static gv_tally by_hand(const past_market *past, const linear_config *config, int64_t budget)
{
    gv_campaign campaign = past->campaign;
    campaign.start_us = past->history.start_us;
    campaign.end_us = past->history.end_us;
    campaign.budget_nanos = budget;
    campaign.episode = GV_EPISODE_WHOLE;
    const gv_policy_setup setup = {
        .config = config, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(&test_linear, &setup, &policy), GV_OK);
    const gv_replay_config replay_config = {.source = past->history.source,
                                            .campaign = &campaign,
                                            .mechanism = past->market.mechanism,
                                            .policy = policy,
                                            .reference = true};
    gv_replay *replay = NULL;
    assert_int_equal(gv_replay_create(&replay_config, &replay), GV_OK);
    assert_int_equal(gv_replay_run(replay, NULL), GV_OK);
    const gv_tally tally = *gv_replay_total(replay);
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    return tally;
}

static void a_trial_is_the_replay_of_its_config_each_time(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    for (int i = 0; i < CASES; i++) {
        past_market past;
        draw(&random, &past);
        gv_trial *trial = NULL;
        assert_int_equal(gv_trial_create(&past.config, &trial), GV_OK);
        const gv_fit_input input = gv_trial_fit_input(trial);
        for (int round = 0; round < 4; round++) {
            const linear_config config = {.nanos_per_click = 3e7 * (round % 2 + 1)};
            const int64_t budget = round < 2 ? market_cpm(&random, 200) : INT64_MAX;
            gv_tally found;
            assert_int_equal(input.try_config(input.trial, &config, budget, &found), GV_OK);
            const gv_tally expected = by_hand(&past, &config, budget);
            assert_memory_equal(&found, &expected, sizeof found);
        }
        gv_trial_destroy(trial);
        market_free(&past.market);
    }
}

static void a_fit_must_not_see_what_it_is_judged_by(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    past_market past;
    draw(&random, &past);
    past.campaign.start_us--;
    gv_trial *trial = NULL;
    assert_int_equal(gv_trial_create(&past.config, &trial), GV_EINVAL);
    assert_null(trial);
    past.config.times_are_ordinal = true;
    assert_int_equal(gv_trial_create(&past.config, &trial), GV_OK);
    gv_trial_destroy(trial);
    market_free(&past.market);
}

static void every_allocation_of_a_trial_may_fail(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    past_market past;
    draw(&random, &past);
    gv_mem_fail_after(0);
    gv_trial *trial = NULL;
    assert_int_equal(gv_trial_create(&past.config, &trial), GV_ENOMEM);
    gv_mem_fail_after(-1);
    assert_int_equal(gv_trial_create(&past.config, &trial), GV_OK);
    const linear_config config = {.nanos_per_click = 3e7};
    gv_status status = GV_ENOMEM;
    for (int n = 0; status == GV_ENOMEM; n++) {
        gv_tally result;
        gv_mem_fail_after(n);
        status = gv_trial_run(trial, &config, 5, &result);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
    }
    gv_trial_destroy(trial);
    market_free(&past.market);
}

static void a_history_may_be_totals_alone(void **state)
{
    (void)state;
    char name[] = "2997.info.json";
    uint64_t counts[] = {0, 5, 7};
    const gv_history totals = {.name = name,
                               .impressions = 12,
                               .clicks = 2,
                               .cost_nanos = 19,
                               .price_step_nanos = 1,
                               .price_count = 3,
                               .price_counts = counts};
    gv_history *history = NULL;
    gv_mem_fail_after(0);
    assert_int_equal(gv_history_create(&totals, &history), GV_ENOMEM);
    assert_null(history);
    gv_mem_fail_after(-1);
    assert_int_equal(gv_history_create(&totals, &history), GV_OK);
    name[0] = 'x'; /* the copy is its own */
    counts[2] = 0;
    assert_string_equal(history->name, "2997.info.json");
    assert_int_equal(history->price_counts[2], 7);
    assert_int_equal(history->cost_nanos, 19);
    assert_null(history->source);
    gv_history_destroy(history);
    gv_history_destroy(NULL);
}

static void tallies_add_up_and_take_apart(void **state)
{
    (void)state;
    const gv_tally part = {.auctions = 5,
                           .bids = 4,
                           .wins = 3,
                           .bid_nanos = 90,
                           .spend_nanos = 60,
                           .expected_nanoclicks = 7,
                           .expected_nanoconversions = 1,
                           .clicks = 2,
                           .conversions = 1};
    gv_tally sum = part;
    gv_tally_add(&sum, &part);
    assert_int_equal(sum.bid_nanos, 180);
    assert_int_equal(sum.conversions, 2);
    const gv_tally rest = gv_tally_since(&sum, &part);
    assert_memory_equal(&rest, &part, sizeof part);

    sum.bid_nanos = INT64_MAX - 1; /* absurd bids stop there */
    gv_tally_add(&sum, &part);
    assert_int_equal(sum.bid_nanos, INT64_MAX);
    assert_int_equal(sum.spend_nanos, 180);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_is_the_replay_of_its_config_each_time),
        cmocka_unit_test(a_fit_must_not_see_what_it_is_judged_by),
        cmocka_unit_test(every_allocation_of_a_trial_may_fail),
        cmocka_unit_test(a_history_may_be_totals_alone),
        cmocka_unit_test(tallies_add_up_and_take_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
