/* gavel explain: why a campaign of a stored market run bid as it did. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/explain.h"
#include "scenarios/run/explain.h"

enum { KEY_RUN = 256, KEY_POLICY, KEY_PERIOD, KEY_PLOT, KEY_JSON };

typedef struct explain_request {
    const char *path;
    const char *stem;
    gv_explain_choice choice;
    int64_t run_id;
    bool as_json;
    bool quiet;
} explain_request;

static const struct argp_option option_table[] = {
    {"run", KEY_RUN, "ID", 0, "A run other than the latest", 0},
    {"policy", KEY_POLICY, "NAME", 0,
     "The policy in the campaign's place (default: the first contender with something to tell)", 0},
    {"period", KEY_PERIOD, "N", 0, "A period other than the first", 0},
    {"plot", KEY_PLOT, "STEM", 0, "Draw it, too: STEM.png and STEM.svg", 0},
    {"json", KEY_JSON, NULL, 0, "Print it as JSON", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static void take_argument(explain_request *request, const char *text, struct argp_state *state)
{
    if (request->path == NULL) {
        request->path = text;
    } else if (request->choice.campaign == NULL) {
        request->choice.campaign = text;
    } else {
        argp_error(state, "one campaign at a time, not %s too", text);
    }
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    explain_request *request = state->input;
    switch (key) {
    case 'q':
        request->quiet = true;
        return 0;
    case KEY_RUN:
        request->run_id = (int64_t)gv_cli_count("--run", text, INT64_MAX, state);
        return 0;
    case KEY_POLICY:
        request->choice.policy = text;
        return 0;
    case KEY_PERIOD: /* periods begin at 0 */
        request->choice.period = text[0] == '0' && text[1] == '\0'
                                     ? 0
                                     : (int64_t)gv_cli_count("--period", text, INT64_MAX, state);
        return 0;
    case KEY_PLOT:
        request->stem = text;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case ARGP_KEY_ARG:
        take_argument(request, text, state);
        return 0;
    case ARGP_KEY_END:
        if (request->choice.campaign == NULL) {
            argp_error(state, "name a database and one of its campaigns: market48.db a07");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = take_option,
    .args_doc = "DB CAMPAIGN",
    .doc =
        "Plays one campaign of a stored market run again and tells, tick by tick, what happened "
        "and "
        "what was planned: the budget left, spend, conversions, the multiplier beside the one that "
        "the hindsight oracle would have chosen from where the campaign stood, the return asked "
        "for and the expertness, as far as the policy knows them.\v"
        "Example:\n"
        "  gavel explain market48.db a07 --policy dt --period 3 --plot a07\n\n"
        "The run's scenario is in the database; weights and other files that it names must be "
        "where and what they were.",
};

static int show(const explain_request *request, const gv_explained *explained)
{
    gv_status status = GV_OK;
    if (request->as_json) {
        gv_explain_json(stdout, explained);
    } else {
        const gv_report_options look = gv_report_options_for(stdout);
        status = gv_explain_print(stdout, explained, &look);
    }
    if (status == GV_OK && request->stem != NULL) {
        status = gv_explain_plot(explained, request->stem);
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    if (request->stem != NULL) {
        gv_cli_talk(request->quiet, "%s.png and %s.svg are drawn\n", request->stem, request->stem);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static int explain(const explain_request *request, const gv_outcomes *outcomes)
{
    gv_explained *explained = NULL;
    const gv_status status =
        gv_explain(outcomes, &request->choice, gv_cli_progress(request->quiet), &explained);
    gv_cli_progress_end();
    if (status == GV_ESTOPPED) {
        return GV_EXIT_INTERRUPTED;
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = show(request, explained);
    gv_explained_destroy(explained);
    return code;
}

static int run(int argc, char **argv)
{
    explain_request request = {.run_id = GV_RUN_LATEST, .choice = {.period = -1}};
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_status status = gv_store_open(request.path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_outcomes_read(store, request.run_id, false, &outcomes);
    }
    gv_store_close(store);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = explain(&request, outcomes);
    gv_outcomes_destroy(outcomes);
    return code;
}

const gv_command gv_command_explain = {
    .name = "explain",
    .summary = "tell why a campaign of a market run bid as it did",
    .run = run,
};
