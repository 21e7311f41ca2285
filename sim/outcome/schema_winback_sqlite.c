/* The schema's steps for campaigns that win users back: rows of policies, days, then clusters. */
#include "sim/outcome/schema_impl.h"
#include "sim/outcome/store_impl.h"

#define TALLY_COLUMNS                                                      \
    "auctions INTEGER NOT NULL,\n"                                         \
    "wins INTEGER NOT NULL,\n"                                             \
    "spend_nanos INTEGER NOT NULL,\n"                                      \
    "clicks INTEGER NOT NULL,\n"                                           \
    "reentries INTEGER NOT NULL, -- through the campaign's ads\n"          \
    "retained INTEGER NOT NULL, -- of them, with a visit in days 2 to 7\n" \
    "organic INTEGER NOT NULL, -- returns without an ad\n"                 \
    "visits INTEGER NOT NULL -- on days after a re-entry, however it came about\n"

const char gv_schema_winback[] =
    "CREATE TABLE winback ( -- a policy with the whole order, on the run's users\n"
    "run_id INTEGER NOT NULL REFERENCES run (id),\n"
    "cell INTEGER NOT NULL,\n"
    "policy TEXT NOT NULL,\n"
    "aim TEXT NOT NULL CHECK (aim IN ('reach', 'clicks', 'retention')),\n"
    "model TEXT, -- weights, or 'truth'; NULL: none\n"
    "users INTEGER NOT NULL,\n"
    "budget_nanos INTEGER, -- NULL: none\n" TALLY_COLUMNS ", PRIMARY KEY (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE winback_day ( -- of simulated time; the last ones are without auctions\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "day INTEGER NOT NULL,\n"
    "multiplier REAL NOT NULL, -- bid over worth\n" TALLY_COLUMNS
    ", PRIMARY KEY (run_id, cell, day),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES winback (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE VIEW retention_league AS SELECT\n"
    "w.run_id, r.name AS run_name, r.seed, w.cell, w.policy, w.aim, w.model, w.users,\n"
    "w.budget_nanos / 1e9 AS budget_currency, w.auctions, w.wins,\n"
    "w.spend_nanos / 1e9 AS spend_currency, w.clicks, w.reentries, w.retained,\n"
    "w.retained * 1.0 / nullif(w.reentries, 0) AS retention,\n"
    "w.retained * 1e9 / nullif(w.spend_nanos, 0) AS retained_per_currency,\n"
    "w.organic, w.visits\n"
    "FROM winback AS w JOIN run AS r ON r.id = w.run_id;\n";

const char gv_schema_winback_cluster[] =
    "CREATE TABLE winback_cluster ( -- what is drawn anew for intervals, alike for all policies\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "cluster INTEGER NOT NULL, -- of user u, from 0: u modulo their number\n"
    "spend_nanos INTEGER NOT NULL,\n"
    "retained INTEGER NOT NULL,\n"
    "PRIMARY KEY (run_id, cell, cluster),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES winback (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "DROP VIEW run_wide;\n"
    "CREATE VIEW run_wide AS SELECT\n"
    "r.id AS run_id, r.name AS run_name, r.seed, r.scenario_hash, r.state, r.cell_count,\n"
    "(SELECT count(*) FROM campaign AS c WHERE c.run_id = r.id)\n"
    "+ (SELECT count(*) FROM winback AS w WHERE w.run_id = r.id) AS cells_done,\n"
    "(SELECT count(*) FROM reject AS x WHERE x.run_id = r.id) AS rejects,\n" ISO_UTC(
        "r.started_us") " AS started_utc,\n"
                        "r.wall_us / 1e6 AS wall_s,\n"
                        "(SELECT sum(c.event_count) FROM campaign AS c WHERE c.run_id = r.id)\n"
                        "AS event_count,\n"
                        "(SELECT value FROM provenance WHERE run_id = r.id AND name = 'version')\n"
                        "AS version,\n"
                        "(SELECT value FROM provenance WHERE run_id = r.id AND name = 'commit')\n"
                        "AS \"commit\"\n"
                        "FROM run AS r;\n";
