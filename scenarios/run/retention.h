/*
 * retention.h - a scenario of retention played: every policy with the whole order, on the same
 * users, and what they came to beside one of them.
 *
 * A policy is stored whole when it is finished, in a run of the store that is done when all are, so
 * a killed run keeps those. When progress asks to stop, the policies that play are saved as
 * checkpoints at their next midnight. A run of the same identity (every value but names, and the
 * bytes of weights) goes on from there, to the same outcome.
 */
#ifndef SCENARIOS_RUN_RETENTION_H
#define SCENARIOS_RUN_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/retention.h"
#include "sim/base/progress.h"
#include "sim/estimate/bootstrap.h"
#include "sim/market/reentries.h"
#include "sim/market/winback.h"
#include "sim/outcome/store.h"
#include "sim/outcome/winback.h"

typedef struct gv_retention_run gv_retention_run;

typedef struct gv_retention_options {
    size_t jobs; /* threads, at least 1; the outcome is the same */
    bool reference;
    bool resume;        /* go on with the latest unfinished run of this identity, if there is one */
    bool keeps_entries; /* of the first policy, for gv_retention_examples(); not with resume */
    const char *arguments; /* the command line, for provenance */
    const gv_progress *progress;
} gv_retention_options;

typedef struct gv_retention_result {
    int64_t run_id;
    bool is_resumed;
    int64_t
        unfinished_id; /* another run of this identity that could be resumed; 0: there is none */
    size_t done;       /* policies in the store, earlier ones included */
    size_t left;
} gv_retention_result;

enum { GV_RETENTION_CLUSTERS = 400 };

/* What a policy came to. */
typedef struct gv_retention_sums {
    gv_winback_tally total;
    gv_winback_cluster clusters[GV_RETENTION_CLUSTERS]; /* of them gv_retention_clusters() */
} gv_retention_sums;

/*
 * Plays what the store has not yet. The plan is borrowed while the run lives. GV_ESTOPPED: progress
 * asked to stop, and what played is saved. Anything else ends the run, too, and what was stored
 * stays. *result is set in any case, *out on GV_OK.
 */
GV_MUST_CHECK gv_status gv_retention_play(gv_retention_plan *plan, gv_store *store,
                                          const gv_retention_options *options,
                                          gv_retention_result *result, gv_retention_run **out);
void gv_retention_run_destroy(gv_retention_run *run); /* accepts NULL */

size_t gv_retention_policies(const gv_retention_run *run);
size_t gv_retention_clusters(const gv_retention_run *run); /* one a user where they are fewer */

/* Of policy number `index` of the plan. */
const gv_retention_sums *gv_retention_outcome(const gv_retention_run *run, size_t index);

/* The re-entries of the first policy as examples. */
GV_MUST_CHECK gv_status gv_retention_examples(const gv_retention_run *run, gv_reentries **out);

/*
 * Retained users a unit of spend: each policy's, and its difference to the baseline's. Users are
 * drawn in clusters, with all that they did under every policy, so the differences are paired.
 */
typedef struct gv_retention_figure {
    gv_interval value;
    gv_interval difference;
} gv_retention_figure;

/* figures: [policy_count]. */
GV_MUST_CHECK gv_status gv_retention_compare(const gv_retention_run *run, size_t baseline,
                                             uint64_t seed, gv_retention_figure *figures);

#endif
