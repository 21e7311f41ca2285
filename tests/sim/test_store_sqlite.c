/* The store's writer: what it stores, what it refuses, and what a fault leaves behind. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "outcome_fixture.h"
#include "sim/base/mem.h"
#include "sim/outcome/read.h"
#include "sim/outcome/store_impl.h"

enum { CELLS = 6, TEXT_MAX = 1 << 20 };

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

static gv_store *open_to_write(const char *path)
{
    gv_store *store = NULL;
    if (gv_store_open(path, GV_STORE_WRITE, &store) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return store;
}

static void write_cell(gv_store *store, int64_t run_id, size_t number)
{
    fixture_cell cell;
    fixture_cell_fill(&cell, number);
    if (gv_store_write_cell(store, run_id, &cell.record) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
}

static int64_t begin_run(gv_store *store, size_t cell_count)
{
    const gv_run_record run = fixture_run(cell_count);
    int64_t run_id = 0;
    if (gv_store_begin_run(store, &run, &run_id) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    return run_id;
}

/* Every row of a query as text: cells by "|", rows by newlines; "NULL" for none. */
static char *query(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    char *text = calloc(1, TEXT_MAX);
    size_t used = 0;
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const unsigned char *cell = sqlite3_column_text(statement, i);
            used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s%s", i == 0 ? "" : "|",
                                     cell == NULL ? "NULL" : (const char *)cell);
        }
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "\n");
        assert_true(used < TEXT_MAX);
    }
    assert_int_equal(code, SQLITE_DONE);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return text;
}

static void assert_query(const char *path, const char *sql, const char *expected)
{
    char *found = query(path, sql);
    assert_string_equal(found, expected);
    free(found);
}

/* All tables in the order of their keys, without the wall clock. */
static char *dump(const char *path)
{
    static const char *const queries[] = {
        "SELECT id, name, scenario, scenario_hash, seed, cell_count, state FROM run ORDER BY id",
        "SELECT * FROM parameter ORDER BY 1, 2",
        "SELECT * FROM provenance ORDER BY 1, 2",
        "SELECT * FROM reject ORDER BY 1, 2",
        "SELECT run_id, cell, name, number, policy, policy_type, budget_label, start_us, end_us,"
        " zone_offset_us, budget_nanos, bid_cap_nanos, episode_kind, episode_auctions, tick_us,"
        " click_nanos, episodes, tick_count, auctions, bids, wins, bid_nanos, spend_nanos,"
        " expected_nanoclicks, expected_nanoconversions, clicks, conversions, event_count"
        " FROM campaign ORDER BY 1, 2",
        "SELECT * FROM campaign_parameter ORDER BY 1, 2, 3",
        "SELECT * FROM tick ORDER BY 1, 2, 3",
        "SELECT * FROM metric ORDER BY 1, 2, 3",
        "SELECT run_id, cell, hex(bytes) FROM checkpoint ORDER BY 1, 2",
    };
    char *text = calloc(1, TEXT_MAX);
    size_t used = 0;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        char *part = query(path, queries[i]);
        const size_t size = strlen(part);
        assert_true(used + size < TEXT_MAX);
        memcpy(text + used, part, size);
        used += size;
        free(part);
    }
    return text;
}

static void a_cell_is_stored_with_its_ticks_and_metrics(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const int64_t run_id = begin_run(store, 1);
    write_cell(store, run_id, 0);
    assert_int_equal(gv_store_end_run(store, run_id, GV_RUN_DONE, 1500000), GV_OK);
    gv_store_close(store);

    fixture_cell cell;
    fixture_cell_fill(&cell, 0);
    char expected[256];
    (void)snprintf(expected, sizeof expected, "1458|mcpc|1/4|NULL|daily|%" PRIu64 "|%" PRId64 "\n",
                   cell.total.wins, cell.total.spend_nanos);
    assert_query(path,
                 "SELECT name, policy, budget_label, bid_cap_nanos, episode_kind, wins,"
                 " spend_nanos FROM campaign",
                 expected);
    assert_query(path, "SELECT count(*), sum(wins) = (SELECT wins FROM campaign) FROM tick",
                 "48|1\n");
    assert_query(path,
                 "SELECT abs(value - (SELECT ecpm FROM league)) < 1e-12 FROM metric"
                 " WHERE name = 'ecpm'",
                 "1\n");
    assert_query(path, "SELECT name, value, origin FROM campaign_parameter ORDER BY 1",
                 "b0|10 CPM|scenario\nmean_ctr|0.00081|fitted\n");
    assert_query(path, "SELECT state, wall_s, version, cells_done FROM run_wide",
                 "done|1.5|0.2.0|1\n");
    assert_query(path, "PRAGMA application_id", "1195464268\n");
    assert_query(path, "PRAGMA journal_mode", "wal\n");
}

