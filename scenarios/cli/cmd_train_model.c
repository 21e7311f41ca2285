/* gavel train MODEL: a model of clicks from a log to a model file. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/fit.h"
#include "models/predict/served.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/log_span.h"
#include "scenarios/cli/output.h"
#include "scenarios/run/version.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum {
    KEY_FIELDS = 256,
    KEY_BITS,
    KEY_SAMPLING,
    KEY_SEED,
    KEY_EPOCHS,
    KEY_HOLD_OUT,
    KEY_PATIENCE,
    KEY_JSON,
    BITS_USUAL = 20,
    EPOCHS_MAX = 10000,
};

#define SEED_MAX UINT64_C(1000000000000)

typedef struct model_request {
    const gv_model_type *type;
    const char *log_path;
    const char *out_path;
    const char *fields; /* NULL: the usual */
    gv_cli_span span;
    gv_cli_words sets;
    uint64_t bits;
    gv_sampling sampling;
    uint64_t seed;
    uint64_t epochs; /* 0: the model's usual number */
    uint64_t patience;
    size_t jobs;
    double hold_out;
    bool as_json;
    bool quiet;
    size_t row_count; /* told so far */
} model_request;

static const struct argp_option options[] = {
    {"out", 'o', "FILE", 0, "The model file to write (required)", 0},
    {"fields", KEY_FIELDS, "LIST", 0,
     "Columns and crosses that it sees, as \"advertiser, creative*hour, tags\", and behind "
     "\"; past(20): \" what it sees of a user's earlier events (default: the usual ones that the "
     "log has). What candidates of one request share networks compute once: tags, hour, exchange "
     "and the like, and a column told so as \"segment@user\"; \"exchange@item\" says the contrary",
     0},
    {"bits", KEY_BITS, "N", 0, "Values are hashed to 2^N buckets (default: 20)", 0},
    GV_CLI_SPAN_OPTIONS,
    {"sampling", KEY_SAMPLING, "HOW", 0,
     "With --impression-weight: shift the odds afterwards (default), or weigh the examples", 0},
    {"set", 's', "KEY=VALUE", 0,
     "A parameter of the model, as `gavel list models TYPE` shows them; may be repeated", 0},
    {"seed", KEY_SEED, "N", 0, "Of starting weights and shuffles (default: 1)", 0},
    {"epochs", KEY_EPOCHS, "N", 0, "Passes over the samples (default: the model's)", 0},
    {"hold-out", KEY_HOLD_OUT, "SHARE", 0,
     "Leave out so large a share, the latest, and keep the pass that predicts it best (default: "
     "0.1)",
     0},
    {"patience", KEY_PATIENCE, "N", 0, "Stop after so many passes that were no better", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the file is the same", 0},
    {"json", KEY_JSON, NULL, 0, "Print every row as a JSON object", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static void take_sampling(model_request *request, const char *text, struct argp_state *state)
{
    for (size_t i = 0; gv_sampling_names[i] != NULL; i++) {
        if (strcmp(gv_sampling_names[i], text) == 0) {
            request->sampling = (gv_sampling)i;
            return;
        }
    }
    argp_error(state, "--sampling: expected shift or weigh, found '%s'", text);
}

static error_t take_number(int key, const char *text, struct argp_state *state)
{
    model_request *request = state->input;
    switch (key) {
    case KEY_BITS:
        request->bits = gv_cli_count("--bits", text, GV_FIELD_BITS_MAX, state);
        if (request->bits < GV_FIELD_BITS_MIN) {
            argp_error(state, "--bits: expected %d to %d", GV_FIELD_BITS_MIN, GV_FIELD_BITS_MAX);
        }
        return 0;
    case KEY_SEED:
        request->seed = gv_cli_count("--seed", text, SEED_MAX, state);
        return 0;
    case KEY_EPOCHS:
        request->epochs = gv_cli_count("--epochs", text, EPOCHS_MAX, state);
        return 0;
    case KEY_PATIENCE:
        request->patience = gv_cli_count("--patience", text, EPOCHS_MAX, state);
        return 0;
    case KEY_HOLD_OUT:
        request->hold_out = gv_cli_share("--hold-out", text, state);
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    default:
        return gv_cli_span_take(&request->span, key, text, state);
    }
}

static void take_argument(model_request *request, const char *text, struct argp_state *state)
{
    if (request->type == NULL) {
        request->type = gv_model_find(text);
    } else if (request->log_path == NULL) {
        request->log_path = text;
    } else {
        argp_error(state, "one log at a time: '%s' is the second", text);
    }
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    model_request *request = state->input;
    switch (key) {
    case 'o':
        request->out_path = text;
        return 0;
    case KEY_FIELDS:
        request->fields = text;
        return 0;
    case KEY_SAMPLING:
        take_sampling(request, text, state);
        return 0;
    case 's':
        gv_cli_add_word(&request->sets, "--set", text, state);
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
            argp_error(state, "which LOG.gvlog? `gavel ingest` makes one");
        }
        if (request->out_path == NULL) {
            argp_error(state, "where to? give -o FILE");
        }
        return 0;
    default:
        return take_number(key, text, state);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "MODEL LOG.gvlog",
    .doc =
        "Trains a model of clicks on a log's impressions and clicks, clicks without their "
        "impression included, and writes it with the declaration of what it sees. What is known "
        "only after the bid (prices, bids, clicks, conversions) is refused.\v"
        "Example:\n"
        "  gavel train ftrl june.gvlog -o ctr.safetensors --to 2013-06-11 \\\n"
        "      --impression-weight 1/0.00343\n"
        "  gavel train ftrl june.gvlog -o ctr.safetensors --set alpha=0.1 --set l1=1 \\\n"
        "      --fields 'advertiser, slot_width*slot_height, hour, tags, advertiser*domain'\n"
        "  gavel predict ctr.safetensors june.gvlog --from 2013-06-11\n\n"
        "Ctrl-C stops in the pass under way and exits 130 (SIGTERM: 75); the file then holds the "
        "best of the passes before it.",
};

/* ---- what is told ---------------------------------------------------------------------------- */

static void tell_json(const gv_fit_row *row)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "epoch", json_integer((json_int_t)row->epoch));
    (void)json_object_set_new(object, "loss", json_real(row->loss));
    (void)json_object_set_new(object, "held_out_loss",
                              row->is_judged ? json_real(row->held_out_loss) : json_null());
    (void)json_object_set_new(object, "kept", json_boolean(row->is_kept));
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(object);
}

static void tell(void *context, const gv_fit_row *row)
{
    model_request *request = context;
    gv_cli_progress_end();
    if (request->as_json) {
        tell_json(row);
    } else {
        if (request->row_count == 0) {
            printf(row->is_judged ? "%8s  %12s  %12s\n" : "%8s  %12s\n", "pass", "loss",
                   "held out");
        }
        printf("%8" PRIu64 "  %12.7f", row->epoch, row->loss);
        if (row->is_judged) {
            printf("  %12.9f%s", row->held_out_loss, row->is_kept ? " *" : "");
        }
        (void)putchar('\n');
    }
    request->row_count++;
    (void)fflush(stdout);
}

/* As `gavel predict` will say it, from the file as it is. */
static gv_status tell_sharing(const model_request *request)
{
    gv_served *served = NULL;
    if (request->quiet) {
        return GV_OK;
    }
    GV_TRY(gv_served_open(request->out_path, 1, &served));
    if (gv_served_sharing(served) != NULL) {
        gv_cli_talk(false, "%s: %s\n", request->out_path, gv_served_sharing(served));
    }
    gv_served_close(served);
    return GV_OK;
}

static int tell_end(const model_request *request, gv_status status, const gv_fit_result *result)
{
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request->quiet, "gavel: stopped; ");
        if (result->kept_epoch == 0) {
            gv_cli_talk(request->quiet, "no pass was whole, so nothing was written\n");
        } else {
            gv_cli_talk(request->quiet, "the file holds pass %" PRIu64 " of %" PRIu64 "\n",
                        result->kept_epoch, result->epochs);
        }
        return gv_cli_signal() == SIGTERM ? GV_EXIT_RESUMABLE : GV_EXIT_INTERRUPTED;
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    gv_cli_talk(request->quiet,
                "%s: pass %" PRIu64 " of %" PRIu64 ", from %zu samples, %zu clicked",
                request->out_path, result->kept_epoch, result->epochs, result->sample_count,
                result->click_count);
    gv_cli_talk(request->quiet, result->held_out_count == 0 ? "\n" : "; the latest %zu held out\n",
                result->held_out_count);
    if (request->type->tells_conversions && result->held_out_count > 0) {
        gv_cli_talk(request->quiet,
                    "loss is of clicks and conversions together, held out of clicks alone\n");
    }
    status = tell_sharing(request);
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

/* ---- the work -------------------------------------------------------------------------------- */

static gv_status make_config(const model_request *request, void *config)
{
    const gv_type_info *info = &request->type->info;
    gv_param_defaults(info->params, config);
    for (size_t i = 0; i < request->sets.count; i++) {
        GV_TRY(gv_cli_set_value(info, "models", request->sets.items[i], config));
    }
    if (request->epochs != 0) {
        char text[64];
        (void)snprintf(text, sizeof text, "epochs=%" PRIu64, request->epochs);
        GV_TRY(gv_cli_set_value(info, "models", text, config));
    }
    return GV_OK;
}

static uint64_t epochs_of(const gv_model_type *type, const void *config)
{
    char text[64];
    gv_param_print(gv_param_find(type->info.params, "epochs"), config, text, sizeof text);
    return strtoull(text, NULL, 10);
}

static gv_status fit_log(model_request *request, const gv_log *log, const void *config,
                         gv_fit_result *result)
{
    gv_fit_config work = {.type = request->type,
                          .config = config,
                          .bits = (unsigned)request->bits,
                          .sampling = request->sampling,
                          .seed = request->seed,
                          .jobs = request->jobs,
                          .epochs = epochs_of(request->type, config),
                          .hold_out = request->hold_out,
                          .patience = request->patience,
                          .path = request->out_path,
                          .version = gv_version(),
                          .tell = tell,
                          .context = request,
                          .progress = gv_cli_progress(request->quiet)};
    GV_TRY(gv_cli_span_of(&request->span, log, 1, &work.training));
    if (request->fields == NULL) {
        GV_TRY(gv_fields_usual(log, &work.fields));
    } else {
        GV_TRY(gv_fields_parse(request->fields, strlen(request->fields), &work.fields));
    }
    return gv_fit(&work, result);
}

static int fit(model_request *request, void *config)
{
    gv_log *log = NULL;
    gv_fit_result result = {.held_out_loss = (double)NAN};
    gv_status status = make_config(request, config);
    if (status == GV_OK) {
        status = gv_cli_spare(request->out_path, &request->log_path, 1);
    }
    if (status == GV_OK) {
        status = gv_log_open(request->log_path, &log);
    }
    if (status == GV_OK) {
        status = fit_log(request, log, config, &result);
    }
    gv_log_close(log);
    return tell_end(request, status, &result);
}

int gv_train_model(int argc, char **argv)
{
    static model_request request;
    request = (model_request){
        .bits = BITS_USUAL, .seed = 1, .jobs = gv_parallel_processors(), .hold_out = 0.1};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    if (request.type == NULL) {
        return gv_cli_fail(GV_FAIL(GV_EUSAGE, "the model's name comes before all options"));
    }
    void *config = gv_mem_alloc(0, 1, request.type->info.config_size);
    if (config == NULL) {
        return gv_cli_fail(GV_FAIL(GV_ENOMEM, "no memory for a model's parameters"));
    }
    const int code = fit(&request, config);
    gv_mem_free(config);
    return code;
}
