#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/row_impl.h"
#include "models/nn/sequence_impl.h"
#include "sim/base/vector.h"

void gv_sequences_blank(const gv_sequences *s)
{
    const size_t margin = s->margin * s->channels;
    for (size_t i = 0; i < s->count; i++) {
        float *first = gv_sequences_at(s, i);
        memset(first - margin, 0, margin * sizeof *first);
        memset(first + s->length * s->channels, 0, margin * sizeof *first);
    }
}

void gv_sequences_fill(const gv_sequences *s, const float *packed)
{
    const size_t size = s->length * s->channels;
    for (size_t i = 0; i < s->count; i++) {
        memcpy(gv_sequences_at(s, i), packed + i * size, size * sizeof *packed);
    }
}

/* ---- convolutions ---------------------------------------------------------------------------- */

/* NAME's weight, of rank 3 and `kernel`, and bias. */
static gv_status find_conv(const gv_params *params, const char *name, size_t kernel,
                           const gv_weight *found[2])
{
    static const char *const parts[2] = {"weight", "bias"};
    for (size_t i = 0; i < 2; i++) {
        char full[2 * GV_NN_NAME_MAX];
        (void)snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        found[i] = gv_params_find(params, full);
        const bool fits = found[i] != NULL && found[i]->shape.rank == (i == 0 ? 3 : 1);
        if (!fits || (i == 0 && found[i]->shape.dim[2] != kernel)) {
            return GV_FAIL(GV_ENOTFOUND, "the network has no '%s' of a convolution of kernel %zu",
                           full, kernel);
        }
    }
    return GV_OK;
}

static void copy_bias(const gv_params *params, const gv_weight *bias, gv_panels *out)
{
    assert(bias != NULL);
    memcpy(out->bias, gv_params_read_f32(params) + bias->offset, bias->count * sizeof(float));
}

gv_status gv_conv_panels(const gv_params *params, const char *name, size_t kernel, gv_panels *out)
{
    const gv_weight *found[2] = {NULL};
    GV_TRY(find_conv(params, name, kernel, found));
    const size_t channels = found[0]->shape.dim[1];
    GV_TRY(gv_panels_init(out, kernel * channels, found[0]->shape.dim[0]));
    for (size_t k = 0; k < kernel; k++) {
        const gv_panel_part tap = {.w = gv_params_read_f32(params) + found[0]->offset + k,
                                   .w_output = channels * kernel,
                                   .w_input = kernel,
                                   .first = k * channels,
                                   .count = channels};
        gv_panels_pack(out, &tap);
    }
    copy_bias(params, found[1], out);
    return GV_OK;
}

/*
 * Place t is the sum over t = 2 j + k - 1 of x[j] w[k]: 2 m is made of x[m - 1] w[3] + x[m] w[1],
 * and 2 m + 1 of x[m] w[2] + x[m + 1] w[0].
 */
gv_status gv_conv_panels_twice(const gv_params *params, const char *name, gv_panels out[2])
{
    enum { KERNEL = 4 };
    static const size_t taps[2][2] = {{3, 1}, {2, 0}};
    const gv_weight *found[2] = {NULL};
    GV_TRY(find_conv(params, name, KERNEL, found));
    const size_t inputs = found[0]->shape.dim[0];
    const size_t outputs = found[0]->shape.dim[1];
    for (size_t odd = 0; odd < 2; odd++) {
        GV_TRY(gv_panels_init(&out[odd], 2 * inputs, outputs));
        for (size_t i = 0; i < 2; i++) {
            const gv_panel_part tap = {.w = gv_params_read_f32(params) + found[0]->offset +
                                            taps[odd][i],
                                       .w_output = KERNEL,
                                       .w_input = outputs * KERNEL,
                                       .first = i * inputs,
                                       .count = inputs};
            gv_panels_pack(&out[odd], &tap);
        }
        copy_bias(params, found[1], &out[odd]);
    }
    return GV_OK;
}

void gv_conv_apply(const gv_panels *conv, const gv_windows *windows, const gv_sequences *x,
                   const gv_sequences *out)
{
    assert(windows->padding <= x->margin);
    assert(conv->inputs == windows->kernel * x->channels);
    assert(conv->outputs == out->channels);
    assert((out->length - 1) * windows->stride + windows->kernel <=
           windows->padding + x->length + x->margin);
    const gv_panel_rows rows = {.x = gv_sequences_at(x, 0) - windows->padding * x->channels,
                                .x_step = windows->stride * x->channels,
                                .x_run = gv_sequences_pitch(x),
                                .y = gv_sequences_at(out, 0),
                                .y_step = out->channels,
                                .y_run = gv_sequences_pitch(out),
                                .rows = x->count * out->length,
                                .run = out->length};
    gv_panels_apply(conv, &rows);
}

