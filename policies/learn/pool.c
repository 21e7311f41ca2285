#include <assert.h>

#include "policies/learn/pool_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

struct gv_pool {
    gv_pool_kind kind;
    size_t *episodes; /* [count]: their numbers in the dataset */
    uint64_t *first;  /* [count + 1]: places before each; both behind the pool */
    size_t count;
};

gv_status gv_pool_create(const gv_dataset *dataset, gv_pool_kind kind, gv_pool **out)
{
    const size_t all = gv_dataset_count(dataset);
    gv_pool *pool = gv_mem_alloc(sizeof *pool, 2 * all + 1, sizeof(uint64_t));
    if (pool == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to tell experts from the log");
    }
    pool->kind = kind;
    pool->first = (uint64_t *)(pool + 1);
    pool->episodes = (size_t *)(pool->first + all + 1);
    for (size_t i = 0; i < all; i++) {
        const gv_episode *episode = gv_dataset_at(dataset, i);
        if (episode->is_expert == (kind == GV_POOL_EXPERTS)) {
            pool->episodes[pool->count] = i;
            pool->first[pool->count + 1] = pool->first[pool->count] + episode->length;
            pool->count++;
        }
    }
    *out = pool;
    return GV_OK;
}

void gv_pool_destroy(gv_pool *pool)
{
    gv_mem_free(pool);
}

size_t gv_pool_episodes(const gv_pool *pool)
{
    return pool->count;
}

gv_place gv_pool_draw(const gv_pool *pool, uint64_t seed, uint64_t step, uint64_t index)
{
    assert(pool->count > 0);
    const gv_random random = gv_random_key(seed, GV_STREAM_EBARET, step);
    const uint64_t places = pool->first[pool->count];
    const uint64_t number =
        gv_random_below(&random, index * GV_POOL_KINDS + (uint64_t)pool->kind, places);
    size_t low = 0;
    size_t high = pool->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (pool->first[middle] <= number) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (gv_place){.episode = pool->episodes[low], .tick = (size_t)(number - pool->first[low])};
}
