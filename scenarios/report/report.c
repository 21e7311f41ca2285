/*
 * The league table after a run. Policies are ranked by logged clicks where enough of them were
 * won to tell policies apart, else by expected clicks; the heading says which.
 */
#include "scenarios/report/report.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/figure_table.h"
#include "scenarios/report/format.h"
#include "scenarios/report/market.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/outcome/group.h"
#include "sim/outcome/metric.h"

enum {
    GROUPS_SHOWN = 6,
    CLICKS_TO_RANK = 30, /* a standard error of 18 % and less */
};

/* Logs without times number their rows from 1970 on: those are no dates to show. */
#define ORDINAL_UNTIL_US (365 * GV_US_PER_DAY)

/* One line of a table: a policy, summed over the group's cells. */
typedef struct league_row {
    const char *policy;
    size_t cell_count;
    double quantities[GV_QUANTITY_COUNT];
    double *spend; /* [tick_count] */
    size_t tick_count;
} league_row;

typedef struct league_table {
    const gv_outcomes *outcomes;
    const gv_report_options *options;
    const gv_grouping *grouping;
    league_row *rows; /* [grouping->policy_count] */
    size_t row_count;
    double *spend; /* [policy_count][ticks_max] */
    size_t ticks_max;
} league_table;

/* Columns by weight: where the width is not enough, those at the end go first. */
typedef struct shown_column {
    const char *metric;
    const char *title;
    const char *unit;
} shown_column;

static const shown_column columns_shown[] = {
    {"impressions", "impressions", ""},
    {"win_rate", "win", "rate %"},
    {"spend_cpm", "spend", "CPM"},
    {"budget_used", "budget", "used %"},
    {"ecpm", "eCPM", "CPM"},
    {"expected_clicks", "expected", "clicks"},
    {"clicks", "clicks", ""},
    {"ecpc", "eCPC", "currency"},
    {"conversions", "conver-", "sions"},
};

enum { COLUMNS_SHOWN = sizeof columns_shown / sizeof columns_shown[0], COLUMNS_KEPT = 6 };

static void add_cell(league_row *row, const gv_cell_record *cell)
{
    double quantities[GV_QUANTITY_COUNT];
    gv_cell_quantities(cell, quantities);
    for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
        row->quantities[q] += quantities[q];
    }
    for (size_t i = 0; i < cell->tick_count; i++) {
        const int64_t nanos = cell->ticks[i].tally.spend_nanos;
        row->spend[i] += nanos > 0 ? (double)nanos : 0;
    }
    row->tick_count = cell->tick_count > row->tick_count ? cell->tick_count : row->tick_count;
    row->cell_count++;
}

static void gather(league_table *league, const gv_group *group)
{
    const gv_outcomes *outcomes = league->outcomes;
    league->row_count = 0;
    for (size_t p = 0; p < league->grouping->policy_count; p++) {
        league_row *row = &league->rows[league->row_count];
        *row = (league_row){.policy = league->grouping->policies[p],
                            .spend = league->spend + p * league->ticks_max};
        memset(row->spend, 0, league->ticks_max * sizeof *row->spend);
        for (size_t i = 0; i < outcomes->cell_count; i++) {
            const gv_cell_record *cell = &outcomes->cells[i];
            if (gv_group_holds(group, cell) && strcmp(cell->policy, row->policy) == 0) {
                add_cell(row, cell);
            }
        }
        league->row_count += row->cell_count > 0;
    }
}

static double value_of(const gv_metric *metric, const league_row *row)
{
    return gv_metric_value(metric, row->quantities);
}

/* The quantity to rank by: logged clicks when the best row has enough of them. */
static const gv_metric *ranking(const league_table *league)
{
    double clicks = 0;
    double expected = 0;
    for (size_t i = 0; i < league->row_count; i++) {
        clicks = fmax(clicks, league->rows[i].quantities[GV_QUANTITY_CLICKS]);
        expected = fmax(expected, league->rows[i].quantities[GV_QUANTITY_NANOCLICKS]);
    }
    if (clicks >= CLICKS_TO_RANK) {
        return gv_metric_find("clicks");
    }
    return gv_metric_find(expected > 0 ? "expected_clicks" : "impressions");
}

