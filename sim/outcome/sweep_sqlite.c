/* The writer of sweeps: all points at once, then each one's end. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/param.h"
#include "sim/outcome/store_impl.h"
#include "sim/outcome/sweep.h"

static const char *const state_names[] = {
    [GV_POINT_LEFT] = "todo",
    [GV_POINT_DONE] = "done",
    [GV_POINT_FAILED] = "failed",
};

/* A number as scenarios write one, 1/8 included; NaN: it is none. */
static double number_of(const char *text)
{
    static const gv_param row = {.name = "value", .kind = GV_PARAM_REAL};
    double number = (double)NAN;
    return gv_param_parse(&row, text, 0, &number) == GV_OK ? number : (double)NAN;
}

static gv_status insert_values(gv_row *row, int64_t sweep_id, const gv_sweep_record *sweep,
                               size_t point, const gv_point_record *record)
{
    for (size_t axis = 0; axis < sweep->axis_count; axis++) {
        gv_row_integer(row, sweep_id);
        gv_row_count(row, point);
        gv_row_count(row, axis);
        gv_row_text(row, sweep->axes[axis]);
        gv_row_text(row, record->values[axis]);
        gv_row_real(row, number_of(record->values[axis]));
        GV_TRY(gv_row_insert(row));
    }
    return GV_OK;
}

/* The highest number that a run has or that is reserved for one. */
static gv_status find_last_run(gv_store *store, int64_t *last)
{
    return gv_sql_integer(store,
                          "SELECT max(coalesce((SELECT max(id) FROM run), 0),"
                          " coalesce((SELECT max(run_id) FROM sweep_cell), 0))",
                          last);
}

/* Their runs get the numbers after `last`. */
static gv_status insert_points(gv_store *store, int64_t sweep_id, const gv_sweep_record *sweep,
                               int64_t last)
{
    gv_row cell = gv_row_open(store,
                              "INSERT INTO sweep_cell (sweep_id, point, run_id, seed, state)"
                              " VALUES (?, ?, ?, ?, 'todo')",
                              "store a sweep's points");
    gv_row value = gv_row_open(store,
                               "INSERT INTO sweep_value (sweep_id, point, axis, name, value,"
                               " number) VALUES (?, ?, ?, ?, ?, ?)",
                               "store a sweep's values");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < sweep->point_count; i++) {
        gv_point_record record = {.seed = 0};
        sweep->point(sweep->context, i, &record);
        gv_row_integer(&cell, sweep_id);
        gv_row_count(&cell, i);
        gv_row_integer(&cell, last + 1 + (int64_t)i);
        gv_row_count(&cell, record.seed);
        status = gv_row_insert(&cell);
        if (status == GV_OK) {
            status = insert_values(&value, sweep_id, sweep, i, &record);
        }
    }
    gv_row_close(&cell);
    gv_row_close(&value);
    return status;
}

