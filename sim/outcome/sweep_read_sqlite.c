/* The reader of sweeps: what was asked for and how far it is, checked on its way in. */
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/outcome/store_impl.h"
#include "sim/outcome/sweep.h"

static gv_status no_memory(const gv_store *store)
{
    return GV_FAIL(GV_ENOMEM, "reading a sweep of %s", store->path);
}

static gv_status damaged(const gv_store *store, const char *what)
{
    return GV_FAIL(GV_ECORRUPT, "%s is damaged: %s", store->path, what);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++) {
        gv_mem_free(texts[i]);
    }
    gv_mem_free(texts);
}

void gv_sweep_facts_destroy(gv_sweep_facts *facts)
{
    if (facts == NULL) {
        return;
    }
    for (size_t i = 0; facts->points != NULL && i < facts->point_count; i++) {
        gv_mem_free(facts->points[i].error);
        free_texts(facts->points[i].values, facts->axis_count);
    }
    gv_mem_free(facts->points);
    free_texts(facts->axes, facts->axis_count);
    gv_mem_free(facts->name);
    gv_mem_free(facts->scenario_path);
    gv_mem_free(facts);
}

/* A copy of column `column`, which must be text. */
static gv_status copy_text(const gv_row *row, int column, char **copy)
{
    const char *text = (const char *)sqlite3_column_text(row->statement, column);
    if (text == NULL) {
        return damaged(row->store, "a text of a sweep is missing");
    }
    *copy = gv_mem_copy_text(text);
    return *copy == NULL ? no_memory(row->store) : GV_OK;
}

static gv_status check_tables(gv_store *store)
{
    int64_t count = 0;
    GV_TRY(gv_sql_integer(store,
                          "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND sql LIKE"
                          " 'CREATE TABLE %' AND name IN ('sweep', 'sweep_cell', 'sweep_value')",
                          &count));
    return count == 3 ? GV_OK
                      : GV_FAIL(GV_ENOTFOUND, "%s holds no sweep: `gavel sweep FILE --db %s` would",
                                store->path, store->path);
}

static gv_status read_sweep(gv_store *store, int64_t sweep_id, gv_sweep_facts *facts)
{
    gv_row row = gv_row_open(store,
                             "SELECT id, name, scenario_path FROM sweep WHERE ?1 IN (0, id)"
                             " ORDER BY id DESC LIMIT 1",
                             "read a sweep");
    gv_row_integer(&row, sweep_id);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK && has_row) {
        facts->id = sqlite3_column_int64(row.statement, 0);
        status = copy_text(&row, 1, &facts->name);
        if (status == GV_OK) {
            status = copy_text(&row, 2, &facts->scenario_path);
        }
    } else if (status == GV_OK) {
        status =
            sweep_id == GV_SWEEP_LATEST
                ? GV_FAIL(GV_ENOTFOUND, "%s holds no sweep yet", store->path)
                : GV_FAIL(GV_ENOTFOUND, "%s holds no sweep %" PRId64 ": SELECT id, name FROM sweep",
                          store->path, sweep_id);
    }
    gv_row_close(&row);
    return status;
}

/* What a query about one sweep counts. */
static gv_status count(gv_store *store, int64_t sweep_id, const char *sql, size_t *out)
{
    gv_row row = gv_row_open(store, sql, "read a sweep");
    gv_row_integer(&row, sweep_id);
    bool has_row = false;
    const gv_status status = gv_row_step(&row, &has_row);
    const int64_t value = status == GV_OK && has_row ? sqlite3_column_int64(row.statement, 0) : 0;
    gv_row_close(&row);
    *out = value < 0 ? 0 : (size_t)value;
    return status;
}

/* The arrays, zeroed: what a damaged file leaves out stays NULL and is found by check(). */
static gv_status make_room(gv_store *store, gv_sweep_facts *facts)
{
    GV_TRY(count(store, facts->id, "SELECT count(*) FROM sweep_cell WHERE sweep_id = ?",
                 &facts->point_count));
    GV_TRY(count(store, facts->id,
                 "SELECT count(*) FROM sweep_value WHERE sweep_id = ? AND point = 0",
                 &facts->axis_count));
    facts->points = gv_mem_alloc(0, facts->point_count, sizeof *facts->points);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    facts->axes = gv_mem_alloc(0, facts->axis_count, sizeof *facts->axes);
    if (facts->points == NULL || facts->axes == NULL) {
        return no_memory(store);
    }
    for (size_t i = 0; i < facts->point_count; i++) {
        /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
        facts->points[i].values = gv_mem_alloc(0, facts->axis_count, sizeof(char *));
        if (facts->points[i].values == NULL) {
            return no_memory(store);
        }
    }
    return GV_OK;
}

