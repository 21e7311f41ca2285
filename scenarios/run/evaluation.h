/*
 * evaluation.h - evaluates a policy on a log of decisions, both named by a user.
 */
#ifndef SCENARIOS_RUN_EVALUATION_H
#define SCENARIOS_RUN_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/run/auctions.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/estimate/episodes.h"
#include "sim/estimate/evaluation.h"
#include "sim/estimate/experiment.h"
#include "sim/estimate/priced.h"
#include "sim/log/decisions.h"

enum { GV_EVALUATION_SETS_MAX = 64 };

typedef struct gv_evaluation_request {
    const char *policy;  /* "uniform", "greedy", or the path of a log whose policy is judged; of
                           doses "column" or "scale:1.2", times the column; of a .gvlog as
                           auctions.h has it */
    const char *log;     /* a CSV of decisions, or a .gvlog */
    const char *cluster; /* of a .gvlog, as in auctions.h */
    gv_decision_columns columns;                          /* of both logs */
    const char *model;                                    /* of rewards; NULL: by the rewards */
    const char *estimators[GV_EVALUATION_ESTIMATORS_MAX]; /* [estimator_count]; none: all */
    size_t estimator_count;
    const char
        *sets[GV_EVALUATION_SETS_MAX]; /* [set_count]: "dros.lambda=10", "logistic.penalty=2" */
    size_t set_count;
    const char *kernel; /* of doses */
    double bandwidth;   /* NaN: by rule of thumb */
    bool shows_all;     /* prices, those of lost auctions too */
    bool has_episodes;  /* each cluster is an episode; episodes.h's estimators, all of them */
    double discount;
    size_t fold_count;
    size_t replicates;
    size_t cluster_max;
    uint64_t seed;
    double level;
    double weight_most; /* as in gv_evaluation_config, as the next two */
    double reward_low;
    double reward_high;
    const char *dump; /* a safetensors file to write rounds, weights and values to; NULL: none */
    const gv_progress *progress; /* of a replay; NULL: nobody looks on */
} gv_evaluation_request;

/* What was read, and what came of it. */
typedef struct gv_evaluation_result {
    gv_evaluation evaluation;
    size_t round_count;
    size_t action_count;
    size_t cluster_count;
    uint64_t reject_count;
    char first_reject[GV_DECISION_REJECT_SIZE];
    bool has_estimated_propensities;
    const char *model;
    double bandwidth;               /* of doses; 0: actions are codes */
    gv_episode_evaluation episodes; /* where they were asked for; `evaluation` is then empty */
    size_t horizon;                 /* 0: they were not */
    gv_priced_result priced;        /* of auctions; `evaluation` is then empty, too */
    bool is_priced;
    gv_auctions_facts auctions; /* of a .gvlog */
    bool is_auction_log;        /* whether it was one */
    gv_design design;           /* of auctions, and of episodes: an A/B test that deals clusters;
                                   unit_count 0: of fewer than two. One day is the log where it has
                                   no times */
} gv_evaluation_result;

/* What is wrong with the request is GV_EUSAGE. */
GV_MUST_CHECK gv_status gv_evaluation_run(const gv_evaluation_request *request,
                                          gv_evaluation_result *out);

#endif
