/*
 * Attention of a few queries over many keys, one head of one row of the batch after another:
 * scores S = scale Q K^T, weights P_n = w_n exp(S_n) / sum over n of that, result P V; and back as
 * in op_attention.c, where the slope by a share w_n is dS_n / w_n. Heads are narrow and queries
 * few: too small for a library's product.
 * Scores run over keys, which are turned once for all queries of a head; results and slopes of
 * keys run over a head's columns, whose number is a constant where it is one of the usual.
 */
#include <math.h>

#include "models/nn/curve_impl.h"

typedef struct cross_sizes {
    size_t batch, queries, keys, width, heads;
    real scale;
} cross_sizes;

static cross_sizes cross_of(const gv_op_call *call)
{
    const gv_shape *out = call->out_shape;
    const size_t heads = call->attrs->groups;
    const size_t columns = out->dim[2] / heads;
    return (cross_sizes){.batch = out->dim[0],
                         .queries = out->dim[1],
                         .keys = call->shape[1]->dim[1],
                         .width = out->dim[2],
                         .heads = heads,
                         .scale = (real)(1.0 / sqrt((double)columns))};
}

/* One head of one row: where its numbers lie, rows of queries and results `width` apart. */
typedef struct cross_head {
    const real *query;
    const real *key;    /* rows of 2 width; the values are `width` behind */
    const real *shares; /* [keys]; NULL: all 1 */
    real *weights;      /* [queries][keys] */
    real *turned;       /* [head width][keys] */
    real *slopes;       /* [keys] */
    real *out;
    const real *dy;
    real *dquery; /* NULL: not wanted */
    real *dkey;   /* rows of 2 width; NULL: not wanted */
    real *dshare; /* [keys]; NULL: not wanted */
} cross_head;

/* turned[j][n] = rows[n][j] */
REAL_INLINE void turn_rows(const real *rows, size_t count, size_t step, size_t columns, real *out)
{
    for (size_t n = 0; n < count; n++) {
        for (size_t j = 0; j < columns; j++) {
            out[j * count + n] = rows[n * step + j];
        }
    }
}

/* out[n] = sum over j of x[j] turned[j][n], j ascending. */
REAL_INLINE void times_turned(const real *x, const real *turned, size_t count, size_t columns,
                              real *out)
{
    for (size_t n = 0; n < count; n++) {
        real sum = 0;
        for (size_t j = 0; j < columns; j++) {
            sum += x[j] * turned[j * count + n];
        }
        out[n] = sum;
    }
}

/* sums[j] = the sum over n of p[n] rows[n][j], n ascending. */
REAL_INLINE void mix_rows(const real *p, const real *rows, size_t count, size_t step,
                          size_t columns, real *sums)
{
    for (size_t j = 0; j < columns; j++) {
        sums[j] = 0;
    }
    for (size_t n = 0; n < count; n++) {
        for (size_t j = 0; j < columns; j++) {
            sums[j] += p[n] * rows[n * step + j];
        }
    }
}

/* rows[n][j] += p[n] x[j] */
REAL_INLINE void spread_rows(const real *p, const real *x, size_t count, size_t step,
                             size_t columns, real *rows)
{
    for (size_t n = 0; n < count; n++) {
        for (size_t j = 0; j < columns; j++) {
            rows[n * step + j] += p[n] * x[j];
        }
    }
}

/* One query's scores into weights; without keys that have a share, zeros. */
REAL_INLINE void weigh_keys(real *scores, const real *shares, size_t count, real scale)
{
    const real low = (real)-1e30;
    for (size_t n = 0; shares != NULL && n < count; n++) {
        scores[n] = shares[n] > 0 ? scores[n] : low;
    }
    const real top = max_of(scores, count);
    for (size_t n = 0; n < count; n++) {
        scores[n] = real_exp(scale * (scores[n] - top));
    }
    for (size_t n = 0; shares != NULL && n < count; n++) {
        scores[n] *= shares[n];
    }
    const real total = sum_of(scores, count);
    const real factor = total > 0 ? 1 / total : 0;
    for (size_t n = 0; n < count; n++) {
        scores[n] *= factor;
    }
}

REAL_INLINE void cross_attend(const cross_sizes *s, const cross_head *head, size_t columns)
{
    turn_rows(head->key, s->keys, 2 * s->width, columns, head->turned);
    for (size_t m = 0; m < s->queries; m++) {
        real *weights = head->weights + m * s->keys;
        times_turned(head->query + m * s->width, head->turned, s->keys, columns, weights);
        weigh_keys(weights, head->shares, s->keys, s->scale);
        mix_rows(weights, head->key + s->width, s->keys, 2 * s->width, columns,
                 head->out + m * s->width);
    }
}

