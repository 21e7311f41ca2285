/*
 * Single draws, and the fills cut into pieces that stay in the first-level cache: bits by the
 * best path that the machine has, then one formula over them.
 */
#include "sim/base/random.h"

#include <assert.h>

#include "sim/base/random_impl.h"

enum { STREAM_SHIFT = 56, STREAM_MAX = 255, FILL_PIECE = 512 };

gv_random gv_random_key(uint64_t seed, gv_stream stream, uint64_t entity)
{
    assert((unsigned)stream <= STREAM_MAX);
    return (gv_random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .entity = entity,
        .stream_base = (uint64_t)stream << STREAM_SHIFT,
    };
}

void gv_philox_4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    memcpy(out, counter, 4 * sizeof *out);
    philox_rounds(out, key);
}

uint64_t gv_random_bits(const gv_random *random, uint64_t index)
{
    assert(index < GV_RANDOM_INDEX_END);
    uint64_t draws[2];
    block_of(random, random->entity, index / 2, draws);
    return draws[index % 2];
}

double gv_random_uniform(const gv_random *random, uint64_t index)
{
    return uniform_of_bits(gv_random_bits(random, index));
}

double gv_random_normal(const gv_random *random, uint64_t index)
{
    return normal_of_bits(gv_random_bits(random, index));
}

double gv_random_exponential(const gv_random *random, uint64_t index)
{
    return exponential_of_bits(gv_random_bits(random, index));
}

bool gv_random_bernoulli(const gv_random *random, uint64_t index, double probability)
{
    return gv_random_uniform(random, index) < probability;
}

/* The high half of bits x bound. */
uint64_t gv_random_below(const gv_random *random, uint64_t index, uint64_t bound)
{
    assert(bound >= 1);
    const uint64_t bits = gv_random_bits(random, index);
    const uint64_t low = (bits & UINT32_MAX) * (bound & UINT32_MAX);
    const uint64_t cross = (bits >> 32) * (bound & UINT32_MAX) + (low >> 32);
    const uint64_t other = (bits & UINT32_MAX) * (bound >> 32) + (cross & UINT32_MAX);
    return (bits >> 32) * (bound >> 32) + (cross >> 32) + (other >> 32);
}

/* Half blocks at either end singly, whole blocks on the path. */
void gv_random_path_bits(const gv_random_path *path, const gv_random *random, uint64_t first,
                         size_t count, uint64_t *out)
{
    assert(first <= GV_RANDOM_INDEX_END);
    assert(count <= GV_RANDOM_INDEX_END - first);
    size_t done = 0;
    if (first % 2 == 1 && count > 0) {
        out[done++] = gv_random_bits(random, first);
    }
    const size_t block_count = (count - done) / 2;
    path->blocks(random, (first + done) / 2, block_count, out + done);
    done += 2 * block_count;
    if (done < count) {
        out[done] = gv_random_bits(random, first + done);
    }
}

void gv_random_fill_bits(const gv_random *random, uint64_t first, size_t count, uint64_t *out)
{
    gv_random_path_bits(gv_random_path_best(), random, first, count, out);
}

typedef void (*formula)(const uint64_t *bits, size_t count, double *out);

static void fill(const gv_random_path *path, formula of_bits, const gv_random *random,
                 uint64_t first, size_t count, double *out)
{
    uint64_t bits[FILL_PIECE];
    for (size_t done = 0; done < count; done += FILL_PIECE) {
        const size_t left = count - done;
        const size_t piece = left < FILL_PIECE ? left : FILL_PIECE;
        gv_random_path_bits(path, random, first + done, piece, bits);
        of_bits(bits, piece, out + done);
    }
}

void gv_random_fill_uniform(const gv_random *random, uint64_t first, size_t count, double *out)
{
    const gv_random_path *path = gv_random_path_best();
    fill(path, path->uniform, random, first, count, out);
}

void gv_random_fill_normal(const gv_random *random, uint64_t first, size_t count, double *out)
{
    const gv_random_path *path = gv_random_path_best();
    fill(path, path->normal, random, first, count, out);
}

void gv_random_fill_exponential(const gv_random *random, uint64_t first, size_t count, double *out)
{
    const gv_random_path *path = gv_random_path_best();
    fill(path, path->exponential, random, first, count, out);
}

void gv_random_each_uniform(uint64_t seed, gv_stream stream, const uint64_t *entities, size_t count,
                            double *out)
{
    gv_random_each_uniform_at(seed, stream, entities, NULL, count, out);
}

void gv_random_each_uniform_at(uint64_t seed, gv_stream stream, const uint64_t *entities,
                               const uint64_t *blocks, size_t count, double *out)
{
    const gv_random_path *path = gv_random_path_best();
    const gv_random random = gv_random_key(seed, stream, 0);
    uint64_t bits[FILL_PIECE];
    for (size_t done = 0; done < count; done += FILL_PIECE) {
        const size_t left = count - done;
        const size_t piece = left < FILL_PIECE ? left : FILL_PIECE;
        path->each(&random, entities + done, blocks == NULL ? NULL : blocks + done, piece, bits);
        path->uniform(bits, piece, out + done);
    }
}
