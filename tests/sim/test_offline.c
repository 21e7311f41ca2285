/* The published offline loop: by hand, against a plain one, and by the laws of its draws. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "market_policies.h"
#include "sim/base/mem.h"
#include "sim/market/observation.h"
#include "sim/market/offline.h"
#include "test_random.h"

enum { COUNT_MAX = 20000, TICKS = 4, SEATS = 3 };

#define UNIT GV_NANOS_PER_UNIT

/* Bids a multiple of the value, which may follow what it sees at ticks and hears. */
typedef struct scaler_state {
    double nanos;
    bool is_restless;
    uint64_t heard[3]; /* auctions, wins, conversions */
    gv_observation seen;
    double state[GV_STATE_SIZE];
} scaler_state;

static scaler_state *watched; /* the last that was made */

static gv_status scaler_init(void *state, const gv_policy_setup *setup)
{
    scaler_state *self = state;
    const double *config = setup->config;
    self->nanos = fabs(config[0]) * (double)UNIT;
    self->is_restless = config[0] < 0.0;
    watched = self;
    return GV_OK;
}

static void scaler_bid(void *state, const gv_batch *batch, int64_t *bids)
{
    scaler_state *self = state;
    assert_true(batch->count <= GV_OPPORTUNITY_PIECE);
    for (size_t i = 0; i < batch->count; i++) {
        bids[i] = (int64_t)(batch->pcvr[i] * self->nanos);
    }
}

static void scaler_tick(void *const *states, const gv_observation *observations, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        scaler_state *self = states[i];
        self->seen = observations[i];
        gv_state_of(&observations[i], GV_STATE_LATEST_THREE, self->state);
        if (self->is_restless) {
            const uint64_t mixed = self->heard[1] * 7 + self->heard[2] + observations[i].last.wins;
            self->nanos *= 0.75 + 0.125 * (double)(mixed % 5);
        }
    }
}

static void scaler_observe(void *state, const gv_outcome *outcomes, size_t count)
{
    scaler_state *self = state;
    for (size_t i = 0; i < count; i++) {
        const int64_t asked = (int64_t)(outcomes[i].pcvr * self->nanos);
        assert_true(outcomes[i].kind != GV_OUTCOME_AUCTION || outcomes[i].bid_nanos <= asked);
        self->heard[0] += outcomes[i].kind == GV_OUTCOME_AUCTION;
        self->heard[1] += outcomes[i].kind == GV_OUTCOME_AUCTION && outcomes[i].won;
        self->heard[2] += outcomes[i].kind == GV_OUTCOME_CONVERSION;
    }
}

static const gv_param scaler_params[] = {{.name = NULL}};

static const gv_policy_type scaler = {
    .info = {.name = "scaler", .params = scaler_params, .config_size = sizeof(double)},
    .state_size = sizeof(scaler_state),
    .reads = GV_READS_PCVR,
    .init = scaler_init,
    .bid = scaler_bid,
    .tick = scaler_tick,
    .observe = scaler_observe,
};

/* Ticks over arrays: every advertiser's rows lie one behind the other. */
typedef struct log_rows {
    gv_auctionnet_tick tick;
    double *values;
    double *sigmas;
    double *costs;
} log_rows;

/* NOLINTNEXTLINE(readability-non-const-parameter): the rows are written through what it gives */
static log_rows rows_of(double *block, size_t seats, size_t count)
{
    const size_t all = seats * COUNT_MAX;
    log_rows rows = {.values = block, .sigmas = block + all, .costs = block + 2 * all};
    rows.tick = (gv_auctionnet_tick){.advertiser_count = seats,
                                     .count = count,
                                     .stride = COUNT_MAX,
                                     .values = rows.values,
                                     .sigmas = rows.sigmas,
                                     .least_costs = rows.costs};
    return rows;
}

static double *block_of(size_t seats)
{
    double *block = gv_mem_alloc(0, 3 * seats * COUNT_MAX, sizeof *block);
    assert_non_null(block);
    return block;
}

static gv_campaign campaign_of(int64_t budget_nanos)
{
    return (gv_campaign){.name = "a",
                         .end_us = INT64_C(1000) * TICKS,
                         .budget_nanos = budget_nanos,
                         .bid_cap_nanos = INT64_MAX,
                         .tick_us = 1000,
                         .cpa_nanos = 2 * UNIT};
}

