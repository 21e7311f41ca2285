/*
 * The two additive models of value_model.h. A round has one feature a block (constant, action,
 * each context column), so the Hessian is added up from context_count + 2 squared cells a round.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/estimate/value_model.h"

enum {
    LEVELS_MAX = 256, /* of a context column; the last is for all that come later */
    BLOCKS_MAX = GV_DECISION_CONTEXTS_MAX + 3,
    STEPS_MAX = 30,
};

#define STEP_MAX       4.0   /* of any coefficient: far steps of the logistic overshoot */
#define STEP_DONE      1e-10 /* a smaller one ends Newton's method */
#define CONSTANT_RIDGE 1e-9  /* keeps the Hessian regular where no round is left to fit on */

typedef struct additive_config {
    double penalty;
} additive_config;

typedef struct additive {
    size_t block_count;
    size_t starts[BLOCKS_MAX]; /* of each block's coefficients; that of the constant is 0 */
    size_t size;
    double *coefficients; /* [size] */
    double *gradient;     /* [size]; after the solution, the step */
    double *hessian;      /* [size][size], its lower triangle */
    bool is_logistic;
    double memory[];
} additive;

static size_t capped(size_t level)
{
    return level < LEVELS_MAX ? level : LEVELS_MAX - 1;
}

static gv_status create(const gv_rounds *rounds, bool is_logistic, additive **out)
{
    size_t starts[BLOCKS_MAX] = {0, 1};
    size_t size = 1 + rounds->action_count;
    for (size_t j = 0; j < rounds->context_count; j++) {
        starts[2 + j] = size;
        size += capped(rounds->level_counts[j] - 1) + 1;
    }
    additive *model = gv_mem_alloc(sizeof *model, size * (size + 2), sizeof(double));
    if (model == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a model of rewards of %zu features", size);
    }
    model->block_count = 2 + rounds->context_count;
    memcpy(model->starts, starts, sizeof starts);
    model->size = size;
    model->coefficients = model->memory;
    model->gradient = model->memory + size;
    model->hessian = model->memory + 2 * size;
    model->is_logistic = is_logistic;
    *out = model;
    return GV_OK;
}

/* The features of the round's context, rising; the action's is left to the caller, at 1. */
static void find_features(const additive *model, const gv_rounds *rounds, size_t round,
                          size_t *features)
{
    features[0] = 0;
    features[1] = 1 + rounds->actions[round];
    for (size_t j = 0; j < rounds->context_count; j++) {
        features[2 + j] = model->starts[2 + j] + capped(rounds->contexts[j][round]);
    }
}

static double inverse_link(const additive *model, double sum)
{
    return model->is_logistic ? 1 / (1 + exp(-sum)) : sum;
}

/* Gradient and lower Hessian of the loss at the coefficients. */
static void add_round(additive *model, const size_t *features, double reward)
{
    const size_t blocks = model->block_count;
    double sum = 0;
    for (size_t j = 0; j < blocks; j++) {
        sum += model->coefficients[features[j]];
    }
    const double q = inverse_link(model, sum);
    const double weight = model->is_logistic ? q * (1 - q) : 1;
    for (size_t j = 0; j < blocks; j++) {
        double *row = model->hessian + features[j] * model->size;
        model->gradient[features[j]] += q - reward;
        for (size_t k = 0; k <= j; k++) {
            row[features[k]] += weight;
        }
    }
}

static void add_penalty(additive *model, double penalty)
{
    for (size_t i = 0; i < model->size; i++) {
        const double ridge = i == 0 ? CONSTANT_RIDGE : penalty;
        model->gradient[i] += ridge * model->coefficients[i];
        model->hessian[i * model->size + i] += ridge;
    }
}

/* Cholesky's factor in place of the lower triangle. */
static void factorise(double *matrix, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        double *row = matrix + j * n;
        for (size_t i = 0; i <= j; i++) {
            const double *other = matrix + i * n;
            double sum = row[i];
            for (size_t k = 0; k < i; k++) {
                sum -= row[k] * other[k];
            }
            row[i] = i == j ? sqrt(fmax(sum, CONSTANT_RIDGE * CONSTANT_RIDGE)) : sum / other[i];
        }
    }
}

/* Solves L L' x = b in place. */
static void solve(const double *factor, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            b[i] -= factor[i * n + k] * b[k];
        }
        b[i] /= factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            b[i] -= factor[k * n + i] * b[k];
        }
        b[i] /= factor[i * n + i];
    }
}

