/*
 * curve_impl.h - exp, tanh, the logistic and the normal distribution without branches or libm.
 *
 * A loop over them becomes vector code in every clone of GV_VECTOR, with the same bits. In
 * double they are libm's. Single precision is held by a test to these distances from the exact
 * value, in units of the last place: exp 2, tanh 2, the logistic 3, the normal distribution
 * function 13 for -5 < x < 5 (far less for x > 0; the loss is in the square of a tail's x).
 */
#ifndef MODELS_NN_CURVE_IMPL_H
#define MODELS_NN_CURVE_IMPL_H

#include <math.h>
#include <stdint.h>

#include "models/nn/real_impl.h"

#ifndef GV_DOUBLE

REAL_INLINE float float_of_bits(uint32_t bits)
{
    const union {
        uint32_t bits;
        float value;
    } both = {.bits = bits};
    return both.value;
}

REAL_INLINE uint32_t bits_of_float(float value)
{
    const union {
        float value;
        uint32_t bits;
    } both = {.value = value};
    return both.bits;
}

/*
 * exp(x) = 2^n exp(r), r = x - n log 2 in +-0.35, n by rounding: adding 1.5 x 2^23 leaves it in
 * the low bits. log 2 is split so that n times its head is exact. exp(r) is Taylor's to r^7,
 * whose next term is below 2^-27. The argument is held to where the result is a normal number:
 * below -87.3 it is 1.2e-38 instead of less, above 88.7 it is 3.4e38 instead of infinity. A NaN
 * stays one.
 */
REAL_INLINE float real_exp(float x)
{
    const float low = -87.33F;
    const float high = 88.72F;
    x = x < low ? low : x;
    x = x > high ? high : x;
    const float shifted = x * 1.44269504F + 12582912.0F;
    const float n = shifted - 12582912.0F;
    const float r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
    float p = 1.0F / 5040.0F;
    p = 1.0F / 720.0F + p * r;
    p = 1.0F / 120.0F + p * r;
    p = 1.0F / 24.0F + p * r;
    p = 1.0F / 6.0F + p * r;
    p = 0.5F + p * r;
    p = r + (p * r) * r;
    /* 2^n in two factors: 2^128 alone is no float. */
    const int32_t whole = (int32_t)bits_of_float(shifted) - 0x4b400000;
    const int32_t half = whole >> 1;
    const float scale = float_of_bits((uint32_t)(half + 127) << 23);
    const float rest = float_of_bits((uint32_t)(whole - half + 127) << 23);
    return ((1.0F + p) * scale) * rest;
}

REAL_INLINE float real_sigmoid(float x)
{
    /* exp of the negative magnitude never overflows: the small half is e / (1 + e). */
    const float e = real_exp(-fabsf(x));
    const float q = 1.0F / (1.0F + e);
    return x < 0.0F ? e * q : q;
}

/* Near 0 an odd polynomial (of Cephes' tanhf), beyond 1 - 2 / (exp(2 |x|) + 1). */
REAL_INLINE float real_tanh(float x)
{
    const float z = x * x;
    float p = -5.70498872745e-3F;
    p = 2.06390887954e-2F + p * z;
    p = -5.37397155531e-2F + p * z;
    p = 1.33314422036e-1F + p * z;
    p = -3.33332819422e-1F + p * z;
    const float near = x + (p * z) * x;
    const float far = 1.0F - 2.0F / (real_exp(2.0F * fabsf(x)) + 1.0F);
    return fabsf(x) < 0.625F ? near : copysignf(far, x);
}

/*
 * The normal distribution: returns Phi(x), and phi(x) in *density. The tail Phi(-|x|) is
 * exp(-x^2/2) times a polynomial in t = 1 / (1 + 0.36 |x|), the form of Hastings' approximations
 * (Abramowitz and Stegun 26.2.17); ours is a minimax fit over 0 .. 13 to 3.3e-7 of the tail. One
 * exponential thus serves GELU's value and its slope.
 */
REAL_INLINE float real_normal(float x, float *density)
{
    const float t = 1.0F / (1.0F + 0.36F * fabsf(x));
    const float e = real_exp(-0.5F * (x * x));
    float p = -0.02937004156410694F;
    p = 0.13506737351417542F + p * t;
    p = -0.2140444815158844F + p * t;
    p = 0.09611401706933975F + p * t;
    p = 0.007519890088587999F + p * t;
    p = 0.09266150742769241F + p * t;
    p = 0.12486112117767334F + p * t;
    p = 0.14356651902198792F + p * t;
    p = 0.14362406730651855F + p * t;
    const float tail = p * t * e;
    *density = 0.3989422804F * e;
    return x < 0.0F ? tail : 1.0F - tail;
}

#else

REAL_INLINE double real_exp(double x)
{
    return exp(x);
}

REAL_INLINE double real_sigmoid(double x)
{
    const double e = exp(-fabs(x));
    return x < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

REAL_INLINE double real_tanh(double x)
{
    return tanh(x);
}

REAL_INLINE double real_normal(double x, double *density)
{
    *density = 0.39894228040143267794 * exp(-0.5 * x * x);
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

#endif

/* log(1 + exp(x)), for losses: the logarithm is libm's. */
REAL_INLINE real real_softplus(real x)
{
    const real magnitude = x < 0 ? -x : x;
    const real tail = (real)log1p(exp(-(double)magnitude));
    return (x > 0 ? x : 0) + tail;
}

#endif
