#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/predict/table_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/vector.h"

#define BETA1   0.9
#define BETA2   0.999
#define EPSILON 1e-8

enum { BLOCK = 512, NOT_TOUCHED = 0 };

struct gv_embeddings {
    gv_embeddings_config config;
    float *values;  /* [rows][width] */
    float *moments; /* [2][rows][width] */
    uint64_t steps;
    uint32_t *places;  /* [rows]: 1 + index among the touched, or NOT_TOUCHED */
    uint32_t *touched; /* [room] rows, as they came */
    float *slopes;     /* [room][width] */
    size_t count;
    size_t room;
};

static void draw(gv_embeddings *table)
{
    const size_t count = table->config.rows * table->config.width;
    const gv_random random = gv_random_key(table->config.seed, GV_STREAM_WEIGHT, 0);
    double block[BLOCK];
    for (size_t first = 0; first < count; first += BLOCK) {
        const size_t some = count - first < BLOCK ? count - first : BLOCK;
        gv_random_fill_normal(&random, first, some, block);
        for (size_t i = 0; i < some; i++) {
            table->values[first + i] = (float)(table->config.scale * block[i]);
        }
    }
}

static gv_status allocate(gv_embeddings *table)
{
    const gv_embeddings_config *config = &table->config;
    table->values = gv_mem_alloc(0, config->rows * config->width, sizeof *table->values);
    bool is_whole = table->values != NULL;
    if (config->learns) {
        table->moments = gv_mem_alloc(0, 2 * config->rows * config->width, sizeof(float));
        table->places = gv_mem_alloc(0, config->rows, sizeof *table->places);
        is_whole = is_whole && table->moments != NULL && table->places != NULL;
    }
    if (!is_whole) {
        return GV_FAIL(GV_ENOMEM, "no memory for a table of %zu rows of %zu", config->rows,
                       config->width);
    }
    return GV_OK;
}

gv_status gv_embeddings_create(const gv_embeddings_config *config, gv_embeddings **out)
{
    assert(config->rows >= 1);
    assert(config->rows < UINT32_MAX);
    assert(config->width >= 1);
    gv_embeddings *table = gv_mem_alloc(sizeof *table, 0, 0);
    if (table == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a table of embeddings");
    }
    table->config = *config;
    const gv_status status = allocate(table);
    if (status != GV_OK) {
        gv_embeddings_destroy(table);
        return status;
    }
    draw(table);
    *out = table;
    return GV_OK;
}

void gv_embeddings_destroy(gv_embeddings *table)
{
    if (table != NULL) {
        gv_mem_free(table->values);
        gv_mem_free(table->moments);
        gv_mem_free(table->places);
        gv_mem_free(table->touched);
        gv_mem_free(table->slopes);
        gv_mem_free(table);
    }
}

float *gv_embeddings_values(gv_embeddings *table)
{
    return table->values;
}

GV_VECTOR static void add_row(const float *x, float factor, size_t width, float *sum)
{
    for (size_t i = 0; i < width; i++) {
        sum[i] += factor * x[i];
    }
}

void gv_embeddings_mean(const gv_embeddings *table, const uint32_t *rows, size_t count, float *out)
{
    const size_t width = table->config.width;
    if (count == 1) {
        memcpy(out, table->values + rows[0] * width, width * sizeof *out);
        return;
    }
    memset(out, 0, width * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        add_row(table->values + rows[i] * width, 1.0F / (float)count, width, out);
    }
}

static gv_status grow(gv_embeddings *table)
{
    const size_t room = table->room == 0 ? 1024 : 2 * table->room;
    uint32_t *touched = gv_mem_resize(table->touched, room, sizeof *touched);
    if (touched == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the slopes of %zu rows", room);
    }
    table->touched = touched;
    float *slopes = gv_mem_resize(table->slopes, room * table->config.width, sizeof *slopes);
    if (slopes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the slopes of %zu rows", room);
    }
    table->slopes = slopes;
    table->room = room;
    return GV_OK;
}

gv_status gv_embeddings_touch(gv_embeddings *table, uint32_t row, const float *slope, float share)
{
    assert(table->config.learns);
    assert(row < table->config.rows);
    const size_t width = table->config.width;
    if (table->places[row] == NOT_TOUCHED) {
        if (table->count == table->room) {
            GV_TRY(grow(table));
        }
        table->touched[table->count] = row;
        memset(table->slopes + table->count * width, 0, width * sizeof *table->slopes);
        table->places[row] = (uint32_t)++table->count;
    }
    add_row(slope, share, width, table->slopes + (table->places[row] - 1) * width);
    return GV_OK;
}

/* What one step has in common for all rows. */
typedef struct row_step {
    float rate; /* by the first moment's correction */
    float root; /* the second moment's correction */
    float decay;
} row_step;

GV_VECTOR static void step_row(const row_step *step, const float *slope, size_t width, float *m,
                               float *v, float *p)
{
    const float beta1 = (float)BETA1;
    const float beta2 = (float)BETA2;
    for (size_t i = 0; i < width; i++) {
        const float d = slope[i] + step->decay * p[i];
        m[i] = beta1 * m[i] + (float)(1.0 - BETA1) * d;
        v[i] = beta2 * v[i] + (float)(1.0 - BETA2) * (d * d);
        p[i] -= step->rate * (m[i] / (sqrtf(v[i]) * step->root + (float)EPSILON));
    }
}

static void forget(gv_embeddings *table)
{
    for (size_t i = 0; i < table->count; i++) {
        table->places[table->touched[i]] = NOT_TOUCHED;
    }
    table->count = 0;
}

static bool is_finite(const gv_embeddings *table)
{
    double sum = 0;
    for (size_t i = 0; i < table->count * table->config.width; i++) {
        sum += fabs((double)table->slopes[i]);
    }
    return isfinite(sum);
}

gv_status gv_embeddings_step(gv_embeddings *table, double rate, double decay)
{
    const size_t width = table->config.width;
    if (!is_finite(table)) {
        forget(table);
        return GV_FAIL(GV_EINVAL, "step %llu: the slope of the embeddings is not finite",
                       (unsigned long long)table->steps);
    }
    const double count = (double)++table->steps;
    const row_step step = {.rate = (float)(rate / (1.0 - pow(BETA1, count))),
                           .root = (float)(1.0 / sqrt(1.0 - pow(BETA2, count))),
                           .decay = (float)decay};
    float *const second = table->moments + table->config.rows * width;
    for (size_t i = 0; i < table->count; i++) {
        const size_t at = table->touched[i] * width;
        step_row(&step, table->slopes + i * width, width, table->moments + at, second + at,
                 table->values + at);
    }
    forget(table);
    return GV_OK;
}
