/*
 * params.h - the parameters of networks: named tensors in one block of memory.
 *
 * A graph (graph.h) asks for its parameters by name while it is built; a name asked for again is
 * the same tensor. So the graph that trains and the graph that serves share one block, an actor
 * and its critics may live in one set under names of their own ("actor.", "q1."), and a target
 * network is the same tensors under another prefix, or another set. gv_params_draw() then lays
 * out the block and draws every tensor from a Philox stream keyed by (seed, name): a tensor more
 * shifts nobody else's numbers.
 *
 * In the block each tensor begins at a multiple of 64 bytes; the gaps are zero and stay so. A
 * gradient and each moment of an optimiser are blocks of the same layout.
 */
#ifndef MODELS_NN_PARAMS_H
#define MODELS_NN_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

/* Networks run in single precision; the double form is there for checks. */
typedef enum gv_real_kind { GV_F32, GV_F64, GV_REAL_KINDS } gv_real_kind;

enum { GV_NN_RANK_MAX = 4, GV_NN_NAME_MAX = 128 };

/* Row-major; the last axis is contiguous. Every size is at least 1. */
typedef struct gv_shape {
    size_t rank; /* 1 .. GV_NN_RANK_MAX */
    size_t dim[GV_NN_RANK_MAX];
} gv_shape;

/* gv_shape_of(2, (size_t[]){rows, columns}) */
gv_shape gv_shape_of(size_t rank, const size_t *dims);
size_t gv_shape_count(const gv_shape *shape);

/* How a tensor starts. */
typedef enum gv_init_law {
    GV_INIT_CONSTANT, /* scale everywhere */
    GV_INIT_UNIFORM,  /* in (-scale, scale); torch.nn.Linear: scale = 1 / sqrt(inputs) */
    GV_INIT_NORMAL    /* mean 0, standard deviation scale; GPT-2: 0.02 */
} gv_init_law;

typedef struct gv_init {
    gv_init_law law;
    double scale;
} gv_init;

typedef struct gv_weight {
    char name[GV_NN_NAME_MAX];
    gv_shape shape;
    gv_init init;
    size_t offset; /* of its first number in the block */
    size_t count;
} gv_weight;

typedef struct gv_params gv_params;

GV_MUST_CHECK gv_status gv_params_create(gv_real_kind kind, gv_params **out);
void gv_params_destroy(gv_params *params); /* accepts NULL */
gv_real_kind gv_params_kind(const gv_params *params);

/*
 * *index is the tensor of that name, new or as it was added before (the same shape, asserted;
 * the first `init` counts). GV_EINVAL for a new name after gv_params_draw().
 */
GV_MUST_CHECK gv_status gv_params_add(gv_params *params, const char *name, const gv_shape *shape,
                                      gv_init init, size_t *index);

/* Allocates the block at the first call and draws every tensor anew. */
GV_MUST_CHECK gv_status gv_params_draw(gv_params *params, uint64_t seed);

size_t gv_params_count(const gv_params *params);
const gv_weight *gv_params_at(const gv_params *params, size_t index);
const gv_weight *gv_params_find(const gv_params *params, const char *name); /* NULL: none */

/* Numbers in the block, the gaps among them. Known once drawn. */
size_t gv_params_size(const gv_params *params);

/* The block of a set in single precision (asserted) and in double; NULL before it is drawn. */
float *gv_params_f32(gv_params *params);
double *gv_params_f64(gv_params *params);
const float *gv_params_read_f32(const gv_params *params);
const void *gv_params_block(const gv_params *params); /* of either kind */

/*
 * to := to + rate (from - to), tensor by tensor: for every tensor named `from_prefix`X of `from`
 * the tensor `to_prefix`X of `to`, which must be there in the same shape (asserted). Prefixes may
 * be "". Rate 1 copies exactly. This is the Polyak average of a target network and the moving
 * average of weights (EMA: rate = 1 - decay). Single precision.
 */
void gv_params_blend(gv_params *to, const char *to_prefix, const gv_params *from,
                     const char *from_prefix, float rate);

#endif
