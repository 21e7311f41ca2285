/*
 * pool_impl.h - some of a dataset's episodes, from which places are drawn: the experts' or the
 * log's.
 */
#ifndef POLICIES_LEARN_POOL_IMPL_H
#define POLICIES_LEARN_POOL_IMPL_H

#include "policies/learn/dataset.h"

typedef enum gv_pool_kind { GV_POOL_EXPERTS, GV_POOL_LOG, GV_POOL_KINDS } gv_pool_kind;

typedef struct gv_pool gv_pool;

/* The dataset is borrowed. A pool may be empty. */
GV_MUST_CHECK gv_status gv_pool_create(const gv_dataset *dataset, gv_pool_kind kind, gv_pool **out);
void gv_pool_destroy(gv_pool *pool); /* accepts NULL */

size_t gv_pool_episodes(const gv_pool *pool);

/*
 * Draw `index` of a step, uniform over the pool's places; the pool is not empty (asserted). The
 * place's episode counts within the dataset. Pools of other kinds draw apart from each other.
 */
gv_place gv_pool_draw(const gv_pool *pool, uint64_t seed, uint64_t step, uint64_t index);

#endif
