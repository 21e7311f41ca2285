/*
 * Rounding without a conversion instruction, which vectors lack below AVX-512: at 2^52 doubles
 * are whole numbers, so x + 2^52 rounds x to the nearest; one is taken off where that went up,
 * and the number stands in the low bits of the sum. Valid for 0 <= x < 2^52, hence the clamp.
 * Where there is such an instruction, the two functions that price most markets use it.
 */
#include <stdbool.h>
#include <string.h>

#include "policies/price_impl.h"
#include "sim/base/vector.h"
#include "sim/market/mechanism.h"

#define TWO_52   4503599627370496.0
#define BID_MAX  (GV_PRICE_MAX + 1.0)        /* more than GV_OFFER_MAX, so a market counts it */
#define INFINITE INT64_C(0x7FF0000000000000) /* its bits; those of what is no number are above */

/* Also in functions for other processors. */
#define STATIC_INLINE static inline __attribute__((always_inline))

STATIC_INLINE double clamp(double nanos, double most)
{
    const double positive = nanos > 0 ? nanos : 0; /* not a number: 0 */
    return positive < most ? positive : most;
}

/*
 * Without a branch, which would keep the loops below from being vectors: one is taken off by the
 * sign of what the rounding left over, which is never -0.
 */
STATIC_INLINE int64_t round_down(double nanos, double most)
{
    const double clamped = clamp(nanos, most);
    const double shifted = clamped + TWO_52;
    const double left_over = clamped - (shifted - TWO_52);
    uint64_t nearest = 0;
    uint64_t sign = 0;
    memcpy(&nearest, &shifted, sizeof nearest);
    memcpy(&sign, &left_over, sizeof sign);
    return (int64_t)((nearest & UINT64_C(0x000FFFFFFFFFFFFF)) - (sign >> 63));
}

/* The same bits as GV_BID_NAN where a number is none, else 0. */
STATIC_INLINE int64_t mark_of(double nanos)
{
    int64_t bits = 0;
    memcpy(&bits, &nanos, sizeof bits);
    return (bits & INT64_MAX) > INFINITE ? GV_BID_NAN : 0;
}

/* What went wrong stays to be seen: no bid, or one above all that may be offered. */
STATIC_INLINE int64_t bid_of(double nanos)
{
    return round_down(nanos, BID_MAX) | mark_of(nanos);
}

int64_t gv_price_round(double nanos)
{
    return round_down(nanos, GV_PRICE_MAX);
}

int64_t gv_price_bid(double nanos)
{
    return bid_of(nanos);
}

GV_VECTOR static void scale(const double *values, size_t count, double factor, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = bid_of(factor * values[i]);
    }
}

GV_VECTOR static void scale_square(const double *values, size_t count, double factor, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = bid_of(factor * (values[i] * values[i]));
    }
}

#if defined(__x86_64__)

#define TARGET_AVX512 __attribute__((target("avx512f,avx512dq")))

static bool converts(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

/* The same as bid_of(). */
STATIC_INLINE int64_t convert_one(double nanos)
{
    const int64_t whole = (int64_t)clamp(nanos, BID_MAX);
    return nanos == nanos ? whole : GV_BID_NAN;
}

TARGET_AVX512 static void convert(const double *values, size_t count, double factor, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = convert_one(factor * values[i]);
    }
}

TARGET_AVX512 static void convert_square(const double *values, size_t count, double factor,
                                         int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = convert_one(factor * (values[i] * values[i]));
    }
}

#else

static bool converts(void)
{
    return false;
}

#define convert        scale
#define convert_square scale_square

#endif

void gv_price_scale(const double *values, size_t count, double factor, int64_t *bids)
{
    if (converts()) {
        convert(values, count, factor, bids);
    } else {
        scale(values, count, factor, bids);
    }
}

void gv_price_scale_square(const double *values, size_t count, double factor, int64_t *bids)
{
    if (converts()) {
        convert_square(values, count, factor, bids);
    } else {
        scale_square(values, count, factor, bids);
    }
}

GV_VECTOR
void gv_price_round_all(const double *nanos, size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = bid_of(nanos[i]);
    }
}

void gv_price_fill(int64_t bid, size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = bid;
    }
}
