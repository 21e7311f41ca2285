/*
 * The fills, once for each instruction set. The formulas come from random_impl.h and are
 * vectorised by the compiler; Philox itself is written with intrinsics, because no compiler
 * at hand sees that its 64-bit products have 32-bit factors.
 */
#include "sim/base/random_impl.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define TARGET_AVX2   __attribute__((target("avx2")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq")))
#endif

/* What fits the first-level cache beside the caller's own data. */
enum { PIECE = 256 };

GV_INLINE void uniform_loop(const uint64_t *bits, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = uniform_of_bits(bits[i]);
    }
}

GV_INLINE void exponential_loop(const uint64_t *bits, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = exponential_of_bits(bits[i]);
    }
}

/* The places of the draws outside the centre, without a branch. Returns how many. */
GV_INLINE size_t tail_places(const double *q, size_t count, uint32_t *places)
{
    size_t tails = 0;
    for (size_t i = 0; i < count; i++) {
        places[tails] = (uint32_t)i;
        tails += fabs(q[i]) > NORMAL_CENTER;
    }
    return tails;
}

/* The centre's formula for all, then the tail's for the 15 % that need it, packed together. */
GV_INLINE void normal_piece(const uint64_t *bits, size_t count, double *out)
{
    double q[PIECE];
    double r[PIECE];
    double tail[PIECE];
    uint32_t places[PIECE] = {0};
    for (size_t i = 0; i < count; i++) {
        q[i] = centered_of_bits(bits[i]);
        out[i] = normal_center(q[i]);
    }
    const size_t tails = tail_places(q, count, places);
    for (size_t i = 0; i < tails; i++) {
        r[i] = 0.5 - fabs(q[places[i]]);
    }
    for (size_t i = 0; i < tails; i++) {
        tail[i] = normal_tail(r[i]);
    }
    for (size_t i = 0; i < tails; i++) {
        const double size = r[i] < NORMAL_FAR ? normal_far(r[i]) : tail[i];
        out[places[i]] = copysign(size, q[places[i]]);
    }
}

GV_INLINE void normal_loop(const uint64_t *bits, size_t count, double *out)
{
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t left = count - done;
        normal_piece(bits + done, left < PIECE ? left : PIECE, out + done);
    }
}

static bool always(void)
{
    return true;
}

static void portable_blocks(const gv_random *random, uint64_t first_block, size_t block_count,
                            uint64_t *out)
{
    for (size_t i = 0; i < block_count; i++) {
        block_of(random, random->entity, first_block + i, out + 2 * i);
    }
}

static void portable_each(const gv_random *random, const uint64_t *entities, const uint64_t *blocks,
                          size_t count, uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t draws[2];
        block_of(random, entities[i], blocks == NULL ? 0 : blocks[i], draws);
        out[i] = draws[0];
    }
}

static void portable_words(const uint32_t key[2], uint64_t place, uint64_t first_entity,
                           size_t count, size_t stride, uint32_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t entity = first_entity + i;
        uint32_t word[4] = {(uint32_t)entity, (uint32_t)(entity >> 32), (uint32_t)place,
                            (uint32_t)(place >> 32)};
        philox_rounds(word, key);
        for (size_t j = 0; j < 4; j++) {
            out[j * stride + i] = word[j];
        }
    }
}

static void portable_uniform(const uint64_t *bits, size_t count, double *out)
{
    uniform_loop(bits, count, out);
}

static void portable_exponential(const uint64_t *bits, size_t count, double *out)
{
    exponential_loop(bits, count, out);
}

static void portable_normal(const uint64_t *bits, size_t count, double *out)
{
    normal_loop(bits, count, out);
}

static const gv_random_path portable = {
    .name = "portable",
    .is_supported = always,
    .blocks = portable_blocks,
    .each = portable_each,
    .words = portable_words,
    .uniform = portable_uniform,
    .exponential = portable_exponential,
    .normal = portable_normal,
};

#if defined(__x86_64__)