static void views_give_iso_times_and_units(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const int64_t run_id = begin_run(store, 1);
    write_cell(store, run_id, 0);
    gv_store_close(store);
    assert_query(path, "SELECT time_utc, time_local FROM tick_wide WHERE tick = 1",
                 "2013-06-10T16:30:00.000000Z|2013-06-11T00:30:00.000000\n");
    assert_query(path,
                 "SELECT spend_nanos = spend_cpm * 1000000, spend_cpm = spend_currency * 1000,"
                 " budget_currency, round(budget_used, 6) = round(spend_currency / 50, 6)"
                 " FROM league",
                 "1|1|50.0|1\n");
}

static void content_does_not_tell_the_order_of_cells(void **state)
{
    const char *paths[] = {fixture_path(*state, "up.db"), fixture_path(*state, "down.db")};
    char *dumps[2];
    for (size_t i = 0; i < 2; i++) {
        gv_store *store = open_to_write(paths[i]);
        const int64_t run_id = begin_run(store, CELLS);
        for (size_t c = 0; c < CELLS; c++) {
            write_cell(store, run_id, i == 0 ? c : CELLS - 1 - c);
        }
        gv_store_close(store);
        dumps[i] = dump(paths[i]);
    }
    assert_string_equal(dumps[0], dumps[1]);
    free(dumps[0]);
    free(dumps[1]);
}

static void an_unfinished_run_is_found_and_knows_its_cells(void **state)
{
    gv_store *store = open_to_write(fixture_path(*state, "x.db"));
    const uint64_t hash = fixture_run(1).scenario_hash;
    int64_t found = 0;
    assert_int_equal(gv_store_find_unfinished(store, hash, &found), GV_ENOTFOUND);
    const int64_t run_id = begin_run(store, 3);
    write_cell(store, run_id, 1);
    assert_int_equal(gv_store_end_run(store, run_id, GV_RUN_STOPPED, 10), GV_OK);
    assert_true(gv_store_find_unfinished(store, hash, &found) == GV_OK && found == run_id);
    assert_int_equal(gv_store_find_unfinished(store, hash + 1, &found), GV_ENOTFOUND);
    bool done[3];
    assert_int_equal(gv_store_cells_done(store, run_id, done, 3), GV_OK);
    assert_true(!done[0] && done[1] && !done[2]);
    assert_int_equal(gv_store_cells_done(store, run_id, done, 1), GV_ECORRUPT);
    assert_int_equal(gv_store_end_run(store, run_id, GV_RUN_DONE, 10), GV_OK);
    assert_int_equal(gv_store_find_unfinished(store, hash, &found), GV_ENOTFOUND);
    gv_store_close(store);
}

static void a_checkpoint_is_replaced_and_dropped_with_its_cell(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const int64_t run_id = begin_run(store, 3);
    void *bytes = NULL;
    size_t size = 0;
    assert_int_equal(gv_store_load_checkpoint(store, run_id, 1, &bytes, &size), GV_ENOTFOUND);
    assert_int_equal(gv_store_save_checkpoint(store, run_id, 1, "first", 5), GV_OK);
    assert_int_equal(gv_store_save_checkpoint(store, run_id, 1, "second\0", 7), GV_OK);
    assert_int_equal(gv_store_save_checkpoint(store, run_id, 2, "", 0), GV_OK);
    assert_int_equal(gv_store_load_checkpoint(store, run_id, 1, &bytes, &size), GV_OK);
    assert_true(size == 7 && memcmp(bytes, "second\0", 7) == 0);
    gv_mem_free(bytes);
    assert_int_equal(gv_store_load_checkpoint(store, run_id, 2, &bytes, &size), GV_OK);
    assert_int_equal(size, 0);
    gv_mem_free(bytes);
    gv_mem_fail_after(0);
    assert_int_equal(gv_store_load_checkpoint(store, run_id, 1, &bytes, &size), GV_ENOMEM);
    write_cell(store, run_id, 1);
    gv_store_close(store);
    assert_query(path, "SELECT cell FROM checkpoint", "2\n");
}