static int64_t now_us(void)
{
    struct timespec now;
    const int failed = clock_gettime(CLOCK_REALTIME, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put_sweep(gv_row *row, const gv_sweep_record *sweep, char hash[17])
{
    (void)snprintf(hash, 17, "%016" PRIx64, sweep->hash);
    gv_row_text(row, sweep->name);
    gv_row_text(row, sweep->text);
    gv_row_text(row, sweep->scenario_path);
    gv_row_text(row, hash);
    gv_row_count(row, sweep->point_count);
}

static gv_status insert_sweep(gv_store *store, const gv_sweep_record *sweep, int64_t *sweep_id)
{
    char hash[17];
    gv_row row = gv_row_open(store,
                             "INSERT INTO sweep (name, text, scenario_path, sweep_hash,"
                             " point_count, started_us) VALUES (?, ?, ?, ?, ?, ?)",
                             "begin a sweep");
    put_sweep(&row, sweep, hash);
    gv_row_integer(&row, now_us());
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    if (status == GV_OK) {
        *sweep_id = sqlite3_last_insert_rowid(store->db);
    }
    return status;
}

gv_status gv_store_begin_sweep(gv_store *store, const gv_sweep_record *sweep, int64_t *sweep_id)
{
    GV_TRY(gv_sql_begin(store));
    int64_t id = 0;
    int64_t last = 0;
    gv_status status = find_last_run(store, &last);
    if (status == GV_OK) {
        status = insert_sweep(store, sweep, &id);
    }
    if (status == GV_OK) {
        status = insert_points(store, id, sweep, last);
    }
    GV_TRY(gv_sql_end(store, status));
    *sweep_id = id;
    return GV_OK;
}

/* Runs one statement about one sweep. */
static gv_status run_for(gv_store *store, int64_t sweep_id, const char *sql)
{
    gv_row row = gv_row_open(store, sql, "change a sweep");
    gv_row_integer(&row, sweep_id);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return status;
}

/* A point by what it is, not by its number: seed and values, apart by what no value holds. */
#define POINT_KEY                                                                    \
    "c.seed || char(31) || coalesce((SELECT group_concat(v.name || char(30) || "     \
    "v.value, char(31)) FROM (SELECT name, value FROM sweep_value WHERE sweep_id = " \
    "c.sweep_id AND point = c.point ORDER BY name) AS v), '')"

static gv_status update_sweep(gv_store *store, int64_t sweep_id, const gv_sweep_record *sweep)
{
    char hash[17];
    gv_row row = gv_row_open(store,
                             "UPDATE sweep SET name = ?, text = ?, scenario_path = ?,"
                             " sweep_hash = ?, point_count = ? WHERE id = ?",
                             "change a sweep");
    put_sweep(&row, sweep, hash);
    gv_row_integer(&row, sweep_id);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return status;
}

static gv_status change(gv_store *store, int64_t sweep_id, const gv_sweep_record *sweep)
{
    int64_t last = 0;
    GV_TRY(find_last_run(store, &last));
    GV_TRY(gv_sql_run(store,
                      "CREATE TEMP TABLE kept (key TEXT PRIMARY KEY, run_id INTEGER NOT NULL)",
                      "change a sweep"));
    GV_TRY(run_for(store, sweep_id,
                   "INSERT INTO kept SELECT " POINT_KEY ", c.run_id FROM sweep_cell AS c"
                   " WHERE c.sweep_id = ? AND c.state = 'done'"));
    GV_TRY(run_for(store, sweep_id, "DELETE FROM sweep_value WHERE sweep_id = ?"));
    GV_TRY(run_for(store, sweep_id, "DELETE FROM sweep_cell WHERE sweep_id = ?"));
    GV_TRY(insert_points(store, sweep_id, sweep, last));
    GV_TRY(run_for(store, sweep_id,
                   "UPDATE sweep_cell AS c SET state = 'done', run_id = (SELECT k.run_id FROM"
                   " kept AS k WHERE k.key = " POINT_KEY ") WHERE c.sweep_id = ? AND EXISTS"
                   " (SELECT 1 FROM kept AS k WHERE k.key = " POINT_KEY ")"));
    GV_TRY(gv_sql_run(store, "DROP TABLE kept", "change a sweep"));
    return update_sweep(store, sweep_id, sweep);
}

gv_status gv_store_change_sweep(gv_store *store, int64_t sweep_id, const gv_sweep_record *sweep)
{
    GV_TRY(gv_sql_begin(store));
    return gv_sql_end(store, change(store, sweep_id, sweep));
}

static gv_status fill_found(const gv_row *row, const char *text, gv_sweep_found *found)
{
    const char *hash = (const char *)sqlite3_column_text(row->statement, 1);
    const char *stored = (const char *)sqlite3_column_text(row->statement, 2);
    char *end = NULL;
    found->id = sqlite3_column_int64(row->statement, 0);
    found->hash = hash == NULL ? 0 : strtoull(hash, &end, 16);
    found->has_same_text = stored != NULL && strcmp(stored, text) == 0;
    const int64_t points = sqlite3_column_int64(row->statement, 3);
    const int64_t done = sqlite3_column_int64(row->statement, 4);
    if (end == NULL || *end != '\0' || points < 0 || done < 0 || done > points) {
        return GV_FAIL(GV_ECORRUPT, "%s is damaged: sweep %" PRId64 " is not as it was written",
                       row->store->path, found->id);
    }
    found->point_count = (size_t)points;
    found->done_count = (size_t)done;
    return GV_OK;
}

gv_status gv_store_find_sweep(gv_store *store, const char *name, const char *text,
                              gv_sweep_found *found)
{
    gv_row row = gv_row_open(store,
                             "SELECT id, sweep_hash, text, point_count, (SELECT count(*) FROM"
                             " sweep_cell WHERE sweep_id = s.id AND state = 'done') FROM sweep AS s"
                             " WHERE name = ? ORDER BY id DESC LIMIT 1",
                             "look for a sweep");
    gv_row_text(&row, name);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK && has_row) {
        status = fill_found(&row, text, found);
    } else if (status == GV_OK) {
        status = GV_FAIL(GV_ENOTFOUND, "%s holds no sweep called %s", store->path, name);
    }
    gv_row_close(&row);
    return status;
}

/* False: none of them. */
static bool find_state(const char *name, gv_point_state *state)
{
    for (int i = GV_POINT_LEFT; name != NULL && i <= GV_POINT_FAILED; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (gv_point_state)i;
            return true;
        }
    }
    return false;
}

