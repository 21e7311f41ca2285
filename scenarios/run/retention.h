/*
 * retention.h - a scenario of retention played: every policy with the whole order, on the same
 * users, and what they came to beside one of them.
 */
#ifndef SCENARIOS_RUN_RETENTION_H
#define SCENARIOS_RUN_RETENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "scenarios/config/retention.h"
#include "sim/base/progress.h"
#include "sim/estimate/bootstrap.h"
#include "sim/market/reentries.h"
#include "sim/market/winback.h"
#include "sim/outcome/store.h"

typedef struct gv_retention_run gv_retention_run;

typedef struct gv_retention_options {
    size_t jobs; /* threads, at least 1; the outcome is the same */
    bool reference;
    const gv_progress *progress;
} gv_retention_options;

/* The plan is borrowed while the run lives. GV_ESTOPPED: progress asked to stop. */
GV_MUST_CHECK gv_status gv_retention_play(const gv_retention_plan *plan,
                                          const gv_retention_options *options,
                                          gv_retention_run **out);
void gv_retention_run_destroy(gv_retention_run *run); /* accepts NULL */

/* Of policy number `index` of the plan. */
const gv_winback *gv_retention_outcome(const gv_retention_run *run, size_t index);

/* The re-entries of that policy as examples. */
GV_MUST_CHECK gv_status gv_retention_examples(const gv_retention_run *run, size_t index,
                                              gv_reentries **out);

/*
 * Retained users a unit of spend: each policy's, and its difference to the baseline's. Users are
 * drawn in GV_RETENTION_CLUSTERS clusters, with all that they did under every policy, so the
 * differences are paired.
 */
typedef struct gv_retention_figure {
    gv_interval value;
    gv_interval difference;
} gv_retention_figure;

enum { GV_RETENTION_CLUSTERS = 400 };

/* figures: [policy_count]. */
GV_MUST_CHECK gv_status gv_retention_compare(const gv_retention_run *run, size_t baseline,
                                             uint64_t seed, gv_retention_figure *figures);

/* As a finished run of the store; *run_id is its number. `text`: gv_retention_text(). */
GV_MUST_CHECK gv_status gv_retention_store(const gv_retention_run *run, const char *text,
                                           const char *arguments, gv_store *store, int64_t *run_id);

#endif
