/*
 * gnuplot.h - a drawing by gnuplot, as PNG and as SVG, both whole or absent.
 *
 * gnuplot is started without a shell and reads its script from a pipe. Texts go into it as
 * single-quoted strings in which nothing is special, with markup off.
 */
#ifndef SCENARIOS_REPORT_GNUPLOT_H
#define SCENARIOS_REPORT_GNUPLOT_H

#include <stdio.h>

#include "sim/base/status.h"

/* Writes the part of a script that is the same for every terminal: data, settings, plot. */
typedef struct gv_drawing {
    void (*write)(FILE *script, const void *context);
    const void *context;
} gv_drawing;

/*
 * STEM.png and STEM.svg. GV_ENOTFOUND with a sentence when there is no gnuplot; GV_EIO when it
 * fails, with its first words.
 */
GV_MUST_CHECK gv_status gv_gnuplot_draw(const gv_drawing *drawing, const char *stem);

/* 'text' as gnuplot reads it back; control characters become blanks. */
void gv_gnuplot_quote(FILE *script, const char *text);

#endif
