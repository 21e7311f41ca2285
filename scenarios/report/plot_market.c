/*
 * How the policies of a market spend in time: the share of the budget that is gone by each tick,
 * the mean over seats. A dotted line shows an even pace; the oracle, being a reference, is broad
 * and grey and lies beneath the others.
 */
#include <assert.h>
#include <string.h>

#include "scenarios/report/gnuplot.h"
#include "scenarios/report/market.h"
#include "scenarios/report/plot.h"
#include "scenarios/report/plot_impl.h"
#include "sim/base/clock.h"
#include "sim/base/mem.h"

enum { TEXT_SIZE = 256 };

#define REFERENCE " lw 4 lc rgb '#b8b8b8' dt 1"

typedef struct pace_plot {
    const gv_league_table *table;
    const char *campaign; /* NULL: all */
    double tick_hours;
    size_t *order; /* [row_count]: by mean height, the highest first, as the legend lists them */
} pace_plot;

static bool is_reference(const gv_league_row *row)
{
    return strcmp(row->policy_type, GV_ORACLE_TYPE) == 0;
}

static double mean_height(const gv_league_row *row)
{
    double spent = 0;
    double sum = 0;
    for (size_t t = 0; t < row->tick_count; t++) {
        spent += row->pace[t];
        sum += spent;
    }
    return sum;
}

static void order_rows(const pace_plot *plot)
{
    const gv_league_row *rows = plot->table->rows;
    for (size_t i = 0; i < plot->table->row_count; i++) {
        size_t place = i;
        const double height = mean_height(&rows[i]);
        for (; place > 0 && mean_height(&rows[plot->order[place - 1]]) < height; place--) {
            plot->order[place] = plot->order[place - 1];
        }
        plot->order[place] = i;
    }
}

static void write_title(FILE *script, const pace_plot *plot)
{
    const gv_league_table *table = plot->table;
    char text[TEXT_SIZE];
    if (plot->campaign != NULL) {
        (void)snprintf(text, sizeof text, "Advertiser %.64s: budget spent, mean of %zu period%s",
                       plot->campaign, table->period_count, table->period_count == 1 ? "" : "s");
    } else {
        (void)snprintf(text, sizeof text, "Budget spent, mean of %zu advertiser%s in %zu period%s",
                       table->campaign_count, table->campaign_count == 1 ? "" : "s",
                       table->period_count, table->period_count == 1 ? "" : "s");
    }
    (void)fputs("set title ", script);
    gv_gnuplot_quote(script, text);
    (void)fputs(" noenhanced\n", script);
}

/* A point at the start, then one at each tick's end. */
static void write_line(FILE *script, const pace_plot *plot, size_t number)
{
    const gv_league_row *row = &plot->table->rows[plot->order[number]];
    double spent = 0;
    (void)fprintf(script, "$line%zu << END\n0 0\n", number);
    for (size_t t = 0; t < row->tick_count; t++) {
        spent += 100 * row->pace[t];
        (void)fprintf(script, "%.6f %.4f\n", (double)(t + 1) * plot->tick_hours, spent);
    }
    (void)fprintf(script, "END\n");
}

static void write_axes(FILE *script, const pace_plot *plot)
{
    const double end = (double)plot->table->rows[0].tick_count * plot->tick_hours;
    (void)fprintf(script,
                  "set xrange [0:%.6f]\nset yrange [0:100]\n"
                  "set xlabel 'hours of the period'\nset ylabel 'budget spent so far (%%)'\n"
                  "even(x) = 100 * x / %.6f\n",
                  end, end);
    if (end > 6 && end <= 24) {
        (void)fprintf(script, "set xtics 0,4\n");
    }
}

static void write_pace(FILE *script, const void *context)
{
    const pace_plot *plot = context;
    const size_t count = plot->table->row_count;
    for (size_t i = 0; i < count; i++) {
        write_line(script, plot, i);
    }
    gv_plot_frame(script);
    write_title(script, plot);
    write_axes(script, plot);
    (void)fputs("plot ", script);
    for (size_t i = 0; i < count; i++) { /* first, so that the others lie above */
        if (is_reference(&plot->table->rows[plot->order[i]])) {
            (void)fprintf(script, "$line%zu using 1:2 with lines" REFERENCE " notitle, ", i);
        }
    }
    size_t drawn = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_league_row *row = &plot->table->rows[plot->order[i]];
        (void)fputs(i == 0 ? "" : ", ", script);
        if (is_reference(row)) {
            (void)fputs("NaN with lines" REFERENCE, script); /* its place in the legend */
        } else {
            (void)fprintf(script, "$line%zu using 1:2 with lines", i);
            gv_plot_line_style(script, drawn++);
        }
        (void)fputs(" title ", script);
        gv_gnuplot_quote(script, row->policy);
    }
    (void)fputs(", even(x) with lines lw 1.5 lc rgb '#909090' dt 3 title 'even pace'\n", script);
}

/* Where every policy had every seat, if the run has that: policies then had the same budgets. */
static const gv_league_table *choose_table(const gv_league *league)
{
    for (size_t t = 0; t < league->table_count; t++) {
        if (strcmp(league->tables[t].rivals, "market") != 0) {
            return &league->tables[t];
        }
    }
    return &league->tables[0];
}

static gv_status draw(const gv_cell_record *cells, size_t count, const char *campaign,
                      const char *stem)
{
    const gv_league_config config = {.cells = cells,
                                     .cell_count = count,
                                     .bootstrap = {.replicates = 100, .seed = 1}, /* the least */
                                     .interval = GV_INTERVAL_PERCENTILE,
                                     .level = 0.95};
    gv_league *league = NULL;
    GV_TRY(gv_league_create(&config, &league));
    assert(league->table_count > 0);
    pace_plot plot = {.table = choose_table(league),
                      .campaign = campaign,
                      .tick_hours = (double)cells[0].campaign->tick_us / (double)GV_US_PER_HOUR};
    plot.order = gv_mem_alloc(0, plot.table->row_count, sizeof *plot.order);
    gv_status status = GV_OK;
    if (plot.order == NULL) {
        status = GV_FAIL(GV_ENOMEM, "plotting %zu policies", plot.table->row_count);
    } else {
        order_rows(&plot);
        const gv_drawing drawing = {write_pace, &plot};
        status = gv_gnuplot_draw(&drawing, stem);
    }
    gv_mem_free(plot.order);
    gv_league_destroy(league);
    return status;
}

gv_status gv_plot_market(const gv_outcomes *outcomes, const char *campaign, const char *stem)
{
    gv_cell_record *cells = gv_mem_alloc(0, outcomes->cell_count, sizeof *cells);
    if (cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "plotting %zu cells", outcomes->cell_count);
    }
    size_t count = 0;
    for (size_t i = 0; i < outcomes->cell_count; i++) {
        const gv_cell_record *cell = &outcomes->cells[i];
        if (cell->seat != NULL &&
            (campaign == NULL || strcmp(cell->campaign->name, campaign) == 0)) {
            cells[count++] = *cell;
        }
    }
    assert(count > 0);
    const gv_status status = draw(cells, count, campaign, stem);
    gv_mem_free(cells);
    return status;
}
