/* Between running a sweep and knowing it again. */
#ifndef SCENARIOS_SWEEP_SWEEP_RUN_IMPL_H
#define SCENARIOS_SWEEP_SWEEP_RUN_IMPL_H

#include "scenarios/compose/compose.h"
#include "scenarios/sweep/sweep.h"
#include "sim/base/progress.h"

/* A point's scenario, composed. Zeroed before; ended by gv_sweep_part_fini() in any case. */
typedef struct gv_sweep_part {
    const char **sets;
    size_t set_count;
    gv_scenario *scenario;
    gv_composition *composition;
    gv_region region;
    char seed[GV_SWEEP_SEED_SIZE];
} gv_sweep_part;

/* Lists the point's sets. */
GV_MUST_CHECK gv_status gv_sweep_part_list(const gv_sweep *sweep, size_t point,
                                           gv_sweep_part *part);

/* Reads and composes the scenario under them. */
GV_MUST_CHECK gv_status gv_sweep_part_compose(const gv_sweep *sweep, const gv_progress *progress,
                                              gv_sweep_part *part);
void gv_sweep_part_fini(gv_sweep_part *part);

/*
 * The hash of all that determines the outcome of the sweep: its points, the scenario as its first
 * point has it, and the contents of all inputs that any value of an axis names.
 */
GV_MUST_CHECK gv_status gv_sweep_identify(const gv_sweep *sweep, const gv_progress *progress,
                                          uint64_t *hash);

#endif
