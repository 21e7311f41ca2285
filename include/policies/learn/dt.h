/*
 * dt.h - a trained decision transformer, as its policy asks it.
 *
 * The network is shared by all campaigns of one configuration; each has a seat, which remembers
 * what was seen and done since the period began. Campaigns are asked together, and what one gets
 * depends neither on its companions nor on its place among them: with a context of the whole
 * period their keys and values are cached (models/nn/decoder_cache.h) and rows do not mix; with a
 * shorter context, under which a cache is not the same function, each one's window is computed
 * anew, one after another: in one product even a fixed number of windows gets bits that depend on
 * their places (OpenBLAS's kernels for Haswell).
 *
 * Calls for one network exclude each other: any threads may ask.
 */
#ifndef POLICIES_LEARN_DT_H
#define POLICIES_LEARN_DT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"
#include "sim/core/checkpoint.h"
#include "sim/market/observation.h"

typedef struct gv_dt_serving {
    double target; /* return asked for, in units of the training's return_scale */
    double used;   /* share of C asked for, where the network has a constraint token */
    gv_state_window window;
    size_t context;  /* ticks to look at; 0: as trained. Fewer than trained: the public fault */
    bool recomputes; /* never cache */
    double shade;    /* factor of the actions that it names; 0 stands for 1 */
} gv_dt_serving;

typedef struct gv_dt gv_dt;

/* From a weights file (weights.h), which may be gone afterwards. */
GV_MUST_CHECK gv_status gv_dt_open(const char *path, const gv_dt_serving *serving, gv_dt **out);
void gv_dt_close(gv_dt *dt); /* accepts NULL; its seats are gone */

size_t gv_dt_ticks(const gv_dt *dt); /* of the periods that it was trained on */

typedef struct gv_dt_seat gv_dt_seat;

/* Money in units of currency. */
GV_MUST_CHECK gv_status gv_dt_seat_create(const gv_dt *dt, double budget, double cpa,
                                          gv_dt_seat **out);
void gv_dt_seat_destroy(gv_dt_seat *seat); /* accepts NULL */

/*
 * Seats of one network, all different, each at a tick of a market (asserted), which are its ticks
 * 0, 1, 2, ... below gv_dt_ticks() without a gap (asserted). actions: [count], in units of
 * currency a conversion.
 */
void gv_dt_act(gv_dt_seat *const *seats, const gv_observation *observations, size_t count,
               double *actions);

/*
 * The return that it asked for at the latest gv_dt_act(), as the training counts returns, and the
 * expertness that a guided network expects; the rest is not touched.
 */
void gv_dt_explain(const gv_dt_seat *seat, gv_explanation *out);

GV_MUST_CHECK gv_status gv_dt_seat_save(const gv_dt_seat *seat, gv_writer *writer);
GV_MUST_CHECK gv_status gv_dt_seat_restore(gv_dt_seat *seat, gv_reader *reader);

#endif
