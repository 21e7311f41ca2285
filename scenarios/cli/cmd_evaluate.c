/* gavel evaluate: what a policy would have earned on another one's log of decisions. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/report/evaluation.h"
#include "scenarios/run/evaluation.h"
#include "scenarios/run/file_kind.h"
#include "scenarios/run/kept_log.h"
#include "sim/base/param.h"
#include "sim/outcome/read.h"

enum {
    KEY_LOG = 256,
    KEY_FORMAT,
    KEY_COLUMN,
    KEY_CLUSTER,
    KEY_MODEL,
    KEY_KERNEL,
    KEY_EPISODES,
    KEY_ALL_PRICES,
    KEY_DISCOUNT,
    KEY_BANDWIDTH,
    KEY_FOLDS,
    KEY_SET,
    KEY_BY,
    KEY_INTERVAL,
    KEY_LEVEL,
    KEY_REPLICATES,
    KEY_GROUPS,
    KEY_SEED,
    KEY_WEIGHT_MOST,
    KEY_REWARD_RANGE,
    KEY_DUMP,
    KEY_JSON,
    KEY_RUN,
    KEY_CELL,
};

enum { COUNT_MAX = 1000000 };

typedef struct evaluate_options {
    gv_evaluation_request request;
    gv_reach reach;
    const char *by;
    int64_t run_id; /* of a database */
    int64_t cell;
    bool as_json;
} evaluate_options;

static double parse_real(const char *option, const char *text, char **end, struct argp_state *state)
{
    const double value = strtod(text, end);
    if (*end == text || !isfinite(value)) {
        argp_error(state, "%s: expected a number, found '%s'", option, text);
    }
    return value;
}

static double parse_positive(const char *option, const char *text, struct argp_state *state)
{
    char *end = NULL;
    const double value = parse_real(option, text, &end, state);
    if (*end != '\0' || !(value > 0)) {
        argp_error(state, "%s is '%s', expected a number above 0", option, text);
    }
    return value;
}

static double parse_level(const char *text, struct argp_state *state)
{
    char *end = NULL;
    const double level = parse_real("--level", text, &end, state);
    if (*end != '\0' || !(level >= 0.5 && level <= 0.999)) {
        argp_error(state, "--level is '%s', expected a share from 0.5 to 0.999", text);
    }
    return level;
}

static void parse_range(gv_evaluation_request *request, const char *text, struct argp_state *state)
{
    char *end = NULL;
    request->reward_low = parse_real("--reward-range", text, &end, state);
    if (*end != ',') {
        argp_error(state, "--reward-range is '%s', expected LOW,HIGH", text);
    }
    request->reward_high = parse_real("--reward-range", end + 1, &end, state);
    if (*end != '\0' || !(request->reward_low < request->reward_high)) {
        argp_error(state, "--reward-range is '%s', expected LOW,HIGH, the lower first", text);
    }
}

