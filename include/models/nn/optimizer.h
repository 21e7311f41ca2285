/*
 * optimizer.h - steps down a gradient: constant type tables of optimisers and of schedules.
 *
 * A step measures the gradient's norm over the trained tensors, scales the gradient down to
 * clip_norm when it is longer, and updates the parameters with the schedule's rate:
 *   SGD    p -= rate g                                  (velocity: u = momentum u + g, p -= rate u)
 *   Adam   m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 *          p -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
 *          (Kingma and Ba, arXiv 1412.6980; weight decay is added to g, as torch.optim.Adam)
 *   AdamW  the same after p *= 1 - rate weight_decay    (Loshchilov and Hutter, 1711.05101)
 *
 * All is element by element, so the bits depend on nothing else. A gradient that is not finite
 * stops with the step and the tensor in the sentence, before a parameter is touched.
 */
#ifndef MODELS_NN_OPTIMIZER_H
#define MODELS_NN_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "models/nn/params.h"
#include "sim/base/status.h"

/* How the rate goes, as a share of the configured rate. */
typedef struct gv_schedule_type {
    const char *name;
    const char *summary;
    /* step counts from 0; warm_up and total are steps, total >= 1. */
    double (*share)(uint64_t step, uint64_t warm_up, uint64_t total);
} gv_schedule_type;

extern const gv_schedule_type gv_schedule_constant; /* 1 after the warm-up */
extern const gv_schedule_type gv_schedule_cosine;   /* from 1 down half a cosine to 0 at total */
extern const gv_schedule_type gv_schedule_linear;   /* from 1 straight down to 0 at total */
extern const gv_schedule_type *const gv_schedule_types[]; /* every type, then NULL */

typedef struct gv_optimizer_config gv_optimizer_config;

/* What one step's update of one run of numbers needs. */
typedef struct gv_optimizer_call {
    const gv_optimizer_config *config;
    double rate;   /* of this step */
    double scale;  /* the gradient is to be multiplied by it */
    uint64_t step; /* from 1 */
} gv_optimizer_call;

typedef struct gv_optimizer_type {
    const char *name;
    const char *summary;
    size_t moments; /* blocks of state */
    /* p, g, moments[k]: [count]. */
    void (*update)(const gv_optimizer_call *call, const float *g, size_t count,
                   float *const *moments, float *p);
} gv_optimizer_type;

extern const gv_optimizer_type gv_optimizer_sgd;
extern const gv_optimizer_type gv_optimizer_adam;
extern const gv_optimizer_type gv_optimizer_adamw;
extern const gv_optimizer_type *const gv_optimizer_types[]; /* every type, then NULL */

enum { GV_OPTIMIZER_MOMENTS_MAX = 2 };

struct gv_optimizer_config {
    const gv_optimizer_type *type;
    const gv_schedule_type *schedule; /* NULL: constant */
    uint64_t warm_up;                 /* steps: the rate rises as (step + 1) / warm_up */
    uint64_t total;                   /* steps that the schedule spans; 0: 1 */
    double rate;
    double momentum;     /* SGD */
    double beta1, beta2; /* Adam, AdamW; 0 and 0 stand for 0.9 and 0.999 */
    double epsilon;      /* 0 stands for 1e-8 */
    double weight_decay;
    double clip_norm;    /* 0: none */
    const char *trained; /* only tensors whose name begins with it; NULL: all */
};

typedef struct gv_optimizer gv_optimizer;

/* The set is drawn (asserted), of single precision, and borrowed. */
GV_MUST_CHECK gv_status gv_optimizer_create(const gv_optimizer_config *config, gv_params *params,
                                            gv_optimizer **out);
void gv_optimizer_destroy(gv_optimizer *optimizer); /* accepts NULL */

/*
 * gradients: a block of the set's layout. *norm, unless NULL, is the gradient's before clipping.
 * Allocates nothing. GV_EINVAL: not finite; nothing has changed.
 */
GV_MUST_CHECK gv_status gv_optimizer_step(gv_optimizer *optimizer, const float *gradients,
                                          double *norm);

/* Steps taken, and the rate of the next: what a checkpoint keeps, with the moments. */
uint64_t gv_optimizer_steps(const gv_optimizer *optimizer);
double gv_optimizer_rate(const gv_optimizer *optimizer);
void gv_optimizer_resume(gv_optimizer *optimizer, uint64_t steps);

/* Moment `index` below type->moments: [gv_params_size(params)], zero at the start. */
float *gv_optimizer_moment(gv_optimizer *optimizer, size_t index);
const gv_optimizer_config *gv_optimizer_configured(const gv_optimizer *optimizer);

#endif
