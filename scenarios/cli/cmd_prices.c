/* gavel prices: what market prices are like, as seen by who wins only some auctions. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/prices.h"
#include "scenarios/run/prices.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"

enum { KEY_OFFER = 256, KEY_SPREAD, KEY_SEED, KEY_JSON, KEY_PLOT, KEY_FIELDS };

typedef struct prices_request {
    gv_prices_options options;
    const char *plot;
    bool as_json;
} prices_request;

static const struct argp_option options[] = {
    {"offer", KEY_OFFER, "AMOUNT", 0,
     "The median offer of an advertiser that wins where it reaches the price: '60 CPM' (default: "
     "every auction is won)",
     0},
    {"spread", KEY_SPREAD, "NUMBER", 0,
     "Standard deviation of its offers' logarithm (default: 0.5)", 0},
    {"seed", KEY_SEED, "N", 0, "Of its offers (default: 1)", 0},
    {"fields", KEY_FIELDS, "LIST", 0,
     "Also teach a network the law of each auction by these fields, such as 'exchange, "
     "slot_width*slot_height, hour'; no past, and none that has several values in a row (tags, "
     "features)",
     0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the outcome is the same", 0},
    {"json", KEY_JSON, NULL, 0, "As one JSON object: money in nanos", 0},
    {"plot", KEY_PLOT, "NAME", 0, "Also draw NAME.png and NAME.svg", 0},
    {0},
};

static void take_offer(const char *argument, int64_t *nanos, struct argp_state *state)
{
    if (gv_money_parse(argument, GV_NANOS_PER_CPM, nanos) != GV_OK || *nanos <= 0) {
        argp_error(state, "--offer: expected an amount above 0 such as '60 CPM', found '%s'",
                   argument);
    }
}

static void take_spread(const char *argument, double *spread, struct argp_state *state)
{
    char *end = NULL;
    *spread = strtod(argument, &end);
    if (end == argument || *end != '\0' || !(*spread >= 0 && *spread <= 100)) {
        argp_error(state, "--spread: expected a number from 0 to 100, found '%s'", argument);
    }
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    prices_request *request = state->input;
    switch (key) {
    case KEY_OFFER:
        take_offer(argument, &request->options.offer_nanos, state);
        return 0;
    case KEY_SPREAD:
        take_spread(argument, &request->options.offer_sigma, state);
        return 0;
    case KEY_SEED:
        request->options.seed = gv_cli_count("--seed", argument, INT64_MAX, state);
        return 0;
    case KEY_FIELDS:
        request->options.fields = argument;
        return 0;
    case 'j':
        request->options.jobs = (size_t)gv_cli_count("--jobs", argument, GV_CLI_JOBS_MAX, state);
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_PLOT:
        request->plot = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (request->options.path != NULL) {
            argp_error(state, "one log at a time: '%s' is too many", argument);
        }
        request->options.path = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which log? Give the path of a .gvlog, or of RLB's NAME.info.json");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "LOG.gvlog|NAME.info.json",
    .doc =
        "Shows how often a bid wins by the market prices of a log, and what an advertiser whose "
        "offers win only some of its auctions can tell of that: by the prices that it saw alone, "
        "which is too low, by the product limit (Kaplan and Meier), by a censored "
        "log-normal, and with --fields by a network that gives each auction a law of its own.\v"
        "Example:\n  gavel prices june.gvlog --offer '60 CPM' --plot prices\n"
        "  gavel prices june.gvlog --offer '60 CPM' --fields 'exchange, advertiser, hour'\n"
        "  gavel prices 2997.info.json --offer '40 CPM' --spread 0.8 --json",
};

static gv_status show(const prices_request *request)
{
    const gv_report_options report = gv_report_options_for(stdout);
    gv_prices prices;
    GV_TRY(gv_prices_of(&request->options, &prices));
    if (request->plot != NULL) {
        GV_TRY(gv_prices_plot(&prices, request->options.path, request->plot));
    }
    return request->as_json ? gv_prices_json(stdout, &prices)
                            : gv_prices_print(stdout, &prices, &report);
}

static int run(int argc, char **argv)
{
    prices_request request = {
        .options = {.offer_sigma = 0.5, .seed = 1, .jobs = gv_parallel_processors()}};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    const gv_status status = show(&request);
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

const gv_command gv_command_prices = {
    .name = "prices",
    .summary = "show a log's market prices, and what who wins some of them can tell of them",
    .run = run,
};
