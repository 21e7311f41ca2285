/* gavel retention: play campaigns that win users back; judge predictions of who stays. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "models/predict/ocarm.h"
#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/retention_play.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/estimate/quality.h"
#include "sim/market/reentries.h"

enum { KEY_DB = 256, KEY_ENGINE, KEY_BASELINE, KEY_PRINT_CONFIG, KEY_JSON, WEIGHTS_MAX = 32 };

typedef struct play_arguments {
    gv_retention_request request;
    gv_cli_words sets;
    char line[GV_CLI_LINE_SIZE];
} play_arguments;

static const struct argp_option play_options[] = {
    {"set", 's', "KEY=VALUE", 0,
     "Put a value over the scenario's, such as campaign.users=1000; may be repeated", 0},
    {"examples", 'o', "FILE.safetensors", 0,
     "Write the re-entries of the first policy as examples: bid-time features, onboarding content, "
     "label, and the truth",
     0},
    {"db", KEY_DB, "FILE", 0, "Keep the outcomes in this SQLite database, too", 0},
    {"baseline", KEY_BASELINE, "POLICY", 0, "Whom to compare with (default: the first)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the outcome is the same", 0},
    {"engine", KEY_ENGINE, "batch|reference", 0,
     "reference prices one ad at a time, to check batch; the outcome is the same", 0},
    {"print-config", KEY_PRINT_CONFIG, NULL, 0, "Print the scenario with every value, and stop", 0},
    {"json", KEY_JSON, NULL, 0, "Print the outcomes as JSON", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static error_t take_play_option(int key, char *text, struct argp_state *state)
{
    play_arguments *arguments = state->input;
    gv_retention_request *request = &arguments->request;
    switch (key) {
    case 's':
        gv_cli_add_word(&arguments->sets, "--set", text, state);
        return 0;
    case 'o':
        request->examples = text;
        return 0;
    case KEY_DB:
        request->db_path = text;
        return 0;
    case KEY_BASELINE:
        request->baseline = text;
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    case KEY_ENGINE:
        request->reference = gv_cli_is_reference(text, state);
        return 0;
    case KEY_PRINT_CONFIG:
        request->print_config = true;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->path != NULL) {
            argp_error(state, "one scenario at a time: '%s' is the second", text);
        }
        request->path = text;
        return 0;
    case ARGP_KEY_END:
        if (request->path == NULL) {
            argp_error(state, "which SCENARIO?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp play_parser = {
    .options = play_options,
    .parser = take_play_option,
    .args_doc = "SCENARIO.yaml",
    .doc =
        "Plays campaigns that win lapsed users back, each policy with the whole order on the same "
        "users, who come again days of simulated time later or not.\v"
        "Example:\n"
        "  gavel retention play scenarios/retention.yaml --set 'policies=[{name: all, aim: "
        "reach}]' "
        "\\\n"
        "      --set campaign.first_user=1000000 --set campaign.budget=auto \\\n"
        "      --set campaign.click_value=1 -o x.safetensors\n"
        "  gavel train ocarm_teacher x.safetensors -o teacher.safetensors\n"
        "  gavel train ocarm_student x.safetensors --teacher teacher.safetensors -o "
        "s.safetensors\n"
        "  gavel retention play scenarios/retention.yaml --db r.db \\\n"
        "      --set 'policies.+={name: taught, aim: retention, model: s.safetensors}'\n\n"
        "A run that was stopped is gone on with by `gavel run SCENARIO.yaml --resume --db r.db`, "
        "which "
        "plays such a scenario, too. `gavel list retention` shows what a scenario can say.",
};

static int run_play(int argc, char **argv)
{
    static play_arguments arguments;
    arguments = (play_arguments){.request = {.jobs = gv_parallel_processors()}};
    gv_cli_join_arguments(argc, argv, arguments.line, sizeof arguments.line);
    if (argp_parse(&play_parser, argc, argv, 0, NULL, &arguments) != 0) {
        return GV_EXIT_USAGE;
    }
    arguments.request.sets = &arguments.sets;
    arguments.request.arguments = arguments.line;
    return gv_cli_play_retention(&arguments.request);
}

/* ---- judging --------------------------------------------------------------------------------- */

typedef struct judge_request {
    const char *examples;
    const char *weights[WEIGHTS_MAX];
    size_t weight_count;
    bool as_json;
} judge_request;

static const struct argp_option judge_options[] = {
    {"json", KEY_JSON, NULL, 0, "Print the figures as JSON", 0},
    {0},
};