void gv_conv_apply_twice(const gv_panels conv[2], const gv_sequences *x, const gv_sequences *out)
{
    assert(x->margin >= 1);
    assert(conv->inputs == 2 * x->channels);
    assert(conv->outputs == out->channels);
    assert(out->length == 2 * x->length);
    for (size_t odd = 0; odd < 2; odd++) {
        const gv_panel_rows rows = {.x = gv_sequences_at(x, 0) - (1 - odd) * x->channels,
                                    .x_step = x->channels,
                                    .x_run = gv_sequences_pitch(x),
                                    .y = gv_sequences_at(out, 0) + odd * out->channels,
                                    .y_step = 2 * out->channels,
                                    .y_run = gv_sequences_pitch(out),
                                    .rows = x->count * x->length,
                                    .run = x->length};
        gv_panels_apply(&conv[odd], &rows);
    }
}

/* ---- what stands between them ---------------------------------------------------------------- */

/* sums [channels] := of each channel over the ticks, of x or of (x - mean)^2. */
REAL_INLINE void sum_ticks(const float *x, size_t length, size_t channels, float *sums)
{
    memset(sums, 0, channels * sizeof *sums);
    for (size_t t = 0; t < length; t++) {
        for (size_t c = 0; c < channels; c++) {
            sums[c] += x[t * channels + c];
        }
    }
}

REAL_INLINE void sum_squares(const float *x, const float *mean, size_t length, size_t channels,
                             float *sums)
{
    memset(sums, 0, channels * sizeof *sums);
    for (size_t t = 0; t < length; t++) {
        for (size_t c = 0; c < channels; c++) {
            const float d = x[t * channels + c] - mean[c];
            sums[c] += d * d;
        }
    }
}

/* Each channel's number becomes its group's mean of them. */
REAL_INLINE void share_in_groups(size_t channels, size_t groups, size_t length, float *numbers)
{
    const size_t size = channels / groups;
    for (size_t first = 0; first < channels; first += size) {
        const float mean = sum_of(numbers + first, size) / (float)(size * length);
        for (size_t c = first; c < first + size; c++) {
            numbers[c] = mean;
        }
    }
}

GV_VECTOR static void norm_one(const gv_group_norm *norm, size_t length, size_t channels, float *x)
{
    float *mean = norm->sums;
    float *factor = mean + channels;
    sum_ticks(x, length, channels, mean);
    share_in_groups(channels, norm->groups, length, mean);
    sum_squares(x, mean, length, channels, factor);
    share_in_groups(channels, norm->groups, length, factor);
    for (size_t c = 0; c < channels; c++) {
        factor[c] = 1.0F / sqrtf(factor[c] + NORM_EPSILON) * norm->gain[c];
    }
    for (size_t t = 0; t < length; t++) {
        for (size_t c = 0; c < channels; c++) {
            const size_t at = t * channels + c;
            x[at] = (x[at] - mean[c]) * factor[c] + norm->shift[c];
        }
    }
}

void gv_sequences_norm(const gv_group_norm *norm, const gv_sequences *s)
{
    for (size_t i = 0; i < s->count; i++) {
        norm_one(norm, s->length, s->channels, gv_sequences_at(s, i));
    }
}

GV_VECTOR static void add_row(const float *row, size_t length, size_t channels, float *x)
{
    for (size_t t = 0; t < length; t++) {
        for (size_t c = 0; c < channels; c++) {
            x[t * channels + c] += row[c];
        }
    }
}

void gv_sequences_add_rows(const float *rows, const gv_sequences *s)
{
    for (size_t i = 0; i < s->count; i++) {
        add_row(rows + i * s->channels, s->length, s->channels, gv_sequences_at(s, i));
    }
}

void gv_sequences_add(const gv_sequences *other, const gv_sequences *s)
{
    for (size_t i = 0; i < s->count; i++) {
        add_row(gv_sequences_at(other, i), 1, s->length * s->channels, gv_sequences_at(s, i));
    }
}

void gv_sequences_place(const gv_sequences *x, size_t first, const gv_sequences *out)
{
    assert(x->length == out->length);
    assert(first + x->channels <= out->channels);
    for (size_t i = 0; i < x->count; i++) {
        const float *from = gv_sequences_at(x, i);
        float *to = gv_sequences_at(out, i) + first;
        for (size_t t = 0; t < x->length; t++) {
            memcpy(to + t * out->channels, from + t * x->channels, x->channels * sizeof *to);
        }
    }
}
