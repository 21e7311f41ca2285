/*
 * Lines are listed beside the drawing by their mean height, so that the legend reads like the
 * picture. Colours are Okabe and Ito's, which colour-blind readers tell apart; where
 * there are more policies than colours, the second round is dashed.
 */
#include "scenarios/report/plot.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/format.h"
#include "scenarios/report/gnuplot.h"
#include "scenarios/report/plot_impl.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/base/money.h"

#define CPM ((double)GV_NANOS_PER_CPM)

/* Logs without times number their rows from 1970 on: then auctions are the better axis. */
#define ORDINAL_UNTIL_US (365 * GV_US_PER_DAY)

typedef struct spend_line {
    const gv_cell_record *cell;
    double height; /* mean of the cumulative spend, CPM */
} spend_line;

typedef struct spend_plot {
    const gv_outcomes *outcomes;
    const gv_group *group;
    spend_line *lines; /* [line_count], the highest first */
    size_t line_count;
    double top; /* the highest end */
    bool by_time;
} spend_plot;

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000"};
enum { COLOURS = sizeof colours / sizeof colours[0] };

void gv_plot_frame(FILE *script)
{
    (void)fprintf(script, "set border 3 lc rgb '#606060'\n"
                          "set tics nomirror out textcolor rgb '#303030'\n"
                          "set grid ytics lt 1 lw 0.5 lc rgb '#dddddd'\n"
                          "set key outside right center noenhanced samplen 2 spacing 1.2\n"
                          "set yrange [0:*]\n");
}

void gv_plot_line_style(FILE *script, size_t number)
{
    (void)fprintf(script, " lw 2 lc rgb '%s' dt %d", colours[number % COLOURS],
                  number < COLOURS ? 1 : 2);
}

static void print_local(char *text, size_t size, int64_t time_us, int64_t zone_offset_us)
{
    gv_time_print(time_us, zone_offset_us, text, size);
    if (strlen(text) > 16) {
        text[10] = ' ';
        text[16] = '\0';
    }
}

static void write_title(FILE *script, const spend_plot *plot)
{
    const gv_cell_record *cell = plot->lines[0].cell;
    const gv_campaign *campaign = cell->campaign;
    char text[512];
    char auctions[64];
    gv_format_number((double)cell->total->auctions, 0, auctions, sizeof auctions);
    size_t used = (size_t)snprintf(text, sizeof text, "Campaign %s", campaign->name);
    if (cell->budget_label[0] != '\0' && used < sizeof text) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, ", budget %s", cell->budget_label);
    }
    if (used < sizeof text) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, ": spend over %s auctions", auctions);
    }
    if (plot->by_time && used < sizeof text) {
        char from[64];
        char until[64];
        print_local(from, sizeof from, campaign->start_us, campaign->zone_offset_us);
        print_local(until, sizeof until, campaign->end_us, campaign->zone_offset_us);
        (void)snprintf(text + used, sizeof text - used, ", %s to %s", from, until);
    }
    (void)fputs("set title ", script);
    gv_gnuplot_quote(script, text);
    (void)fputs(" noenhanced\n", script);
}

static double first_x(const spend_plot *plot, const gv_cell_record *cell)
{
    const gv_campaign *campaign = cell->campaign;
    return plot->by_time ? (double)(campaign->start_us + campaign->zone_offset_us) / 1e6 : 0;
}

/* A point at the start, then one at each tick's end. */
static void write_data(FILE *script, const spend_plot *plot, size_t number)
{
    const gv_cell_record *cell = plot->lines[number].cell;
    const gv_campaign *campaign = cell->campaign;
    double x = first_x(plot, cell);
    double spend = 0;
    (void)fprintf(script, "$line%zu << END\n%.0f 0\n", number, x);
    for (size_t i = 0; i < cell->tick_count; i++) {
        const gv_tick_record *tick = &cell->ticks[i];
        const int64_t next = i + 1 < cell->tick_count ? tick[1].time_us : campaign->end_us;
        spend += (double)tick->tally.spend_nanos / CPM;
        x = plot->by_time ? (double)(next + campaign->zone_offset_us) / 1e6
                          : x + (double)tick->tally.auctions;
        (void)fprintf(script, "%.0f %.3f\n", x, spend);
    }
    (void)fprintf(script, "END\n");
}

