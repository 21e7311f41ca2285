/*
 * The schema, as the steps that lead from an empty file to this version.
 *
 * A step is never edited once released: a change is a new step, so that every older file can be
 * brought forward. user_version counts the steps taken, and each is one transaction. Keys are
 * natural, (run, cell, tick), not numbers given in order of arrival: cells come in any order
 * from several threads, and the content must not tell.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "sim/outcome/schema_impl.h"
#include "sim/outcome/store_impl.h"

/* The quantities of gv_tally, in its order. */
#define TALLY_COLUMNS                              \
    "auctions INTEGER NOT NULL,\n"                 \
    "bids INTEGER NOT NULL,\n"                     \
    "wins INTEGER NOT NULL,\n"                     \
    "bid_nanos INTEGER NOT NULL,\n"                \
    "spend_nanos INTEGER NOT NULL,\n"              \
    "expected_nanoclicks INTEGER NOT NULL,\n"      \
    "expected_nanoconversions INTEGER NOT NULL,\n" \
    "clicks INTEGER NOT NULL,\n"                   \
    "conversions INTEGER NOT NULL"

static const char tables[] =
    "CREATE TABLE run (\n"
    "id INTEGER PRIMARY KEY,\n"
    "name TEXT NOT NULL,\n"
    "scenario TEXT NOT NULL, -- resolved, as --print-config prints it\n"
    "scenario_hash TEXT NOT NULL, -- 16 hex digits, of all that determines the outcome\n"
    "seed INTEGER NOT NULL, -- 64 bits; above 2^63 they read as a negative number\n"
    "cell_count INTEGER NOT NULL CHECK (cell_count >= 0),\n"
    "state TEXT NOT NULL CHECK (state IN ('running', 'done', 'stopped', 'failed')),\n"
    "started_us INTEGER NOT NULL, -- wall clock, since 1970 UTC\n"
    "wall_us INTEGER -- NULL until it ends\n"
    ") STRICT;\n"
    "CREATE INDEX run_by_hash ON run (scenario_hash);\n"

    "CREATE TABLE parameter (\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "name TEXT NOT NULL,\n"
    "value TEXT NOT NULL,\n"
    "origin TEXT NOT NULL, -- default, scenario, --set, fitted\n"
    "PRIMARY KEY (run_id, name)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE provenance (\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "name TEXT NOT NULL,\n"
    "value TEXT NOT NULL,\n"
    "PRIMARY KEY (run_id, name)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE reject ( -- rows that the run's inputs had refused\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "number INTEGER NOT NULL, -- in order of the inputs\n"
    "file TEXT NOT NULL,\n"
    "line INTEGER NOT NULL,\n"
    "field INTEGER NOT NULL, -- from 1; 0: the whole line\n"
    "reason TEXT NOT NULL,\n"
    "text TEXT NOT NULL, -- of the row, perhaps cut\n"
    "PRIMARY KEY (run_id, number)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE campaign ( -- a cell: one campaign under one policy\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "cell INTEGER NOT NULL,\n"
    "name TEXT NOT NULL,\n"
    "number INTEGER NOT NULL, -- key of its random streams, 64 bits\n"
    "policy TEXT NOT NULL,\n"
    "policy_type TEXT NOT NULL,\n"
    "budget_label TEXT NOT NULL,\n"
    "start_us INTEGER NOT NULL,\n"
    "end_us INTEGER NOT NULL,\n"
    "zone_offset_us INTEGER NOT NULL,\n"
    "budget_nanos INTEGER NOT NULL, -- of each episode\n"
    "bid_cap_nanos INTEGER, -- NULL: none\n"
    "episode_kind TEXT NOT NULL CHECK (episode_kind IN ('whole', 'daily', 'auctions')),\n"
    "episode_auctions INTEGER NOT NULL,\n"
    "tick_us INTEGER NOT NULL,\n"
    "click_nanos INTEGER, -- NULL: not said\n"
    "episodes INTEGER NOT NULL,\n"
    "tick_count INTEGER NOT NULL,\n" TALLY_COLUMNS ",\n"
    "event_count INTEGER NOT NULL,\n"
    "wall_us INTEGER NOT NULL,\n"
    "PRIMARY KEY (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE campaign_parameter ( -- of the cell's policy, fitted values included\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "name TEXT NOT NULL,\n"
    "value TEXT NOT NULL,\n"
    "origin TEXT NOT NULL,\n"
    "PRIMARY KEY (run_id, cell, name),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES campaign (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE tick (\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "tick INTEGER NOT NULL,\n"
    "time_us INTEGER NOT NULL, -- its start\n"
    "episode INTEGER NOT NULL,\n"
    "budget_left_nanos INTEGER NOT NULL, -- at its end\n" TALLY_COLUMNS ",\n"
    "PRIMARY KEY (run_id, cell, tick),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES campaign (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE metric (\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "name TEXT NOT NULL,\n"
    "unit TEXT NOT NULL,\n"
    "value REAL, -- NULL: a ratio over nothing\n"
    "PRIMARY KEY (run_id, cell, name),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES campaign (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE checkpoint ( -- cells that were interrupted\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "cell INTEGER NOT NULL,\n"
    "bytes BLOB NOT NULL,\n"
    "PRIMARY KEY (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* What pandas reads as it is: names that say their units, money in nanos, CPM and currency. */
