/*
 * league_fixture.h - a made-up market run: every policy in every seat of every period.
 *
 * Arm 0 is the market itself, in which seat s has policy s % 6; the others are the six policies
 * and the oracle in turn. Figures are made up but consistent: ticks add up to totals, a slot seen
 * was won, a policy spends at a pace of its own, and the oracle scores best.
 */
#ifndef TESTS_LEAGUE_FIXTURE_H
#define TESTS_LEAGUE_FIXTURE_H

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/param.h"
#include "sim/market/seat.h"
#include "sim/outcome/store.h"

enum { LEAGUE_TICKS = 48, LEAGUE_POLICIES = 7, LEAGUE_ARMS = LEAGUE_POLICIES + 1 };

typedef struct league_cell {
    gv_campaign campaign;
    char name[8];
    gv_tally total;
    gv_seat_record seat;
    gv_seat_tick ticks[LEAGUE_TICKS + 1];
    gv_fact parameter;
} league_cell;

typedef struct league_market {
    gv_cell_record *cells; /* [cell_count], in order of their numbers */
    league_cell *parts;
    size_t cell_count;
} league_market;

static const char *const league_policies[LEAGUE_POLICIES] = {"pid",     "abid",    "lp",    "mpid",
                                                             "dualpac", "minpace", "oracle"};
static const char *const league_types[LEAGUE_POLICIES] = {
    "pid_auctionnet", "abid", "online_lp", "mpid", "dual_pacing", "min_pacing", "oracle_slot"};

/* Scrambles a number: the same on every machine. */
static inline uint64_t league_hash(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b * UINT64_C(0xbf58476d1ce4e5b9) + c;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* What has been spent by the end of tick t; policies differ in how early they spend. */
static inline int64_t league_spent(int64_t spend, size_t policy, size_t t)
{
    const double pace[LEAGUE_POLICIES] = {1.0, 0.55, 0.8, 1.15, 1.5, 2.2, 0.9};
    return llround((double)spend * pow((double)t / LEAGUE_TICKS, pace[policy]));
}

static inline void league_fill_ticks(league_cell *part, size_t policy, int64_t spend,
                                     uint64_t conversions)
{
    for (size_t t = 0; t < LEAGUE_TICKS; t++) {
        gv_seat_tick *tick = &part->ticks[t];
        tick->tally.auctions = 10000 + 100 * (t % 7);
        tick->tally.bids = tick->tally.auctions;
        tick->tally.wins = 300 + 5 * t;
        tick->tally.bid_nanos = (int64_t)tick->tally.bids * 40000000;
        tick->tally.spend_nanos =
            league_spent(spend, policy, t + 1) - league_spent(spend, policy, t);
        tick->tally.conversions =
            conversions * (t + 1) / LEAGUE_TICKS - conversions * t / LEAGUE_TICKS;
        tick->exposures = 200 + 3 * t;
        tick->value_units = (INT64_C(1) << 40) * (int64_t)(t + 1);
        tick->won_value_units = tick->value_units / 8;
        tick->exposed_value_units = tick->value_units / 16 + 1;
        tick->least_cost_nanos = (int64_t)tick->tally.auctions * 50000000;
    }
    part->ticks[LEAGUE_TICKS].tally.conversions = 1; /* after the period */
    for (size_t t = 0; t <= LEAGUE_TICKS; t++) {
        gv_seat_tick sum = {.tally = part->total};
        gv_seat_tick_add(&sum, &part->ticks[t]);
        part->total = sum.tally;
    }
}

static inline void league_fill_outcome(league_cell *part, size_t period, size_t seat, size_t policy)
{
    static const double skill[LEAGUE_POLICIES] = {0.72, 0.78, 0.9, 0.75, 0.82, 0.7, 1.0};
    const double size = 20 + 10 * (double)(seat % 4);
    const double luck = 0.8 + 0.4 * (double)(league_hash(period, seat, policy) % 1000) / 1000;
    const double traffic = 0.8 + 0.4 * (double)(league_hash(period, 0, 77) % 1000) / 1000;
    const uint64_t conversions = (uint64_t)(size * skill[policy] * luck * traffic);
    const double used = 0.8 + 0.2 * (double)(league_hash(seat, period, policy) % 1000) / 1000;
    part->campaign.budget_nanos = INT64_C(100000000000) * (int64_t)(20 + 10 * (seat % 4));
    part->campaign.cpa_nanos = INT64_C(100000000000) + INT64_C(5000000000) * (int64_t)(seat % 5);
    part->campaign.conversion_nanos = seat % 2 == 0 ? GV_PARAM_UNSET : INT64_C(150000000000);
    league_fill_ticks(part, policy, llround(used * (double)part->campaign.budget_nanos),
                      conversions);
}

static inline void league_fill(league_market *market, size_t number, size_t seat_count)
{
    const size_t seat = number % seat_count;
    const size_t arm = number / seat_count % LEAGUE_ARMS;
    const size_t period = number / seat_count / LEAGUE_ARMS;
    const size_t policy = arm == 0 ? seat % 6 : arm - 1;
    league_cell *part = &market->parts[number];
    (void)snprintf(part->name, sizeof part->name, "a%02zu", seat % 1000);
    part->campaign = (gv_campaign){
        .name = part->name,
        .number = seat,
        .start_us = (int64_t)period * GV_US_PER_DAY,
        .end_us = (int64_t)(period + 1) * GV_US_PER_DAY,
        .bid_cap_nanos = INT64_MAX,
        .tick_us = 30 * GV_US_PER_MINUTE,
        .click_nanos = GV_PARAM_UNSET,
    };
    league_fill_outcome(part, period, seat, policy);
    part->seat = (gv_seat_record){.period = 7 + period,
                                  .category = (uint32_t)(seat % 6),
                                  .rivals = arm == 0 ? "market" : "fixed",
                                  .ticks = part->ticks,
                                  .tick_count = LEAGUE_TICKS + 1};
    part->parameter = (gv_fact){"gain", "0.5", "default"};
    market->cells[number] = (gv_cell_record){.cell = number,
                                             .campaign = &part->campaign,
                                             .policy = league_policies[policy],
                                             .policy_type = league_types[policy],
                                             .budget_label = "",
                                             .parameters = &part->parameter,
                                             .parameter_count = 1,
                                             .total = &part->total,
                                             .episodes = 1,
                                             .event_count = 500000,
                                             .wall_us = 1000,
                                             .seat = &part->seat};
}

static inline league_market league_create(size_t period_count, size_t seat_count)
{
    league_market market = {.cell_count = period_count * LEAGUE_ARMS * seat_count};
    market.cells = calloc(market.cell_count, sizeof *market.cells);
    market.parts = calloc(market.cell_count, sizeof *market.parts);
    assert(market.cells != NULL);
    assert(market.parts != NULL);
    for (size_t i = 0; i < market.cell_count; i++) {
        league_fill(&market, i, seat_count);
    }
    return market;
}

static inline void league_destroy(league_market *market)
{
    free(market->cells);
    free(market->parts);
}

#endif
