/* What a sweep file may say, as parameter tables: the one source for checks and `gavel list`. */
#include <math.h>

#include "scenarios/sweep/sweep_impl.h"

#define OF(type, field) .offset = offsetof(type, field)

static const gv_param top_rows[] = {
    {.name = "name",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_sweep_top, name),
     .help = "What outcomes call the sweep, and --resume looks for; auto: the file's name."},
    {.name = "scenario",
     .kind = GV_PARAM_TEXT,
     OF(gv_sweep_top, scenario),
     .help = "The scenario file, relative to this one. ${NAME} and ${NAME:-default} are replaced."},
    {.name = "replications",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1",
     .minimum = 1,
     .maximum = GV_SWEEP_POINTS_MAX,
     OF(gv_sweep_top, replications),
     .help = "How often each setting is run, with the scenario's seed, the next one, and so on."},
    {.name = NULL},
};

static const gv_param top_others[] = {
    {.name = "axes", .unit = "list of mappings", .help = "What varies; `list sweep axis`."},
    {.name = "seeds",
     .unit = "list of whole numbers",
     .fallback = "none",
     .help = "Instead of replications: the seeds themselves, [1, 2, 3]."},
    {.name = "zip",
     .unit = "list of axes, or of such lists",
     .fallback = "[]",
     .help = "Axes of equally many values that go together, value by value; all else is a grid."},
    {.name = NULL},
};

const gv_scenario_section gv_sweep_top_section = {
    .info = {.name = "top",
             .summary = "The keys at the top of the file.",
             .params = top_rows,
             .config_size = sizeof(gv_sweep_top)},
    .others = top_others,
};

static const gv_param axis_rows[] = {
    {.name = "name",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_sweep_axis_keys, name),
     .help = "What results and zip call it; auto: what it sets."},
    {.name = "set",
     .kind = GV_PARAM_TEXT,
     OF(gv_sweep_axis_keys, set),
     .help = "The place in the scenario, as for --set: policies.lin.b0, campaigns.0.budget."},
    {.name = NULL},
};

static const gv_param axis_others[] = {
    {.name = "list", .unit = "list of values", .fallback = "none", .help = "[1/2, 1/8]."},
    {.name = "range",
     .unit = "mapping",
     .fallback = "none",
     .help = "Or evenly spaced: {from: 5, to: 20, step: 5}."},
    {.name = "log_range",
     .unit = "mapping",
     .fallback = "none",
     .help = "Or by equal ratios: {from: 1, to: 1000, count: 4}."},
    {.name = NULL},
};

const gv_scenario_section gv_sweep_axis_section = {
    .info = {.name = "axis",
             .summary = "Each item of axes: one value of the scenario, and what it becomes.",
             .params = axis_rows,
             .config_size = sizeof(gv_sweep_axis_keys)},
    .others = axis_others,
};

static const gv_param range_rows[] = {
    {.name = "from", .kind = GV_PARAM_REAL, OF(gv_sweep_range, from), .help = "The first value."},
    {.name = "to",
     .kind = GV_PARAM_REAL,
     OF(gv_sweep_range, to),
     .help = "No value is beyond it; it is one itself when a step meets it."},
    {.name = "step",
     .kind = GV_PARAM_REAL,
     OF(gv_sweep_range, step),
     .help = "From one value to the next; negative when `to` is below `from`."},
    {.name = NULL},
};

const gv_scenario_section gv_sweep_range_section = {
    .info = {.name = "range",
             .summary = "Evenly spaced values of an axis.",
             .params = range_rows,
             .config_size = sizeof(gv_sweep_range)},
};

static const gv_param log_range_rows[] = {
    {.name = "from",
     .kind = GV_PARAM_REAL,
     OF(gv_sweep_log_range, from),
     .help = "The first value, above 0."},
    {.name = "to",
     .kind = GV_PARAM_REAL,
     OF(gv_sweep_log_range, to),
     .help = "The last value, above 0."},
    {.name = "count",
     .kind = GV_PARAM_INTEGER,
     .minimum = 2,
     .maximum = GV_SWEEP_POINTS_MAX,
     OF(gv_sweep_log_range, count),
     .help = "How many values there are, both ends included."},
    {.name = NULL},
};

const gv_scenario_section gv_sweep_log_range_section = {
    .info = {.name = "log_range",
             .summary = "Values of an axis that grow by equal ratios.",
             .params = log_range_rows,
             .config_size = sizeof(gv_sweep_log_range)},
};

const gv_scenario_section *const gv_sweep_sections[] = {
    &gv_sweep_top_section,
    &gv_sweep_axis_section,
    &gv_sweep_range_section,
    &gv_sweep_log_range_section,
    NULL,
};
