#include "models/predict/fit.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/example_reader.h"
#include "models/predict/samples.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

#define P_MIN 1e-15

typedef struct fitting {
    const gv_fit_config *config;
    gv_fit_result *result;
    gv_sample_list samples;
    gv_example_reader *reader;
    gv_example_set learnt;
    gv_example_set held_out;
    gv_model *model;
    uint32_t *rows; /* [learnt] in the order of a pass */
    float *p;       /* [held out] */
    double best_loss;
    uint64_t stale;     /* passes since it was bettered */
    gv_progress within; /* of a pass, as the model tells of it */
    uint64_t epoch;     /* under way */
} fitting;

/* Rows a question while a pass is judged. */
enum { JUDGED_ROWS = 16384 };

double gv_fit_shift(gv_sampling sampling, double weight)
{
    return sampling == GV_SAMPLING_SHIFT ? log(1 / weight) : 0;
}

static gv_status check_classes(const fitting *fit, size_t clicks, size_t count)
{
    if (clicks > 0 && clicks < count) {
        return GV_OK;
    }
    return GV_FAIL(GV_EINVAL,
                   "%s: %s of the %zu impressions and clicks to learn from: give a longer span "
                   "with both, clicked and unclicked",
                   gv_log_path(fit->config->training.log),
                   clicks == 0 ? "there is no click in any" : "there is a click in every one",
                   count);
}

/* The first learn, the latest are held out; samples ascend in time. */
static gv_status read_examples(fitting *fit)
{
    const gv_fit_config *config = fit->config;
    const gv_sample_list *samples = &fit->samples;
    const size_t held_out = (size_t)(config->hold_out * (double)samples->count);
    const size_t learnt = samples->count - held_out;
    size_t clicks = 0;
    for (size_t i = 0; i < learnt; i++) {
        clicks += samples->items[i].is_clicked ? 1 : 0;
        fit->result->conversion_count += samples->items[i].is_converted ? 1 : 0;
    }
    GV_TRY(check_classes(fit, clicks, learnt));
    if (learnt > UINT32_MAX) {
        return GV_FAIL(GV_EINVAL, "more than %u samples: give a shorter span", UINT32_MAX);
    }
    fit->result->sample_count = learnt;
    fit->result->click_count = clicks;
    fit->result->held_out_count = held_out;
    const double weight = config->training.impression_weight;
    const gv_example_labels labels = {.conversions = samples->tells_conversions,
                                      .negative_weight = weight};
    GV_TRY(gv_example_reader_read(fit->reader, samples->items, learnt, &labels, &fit->learnt));
    GV_TRY(gv_example_reader_read(fit->reader, samples->items + learnt, held_out, &labels,
                                  &fit->held_out));
    return GV_OK;
}

/* What the model is shown as weights: 1 on average, or none. */
static void set_weights(fitting *fit)
{
    gv_example_set *set = &fit->learnt;
    if (fit->config->sampling == GV_SAMPLING_SHIFT) {
        set->view.weights = NULL;
        return;
    }
    double sum = 0;
    for (size_t i = 0; i < set->view.count; i++) {
        sum += (double)set->weights[i];
    }
    for (size_t i = 0; i < set->view.count; i++) {
        set->weights[i] = (float)((double)set->weights[i] * (double)set->view.count / sum);
    }
}

/* Rows of all passes together. */
static bool tell_rows(void *context, const char *what, uint64_t done, uint64_t total)
{
    const fitting *fit = context;
    return gv_progress_report(fit->config->progress, what, (fit->epoch - 1) * total + done,
                              fit->config->epochs * total);
}

static gv_status prepare(fitting *fit)
{
    const gv_fit_config *config = fit->config;
    char what[64];
    (void)snprintf(what, sizeof what, "reading for %s", config->type->info.name);
    GV_TRY(gv_example_reader_create(config->training.log, &config->fields, config->bits,
                                    config->type->info.name, &fit->reader));
    GV_TRY(gv_samples_gather(&config->training, what, config->progress, &fit->samples));
    GV_TRY(read_examples(fit));
    set_weights(fit);
    const gv_model_setup setup = {.config = config->config,
                                  .shape = gv_fields_shape(&config->fields, config->bits),
                                  .seed = config->seed,
                                  .jobs = config->jobs,
                                  .learns = true,
                                  .progress = &fit->within};
    GV_TRY(gv_model_create(config->type, &setup, &fit->model));
    fit->rows = gv_mem_alloc(0, fit->learnt.view.count, sizeof *fit->rows);
    fit->p = gv_mem_alloc(0, fit->held_out.view.count + 1, sizeof *fit->p);
    if (fit->rows == NULL || fit->p == NULL) {
        return GV_FAIL(GV_ENOMEM, "the order of %zu examples", fit->learnt.view.count);
    }
    return GV_OK;
}

/* Fisher and Yates, from (seed, pass) alone. */
static void shuffle(const fitting *fit, uint64_t epoch)
{
    const size_t count = fit->learnt.view.count;
    const gv_random random = gv_random_key(fit->config->seed, GV_STREAM_EXAMPLE, epoch);
    for (size_t i = 0; i < count; i++) {
        fit->rows[i] = (uint32_t)i;
    }
    for (size_t i = count; i > 1; i--) {
        const size_t j = (size_t)gv_random_below(&random, i, i);
        const uint32_t kept = fit->rows[i - 1];
        fit->rows[i - 1] = fit->rows[j];
        fit->rows[j] = kept;
    }
}

