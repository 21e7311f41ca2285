/*
 * features_impl.h - the columns that the historical rate is taken over, of one table of a log.
 *
 * From coarse to fine: advertiser, exchange, slot size, hour of the day in the log's zone.
 */
#ifndef MODELS_PREDICT_FEATURES_IMPL_H
#define MODELS_PREDICT_FEATURES_IMPL_H

#include <stdint.h>

#include "sim/base/status.h"
#include "sim/log/log.h"

enum { GV_FEATURE_COUNT = 4 };

typedef struct gv_features {
    const gv_log_column *advertiser;
    const gv_log_column *exchange;
    const gv_log_column *width;
    const gv_log_column *height;
    const gv_log_column *time;
    int64_t zone_us;
    /* Another log's codes for this log's, [gv_log_code_count]; NULL: they are the same. */
    const uint32_t *advertiser_codes;
    const uint32_t *exchange_codes;
} gv_features;

/* GV_ENOTFOUND names every column that the table lacks. */
GV_MUST_CHECK gv_status gv_features_bind(gv_features *features, const gv_log *log,
                                         gv_log_table table, const char *predictor);

/* Verifies the blocks that hold rows [first, first + count). */
GV_MUST_CHECK gv_status gv_features_check(const gv_features *features, uint64_t first,
                                          uint64_t count);

/* values: [GV_FEATURE_COUNT], coarse to fine. */
void gv_features_read(const gv_features *features, uint64_t row, uint64_t *values);

#endif
