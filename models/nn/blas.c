#include <assert.h>
#include <cblas.h>
#include <limits.h>

#include "models/nn/blas_impl.h"

void gv_blas_single_thread(void)
{
    openblas_set_num_threads(1);
}

static blasint blas_size(size_t size)
{
    assert(size <= INT_MAX);
    return (blasint)size;
}

static CBLAS_TRANSPOSE turn(bool is_transposed)
{
    return is_transposed ? CblasTrans : CblasNoTrans;
}

void gv_gemm_f32(const gv_gemm *gemm, const float *a, const float *b, float *c)
{
    cblas_sgemm(CblasRowMajor, turn(gemm->is_a_transposed), turn(gemm->is_b_transposed),
                blas_size(gemm->m), blas_size(gemm->n), blas_size(gemm->k), (float)gemm->alpha, a,
                blas_size(gemm->lda), b, blas_size(gemm->ldb), gemm->adds ? 1.0F : 0.0F, c,
                blas_size(gemm->ldc));
}

void gv_gemm_f64(const gv_gemm *gemm, const double *a, const double *b, double *c)
{
    cblas_dgemm(CblasRowMajor, turn(gemm->is_a_transposed), turn(gemm->is_b_transposed),
                blas_size(gemm->m), blas_size(gemm->n), blas_size(gemm->k), gemm->alpha, a,
                blas_size(gemm->lda), b, blas_size(gemm->ldb), gemm->adds ? 1.0 : 0.0, c,
                blas_size(gemm->ldc));
}