/* The budget as a dotted line, unless all policies stay far below it. */
static void write_budget(FILE *script, const spend_plot *plot)
{
    const gv_cell_record *cell = plot->lines[0].cell;
    const double budget = gv_budget_total(cell->campaign, cell->episodes) / CPM;
    if (budget > 0 && budget < 3 * plot->top) {
        (void)fprintf(script,
                      "set arrow 1 from graph 0, first %.3f to graph 1, first %.3f nohead "
                      "dt 3 lw 1.5 lc rgb '#606060'\n"
                      "set label 1 'budget' at graph 0.01, first %.3f offset 0,0.5 "
                      "textcolor rgb '#606060'\n"
                      "set yrange [0:%.3f]\n",
                      budget, budget, budget, 1.08 * fmax(budget, plot->top));
    }
}

static void write_spend(FILE *script, const void *context)
{
    const spend_plot *plot = context;
    for (size_t i = 0; i < plot->line_count; i++) {
        write_data(script, plot, i);
    }
    gv_plot_frame(script);
    write_title(script, plot);
    write_budget(script, plot);
    (void)fprintf(script, "set ylabel 'spend so far (CPM)'\nset format y '%%.0s%%c'\n");
    if (plot->by_time) {
        (void)fprintf(script,
                      "set xdata time\nset timefmt '%%s'\nset format x \"%%H:%%M\\n%%d %%b\"\n"
                      "set xlabel 'local time'\n");
    } else {
        (void)fprintf(script, "set xlabel 'auctions so far'\nset format x '%%.0s%%c'\n");
    }
    (void)fputs("plot ", script);
    for (size_t i = 0; i < plot->line_count; i++) {
        (void)fprintf(script, "%s$line%zu using 1:2 with lines", i == 0 ? "" : ", ", i);
        gv_plot_line_style(script, i);
        (void)fputs(" title ", script);
        gv_gnuplot_quote(script, plot->lines[i].cell->policy);
    }
    (void)fputc('\n', script);
}

static double mean_height(const gv_cell_record *cell)
{
    double spend = 0;
    double sum = 0;
    for (size_t i = 0; i < cell->tick_count; i++) {
        spend += (double)cell->ticks[i].tally.spend_nanos / CPM;
        sum += spend / (double)cell->tick_count;
    }
    return sum;
}

/* Stable insertion: equal heights keep the scenario's order. */
static void insert_line(spend_plot *plot, const gv_cell_record *cell)
{
    const spend_line line = {cell, mean_height(cell)};
    plot->top = fmax(plot->top, (double)cell->total->spend_nanos / CPM);
    size_t place = plot->line_count++;
    for (; place > 0 && plot->lines[place - 1].height < line.height; place--) {
        plot->lines[place] = plot->lines[place - 1];
    }
    plot->lines[place] = line;
}

gv_status gv_plot_spend(const gv_outcomes *outcomes, const gv_group *group, const char *stem)
{
    spend_plot plot = {.outcomes = outcomes, .group = group};
    plot.lines = gv_mem_alloc(0, outcomes->cell_count, sizeof *plot.lines);
    if (plot.lines == NULL) {
        return GV_FAIL(GV_ENOMEM, "plotting %zu cells", outcomes->cell_count);
    }
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        if (gv_group_holds(group, &outcomes->cells[i])) {
            insert_line(&plot, &outcomes->cells[i]);
        }
    }
    assert(plot.line_count > 0);
    plot.by_time = plot.lines[0].cell->campaign->start_us > ORDINAL_UNTIL_US;
    const gv_drawing drawing = {write_spend, &plot};
    const gv_status status = gv_gnuplot_draw(&drawing, stem);
    gv_mem_free(plot.lines);
    return status;
}

typedef struct budget_plot {
    const gv_outcomes *outcomes;
    const gv_grouping *grouping;
    const char *campaign; /* NULL: all */
    const char *rivals;   /* of the run's first cell */
    const gv_metric *metric;
    double *values; /* [policy][budget] */
    size_t *order;  /* [policy]: by the value at the first budget, the highest first */
} budget_plot;

static double *value_at(const budget_plot *plot, size_t policy, size_t budget)
{
    return &plot->values[policy * plot->grouping->budget_count + budget];
}

static void sum_up(budget_plot *plot, size_t policy, size_t budget)
{
    double sums[GV_QUANTITY_COUNT] = {0};
    const gv_group group = {.campaign = plot->campaign,
                            .budget_label = plot->grouping->budgets[budget],
                            .rivals = plot->rivals};
    for (size_t i = 0; i < plot->outcomes->cell_count; i++) {
        const gv_cell_record *cell = &plot->outcomes->cells[i];
        if (gv_group_holds(&group, cell) &&
            strcmp(cell->policy, plot->grouping->policies[policy]) == 0) {
            double quantities[GV_QUANTITY_COUNT];
            gv_cell_quantities(cell, quantities);
            for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
                sums[q] += quantities[q];
            }
        }
    }
    *value_at(plot, policy, budget) = gv_metric_value(plot->metric, sums);
}

