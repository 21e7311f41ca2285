/* A log whose clicks are drawn by a truth of its own, apart from what is believed of them. */
#include <math.h>
#include <string.h>

#include "market_policies.h"
#include "sim/base/mem.h"
#include "sim/market/logged.h"
#include "sim/market/replay.h"
#include "test_log.h"

enum { ROWS = 9000, CREATIVES = 40 };

typedef struct made_log {
    char texts[ROWS][160];
    const char *rows[ROWS + 1];
    double pctr[ROWS];
    double pcvr[ROWS];
    gv_log *log;
} made_log;

static made_log *log_make(const test_folder *folder)
{
    made_log *made = gv_mem_alloc(sizeof *made, 0, 0);
    assert_non_null(made);
    for (size_t i = 0; i < ROWS; i++) {
        made->pctr[i] = 0.02 + (double)(i * 7 % 64) / 128;
        made->pcvr[i] = 0.1 + (double)(i % 8) / 16;
        (void)snprintf(made->texts[i], sizeof made->texts[i],
                       "impression time=%zu bid_id=b%zu price=%zu pctr=%.17g pcvr=%.17g "
                       "creative=c%zu slot_width=%zu",
                       10 * i, i, 100 + i % 50, made->pctr[i], made->pcvr[i], i % CREATIVES, i % 3);
        made->rows[i] = made->texts[i];
    }
    made->log = test_log_make(folder, "made.gvlog", made->rows);
    return made;
}

static void log_free(made_log *made)
{
    gv_log_close(made->log);
    gv_mem_free(made);
}

/* All that a source hands out of the rows; what it leaves out is NaN. */
typedef struct told {
    double pctr[ROWS];
    double truth[ROWS];
    uint8_t clicks[ROWS];
    uint8_t conversions[ROWS];
    int64_t click_us[ROWS];
    int64_t conversion_us[ROWS];
    size_t count;
} told;

static void take_events(const gv_opportunities *piece, told *all)
{
    for (size_t e = 0; e < piece->event_count; e++) {
        const gv_event_record *event = &piece->events[e];
        (event->is_conversion ? all->conversions : all->clicks)[event->opportunity]++;
        (event->is_conversion ? all->conversion_us : all->click_us)[event->opportunity] =
            event->time_us;
    }
}

static void ask(const gv_logged_config *config, told *all)
{
    gv_source *source = NULL;
    memset(all, 0, sizeof *all);
    assert_int_equal(gv_logged_source_create(config, &source), GV_OK);
    for (uint64_t at = source->begin; at < source->end;) {
        gv_opportunities piece;
        assert_int_equal(source->load(source, at, &piece, &at), GV_OK);
        for (size_t i = 0; i < piece.count; i++) {
            const uint64_t row = piece.ids == NULL ? piece.first_id + i : piece.ids[i];
            all->pctr[row] = piece.pctr[i];
            all->truth[row] = piece.truth == NULL ? (double)NAN : piece.truth[i];
            all->count++;
        }
        take_events(&piece, all);
    }
    source->destroy(source);
}

static const gv_truth by_prediction = {.seed = 5};

static void clicks_come_by_the_truth(void **state)
{
    made_log *made = log_make(*state);
    static told all;
    const gv_truth truth = {.seed = 5,
                            .click_delay = {.type = &gv_delay_fixed, .mean_us = 3},
                            .conversion_delay = {.type = &gv_delay_fixed, .mean_us = 4}};
    const gv_logged_config config = {.log = made->log, .end_us = INT64_MAX, .truth = &truth};
    ask(&config, &all);
    double clicks = 0;
    double variance = 0;
    double conversions = 0;
    double conversion_variance = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const double both = made->pctr[i] * made->pcvr[i];
        assert_true(all.truth[i] == made->pctr[i] && all.pctr[i] == made->pctr[i]);
        assert_true(all.clicks[i] <= 1 && all.conversions[i] <= all.clicks[i]);
        assert_true(all.clicks[i] == 0 || all.click_us[i] == (int64_t)(10 * i + 3));
        assert_true(all.conversions[i] == 0 || all.conversion_us[i] == (int64_t)(10 * i + 7));
        clicks += all.clicks[i] - made->pctr[i];
        variance += made->pctr[i] * (1 - made->pctr[i]);
        conversions += all.conversions[i] - both;
        conversion_variance += both * (1 - both);
    }
    assert_true(fabs(clicks) < 5 * sqrt(variance));
    assert_true(fabs(conversions) < 5 * sqrt(conversion_variance));
    log_free(made);
}

/* Whatever is believed of it, and whichever rows are asked for, a user clicks or does not. */
static void draws_belong_to_the_row(void **state)
{
    made_log *made = log_make(*state);
    static told plain;
    static told other;
    const gv_filter filter = {.column = "slot_width", .value = "1"};
    const gv_belief belief = {.scale = 3, .slope = 1, .noise = 0.5, .seed = 5};
    gv_logged_config config = {.log = made->log, .end_us = INT64_MAX, .truth = &by_prediction};
    ask(&config, &plain);
    config.filters = &filter;
    config.filter_count = 1;
    config.belief = &belief;
    ask(&config, &other);
    assert_int_equal(other.count, ROWS / 3);
    for (size_t i = 1; i < ROWS; i += 3) {
        assert_int_equal(other.clicks[i], plain.clicks[i]);
        assert_int_equal(other.conversions[i], plain.conversions[i]);
        assert_true(other.truth[i] == made->pctr[i]);
        assert_true(other.pctr[i] != made->pctr[i]);
        double wanted = made->pctr[i];
        gv_belief_apply(&belief, &(uint64_t){i}, NULL, 1, &wanted);
        assert_true(fabs(other.pctr[i] - wanted) < 1e-15);
    }
    log_free(made);
}

