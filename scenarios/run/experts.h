/*
 * experts.h - episodes to imitate: the hindsight oracle, and others under its eye, in every
 * advertiser's place of a market's periods.
 *
 * Each period is sold once with the advertisers' own policies and recorded. Then, for each
 * advertiser and copy, a budget and a CPA are drawn, and with them several policies play alone
 * against the record: the advertiser's own ("the log"), the oracle, kept only where its score beats
 * the log's, the oracle with a trembling hand, and pupils, which are the scenario's contenders.
 * Every episode has the oracle's answer at each tick beside what was really bid.
 *
 * Order: period, advertiser, copy, then log, oracle, noisy oracle, pupils. It is a pure function of
 * scenario and options, whatever `jobs`. Draws are of stream EXPERT, keyed by period, advertiser
 * and copy.
 */
#ifndef SCENARIOS_RUN_EXPERTS_H
#define SCENARIOS_RUN_EXPERTS_H

#include <stddef.h>
#include <stdint.h>

#include "scenarios/compose/compose.h"
#include "sim/base/progress.h"
#include "sim/outcome/trajectory.h"

enum { GV_EXPERT_COPIES_MAX = 4096 };

typedef struct gv_expert_options {
    size_t copies;       /* draws for each advertiser and period, 1 .. GV_EXPERT_COPIES_MAX */
    double budget_least; /* of the nominal budget, above 0 */
    double budget_most;
    double cpa_least; /* nanos; NaN, both: the least and the most of the market's advertisers */
    double cpa_most;
    double noise; /* standard deviation of the log of the noisy oracle's multiplier; 0: none */
    size_t jobs;  /* periods at once */
    const gv_progress *progress; /* may be NULL */
} gv_expert_options;

/* Sums over all episodes that were played, in their order. */
typedef struct gv_expert_summary {
    size_t draws;
    size_t experts;  /* episodes of the oracle that were kept */
    size_t not_kept; /* its score was no better than the log's */
    size_t noisy;
    size_t pupils;
    double log_score; /* means over draws */
    double oracle_score;
    double noisy_score;
    double pupil_score; /* over draws and pupils */
} gv_expert_summary;

/*
 * hashes: [periods of the composition], written: gv_traffic_hash() of each. On GV_OK the caller
 * owns *out. GV_EUSAGE: a pupil sees the future, or an advertiser has no CPA. GV_EINVAL: the
 * mechanism's prices cannot be foreseen. GV_ESTOPPED: progress said so. All is held in memory: 8 KB
 * a trajectory of 48 ticks, beside some 60 bytes an opportunity and job.
 */
GV_MUST_CHECK gv_status gv_experts_make(const gv_composition *composition,
                                        const gv_expert_options *options, uint64_t *hashes,
                                        gv_trajectories **out, gv_expert_summary *summary);

#endif
