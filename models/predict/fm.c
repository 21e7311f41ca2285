/*
 * Factorisation machine: Rendle, "Factorization machines", ICDM 2010, equations 1 and 5. With m
 * values (buckets) in a row, each a feature of 1,
 *
 *     logit = w_0 + sum_i w_i + sum_{i<j} <v_i, v_j>
 *           = w_0 + sum_i w_i + 1/2 sum_f ((sum_i v_if)^2 - sum_i v_if^2)
 *
 * so a row costs m k operations. Each number x of a row goes down its gradient at a rate of its own
 * (Duchi, Hazan and Singer, "Adaptive subgradient methods", JMLR 12, 2011):
 *
 *     g = weight (p - y) d logit / dx + l2 x,  G += g^2,  x -= rate g / (beta + sqrt(G))
 *
 * one row at a time, so there is one thread. The vector of a bucket is drawn when a row first holds
 * it, from (seed, bucket); one that no row held is 0, so that what training never met adds nothing
 * (ours). A constant is not drawn to 0. A bucket that a row holds twice is two features. The past
 * is not looked at.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "models/predict/models_impl.h"
#include "models/predict/sparse_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { FACTORS_MAX = 64, AHEAD = 3 };

typedef struct fm_config {
    int64_t factors;
    double rate;
    double beta;
    double l2;
    double l2_factors;
    double spread;
    int64_t epochs;
} fm_config;

#define RENDLE "Rendle 2010, eq. 1"
#define DUCHI  "Duchi et al. 2011"

static const gv_param fm_params[] = {
    {.name = "factors",
     .kind = GV_PARAM_INTEGER,
     .fallback = "8",
     .minimum = 1,
     .maximum = FACTORS_MAX,
     .offset = offsetof(fm_config, factors),
     .help = "numbers in the vector of a bucket",
     .source = RENDLE},
    {.name = "rate",
     .kind = GV_PARAM_REAL,
     .fallback = "0.05",
     .minimum = 1e-9,
     .maximum = 1e6,
     .offset = offsetof(fm_config, rate),
     .help = "rate of a number that has seen little",
     .source = DUCHI},
    {.name = "beta",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-9,
     .maximum = 1e6,
     .offset = offsetof(fm_config, beta),
     .help = "gradient seen (its root mean square) before a rate falls",
     .source = "ours"},
    {.name = "l2",
     .kind = GV_PARAM_REAL,
     .fallback = "0.001",
     .maximum = 1e9,
     .offset = offsetof(fm_config, l2),
     .help = "pull of a weight towards 0, whenever a row holds it",
     .source = RENDLE},
    {.name = "l2_factors",
     .kind = GV_PARAM_REAL,
     .fallback = "0.01",
     .maximum = 1e9,
     .offset = offsetof(fm_config, l2_factors),
     .help = "pull of a vector towards 0, whenever a row holds it",
     .source = RENDLE},
    {.name = "spread",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 1e3,
     .offset = offsetof(fm_config, spread),
     .help = "standard deviation of a vector's starting numbers",
     .source = "ours"},
    {.name = "epochs",
     .kind = GV_PARAM_INTEGER,
     .fallback = "6",
     .minimum = 1,
     .maximum = 10000,
     .offset = offsetof(fm_config, epochs),
     .help = "passes over the examples; the best by what was held out is kept",
     .source = "ours"},
    {0},
};

/* A number and the sum of its squared gradients. */
typedef struct adaptive {
    float x;
    float squares;
} adaptive;

typedef struct fm_state {
    fm_config config;
    size_t factors;
    gv_example_shape shape;
    uint64_t seed;
    adaptive constant;
    unsigned char *touched; /* [bucket_count] */
    adaptive *linear;       /* [bucket_count] */
    adaptive *vectors;      /* [bucket_count][factors] */
    /* Those of touched buckets, packed behind each pass or restoring. */
    uint32_t *buckets; /* [packed_count] */
    float *packed_linear;
    float *packed_vectors; /* [packed_count][factors] */
    size_t packed_count;
    const gv_progress *progress;
} fm_state;

static gv_status fm_init(void *state, const gv_model_setup *setup)
{
    fm_state *fm = state;
    const size_t buckets = setup->shape.bucket_count;
    fm->config = *(const fm_config *)setup->config;
    fm->factors = (size_t)fm->config.factors;
    fm->shape = setup->shape;
    fm->progress = setup->progress;
    fm->seed = setup->seed;
    fm->touched = gv_mem_alloc(0, buckets, sizeof *fm->touched);
    fm->linear = gv_mem_alloc(0, buckets, sizeof *fm->linear);
    fm->vectors = gv_mem_alloc(0, buckets * fm->factors, sizeof *fm->vectors);
    if (fm->touched == NULL || fm->linear == NULL || fm->vectors == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu vectors of %zu", buckets, fm->factors);
    }
    return GV_OK;
}

