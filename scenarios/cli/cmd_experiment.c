/* gavel experiment: how long an A/B test must run, by design, worked out from a log. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/experiment.h"
#include "sim/base/param.h"

enum {
    KEY_REWARD = 256,
    KEY_UNIT,
    KEY_DAY,
    KEY_DAYS,
    KEY_EFFECT,
    KEY_FOR,
    KEY_SHARE,
    KEY_LEVEL,
    KEY_POWER,
    KEY_JSON,
};

enum { BYTES_MAX = 1000000 };

typedef struct experiment_options {
    gv_experiment_request request;
    bool as_json;
} experiment_options;

/* A number of (low, high). */
static double parse_between(const char *option, const char *text, double low, double high,
                            struct argp_state *state)
{
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value > low && value < high)) {
        argp_error(state, "%s is '%s', expected a number above %g and below %g", option, text, low,
                   high);
    }
    return value;
}

/* "timestamp:13": a column, and how many bytes of its text count. */
static gv_unit_column parse_column(const char *option, char *text, struct argp_state *state)
{
    gv_unit_column column = {.name = text};
    char *colon = strrchr(text, ':');
    if (colon != NULL) {
        *colon = '\0';
        column.bytes = (size_t)gv_cli_count(option, colon + 1, BYTES_MAX, state);
    }
    return column;
}

static void set_unit(gv_experiment_request *request, char *text, struct argp_state *state)
{
    const char *names[GV_DESIGNS];
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        argp_error(state, "--unit is '%s', expected DESIGN=COLUMN such as user=cookie", text);
        return;
    }
    *equals = '\0';
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        names[kind] = gv_design_name((gv_design_kind)kind);
        if (strcmp(names[kind], text) == 0) {
            request->units[kind] = parse_column("--unit", equals + 1, state);
            return;
        }
    }
    const char *nearest = gv_param_nearest(names, GV_DESIGNS, text);
    argp_error(state, "there is no design '%s'%s%s%s: user, budget, switchback, advertiser", text,
               nearest == NULL ? "" : ", perhaps ", nearest == NULL ? "" : nearest,
               nearest == NULL ? "" : "?");
}

static void check_whole(const gv_experiment_request *request, struct argp_state *state)
{
    if (request->log == NULL) {
        argp_error(state, "which log? Give the path of a CSV");
    }
    if (request->day.name == NULL && !(request->days > 0)) {
        argp_error(state, "how long is the log? Give --day COLUMN:BYTES, or --days N");
    }
    for (int kind = 0; kind < GV_DESIGNS; kind++) {
        if (request->units[kind].name != NULL) {
            return;
        }
    }
    argp_error(state, "which designs? Give --unit DESIGN=COLUMN for each");
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    experiment_options *options = state->input;
    gv_experiment_request *request = &options->request;
    switch (key) {
    case KEY_REWARD:
        request->reward = text;
        return 0;
    case KEY_UNIT:
        set_unit(request, text, state);
        return 0;
    case KEY_DAY:
        request->day = parse_column("--day", text, state);
        return 0;
    case KEY_DAYS:
        request->days = parse_between("--days", text, 0, 1e6, state);
        return 0;
    case KEY_EFFECT:
        request->effect = parse_between("--effect", text, 0, 100, state);
        return 0;
    case KEY_FOR:
        request->horizon = parse_between("--for", text, 0, 36500, state);
        return 0;
    case KEY_SHARE:
        request->share = parse_between("--share", text, 0, 1, state);
        return 0;
    case KEY_LEVEL:
        request->level = parse_between("--level", text, 0, 1, state);
        return 0;
    case KEY_POWER:
        request->power = parse_between("--power", text, 0, 1, state);
        return 0;
    case KEY_JSON:
        options->as_json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->log != NULL) {
            argp_error(state, "one log at a time, not %s too", text);
        }
        request->log = text;
        return 0;
    case ARGP_KEY_END:
        check_whole(request, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"unit", KEY_UNIT, "DESIGN=COLUMN[:BYTES]", 0,
     "A design and the column whose texts are its units (their first BYTES): user, budget, "
     "switchback, advertiser; may be repeated",
     0},
    {"day", KEY_DAY, "COLUMN[:BYTES]", 0,
     "Whose texts are the log's days, in order: how long it is, and what came before, for CUPED",
     0},
    {"days", KEY_DAYS, "N", 0, "How long the log is, where no column says it", 0},
    {"reward", KEY_REWARD, "COLUMN", 0, "What is compared: reward", 0},
    {"effect", KEY_EFFECT, "SHARE", 0, "Of the mean, which the test is to see: 0.05", 0},
    {"for", KEY_FOR, "DAYS", 0, "A test's length whose least effect is told: 14", 0},
    {"share", KEY_SHARE, "S", 0, "Of units in the new arm: 0.5", 0},
    {"level", KEY_LEVEL, "SHARE", 0, "Of the test's interval: 0.95", 0},
    {"power", KEY_POWER, "SHARE", 0, "Chance to see the effect: 0.8", 0},
    {"json", KEY_JSON, NULL, 0, "Print JSON, at full precision", 0},
    {0},
};

static const struct argp parser = {
    .options = option_table,
    .parser = take_option,
    .args_doc = "LOG",
    .doc = "How long an A/B test must run to see an effect, and how small an effect a test of some "
           "days sees, for each way to deal units to the two arms, worked out from a log; with "
           "variance reduction by what units did before (CUPED), and what of one arm reaches the "
           "other.\v"
           "Example:\n"
           "  gavel experiment shown.csv --reward click --unit user=cookie --unit "
           "switchback=time:13 \\\n"
           "      --day time:10 --effect 0.1 --for 14",
};

static int run(int argc, char **argv)
{
    static experiment_options options;
    options = (experiment_options){.request = {.reward = "reward",
                                               .effect = 0.05,
                                               .horizon = 14,
                                               .share = 0.5,
                                               .level = 0.95,
                                               .power = 0.8}};
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_experiment_result result;
    const gv_report_options look = gv_report_options_for(stdout);
    gv_status status = gv_experiment_run(&options.request, &result);
    if (status == GV_OK) {
        status = options.as_json ? gv_experiment_json(stdout, &options.request, &result)
                                 : gv_experiment_print(stdout, &options.request, &result, &look);
    }
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

const gv_command gv_command_experiment = {
    .name = "experiment",
    .summary = "how long an A/B test must run, by design, from a log",
    .run = run,
};
