#include "models/predict/planted.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/clock.h"
#include "sim/base/hash.h"
#include "sim/base/mem.h"

/* user, two tags, advertiser, creative, exchange, slot */
enum { VALUES = GV_PLANTED_FIELDS + 1 };

struct gv_planted_examples {
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
};

static uint32_t bucket_of(const gv_planted_examples *planted, const char *field, uint64_t value)
{
    char text[64];
    const int size = snprintf(text, sizeof text, "%s=%llu", field, (unsigned long long)value);
    return (uint32_t)gv_hash(text, (size_t)size) & (planted->rows.shape.bucket_count - 1);
}

static void put_fields(gv_planted_examples *planted, size_t i, const gv_planted_row *row)
{
    uint32_t *starts = planted->starts + i * GV_PLANTED_FIELDS;
    uint32_t *to = planted->buckets + i * VALUES;
    const uint32_t values[VALUES] = {
        bucket_of(planted, "user", row->user),
        bucket_of(planted, "tags", row->tags[0]),
        bucket_of(planted, "tags", row->tags[1]),
        bucket_of(planted, "advertiser", row->advertiser),
        bucket_of(planted, "creative", row->creative),
        bucket_of(planted, "exchange", row->exchange),
        bucket_of(planted, "slot", row->slot),
    };
    for (size_t k = 0; k < VALUES; k++) {
        to[k] = values[k];
    }
    for (size_t f = 0; f < GV_PLANTED_FIELDS; f++) {
        starts[f] = (uint32_t)(i * VALUES + f + (f > 1 ? 1 : 0));
    }
    starts[GV_PLANTED_FIELDS] = (uint32_t)((i + 1) * VALUES);
}

static void put_past(gv_planted_examples *planted, size_t i, const gv_planted_row *row)
{
    const size_t length = planted->rows.shape.past_length;
    uint32_t *buckets = planted->past_buckets + i * length * GV_PLANTED_PAST_FIELDS;
    planted->past_counts[i] = (uint32_t)row->past_count;
    for (size_t k = 0; k < row->past_count; k++) {
        const gv_planted_event *event = &row->past[k];
        buckets[k * GV_PLANTED_PAST_FIELDS] = bucket_of(planted, "advertiser", event->advertiser);
        buckets[k * GV_PLANTED_PAST_FIELDS + 1] = bucket_of(planted, "exchange", event->exchange);
        planted->past_ages[i * length + k] =
            (float)((double)(row->time_us - event->time_us) / (double)GV_US_PER_SECOND);
    }
}

static gv_status allocate(gv_planted_examples *planted)
{
    const size_t count = planted->rows.count;
    const size_t events = count * planted->rows.shape.past_length;
    planted->starts = gv_mem_alloc(0, count * GV_PLANTED_FIELDS + 1, sizeof(uint32_t));
    planted->buckets = gv_mem_alloc(0, count * VALUES, sizeof(uint32_t));
    planted->past_counts = gv_mem_alloc(0, count, sizeof(uint32_t));
    planted->past_buckets = gv_mem_alloc(0, events * GV_PLANTED_PAST_FIELDS, sizeof(uint32_t));
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

static gv_status fill(gv_planted_examples *planted, const gv_planted_config *config)
{
    gv_planted *source = NULL;
    GV_TRY(gv_planted_create(config, &source));
    gv_planted_row row;
    for (size_t i = 0; gv_planted_next(source, &row); i++) {
        put_fields(planted, i, &row);
        put_past(planted, i, &row);
        planted->clicks[i] = row.is_clicked ? 1.0F : 0.0F;
        planted->conversions[i] = row.is_converted ? 1.0F : 0.0F;
        planted->pctr[i] = row.pctr;
        planted->pcvr[i] = row.pcvr;
    }
    gv_planted_destroy(source);
    return GV_OK;
}

gv_status gv_planted_examples_create(const gv_planted_config *config, uint32_t bucket_count,
                                     gv_planted_examples **out)
{
    assert(bucket_count > 0);
    assert((bucket_count & (bucket_count - 1)) == 0);
    gv_planted_examples *planted = gv_mem_alloc(sizeof *planted, 0, 0);
    if (planted == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for planted rows");
    }
    planted->rows.count = (size_t)config->count;
    planted->rows.shape = (gv_example_shape){.field_count = GV_PLANTED_FIELDS,
                                             .bucket_count = bucket_count,
                                             .past_length = config->past_length,
                                             .past_field_count = GV_PLANTED_PAST_FIELDS};
    gv_status status = allocate(planted);
    if (status == GV_OK) {
        status = fill(planted, config);
    }
    if (status != GV_OK) {
        gv_planted_examples_destroy(planted);
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

void gv_planted_examples_destroy(gv_planted_examples *planted)
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

const gv_examples *gv_planted_examples_rows(const gv_planted_examples *planted)
{
    return &planted->rows;
}

const double *gv_planted_examples_pctr(const gv_planted_examples *planted)
{
    return planted->pctr;
}

const double *gv_planted_examples_pcvr(const gv_planted_examples *planted)
{
    return planted->pcvr;
}

typedef struct scored {
    float score;
    float label;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a;
    const scored *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

/* Mann and Whitney's count: pairs of a 1 above a 0, ties half. */
static double area_of(const scored *rows, size_t count)
{
    double zeros = 0;
    double ones = 0;
    double pairs = 0;
    for (size_t first = 0; first < count;) {
        double tied[2] = {0, 0};
        size_t i = first;
        for (; i < count && rows[i].score == rows[first].score; i++) {
            tied[rows[i].label > 0 ? 1 : 0] += 1;
        }
        pairs += tied[1] * (zeros + tied[0] / 2);
        zeros += tied[0];
        ones += tied[1];
        first = i;
    }
    return pairs / (zeros * ones);
}

double gv_planted_auc(const float *scores, const float *labels, size_t count)
{
    scored *rows = gv_mem_alloc(0, count + 1, sizeof *rows);
    if (rows == NULL) {
        return NAN;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = (scored){.score = scores[i], .label = labels[i]};
    }
    qsort(rows, count, sizeof *rows, by_score);
    const double area = area_of(rows, count);
    gv_mem_free(rows);
    return area;
}
