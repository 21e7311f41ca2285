/*
 * dd_serve_impl.h - a diffuser of either kind that serves: what dd.c makes, and dd_plan.c plans
 * periods with.
 */
#ifndef POLICIES_LEARN_DD_SERVE_IMPL_H
#define POLICIES_LEARN_DD_SERVE_IMPL_H

#include <pthread.h>
#include <stdbool.h>

#include "models/nn/denoiser.h"
#include "models/nn/dense.h"
#include "models/nn/tape.h"
#include "policies/learn/egdb_impl.h"

/* A campaign's passes, each a guess under more. */
typedef enum gv_dd_pass { GV_DD_NOTHING, GV_DD_RETURN, GV_DD_EXPERT, GV_DD_PASSES } gv_dd_pass;

/* Campaigns imagined together. */
enum { GV_DD_TOGETHER = 64 };

/* Of whatever kind; both begin with the first. */
typedef union gv_dd_any_config {
    gv_dd_config dd;
    gv_egdb_config egdb;
} gv_dd_any_config;

/* Whose embedding is decoded: one campaign's, when its period begins. */
typedef struct gv_dd_embedder {
    gv_graph *graph; /* NULL: there are no embeddings */
    gv_egdb_inputs inputs;
    gv_node z;
    gv_tape *tape;
} gv_dd_embedder;

typedef struct gv_dd_network {
    gv_dd_any_config config;
    gv_dd_serving serving;
    gv_dd_sizes sizes;
    gv_scaling scaling;
    gv_diffusion diffusion;
    gv_jumps jumps;
    gv_params *params;
    gv_dd_pass passes[GV_DD_PASSES]; /* those that are made */
    float factors[GV_DD_PASSES];     /* of their guesses */
    size_t pass_count;
    gv_denoiser *denoiser;
    gv_dd_embedder embedder;
    gv_dense_mlp *inverse;
    float *x;          /* [GV_DD_TOGETHER][pass_count][horizon][width] */
    float *eps;        /* the same */
    float *conditions; /* [GV_DD_TOGETHER][pass_count][condition] */
    float *keep;       /* [GV_DD_TOGETHER][pass_count] */
    float *noise;      /* [horizon][width] */
    double *drawn;     /* the same */
    gv_dd_counts counts;
    pthread_mutex_t lock;
    bool has_lock;
} gv_dd_network;

struct gv_dd_seat {
    gv_dd_network *dd;
    gv_dd_owner owner;
    size_t length;  /* ticks seen */
    size_t planned; /* ticks that had been seen when the plan was made */
    double action;  /* the latest, scaled */
    float *states;  /* [ticks][width]; all behind the seat */
    float *plan;    /* [horizon][width] */
    float *z;       /* [latent] */
    float *outlook; /* [GV_OUTLOOK_SIZE], of the latest tick; nothing without that trait */
};

static inline size_t gv_dd_numbers(const gv_dd_network *dd)
{
    return dd->sizes.horizon * dd->sizes.width;
}

static inline gv_account gv_dd_account(const gv_dd_seat *seat)
{
    return (gv_account){.budget = seat->owner.budget, .cpa = seat->owner.cpa};
}

static inline bool gv_dd_is_last(const gv_dd_seat *seat)
{
    return seat->length == seat->dd->sizes.ticks;
}

/* Nothing follows the last tick; an only one is acted in all the same. */
static inline bool gv_dd_acts(const gv_dd_seat *seat)
{
    return !gv_dd_is_last(seat) || seat->length == 1;
}

/* Seats of one network, GV_DD_TOGETHER at most: those that are due get a new plan. */
void gv_dd_plan_all(gv_dd_network *dd, gv_dd_seat *const *seats, size_t count);

#endif
