/*
 * gavel train: a learner from trajectories to a weights file. A model of clicks, whose name comes
 * first, has options of its own: cmd_train_model.c.
 */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "models/predict/model.h"
#include "models/predict/ocarm.h"
#include "policies/learn/train.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/run/judge.h"
#include "scenarios/run/version.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"

enum {
    KEY_OUT = 'o',
    KEY_SET = 's',
    KEY_JOBS = 'j',
    KEY_QUIET = 'q',
    KEY_PRESET = 256,
    KEY_SEED,
    KEY_STEPS,
    KEY_RESUME,
    KEY_VALIDATE,
    KEY_EVERY,
    KEY_PATIENCE,
    KEY_HOLD_OUT,
    KEY_JSON,
    SETS_MAX = 64,
    PATHS_MAX = 1024,
    ROWS_IN_ALL = 20,
    NAME_SIZE = 64,
    NAMES_MAX = 64,
};

typedef struct train_request {
    const char *type_name;
    const char *paths[PATHS_MAX];
    size_t path_count;
    const char *out_path;
    const char *preset;
    const char *sets[SETS_MAX];
    size_t set_count;
    const char *scenario_path;
    uint64_t seed;
    uint64_t steps; /* 0: the learner's usual number */
    uint64_t every; /* 0: a twentieth of the steps */
    uint64_t patience;
    size_t jobs;
    double hold_out;
    bool resume;
    bool as_json;
    bool quiet;
    const gv_learner_type *type;
} train_request;

static const struct argp_option options[] = {
    {"out", KEY_OUT, "FILE", 0, "The weights file to write (required); FILE.resume beside it", 0},
    {"set", KEY_SET, "KEY=VALUE", 0,
     "A parameter of the learner, as `gavel list learners TYPE` shows them; may be repeated", 0},
    {"preset", KEY_PRESET, "NAME", 0, "Parameters under a name, such as published; --set goes over",
     0},
    {"seed", KEY_SEED, "N", 0, "Of starting weights and batches (default: 1)", 0},
    {"steps", KEY_STEPS, "N", 0, "Steps in all (default: the learner's)", 0},
    {"jobs", KEY_JOBS, "N", 0, "Threads (default: all processors); the weights are the same", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "Go on from FILE.resume to the same bytes; without one, start afresh", 0},
    {"validate", KEY_VALIDATE, "SCENARIO", 0,
     "Score the weights in this scenario's market every so often, and keep the best", 0},
    {"every", KEY_EVERY, "N", 0, "Steps between rows and scores (default: a twentieth of all)", 0},
    {"patience", KEY_PATIENCE, "N", 0, "Stop after so many scores that were no better", 0},
    {"hold-out", KEY_HOLD_OUT, "SHARE", 0,
     "Leave out so large a share of the periods, the latest, for another judge", 0},
    {"json", KEY_JSON, NULL, 0, "Print every row as a JSON object", 0},
    {"quiet", KEY_QUIET, NULL, 0, "No progress and no talk", 0},
    {0},
};

static void take_count(const char *name, const char *argument, uint64_t least, uint64_t *count,
                       struct argp_state *state)
{
    char *end = NULL;
    const unsigned long long value = strtoull(argument, &end, 10);
    if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || value < least ||
        value > UINT64_C(1000000000000)) {
        argp_error(state, "--%s: expected a whole number from %" PRIu64 " on, found '%s'", name,
                   least, argument);
        return;
    }
    *count = value;
}

