/*
 * Three pictures above one another, with one axis of time: the budget that is left, the multiplier
 * beside the oracle's, and conversions; a fourth where the policy asked for a return or had a
 * notion of expertness. What really happened is black and solid, what was planned dashed, the
 * oracle broad and grey as in other pictures.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
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

/* What a tick ended with; row 0 is what the period began with. */
static void write_ends(FILE *script, const gv_explained *explained)
{
    (void)fputs("$ends << END\n0 100 100 100 0 0\n", script);
    for (size_t tick = 0; tick < explained->tick_count; tick++) {
        const gv_explained_tick *t = &explained->ticks[tick];
        (void)fprintf(script, "%.9g", hours_of(explained, tick + 1));
        write_number(script, 100 * t->left);
        write_number(script, 100 * t->left_planned);
        write_number(script, 100 * t->left_at_first);
        write_number(script, t->conversions);
        write_number(script, t->conversions_planned);
        (void)fputc('\n', script);
    }
    (void)fputs("END\n", script);
}

/* What held during a tick, from its beginning; the last row closes the last step. */
static void write_steps(FILE *script, const gv_explained *explained)
{
    (void)fputs("$steps << END\n", script);
    for (size_t row = 0; row <= explained->tick_count; row++) {
        const size_t tick = row < explained->tick_count ? row : row - 1;
        const gv_explained_tick *t = &explained->ticks[tick];
        (void)fprintf(script, "%.9g", hours_of(explained, row));
        write_number(script, t->multiplier);
        write_number(script, t->oracle);
        write_number(script, t->return_target);
        write_number(script, t->expertness);
        (void)fputc('\n', script);
    }
    (void)fputs("END\n", script);
}

/* 1, 2 or 5 times a power of ten, so that a panel up to `top` has three marks or four. */
static double mark_step(double top)
{
    const double power = pow(10, floor(log10(top / 3)));
    const double share = top / 3 / power;
    return power * (share >= 5 ? 5 : share >= 2 ? 2 : 1);
}

/* Up to the highest of one number of the ticks, or of `least` where that is higher. */
static double top_of(const gv_explained *explained, size_t offset, double least)
{
    double top = least;
    for (size_t tick = 0; tick < explained->tick_count; tick++) {
        double value = 0;
        memcpy(&value, (const unsigned char *)&explained->ticks[tick] + offset, sizeof value);
        top = fmax(top, value); /* NaN is passed over */
    }
    return top;
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
static void begin_panel(FILE *script, size_t number, size_t count, const char *label, double top)
{
    const double height = 0.80 / (double)count;
    const double upper = 0.92 - height * (double)number;
    (void)fprintf(script,
                  "set tmargin at screen %.4f\nset bmargin at screen %.4f\nset ylabel '%s'\n"
                  "set yrange [0:%.9g]\nset ytics %.9g\n",
                  upper, upper - height * 0.84, label, top, mark_step(top));
    if (number + 1 == count) {
        (void)fputs("set format x '%g'\nset xlabel 'hours of the period'\n", script);
    } else {
        (void)fputs("set format x ''\nunset xlabel\n", script);
    }
}

static void plot_budget(FILE *script, const gv_explained *explained)
{
    (void)fprintf(script,
                  "plot 100 - 100 * x / %.9g with lines lw 1.5 lc rgb '#909090' dt 3 title "
                  "'even pace'",
                  hours_of(explained, explained->tick_count));
    if (explained->has_plan) {
        (void)fputs(", $ends using 1:4" AT_FIRST " title 'planned at first'", script);
        (void)fputs(", $ends using 1:3" PLANNED " title 'planned for the tick'", script);
    }
    (void)fputs(", $ends using 1:2" REAL " title 'as it was'\n", script);
}

/* Late in a period the oracle may want whatever is left: what is far above the CPA is cut off. */
static void plot_multiplier(FILE *script, double cpa)
{
    (void)fprintf(script,
                  "plot $steps using 1:3" REFERENCE " title 'oracle', %.9g with lines lw 1.5 lc "
                  "rgb '#909090' dt 3 title 'CPA', $steps using 1:2" STEPS " title 'chosen'\n",
                  cpa);
}

static void plot_conversions(FILE *script, const gv_explained *explained)
{
    (void)fputs("plot ", script);
    if (explained->has_plan) {
        (void)fputs("$ends using 1:6" PLANNED " title 'planned for the tick', ", script);
    }
    (void)fputs("$ends using 1:5" REAL " title 'as they came'\n", script);
}

/* Two notions, two axes. */
static void plot_thoughts(FILE *script, const gv_explained *explained)
{
    const bool both = explained->has_target && explained->has_expertness;
    if (both) {
        (void)fputs("set y2range [0:1]\nset y2tics 0.5\n", script);
    }
    (void)fputs("plot ", script);
    if (explained->has_target) {
        (void)fputs("$steps using 1:4" STEPS " title 'return asked for'", script);
    }
    if (explained->has_expertness) {
        (void)fprintf(script,
                      "%s$steps using 1:5 %s with steps lw 2 lc rgb '#009e73' title 'expertness%s'",
                      both ? ", " : "", both ? "axes x1y2" : "", both ? " (right)" : "");
    }
    (void)fputc('\n', script);
}

/* The fourth panel. */
static void draw_thoughts(FILE *script, const gv_explained *explained)
{
    const double top = top_of(explained, offsetof(gv_explained_tick, return_target), 0);
    const bool has_target = explained->has_target && top > 0;
    begin_panel(script, 3, 4, explained->has_target ? "return" : "expertness",
                has_target ? top * 1.1 : 1);
    plot_thoughts(script, explained);
}

static void write_script(FILE *script, const void *context)
{
    const gv_explained *explained = context;
    const bool thinks = explained->has_target || explained->has_expertness;
    const size_t count = thinks ? 4 : 3;
    const double end = hours_of(explained, explained->tick_count);
    const double cpa = (double)explained->cell->campaign->cpa_nanos / (double)GV_NANOS_PER_UNIT;
    write_ends(script, explained);
    write_steps(script, explained);
    gv_plot_frame(script);
    (void)fputs("set multiplot title ", script);
    write_title(script, explained);
    (void)fprintf(script,
                  " noenhanced\nset xrange [0:%.9g]\nset lmargin at screen 0.09\n"
                  "set rmargin at screen 0.76\n",
                  end);
    if (end > 6 && end <= 24) {
        (void)fputs("set xtics 0,4\n", script);
    }
    begin_panel(script, 0, count, "budget left %", 100);
    plot_budget(script, explained);
    begin_panel(script, 1, count, "multiplier",
                fmax(2 * cpa, 1.1 * top_of(explained, offsetof(gv_explained_tick, multiplier), 0)));
    plot_multiplier(script, cpa);
    begin_panel(script, 2, count, "conversions",
                1.5 * top_of(explained, offsetof(gv_explained_tick, conversions), 1));
    plot_conversions(script, explained);
    if (thinks) {
        draw_thoughts(script, explained);
    }
    (void)fputs("unset multiplot\n", script);
}

gv_status gv_explain_plot(const gv_explained *explained, const char *stem)
{
    const gv_drawing drawing = {write_script, explained};
    return gv_gnuplot_draw(&drawing, stem);
}
