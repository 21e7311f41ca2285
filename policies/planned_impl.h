/*
 * planned_impl.h - policies that follow a plan of a trained planner (learn/dd.h):
 * bid = action x pCVR, with the action between this state and the next of the plan.
 *
 * What differs between them is whose weights they take and how they are told to plan; each is a
 * type of its own, with a load() of its own and the other methods from here.
 */
#ifndef POLICIES_PLANNED_IMPL_H
#define POLICIES_PLANNED_IMPL_H

#include <stdint.h>

#include "policies/learn/dd.h"
#include "sim/market/policy.h"

typedef struct gv_planned_state {
    gv_dd_seat *seat;
    double multiplier; /* nanos a conversion */
} gv_planned_state;

/* The choices of a parameter "last_three". */
extern const char *const gv_planned_windows[];

void gv_planned_unload(void *model);
void gv_planned_tell(const void *model, char *text, size_t size); /* how many plans were held */
GV_MUST_CHECK gv_status gv_planned_init(void *state, const gv_policy_setup *setup);
void gv_planned_bid(void *state, const gv_batch *batch, int64_t *bids);
void gv_planned_tick(void *const *states, const gv_observation *observations, size_t count);
GV_MUST_CHECK gv_status gv_planned_save(const void *state, gv_writer *writer);
GV_MUST_CHECK gv_status gv_planned_restore(void *state, gv_reader *reader);
void gv_planned_fini(void *state);
void gv_planned_explain(const void *state, gv_explanation *out);

#endif
