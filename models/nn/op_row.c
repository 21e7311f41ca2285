/* What works row by row over the last axis: softmax, log-sum-exp, gathering, sums. */
#include <math.h>
#include <stdint.h>

#include "models/nn/curve_impl.h"
#include "models/nn/row_impl.h"

GV_VECTOR static void softmax_rows(const real *x, size_t rows, size_t width, real *out)
{
    for (size_t row = 0; row < rows; row++) {
        softmax_row(x + row * width, width, 1, out + row * width);
    }
}

static void softmax_forward(const gv_op_call *call)
{
    softmax_rows(call->in[0], rows_of(call->out_shape), width_of(call->out_shape), call->out);
}

GV_VECTOR static void softmax_rows_back(const real *y, const real *dy, size_t rows, size_t width,
                                        bool adds, real *dx)
{
    for (size_t row = 0; row < rows; row++) {
        const size_t at = row * width;
        const real shared = dot_of(y + at, dy + at, width);
        for (size_t i = at; i < at + width; i++) {
            put(&dx[i], y[i] * (dy[i] - shared), adds);
        }
    }
}

static void softmax_backward(const gv_op_call *call)
{
    softmax_rows_back(call->out, call->grad_out, rows_of(call->out_shape),
                      width_of(call->out_shape), call->add_grad[0], call->grad_in[0]);
}

const gv_op_kernel GV_REAL(gv_op_softmax) = {softmax_forward, softmax_backward};

GV_VECTOR static real exp_sum(const real *x, size_t width, real shift, real *work)
{
    for (size_t i = 0; i < width; i++) {
        work[i] = real_exp(x[i] - shift);
    }
    return sum_of(work, width);
}

static void log_sum_exp_forward(const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    const real *x = call->in[0];
    real *out = call->out;
    for (size_t row = 0; row < rows; row++) {
        const real shift = max_of(x + row * width, width);
        out[row] = shift + (real)log((double)exp_sum(x + row * width, width, shift, call->work));
    }
}

GV_VECTOR static void log_sum_exp_rows_back(const real *x, const real *y, const real *dy,
                                            const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    real *dx = call->grad_in[0];
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < width; i++) {
            const size_t at = row * width + i;
            put(&dx[at], dy[row] * real_exp(x[at] - y[row]), call->add_grad[0]);
        }
    }
}

static void log_sum_exp_backward(const gv_op_call *call)
{
    log_sum_exp_rows_back(call->in[0], call->out, call->grad_out, call);
}

const gv_op_kernel GV_REAL(gv_op_log_sum_exp) = {log_sum_exp_forward, log_sum_exp_backward};

static void embedding_forward(const gv_op_call *call)
{
    const size_t width = width_of(call->out_shape);
    const size_t rows = rows_of(call->out_shape);
    const int32_t *indices = call->in[0];
    const real *table = call->in[1];
    real *out = call->out;
    for (size_t row = 0; row < rows; row++) {
        assert(indices[row] >= 0);
        assert((size_t)indices[row] < call->shape[1]->dim[0]);
        memcpy(out + row * width, table + (size_t)indices[row] * width, width * sizeof *out);
    }
}

static void embedding_backward(const gv_op_call *call)
{
    const size_t width = width_of(call->out_shape);
    const size_t rows = rows_of(call->out_shape);
    const int32_t *indices = call->in[0];
    const real *dy = call->grad_out;
    real *dtable = call->grad_in[1];
    if (!call->add_grad[1]) {
        memset(dtable, 0, gv_shape_count(call->shape[1]) * sizeof *dtable);
    }
    for (size_t row = 0; row < rows; row++) {
        real *to = dtable + (size_t)indices[row] * width;
        for (size_t i = 0; i < width; i++) {
            to[i] += dy[row * width + i];
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_embedding) = {embedding_forward, embedding_backward};

static void sum_last_forward(const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    const real *x = call->in[0];
    real *out = call->out;
    for (size_t row = 0; row < rows; row++) {
        out[row] = (real)call->attrs->factor * sum_of(x + row * width, width);
    }
}

static void sum_last_backward(const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    for (size_t row = 0; row < rows; row++) {
        const real d = (real)call->attrs->factor * dy[row];
        for (size_t i = 0; i < width; i++) {
            put(&dx[row * width + i], d, call->add_grad[0]);
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_sum_last) = {sum_last_forward, sum_last_backward};

static void sum_forward(const gv_op_call *call)
{
    *(real *)call->out =
        (real)call->attrs->factor * sum_of(call->in[0], gv_shape_count(call->shape[0]));
}

static void sum_backward(const gv_op_call *call)
{
    const size_t n = gv_shape_count(call->shape[0]);
    const real d = (real)call->attrs->factor * *(const real *)call->grad_out;
    real *dx = call->grad_in[0];
    for (size_t i = 0; i < n; i++) {
        put(&dx[i], d, call->add_grad[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_sum) = {sum_forward, sum_backward};
