/* A policy on a whole log, with and without a history to learn from, and what it scored. */
#include <math.h>
#include <stdlib.h>

#include "auctionnet_text.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/estimate/offline_board.h"

enum { TICKS = 48, TEXT_SIZE = 1 << 16 };

#define UNIT GV_NANOS_PER_UNIT

/* Bids a fixed price for everything; fitted: the history's mean price, rounded up. */
typedef struct flat_config {
    int64_t price_nanos;
} flat_config;

static const gv_param flat_params[] = {
    {.name = "price",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "auto",
     .help = "the bid"},
    {.name = NULL},
};

static gv_status flat_fit(void *config, const gv_fit_input *input, const gv_progress *progress)
{
    (void)progress;
    flat_config *self = config;
    int64_t sum = 0;
    uint64_t count = 0;
    if (self->price_nanos != GV_PARAM_UNSET) {
        return GV_OK;
    }
    if (input->history == NULL) {
        return GV_FAIL(GV_EINVAL, "flat: there is no history");
    }
    gv_source *source = input->history->source;
    for (uint64_t at = source->begin; at < source->end;) {
        gv_opportunities piece;
        GV_TRY(source->load(source, at, &piece, &at));
        for (size_t i = 0; i < piece.count; i++) {
            assert_true(piece.time_us[i] >= input->history->start_us);
            assert_true(piece.time_us[i] < input->history->end_us);
            assert_true(input->history->end_us <= input->campaign->start_us);
            assert_true(piece.pcvr[i] >= 0.0 && piece.pcvr[i] <= 1.0);
            sum += piece.rival_nanos[i];
            count++;
        }
    }
    assert_int_equal(count, input->history->impressions);
    assert_int_equal(sum, input->history->cost_nanos);
    assert_true(count > 0);
    self->price_nanos = count > 0 ? (sum + (int64_t)count - 1) / (int64_t)count : 0;
    return GV_OK;
}

static gv_status flat_init(void *state, const gv_policy_setup *setup)
{
    *(flat_config *)state = *(const flat_config *)setup->config;
    return GV_OK;
}

static void flat_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = ((const flat_config *)state)->price_nanos;
    }
}

static const gv_policy_type flat = {
    .info = {.name = "flat", .params = flat_params, .config_size = sizeof(flat_config)},
    .state_size = sizeof(flat_config),
    .needs_history = true,
    .fit = flat_fit,
    .init = flat_init,
    .bid = flat_bid,
};

typedef struct seen_record {
    size_t count;
    gv_offline_record records[64];
    gv_campaign campaigns[64];
} seen_record;

static gv_status keep_record(void *context, const gv_offline_record *record)
{
    seen_record *seen = context;
    assert_true(seen->count < 64);
    seen->campaigns[seen->count] = *record->campaign;
    seen->records[seen->count] = *record;
    seen->records[seen->count].campaign = &seen->campaigns[seen->count];
    seen->count++;
    return GV_OK;
}

static gv_offline_plan plan_of(const flat_config *config, const double *ratios, size_t count)
{
    return (gv_offline_plan){.type = &flat,
                             .config = config,
                             .ratios = ratios,
                             .ratio_count = count,
                             .overspend = GV_OVERSPEND_AUCTIONNET,
                             .seed = 1,
                             .tick_count = TICKS,
                             .tick_us = 60000000};
}

/* Two periods of the small log, the second one's number 6. */
static void write_two_periods(void **state, char *path)
{
    char text[TEXT_SIZE] = AUCTIONNET_SMALL;
    const char *rows = strchr(AUCTIONNET_SMALL, '\n') + 1;
    const size_t size = strlen(text);
    (void)snprintf(text + size, sizeof text - size, "%s", rows);
    for (char *at = text + size; at != NULL && *at == '5'; at = strchr(at, '\n') + 1) {
        *at = '6';
    }
    auctionnet_write_text(state, "two.csv", text, path);
}

