/* plot_impl.h - what all pictures share: the frame, the colours. */
#ifndef SCENARIOS_REPORT_PLOT_IMPL_H
#define SCENARIOS_REPORT_PLOT_IMPL_H

#include <stddef.h>
#include <stdio.h>

/* Axes, grid and legend; y from 0. */
void gv_plot_frame(FILE *script);

/* Width, colour and, beyond the seventh, dashes of line `number`, behind its `with lines`. */
void gv_plot_line_style(FILE *script, size_t number);

#endif