static gv_reach parse_reach(const char *text, struct argp_state *state)
{
    const char *names[GV_REACHES];
    for (int reach = 0; reach < GV_REACHES; reach++) {
        names[reach] = gv_reach_name((gv_reach)reach);
        if (strcmp(names[reach], text) == 0) {
            return (gv_reach)reach;
        }
    }
    const char *nearest = gv_param_nearest(names, GV_REACHES, text);
    argp_error(state, "there is no interval '%s'%s%s%s", text, nearest == NULL ? "" : ", perhaps ",
               nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
    return GV_REACH_BCA;
}

static void choose_format(gv_evaluation_request *request, const char *text,
                          struct argp_state *state)
{
    if (strcmp(text, "open-bandit") == 0) {
        request->columns = gv_decision_columns_open_bandit();
    } else if (strcmp(text, "plain") == 0) {
        request->columns = gv_decision_columns_plain();
    } else {
        argp_error(state, "--format is '%s', expected open-bandit or plain", text);
    }
}

static void add_context(gv_evaluation_request *request, const char *name, struct argp_state *state)
{
    if (request->columns.context_count == GV_DECISION_CONTEXTS_MAX) {
        argp_error(state, "more than %d contexts", GV_DECISION_CONTEXTS_MAX);
    }
    request->columns.contexts[request->columns.context_count++] = name;
}

/* "reward=click": the meaning, then the header's name; "propensity=": there is none. */
static void map_column(gv_evaluation_request *request, char *text, struct argp_state *state)
{
    static const char *const meanings[] = {"action", "bid",        "target",   "price",  "spend",
                                           "reward", "propensity", "position", "context"};
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        argp_error(state, "--column is '%s', expected MEANING=NAME such as reward=click", text);
        return;
    }
    *equals = '\0';
    const char *name = equals[1] == '\0' ? NULL : equals + 1;
    gv_decision_columns *columns = &request->columns;
    if (strcmp(text, "action") == 0 && name != NULL) {
        columns->action = name;
        columns->dose = NULL;
    } else if (strcmp(text, "bid") == 0 && name != NULL) {
        columns->dose = name;
        columns->action = NULL;
    } else if (strcmp(text, "target") == 0) {
        columns->target = name;
    } else if (strcmp(text, "price") == 0 && name != NULL) {
        columns->price = name;
        columns->propensity = NULL;
    } else if (strcmp(text, "spend") == 0) {
        columns->spend = name;
    } else if (strcmp(text, "reward") == 0 && name != NULL) {
        columns->reward = name;
    } else if (strcmp(text, "propensity") == 0) {
        columns->propensity = name;
    } else if (strcmp(text, "position") == 0) {
        columns->position = name;
    } else if (strcmp(text, "context") == 0 && name != NULL) {
        add_context(request, name, state);
    } else {
        const char *nearest =
            gv_param_nearest(meanings, sizeof meanings / sizeof meanings[0], text);
        argp_error(
            state,
            "--column %s=%s: expected action, bid, target, price, spend, reward, propensity, "
            "position or context%s%s%s",
            text, equals + 1, nearest == NULL ? "" : ", perhaps ", nearest == NULL ? "" : nearest,
            nearest == NULL ? "" : "?");
    }
}

/* "timestamp:13": a column, and how many bytes of its text count. */
static void set_cluster(gv_evaluation_request *request, char *text, struct argp_state *state)
{
    char *colon = strrchr(text, ':');
    request->columns.cluster_bytes = 0;
    request->cluster = text;
    if (colon != NULL) {
        *colon = '\0';
        request->columns.cluster_bytes =
            (size_t)gv_cli_count("--cluster", colon + 1, COUNT_MAX, state);
    }
    request->columns.cluster = strcmp(text, "none") == 0 ? NULL : text;
}

/* A whole number, 0 included. */
static int64_t parse_cell(const char *text, struct argp_state *state)
{
    return strcmp(text, "0") == 0 ? 0 : (int64_t)gv_cli_count("--cell", text, INT64_MAX, state);
}

