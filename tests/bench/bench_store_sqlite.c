/*
 * A million tick rows through the store, against the barest loop that could fill the same
 * tables: one prepared insert, bound and stepped, in one transaction. Both keep foreign keys,
 * WAL and the primary key; the store also writes each cell's own row, its metrics and its
 * parameters, and commits cell by cell.
 */
#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "outcome_fixture.h"
#include "sim/base/clock.h"
#include "sim/estimate/summary.h"

enum { CELLS = 1000, ROWS = 1000, ROUNDS = 5, COLUMNS = 15 };

static gv_tick_record ticks[CELLS * ROWS];

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "%s\n", gv_status_detail());
        exit(1);
    }
}

static void must_sql(sqlite3 *db, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        (void)fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static void fill_cell(fixture_cell *cell, size_t number, size_t first, size_t count)
{
    fixture_cell_fill(cell, number);
    cell->record.ticks = ticks + first;
    cell->record.tick_count = count;
}

static void write_cells(gv_store *store, int64_t run_id, size_t cells, size_t rows)
{
    for (size_t c = 0; c < cells; c++) {
        fixture_cell cell;
        fill_cell(&cell, c, c * rows, rows);
        must(gv_store_write_cell(store, run_id, &cell.record));
    }
}

static gv_store *open_new(const char *path, int64_t *run_id)
{
    (void)remove(path);
    gv_store *store = NULL;
    const gv_run_record run = fixture_run(CELLS);
    must(gv_store_open(path, GV_STORE_WRITE, &store));
    must(gv_store_begin_run(store, &run, run_id));
    return store;
}

/* Seconds for a million ticks in `cells` transactions of the store. */
static double time_store(const char *path, size_t cells)
{
    int64_t run_id = 0;
    gv_store *store = open_new(path, &run_id);
    const int64_t start = gv_wall_us();
    write_cells(store, run_id, cells, (size_t)CELLS * ROWS / cells);
    const double seconds = (double)(gv_wall_us() - start) / 1e6;
    gv_store_close(store);
    return seconds;
}

static void bind_tick(sqlite3_stmt *insert, size_t cell, size_t row, const gv_tick_record *tick)
{
    const int64_t values[COLUMNS] = {
        1,
        (int64_t)cell,
        (int64_t)row,
        tick->time_us,
        (int64_t)tick->episode,
        tick->budget_left_nanos,
        (int64_t)tick->tally.auctions,
        (int64_t)tick->tally.bids,
        (int64_t)tick->tally.wins,
        tick->tally.bid_nanos,
        tick->tally.spend_nanos,
        tick->tally.expected_nanoclicks,
        tick->tally.expected_nanoconversions,
        (int64_t)tick->tally.clicks,
        (int64_t)tick->tally.conversions,
    };
    for (int i = 0; i < COLUMNS; i++) {
        (void)sqlite3_bind_int64(insert, i + 1, values[i]);
    }
}

static void insert_bare(sqlite3 *db)
{
    sqlite3_stmt *insert = NULL;
    must_sql(db, sqlite3_prepare_v2(db,
                                    "INSERT INTO tick VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                                    " ?, ?, ?)",
                                    -1, &insert, NULL));
    must_sql(db, sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
    for (size_t i = 0; i < (size_t)CELLS * ROWS; i++) {
        bind_tick(insert, i / ROWS, i % ROWS, &ticks[i]);
        must_sql(db, sqlite3_step(insert));
        must_sql(db, sqlite3_reset(insert));
    }
    must_sql(db, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
    must_sql(db, sqlite3_finalize(insert));
}

/* The same rows by a bare loop; their parents are there before the clock starts. */
static double time_bare(const char *path)
{
    int64_t run_id = 0;
    gv_store *store = open_new(path, &run_id);
    write_cells(store, run_id, CELLS, 0);
    gv_store_close(store);
    sqlite3 *db = NULL;
    must_sql(db, sqlite3_open(path, &db));
    must_sql(db, sqlite3_exec(db,
                              "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = NORMAL",
                              NULL, NULL, NULL));
    const int64_t start = gv_wall_us();
    insert_bare(db);
    const double seconds = (double)(gv_wall_us() - start) / 1e6;
    must_sql(db, sqlite3_close(db));
    return seconds;
}

static void print_side(const char *name, double *seconds, double bare)
{
    const double median = gv_quantile(seconds, ROUNDS, 0.5);
    printf("| %s | %.2f | %.2f | %.2f |\n", name, median, (double)CELLS * ROWS / median / 1e6,
           bare / median);
}

int main(void)
{
    char *folder = fixture_folder();
    const char *path = fixture_path(folder, "bench.db");
    for (size_t i = 0; i < (size_t)CELLS * ROWS; i++) {
        ticks[i] = fixture_tick(i / ROWS, i % ROWS);
    }
    double bare[ROUNDS];
    double many[ROUNDS];
    double one[ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++) {
        bare[round] = time_bare(path);
        many[round] = time_store(path, CELLS);
        one[round] = time_store(path, 1);
    }
    const double base = gv_quantile(bare, ROUNDS, 0.5);
    printf("## Writing a million tick rows to SQLite\n\n"
           "SQLite %s, one thread, WAL, synchronous = NORMAL, foreign keys on, medians of %d in "
           "turn. Asked: at\nleast 0.7.\n\n"
           "| side | s | million rows/s | against bare |\n|---|---|---|---|\n",
           sqlite3_libversion(), ROUNDS);
    print_side("bare prepared inserts, one transaction", bare, base);
    print_side("store, 1,000 cells of 1,000 ticks", many, base);
    print_side("store, one cell of a million ticks", one, base);
    fixture_remove(folder);
    return 0;
}