static const char views[] =
    "CREATE VIEW league AS SELECT\n"
    "c.run_id, r.name AS run_name, c.cell, c.name AS campaign, c.budget_label, c.policy,\n"
    "c.policy_type,\n"
    "nullif(c.budget_nanos, 9223372036854775807) * c.episodes / 1e6 AS budget_cpm,\n"
    "nullif(c.budget_nanos, 9223372036854775807) * c.episodes / 1e9 AS budget_currency,\n"
    "c.episodes, c.auctions, c.bids, c.wins AS impressions,\n"
    "c.wins * 1.0 / nullif(c.auctions, 0) AS win_rate,\n"
    "c.spend_nanos, c.spend_nanos / 1e6 AS spend_cpm, c.spend_nanos / 1e9 AS spend_currency,\n"
    "c.spend_nanos * 1.0 / c.episodes / nullif(nullif(c.budget_nanos, 9223372036854775807), "
    "0)\n"
    "AS budget_used,\n"
    "c.spend_nanos / 1e6 / nullif(c.wins, 0) AS ecpm,\n"
    "c.expected_nanoclicks / 1e9 AS expected_clicks, c.clicks,\n"
    "c.expected_nanoconversions / 1e9 AS expected_conversions, c.conversions,\n"
    "c.clicks * 1.0 / nullif(c.wins, 0) AS ctr,\n"
    "c.spend_nanos / 1e9 / nullif(c.clicks, 0) AS ecpc_currency,\n"
    "c.spend_nanos * 1.0 / nullif(c.expected_nanoclicks, 0) AS expected_ecpc_currency,\n"
    "c.event_count * 1e6 / nullif(c.wall_us, 0) AS events_per_second\n"
    "FROM campaign AS c JOIN run AS r ON r.id = c.run_id;\n"

    "CREATE VIEW tick_wide AS SELECT\n"
    "t.run_id, t.cell, c.name AS campaign, c.budget_label, c.policy, t.tick, "
    "t.time_us,\n" ISO_UTC("t.time_us") " AS time_utc,\n" ISO(
        "t.time_us + c.zone_offset_us",
        "") " AS time_local,\n"
            "t.episode, t.auctions, t.bids, t.wins AS impressions,\n"
            "t.spend_nanos, t.spend_nanos / 1e6 AS spend_cpm, t.spend_nanos / 1e9 AS "
            "spend_currency,\n"
            "t.budget_left_nanos,\n"
            "nullif(t.budget_left_nanos, 9223372036854775807) / 1e6 AS budget_left_cpm,\n"
            "t.spend_nanos / 1e6 / nullif(t.wins, 0) AS ecpm,\n"
            "t.wins * 1.0 / nullif(t.auctions, 0) AS win_rate,\n"
            "t.expected_nanoclicks / 1e9 AS expected_clicks, t.clicks,\n"
            "t.expected_nanoconversions / 1e9 AS expected_conversions, t.conversions\n"
            "FROM tick AS t JOIN campaign AS c USING (run_id, cell);\n"

            "CREATE VIEW run_wide AS SELECT\n"
            "r.id AS run_id, r.name AS run_name, r.seed, r.scenario_hash, r.state,\n"
            "r.cell_count, (SELECT count(*) FROM campaign AS c WHERE c.run_id = r.id) AS "
            "cells_done,\n"
            "(SELECT count(*) FROM reject AS x WHERE x.run_id = r.id) AS rejects,\n" ISO_UTC(
                "r.started_us") " AS started_utc,\n"
                                "r.wall_us / 1e6 AS wall_s,\n"
                                "(SELECT sum(c.event_count) FROM campaign AS c WHERE c.run_id "
                                "= r.id) AS event_count,\n"
                                "(SELECT value FROM provenance WHERE run_id = r.id AND name = "
                                "'version') AS version,\n"
                                "(SELECT value FROM provenance WHERE run_id = r.id AND name = "
                                "'commit') AS \"commit\"\n"
                                "FROM run AS r;\n"

                                "CREATE VIEW metric_wide AS SELECT\n"
                                "m.run_id, m.cell, c.name AS campaign, c.budget_label, "
                                "c.policy, m.name AS metric, m.unit,\n"
                                "m.value FROM metric AS m JOIN campaign AS c USING (run_id, "
                                "cell);\n";

