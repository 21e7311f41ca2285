/*
 * random.h - counter-based random numbers: Philox 4x32-10.
 *
 * Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A draw
 * is a pure function of (seed, stream, entity, index): no state advances, so the click of a
 * user on opportunity 17 is the same number under every policy, batch and thread, and a
 * counterfactual differs only where the policy differs (common random numbers).
 *
 *   key     = seed                                                          64 bits
 *   counter = entity (64 bits), stream (8), 0 (1), index / 2 (55 bits)     128 bits
 *
 * Each block of 128 bits gives two draws, the even index and the odd. Nothing is hashed
 * together: every (seed, stream, entity, index) is its own half of its own Philox block, and
 * under one key the blocks are a permutation of the counters, so no two draws of a run can
 * coincide by construction. Another seed is another permutation. The single-precision lanes of
 * random_lanes.h have a 1 where these draws have the 0.
 *
 * All arithmetic behind a draw is IEEE 754 without contraction and without libm, the same in
 * the scalar and the vector forms: a draw has the same bits on every machine and path.
 */
#ifndef SIM_BASE_RANDOM_H
#define SIM_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a draw is for. A new purpose goes at the end: the numbers are part of every result.
 * They stay below 256.
 */
#define GV_STREAM_LIST(X)       \
    X(GV_STREAM_BID, 1)         \
    X(GV_STREAM_BOOTSTRAP, 2)   \
    X(GV_STREAM_ARRIVAL, 3)     \
    X(GV_STREAM_SERVICE, 4)     \
    X(GV_STREAM_TRAFFIC, 5)     \
    X(GV_STREAM_CLICK, 6)       \
    X(GV_STREAM_CONVERSION, 7)  \
    X(GV_STREAM_DELAY, 8)       \
    X(GV_STREAM_RIVAL, 9)       \
    X(GV_STREAM_LIBRARY, 10)    \
    X(GV_STREAM_TEST, 11)       \
    X(GV_STREAM_SIGMA, 12)      \
    X(GV_STREAM_EXPOSURE, 13)   \
    X(GV_STREAM_RESPONSE, 14)   \
    X(GV_STREAM_OVERSPEND, 18)  \
    X(GV_STREAM_LESSON, 20)     \
    X(GV_STREAM_OFFLINE, 24)    \
    X(GV_STREAM_WEIGHT, 30)     \
    X(GV_STREAM_DROPOUT, 31)    \
    X(GV_STREAM_SAMPLE, 32)     \
    X(GV_STREAM_NOISE, 33)      \
    X(GV_STREAM_EXPERT, 34)     \
    X(GV_STREAM_EBARET, 35)     \
    X(GV_STREAM_VAE, 36)        \
    X(GV_STREAM_EGDB, 37)       \
    X(GV_STREAM_OUTLOOK, 39)    \
    X(GV_STREAM_EXAMPLE, 40)    \
    X(GV_STREAM_POPULATION, 41) \
    X(GV_STREAM_RETENTION, 42)  \
    X(GV_STREAM_PLANTED, 43)    \
    X(GV_STREAM_PERTURB, 45)    \
    X(GV_STREAM_EVALUATE, 46)   \
    X(GV_STREAM_EXPLORE, 47)    \
    X(GV_STREAM_EXPERIMENT, 48) \
    X(GV_STREAM_CANDIDATE, 49)

typedef enum gv_stream {
#define X(name, number) name = (number),
    GV_STREAM_LIST(X)
#undef X
} gv_stream;

/* Every index is below this. */
#define GV_RANDOM_INDEX_END (UINT64_C(1) << 56)

/* One keyed sequence; 24 bytes, passed by pointer, copied freely. */
typedef struct gv_random {
    uint32_t key[2];      /* the seed */
    uint64_t entity;      /* whom the draws concern: an opportunity, a customer, a replication */
    uint64_t stream_base; /* the stream, in the top 8 bits */
} gv_random;

gv_random gv_random_key(uint64_t seed, gv_stream stream, uint64_t entity);

/* The bare bijection, as Random123 publishes it: for known-answer tests and other generators. */
void gv_philox_4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Draw number `index`: 64 random bits. About 15 ns; the fills below take about 1. */
uint64_t gv_random_bits(const gv_random *random, uint64_t index);

/* In [0, 1), a multiple of 2^-53. */
double gv_random_uniform(const gv_random *random, uint64_t index);

/*
 * Standard normal, by the inverse of the distribution function, within 2e-15 relative of it:
 * one draw each, in -8.3 .. 8.3.
 */
double gv_random_normal(const gv_random *random, uint64_t index);

/*
 * Mean 1: -log(1 - uniform), so it rises with the uniform of the same index; at most
 * 53 log 2 = 36.7. The logarithm is within 1 unit in the last place.
 */
double gv_random_exponential(const gv_random *random, uint64_t index);

/* True with the given probability; the same uniform as gv_random_uniform. */
bool gv_random_bernoulli(const gv_random *random, uint64_t index, double probability);

/* In [0, bound), each value's probability within 2^-64 of 1 / bound; bound >= 1. */
uint64_t gv_random_below(const gv_random *random, uint64_t index, uint64_t bound);

/*
 * The vectorised forms: out[i] equals, to the bit, the single draw with index first + i,
 * on every machine. out: [count]. None allocates.
 */
void gv_random_fill_bits(const gv_random *random, uint64_t first, size_t count, uint64_t *out);
void gv_random_fill_uniform(const gv_random *random, uint64_t first, size_t count, double *out);
void gv_random_fill_normal(const gv_random *random, uint64_t first, size_t count, double *out);
void gv_random_fill_exponential(const gv_random *random, uint64_t first, size_t count, double *out);

/* One draw (index 0) for each entity: how opportunities get their own numbers. out: [count]. */
void gv_random_each_uniform(uint64_t seed, gv_stream stream, const uint64_t *entities, size_t count,
                            double *out);

/*
 * The same at an index of its own: 2 * blocks[i]. NULL: index 0 for all. (A block of Philox gives
 * two draws, and here only the first of them is wanted.) blocks[i] < 2^55.
 */
void gv_random_each_uniform_at(uint64_t seed, gv_stream stream, const uint64_t *entities,
                               const uint64_t *blocks, size_t count, double *out);

#endif