static error_t take_number(int key, const char *argument, struct argp_state *state)
{
    train_request *request = state->input;
    uint64_t jobs = request->jobs;
    switch (key) {
    case KEY_SEED:
        take_count("seed", argument, 0, &request->seed, state);
        return 0;
    case KEY_STEPS:
        take_count("steps", argument, 1, &request->steps, state);
        return 0;
    case KEY_EVERY:
        take_count("every", argument, 1, &request->every, state);
        return 0;
    case KEY_PATIENCE:
        take_count("patience", argument, 1, &request->patience, state);
        return 0;
    case KEY_JOBS:
        take_count("jobs", argument, 1, &jobs, state);
        request->jobs = (size_t)(jobs < 1024 ? jobs : 1024);
        return 0;
    case KEY_HOLD_OUT:
        request->hold_out = gv_cli_share("--hold-out", argument, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t take_text(int key, const char *argument, struct argp_state *state)
{
    train_request *request = state->input;
    switch (key) {
    case KEY_OUT:
        request->out_path = argument;
        return 0;
    case KEY_PRESET:
        request->preset = argument;
        return 0;
    case KEY_VALIDATE:
        request->scenario_path = argument;
        return 0;
    case KEY_SET:
        if (request->set_count == SETS_MAX) {
            argp_error(state, "more than %d --set", SETS_MAX);
        }
        request->sets[request->set_count++] = argument;
        return 0;
    case KEY_RESUME:
        request->resume = true;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_QUIET:
        request->quiet = true;
        return 0;
    default:
        return take_number(key, argument, state);
    }
}

static void take_argument(train_request *request, const char *argument, struct argp_state *state)
{
    if (request->type_name == NULL) {
        request->type_name = argument;
        return;
    }
    if (request->path_count == PATHS_MAX) {
        argp_error(state, "more than %d files of trajectories", PATHS_MAX);
    }
    request->paths[request->path_count++] = argument;
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    train_request *request = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        take_argument(request, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (request->type_name == NULL) {
            argp_error(state, "which learner? `gavel list learners` shows them");
        }
        if (request->path_count == 0) {
            argp_error(state, "which TRAJECTORIES?");
        }
        if (request->out_path == NULL) {
            argp_error(state, "where to? give -o FILE");
        }
        return 0;
    default:
        return take_text(key, argument, state);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "LEARNER TRAJECTORIES.safetensors...\nMODEL LOG.gvlog",
    .doc =
        "Trains a network on trajectories, for the policy of the same name; or a model of clicks "
        "on a log, or a predictor of retention on examples, with other options: `gavel train ftrl "
        "--help`, `gavel train ocarm_student --help`.\v"
        "Example:\n"
        "  gavel train bc t.safetensors -o bc.safetensors\n"
        "  gavel train iql t*.safetensors -o iql.safetensors --preset published \\\n"
        "      --validate scenarios/market48.yaml --patience 5 --jobs 2\n"
        "  gavel train ftrl june.gvlog -o ctr.safetensors --to 2013-06-11\n\n"
        "Ctrl-C saves and exits 130 (SIGTERM: 75); --resume goes on to the bytes that would have "
        "come out without it.",
};

/* ---- parameters ------------------------------------------------------------------------------ */

/* Learners, and what else `gavel train` takes by its name. names: [NAMES_MAX]. */
static size_t list_names(const char **names)
{
    size_t count = 0;
    for (size_t i = 0; gv_learner_types[i] != NULL && count < NAMES_MAX; i++) {
        names[count++] = gv_learner_types[i]->info.name;
    }
    for (size_t i = 0; gv_model_types[i] != NULL && count < NAMES_MAX; i++) {
        names[count++] = gv_model_types[i]->info.name;
    }
    for (size_t i = 0; i < GV_OCARM_ROLES && count < NAMES_MAX; i++) {
        names[count++] = gv_ocarm_types[i].name;
    }
    return count;
}

static gv_status find_type(train_request *request)
{
    request->type = gv_learner_find(request->type_name);
    if (request->type == NULL && gv_model_find(request->type_name) != NULL) {
        return GV_FAIL(GV_EUSAGE, "%s is a model of clicks: its name comes before all options",
                       request->type_name);
    }
    if (request->type == NULL) {
        const char *names[NAMES_MAX];
        const size_t count = list_names(names);
        const char *nearest = gv_param_nearest(names, count, request->type_name);
        return GV_FAIL(GV_EUSAGE, "there is no learner '%s'%s%s%s", request->type_name,
                       nearest == NULL
                           ? ": `gavel list learners` and `gavel list models` show what there is"
                           : "; did you mean '",
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    }
    return GV_OK;
}

/* A learner whose rate falls over its steps has to know of --steps. */
static gv_status make_config(const train_request *request, void *config)
{
    gv_param_defaults(request->type->info.params, config);
    if (request->preset != NULL) {
        GV_TRY(gv_learner_preset(request->type, request->preset, config));
    }
    for (size_t i = 0; i < request->set_count; i++) {
        GV_TRY(gv_cli_set_value(&request->type->info, "learners", request->sets[i], config));
    }
    if (request->steps != 0) {
        char text[NAME_SIZE];
        (void)snprintf(text, sizeof text, "steps=%" PRIu64, request->steps);
        return gv_cli_set_value(&request->type->info, "learners", text, config);
    }
    return GV_OK;
}

/* ---- what is told ---------------------------------------------------------------------------- */

/* The table of losses grows on stdout; with --json an object a line. */
typedef struct telling {
    const train_request *request;
    gv_judge_config judge;
    size_t row_count;
} telling;

static gv_status judge(void *context, const char *weights_path, double *score)
{
    const telling *told = context;
    return gv_judge_weights(&told->judge, weights_path, score);
}

static void print_row_json(const gv_learner_type *type, const gv_train_row *row)
{
    json_t *object = json_object();
    json_t *losses = json_object();
    (void)json_object_set_new(object, "step", json_integer((json_int_t)row->step));
    for (size_t i = 0; type->losses[i] != NULL; i++) {
        (void)json_object_set_new(losses, type->losses[i], json_real(row->losses[i]));
    }
    (void)json_object_set_new(object, "losses", losses);
    (void)json_object_set_new(object, "score",
                              row->is_judged ? json_real(row->score) : json_null());
    (void)json_object_set_new(object, "best", json_boolean(row->is_best && row->is_judged));
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(object);
}

static void print_row(telling *told, const gv_train_row *row)
{
    const gv_learner_type *type = told->request->type;
    const bool has_scores = told->request->scenario_path != NULL;
    if (told->row_count == 0) {
        printf("%10s", "step");
        for (size_t i = 0; type->losses[i] != NULL; i++) {
            printf("  %12s", type->losses[i]);
        }
        printf(has_scores ? "  %10s\n" : "\n", "score");
    }
    printf("%10" PRIu64, row->step);
    for (size_t i = 0; type->losses[i] != NULL; i++) {
        printf("  %12.6g", row->losses[i]);
    }
    if (row->is_judged) {
        printf("  %10.4f%s", row->score, row->is_best ? " *" : "");
    }
    (void)putchar('\n');
}

static void tell(void *context, const gv_train_row *row)
{
    telling *told = context;
    gv_cli_progress_end();
    if (told->request->as_json) {
        print_row_json(told->request->type, row);
    } else {
        print_row(told, row);
    }
    told->row_count++;
    (void)fflush(stdout);
}

static int tell_end(const train_request *request, gv_status status, const gv_train_result *result)
{
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request->quiet,
                    "gavel: stopped after step %" PRIu64
                    "; the same command with --resume goes on\n",
                    result->steps);
        return gv_cli_signal() == SIGTERM ? GV_EXIT_RESUMABLE : GV_EXIT_INTERRUPTED;
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    if (result->is_judged) {
        gv_cli_talk(request->quiet, "%sthe best score, %.4f, was after step %" PRIu64 "\n",
                    result->is_early ? "patience ran out; " : "", result->best_score,
                    result->best_step);
    }
    gv_cli_talk(request->quiet, "the weights are in %s\n", request->out_path);
    return gv_cli_finish(GV_EXIT_DONE);
}

/* ---- the work -------------------------------------------------------------------------------- */

static uint64_t each_of(uint64_t given, uint64_t steps)
{
    const uint64_t part = steps / ROWS_IN_ALL;
    return given != 0 ? given : (part == 0 ? 1 : part);
}

static int train(const train_request *request, const gv_dataset *dataset, const void *config)
{
    telling told = {.request = request};
    const gv_progress *progress = gv_cli_progress(request->quiet);
    const uint64_t steps = gv_learner_usual_steps(request->type, config);
    const uint64_t every = each_of(request->every, steps);
    told.judge = (gv_judge_config){.scenario_path = request->scenario_path,
                                   .policy_type = request->type->info.name,
                                   .imprints = gv_dataset_imprints(dataset),
                                   .jobs = request->jobs,
                                   .progress = progress};
    const gv_train_config work = {.type = request->type,
                                  .setup = {.config = config,
                                            .dataset = dataset,
                                            .seed = request->seed,
                                            .jobs = request->jobs},
                                  .steps = steps,
                                  .report_step = every,
                                  .save_step = every,
                                  .judge_step = every,
                                  .patience = request->patience,
                                  .path = request->out_path,
                                  .resume = request->resume,
                                  .version = gv_version(),
                                  .judge = request->scenario_path == NULL ? NULL : judge,
                                  .tell = tell,
                                  .context = &told,
                                  .progress = progress};
    if (work.judge != NULL) {
        const gv_status status = gv_judge_check(&told.judge, gv_dataset_ticks(dataset));
        if (status != GV_OK) {
            return gv_cli_fail(status);
        }
    }
    gv_train_result result;
    return tell_end(request, gv_train(&work, &result), &result);
}

static void tell_data(const train_request *request, const gv_dataset *dataset)
{
    char periods[256];
    gv_dataset_periods(dataset, periods, sizeof periods);
    gv_cli_talk(request->quiet, "%s learns from %zu trajectories of %zu ticks, of the periods %s\n",
                request->type->info.name, gv_dataset_count(dataset), gv_dataset_ticks(dataset),
                periods);
}

static int train_on_part(const train_request *request, const gv_dataset *all, const void *config)
{
    gv_dataset *part = NULL;
    const gv_status status = gv_dataset_split(all, request->hold_out, GV_PART_TRAINING, &part);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    tell_data(request, part);
    const int code = train(request, part, config);
    gv_dataset_destroy(part);
    return code;
}

static int train_from_files(const train_request *request, void *config)
{
    gv_dataset *all = NULL;
    gv_status status = make_config(request, config);
    if (status == GV_OK) {
        status = gv_cli_spare(request->out_path, request->paths, request->path_count);
    }
    if (status == GV_OK) {
        status = gv_cli_spare(request->out_path, &request->scenario_path, 1);
    }
    if (status == GV_OK) {
        status = gv_dataset_open(request->paths, request->path_count, &all);
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = train_on_part(request, all, config);
    gv_dataset_destroy(all);
    return code;
}

static int run(int argc, char **argv)
{
    if (argc > 1 && gv_model_find(argv[1]) != NULL) {
        return gv_train_model(argc, argv);
    }
    for (int role = 0; argc > 1 && role < GV_OCARM_ROLES; role++) {
        if (strcmp(argv[1], gv_ocarm_types[role].name) == 0) {
            return gv_train_ocarm(argc, argv);
        }
    }
    train_request request = {.seed = 1, .jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = find_type(&request);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    void *config = gv_mem_alloc(0, 1, request.type->info.config_size);
    if (config == NULL) {
        return gv_cli_fail(GV_FAIL(GV_ENOMEM, "no memory for a learner's parameters"));
    }
    const int code = train_from_files(&request, config);
    gv_mem_free(config);
    return code;
}

const gv_command gv_command_train = {
    .name = "train",
    .summary = "train a network on trajectories, or a model of clicks on a log",
    .run = run,
};
