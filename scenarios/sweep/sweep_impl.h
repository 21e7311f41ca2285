/* Between the files that read a sweep. */
#ifndef SCENARIOS_SWEEP_SWEEP_IMPL_H
#define SCENARIOS_SWEEP_SWEEP_IMPL_H

#include <stdbool.h>

#include "scenarios/config/section.h"
#include "scenarios/sweep/sweep.h"

typedef struct gv_sweep_axis_keys {
    const char *name; /* NULL: the path */
    const char *set;
} gv_sweep_axis_keys;

typedef struct gv_sweep_range {
    double from;
    double to;
    double step;
} gv_sweep_range;

typedef struct gv_sweep_log_range {
    double from;
    double to;
    int64_t count;
} gv_sweep_log_range;

/* The list under `axes`. */
GV_MUST_CHECK gv_status gv_sweep_read_axes(gv_sweep *sweep, const gv_reading *reading);

/* `zip`: which axes go together. */
void gv_sweep_read_zip(gv_sweep *sweep, const gv_reading *reading);

/* The values of axis `node` into `axis`, none or one problem at least. */
GV_MUST_CHECK gv_status gv_sweep_read_values(const gv_reading *reading, size_t node,
                                             const char *path, gv_sweep_axis *axis);

#endif