static gv_policy *policy_of(const gv_policy_type *type, const gv_campaign *campaign,
                            const double *multiplier)
{
    const gv_policy_setup setup = {
        .config = multiplier, .campaign = campaign, .rules = {.price_step_nanos = 1}};
    gv_policy *policy = NULL;
    assert_int_equal(gv_policy_create(type, &setup, &policy), GV_OK);
    return policy;
}

static gv_offline_config config_of(const gv_offline_seat *seats, size_t count, gv_overspend rule)
{
    return (gv_offline_config){.seats = seats,
                               .seat_count = count,
                               .overspend = rule,
                               .left_min_nanos =
                                   rule == GV_OVERSPEND_EXACT ? 0 : GV_AUCTIONNET_MIN_REMAINING,
                               .seed = 5,
                               .period = 7,
                               .tick_us = 1000,
                               .tick_count = TICKS};
}

static void fill_tick(log_rows *rows, size_t tick, size_t count, const double (*cells)[2])
{
    rows->tick.tick = tick;
    rows->tick.count = count;
    for (size_t i = 0; i < count; i++) {
        rows->values[i] = cells[i][0];
        rows->costs[i] = cells[i][1];
    }
}

/*
 * Bids are 8 x value. Budget 10. Tick 0: 2 is bid for 1, 2 and 3: both that it reaches are won,
 * 7 is left. Tick 1: two at 5 are won, 10 > 7; ceil(2 x 3 / 10.0001) = 1 is dropped, 2 is left.
 * Tick 2: 1.95 is paid, 0.05 is left. Tick 3: less than 0.1 is left, so nothing but the free one
 * is won; by the exact rule 0.01 is bought as well. Values of 1 convert, values of 0 do not.
 */
static void a_period_by_hand(void **state)
{
    (void)state;
    static const double ticks[TICKS][3][2] = {{{0.25, 1.0}, {0.25, 2.0}, {0.25, 3.0}},
                                              {{1.0, 5.0}, {1.0, 5.0}},
                                              {{1.0, 1.95}},
                                              {{1.0, 0.01}, {0.0, 0.0}}};
    static const size_t counts[TICKS] = {3, 2, 1, 2};
    static const int64_t left[TICKS + 1] = {10 * UNIT, 7 * UNIT, 2 * UNIT, UNIT / 20, UNIT / 20};
    static const double eight = 8.0;
    double *block = block_of(1);
    log_rows rows = rows_of(block, 1, 0);
    for (int rule = GV_OVERSPEND_EXACT; rule <= GV_OVERSPEND_AUCTIONNET; rule++) {
        const bool is_exact = rule == GV_OVERSPEND_EXACT;
        const gv_campaign campaign = campaign_of(10 * UNIT);
        gv_policy *policy = policy_of(&scaler, &campaign, &eight);
        const scaler_state *seen = watched;
        const gv_offline_seat seat = {.campaign = &campaign, .policy = policy};
        const gv_offline_config config = config_of(&seat, 1, (gv_overspend)rule);
        gv_offline *offline = NULL;
        assert_int_equal(gv_offline_create(&config, &offline), GV_OK);
        for (size_t tick = 0; tick < TICKS; tick++) {
            fill_tick(&rows, tick, counts[tick], ticks[tick]);
            assert_int_equal(gv_offline_play(offline, &rows.tick), GV_OK);
            assert_int_equal(seen->seen.budget_left_nanos, left[tick]);
            assert_true(seen->state[GV_STATE_COUNT_NOW] == (double)counts[tick]);
        }
        const gv_seat_tick *got = gv_offline_ticks(offline, 0);
        assert_int_equal(got[0].tally.wins, 2);
        assert_int_equal(got[0].tally.spend_nanos, 3 * UNIT);
        assert_int_equal(got[0].tally.bid_nanos, 6 * UNIT);
        assert_int_equal(got[0].least_cost_nanos, 6 * UNIT);
        assert_int_equal(got[1].tally.wins, 1);
        assert_int_equal(got[1].tally.conversions, 1);
        assert_int_equal(got[1].tally.bid_nanos, (is_exact ? 9 : 8) * UNIT);
        assert_int_equal(got[1].tally.bids, is_exact ? 2 : 1);
        assert_int_equal(got[2].tally.conversions, 1);
        assert_int_equal(got[3].tally.wins, is_exact ? 2 : 1);
        assert_int_equal(got[3].tally.spend_nanos, is_exact ? UNIT / 100 : 0);
        const gv_seat_tick total = gv_offline_total(offline, 0);
        assert_int_equal(total.tally.auctions, 8);
        assert_int_equal(seen->heard[0], 8);
        assert_int_equal(seen->heard[1], total.tally.wins);
        assert_int_equal(seen->heard[2], total.tally.conversions);
        assert_true(seen->state[GV_STATE_WIN] == (2.0 / 3.0 + 0.5 + 1.0) / 3.0);
        gv_offline_destroy(offline);
        gv_policy_destroy(policy);
    }
    gv_mem_free(block);
}