/*
 * Below, a vector holds one counter word of several blocks, each in the low half of a 64-bit
 * lane, which is where the multiplier reads its factors. The high halves may hold anything:
 * a product is used whole as the low word and shifted down as the high word.
 */
typedef struct words_256 {
    __m256i word[4];
} words_256;

/* Each round's key. In memory it rides along with the exclusive or, at no cost of its own. */
typedef struct round_keys {
    uint64_t k0[PHILOX_ROUNDS];
    uint64_t k1[PHILOX_ROUNDS];
} round_keys;

static round_keys keys_of(const uint32_t key[2])
{
    round_keys keys;
    for (uint32_t round = 0; round < PHILOX_ROUNDS; round++) {
        keys.k0[round] = key[0] + round * PHILOX_W0;
        keys.k1[round] = key[1] + round * PHILOX_W1;
    }
    return keys;
}

TARGET_AVX2 GV_INLINE words_256 rounds_256(words_256 w, const round_keys *keys)
{
    const __m256i m0 = _mm256_set1_epi64x(PHILOX_M0);
    const __m256i m1 = _mm256_set1_epi64x(PHILOX_M1);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const __m256i p0 = _mm256_mul_epu32(w.word[0], m0);
        const __m256i p1 = _mm256_mul_epu32(w.word[2], m1);
        const __m256i a =
            _mm256_xor_si256(w.word[1], _mm256_set1_epi64x((long long)keys->k0[round]));
        const __m256i b =
            _mm256_xor_si256(w.word[3], _mm256_set1_epi64x((long long)keys->k1[round]));
        w.word[0] = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), a);
        w.word[1] = p1;
        w.word[2] = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), b);
        w.word[3] = p0;
    }
    return w;
}

/* The low word and, above it, the high word. */
TARGET_AVX2 GV_INLINE __m256i join_256(__m256i low, __m256i high)
{
    return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xaa);
}

/* Blocks in the lanes as 0 2 1 3, so that unpacking leaves the draws in order. */
TARGET_AVX2 static void avx2_blocks(const gv_random *random, uint64_t first_block,
                                    size_t block_count, uint64_t *out)
{
    const uint64_t base = random->stream_base | first_block;
    const __m256i entity = _mm256_set1_epi64x((long long)random->entity);
    const __m256i entity_high = _mm256_srli_epi64(entity, 32);
    __m256i block =
        _mm256_add_epi64(_mm256_set1_epi64x((long long)base), _mm256_setr_epi64x(0, 2, 1, 3));
    const round_keys keys = keys_of(random->key);
    size_t i = 0;
    for (; i + 4 <= block_count; i += 4) {
        const words_256 counter = {{entity, entity_high, block, _mm256_srli_epi64(block, 32)}};
        const words_256 w = rounds_256(counter, &keys);
        const __m256i even = join_256(w.word[0], w.word[1]);
        const __m256i odd = join_256(w.word[2], w.word[3]);
        _mm256_storeu_si256((void *)(out + 2 * i), _mm256_unpacklo_epi64(even, odd));
        _mm256_storeu_si256((void *)(out + 2 * i + 4), _mm256_unpackhi_epi64(even, odd));
        block = _mm256_add_epi64(block, _mm256_set1_epi64x(4));
    }
    portable_blocks(random, first_block + i, block_count - i, out + 2 * i);
}

TARGET_AVX2 static void avx2_each(const gv_random *random, const uint64_t *entities,
                                  const uint64_t *blocks, size_t count, uint64_t *out)
{
    const __m256i base = _mm256_set1_epi64x((long long)random->stream_base);
    const round_keys keys = keys_of(random->key);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const __m256i entity = _mm256_loadu_si256((const void *)(entities + i));
        const __m256i place =
            blocks == NULL ? base
                           : _mm256_or_si256(base, _mm256_loadu_si256((const void *)(blocks + i)));
        const words_256 counter = {
            {entity, _mm256_srli_epi64(entity, 32), place, _mm256_srli_epi64(place, 32)}};
        const words_256 w = rounds_256(counter, &keys);
        _mm256_storeu_si256((void *)(out + i), join_256(w.word[0], w.word[1]));
    }
    portable_each(random, entities + i, blocks == NULL ? NULL : blocks + i, count - i, out + i);
}