static gv_status fail_damaged(const gv_store *store, int64_t sweep_id)
{
    return GV_FAIL(GV_ECORRUPT,
                   "%s is damaged: the points of sweep %" PRId64 " are not as they were written",
                   store->path, sweep_id);
}

gv_status gv_store_sweep_points(gv_store *store, int64_t sweep_id, gv_point_place *places,
                                size_t count)
{
    gv_row row = gv_row_open(store,
                             "SELECT point, run_id, state FROM sweep_cell WHERE sweep_id = ?"
                             " ORDER BY point",
                             "read a sweep's points");
    gv_row_integer(&row, sweep_id);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    size_t i = 0;
    for (; status == GV_OK && has_row; i++) {
        if (i >= count || sqlite3_column_int64(row.statement, 0) != (int64_t)i ||
            !find_state((const char *)sqlite3_column_text(row.statement, 2), &places[i].state)) {
            status = fail_damaged(store, sweep_id);
            break;
        }
        places[i].run_id = sqlite3_column_int64(row.statement, 1);
        status = gv_row_step(&row, &has_row);
    }
    gv_row_close(&row);
    return status == GV_OK && i != count ? fail_damaged(store, sweep_id) : status;
}

gv_status gv_store_end_point(gv_store *store, int64_t sweep_id, size_t point, gv_point_state state,
                             const char *error)
{
    GV_TRY(gv_sql_begin(store));
    gv_row row = gv_row_open(store,
                             "UPDATE sweep_cell SET state = ?, error = ? WHERE sweep_id = ? AND"
                             " point = ?",
                             "end a sweep's point");
    gv_row_text(&row, state_names[state]);
    gv_row_text(&row, error);
    gv_row_integer(&row, sweep_id);
    gv_row_count(&row, point);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return gv_sql_end(store, status);
}

gv_status gv_store_end_sweep(gv_store *store, int64_t sweep_id, int64_t wall_us)
{
    GV_TRY(gv_sql_begin(store));
    gv_row row = gv_row_open(
        store, "UPDATE sweep SET wall_us = coalesce(wall_us, 0) + ? WHERE id = ?", "end a sweep");
    gv_row_integer(&row, wall_us);
    gv_row_integer(&row, sweep_id);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return gv_sql_end(store, status);
}
