#include "scenarios/report/market.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/figure_table.h"
#include "scenarios/report/format.h"

enum { REPLICATES = 4000, COLUMNS_KEPT = 5, TEXT_SIZE = 64 };

#define LEVEL 0.95

/* By weight; the interval is of the score over the oracle's, or else of the score. */
enum { SCORE, SHARE, INTERVAL, CONVERSIONS, OVER_CPA, CPA, USED, SPEND, COLUMN_COUNT };

static const gv_figure_column columns[COLUMN_COUNT] = {
    [SCORE] = {"score", "mean", GV_BETTER_HIGHER},
    [SHARE] = {"% of", "oracle", GV_BETTER_HIGHER},
    [INTERVAL] = {"95 %", "interval", GV_BETTER_NEITHER},
    [CONVERSIONS] = {"conver-", "sions", GV_BETTER_HIGHER},
    [OVER_CPA] = {"over", "CPA %", GV_BETTER_LOWER},
    [CPA] = {"CPA %", "target", GV_BETTER_NEITHER},
    [USED] = {"budget", "used %", GV_BETTER_NEITHER},
    [SPEND] = {"spend", "mean", GV_BETTER_NEITHER},
};

static const gv_league_figure figures_shown[COLUMN_COUNT] = {
    [SCORE] = GV_LEAGUE_SCORE,       [SHARE] = GV_LEAGUE_SCORE_SHARE,
    [INTERVAL] = GV_LEAGUE_SCORE,    [CONVERSIONS] = GV_LEAGUE_CONVERSIONS,
    [OVER_CPA] = GV_LEAGUE_OVER_CPA, [CPA] = GV_LEAGUE_CPA_OF_TARGET,
    [USED] = GV_LEAGUE_BUDGET_USED,  [SPEND] = GV_LEAGUE_SPEND,
};

gv_league_config gv_market_league(const gv_outcomes *outcomes)
{
    return (gv_league_config){.cells = outcomes->cells,
                              .cell_count = outcomes->cell_count,
                              .bootstrap = {.replicates = REPLICATES, .seed = 1},
                              .interval = GV_INTERVAL_BCA,
                              .level = LEVEL};
}

static bool has_oracle(const gv_league_table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].paired_count > 0) {
            return true;
        }
    }
    return false;
}

static const gv_interval *interval_at(const gv_league_table *table, size_t row, size_t column)
{
    const bool of_share = column == INTERVAL && has_oracle(table);
    return &table->rows[row].figures[of_share ? GV_LEAGUE_SCORE_SHARE : figures_shown[column]];
}

static const char *name_of_row(const void *context, size_t row)
{
    const gv_league_table *table = context;
    return table->rows[row].policy;
}

static bool is_reference(const void *context, size_t row)
{
    const gv_league_table *table = context;
    return strcmp(table->rows[row].policy_type, GV_ORACLE_TYPE) == 0;
}

static double value_at(const void *context, size_t row, size_t column)
{
    return interval_at(context, row, column)->estimate;
}

static bool is_share(size_t column)
{
    return column == SHARE || column == OVER_CPA || column == CPA || column == USED;
}

static void format_interval(const gv_interval *interval, bool percent, char *text, size_t size)
{
    if (interval->state != GV_INTERVAL_GIVEN) {
        (void)snprintf(text, size, "%s", interval->state == GV_INTERVAL_TOO_FEW ? "too few" : "-");
        return;
    }
    char low[TEXT_SIZE / 2];
    char high[TEXT_SIZE / 2];
    const double scale = percent ? 100 : 1;
    gv_format_number(scale * interval->low, percent ? 1 : 2, low, sizeof low);
    gv_format_number(scale * interval->high, percent ? 1 : 2, high, sizeof high);
    (void)snprintf(text, size, "%.20s to %.20s", low, high);
}

static void format_at(const void *context, size_t row, size_t column, char *text, size_t size)
{
    const gv_league_table *table = context;
    const double value = value_at(context, row, column);
    if (column == INTERVAL && has_oracle(table) && is_reference(table, row)) {
        (void)snprintf(text, size, "reference");
    } else if (column == INTERVAL) {
        format_interval(interval_at(table, row, column), has_oracle(table), text, size);
    } else if (is_share(column)) {
        gv_format_number(100 * value, 1, text, size);
    } else {
        gv_format_number(value, column == SPEND ? 0 : 2, text, size);
    }
}

static const double *curve_of(const void *context, size_t row, size_t *count)
{
    const gv_league_table *table = context;
    *count = table->rows[row].tick_count;
    return table->rows[row].pace;
}

static const char *title_of(const char *rivals)
{
    if (strcmp(rivals, "market") == 0) {
        return "The market, each advertiser with the policy that it was given";
    }
    return strcmp(rivals, "fixed") == 0
               ? "Each policy in every seat, against the offers that the market recorded"
               : "Each policy alone in every seat of a market that reacts";
}

static void print_heading(FILE *stream, const gv_league_table *table,
                          const gv_report_options *options)
{
    (void)fprintf(stream, "\n%s%s%s\n", options->colour ? "\033[1m" : "", title_of(table->rivals),
                  options->colour ? "\033[0m" : "");
    (void)fprintf(stream, "  %zu period%s, %zu advertiser%s, ranked by score%s; %s resampled\n",
                  table->period_count, table->period_count == 1 ? "" : "s", table->campaign_count,
                  table->campaign_count == 1 ? "" : "s",
                  table->ranking == GV_LEAGUE_SCORE_SHARE ? " / oracle's" : "",
                  table->block == GV_BLOCK_PERIOD ? "periods" : "seats");
}

static gv_status print_table(FILE *stream, const gv_league_table *table,
                             const gv_report_options *options)
{
    const gv_figure_table figures = {.columns = columns,
                                     .column_count = COLUMN_COUNT,
                                     .kept_count = COLUMNS_KEPT,
                                     .row_count = table->row_count,
                                     .context = table,
                                     .name = name_of_row,
                                     .value = value_at,
                                     .format = format_at,
                                     .curve = curve_of,
                                     .is_reference = is_reference};
    print_heading(stream, table, options);
    return gv_figure_table_print(&figures, stream, options);
}

static void print_notes(FILE *stream, const gv_league *league)
{
    bool by_seats = false;
    bool has_reference = false;
    for (size_t t = 0; t < league->table_count; t++) {
        by_seats = by_seats || league->tables[t].block == GV_BLOCK_SEAT;
        has_reference = has_reference || has_oracle(&league->tables[t]);
    }
    (void)fprintf(stream, "\nA seat is one advertiser in one period; its score: "
                          "min((target / CPA)^2, 1) x conversions.\n");
    if (has_reference) {
        (void)fprintf(stream, "The oracle knows the period beforehand: a reference, not a bound; "
                              "the interval is of the share.\n");
    }
    if (by_seats) {
        (void)fprintf(stream, "With fewer than 10 periods seats are resampled as if they were "
                              "independent of each other.\n");
    }
    (void)fprintf(stream, "Every seat: view `market_league` of the database. Each curve has its "
                          "own top.\n");
}

gv_status gv_market_print(FILE *stream, const gv_outcomes *outcomes,
                          const gv_report_options *options)
{
    const gv_league_config config = gv_market_league(outcomes);
    gv_league *league = NULL;
    GV_TRY(gv_league_create(&config, &league));
    gv_status status = GV_OK;
    for (size_t t = 0; status == GV_OK && t < league->table_count; t++) {
        status = print_table(stream, &league->tables[t], options);
    }
    if (status == GV_OK) {
        print_notes(stream, league);
    }
    gv_league_destroy(league);
    return status;
}