/* Rows first .. first + count - 1 of what is held out, without labels. */
static gv_examples held_out_rows(const fitting *fit, size_t first, size_t count)
{
    const gv_examples *all = &fit->held_out.view;
    gv_examples some = {.shape = all->shape,
                        .count = count,
                        .starts = all->starts + first * all->shape.field_count,
                        .buckets = all->buckets};
    if (all->shape.past_length > 0) {
        const size_t places = first * all->shape.past_length;
        some.past_counts = all->past_counts + first;
        some.past_buckets = all->past_buckets + places * all->shape.past_field_count;
        some.past_ages = all->past_ages + places;
    }
    return some;
}

/* The pass is over for whoever listens, but a stop is heard. */
static gv_status predict_held_out(fitting *fit)
{
    const size_t count = fit->held_out.view.count;
    const uint64_t learnt = fit->learnt.view.count;
    for (size_t first = 0; first < count; first += JUDGED_ROWS) {
        const size_t taken = count - first < JUDGED_ROWS ? count - first : JUDGED_ROWS;
        const gv_examples some = held_out_rows(fit, first, taken);
        if (!tell_rows(fit, "training", learnt, learnt)) {
            return GV_FAIL(GV_ESTOPPED, "judging a pass was stopped");
        }
        GV_TRY(gv_model_predict(fit->model, &some, fit->p + first, NULL));
    }
    return GV_OK;
}

static gv_status judge(fitting *fit, double *loss)
{
    const gv_examples *view = &fit->held_out.view;
    const gv_fit_config *config = fit->config;
    const gv_recalibration map = {
        .shift = gv_fit_shift(config->sampling, config->training.impression_weight)};
    double sum = 0;
    double weights = 0;
    GV_TRY(predict_held_out(fit));
    gv_recalibration_apply(&map, fit->p, view->count);
    for (size_t i = 0; i < view->count; i++) {
        const double p = fmin(fmax((double)fit->p[i], P_MIN), 1 - P_MIN);
        const double w = (double)view->weights[i];
        sum -= w * (view->clicks[i] > 0 ? log(p) : log1p(-p));
        weights += w;
    }
    *loss = sum / weights;
    return GV_OK;
}

static gv_status keep(const fitting *fit, uint64_t epoch)
{
    const gv_fit_config *config = fit->config;
    const gv_predictor_training *training = &config->training;
    gv_model_about about = {
        .type = config->type,
        .config = config->config,
        .fields = config->fields,
        .bits = config->bits,
        .sampling = config->sampling,
        .impression_weight = training->impression_weight,
        .seed = config->seed,
        .epochs = epoch,
        .log_identity = gv_log_identity(training->log),
        .from_us = training->start_us,
        .to_us = training->end_us,
        .recalibrations[GV_RATE_CLICK] = {.shift = gv_fit_shift(config->sampling,
                                                                training->impression_weight)},
    };
    (void)snprintf(about.version, sizeof about.version, "%s", config->version);
    gv_tensor tensors[GV_MODEL_TENSORS_MAX];
    gv_model_tensors list = {.tensors = tensors};
    gv_model_list_tensors(fit->model, &list);
    return gv_model_file_write(config->path, &about, tensors, list.count);
}

static gv_status finish_epoch(fitting *fit, gv_fit_row *row)
{
    row->is_judged = fit->held_out.view.count > 0;
    row->is_kept = !row->is_judged;
    if (row->is_judged) {
        GV_TRY(judge(fit, &row->held_out_loss));
        row->is_kept = fit->result->kept_epoch == 0 || row->held_out_loss < fit->best_loss;
    }
    fit->stale = row->is_kept ? 0 : fit->stale + 1;
    if (row->is_kept) {
        GV_TRY(keep(fit, row->epoch));
        fit->best_loss = row->held_out_loss;
        fit->result->kept_epoch = row->epoch;
        fit->result->held_out_loss = row->is_judged ? row->held_out_loss : (double)NAN;
    }
    fit->result->epochs = row->epoch;
    if (fit->config->tell != NULL) {
        fit->config->tell(fit->config->context, row);
    }
    return GV_OK;
}

static gv_status go_through_one(fitting *fit, gv_fit_row *row)
{
    fit->epoch = row->epoch;
    shuffle(fit, row->epoch);
    GV_TRY(gv_model_learn(fit->model, &fit->learnt.view, fit->rows, fit->learnt.view.count,
                          &row->loss));
    return finish_epoch(fit, row);
}

static gv_status go_through(fitting *fit)
{
    const gv_fit_config *config = fit->config;
    for (uint64_t epoch = 1; epoch <= config->epochs; epoch++) {
        gv_fit_row row = {.epoch = epoch, .held_out_loss = (double)NAN};
        const gv_status status = go_through_one(fit, &row);
        if (status == GV_ESTOPPED) {
            return GV_FAIL(GV_ESTOPPED, "training was stopped in pass %llu",
                           (unsigned long long)epoch);
        }
        GV_TRY(status);
        if (row.is_judged && config->patience > 0 && fit->stale >= config->patience) {
            break;
        }
    }
    return GV_OK;
}

gv_status gv_fit(const gv_fit_config *config, gv_fit_result *result)
{
    fitting fit = {.config = config, .result = result, .best_loss = INFINITY};
    assert(config->epochs >= 1);
    assert(0 <= config->hold_out);
    assert(config->hold_out < 1);
    *result = (gv_fit_result){.held_out_loss = (double)NAN};
    fit.within = (gv_progress){tell_rows, &fit};
    gv_status status = prepare(&fit);
    if (status == GV_OK) {
        status = go_through(&fit);
    }
    gv_model_destroy(fit.model);
    gv_example_reader_destroy(fit.reader);
    gv_example_set_fini(&fit.learnt);
    gv_example_set_fini(&fit.held_out);
    gv_samples_fini(&fit.samples);
    gv_mem_free(fit.rows);
    gv_mem_free(fit.p);
    return status;
}
