/*
 * predictions.h - a trained model's answers on a span of a log, beside what happened.
 */
#ifndef SCENARIOS_RUN_PREDICTIONS_H
#define SCENARIOS_RUN_PREDICTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "models/predict/samples.h"
#include "models/predict/served.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/estimate/quality.h"
#include "sim/market/predictor.h"

typedef struct gv_predictions {
    gv_sample_list samples;
    float *pctr; /* all arrays [samples.count] */
    float *pcvr; /* NULL: the model tells of none */
    float *weights;
    uint32_t *clusters;
    size_t cluster_count;
    int64_t cluster_us;   /* what one spans: an hour, or longer where there are too many */
    uint64_t *groups;     /* NULL: the log lacks the column */
    const char *group_by; /* the column, or NULL */
} gv_predictions;

/*
 * Binds `served` to the log. group_by: the column of GAUC's groups, or NULL: `user` where the log
 * has it. GV_ENOTFOUND: no such column; GV_EINVAL: nothing in the span.
 */
GV_MUST_CHECK gv_status gv_predictions_make(gv_served *served,
                                            const gv_predictor_training *training,
                                            const char *group_by, const gv_progress *progress,
                                            gv_predictions *out);
void gv_predictions_fini(gv_predictions *predictions);

/*
 * What one rate is judged by and calibrated on: of clicks every sample as it weighs; of conversions
 * the samples that were clicked, once each, with clusters numbered anew.
 */
typedef struct gv_judged {
    size_t count;
    size_t positives; /* that were clicked, or converted */
    float *p;         /* all arrays [count] */
    float *labels;
    float *weights;
    uint32_t *clusters;
    size_t cluster_count;
    uint64_t *groups; /* NULL: the log lacks the column */
} gv_judged;

/* GV_EINVAL: the model at `path` tells of no such rate. */
GV_MUST_CHECK gv_status gv_predictions_check_rate(const gv_served *served, const char *path,
                                                  gv_rate rate);

/* The predictions are of a model that tells of the rate. out: copies, to be given to fini. */
GV_MUST_CHECK gv_status gv_predictions_choose(const gv_predictions *predictions, gv_rate rate,
                                              gv_judged *out);
void gv_judged_fini(gv_judged *judged);

/* judged: at least one. */
GV_MUST_CHECK gv_status gv_judged_measure(const gv_judged *judged, const gv_quality_config *config,
                                          gv_quality *out);

/* One line a sample: table, row, time, clicked, converted, weight, pctr, pcvr. Whole or not at
   all. */
GV_MUST_CHECK gv_status gv_predictions_write_csv(const gv_predictions *predictions,
                                                 const gv_log *log, const char *path);

#endif
