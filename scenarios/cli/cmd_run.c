/* gavel run: a scenario through to its outcomes. */
#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/retention_play.h"
#include "scenarios/compose/compose.h"
#include "scenarios/config/print.h"
#include "scenarios/config/retention.h"
#include "scenarios/config/scenario.h"
#include "scenarios/report/report.h"
#include "scenarios/run/run.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"

enum {
    KEY_SET = 's',
    KEY_DB = 'o',
    KEY_JOBS = 'j',
    KEY_QUIET = 'q',
    KEY_ENGINE = 256,
    KEY_RESUME,
    KEY_JSON,
    KEY_PRINT_CONFIG,
    KEY_DRY_RUN,
    KEY_LOGS,
};

typedef struct run_request {
    const char *scenario_path;
    gv_cli_words sets;
    const char *db_path;
    const char *log_folder;
    size_t jobs;
    bool reference;
    bool resume;
    bool as_json;
    bool print_config;
    bool dry_run;
    bool quiet;
    char arguments[GV_CLI_LINE_SIZE];
} run_request;

static const struct argp_option options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Put a value over the scenario's, such as policies.lin.b0=12 or "
     "campaigns.0.budget_share=[1/2]; may be repeated",
     0},
    {"db", KEY_DB, "FILE", 0, "Keep the outcomes in this SQLite file; without, nothing is written",
     0},
    {"logs", KEY_LOGS, "DIR", 0,
     "Write every auction of a market into this folder, as period-N.csv in AuctionNet's 18 columns "
     "(about 4 GB for 24 million bids), or where an advertiser explores, its bids alone, as "
     "cell-N.csv; of a replay, every bid as cell-N.csv for `gavel evaluate`, N as --dry-run "
     "numbers "
     "them",
     0},
    {"jobs", KEY_JOBS, "N", 0, "Threads (default: all processors); the outcome is the same", 0},
    {"engine", KEY_ENGINE, "batch|reference", 0,
     "reference settles one auction at a time, to check batch; the outcome is the same", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "Go on with the latest unfinished run of the same scenario and inputs in --db; without one, "
     "start afresh",
     0},
    {"json", KEY_JSON, NULL, 0, "Print the outcomes as JSON", 0},
    {"print-config", KEY_PRINT_CONFIG, NULL, 0,
     "Print the scenario with every value and where it came from, and stop", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "List the cells with their budgets, and stop", 0},
    {"quiet", KEY_QUIET, NULL, 0, "No progress and no talk", 0},
    {0},
};