/* A bid of 0.5 wins what costs 0.5 and 0.25; half of a budget of 100 is 50. */
static void every_advertiser_period_and_ratio_is_a_campaign(void **state)
{
    char path[TEST_PATH_SIZE];
    static seen_record seen;
    seen.count = 0;
    write_two_periods(state, path);
    const flat_config config = {.price_nanos = UNIT / 2};
    const double ratios[] = {0.5, 0.01};
    const gv_offline_plan plan = plan_of(&config, ratios, 2);
    const gv_offline_taker taker = {.take = keep_record, .context = &seen};
    assert_int_equal(gv_offline_log_play(&plan, path, NULL, &taker), GV_OK);
    assert_int_equal(seen.count, 8);
    for (size_t i = 0; i < 8; i++) {
        const gv_offline_record *record = &seen.records[i];
        assert_int_equal(record->period, 5 + i / 4);
        assert_int_equal(record->advertiser, i / 2 % 2 == 0 ? 7 : 3);
        assert_int_equal(record->category, i / 2 % 2 == 0 ? 1 : 0);
        assert_int_equal(record->ratio, i % 2);
        assert_int_equal(record->total.tally.auctions, 3);
    }
    assert_int_equal(seen.campaigns[0].budget_nanos, 50 * UNIT);
    assert_int_equal(seen.campaigns[0].cpa_nanos, 8 * UNIT);
    assert_int_equal(seen.records[0].total.tally.wins, 2);
    assert_int_equal(seen.records[0].total.tally.spend_nanos, UNIT * 3 / 4);
    /* 0.5 of 50: the first is bought, and nothing is left for the other. */
    assert_int_equal(seen.campaigns[3].budget_nanos, UNIT / 2);
    assert_int_equal(seen.records[3].total.tally.wins, 1);
    assert_memory_equal(&seen.records[0].total, &seen.records[4].total, 5 * sizeof(uint64_t));
}

/* Mean price of the history: (1.5 + 0.5 + 0.25) / 3 = 0.75; at it, two of three are won. */
static void a_policy_learns_from_another_period(void **state)
{
    char path[TEST_PATH_SIZE];
    char two[TEST_PATH_SIZE];
    static seen_record seen;
    seen.count = 0;
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    write_two_periods(state, two);
    const flat_config config = {.price_nanos = GV_PARAM_UNSET};
    const double one = 1.0;
    gv_offline_plan plan = plan_of(&config, &one, 1);
    const gv_offline_taker taker = {.take = keep_record, .context = &seen};
    gv_logged_period *history = NULL;
    assert_int_equal(gv_offline_log_play(&plan, path, NULL, &taker), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "there is no history"));
    assert_int_equal(gv_logged_period_read(path, TICKS, NULL, &history), GV_OK);
    assert_int_equal(gv_logged_period_number(history), 5);
    plan.history = history;
    assert_int_equal(gv_offline_log_play(&plan, two, NULL, &taker), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "period 5 is the one to learn from"));
    char text[4096] = AUCTIONNET_SMALL;
    for (char *at = strchr(text, '\n') + 1; *at == '5'; at = strchr(at, '\n') + 1) {
        *at = '9';
    }
    auctionnet_write_text(state, "nine.csv", text, two);
    assert_int_equal(gv_offline_log_play(&plan, two, NULL, &taker), GV_OK);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.records[0].total.tally.bid_nanos, 3 * (UNIT * 3 / 4));
    assert_int_equal(seen.records[0].total.tally.wins, 2);
    gv_history *none = NULL;
    const gv_logged_span span = {.start_us = 0, .tick_us = 1000};
    assert_int_equal(gv_logged_period_history(history, 8, span, &none), GV_ENOTFOUND);
    gv_logged_period_destroy(history);
}

/* What the campaigns of a plan share, and how often it came and went. */
typedef struct shared_model {
    int loads;
    int unloads;
    size_t most; /* campaigns that planned as one */
} shared_model;

static shared_model shared;

static gv_status shared_load(const void *config, void **model)
{
    (void)config;
    shared.loads++;
    *model = &shared;
    return GV_OK;
}

static void shared_unload(void *model)
{
    ((shared_model *)model)->unloads++;
}

static gv_status shared_init(void *state, const gv_policy_setup *setup)
{
    assert_ptr_equal(setup->model, &shared);
    return flat_init(state, setup);
}

static void shared_tick(void *const *states, const gv_observation *observations, size_t count)
{
    (void)states;
    (void)observations;
    shared.most = count > shared.most ? count : shared.most;
}

/* Two periods of two advertisers at three ratios: a network is read from its file once. */
static void the_campaigns_of_a_log_share_one_model(void **state)
{
    char path[TEST_PATH_SIZE];
    static seen_record seen;
    seen.count = 0;
    shared = (shared_model){0};
    write_two_periods(state, path);
    gv_policy_type type = flat;
    type.load = shared_load;
    type.unload = shared_unload;
    type.init = shared_init;
    type.tick = shared_tick;
    const flat_config config = {.price_nanos = UNIT / 2};
    const double ratios[] = {0.5, 1.0, 1.5};
    gv_offline_plan plan = plan_of(&config, ratios, 3);
    plan.type = &type;
    const gv_offline_taker taker = {.take = keep_record, .context = &seen};
    assert_int_equal(gv_offline_log_play(&plan, path, NULL, &taker), GV_OK);
    assert_int_equal(seen.count, 12);
    assert_int_equal(shared.loads, 1);
    assert_int_equal(shared.unloads, 1);
    assert_int_equal(shared.most, 6);
    assert_int_not_equal(gv_offline_log_play(&plan, "none.csv", NULL, &taker), GV_OK);
    assert_int_equal(shared.unloads, 2);
}