static void a_cell_is_written_once(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const int64_t run_id = begin_run(store, 3);
    write_cell(store, run_id, 1);
    fixture_cell cell;
    fixture_cell_fill(&cell, 1);
    assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "cell 1 of run 1"));
    write_cell(store, run_id, 2); /* the failure has left the store usable */
    gv_store_close(store);
    assert_query(path, "SELECT count(*) FROM campaign", "2\n");
}

static void rejects_are_kept_in_order(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const gv_reject_record rejects[] = {{"conv.txt", 17, 0, "23 columns, expected 24", "a\tb"},
                                        {"imp.txt", 3, 20, "price is not a number: 'x'", ""}};
    gv_run_record run = fixture_run(1);
    run.rejects = rejects;
    run.reject_count = 2;
    int64_t run_id = 0;
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    gv_store_close(store);
    assert_query(
        path, "SELECT file, line, field, reason FROM reject ORDER BY number",
        "conv.txt|17|0|23 columns, expected 24\nimp.txt|3|20|price is not a number: 'x'\n");
    assert_query(path, "SELECT rejects FROM run_wide", "2\n");
}

static void text_is_never_sql(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    const int64_t run_id = begin_run(store, 1);
    fixture_cell cell;
    fixture_cell_fill(&cell, 0);
    cell.campaign.name = "'); DROP TABLE tick; --";
    assert_int_equal(gv_store_write_cell(store, run_id, &cell.record), GV_OK);
    gv_store_close(store);
    assert_query(path, "SELECT name FROM campaign", "'); DROP TABLE tick; --\n");
    assert_query(path, "SELECT count(*) FROM tick", "48\n");
}

/* A file as an older version left it: every row, and none of what came later. */
static void make_older(gv_store *store, int version)
{
    for (int step = GV_SCHEMA_VERSION - 1; step >= version; step--) {
        assert_int_equal(gv_sql_run(store, fixture_drops(step), "go back"), GV_OK);
    }
}

static void assert_migrated(const char *path, int version)
{
    gv_store *store = open_to_write(path);
    write_cell(store, begin_run(store, 1), 0);
    make_older(store, version);
    gv_store_close(store);
    char *before = dump(path);
    assert_int_equal(gv_store_open(path, GV_STORE_READ, &store), GV_OK); /* read as it is */
    gv_outcomes *outcomes = NULL;
    assert_int_equal(gv_outcomes_read(store, GV_RUN_LATEST, true, &outcomes), GV_OK);
    assert_null(outcomes->cells[0].seat);
    gv_outcomes_destroy(outcomes);
    gv_store_close(store);
    gv_store_close(open_to_write(path));
    char *after = dump(path);
    assert_string_equal(before, after);
    assert_query(path, "PRAGMA user_version", "6\n");
    assert_query(path, "SELECT policy FROM league", "mcpc\n");
    free(before);
    free(after);
}

static void an_old_file_is_migrated_and_keeps_its_rows(void **state)
{
    static const char *const names[] = {"one.db", "two.db", "three.db", "four.db", "five.db"};
    for (int version = 1; version < GV_SCHEMA_VERSION; version++) {
        assert_migrated(fixture_path(*state, names[version - 1]), version);
    }
}

static void each_version_is_reached_in_steps(void **state)
{
    const char *path = fixture_path(*state, "steps.db");
    for (int64_t version = 1; version <= GV_SCHEMA_VERSION; version++) {
        gv_store *store = open_to_write(path); /* already the newest: nothing to do */
        int64_t found = 0;
        assert_int_equal(gv_schema_migrate_to(store, version), GV_OK);
        assert_int_equal(gv_schema_check(store, &found), GV_OK);
        assert_int_equal(found, GV_SCHEMA_VERSION);
        gv_store_close(store);
    }
}

