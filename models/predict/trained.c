/*
 * pCTR of a trained model: of a file that `gavel train` wrote (`model`), or of one that is trained
 * on the scenario's own history (`trained`), as `gavel train` would on the same span.
 *
 * A model has scratch of its own, so the threads that ask take turns. What a row was priced at is
 * kept: every policy of a scenario asks for the same ones.
 */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/predict/fit.h"
#include "models/predict/predictors.h"
#include "models/predict/served.h"
#include "models/predict/types_impl.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

enum { TOGETHER = 1024, NAMES_MAX = 64, WORD_SIZE = 128, PATH_SIZE = 512 };

#define UNKNOWN (-1.0F)

typedef struct shared_model {
    pthread_mutex_t lock;
    gv_served *served;
    float *prices; /* [impressions of the log]; UNKNOWN: not asked for yet */
} shared_model;

typedef struct trained_state {
    const void *config;
    const gv_log *log;
    const gv_log_column *time;
    shared_model *shared; /* NULL: not yet fitted */
} trained_state;

/* ---- asking ---------------------------------------------------------------------------------- */

/* Opens the file and binds it to the log of the campaigns. */
static gv_status open_shared(trained_state *state, const char *path)
{
    shared_model *shared = gv_mem_alloc(sizeof *shared, 0, 0);
    if (shared == NULL || pthread_mutex_init(&shared->lock, NULL) != 0) {
        gv_mem_free(shared);
        return GV_FAIL(GV_ENOMEM, "no memory for the model %s", path);
    }
    state->shared = shared;
    const size_t rows = (size_t)gv_log_rows(state->log, GV_LOG_IMPRESSION);
    shared->prices = gv_mem_alloc(0, rows, sizeof *shared->prices);
    if (shared->prices == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the prices of %zu impressions", rows);
    }
    for (size_t i = 0; i < rows; i++) {
        shared->prices[i] = UNKNOWN;
    }
    GV_TRY(gv_served_open(path, 1, &shared->served));
    return gv_served_bind(shared->served, state->log);
}

static gv_status bind_time(trained_state *state, const gv_log *log)
{
    state->log = log;
    state->time = gv_log_find(log, GV_LOG_IMPRESSION, gv_log_role_name(GV_ROLE_TIME));
    return state->time != NULL
               ? GV_OK
               : GV_FAIL(GV_ENOTFOUND, "%s: the impression table has no time", gv_log_path(log));
}

/* Those of at most TOGETHER rows that have no price yet. */
static gv_status price_unknown(const trained_state *state, const uint64_t *rows, size_t count)
{
    gv_sample samples[TOGETHER];
    float prices[TOGETHER];
    size_t unknown = 0;
    for (size_t i = 0; i < count; i++) {
        GV_TRY(gv_log_check(state->time, rows[i], 1));
        if (state->shared->prices[rows[i]] == UNKNOWN) {
            samples[unknown++] =
                (gv_sample){.row = rows[i], .time_us = gv_log_integers(state->time)[rows[i]]};
        }
    }
    GV_TRY(gv_served_price(state->shared->served, samples, unknown, prices, NULL));
    for (size_t i = 0; i < unknown; i++) {
        state->shared->prices[samples[i].row] = prices[i];
    }
    return GV_OK;
}

static gv_status trained_predict(const void *raw, const uint64_t *rows, size_t count, double *pctr)
{
    const trained_state *state = raw;
    gv_status status = GV_OK;
    assert(state->shared != NULL);
    (void)pthread_mutex_lock(&state->shared->lock);
    for (size_t first = 0; first < count && status == GV_OK; first += TOGETHER) {
        const size_t taken = count - first < TOGETHER ? count - first : TOGETHER;
        status = price_unknown(state, rows + first, taken);
        for (size_t i = first; status == GV_OK && i < first + taken; i++) {
            pctr[i] = (double)state->shared->prices[rows[i]];
        }
    }
    (void)pthread_mutex_unlock(&state->shared->lock);
    return status;
}

static void trained_fini(void *raw)
{
    trained_state *state = raw;
    if (state->shared != NULL) {
        gv_served_close(state->shared->served);
        (void)pthread_mutex_destroy(&state->shared->lock);
        gv_mem_free(state->shared->prices);
        gv_mem_free(state->shared);
    }
}

/* ---- model: from a file ---------------------------------------------------------------------- */

