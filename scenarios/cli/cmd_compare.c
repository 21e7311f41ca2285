/* gavel compare: every policy of a run against one of them, with intervals. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/comparison.h"
#include "scenarios/report/sweep_report.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"

enum { METRICS_MAX = 32 };

enum {
    KEY_RUN = 256,
    KEY_BASELINE_RUN,
    KEY_SWAPPED_RUN,
    KEY_SWEEP,
    KEY_JSON,
    KEY_CSV,
    KEY_ALL,
    KEY_INTERVAL,
    KEY_LEVEL,
    KEY_REPLICATES,
    KEY_SEED,
    KEY_BLOCK,
};

typedef struct compare_options {
    const char *path;
    const char *baseline;
    int64_t run_id;
    int64_t baseline_run_id;
    int64_t swapped_run_id;
    int64_t sweep_id;
    bool is_sweep;
    const gv_metric *metrics[METRICS_MAX];
    size_t metric_count;
    gv_block_rule block;
    gv_bootstrap_config bootstrap;
    gv_interval_kind interval;
    double level;
    bool json;
    bool csv;
    bool all;
    bool quiet;
} compare_options;

static const char *const replay_metrics[] = {"impressions",     "spend_cpm", "ecpm",
                                             "expected_clicks", "clicks",    NULL};
static const char *const market_metrics[] = {"score",       "conversions", "over_cpa",
                                             "budget_used", "spend",       NULL};

static int64_t parse_integer(const char *text, int64_t least, int64_t most, const char *what,
                             struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
        argp_error(state, "%s is '%s', expected a whole number from %" PRId64 " to %" PRId64, what,
                   text, least, most);
    }
    return value;
}

static void add_metric(compare_options *options, const char *name, struct argp_state *state)
{
    const gv_metric *metric = gv_metric_find(name);
    if (metric == NULL) {
        const char *names[METRICS_MAX];
        size_t count = 0;
        for (const gv_metric *each = gv_metrics; each->name != NULL; each++) {
            names[count++] = each->name;
        }
        const char *nearest = gv_param_nearest(names, count, name);
        argp_error(state, "there is no metric '%s'%s%s%s: `gavel compare --help` lists them", name,
                   nearest == NULL ? "" : ", perhaps ", nearest == NULL ? "" : nearest,
                   nearest == NULL ? "" : "?");
    }
    if (options->metric_count == METRICS_MAX) {
        argp_error(state, "more than %d metrics", METRICS_MAX);
    }
    options->metrics[options->metric_count++] = metric;
}

static void add_metrics(compare_options *options, char *list, struct argp_state *state)
{
    char *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        add_metric(options, name, state);
    }
}

static gv_block_rule parse_block(const char *text, struct argp_state *state)
{
    if (strcmp(text, "auto") == 0) {
        return (gv_block_rule){.kind = GV_BLOCK_AUTO};
    }
    if (strcmp(text, "day") == 0) {
        return (gv_block_rule){.kind = GV_BLOCK_DAY};
    }
    if (strcmp(text, "episode") == 0) {
        return (gv_block_rule){.kind = GV_BLOCK_EPISODE};
    }
    if (strcmp(text, "period") == 0) {
        return (gv_block_rule){.kind = GV_BLOCK_PERIOD};
    }
    if (strcmp(text, "seat") == 0) {
        return (gv_block_rule){.kind = GV_BLOCK_SEAT};
    }
    const int64_t ticks = parse_integer(text, 1, 1000000, "--block", state);
    return (gv_block_rule){.kind = GV_BLOCK_TICKS, .ticks = (uint64_t)ticks};
}

static double parse_level(const char *text, struct argp_state *state)
{
    char *end = NULL;
    const double level = strtod(text, &end);
    if (end == text || *end != '\0' || !(level >= 0.5 && level <= 0.999)) {
        argp_error(state, "--level is '%s', expected a share from 0.5 to 0.999", text);
    }
    return level;
}

static gv_interval_kind parse_interval(const char *text, struct argp_state *state)
{
    if (strcmp(text, "percentile") == 0) {
        return GV_INTERVAL_PERCENTILE;
    }
    if (strcmp(text, "bca") != 0) {
        argp_error(state, "--interval is '%s', expected bca or percentile", text);
    }
    return GV_INTERVAL_BCA;
}

static error_t parse_statistics(int key, char *text, struct argp_state *state)
{
    compare_options *options = state->input;
    switch (key) {
    case KEY_INTERVAL:
        options->interval = parse_interval(text, state);
        return 0;
    case KEY_LEVEL:
        options->level = parse_level(text, state);
        return 0;
    case KEY_REPLICATES:
        options->bootstrap.replicates =
            (size_t)parse_integer(text, 100, 1000000, "--replicates", state);
        return 0;
    case KEY_SEED:
        options->bootstrap.seed = (uint64_t)parse_integer(text, 0, INT64_MAX, "--seed", state);
        return 0;
    case KEY_BLOCK:
        options->block = parse_block(text, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    compare_options *options = state->input;
    switch (key) {
    case 'b':
        options->baseline = text;
        return 0;
    case 'm':
        add_metrics(options, text, state);
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case KEY_RUN:
        options->run_id = parse_integer(text, 1, INT64_MAX, "--run", state);
        return 0;
    case KEY_BASELINE_RUN:
        options->baseline_run_id = parse_integer(text, 1, INT64_MAX, "--baseline-run", state);
        return 0;
    case KEY_SWAPPED_RUN:
        options->swapped_run_id = parse_integer(text, 1, INT64_MAX, "--swapped-run", state);
        return 0;
    case KEY_SWEEP:
        options->is_sweep = true;
        options->sweep_id =
            text == NULL ? GV_SWEEP_LATEST : parse_integer(text, 1, INT64_MAX, "--sweep", state);
        return 0;
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_CSV:
        options->csv = true;
        return 0;
    case KEY_ALL:
        options->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (options->path != NULL) {
            argp_error(state, "one database at a time, not %s too", text);
        }
        options->path = text;
        return 0;
    case ARGP_KEY_END:
        if (options->path == NULL || (options->baseline == NULL && !options->is_sweep)) {
            argp_error(state, "name a database and a --baseline policy");
        }
        if (options->swapped_run_id != GV_RUN_LATEST &&
            (options->baseline_run_id != GV_RUN_LATEST || options->is_sweep)) {
            argp_error(state, "--swapped-run stands neither beside --baseline-run nor --sweep");
        }
        if (options->json && options->csv) {
            argp_error(state, "--json or --csv, not both");
        }
        return 0;
    default:
        return parse_statistics(key, text, state);
    }
}

static const struct argp_option option_table[] = {
    {"baseline", 'b', "POLICY", 0, "The policy that the others are compared with", 0},
    {"metric", 'm', "NAME,...", 0, "What to compare; may be given again", 0},
    {"run", KEY_RUN, "ID", 0, "A run other than the latest", 0},
    {"baseline-run", KEY_BASELINE_RUN, "ID", 0,
     "Take the baseline from this run: cells are paired by campaign and budget", 0},
    {"swapped-run", KEY_SWAPPED_RUN, "ID", 0,
     "Take in this run of a market, too, in which policies stand in each other's places: each "
     "advertiser and period is compared with itself",
     0},
    {"sweep", KEY_SWEEP, "ID", OPTION_ARG_OPTIONAL,
     "The settings of the latest sweep, or of sweep ID, averaged over its seeds; --baseline may "
     "then be left out, or be an axis's value, as in --baseline b0=5",
     0},
    {"all", KEY_ALL, NULL, 0, "Print every campaign and budget, however many", 0},
    {"json", KEY_JSON, NULL, 0, "Print JSON: everything, at full precision", 0},
    {"csv", KEY_CSV, NULL, 0, "Print CSV: the same", 0},
    {"quiet", 'q', NULL, 0, "No talk on stderr", 0},
    {NULL, 0, NULL, 0, "Statistics:", 2},
    {"interval", KEY_INTERVAL, "KIND", 0, "bca (the default) or percentile", 2},
    {"level", KEY_LEVEL, "SHARE", 0, "Of the intervals: 0.95", 2},
    {"replicates", KEY_REPLICATES, "COUNT", 0, "Of the bootstrap: 4000", 2},
    {"seed", KEY_SEED, "NUMBER", 0, "Of the bootstrap: 1", 2},
    {"block", KEY_BLOCK, "RULE", 0,
     "What is drawn together: auto, day, episode or a number of ticks; of a market period or seat",
     2},
    {0},
};

/* The metrics are told by their own table, so the help cannot fall behind. */
static void list_metrics(FILE *stream)
{
    (void)fprintf(stream, "Metrics:\n");
    for (const gv_metric *metric = gv_metrics; metric->name != NULL; metric++) {
        (void)fprintf(stream, "  %-22s%s\n", metric->name, metric->summary);
    }
    (void)fprintf(stream, "\nExample:\n  gavel compare june.db --baseline linear -m clicks,ecpc\n"
                          "  gavel compare sweep.db --sweep --baseline budget_share=1/2\n"
                          "  gavel compare ab.db --run 1 --swapped-run 2 --baseline mcpa\n");
}

