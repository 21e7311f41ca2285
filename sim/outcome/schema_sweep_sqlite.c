/*
 * The schema's step for sweeps: which runs belong together, and under which values each ran.
 *
 * A point's run has its number from the start, before the run has a row: numbers given in order
 * of arrival would tell how many threads there were. So run_id references nothing.
 */
#include "sim/outcome/store_impl.h"

/* "policies.lin.b0=5 history.share=1/2", in the order of the axes. */
#define SETTING                                                                     \
    "(SELECT group_concat(v.name || '=' || v.value, ' ') FROM (SELECT name, value " \
    "FROM sweep_value WHERE sweep_id = p.sweep_id AND point = p.point ORDER BY axis) AS v)"

const char gv_schema_sweep[] =
    "CREATE TABLE sweep (\n"
    "id INTEGER PRIMARY KEY,\n"
    "name TEXT NOT NULL,\n"
    "text TEXT NOT NULL, -- the sweep file as it was read\n"
    "scenario_path TEXT NOT NULL,\n"
    "sweep_hash TEXT NOT NULL, -- 16 hex digits, of points, scenario and inputs\n"
    "point_count INTEGER NOT NULL CHECK (point_count >= 0),\n"
    "started_us INTEGER NOT NULL, -- wall clock, since 1970 UTC\n"
    "wall_us INTEGER -- NULL until it ends or stops\n"
    ") STRICT;\n"

    "CREATE TABLE sweep_cell ( -- a point: the scenario under one value of each axis and a seed\n"
    "sweep_id INTEGER NOT NULL REFERENCES sweep (id),\n"
    "point INTEGER NOT NULL,\n"
    "run_id INTEGER NOT NULL UNIQUE, -- reserved for it\n"
    "seed INTEGER NOT NULL,\n"
    "state TEXT NOT NULL CHECK (state IN ('todo', 'done', 'failed')),\n"
    "error TEXT, -- why it failed; NULL: it did not\n"
    "PRIMARY KEY (sweep_id, point)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE sweep_value (\n"
    "sweep_id INTEGER NOT NULL,\n"
    "point INTEGER NOT NULL,\n"
    "axis INTEGER NOT NULL, -- in the order of the file\n"
    "name TEXT NOT NULL,\n"
    "value TEXT NOT NULL, -- as the scenario was given it\n"
    "number REAL, -- the same to plot by: 0.125 for 1/8; NULL: no number\n"
    "PRIMARY KEY (sweep_id, point, axis),\n"
    "FOREIGN KEY (sweep_id, point) REFERENCES sweep_cell (sweep_id, point)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE VIEW sweep_point AS SELECT\n"
    "p.sweep_id, s.name AS sweep_name, p.point, p.run_id, p.seed, p.state, p.error,\n" SETTING
    " AS setting,\n"
    "(SELECT json_group_object(name, value) FROM sweep_value WHERE sweep_id = p.sweep_id AND\n"
    "point = p.point) AS axes\n"
    "FROM sweep_cell AS p JOIN sweep AS s ON s.id = p.sweep_id;\n"

    "CREATE VIEW sweep_wide AS SELECT\n"
    "p.sweep_id, p.sweep_name, p.point, p.seed, p.state, p.setting, p.axes, l.*\n"
    "FROM sweep_point AS p JOIN league AS l USING (run_id);\n"

    "CREATE VIEW sweep_market AS SELECT\n"
    "p.sweep_id, p.sweep_name, p.point, p.seed, p.state, p.setting, p.axes, l.*\n"
    "FROM sweep_point AS p JOIN market_league AS l USING (run_id);\n"

    "CREATE VIEW sweep_long AS SELECT\n"
    "p.sweep_id, p.point, p.seed, v.name AS axis, v.value, v.number, l.*\n"
    "FROM sweep_cell AS p JOIN sweep_value AS v USING (sweep_id, point)\n"
    "JOIN league AS l USING (run_id);\n";
