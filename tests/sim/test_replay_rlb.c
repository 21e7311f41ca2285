/*
 * Published replay results, exactly: campaign 2997 of iPinYou as "Real-Time Bidding by
 * Reinforcement Learning in Display Advertising" (Cai et al., WSDM 2017) replays it. Budget 1,969
 * CPM for each 1,000 auctions, whole CPM bids up to 300, a tie wins, the rival's price is paid.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/replay.h"

enum { ROWS = 156063, TEXT_SIZE = 8 << 20 };

#define COST_TRAIN        19689072.0
#define CLICKS_TRAIN      1386.0
#define IMPRESSIONS_TRAIN 312437.0

/* The whole test set in log order, a second apart: it has an order but no clock. */
typedef struct rlb_source {
    gv_source base;
    int64_t time_us[ROWS];
    int64_t price_nanos[ROWS];
    double pctr[ROWS];
    gv_event_record clicks[ROWS];
} rlb_source;

static gv_status rlb_load(gv_source *source, uint64_t position, gv_opportunities *out,
                          uint64_t *next)
{
    const rlb_source *self = (const rlb_source *)source;
    const uint64_t rest = source->end - position;
    const size_t count = rest < GV_OPPORTUNITY_PIECE ? (size_t)rest : GV_OPPORTUNITY_PIECE;
    size_t first = 0;
    while (first < source->event_max && self->clicks[first].opportunity < position) {
        first++;
    }
    size_t last = first;
    while (last < source->event_max && self->clicks[last].opportunity < position + count) {
        last++;
    }
    *out = (gv_opportunities){.count = count,
                              .first_id = position,
                              .time_us = self->time_us + position,
                              .rival_nanos = self->price_nanos + position,
                              .pctr = self->pctr + position,
                              .events = self->clicks + first,
                              .event_count = last - first};
    *next = position + count;
    return GV_OK;
}

/* The unpacked file, NUL-ended; NULL when it is not there. */
static char *read_packed(const char *path)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry = NULL;
    char *text = gv_mem_alloc(1, TEXT_SIZE, 1);
    assert_non_null(text);
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_raw(archive);
    if (archive_read_open_filename(archive, path, 1 << 16) != ARCHIVE_OK) {
        gv_mem_free(text);
        text = NULL;
    } else {
        assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
        assert_true(archive_read_data(archive, text, TEXT_SIZE) < TEXT_SIZE);
    }
    archive_read_free(archive);
    return text;
}

static void parse_rows(rlb_source *source, const char *text)
{
    const char *at = text;
    for (size_t row = 0; row < ROWS; row++) {
        char *end = NULL;
        const long click = strtol(at, &end, 10);
        source->price_nanos[row] = strtol(end, &end, 10) * GV_NANOS_PER_CPM;
        source->pctr[row] = strtod(end, &end);
        source->time_us[row] = (int64_t)row * GV_US_PER_SECOND;
        if (click != 0) {
            source->clicks[source->base.event_max++] =
                (gv_event_record){.opportunity = row, .time_us = source->time_us[row]};
        }
        at = end;
    }
}

static rlb_source *read_rlb(void)
{
    const char *data = getenv("GAVEL_DATA");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/ipinyou-rlb/2997.test.theta.txt.gz",
                   data == NULL ? "../shared/data" : data);
    char *text = read_packed(path);
    if (text == NULL) {
        printf("no %s: set GAVEL_DATA to replay real data\n", path);
        return NULL;
    }
    rlb_source *source = gv_mem_alloc(sizeof *source, 0, 0);
    assert_non_null(source);
    source->base = (gv_source){.load = rlb_load, .end = ROWS};
    parse_rows(source, text);
    gv_mem_free(text);
    return source;
}

typedef struct slope {
    double cpm_per_click;
} slope;

static gv_status slope_init(void *state, const gv_policy_setup *setup)
{
    *(slope *)state = *(const slope *)setup->config;
    return GV_OK;
}

static void slope_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    const double slope_cpm = ((const slope *)state)->cpm_per_click;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(slope_cpm * batch->pctr[i] * (double)GV_NANOS_PER_CPM);
    }
}

static const gv_param no_params[] = {{.name = NULL}};

static const gv_policy_type slope_type = {
    .info = {.name = "slope", .params = no_params, .config_size = sizeof(slope)},
    .state_size = sizeof(slope),
    .reads = GV_READS_PCTR,
    .init = slope_init,
    .bid = slope_bid,
};

static gv_tally replay_slope(rlb_source *source, double cpm_per_click, bool reference)
{
    const gv_campaign campaign = {
        .name = "2997",
        .end_us = ROWS * GV_US_PER_SECOND,
        .budget_nanos = 1969 * GV_NANOS_PER_CPM,
        .bid_cap_nanos = 300 * GV_NANOS_PER_CPM,
        .episode = GV_EPISODE_AUCTIONS,
        .episode_auctions = 1000,
        .tick_us = GV_US_PER_HOUR,
    };
    const slope config = {cpm_per_click};
    const gv_policy_setup setup = {
        .config = &config, .campaign = &campaign, .rules = {.price_step_nanos = GV_NANOS_PER_CPM}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(&slope_type, &setup, &policy), GV_OK);
    const gv_replay_config replay_config = {
        .source = &source->base,
        .campaign = &campaign,
        .mechanism = {&gv_mechanism_second_price, true, GV_NANOS_PER_CPM, 0},
        .policy = policy,
        .reference = reference,
    };
    gv_replay *replay = NULL;
    assert_int_equal(gv_replay_create(&replay_config, &replay), GV_OK);
    assert_int_equal(gv_replay_run(replay, NULL), GV_OK);
    const gv_tally tally = *gv_replay_total(replay);
    assert_int_equal(gv_replay_episodes(replay), 157);
    assert_int_equal(tally.auctions, ROWS);
    gv_replay_destroy(replay);
    gv_policy_destroy(policy);
    return tally;
}

static void check_published(double cpm_per_click, uint64_t wins, uint64_t clicks, int64_t cost_cpm)
{
    rlb_source *source = read_rlb();
    if (source == NULL) {
        skip();
    }
    for (int reference = 0; reference <= 1; reference++) {
        const gv_tally tally = replay_slope(source, cpm_per_click, reference == 1);
        assert_int_equal(tally.wins, wins);
        assert_int_equal(tally.clicks, clicks);
        assert_int_equal(tally.spend_nanos, cost_cpm * GV_NANOS_PER_CPM);
    }
    gv_mem_free(source);
}

static void mcpc_replays_to_the_published_result(void **state)
{
    (void)state;
    check_published(COST_TRAIN / CLICKS_TRAIN, 14752, 48, 307751);
}

static void lin_replays_to_the_published_result(void **state)
{
    (void)state;
    check_published(10.0 / (CLICKS_TRAIN / IMPRESSIONS_TRAIN), 32208, 71, 203610);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mcpc_replays_to_the_published_result),
        cmocka_unit_test(lin_replays_to_the_published_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
