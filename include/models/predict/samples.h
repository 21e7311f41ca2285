/*
 * samples.h - what of a log a predictor learns from and is judged by: case-control samples.
 *
 * Some logs hold all clicks and a sample of the impressions. So positives are the distinct bids
 * among all click rows of a span, by the click's own time, whether their impression is in the log
 * or not (a bid clicked twice counts once, for the impression is what is predicted, by its first
 * click in the span); negatives are the span's impressions without a click in it, each standing
 * for `impression_weight` of them. A clicked impression of before the span is a positive of it.
 *
 * A conversion belongs to a positive of the same bid, when it came before the span's end.
 */
#ifndef MODELS_PREDICT_SAMPLES_H
#define MODELS_PREDICT_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/log/log.h"
#include "sim/market/predictor.h"

typedef struct gv_sample {
    uint64_t row;
    int64_t time_us; /* of the row: of an orphaned click its own */
    bool is_orphan;  /* of GV_LOG_ORPHAN_CLICK; else of GV_LOG_IMPRESSION */
    bool is_clicked;
    bool is_converted;
} gv_sample;

typedef gv_status (*gv_sample_visit)(void *context, const gv_sample *sample);

/*
 * Every sample once: impressions by row, then orphans by the text of their bid. Sets row,
 * is_orphan and is_clicked. `what` names the work: "fitting ftrl". GV_ENOTFOUND: orphans without
 * bid_id, so that repeated clicks cannot be told apart.
 */
GV_MUST_CHECK gv_status gv_samples_each(const gv_predictor_training *training, const char *what,
                                        const gv_progress *progress, gv_sample_visit visit,
                                        void *context);

typedef struct gv_sample_list {
    gv_sample *items; /* [count], whole, by time, then impressions before orphans, then by row */
    size_t count;
    size_t click_count;
    size_t conversion_count;
    bool tells_conversions; /* the log has conversions at all */
} gv_sample_list;

/* 24 bytes a sample. The caller ends *out with gv_samples_fini(). */
GV_MUST_CHECK gv_status gv_samples_gather(const gv_predictor_training *training, const char *what,
                                          const gv_progress *progress, gv_sample_list *out);
void gv_samples_fini(gv_sample_list *list);

#endif
