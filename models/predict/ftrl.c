/*
 * Logistic regression by FTRL-proximal with per-coordinate rates: McMahan et al., "Ad click
 * prediction: a view from the trenches", KDD 2013, algorithm 1. For every bucket i of a row
 *
 *     w_i = 0 where |z_i| <= lambda1, else -(z_i - sgn(z_i) lambda1) / ((beta + sqrt(n_i)) / alpha
 *                                                                       + lambda2)
 *     p = 1 / (1 + exp(-sum of w)),  g = weight (p - y)
 *     sigma = (sqrt(n_i + g^2) - sqrt(n_i)) / alpha,  z_i += g - sigma w_i,  n_i += g^2
 *
 * one row at a time, so threads would change nothing but the result: there is one. A constant is
 * in every row and is not drawn to 0 (ours). A bucket that a row holds twice counts twice. The
 * past is not looked at. What is kept of a bucket is z, the root of n, and w.
 */
#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "models/predict/models_impl.h"
#include "models/predict/sparse_impl.h"
#include "sim/base/mem.h"

enum { AHEAD = 6 };

typedef struct ftrl_config {
    double alpha;
    double beta;
    double l1;
    double l2;
    int64_t epochs;
} ftrl_config;

#define SOURCE "McMahan et al. 2013, algorithm 1"

static const gv_param ftrl_params[] = {
    {.name = "alpha",
     .kind = GV_PARAM_REAL,
     .fallback = "0.2",
     .minimum = 1e-9,
     .maximum = 1e6,
     .offset = offsetof(ftrl_config, alpha),
     .help = "rate of a coordinate that has seen little",
     .source = SOURCE},
    {.name = "beta",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-9,
     .maximum = 1e6,
     .offset = offsetof(ftrl_config, beta),
     .help = "gradient seen (its root mean square) before a rate falls",
     .source = SOURCE},
    {.name = "l1",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .maximum = 1e9,
     .offset = offsetof(ftrl_config, l1),
     .help = "pull to exactly 0: a bucket needs so large a sum of gradients to count",
     .source = SOURCE},
    {.name = "l2",
     .kind = GV_PARAM_REAL,
     .fallback = "10",
     .maximum = 1e9,
     .offset = offsetof(ftrl_config, l2),
     .help = "pull towards 0",
     .source = SOURCE},
    {.name = "epochs",
     .kind = GV_PARAM_INTEGER,
     .fallback = "12",
     .minimum = 1,
     .maximum = 10000,
     .offset = offsetof(ftrl_config, epochs),
     .help = "passes over the examples; the best by what was held out is kept",
     .source = "ours"},
    {0},
};

/* n is kept as its root: it is what both formulas want. */
typedef struct coordinate {
    float z;
    float root;
    float weight;
} coordinate;

typedef struct ftrl_state {
    ftrl_config config;
    gv_example_shape shape;
    coordinate constant;
    coordinate *table; /* [bucket_count] */
    /* Weights that are not 0, packed behind each pass or restoring. */
    uint32_t *buckets; /* [packed_count] */
    float *weights;
    size_t packed_count;
    const gv_progress *progress;
} ftrl_state;

static gv_status ftrl_init(void *state, const gv_model_setup *setup)
{
    ftrl_state *ftrl = state;
    ftrl->config = *(const ftrl_config *)setup->config;
    ftrl->shape = setup->shape;
    ftrl->progress = setup->progress;
    ftrl->table = gv_mem_alloc(0, setup->shape.bucket_count, sizeof *ftrl->table);
    if (ftrl->table == NULL) {
        return GV_FAIL(GV_ENOMEM, "a table of %u buckets", setup->shape.bucket_count);
    }
    return GV_OK;
}

static void ftrl_fini(void *state)
{
    ftrl_state *ftrl = state;
    gv_mem_free(ftrl->table);
    gv_mem_free(ftrl->buckets);
    gv_mem_free(ftrl->weights);
}

/* The rates, in the precision of the table. */
typedef struct rates {
    float alpha_inverse;
    float beta;
    float l1;
    float l2;
} rates;

static inline void step(coordinate *at, float g, const rates *r)
{
    const float root = sqrtf(at->root * at->root + g * g);
    const float sigma = (root - at->root) * r->alpha_inverse;
    at->z += g - sigma * at->weight;
    at->root = root;
    const float beyond = fabsf(at->z) - r->l1;
    const float divisor = (r->beta + root) * r->alpha_inverse + r->l2;
    at->weight = beyond > 0 ? -copysignf(beyond, at->z) / divisor : 0;
}

static float logit_of(const ftrl_state *ftrl, const gv_examples *examples, size_t row)
{
    const size_t fields = examples->shape.field_count;
    const uint32_t end = examples->starts[(row + 1) * fields];
    float sum = ftrl->constant.weight;
    for (uint32_t i = examples->starts[row * fields]; i < end; i++) {
        sum += ftrl->table[examples->buckets[i]].weight;
    }
    return sum;
}

/* A table larger than the caches is waited for while the rows before are learnt. */
static void fetch(const ftrl_state *ftrl, const gv_examples *examples, size_t row)
{
    const size_t fields = examples->shape.field_count;
    const uint32_t end = examples->starts[(row + 1) * fields];
    for (uint32_t i = examples->starts[row * fields]; i < end; i++) {
        __builtin_prefetch(&ftrl->table[examples->buckets[i]], 1);
    }
}

