/*
 * planted_examples.h - planted impressions (sim/log/planted.h) as examples, with the truth beside
 * them: what a predictor can be held against whose best is known.
 */
#ifndef TESTS_PLANTED_EXAMPLES_H
#define TESTS_PLANTED_EXAMPLES_H

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/predict/examples.h"
#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"
#include "sim/log/planted.h"

/* user, tags (two values), advertiser, creative, exchange, slot; events: advertiser, exchange. */
enum { PLANTED_FIELDS = 6, PLANTED_PAST_FIELDS = 2 };

/* user, two tags, advertiser, creative, exchange, slot */
enum { PLANTED_VALUES = PLANTED_FIELDS + 1 };

typedef struct planted_examples {
    gv_examples rows;
    uint32_t *starts;
    uint32_t *buckets;
    uint32_t *past_counts;
    uint32_t *past_buckets;
    float *past_ages;
    float *clicks;
    float *conversions;
    double *pctr;
    double *pcvr;
} planted_examples;

static inline uint32_t planted_bucket_of(const planted_examples *planted, const char *field,
                                         uint64_t value)
{
    char text[64];
    const int size = snprintf(text, sizeof text, "%s=%llu", field, (unsigned long long)value);
    return (uint32_t)gv_hash(text, (size_t)size) & (planted->rows.shape.bucket_count - 1);
}

static inline void planted_put_fields(planted_examples *planted, size_t i,
                                      const gv_planted_row *row)
{
    uint32_t *starts = planted->starts + i * PLANTED_FIELDS;
    uint32_t *to = planted->buckets + i * PLANTED_VALUES;
    const uint32_t values[PLANTED_VALUES] = {
        planted_bucket_of(planted, "user", row->user),
        planted_bucket_of(planted, "tags", row->tags[0]),
        planted_bucket_of(planted, "tags", row->tags[1]),
        planted_bucket_of(planted, "advertiser", row->advertiser),
        planted_bucket_of(planted, "creative", row->creative),
        planted_bucket_of(planted, "exchange", row->exchange),
        planted_bucket_of(planted, "slot", row->slot),
    };
    for (size_t k = 0; k < PLANTED_VALUES; k++) {
        to[k] = values[k];
    }
    for (size_t f = 0; f < PLANTED_FIELDS; f++) {
        starts[f] = (uint32_t)(i * PLANTED_VALUES + f + (f > 1 ? 1 : 0));
    }
    starts[PLANTED_FIELDS] = (uint32_t)((i + 1) * PLANTED_VALUES);
}

static inline void planted_put_past(planted_examples *planted, size_t i, const gv_planted_row *row)
{
    const size_t length = planted->rows.shape.past_length;
    uint32_t *buckets = planted->past_buckets + i * length * PLANTED_PAST_FIELDS;
    planted->past_counts[i] = (uint32_t)row->past_count;
    for (size_t k = 0; k < row->past_count; k++) {
        const gv_planted_event *event = &row->past[k];
        buckets[k * PLANTED_PAST_FIELDS] =
            planted_bucket_of(planted, "advertiser", event->advertiser);
        buckets[k * PLANTED_PAST_FIELDS + 1] =
            planted_bucket_of(planted, "exchange", event->exchange);
        planted->past_ages[i * length + k] =
            (float)((double)(row->time_us - event->time_us) / (double)GV_US_PER_SECOND);
    }
}

static inline gv_status planted_allocate(planted_examples *planted)
{
    const size_t count = planted->rows.count;
    const size_t events = count * planted->rows.shape.past_length;
    planted->starts = gv_mem_alloc(0, count * PLANTED_FIELDS + 1, sizeof(uint32_t));
    planted->buckets = gv_mem_alloc(0, count * PLANTED_VALUES, sizeof(uint32_t));
    planted->past_counts = gv_mem_alloc(0, count, sizeof(uint32_t));
    planted->past_buckets = gv_mem_alloc(0, events * PLANTED_PAST_FIELDS, sizeof(uint32_t));
    planted->past_ages = gv_mem_alloc(0, events, sizeof(float));
    planted->clicks = gv_mem_alloc(0, count, sizeof(float));
    planted->conversions = gv_mem_alloc(0, count, sizeof(float));
    planted->pctr = gv_mem_alloc(0, count, sizeof(double));
    planted->pcvr = gv_mem_alloc(0, count, sizeof(double));
    if (planted->starts == NULL || planted->buckets == NULL || planted->past_counts == NULL ||
        planted->past_buckets == NULL || planted->past_ages == NULL || planted->clicks == NULL ||
        planted->conversions == NULL || planted->pctr == NULL || planted->pcvr == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu planted rows", count);
    }
    return GV_OK;
}

static inline gv_status planted_fill(planted_examples *planted, const gv_planted_config *config)
{
    gv_planted *source = NULL;
    GV_TRY(gv_planted_create(config, &source));
    gv_planted_row row;
    for (size_t i = 0; gv_planted_next(source, &row); i++) {
        planted_put_fields(planted, i, &row);
        planted_put_past(planted, i, &row);
        planted->clicks[i] = row.is_clicked ? 1.0F : 0.0F;
        planted->conversions[i] = row.is_converted ? 1.0F : 0.0F;
        planted->pctr[i] = row.pctr;
        planted->pcvr[i] = row.pcvr;
    }
    gv_planted_destroy(source);
    return GV_OK;
}

static inline void planted_examples_destroy(planted_examples *planted)
{
    if (planted != NULL) {
        gv_mem_free(planted->starts);
        gv_mem_free(planted->buckets);
        gv_mem_free(planted->past_counts);
        gv_mem_free(planted->past_buckets);
        gv_mem_free(planted->past_ages);
        gv_mem_free(planted->clicks);
        gv_mem_free(planted->conversions);
        gv_mem_free(planted->pctr);
        gv_mem_free(planted->pcvr);
        gv_mem_free(planted);
    }
}

static inline gv_status planted_examples_create(const gv_planted_config *config,
                                                uint32_t bucket_count, planted_examples **out)
{
    assert(bucket_count > 0);
    assert((bucket_count & (bucket_count - 1)) == 0);
    planted_examples *planted = gv_mem_alloc(sizeof *planted, 0, 0);
    if (planted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for planted rows");
    }
    planted->rows.count = (size_t)config->count;
    planted->rows.shape = (gv_example_shape){.field_count = PLANTED_FIELDS,
                                             .bucket_count = bucket_count,
                                             .past_length = config->past_length,
                                             .past_field_count = PLANTED_PAST_FIELDS};
    gv_status status = planted_allocate(planted);
    if (status == GV_OK) {
        status = planted_fill(planted, config);
    }
    if (status != GV_OK) {
        planted_examples_destroy(planted);
        return status;
    }
    planted->rows.starts = planted->starts;
    planted->rows.buckets = planted->buckets;
    planted->rows.past_counts = planted->past_counts;
    planted->rows.past_buckets = planted->past_buckets;
    planted->rows.past_ages = planted->past_ages;
    planted->rows.clicks = planted->clicks;
    planted->rows.conversions = planted->conversions;
    *out = planted;
    return GV_OK;
}

static inline const gv_examples *planted_examples_rows(const planted_examples *planted)
{
    return &planted->rows;
}

static inline const double *planted_examples_pctr(const planted_examples *planted)
{
    return planted->pctr;
}

static inline const double *planted_examples_pcvr(const planted_examples *planted)
{
    return planted->pcvr;
}

#endif