/* slopes: dP becomes scale dS. */
REAL_INLINE void score_slopes(const real *weights, size_t count, real scale, real *slopes)
{
    const real shared = dot_of(weights, slopes, count);
    for (size_t n = 0; n < count; n++) {
        slopes[n] = scale * weights[n] * (slopes[n] - shared);
    }
}

REAL_INLINE void cross_attend_back(const cross_sizes *s, const cross_head *head, size_t columns)
{
    const size_t step = 2 * s->width;
    assert(head->dy != NULL);
    turn_rows(head->key + s->width, s->keys, step, columns, head->turned);
    for (size_t m = 0; m < s->queries; m++) {
        const real *weights = head->weights + m * s->keys;
        const real *dy = head->dy + m * s->width;
        times_turned(dy, head->turned, s->keys, columns, head->slopes);
        score_slopes(weights, s->keys, s->scale, head->slopes);
        for (size_t n = 0; head->dshare != NULL && n < s->keys; n++) {
            const real share = head->shares[n];
            head->dshare[n] += share > 0 ? head->slopes[n] / (s->scale * share) : 0;
        }
        if (head->dkey != NULL) {
            spread_rows(weights, dy, s->keys, step, columns, head->dkey + s->width);
            spread_rows(head->slopes, head->query + m * s->width, s->keys, step, columns,
                        head->dkey);
        }
        for (size_t n = 0; head->dquery != NULL && n < s->keys; n++) {
            for (size_t j = 0; j < columns; j++) {
                head->dquery[m * s->width + j] += head->slopes[n] * head->key[n * step + j];
            }
        }
    }
}

#define BY_COLUMNS(function, s, head, columns) \
    switch (columns) {                         \
    case 4:                                    \
        function(s, head, 4);                  \
        return;                                \
    case 8:                                    \
        function(s, head, 8);                  \
        return;                                \
    case 16:                                   \
        function(s, head, 16);                 \
        return;                                \
    default:                                   \
        function(s, head, columns);            \
        return;                                \
    }

GV_VECTOR static void cross_head_forward(const cross_sizes *s, const cross_head *head,
                                         size_t columns){BY_COLUMNS(cross_attend, s, head, columns)}

GV_VECTOR
    static void cross_head_backward(const cross_sizes *s, const cross_head *head, size_t columns)
{
    BY_COLUMNS(cross_attend_back, s, head, columns)
}

static cross_head cross_head_of(const gv_op_call *call, const cross_sizes *s, size_t index)
{
    const size_t b = index / s->heads;
    const size_t columns = s->width / s->heads;
    const size_t column = index % s->heads * columns;
    const size_t first = b * s->queries * s->width + column;
    const size_t key = b * s->keys * 2 * s->width + column;
    const bool has_own = call->shape[2] != NULL && call->shape[2]->rank == 3;
    const size_t share = (has_own ? index : b) * s->keys;
    const real *shares = call->in[2];
    real *dquery = call->grad_in[0];
    real *dkey = call->grad_in[1];
    real *dshare = call->grad_in[2];
    const real *dy = call->grad_out;
    return (cross_head){.query = (const real *)call->in[0] + first,
                        .key = (const real *)call->in[1] + key,
                        .shares = shares == NULL ? NULL : shares + share,
                        .weights = (real *)call->saved + index * s->queries * s->keys,
                        .turned = call->work,
                        .slopes = (real *)call->work + columns * s->keys,
                        .out = (real *)call->out + first,
                        .dy = dy == NULL ? NULL : dy + first,
                        .dquery = dquery == NULL ? NULL : dquery + first,
                        .dkey = dkey == NULL ? NULL : dkey + key,
                        .dshare = dshare == NULL ? NULL : dshare + share};
}

static void cross_attention_forward(const gv_op_call *call)
{
    const cross_sizes s = cross_of(call);
    for (size_t i = 0; i < s.batch * s.heads; i++) {
        const cross_head head = cross_head_of(call, &s, i);
        cross_head_forward(&s, &head, s.width / s.heads);
    }
}

static void cross_attention_backward(const gv_op_call *call)
{
    const cross_sizes s = cross_of(call);
    for (size_t k = 0; k < 3; k++) {
        if (call->grad_in[k] != NULL && !call->add_grad[k]) {
            memset(call->grad_in[k], 0, gv_shape_count(call->shape[k]) * sizeof(real));
        }
    }
    for (size_t i = 0; i < s.batch * s.heads; i++) {
        const cross_head head = cross_head_of(call, &s, i);
        cross_head_backward(&s, &head, s.width / s.heads);
    }
}

const gv_op_kernel GV_REAL(gv_op_cross_attention) = {cross_attention_forward,
                                                     cross_attention_backward};
