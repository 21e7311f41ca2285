/* gavel generate: a log that is made up from a seed, for when there is no real one. */
#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>

#include "scenarios/cli/cli.h"
#include "sim/base/clock.h"
#include "sim/log/generate.h"

enum {
    KEY_AUCTIONS = 'n',
    KEY_PLANTED = 'p',
    KEY_SEED = 's',
    KEY_DAYS = 'd',
    KEY_QUIET = 'q',
    KEY_JSON = 256
};

typedef struct generate_request {
    gv_generate_config config;
    bool as_json;
    bool quiet;
} generate_request;

static const struct argp_option options[] = {
    {"auctions", KEY_AUCTIONS, "N", 0, "How many auctions (default 200000)", 0},
    {"seed", KEY_SEED, "S", 0, "Same seed, same log (default 1)", 0},
    {"days", KEY_DAYS, "D", 0, "Over how many days from 2026-06-01 UTC (default 7)", 0},
    {"planted", KEY_PLANTED, NULL, 0,
     "Impressions whose law of clicks and conversions is known and needs a user's past, for "
     "predictors to be held against; pctr and pcvr are the truth",
     0},
    {"json", KEY_JSON, NULL, 0, "Print what was written as JSON", 0},
    {"quiet", KEY_QUIET, NULL, 0, "No progress and no talk", 0},
    {0},
};

static int64_t read_number(const char *name, const char *text, int64_t maximum, int64_t minimum,
                           struct argp_state *state)
{
    char *end = NULL;
    const long long number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < minimum || number > maximum) {
        argp_error(state, "%s: expected a whole number from %" PRId64 " to %" PRId64 ", found '%s'",
                   name, minimum, maximum, text);
    }
    return number;
}

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    generate_request *request = state->input;
    gv_generate_config *config = &request->config;
    switch (key) {
    case KEY_AUCTIONS:
        config->auction_count = (uint64_t)read_number("--auctions", argument, 1000000000, 1, state);
        return 0;
    case KEY_SEED:
        config->seed = (uint64_t)read_number("--seed", argument, INT64_MAX, 0, state);
        return 0;
    case KEY_DAYS:
        config->days = read_number("--days", argument, 366, 1, state);
        return 0;
    case KEY_PLANTED:
        config->kind = GV_GENERATE_PLANTED;
        return 0;
    case KEY_JSON:
        request->as_json = true;
        return 0;
    case KEY_QUIET:
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (config->path != NULL) {
            argp_error(state, "one log at a time: '%s' is the second", argument);
        }
        config->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (config->path == NULL) {
            argp_error(state, "which X.gvlog?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "X.gvlog",
    .doc = "Makes up an auction log from a seed: hourly arrivals, five advertisers, three "
           "exchanges, log-normal market prices, rare and late clicks.\v"
           "Example:\n  gavel generate week.gvlog --auctions 500000 --seed 7",
};

static void print_counts(const generate_request *request, const gv_builder_counts *counts)
{
    const uint64_t impressions = counts->rows[GV_LOG_IMPRESSION];
    const uint64_t clicks = counts->rows[GV_LOG_CLICK];
    const uint64_t conversions = counts->rows[GV_LOG_CONVERSION];
    if (request->as_json) {
        printf("{\"impressions\": %" PRIu64 ", \"clicks\": %" PRIu64 ", \"conversions\": %" PRIu64
               "}\n",
               impressions, clicks, conversions);
        return;
    }
    printf("%s: %" PRIu64 " impressions, %" PRIu64 " clicks, %" PRIu64 " conversions\n",
           request->config.path, impressions, clicks, conversions);
}

static int run(int argc, char **argv)
{
    generate_request request = {.config = {.auction_count = 200000, .seed = 1, .days = 7}};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_builder_counts counts = {.lines = 0};
    gv_status status = gv_time_parse("2026-06-01", 0, &request.config.start_us);
    if (status == GV_OK) {
        status = gv_generate(&request.config, gv_cli_progress(request.quiet), &counts);
    }
    gv_cli_progress_end();
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    print_counts(&request, &counts);
    return gv_cli_finish(GV_EXIT_DONE);
}

const gv_command gv_command_generate = {
    .name = "generate",
    .summary = "make up an auction log from a seed",
    .run = run,
};
