/* The schema's step for campaigns that win users back: one row a policy, one a day. */
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
