/* gavel predict: a trained model's answers on a log, and how good they are. */
#include <argp.h>
#include <stdio.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/log_span.h"
#include "scenarios/cli/output.h"
#include "scenarios/report/quality.h"
#include "scenarios/run/predictions.h"
#include "sim/base/clock.h"
#include "sim/base/parallel.h"

enum {
    KEY_PLOT = 256,
    KEY_EXAMPLES,
    KEY_GROUP,
    KEY_REPLICATES,
    KEY_LEVEL,
    KEY_SEED,
    KEY_JSON,
    KEY_CONVERSIONS,
    TIME_SIZE = 64,
    REPLICATES_MIN = 100,
    REPLICATES_MAX = 100000,
};

typedef struct predict_request {
    const char *model_path;
    const char *log_path;
    const char *csv_path;      /* NULL: none */
    const char *stem;          /* of a plot; NULL: none */
    const char *examples_path; /* NULL: none */
    const char *group_by;      /* NULL: user, where there is one */
    gv_cli_span span;
    gv_quality_config quality;
    gv_rate rate;
    size_t jobs;
    bool as_json;
    bool quiet;
} predict_request;

static const struct argp_option options[] = {
    {"output", 'o', "FILE.csv", 0, "Write every sample with its prediction", 0},
    GV_CLI_SPAN_OPTIONS,
    {"conversions", KEY_CONVERSIONS, NULL, 0,
     "Judge the probability of a click to convert, by the clicks of the span, and not that of a "
     "click",
     0},
    {"plot", KEY_PLOT, "STEM", 0, "Draw predicted and observed rates: STEM.png and STEM.svg", 0},
    {"examples", KEY_EXAMPLES, "FILE.safetensors", 0,
     "Write the samples as the model sees them, for other programs: hashed fields and labels", 0},
    {"group", KEY_GROUP, "COLUMN", 0, "Groups of GAUC (default: user)", 0},
    {"replicates", KEY_REPLICATES, "N", 0, "Resamples behind an interval (default: 1000)", 0},
    {"level", KEY_LEVEL, "SHARE", 0, "Of the intervals (default: 0.95)", 0},
    {"seed", KEY_SEED, "N", 0, "Of the resamples (default: 1)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the answers are the same", 0},
    {"json", KEY_JSON, NULL, 0, "As JSON", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static error_t take_number(int key, const char *text, struct argp_state *state)
{
    predict_request *request = state->input;
    switch (key) {
    case KEY_REPLICATES:
        request->quality.replicates =
            (size_t)gv_cli_count("--replicates", text, REPLICATES_MAX, state);
        if (request->quality.replicates < REPLICATES_MIN) {
            argp_error(state, "--replicates: expected at least %d", REPLICATES_MIN);
        }
        return 0;
    case KEY_LEVEL:
        request->quality.level = gv_cli_share("--level", text, state);
        if (request->quality.level == 0) {
            argp_error(state, "--level: expected a share above 0");
        }
        return 0;
    case KEY_SEED:
        request->quality.seed = gv_cli_count("--seed", text, UINT32_MAX, state);
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    default:
        return gv_cli_span_take(&request->span, key, text, state);
    }
}

static void take_argument(predict_request *request, const char *text, struct argp_state *state)
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
    predict_request *request = state->input;
    switch (key) {
    case 'o':
        request->csv_path = text;
        return 0;
    case KEY_PLOT:
        request->stem = text;
        return 0;
    case KEY_EXAMPLES:
        request->examples_path = text;
        return 0;
    case KEY_GROUP:
        request->group_by = text;
        return 0;
    case KEY_CONVERSIONS:
        request->rate = GV_RATE_CONVERSION;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(request, text, state);
        return 0;
    case ARGP_KEY_END:
        if (request->log_path == NULL) {
            argp_error(state, "name a model and a log: gavel predict ctr.safetensors june.gvlog");
        }
        return 0;
    default:
        return take_number(key, text, state);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "MODEL.safetensors LOG.gvlog",
    .doc = "Asks a trained model about a log's impressions and clicks, and says how good its "
           "answers are: AUC, GAUC, log loss, relative information gain and calibration, with "
           "bootstrap intervals; with --conversions, about what of the clicks converted. "
           "--impression-weight is the model's own where it is not given.\v"
           "Example:\n"
           "  gavel predict ctr.safetensors june.gvlog --from 2013-06-11\n"
           "  gavel predict ctr.safetensors june.gvlog --from 2013-06-11 -o june.csv --plot june\n"
           "  gavel predict mlp.safetensors june.gvlog --from 2013-06-11 --conversions",
};

static gv_status report(const predict_request *request, const gv_predictor_training *training,
                        const gv_served *served, const gv_predictions *predictions,
                        const gv_judged *judged)
{
    const int64_t zone_us = gv_log_zone_us(training->log);
    const bool of_conversions = request->rate == GV_RATE_CONVERSION;
    gv_quality quality;
    char from[TIME_SIZE];
    char to[TIME_SIZE];
    GV_TRY(gv_judged_measure(judged, &request->quality, &quality));
    gv_time_print(training->start_us, zone_us, from, sizeof from);
    gv_time_print(training->end_us, zone_us, to, sizeof to);
    const gv_quality_report told = {
        .model = request->model_path,
        .type = gv_served_about(served)->type->info.name,
        .log = request->log_path,
        .from = from,
        .to = to,
        .group_by = predictions->group_by,
        .cluster_us = predictions->cluster_us,
        .cluster_count = judged->cluster_count,
        .clicks = predictions->samples.click_count,
        .conversions = of_conversions ? judged->positives : predictions->samples.conversion_count,
        .of_conversions = of_conversions,
        .level = request->quality.level,
        .replicates = request->quality.replicates,
        .seed = request->quality.seed,
        .quality = &quality};
    gv_cli_progress_end();
    if (request->stem != NULL) {
        GV_TRY(gv_quality_plot(&told, request->stem));
    }
    if (request->as_json) {
        gv_quality_json(&told, stdout);
        return GV_OK;
    }
    const gv_report_options how = gv_report_options_for(stdout);
    return gv_quality_print(&told, stdout, &how);
}

static gv_status judge(const predict_request *request, const gv_predictor_training *training,
                       const gv_served *served, const gv_predictions *predictions)
{
    gv_judged judged;
    GV_TRY(gv_predictions_choose(predictions, request->rate, &judged));
    gv_status status = GV_OK;
    if (request->rate == GV_RATE_CONVERSION && judged.positives == 0) {
        status = GV_FAIL(GV_EINVAL,
                         "%s: none of its %zu clicks in the span converted, which leaves nothing "
                         "to judge: give a span or a log with conversions",
                         request->log_path, judged.count);
    } else {
        status = report(request, training, served, predictions, &judged);
    }
    gv_judged_fini(&judged);
    return status;
}

static gv_status predict_log(const predict_request *request, gv_served *served, const gv_log *log)
{
    const gv_progress *progress = gv_cli_progress(request->quiet);
    gv_predictor_training training;
    gv_predictions predictions;
    GV_TRY(gv_predictions_check_rate(served, request->model_path, request->rate));
    GV_TRY(
        gv_cli_span_of(&request->span, log, gv_served_about(served)->impression_weight, &training));
    gv_cli_warn_of_overlap(request->quiet, gv_served_about(served), &training);
    if (gv_served_sharing(served) != NULL) {
        gv_cli_talk(request->quiet, "%s: %s\n", request->model_path, gv_served_sharing(served));
    }
    GV_TRY(gv_predictions_make(served, &training, request->group_by, progress, &predictions));
    gv_status status = GV_OK;
    if (request->csv_path != NULL) {
        status = gv_predictions_write_csv(&predictions, log, request->csv_path);
    }
    if (status == GV_OK && request->examples_path != NULL) {
        status = gv_served_export(served, predictions.samples.items, predictions.samples.count,
                                  training.impression_weight, request->examples_path);
    }
    if (status == GV_OK) {
        status = judge(request, &training, served, &predictions);
    }
    gv_predictions_fini(&predictions);
    return status;
}

static gv_status predict(const predict_request *request)
{
    gv_served *served = NULL;
    gv_log *log = NULL;
    const char *const inputs[] = {request->model_path, request->log_path, request->examples_path};
    GV_TRY(gv_cli_spare(request->csv_path, inputs, 3));
    GV_TRY(gv_cli_spare(request->examples_path, inputs, 2));
    GV_TRY(gv_served_open(request->model_path, request->jobs, &served));
    gv_status status = gv_log_open(request->log_path, &log);
    if (status == GV_OK) {
        status = predict_log(request, served, log);
    }
    gv_served_close(served);
    gv_log_close(log);
    return status;
}

static int run(int argc, char **argv)
{
    predict_request request = {.quality = {.replicates = 1000, .seed = 1, .level = 0.95},
                               .jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = predict(&request);
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request.quiet, "gavel: stopped; nothing was written\n");
        return GV_EXIT_INTERRUPTED;
    }
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

const gv_command gv_command_predict = {
    .name = "predict",
    .summary = "ask a trained model of clicks about a log, and say how good it is",
    .run = run,
};