static char *filter_help(int key, const char *text, void *input)
{
    (void)input;
    return gv_cli_help_text(key, text, list_metrics);
}

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "DB",
    .doc = "Compares every policy of a run with a baseline: differences on the same traffic, with "
           "bootstrap intervals.\vMetrics",
    .help_filter = filter_help,
};

/* 2 with the nearest name when the baseline is none of the run's policies. */
static gv_status check_baseline(const gv_outcomes *baseline, const char *name)
{
    gv_grouping *grouping = NULL;
    GV_TRY(gv_grouping_create(baseline->cells, baseline->cell_count, &grouping));
    gv_status status = GV_OK;
    bool found = false;
    for (size_t i = 0; i < grouping->policy_count; i++) {
        found = found || strcmp(grouping->policies[i], name) == 0;
    }
    if (!found) {
        char list[512] = "";
        size_t used = 0;
        for (size_t i = 0; i < grouping->policy_count && used < sizeof list; i++) {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
                                     grouping->policies[i]);
        }
        const char *nearest = gv_param_nearest(grouping->policies, grouping->policy_count, name);
        status =
            nearest == NULL
                ? GV_FAIL(GV_EUSAGE, "run %" PRId64 " has no policy '%s'; it has %s",
                          baseline->run.id, name, used == 0 ? "none yet" : list)
                : GV_FAIL(GV_EUSAGE, "run %" PRId64 " has no policy '%s', perhaps %s? It has %s",
                          baseline->run.id, name, nearest, list);
    }
    gv_grouping_destroy(grouping);
    return status;
}

