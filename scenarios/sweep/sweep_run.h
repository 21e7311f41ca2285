/*
 * sweep_run.h - all points of a sweep, several at a time, into one store.
 *
 * Every point is one run, whose number is reserved when the sweep begins, so what the store holds
 * in the end does not depend on how many threads there were, which was first, or how often the
 * sweep was killed and resumed; wall times alone differ. A point that fails is stored with its
 * sentence and the others go on.
 */
#ifndef SCENARIOS_SWEEP_SWEEP_RUN_H
#define SCENARIOS_SWEEP_SWEEP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/sweep/sweep.h"
#include "sim/base/progress.h"
#include "sim/outcome/store.h"

typedef struct gv_sweep_options {
    size_t jobs;    /* points at a time, at least 1; each on one thread */
    bool reference; /* the engine that settles one auction at a time */
    bool resume;    /* go on with the latest sweep of this name, where there is one */
    bool force;     /* even when file, scenario or inputs have changed since */
    const gv_progress *progress;
} gv_sweep_options;

enum { GV_SWEEP_POINT_SIZE = 320 };

typedef struct gv_sweep_result {
    int64_t sweep_id;
    bool is_resumed;
    bool is_changed;       /* resumed by force with something changed */
    int64_t unfinished_id; /* a sweep of this name that could be resumed; 0: there is none */
    size_t done;           /* points in the store, earlier ones included */
    size_t failed;
    size_t left;         /* still to do, because the sweep was stopped */
    char sentence[1300]; /* of the first failed point, by number */
    /* Of the points that this call ran, what outcomes do not show: */
    size_t unsold;  /* points with a period in which nothing reached the reserve */
    size_t clamped; /* points in which bids had to be clamped */
    char clamped_point[GV_SWEEP_POINT_SIZE]; /* the first of them and the policy, by number */
    size_t unlearned; /* points with campaigns that a policy's weights have not learned */
    char unlearned_point[GV_SWEEP_POINT_SIZE];
} gv_sweep_result;

/*
 * The sweep is bound. GV_OK: every point is done or, by itself, failed. GV_ESTOPPED: progress asked
 * to stop, and what ran is saved. GV_EUSAGE: what was to be resumed has changed. Anything else: the
 * store or memory failed; what was stored stays.
 */
GV_MUST_CHECK gv_status gv_sweep_run(const gv_sweep *sweep, gv_store *store,
                                     const gv_sweep_options *options, gv_sweep_result *result);

/* "budget_share=1/8 b0=5 seed=2": for messages. `text`: [size]. */
void gv_sweep_point_name(const gv_sweep *sweep, size_t point, char *text, size_t size);

#endif
