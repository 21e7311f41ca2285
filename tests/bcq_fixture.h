/*
 * bcq_fixture.h - the networks of batch-constrained Q-learning written out, in double and loop by
 * loop, from the weights in a file; and learners small enough for that.
 */
#ifndef TESTS_BCQ_FIXTURE_H
#define TESTS_BCQ_FIXTURE_H

#include <math.h>

#include "learner_fixture.h"
#include "policies/learn/bcq_impl.h"
#include "policies/learn/learners_impl.h"
#include "policies/learn/weights.h"
#include "trajectory_fixture.h"

enum { TICKS = 48, SEED = 11, TENSORS_MAX = 32, WIDE = 64, BATCH = 12, SAMPLES = 3, LATENT = 2 };

/* ---- networks, written out ------------------------------------------------------------------- */

typedef struct named {
    char name[64];
    size_t outputs;
    size_t inputs;
    size_t count;
    double *numbers;
} named;

typedef struct networks {
    gv_bcq_config config;
    gv_scaling scaling;
    named tensor[TENSORS_MAX];
    size_t count;
    double limit;
} networks;

static inline networks read_networks(const char *path)
{
    networks made = {.count = 0};
    gv_weights *weights = NULL;
    gv_safetensors *file = NULL;
    assert_int_equal(gv_weights_open(path, &gv_learner_bcq.info, &made.config, &weights), GV_OK);
    made.scaling = *gv_weights_scaling(weights);
    gv_weights_close(weights);
    made.limit =
        (made.config.max_action > 0 ? made.config.max_action : made.scaling.action_largest) /
        made.scaling.action_divisor;
    assert_int_equal(gv_safetensors_open(path, &file), GV_OK);
    for (size_t i = 0; i < gv_safetensors_count(file); i++) {
        const gv_tensor *tensor = gv_safetensors_at(file, i);
        if (strncmp(tensor->name, GV_BCQ_SERVED, strlen(GV_BCQ_SERVED)) != 0) {
            continue;
        }
        assert_true(made.count < TENSORS_MAX);
        named *to = &made.tensor[made.count++];
        (void)snprintf(to->name, sizeof to->name, "%s", tensor->name);
        to->outputs = (size_t)tensor->shape[0];
        to->inputs = tensor->rank == 2 ? (size_t)tensor->shape[1] : 1;
        to->count = to->outputs * to->inputs;
        to->numbers = gv_mem_alloc(0, to->count, sizeof *to->numbers);
        assert_non_null(to->numbers);
        for (size_t k = 0; k < to->count; k++) {
            to->numbers[k] = (double)((const float *)tensor->data)[k];
        }
    }
    gv_safetensors_close(file);
    return made;
}

static inline void free_networks(networks *of)
{
    for (size_t i = 0; i < of->count; i++) {
        gv_mem_free(of->tensor[i].numbers);
    }
}

static inline const named *find(const networks *of, const char *layer, const char *part)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%s.%s", layer, part);
    size_t i = 0;
    while (i + 1 < of->count && strcmp(of->tensor[i].name, name) != 0) {
        i++;
    }
    assert_string_equal(of->tensor[i].name, name);
    return &of->tensor[i];
}

static inline void linear(const networks *of, const char *layer, const double *x, double *y)
{
    const named *weight = find(of, layer, "weight");
    const named *bias = find(of, layer, "bias");
    for (size_t i = 0; i < weight->outputs; i++) {
        y[i] = bias->numbers[i];
        for (size_t k = 0; k < weight->inputs; k++) {
            y[i] += weight->numbers[i * weight->inputs + k] * x[k];
        }
    }
}

static inline void hidden(const networks *of, const char *layer, const double *x, double *y)
{
    linear(of, layer, x, y);
    for (size_t i = 0; i < find(of, layer, "bias")->count; i++) {
        const double relu = fmax(y[i], 0);
        y[i] = of->config.activation == GV_BCQ_MISH ? y[i] * tanh(log1p(exp(y[i]))) : relu;
    }
}

static inline void join(const double *state, const double *rest, size_t count, double *both)
{
    memcpy(both, state, GV_STATE_SIZE * sizeof *both);
    memcpy(both + GV_STATE_SIZE, rest, count * sizeof *both);
}

