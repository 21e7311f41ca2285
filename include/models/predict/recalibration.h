/*
 * recalibration.h - a predictor's probabilities brought in line with what was observed.
 *
 * A predicted p, of a click or of a conversion after one, becomes, with
 * logit(p) = log(p / (1 - p)),
 *
 *     prior      sigmoid(logit(p) + shift)
 *     platt      sigmoid(slope logit(p) + offset), of logits that were shifted before
 *     isotonic   the rising function of p that fits best, likewise
 *
 * The shift corrects for sampled negatives: learnt on a sample that holds each negative with
 * probability r, a model's odds are too high by 1/r, so shift = log r (King and Zeng, "Logistic
 * regression in rare events data", Political Analysis 9, 2001, eq. 7). Fitted, it makes the mean
 * prediction the observed rate. Platt, "Probabilistic outputs for support vector machines", 1999,
 * here on logits, with labels as they are; Zadrozny and Elkan, KDD 2002, for isotonic regression by
 * pooling adjacent violators.
 */
#ifndef MODELS_PREDICT_RECALIBRATION_H
#define MODELS_PREDICT_RECALIBRATION_H

#include <stddef.h>

#include "sim/base/status.h"

/* What a model tells, each with a recalibration of its own. */
typedef enum gv_rate { GV_RATE_CLICK, GV_RATE_CONVERSION, GV_RATES } gv_rate;

typedef enum gv_recalibration_kind {
    GV_RECALIBRATE_NONE, /* or by the shift alone */
    GV_RECALIBRATE_PLATT,
    GV_RECALIBRATE_ISOTONIC,
} gv_recalibration_kind;

extern const char *const gv_recalibration_names[]; /* by kind, then NULL */

typedef struct gv_recalibration {
    double shift; /* 0: none */
    gv_recalibration_kind kind;
    double slope; /* PLATT */
    double offset;
    /* ISOTONIC: values between knots are in between, those beyond them the outermost. */
    size_t knot_count;
    double *knots;  /* [knot_count], rising */
    double *values; /* [knot_count], none falling, each in (0, 1) */
} gv_recalibration;

/* Zeroed, nothing is done to p. Frees the knots. */
void gv_recalibration_fini(gv_recalibration *recalibration);

/* p: [count], each in [0, 1], in place. */
void gv_recalibration_apply(const gv_recalibration *map, float *p, size_t count);

/* What was predicted and observed. */
typedef struct gv_recalibration_data {
    const float *p;        /* [count] */
    const float *labels;   /* [count] 0 or 1 */
    const double *weights; /* [count] above 0 */
    size_t count;
    const char *event; /* "clicked", "converted", for sentences */
} gv_recalibration_data;

/*
 * Each is GV_EINVAL where all labels are alike. The shift is that which makes sum w p = sum w y;
 * slope and offset maximise the weighted likelihood, by Newton's method; where the positives are
 * those with the highest p it has no maximum (Albert and Anderson, Biometrika 71, 1984), which is
 * GV_EINVAL, as is a slope that is not above 0. Isotonic knots are the
 * ends of the pooled blocks; a block's value is its rate, kept from 0 and 1 by half a click of the
 * whole weight (ours: a probability of 0 costs all that it is ever wrong about).
 */
GV_MUST_CHECK gv_status gv_recalibration_fit_shift(const gv_recalibration_data *data,
                                                   double *shift);
GV_MUST_CHECK gv_status gv_recalibration_fit_platt(const gv_recalibration_data *data,
                                                   gv_recalibration *out);

/* Adds knots to *out, which has none. */
GV_MUST_CHECK gv_status gv_recalibration_fit_isotonic(const gv_recalibration_data *data,
                                                      gv_recalibration *out);

#endif
