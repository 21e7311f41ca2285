/*
 * outcome_fixture.h - a temporary folder, and cells to store, for tests of outcomes.
 *
 * Cell i of a set is one campaign under one policy with made-up but consistent figures: its
 * total is the sum of its ticks.
 */
#ifndef TESTS_OUTCOME_FIXTURE_H
#define TESTS_OUTCOME_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/clock.h"
#include "sim/base/param.h"
#include "sim/outcome/store.h"

enum { FIXTURE_TICKS = 48 };

typedef struct fixture_cell {
    gv_cell_record record;
    gv_campaign campaign;
    gv_tally total;
    gv_tick_record ticks[FIXTURE_TICKS];
    gv_fact parameters[2];
} fixture_cell;

static inline char *fixture_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *path = calloc(1, 4096);
    (void)snprintf(path, 4096, "%s/gavel-test-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(path) == NULL) {
        perror(path);
        exit(1);
    }
    return path;
}

static inline int fixture_remove_one(const char *path, const struct stat *file, int kind,
                                     struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void fixture_remove(char *folder)
{
    (void)nftw(folder, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

/* FOLDER/NAME, in a buffer that the next call but three overwrites. */
static inline const char *fixture_path(const char *folder, const char *name)
{
    static char paths[4][4200];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* 2013-06-11, midnight in China. */
#define FIXTURE_START_US (INT64_C(1370880000) * GV_US_PER_SECOND)

static inline gv_tick_record fixture_tick(size_t cell, size_t i)
{
    const uint64_t wins = 10 + (7 * i + 3 * cell) % 11;
    gv_tick_record tick = {
        .time_us = FIXTURE_START_US + (int64_t)i * 30 * GV_US_PER_MINUTE,
        .episode = i / 24,
        .budget_left_nanos = (int64_t)(FIXTURE_TICKS - i) * 20000000,
    };
    tick.tally.auctions = 100 + (i * 13) % 17;
    tick.tally.bids = 90;
    tick.tally.wins = wins;
    tick.tally.bid_nanos = 90 * INT64_C(110000000);
    tick.tally.spend_nanos = (int64_t)wins * (70 + (int64_t)((i + cell) % 20)) * 1000000;
    tick.tally.expected_nanoclicks = (int64_t)wins * (800000 + (int64_t)(i % 5) * 1000);
    tick.tally.expected_nanoconversions = (int64_t)wins * 20000;
    tick.tally.clicks = i % 6 == cell % 6 ? 1 : 0;
    tick.tally.conversions = i % 24 == cell % 24 ? 1 : 0;
    return tick;
}

static inline void fixture_add(gv_tally *sum, const gv_tally *part)
{
    sum->auctions += part->auctions;
    sum->bids += part->bids;
    sum->wins += part->wins;
    sum->bid_nanos += part->bid_nanos;
    sum->spend_nanos += part->spend_nanos;
    sum->expected_nanoclicks += part->expected_nanoclicks;
    sum->expected_nanoconversions += part->expected_nanoconversions;
    sum->clicks += part->clicks;
    sum->conversions += part->conversions;
}

/* Cells 0.. are the three policies of one campaign, then those of the next. */
static inline void fixture_cell_fill(fixture_cell *cell, size_t number)
{
    static const char *const policies[] = {"mcpc", "lin-10", "rlb"};
    static const char *const types[] = {"mcpc", "linear", "rlb"};
    static const char *const campaigns[] = {"1458", "3386", "2997"};
    memset(cell, 0, sizeof *cell);
    cell->campaign = (gv_campaign){
        .name = campaigns[number / 3 % 3],
        .number = number / 3,
        .start_us = FIXTURE_START_US,
        .end_us = FIXTURE_START_US + GV_US_PER_DAY,
        .budget_nanos = INT64_C(25000000000),
        .bid_cap_nanos = number % 2 == 0 ? INT64_MAX : 300000000,
        .episode = GV_EPISODE_DAILY,
        .tick_us = 30 * GV_US_PER_MINUTE,
        .zone_offset_us = 8 * GV_US_PER_HOUR,
        .click_nanos = GV_PARAM_UNSET,
    };
    for (size_t i = 0; i < FIXTURE_TICKS; i++) {
        cell->ticks[i] = fixture_tick(number, i);
        fixture_add(&cell->total, &cell->ticks[i].tally);
    }
    cell->parameters[0] = (gv_fact){"b0", "10 CPM", "scenario"};
    cell->parameters[1] = (gv_fact){"mean_ctr", "0.00081", "fitted"};
    cell->record = (gv_cell_record){
        .cell = number,
        .campaign = &cell->campaign,
        .policy = policies[number % 3],
        .policy_type = types[number % 3],
        .budget_label = "1/4",
        .parameters = cell->parameters,
        .parameter_count = 2,
        .total = &cell->total,
        .episodes = 2,
        .ticks = cell->ticks,
        .tick_count = FIXTURE_TICKS,
        .event_count = cell->total.auctions + FIXTURE_TICKS,
        .wall_us = 1000 + (int64_t)number,
    };
}

static inline gv_run_record fixture_run(size_t cell_count)
{
    static const gv_fact parameters[] = {{"seed", "7", "--set"}, {"market.type", "x", "scenario"}};
    static const gv_fact provenance[] = {{"version", "0.2.0", NULL}, {"commit", "abc", NULL}};
    return (gv_run_record){
        .name = "june",
        .scenario_text = "seed: 7\n",
        .scenario_hash = UINT64_C(0xfedcba9876543210),
        .seed = UINT64_MAX - 6,
        .parameters = parameters,
        .parameter_count = 2,
        .provenance = provenance,
        .provenance_count = 2,
        .cell_count = cell_count,
    };
}

/* What takes a database of version `step` + 1 back to version `step`. */
static inline const char *fixture_drops(int step)
{
    static const char *const drops[] = {
        [1] = "DROP VIEW league; DROP VIEW tick_wide; DROP VIEW run_wide; DROP VIEW metric_wide;"
              "PRAGMA user_version = 1",
        [2] = "DROP VIEW market_tick; DROP VIEW market_league; DROP TABLE seat_tick;"
              "DROP TABLE seat; PRAGMA user_version = 2",
        [3] = "DROP VIEW sweep_long; DROP VIEW sweep_wide; DROP VIEW sweep_market;"
              "DROP VIEW sweep_point; DROP TABLE sweep_value; DROP TABLE sweep_cell;"
              "DROP TABLE sweep; PRAGMA user_version = 3",
        [4] = "DROP VIEW retention_league; DROP TABLE winback_day; DROP TABLE winback;"
              "PRAGMA user_version = 4",
        [5] = "DROP TABLE winback_cluster; PRAGMA user_version = 5"};
    return drops[step];
}

#endif
