/*
 * random_impl.h - the arithmetic that single draws and vectorised fills share, and the paths.
 *
 * The formulas are inline and free of branches, so that a loop over them vectorises and a
 * single call gives the same bits. A path is one instruction set's version of the fills; the
 * table is here so that a test can run every path that the machine has.
 */
#ifndef SIM_BASE_RANDOM_IMPL_H
#define SIM_BASE_RANDOM_IMPL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sim/base/random.h"

/* The multipliers and the key's increments of Philox 4x32. */
#define PHILOX_M0 UINT32_C(0xd2511f53)
#define PHILOX_M1 UINT32_C(0xcd9e8d57)
#define PHILOX_W0 UINT32_C(0x9e3779b9)
#define PHILOX_W1 UINT32_C(0xbb67ae85)

enum { PHILOX_ROUNDS = 10 };

/* Below |p - 1/2| = 0.425 the normal quantile is one rational; below this r it is the far tail. */
#define NORMAL_CENTER 0.425
#define NORMAL_FAR    0x1.e8a37a45fc32ep-37 /* exp(-25) */

#define GV_INLINE static inline __attribute__((always_inline))

typedef struct gv_random_path {
    const char *name;
    bool (*is_supported)(void);
    /* Both draws of blocks first_block ... of one sequence. out: [2 * block_count]. */
    void (*blocks)(const gv_random *random, uint64_t first_block, size_t block_count,
                   uint64_t *out);
    /* The first draw of a block (NULL: 0) of each entity; random->entity is not looked at. */
    void (*each)(const gv_random *random, const uint64_t *entities, const uint64_t *blocks,
                 size_t count, uint64_t *out);
    /* The four words of the block at `place` of consecutive entities. out: [4][stride]. */
    void (*words)(const uint32_t key[2], uint64_t place, uint64_t first_entity, size_t count,
                  size_t stride, uint32_t *out);
    /* Draws from bits. out: [count]. */
    void (*uniform)(const uint64_t *bits, size_t count, double *out);
    void (*exponential)(const uint64_t *bits, size_t count, double *out);
    void (*normal)(const uint64_t *bits, size_t count, double *out);
} gv_random_path;

/* Best first; the last, portable C, is always supported. Then NULL. */
extern const gv_random_path *const gv_random_paths[];

/* The first of them that this machine supports. */
const gv_random_path *gv_random_path_best(void);

/* The fills, on a given path. */
void gv_random_path_bits(const gv_random_path *path, const gv_random *random, uint64_t first,
                         size_t count, uint64_t *out);

/*
 * In a round two counter words go through 32 x 32 -> 64 bit products, whose halves change
 * places and meet the other two words and the key; the key then grows by its increments.
 */
GV_INLINE void philox_rounds(uint32_t word[4], const uint32_t key[2])
{
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)PHILOX_M0 * word[0];
        const uint64_t p1 = (uint64_t)PHILOX_M1 * word[2];
        word[0] = (uint32_t)(p1 >> 32) ^ word[1] ^ k0;
        word[1] = (uint32_t)p1;
        word[2] = (uint32_t)(p0 >> 32) ^ word[3] ^ k1;
        word[3] = (uint32_t)p0;
        k0 += PHILOX_W0;
        k1 += PHILOX_W1;
    }
}

/* The two draws of one block. */
GV_INLINE void block_of(const gv_random *random, uint64_t entity, uint64_t block, uint64_t draws[2])
{
    const uint64_t place = random->stream_base | block;
    uint32_t word[4] = {(uint32_t)entity, (uint32_t)(entity >> 32), (uint32_t)place,
                        (uint32_t)(place >> 32)};
    philox_rounds(word, random->key);
    draws[0] = word[0] | (uint64_t)word[1] << 32;
    draws[1] = word[2] | (uint64_t)word[3] << 32;
}

GV_INLINE double double_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

GV_INLINE uint64_t bits_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/*
 * An integer below 2^53 as a double, exactly: its halves become the low bits of 2^84 and of
 * 2^52. The cast would do the same, but below AVX-512 no instruction does it four at a time.
 */
GV_INLINE double double_of_53_bits(uint64_t value)
{
    const double high = double_of_bits(value >> 32 | UINT64_C(0x4530000000000000));
    const double low =
        double_of_bits((value & UINT64_C(0xffffffff)) | UINT64_C(0x4330000000000000));
    return (high - 0x1.00000001p84) + low;
}

GV_INLINE double uniform_of_bits(uint64_t bits)
{
    return double_of_53_bits(bits >> 11) * 0x1p-53;
}

/*
 * Natural logarithm of a positive normal number. x = 2^k (1 + f) with 1 + f in sqrt(1/2) ..
 * sqrt(2); s = f / (2 + f); log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))), the form of fdlibm's
 * e_log. R(z) = log((1 + s) / (1 - s)) / s - 2 by a minimax polynomial of our own, whose error
 * is below 2^-61. log 2 is split so that k times its head is exact.
 */
