/*
 * train.h - a training from its first step to its weights file: reports, validates, keeps the best,
 * stops early, survives being killed.
 *
 * Two files: the weights at `path`, which are whole whenever they are there, and PATH.resume, from
 * which a training goes on to the bytes that it would have written uninterrupted. Without
 * validation `path` holds the last saved step, with it the best one; PATH.candidate is then what
 * is being judged.
 */
#ifndef POLICIES_LEARN_TRAIN_H
#define POLICIES_LEARN_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policies/learn/learner.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"

/* A line of the table of losses. */
typedef struct gv_train_row {
    uint64_t step;                /* steps done */
    double losses[GV_LOSSES_MAX]; /* means since the last row */
    bool is_judged;
    double score; /* where judged: more is better */
    bool is_best;
} gv_train_row;

typedef struct gv_train_config {
    const gv_learner_type *type;
    gv_learner_setup setup;
    uint64_t steps;       /* in all, those before a resume included; at least 1 */
    uint64_t report_step; /* a row every so many steps; at least 1 */
    uint64_t save_step;   /* PATH.resume, and without validation PATH, every so many; at least 1 */
    uint64_t judge_step;  /* every so many steps weights are judged; at least 1 */
    uint64_t patience;    /* stop when so many judgements brought nothing better; 0: never */
    const char *path;
    bool resume; /* go on from PATH.resume where it is there */
    const char *version;
    /* Scores the weights in a file. NULL: nothing is judged. */
    gv_status (*judge)(void *context, const char *weights_path, double *score);
    /* Is told of every row. NULL: nobody. */
    void (*tell)(void *context, const gv_train_row *row);
    void *context;
    const gv_progress *progress; /* may be NULL */
} gv_train_config;

typedef struct gv_train_result {
    uint64_t steps;      /* done in all */
    uint64_t first_step; /* where this run began: more than 0 when it resumed */
    bool is_early;       /* patience ran out */
    bool is_judged;
    uint64_t best_step; /* of what is at `path` */
    double best_score;
} gv_train_result;

/*
 * GV_ESTOPPED: progress asked to stop, everything is saved. A loss that is not finite is GV_EINVAL
 * and leaves the files as the last save made them. *result is set in any case.
 */
GV_MUST_CHECK gv_status gv_train(const gv_train_config *config, gv_train_result *result);

#endif
