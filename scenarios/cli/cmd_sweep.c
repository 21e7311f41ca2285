/* gavel sweep: a scenario under every setting of some axes. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/compose/inputs.h"
#include "scenarios/report/sweep_report.h"
#include "scenarios/sweep/sweep_run.h"
#include "sim/base/parallel.h"

enum {
    KEY_SET = 's',
    KEY_DB = 'o',
    KEY_JOBS = 'j',
    KEY_QUIET = 'q',
    KEY_ENGINE = 256,
    KEY_RESUME,
    KEY_FORCE,
    KEY_JSON,
    KEY_DRY_RUN,
    ROWS_SHOWN = 200,
};

typedef struct sweep_request {
    const char *path;
    gv_cli_words sets;
    const char *db_path;
    size_t jobs;
    bool reference;
    bool resume;
    bool force;
    bool as_json;
    bool dry_run;
    bool quiet;
} sweep_request;

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Put a value over the scenario's, for every point; may be repeated", 0},
    {"db", KEY_DB, "FILE", 0, "Keep the outcomes in this SQLite file; without, nothing is written",
     0},
    {"jobs", KEY_JOBS, "N", 0,
     "Points at a time (default: all processors), each on one thread; the outcome is the same", 0},
    {"engine", KEY_ENGINE, "batch|reference", 0,
     "reference settles one auction at a time, to check batch; the outcome is the same", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "Go on with the latest sweep of the same name in --db: points that are done stay, those that "
     "failed are tried again; without one, start afresh",
     0},
    {"force", KEY_FORCE, NULL, 0,
     "With --resume, go on although sweep file, scenario or inputs have changed: points that are "
     "done and still asked for stay as they are",
     0},
    {"json", KEY_JSON, NULL, 0, "Print the outcomes, or with --dry-run the points, as JSON", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "List the points, and stop", 0},
    {"quiet", KEY_QUIET, NULL, 0, "No progress and no talk", 0},
    {0},
};

static error_t take_flag(int key, sweep_request *request)
{
    switch (key) {
    case KEY_RESUME:
        request->resume = true;
        return 0;
    case KEY_FORCE:
        request->force = true;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_DRY_RUN:
        request->dry_run = true;
        return 0;
    case KEY_QUIET:
        request->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void check_request(const sweep_request *request, struct argp_state *state)
{
    if (request->path == NULL) {
        argp_error(state, "which sweep FILE?");
    }
    if (request->resume && request->db_path == NULL) {
        argp_error(state, "--resume needs --db FILE, where the unfinished sweep is");
    }
    if (request->force && !request->resume) {
        argp_error(state, "--force goes with --resume");
    }
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    sweep_request *request = state->input;
    switch (key) {
    case KEY_SET:
        gv_cli_add_word(&request->sets, "--set", argument, state);
        return 0;
    case KEY_DB:
        request->db_path = argument;
        return 0;
    case KEY_JOBS:
        request->jobs = (size_t)gv_cli_count("--jobs", argument, GV_CLI_JOBS_MAX, state);
        return 0;
    case KEY_ENGINE:
        request->reference = gv_cli_is_reference(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        if (request->path != NULL) {
            argp_error(state, "one sweep at a time: '%s' is the second", argument);
        }
        request->path = argument;
        return 0;
    case ARGP_KEY_END:
        check_request(request, state);
        return 0;
    default:
        return take_flag(key, request);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "SWEEP.yaml",
    .doc = "Runs a scenario under every setting of some axes, each with several seeds.\v"
           "Example:\n"
           "  gavel sweep scenarios/budget_sweep.yaml --db sweep.db --jobs 2\n"
           "  gavel compare sweep.db --sweep --baseline linear\n\n"
           "A point that fails is stored with its sentence; the others go on, and the exit code is "
           "3. Ctrl-C saves what is running into --db and exits 130 (SIGTERM: 75); --resume goes "
           "on from there, also after a kill. `gavel list sweep` shows what a sweep file can say; "
           "the views sweep_wide, sweep_long and sweep_point of the database hold the outcomes.",
};

/* Every problem with its line and a caret; what else went wrong as one sentence. */
static int fail_sweep(const gv_sweep *sweep, gv_status status)
{
    if (sweep == NULL) {
        return gv_cli_fail_with(NULL, status);
    }
    const bool base_fails = sweep->base != NULL && sweep->base->problems.count > 0;
    return gv_cli_fail_with(base_fails ? &sweep->base->problems : &sweep->problems, status);
}

