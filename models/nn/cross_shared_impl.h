/*
 * cross_shared_impl.h - attention of a few queries over keys of which some are a user's, the same
 * for all candidates of a request, and some a candidate's own.
 *
 * The user's keys are turned once a request and read where they are. Where the queries are the
 * user's too, so is their softmax over these keys, as far as it goes: with the largest score s_u,
 * sum of exponentials z_u and mixed values v_u of theirs, and s, e_n of a candidate's own keys,
 *   t = max(s_u, s),  f = exp(s_u - t),
 *   out = (f v_u + sum_n w_n exp(s_n - t) v_n) / (f z_u + sum_n w_n exp(s_n - t)).
 * Sums begin with the user's keys: those of gv_op_cross_attention() to rounding. A candidate's
 * bits depend on it and its user alone.
 */
#ifndef MODELS_NN_CROSS_SHARED_IMPL_H
#define MODELS_NN_CROSS_SHARED_IMPL_H

#include <stdbool.h>
#include <stddef.h>

enum { CROSS_USER, CROSS_OWN, CROSS_PARTS };

/* Keys that lie together. */
typedef struct gv_cross_keys {
    const float *pairs; /* [requests or candidates][count][2 width] */
    size_t count;
    size_t first; /* in a head's shares */
} gv_cross_keys;

typedef struct gv_cross_shared {
    size_t queries, width, heads;
    const gv_cross_keys *keys[CROSS_PARTS]; /* [key_counts] each; of the user's at least one */
    size_t key_counts[CROSS_PARTS];
    const float *query; /* [requests or candidates][queries][width] */
    bool is_user_query; /* a request's */
    /* [requests][share_heads][share_keys], as gv_op_cross_attention()'s; NULL: all 1. */
    const float *shares;
    size_t share_heads; /* 1, or as many as there are */
    size_t share_keys;
    const size_t *ends; /* [requests] as gv_mari_run()'s */
    size_t requests;
    float *out;  /* [candidates][queries][width] */
    float *work; /* [gv_cross_shared_work()] */
} gv_cross_shared;

/* Numbers of scratch, from the sizes alone. */
size_t gv_cross_shared_work(const gv_cross_shared *task);

void gv_cross_shared_attend(const gv_cross_shared *task);

#endif
