/* Matrix products. The bias of a linear layer is written first, and the product added to it. */
#include "models/nn/panel_impl.h"
#include "models/nn/real_impl.h"

/* out [rows][width] := bias in each row. */
GV_VECTOR static void spread_bias(const real *bias, size_t rows, size_t width, real *out)
{
    for (size_t row = 0; row < rows; row++) {
        memcpy(out + row * width, bias, width * sizeof *out);
    }
}

/* bias [width] (+)= sum over rows of x [rows][width]; row by row, so the order is fixed. */
GV_VECTOR static void sum_rows(const real *x, size_t rows, size_t width, bool adds, real *bias)
{
    if (!adds) {
        memset(bias, 0, width * sizeof *bias);
    }
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < width; i++) {
            bias[i] += x[row * width + i];
        }
    }
}

#ifndef GV_DOUBLE
/* By panels, packed anew each time: their weights change with every step of training. */
static void linear_alone(const gv_op_call *call, size_t rows, size_t in, size_t out)
{
    gv_panels panels = gv_panels_place(in, out, call->work);
    const gv_panel_part all = {.w = call->in[1], .w_output = in, .w_input = 1, .count = in};
    gv_panels_pack(&panels, &all);
    if (call->in[2] != NULL) {
        memcpy(panels.bias, call->in[2], out * sizeof *panels.bias);
    }
    const gv_panel_rows task = {
        .x = call->in[0], .x_step = in, .y = call->out, .y_step = out, .rows = rows, .run = rows};
    gv_panels_apply(&panels, &task);
}
#endif

static void linear_forward(const gv_op_call *call)
{
    const size_t rows = rows_of(call->shape[0]);
    const size_t in = width_of(call->shape[0]);
    const size_t out = width_of(call->out_shape);
    const bool is_biased = call->in[2] != NULL;
#ifndef GV_DOUBLE
    if (call->attrs->is_flagged) {
        linear_alone(call, rows, in, out);
        return;
    }
#endif
    if (is_biased) {
        spread_bias(call->in[2], rows, out, call->out);
    }
    const gv_gemm gemm = {.m = rows,
                          .n = out,
                          .k = in,
                          .lda = in,
                          .ldb = in,
                          .ldc = out,
                          .is_b_transposed = true,
                          .alpha = 1.0,
                          .adds = is_biased};
    GV_REAL(gv_gemm)(&gemm, call->in[0], call->in[1], call->out);
}

static void linear_backward(const gv_op_call *call)
{
    const size_t rows = rows_of(call->shape[0]);
    const size_t in = width_of(call->shape[0]);
    const size_t out = width_of(call->out_shape);
    if (call->grad_in[0] != NULL) {
        const gv_gemm gemm = {.m = rows,
                              .n = in,
                              .k = out,
                              .lda = out,
                              .ldb = in,
                              .ldc = in,
                              .alpha = 1.0,
                              .adds = call->add_grad[0]};
        GV_REAL(gv_gemm)(&gemm, call->grad_out, call->in[1], call->grad_in[0]);
    }
    if (call->grad_in[1] != NULL) {
        const gv_gemm gemm = {.m = out,
                              .n = in,
                              .k = rows,
                              .lda = out,
                              .ldb = in,
                              .ldc = in,
                              .is_a_transposed = true,
                              .alpha = 1.0,
                              .adds = call->add_grad[1]};
        GV_REAL(gv_gemm)(&gemm, call->grad_out, call->in[0], call->grad_in[1]);
    }
    if (call->grad_in[2] != NULL) {
        sum_rows(call->grad_out, rows, out, call->add_grad[2], call->grad_in[2]);
    }
}

const gv_op_kernel GV_REAL(gv_op_linear) = {linear_forward, linear_backward};

/* a [m][k] by b, each a batch of `count`, or b one matrix for all (then a is one tall matrix). */
typedef struct product_sizes {
    size_t count, m, n, k;
    size_t b_step; /* numbers from one b to the next */
} product_sizes;

static product_sizes sizes_of(const gv_op_call *call)
{
    const gv_shape *a = call->shape[0];
    const gv_shape *b = call->shape[1];
    const size_t k = width_of(a);
    const size_t n = width_of(call->out_shape);
    if (b->rank == 2) {
        return (product_sizes){.count = 1, .m = rows_of(a), .n = n, .k = k};
    }
    const size_t m = a->dim[a->rank - 2];
    return (product_sizes){.count = rows_of(a) / m, .m = m, .n = n, .k = k, .b_step = n * k};
}

static void matmul_forward(const gv_op_call *call)
{
    const product_sizes s = sizes_of(call);
    const bool flips = call->attrs->is_flagged;
    const gv_gemm gemm = {.m = s.m,
                          .n = s.n,
                          .k = s.k,
                          .lda = s.k,
                          .ldb = flips ? s.k : s.n,
                          .ldc = s.n,
                          .is_b_transposed = flips,
                          .alpha = 1.0};
    const real *a = call->in[0];
    const real *b = call->in[1];
    real *out = call->out;
    for (size_t i = 0; i < s.count; i++) {
        GV_REAL(gv_gemm)(&gemm, a + i * s.m * s.k, b + i * s.b_step, out + i * s.m * s.n);
    }
}

static void matmul_grad_a(const gv_op_call *call, const product_sizes *s)
{
    const bool flips = call->attrs->is_flagged;
    const gv_gemm gemm = {.m = s->m,
                          .n = s->k,
                          .k = s->n,
                          .lda = s->n,
                          .ldb = flips ? s->k : s->n,
                          .ldc = s->k,
                          .is_b_transposed = !flips,
                          .alpha = 1.0,
                          .adds = call->add_grad[0]};
    const real *dy = call->grad_out;
    const real *b = call->in[1];
    real *da = call->grad_in[0];
    for (size_t i = 0; i < s->count; i++) {
        GV_REAL(gv_gemm)(&gemm, dy + i * s->m * s->n, b + i * s->b_step, da + i * s->m * s->k);
    }
}

/* b [k][n]: a^T dy; b [n][k]: dy^T a. */
static void matmul_grad_b(const gv_op_call *call, const product_sizes *s)
{
    const bool flips = call->attrs->is_flagged;
    const gv_gemm gemm = {.m = flips ? s->n : s->k,
                          .n = flips ? s->k : s->n,
                          .k = s->m,
                          .lda = flips ? s->n : s->k,
                          .ldb = flips ? s->k : s->n,
                          .ldc = flips ? s->k : s->n,
                          .is_a_transposed = true,
                          .alpha = 1.0,
                          .adds = call->add_grad[1]};
    const real *dy = call->grad_out;
    const real *a = call->in[0];
    real *db = call->grad_in[1];
    for (size_t i = 0; i < s->count; i++) {
        const real *left = flips ? dy + i * s->m * s->n : a + i * s->m * s->k;
        const real *right = flips ? a + i * s->m * s->k : dy + i * s->m * s->n;
        GV_REAL(gv_gemm)(&gemm, left, right, db + i * s->b_step);
    }
}

static void matmul_backward(const gv_op_call *call)
{
    const product_sizes s = sizes_of(call);
    if (call->grad_in[0] != NULL) {
        matmul_grad_a(call, &s);
    }
    if (call->grad_in[1] != NULL) {
        matmul_grad_b(call, &s);
    }
}

const gv_op_kernel GV_REAL(gv_op_matmul) = {matmul_forward, matmul_backward};
