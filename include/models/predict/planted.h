/*
 * planted.h - planted impressions (sim/log/planted.h) as examples, with the truth beside them: what
 * a predictor can be held against whose best is known.
 */
#ifndef MODELS_PREDICT_PLANTED_H
#define MODELS_PREDICT_PLANTED_H

#include <stddef.h>
#include <stdint.h>

#include "models/predict/examples.h"
#include "sim/base/status.h"
#include "sim/log/planted.h"

/* user, tags (two values), advertiser, creative, exchange, slot; events: advertiser, exchange. */
enum { GV_PLANTED_FIELDS = 6, GV_PLANTED_PAST_FIELDS = 2 };

typedef struct gv_planted_examples gv_planted_examples;

/* bucket_count: a power of two. The past of a row is config->past_length events at most. */
GV_MUST_CHECK gv_status gv_planted_examples_create(const gv_planted_config *config,
                                                   uint32_t bucket_count,
                                                   gv_planted_examples **out);
void gv_planted_examples_destroy(gv_planted_examples *planted); /* accepts NULL */

/* Rows in the order of time; they go with `planted`. */
const gv_examples *gv_planted_examples_rows(const gv_planted_examples *planted);

/* By which the labels were drawn: [rows]. */
const double *gv_planted_examples_pctr(const gv_planted_examples *planted);
const double *gv_planted_examples_pcvr(const gv_planted_examples *planted);

/* Area under the ROC curve of scores [count] for labels of 0 and 1, ties counted half; NaN where
 * all labels are alike or there is no memory. */
double gv_planted_auc(const float *scores, const float *labels, size_t count);

#endif
