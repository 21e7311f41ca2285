/* The reader: what was written comes back, and a damaged file gives a sentence. */
#include <sqlite3.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/outcome/group.h"
#include "sim/outcome/read.h"
#include "test_random.h"

enum { CELLS = 6, FLIPS = 600 };

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

/* One run of CELLS cells, all done. */
static const char *write_run(const char *folder)
{
    const char *path = fixture_path(folder, "x.db");
    gv_store *store = NULL;
    const gv_run_record run = fixture_run(CELLS);
    int64_t run_id = 0;
    assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    for (size_t i = 0; i < CELLS; i++) {
        fixture_cell cell;
        fixture_cell_fill(&cell, i);
        assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_OK);
    }
    assert_int_equal(gv_store_end_run(store, run_id, GV_RUN_DONE, 2500000), GV_OK);
    gv_store_close(store);
    return path;
}

static gv_outcomes *read_back(const char *path, int64_t run_id, bool with_ticks)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_store_open(path, GV_STORE_READ, &store), GV_OK);
    if (gv_outcomes_read(store, run_id, with_ticks, &outcomes) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    gv_store_close(store);
    return outcomes;
}

static void assert_same_campaign(const gv_campaign *found, const gv_campaign *wrote)
{
    assert_string_equal(found->name, wrote->name);
    assert_int_equal(found->number, wrote->number);
    assert_int_equal(found->start_us, wrote->start_us);
    assert_int_equal(found->end_us, wrote->end_us);
    assert_int_equal(found->budget_nanos, wrote->budget_nanos);
    assert_int_equal(found->bid_cap_nanos, wrote->bid_cap_nanos);
    assert_int_equal(found->episode, wrote->episode);
    assert_int_equal(found->episode_auctions, wrote->episode_auctions);
    assert_int_equal(found->tick_us, wrote->tick_us);
    assert_int_equal(found->zone_offset_us, wrote->zone_offset_us);
    assert_int_equal(found->click_nanos, wrote->click_nanos);
}

static void what_was_written_comes_back(void **state)
{
    gv_outcomes *outcomes = read_back(write_run(*state), GV_RUN_LATEST, true);
    assert_int_equal(outcomes->cell_count, CELLS);
    assert_int_equal(outcomes->run.id, 1);
    assert_true(outcomes->run.seed == UINT64_MAX - 6);
    assert_string_equal(outcomes->run.state, "done");
    assert_string_equal(outcomes->run.scenario_hash, "fedcba9876543210");
    assert_int_equal(outcomes->run.wall_us, 2500000);
    assert_int_equal(outcomes->parameter_count, 2);
    assert_string_equal(outcomes->parameters[1].origin, "--set");
    assert_string_equal(gv_outcomes_fact(outcomes, "commit"), "abc");
    assert_null(gv_outcomes_fact(outcomes, "cpu"));
    for (size_t i = 0; i < CELLS; i++) {
        const gv_cell_record *found = &outcomes->cells[i];
        fixture_cell wrote;
        fixture_cell_fill(&wrote, i);
        assert_int_equal(found->cell, i);
        assert_string_equal(found->policy, wrote.record.policy);
        assert_string_equal(found->policy_type, wrote.record.policy_type);
        assert_string_equal(found->budget_label, wrote.record.budget_label);
        assert_same_campaign(found->campaign, &wrote.campaign);
        assert_memory_equal(found->total, &wrote.total, sizeof wrote.total);
        assert_int_equal(found->tick_count, FIXTURE_TICKS);
        assert_memory_equal(found->ticks, wrote.ticks, sizeof wrote.ticks);
        assert_int_equal(found->parameter_count, 2);
        assert_string_equal(found->parameters[1].value, "0.00081");
        assert_int_equal(found->wall_us, wrote.record.wall_us);
    }
    gv_outcomes_destroy(outcomes);
}

static void ticks_are_left_out_unless_asked_for(void **state)
{
    gv_outcomes *outcomes = read_back(write_run(*state), 1, false);
    assert_int_equal(outcomes->cells[0].tick_count, 0);
    gv_outcomes_destroy(outcomes);
}

static void a_run_that_is_not_there_is_named_with_those_that_are(void **state)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_store_open(write_run(*state), GV_STORE_READ, &store), GV_OK);
    assert_int_equal(gv_outcomes_read(store, 9, false, &outcomes), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "no run 9; the latest are 1 (june)"));
    gv_store_close(store);
    const char *path = fixture_path(*state, "none.db");
    assert_int_equal(gv_store_open(path, GV_STORE_WRITE, &store), GV_OK);
    assert_int_equal(gv_outcomes_read(store, GV_RUN_LATEST, false, &outcomes), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "holds no run yet"));
    gv_store_close(store);
}