static double learn_row(ftrl_state *ftrl, const gv_examples *examples, size_t row, const rates *r)
{
    const size_t fields = examples->shape.field_count;
    const uint32_t end = examples->starts[(row + 1) * fields];
    const float y = examples->clicks[row];
    const float weight = examples->weights == NULL ? 1 : examples->weights[row];
    const float logit = logit_of(ftrl, examples, row);
    const float g = weight * (gv_logistic(logit) - y);
    const rates free = {.alpha_inverse = r->alpha_inverse, .beta = r->beta};
    step(&ftrl->constant, g, &free);
    for (uint32_t i = examples->starts[row * fields]; i < end; i++) {
        step(&ftrl->table[examples->buckets[i]], g, r);
    }
    return (double)weight * gv_logistic_loss(logit, y);
}

static gv_status pack(ftrl_state *ftrl)
{
    size_t count = 0;
    for (uint32_t b = 0; b < ftrl->shape.bucket_count; b++) {
        count += ftrl->table[b].weight != 0 ? 1 : 0;
    }
    uint32_t *buckets = gv_mem_resize(ftrl->buckets, count + 1, sizeof *buckets);
    ftrl->buckets = buckets == NULL ? ftrl->buckets : buckets;
    float *weights = gv_mem_resize(ftrl->weights, count + 1, sizeof *weights);
    ftrl->weights = weights == NULL ? ftrl->weights : weights;
    if (buckets == NULL || weights == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu weights", count);
    }
    ftrl->packed_count = 0;
    for (uint32_t b = 0; b < ftrl->shape.bucket_count; b++) {
        const float weight = ftrl->table[b].weight;
        if (!isfinite(weight)) {
            return GV_FAIL(GV_EINVAL, "the weight of bucket %u is %g: take a smaller alpha", b,
                           (double)weight);
        }
        if (weight != 0) {
            ftrl->buckets[ftrl->packed_count] = b;
            ftrl->weights[ftrl->packed_count++] = weight;
        }
    }
    return GV_OK;
}

static gv_status ftrl_learn(void *state, const gv_examples *examples, const uint32_t *rows,
                            size_t count, double *loss)
{
    ftrl_state *ftrl = state;
    const ftrl_config *config = &ftrl->config;
    const rates r = {.alpha_inverse = (float)(1 / config->alpha),
                     .beta = (float)config->beta,
                     .l1 = (float)config->l1,
                     .l2 = (float)config->l2};
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % GV_MODEL_ASKS == 0) {
            GV_TRY(gv_model_report(ftrl->progress, i, count));
        }
        if (i + AHEAD < count) {
            fetch(ftrl, examples, rows[i + AHEAD]);
        }
        sum += learn_row(ftrl, examples, rows[i], &r);
        weights += examples->weights == NULL ? 1 : (double)examples->weights[rows[i]];
    }
    *loss = weights > 0 ? sum / weights : 0;
    if (!isfinite(*loss)) {
        return GV_FAIL(GV_EINVAL, "the loss is %g: take a smaller alpha", *loss);
    }
    return pack(ftrl);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): another type writes to pcvr */
static gv_status ftrl_predict(void *state, const gv_examples *examples, float *pctr, float *pcvr)
{
    const ftrl_state *ftrl = state;
    assert(pcvr == NULL);
    for (size_t row = 0; row < examples->count; row++) {
        if (row + AHEAD < examples->count) {
            fetch(ftrl, examples, row + AHEAD);
        }
        pctr[row] = gv_logistic(logit_of(ftrl, examples, row));
    }
    return GV_OK;
}

static void ftrl_tensors(const void *state, gv_model_tensors *out)
{
    const ftrl_state *ftrl = state;
    gv_tensor *tensors = out->tensors;
    tensors[0] = (gv_tensor){
        .name = "constant", .type = GV_TENSOR_F32, .rank = 0, .data = &ftrl->constant.weight};
    tensors[1] = (gv_tensor){.name = "buckets",
                             .type = GV_TENSOR_U32,
                             .rank = 1,
                             .shape = {ftrl->packed_count},
                             .data = ftrl->buckets};
    tensors[2] = (gv_tensor){.name = "weights",
                             .type = GV_TENSOR_F32,
                             .rank = 1,
                             .shape = {ftrl->packed_count},
                             .data = ftrl->weights};
    out->count = 3;
}

static gv_status ftrl_restore(void *state, const gv_safetensors *file)
{
    ftrl_state *ftrl = state;
    const uint32_t *buckets = NULL;
    const float *weights = NULL;
    size_t count = 0;
    GV_TRY(gv_sparse_constant(file, &ftrl->constant.weight));
    GV_TRY(gv_sparse_buckets(file, ftrl->shape.bucket_count, &buckets, &count));
    GV_TRY(gv_sparse_numbers(file, "weights", count, 0, &weights));
    for (size_t i = 0; i < count; i++) {
        ftrl->table[buckets[i]].weight = weights[i];
    }
    return pack(ftrl);
}

const gv_model_type gv_model_ftrl = {
    .info = {.name = "ftrl",
             .summary = "logistic regression by FTRL-proximal, a rate for each bucket",
             .source = "McMahan et al., Ad click prediction: a view from the trenches, KDD 2013",
             .params = ftrl_params,
             .config_size = sizeof(ftrl_config)},
    .state_size = sizeof(ftrl_state),
    .init = ftrl_init,
    .learn = ftrl_learn,
    .predict = ftrl_predict,
    .tensors = ftrl_tensors,
    .restore = ftrl_restore,
    .fini = ftrl_fini,
};