/* The outputs of an actor or a critic. */
static inline void tell(const networks *of, const char *name, const double *state, double action,
                        double *told)
{
    double x[WIDE] = {0};
    double y[WIDE] = {0};
    char layer[64];
    join(state, &action, 1, x);
    (void)snprintf(layer, sizeof layer, "%s.0", name);
    hidden(of, layer, x, y);
    (void)snprintf(layer, sizeof layer, "%s.2", name);
    hidden(of, layer, y, x);
    (void)snprintf(layer, sizeof layer, "%s.4", name);
    linear(of, layer, x, told);
}

/* Q(s, a): what a critic tells, or where its bins have their middle. */
static inline double judged(const networks *of, const char *name, const double *state,
                            double action)
{
    double told[WIDE] = {0};
    double sum = 0;
    double middle = 0;
    tell(of, name, state, action, told);
    if (of->config.told == GV_BCQ_NUMBER) {
        return told[0];
    }
    for (int64_t i = 0; i < of->config.bins; i++) {
        sum += exp(told[i]);
        middle += exp(told[i]) * 5 * (double)i / (double)(of->config.bins - 1);
    }
    return expm1(middle / sum);
}

static inline double generated(const networks *of, const double *state, const double *z,
                               bool clamps)
{
    double x[WIDE] = {0};
    double y[WIDE] = {0};
    join(state, z, LATENT, x);
    hidden(of, "bcq.vae.decoder.0", x, y);
    for (size_t i = 0; clamps && i < (size_t)of->config.vae; i++) {
        y[i] = fmin(fmax(y[i], -0.5), 0.5);
    }
    hidden(of, "bcq.vae.decoder.2", y, x);
    linear(of, "bcq.vae.decoder.4", x, y);
    return of->limit * (of->config.is_signed ? tanh(y[0]) : 1 / (1 + exp(-y[0])));
}

static inline double perturbed(const networks *of, const double *state, double action)
{
    double told[WIDE] = {0};
    tell(of, "bcq.actor", state, action, told);
    const double moved = action + of->config.phi * of->limit * tanh(told[0]);
    return fmin(fmax(moved, of->config.is_signed ? -of->limit : 0), of->limit);
}

/* ---- subjects -------------------------------------------------------------------------------- */

static inline gv_dataset *planted(void **state, planting plant, size_t episodes, size_t ticks)
{
    static int number;
    char name[32];
    char path[TEST_PATH_SIZE];
    const char *const paths[] = {path};
    const planted_set set = {
        .plant = plant, .episodes = episodes, .ticks = ticks, .first_period = 7, .of_period = 4};
    gv_dataset *dataset = NULL;
    (void)snprintf(name, sizeof name, "planted%d.safetensors", number++);
    test_folder_path(*state, name, path);
    planted_write(&set, path);
    assert_int_equal(gv_dataset_open(paths, 1, &dataset), GV_OK);
    return dataset;
}

static inline learner_config tiny_config(const char *const *values)
{
    const gv_learner_type *type = &gv_learner_bcq;
    learner_config config = {{0}};
    gv_param_defaults(type->info.params, &config);
    set_value(type, &config, "hidden_1", "8");
    set_value(type, &config, "hidden_2", "7");
    set_value(type, &config, "vae", "9");
    set_value(type, &config, "batch", "12");
    set_value(type, &config, "samples", "3");
    set_value(type, &config, "beta", "0.5");
    set_value(type, &config, "bins", "11");
    for (; *values != NULL; values += 2) {
        set_value(type, &config, values[0], values[1]);
    }
    return config;
}

static inline gv_learner *learner_of(const gv_dataset *dataset, const learner_config *config)
{
    const gv_learner_setup setup = {.config = config, .dataset = dataset, .seed = SEED, .jobs = 1};
    gv_learner *learner = NULL;
    assert_int_equal(gv_learner_create(&gv_learner_bcq, &setup, &learner), GV_OK);
    return learner;
}

static inline void export(void **state, const gv_learner *learner, const char *name,
                          char path[TEST_PATH_SIZE])
{
    test_folder_path(*state, name, path);
    assert_int_equal(gv_learner_export(learner, "test", path), GV_OK);
}

#endif
