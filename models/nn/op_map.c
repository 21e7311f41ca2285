/* Functions of one number: value, and slope from the argument x and the value y. */
#include <math.h>

#include "models/nn/activate_impl.h"
#include "models/nn/curve_impl.h"

REAL_INLINE real relu_value(real x)
{
    return x > 0 ? x : 0;
}

REAL_INLINE real relu_slope(real x, real y)
{
    (void)x;
    return y > 0 ? 1 : 0;
}

/* x Phi(x) has the slope Phi(x) + x phi(x). */
REAL_INLINE real gelu_value(real x)
{
    real density;
    return x * real_normal(x, &density);
}

REAL_INLINE real gelu_slope(real x, real y)
{
    (void)y;
    real density;
    const real below = real_normal(x, &density);
    return below + x * density;
}

/* Hendrycks and Gimpel, arXiv 1606.08415: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
#define GELU_ROOT  ((real)0.7978845608028654)
#define GELU_CUBIC ((real)0.044715)

REAL_INLINE real gelu_tanh_value(real x)
{
    const real t = real_tanh(GELU_ROOT * (x + GELU_CUBIC * x * x * x));
    return (real)0.5 * x * (1 + t);
}

REAL_INLINE real gelu_tanh_slope(real x, real y)
{
    (void)y;
    const real t = real_tanh(GELU_ROOT * (x + GELU_CUBIC * x * x * x));
    const real inner = GELU_ROOT * (1 + 3 * GELU_CUBIC * x * x);
    return (real)0.5 * (1 + t) + (real)0.5 * x * (1 - t * t) * inner;
}

REAL_INLINE real silu_value(real x)
{
    return x * real_sigmoid(x);
}

REAL_INLINE real silu_slope(real x, real y)
{
    const real s = real_sigmoid(x);
    return s + y * (1 - s);
}

/*
 * With e = exp(x): tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2), which is 1 beyond x = 20.
 * Its slope in x is 4 e (1 + e) / (e^2 + 2 e + 2)^2.
 */
REAL_INLINE real mish_value(real x)
{
    const real e = real_exp(x > 20 ? 20 : x);
    const real n = e * (e + 2);
    return x * (n / (n + 2));
}

REAL_INLINE real mish_slope(real x, real y)
{
    (void)y;
    const real e = real_exp(x > 20 ? 20 : x);
    const real n = e * (e + 2);
    const real q = 1 / (n + 2);
    return n * q + x * (4 * e * (1 + e)) * q * q;
}

REAL_INLINE real tanh_value(real x)
{
    return real_tanh(x);
}

REAL_INLINE real tanh_slope(real x, real y)
{
    (void)x;
    return 1 - y * y;
}

REAL_INLINE real sigmoid_value(real x)
{
    return real_sigmoid(x);
}

REAL_INLINE real sigmoid_slope(real x, real y)
{
    (void)x;
    return y * (1 - y);
}

REAL_INLINE real exp_value(real x)
{
    return real_exp(x);
}

REAL_INLINE real exp_slope(real x, real y)
{
    (void)x;
    return y;
}

REAL_INLINE real softplus_value(real x)
{
    return real_softplus(x);
}

REAL_INLINE real softplus_slope(real x, real y)
{
    (void)y;
    return real_sigmoid(x);
}

REAL_INLINE real symlog_value(real x)
{
    const real magnitude = (real)log1p(fabs((double)x));
    return x < 0 ? -magnitude : magnitude;
}

REAL_INLINE real symlog_slope(real x, real y)
{
    (void)y;
    return 1 / (1 + (x < 0 ? -x : x));
}

/*
 * The loops and the table's kernel of one function. Whether slopes are added is settled outside
 * the loop: within, the longer ones would not become vector code.
 */
#define MAP(name)                                                                               \
    REAL_INLINE void name##_slopes_if(const real *x, const real *y, const real *dy, size_t n,   \
                                      bool adds, real *dx)                                      \
    {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                        \
            put(&dx[i], dy[i] * name##_slope(x[i], y[i]), adds);                                \
        }                                                                                       \
    }                                                                                           \
    GV_VECTOR static void name##_values(const real *x, size_t n, real *out)                     \
    {                                                                                           \
        for (size_t i = 0; i < n; i++) {                                                        \
            out[i] = name##_value(x[i]);                                                        \
        }                                                                                       \
    }                                                                                           \
    GV_VECTOR static void name##_slopes(const real *x, const real *y, const real *dy, size_t n, \
                                        bool adds, real *dx)                                    \
    {                                                                                           \
        if (adds) {                                                                             \
            name##_slopes_if(x, y, dy, n, true, dx);                                            \
        } else {                                                                                \
            name##_slopes_if(x, y, dy, n, false, dx);                                           \
        }                                                                                       \
    }                                                                                           \
    static void name##_forward(const gv_op_call *call)                                          \
    {                                                                                           \
        name##_values(call->in[0], gv_shape_count(call->out_shape), call->out);                 \
    }                                                                                           \
    static void name##_backward(const gv_op_call *call)                                         \
    {                                                                                           \
        name##_slopes(call->in[0], call->out, call->grad_out, gv_shape_count(call->out_shape),  \
                      call->add_grad[0], call->grad_in[0]);                                     \
    }                                                                                           \
    const gv_op_kernel GV_REAL(gv_op_##name) = {name##_forward, name##_backward}

MAP(relu);
MAP(gelu);
MAP(gelu_tanh);
MAP(silu);
MAP(mish);
MAP(tanh);
MAP(sigmoid);
MAP(exp);
MAP(softplus);
MAP(symlog);

#ifndef GV_DOUBLE

/* The same loops for serving, which has single precision alone. */
#define SERVE(name)                                               \
    void gv_activate_##name(const float *x, size_t n, float *out) \
    {                                                             \
        name##_values(x, n, out);                                 \
    }

SERVE(relu)
SERVE(gelu)
SERVE(gelu_tanh)
SERVE(silu)
SERVE(mish)
SERVE(tanh)
SERVE(sigmoid)

#endif

GV_VECTOR static void scale_values(const real *x, size_t n, real factor, real offset, real *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = factor * x[i] + offset;
    }
}

static void scale_forward(const gv_op_call *call)
{
    scale_values(call->in[0], gv_shape_count(call->out_shape), (real)call->attrs->factor,
                 (real)call->attrs->offset, call->out);
}

static void scale_backward(const gv_op_call *call)
{
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    const size_t n = gv_shape_count(call->out_shape);
    for (size_t i = 0; i < n; i++) {
        put(&dx[i], (real)call->attrs->factor * dy[i], call->add_grad[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_scale) = {scale_forward, scale_backward};

static void clamp_forward(const gv_op_call *call)
{
    const real low = (real)call->attrs->offset;
    const real high = (real)call->attrs->high;
    const real *x = call->in[0];
    real *out = call->out;
    const size_t n = gv_shape_count(call->out_shape);
    for (size_t i = 0; i < n; i++) {
        const real below = x[i] > high ? high : x[i];
        out[i] = below < low ? low : below;
    }
}

static void clamp_backward(const gv_op_call *call)
{
    const real low = (real)call->attrs->offset;
    const real high = (real)call->attrs->high;
    const real *x = call->in[0];
    const real *dy = call->grad_out;
    real *dx = call->grad_in[0];
    const size_t n = gv_shape_count(call->out_shape);
    for (size_t i = 0; i < n; i++) {
        const bool is_inside = x[i] >= low && x[i] <= high;
        put(&dx[i], is_inside ? dy[i] : 0, call->add_grad[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_clamp) = {clamp_forward, clamp_backward};
