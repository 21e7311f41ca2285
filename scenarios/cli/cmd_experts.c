/* gavel experts: episodes of the hindsight oracle, and of others under its eye. */
#include <argp.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/compose/compose.h"
#include "scenarios/run/experts.h"
#include "scenarios/run/provenance.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/base/parallel.h"

enum {
    KEY_COPIES = 256,
    KEY_BUDGET,
    KEY_CPA,
    KEY_NOISE,
    KEY_PUPIL,
    KEY_JSON,
    CONTENDERS_SIZE = 4096,
    SOURCE_SIZE = 512,
};

typedef struct experts_request {
    const char *scenario_path;
    const char *output;
    gv_cli_words sets;
    gv_cli_words pupils;
    gv_expert_options options;
    bool as_json;
    bool quiet;
    char contenders[CONTENDERS_SIZE]; /* "market.contenders=[...]": the pupils */
} experts_request;

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE.safetensors", 0, "Where to write (required)", 0},
    {"set", 's', "KEY=VALUE", 0,
     "Put a value over the scenario's, such as market.periods=200; may be repeated", 0},
    {"copies", KEY_COPIES, "N", 0, "Draws of budget and CPA for each advertiser (default: 2)", 0},
    {"budget", KEY_BUDGET, "A..B", 0,
     "Draw the budget uniformly from A to B times the advertiser's own (default: 0.5..1.5)", 0},
    {"cpa", KEY_CPA, "A..B", 0,
     "Draw the CPA uniformly from A to B, in currency (default: the market's least to most)", 0},
    {"noise", KEY_NOISE, "SIGMA", 0,
     "One more episode of each draw: the oracle with its multiplier disturbed by log-normal noise "
     "of this standard deviation, 0.9 of it kept from tick to tick",
     0},
    {"pupil", KEY_PUPIL, "NAME", 0,
     "One more episode of each draw, of this policy of the scenario; may be repeated", 0},
    {"jobs", 'j', "N", 0, "Threads (default: all processors); the file is the same", 0},
    {"json", KEY_JSON, NULL, 0, "Print the summary as JSON", 0},
    {"quiet", 'q', NULL, 0, "No progress and no talk", 0},
    {0},
};

/* "0.5..1.5", or one number for both. */
static void take_range(const char *option, const char *text, double most[2],
                       struct argp_state *state)
{
    char *end = NULL;
    most[0] = strtod(text, &end);
    most[1] = most[0];
    bool is_right = end != text;
    if (is_right && strncmp(end, "..", 2) == 0) {
        const char *second = end + 2;
        most[1] = strtod(second, &end);
        is_right = end != second;
    }
    if (!is_right || *end != '\0' || !(most[0] > 0) || !(most[1] >= most[0]) || !(most[1] < 1e9)) {
        argp_error(state, "%s: expected a range above 0 such as 0.5..1.5, found '%s'", option,
                   text);
    }
}

static void take_noise(experts_request *request, const char *text, struct argp_state *state)
{
    char *end = NULL;
    request->options.noise = strtod(text, &end);
    if (end == text || *end != '\0' || !(request->options.noise > 0) ||
        !(request->options.noise <= 5)) {
        argp_error(state, "--noise: expected a standard deviation above 0, at most 5, found '%s'",
                   text);
    }
}

