/*
 * The offline loop against the public one (General Track baseline of AuctionNet's competition),
 * which played the sample with bids of 87.3 x pValue; at 90 some logged bids tie, and the last bit
 * decides. tests/golden/auctionnet_offline.tsv holds what it said for each advertiser and tick up
 * to its first random draw: wins, the sum of the winners' places, cost, and what was left before.
 * auctionnet_offline_totals.tsv holds the totals over all advertisers, draws and all: how many
 * runs, their mean and its standard error.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "auctionnet_text.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/market/offline.h"

enum { SEATS = 48, TICKS = 48, RUNS = 60, LINE_SIZE = 256, FIGURES = 4 };

#define MULTIPLIER 87.3

static void scaled_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    (void)state;
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pcvr[i] * MULTIPLIER * (double)GV_NANOS_PER_UNIT + 0.5);
    }
}

/* The places of the wins, from 1 on, summed over the tick under way. */
typedef struct places {
    uint64_t first;
    uint64_t sum;
} places;

static places *heard[SEATS];
static size_t made;

static gv_status scaled_init(void *state, const gv_policy_setup *setup)
{
    (void)setup;
    heard[made++ % SEATS] = state;
    return GV_OK;
}

static void scaled_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    places *self = state;
    for (size_t i = 0; i < count; i++) {
        if (outcomes[i].kind == GV_OUTCOME_AUCTION && outcomes[i].won) {
            self->sum += outcomes[i].opportunity - self->first + 1;
        }
    }
}

#define SCALED                                                                        \
    .info = {.name = "scaled"}, .state_size = sizeof(places), .reads = GV_READS_PCVR, \
    .init = scaled_init, .bid = scaled_bid

static const gv_policy_type scaled = {SCALED};
static const gv_policy_type scaled_listening = {SCALED, .observe = scaled_observe};

/* One evaluation of all advertisers. */
typedef struct evaluation {
    gv_campaign campaigns[SEATS];
    gv_offline_seat seats[SEATS];
    gv_offline *offline;
} evaluation;

static void begin(evaluation *self, const gv_policy_type *type, const gv_auctionnet_tick *tick,
                  uint64_t seed)
{
    made = 0;
    for (size_t i = 0; i < SEATS; i++) {
        const gv_auctionnet_advertiser *advertiser = &tick->advertisers[i];
        self->campaigns[i] =
            (gv_campaign){.name = "a",
                          .end_us = INT64_C(1000) * TICKS,
                          .budget_nanos = (int64_t)(advertiser->budget * (double)GV_NANOS_PER_UNIT),
                          .bid_cap_nanos = INT64_MAX,
                          .tick_us = 1000,
                          .cpa_nanos = (int64_t)(advertiser->cpa * (double)GV_NANOS_PER_UNIT)};
        const gv_policy_setup setup = {.campaign = &self->campaigns[i],
                                       .rules = {.price_step_nanos = 1}};
        self->seats[i] = (gv_offline_seat){
            .campaign = &self->campaigns[i], .advertiser = advertiser->number, .row = i};
        assert_int_equal(gv_policy_create(type, &setup, &self->seats[i].policy), GV_OK);
    }
    const gv_offline_config config = {.seats = self->seats,
                                      .seat_count = SEATS,
                                      .overspend = GV_OVERSPEND_AUCTIONNET,
                                      .left_min_nanos = GV_AUCTIONNET_MIN_REMAINING,
                                      .seed = seed,
                                      .period = tick->period,
                                      .tick_us = 1000,
                                      .tick_count = TICKS};
    assert_int_equal(gv_offline_create(&config, &self->offline), GV_OK);
}

static void end(evaluation *self)
{
    gv_offline_destroy(self->offline);
    for (size_t i = 0; i < SEATS; i++) {
        gv_policy_destroy(self->seats[i].policy);
    }
}

/* What the public loop said of one advertiser and tick. */
typedef struct public_row {
    bool is_known;
    uint64_t wins;
    uint64_t places;
    double cost;
    double left;
} public_row;

static public_row rows[SEATS][TICKS];

static size_t read_rows(void)
{
    char line[LINE_SIZE];
    size_t count = 0;
    FILE *file = fopen("tests/golden/auctionnet_offline.tsv", "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file) != NULL; count++) {
        char *rest = line;
        const size_t seat = (size_t)strtoul(rest, &rest, 10);
        const size_t tick = (size_t)strtoul(rest, &rest, 10);
        assert_true(seat < SEATS && tick < TICKS);
        public_row *row = &rows[seat][tick];
        row->is_known = true;
        row->wins = strtoul(rest, &rest, 10);
        row->places = strtoul(rest, &rest, 10);
        row->cost = strtod(rest, &rest);
        row->left = strtod(rest, &rest);
    }
    (void)fclose(file);
    return count;
}

