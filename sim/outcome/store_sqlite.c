/* The writer: a run's facts, then its cells, each whole in one transaction. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/mem.h"
#include "sim/outcome/metric.h"
#include "sim/outcome/store_impl.h"

/* The parameter list of a whole tally behind those before it. */
#define TALLY_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?"

static void put_tally(gv_row *row, const gv_tally *tally)
{
    gv_row_count(row, tally->auctions);
    gv_row_count(row, tally->bids);
    gv_row_count(row, tally->wins);
    gv_row_integer(row, tally->bid_nanos);
    gv_row_integer(row, tally->spend_nanos);
    gv_row_integer(row, tally->expected_nanoclicks);
    gv_row_integer(row, tally->expected_nanoconversions);
    gv_row_count(row, tally->clicks);
    gv_row_count(row, tally->conversions);
}

/* 64 bits as SQLite can hold them; the reader turns them back. */
static int64_t signed_bits(uint64_t bits)
{
    int64_t value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int64_t now_us(void)
{
    struct timespec now;
    const int failed = clock_gettime(CLOCK_REALTIME, &now);
    assert(failed == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void print_hash(uint64_t hash, char text[17])
{
    (void)snprintf(text, 17, "%016" PRIx64, hash);
}

static gv_status insert_run(gv_store *store, const gv_run_record *run, int64_t *run_id)
{
    char hash[17];
    print_hash(run->scenario_hash, hash);
    gv_row row = gv_row_open(store,
                             "INSERT INTO run (id, name, scenario, scenario_hash, seed, cell_count,"
                             " state, started_us) VALUES (coalesce(?, 1 + max(coalesce((SELECT"
                             " max(id) FROM run), 0), coalesce((SELECT max(run_id) FROM"
                             " sweep_cell), 0))), ?, ?, ?, ?, ?, 'running', ?)",
                             "begin a run");
    if (run->reserved_id == 0) {
        gv_row_null(&row);
    } else {
        gv_row_integer(&row, run->reserved_id);
    }
    gv_row_text(&row, run->name);
    gv_row_text(&row, run->scenario_text);
    gv_row_text(&row, hash);
    gv_row_integer(&row, signed_bits(run->seed));
    gv_row_count(&row, run->cell_count);
    gv_row_integer(&row, now_us());
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    if (status == GV_OK) {
        *run_id = sqlite3_last_insert_rowid(store->db);
    }
    return status;
}

static gv_status insert_parameters(gv_store *store, int64_t run_id, const gv_run_record *run)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO parameter (run_id, name, value, origin)"
                             " VALUES (?, ?, ?, ?)",
                             "store a run's parameters");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < run->parameter_count; i++) {
        gv_row_integer(&row, run_id);
        gv_row_text(&row, run->parameters[i].name);
        gv_row_text(&row, run->parameters[i].value);
        gv_row_text(&row, run->parameters[i].origin);
        status = gv_row_insert(&row);
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_provenance(gv_store *store, int64_t run_id, const gv_run_record *run)
{
    gv_row row = gv_row_open(store, "INSERT INTO provenance (run_id, name, value) VALUES (?, ?, ?)",
                             "store where a run came from");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < run->provenance_count; i++) {
        gv_row_integer(&row, run_id);
        gv_row_text(&row, run->provenance[i].name);
        gv_row_text(&row, run->provenance[i].value);
        status = gv_row_insert(&row);
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_rejects(gv_store *store, int64_t run_id, const gv_run_record *run)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO reject (run_id, number, file, line, field, reason,"
                             " text) VALUES (?, ?, ?, ?, ?, ?, ?)",
                             "store rejected rows");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < run->reject_count; i++) {
        gv_row_integer(&row, run_id);
        gv_row_count(&row, i);
        gv_row_text(&row, run->rejects[i].file);
        gv_row_count(&row, run->rejects[i].line);
        gv_row_count(&row, run->rejects[i].field);
        gv_row_text(&row, run->rejects[i].reason);
        gv_row_text(&row, run->rejects[i].text);
        status = gv_row_insert(&row);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_store_begin_run(gv_store *store, const gv_run_record *run, int64_t *run_id)
{
    assert(store->mode == GV_STORE_WRITE);
    GV_TRY(gv_sql_begin(store));
    int64_t id = 0;
    gv_status status = insert_run(store, run, &id);
    if (status == GV_OK) {
        status = insert_parameters(store, id, run);
    }
    if (status == GV_OK) {
        status = insert_provenance(store, id, run);
    }
    if (status == GV_OK) {
        status = insert_rejects(store, id, run);
    }
    GV_TRY(gv_sql_end(store, status));
    *run_id = id;
    return GV_OK;
}

gv_status gv_store_run_hash(gv_store *store, int64_t run_id, uint64_t *scenario_hash)
{
    gv_row row = gv_row_open(store, "SELECT scenario_hash FROM run WHERE id = ?", "look for a run");
    gv_row_integer(&row, run_id);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK && has_row) {
        const char *hash = (const char *)sqlite3_column_text(row.statement, 0);
        *scenario_hash = hash == NULL ? 0 : strtoull(hash, NULL, 16);
    } else if (status == GV_OK) {
        status = GV_FAIL(GV_ENOTFOUND, "%s holds no run %" PRId64, store->path, run_id);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_store_find_unfinished(gv_store *store, uint64_t scenario_hash, int64_t *run_id)
{
    char hash[17];
    print_hash(scenario_hash, hash);
    gv_row row =
        gv_row_open(store,
                    "SELECT id FROM run WHERE scenario_hash = ? AND state <> 'done'"
                    " AND id NOT IN (SELECT run_id FROM sweep_cell) ORDER BY id DESC LIMIT 1",
                    "look for an unfinished run");
    gv_row_text(&row, hash);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK && has_row) {
        *run_id = sqlite3_column_int64(row.statement, 0);
    } else if (status == GV_OK) {
        status = GV_FAIL(GV_ENOTFOUND, "%s holds no unfinished run of this scenario", store->path);
    }
    gv_row_close(&row);
    return status;
}

static const char *episode_kind(gv_episode_kind kind)
{
    static const char *const names[] = {
        [GV_EPISODE_WHOLE] = "whole",
        [GV_EPISODE_DAILY] = "daily",
        [GV_EPISODE_AUCTIONS] = "auctions",
    };
    assert(kind <= GV_EPISODE_AUCTIONS);
    return names[kind];
}

static void put_campaign(gv_row *row, const gv_campaign *campaign, const gv_cell_record *cell)
{
    gv_row_text(row, campaign->name);
    gv_row_integer(row, signed_bits(campaign->number));
    gv_row_text(row, cell->policy);
    gv_row_text(row, cell->policy_type);
    gv_row_text(row, cell->budget_label);
    gv_row_integer(row, campaign->start_us);
    gv_row_integer(row, campaign->end_us);
    gv_row_integer(row, campaign->zone_offset_us);
    gv_row_integer(row, campaign->budget_nanos);
    if (campaign->bid_cap_nanos == INT64_MAX) {
        gv_row_null(row);
    } else {
        gv_row_integer(row, campaign->bid_cap_nanos);
    }
    gv_row_text(row, episode_kind(campaign->episode));
    gv_row_count(row, campaign->episode_auctions);
    gv_row_integer(row, campaign->tick_us);
    if (campaign->click_nanos == GV_PARAM_UNSET) {
        gv_row_null(row);
    } else {
        gv_row_integer(row, campaign->click_nanos);
    }
}

static void put_cell(gv_row *row, const gv_cell_record *cell)
{
    put_campaign(row, cell->campaign, cell);
    gv_row_count(row, cell->episodes);
    gv_row_count(row, gv_cell_tick_count(cell));
    put_tally(row, cell->total);
    gv_row_count(row, cell->event_count);
    gv_row_integer(row, cell->wall_us);
}

static gv_status insert_campaigns(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                                  size_t count)
{
    gv_row row = gv_row_open(
        store,
        "INSERT INTO campaign (run_id, cell, name, number, policy, policy_type, budget_label,"
        " start_us, end_us, zone_offset_us, budget_nanos, bid_cap_nanos, episode_kind,"
        " episode_auctions, tick_us, click_nanos, episodes, tick_count, auctions, bids, wins,"
        " bid_nanos, spend_nanos, expected_nanoclicks, expected_nanoconversions, clicks,"
        " conversions, event_count, wall_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, " TALLY_MARKS ", ?, ?)",
        "store a cell");
    gv_status status = GV_OK;
    for (size_t i = 0; status == GV_OK && i < count; i++) {
        gv_row_integer(&row, run_id);
        gv_row_count(&row, cells[i].cell);
        put_cell(&row, &cells[i]);
        status = gv_row_insert(&row);
        if (status != GV_OK && (row.code & 0xff) == SQLITE_CONSTRAINT) {
            status = GV_FAIL(GV_EIO,
                             "%s: cannot store cell %zu of run %" PRId64
                             ": %s; is another gavel writing the same run?",
                             store->path, cells[i].cell, run_id, sqlite3_errmsg(store->db));
        }
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_cell_parameters(gv_store *store, int64_t run_id,
                                        const gv_cell_record *cells, size_t count)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO campaign_parameter (run_id, cell, name, value, origin)"
                             " VALUES (?, ?, ?, ?, ?)",
                             "store a cell's parameters");
    gv_status status = GV_OK;
    for (size_t c = 0; c < count; c++) {
        const gv_fact *facts = cells[c].parameters;
        for (size_t i = 0; status == GV_OK && i < cells[c].parameter_count; i++) {
            gv_row_integer(&row, run_id);
            gv_row_count(&row, cells[c].cell);
            gv_row_text(&row, facts[i].name);
            gv_row_text(&row, facts[i].value);
            gv_row_text(&row, facts[i].origin);
            status = gv_row_insert(&row);
        }
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_ticks(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                              size_t count)
{
    gv_row row = gv_row_open(
        store,
        "INSERT INTO tick (run_id, cell, tick, time_us, episode, budget_left_nanos, auctions,"
        " bids, wins, bid_nanos, spend_nanos, expected_nanoclicks, expected_nanoconversions,"
        " clicks, conversions) VALUES (?, ?, ?, ?, ?, ?, " TALLY_MARKS ")",
        "store a cell's ticks");
    gv_status status = GV_OK;
    for (size_t c = 0; c < count; c++) {
        const size_t tick_count = gv_cell_tick_count(&cells[c]);
        int64_t spent = 0;
        for (size_t i = 0; status == GV_OK && i < tick_count; i++) {
            const gv_tick_record tick = gv_cell_tick(&cells[c], i, &spent);
            gv_row_integer(&row, run_id);
            gv_row_count(&row, cells[c].cell);
            gv_row_count(&row, i);
            gv_row_integer(&row, tick.time_us);
            gv_row_count(&row, tick.episode);
            gv_row_integer(&row, tick.budget_left_nanos);
            put_tally(&row, &tick.tally);
            status = gv_row_insert(&row);
        }
    }
    gv_row_close(&row);
    return status;
}

static gv_status insert_metrics(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                                size_t count)
{
    gv_row row = gv_row_open(store,
                             "INSERT INTO metric (run_id, cell, name, unit, value)"
                             " VALUES (?, ?, ?, ?, ?)",
                             "store a cell's metrics");
    gv_status status = GV_OK;
    for (size_t c = 0; c < count; c++) {
        double quantities[GV_QUANTITY_COUNT];
        gv_cell_quantities(&cells[c], quantities);
        const gv_metric *metric = gv_metrics;
        for (; status == GV_OK && metric->name != NULL; metric++) {
            if (!gv_metric_fits(metric, &cells[c])) {
                continue;
            }
            gv_row_integer(&row, run_id);
            gv_row_count(&row, cells[c].cell);
            gv_row_text(&row, metric->name);
            gv_row_text(&row, metric->unit);
            gv_row_real(&row, gv_metric_value(metric, quantities));
            status = gv_row_insert(&row);
        }
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_checkpoint_drop(gv_store *store, int64_t run_id, size_t cell)
{
    gv_row row = gv_row_open(store, "DELETE FROM checkpoint WHERE run_id = ? AND cell = ?",
                             "drop a checkpoint");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, cell);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return status;
}

static gv_status insert_cells(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                              size_t count)
{
    GV_TRY(insert_campaigns(store, run_id, cells, count));
    GV_TRY(insert_cell_parameters(store, run_id, cells, count));
    GV_TRY(insert_ticks(store, run_id, cells, count));
    GV_TRY(gv_seat_insert(store, run_id, cells, count));
    GV_TRY(insert_metrics(store, run_id, cells, count));
    for (size_t i = 0; i < count; i++) {
        GV_TRY(gv_checkpoint_drop(store, run_id, cells[i].cell));
    }
    return GV_OK;
}

gv_status gv_store_write_cells(gv_store *store, int64_t run_id, const gv_cell_record *cells,
                               size_t count)
{
    assert(store->mode == GV_STORE_WRITE);
    GV_TRY(gv_sql_begin(store));
    return gv_sql_end(store, insert_cells(store, run_id, cells, count));
}

gv_status gv_store_write_cell(gv_store *store, int64_t run_id, const gv_cell_record *cell)
{
    return gv_store_write_cells(store, run_id, cell, 1);
}

gv_status gv_store_cells_done(gv_store *store, int64_t run_id, bool *done, size_t cell_count)
{
    gv_row row = gv_row_open(store, "SELECT cell FROM campaign WHERE run_id = ?",
                             "read which cells are done");
    gv_row_integer(&row, run_id);
    memset(done, 0, cell_count * sizeof *done);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    while (status == GV_OK && has_row) {
        const int64_t cell = sqlite3_column_int64(row.statement, 0);
        if (cell < 0 || (uint64_t)cell >= cell_count) {
            status = GV_FAIL(GV_ECORRUPT,
                             "%s: run %" PRId64 " has a cell %" PRId64 ", but should have %zu only",
                             store->path, run_id, cell, cell_count);
            break;
        }
        done[cell] = true;
        status = gv_row_step(&row, &has_row);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_store_save_checkpoint(gv_store *store, int64_t run_id, size_t cell, const void *bytes,
                                   size_t size)
{
    assert(store->mode == GV_STORE_WRITE);
    GV_TRY(gv_sql_begin(store));
    gv_row row = gv_row_open(store,
                             "INSERT INTO checkpoint (run_id, cell, bytes) VALUES (?, ?, ?)"
                             " ON CONFLICT (run_id, cell) DO UPDATE SET bytes = excluded.bytes",
                             "save a checkpoint");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, cell);
    gv_row_bytes(&row, bytes, (int64_t)size);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return gv_sql_end(store, status);
}

static gv_status copy_bytes(const gv_row *row, void **bytes, size_t *size)
{
    const void *stored = sqlite3_column_blob(row->statement, 0);
    const size_t stored_size = (size_t)sqlite3_column_bytes(row->statement, 0);
    void *copy = gv_mem_alloc(0, stored_size, 1);
    if (copy == NULL) {
        return GV_FAIL(GV_ENOMEM, "a checkpoint of %zu bytes", stored_size);
    }
    if (stored_size > 0) {
        memcpy(copy, stored, stored_size);
    }
    *bytes = copy;
    *size = stored_size;
    return GV_OK;
}

gv_status gv_store_load_checkpoint(gv_store *store, int64_t run_id, size_t cell, void **bytes,
                                   size_t *size)
{
    gv_row row = gv_row_open(store, "SELECT bytes FROM checkpoint WHERE run_id = ? AND cell = ?",
                             "load a checkpoint");
    gv_row_integer(&row, run_id);
    gv_row_count(&row, cell);
    bool has_row = false;
    gv_status status = gv_row_step(&row, &has_row);
    if (status == GV_OK && has_row) {
        status = copy_bytes(&row, bytes, size);
    } else if (status == GV_OK) {
        status = GV_FAIL(GV_ENOTFOUND, "%s: run %" PRId64 " has no checkpoint of cell %zu",
                         store->path, run_id, cell);
    }
    gv_row_close(&row);
    return status;
}

gv_status gv_store_end_run(gv_store *store, int64_t run_id, gv_run_state state, int64_t wall_us)
{
    static const char *const names[] = {
        [GV_RUN_DONE] = "done",
        [GV_RUN_STOPPED] = "stopped",
        [GV_RUN_FAILED] = "failed",
    };
    assert(store->mode == GV_STORE_WRITE);
    assert(state <= GV_RUN_FAILED);
    GV_TRY(gv_sql_begin(store));
    gv_row row = gv_row_open(store,
                             "UPDATE run SET state = ?, wall_us = coalesce(wall_us, 0) + ?"
                             " WHERE id = ?",
                             "end a run");
    gv_row_text(&row, names[state]);
    gv_row_integer(&row, wall_us);
    gv_row_integer(&row, run_id);
    const gv_status status = gv_row_insert(&row);
    gv_row_close(&row);
    return gv_sql_end(store, status);
}
