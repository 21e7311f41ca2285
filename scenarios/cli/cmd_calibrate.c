/* gavel calibrate: a trained model's probabilities brought in line with a log. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/fit.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/log_span.h"
#include "scenarios/run/predictions.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum { KEY_METHOD = 256 };

typedef enum method { METHOD_PLATT, METHOD_ISOTONIC, METHOD_PRIOR, METHOD_NONE } method;

static const char *const methods[] = {"platt", "isotonic", "prior", "none", NULL};

typedef struct calibrate_request {
    const char *model_path;
    const char *log_path;
    const char *out_path; /* NULL: the model's own */
    gv_cli_span span;
    method method;
    size_t jobs;
    bool quiet;
} calibrate_request;

static const struct argp_option options[] = {
    {"method", KEY_METHOD, "NAME", 0,
     "platt (default): a line over logits; isotonic: the best rising steps; prior: the mean alone; "
     "none: as it was trained",
     0},
    {"output", 'o', "FILE", 0, "Where to write (default: over the model)", 0},
    GV_CLI_SPAN_OPTIONS,
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the file is the same", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static void take_method(calibrate_request *request, const char *text, struct argp_state *state)
{
    for (size_t i = 0; methods[i] != NULL; i++) {
        if (strcmp(methods[i], text) == 0) {
            request->method = (method)i;
            return;
        }
    }
    argp_error(state, "--method: expected platt, isotonic, prior or none, found '%s'", text);
}

static void take_argument(calibrate_request *request, const char *text, struct argp_state *state)
{
    if (request->model_path == NULL) {
        request->model_path = text;
    } else if (request->log_path == NULL) {
        request->log_path = text;
    } else {
        argp_error(state, "one model and one log: '%s' is too many", text);
    }
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    calibrate_request *request = state->input;
    switch (key) {
    case KEY_METHOD:
        take_method(request, text, state);
        return 0;
    case 'o':
        request->out_path = text;
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(request, text, state);
        return 0;
    case ARGP_KEY_END:
        if (request->log_path == NULL) {
            argp_error(state, "name a model and a log: gavel calibrate ctr.safetensors june.gvlog");
        }
        return 0;
    default:
        return gv_cli_span_take(&request->span, key, text, state);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "MODEL.safetensors LOG.gvlog",
    .doc = "Fits how a trained model's probabilities are brought in line with what a log holds, "
           "and keeps it in the model's file. Give a span that the model was not trained on.\v"
           "Example:\n"
           "  gavel train ftrl june.gvlog -o ctr.safetensors --to 2013-06-10\n"
           "  gavel calibrate ctr.safetensors june.gvlog --from 2013-06-10 --to 2013-06-11\n"
           "  gavel predict ctr.safetensors june.gvlog --from 2013-06-11",
};

/* ---- the work -------------------------------------------------------------------------------- */

/* Weighted log loss of what is predicted. */
static double loss_of(const gv_recalibration_data *data)
{
    double sum = 0;
    double weights = 0;
    for (size_t i = 0; i < data->count; i++) {
        const double p = fmin(fmax((double)data->p[i], 1e-15), 1 - 1e-15);
        sum -= data->weights[i] * (data->labels[i] > 0 ? log(p) : log1p(-p));
        weights += data->weights[i];
    }
    return sum / weights;
}

/* map: with the model's own shift. */
static gv_status fit(method how, const gv_recalibration_data *data, gv_recalibration *map)
{
    double shift = 0;
    switch (how) {
    case METHOD_PLATT:
        return gv_recalibration_fit_platt(data, map);
    case METHOD_ISOTONIC:
        return gv_recalibration_fit_isotonic(data, map);
    case METHOD_PRIOR:
        GV_TRY(gv_recalibration_fit_shift(data, &shift));
        map->shift += shift;
        return GV_OK;
    case METHOD_NONE:
    default:
        return GV_OK;
    }
}

static void tell(const calibrate_request *request, const gv_recalibration *map, size_t count,
                 const double losses[2])
{
    const char *path = request->out_path == NULL ? request->model_path : request->out_path;
    gv_cli_talk(request->quiet, "%s: %s", path, methods[request->method]);
    if (map->kind == GV_RECALIBRATE_PLATT) {
        gv_cli_talk(request->quiet, ", slope %.4g, offset %.4g", map->slope, map->offset);
    } else if (map->kind == GV_RECALIBRATE_ISOTONIC) {
        gv_cli_talk(request->quiet, ", %zu knots", map->knot_count);
    }
    gv_cli_talk(request->quiet, ", shift %.4g; log loss of the %zu samples %.6g, before %.6g\n",
                map->shift, count, losses[1], losses[0]);
}

/* predictions: as they were trained, without an earlier recalibration. */
static gv_status calibrate(const calibrate_request *request, const gv_served *served,
                           gv_predictions *predictions, gv_recalibration *map)
{
    const size_t count = predictions->samples.count;
    double *weights = gv_mem_alloc(0, count, sizeof *weights);
    if (weights == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu weights", count);
    }
    for (size_t i = 0; i < count; i++) {
        weights[i] = (double)predictions->weights[i];
    }
    const gv_recalibration_data data = {
        .p = predictions->pctr, .labels = predictions->labels, .weights = weights, .count = count};
    double losses[2] = {loss_of(&data)};
    const double own_shift = map->shift;
    gv_status status = fit(request->method, &data, map);
    if (status == GV_OK) {
        gv_recalibration more = *map;
        more.shift = map->shift - own_shift; /* what is predicted has the model's own already */
        gv_recalibration_apply(&more, predictions->pctr, count);
        losses[1] = loss_of(&data);
        status = gv_served_write(
            served, map, request->out_path == NULL ? request->model_path : request->out_path);
    }
    gv_mem_free(weights);
    if (status == GV_OK) {
        tell(request, map, count, losses);
    }
    return status;
}

static gv_status calibrate_on(const calibrate_request *request, gv_served *served,
                              const gv_log *log)
{
    const gv_model_about *about = gv_served_about(served);
    const gv_progress *progress = gv_cli_progress(request->quiet);
    gv_recalibration trained = {.shift = gv_fit_shift(about->sampling, about->impression_weight)};
    gv_recalibration map = trained;
    gv_predictor_training training;
    gv_predictions predictions;
    GV_TRY(gv_cli_span_of(&request->span, log, about->impression_weight, &training));
    gv_cli_warn_of_overlap(request->quiet, about, &training);
    gv_served_recalibrate(served, &trained);
    GV_TRY(gv_predictions_make(served, &training, NULL, progress, &predictions));
    const gv_status status = calibrate(request, served, &predictions, &map);
    gv_recalibration_fini(&map);
    gv_predictions_fini(&predictions);
    return status;
}

static gv_status work(const calibrate_request *request)
{
    gv_served *served = NULL;
    gv_log *log = NULL;
    GV_TRY(gv_served_open(request->model_path, request->jobs, &served));
    gv_status status = gv_log_open(request->log_path, &log);
    if (status == GV_OK) {
        status = calibrate_on(request, served, log);
    }
    gv_served_close(served);
    gv_log_close(log);
    return status;
}

static int run(int argc, char **argv)
{
    calibrate_request request = {.jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = work(&request);
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request.quiet, "gavel: stopped; the model is as it was\n");
        return GV_EXIT_INTERRUPTED;
    }
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

const gv_command gv_command_calibrate = {
    .name = "calibrate",
    .summary = "bring a trained model's probabilities in line with a log",
    .run = run,
};