static void every_allocation_may_fail(void **state)
{
    char path[TEST_PATH_SIZE];
    char two[TEST_PATH_SIZE];
    auctionnet_write_text(state, "a.csv", AUCTIONNET_SMALL, path);
    char text[4096] = AUCTIONNET_SMALL;
    for (char *at = strchr(text, '\n') + 1; *at == '5'; at = strchr(at, '\n') + 1) {
        *at = '9';
    }
    auctionnet_write_text(state, "nine.csv", text, two);
    const flat_config config = {.price_nanos = GV_PARAM_UNSET};
    const double ratios[] = {1.0, 2.0};
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_offline_plan plan = plan_of(&config, ratios, 2);
        gv_logged_period *history = NULL;
        gv_offline_board *board = NULL;
        gv_mem_fail_after(count);
        status = gv_logged_period_read(path, TICKS, NULL, &history);
        plan.history = history;
        status = status == GV_OK ? gv_offline_board_create(2, &board) : status;
        const gv_offline_taker taker = {.take = gv_offline_board_take, .context = board};
        status = status == GV_OK ? gv_offline_log_play(&plan, two, NULL, &taker) : status;
        gv_mem_fail_after(-1);
        gv_offline_board_destroy(board);
        gv_logged_period_destroy(history);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 40);
}

/* A campaign of so much spend and conversions, at a CPA of 2 and a budget of 10. */
static void take(gv_offline_board *board, size_t ratio, double spend, uint64_t conversions)
{
    const gv_campaign campaign = {.budget_nanos = 10 * UNIT, .cpa_nanos = 2 * UNIT};
    const gv_offline_record record = {
        .ratio = ratio,
        .campaign = &campaign,
        .total.tally = {.spend_nanos = (int64_t)(spend * (double)UNIT),
                        .conversions = conversions}};
    assert_int_equal(gv_offline_board_take(board, &record), GV_OK);
}

/*
 * Six campaigns: 4 for 2 is within a CPA of 2; 8 for 2 is twice above it: a quarter of 2 remains;
 * spending for nothing is above it, and getting nothing for nothing is not.
 */
static void figures_are_means_over_campaigns(void **state)
{
    (void)state;
    gv_offline_board *board = NULL;
    gv_interval found[2 * GV_OFFLINE_FIGURES];
    assert_int_equal(gv_offline_board_create(2, &board), GV_OK);
    static const double spends[6] = {4, 8, 5, 0, 4, 4};
    static const uint64_t conversions[6] = {2, 2, 0, 0, 2, 2};
    for (size_t i = 0; i < 6; i++) {
        take(board, 0, spends[i], conversions[i]);
        take(board, 1, 1.0, i);
    }
    assert_int_equal(gv_offline_board_campaigns(board), 6);
    assert_int_equal(gv_offline_board_sum(board, 1, found), GV_OK);
    assert_true(fabs(found[GV_OFFLINE_SCORE].estimate - 6.5 / 6.0) < 1e-12);
    assert_true(fabs(found[GV_OFFLINE_CONVERSIONS].estimate - 8.0 / 6.0) < 1e-12);
    assert_true(fabs(found[GV_OFFLINE_SPEND_SHARE].estimate - 25.0 / 60.0) < 1e-12);
    assert_true(fabs(found[GV_OFFLINE_OVER_CPA].estimate - 2.0 / 6.0) < 1e-12);
    const gv_interval *second = found + GV_OFFLINE_FIGURES;
    assert_true(second[GV_OFFLINE_CONVERSIONS].estimate == 2.5);
    assert_true(fabs(second[GV_OFFLINE_OVER_CPA].estimate - 1.0 / 6.0) < 1e-12);
    assert_int_equal(second[GV_OFFLINE_CONVERSIONS].state, GV_INTERVAL_GIVEN);
    assert_true(second[GV_OFFLINE_CONVERSIONS].low < 2.5 &&
                second[GV_OFFLINE_CONVERSIONS].high > 2.5);
    gv_offline_board_destroy(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(every_advertiser_period_and_ratio_is_a_campaign),
        test_in_folder(a_policy_learns_from_another_period),
        test_in_folder(the_campaigns_of_a_log_share_one_model),
        test_in_folder(every_allocation_may_fail),
        cmocka_unit_test(figures_are_means_over_campaigns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
