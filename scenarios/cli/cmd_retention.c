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
#include "scenarios/report/retention.h"
#include "scenarios/run/retention.h"
#include "sim/base/mem.h"
#include "sim/base/parallel.h"
#include "sim/estimate/quality.h"

enum { KEY_DB = 256, KEY_ENGINE, KEY_BASELINE, KEY_PRINT_CONFIG, KEY_JSON, WEIGHTS_MAX = 32 };

typedef struct retention_request {
    const char *path;
    const char *examples;
    const char *db_path;
    const char *baseline; /* NULL: the first */
    const char *arguments;
    gv_cli_words sets;
    size_t jobs;
    bool reference;
    bool print_config;
    bool as_json;
    bool quiet;
} retention_request;

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
    retention_request *request = state->input;
    switch (key) {
    case 's':
        gv_cli_add_word(&request->sets, "--set", text, state);
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
        "`gavel list retention` shows what a scenario can say.",
};

static gv_status find_baseline(const retention_request *request, const gv_retention_plan *plan,
                               size_t *index)
{
    *index = 0;
    for (size_t i = 0; request->baseline != NULL && i < plan->policy_count; i++) {
        if (strcmp(plan->policies[i]->name, request->baseline) == 0) {
            *index = i;
            return GV_OK;
        }
    }
    if (request->baseline != NULL) {
        return GV_FAIL(GV_EUSAGE, "--baseline: the scenario has no policy '%s'", request->baseline);
    }
    return GV_OK;
}

static gv_status keep_outcomes(const retention_request *request, gv_retention_plan *plan,
                               const gv_retention_run *run)
{
    gv_store *store = NULL;
    const char *text = NULL;
    int64_t run_id = 0;
    GV_TRY(gv_retention_text(plan, &text));
    GV_TRY(gv_store_open(request->db_path, GV_STORE_WRITE, &store));
    const gv_status status = gv_retention_store(run, text, request->arguments, store, &run_id);
    gv_store_close(store);
    if (status == GV_OK) {
        gv_cli_talk(request->quiet, "run %" PRId64 " is in %s\n", run_id, request->db_path);
    }
    return status;
}

static gv_status write_examples(const retention_request *request, const gv_retention_run *run)
{
    gv_reentries *examples = NULL;
    GV_TRY(gv_retention_examples(run, 0, &examples));
    const gv_status status = gv_reentries_write(examples, request->examples);
    if (status == GV_OK) {
        gv_cli_talk(request->quiet, "%s: %zu re-entries\n", request->examples,
                    gv_reentries_view(examples)->count);
    }
    gv_reentries_destroy(examples);
    return status;
}

static gv_status tell_outcomes(const retention_request *request, gv_retention_plan *plan,
                               const gv_retention_run *run)
{
    gv_retention_report report = {.plan = plan, .run = run};
    GV_TRY(find_baseline(request, plan, &report.baseline));
    gv_retention_figure *figures = gv_mem_alloc(0, plan->policy_count, sizeof *figures);
    if (figures == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to compare policies");
    }
    report.figures = figures;
    gv_status status =
        gv_retention_compare(run, report.baseline, (uint64_t)plan->top->seed, figures);
    const gv_report_options look = gv_report_options_for(stdout);
    if (status == GV_OK) {
        status = request->as_json ? gv_retention_report_json(stdout, &report)
                                  : gv_retention_report_print(stdout, &report, &look);
    }
    gv_mem_free(figures);
    return status;
}

static int play(const retention_request *request, gv_retention_plan *plan)
{
    const gv_retention_options options = {.jobs = request->jobs,
                                          .reference = request->reference,
                                          .progress = gv_cli_progress(request->quiet)};
    gv_retention_run *run = NULL;
    gv_status status = gv_retention_play(plan, &options, &run);
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request->quiet, "gavel: stopped; nothing was kept\n");
        return GV_EXIT_INTERRUPTED;
    }
    if (status == GV_OK) {
        status = tell_outcomes(request, plan, run);
    }
    if (status == GV_OK && request->examples != NULL) {
        status = write_examples(request, run);
    }
    if (status == GV_OK && request->db_path != NULL) {
        status = keep_outcomes(request, plan, run);
    }
    gv_retention_run_destroy(run);
    return gv_cli_finish(status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status));
}

static int print_config(gv_retention_plan *plan)
{
    const char *text = NULL;
    const gv_status status = gv_retention_text(plan, &text);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    (void)fputs(text, stdout);
    return gv_cli_finish(GV_EXIT_DONE);
}

static int run_play(int argc, char **argv)
{
    static retention_request request;
    request = (retention_request){.jobs = gv_parallel_processors(), .arguments = argv[0]};
    if (argp_parse(&play_parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_retention_plan *plan = NULL;
    const gv_status status =
        gv_retention_load(request.path, request.sets.items, request.sets.count, &plan);
    int code = GV_EXIT_DONE;
    if (status != GV_OK) {
        code = gv_cli_fail_with(plan == NULL ? NULL : &plan->problems, status);
    } else {
        code = request.print_config ? print_config(plan) : play(&request, plan);
    }
    gv_retention_plan_destroy(plan);
    return code;
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

static gv_status judge_weights(judgement *judging, const char *path, double *p)
{
    gv_ocarm *ocarm = NULL;
    GV_TRY(gv_ocarm_open(path, &ocarm));
    gv_ocarm_predict(ocarm, judging->view, p);
    gv_ocarm_destroy(ocarm);
    return judge(judging, path, p);
}

static gv_status judge_all(const judge_request *request, judgement *judging, double *p)
{
    if (judging->rows == NULL) {
        printf("%zu re-entries\n%-32s  %-23s  %-23s  users  log loss\n", judging->view->count, "",
               "AUC, 95 %", "GAUC within users, 95 %");
    }
    GV_TRY(judge(judging, "truth at the bid", judging->view->truth_bid));
    GV_TRY(judge(judging, "truth with content", judging->view->truth_content));
    for (size_t i = 0; i < request->weight_count; i++) {
        GV_TRY(judge_weights(judging, request->weights[i], p));
    }
    if (judging->rows != NULL) {
        (void)json_dumpf(judging->rows, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        (void)putchar('\n');
    }
    return GV_OK;
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
        status = judge_all(request, &judging, p);
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