static error_t take_statistics(int key, char *text, struct argp_state *state)
{
    evaluate_options *options = state->input;
    gv_evaluation_request *request = &options->request;
    switch (key) {
    case KEY_INTERVAL:
        options->reach = parse_reach(text, state);
        return 0;
    case KEY_LEVEL:
        request->level = parse_level(text, state);
        return 0;
    case KEY_REPLICATES:
        request->replicates = (size_t)gv_cli_count("--replicates", text, COUNT_MAX, state);
        if (request->replicates < 100) {
            argp_error(state, "--replicates: at least 100");
        }
        return 0;
    case KEY_GROUPS:
        request->cluster_max = (size_t)gv_cli_count("--groups", text, COUNT_MAX, state);
        return 0;
    case KEY_SEED:
        request->seed = gv_cli_count("--seed", text, INT64_MAX, state);
        return 0;
    case KEY_FOLDS:
        request->fold_count = (size_t)gv_cli_count("--folds", text, GV_FOLDS_MAX, state);
        if (request->fold_count < 2) {
            argp_error(state, "--folds: at least 2");
        }
        return 0;
    case KEY_WEIGHT_MOST:
        request->weight_most = parse_positive("--weight-most", text, state);
        return 0;
    case KEY_REWARD_RANGE:
        parse_range(request, text, state);
        return 0;
    case KEY_RUN:
        options->run_id = (int64_t)gv_cli_count("--run", text, INT64_MAX, state);
        return 0;
    case KEY_CELL:
        options->cell = parse_cell(text, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void add_estimators(gv_evaluation_request *request, char *list, struct argp_state *state)
{
    char *rest = NULL;
    for (char *item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        if (request->estimator_count == GV_EVALUATION_ESTIMATORS_MAX) {
            argp_error(state, "more than %d estimators", GV_EVALUATION_ESTIMATORS_MAX);
        }
        request->estimators[request->estimator_count++] = item;
    }
}

static void check_whole(const evaluate_options *options, struct argp_state *state)
{
    const gv_evaluation_request *request = &options->request;
    if (request->policy == NULL) {
        argp_error(state, "which policy? Give uniform, greedy, or the log of another policy");
    }
    if (request->log == NULL) {
        argp_error(state, "on which log? Give --log FILE");
    }
    for (size_t i = 0; i < request->estimator_count; i++) {
        if (strcmp(request->estimators[i], options->by) == 0) {
            return;
        }
    }
    if (request->estimator_count > 0) {
        argp_error(state, "--by %s is none of the --estimator asked for", options->by);
    }
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    evaluate_options *options = state->input;
    gv_evaluation_request *request = &options->request;
    switch (key) {
    case KEY_LOG:
        request->log = text;
        return 0;
    case KEY_FORMAT:
        choose_format(request, text, state);
        return 0;
    case KEY_COLUMN:
        map_column(request, text, state);
        return 0;
    case KEY_CLUSTER:
        set_cluster(request, text, state);
        return 0;
    case 'e':
        add_estimators(request, text, state);
        return 0;
    case KEY_BY:
        options->by = text;
        return 0;
    case KEY_MODEL:
        request->model = text;
        return 0;
    case KEY_ALL_PRICES:
        request->shows_all = true;
        return 0;
    case KEY_EPISODES:
        request->has_episodes = true;
        return 0;
    case KEY_DISCOUNT:
        request->discount = parse_positive("--discount", text, state);
        if (request->discount > 1) {
            argp_error(state, "--discount is '%s', expected a number of (0, 1]", text);
        }
        return 0;
    case KEY_KERNEL:
        request->kernel = text;
        return 0;
    case KEY_BANDWIDTH:
        request->bandwidth = parse_positive("--bandwidth", text, state);
        return 0;
    case KEY_SET:
        if (request->set_count == GV_EVALUATION_SETS_MAX) {
            argp_error(state, "more than %d --set", GV_EVALUATION_SETS_MAX);
        }
        request->sets[request->set_count++] = text;
        return 0;
    case KEY_DUMP:
        request->dump = text;
        return 0;
    case KEY_JSON:
        options->as_json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->policy != NULL) {
            argp_error(state, "one policy at a time, not %s too", text);
        }
        request->policy = text;
        return 0;
    case ARGP_KEY_END:
        check_whole(options, state);
        return 0;
    default:
        return take_statistics(key, text, state);
    }
}

static const struct argp_option option_table[] = {
    {"log", KEY_LOG, "FILE", 0,
     "The log: a CSV of decisions, plain or packed; a .gvlog; or the database of a run that kept "
     "its bids, `gavel run --logs DIR --db FILE`",
     0},
    {"run", KEY_RUN, "NUMBER", 0, "Which run of a database; the latest", 0},
    {"cell", KEY_CELL, "NUMBER", 0, "Which cell of it, as `gavel run --dry-run` numbers them", 0},
    {"format", KEY_FORMAT, "NAME", 0,
     "open-bandit, or plain (the default): the columns action, reward, propensity", 0},
    {"column", KEY_COLUMN, "MEANING=NAME", 0,
     "Which column is the action, reward, propensity, position or a context (may be repeated); "
     "spend: what the action cost, by which budgets that run out are seen; "
     "propensity= where none was logged, which is then estimated. bid: actions are real numbers, "
     "propensities their densities; target: what the judged policy would have bid. "
     "price: rows are auctions, lost where it is empty; no propensity is needed",
     0},
    {"cluster", KEY_CLUSTER, "NAME[:BYTES]", 0,
     "Rows alike in the first BYTES of this column hang together; none: each row is alone. Of a "
     ".gvlog user (the default where it has users), hour (else), day, or a column of texts",
     0},
    {"estimator", 'e', "NAME,...", 0, "Which estimators; all by default", 0},
    {"by", KEY_BY, "NAME", 0, "The row whose verdict it is: dr; of auctions km", 0},
    {"model", KEY_MODEL, "NAME", 0,
     "Of rewards: ridge, logistic (the default for rewards of 0 to 1)", 0},
    {"kernel", KEY_KERNEL, "NAME", 0,
     "Of bids: gaussian (the default), epanechnikov, triangular, cosine", 0},
    {"bandwidth", KEY_BANDWIDTH, "H", 0, "Of the kernel, in units of a bid; by rule of thumb", 0},
    {"all-prices", KEY_ALL_PRICES, NULL, 0,
     "Every auction shows its price, those that were lost too: won where the bid reaches it", 0},
    {"episodes", KEY_EPISODES, NULL, 0,
     "Each cluster is an episode, its rows the steps in their order: values of whole episodes", 0},
    {"discount", KEY_DISCOUNT, "G", 0, "Of a step's reward against the one before: 1", 0},
    {"set", KEY_SET, "NAME.KEY=VALUE", 0,
     "A parameter of an estimator or of the model: clipped_ips.most, shrunk_ips.lambda, "
     "switch.tau, dros.lambda, logistic.penalty, ridge.penalty. On a .gvlog one of the policy, "
     "linear.b0, or of the scenario that it is replayed in: log.from, log.where, history.share, "
     "predictor.type, campaign.budget, campaign.bid_cap",
     0},
    {"dump", KEY_DUMP, "X.safetensors", 0,
     "Write rounds, the policy and the modelled values, for other programs to check", 0},
    {"json", KEY_JSON, NULL, 0, "Print JSON: everything, at full precision", 0},
    {NULL, 0, NULL, 0, "Statistics:", 2},
    {"interval", KEY_INTERVAL, "KIND", 0,
     "bca (the default), percentile, student, bernstein, sequence or asymptotic", 2},
    {"level", KEY_LEVEL, "SHARE", 0, "Of the intervals: 0.95", 2},
    {"replicates", KEY_REPLICATES, "COUNT", 0, "Of the bootstrap: 2000", 2},
    {"groups", KEY_GROUPS, "COUNT", 0,
     "Join neighbouring clusters into at most so many before they are drawn: 2000", 2},
    {"folds", KEY_FOLDS, "COUNT", 0, "Of the model's cross-fitting: 3", 2},
    {"seed", KEY_SEED, "NUMBER", 0, "Of folds and bootstrap: 1", 2},
    {"weight-most", KEY_WEIGHT_MOST, "W", 0,
     "No weight can be larger: bernstein and sequence count on it", 2},
    {"reward-range", KEY_REWARD_RANGE, "LOW,HIGH", 0, "No reward can be outside: likewise", 2},
    {0},
};

/* The estimators are told by their own table, so the help cannot fall behind. */
static void list_estimators(FILE *stream)
{
    (void)fprintf(stream, "Estimators:\n");
    for (size_t i = 0; gv_estimator_types[i] != NULL; i++) {
        (void)fprintf(stream, "  %-13s%s\n", gv_estimator_types[i]->info.name,
                      gv_estimator_types[i]->info.summary);
    }
    (void)fprintf(
        stream,
        "\nThe verdict is better, worse, unclear or too thin, with the A/B test that sees such a "
        "difference\nand how long that takes. Exits with 3 where it is too thin: the overlap "
        "of policy and log, or what\na log of auctions shows of prices.\n\n"
        "Example:\n"
        "  gavel evaluate bts-men.csv.gz --log random-men.csv.gz --format open-bandit\n"
        "  gavel evaluate uniform --log shown.csv --column reward=bought \\\n"
        "      --column context=device --cluster user --interval sequence\n"
        "  gavel evaluate scale:1.2 --log bids.csv --column bid=cpm \\\n"
        "      --column target=planned --column propensity=density\n"
        "  gavel evaluate scale:1.2 --log auctions.csv --column bid=cpm \\\n"
        "      --column price=paid --column reward=click\n"
        "  gavel evaluate ortb1 --log june.gvlog --set campaign.budget_share=1/4 \\\n"
        "      --set log.where='{advertiser: 1458}'\n"
        "  gavel run june.yaml --set exploration.jitter=0.3 --logs . --db june.db\n"
        "  gavel evaluate scale:1.2 --log june.db --cell 0\n");
}

static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    return gv_cli_help_text(key, text, list_estimators);
}

static const struct argp parser = {
    .options = option_table,
    .parser = take_option,
    .args_doc = "POLICY",
    .doc = "What POLICY would have earned a round, judged by the log of another one, with "
           "intervals, the overlap of the two, and a verdict. POLICY is `uniform`, `greedy` (the "
           "best action of each position in this log), `action:NAME` (that one always), or the log "
           "of a policy in the same format, "
           "whose shares of actions in each position are then the policy. Where actions are bids "
           "it is "
           "`column`, the column of `target`, or `scale:FACTOR`, times it. On a .gvlog it is "
           "`scale:FACTOR`, times the logged bids, or the name of any bidding policy, which is "
           "replayed there with the money that the log paid; what it has to learn it learns from "
           "the first half, and the second is judged.\vEstimators",
    .help_filter = filter_help,
};

/* Rounds, episodes, auctions. */
typedef struct printer {
    gv_status (*print)(FILE *stream, const gv_evaluation_report *report,
                       const gv_report_options *options);
    gv_status (*json)(FILE *stream, const gv_evaluation_report *report);
} printer;

static const printer printers[] = {
    {gv_evaluation_print, gv_evaluation_json},
    {gv_episode_evaluation_print, gv_episode_evaluation_json},
    {gv_priced_print, gv_priced_json},
};

/* Whether the kind of log has an estimator of the name that --by gives. */
static gv_status check_by(const gv_evaluation_report *report)
{
    const gv_evaluation_result *result = report->result;
    bool is_known = result->horizon == 0 && gv_evaluation_report_has(report, report->by);
    for (size_t e = 0; result->horizon > 0 && gv_episode_types[e] != NULL; e++) {
        is_known = is_known || strcmp(gv_episode_types[e]->info.name, report->by) == 0;
    }
    for (int m = 0; result->is_priced && m < GV_PRICED_METHODS; m++) {
        is_known = is_known || strcmp(gv_priced_method_name((gv_priced_method)m), report->by) == 0;
    }
    const bool is_default = result->is_priced && strcmp(report->by, "dr") == 0;
    return is_known || is_default
               ? GV_OK
               : GV_FAIL(GV_EUSAGE,
                         "--by %s: the table for this log has no such row; expected one of its "
                         "names, such as %s",
                         report->by, result->is_priced ? "km" : "dr");
}

static int print(const evaluate_options *options, const gv_evaluation_result *result)
{
    const gv_evaluation_report report = {
        .request = &options->request,
        .result = result,
        .reach = options->reach,
        .by = options->by,
    };
    const gv_status known = check_by(&report);
    if (known != GV_OK) {
        return gv_cli_fail(known);
    }
    const gv_report_options look = gv_report_options_for(stdout);
    const printer *how = &printers[result->is_priced ? 2 : (result->horizon > 0 ? 1 : 0)];
    const gv_status status =
        options->as_json ? how->json(stdout, &report) : how->print(stdout, &report, &look);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    return gv_cli_finish(gv_evaluation_is_thin(result) ? GV_EXIT_DOUBTFUL : GV_EXIT_DONE);
}

/* A database stands for the log that its run kept. */
static gv_status open_database(evaluate_options *options, gv_kept_log *kept)
{
    gv_evaluation_request *request = &options->request;
    const gv_kept_log_request asked = {.database = request->log,
                                       .policy = request->policy,
                                       .run_id = options->run_id,
                                       .cell = options->cell};
    if (gv_file_kind_of(request->log) != GV_FILE_DATABASE) {
        return GV_OK;
    }
    GV_TRY(gv_kept_log_find(&asked, kept));
    gv_kept_log_columns(kept, &request->columns);
    request->log = kept->path;
    request->policy = kept->policy;
    return GV_OK;
}

static int run(int argc, char **argv)
{
    static evaluate_options options;
    static gv_kept_log kept;
    static gv_evaluation_result result;
    options = (evaluate_options){
        .request = {.columns = gv_decision_columns_plain(),
                    .kernel = "gaussian",
                    .bandwidth = (double)NAN,
                    .discount = 1,
                    .fold_count = 3,
                    .replicates = 2000,
                    .cluster_max = 2000,
                    .seed = 1,
                    .level = 0.95,
                    .weight_most = (double)NAN,
                    .reward_low = (double)NAN,
                    .reward_high = (double)NAN},
        .reach = GV_REACH_BCA,
        .by = "dr",
        .run_id = GV_RUN_LATEST,
        .cell = GV_KEPT_LOG_ANY_CELL,
    };
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0) {
        return GV_EXIT_USAGE;
    }
    options.request.progress = gv_cli_progress(false);
    const char *const inputs[] = {options.request.log, options.request.policy};
    gv_status status = gv_cli_spare(options.request.dump, inputs, 2);
    if (status == GV_OK) {
        status = open_database(&options, &kept);
    }
    if (status == GV_OK) {
        status = gv_evaluation_run(&options.request, &result);
    }
    gv_cli_progress_end();
    return status == GV_OK ? print(&options, &result) : gv_cli_fail(status);
}

const gv_command gv_command_evaluate = {
    .name = "evaluate",
    .summary = "what a policy would have earned on another one's log, with intervals",
    .run = run,
};
