/*
 * The league table after a run. Policies are ranked by logged clicks where enough of them were
 * won to tell policies apart, else by expected clicks; the heading says which.
 */
#include "scenarios/report/report.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/format.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/outcome/group.h"
#include "sim/outcome/metric.h"

enum {
    GROUPS_SHOWN = 6,
    CLICKS_TO_RANK = 30, /* a standard error of 18 % and less */
    SPARK_MIN = 10,
    SPARK_MAX = 32,
    TEXT_SIZE = 192,
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

enum {
    COLUMNS_SHOWN = sizeof columns_shown / sizeof columns_shown[0],
    COLUMNS_KEPT = 6,
    COLUMNS_MAX = 2 + COLUMNS_SHOWN
};

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

/* Columns that say nothing in any row are left out. */
static bool is_worth_showing(const league_table *league, const gv_metric *metric)
{
    for (size_t i = 0; i < league->row_count; i++) {
        const double value = value_of(metric, &league->rows[i]);
        if (!isnan(value) && value != 0) {
            return true;
        }
    }
    return false;
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

/* Marks the best value of each column that has one. */
static void style_best(const league_table *league, gv_table *table, size_t column,
                       const gv_metric *metric)
{
    if (metric->better == GV_BETTER_NEITHER || league->row_count < 2) {
        return;
    }
    const double sign = metric->better == GV_BETTER_HIGHER ? 1 : -1;
    double best = -HUGE_VAL;
    for (size_t i = 0; i < league->row_count; i++) {
        const double value = sign * value_of(metric, &league->rows[i]);
        best = value > best ? value : best;
    }
    for (size_t i = 0; i < league->row_count; i++) {
        if (sign * value_of(metric, &league->rows[i]) == best) {
            gv_table_style_cell(table, i, column, GV_STYLE_BEST);
        }
    }
}

/* The table in the making: the policy, metrics, the curve. */
typedef struct league_columns {
    gv_table_column heads[COLUMNS_MAX];
    const gv_metric *metrics[COLUMNS_MAX];
    size_t count;
} league_columns;

static league_columns choose_columns(const league_table *league, size_t limit)
{
    league_columns columns = {.heads = {{"policy", "", true}}, .count = 1};
    for (size_t i = 0; i < limit; i++) {
        const gv_metric *metric = gv_metric_find(columns_shown[i].metric);
        assert(metric != NULL);
        if (is_worth_showing(league, metric)) {
            columns.metrics[columns.count] = metric;
            columns.heads[columns.count++] =
                (gv_table_column){columns_shown[i].title, columns_shown[i].unit, false};
        }
    }
    columns.heads[columns.count++] = (gv_table_column){"spend", "in time", true};
    return columns;
}

/* Characters that all columns but the curve take, gaps included. */
static size_t width_of_figures(const gv_table *table, const league_columns *columns)
{
    size_t used = 2;
    for (size_t c = 0; c + 1 < columns->count; c++) {
        used += gv_table_width(table, c) + 2;
    }
    return used;
}

static void fill_row(const league_table *league, const league_columns *columns, gv_table *table,
                     size_t i)
{
    gv_table_set(table, i, 0, "%.24s", league->rows[i].policy);
    for (size_t c = 1; c + 1 < columns->count; c++) {
        char text[64];
        const double value = value_of(columns->metrics[c], &league->rows[i]);
        gv_format_metric(columns->metrics[c], value, text, sizeof text);
        gv_table_set(table, i, c, "%s", text);
    }
}

static void add_curves(const league_table *league, gv_table *table, size_t column, size_t room)
{
    for (size_t i = 0; i < league->row_count; i++) {
        char curve[3 * SPARK_MAX + 1];
        const league_row *row = &league->rows[i];
        gv_format_sparkline(row->spend, row->tick_count, room, league->options->utf8, curve,
                            sizeof curve);
        size_t length = strlen(curve);
        while (length > 0 && curve[length - 1] == ' ') {
            length--; /* no line ends in a blank */
        }
        gv_table_set(table, i, column, "%.*s", (int)length, curve);
    }
}

/* False, with nothing printed, when `limit` columns are too many for the width. */
static gv_status try_table(const league_table *league, FILE *stream, size_t limit, bool *fits)
{
    const league_columns columns = choose_columns(league, limit);
    gv_table *table = NULL;
    GV_TRY(gv_table_create(columns.heads, columns.count, league->row_count, &table));
    for (size_t i = 0; i < league->row_count; i++) {
        fill_row(league, &columns, table, i);
    }
    for (size_t c = 1; c + 1 < columns.count; c++) {
        style_best(league, table, c, columns.metrics[c]);
    }
    const size_t used = width_of_figures(table, &columns);
    const size_t width = (size_t)league->options->width;
    *fits = used + SPARK_MIN <= width || limit == COLUMNS_KEPT;
    if (*fits) {
        size_t room = width > used + SPARK_MIN ? width - used : SPARK_MIN;
        room = room > SPARK_MAX ? SPARK_MAX : room;
        add_curves(league, table, columns.count - 1, room);
        gv_table_print(table, stream, league->options);
    }
    gv_table_destroy(table);
    return GV_OK;
}

static gv_status print_group(league_table *league, FILE *stream, const gv_group *group)
{
    gather(league, group);
    const gv_metric *by = ranking(league);
    rank_rows(league, by);
    print_heading(league, stream, group, by);
    bool fits = false;
    for (size_t limit = COLUMNS_SHOWN; !fits; limit--) {
        GV_TRY(try_table(league, stream, limit, &fits));
    }
    return GV_OK;
}

static void print_top(const league_table *league, FILE *stream)
{
    const gv_outcomes *outcomes = league->outcomes;
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

gv_status gv_report_print(FILE *stream, const gv_outcomes *outcomes,
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
        print_top(&league, stream);
        if (outcomes->cell_count > 0) {
            status = print_groups(&league, stream);
        }
    }
    gv_mem_free(league.spend);
    gv_mem_free(league.rows);
    gv_grouping_destroy(grouping);
    return status;
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