typedef struct model_config {
    const char *weights;
} model_config;

static const gv_param model_params[] = {
    {.name = "weights",
     .kind = GV_PARAM_PATH,
     .offset = offsetof(model_config, weights),
     .help = "the model's file, of `gavel train` with a model of clicks"},
    {0},
};

static gv_status model_init(void *raw, const void *config, const gv_log *log)
{
    trained_state *state = raw;
    const char *path = ((const model_config *)config)->weights;
    if (path == NULL) {
        return GV_FAIL(GV_EINVAL, "predictor model needs `weights:`, a file of `gavel train`");
    }
    GV_TRY(bind_time(state, log));
    return open_shared(state, path);
}

const gv_predictor_type gv_predictor_model = {
    .info = {.name = "model",
             .summary = "a model of clicks that `gavel train` wrote",
             .params = model_params,
             .config_size = sizeof(model_config)},
    .state_size = sizeof(trained_state),
    .init = model_init,
    .predict = trained_predict,
    .fini = trained_fini,
};

const char *gv_predictor_model_path(const gv_predictor_type *type, const void *config)
{
    return type == &gv_predictor_model ? ((const model_config *)config)->weights : NULL;
}

/* ---- trained: on the scenario's history ------------------------------------------------------ */

typedef struct trained_config {
    const char *model;
    const char *fields;
    const char *set;
    int64_t bits;
    int64_t seed;
    int32_t sampling;
    double hold_out;
} trained_config;

#define USUAL "usual"

static const gv_param trained_params[] = {
    {.name = "model",
     .kind = GV_PARAM_TEXT,
     .fallback = "ftrl",
     .offset = offsetof(trained_config, model),
     .help = "one of `gavel list models`"},
    {.name = "fields",
     .kind = GV_PARAM_TEXT,
     .fallback = USUAL,
     .offset = offsetof(trained_config, fields),
     .help =
         "what it sees, as `gavel train --fields` has it; usual: what the log has of the usual"},
    {.name = "set",
     .kind = GV_PARAM_TEXT,
     .fallback = "",
     .offset = offsetof(trained_config, set),
     .help = "parameters of the model between blanks: \"alpha=0.1 l1=1\""},
    {.name = "bits",
     .kind = GV_PARAM_INTEGER,
     .fallback = "20",
     .minimum = GV_FIELD_BITS_MIN,
     .maximum = GV_FIELD_BITS_MAX,
     .offset = offsetof(trained_config, bits),
     .help = "values are hashed to 2^bits buckets"},
    {.name = "seed",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1",
     .maximum = 1e12,
     .offset = offsetof(trained_config, seed),
     .help = "of starting weights and shuffles"},
    {.name = "sampling",
     .kind = GV_PARAM_CHOICE,
     .fallback = "shift",
     .choices = gv_sampling_names,
     .offset = offsetof(trained_config, sampling),
     .help = "how sampled negatives are learnt: the odds shifted afterwards, or weighed"},
    {.name = "hold_out",
     .kind = GV_PARAM_REAL,
     .fallback = "0.1",
     .maximum = 0.9,
     .offset = offsetof(trained_config, hold_out),
     .help = "share of the samples, the latest, by which the best pass is chosen"},
    {0},
};