static void fm_fini(void *state)
{
    fm_state *fm = state;
    gv_mem_free(fm->touched);
    gv_mem_free(fm->linear);
    gv_mem_free(fm->vectors);
    gv_mem_free(fm->buckets);
    gv_mem_free(fm->packed_linear);
    gv_mem_free(fm->packed_vectors);
}

/* The buckets of a row. */
typedef struct row_view {
    const uint32_t *buckets;
    size_t count;
} row_view;

static row_view view_of(const gv_examples *examples, size_t row)
{
    const size_t fields = examples->shape.field_count;
    const uint32_t first = examples->starts[row * fields];
    return (row_view){.buckets = examples->buckets + first,
                      .count = examples->starts[(row + 1) * fields] - first};
}

static void draw_vector(fm_state *fm, uint32_t bucket)
{
    const gv_random random = gv_random_key(fm->seed, GV_STREAM_WEIGHT, bucket);
    for (size_t f = 0; f < fm->factors; f++) {
        fm->vectors[bucket * fm->factors + f].x =
            (float)(fm->config.spread * gv_random_normal(&random, f));
    }
    fm->touched[bucket] = 1;
}

/* sums: [factors], of the row's vectors. */
static float logit_of(const fm_state *fm, row_view row, float *sums)
{
    float logit = fm->constant.x;
    float squares = 0;
    float crossed = 0;
    memset(sums, 0, fm->factors * sizeof *sums);
    for (size_t i = 0; i < row.count; i++) {
        const adaptive *vector = fm->vectors + row.buckets[i] * fm->factors;
        logit += fm->linear[row.buckets[i]].x;
        for (size_t f = 0; f < fm->factors; f++) {
            sums[f] += vector[f].x;
            squares += vector[f].x * vector[f].x;
        }
    }
    for (size_t f = 0; f < fm->factors; f++) {
        crossed += sums[f] * sums[f];
    }
    return logit + (crossed - squares) / 2;
}

static inline void step(adaptive *at, float g, float rate, float beta)
{
    at->squares += g * g;
    at->x -= rate * g / (beta + sqrtf(at->squares));
}

static void learn_bucket(fm_state *fm, uint32_t bucket, float g, const float *sums)
{
    const float rate = (float)fm->config.rate;
    const float beta = (float)fm->config.beta;
    const float l2 = (float)fm->config.l2;
    const float l2_factors = (float)fm->config.l2_factors;
    adaptive *vector = fm->vectors + bucket * fm->factors;
    adaptive *linear = &fm->linear[bucket];
    step(linear, g + l2 * linear->x, rate, beta);
    for (size_t f = 0; f < fm->factors; f++) {
        const float x = vector[f].x;
        step(&vector[f], g * (sums[f] - x) + l2_factors * x, rate, beta);
    }
}

static void fetch(const fm_state *fm, row_view row)
{
    for (size_t i = 0; i < row.count; i++) {
        __builtin_prefetch(&fm->linear[row.buckets[i]], 1);
        __builtin_prefetch(&fm->vectors[row.buckets[i] * fm->factors], 1);
    }
}

static double learn_row(fm_state *fm, const gv_examples *examples, size_t row)
{
    const row_view view = view_of(examples, row);
    const float y = examples->clicks[row];
    const float weight = examples->weights == NULL ? 1 : examples->weights[row];
    float sums[FACTORS_MAX];
    for (size_t i = 0; i < view.count; i++) {
        if (!fm->touched[view.buckets[i]]) {
            draw_vector(fm, view.buckets[i]);
        }
    }
    const float logit = logit_of(fm, view, sums);
    const float g = weight * (gv_logistic(logit) - y);
    step(&fm->constant, g, (float)fm->config.rate, (float)fm->config.beta);
    for (size_t i = 0; i < view.count; i++) {
        learn_bucket(fm, view.buckets[i], g, sums);
    }
    return (double)weight * gv_logistic_loss(logit, y);
}

/* ---- what was learnt ------------------------------------------------------------------------- */

static gv_status resize(void **block, size_t count, size_t size)
{
    void *grown = gv_mem_resize(*block, count, size);
    if (grown == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu numbers of what was learnt", count);
    }
    *block = grown;
    return GV_OK;
}

static gv_status pack_bucket(fm_state *fm, uint32_t bucket, size_t place)
{
    bool is_finite = isfinite(fm->linear[bucket].x);
    fm->buckets[place] = bucket;
    fm->packed_linear[place] = fm->linear[bucket].x;
    for (size_t f = 0; f < fm->factors; f++) {
        const float x = fm->vectors[bucket * fm->factors + f].x;
        fm->packed_vectors[place * fm->factors + f] = x;
        is_finite = is_finite && isfinite(x);
    }
    return is_finite ? GV_OK
                     : GV_FAIL(GV_EINVAL,
                               "a number of bucket %u is not finite: take a smaller rate", bucket);
}