static error_t take_number(int key, char *text, struct argp_state *state)
{
    experts_request *request = state->input;
    double range[2] = {0};
    switch (key) {
    case KEY_COPIES:
        request->options.copies =
            (size_t)gv_cli_count("--copies", text, GV_EXPERT_COPIES_MAX, state);
        return 0;
    case KEY_BUDGET:
        take_range("--budget", text, range, state);
        request->options.budget_least = range[0];
        request->options.budget_most = range[1];
        return 0;
    case KEY_CPA:
        take_range("--cpa", text, range, state);
        request->options.cpa_least = range[0] * (double)GV_NANOS_PER_UNIT;
        request->options.cpa_most = range[1] * (double)GV_NANOS_PER_UNIT;
        return 0;
    case KEY_NOISE:
        take_noise(request, text, state);
        return 0;
    case 'j':
        request->options.jobs = (size_t)gv_cli_count("--jobs", text, GV_CLI_JOBS_MAX, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    experts_request *request = state->input;
    switch (key) {
    case 'o':
        request->output = text;
        return 0;
    case 's':
        gv_cli_add_word(&request->sets, "--set", text, state);
        return 0;
    case KEY_PUPIL:
        gv_cli_add_word(&request->pupils, "--pupil", text, state);
        return 0;
    case KEY_JSON:
        request->as_json = true;
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
            argp_error(state, "name a scenario and the file to write: -o experts.safetensors");
        }
        return 0;
    default:
        return take_number(key, text, state);
    }
}

static const struct argp parser = {
    .options = option_table,
    .parser = take_option,
    .args_doc = "SCENARIO.yaml",
    .doc =
        "Makes episodes to imitate. Sells each period of a market once, draws budgets and CPAs for "
        "every advertiser, and plays each draw alone against what was recorded: the advertiser's "
        "own policy (the log), the hindsight oracle (kept where its score beats the log's) and "
        "whom else is asked for. All have the oracle's multiplier at each tick beside the one "
        "really bid: the tensors of `gavel trajectories`, and oracle [N][T] and expert [N].\v"
        "Example:\n"
        "  gavel experts scenarios/market48.yaml --set market.first_period=1000 "
        "--set market.periods=50 -o experts.safetensors\n"
        "  gavel train ebaret experts.safetensors -o ebaret.safetensors\n\n"
        "All is held in memory: about 13 KB a trajectory of 48 ticks, so 750 MB for 200 periods of "
        "48 advertisers, 2 copies and 3 policies.",
};

/* ---- what is told ---------------------------------------------------------------------------- */

static int print_json(const experts_request *request, const gv_expert_summary *summary,
                      size_t count)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "file", json_string(request->output));
    (void)json_object_set_new(object, "trajectories", json_integer((json_int_t)count));
    (void)json_object_set_new(object, "draws", json_integer((json_int_t)summary->draws));
    (void)json_object_set_new(object, "experts", json_integer((json_int_t)summary->experts));
    (void)json_object_set_new(object, "experts_not_kept",
                              json_integer((json_int_t)summary->not_kept));
    (void)json_object_set_new(object, "noisy", json_integer((json_int_t)summary->noisy));
    (void)json_object_set_new(object, "pupils", json_integer((json_int_t)summary->pupils));
    (void)json_object_set_new(object, "log_score", json_real(summary->log_score));
    (void)json_object_set_new(object, "oracle_score", json_real(summary->oracle_score));
    (void)json_object_set_new(object, "noisy_score",
                              summary->noisy == 0 ? json_null() : json_real(summary->noisy_score));
    (void)json_object_set_new(object, "pupil_score",
                              summary->pupils == 0 ? json_null() : json_real(summary->pupil_score));
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(object);
    return gv_cli_finish(GV_EXIT_DONE);
}