static void order_policies(budget_plot *plot)
{
    for (size_t p = 0; p < plot->grouping->policy_count; p++) {
        size_t place = p;
        const double value = *value_at(plot, p, 0);
        for (; place > 0 && *value_at(plot, plot->order[place - 1], 0) < value; place--) {
            plot->order[place] = plot->order[place - 1];
        }
        plot->order[place] = p;
    }
}

static void write_budgets(FILE *script, const void *context)
{
    const budget_plot *plot = context;
    const gv_grouping *grouping = plot->grouping;
    const bool is_share = strcmp(plot->metric->unit, "fraction") == 0;
    for (size_t p = 0; p < grouping->policy_count; p++) {
        (void)fprintf(script, "$line%zu << END\n", p);
        for (size_t b = 0; b < grouping->budget_count; b++) {
            const double value = *value_at(plot, plot->order[p], b);
            (void)fprintf(script, "%zu %.9g\n", b, is_share ? 100 * value : value);
        }
        (void)fprintf(script, "END\n");
    }
    gv_plot_frame(script);
    (void)fputs("set xtics (", script);
    for (size_t b = 0; b < grouping->budget_count; b++) {
        (void)fputs(b == 0 ? "" : ", ", script);
        gv_gnuplot_quote(script, grouping->budgets[b]);
        (void)fprintf(script, " %zu", b);
    }
    (void)fprintf(script, ")\nset xrange [-0.2:%g]\nset xlabel 'budget'\n",
                  (double)grouping->budget_count - 0.8);
    char text[256];
    (void)snprintf(text, sizeof text, "%s%s: %s by budget",
                   plot->campaign == NULL ? "All campaigns" : "Campaign ",
                   plot->campaign == NULL ? "" : plot->campaign, plot->metric->title);
    (void)fputs("set title ", script);
    gv_gnuplot_quote(script, text);
    (void)snprintf(text, sizeof text, "%s (%s)", plot->metric->title, gv_format_unit(plot->metric));
    (void)fputs(" noenhanced\nset ylabel ", script);
    gv_gnuplot_quote(script, text);
    (void)fputs("\nplot ", script);
    for (size_t p = 0; p < grouping->policy_count; p++) {
        (void)fprintf(script, "%s$line%zu using 1:2 with linespoints pt 7 ps 0.7",
                      p == 0 ? "" : ", ", p);
        gv_plot_line_style(script, p);
        (void)fputs(" title ", script);
        gv_gnuplot_quote(script, grouping->policies[plot->order[p]]);
    }
    (void)fputc('\n', script);
}

static gv_status draw_budgets(budget_plot *plot, const char *stem)
{
    const gv_grouping *grouping = plot->grouping;
    if (grouping->budget_count < 2) {
        return GV_FAIL(GV_ENOTFOUND,
                       "run %" PRId64 " has one budget only: give its scenario a list "
                       "of budgets, or plot its spend",
                       plot->outcomes->run.id);
    }
    for (size_t p = 0; p < grouping->policy_count; p++) {
        for (size_t b = 0; b < grouping->budget_count; b++) {
            sum_up(plot, p, b);
        }
    }
    order_policies(plot);
    const gv_drawing drawing = {write_budgets, plot};
    return gv_gnuplot_draw(&drawing, stem);
}

gv_status gv_plot_budgets(const gv_outcomes *outcomes, const char *campaign,
                          const gv_metric *metric, const char *stem)
{
    gv_grouping *grouping = NULL;
    GV_TRY(gv_grouping_create(outcomes->cells, outcomes->cell_count, &grouping));
    budget_plot plot = {.outcomes = outcomes,
                        .grouping = grouping,
                        .campaign = campaign,
                        .rivals = outcomes->cell_count > 0 ? grouping->groups[0].rivals : NULL,
                        .metric = metric};
    const size_t policies = grouping->policy_count;
    plot.values = gv_mem_alloc(0, policies * grouping->budget_count, sizeof *plot.values);
    plot.order = gv_mem_alloc(0, policies, sizeof *plot.order);
    gv_status status = GV_OK;
    if (plot.values == NULL || plot.order == NULL) {
        status = GV_FAIL(GV_ENOMEM, "plotting %zu policies", policies);
    } else {
        status = draw_budgets(&plot, stem);
    }
    gv_mem_free(plot.values);
    gv_mem_free(plot.order);
    gv_grouping_destroy(grouping);
    return status;
}
