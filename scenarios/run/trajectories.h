/*
 * trajectories.h - a stored market run as trajectories to learn from.
 */
#ifndef SCENARIOS_RUN_TRAJECTORIES_H
#define SCENARIOS_RUN_TRAJECTORIES_H

#include <stddef.h>

#include "sim/outcome/read.h"
#include "sim/outcome/trajectory.h"

/* Which of the run's campaigns. */
typedef struct gv_trajectory_choice {
    const char *const *policies; /* [policy_count]; of these alone; 0: of all */
    size_t policy_count;
    const char *rivals; /* "market", "fixed", "reacting"; NULL: whatever they met */
} gv_trajectory_choice;

/*
 * `outcomes` were read with their ticks. GV_EINVAL: it is no market, kept no ticks, or has no such
 * campaign; the sentence says which. On GV_OK the caller owns *out.
 */
GV_MUST_CHECK gv_status gv_trajectories_of_run(const gv_outcomes *outcomes,
                                               const gv_trajectory_choice *choice,
                                               gv_trajectories **out);

#endif