static gv_status read_point(const gv_row *row, size_t number, gv_sweep_facts *facts)
{
    sqlite3_stmt *statement = row->statement;
    if (number >= facts->point_count || sqlite3_column_int64(statement, 0) != (int64_t)number) {
        return damaged(row->store, "the points of a sweep have gaps");
    }
    gv_sweep_point *point = &facts->points[number];
    const char *state = (const char *)sqlite3_column_text(statement, 3);
    point->number = number;
    point->run_id = sqlite3_column_int64(statement, 1);
    point->seed = (uint64_t)sqlite3_column_int64(statement, 2);
    point->state = GV_POINT_LEFT;
    if (state != NULL && strcmp(state, "todo") != 0) {
        point->state = strcmp(state, "done") == 0 ? GV_POINT_DONE : GV_POINT_FAILED;
    }
    return sqlite3_column_type(statement, 4) == SQLITE_NULL ? GV_OK
                                                            : copy_text(row, 4, &point->error);
}

static gv_status read_points(gv_store *store, gv_sweep_facts *facts)
{
    gv_row row = gv_row_open(store,
                             "SELECT point, run_id, seed, state, error FROM sweep_cell WHERE"
                             " sweep_id = ? ORDER BY point",
                             "read a sweep's points");
    gv_row_integer(&row, facts->id);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    for (size_t i = 0; status == GV_OK && has_row; i++) {
        status = read_point(&row, i, facts);
        if (status == GV_OK) {
            status = gv_row_step(&row, &has_row);
        }
    }
    gv_row_close(&row);
    return status;
}

static gv_status read_value(const gv_row *row, gv_sweep_facts *facts)
{
    const int64_t point = sqlite3_column_int64(row->statement, 0);
    const int64_t axis = sqlite3_column_int64(row->statement, 1);
    if (point < 0 || (uint64_t)point >= facts->point_count || axis < 0 ||
        (uint64_t)axis >= facts->axis_count) {
        return damaged(row->store, "a sweep has values of a point or axis that it does not have");
    }
    if (point == 0) {
        GV_TRY(copy_text(row, 2, &facts->axes[axis]));
    }
    return copy_text(row, 3, &facts->points[point].values[axis]);
}

static gv_status read_values(gv_store *store, gv_sweep_facts *facts)
{
    gv_row row =
        gv_row_open(store, "SELECT point, axis, name, value FROM sweep_value WHERE sweep_id = ?",
                    "read a sweep's values");
    gv_row_integer(&row, facts->id);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    while (status == GV_OK && has_row) {
        status = read_value(&row, facts);
        if (status == GV_OK) {
            status = gv_row_step(&row, &has_row);
        }
    }
    gv_row_close(&row);
    return status;
}

/* Every point must have a value of every axis. */
static gv_status check(const gv_store *store, const gv_sweep_facts *facts)
{
    for (size_t axis = 0; axis < facts->axis_count; axis++) {
        for (size_t i = 0; i < facts->point_count; i++) {
            if (facts->points[i].values[axis] == NULL || facts->axes[axis] == NULL) {
                return damaged(store, "a point of a sweep lacks a value");
            }
        }
    }
    return GV_OK;
}

static gv_status read_all(gv_store *store, int64_t sweep_id, gv_sweep_facts *facts)
{
    GV_TRY(check_tables(store));
    GV_TRY(read_sweep(store, sweep_id, facts));
    GV_TRY(make_room(store, facts));
    GV_TRY(read_points(store, facts));
    GV_TRY(read_values(store, facts));
    return check(store, facts);
}

gv_status gv_sweep_facts_read(gv_store *store, int64_t sweep_id, gv_sweep_facts **out)
{
    gv_sweep_facts *facts = gv_mem_alloc(sizeof *facts, 0, 0);
    if (facts == NULL) {
        return no_memory(store);
    }
    /* One snapshot for all queries: the sweep may be going on in another process. */
    gv_status status = gv_sql_run(store, "BEGIN", "read a sweep");
    if (status == GV_OK) {
        status = read_all(store, sweep_id, facts);
    }
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    if (status != GV_OK) {
        gv_sweep_facts_destroy(facts);
        return status;
    }
    *out = facts;
    return GV_OK;
}
