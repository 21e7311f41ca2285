/*
 * fit.h - a model trained on a span of a log, pass by pass, and kept in a file.
 *
 * Every pass is a fresh shuffle, a pure function of (seed, pass). With a share held out (the
 * latest samples, so that no later one tells of an earlier), each pass is judged by the log loss
 * on them and the best is kept; without, the last. What is kept is written behind its pass: stopped
 * in a pass, which it is within a second or so, the file is whole and holds the best of the passes
 * before, or there is none.
 */
#ifndef MODELS_PREDICT_FIT_H
#define MODELS_PREDICT_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/fields.h"
#include "models/predict/model.h"
#include "models/predict/model_file.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/market/predictor.h"

/* What was seen behind a pass. */
typedef struct gv_fit_row {
    uint64_t epoch;       /* from 1 */
    double loss;          /* as the model weighs its examples, before each was learnt */
    bool is_judged;       /* something is held out */
    double held_out_loss; /* weighted by what the samples stand for, after the shift */
    bool is_kept;
} gv_fit_row;

typedef struct gv_fit_config {
    const gv_model_type *type;
    const void *config; /* complete */
    gv_predictor_training training;
    gv_fields fields;
    unsigned bits;
    gv_sampling sampling;
    uint64_t seed;
    size_t jobs;
    uint64_t epochs;   /* at least 1 */
    double hold_out;   /* share of the samples, [0, 1) */
    uint64_t patience; /* stop after so many passes that were no better; 0: never */
    const char *path;  /* of the file */
    const char *version;
    void (*tell)(void *context, const gv_fit_row *row); /* NULL: nobody listens */
    void *context;
    const gv_progress *progress; /* may be NULL */
} gv_fit_config;

typedef struct gv_fit_result {
    size_t sample_count; /* learnt */
    size_t click_count;
    size_t conversion_count;
    size_t held_out_count;
    uint64_t epochs;      /* gone through */
    uint64_t kept_epoch;  /* 0: none yet */
    double held_out_loss; /* of the pass that was kept; NaN: nothing is held out */
} gv_fit_result;

/*
 * *result is set on GV_OK and on GV_ESTOPPED. GV_EINVAL: all samples are of one class;
 * GV_ENOTFOUND: columns that the log lacks.
 */
GV_MUST_CHECK gv_status gv_fit(const gv_fit_config *config, gv_fit_result *result);

/*
 * log r of what is held against a log of which each unclicked impression stands for `weight`: what
 * a model that learnt each example once must add to its logits.
 */
double gv_fit_shift(gv_sampling sampling, double weight);

#endif
