/* What a market adds to the store: written whole, read back, viewed, and refused when damaged. */
#include <sqlite3.h>

#include "cmocka_all.h"
#include "league_fixture.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/read.h"

enum { PERIODS = 2, SEATS = 3, CELLS = PERIODS * SEATS * LEAGUE_ARMS, TEXT_MAX = 4096 };

static int make_folder(void **state)
{
    *state = fixture_folder();
    return 0;
}

static int drop_folder(void **state)
{
    fixture_remove(*state);
    return 0;
}

/* A run with these cells, in transactions of `batch` cells. */
static const char *write_cells(const char *folder, const gv_cell_record *cells, size_t count,
                               size_t batch)
{
    const char *path = fixture_path(folder, "x.db");
    gv_store *store = NULL;
    const gv_run_record run = fixture_run(count);
    int64_t run_id = 0;
    assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    for (size_t i = 0; i < count; i += batch) {
        const size_t left = count - i < batch ? count - i : batch;
        if (gv_store_write_cells(store, run_id, cells + i, left) != GV_OK) {
            fail_msg("%s", gv_status_detail());
        }
    }
    gv_store_close(store);
    return path;
}

static const char *write_market(const char *folder)
{
    league_market market = league_create(PERIODS, SEATS);
    const char *path = write_cells(folder, market.cells, market.cell_count, SEATS);
    league_destroy(&market);
    return path;
}

static gv_outcomes *read_back(const char *path, bool with_ticks)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_store_open(path, GV_STORE_READ, &store), GV_OK);
    if (gv_outcomes_read(store, GV_RUN_LATEST, with_ticks, &outcomes) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    gv_store_close(store);
    return outcomes;
}

static void forge(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The rows of a query: cells by "|", rows by newlines. */
static void assert_query(const char *path, const char *sql, const char *expected)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    char text[TEXT_MAX] = "";
    size_t used = 0;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *cell = sqlite3_column_text(statement, i);
            used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s%s", i == 0 ? "" : "|",
                                     cell == NULL ? "NULL" : (const char *)cell);
        }
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "\n");
    }
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_string_equal(text, expected);
}

static void assert_same_ticks(const gv_cell_record *found, const gv_cell_record *wrote)
{
    int64_t left = wrote->campaign->budget_nanos;
    assert_int_equal(found->tick_count, LEAGUE_TICKS + 1);
    assert_int_equal(found->seat->tick_count, LEAGUE_TICKS + 1);
    assert_memory_equal(found->seat->ticks, wrote->seat->ticks,
                        (LEAGUE_TICKS + 1) * sizeof(gv_seat_tick));
    for (size_t t = 0; t <= LEAGUE_TICKS; t++) {
        const gv_tick_record *tick = &found->ticks[t];
        const gv_tally *tally = &wrote->seat->ticks[t].tally;
        left -= tally->spend_nanos;
        assert_int_equal(tick->time_us, wrote->campaign->start_us + (int64_t)t * 1800000000);
        assert_int_equal(tick->budget_left_nanos, left);
        assert_memory_equal(&tick->tally, tally, sizeof *tally);
    }
}

static void a_market_comes_back_as_it_was_written(void **state)
{
    league_market market = league_create(PERIODS, SEATS);
    gv_outcomes *outcomes = read_back(write_market(*state), true);
    assert_int_equal(outcomes->cell_count, CELLS);
    for (size_t i = 0; i < CELLS; i++) {
        const gv_cell_record *found = &outcomes->cells[i];
        const gv_cell_record *wrote = &market.cells[i];
        assert_int_equal(found->cell, i);
        assert_string_equal(found->policy, wrote->policy);
        assert_non_null(found->seat);
        assert_int_equal(found->seat->period, wrote->seat->period);
        assert_int_equal(found->seat->category, wrote->seat->category);
        assert_string_equal(found->seat->rivals, wrote->seat->rivals);
        assert_int_equal(found->campaign->cpa_nanos, wrote->campaign->cpa_nanos);
        assert_int_equal(found->campaign->conversion_nanos, wrote->campaign->conversion_nanos);
        assert_memory_equal(found->total, wrote->total, sizeof *wrote->total);
        assert_same_ticks(found, wrote);
        assert_true(gv_cell_score(found) == gv_cell_score(wrote));
    }
    gv_outcomes_destroy(outcomes);
    league_destroy(&market);
}

