/*
 * discriminator_impl.h - which transitions look like an expert's: learnt from positive and
 * unlabelled ones (nnPU, gv_op_nnpu()), the experts' and the log's.
 *
 * An MLP over the scaled state, log C - 4, log budget - 8, log(1 + a / C) and the share of the
 * period that is over; the sigmoid of its output is the expertness of a transition. EBaReT (arXiv
 * 2507.16186) states that there is such a discriminator; loss, input, sizes and the prior's
 * estimate are a CHOICE of ours.
 */
#ifndef POLICIES_LEARN_DISCRIMINATOR_IMPL_H
#define POLICIES_LEARN_DISCRIMINATOR_IMPL_H

#include "models/nn/params.h"
#include "policies/learn/lens_impl.h"
#include "policies/learn/objective_impl.h"
#include "policies/learn/pool_impl.h"

enum { GV_JUDGE_INPUTS = GV_STATE_SIZE + GV_LENS_ACCOUNT + 2 };

/* Tensors are below this. */
#define GV_JUDGE_PREFIX "judge."

/*
 * Share of the log's transitions that are an expert's in truth: those whose action is within a
 * tenth of the oracle's, clamped to [0.05, 0.5]; 0.2 where no oracle was asked.
 */
double gv_judge_prior(const gv_dataset *dataset);

/* ---- training -------------------------------------------------------------------------------- */

typedef struct gv_judge_course {
    const gv_dataset *dataset;
    const gv_scaling *scaling;
    gv_pool *const *pools; /* [GV_POOL_KINDS], both with an episode */
    uint64_t seed;
    size_t hidden; /* width of its two hidden layers */
    double prior;
    bool is_sigmoid; /* the sigmoid loss; otherwise the logistic */
    gv_node x;       /* [B, GV_JUDGE_INPUTS] */
    gv_node is_positive;
} gv_judge_course;

/* Its risk as an objective of a workshop: of every batch each second example is an expert's. */
gv_objective_config gv_judge_objective(gv_judge_course *course, size_t batch, double rate);

/* A transition of the dataset; x: [GV_JUDGE_INPUTS] */
void gv_judge_case_of(const gv_judge_course *course, gv_place place, float *x);

/* Adds its tensors to the set: for serving. */
GV_MUST_CHECK gv_status gv_judge_declare(struct gv_params *params, size_t hidden);

/* ---- judging --------------------------------------------------------------------------------- */

typedef struct gv_judge gv_judge;

/* Copied from a drawn set. */
GV_MUST_CHECK gv_status gv_judge_open(const gv_params *params, size_t hidden, gv_judge **out);
void gv_judge_close(gv_judge *judge); /* accepts NULL */

/* One transition: `state` scaled, [GV_STATE_SIZE]; what else is known; x: [GV_JUDGE_INPUTS] */
typedef struct gv_judge_case {
    const float *state;
    gv_account account;
    double action;
    double time; /* share of the period that is over */
} gv_judge_case;

void gv_judge_see(const gv_judge_case *seen, float *x);

/* Expertness of `count` transitions, x [count][GV_JUDGE_INPUTS], each for itself, in [0, 1]. */
void gv_judge_rate(gv_judge *judge, const float *x, size_t count, float *expertness);

#endif