/* One step of Newton's; returns the largest change of a coefficient. */
static double step(additive *model, const gv_rounds *rounds, const gv_fold *fold, double penalty)
{
    size_t features[BLOCKS_MAX];
    memset(model->gradient, 0, (model->size + model->size * model->size) * sizeof(double));
    for (size_t i = 0; i < rounds->count; i++) {
        if (fold->folds[i] != fold->held_out) {
            find_features(model, rounds, i, features);
            add_round(model, features, rounds->rewards[i]);
        }
    }
    add_penalty(model, penalty);
    factorise(model->hessian, model->size);
    solve(model->hessian, model->size, model->gradient);
    double largest = 0;
    for (size_t i = 0; i < model->size; i++) {
        largest = fmax(largest, fabs(model->gradient[i]));
    }
    const double scale = model->is_logistic && largest > STEP_MAX ? STEP_MAX / largest : 1;
    for (size_t i = 0; i < model->size; i++) {
        model->coefficients[i] -= scale * model->gradient[i];
    }
    return largest;
}

/* The logistic begins at the mean reward, pulled a little to one half. */
static double first_constant(const gv_rounds *rounds, const gv_fold *fold)
{
    double sum = 0.5;
    double count = 1;
    for (size_t i = 0; i < rounds->count; i++) {
        if (fold->folds[i] != fold->held_out) {
            sum += rounds->rewards[i];
            count += 1;
        }
    }
    return log(sum / (count - sum));
}

static gv_status fit(const void *config, const gv_rounds *rounds, const gv_fold *fold,
                     bool is_logistic, void **state)
{
    const double penalty = ((const additive_config *)config)->penalty;
    additive *model = NULL;
    GV_TRY(create(rounds, is_logistic, &model));
    assert(model != NULL);
    if (is_logistic) {
        model->coefficients[0] = first_constant(rounds, fold);
    }
    size_t steps = is_logistic ? STEPS_MAX : 1;
    while (steps-- > 0 && step(model, rounds, fold, penalty) > STEP_DONE) {
    }
    *state = model;
    return GV_OK;
}

static gv_status fit_ridge(const void *config, const gv_rounds *rounds, const gv_fold *fold,
                           void **state)
{
    return fit(config, rounds, fold, false, state);
}

static gv_status fit_logistic(const void *config, const gv_rounds *rounds, const gv_fold *fold,
                              void **state)
{
    return fit(config, rounds, fold, true, state);
}

static void predict(const void *state, const gv_rounds *rounds, size_t round, double *values)
{
    const additive *model = state;
    size_t features[BLOCKS_MAX];
    assert(model->block_count == 2 + rounds->context_count);
    find_features(model, rounds, round, features);
    double base = model->coefficients[0];
    for (size_t j = 2; j < model->block_count; j++) {
        base += model->coefficients[features[j]];
    }
    for (size_t a = 0; a < rounds->action_count; a++) {
        values[a] = inverse_link(model, base + model->coefficients[1 + a]);
    }
}

static const gv_param params[] = {
    {.name = "penalty",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-6,
     .maximum = 1e9,
     .offset = offsetof(additive_config, penalty),
     .help = "L2 penalty on all coefficients but the constant"},
    {.name = NULL},
};

const gv_value_model_type gv_value_ridge = {
    .info = {.name = "ridge",
             .summary = "additive linear regression with an L2 penalty",
             .source = "Hoerl and Kennard, Technometrics 12, 1970",
             .params = params,
             .config_size = sizeof(additive_config)},
    .fit = fit_ridge,
    .destroy = gv_mem_free,
    .predict = predict,
};

const gv_value_model_type gv_value_logistic = {
    .info = {.name = "logistic",
             .summary = "additive logistic regression with an L2 penalty",
             .source = "le Cessie and van Houwelingen, Applied Statistics 41, 1992",
             .params = params,
             .config_size = sizeof(additive_config)},
    .fit = fit_logistic,
    .destroy = gv_mem_free,
    .predict = predict,
};

const gv_value_model_type *const gv_value_model_types[] = {
    &gv_value_ridge,
    &gv_value_logistic,
    NULL,
};

const gv_value_model_type *gv_value_model_for(const gv_rounds *rounds)
{
    for (size_t i = 0; i < rounds->count; i++) {
        if (!(rounds->rewards[i] >= 0 && rounds->rewards[i] <= 1)) {
            return &gv_value_ridge;
        }
    }
    return &gv_value_logistic;
}
