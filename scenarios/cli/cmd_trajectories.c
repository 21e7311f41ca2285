/* gavel trajectories: what auto-bidders learn from, of a stored market run. */
#include <argp.h>
#include <inttypes.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/run/trajectories.h"

enum { KEY_RUN = 256, KEY_POLICIES, KEY_RIVALS, SOURCE_SIZE = 512 };

typedef struct trajectories_options {
    const char *path;
    const char *output;
    const char *rivals;
    gv_cli_words policies;
    int64_t run_id;
    bool quiet;
} trajectories_options;

static void take_rivals(trajectories_options *options, const char *text, struct argp_state *state)
{
    static const char *const kinds[] = {"market", "fixed", "reacting", "all"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(text, kinds[i]) == 0) {
            options->rivals = strcmp(text, "all") == 0 ? NULL : kinds[i];
            return;
        }
    }
    argp_error(state, "--rivals is '%s', expected market, fixed, reacting or all", text);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    trajectories_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case KEY_RUN:
        options->run_id = (int64_t)gv_cli_count("--run", text, INT64_MAX, state);
        return 0;
    case KEY_POLICIES:
        gv_cli_add_list(&options->policies, "--policies", text, state);
        return 0;
    case KEY_RIVALS:
        take_rivals(options, text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (options->path != NULL) {
            argp_error(state, "one database at a time, not %s too", text);
        }
        options->path = text;
        return 0;
    case ARGP_KEY_END:
        if (options->path == NULL || options->output == NULL) {
            argp_error(state, "name a database and the file to write: -o train.safetensors");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"output", 'o', "X.safetensors", 0, "Where to write", 0},
    {"run", KEY_RUN, "ID", 0, "A run other than the latest", 0},
    {"policies", KEY_POLICIES, "NAME,...", 0, "Of these policies only", 0},
    {"rivals", KEY_RIVALS, "KIND", 0,
     "market (default): campaigns of the market itself; fixed or reacting: contenders; all", 0},
    {"quiet", 'q', NULL, 0, "No talk on stderr", 0},
    {0},
};

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "DB",
    .doc =
        "Makes training trajectories of a stored market run: a state of 16 numbers, an outlook of "
        "26 that have no scale, an action and rewards for each advertiser, period and tick, as "
        "safetensors with the tensors state [N][T][16], outlook [N][T][26], action, reward, "
        "reward_continuous, done [N][T], length, period, advertiser, category, "
        "budget, cpa, spend, conversions, score [N].\v"
        "Example:\n"
        "  gavel run scenarios/market48.yaml --set market.periods=200 --set market.contenders=[] "
        "--db train.db\n"
        "  gavel trajectories train.db -o train.safetensors",
};

static gv_status make(const trajectories_options *options, gv_store *store, size_t *count)
{
    gv_outcomes *outcomes = NULL;
    gv_trajectories *set = NULL;
    char source[SOURCE_SIZE];
    const gv_trajectory_choice choice = {.policies = options->policies.items,
                                         .policy_count = options->policies.count,
                                         .rivals = options->rivals};
    GV_TRY(gv_outcomes_read(store, options->run_id, true, &outcomes));
    gv_status status = gv_trajectories_of_run(outcomes, &choice, &set);
    if (status == GV_OK) {
        (void)snprintf(source, sizeof source, "run %" PRId64 " (%s, scenario %s) of %s",
                       outcomes->run.id, outcomes->run.name, outcomes->run.scenario_hash,
                       options->path);
        *count = gv_trajectories_count(set);
        status = gv_trajectories_write(set, options->output, source, NULL);
    }
    gv_trajectories_destroy(set);
    gv_outcomes_destroy(outcomes);
    return status;
}

static int run(int argc, char **argv)
{
    static trajectories_options options;
    options = (trajectories_options){.run_id = GV_RUN_LATEST, .rivals = "market"};
    gv_store *store = NULL;
    size_t count = 0;
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_status status = gv_cli_spare(options.output, &options.path, 1);
    if (status == GV_OK) {
        status = gv_store_open(options.path, GV_STORE_READ, &store);
    }
    if (status == GV_OK) {
        status = make(&options, store, &count);
    }
    gv_store_close(store);
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    gv_cli_talk(options.quiet, "%s: %zu trajectories\n", options.output, count);
    return gv_cli_finish(GV_EXIT_DONE);
}

const gv_command gv_command_trajectories = {
    .name = "trajectories",
    .summary = "make training trajectories of a market run, as safetensors",
    .run = run,
};
