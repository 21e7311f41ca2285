/* gavel plot: pictures of a run, as PNG and SVG. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/cli/arguments.h"
#include "scenarios/cli/commands_impl.h"
#include "scenarios/report/plot.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"

enum { KEY_RUN = 256, KEY_CAMPAIGN, KEY_BUDGET, KEY_BY, KEY_POLICIES };

typedef struct plot_options {
    const char *path;
    const char *stem;
    const char *campaign;
    const char *budget;
    const gv_metric *by;   /* NULL: spend in time */
    gv_cli_words policies; /* 0: all */
    int64_t run_id;
    bool quiet;
} plot_options;

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    plot_options *options = state->input;
    switch (key) {
    case 'o':
        options->stem = text;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case KEY_RUN:
        options->run_id = (int64_t)gv_cli_count("--run", text, INT64_MAX, state);
        return 0;
    case KEY_CAMPAIGN:
        options->campaign = text;
        return 0;
    case KEY_BUDGET:
        options->budget = text;
        return 0;
    case KEY_POLICIES:
        gv_cli_add_list(&options->policies, "--policies", text, state);
        return 0;
    case KEY_BY:
        options->by = gv_metric_find(text);
        if (options->by == NULL) {
            argp_error(state, "there is no metric '%s': `gavel compare --help` lists them", text);
        }
        return 0;
    case ARGP_KEY_ARG:
        if (options->path != NULL) {
            argp_error(state, "one database at a time, not %s too", text);
        }
        options->path = text;
        return 0;
    case ARGP_KEY_END:
        if (options->path == NULL || options->stem == NULL) {
            argp_error(state, "name a database and the pictures: -o results/june");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_table[] = {
    {"output", 'o', "STEM", 0, "Writes STEM.png and STEM.svg", 0},
    {"run", KEY_RUN, "ID", 0, "A run other than the latest", 0},
    {"campaign", KEY_CAMPAIGN, "NAME", 0,
     "A campaign other than the first (by budget and in a market: all)", 0},
    {"budget", KEY_BUDGET, "LABEL", 0, "A budget other than the first", 0},
    {"policies", KEY_POLICIES, "NAME,...", 0, "These policies only", 0},
    {"by-budget", KEY_BY, "METRIC", 0, "A metric against the budget, not spend in time", 0},
    {"quiet", 'q', NULL, 0, "No talk on stderr", 0},
    {0},
};

static const struct argp parser = {
    .options = option_table,
    .parser = parse_option,
    .args_doc = "DB",
    .doc = "Plots the spend of every policy in time, or a metric against the budget, with "
           "gnuplot.\vExample:\n  gavel plot june.db -o june --campaign a1458 --budget 1/8",
};

/* A name that was asked for and is not there, with the nearest or all that are. */
static gv_status fail_no_name(const char *what, const char *name, const char *const *names,
                              size_t count)
{
    const char *nearest = gv_param_nearest(names, count, name);
    return GV_FAIL(GV_EUSAGE, "the run has no %s '%s', %s %s%s", what, name,
                   nearest == NULL ? "its first is" : "perhaps",
                   nearest == NULL ? names[0] : nearest, nearest == NULL ? "" : "?");
}

static bool has_name(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static gv_status check_names(const plot_options *options, const gv_grouping *grouping)
{
    if (options->campaign != NULL &&
        !has_name(options->campaign, grouping->campaigns, grouping->campaign_count)) {
        return fail_no_name("campaign", options->campaign, grouping->campaigns,
                            grouping->campaign_count);
    }
    if (options->budget != NULL &&
        !has_name(options->budget, grouping->budgets, grouping->budget_count)) {
        return fail_no_name("budget", options->budget, grouping->budgets, grouping->budget_count);
    }
    for (size_t i = 0; i < options->policies.count; i++) {
        if (!has_name(options->policies.items[i], grouping->policies, grouping->policy_count)) {
            return fail_no_name("policy", options->policies.items[i], grouping->policies,
                                grouping->policy_count);
        }
    }
    return GV_OK;
}

static gv_status plot_first_group(const plot_options *options, const gv_outcomes *outcomes,
                                  const gv_grouping *grouping)
{
    for (size_t i = 0; i < grouping->single_count; i++) {
        const gv_group *group = &grouping->groups[i];
        if ((options->campaign == NULL || strcmp(group->campaign, options->campaign) == 0) &&
            (options->budget == NULL || strcmp(group->budget_label, options->budget) == 0)) {
            return gv_plot_spend(outcomes, group, options->stem);
        }
    }
    return GV_FAIL(GV_EUSAGE, "the run has no campaign with that budget");
}

static gv_status plot_kind(const plot_options *options, const gv_outcomes *outcomes,
                           const gv_grouping *grouping)
{
    if (options->by != NULL) {
        return gv_plot_budgets(outcomes, options->campaign, options->by, options->stem);
    }
    if (outcomes->cells[0].seat != NULL) {
        return gv_plot_market(outcomes, options->campaign, options->stem);
    }
    return plot_first_group(options, outcomes, grouping);
}

/* The same with the cells of the chosen policies alone. */
static gv_status plot_policies(const plot_options *options, const gv_outcomes *outcomes)
{
    gv_cell_record *cells = gv_mem_alloc(0, outcomes->cell_count, sizeof *cells);
    if (cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "plotting %zu cells", outcomes->cell_count);
    }
    gv_outcomes chosen = *outcomes;
    chosen.cells = cells;
    chosen.cell_count = 0;
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        if (options->policies.count == 0 ||
            has_name(outcomes->cells[i].policy, options->policies.items, options->policies.count)) {
            cells[chosen.cell_count++] = outcomes->cells[i];
        }
    }
    gv_grouping *grouping = NULL;
    gv_status status = gv_grouping_create(cells, chosen.cell_count, &grouping);
    if (status == GV_OK) {
        status = plot_kind(options, &chosen, grouping);
    }
    gv_grouping_destroy(grouping);
    gv_mem_free(cells);
    return status;
}

static gv_status plot(const plot_options *options, const gv_outcomes *outcomes)
{
    if (outcomes->cell_count == 0) {
        return GV_FAIL(GV_ENOTFOUND, "run %" PRId64 " has no cell to plot yet", outcomes->run.id);
    }
    gv_grouping *grouping = NULL;
    GV_TRY(gv_grouping_create(outcomes->cells, outcomes->cell_count, &grouping));
    gv_status status = check_names(options, grouping);
    gv_grouping_destroy(grouping);
    return status == GV_OK ? plot_policies(options, outcomes) : status;
}

static int run_plot(int argc, char **argv)
{
    plot_options options = {0};
    argp_err_exit_status = GV_EXIT_USAGE;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &options);
    gv_store *store = NULL;
    gv_outcomes *outcomes = NULL;
    gv_status status = gv_store_open(options.path, GV_STORE_READ, &store);
    if (status == GV_OK) {
        status = gv_outcomes_read(store, options.run_id, true, &outcomes);
        gv_store_close(store);
    }
    if (status == GV_OK) {
        status = plot(&options, outcomes);
        gv_outcomes_destroy(outcomes);
    }
    if (status != GV_OK) {
        return gv_cli_fail(status);
    }
    printf("%s.png\n%s.svg\n", options.stem, options.stem);
    return gv_cli_finish(GV_EXIT_DONE);
}

const gv_command gv_command_plot = {
    .name = "plot",
    .summary = "plot a run's spend in time, or a metric by budget, as PNG and SVG",
    .run = run_plot,
};