/* argp's type of a parser takes text that may be written to. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static error_t take_judge_option(int key, char *text, struct argp_state *state)
{
    judge_request *request = state->input;
    switch (key) {
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->examples == NULL) {
            request->examples = text;
        } else if (request->weight_count == WEIGHTS_MAX) {
            argp_error(state, "more than %d files of weights", WEIGHTS_MAX);
        } else {
            request->weights[request->weight_count++] = text;
        }
        return 0;
    case ARGP_KEY_END:
        if (request->examples == NULL) {
            argp_error(state, "which EXAMPLES?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp judge_parser = {
    .options = judge_options,
    .parser = take_judge_option,
    .args_doc = "EXAMPLES.safetensors [WEIGHTS.safetensors...]",
    .doc =
        "Judges predictions of retention on examples: AUC, GAUC and log loss of the truth at the "
        "bid and with content, and of teachers and students, with 95 % intervals over users. GAUC "
        "is the AUC among each user's own re-entries, of users with both outcomes.\v"
        "Example:\n"
        "  gavel retention judge test.safetensors teacher.safetensors student.safetensors",
};

typedef struct judgement {
    const gv_reentry_view *view;
    float *p;           /* [count] */
    float *weights;     /* [count], all 1 */
    uint32_t *clusters; /* [count], by user */
    uint64_t *groups;   /* [count], users */
    json_t *rows;       /* NULL: a table */
} judgement;

enum { JUDGE_CLUSTERS = 500 };

static json_t *json_of(const char *name, const gv_quality *quality)
{
    const gv_interval *auc = &quality->figures[GV_QUALITY_AUC];
    const gv_interval *gauc = &quality->figures[GV_QUALITY_GAUC];
    json_t *row = json_pack("{s:s,s:f,s:f,s:f,s:f}", "name", name, "auc", auc->estimate, "auc_low",
                            auc->low, "auc_high", auc->high, "log_loss",
                            quality->figures[GV_QUALITY_LOG_LOSS].estimate);
    const bool is_given = gauc->state == GV_INTERVAL_GIVEN;
    (void)json_object_set_new(row, "gauc",
                              isnan(gauc->estimate) ? json_null() : json_real(gauc->estimate));
    (void)json_object_set_new(row, "gauc_low", is_given ? json_real(gauc->low) : json_null());
    (void)json_object_set_new(row, "gauc_high", is_given ? json_real(gauc->high) : json_null());
    (void)json_object_set_new(row, "gauc_users", json_integer((json_int_t)quality->group_count));
    return row;
}

static void print_row(const char *name, const gv_quality *quality)
{
    const gv_interval *auc = &quality->figures[GV_QUALITY_AUC];
    const gv_interval *gauc = &quality->figures[GV_QUALITY_GAUC];
    char within[64] = "none of both outcomes";
    if (gauc->state == GV_INTERVAL_GIVEN) {
        (void)snprintf(within, sizeof within, "%.4f [%.4f, %.4f]", gauc->estimate, gauc->low,
                       gauc->high);
    } else if (!isnan(gauc->estimate)) {
        (void)snprintf(within, sizeof within, "%.4f", gauc->estimate);
    }
    printf("%-32s  %.4f [%.4f, %.4f]  %-23s  %5zu  %.4f\n", name, auc->estimate, auc->low,
           auc->high, within, quality->group_count, quality->figures[GV_QUALITY_LOG_LOSS].estimate);
}

static gv_status judge(judgement *judging, const char *name, const double *p)
{
    const size_t count = judging->view->count;
    const gv_quality_config config = {.replicates = 500, .seed = 1, .level = 0.95};
    const gv_quality_data data = {.count = count,
                                  .p = judging->p,
                                  .labels = judging->view->retained,
                                  .weights = judging->weights,
                                  .clusters = judging->clusters,
                                  .cluster_count = JUDGE_CLUSTERS,
                                  .groups = judging->groups};
    gv_quality quality;
    for (size_t i = 0; i < count; i++) {
        judging->p[i] = (float)p[i];
    }
    GV_TRY(gv_quality_measure(&data, &config, &quality));
    if (judging->rows != NULL) {
        (void)json_array_append_new(judging->rows, json_of(name, &quality));
    } else {
        print_row(name, &quality);
    }
    return GV_OK;
}

