/*
 * lens_impl.h - how a network sees a tick, and in what unit it names an action: the same in
 * training and in serving.
 *
 *   features   the scaled state; with an account behind it log C - 4 and log budget - 8, of which
 *              AuctionNet's 16 numbers hold neither; with an outlook behind these its numbers as
 *              they are, which need no scale (outlook.h). Where past actions are hidden, so are the
 *              outlook's.
 *   action     a / action_divisor, or relative to C: log(1 + a / C), so that one network serves
 *              every scale of C, and the few largest actions do not rule the loss
 */
#ifndef POLICIES_LEARN_LENS_IMPL_H
#define POLICIES_LEARN_LENS_IMPL_H

#include "policies/learn/returns_impl.h"
#include "policies/learn/scaling.h"

enum { GV_LENS_ACCOUNT = GV_CONSTRAINT_SIZE - 1 };

typedef enum gv_action_unit { GV_ACTION_SCALED, GV_ACTION_LOG_CPA } gv_action_unit;

typedef struct gv_lens {
    bool has_account;
    bool has_outlook;
    gv_action_unit unit;
    bool hides_actions; /* tokens of past actions are 0 */
    bool hides_returns; /* tokens of the return to go are 0 */
} gv_lens;

size_t gv_lens_width(const gv_lens *lens);

/* What there is to see at a tick. */
typedef struct gv_sight {
    const double *state; /* [GV_STATE_SIZE] */
    const gv_account *account;
    const float *outlook; /* [GV_OUTLOOK_SIZE]; not looked at unless the lens has one */
} gv_sight;

/* features: [gv_lens_width()] */
void gv_lens_see(const gv_lens *lens, const gv_scaling *scaling, const gv_sight *sight,
                 float *features);

/* cpa: C in units of currency, as actions are; one of 0 counts as 1. */
double gv_lens_action(const gv_lens *lens, const gv_scaling *scaling, double cpa, double action);

/* The action of such a number; never below 0 where the unit is relative to C. */
double gv_lens_undo(const gv_lens *lens, const gv_scaling *scaling, double cpa, double seen);

#endif
