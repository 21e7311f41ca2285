/* gavel auctionnet: AuctionNet's logs - score a policy offline, make trajectories of them. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/commands_impl.h"
#include "scenarios/cli/output.h"
#include "scenarios/report/offline.h"
#include "scenarios/run/offline.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/outcome/trajectory.h"

enum { RATIOS_MAX = 32, SETS_MAX = 64, FILES_MAX = 1024 };

enum { KEY_SET = 256, KEY_RATIO, KEY_OVERSPEND, KEY_HISTORY, KEY_SEED, KEY_JSON };

static const char *const overspends[] = {[GV_OVERSPEND_EXACT] = "exact",
                                         [GV_OVERSPEND_AUCTIONNET] = "auctionnet",
                                         [GV_OVERSPEND_AUCTIONNET + 1] = NULL};

/* What both sub-commands take. */
typedef struct auctionnet_options {
    gv_offline_request request;
    const char *files[FILES_MAX];
    const char *sets[SETS_MAX];
    double ratios[RATIOS_MAX];
    const char *output;
    bool as_json;
    bool is_quiet;
} auctionnet_options;

static void add_file(auctionnet_options *options, const char *path, struct argp_state *state)
{
    if (options->request.file_count == FILES_MAX) {
        argp_error(state, "more than %d files", FILES_MAX);
    }
    options->files[options->request.file_count++] = path;
}

static void add_ratios(auctionnet_options *options, char *list, struct argp_state *state)
{
    char *rest = NULL;
    for (char *item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        char *end = NULL;
        const double ratio = strtod(item, &end);
        if (end == item || *end != '\0' || !(ratio > 0.0 && ratio <= 100.0)) {
            argp_error(state,
                       "--budget-ratio: expected numbers above 0 such as 0.5,1,1.5, found '%s'",
                       item);
        }
        if (options->request.ratio_count == RATIOS_MAX) {
            argp_error(state, "more than %d budget ratios", RATIOS_MAX);
        }
        options->ratios[options->request.ratio_count++] = ratio;
    }
}

static gv_overspend parse_overspend(const char *text, struct argp_state *state)
{
    for (size_t i = 0; overspends[i] != NULL; i++) {
        if (strcmp(text, overspends[i]) == 0) {
            return (gv_overspend)i;
        }
    }
    argp_error(state, "--overspend is '%s', expected auctionnet or exact", text);
    return GV_OVERSPEND_AUCTIONNET;
}

static uint64_t parse_seed(const char *text, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const long long seed = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || seed < 0) {
        argp_error(state, "--seed is '%s', expected a whole number of 0 or more", text);
    }
    return (uint64_t)seed;
}

static const struct argp_option score_options[] = {
    {"policy", 'p', "TYPE", 0, "What bids; `gavel list policies`", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "A parameter of the policy; `gavel list policies TYPE`", 0},
    {"budget-ratio", KEY_RATIO, "LIST", 0, "Logged budgets times these (default 1)", 0},
    {"overspend", KEY_OVERSPEND, "RULE", 0,
     "auctionnet (default): play a tick again without a share of its wins; exact: lower each offer "
     "to what is left",
     0},
    {"history", KEY_HISTORY, "FILE", 0, "A log of another period that the policy learns from", 0},
    {"seed", KEY_SEED, "S", 0, "Of conversions and dropped wins (default 1)", 0},
    {"json", KEY_JSON, NULL, 0, "As one JSON object", 0},
    {"quiet", 'q', NULL, 0, "No progress bar", 0},
    {0},
};

