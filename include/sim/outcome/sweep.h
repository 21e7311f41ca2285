/*
 * sweep.h - sweeps in the store: their points, which run each of them is, and how far they are.
 *
 * A sweep is one scenario under many settings; a point of it is one setting and one seed, and
 * becomes one run. All points and the numbers of their runs are written when the sweep begins, in
 * one transaction, so neither a kill nor the order in which threads come can be seen in the end.
 */
#ifndef SIM_OUTCOME_SWEEP_H
#define SIM_OUTCOME_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/outcome/store.h"

#define GV_SWEEP_LATEST INT64_C(0)

typedef enum gv_point_state { GV_POINT_LEFT, GV_POINT_DONE, GV_POINT_FAILED } gv_point_state;

typedef struct gv_point_record {
    uint64_t seed;
    const char *const *values; /* [axis_count]; valid until the next point is asked for */
} gv_point_record;

typedef struct gv_sweep_record {
    const char *name;
    const char *text; /* the sweep file */
    const char *scenario_path;
    uint64_t hash; /* of all that determines the outcome: points, scenario, inputs */
    const char *const *axes;
    size_t axis_count;
    size_t point_count;
    void (*point)(void *context, size_t number, gv_point_record *record);
    void *context;
} gv_sweep_record;

/* Writes the sweep and its points, all to be done, and reserves a run for each. */
GV_MUST_CHECK gv_status gv_store_begin_sweep(gv_store *store, const gv_sweep_record *sweep,
                                             int64_t *sweep_id);

/*
 * Puts other points in place of a sweep's. Those that are done and that the new sweep has too,
 * by the values of their axes and seed, stay done with their run; all others are to be done,
 * under new numbers of runs.
 */
GV_MUST_CHECK gv_status gv_store_change_sweep(gv_store *store, int64_t sweep_id,
                                              const gv_sweep_record *sweep);

/* A sweep as it was begun. */
typedef struct gv_sweep_found {
    int64_t id;
    uint64_t hash;
    bool has_same_text; /* as the one that was asked for */
    size_t point_count;
    size_t done_count;
} gv_sweep_found;

/* The latest of that name; GV_ENOTFOUND when there is none. */
GV_MUST_CHECK gv_status gv_store_find_sweep(gv_store *store, const char *name, const char *text,
                                            gv_sweep_found *found);

typedef struct gv_point_place {
    int64_t run_id;
    gv_point_state state;
} gv_point_place;

/* Where each point is. places: [count], which is the sweep's number of points. */
GV_MUST_CHECK gv_status gv_store_sweep_points(gv_store *store, int64_t sweep_id,
                                              gv_point_place *places, size_t count);

/* A point's end. `error`: the sentence of a failed one, else NULL. */
GV_MUST_CHECK gv_status gv_store_end_point(gv_store *store, int64_t sweep_id, size_t point,
                                           gv_point_state state, const char *error);

/* Adds to the sweep's wall time. */
GV_MUST_CHECK gv_status gv_store_end_sweep(gv_store *store, int64_t sweep_id, int64_t wall_us);

/* A point as it is read back. */
typedef struct gv_sweep_point {
    size_t number;
    int64_t run_id; /* there may be no such run yet */
    uint64_t seed;
    gv_point_state state;
    char *error;   /* NULL: none */
    char **values; /* [axis_count] */
} gv_sweep_point;

/* A sweep in memory; owns all that it points to. */
typedef struct gv_sweep_facts {
    int64_t id;
    char *name;
    char *scenario_path;
    char **axes; /* [axis_count] */
    size_t axis_count;
    gv_sweep_point *points; /* [point_count], by number */
    size_t point_count;
} gv_sweep_facts;

/* GV_ENOTFOUND: no such sweep, or none at all. */
GV_MUST_CHECK gv_status gv_sweep_facts_read(gv_store *store, int64_t sweep_id,
                                            gv_sweep_facts **out);
void gv_sweep_facts_destroy(gv_sweep_facts *facts); /* accepts NULL */

#endif
