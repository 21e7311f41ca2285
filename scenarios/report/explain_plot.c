/*
 * Three pictures above one another, with one axis of time: the budget that is left, the multiplier
 * beside the oracle's, and conversions; a fourth where the policy asked for a return or had a
 * notion of expertness. What really happened is black and solid, what was planned dashed, the
 * oracle broad and grey as in other pictures.
 */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scenarios/report/explain.h"
#include "scenarios/report/gnuplot.h"
#include "scenarios/report/plot_impl.h"
#include "sim/base/clock.h"
#include "sim/base/money.h"

enum { TITLE_SIZE = 256 };

#define REAL      " with lines lw 2 lc rgb '#000000'"
#define STEPS     " with steps lw 2 lc rgb '#000000'"
#define PLANNED   " with lines lw 2 lc rgb '#0072b2' dt 2"
#define AT_FIRST  " with lines lw 1.5 lc rgb '#d55e00' dt 4"
#define REFERENCE " with steps lw 4 lc rgb '#b8b8b8'"

static double hours_of(const gv_explained *explained, size_t tick)
{
    return (double)tick * (double)explained->cell->campaign->tick_us / (double)GV_US_PER_HOUR;
}

static void write_number(FILE *script, double value)
{
    if (isfinite(value)) {
        (void)fprintf(script, " %.9g", value);
    } else {
        (void)fputs(" NaN", script);
    }
}

/*
 * Columns: 1 the tick's beginning, 2 its end, 3 .. 5 budget left as it was, as planned, as planned
 * at first, 6 multiplier, 7 oracle's, 8 conversions, 9 as planned, 10 return target, 11 expertness.
 * The last row is the period's end, for steps.
 */
static void write_data(FILE *script, const gv_explained *explained)
{
    (void)fputs("$ticks << END\n", script);
    for (size_t row = 0; row <= explained->tick_count; row++) {
        const size_t tick = row < explained->tick_count ? row : row - 1;
        const gv_explained_tick *t = &explained->ticks[tick];
        const bool is_end = row == explained->tick_count;
        const double past = is_end ? (double)NAN : 1;
        (void)fprintf(script, "%.9g %.9g", hours_of(explained, row), hours_of(explained, row + 1));
        write_number(script, 100 * t->left * past);
        write_number(script, 100 * t->left_planned * past);
        write_number(script, 100 * t->left_at_first * past);
        write_number(script, t->multiplier);
        write_number(script, t->oracle);
        write_number(script, t->conversions * past);
        write_number(script, t->conversions_planned * past);
        write_number(script, t->return_target);
        write_number(script, t->expertness);
        (void)fputc('\n', script);
    }
    (void)fputs("END\n", script);
}

static void write_title(FILE *script, const gv_explained *explained)
{
    const gv_cell_record *cell = explained->cell;
    char text[TITLE_SIZE];
    (void)snprintf(text, sizeof text,
                   "Campaign %.64s under %.64s, period %" PRIu64 ": score %.2f, the oracle's %.2f",
                   cell->campaign->name, cell->policy, cell->seat->period, explained->score,
                   explained->oracle_score);
    gv_gnuplot_quote(script, text);
}

/* Each panel's place, from the top: `number` of `count`; the last shows the hours. */
static void begin_panel(FILE *script, size_t number, size_t count, const char *label)
{
    const double height = 0.80 / (double)count;
    const double top = 0.92 - height * (double)number;
    (void)fprintf(script,
                  "set tmargin at screen %.4f\nset bmargin at screen %.4f\nset ylabel '%s'\n"
                  "set yrange [0:*]\n",
                  top, top - height * 0.86, label);
    if (number + 1 == count) {
        (void)fputs("set format x '%g'\nset xlabel 'hours of the period'\n", script);
    } else {
        (void)fputs("set format x ''\nunset xlabel\n", script);
    }
}

static void plot_budget(FILE *script, const gv_explained *explained)
{
    (void)fprintf(script,
                  "set yrange [0:100]\nplot 100 - 100 * x / %.9g with lines lw 1.5 lc rgb "
                  "'#909090' dt 3 title 'even pace'",
                  hours_of(explained, explained->tick_count));
    if (explained->has_plan) {
        (void)fputs(", $ticks using 2:5" AT_FIRST " title 'planned at first'", script);
        (void)fputs(", $ticks using 2:4" PLANNED " title 'planned for the tick'", script);
    }
    (void)fputs(", $ticks using 2:3" REAL " title 'as it was'\n", script);
}

static void plot_multiplier(FILE *script, const gv_explained *explained)
{
    (void)fprintf(script,
                  "plot $ticks using 1:7" REFERENCE " title 'oracle', %.9g with lines lw 1.5 lc "
                  "rgb '#909090' dt 3 title 'CPA', $ticks using 1:6" STEPS " title 'chosen'\n",
                  (double)explained->cell->campaign->cpa_nanos / (double)GV_NANOS_PER_UNIT);
}

static void plot_conversions(FILE *script, const gv_explained *explained)
{
    (void)fputs("plot ", script);
    if (explained->has_plan) {
        (void)fputs("$ticks using 2:9" PLANNED " title 'planned for the tick', ", script);
    }
    (void)fputs("$ticks using 2:8" REAL " title 'as they came'\n", script);
}

static void plot_thoughts(FILE *script, const gv_explained *explained)
{
    (void)fputs("set yrange [*:*]\n", script);
    if (explained->has_target && explained->has_expertness) {
        (void)fputs("set y2range [0:1]\nset y2tics\nset ytics nomirror\n"
                    "set y2label 'expertness'\n",
                    script);
    }
    (void)fputs("plot ", script);
    if (explained->has_target) {
        (void)fputs("$ticks using 1:10" STEPS " title 'return asked for'", script);
    }
    if (explained->has_expertness) {
        (void)fprintf(script,
                      "%s$ticks using 1:11 %s with steps lw 2 lc rgb '#009e73' title "
                      "'expertness'",
                      explained->has_target ? ", " : "", explained->has_target ? "axes x1y2" : "");
    }
    (void)fputc('\n', script);
}

static void write_script(FILE *script, const void *context)
{
    const gv_explained *explained = context;
    const bool thinks = explained->has_target || explained->has_expertness;
    const size_t count = thinks ? 4 : 3;
    const double end = hours_of(explained, explained->tick_count);
    write_data(script, explained);
    gv_plot_frame(script);
    (void)fputs("set multiplot title ", script);
    write_title(script, explained);
    (void)fprintf(script,
                  " noenhanced\nset xrange [0:%.9g]\nset lmargin at screen 0.09\n"
                  "set rmargin at screen 0.78\n",
                  end);
    if (end > 6 && end <= 24) {
        (void)fputs("set xtics 0,4\n", script);
    }
    begin_panel(script, 0, count, "budget left %");
    plot_budget(script, explained);
    begin_panel(script, 1, count, "multiplier");
    plot_multiplier(script, explained);
    begin_panel(script, 2, count, "conversions");
    plot_conversions(script, explained);
    if (thinks) {
        begin_panel(script, 3, count, explained->has_target ? "return" : "expertness");
        plot_thoughts(script, explained);
    }
    (void)fputs("unset multiplot\n", script);
}

gv_status gv_explain_plot(const gv_explained *explained, const char *stem)
{
    const gv_drawing drawing = {write_script, explained};
    return gv_gnuplot_draw(&drawing, stem);
}