/* Stable, so that equal rows keep the scenario's order. */
static void rank_rows(league_table *league, const gv_metric *by)
{
    for (size_t i = 1; i < league->row_count; i++) {
        const league_row row = league->rows[i];
        size_t place = i;
        for (; place > 0 && value_of(by, &league->rows[place - 1]) < value_of(by, &row); place--) {
            league->rows[place] = league->rows[place - 1];
        }
        league->rows[place] = row;
    }
}

static void print_local(char *text, size_t size, int64_t time_us, int64_t zone_offset_us)
{
    gv_time_print(time_us, zone_offset_us, text, size);
    if (strlen(text) > 16) {
        text[10] = ' ';
        text[16] = '\0'; /* "2013-06-11 00:00" */
    }
}

/* "1458, budget 1/4: 2013-06-11 00:00 to 2013-06-13 00:00, 1,234 CPM for each of 2 days". */
static void print_single(FILE *stream, const gv_cell_record *cell)
{
    const gv_campaign *campaign = cell->campaign;
    char from[64];
    char until[64];
    char budget[64] = "unlimited";
    print_local(from, sizeof from, campaign->start_us, campaign->zone_offset_us);
    print_local(until, sizeof until, campaign->end_us, campaign->zone_offset_us);
    if (campaign->budget_nanos != INT64_MAX) {
        gv_format_number((double)campaign->budget_nanos / (double)GV_NANOS_PER_CPM, 0, budget,
                         sizeof budget);
    }
    char auctions[64];
    gv_format_number((double)cell->total->auctions, 0, auctions, sizeof auctions);
    (void)fprintf(stream, "\n  %s auctions", auctions);
    if (campaign->start_us >= ORDINAL_UNTIL_US) {
        (void)fprintf(stream, ", %s to %s", from, until);
    }
    (void)fprintf(stream, ", budget %s%s", budget,
                  campaign->budget_nanos == INT64_MAX ? "" : " CPM");
    if (campaign->episode == GV_EPISODE_DAILY) {
        (void)fprintf(stream, " a day");
    } else if (campaign->episode == GV_EPISODE_AUCTIONS) {
        (void)fprintf(stream, " for each %" PRIu64 " auctions", campaign->episode_auctions);
    }
}

static void print_heading(const league_table *league, FILE *stream, const gv_group *group,
                          const gv_metric *by)
{
    const gv_report_options *options = league->options;
    (void)fprintf(stream, "\n%s", options->colour ? "\033[1m" : "");
    if (group->campaign != NULL) {
        (void)fprintf(stream, "%s", group->campaign);
    } else {
        (void)fprintf(stream, "%zu campaigns%s", league->grouping->campaign_count,
                      group->budget_label == NULL ? ", all budgets" : "");
    }
    if (group->budget_label != NULL && group->budget_label[0] != '\0') {
        (void)fprintf(stream, ", budget %s", group->budget_label);
    }
    const bool expects = by == gv_metric_find("expected_clicks");
    (void)fprintf(stream, "%s, ranked by %s", options->colour ? "\033[0m" : "",
                  expects ? "expected clicks" : by->title);
    for (size_t i = 0; group->part_count == 1 && i < league->outcomes->cell_count; i++) {
        if (gv_group_holds(group, &league->outcomes->cells[i])) {
            print_single(stream, &league->outcomes->cells[i]);
            break;
        }
    }
    (void)fputc('\n', stream);
}

static const char *name_of_row(const void *context, size_t row)
{
    const league_table *league = context;
    return league->rows[row].policy;
}

static double value_at(const void *context, size_t row, size_t column)
{
    const league_table *league = context;
    return value_of(gv_metric_find(columns_shown[column].metric), &league->rows[row]);
}

static void format_at(const void *context, size_t row, size_t column, char *text, size_t size)
{
    const gv_metric *metric = gv_metric_find(columns_shown[column].metric);
    gv_format_metric(metric, value_at(context, row, column), text, size);
}

static const double *curve_of(const void *context, size_t row, size_t *count)
{
    const league_table *league = context;
    *count = league->rows[row].tick_count;
    return league->rows[row].spend;
}

static gv_status print_figures(const league_table *league, FILE *stream)
{
    gv_figure_column columns[COLUMNS_SHOWN];
    for (size_t i = 0; i < COLUMNS_SHOWN; i++) {
        const gv_metric *metric = gv_metric_find(columns_shown[i].metric);
        assert(metric != NULL);
        columns[i] =
            (gv_figure_column){columns_shown[i].title, columns_shown[i].unit, metric->better};
    }
    const gv_figure_table figures = {.columns = columns,
                                     .column_count = COLUMNS_SHOWN,
                                     .kept_count = COLUMNS_KEPT,
                                     .row_count = league->row_count,
                                     .context = league,
                                     .name = name_of_row,
                                     .value = value_at,
                                     .format = format_at,
                                     .curve = curve_of};
    return gv_figure_table_print(&figures, stream, league->options);
}

