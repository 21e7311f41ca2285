/* gavel landscapes: a market's own episodes with their bid landscapes. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/compose/compose.h"
#include "scenarios/run/landscapes.h"
#include "sim/base/parallel.h"

enum { SOURCE_SIZE = 512 };

typedef struct landscapes_request {
    const char *scenario_path;
    const char *output;
    gv_cli_words sets;
    size_t jobs;
    const gv_progress *progress;
    bool quiet;
} landscapes_request;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE.safetensors", 0, "Where to write (required)", 0},
    {"set", 's', "KEY=VALUE", 0,
     "Put a value over the scenario's, such as market.periods=200; may be repeated", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the file is the same", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

static error_t take_option(int key, char *text, struct argp_state *state)
{
    landscapes_request *request = state->input;
    switch (key) {
    case 'o':
        request->output = text;
        return 0;
    case 's':
        gv_cli_add_word(&request->sets, "--set", text, state);
        return 0;
    case 'j':
        request->jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (request->scenario_path != NULL) {
            argp_error(state, "one scenario at a time: '%s' is the second", text);
        }
        request->scenario_path = text;
        return 0;
    case ARGP_KEY_END:
        if (request->scenario_path == NULL || request->output == NULL) {
            argp_error(state, "name a scenario and the file to write: -o landscapes.safetensors");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = take_option,
    .args_doc = "SCENARIO.yaml",
    .doc =
        "Sells each period of a market once, with the advertisers' own policies, and writes every "
        "advertiser's episode with its bid landscape: at each tick, what every multiplier of a "
        "grid (1/16 to 8 times the CPA, 12 an octave) would have spent and gained against the "
        "recorded offers of the others. The tensors of `gavel trajectories`, and landscape_cost, "
        "landscape_value [N][T][85], landscape_true, tick_auctions, tick_values and "
        "tick_least_cost [N][T]. The learner `direct` rolls its policies out in them.\v"
        "Example:\n"
        "  gavel landscapes scenarios/market48.yaml --set market.first_period=1000 "
        "--set market.periods=200 -o landscapes.safetensors\n"
        "  gavel train direct landscapes.safetensors -o direct.safetensors\n\n"
        "All is held in memory: about 42 KB an episode of 48 ticks, so 400 MB for 200 periods of "
        "48 advertisers.",
};

static int fail_scenario(const gv_scenario *scenario, gv_status status)
{
    return gv_cli_fail_with(scenario == NULL ? NULL : &scenario->problems, status);
}

static gv_status write_file(const landscapes_request *request, const gv_composition *composition,
                            const gv_landscapes *landscapes)
{
    char source[SOURCE_SIZE];
    const char *name = composition->scenario->top->name;
    (void)snprintf(source, sizeof source, "landscapes of %s (scenario %016" PRIx64 ")",
                   name == NULL ? "a market" : name, composition->hash);
    return gv_landscapes_write(landscapes, request->output, source);
}

static int make(const landscapes_request *request, const gv_composition *composition)
{
    gv_landscapes *landscapes = NULL;
    gv_status status =
        gv_landscapes_make(composition, request->jobs, request->progress, &landscapes);
    if (status == GV_OK) {
        status = write_file(request, composition, landscapes);
    }
    gv_cli_progress_end();
    int code = GV_EXIT_DONE;
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request->quiet, "gavel: stopped; nothing was written\n");
        code = GV_EXIT_INTERRUPTED;
    } else if (status != GV_OK) {
        code = gv_cli_fail(status);
    } else {
        gv_cli_talk(request->quiet, "%s: %zu episodes with their bid landscapes\n", request->output,
                    gv_landscapes_count(landscapes));
        code = gv_cli_finish(GV_EXIT_DONE);
    }
    gv_landscapes_destroy(landscapes);
    return code;
}

static int make_of_scenario(const landscapes_request *request, gv_scenario *scenario)
{
    gv_composition *composition = NULL;
    if (scenario->market == NULL) {
        return gv_cli_fail(GV_FAIL(GV_EUSAGE,
                                   "%s: it replays a log; a bid landscape is of a market, so give "
                                   "a scenario with `market:`",
                                   request->scenario_path));
    }
    const gv_status status = gv_compose(scenario, request->jobs, request->progress, &composition);
    if (status != GV_OK) {
        return fail_scenario(scenario, status);
    }
    const int code = make(request, composition);
    gv_composition_destroy(composition);
    return code;
}

static int run(int argc, char **argv)
{
    static landscapes_request request;
    request = (landscapes_request){.jobs = gv_parallel_processors()};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    if (request.sets.count == GV_CLI_WORDS_MAX) {
        return gv_cli_fail(GV_FAIL(GV_EUSAGE, "too many --set"));
    }
    request.sets.items[request.sets.count++] = "market.contenders=[]";
    request.progress = gv_cli_progress(request.quiet);
    gv_scenario *scenario = NULL;
    gv_status status = gv_cli_spare(request.output, &request.scenario_path, 1);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    status =
        gv_scenario_load(request.scenario_path, request.sets.items, request.sets.count, &scenario);
    const int code =
        status == GV_OK ? make_of_scenario(&request, scenario) : fail_scenario(scenario, status);
    gv_scenario_destroy(scenario);
    return code;
}

const gv_command gv_command_landscapes = {
    .name = "landscapes",
    .summary = "make a market's episodes with their bid landscapes, as safetensors",
    .run = run,
};
