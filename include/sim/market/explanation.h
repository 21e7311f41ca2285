/*
 * explanation.h - what a policy thought when it last planned, for people who ask why it bid so.
 *
 * A policy type may have a method that fills this in (policy.h); it changes nothing, and nothing
 * that is played depends on it. What a policy has no notion of stays NaN.
 */
#ifndef SIM_MARKET_EXPLANATION_H
#define SIM_MARKET_EXPLANATION_H

#include <stddef.h>

typedef struct gv_explanation {
    double multiplier;    /* that it bids by in this tick, currency a conversion */
    double return_target; /* the return that it asked for at this tick, as its training counts it */
    double expertness;    /* in [0, 1]: how much of an expert it takes its decision to be */
    /*
     * [plan_ticks][GV_STATE_SIZE], the caller's room; NULL: not wanted. The states of the whole
     * period as it imagines them, in the order and units of gv_state_of(); of the ticks up to this
     * one they are what was seen.
     */
    double *plan;
    size_t plan_ticks; /* room; set to 0 by whoever has no plan of so many ticks */
} gv_explanation;

#endif
