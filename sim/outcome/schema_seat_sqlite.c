/*
 * Step 3 of the schema: what a market adds to a cell, and what pandas reads of it.
 *
 * A market's cell is a row of campaign with its ticks, as a replay's is, and beside each a row
 * here under the same key. Values are kept in units of 2^-40, as they were summed.
 */
#include "sim/outcome/store_impl.h"

/* The quantities of gv_seat_tick beyond its tally, in its order. */
#define SEAT_COLUMNS                                            \
    "exposures INTEGER NOT NULL, -- slots won that were seen\n" \
    "value_units INTEGER NOT NULL, -- of all opportunities\n"   \
    "won_value_units INTEGER NOT NULL,\n"                       \
    "exposed_value_units INTEGER NOT NULL,\n"                   \
    "least_cost_nanos INTEGER NOT NULL -- sum over opportunities\n"

/* Currency and values as people say them; s and c are the aliases of seat and campaign. */
const char gv_schema_seat[] =
    "CREATE TABLE seat ( -- of a cell of a market: one campaign in one period\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "period INTEGER NOT NULL,\n"
    "category INTEGER NOT NULL,\n"
    "rivals TEXT NOT NULL CHECK (rivals IN ('market', 'fixed', 'reacting')),\n"
    "cpa_nanos INTEGER, -- what a conversion may cost on average; NULL: not said\n"
    "conversion_nanos INTEGER, -- what one is worth; NULL: not said\n" SEAT_COLUMNS
    ", score REAL NOT NULL, -- conversions, times (cpa / actual)^2 where that is below 1\n"
    "PRIMARY KEY (run_id, cell),\n"
    "FOREIGN KEY (run_id, cell) REFERENCES campaign (run_id, cell)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE seat_tick ( -- the last of a cell: what came after the period\n"
    "run_id INTEGER NOT NULL,\n"
    "cell INTEGER NOT NULL,\n"
    "tick INTEGER NOT NULL,\n" SEAT_COLUMNS ", PRIMARY KEY (run_id, cell, tick),\n"
    "FOREIGN KEY (run_id, cell, tick) REFERENCES tick (run_id, cell, tick)\n"
    ") STRICT, WITHOUT ROWID;\n"

    /* The oracle's score of the same campaign in the same period stands beside each score. */
    "CREATE VIEW market_league AS SELECT\n"
    "s.run_id, r.name AS run_name, s.cell, s.period, c.name AS advertiser, s.category,\n"
    "c.policy, c.policy_type, s.rivals,\n"
    "nullif(c.budget_nanos, 9223372036854775807) / 1e9 AS budget_currency,\n"
    "s.cpa_nanos / 1e9 AS cpa_target_currency,\n"
    "c.auctions, c.bids, c.wins, s.exposures, c.conversions,\n"
    "s.value_units / 1099511627776.0 AS value,\n"
    "s.won_value_units / 1099511627776.0 AS won_value,\n"
    "s.exposed_value_units / 1099511627776.0 AS exposed_value,\n"
    "c.spend_nanos / 1e9 AS spend_currency,\n"
    "c.spend_nanos * 1.0 / nullif(nullif(c.budget_nanos, 9223372036854775807), 0)\n"
    "AS budget_used,\n"
    "c.spend_nanos / 1e9 / nullif(c.conversions, 0) AS cpa_currency,\n"
    "c.spend_nanos > s.cpa_nanos * c.conversions AS over_cpa,\n"
    "s.conversion_nanos / 1e9 * c.conversions AS gained_currency,\n"
    "s.least_cost_nanos / 1e9 / nullif(c.auctions, 0) AS least_cost_currency,\n"
    "s.score, o.score AS oracle_score, s.score / nullif(o.score, 0) AS score_share\n"
    "FROM seat AS s JOIN campaign AS c USING (run_id, cell) JOIN run AS r ON r.id = s.run_id\n"
    "LEFT JOIN (SELECT so.run_id, so.period, co.name, co.budget_label, min(so.cell), so.score\n"
    "FROM seat AS so JOIN campaign AS co USING (run_id, cell)\n"
    "WHERE co.policy_type = 'oracle_slot'\n"
    "GROUP BY so.run_id, so.period, co.name, co.budget_label) AS o\n"
    "ON o.run_id = s.run_id AND o.period = s.period AND o.name = c.name\n"
    "AND o.budget_label = c.budget_label;\n"

    "CREATE VIEW market_tick AS SELECT\n"
    "x.run_id, x.cell, s.period, c.name AS advertiser, s.category, c.policy, s.rivals, x.tick,\n"
    "t.auctions, t.bids, t.wins, x.exposures, t.conversions,\n"
    "t.spend_nanos / 1e9 AS spend_currency,\n"
    "nullif(t.budget_left_nanos, 9223372036854775807) / 1e9 AS budget_left_currency,\n"
    "t.bid_nanos / 1e9 / nullif(t.bids, 0) AS bid_currency,\n"
    "x.least_cost_nanos / 1e9 / nullif(t.auctions, 0) AS least_cost_currency,\n"
    "x.value_units / 1099511627776.0 AS value,\n"
    "x.won_value_units / 1099511627776.0 AS won_value,\n"
    "x.exposed_value_units / 1099511627776.0 AS exposed_value\n"
    "FROM seat_tick AS x JOIN tick AS t USING (run_id, cell, tick)\n"
    "JOIN seat AS s USING (run_id, cell) JOIN campaign AS c USING (run_id, cell);\n";