GV_INLINE double log_of(double x)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd);
    const uint64_t shifted = bits_of_double(x) + (UINT64_C(0x3ff0000000000000) - root_half);
    const double k =
        double_of_bits(shifted >> 52 | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
    const double f = double_of_bits((shifted & UINT64_C(0x000fffffffffffff)) + root_half) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double half = 0.5 * f * f;
    double r = 0x1.3087b706f682ep-3;
    r = r * z + 0x1.397871c2b47fep-3;
    r = r * z + 0x1.7467fdd54661dp-3;
    r = r * z + 0x1.c71c4894cb75fp-3;
    r = r * z + 0x1.2492494f38145p-2;
    r = r * z + 0x1.999999996e003p-2;
    r = r * z + 0x1.55555555555d7p-1;
    r = r * z;
    return k * 0x1.62e42feep-1 - ((half - (s * (half + r) + k * 0x1.a39ef35793c76p-33)) - f);
}

GV_INLINE double exponential_of_bits(uint64_t bits)
{
    return 0.0 - log_of(1.0 - uniform_of_bits(bits));
}

/*
 * p - 1/2 as an odd multiple of 2^-54 in -1/2 .. 1/2, never 0: exact, and the complement of
 * the bits is the negative.
 */
GV_INLINE double centered_of_bits(uint64_t bits)
{
    return (double_of_53_bits(bits >> 11) - (0x1p52 - 0.5)) * 0x1p-53;
}

/*
 * The normal quantile: Wichura, "Algorithm AS 241: the percentage points of the normal
 * distribution", Applied Statistics 37 (1988), PPND16, in its letters: q = p - 1/2, and
 * r the smaller of p and 1 - p. Each region is a ratio of two polynomials of degree 7.
 */
GV_INLINE double normal_center(double q)
{
    const double r = 0.180625 - q * q;
    double a = 2.5090809287301226727e+3;
    a = a * r + 3.3430575583588128105e+4;
    a = a * r + 6.7265770927008700853e+4;
    a = a * r + 4.5921953931549871457e+4;
    a = a * r + 1.3731693765509461125e+4;
    a = a * r + 1.9715909503065514427e+3;
    a = a * r + 1.3314166789178437745e+2;
    a = a * r + 3.3871328727963666080e+0;
    double b = 5.2264952788528545610e+3;
    b = b * r + 2.8729085735721942674e+4;
    b = b * r + 3.9307895800092710610e+4;
    b = b * r + 2.1213794301586595867e+4;
    b = b * r + 5.3941960214247511077e+3;
    b = b * r + 6.8718700749205790830e+2;
    b = b * r + 4.2313330701600911252e+1;
    b = b * r + 1.0;
    return q * a / b;
}

GV_INLINE double normal_tail(double r)
{
    const double t = sqrt(0.0 - log_of(r)) - 1.6;
    double c = 7.74545014278341407640e-4;
    c = c * t + 2.27238449892691845833e-2;
    c = c * t + 2.41780725177450611770e-1;
    c = c * t + 1.27045825245236838258e+0;
    c = c * t + 3.64784832476320460504e+0;
    c = c * t + 5.76949722146069140550e+0;
    c = c * t + 4.63033784615654529590e+0;
    c = c * t + 1.42343711074968357734e+0;
    double d = 1.05075007164441684324e-9;
    d = d * t + 5.47593808499534494600e-4;
    d = d * t + 1.51986665636164571966e-2;
    d = d * t + 1.48103976427480074590e-1;
    d = d * t + 6.89767334985100004550e-1;
    d = d * t + 1.67638483018380384940e+0;
    d = d * t + 2.05319162663775882187e+0;
    d = d * t + 1.0;
    return c / d;
}

/* One draw in 36,000 million comes here, so this one is never vectorised. */
static inline double normal_far(double r)
{
    const double t = sqrt(0.0 - log_of(r)) - 5.0;
    double e = 2.01033439929228813265e-7;
    e = e * t + 2.71155556874348757815e-5;
    e = e * t + 1.24266094738807843860e-3;
    e = e * t + 2.65321895265761230930e-2;
    e = e * t + 2.96560571828504891230e-1;
    e = e * t + 1.78482653991729133580e+0;
    e = e * t + 5.46378491116411436990e+0;
    e = e * t + 6.65790464350110377720e+0;
    double f = 2.04426310338993978564e-15;
    f = f * t + 1.42151175831644588870e-7;
    f = f * t + 1.84631831751005468180e-5;
    f = f * t + 7.86869131145613259100e-4;
    f = f * t + 1.48753612908506148525e-2;
    f = f * t + 1.36929880922735805310e-1;
    f = f * t + 5.99832206555887937690e-1;
    f = f * t + 1.0;
    return e / f;
}

static inline double normal_of_bits(uint64_t bits)
{
    const double q = centered_of_bits(bits);
    if (fabs(q) <= NORMAL_CENTER) {
        return normal_center(q);
    }
    const double r = 0.5 - fabs(q);
    return copysign(r < NORMAL_FAR ? normal_far(r) : normal_tail(r), q);
}

#endif