static void draw_rows(test_random *random, log_rows *rows, size_t tick, size_t count)
{
    rows->tick.tick = tick;
    rows->tick.count = count;
    for (size_t i = 0; i < (size_t)SEATS * COUNT_MAX; i++) {
        rows->values[i] = (double)test_random_below(random, 1000) / 1e5;
        rows->sigmas[i] = rows->values[i] * (double)test_random_below(random, 100) / 300.0;
        rows->costs[i] = (double)test_random_below(random, 2000) / 1e4;
    }
}

/* What one seat gets where nothing is drawn: a plain loop over one auction at a time. */
static gv_seat_tick plain_tick(const log_rows *rows, size_t row, double nanos, bool is_exact,
                               int64_t *left)
{
    gv_seat_tick got = {0};
    for (size_t i = 0; i < rows->tick.count; i++) {
        const size_t at = row * COUNT_MAX + i;
        const int64_t cost = (int64_t)floor(rows->costs[at] * 1e9 + 0.5);
        int64_t bid = (int64_t)(rows->values[at] * nanos);
        bid = is_exact && *left < bid ? *left : bid;
        got.tally.auctions++;
        got.tally.bids += bid > 0;
        got.tally.bid_nanos += bid;
        got.value_units += (int64_t)(rows->values[at] * GV_VALUE_UNITS + 0.5);
        got.least_cost_nanos += cost;
        if (bid >= cost) {
            got.tally.wins++;
            got.tally.spend_nanos += cost;
            got.won_value_units += (int64_t)(rows->values[at] * GV_VALUE_UNITS + 0.5);
            *left -= is_exact ? cost : 0;
        }
    }
    return got;
}

static void assert_same_but_draws(const gv_seat_tick *found, const gv_seat_tick *expected)
{
    assert_int_equal(found->tally.auctions, expected->tally.auctions);
    assert_int_equal(found->tally.bids, expected->tally.bids);
    assert_int_equal(found->tally.bid_nanos, expected->tally.bid_nanos);
    assert_int_equal(found->tally.wins, expected->tally.wins);
    assert_int_equal(found->tally.spend_nanos, expected->tally.spend_nanos);
    assert_int_equal(found->value_units, expected->value_units);
    assert_int_equal(found->won_value_units, expected->won_value_units);
    assert_int_equal(found->least_cost_nanos, expected->least_cost_nanos);
    assert_int_equal(found->exposures, expected->tally.wins);
}

/* Exactly where the budget binds, and the published rule where it does not. */
static void what_is_not_drawn_equals_a_plain_loop(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    double *block = block_of(SEATS);
    log_rows rows = rows_of(block, SEATS, 0);
    for (int round = 0; round < 20; round++) {
        const bool is_exact = round % 2 == 1;
        const double multiplier = 1.0 + (double)test_random_below(&random, 40);
        const gv_campaign campaign =
            campaign_of(is_exact ? UNIT * (1 + test_random_below(&random, 90)) : INT64_MAX / 4);
        gv_offline_seat seats[SEATS];
        for (size_t i = 0; i < SEATS; i++) {
            seats[i] = (gv_offline_seat){.campaign = &campaign,
                                         .policy = policy_of(&scaler, &campaign, &multiplier),
                                         .advertiser = (uint32_t)i,
                                         .row = SEATS - 1 - i};
        }
        const gv_offline_config config =
            config_of(seats, SEATS, is_exact ? GV_OVERSPEND_EXACT : GV_OVERSPEND_AUCTIONNET);
        gv_offline *offline = NULL;
        int64_t left[SEATS] = {campaign.budget_nanos, campaign.budget_nanos, campaign.budget_nanos};
        assert_int_equal(gv_offline_create(&config, &offline), GV_OK);
        for (size_t tick = 0; tick < TICKS; tick++) {
            draw_rows(&random, &rows, tick, 1 + (size_t)test_random_below(&random, 900));
            assert_int_equal(gv_offline_play(offline, &rows.tick), GV_OK);
            for (size_t i = 0; i < SEATS; i++) {
                const gv_seat_tick plain =
                    plain_tick(&rows, seats[i].row, multiplier * (double)UNIT, is_exact, &left[i]);
                assert_same_but_draws(&gv_offline_ticks(offline, i)[tick], &plain);
            }
        }
        gv_offline_destroy(offline);
        for (size_t i = 0; i < SEATS; i++) {
            gv_policy_destroy(seats[i].policy);
        }
    }
    gv_mem_free(block);
}