/* Those by default, or those asked for, if they say something of such a run. */
static gv_status choose_metrics(compare_options *options, const gv_outcomes *outcomes)
{
    if (outcomes->cell_count == 0) {
        return GV_FAIL(GV_ENOTFOUND, "run %" PRId64 " has no cell to compare yet",
                       outcomes->run.id);
    }
    const gv_cell_record *cell = &outcomes->cells[0];
    const bool is_market = cell->seat != NULL;
    const char *const *names = is_market ? market_metrics : replay_metrics;
    for (size_t i = 0; i < options->metric_count; i++) {
        if (!gv_metric_fits(options->metrics[i], cell)) {
            return GV_FAIL(GV_EUSAGE, "the metric %s is not of a %s, as run %" PRId64 " is",
                           options->metrics[i]->name, is_market ? "market" : "replay",
                           outcomes->run.id);
        }
    }
    for (size_t i = 0; options->metric_count == i && names[i] != NULL; i++) {
        options->metrics[options->metric_count++] = gv_metric_find(names[i]);
    }
    return GV_OK;
}

/* The runs of a comparison; those that are read are owned. */
typedef struct compared_runs {
    gv_outcomes *outcomes;
    gv_outcomes *baseline;  /* NULL: the same */
    gv_outcomes *swapped;   /* NULL: none */
    gv_cell_record *joined; /* [joined_count]: of a swapped pair, the markets' cells of both */
    size_t joined_count;
} compared_runs;

