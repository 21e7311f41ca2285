/*
 * ocarm.h - retention predicted at the bid by a student that was taught by what comes after it.
 *
 * Onboarding Content Augmented Retention Modeling (arXiv 2604.25839). Onboarding content tells much
 * of retention, but exists only after the bid. So a teacher is trained on it, frozen, and a student
 * that sees bid-time features alone is aligned with it while it learns the labels:
 *
 *   L = BCE(y, p_S) + a1 (1 - cos(A r_S, r_T)) + a2 T^2 KL(p_T(T) || p_S(T))
 *       + a3 InfoNCE(A r_S, r_T)
 *
 * r_T and p_T are numbers to the student's graph, no part of it, so no gradient can reach the
 * teacher. Rows without content have the first term alone. KL is without its constant, the entropy
 * of p_T(T); InfoNCE takes its negatives from the shard of the batch. The abstract names the stages
 * and encoders; sizes, terms and weights are a choice of ours.
 *
 *   sight     r_x = MLP(x || pool(h)), h = silu(linear(type || dwell || age)) of past events,
 *   student   r_S = r_x, p_S = sigmoid(v r_S),
 *   teacher   items:    h = MLP(type || dwell || like), pooled in each session: g_s,
 *             sessions: g_s + gap embedding, causal self-attention with residual, pooled: r_c,
 *             fusion:   r_T = LN(W1 r_c + W2 r_x + W3 (r_c * r_x)), p_T = sigmoid(v r_T),
 *   pool      sum_j a_j h_j, a = softmax(w tanh(W h_j)) over what there is; 0 of nothing.
 *
 * Networks are trained in epochs, in batches of a shuffled order, and that epoch is kept whose log
 * loss is least on users set aside. All is a pure function of (examples, config, seed), for any
 * number of threads. The teacher's gv_return_model reads_content, so no campaign can ask it.
 */
#ifndef MODELS_PREDICT_OCARM_H
#define MODELS_PREDICT_OCARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"
#include "sim/market/reentries.h"
#include "sim/market/winback.h"

typedef enum gv_ocarm_role { GV_OCARM_TEACHER, GV_OCARM_STUDENT, GV_OCARM_ROLES } gv_ocarm_role;

/* Both roles' parameters; a teacher has no terms of alignment. */
typedef struct gv_ocarm_config {
    int64_t epochs; /* at most */
    int64_t batch;  /* a multiple of GV_OCARM_SHARDS */
    double rate;
    double weight_decay;
    double dropout;
    double hold_out; /* share of the users set aside */
    int64_t width;   /* of r and r_T */
    double align;    /* a1 */
    double distil;   /* a2 */
    double temperature;
    double contrast; /* a3 */
} gv_ocarm_config;

enum { GV_OCARM_SHARDS = 4 };

/* Names "ocarm_teacher", "ocarm_student", and what can be set. */
extern const gv_type_info gv_ocarm_types[GV_OCARM_ROLES];

typedef struct gv_ocarm gv_ocarm;

/* What an epoch came to. */
typedef struct gv_ocarm_epoch {
    uint64_t epoch;   /* from 1 */
    double loss;      /* mean over the batches, with all terms */
    double held_loss; /* log loss on those set aside; NaN: none are */
    bool is_best;
} gv_ocarm_epoch;

typedef struct gv_ocarm_training {
    gv_ocarm_role role;
    const gv_ocarm_config *config;
    const gv_reentry_view *examples;
    gv_ocarm *teacher; /* of a student with an a above 0; else NULL */
    uint64_t seed;
    size_t jobs;                                              /* threads, at least 1 */
    void (*tell)(void *context, const gv_ocarm_epoch *epoch); /* NULL: nobody listens */
    void *context;
} gv_ocarm_training;

/*
 * GV_EINVAL: too few examples, labels of one class only, a config out of its range, a student to be
 * aligned without a teacher, a loss that is not finite.
 */
GV_MUST_CHECK gv_status gv_ocarm_train(const gv_ocarm_training *training, gv_ocarm **out);
void gv_ocarm_destroy(gv_ocarm *ocarm); /* accepts NULL */

gv_ocarm_role gv_ocarm_role_of(const gv_ocarm *ocarm);
const gv_ocarm_config *gv_ocarm_configured(const gv_ocarm *ocarm);

/* Weights as safetensors, role and config among its notes. */
GV_MUST_CHECK gv_status gv_ocarm_write(const gv_ocarm *ocarm, const char *path);
GV_MUST_CHECK gv_status gv_ocarm_open(const char *path, gv_ocarm **out);

/*
 * The probability of each row, content included where the role reads it: for judging, and for
 * teaching. p: [view->count]. Not for two threads at once, as the next.
 */
void gv_ocarm_predict(gv_ocarm *ocarm, const gv_reentry_view *view, double *p);

/* To be asked by a campaign; borrows `ocarm`. */
gv_return_model gv_ocarm_model(gv_ocarm *ocarm);

#endif