/* The low words of four 64-bit lanes. */
TARGET_AVX2 GV_INLINE __m128i low_words_256(__m256i lanes)
{
    const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(lanes, order));
}

TARGET_AVX2 static void avx2_words(const uint32_t key[2], uint64_t place, uint64_t first_entity,
                                   size_t count, size_t stride, uint32_t *out)
{
    const __m256i base = _mm256_set1_epi64x((long long)place);
    const __m256i base_high = _mm256_srli_epi64(base, 32);
    __m256i entity = _mm256_add_epi64(_mm256_set1_epi64x((long long)first_entity),
                                      _mm256_setr_epi64x(0, 1, 2, 3));
    const round_keys keys = keys_of(key);
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const words_256 counter = {{entity, _mm256_srli_epi64(entity, 32), base, base_high}};
        const words_256 w = rounds_256(counter, &keys);
        for (size_t j = 0; j < 4; j++) {
            _mm_storeu_si128((void *)(out + j * stride + i), low_words_256(w.word[j]));
        }
        entity = _mm256_add_epi64(entity, _mm256_set1_epi64x(4));
    }
    portable_words(key, place, first_entity + i, count - i, stride, out + i);
}

TARGET_AVX2 static void avx2_uniform(const uint64_t *bits, size_t count, double *out)
{
    uniform_loop(bits, count, out);
}

TARGET_AVX2 static void avx2_exponential(const uint64_t *bits, size_t count, double *out)
{
    exponential_loop(bits, count, out);
}

TARGET_AVX2 static void avx2_normal(const uint64_t *bits, size_t count, double *out)
{
    normal_loop(bits, count, out);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static const gv_random_path avx2 = {
    .name = "avx2",
    .is_supported = has_avx2,
    .blocks = avx2_blocks,
    .each = avx2_each,
    .words = avx2_words,
    .uniform = avx2_uniform,
    .exponential = avx2_exponential,
    .normal = avx2_normal,
};

typedef struct words_512 {
    __m512i word[4];
} words_512;

enum { XOR_OF_THREE = 0x96 };

TARGET_AVX512 GV_INLINE words_512 rounds_512(words_512 w, const round_keys *keys)
{
    const __m512i m0 = _mm512_set1_epi64(PHILOX_M0);
    const __m512i m1 = _mm512_set1_epi64(PHILOX_M1);
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const __m512i p0 = _mm512_mul_epu32(w.word[0], m0);
        const __m512i p1 = _mm512_mul_epu32(w.word[2], m1);
        w.word[0] =
            _mm512_ternarylogic_epi64(_mm512_srli_epi64(p1, 32), w.word[1],
                                      _mm512_set1_epi64((long long)keys->k0[round]), XOR_OF_THREE);
        w.word[1] = p1;
        w.word[2] =
            _mm512_ternarylogic_epi64(_mm512_srli_epi64(p0, 32), w.word[3],
                                      _mm512_set1_epi64((long long)keys->k1[round]), XOR_OF_THREE);
        w.word[3] = p0;
    }
    return w;
}

TARGET_AVX512 GV_INLINE __m512i join_512(__m512i low, __m512i high)
{
    return _mm512_mask_blend_epi32(0xaaaa, low, _mm512_slli_epi64(high, 32));
}