static void assert_rows(const gv_offline *offline, size_t tick, int64_t *left)
{
    for (size_t i = 0; i < SEATS; i++) {
        const gv_seat_tick *got = &gv_offline_ticks(offline, i)[tick];
        const public_row *row = &rows[i][tick];
        /* Each cost is rounded to a nano by us, and none by them. */
        const double slack = 1e-9 * (double)(got->tally.wins + 1);
        if (row->is_known) {
            assert_int_equal(got->tally.wins, row->wins);
            assert_int_equal(heard[i]->sum, row->places);
            assert_true(fabs((double)got->tally.spend_nanos / 1e9 - row->cost) < slack);
            assert_true(fabs((double)left[i] / 1e9 - row->left) < 1e-5);
        }
        left[i] -= got->tally.spend_nanos;
        heard[i]->sum = 0;
        heard[i]->first += got->tally.auctions;
    }
}

static void wins_costs_and_budgets_are_the_public_loop_s(void **state)
{
    (void)state;
    char path[TEST_PATH_SIZE];
    auctionnet_sample("period-7.csv.zst", path);
    static evaluation evaluated;
    int64_t left[SEATS] = {0};
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    const size_t count = read_rows();
    assert_true(count > 1000);
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_MARKET, &reader), GV_OK);
    for (size_t t = 0; t < TICKS; t++) {
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        assert_true(found && tick.advertiser_count == SEATS);
        if (t == 0) {
            begin(&evaluated, &scaled_listening, &tick, 1);
        }
        for (size_t i = 0; t == 0 && i < SEATS; i++) {
            left[i] = evaluated.campaigns[i].budget_nanos;
        }
        assert_int_equal(gv_offline_play(evaluated.offline, &tick), GV_OK);
        assert_rows(evaluated.offline, t, left);
    }
    (void)printf(
        "%zu rows of advertiser and tick are equal: wins, their places, cost, budget left\n",
        count);
    gv_auctionnet_close(reader);
    end(&evaluated);
}

/* Totals of every seed: conversions, wins, spend, score. */
static void play_all(double totals[RUNS][FIGURES])
{
    char path[TEST_PATH_SIZE];
    static evaluation runs[RUNS];
    auctionnet_sample("period-7.csv.zst", path);
    gv_auctionnet_reader *reader = NULL;
    gv_auctionnet_tick tick;
    bool found = false;
    assert_int_equal(gv_auctionnet_open(path, GV_AUCTIONNET_MARKET, &reader), GV_OK);
    for (size_t t = 0; t < TICKS; t++) {
        assert_int_equal(gv_auctionnet_next(reader, &tick, &found), GV_OK);
        for (size_t run = 0; run < RUNS; run++) {
            if (t == 0) {
                begin(&runs[run], &scaled, &tick, run);
            }
            assert_int_equal(gv_offline_play(runs[run].offline, &tick), GV_OK);
        }
    }
    for (size_t run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < SEATS; i++) {
            const gv_seat_tick total = gv_offline_total(runs[run].offline, i);
            totals[run][0] += (double)total.tally.conversions;
            totals[run][1] += (double)total.tally.wins;
            totals[run][2] += (double)total.tally.spend_nanos / (double)GV_NANOS_PER_UNIT;
            totals[run][3] += gv_seat_score(&total, runs[run].campaigns[i].cpa_nanos);
        }
        end(&runs[run]);
    }
    gv_auctionnet_close(reader);
}

static void totals_agree_within_four_standard_errors(void **state)
{
    (void)state;
    static double totals[RUNS][FIGURES];
    char line[LINE_SIZE];
    play_all(totals);
    FILE *file = fopen("tests/golden/auctionnet_offline_totals.tsv", "r");
    assert_non_null(file);
    for (size_t figure = 0; figure < FIGURES; figure++) {
        assert_non_null(fgets(line, sizeof line, file));
        char *rest = strchr(line, '\t');
        assert_non_null(rest);
        *rest++ = '\0';
        const double public_runs = strtod(rest, &rest);
        const double public_mean = strtod(rest, &rest);
        const double public_error = strtod(rest, &rest);
        double sum = 0.0;
        double squares = 0.0;
        for (size_t run = 0; run < RUNS; run++) {
            sum += totals[run][figure];
        }
        const double mean = sum / RUNS;
        for (size_t run = 0; run < RUNS; run++) {
            squares += (totals[run][figure] - mean) * (totals[run][figure] - mean);
        }
        const double error = sqrt(squares / RUNS / (RUNS - 1) + public_error * public_error);
        (void)printf("%s: %.4f in %d runs, the public loop's %.4f in %.0f: %+.2f s.e. apart\n",
                     line, mean, RUNS, public_mean, public_runs, (mean - public_mean) / error);
        assert_true(fabs(mean - public_mean) < 4.0 * error);
    }
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wins_costs_and_budgets_are_the_public_loop_s),
        cmocka_unit_test(totals_agree_within_four_standard_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