/* All weights are open before the first row is told. models: [request->weight_count]. */
static gv_status judge_all(const judge_request *request, gv_ocarm *const *models,
                           judgement *judging, double *p)
{
    if (judging->rows == NULL) {
        printf("%zu re-entries\n%-32s  %-23s  %-23s  users  log loss\n", judging->view->count, "",
               "AUC, 95 %", "GAUC within users, 95 %");
    }
    GV_TRY(judge(judging, "truth at the bid", judging->view->truth_bid));
    GV_TRY(judge(judging, "truth with content", judging->view->truth_content));
    for (size_t i = 0; i < request->weight_count; i++) {
        gv_ocarm_predict(models[i], judging->view, p);
        GV_TRY(judge(judging, request->weights[i], p));
    }
    if (judging->rows != NULL) {
        (void)json_dumpf(judging->rows, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        (void)putchar('\n');
    }
    return GV_OK;
}

static gv_status judge_weights(const judge_request *request, judgement *judging, double *p)
{
    gv_ocarm *models[WEIGHTS_MAX] = {NULL};
    gv_status status = GV_OK;
    for (size_t i = 0; i < request->weight_count && status == GV_OK; i++) {
        status = gv_ocarm_open(request->weights[i], &models[i]);
    }
    if (status == GV_OK) {
        status = judge_all(request, models, judging, p);
    }
    for (size_t i = 0; i < request->weight_count; i++) {
        gv_ocarm_destroy(models[i]);
    }
    return status;
}

static gv_status judge_examples(const judge_request *request, const gv_reentry_view *view)
{
    judgement judging = {.view = view, .rows = request->as_json ? json_array() : NULL};
    judging.p = gv_mem_alloc(0, view->count + 1, sizeof *judging.p);
    judging.weights = gv_mem_alloc(0, view->count + 1, sizeof *judging.weights);
    judging.clusters = gv_mem_alloc(0, view->count + 1, sizeof *judging.clusters);
    judging.groups = gv_mem_alloc(0, view->count + 1, sizeof *judging.groups);
    double *p = gv_mem_alloc(0, view->count + 1, sizeof *p);
    gv_status status = GV_OK;
    if (p == NULL || judging.p == NULL || judging.weights == NULL || judging.clusters == NULL ||
        judging.groups == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to judge %zu examples", view->count);
    } else if (view->count == 0) {
        status = GV_FAIL(GV_EINVAL, "%s: holds no example", request->examples);
    } else {
        for (size_t i = 0; i < view->count; i++) {
            judging.weights[i] = 1;
            judging.groups[i] = (uint64_t)view->user[i];
            judging.clusters[i] = (uint32_t)(judging.groups[i] % JUDGE_CLUSTERS);
        }
        status = judge_weights(request, &judging, p);
    }
    json_decref(judging.rows);
    gv_mem_free(judging.p);
    gv_mem_free(judging.weights);
    gv_mem_free(judging.clusters);
    gv_mem_free(judging.groups);
    gv_mem_free(p);
    return status;
}

static int run_judge(int argc, char **argv)
{
    static judge_request request;
    request = (judge_request){.examples = NULL};
    if (argp_parse(&judge_parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_reentries *examples = NULL;
    gv_status status = gv_reentries_open(request.examples, &examples);
    if (status == GV_OK) {
        status = judge_examples(&request, gv_reentries_view(examples));
    }
    gv_reentries_destroy(examples);
    return gv_cli_finish(status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status));
}

/* ---- both ------------------------------------------------------------------------------------ */

static const gv_command parts[] = {
    {.name = "play", .summary = "play campaigns that win users back", .run = run_play},
    {.name = "judge", .summary = "judge predictions of who stays", .run = run_judge},
};

enum { PARTS = sizeof parts / sizeof parts[0] };

static void print_usage(FILE *stream)
{
    (void)fputs("Usage: gavel retention play|judge FILE... [OPTION...]\n"
                "Users who lapse, are won back by ads, and stay or not.\n\n",
                stream);
    for (size_t i = 0; i < PARTS; i++) {
        (void)fprintf(stream, "  %-6s %s\n", parts[i].name, parts[i].summary);
    }
    (void)fputs("\nExample:\n"
                "  gavel retention play scenarios/retention.yaml\n\n"
                "`gavel retention play --help` explains one.\n",
                stream);
}

static int run(int argc, char **argv)
{
    static char name[64];
    for (size_t i = 0; argc > 1 && i < PARTS; i++) {
        if (strcmp(argv[1], parts[i].name) == 0) {
            (void)snprintf(name, sizeof name, "gavel retention %s", parts[i].name);
            argv[1] = name;
            return parts[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        print_usage(stdout);
        return gv_cli_finish(GV_EXIT_DONE);
    }
    print_usage(stderr);
    return GV_EXIT_USAGE;
}

const gv_command gv_command_retention = {
    .name = "retention",
    .summary = "play campaigns that win users back; judge predictions of who stays",
    .run = run,
};
