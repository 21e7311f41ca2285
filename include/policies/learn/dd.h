/*
 * dd.h - a trained decision diffuser, as its policy asks it.
 *
 * At each tick a campaign's whole period is imagined: noise, denoised jump by jump towards the
 * return asked for, with the states already seen in their places all along; then the action
 * between this state and the imagined next is read off. All campaigns asked at once, each
 * with its passes of guidance (without a return, with it, and with an expert), go through the
 * network in one batch (denoiser.h): what a campaign gets depends neither on its companions nor
 * on its place among them. Noise is keyed by the campaign's own number and tick.
 *
 * Calls for one network exclude each other: any threads may ask.
 */
#ifndef POLICIES_LEARN_DD_H
#define POLICIES_LEARN_DD_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"
#include "sim/core/checkpoint.h"
#include "sim/market/observation.h"

/* Which learner's network. */
typedef struct gv_dd_kind gv_dd_kind;

extern const gv_dd_kind gv_dd_diffuser; /* of `gavel train dd` */
extern const gv_dd_kind gv_dd_egdb;     /* of `gavel train egdb` */

/*
 * Guidance, of the guesses without condition, under the return, and under return and expert:
 *   eps^ = eps_0 + guidance (eps_R - eps_0) + expert_guidance (eps_RE - eps_R)
 * A guess whose factor is 0 is not made. Without an expert the last term is not there.
 */
typedef struct gv_dd_serving {
    double target;          /* return asked for: 0 the least of the training data, 1 the most */
    double guidance;        /* 1: the conditional guess alone; more: further from the other */
    double expert_guidance; /* the same of the expert */
    double spread; /* of what an expert may have done, around the likeliest; 1: as learnt */
    size_t jumps;  /* of the denoising; 0, or more than there are steps: every step */
    double eta;    /* 1: DDPM's noise; 0: none after the start */
    double noise_scale;
    /* A new plan every so many ticks; 0 stands for 1. */
    size_t replan;
    /* and whenever the state is further from the plan, in root mean square; 0: never for that */
    double band;
    double shade; /* factor of the actions that it names; 0 stands for 1 */
    gv_state_window window;
} gv_dd_serving;

typedef struct gv_dd gv_dd;

/* From a weights file (weights.h), which may be gone afterwards. */
GV_MUST_CHECK gv_status gv_dd_open(const gv_dd_kind *kind, const char *path,
                                   const gv_dd_serving *serving, gv_dd **out);
void gv_dd_close(gv_dd *dd); /* accepts NULL; its seats are gone */

size_t gv_dd_ticks(const gv_dd *dd);     /* of the periods that it was trained on */
const char *gv_dd_path(const gv_dd *dd); /* of the file that it came from */

/* What it has done since it was opened, all seats together. */
typedef struct gv_dd_counts {
    uint64_t plans;
    uint64_t clamped; /* plans of which a number was out of bounds, and was put on the bound */
} gv_dd_counts;

gv_dd_counts gv_dd_counted(const gv_dd *dd);

typedef struct gv_dd_seat gv_dd_seat;

/* Who sits there. */
typedef struct gv_dd_owner {
    uint64_t seed;
    uint64_t number; /* with the seed: keys its noise */
    double budget;   /* in units of currency; 0: not known, as cpa */
    double cpa;
} gv_dd_owner;

GV_MUST_CHECK gv_status gv_dd_seat_create(const gv_dd *dd, const gv_dd_owner *owner,
                                          gv_dd_seat **out);
void gv_dd_seat_destroy(gv_dd_seat *seat); /* accepts NULL */

/*
 * Seats of one network, each at a tick of a market (asserted), which are its ticks 0, 1, 2, ...
 * without a gap (asserted). actions: [count], in units of currency a conversion. In the last
 * tick, after which nothing is imagined, the action before is kept.
 */
void gv_dd_act(gv_dd_seat *const *seats, const gv_observation *observations, size_t count,
               double *actions);

/* What it imagined last, [ticks][width of a state], scaled; valid until the next call. */
const float *gv_dd_plan(const gv_dd_seat *seat);

/* The return that it asks for and the plan, of the latest gv_dd_act(); the rest is not touched. */
void gv_dd_explain(const gv_dd_seat *seat, gv_explanation *out);

GV_MUST_CHECK gv_status gv_dd_seat_save(const gv_dd_seat *seat, gv_writer *writer);
GV_MUST_CHECK gv_status gv_dd_seat_restore(gv_dd_seat *seat, gv_reader *reader);

#endif
