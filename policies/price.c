/*
 * Rounding without a conversion instruction, which vectors lack below AVX-512: at 2^52 doubles
 * are whole numbers, so x + 2^52 rounds x to the nearest; one is taken off where that went up,
 * and the number stands in the low bits of the sum. Valid for 0 <= x <= 2^51, hence the clamp.
 */
#include <string.h>

#include "policies/price_impl.h"
#include "sim/base/vector.h"

#define TWO_52 4503599627370496.0

static inline int64_t round_down(double nanos)
{
    const double positive = nanos > 0 ? nanos : 0; /* not a number: 0 */
    const double clamped = positive < GV_PRICE_MAX ? positive : GV_PRICE_MAX;
    const double nearest = (clamped + TWO_52) - TWO_52;
    const double whole = nearest - (nearest > clamped ? 1.0 : 0.0);
    const double shifted = whole + TWO_52;
    int64_t bits = 0;
    memcpy(&bits, &shifted, sizeof bits);
    return bits & (INT64_C(0x000FFFFFFFFFFFFF));
}

int64_t gv_price_round(double nanos)
{
    return round_down(nanos);
}

GV_VECTOR
void gv_price_scale(const double *values, size_t count, double factor, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = round_down(factor * values[i]);
    }
}

GV_VECTOR
void gv_price_scale_square(const double *values, size_t count, double factor, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = round_down(factor * (values[i] * values[i]));
    }
}

GV_VECTOR
void gv_price_round_all(const double *nanos, size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = round_down(nanos[i]);
    }
}

void gv_price_fill(int64_t bid, size_t count, int64_t *bids)
{
    for (size_t i = 0; i < count; i++) {
        bids[i] = bid;
    }
}
