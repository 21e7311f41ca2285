/*
 * Multi-head attention, one head of one sequence after another: scores S = scale Q K^T,
 * weights P = softmax(S) over the keys that a query may see, result P V. With g = dP:
 *   dS = P (g - sum(P g)),  dQ = scale dS K,  dK = scale dS^T Q,  dV = P^T dO,
 * where dropout multiplies P by its mask on the way to the result, and g on the way back.
 * The weights before dropout are saved; of a causal block those beyond its last row are neither
 * written nor read.
 *
 * Queries are taken in blocks of rows: under the causal rule a block needs only the keys up to
 * its last row, so a third of the products is left out.
 */
#include <math.h>

#include "models/nn/dropout_impl.h"
#include "models/nn/row_impl.h"

enum { BLOCK_ROWS = 32 };

typedef struct attention_sizes {
    size_t batch, length, width, heads, head_width;
    size_t row;    /* numbers from a token's queries to the next token's: 3 width */
    size_t stride; /* numbers of one row of weights: length, up to a multiple of 4 */
    real scale;
} attention_sizes;

static attention_sizes attention_of(const gv_op_call *call)
{
    const gv_shape *out = call->out_shape;
    const size_t head_width = out->dim[2] / call->attrs->groups;
    return (attention_sizes){.batch = out->dim[0],
                             .length = out->dim[1],
                             .width = out->dim[2],
                             .heads = call->attrs->groups,
                             .head_width = head_width,
                             .row = 3 * out->dim[2],
                             .stride = (out->dim[1] + 3) / 4 * 4,
                             .scale = (real)(1.0 / sqrt((double)head_width))};
}

/* Where one head of one sequence has its numbers. */
typedef struct attention_head {
    const real *query, *key, *value; /* rows of `row` */
    const real *valid;               /* [length] or NULL */
    real *weights;                   /* [length][stride] */
    size_t output;                   /* of its first number in [B, T, D] */
    size_t input;                    /* of its first query in [B, T, 3 D] */
    size_t first_weight;             /* its place among all weights, for the mask */
} attention_head;

static attention_head head_of(const gv_op_call *call, const attention_sizes *s, size_t index)
{
    const size_t b = index / s->heads;
    const size_t h = index % s->heads;
    const size_t input = b * s->length * s->row + h * s->head_width;
    const real *qkv = call->in[0];
    const real *valid = call->in[1];
    const size_t first_weight = index * s->length * s->stride;
    return (attention_head){.query = qkv + input,
                            .key = qkv + input + s->width,
                            .value = qkv + input + 2 * s->width,
                            .valid = valid == NULL ? NULL : valid + b * s->length,
                            .weights = (real *)call->saved + first_weight,
                            .output = b * s->length * s->width + h * s->head_width,
                            .input = input,
                            .first_weight = first_weight};
}

/* The keys that any of the block's queries may see are 0 .. end - 1. */
static size_t key_end(const gv_op_call *call, const attention_sizes *s, size_t first, size_t rows)
{
    return call->attrs->is_flagged ? first + rows : s->length;
}

GV_VECTOR static void weigh_block(const attention_head *head, const attention_sizes *s,
                                  size_t first, size_t rows, size_t end, bool is_causal)
{
    for (size_t row = first; row < first + rows; row++) {
        weigh_row(head->weights + row * s->stride, head->valid, is_causal ? row + 1 : end, end,
                  s->scale);
    }
}

GV_VECTOR static void attention_multiply(const real *x, const real *mask, size_t n, real *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = x[i] * mask[i];
    }
}

/* The block's weights as they meet the values: themselves, or through dropout into `work`. */
static const real *dropped(const gv_op_call *call, const attention_sizes *s,
                           const attention_head *head, size_t first, size_t rows, real *mask)
{
    const real *weights = head->weights + first * s->stride;
    if (!drops(call)) {
        return weights;
    }
    const size_t count = rows * s->stride;
    GV_REAL(gv_dropout_mask)(call, head->first_weight + first * s->stride, count, mask);
    attention_multiply(weights, mask, count, mask + BLOCK_ROWS * s->stride);
    return mask + BLOCK_ROWS * s->stride;
}

