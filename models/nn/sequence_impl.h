/*
 * sequence_impl.h - convolutions over sequences for serving: each sequence's bits depend on it
 * alone.
 *
 * A sequence stands channels last, [length][channels], between margins of zeros, so a window of
 * `kernel` ticks is one stretch of kernel x channels numbers: a convolution is a product of
 * panels (panel_impl.h), and nothing is unfolded. A transposed convolution of kernel 4 and stride
 * 2 is two of kernel 2, for the even places and for the odd ones.
 */
#ifndef MODELS_NN_SEQUENCE_IMPL_H
#define MODELS_NN_SEQUENCE_IMPL_H

#include <stddef.h>

#include "models/nn/panel_impl.h"
#include "models/nn/params.h"

/* [count][margin + length + margin][channels]; the numbers are somebody else's. */
typedef struct gv_sequences {
    float *numbers;
    size_t count, length, channels, margin;
} gv_sequences;

static inline size_t gv_sequences_pitch(const gv_sequences *s)
{
    return (s->length + 2 * s->margin) * s->channels;
}

static inline float *gv_sequences_at(const gv_sequences *s, size_t index)
{
    return s->numbers + index * gv_sequences_pitch(s) + s->margin * s->channels;
}

/* Zeros before and behind each sequence. */
void gv_sequences_blank(const gv_sequences *s);

/* packed [count][length][channels] into their places. */
void gv_sequences_fill(const gv_sequences *s, const float *packed);

/*
 * NAME.weight [outputs, inputs, kernel] and NAME.bias of a drawn set, copied. GV_ENOTFOUND: the
 * set has no such layer of these sizes.
 */
GV_MUST_CHECK gv_status gv_conv_panels(const gv_params *params, const char *name, size_t kernel,
                                       gv_panels *out);

/* Of a transposed convolution of kernel 4: what makes its even places, and its odd ones. */
GV_MUST_CHECK gv_status gv_conv_panels_twice(const gv_params *params, const char *name,
                                             gv_panels out[2]);

/* Windows of `kernel` ticks, `stride` apart, from `padding` ticks before the first of x on. */
typedef struct gv_windows {
    size_t kernel;
    size_t stride;
    size_t padding; /* within the margin */
} gv_windows;

/* out->length windows of x, with the panels of that kernel. */
void gv_conv_apply(const gv_panels *conv, const gv_windows *windows, const gv_sequences *x,
                   const gv_sequences *out);

/* out->length is twice x->length; padding 1, within the margin. */
void gv_conv_apply_twice(const gv_panels conv[2], const gv_sequences *x, const gv_sequences *out);

/* Group norm of each sequence in place; sums [2][channels] is scratch. */
typedef struct gv_group_norm {
    const float *gain; /* [channels] */
    const float *shift;
    size_t groups;
    float *sums;
} gv_group_norm;

void gv_sequences_norm(const gv_group_norm *norm, const gv_sequences *s);

/* Every tick of sequence i += rows[i]: rows [count][channels]. */
void gv_sequences_add_rows(const float *rows, const gv_sequences *s);

/* s += other, of the same sizes. */
void gv_sequences_add(const gv_sequences *other, const gv_sequences *s);

/* Channels `first` on of out := all those of x, of the same length. */
void gv_sequences_place(const gv_sequences *x, size_t first, const gv_sequences *out);

#endif