static void without_ticks_a_seat_has_their_sum(void **state)
{
    const char *path = write_market(*state);
    gv_outcomes *whole = read_back(path, true);
    gv_outcomes *sums = read_back(path, false);
    for (size_t i = 0; i < CELLS; i++) {
        double expected[GV_QUANTITY_COUNT];
        double found[GV_QUANTITY_COUNT];
        assert_int_equal(sums->cells[i].tick_count, 0);
        assert_int_equal(sums->cells[i].seat->tick_count, 1);
        gv_cell_quantities(&whole->cells[i], expected);
        gv_cell_quantities(&sums->cells[i], found);
        assert_memory_equal(expected, found, sizeof expected);
    }
    gv_outcomes_destroy(whole);
    gv_outcomes_destroy(sums);
}

/* The view against the records, cell by cell; the oracle's own share is 1. */
static void the_league_view_sets_each_score_beside_the_oracles(void **state)
{
    const char *path = write_market(*state);
    league_market market = league_create(PERIODS, SEATS);
    const size_t oracle = SEATS * 7 + 1; /* period 7, last arm, seat 1 */
    const size_t lp = SEATS * 3 + 1;
    char expected[TEXT_MAX];
    (void)snprintf(expected, sizeof expected, "7|a01|1|lp|fixed|1|1|%.4f\n",
                   gv_cell_score(&market.cells[lp]) / gv_cell_score(&market.cells[oracle]));
    char sql[TEXT_MAX];
    (void)snprintf(sql, sizeof sql,
                   "SELECT period, advertiser, category, policy, rivals, abs(score - %.17g) < 1e-9,"
                   " abs(oracle_score - %.17g) < 1e-9, printf('%%.4f', score_share)"
                   " FROM market_league WHERE cell = %zu",
                   gv_cell_score(&market.cells[lp]), gv_cell_score(&market.cells[oracle]), lp);
    assert_query(path, sql, expected);
    assert_query(path, "SELECT count(*), count(oracle_score) FROM market_league", "48|48\n");
    assert_query(path,
                 "SELECT min(score_share), max(score_share) FROM market_league"
                 " WHERE policy = 'oracle'",
                 "1.0|1.0\n");
    assert_query(path,
                 "SELECT count(*), sum(abs(x.spend_currency - l.spend_currency) < 1e-9) FROM"
                 " (SELECT cell, sum(spend_currency) AS spend_currency FROM market_tick"
                 " GROUP BY cell) AS x JOIN market_league AS l USING (cell)",
                 "48|48\n");
    league_destroy(&market);
}

static void without_an_oracle_there_is_no_share(void **state)
{
    league_market market = league_create(1, SEATS);
    const char *path = write_cells(*state, market.cells, (size_t)SEATS * 7, 5);
    assert_query(path,
                 "SELECT count(*), count(oracle_score), count(score_share)"
                 " FROM market_league",
                 "21|0|0\n");
    league_destroy(&market);
}

static void a_campaign_without_a_target_scores_its_conversions(void **state)
{
    league_market market = league_create(1, SEATS);
    market.parts[0].campaign.cpa_nanos = GV_PARAM_UNSET;
    market.parts[1].campaign.cpa_nanos = 1; /* hopeless */
    const char *path = write_cells(*state, market.cells, 2, 2);
    assert_query(path,
                 "SELECT cell, cpa_target_currency IS NULL, over_cpa, score = conversions,"
                 " score < 1e-6 FROM market_league",
                 "0|1|NULL|1|0\n1|0|1|0|1\n");
    gv_outcomes *outcomes = read_back(path, false);
    assert_true(outcomes->cells[0].campaign->cpa_nanos == GV_PARAM_UNSET);
    assert_false(gv_cell_is_over_cpa(&outcomes->cells[0]));
    assert_true(gv_cell_is_over_cpa(&outcomes->cells[1]));
    gv_outcomes_destroy(outcomes);
    league_destroy(&market);
}

