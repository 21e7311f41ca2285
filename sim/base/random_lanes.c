/*
 * Philox words of many entities, and Giles' approximation of the inverse error function in
 * single precision over them (M. Giles, "Approximating the erfinv function", GPU Computing
 * Gems, 2011, table 5): normal = sqrt(2) erfinv(x), with w = -log((1 - x)(1 + x)).
 *
 * A word k stands for the probability (min(k, ~k) + 1/2) / 2^32 of the nearer tail, so both
 * tails keep full relative precision and the normals reach +-6.3.
 */
#include "sim/base/random_lanes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/random_impl.h"
#include "sim/base/vector.h"

enum { STREAM_SHIFT = 56, LANE_SHIFT = 55, PIECE = 256, STRIP = 64 };

/* Where Giles' central formula ends. */
#define CENTER_END 5.0F

static uint64_t place_of(gv_stream stream, uint64_t block)
{
    assert(block < UINT64_C(1) << LANE_SHIFT);
    return (uint64_t)stream << STREAM_SHIFT | UINT64_C(1) << LANE_SHIFT | block;
}

void gv_random_lane_words(uint64_t seed, gv_stream stream, uint64_t entity, uint64_t block,
                          uint32_t words[GV_LANE_DRAWS])
{
    const uint64_t place = place_of(stream, block);
    const uint32_t counter[4] = {(uint32_t)entity, (uint32_t)(entity >> 32), (uint32_t)place,
                                 (uint32_t)(place >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    gv_philox_4x32_10(counter, key, words);
}

/*
 * Natural logarithm of x in (0, 1], within 2e-7 absolute: x = 2^e m with m in [1/sqrt(2), sqrt(2)),
 * log m by the polynomial of the Cephes library's logf.
 */
static inline float log_single(float x)
{
    const union {
        float value;
        uint32_t bits;
    } whole = {.value = x};
    const int32_t exponent = (int32_t)(whole.bits - UINT32_C(0x3f3504f3)) >> 23;
    const union {
        uint32_t bits;
        float value;
    } mantissa = {.bits = whole.bits - ((uint32_t)exponent << 23)};
    const float t = mantissa.value - 1.0F;
    float p = 7.0376836292e-2F;
    p = -1.1514610310e-1F + p * t;
    p = 1.1676998740e-1F + p * t;
    p = -1.2420140846e-1F + p * t;
    p = 1.4249322787e-1F + p * t;
    p = -1.6668057665e-1F + p * t;
    p = 2.0000714765e-1F + p * t;
    p = -2.4999993993e-1F + p * t;
    p = 3.3333331174e-1F + p * t;
    const float square = t * t;
    return (float)exponent * 0.69314718F + (t + (p * t * square - 0.5F * square));
}

static inline float erfinv_center(float w)
{
    const float v = w - 2.5F;
    float p = 2.81022636e-08F;
    p = 3.43273939e-07F + p * v;
    p = -3.5233877e-06F + p * v;
    p = -4.39150654e-06F + p * v;
    p = 0.00021858087F + p * v;
    p = -0.00125372503F + p * v;
    p = -0.00417768164F + p * v;
    p = 0.246640727F + p * v;
    return 1.50140941F + p * v;
}

static inline float erfinv_tail(float w)
{
    const float v = sqrtf(w) - 3.0F;
    float p = -0.000200214257F;
    p = 0.000100950558F + p * v;
    p = 0.00134934322F + p * v;
    p = -0.00367342844F + p * v;
    p = 0.00573950773F + p * v;
    p = -0.0076224613F + p * v;
    p = 0.00943887047F + p * v;
    p = 1.00167406F + p * v;
    return 2.83297682F + p * v;
}

/*
 * The central formula for all, and how many lie outside of it. In two loops: each is a long chain
 * of operations, and the processor finds more of them to run at once in a loop of one chain.
 */
static inline uint32_t center_strip(const uint32_t *words, float *w, float *x, float *scale)
{
    uint32_t outside = 0;
    for (size_t i = 0; i < STRIP; i++) {
        const uint32_t mirrored = (uint32_t)((int32_t)words[i] >> 31) ^ words[i]; /* < 2^31 */
        const float share = ((float)(int32_t)mirrored + 0.5F) * 0x1p-32F;
        x[i] = 1.41421356F - 2.82842712F * share;
        w[i] = -log_single(4.0F * share * (1.0F - share));
        outside += w[i] < CENTER_END ? 0 : 1;
    }
    for (size_t i = 0; i < STRIP; i++) {
        scale[i] = erfinv_center(w[i]);
    }
    return outside;
}

/*
 * In strips, in each of which one draw of three hundred needs the tail's formula: so most strips
 * skip it. `words` and `out` are whole strips.
 */
GV_VECTOR static void normals_of(const uint32_t *words, size_t count, float *out)
{
    for (size_t done = 0; done < count; done += STRIP) {
        float w[STRIP];
        float x[STRIP];
        float scale[STRIP];
        if (center_strip(words + done, w, x, scale) > 0) {
            for (size_t i = 0; i < STRIP; i++) {
                const float tail = erfinv_tail(w[i]);
                scale[i] = w[i] < CENTER_END ? scale[i] : tail;
            }
        }
        for (size_t i = 0; i < STRIP; i++) {
            out[done + i] = copysignf(scale[i] * x[i], (float)(int32_t)~words[done + i]);
        }
    }
}

void gv_random_lanes_words(uint64_t seed, gv_stream stream, uint64_t first_entity, size_t count,
                           uint64_t block, size_t stride, uint32_t *words)
{
    assert(count <= stride);
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    gv_random_path_best()->words(key, place_of(stream, block), first_entity, count, stride, words);
}

/* The strips that are whole go where they belong, the last by way of one that is. */
static void normals_into(const uint32_t *words, size_t count, float *out)
{
    const size_t whole = count / STRIP * STRIP;
    normals_of(words, whole, out);
    if (whole < count) {
        float last[STRIP];
        normals_of(words + whole, STRIP, last);
        memcpy(out + whole, last, (count - whole) * sizeof *out);
    }
}

void gv_random_lanes_normal(uint64_t seed, gv_stream stream, uint64_t first_entity, size_t count,
                            uint64_t block, size_t stride, float *out)
{
    assert(count <= stride);
    const gv_random_path *path = gv_random_path_best();
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[GV_LANE_DRAWS * PIECE];
    for (size_t done = 0; done < count; done += PIECE) {
        const size_t left = count - done;
        const size_t piece = left < PIECE ? left : PIECE;
        if (piece < PIECE) {
            memset(words, 0, sizeof words);
        }
        path->words(key, place_of(stream, block), first_entity + done, piece, PIECE, words);
        for (size_t j = 0; j < GV_LANE_DRAWS; j++) {
            normals_into(words + j * PIECE, piece, out + j * stride + done);
        }
    }
}