static void a_past_hides_the_truth_and_keeps_its_clicks(void **state)
{
    made_log *made = log_make(*state);
    static told open;
    static told past;
    gv_logged_config config = {.log = made->log, .end_us = INT64_MAX, .truth = &by_prediction};
    ask(&config, &open);
    config.is_past = true;
    ask(&config, &past);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(isnan(past.truth[i]));
        assert_int_equal(past.clicks[i], open.clicks[i]);
    }
    log_free(made);
}

static void creatives_are_cold_as_a_whole(void **state)
{
    made_log *made = log_make(*state);
    static told all;
    const gv_belief belief = {.scale = 1, .slope = 1, .cold = 0.5, .mean = 0.125, .seed = 5};
    const gv_logged_config config = {
        .log = made->log, .end_us = INT64_MAX, .belief = &belief, .cold_by = "creative"};
    ask(&config, &all);
    size_t cold = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const bool is_cold = all.pctr[i] == 0.125 && made->pctr[i] != 0.125;
        const bool first = all.pctr[i % CREATIVES] == 0.125;
        assert_true(is_cold == first || made->pctr[i] == 0.125 ||
                    made->pctr[i % CREATIVES] == 0.125);
        cold += is_cold;
    }
    assert_true(cold > ROWS / 5 && cold < ROWS * 4 / 5);
    log_free(made);
}

static void a_column_to_be_cold_by_is_one_of_names(void **state)
{
    made_log *made = log_make(*state);
    const gv_belief belief = {.scale = 1, .slope = 1, .cold = 0.5, .mean = 0.125};
    gv_logged_config config = {
        .log = made->log, .end_us = INT64_MAX, .belief = &belief, .cold_by = "user"};
    gv_source *source = NULL;
    assert_int_equal(gv_logged_source_create(&config, &source), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "no column user"));
    config.cold_by = "slot_width";
    assert_int_equal(gv_logged_source_create(&config, &source), GV_EINVAL);
    log_free(made);
}

/* Bids follow what is believed; what is expected of them follows the truth. */
static void tallies_expect_the_truth(void **state)
{
    made_log *made = log_make(*state);
    static told all;
    const gv_belief belief = {.scale = 1, .slope = 1, .noise = 1, .seed = 5};
    const gv_logged_config config = {
        .log = made->log, .end_us = INT64_MAX, .truth = &by_prediction, .belief = &belief};
    const linear_config linear = {.nanos_per_click = 500};
    const gv_campaign campaign = {.name = "all",
                                  .start_us = 0,
                                  .end_us = INT64_C(10) * ROWS + 1,
                                  .budget_nanos = INT64_MAX,
                                  .bid_cap_nanos = INT64_MAX,
                                  .tick_us = 1000};
    ask(&config, &all);
    double expected = 0;
    uint64_t clicks = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const bool won = (int64_t)(all.pctr[i] * 500) >= (int64_t)(100 + i % 50);
        expected += won ? made->pctr[i] : 0;
        clicks += won ? all.clicks[i] : 0;
    }
    for (int reference = 0; reference < 2; reference++) {
        gv_source *source = NULL;
        gv_policy *policy = NULL;
        gv_replay *replay = NULL;
        assert_int_equal(gv_logged_source_create(&config, &source), GV_OK);
        const gv_policy_setup setup = {
            .config = &linear, .campaign = &campaign, .rules = {.price_step_nanos = 1}};
        assert_int_equal(gv_policy_create(&test_linear, &setup, &policy), GV_OK);
        const gv_replay_config replaying = {.source = source,
                                            .campaign = &campaign,
                                            .mechanism = {.type = &gv_mechanism_second_price,
                                                          .tie_wins = true,
                                                          .price_step_nanos = 1},
                                            .policy = policy,
                                            .reference = reference == 1};
        assert_int_equal(gv_replay_create(&replaying, &replay), GV_OK);
        assert_int_equal(gv_replay_run(replay, NULL), GV_OK);
        const gv_tally *total = gv_replay_total(replay);
        assert_true(fabs((double)total->expected_nanoclicks / 1e9 - expected) < 1e-5);
        assert_int_equal(total->clicks, clicks);
        gv_replay_destroy(replay);
        gv_policy_destroy(policy);
        source->destroy(source);
    }
    log_free(made);
}

static void every_allocation_may_fail(void **state)
{
    made_log *made = log_make(*state);
    const gv_belief belief = {.scale = 2, .slope = 1};
    const gv_logged_config config = {
        .log = made->log, .end_us = INT64_MAX, .truth = &by_prediction, .belief = &belief};
    gv_status status = GV_ENOMEM;
    for (int i = 0; status == GV_ENOMEM && i < 100; i++) {
        gv_source *source = NULL;
        gv_mem_fail_after(i);
        status = gv_logged_source_create(&config, &source);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            source->destroy(source);
        }
    }
    assert_int_equal(status, GV_OK);
    log_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(clicks_come_by_the_truth),
        test_in_folder(draws_belong_to_the_row),
        test_in_folder(a_past_hides_the_truth_and_keeps_its_clicks),
        test_in_folder(creatives_are_cold_as_a_whole),
        test_in_folder(a_column_to_be_cold_by_is_one_of_names),
        test_in_folder(tallies_expect_the_truth),
        test_in_folder(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
