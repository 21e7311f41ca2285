/*
 * target.h - policies to be judged, made from what a user can name.
 *
 *   uniform   every action alike
 *   constant  one action always
 *   frequent  the policy of another log: in each position the share of the rounds in which that
 *             log took the action. Its context is the position alone, so that what such a policy
 *             earned on its own log estimates the value of this target in the very same sense.
 *   greedy    in each position the action with the highest mean reward in this log; judged on the
 *             log that chose it, its value is overstated, and the report says so
 *
 * Actions are matched by name. Chance that a policy gives to actions that the judged log never took
 * is `lost`: no log can say what they would have earned.
 */
#ifndef SIM_ESTIMATE_TARGET_H
#define SIM_ESTIMATE_TARGET_H

#include <stddef.h>

#include "sim/base/status.h"
#include "sim/estimate/rounds.h"
#include "sim/log/decisions.h"

typedef struct gv_target_owned {
    gv_target target;
    double *table;
    double lost; /* chance of actions unknown to the log, averaged over its rounds; rows were
                    scaled up to 1 again */
} gv_target_owned;

GV_MUST_CHECK gv_status gv_target_uniform(const gv_decisions *log, gv_target_owned *out);
/* GV_ENOTFOUND: the log has no such action. */
GV_MUST_CHECK gv_status gv_target_constant(const gv_decisions *log, const char *action,
                                           gv_target_owned *out);
GV_MUST_CHECK gv_status gv_target_frequent(const gv_decisions *log, const gv_decisions *other,
                                           gv_target_owned *out);
GV_MUST_CHECK gv_status gv_target_greedy(const gv_decisions *log, gv_target_owned *out);
void gv_target_fini(gv_target_owned *target);

#endif