static gv_status find_model(const trained_config *config, const gv_model_type **type)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; gv_model_types[count] != NULL && count < NAMES_MAX; count++) {
        names[count] = gv_model_types[count]->info.name;
    }
    *type = gv_model_find(config->model);
    if (*type != NULL) {
        return GV_OK;
    }
    const char *nearest = gv_param_nearest(names, count, config->model);
    return GV_FAIL(GV_EINVAL, "there is no model '%s'%s%s%s", config->model,
                   nearest == NULL ? ": `gavel list models` shows them" : "; did you mean '",
                   nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static gv_status set_word(const gv_model_type *type, const char *word, size_t size, void *config)
{
    char text[WORD_SIZE];
    const char *equals = memchr(word, '=', size);
    if (equals == NULL || size >= sizeof text) {
        return GV_FAIL(GV_EINVAL, "predictor trained: set: expected KEY=VALUE, found '%.*s'",
                       (int)size, word);
    }
    memcpy(text, word, size);
    text[size] = '\0';
    text[equals - word] = '\0';
    const gv_param *row = gv_param_find(type->info.params, text);
    if (row == NULL) {
        return GV_FAIL(GV_EINVAL, "predictor trained: set: %s has no '%s'", type->info.name, text);
    }
    if (gv_param_parse(row, text + (equals - word) + 1, 0, config) != GV_OK) {
        char detail[400];
        (void)snprintf(detail, sizeof detail, "%s", gv_status_detail());
        return GV_FAIL(GV_EINVAL, "predictor trained: set: %s: %s", text, detail);
    }
    return GV_OK;
}

/* config: [config_size], zeroed. */
static gv_status set_all(const gv_model_type *type, const char *words, void *config)
{
    gv_param_defaults(type->info.params, config);
    for (const char *at = words; *at != '\0';) {
        const size_t size = strcspn(at, " ");
        if (size > 0) {
            GV_TRY(set_word(type, at, size, config));
        }
        at += size + (at[size] == ' ' ? 1 : 0);
    }
    return GV_OK;
}

static gv_status read_fields(const trained_config *config, const gv_log *log, gv_fields *fields)
{
    if (strcmp(config->fields, USUAL) == 0) {
        return gv_fields_usual(log, fields);
    }
    const gv_status status = gv_fields_parse(config->fields, strlen(config->fields), fields);
    if (status == GV_EUSAGE) {
        char detail[900];
        (void)snprintf(detail, sizeof detail, "%s", gv_status_detail());
        return GV_FAIL(GV_EINVAL, "%s", detail);
    }
    return status;
}

static gv_status trained_init(void *raw, const void *config, const gv_log *log)
{
    trained_state *state = raw;
    const gv_model_type *type = NULL;
    state->config = config;
    GV_TRY(find_model(config, &type));
    return bind_time(state, log);
}

static uint64_t epochs_of(const gv_model_type *type, const void *config)
{
    char text[64];
    gv_param_print(gv_param_find(type->info.params, "epochs"), config, text, sizeof text);
    return strtoull(text, NULL, 10);
}

/* Trains into a file at `path` and opens that. model_config: [config_size], zeroed. */
static gv_status fit_into(trained_state *state, const gv_predictor_training *training,
                          const gv_progress *progress, void *model_config_block, const char *path)
{
    const trained_config *config = state->config;
    gv_fit_result result;
    gv_fit_config work = {.training = *training,
                          .bits = (unsigned)config->bits,
                          .sampling = (gv_sampling)config->sampling,
                          .seed = (uint64_t)config->seed,
                          .jobs = 1,
                          .hold_out = config->hold_out,
                          .path = path,
                          .version = "",
                          .progress = progress,
                          .config = model_config_block};
    GV_TRY(find_model(config, &work.type));
    GV_TRY(set_all(work.type, config->set, model_config_block));
    GV_TRY(read_fields(config, training->log, &work.fields));
    work.epochs = epochs_of(work.type, model_config_block);
    GV_TRY(gv_fit(&work, &result));
    return open_shared(state, path);
}

/* Through a file of its own that is gone when it is mapped. */
static gv_status trained_fit(void *raw, const gv_predictor_training *training,
                             const gv_progress *progress)
{
    trained_state *state = raw;
    const gv_model_type *type = NULL;
    const char *folder = gv_file_temporary_folder();
    char path[PATH_SIZE];
    GV_TRY(find_model(state->config, &type));
    (void)snprintf(path, sizeof path, "%s/gavel-model-XXXXXX", folder);
    const int descriptor = mkstemp(path);
    if (descriptor < 0) {
        return GV_FAIL(GV_EIO, "no file for a model can be made in %s: set TMPDIR", folder);
    }
    (void)close(descriptor);
    void *config = gv_mem_alloc(0, 1, type->info.config_size);
    const gv_status status = config == NULL
                                 ? GV_FAIL(GV_ENOMEM, "no memory for a model's parameters")
                                 : fit_into(state, training, progress, config, path);
    gv_mem_free(config);
    (void)unlink(path);
    return status;
}

const gv_predictor_type gv_predictor_trained = {
    .info = {.name = "trained",
             .summary = "a model of clicks, trained on the scenario's history",
             .params = trained_params,
             .config_size = sizeof(trained_config)},
    .state_size = sizeof(trained_state),
    .needs_training = true,
    .init = trained_init,
    .fit = trained_fit,
    .predict = trained_predict,
    .fini = trained_fini,
};