static int list_json(const gv_sweep *sweep)
{
    json_t *points = json_array();
    for (size_t point = 0; point < sweep->point_count; point++) {
        size_t values[GV_SWEEP_AXES_MAX];
        json_t *axes = json_object();
        gv_sweep_setting(sweep, point / sweep->seed_count, values);
        for (size_t i = 0; i < sweep->axis_count; i++) {
            (void)json_object_set_new(axes, sweep->axes[i].name,
                                      json_string(sweep->axes[i].values[values[i]]));
        }
        (void)json_array_append_new(
            points, json_pack("{s:I, s:I, s:o}", "point", (json_int_t)point, "seed",
                              (json_int_t)gv_sweep_seed(sweep, point), "axes", axes));
    }
    (void)json_dumpf(points, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(points);
    return gv_cli_finish(GV_EXIT_DONE);
}

/* As wide as the axis's name and widest value. */
static int axis_width(const gv_sweep_axis *axis)
{
    size_t width = strlen(axis->name);
    for (size_t i = 0; i < axis->count; i++) {
        const size_t size = strlen(axis->values[i]);
        width = size > width ? size : width;
    }
    return (int)(width < 60 ? width : 60);
}

static int list_points(const gv_sweep *sweep)
{
    int widths[GV_SWEEP_AXES_MAX];
    printf("%7s  %10s", "point", "seed");
    for (size_t i = 0; i < sweep->axis_count; i++) {
        widths[i] = axis_width(&sweep->axes[i]);
        printf("  %*s", widths[i], sweep->axes[i].name);
    }
    printf("\n");
    for (size_t point = 0; point < sweep->point_count; point++) {
        size_t values[GV_SWEEP_AXES_MAX];
        gv_sweep_setting(sweep, point / sweep->seed_count, values);
        printf("%7zu  %10" PRId64, point, gv_sweep_seed(sweep, point));
        for (size_t i = 0; i < sweep->axis_count; i++) {
            printf("  %*s", widths[i], sweep->axes[i].values[values[i]]);
        }
        printf("\n");
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static gv_status print_table(const sweep_request *request, gv_store *store, int64_t sweep_id)
{
    const gv_sweep_table_config config = {.sweep_id = sweep_id, .level = 0.95};
    gv_sweep_table *table = NULL;
    GV_TRY(gv_sweep_table_create(store, &config, &table));
    gv_status status = GV_OK;
    if (request->as_json) {
        status = gv_sweep_json(stdout, table);
    } else if (table->row_count <= ROWS_SHOWN || request->db_path == NULL) {
        const gv_report_options look = gv_report_options_for(stdout);
        status = gv_sweep_print(stdout, table, &look);
    } else {
        gv_cli_talk(request->quiet,
                    "%zu settings and policies: `gavel compare %s --sweep` prints "
                    "them\n",
                    table->row_count, request->db_path);
    }
    gv_sweep_table_destroy(table);
    return status;
}

static int tell_stopped(const sweep_request *request, const gv_sweep_result *result)
{
    const bool is_kept = request->db_path != NULL && result->sweep_id != 0;
    gv_cli_talk(request->quiet, "gavel: stopped with %zu points done and %zu left%s%s\n",
                result->done, result->left,
                is_kept ? "; the same command with --resume goes on: --db " : "; nothing was kept",
                is_kept ? request->db_path : "");
    return is_kept && gv_cli_signal() == SIGTERM ? GV_EXIT_RESUMABLE : GV_EXIT_INTERRUPTED;
}

static void tell_beginning(const sweep_request *request, const gv_sweep_result *result)
{
    if (result->is_resumed) {
        gv_cli_talk(request->quiet, "sweep %" PRId64 " was resumed%s\n", result->sweep_id,
                    result->is_changed ? ", although something has changed" : "");
    } else if (request->resume && result->sweep_id != 0) {
        gv_cli_talk(request->quiet, "%s held no sweep of this name; a new one began\n",
                    request->db_path);
    }
    if (result->unfinished_id != 0) {
        gv_cli_talk(request->quiet,
                    "sweep %" PRId64
                    " of this name is unfinished; --resume would have gone on with "
                    "it\n",
                    result->unfinished_id);
    }
}

/* What the outcomes do not show. */
static void tell_notes(const sweep_request *request, const gv_sweep_result *result)
{
    if (result->unsold > 0) {
        gv_cli_talk(request->quiet,
                    "in %zu point%s no offer of some period reached the reserve, so nothing was "
                    "sold: lower mechanism.reserve\n",
                    result->unsold, result->unsold == 1 ? "" : "s");
    }
    if (result->clamped > 0) {
        gv_cli_talk(request->quiet,
                    "in %zu point%s bids were clamped, which `gavel run` counts; the first: %s\n",
                    result->clamped, result->clamped == 1 ? "" : "s", result->clamped_point);
    }
    if (result->unlearned > 0) {
        gv_cli_talk(request->quiet,
                    "gavel: warning: in %zu point%s a policy bids for campaigns outside what its "
                    "weights were trained on, which `gavel run` counts; the first: %s\n",
                    result->unlearned, result->unlearned == 1 ? "" : "s", result->unlearned_point);
    }
}

static int sweep_in_store(const sweep_request *request, const gv_sweep *sweep, gv_store *store,
                          const gv_progress *progress)
{
    gv_sweep_result result;
    const gv_sweep_options how = {.jobs = request->jobs,
                                  .reference = request->reference,
                                  .resume = request->resume,
                                  .force = request->force,
                                  .progress = progress};
    gv_status status = gv_sweep_run(sweep, store, &how, &result);
    gv_cli_progress_end();
    if (status != GV_OK && status != GV_ESTOPPED) {
        return gv_cli_fail(status);
    }
    tell_beginning(request, &result);
    tell_notes(request, &result);
    if (status == GV_ESTOPPED) {
        return tell_stopped(request, &result);
    }
    status = print_table(request, store, result.sweep_id);
    int code = gv_cli_finish(status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status));
    if (request->db_path != NULL) {
        gv_cli_talk(request->quiet, "sweep %" PRId64 " is in %s\n", result.sweep_id,
                    request->db_path);
    }
    if (result.failed > 0) {
        gv_cli_talk(false, "gavel: %zu of %zu points failed; the first: %s\n", result.failed,
                    sweep->point_count, result.sentence);
        code = code == GV_EXIT_DONE ? GV_EXIT_DOUBTFUL : code;
    }
    return result.done == 0 ? GV_EXIT_FAILED : code;
}

static int run_sweep(const sweep_request *request, const gv_sweep *sweep)
{
    gv_store *store = NULL;
    const gv_progress *progress = gv_cli_progress(request->quiet);
    const gv_log_plan *log = sweep->base->log;
    if (log != NULL && log->path != NULL && gv_inputs_is_raw(log->path, log->format)) {
        gv_cli_talk(request->quiet,
                    "%s is read as %s anew for every point; `gavel ingest %s FILE... -o X.gvlog` "
                    "would do that once\n",
                    log->path, log->format, log->format);
    }
    const char *path = request->db_path == NULL ? ":memory:" : request->db_path;
    const gv_status status = gv_store_open(path, GV_STORE_WRITE, &store);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = sweep_in_store(request, sweep, store, progress);
    gv_store_close(store);
    return code;
}

static int run(int argc, char **argv)
{
    static sweep_request request;
    request = (sweep_request){.jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_sweep *sweep = NULL;
    gv_status status = gv_sweep_load(request.path, &sweep);
    if (status == GV_OK) {
        status = gv_sweep_bind(sweep, request.sets.items, request.sets.count);
    }
    int code = GV_EXIT_DONE;
    if (status != GV_OK) {
        code = fail_sweep(sweep, status);
    } else if (request.dry_run) {
        code = request.as_json ? list_json(sweep) : list_points(sweep);
    } else {
        code = run_sweep(&request, sweep);
    }
    gv_sweep_destroy(sweep);
    return code;
}

const gv_command gv_command_sweep = {
    .name = "sweep",
    .summary = "run a scenario under every setting of some axes",
    .run = run,
};