/* Restless policies with budgets that bind: alone or among others, seats get the same. */
static void seats_do_not_meet_and_never_overspend(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    double *block = block_of(SEATS);
    log_rows rows = rows_of(block, SEATS, 0);
    for (int round = 0; round < 10; round++) {
        const double restless = -10.0 - (double)test_random_below(&random, 60);
        const gv_campaign campaign = campaign_of(UNIT * (2 + test_random_below(&random, 50)));
        gv_offline *offline[SEATS + 1] = {NULL};
        gv_offline_seat seats[SEATS + 1][SEATS];
        for (size_t k = 0; k <= SEATS; k++) {
            for (size_t i = 0; i < SEATS; i++) {
                const size_t who = k < SEATS ? k : i;
                seats[k][i] = (gv_offline_seat){.campaign = &campaign,
                                                .policy = policy_of(&scaler, &campaign, &restless),
                                                .advertiser = (uint32_t)who,
                                                .row = who};
            }
            const gv_offline_config config =
                config_of(seats[k], k < SEATS ? 1 : SEATS, GV_OVERSPEND_AUCTIONNET);
            assert_int_equal(gv_offline_create(&config, &offline[k]), GV_OK);
        }
        for (size_t tick = 0; tick < TICKS; tick++) {
            draw_rows(&random, &rows, tick, 1 + (size_t)test_random_below(&random, 3000));
            for (size_t k = 0; k <= SEATS; k++) {
                assert_int_equal(gv_offline_play(offline[k], &rows.tick), GV_OK);
            }
        }
        for (size_t k = 0; k < SEATS; k++) {
            const gv_seat_tick total = gv_offline_total(offline[k], 0);
            assert_true(total.tally.spend_nanos <= campaign.budget_nanos);
            assert_memory_equal(gv_offline_ticks(offline[k], 0),
                                gv_offline_ticks(offline[SEATS], k), TICKS * sizeof(gv_seat_tick));
        }
        for (size_t k = 0; k <= SEATS; k++) {
            gv_offline_destroy(offline[k]);
            for (size_t i = 0; i < SEATS; i++) {
                gv_policy_destroy(seats[k][i].policy);
            }
        }
    }
    gv_mem_free(block);
}

/* E min(max(N(m, s), 0), 1) for s small against 1 - m: m Phi(m/s) + s phi(m/s). */
static void conversions_follow_their_law(void **state)
{
    (void)state;
    const double m = 0.02;
    const double s = 0.03;
    const double rate = m * gsl_cdf_ugaussian_P(m / s) + s * gsl_ran_ugaussian_pdf(m / s);
    const double one = 1.0;
    double *block = block_of(1);
    log_rows rows = rows_of(block, 1, COUNT_MAX);
    const gv_campaign campaign = campaign_of(UNIT);
    uint64_t conversions = 0;
    for (size_t i = 0; i < COUNT_MAX; i++) {
        rows.values[i] = m;
        rows.sigmas[i] = s;
    }
    for (uint64_t period = 0; period < 20; period++) {
        gv_policy *policy = policy_of(&scaler, &campaign, &one);
        const gv_offline_seat seat = {.campaign = &campaign, .policy = policy};
        gv_offline_config config = config_of(&seat, 1, GV_OVERSPEND_AUCTIONNET);
        gv_offline *offline = NULL;
        config.period = period;
        assert_int_equal(gv_offline_create(&config, &offline), GV_OK);
        assert_int_equal(gv_offline_play(offline, &rows.tick), GV_OK);
        conversions += gv_offline_total(offline, 0).tally.conversions;
        gv_offline_destroy(offline);
        gv_policy_destroy(policy);
    }
    const double n = 20.0 * COUNT_MAX;
    assert_true(fabs((double)conversions - n * rate) < 4.0 * sqrt(n * rate * (1.0 - rate)));
    gv_mem_free(block);
}