static void attend_block(const gv_op_call *call, const attention_sizes *s,
                         const attention_head *head, size_t first, size_t rows)
{
    const size_t end = key_end(call, s, first, rows);
    const gv_gemm scores = {.m = rows,
                            .n = end,
                            .k = s->head_width,
                            .lda = s->row,
                            .ldb = s->row,
                            .ldc = s->stride,
                            .is_b_transposed = true,
                            .alpha = 1.0};
    GV_REAL(gv_gemm)
    (&scores, head->query + first * s->row, head->key, head->weights + first * s->stride);
    weigh_block(head, s, first, rows, end, call->attrs->is_flagged);
    const real *weights = dropped(call, s, head, first, rows, call->work);
    const gv_gemm mix = {.m = rows,
                         .n = s->head_width,
                         .k = end,
                         .lda = s->stride,
                         .ldb = s->row,
                         .ldc = s->width,
                         .alpha = 1.0};
    GV_REAL(gv_gemm)
    (&mix, weights, head->value, (real *)call->out + head->output + first * s->width);
}

static size_t rows_from(const attention_sizes *s, size_t first)
{
    return s->length - first < BLOCK_ROWS ? s->length - first : BLOCK_ROWS;
}

static void attention_forward(const gv_op_call *call)
{
    const attention_sizes s = attention_of(call);
    for (size_t i = 0; i < s.batch * s.heads; i++) {
        const attention_head head = head_of(call, &s, i);
        for (size_t first = 0; first < s.length; first += BLOCK_ROWS) {
            attend_block(call, &s, &head, first, rows_from(&s, first));
        }
    }
}

/* g [rows][stride] becomes dS. */
GV_VECTOR static void score_gradients(const real *weights, const real *mask, size_t rows,
                                      size_t stride, size_t end, real *g)
{
    assert(g != NULL);
    for (size_t row = 0; row < rows; row++) {
        const real *p = weights + row * stride;
        real *d = g + row * stride;
        for (size_t i = 0; mask != NULL && i < end; i++) {
            d[i] *= mask[row * stride + i];
        }
        const real shared = dot_of(p, d, end);
        for (size_t i = 0; i < end; i++) {
            d[i] = p[i] * (d[i] - shared);
        }
    }
}

/* Gradients of one block: its queries are written, keys and values are added to. */
static void attend_block_back(const gv_op_call *call, const attention_sizes *s,
                              const attention_head *head, size_t first, size_t rows)
{
    const size_t end = key_end(call, s, first, rows);
    const real *dy = (const real *)call->grad_out + head->output + first * s->width;
    real *dq = (real *)call->grad_in[0] + head->input;
    real *mask = call->work;
    real *g = mask + (size_t)2 * BLOCK_ROWS * s->stride;
    const real *weights = dropped(call, s, head, first, rows, mask);
    const gv_gemm to_values = {.m = end,
                               .n = s->head_width,
                               .k = rows,
                               .lda = s->stride,
                               .ldb = s->width,
                               .ldc = s->row,
                               .is_a_transposed = true,
                               .alpha = 1.0,
                               .adds = true};
    GV_REAL(gv_gemm)(&to_values, weights, dy, dq + 2 * s->width);
    const gv_gemm to_weights = {.m = rows,
                                .n = end,
                                .k = s->head_width,
                                .lda = s->width,
                                .ldb = s->row,
                                .ldc = s->stride,
                                .is_b_transposed = true,
                                .alpha = 1.0};
    GV_REAL(gv_gemm)(&to_weights, dy, head->value, g);
    score_gradients(head->weights + first * s->stride, drops(call) ? mask : NULL, rows, s->stride,
                    end, g);
    const gv_gemm to_queries = {.m = rows,
                                .n = s->head_width,
                                .k = end,
                                .lda = s->stride,
                                .ldb = s->row,
                                .ldc = s->row,
                                .alpha = (double)s->scale,
                                .adds = true};
    GV_REAL(gv_gemm)(&to_queries, g, head->key, dq + first * s->row);
    const gv_gemm to_keys = {.m = end,
                             .n = s->head_width,
                             .k = rows,
                             .lda = s->stride,
                             .ldb = s->row,
                             .ldc = s->row,
                             .is_a_transposed = true,
                             .alpha = (double)s->scale,
                             .adds = true};
    GV_REAL(gv_gemm)(&to_keys, g, head->query + first * s->row, dq + s->width);
}

static void attention_backward(const gv_op_call *call)
{
    const attention_sizes s = attention_of(call);
    if (!call->add_grad[0]) {
        memset(call->grad_in[0], 0, s.batch * s.length * s.row * sizeof(real));
    }
    for (size_t i = 0; i < s.batch * s.heads; i++) {
        const attention_head head = head_of(call, &s, i);
        for (size_t first = 0; first < s.length; first += BLOCK_ROWS) {
            attend_block_back(call, &s, &head, first, rows_from(&s, first));
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_attention) = {attention_forward, attention_backward};