static error_t take_score_option(int key, char *argument, struct argp_state *state)
{
    auctionnet_options *options = state->input;
    switch (key) {
    case 'p':
        options->request.policy = argument;
        return 0;
    case KEY_SET:
        if (options->request.set_count == SETS_MAX) {
            argp_error(state, "more than %d --set", SETS_MAX);
        }
        options->sets[options->request.set_count++] = argument;
        return 0;
    case KEY_RATIO:
        add_ratios(options, argument, state);
        return 0;
    case KEY_OVERSPEND:
        options->request.overspend = parse_overspend(argument, state);
        return 0;
    case KEY_HISTORY:
        options->request.history = argument;
        return 0;
    case KEY_SEED:
        options->request.seed = parse_seed(argument, state);
        return 0;
    case KEY_JSON:
        options->as_json = true;
        return 0;
    case 'q':
        options->is_quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        add_file(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (options->request.file_count == 0) {
            argp_error(state, "which log? Give the path of a CSV in AuctionNet's columns");
        }
        if (options->request.policy == NULL) {
            argp_error(state, "which policy? Give --policy TYPE; `gavel list policies` lists them");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp score_parser = {
    .options = score_options,
    .parser = take_score_option,
    .args_doc = "FILE...",
    .doc =
        "Scores a policy on AuctionNet's logs by the published offline loop: each advertiser of "
        "each period bids against the logged least winning costs, which it pays. No slots, no "
        "exposure, no rivals that react: for those, run a market.\v"
        "Example:\n"
        "  gavel auctionnet score period-7.csv --policy auctionnet_pid --budget-ratio 0.5,1,1.5\n"
        "  gavel auctionnet score period-8.csv.zst --policy abid --set cpa=80 --json",
};

static gv_status print_scores(const auctionnet_options *options, const gv_offline_board *board)
{
    const gv_offline_request *request = &options->request;
    gv_interval intervals[RATIOS_MAX * GV_OFFLINE_FIGURES];
    GV_TRY(gv_offline_board_sum(board, request->seed, intervals));
    const gv_offline_report report = {
        .policy = request->policy,
        .ratios = request->ratios,
        .ratio_count = request->ratio_count,
        .campaign_count = gv_offline_board_campaigns(board),
        .overspend = overspends[request->overspend],
        .seed = request->seed,
        .intervals = intervals,
    };
    if (options->as_json) {
        return gv_offline_report_json(stdout, &report);
    }
    const gv_report_options look = gv_report_options_for(stdout);
    return gv_offline_report_print(stdout, &report, &look);
}

static int run_score(int argc, char **argv)
{
    static auctionnet_options options;
    options = (auctionnet_options){.request = {.overspend = GV_OVERSPEND_AUCTIONNET, .seed = 1}};
    options.request.files = options.files;
    options.request.sets = options.sets;
    options.request.ratios = options.ratios;
    if (argp_parse(&score_parser, argc, argv, 0, NULL, &options) != 0) {
        return GV_EXIT_USAGE;
    }
    if (options.request.ratio_count == 0) {
        options.ratios[options.request.ratio_count++] = 1.0;
    }
    gv_offline_board *board = NULL;
    gv_status status = gv_offline_run(&options.request, gv_cli_progress(options.is_quiet), &board);
    gv_cli_progress_end();
    if (status == GV_OK) {
        status = print_scores(&options, board);
    }
    gv_offline_board_destroy(board);
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

static const struct argp_option trajectory_options[] = {
    {"output", 'o', "X.safetensors", 0, "Where to write", 0},
    {"quiet", 'q', NULL, 0, "No progress bar and no talk", 0},
    {0},
};

static error_t take_trajectory_option(int key, char *argument, struct argp_state *state)
{
    auctionnet_options *options = state->input;
    switch (key) {
    case 'o':
        options->output = argument;
        return 0;
    case 'q':
        options->is_quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        add_file(options, argument, state);
        return 0;
    case ARGP_KEY_END:
        if (options->request.file_count == 0) {
            argp_error(state, "which log? Give the path of a CSV in AuctionNet's columns");
        }
        if (options->output == NULL) {
            argp_error(state, "where to? Give -o X.safetensors");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp trajectory_parser = {
    .options = trajectory_options,
    .parser = take_trajectory_option,
    .args_doc = "FILE...",
    .doc = "Makes training trajectories of AuctionNet's logs: a state of 16 numbers, an outlook "
           "of 26 that have no scale, an action and rewards for each advertiser, period and tick, "
           "as safetensors with the tensors state [N][48][16], outlook [N][48][26], action, "
           "reward, reward_continuous, done [N][48], length, period, "
           "advertiser, category, budget, cpa, spend, conversions, score [N].\v"
           "Example:\n"
           "  gavel auctionnet trajectories period-7.csv period-8.csv -o train.safetensors",
};

static gv_status make_trajectories(const auctionnet_options *options, gv_trajectories **out)
{
    GV_TRY(gv_cli_spare(options->output, options->files, options->request.file_count));
    GV_TRY(gv_trajectories_create(GV_AUCTIONNET_PERIOD_TICKS, out));
    for (size_t i = 0; i < options->request.file_count; i++) {
        GV_TRY(gv_trajectories_read(*out, options->files[i], gv_cli_progress(options->is_quiet)));
    }
    return gv_trajectories_write(*out, options->output, options->files[0], NULL);
}

static int run_trajectories(int argc, char **argv)
{
    static auctionnet_options options;
    options = (auctionnet_options){.output = NULL};
    if (argp_parse(&trajectory_parser, argc, argv, 0, NULL, &options) != 0) {
        return GV_EXIT_USAGE;
    }
    gv_trajectories *set = NULL;
    const gv_status status = make_trajectories(&options, &set);
    gv_cli_progress_end();
    if (status == GV_OK) {
        gv_cli_talk(options.is_quiet, "%s: %zu trajectories\n", options.output,
                    gv_trajectories_count(set));
    }
    gv_trajectories_destroy(set);
    return status == GV_OK ? gv_cli_finish(GV_EXIT_DONE) : gv_cli_fail(status);
}

static const gv_command parts[] = {
    {.name = "score", .summary = "score a policy by the published offline loop", .run = run_score},
    {.name = "trajectories",
     .summary = "make training trajectories, as safetensors",
     .run = run_trajectories},
};

enum { PARTS = sizeof parts / sizeof parts[0] };

static void print_usage(FILE *stream)
{
    (void)fputs("Usage: gavel auctionnet score|trajectories FILE... [OPTION...]\n"
                "Works on logs in AuctionNet's 18 columns, plain or packed.\n\n",
                stream);
    for (size_t i = 0; i < PARTS; i++) {
        (void)fprintf(stream, "  %-13s %s\n", parts[i].name, parts[i].summary);
    }
    (void)fputs("\nExample:\n"
                "  gavel auctionnet score period-7.csv --policy abid --budget-ratio 0.5,1,1.5\n\n"
                "`gavel auctionnet score --help` explains one.\n",
                stream);
}

static int refuse(const char *word)
{
    const char *names[PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        names[i] = parts[i].name;
    }
    const char *nearest = gv_param_nearest(names, PARTS, word);
    (void)fprintf(stderr, "gavel auctionnet: there is no '%s'%s%s%s\n", word,
                  nearest == NULL ? ": `gavel auctionnet --help` lists what there is"
                                  : "; did you mean '",
                  nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    return GV_EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    static char name[64];
    if (argc < 2) {
        print_usage(stderr);
        return GV_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
        print_usage(stdout);
        return gv_cli_finish(GV_EXIT_DONE);
    }
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(argv[1], parts[i].name) == 0) {
            (void)snprintf(name, sizeof name, "gavel auctionnet %s", parts[i].name);
            argv[1] = name;
            return parts[i].run(argc - 1, argv + 1);
        }
    }
    return refuse(argv[1]);
}

const gv_command gv_command_auctionnet = {
    .name = "auctionnet",
    .summary = "score policies offline on AuctionNet's logs; make trajectories",
    .run = run,
};