static void reading_survives_every_allocation_failing(void **state)
{
    gv_store *store = NULL;
    assert_int_equal(gv_store_open(write_run(*state), GV_STORE_READ, &store), GV_OK);
    gv_status status = GV_ENOMEM;
    for (int n = 0; status != GV_OK; n++) {
        gv_outcomes *outcomes = NULL;
        gv_mem_fail_after(n);
        status = gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        assert_true((status == GV_OK) == (outcomes != NULL));
        gv_outcomes_destroy(outcomes);
        assert_true(n < 100);
    }
    gv_store_close(store);
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

static void figures_that_cannot_be_are_damage(void **state)
{
    const char *path = write_run(*state);
    forge(path, "UPDATE tick SET wins = -1 WHERE cell = 2 AND tick = 3");
    assert_damaged(path, "column wins is not as it was written, expected 0 or more");
    forge(path, "UPDATE tick SET wins = 1 WHERE cell = 2 AND tick = 3;"
                "PRAGMA ignore_check_constraints = 1;"
                "UPDATE campaign SET episode_kind = 'weekly' WHERE cell = 1");
    assert_damaged(path, "expected whole, daily or auctions");
}

static void a_view_under_a_tables_name_is_refused(void **state)
{
    const char *path = write_run(*state);
    forge(path, "DROP TABLE tick; CREATE VIEW tick AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL"
                " SELECT x + 1 FROM n) SELECT * FROM n");
    assert_damaged(path, "13 of the 14 tables");
}

static void flipped_bytes_never_crash(void **state)
{
    const char *path = write_run(*state);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static unsigned char bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_true(size > 4096);
    assert_true(size < sizeof bytes);
    (void)fclose(file);
    test_random random = test_random_seeded();
    const char *flipped = fixture_path(*state, "flipped.db");
    for (int i = 0; i < FLIPS; i++) {
        const size_t at = (size_t)test_random_below(&random, (int64_t)size);
        const unsigned char old = bytes[at];
        bytes[at] ^= (unsigned char)(1 + test_random_below(&random, 255));
        file = fopen(flipped, "wb");
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        (void)fclose(file);
        bytes[at] = old;
        gv_store *store = NULL;
        gv_outcomes *outcomes = NULL;
        gv_status status = gv_store_open(flipped, GV_STORE_READ, &store);
        if (status == GV_OK) {
            status = gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes);
        }
        assert_true(status == GV_OK || strlen(gv_status_detail()) > 10);
        gv_outcomes_destroy(outcomes);
        gv_store_close(store);
    }
}

static void cells_are_grouped_and_pooled(void **state)
{
    (void)state;
    fixture_cell parts[2 * CELLS];
    gv_cell_record cells[2 * CELLS];
    for (size_t i = 0; i < (size_t)2 * CELLS; i++) {
        fixture_cell_fill(&parts[i], i % CELLS);
        parts[i].record.budget_label = i < CELLS ? "1/2" : "1/4";
        cells[i] = parts[i].record;
    }
    gv_grouping *grouping = NULL;
    assert_int_equal(gv_grouping_create(cells, (size_t)2 * CELLS, &grouping), GV_OK);
    assert_int_equal(grouping->policy_count, 3);
    assert_int_equal(grouping->campaign_count, 2);
    assert_int_equal(grouping->budget_count, 2);
    assert_int_equal(grouping->single_count, 4);
    assert_int_equal(grouping->group_count, 7);
    assert_string_equal(grouping->groups[1].campaign, "3386");
    assert_null(grouping->groups[4].campaign);
    assert_string_equal(grouping->groups[4].budget_label, "1/2");
    assert_int_equal(grouping->groups[4].part_count, 2);
    assert_null(grouping->groups[6].budget_label);
    assert_int_equal(grouping->groups[6].part_count, 4);
    assert_ptr_equal(gv_cell_partner(&cells[9], "rlb", cells, (size_t)2 * CELLS), &cells[11]);
    assert_null(gv_cell_partner(&cells[9], "none", cells, (size_t)2 * CELLS));
    gv_grouping_destroy(grouping);
    for (int n = 0; n < 5; n++) {
        gv_mem_fail_after(n);
        assert_int_equal(gv_grouping_create(cells, CELLS, &grouping), GV_ENOMEM);
    }
    gv_mem_fail_after(-1);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_written_comes_back),
        IN_FOLDER(ticks_are_left_out_unless_asked_for),
        IN_FOLDER(a_run_that_is_not_there_is_named_with_those_that_are),
        IN_FOLDER(reading_survives_every_allocation_failing),
        IN_FOLDER(figures_that_cannot_be_are_damage),
        IN_FOLDER(a_view_under_a_tables_name_is_refused),
        IN_FOLDER(flipped_bytes_never_crash),
        cmocka_unit_test(cells_are_grouped_and_pooled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