static const gv_outcomes *baseline_of(const compared_runs *runs)
{
    return runs->baseline == NULL ? runs->outcomes : runs->baseline;
}

static void join_markets(compared_runs *runs, const gv_outcomes *run)
{
    for (size_t i = 0; i < run->cell_count; i++) {
        const gv_cell_record *cell = &run->cells[i];
        if (cell->seat != NULL && strcmp(cell->seat->rivals, "market") == 0) {
            runs->joined[runs->joined_count++] = *cell;
        }
    }
}

static gv_status join_runs(compared_runs *runs)
{
    const size_t count = runs->outcomes->cell_count + runs->swapped->cell_count;
    runs->joined = gv_mem_alloc(0, count, sizeof *runs->joined);
    if (runs->joined == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu cells", count);
    }
    join_markets(runs, runs->outcomes);
    join_markets(runs, runs->swapped);
    return GV_OK;
}

/* Nobody had both policies: what was meant to be swapped was not. */
static gv_status check_swapped(const compared_runs *runs, const gv_comparisons *comparisons,
                               const char *baseline)
{
    if (runs->swapped == NULL || comparisons->row_count > 0) {
        return GV_OK;
    }
    return GV_FAIL(GV_EUSAGE,
                   "no advertiser bids by %s in one of runs %" PRId64 " and %" PRId64
                   " and by another policy in the other, in the same period",
                   baseline, runs->outcomes->run.id, runs->swapped->run.id);
}

static gv_status print_comparison(const compare_options *options, const compared_runs *runs)
{
    const gv_outcomes *outcomes = runs->outcomes;
    const gv_outcomes *baseline = baseline_of(runs);
    const bool is_joined = runs->joined != NULL;
    const gv_compare_config config = {
        .cells = is_joined ? runs->joined : outcomes->cells,
        .cell_count = is_joined ? runs->joined_count : outcomes->cell_count,
        .baseline_cells = is_joined ? runs->joined : baseline->cells,
        .baseline_cell_count = is_joined ? runs->joined_count : baseline->cell_count,
        .baseline = options->baseline,
        .metrics = options->metrics,
        .metric_count = options->metric_count,
        .block = options->block,
        .bootstrap = options->bootstrap,
        .interval = options->interval,
        .level = options->level,
    };
    gv_comparisons *comparisons = NULL;
    GV_TRY(gv_compare(&config, &comparisons));
    const gv_comparison_report report = {&config, comparisons, outcomes, baseline, runs->swapped};
    gv_status status = check_swapped(runs, comparisons, options->baseline);
    if (status != GV_OK) {
        gv_comparisons_destroy(comparisons);
        return status;
    }
    if (options->json) {
        status = gv_comparison_json(stdout, &report);
    } else if (options->csv) {
        gv_comparison_csv(stdout, &report);
    } else {
        gv_report_options look = gv_report_options_for(stdout);
        look.all = options->all;
        status = gv_comparison_print(stdout, &report, &look);
    }
    gv_comparisons_destroy(comparisons);
    return status;
}

static bool is_complete(const gv_outcomes *outcomes)
{
    return (int64_t)outcomes->cell_count >= outcomes->run.cell_count;
}

static void warn_of_missing_cells(const compare_options *options, const gv_outcomes *outcomes)
{
    if (!is_complete(outcomes)) {
        gv_cli_talk(options->quiet,
                    "gavel: run %" PRId64 " is not complete: %zu of %" PRId64 " cells\n",
                    outcomes->run.id, outcomes->cell_count, outcomes->run.cell_count);
    }
}

/* Runs with other seeds or inputs still compare, but what they share no longer cancels. */
static void warn_of_other_draws(const compare_options *options, const compared_runs *runs)
{
    const gv_outcomes *outcomes = runs->outcomes;
    const gv_outcomes *other = runs->swapped == NULL ? baseline_of(runs) : runs->swapped;
    if (outcomes->run.seed != other->run.seed) {
        gv_cli_talk(options->quiet,
                    "gavel: runs %" PRId64 " and %" PRId64
                    " have different seeds: their policies met different draws\n",
                    outcomes->run.id, other->run.id);
    }
    warn_of_missing_cells(options, outcomes);
    if (runs->swapped != NULL) {
        warn_of_missing_cells(options, runs->swapped);
    }
}