TARGET_AVX512 static void avx512_blocks(const gv_random *random, uint64_t first_block,
                                        size_t block_count, uint64_t *out)
{
    const uint64_t base = random->stream_base | first_block;
    const __m512i entity = _mm512_set1_epi64((long long)random->entity);
    const __m512i entity_high = _mm512_srli_epi64(entity, 32);
    __m512i block = _mm512_add_epi64(_mm512_set1_epi64((long long)base),
                                     _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
    const round_keys keys = keys_of(random->key);
    size_t i = 0;
    for (; i + 8 <= block_count; i += 8) {
        const words_512 counter = {{entity, entity_high, block, _mm512_srli_epi64(block, 32)}};
        const words_512 w = rounds_512(counter, &keys);
        const __m512i even = join_512(w.word[0], w.word[1]);
        const __m512i odd = join_512(w.word[2], w.word[3]);
        _mm512_storeu_si512(out + 2 * i, _mm512_unpacklo_epi64(even, odd));
        _mm512_storeu_si512(out + 2 * i + 8, _mm512_unpackhi_epi64(even, odd));
        block = _mm512_add_epi64(block, _mm512_set1_epi64(8));
    }
    portable_blocks(random, first_block + i, block_count - i, out + 2 * i);
}

TARGET_AVX512 static void avx512_each(const gv_random *random, const uint64_t *entities,
                                      const uint64_t *blocks, size_t count, uint64_t *out)
{
    const __m512i base = _mm512_set1_epi64((long long)random->stream_base);
    const round_keys keys = keys_of(random->key);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m512i entity = _mm512_loadu_si512(entities + i);
        const __m512i place =
            blocks == NULL ? base : _mm512_or_si512(base, _mm512_loadu_si512(blocks + i));
        const words_512 counter = {
            {entity, _mm512_srli_epi64(entity, 32), place, _mm512_srli_epi64(place, 32)}};
        const words_512 w = rounds_512(counter, &keys);
        _mm512_storeu_si512(out + i, join_512(w.word[0], w.word[1]));
    }
    portable_each(random, entities + i, blocks == NULL ? NULL : blocks + i, count - i, out + i);
}

TARGET_AVX512 static void avx512_words(const uint32_t key[2], uint64_t place, uint64_t first_entity,
                                       size_t count, size_t stride, uint32_t *out)
{
    const __m512i base = _mm512_set1_epi64((long long)place);
    const __m512i base_high = _mm512_srli_epi64(base, 32);
    __m512i entity = _mm512_add_epi64(_mm512_set1_epi64((long long)first_entity),
                                      _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    const round_keys keys = keys_of(key);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const words_512 counter = {{entity, _mm512_srli_epi64(entity, 32), base, base_high}};
        const words_512 w = rounds_512(counter, &keys);
        for (size_t j = 0; j < 4; j++) {
            _mm256_storeu_si256((void *)(out + j * stride + i), _mm512_cvtepi64_epi32(w.word[j]));
        }
        entity = _mm512_add_epi64(entity, _mm512_set1_epi64(8));
    }
    portable_words(key, place, first_entity + i, count - i, stride, out + i);
}

TARGET_AVX512 static void avx512_uniform(const uint64_t *bits, size_t count, double *out)
{
    uniform_loop(bits, count, out);
}

TARGET_AVX512 static void avx512_exponential(const uint64_t *bits, size_t count, double *out)
{
    exponential_loop(bits, count, out);
}

TARGET_AVX512 static void avx512_normal(const uint64_t *bits, size_t count, double *out)
{
    normal_loop(bits, count, out);
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

static const gv_random_path avx512 = {
    .name = "avx512",
    .is_supported = has_avx512,
    .blocks = avx512_blocks,
    .each = avx512_each,
    .words = avx512_words,
    .uniform = avx512_uniform,
    .exponential = avx512_exponential,
    .normal = avx512_normal,
};

#endif

const gv_random_path *const gv_random_paths[] = {
#if defined(__x86_64__)
    &avx512,
    &avx2,
#endif
    &portable,
    NULL,
};

const gv_random_path *gv_random_path_best(void)
{
    const gv_random_path *const *path = gv_random_paths;
    while (path[1] != NULL && !(*path)->is_supported()) {
        path++;
    }
    return *path;
}
