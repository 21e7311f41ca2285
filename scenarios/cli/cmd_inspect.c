/* gavel inspect: what a log or a model holds. */
#include <argp.h>
#include <stdio.h>

#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/inspect.h"
#include "scenarios/run/file_kind.h"
#include "sim/outcome/read.h"

enum { KEY_JSON = 256, KEY_REJECTS };

typedef struct inspect_request {
    const char *path;
    bool as_json;
    bool lists_rejects;
    bool is_quiet;
} inspect_request;

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "As one JSON object: money in nanos, times in us UTC", 0},
    {"rejects", KEY_REJECTS, NULL, 0, "List every rejected row, not the first few", 0},
    {"quiet", 'q', NULL, 0, "No progress bar", 0},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    inspect_request *request = state->input;
    switch (key) {
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_REJECTS:
        request->lists_rejects = true;
        return 0;
    case 'q':
        request->is_quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->path != NULL) {
            argp_error(state, "one file at a time: '%s' is too many", argument);
        }
        request->path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which log? Give the path of a .gvlog file, or of a model");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "LOG.gvlog|MODEL.safetensors",
    .doc =
        "Shows what a log holds: tables and their spans, columns, prices, clicks, conversions and "
        "their delays, advertisers, rejected rows. Checks every block on the way. Of a model of "
        "clicks: what it sees, what it learnt from, its parameters, how it was recalibrated, and "
        "what candidates of one request share.\v"
        "Example:\n  gavel inspect june.gvlog\n"
        "  gavel inspect ctr.safetensors\n"
        "  gavel inspect june.gvlog --json | jq .price_nanos",
};

/* What reads it instead; of a run of retention the reader of outcomes says so itself. */
static gv_status refuse_database(const char *path)
{
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    gv_status status = gv_store_open(path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_outcomes_read(store, GV_RUN_LATEST, false, &outcomes);
    }
    gv_outcomes_destroy(outcomes);
    gv_store_close(store);
    if (status == GV_EUSAGE) {
        char detail[700];
        (void)snprintf(detail, sizeof detail, "%s", gv_status_detail());
        return GV_FAIL(GV_EUSAGE, "%s is a database of outcomes, no log: %s", path, detail);
    }
    return GV_FAIL(GV_EUSAGE,
                   "%s is a database of outcomes, no log: `gavel compare %s --baseline POLICY` "
                   "or any SQLite client reads it, the view run_wide first",
                   path, path);
}

static gv_status inspect(const inspect_request *request)
{
    gv_log *log = NULL;
    gv_inspection *inspection = NULL;
    const gv_file_kind kind = gv_file_kind_of(request->path);
    if (kind == GV_FILE_DATABASE) {
        return refuse_database(request->path);
    }
    if (kind == GV_FILE_TENSORS) {
        return gv_inspect_model(request->path, request->as_json);
    }
    GV_TRY(gv_log_open(request->path, &log));
    gv_status status = gv_inspect(log, gv_cli_progress(request->is_quiet), &inspection);
    gv_cli_progress_end();
    if (status == GV_OK) {
        status = request->as_json ? gv_inspect_print_json(inspection, request->lists_rejects)
                                  : gv_inspect_print(inspection, request->lists_rejects);
    }
    gv_inspect_destroy(inspection);
    gv_log_close(log);
    return status;
}

static int run(int argc, char **argv)
{
    inspect_request request = {.path = NULL};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = inspect(&request);
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

const gv_command gv_command_inspect = {
    .name = "inspect",
    .summary = "show what a .gvlog file or a model of clicks holds",
    .run = run,
};