/* Opening must fail in this mode, with a sentence that holds `words`. */
static void assert_refused(const char *path, gv_store_mode mode, const char *words)
{
    gv_store *store = NULL;
    assert_int_not_equal(gv_store_open(path, mode, &store), GV_OK);
    assert_null(store);
    if (strstr(gv_status_detail(), words) == NULL) {
        fail_msg("'%s' is not in: %s", words, gv_status_detail());
    }
    assert_null(strchr(gv_status_detail(), '\n'));
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void what_is_no_gavel_database_is_refused(void **state)
{
    const gv_store_mode modes[] = {GV_STORE_WRITE, GV_STORE_READ};
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    const char *text = fixture_path(*state, "text.db");
    write_file(text, junk, sizeof junk);
    const char *other = fixture_path(*state, "other.db");
    write_file(other, "", 0);
    free(query(other, "CREATE TABLE mine (x)"));
    const char *later = fixture_path(*state, "later.db");
    gv_store_close(open_to_write(later));
    free(query(later, "PRAGMA user_version = 99"));
    for (size_t i = 0; i < 2; i++) {
        assert_refused(text, modes[i], "is not a SQLite database");
        assert_refused(other, modes[i], "not one of Gavel's");
        assert_refused(later, modes[i], "written by a later gavel (database version 99");
        assert_refused(*state, modes[i], "is a directory");
        assert_refused("/dev/null", modes[i], "is not a regular file");
    }
    assert_query(other, "SELECT name FROM sqlite_schema", "mine\n"); /* left alone */
    assert_query(other, "PRAGMA journal_mode", "delete\n");
}

static void missing_files_and_folders_are_named(void **state)
{
    assert_refused(fixture_path(*state, "none.db"), GV_STORE_READ, "there is no file");
    assert_refused(fixture_path(*state, "none/x.db"), GV_STORE_WRITE, "No such file or directory");
    write_file(fixture_path(*state, "empty.db"), "", 0);
    assert_refused(fixture_path(*state, "empty.db"), GV_STORE_READ, "holds no run");
}

/* Runs `work` in a child, which exits with its result; no root's rights when `lower` is set. */
static int in_child(int (*work)(const char *folder), const char *folder, bool lower)
{
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (lower && geteuid() == 0 && seteuid(65534) != 0) {
            _exit(99);
        }
        _exit(work(folder));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int open_read_only_file(const char *folder)
{
    gv_store *store = NULL;
    if (gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store) == GV_OK) {
        return 1;
    }
    return strstr(gv_status_detail(), "cannot be written") == NULL ? 2 : 0;
}

static int read_in_read_only_folder(const char *folder)
{
    gv_store *store = NULL;
    if (gv_store_open(fixture_path(folder, "x.db"), GV_STORE_READ, &store) != GV_OK) {
        (void)fprintf(stderr, "%s\n", gv_status_detail());
        return 1;
    }
    bool done[1];
    const gv_status status = gv_store_cells_done(store, 1, done, 1);
    gv_store_close(store);
    return status == GV_OK && done[0] ? 0 : 2;
}

static void a_read_only_file_is_read_but_not_written(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    write_cell(store, begin_run(store, 1), 0);
    gv_store_close(store);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(*state, 0555), 0);
    const int wrote = in_child(open_read_only_file, *state, true);
    const int read = in_child(read_in_read_only_folder, *state, true);
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(wrote, 0);
    assert_int_equal(read, 0);
}

static void a_locked_database_is_said_to_be_locked(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    gv_store *store = open_to_write(path);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(store->db, 0), SQLITE_OK);
    const gv_run_record run = fixture_run(1);
    int64_t run_id = 0;
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_EIO);
    assert_non_null(strstr(gv_status_detail(), "is locked by another program"));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(gv_store_begin_run(store, &run, &run_id), GV_OK);
    gv_store_close(store);
}

