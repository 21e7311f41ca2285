/*
 * Attention of a few queries over many keys, one head of one row of the batch after another:
 * scores S = scale Q K^T, weights P_n = w_n exp(S_n) / sum over n of that, result P V; and back as
 * in op_attention.c, where the slope by a share w_n is dS_n / w_n. Heads are narrow and queries
 * few: too small for a library's product.
 * Scores run over keys, which are turned once for all queries of a head; results and slopes of
 * keys run over a head's columns, whose number is a constant where it is one of the usual.
 */
#include <math.h>

#include "models/nn/cross_impl.h"

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
    const real *key;   /* rows of 2 width; the values are `width` behind */
    const real *given; /* [keys] shares; NULL: all 1 */
    real *weights;     /* [queries][keys] */
    real *turned;      /* [head width][pitch] */
    real *slopes;      /* [MIXED][pitch]: scores of queries; of one, slopes */
    real *shares;      /* [pitch] */
    real *out;
    const real *dy;
    real *dquery; /* NULL: not wanted */
    real *dkey;   /* rows of 2 width; NULL: not wanted */
    real *dshare; /* [keys]; NULL: not wanted */
} cross_head;

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

/* Scores, in rows of whole LANES, become weights; a query that sees no key has zeros. */
REAL_INLINE void weigh_keys(const cross_sizes *s, const cross_head *head, real *scores)
{
    const size_t pitch = cross_pitch(s->keys);
    hide_keys(head->shares, pitch, scores);
    const real shift = max_of(scores, pitch);
    const real total = raise_scores(scores, head->shares, pitch, s->scale, shift);
    const real factor = total == 0 ? 0 : 1 / total;
    for (size_t n = 0; n < pitch; n++) {
        scores[n] *= factor;
    }
}

REAL_INLINE void cross_attend(const cross_sizes *s, const cross_head *head, size_t columns)
{
    const size_t pitch = cross_pitch(s->keys);
    take_shares(head->given, s->keys, head->shares);
    hide_rest(s->keys, head->shares);
    clear_turned(pitch, columns, head->turned);
    turn_rows(head->key, s->keys, 2 * s->width, pitch, columns, head->turned);
    for (size_t first = 0; first < s->queries; first += MIXED) {
        const size_t left = s->queries - first;
        const size_t count = left < MIXED ? left : MIXED;
        for (size_t m = 0; m < count; m++) {
            real *scores = head->slopes + m * pitch;
            times_turned(head->query + (first + m) * s->width, head->turned, pitch, columns,
                         scores);
            weigh_keys(s, head, scores);
            memcpy(head->weights + (first + m) * s->keys, scores, s->keys * sizeof *scores);
        }
        const cross_mix mix = {.p = head->slopes,
                               .pitch = pitch,
                               .values = head->key + s->width,
                               .step = 2 * s->width,
                               .keys = s->keys,
                               .sums = head->out + first * s->width,
                               .width = s->width};
        mix_rows(&mix, count, columns);
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
    const size_t pitch = cross_pitch(s->keys);
    assert(head->dy != NULL);
    clear_turned(pitch, columns, head->turned);
    turn_rows(head->key + s->width, s->keys, step, pitch, columns, head->turned);
    for (size_t m = 0; m < s->queries; m++) {
        const real *weights = head->weights + m * s->keys;
        const real *dy = head->dy + m * s->width;
        times_turned(dy, head->turned, pitch, columns, head->slopes);
        score_slopes(weights, s->keys, s->scale, head->slopes);
        for (size_t n = 0; head->dshare != NULL && n < s->keys; n++) {
            const real share = head->given[n];
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
    const size_t pitch = cross_pitch(s->keys);
    const bool has_own = call->shape[2] != NULL && call->shape[2]->rank == 3;
    const size_t share = (has_own ? index : b) * s->keys;
    const real *given = call->in[2];
    real *dquery = call->grad_in[0];
    real *dkey = call->grad_in[1];
    real *dshare = call->grad_in[2];
    const real *dy = call->grad_out;
    return (cross_head){.query = (const real *)call->in[0] + first,
                        .key = (const real *)call->in[1] + key,
                        .given = given == NULL ? NULL : given + share,
                        .weights = (real *)call->saved + index * s->queries * s->keys,
                        .turned = call->work,
                        .slopes = (real *)call->work + columns * pitch,
                        .shares = (real *)call->work + (columns + MIXED) * pitch,
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