/* A replay beside it keeps its own metrics: as many as before there were markets. */
static void metrics_are_those_that_say_something(void **state)
{
    league_market market = league_create(1, SEATS);
    fixture_cell replay;
    fixture_cell_fill(&replay, 1);
    const gv_cell_record cells[] = {market.cells[0], replay.record};
    const char *path = write_cells(*state, cells, 2, 2);
    assert_query(path,
                 "SELECT cell, count(*), sum(name = 'score'), sum(name = 'ctr'),"
                 " sum(name = 'conversions') FROM metric GROUP BY cell",
                 "0|17|1|0|1\n1|14|0|1|1\n");
    assert_query(path,
                 "SELECT m.value = s.score FROM metric AS m JOIN seat AS s USING (run_id, cell)"
                 " WHERE m.name = 'score'",
                 "1\n");
    assert_query(path, "SELECT count(*) FROM seat_tick", "49\n");
    league_destroy(&market);
}

static void cells_of_one_batch_are_there_together_or_not_at_all(void **state)
{
    league_market market = league_create(1, SEATS);
    const char *path = write_cells(*state, market.cells, 3, 3);
    gv_store *store = NULL;
    gv_cell_record again[] = {market.cells[3], market.cells[4], market.cells[2]};
    assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_write_cells(store, 1, again, 3), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "cell 2 of run 1"));
    assert_query(path, "SELECT count(*) FROM campaign", "3\n");
    assert_query(path, "SELECT count(*) FROM seat_tick", "147\n");
    assert_int_equal(gv_store_write_cells(store, 1, again, 2), GV_OK);
    assert_int_equal(gv_store_write_cells(store, 1, NULL, 0), GV_OK);
    gv_store_close(store);
    assert_query(path, "SELECT count(*) FROM campaign", "5\n");
    assert_query(path, "PRAGMA foreign_key_check", "");
    league_destroy(&market);
}

static void assert_damaged(const char *path, const char *words)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    gv_status status = gv_store_open(path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes);
    }
    assert_int_equal(status, GV_ECORRUPT);
    if (strstr(gv_status_detail(), words) == NULL) {
        fail_msg("'%s' is not in: %s", words, gv_status_detail());
    }
    gv_store_close(store);
}

static void what_no_market_wrote_is_damage(void **state)
{
    static const struct {
        const char *sql;
        const char *words;
    } cases[] = {
        {"PRAGMA ignore_check_constraints = 1; UPDATE seat SET rivals = 'none' WHERE cell = 3",
         "column rivals is not as it was written, expected market, fixed or reacting"},
        {"UPDATE seat SET exposures = -1 WHERE cell = 3", "column exposures"},
        {"UPDATE seat SET category = 4294967296 WHERE cell = 3", "column category"},
        {"DELETE FROM seat_tick WHERE cell = 5 AND tick > 40", "41 of the 49 rows of cell 5"},
        {"DELETE FROM seat_tick WHERE cell = 5; DELETE FROM tick WHERE cell = 5",
         "0 of the 0 rows of cell 5"},
        {"UPDATE seat SET cell = 99 WHERE cell = 5", "column cell"},
        {"DROP TABLE seat_tick", "13 of the 14 tables"},
        {"DROP TABLE winback_cluster", "13 of the 14 tables"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *folder = fixture_folder();
        const char *path = write_market(folder);
        forge(path, cases[i].sql);
        assert_damaged(path, cases[i].words);
        fixture_remove(folder);
    }
    (void)state;
}

static void reading_survives_every_allocation_failing(void **state)
{
    gv_store *store = NULL;
    assert_int_equal(gv_store_open(write_market(*state), GV_STORE_READ, &store), GV_OK);
    gv_status status = GV_ENOMEM;
    int n = 0;
    for (; status != GV_OK; n++) {
        gv_outcomes *outcomes = NULL;
        gv_mem_fail_after(n);
        status = gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true((status == GV_OK) == (outcomes != NULL));
        gv_outcomes_destroy(outcomes);
        assert_true(n < 100);
    }
    assert_true(n > 10);
    gv_store_close(store);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_market_comes_back_as_it_was_written),
        IN_FOLDER(without_ticks_a_seat_has_their_sum),
        IN_FOLDER(the_league_view_sets_each_score_beside_the_oracles),
        IN_FOLDER(without_an_oracle_there_is_no_share),
        IN_FOLDER(a_campaign_without_a_target_scores_its_conversions),
        IN_FOLDER(metrics_are_those_that_say_something),
        IN_FOLDER(cells_of_one_batch_are_there_together_or_not_at_all),
        IN_FOLDER(what_no_market_wrote_is_damage),
        IN_FOLDER(reading_survives_every_allocation_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
