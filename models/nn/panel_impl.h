/*
 * panel_impl.h - a matrix product of our own, whose sums run in one order whatever is beside them:
 *   sums[r][j] = bias[j] + x[r][0] w[0][j] + x[r][1] w[1][j] + ...
 * for up to ROWS rows r and the PANEL columns j of a panel, all held in registers. It packs
 * nothing, so it also is the quicker one where one side is narrow and the other is read once.
 */
#ifndef MODELS_NN_PANEL_IMPL_H
#define MODELS_NN_PANEL_IMPL_H

#include "models/nn/real_impl.h"

enum { PANEL = 16, ROWS = 6 };

/* One panel's worth of numbers, as gcc and clang write vectors on any processor. */
typedef float lanes __attribute__((vector_size(PANEL * sizeof(float))));

typedef float half_lanes __attribute__((vector_size(PANEL / 2 * sizeof(float))));

typedef struct panel_operands {
    const float *w; /* row i of the panel at w + i w_step */
    size_t w_step;
    const float *x; /* row r at x + r x_step */
    size_t x_step;
    const float *bias; /* [PANEL], of a pair [2 PANEL] */
    size_t next_panel; /* of a pair: from w to the second panel's */
} panel_operands;

/* `rows` is a constant at each call: its sums become registers. */
REAL_INLINE void panel_rows(const panel_operands *p, size_t inputs, size_t rows,
                            float sums[ROWS][PANEL])
{
    lanes sum[ROWS];
    for (size_t r = 0; r < rows; r++) {
        memcpy(&sum[r], p->bias, sizeof sum[r]);
    }
    for (size_t i = 0; i < inputs; i++) {
        lanes column;
        memcpy(&column, p->w + i * p->w_step, sizeof column);
        for (size_t r = 0; r < rows; r++) {
            sum[r] += p->x[r * p->x_step + i] * column;
        }
    }
    for (size_t r = 0; r < rows; r++) {
        memcpy(sums[r], &sum[r], sizeof sum[r]);
    }
}

/* The same for two neighbouring panels at once, whose rows of x are read once: all ROWS rows. */
REAL_INLINE void panel_pair(const panel_operands *p, size_t inputs, float left[ROWS][PANEL],
                            float right[ROWS][PANEL])
{
    lanes a[ROWS];
    lanes b[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(&a[r], p->bias, sizeof a[r]);
        memcpy(&b[r], p->bias + PANEL, sizeof b[r]);
    }
    for (size_t i = 0; i < inputs; i++) {
        lanes first;
        lanes second;
        memcpy(&first, p->w + i * p->w_step, sizeof first);
        memcpy(&second, p->w + p->next_panel + i * p->w_step, sizeof second);
        for (size_t r = 0; r < ROWS; r++) {
            const float x = p->x[r * p->x_step + i];
            a[r] += x * first;
            b[r] += x * second;
        }
    }
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(left[r], &a[r], sizeof a[r]);
        memcpy(right[r], &b[r], sizeof b[r]);
    }
}

/* A panel and the first half of the next, as 24 windows need; the rest of `right` is not set. */
REAL_INLINE void panel_half(const panel_operands *p, size_t inputs, float left[ROWS][PANEL],
                            float right[ROWS][PANEL])
{
    lanes a[ROWS];
    half_lanes b[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(&a[r], p->bias, sizeof a[r]);
        memcpy(&b[r], p->bias + PANEL, sizeof b[r]);
    }
    for (size_t i = 0; i < inputs; i++) {
        lanes first;
        half_lanes second;
        memcpy(&first, p->w + i * p->w_step, sizeof first);
        memcpy(&second, p->w + p->next_panel + i * p->w_step, sizeof second);
        for (size_t r = 0; r < ROWS; r++) {
            const float x = p->x[r * p->x_step + i];
            a[r] += x * first;
            b[r] += x * second;
        }
    }
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(left[r], &a[r], sizeof a[r]);
        memcpy(right[r], &b[r], sizeof b[r]);
    }
}

/* 1 .. ROWS rows. */
REAL_INLINE void panel_any(const panel_operands *p, size_t inputs, size_t rows,
                           float sums[ROWS][PANEL])
{
    switch (rows) {
    case 1:
        panel_rows(p, inputs, 1, sums);
        return;
    case 2:
        panel_rows(p, inputs, 2, sums);
        return;
    case 3:
        panel_rows(p, inputs, 3, sums);
        return;
    case 4:
        panel_rows(p, inputs, 4, sums);
        return;
    case 5:
        panel_rows(p, inputs, 5, sums);
        return;
    default:
        panel_rows(p, inputs, ROWS, sums);
        return;
    }
}

#endif
