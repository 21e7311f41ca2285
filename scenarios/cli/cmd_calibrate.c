/* gavel calibrate: a trained model's probabilities brought in line with a log. */
#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/fit.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/log_span.h"
#include "scenarios/cli/output.h"
#include "scenarios/run/predictions.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum { KEY_METHOD = 256, KEY_CONVERSIONS };

typedef enum method { METHOD_PLATT, METHOD_ISOTONIC, METHOD_PRIOR, METHOD_NONE } method;

static const char *const methods[] = {"platt", "isotonic", "prior", "none", NULL};

typedef struct calibrate_request {
    const char *model_path;
    const char *log_path;
    const char *out_path; /* NULL: the model's own */
    gv_cli_span span;
    method method;
    gv_rate rate;
    size_t jobs;
    bool quiet;
} calibrate_request;

static const struct argp_option options[] = {
    {"method", KEY_METHOD, "NAME", 0,
     "platt (default): a line over logits; isotonic: the best rising steps; prior: the mean alone; "
     "none: as it was trained",
     0},
    {"conversions", KEY_CONVERSIONS, NULL, 0,
     "The probability of a click to convert, by the clicks of the span, and not that of a click",
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
    case KEY_CONVERSIONS:
        request->rate = GV_RATE_CONVERSION;
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
           "and keeps it in the model's file: of clicks, or, with --conversions, of conversions "
           "after a click, each without a change to the other. Give a span that the model was not "
           "trained on.\v"
           "Example:\n"
           "  gavel train ftrl june.gvlog -o ctr.safetensors --to 2013-06-10\n"
           "  gavel calibrate ctr.safetensors june.gvlog --from 2013-06-10 --to 2013-06-11\n"
           "  gavel predict ctr.safetensors june.gvlog --from 2013-06-11\n"
           "  gavel calibrate infnet.safetensors june.gvlog --from 2013-06-10 --conversions",
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
    const bool of_clicks = request->rate == GV_RATE_CLICK;
    const char *path = request->out_path == NULL ? request->model_path : request->out_path;
    gv_cli_talk(request->quiet, "%s: %s%s", path,
                of_clicks ? "" : "conversions: ", methods[request->method]);
    if (map->kind == GV_RECALIBRATE_PLATT) {
        gv_cli_talk(request->quiet, ", slope %.4g, offset %.4g", map->slope, map->offset);
    } else if (map->kind == GV_RECALIBRATE_ISOTONIC) {
        gv_cli_talk(request->quiet, ", %zu knots", map->knot_count);
    }
    gv_cli_talk(request->quiet, ", shift %.4g; log loss of the %zu %s %.6g, before %.6g\n",
                map->shift, count, of_clicks ? "samples" : "clicks", losses[1], losses[0]);
}

/* What to fit to, with p to be recalibrated in place. */
typedef struct material {
    gv_judged judged;
    double *weights;
    gv_recalibration_data data;
} material;

static void fini_material(material *of)
{
    gv_judged_fini(&of->judged);
    gv_mem_free(of->weights);
}

static gv_status choose_material(gv_rate rate, const gv_predictions *predictions, material *out)
{
    gv_judged *judged = &out->judged;
    GV_TRY(gv_predictions_choose(predictions, rate, judged));
    out->weights = gv_mem_alloc(0, judged->count, sizeof *out->weights);
    if (out->weights == NULL) {
        return GV_FAIL(GV_ENOMEM, "%zu examples to calibrate on", judged->count);
    }
    for (size_t i = 0; i < judged->count; i++) {
        out->weights[i] = (double)judged->weights[i];
    }
    out->data =
        (gv_recalibration_data){.p = judged->p,
                                .labels = judged->labels,
                                .weights = out->weights,
                                .count = judged->count,
                                .event = rate == GV_RATE_CLICK ? "were clicked" : "converted"};
    return GV_OK;
}

/* map: as it was trained; what is predicted has that already. */
static gv_status calibrate(const calibrate_request *request, gv_served *served, material *of,
                           gv_recalibration *map)
{
    const gv_recalibration_data *data = &of->data;
    double losses[2] = {loss_of(data)};
    const double own_shift = map->shift;
    GV_TRY(fit(request->method, data, map));
    gv_recalibration more = *map;
    more.shift = map->shift - own_shift;
    gv_recalibration_apply(&more, of->judged.p, data->count);
    losses[1] = loss_of(data);
    gv_served_recalibrate(served, request->rate, map);
    GV_TRY(gv_served_write(served,
                           request->out_path == NULL ? request->model_path : request->out_path));
    tell(request, map, data->count, losses);
    return GV_OK;
}

/* The rate as it was trained, without an earlier recalibration; the other one stays. */
static gv_status calibrate_on(const calibrate_request *request, gv_served *served,
                              const gv_log *log)
{
    const gv_model_about *about = gv_served_about(served);
    const gv_progress *progress = gv_cli_progress(request->quiet);
    const bool of_clicks = request->rate == GV_RATE_CLICK;
    const gv_recalibration trained = {
        .shift = of_clicks ? gv_fit_shift(about->sampling, about->impression_weight) : 0};
    gv_recalibration map = trained;
    gv_predictor_training training;
    gv_predictions predictions;
    material of = {.weights = NULL};
    GV_TRY(gv_predictions_check_rate(served, request->model_path, request->rate));
    GV_TRY(gv_cli_span_of(&request->span, log, about->impression_weight, &training));
    gv_cli_warn_of_overlap(request->quiet, about, &training);
    gv_served_recalibrate(served, request->rate, &trained);
    GV_TRY(gv_predictions_make(served, &training, NULL, progress, &predictions));
    gv_status status = choose_material(request->rate, &predictions, &of);
    if (status == GV_OK) {
        status = calibrate(request, served, &of, &map);
    }
    gv_recalibration_fini(&map);
    fini_material(&of);
    gv_predictions_fini(&predictions);
    return status;
}

static gv_status work(const calibrate_request *request)
{
    gv_served *served = NULL;
    gv_log *log = NULL;
    GV_TRY(gv_cli_spare(request->out_path, &request->log_path, 1));
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