static gv_status read_runs(const compare_options *options, compared_runs *runs)
{
    gv_store *store = NULL;
    GV_TRY(gv_store_open(options->path, GV_STORE_READ, &store));
    gv_status status = gv_outcomes_read(store, options->run_id, true, &runs->outcomes);
    if (status == GV_OK && options->baseline_run_id != GV_RUN_LATEST) {
        status = gv_outcomes_read(store, options->baseline_run_id, true, &runs->baseline);
    }
    if (status == GV_OK && options->swapped_run_id != GV_RUN_LATEST) {
        status = gv_outcomes_read(store, options->swapped_run_id, true, &runs->swapped);
    }
    gv_store_close(store);
    if (status == GV_OK && runs->swapped != NULL) {
        status = join_runs(runs);
    }
    return status;
}

static void close_runs(compared_runs *runs)
{
    gv_outcomes_destroy(runs->outcomes);
    gv_outcomes_destroy(runs->baseline);
    gv_outcomes_destroy(runs->swapped);
    gv_mem_free(runs->joined);
}

static gv_status print_sweep(const compare_options *options, const gv_sweep_table *table)
{
    const gv_report_options look = gv_report_options_for(stdout);
    if (options->json) {
        return gv_sweep_json(stdout, table);
    }
    if (options->csv) {
        gv_sweep_csv(stdout, table);
        return GV_OK;
    }
    return gv_sweep_print(stdout, table, &look);
}

/* Settings of a sweep side by side; 3 when some of its points are not done. */
static int compare_sweep(const compare_options *options)
{
    const gv_compare_config traffic = {
        .block = options->block, .bootstrap = options->bootstrap, .interval = options->interval};
    const gv_sweep_table_config config = {
        .sweep_id = options->sweep_id,
        .baseline = options->baseline,
        .metrics = options->metrics,
        .metric_count = options->metric_count,
        .level = options->level,
        .traffic = options->baseline == NULL && !options->json && !options->csv ? NULL : &traffic};
    gv_store *store = NULL;
    gv_sweep_table *table = NULL;
    int code = GV_EXIT_DONE;
    gv_status status = gv_store_open(options->path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_sweep_table_create(store, &config, &table);
    }
    if (status == GV_OK) {
        status = print_sweep(options, table);
        code = table->done_count == table->facts->point_count ? GV_EXIT_DONE : GV_EXIT_DOUBTFUL;
    }
    gv_sweep_table_destroy(table);
    gv_store_close(store);
    return gv_cli_finish(status == GV_OK ? code : gv_cli_fail(status));
}

static int run_compare(int argc, char **argv)
{
    compare_options options = {
        .bootstrap = {.replicates = 4000, .seed = 1}, .interval = GV_INTERVAL_BCA, .level = 0.95};
    argp_err_exit_status = GV_EXIT_USAGE;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &options);
    if (options.is_sweep) {
        return compare_sweep(&options);
    }
    compared_runs runs = {.outcomes = NULL};
    gv_status status = read_runs(&options, &runs);
    if (status == GV_OK) {
        status = check_baseline(baseline_of(&runs), options.baseline);
    }
    if (status == GV_OK) {
        status = choose_metrics(&options, runs.outcomes);
    }
    int code = GV_EXIT_DONE;
    if (status == GV_OK) {
        warn_of_other_draws(&options, &runs);
        status = print_comparison(&options, &runs);
        code = is_complete(runs.outcomes) && (runs.swapped == NULL || is_complete(runs.swapped))
                   ? GV_EXIT_DONE
                   : GV_EXIT_DOUBTFUL;
    }
    if (status != GV_OK) {
        code = gv_cli_fail(status);
    }
    close_runs(&runs);
    return gv_cli_finish(code);
}

const gv_command gv_command_compare = {
    .name = "compare",
    .summary = "compare the policies of a run with a baseline, with intervals",
    .run = run_compare,
};
