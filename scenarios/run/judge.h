/*
 * judge.h - what weights are worth: their policy in every advertiser's place of a market, as a
 * contender.
 */
#ifndef SCENARIOS_RUN_JUDGE_H
#define SCENARIOS_RUN_JUDGE_H

#include <stddef.h>

#include "policies/learn/imprints.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"

typedef struct gv_judge_config {
    const char *scenario_path;   /* of a market; its own contenders are left out */
    const char *policy_type;     /* which serves the weights */
    const gv_imprints *imprints; /* of what the weights learned from; NULL: not known */
    size_t jobs;                 /* periods at once */
    const gv_progress *progress; /* may be NULL */
} gv_judge_config;

/*
 * *score: the mean over all advertisers and periods. It is a pure function of scenario and weights.
 * GV_EUSAGE: the scenario has problems, the first of which is the sentence.
 */
GV_MUST_CHECK gv_status gv_judge_weights(const gv_judge_config *config, const char *weights_path,
                                         double *score);

/*
 * Whether weights trained on periods of `ticks` can be judged there: before a training begins.
 * GV_EUSAGE: not so, or a period of the scenario has the traffic of one of the imprints.
 */
GV_MUST_CHECK gv_status gv_judge_check(const gv_judge_config *config, size_t ticks);

#endif