/* Of five wins at 1 each with 3.5 left, ceil(5 x 1.5 / 5.0001) = 2 go: each of the ten pairs. */
static void wins_are_dropped_at_random(void **state)
{
    (void)state;
    enum { PERIODS = 2000 };
    static const double values[5] = {0.5, 0.25, 0.125, 0.0625, 0.03125};
    const double many = 100.0;
    unsigned counts[32] = {0};
    double *block = block_of(1);
    log_rows rows = rows_of(block, 1, 5);
    const gv_campaign campaign = campaign_of(UNIT * 7 / 2);
    for (size_t i = 0; i < 5; i++) {
        rows.values[i] = values[i];
        rows.costs[i] = 1.0;
    }
    for (uint64_t period = 0; period < PERIODS; period++) {
        gv_policy *policy = policy_of(&scaler, &campaign, &many);
        const gv_offline_seat seat = {.campaign = &campaign, .policy = policy};
        gv_offline_config config = config_of(&seat, 1, GV_OVERSPEND_AUCTIONNET);
        gv_offline *offline = NULL;
        config.period = period;
        assert_int_equal(gv_offline_create(&config, &offline), GV_OK);
        assert_int_equal(gv_offline_play(offline, &rows.tick), GV_OK);
        const gv_seat_tick total = gv_offline_total(offline, 0);
        assert_int_equal(total.tally.wins, 3);
        counts[(size_t)((double)total.won_value_units / GV_VALUE_UNITS * 32.0)]++;
        gv_offline_destroy(offline);
        gv_policy_destroy(policy);
    }
    size_t triples = 0;
    for (size_t kept = 0; kept < 32; kept++) {
        if (__builtin_popcountll(kept) == 3) {
            const double expected = PERIODS / 10.0;
            assert_true(fabs(counts[kept] - expected) < 4.5 * sqrt(expected * 0.9));
            triples++;
        }
    }
    assert_int_equal(triples, 10);
    gv_mem_free(block);
}

/* Who bids by what the last auction left needs the exact rule, and then gets it. */
static void one_by_one_needs_the_exact_rule(void **state)
{
    (void)state;
    test_random random = test_random_seeded();
    double *block = block_of(SEATS);
    log_rows rows = rows_of(block, SEATS, 0);
    const gv_campaign campaign = campaign_of(3 * UNIT);
    gv_policy *policy = policy_of(&clinger, &campaign, NULL);
    const gv_offline_seat seat = {.campaign = &campaign, .policy = policy};
    gv_offline_config config = config_of(&seat, 1, GV_OVERSPEND_AUCTIONNET);
    gv_offline *offline = NULL;
    assert_int_equal(gv_offline_create(&config, &offline), GV_EINVAL);
    assert_non_null(strstr(gv_status_detail(), "clinger"));
    config.overspend = GV_OVERSPEND_EXACT;
    assert_int_equal(gv_offline_create(&config, &offline), GV_OK);
    draw_rows(&random, &rows, 1, 500);
    assert_int_equal(gv_offline_play(offline, &rows.tick), GV_OK);
    const gv_seat_tick total = gv_offline_total(offline, 0);
    assert_true(total.tally.auctions == 500 && total.tally.wins > 0);
    assert_true(total.tally.spend_nanos <= campaign.budget_nanos);
    rows.tick.tick = TICKS;
    assert_int_equal(gv_offline_play(offline, &rows.tick), GV_EINVAL);
    gv_offline_destroy(offline);
    gv_policy_destroy(policy);
    gv_mem_free(block);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const double one = 1.0;
    double *block = block_of(1);
    log_rows rows = rows_of(block, 1, 100);
    const gv_campaign campaign = campaign_of(UNIT);
    gv_policy *policy = policy_of(&scaler, &campaign, &one);
    const gv_offline_seat seat = {.campaign = &campaign, .policy = policy};
    const gv_offline_config config = config_of(&seat, 1, GV_OVERSPEND_AUCTIONNET);
    gv_status status = GV_ENOMEM;
    int count = 0;
    for (; status == GV_ENOMEM; count++) {
        gv_offline *offline = NULL;
        gv_mem_fail_after(count);
        status = gv_offline_create(&config, &offline);
        status = status == GV_OK ? gv_offline_play(offline, &rows.tick) : status;
        gv_mem_fail_after(-1);
        gv_offline_destroy(offline);
    }
    assert_int_equal(status, GV_OK);
    assert_true(count > 10);
    gv_policy_destroy(policy);
    gv_mem_free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_by_hand),
        cmocka_unit_test(what_is_not_drawn_equals_a_plain_loop),
        cmocka_unit_test(seats_do_not_meet_and_never_overspend),
        cmocka_unit_test(conversions_follow_their_law),
        cmocka_unit_test(wins_are_dropped_at_random),
        cmocka_unit_test(one_by_one_needs_the_exact_rule),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