static error_t take_flag(int key, run_request *request)
{
    switch (key) {
    case KEY_RESUME:
        request->resume = true;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_PRINT_CONFIG:
        request->print_config = true;
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

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    run_request *request = state->input;
    switch (key) {
    case KEY_SET:
        gv_cli_add_word(&request->sets, "--set", argument, state);
        return 0;
    case KEY_DB:
        request->db_path = argument;
        return 0;
    case KEY_LOGS:
        request->log_folder = argument;
        return 0;
    case KEY_JOBS:
        request->jobs = (size_t)gv_cli_count("--jobs", argument, GV_CLI_JOBS_MAX, state);
        return 0;
    case KEY_ENGINE:
        request->reference = gv_cli_is_reference(argument, state);
        return 0;
    case ARGP_KEY_ARG:
        if (request->scenario_path != NULL) {
            argp_error(state, "one scenario at a time: '%s' is the second", argument);
        }
        request->scenario_path = argument;
        return 0;
    case ARGP_KEY_END:
        if (request->scenario_path == NULL) {
            argp_error(state, "which SCENARIO?");
        }
        if (request->resume && request->db_path == NULL) {
            argp_error(state, "--resume needs --db FILE, where the unfinished run is");
        }
        return 0;
    default:
        return take_flag(key, request);
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "SCENARIO.yaml",
    .doc =
        "Runs a scenario: replays a log, every campaign at every budget under every policy; or "
        "sells a market, with every contender in every advertiser's place; or, where the "
        "scenario has a `campaign` or `population`, wins lapsed users back, every policy with "
        "the whole order.\v"
        "Example:\n"
        "  gavel run scenarios/rlb2997.yaml --db outcomes.db\n"
        "  gavel run june.yaml --set policies.lin.b0=12 --set seed=7 --jobs 2\n"
        "  gavel run june.yaml --set exploration.jitter=0.3 --logs .\n"
        "  gavel run scenarios/market48.yaml --set exploration.strata=8 \\\n"
        "      --set exploration.advertiser=7 --logs . --db explored.db\n"
        "  gavel run scenarios/market48.yaml --set market.periods=20 --db market48.db\n"
        "  gavel run scenarios/retention.yaml --db retention.db\n\n"
        "Ctrl-C saves what is running into --db and exits 130 (SIGTERM: 75); --resume goes on "
        "from there. `gavel list scenario` shows what a scenario can say, `gavel list retention` "
        "one that wins users back.",
};

/* Every problem with its line and a caret; what else went wrong as one sentence. */
static int fail_scenario(const gv_scenario *scenario, gv_status status)
{
    return gv_cli_fail_with(scenario == NULL ? NULL : &scenario->problems, status);
}

static int print_config(const gv_scenario *scenario)
{
    gv_region region = {.chunks = NULL};
    const char *text = NULL;
    int code = GV_EXIT_DONE;
    const gv_status status = gv_scenario_text(scenario, &region, &text);
    if (status == GV_OK) {
        (void)fputs(text, stdout);
    } else {
        code = gv_cli_fail(status);
    }
    gv_region_fini(&region);
    return gv_cli_finish(code);
}

static int list_periods(const gv_composition *composition)
{
    const gv_market *market = composition->market;
    printf("%6s  %-12s %5s  %-20s %8s %16s %10s\n", "cell", "period", "arm", "policy", "seat",
           "budget", "CPA");
    for (size_t i = 0; i < composition->cell_count; i++) {
        char name[64];
        char budget[48];
        char cpa[48];
        const size_t arm = i % composition->unit_cells / market->seat_count;
        const gv_market_advertiser *advertiser = &market->advertisers[i % market->seat_count];
        const gv_policy_plan *policy = arm == 0 ? advertiser->policy : market->contenders[arm - 1];
        gv_unit_name(composition, i / composition->unit_cells, name, sizeof name);
        gv_money_print(advertiser->campaign.budget_nanos, GV_NANOS_PER_UNIT, budget, sizeof budget);
        gv_money_print(advertiser->campaign.cpa_nanos, GV_NANOS_PER_UNIT, cpa, sizeof cpa);
        printf("%6zu  %-12s %5zu  %-20s %8s %16s %10s\n", i, name, arm, policy->name,
               advertiser->campaign.name, budget, cpa);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static int list_cells(const gv_composition *composition)
{
    if (composition->market != NULL) {
        return list_periods(composition);
    }
    printf("%5s  %-20s %-12s %-16s %16s %12s  %s\n", "cell", "campaign", "budget", "policy",
           "amount (CPM)", "rows", "seed");
    for (size_t i = 0; i < composition->cell_count; i++) {
        const gv_cell *cell = &composition->cells[i];
        char amount[48];
        gv_money_print(cell->campaign.budget_nanos, GV_NANOS_PER_CPM, amount, sizeof amount);
        printf("%5zu  %-20s %-12s %-16s %16s %12" PRIu64 "  %" PRId64 "\n", i, cell->campaign.name,
               cell->budget_label, cell->policy->name, amount,
               composition->campaigns[cell->campaign_number].row_count,
               composition->scenario->top->seed);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static int report_outcomes(const run_request *request, gv_store *store, int64_t run_id)
{
    const gv_report_options look = gv_report_options_for(stdout);
    const gv_status status = request->as_json ? gv_report_json(stdout, store, run_id)
                                              : gv_report_run(stdout, store, run_id, &look);
    return gv_cli_finish(status == GV_OK ? GV_EXIT_DONE : gv_cli_fail(status));
}

static void tell_free_budgets(const run_request *request, const gv_composition *composition)
{
    for (size_t i = 0; composition->market == NULL && i < composition->cell_count; i++) {
        const gv_cell *cell = &composition->cells[i];
        if (cell->campaign.budget_nanos == 0) {
            gv_cli_talk(request->quiet,
                        "%s: a budget of 0 buys nothing but what is free (budget %s)\n",
                        cell->campaign.name, cell->budget_label);
            return;
        }
    }
}

static void tell_leaks(const run_request *request, const gv_composition *composition)
{
    for (size_t i = 0; i < composition->leak_count; i++) {
        gv_cli_talk(request->quiet,
                    "gavel: warning: %s learned from the traffic of period %s of this run, so what "
                    "it scores there is no test\n",
                    composition->leaks[i].policy, composition->leaks[i].periods);
    }
}

static void tell_unlearned(const run_request *request, const gv_composition *composition)
{
    for (size_t i = 0; i < composition->unlearned_count; i++) {
        gv_cli_talk(request->quiet, "gavel: warning: policy '%s': %s; it has not learnt them\n",
                    composition->unlearned[i].policy, composition->unlearned[i].campaigns);
    }
}

static int tell_stopped(const run_request *request, const gv_run_result *result)
{
    const bool is_kept = request->db_path != NULL;
    gv_cli_talk(request->quiet, "gavel: stopped with %zu cells done and %zu left%s%s\n",
                result->done, result->left,
                is_kept ? "; the same command with --resume goes on: --db " : "; nothing was kept",
                is_kept ? request->db_path : "");
    return is_kept && gv_cli_signal() == SIGTERM ? GV_EXIT_RESUMABLE : GV_EXIT_INTERRUPTED;
}

/* What the outcome does not show. */
static void tell_notes(const run_request *request, const gv_period_notes *notes)
{
    if (notes->is_unsold) {
        gv_cli_talk(request->quiet, "in some period no offer reached the reserve, so nothing was "
                                    "sold: lower mechanism.reserve\n");
    }
    if (notes->policy == NULL) {
        return;
    }
    gv_cli_talk(request->quiet,
                "bids were clamped: %" PRIu64 " that were no numbers and %" PRIu64
                " below 0 count as none, %" PRIu64 " were lowered to the highest offer there is; "
                "the first by %s\n",
                notes->clamped.not_numbers, notes->clamped.negative, notes->clamped.above,
                notes->policy);
}

/* What models have done that the outcome does not show either. */
static void tell_models(const run_request *request, const gv_composition *composition)
{
    const gv_scenario *scenario = composition->scenario;
    for (size_t i = 0; composition->market != NULL && i < scenario->policy_count; i++) {
        char text[256];
        gv_market_tell(composition->market, i, text, sizeof text);
        if (text[0] != '\0') {
            gv_cli_talk(request->quiet, "policy '%s': %s\n", scenario->policies[i].name, text);
        }
    }
}

static int run_in_store(const run_request *request, const gv_composition *composition,
                        gv_store *store, const gv_progress *progress)
{
    gv_run_result result;
    const gv_run_options how = {.jobs = request->jobs,
                                .reference = request->reference,
                                .resume = request->resume,
                                .arguments = request->arguments,
                                .log_folder = request->log_folder,
                                .progress = progress};
    const gv_status status = gv_run_cells(composition, store, &how, &result);
    gv_cli_progress_end();
    if (request->resume && result.run_id != 0) {
        gv_cli_tell_resumed(request->quiet, request->db_path, result.run_id, result.is_resumed);
    }
    if (result.unfinished_id != 0) {
        gv_cli_talk(request->quiet,
                    "run %" PRId64 " of the same scenario is unfinished; --resume would have gone "
                    "on with it\n",
                    result.unfinished_id);
    }
    if (status == GV_ESTOPPED) {
        return tell_stopped(request, &result);
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    if (result.done == 0) {
        gv_cli_talk(false, "gavel: no cell could be run; %s\n", result.sentence);
        return GV_EXIT_FAILED;
    }
    tell_notes(request, &result.notes);
    tell_models(request, composition);
    const int code = report_outcomes(request, store, result.run_id);
    if (request->db_path != NULL) {
        gv_cli_talk(request->quiet, "run %" PRId64 " is in %s\n", result.run_id, request->db_path);
    }
    if (result.failed > 0) {
        gv_cli_talk(false, "gavel: %zu of %zu cells failed; the first: %s\n", result.failed,
                    composition->cell_count, result.sentence);
        return code == GV_EXIT_DONE ? GV_EXIT_DOUBTFUL : code;
    }
    return code;
}

static int run_composed(const run_request *request, const gv_composition *composition,
                        const gv_progress *progress)
{
    gv_store *store = NULL;
    if (request->dry_run) {
        return list_cells(composition);
    }
    tell_free_budgets(request, composition);
    tell_leaks(request, composition);
    tell_unlearned(request, composition);
    const char *path = request->db_path == NULL ? ":memory:" : request->db_path;
    const gv_status status = gv_store_open(path, GV_STORE_WRITE, &store);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    const int code = run_in_store(request, composition, store, progress);
    gv_store_close(store);
    return code;
}

static void tell_ingest(const run_request *request, const char *path, const char *format)
{
    if (gv_inputs_is_raw(path, format) && strcmp(format, "rlb-info") != 0) {
        gv_cli_talk(request->quiet,
                    "%s is read as %s into a temporary log; `gavel ingest %s FILE... -o X.gvlog` "
                    "would do that once for all runs\n",
                    path, format, format);
    }
}

static int run_scenario(const run_request *request, gv_scenario *scenario)
{
    gv_composition *composition = NULL;
    const gv_progress *progress = gv_cli_progress(request->quiet);
    if (scenario->market == NULL) {
        tell_ingest(request, scenario->log->path, scenario->log->format);
    }
    if (scenario->history != NULL && scenario->history->path != NULL) {
        tell_ingest(request, scenario->history->path, scenario->history->format);
    }
    const gv_status status = gv_compose(scenario, request->jobs, progress, &composition);
    gv_cli_progress_end();
    if (status != GV_OK) {
        return fail_scenario(scenario, status);
    }
    const int code = run_composed(request, composition, progress);
    gv_composition_destroy(composition);
    return code;
}

/* What wins users back is sold otherwise: on a population, one policy at a time. */
static int run_retention(const run_request *request, const char *text, size_t size)
{
    if (request->log_folder != NULL) {
        return gv_cli_fail(GV_FAIL(GV_EUSAGE,
                                   "--logs: a scenario of retention keeps no log of its auctions; "
                                   "`gavel retention play -o FILE` writes its re-entries"));
    }
    const gv_retention_request played = {.path = request->scenario_path,
                                         .text = text,
                                         .size = size,
                                         .sets = &request->sets,
                                         .arguments = request->arguments,
                                         .db_path = request->db_path,
                                         .jobs = request->jobs,
                                         .reference = request->reference,
                                         .resume = request->resume,
                                         .print_config = request->print_config,
                                         .dry_run = request->dry_run,
                                         .as_json = request->as_json,
                                         .quiet = request->quiet};
    return gv_cli_play_retention(&played);
}

static int run_other(const run_request *request, const char *text, size_t size)
{
    gv_scenario *scenario = NULL;
    const gv_status status = gv_scenario_parse(request->scenario_path, text, size,
                                               request->sets.items, request->sets.count, &scenario);
    int code = GV_EXIT_DONE;
    if (status != GV_OK) {
        code = fail_scenario(scenario, status);
    } else if (request->print_config) {
        code = print_config(scenario);
    } else {
        code = run_scenario(request, scenario);
    }
    gv_scenario_destroy(scenario);
    return code;
}

static int run(int argc, char **argv)
{
    static run_request request;
    request = (run_request){.jobs = gv_parallel_processors()};
    gv_cli_join_arguments(argc, argv, request.arguments, sizeof request.arguments);
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    char *text = NULL;
    size_t size = 0;
    bool is_retention = false;
    gv_status status = gv_file_read_text(request.scenario_path, GV_TREE_BYTES_MAX, &text, &size);
    if (status == GV_OK) {
        status = gv_retention_recognise(text, size, &is_retention);
    }
    int code = GV_EXIT_DONE;
    if (status != GV_OK) {
        code = fail_scenario(NULL, status);
    } else {
        code = is_retention ? run_retention(&request, text, size) : run_other(&request, text, size);
    }
    gv_mem_free(text);
    return code;
}

const gv_command gv_command_run = {
    .name = "run",
    .summary = "run a scenario: replay a log, sell a market, or win users back",
    .run = run,
};
