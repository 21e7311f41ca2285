/*
 * tune_impl.h - finds the value of one number of a policy's config by trials on its history.
 *
 * A trial replays the history under a candidate config. Where the history is only totals and a
 * landscape, a trial is worked out from the landscape instead, as if every impression had the
 * mean pCTR (ours).
 */
#ifndef POLICIES_TUNE_IMPL_H
#define POLICIES_TUNE_IMPL_H

#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/market/policy.h"

typedef struct gv_tune {
    const char *what; /* "linear: b0", for progress and sentences */
    const gv_fit_input *input;
    const gv_progress *progress;
    void *config;                           /* scratch: complete but for the number sought */
    void (*set)(void *config, double x);    /* writes the candidate */
    double (*mean_bid)(const void *config); /* nanos, for an impression of mean pCTR */
    double click_rate;                      /* mean pCTR; 0: unknown */
    uint64_t trials;                        /* run so far */
    uint64_t trials_max;                    /* for progress */
} gv_tune;

/* One trial at x with `budget_nanos` in all (INT64_MAX: unlimited). GV_ESTOPPED when told so. */
GV_MUST_CHECK gv_status gv_tune_try(gv_tune *tune, double x, int64_t budget_nanos,
                                    gv_tally *result);

/*
 * The largest x in [low, high], to 1e-6 of itself, whose unlimited spend on the history is not
 * above the campaign's budget scaled to the history; spend must not fall as x grows. `low` when
 * even that spends more, `high` when all of them spend less. Some 25 trials.
 */
GV_MUST_CHECK gv_status gv_tune_spend(gv_tune *tune, double low, double high, double *x);

/*
 * The x in [low, high] with the most expected clicks (wins, where pCTR is unknown) under the
 * scaled budget: a geometric grid, then golden sections around its best. On equality the lower
 * x. Some 50 trials.
 */
GV_MUST_CHECK gv_status gv_tune_clicks(gv_tune *tune, double low, double high, double *x);

#endif
