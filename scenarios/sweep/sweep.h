/*
 * sweep.h - a sweep file: one scenario under every setting of some axes, each with several seeds.
 *
 *   name: budgets
 *   scenario: demo.yaml          # relative to this file
 *   replications: 3              # seeds seed, seed + 1, seed + 2; or seeds: [1, 2, 3]
 *   axes:
 *     - {set: campaigns.all.budget_share, list: [1/2, 1/8]}
 *     - {name: b0, set: policies.linear.b0, range: {from: 5, to: 20, step: 5}}
 *     - {set: history.impression_weight, log_range: {from: 1, to: 1000, count: 4}}
 *   zip: [b0, history.impression_weight]   # go together, value by value
 *
 * A setting is one value of each axis; all combinations are run, but for axes that are zipped.
 * A point is a setting with a seed. Points are counted with the last axis fastest and the seeds
 * within a setting faster still. Every value of an axis goes into the scenario as --set would
 * put it there, so anything that a scenario says can be an axis. All problems are found at once.
 */
#ifndef SCENARIOS_SWEEP_SWEEP_H
#define SCENARIOS_SWEEP_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/problem.h"
#include "scenarios/config/region.h"
#include "scenarios/config/scenario.h"
#include "sim/base/status.h"

enum { GV_SWEEP_AXES_MAX = 16, GV_SWEEP_POINTS_MAX = 1000000 };

typedef struct gv_sweep_top {
    const char *name;     /* NULL: not given */
    const char *scenario; /* as written */
    int64_t replications;
} gv_sweep_top;

/* One thing that varies. */
typedef struct gv_sweep_axis {
    const char *name; /* what results and zip call it */
    const char *path; /* "policies.lin.b0" */
    gv_mark path_mark;
    const char **values; /* [count]: plain texts */
    const char **sets;   /* [count]: "policies.lin.b0=5", as --set takes it */
    gv_mark *marks;      /* [count]: where each value was written */
    size_t count;
    size_t leader; /* the first axis of its zip; itself when it varies alone */
} gv_sweep_axis;

typedef struct gv_sweep {
    const char *path;
    const char *text; /* of the file */
    const char *name;
    const char *scenario_path;
    gv_mark scenario_mark;
    gv_sweep_axis axes[GV_SWEEP_AXES_MAX];
    size_t axis_count;
    gv_mark axes_mark;
    const int64_t *seeds; /* [seed_count]; NULL: counted from the scenario's */
    size_t seed_count;
    size_t setting_count;
    size_t point_count; /* setting_count * seed_count */
    gv_problems problems;
    gv_region region; /* holds all of the above */

    /* Known once the scenario has been bound. */
    const char *const *extra_sets; /* [extra_set_count]: --set of the command line; borrowed */
    size_t extra_set_count;
    const char *scenario_text; /* as it was when the sweep began: every point reads this one */
    size_t scenario_size;
    gv_scenario *base; /* without any axis; its problems, if it has any, are to be printed */
} gv_sweep;

/* The keys of a sweep file for `gavel list`; NULL-ended. */
extern const gv_scenario_section *const gv_sweep_sections[];

extern const gv_scenario_section gv_sweep_top_section;
extern const gv_scenario_section gv_sweep_axis_section;
extern const gv_scenario_section gv_sweep_range_section;
extern const gv_scenario_section gv_sweep_log_range_section;

/*
 * Reads the file at `path`, but not its scenario. GV_EUSAGE: it has problems, which the caller
 * prints; *out is to be freed by gv_sweep_destroy() in any case where it is not NULL.
 */
GV_MUST_CHECK gv_status gv_sweep_load(const char *path, gv_sweep **out);

/* The same from a text: for tests and fuzzing. */
GV_MUST_CHECK gv_status gv_sweep_parse(const char *path, const char *text, size_t size,
                                       gv_sweep **out);

void gv_sweep_destroy(gv_sweep *sweep); /* accepts NULL */

/*
 * Reads the scenario and tries every axis on it: each value of a list, both ends of a range, the
 * other axes at their first value. What the scenario refuses becomes a problem of the sweep file,
 * at the value, or at the axis's path when it refuses all. GV_EUSAGE: the sweep has problems, or
 * else its `base` has. `sets`: [set_count], put over the scenario first; outlive the sweep.
 */
GV_MUST_CHECK gv_status gv_sweep_bind(gv_sweep *sweep, const char *const *sets, size_t set_count);

/* The same with the scenario's text, as if it stood in the file that the sweep names. */
GV_MUST_CHECK gv_status gv_sweep_bind_text(gv_sweep *sweep, const char *text, size_t size,
                                           const char *const *sets, size_t set_count);

/* Which value each axis has. values: [axis_count]; setting: below setting_count. */
void gv_sweep_setting(const gv_sweep *sweep, size_t setting, size_t *values);

/* The point's seed; the sweep is bound. */
int64_t gv_sweep_seed(const gv_sweep *sweep, size_t point);

enum { GV_SWEEP_SEED_SIZE = 32 };

/*
 * All that --set would be given for the point: the extra ones, each axis, the seed. `sets` has
 * room for extra_set_count + axis_count + 1; seed: [GV_SWEEP_SEED_SIZE]. Returns how many.
 */
size_t gv_sweep_point_sets(const gv_sweep *sweep, size_t point, const char **sets, char *seed);

#endif
