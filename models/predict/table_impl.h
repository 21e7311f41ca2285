/*
 * table_impl.h - one table of embeddings for all hashed fields, of which a batch moves only the
 * rows that it touched.
 *
 * A step is Adam's (Kingma and Ba, arXiv 1412.6980) on each touched row, with the moments of that
 * row alone moved on, and both corrections by the number of steps of the whole table: what torch
 * calls SparseAdam. A dense step would decay the moments of untouched rows and move them too; over
 * 2^18 rows of 16 it would cost more than the network. (A choice of ours, as is the penalty on
 * touched rows alone.)
 */
#ifndef MODELS_PREDICT_TABLE_IMPL_H
#define MODELS_PREDICT_TABLE_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/status.h"

typedef struct gv_embeddings_config {
    size_t rows;
    size_t width;
    double scale; /* numbers start normal with this standard deviation */
    uint64_t seed;
    bool learns; /* false: no memory for steps */
} gv_embeddings_config;

typedef struct gv_embeddings gv_embeddings;

GV_MUST_CHECK gv_status gv_embeddings_create(const gv_embeddings_config *config,
                                             gv_embeddings **out);
void gv_embeddings_destroy(gv_embeddings *table); /* accepts NULL */

float *gv_embeddings_values(gv_embeddings *table); /* [rows][width] */

/* out [width]: the mean of these rows; 0 of none. */
void gv_embeddings_mean(const gv_embeddings *table, const uint32_t *rows, size_t count, float *out);

/* The step to come: `share` times slope [width] more on that row. Order matters to the bits. */
GV_MUST_CHECK gv_status gv_embeddings_touch(gv_embeddings *table, uint32_t row, const float *slope,
                                            float share);

/*
 * One step on all rows touched since the last, with `decay` times a row's value added to its slope.
 * GV_EINVAL: a slope is not finite; then nothing has moved, and what was touched is forgotten.
 */
GV_MUST_CHECK gv_status gv_embeddings_step(gv_embeddings *table, double rate, double decay);

#endif