static const char *const steps[GV_SCHEMA_VERSION] = {
    tables, views, gv_schema_seat, gv_schema_sweep, gv_schema_winback, gv_schema_winback_cluster};

/* A forged file could have a view, which may never end, under the name of a table. */
static gv_status check_tables(gv_store *store, int64_t version)
{
    const int64_t needed = version >= GV_SCHEMA_CLUSTER   ? 14
                           : version >= GV_SCHEMA_WINBACK ? 13
                           : version >= GV_SCHEMA_SEAT    ? 11
                                                          : 9;
    int64_t count = 0;
    GV_TRY(gv_sql_integer(store,
                          "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND"
                          " sql LIKE 'CREATE TABLE %' AND name IN ('run', 'parameter',"
                          " 'provenance', 'reject', 'campaign', 'campaign_parameter', 'tick',"
                          " 'metric', 'checkpoint', 'seat', 'seat_tick', 'winback', 'winback_day',"
                          " 'winback_cluster')",
                          &count));
    if (count != needed) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s is damaged: it has %" PRId64 " of the %" PRId64 " tables it needs",
                       store->path, count, needed);
    }
    return GV_OK;
}

gv_status gv_schema_check(gv_store *store, int64_t *version)
{
    int64_t application = 0;
    int64_t objects = 0;
    GV_TRY(gv_sql_integer(store, "SELECT count(*) FROM sqlite_schema", &objects));
    GV_TRY(gv_sql_integer(store, "PRAGMA application_id", &application));
    GV_TRY(gv_sql_integer(store, "PRAGMA user_version", version));
    if (application == 0 && objects == 0 && *version == 0) {
        return GV_OK;
    }
    if (application != GV_SCHEMA_APPLICATION) {
        return GV_FAIL(GV_ECORRUPT, "%s is a SQLite database, but not one of Gavel's", store->path);
    }
    if (*version > GV_SCHEMA_VERSION) {
        return GV_FAIL(GV_ECORRUPT,
                       "%s was written by a later gavel (database version %" PRId64
                       ", this program knows up to %d): use that gavel",
                       store->path, *version, GV_SCHEMA_VERSION);
    }
    if (*version < 1) {
        return GV_FAIL(GV_ECORRUPT, "%s is damaged: its database version is %" PRId64, store->path,
                       *version);
    }
    return check_tables(store, *version);
}

static gv_status take_step(gv_store *store, int64_t step)
{
    GV_TRY(gv_sql_run(store, steps[step], "create its tables"));
    char stamp[96]; /* a PRAGMA takes no bound parameter; both are numbers of ours */
    (void)snprintf(stamp, sizeof stamp,
                   "PRAGMA application_id = %" PRId64 "; PRAGMA user_version = %" PRId64,
                   GV_SCHEMA_APPLICATION, step + 1);
    return gv_sql_run(store, stamp, "create its tables");
}

gv_status gv_schema_migrate_to(gv_store *store, int64_t version)
{
    assert(version <= GV_SCHEMA_VERSION);
    int64_t from = 0;
    GV_TRY(gv_schema_check(store, &from));
    if (from >= version) {
        return GV_OK;
    }
    GV_TRY(gv_sql_begin(store));
    /* Another process may have got there first: look again under the lock. */
    gv_status status = gv_schema_check(store, &from);
    for (int64_t step = from; status == GV_OK && step < version; step++) {
        status = take_step(store, step);
    }
    return gv_sql_end(store, status);
}

gv_status gv_schema_migrate(gv_store *store)
{
    return gv_schema_migrate_to(store, GV_SCHEMA_VERSION);
}
