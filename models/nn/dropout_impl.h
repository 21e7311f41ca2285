/*
 * dropout_impl.h - masks of dropout as numbers to multiply by, from Philox.
 *
 * Element i of dropper d in shard s takes 16 bits of draw (d, s, i / 4) of the stream keyed by
 * (seed, step): it is dropped when they are below rate x 2^16, and the rest is divided by the
 * share that is kept, so a rate is exact to 2^-17.
 */
#ifndef MODELS_NN_DROPOUT_IMPL_H
#define MODELS_NN_DROPOUT_IMPL_H

#include <stdint.h>

#include "models/nn/real_impl.h"

/* Bits of a draw's index. */
enum { DROPPER_BITS = 12, SHARD_BITS = 12, PLACE_BITS = 32 };

#ifdef GV_DOUBLE
void gv_dropout_mask_f64(const gv_op_call *call, size_t first, size_t count, double *mask);
#else
void gv_dropout_mask_f32(const gv_op_call *call, size_t first, size_t count, float *mask);
#endif

/* Does this run drop anything? Otherwise the mask is 1 everywhere. */
static inline bool drops(const gv_op_call *call)
{
    return call->step->is_training && call->attrs->rate > 0;
}

#endif
