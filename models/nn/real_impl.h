/*
 * real_impl.h - the number type that operators are written over, and sums in a fixed order.
 *
 * op_*.c are compiled for float; double.c includes them once more with GV_DOUBLE defined.
 */
#ifndef MODELS_NN_REAL_IMPL_H
#define MODELS_NN_REAL_IMPL_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "models/nn/blas_impl.h"
#include "models/nn/graph_impl.h"
#include "sim/base/vector.h"

#ifdef GV_DOUBLE
typedef double real;
#define GV_REAL(name) name##_f64
#else
typedef float real;
#define GV_REAL(name) name##_f32
#endif

#define REAL_INLINE static inline __attribute__((always_inline))

/* Writes or adds; `adds` does not change within a loop, which the compiler splits by it. */
REAL_INLINE void put(real *place, real value, bool adds)
{
    *place = adds ? *place + value : value;
}

/*
 * Sums run over LANES partial sums, number i into lane i % LANES, which are added pairwise: the
 * order is that of the code, whatever vectors the processor has.
 */
enum { LANES = 16 };

REAL_INLINE real lanes_total(const real lane[LANES])
{
    real half[LANES / 2];
    for (size_t i = 0; i < LANES / 2; i++) {
        half[i] = lane[i] + lane[i + LANES / 2];
    }
    const real a = (half[0] + half[4]) + (half[2] + half[6]);
    const real b = (half[1] + half[5]) + (half[3] + half[7]);
    return a + b;
}

/* Sum of x over [n]. */
REAL_INLINE real sum_of(const real *x, size_t n)
{
    real lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lane[k] += x[i + k];
        }
    }
    for (size_t k = 0; i < n; i++, k++) {
        lane[k] += x[i];
    }
    return lanes_total(lane);
}

/* Sum of x y over [n]. */
REAL_INLINE real dot_of(const real *x, const real *y, size_t n)
{
    real lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lane[k] += x[i + k] * y[i + k];
        }
    }
    for (size_t k = 0; i < n; i++, k++) {
        lane[k] += x[i] * y[i];
    }
    return lanes_total(lane);
}

/* Sum of (x - center)^2 over [n]. */
REAL_INLINE real spread_of(const real *x, real center, size_t n)
{
    real lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            const real d = x[i + k] - center;
            lane[k] += d * d;
        }
    }
    for (size_t k = 0; i < n; i++, k++) {
        const real d = x[i] - center;
        lane[k] += d * d;
    }
    return lanes_total(lane);
}

/* Largest of x over [n], n >= 1. */
REAL_INLINE real max_of(const real *x, size_t n)
{
    real lane[LANES];
    for (size_t k = 0; k < LANES; k++) {
        lane[k] = x[0];
    }
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
        }
    }
    for (; i < n; i++) {
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    }
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t k = 0; k < half; k++) {
            lane[k] = lane[k] > lane[k + half] ? lane[k] : lane[k + half];
        }
    }
    return lane[0];
}

/* Size of the last axis, and how many rows of it there are. */
static inline size_t width_of(const gv_shape *shape)
{
    return shape->dim[shape->rank - 1];
}

static inline size_t rows_of(const gv_shape *shape)
{
    return gv_shape_count(shape) / width_of(shape);
}

#endif