static int write_under_a_size_limit(const char *folder)
{
    gv_store *store = NULL;
    if (gv_store_open(fixture_path(folder, "x.db"), GV_STORE_WRITE, &store) != GV_OK) {
        return 1;
    }
    (void)signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {200000, 200000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    const gv_run_record run = fixture_run(1000);
    int64_t run_id = 0;
    gv_status status = gv_store_begin_run(store, &run, &run_id);
    for (size_t i = 0; status == GV_OK && i < 1000; i++) {
        fixture_cell cell;
        fixture_cell_fill(&cell, i);
        status = gv_store_write_cell(store, run_id, &cell.record);
    }
    if (status != GV_EIO || strstr(gv_status_detail(), "limit on file size") == NULL) {
        (void)fprintf(stderr, "%s\n", gv_status_detail());
        return 3;
    }
    gv_store_close(store);
    return 0;
}

/* Every cell that is there is whole, and the file is sound. */
static void assert_whole_cells(const char *path)
{
    assert_query(path, "PRAGMA integrity_check", "ok\n");
    assert_query(path, "PRAGMA foreign_key_check", "");
    assert_query(path,
                 "SELECT count(*) FROM campaign AS c WHERE tick_count <> (SELECT count(*) FROM tick"
                 " AS t WHERE t.run_id = c.run_id AND t.cell = c.cell)",
                 "0\n");
}

static void a_full_disk_is_one_sentence_and_a_sound_file(void **state)
{
    assert_int_equal(in_child(write_under_a_size_limit, *state, false), 0);
    assert_whole_cells(fixture_path(*state, "x.db"));
}

/* Writes cells for ever and says so by one byte each; ends by being killed. */
static void write_until_killed(const char *path, int pipe_end)
{
    gv_store *store = NULL;
    if (gv_store_open(path, GV_STORE_WRITE, &store) != GV_OK) {
        _exit(1);
    }
    const gv_run_record run = fixture_run(1000000);
    int64_t run_id = 0;
    if (gv_store_begin_run(store, &run, &run_id) != GV_OK) {
        _exit(2);
    }
    fixture_cell cell;
    for (size_t i = 0;; i++) {
        fixture_cell_fill(&cell, i);
        if (gv_store_write_cell(store, run_id, &cell.record) != GV_OK ||
            write(pipe_end, "x", 1) != 1) {
            _exit(3);
        }
    }
}

static void a_killed_writer_leaves_whole_cells(void **state)
{
    const char *path = fixture_path(*state, "killed.db");
    for (int round = 0; round < 12; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        (void)fflush(NULL);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(ends[0]);
            write_until_killed(path, ends[1]);
        }
        (void)close(ends[1]);
        char byte = 0;
        for (int i = 0; i < 3 * round; i++) {
            assert_int_equal(read(ends[0], &byte, 1), 1);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        (void)close(ends[0]);
        if (access(path, F_OK) == 0) {
            gv_store_close(open_to_write(path));
            assert_whole_cells(path);
        }
    }
    assert_query(path, "SELECT count(*) > 100 FROM campaign", "1\n");
}

static void opening_survives_every_allocation_failing(void **state)
{
    const char *path = fixture_path(*state, "x.db");
    for (int n = 0;; n++) {
        gv_store *store = NULL;
        gv_mem_fail_after(n);
        const gv_status status = gv_store_open(path, GV_STORE_WRITE, &store);
        gv_mem_fail_after(-1);
        if (status == GV_OK) {
            gv_store_close(store);
            assert_int_equal(n, 1);
            return;
        }
        assert_int_equal(status, GV_ENOMEM);
        assert_null(store);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_cell_is_stored_with_its_ticks_and_metrics),
        IN_FOLDER(views_give_iso_times_and_units),
        IN_FOLDER(content_does_not_tell_the_order_of_cells),
        IN_FOLDER(an_unfinished_run_is_found_and_knows_its_cells),
        IN_FOLDER(a_checkpoint_is_replaced_and_dropped_with_its_cell),
        IN_FOLDER(a_cell_is_written_once),
        IN_FOLDER(rejects_are_kept_in_order),
        IN_FOLDER(text_is_never_sql),
        IN_FOLDER(an_old_file_is_migrated_and_keeps_its_rows),
        IN_FOLDER(each_version_is_reached_in_steps),
        IN_FOLDER(what_is_no_gavel_database_is_refused),
        IN_FOLDER(missing_files_and_folders_are_named),
        IN_FOLDER(a_read_only_file_is_read_but_not_written),
        IN_FOLDER(a_locked_database_is_said_to_be_locked),
        IN_FOLDER(a_full_disk_is_one_sentence_and_a_sound_file),
        IN_FOLDER(a_killed_writer_leaves_whole_cells),
        IN_FOLDER(opening_survives_every_allocation_failing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