static int tell(const experts_request *request, const gv_expert_summary *summary, size_t count)
{
    if (request->as_json) {
        return print_json(request, summary, count);
    }
    gv_cli_talk(request->quiet,
                "%s: %zu trajectories of %zu draws; mean score of the log %.2f, of the oracle "
                "%.2f\n",
                request->output, count, summary->draws, summary->log_score, summary->oracle_score);
    if (summary->not_kept > 0) {
        gv_cli_talk(request->quiet,
                    "%zu of the oracle's episodes were no better than the log's and are left out\n",
                    summary->not_kept);
    }
    if (summary->noisy > 0) {
        gv_cli_talk(request->quiet, "%zu of the oracle with noise, mean score %.2f\n",
                    summary->noisy, summary->noisy_score);
    }
    if (summary->pupils > 0) {
        gv_cli_talk(request->quiet, "%zu of pupils, mean score %.2f\n", summary->pupils,
                    summary->pupil_score);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

/* ---- the work -------------------------------------------------------------------------------- */

static int fail_scenario(const gv_scenario *scenario, gv_status status)
{
    return gv_cli_fail_with(scenario == NULL ? NULL : &scenario->problems, status);
}

static gv_status write_file(const experts_request *request, const gv_composition *composition,
                            const gv_trajectories *set, const uint64_t *hashes)
{
    char *provenance = NULL;
    char source[SOURCE_SIZE];
    const gv_scenario *scenario = composition->scenario;
    GV_TRY(gv_provenance_of_experts(composition, &request->options, hashes, &provenance));
    (void)snprintf(source, sizeof source, "experts of %s (scenario %016" PRIx64 ")",
                   scenario->top->name == NULL ? "a market" : scenario->top->name,
                   composition->hash);
    const gv_status status = gv_trajectories_write(set, request->output, source, provenance);
    gv_mem_free(provenance);
    return status;
}

static int make(const experts_request *request, const gv_composition *composition)
{
    gv_trajectories *set = NULL;
    gv_expert_summary summary = {0};
    uint64_t *hashes = gv_mem_alloc(0, composition->unit_count, sizeof *hashes);
    if (hashes == NULL) {
        return gv_cli_fail(GV_FAIL(GV_ENOMEM, "no memory for the hashes of periods"));
    }
    gv_status status = gv_experts_make(composition, &request->options, hashes, &set, &summary);
    if (status == GV_OK) {
        status = write_file(request, composition, set, hashes);
    }
    gv_cli_progress_end();
    int code = 0;
    if (status == GV_ESTOPPED) {
        gv_cli_talk(request->quiet, "gavel: stopped; nothing was written\n");
        code = GV_EXIT_INTERRUPTED;
    } else if (status != GV_OK) {
        code = gv_cli_fail(status);
    } else {
        code = tell(request, &summary, gv_trajectories_count(set));
    }
    gv_trajectories_destroy(set);
    gv_mem_free(hashes);
    return code;
}

static int make_of_scenario(const experts_request *request, gv_scenario *scenario)
{
    gv_composition *composition = NULL;
    const gv_status status =
        gv_compose(scenario, request->options.jobs, request->options.progress, &composition);
    if (status != GV_OK) {
        return fail_scenario(scenario, status);
    }
    const int code = make(request, composition);
    gv_composition_destroy(composition);
    return code;
}

/* Pupils are the market's contenders, and there are no others. */
static gv_status print_contenders(experts_request *request)
{
    char *text = request->contenders;
    size_t used = (size_t)snprintf(text, CONTENDERS_SIZE, "market.contenders=[");
    for (size_t i = 0; i < request->pupils.count && used < CONTENDERS_SIZE; i++) {
        used += (size_t)snprintf(text + used, CONTENDERS_SIZE - used, "%s%s", i == 0 ? "" : ",",
                                 request->pupils.items[i]);
    }
    if (used + 2 > CONTENDERS_SIZE || request->sets.count == GV_CLI_WORDS_MAX) {
        return GV_FAIL(GV_EUSAGE, "too many --pupil and --set");
    }
    (void)snprintf(text + used, CONTENDERS_SIZE - used, "]");
    request->sets.items[request->sets.count++] = text;
    return GV_OK;
}

/* First as it is: what replays a log would only become muddled by pupils. */
static gv_status load(experts_request *request, gv_scenario **scenario)
{
    const gv_cli_words *sets = &request->sets;
    GV_TRY(gv_cli_spare(request->output, &request->scenario_path, 1));
    GV_TRY(gv_scenario_load(request->scenario_path, sets->items, sets->count, scenario));
    if ((*scenario)->market == NULL) {
        gv_scenario_destroy(*scenario);
        *scenario = NULL;
        return GV_FAIL(GV_EUSAGE,
                       "%s: it replays a log; the oracle plays in a market, so give a scenario "
                       "with `market:`",
                       request->scenario_path);
    }
    gv_scenario_destroy(*scenario);
    *scenario = NULL;
    GV_TRY(print_contenders(request));
    return gv_scenario_load(request->scenario_path, sets->items, sets->count, scenario);
}

static int run(int argc, char **argv)
{
    static experts_request request;
    request = (experts_request){.options = {.copies = 2,
                                            .budget_least = 0.5,
                                            .budget_most = 1.5,
                                            .cpa_least = (double)NAN,
                                            .cpa_most = (double)NAN,
                                            .jobs = gv_parallel_processors()}};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    request.options.progress = gv_cli_progress(request.quiet);
    gv_scenario *scenario = NULL;
    const gv_status status = load(&request, &scenario);
    const int code =
        status == GV_OK ? make_of_scenario(&request, scenario) : fail_scenario(scenario, status);
    gv_scenario_destroy(scenario);
    return code;
}

const gv_command gv_command_experts = {
    .name = "experts",
    .summary = "make episodes of the hindsight oracle to imitate, as safetensors",
    .run = run,
};
