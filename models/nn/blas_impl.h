/*
 * blas_impl.h - matrix products, row-major: C := alpha op(A) op(B) + beta C.
 *
 * OpenBLAS lives behind this file: sizes are size_t, and each call runs on its caller's thread
 * alone, so that threads belong to who splits the batch and results do not depend on them.
 */
#ifndef MODELS_NN_BLAS_IMPL_H
#define MODELS_NN_BLAS_IMPL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gv_gemm {
    size_t m, n, k;       /* C is [m][n]; k is summed over */
    size_t lda, ldb, ldc; /* numbers from a stored row to the next */
    bool is_a_transposed; /* A is stored [k][m] */
    bool is_b_transposed; /* B is stored [n][k] */
    double alpha;
    bool adds; /* beta is 1, else 0: what C held does not matter, be it NaN */
} gv_gemm;

void gv_gemm_f32(const gv_gemm *gemm, const float *a, const float *b, float *c);
void gv_gemm_f64(const gv_gemm *gemm, const double *a, const double *b, double *c);

/* OpenBLAS starts no threads of its own from now on. */
void gv_blas_single_thread(void);

#endif