static gv_status print_group(league_table *league, FILE *stream, const gv_group *group)
{
    gather(league, group);
    const gv_metric *by = ranking(league);
    rank_rows(league, by);
    print_heading(league, stream, group, by);
    return print_figures(league, stream);
}

static void print_top(const gv_outcomes *outcomes, FILE *stream)
{
    uint64_t events = 0;
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        events += outcomes->cells[i].event_count;
    }
    char count[64];
    gv_format_number((double)events, 0, count, sizeof count);
    (void)fprintf(stream,
                  "Run %" PRId64 ", %s: seed %" PRIu64 ", %zu of %" PRId64 " cells, %s events",
                  outcomes->run.id, outcomes->run.name, outcomes->run.seed, outcomes->cell_count,
                  outcomes->run.cell_count, count);
    if (outcomes->run.wall_us > 0) {
        char rate[64];
        gv_format_number((double)events / (double)outcomes->run.wall_us * 1e6, 0, rate,
                         sizeof rate);
        (void)fprintf(stream, " in %.1f s (%s a second)", (double)outcomes->run.wall_us / 1e6,
                      rate);
    }
    (void)fputc('\n', stream);
}

static gv_status print_groups(league_table *league, FILE *stream)
{
    const gv_grouping *grouping = league->grouping;
    const bool pools = !league->options->all && grouping->single_count > GROUPS_SHOWN;
    size_t first = pools ? grouping->single_count : 0;
    size_t end = pools ? grouping->group_count : grouping->single_count;
    if (pools && end - first > GROUPS_SHOWN + 1) {
        first = end - 1; /* all together */
    }
    for (size_t i = first; i < end; i++) {
        GV_TRY(print_group(league, stream, &grouping->groups[i]));
    }
    (void)fprintf(stream, "\nspend is the sum of CPM prices, thousandths of the currency; each "
                          "curve has its own top.\n");
    if (pools) {
        (void)fprintf(stream,
                      "%zu tables, one for each campaign and budget, are in the view "
                      "`league` of the database.\n",
                      grouping->single_count);
    }
    return GV_OK;
}

static size_t most_ticks(const gv_outcomes *outcomes)
{
    size_t most = 0;
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        most = outcomes->cells[i].tick_count > most ? outcomes->cells[i].tick_count : most;
    }
    return most;
}

static gv_status print_replay(FILE *stream, const gv_outcomes *outcomes,
                              const gv_report_options *options)
{
    league_table league = {
        .outcomes = outcomes, .options = options, .ticks_max = most_ticks(outcomes)};
    gv_grouping *grouping = NULL;
    GV_TRY(gv_grouping_create(outcomes->cells, outcomes->cell_count, &grouping));
    league.grouping = grouping;
    const size_t policy_count = grouping->policy_count;
    league.rows = gv_mem_alloc(0, policy_count, sizeof *league.rows);
    league.spend = gv_mem_alloc(0, policy_count * league.ticks_max, sizeof *league.spend);
    gv_status status = GV_OK;
    if (league.rows == NULL || league.spend == NULL) {
        status = GV_FAIL(GV_ENOMEM, "a report of %zu policies", policy_count);
    } else {
        status = print_groups(&league, stream);
    }
    gv_mem_free(league.spend);
    gv_mem_free(league.rows);
    gv_grouping_destroy(grouping);
    return status;
}

gv_status gv_report_print(FILE *stream, const gv_outcomes *outcomes,
                          const gv_report_options *options)
{
    print_top(outcomes, stream);
    if (outcomes->cell_count == 0) {
        return GV_OK;
    }
    return outcomes->cells[0].seat != NULL ? gv_market_print(stream, outcomes, options)
                                           : print_replay(stream, outcomes, options);
}

gv_status gv_report_run(FILE *stream, gv_store *store, int64_t run_id,
                        const gv_report_options *options)
{
    gv_outcomes *outcomes = NULL;
    GV_TRY(gv_outcomes_read(store, run_id, true, &outcomes));
    const gv_status status = gv_report_print(stream, outcomes, options);
    gv_outcomes_destroy(outcomes);
    return status;
}
