/*
 * panel_impl.h - a matrix product of our own, whose sums run in one order whatever is beside them:
 *   y[r][o] = bias[o] + x[r][0] w[0][o] + x[r][1] w[1][o] + ...
 * for a row r alone or among thousands, at any place, on any processor.
 *
 * Weights are packed once into panels of PANEL outputs. A tile of ROWS rows by one panel (with
 * AVX-512 by two) is summed in registers over DEPTH inputs at most, put down, and taken up again
 * for the next ones: single precision loses nothing by it. A convolution over sequences whose
 * channels lie side by side is the same product: the window at a place is the numbers from there
 * on, so that rows overlap, and nothing is unfolded.
 */
#ifndef MODELS_NN_PANEL_IMPL_H
#define MODELS_NN_PANEL_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/status.h"

enum { PANEL = 16, ROWS = 6 };

typedef struct gv_panels {
    size_t inputs;
    size_t outputs;
    float *weights; /* [panels][inputs][PANEL], outputs beyond the last 0 */
    float *bias;    /* [panels][PANEL] */
} gv_panels;

/* Memory for weights, which are not set, and bias 0. On failure too gv_panels_fini() is safe. */
GV_MUST_CHECK gv_status gv_panels_init(gv_panels *panels, size_t inputs, size_t outputs);
void gv_panels_fini(gv_panels *panels);

/* Numbers of weights and bias together, for who has memory of its own; what gv_panels_place()
 * makes of it (64 bytes aligned) is bias 0, and there is nothing to fini. */
size_t gv_panels_room(size_t inputs, size_t outputs);
gv_panels gv_panels_place(size_t inputs, size_t outputs, float *room);

/* w stands [outputs][inputs], number i of output o at w[o w_output + i w_input]; into inputs
 * first .. first + count - 1. */
typedef struct gv_panel_part {
    const float *w;
    size_t w_output, w_input;
    size_t first, count;
} gv_panel_part;

void gv_panels_pack(gv_panels *panels, const gv_panel_part *part);

/* Row r of x is at x + r / run * x_run + r % run * x_step, and of y alike. */
typedef struct gv_panel_rows {
    const float *x;
    size_t x_step, x_run;
    float *y;
    size_t y_step, y_run;
    size_t rows; /* a multiple of run */
    size_t run;
    bool adds; /* sums begin with what y holds, in the place of the bias */
} gv_panel_rows;

/* x and y lie apart. Allocates nothing. */
void gv_panels_apply(const gv_panels *panels, const gv_panel_rows *rows);

/*
 * The same by tiles for AVX-512's registers or by those for AVX2's; the other function chooses by
 * the processor. The same bits.
 */
void gv_panels_apply_by(const gv_panels *panels, const gv_panel_rows *rows, bool is_wide);

#endif