static gv_status pack(fm_state *fm)
{
    size_t count = 0;
    for (uint32_t b = 0; b < fm->shape.bucket_count; b++) {
        count += fm->touched[b];
    }
    fm->packed_count = 0;
    GV_TRY(resize((void **)&fm->buckets, count + 1, sizeof *fm->buckets));
    GV_TRY(resize((void **)&fm->packed_linear, count + 1, sizeof *fm->packed_linear));
    GV_TRY(resize((void **)&fm->packed_vectors, (count + 1) * fm->factors,
                  sizeof *fm->packed_vectors));
    for (uint32_t b = 0; b < fm->shape.bucket_count; b++) {
        if (fm->touched[b]) {
            GV_TRY(pack_bucket(fm, b, fm->packed_count));
            fm->packed_count++;
        }
    }
    return GV_OK;
}

static gv_status fm_learn(void *state, const gv_examples *examples, const uint32_t *rows,
                          size_t count, double *loss)
{
    fm_state *fm = state;
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % GV_MODEL_ASKS == 0) {
            GV_TRY(gv_model_report(fm->progress, i, count));
        }
        if (i + AHEAD < count) {
            fetch(fm, view_of(examples, rows[i + AHEAD]));
        }
        sum += learn_row(fm, examples, rows[i]);
        weights += examples->weights == NULL ? 1 : (double)examples->weights[rows[i]];
    }
    *loss = weights > 0 ? sum / weights : 0;
    if (!isfinite(*loss)) {
        return GV_FAIL(GV_EINVAL, "the loss is %g: take a smaller rate", *loss);
    }
    return pack(fm);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): another type writes to pcvr */
static gv_status fm_predict(void *state, const gv_examples *examples, float *pctr, float *pcvr)
{
    const fm_state *fm = state;
    float sums[FACTORS_MAX];
    assert(pcvr == NULL);
    for (size_t row = 0; row < examples->count; row++) {
        pctr[row] = gv_logistic(logit_of(fm, view_of(examples, row), sums));
    }
    return GV_OK;
}

static void fm_tensors(const void *state, gv_model_tensors *out)
{
    const fm_state *fm = state;
    gv_tensor *tensors = out->tensors;
    const uint64_t count = fm->packed_count;
    tensors[0] = (gv_tensor){.name = "constant", .type = GV_TENSOR_F32, .data = &fm->constant.x};
    tensors[1] = (gv_tensor){
        .name = "buckets", .type = GV_TENSOR_U32, .rank = 1, .shape = {count}, .data = fm->buckets};
    tensors[2] = (gv_tensor){.name = "weights",
                             .type = GV_TENSOR_F32,
                             .rank = 1,
                             .shape = {count},
                             .data = fm->packed_linear};
    tensors[3] = (gv_tensor){.name = "vectors",
                             .type = GV_TENSOR_F32,
                             .rank = 2,
                             .shape = {count, fm->factors},
                             .data = fm->packed_vectors};
    out->count = 4;
}

static gv_status fm_restore(void *state, const gv_safetensors *file)
{
    fm_state *fm = state;
    const uint32_t *buckets = NULL;
    const float *linear = NULL;
    const float *vectors = NULL;
    size_t count = 0;
    GV_TRY(gv_sparse_constant(file, &fm->constant.x));
    GV_TRY(gv_sparse_buckets(file, fm->shape.bucket_count, &buckets, &count));
    GV_TRY(gv_sparse_numbers(file, "weights", count, 0, &linear));
    GV_TRY(gv_sparse_numbers(file, "vectors", count, fm->factors, &vectors));
    for (size_t i = 0; i < count; i++) {
        fm->touched[buckets[i]] = 1;
        fm->linear[buckets[i]].x = linear[i];
        for (size_t f = 0; f < fm->factors; f++) {
            fm->vectors[buckets[i] * fm->factors + f].x = vectors[i * fm->factors + f];
        }
    }
    return pack(fm);
}

const gv_model_type gv_model_fm = {
    .info = {.name = "fm",
             .summary = "factorisation machine, a vector for each bucket, by adaptive gradients",
             .source = "Rendle, Factorization machines, ICDM 2010",
             .params = fm_params,
             .config_size = sizeof(fm_config)},
    .state_size = sizeof(fm_state),
    .init = fm_init,
    .learn = fm_learn,
    .predict = fm_predict,
    .tensors = fm_tensors,
    .restore = fm_restore,
    .fini = fm_fini,
};
