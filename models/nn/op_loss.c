/*
 * Losses. Most are a weighted sum over elements of a function of up to three operands: a rule
 * gives its value and its slopes, and one pair of loops serves all. The weights are the operand
 * behind the rule's own.
 */
#include <math.h>
#include <stdint.h>

#include "models/nn/curve_impl.h"

enum { RULE_OPERANDS = 3 };

/* v: one element's operands; slopes: towards each of them that is no target. */
typedef struct loss_rule {
    size_t operands;
    real (*value)(const gv_op_attrs *attrs, const real v[RULE_OPERANDS]);
    void (*slopes)(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                   real slopes[RULE_OPERANDS]);
} loss_rule;

static void element(const gv_op_call *call, const loss_rule *rule, size_t i, real v[RULE_OPERANDS])
{
    for (size_t k = 0; k < rule->operands; k++) {
        v[k] = ((const real *)call->in[k])[i];
    }
}

static void rule_forward(const gv_op_call *call, const loss_rule *rule)
{
    const size_t n = gv_shape_count(call->shape[0]);
    const real *weights = call->in[rule->operands];
    real lane[LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        real v[RULE_OPERANDS] = {0};
        element(call, rule, i, v);
        const real value = rule->value(call->attrs, v);
        lane[i % LANES] += weights == NULL ? value : weights[i] * value;
    }
    *(real *)call->out = (real)call->attrs->factor * lanes_total(lane);
}

static void rule_backward(const gv_op_call *call, const loss_rule *rule)
{
    const size_t n = gv_shape_count(call->shape[0]);
    const real *weights = call->in[rule->operands];
    const real d = (real)call->attrs->factor * *(const real *)call->grad_out;
    for (size_t i = 0; i < n; i++) {
        real v[RULE_OPERANDS] = {0};
        real slopes[RULE_OPERANDS] = {0};
        element(call, rule, i, v);
        rule->slopes(call->attrs, v, slopes);
        for (size_t k = 0; k < rule->operands; k++) {
            real *dx = call->grad_in[k];
            if (dx != NULL) {
                put(&dx[i], d * (weights == NULL ? slopes[k] : weights[i] * slopes[k]),
                    call->add_grad[k]);
            }
        }
    }
}

#define RULE(name, count)                                                        \
    static const loss_rule name##_rule = {(count), name##_value, name##_slopes}; \
    static void name##_forward(const gv_op_call *call)                           \
    {                                                                            \
        rule_forward(call, &name##_rule);                                        \
    }                                                                            \
    static void name##_backward(const gv_op_call *call)                          \
    {                                                                            \
        rule_backward(call, &name##_rule);                                       \
    }                                                                            \
    const gv_op_kernel GV_REAL(gv_op_##name) = {name##_forward, name##_backward}

static real mse_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    (void)attrs;
    return (v[0] - v[1]) * (v[0] - v[1]);
}

static void mse_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                       real slopes[RULE_OPERANDS])
{
    (void)attrs;
    slopes[0] = 2 * (v[0] - v[1]);
}

/* log(1 + exp(z)) - y z */
static real bce_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    (void)attrs;
    return real_softplus(v[0]) - v[1] * v[0];
}

static void bce_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                       real slopes[RULE_OPERANDS])
{
    (void)attrs;
    slopes[0] = real_sigmoid(v[0]) - v[1];
}

static real gaussian_nll_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    (void)attrs;
    const real u = v[2] - v[0];
    return (real)0.5 * (v[1] + u * u * real_exp(-v[1]));
}

static void gaussian_nll_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                                real slopes[RULE_OPERANDS])
{
    (void)attrs;
    const real u = v[2] - v[0];
    const real precision = real_exp(-v[1]);
    slopes[0] = -u * precision;
    slopes[1] = (real)0.5 * (1 - u * u * precision);
}

/* How far the bound lies above the mean, in deviations. */
static double beyond_of(const real v[RULE_OPERANDS])
{
    return (double)(v[2] - v[0]) * exp(-0.5 * (double)v[1]);
}

/* Beyond this many deviations erfc() underflows, and Q(x) = phi(x) / x (1 - 1 / x^2 ...). */
#define FAR_BEYOND 25.0

static real beyond_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    (void)attrs;
    const double x = beyond_of(v);
    if (x < FAR_BEYOND) {
        return (real)(M_LN2 - log(erfc(x / M_SQRT2)));
    }
    return (real)(x * x / 2 + log(x * sqrt(2 * M_PI)) - log1p(-1 / (x * x)));
}

/* The hazard phi(x) / Q(x) is the slope of the value by x. */
static void beyond_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                          real slopes[RULE_OPERANDS])
{
    (void)attrs;
    const double x = beyond_of(v);
    const double hazard =
        x < FAR_BEYOND ? sqrt(2 / M_PI) * exp(-x * x / 2) / erfc(x / M_SQRT2) : x + 1 / x;
    slopes[0] = (real)(-hazard * exp(-0.5 * (double)v[1]));
    slopes[1] = (real)(-hazard * x / 2);
}

static real expectile_weight(const gv_op_attrs *attrs, real u)
{
    return u < 0 ? 1 - (real)attrs->offset : (real)attrs->offset;
}

static real expectile_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    const real u = v[1] - v[0];
    return expectile_weight(attrs, u) * u * u;
}

static void expectile_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                             real slopes[RULE_OPERANDS])
{
    const real u = v[1] - v[0];
    slopes[0] = -2 * expectile_weight(attrs, u) * u;
}

static real kl_value(const gv_op_attrs *attrs, const real v[RULE_OPERANDS])
{
    (void)attrs;
    return (real)0.5 * (v[0] * v[0] + real_exp(v[1]) - 1 - v[1]);
}

static void kl_slopes(const gv_op_attrs *attrs, const real v[RULE_OPERANDS],
                      real slopes[RULE_OPERANDS])
{
    (void)attrs;
    slopes[0] = v[0];
    slopes[1] = (real)0.5 * (real_exp(v[1]) - 1);
}

RULE(mse, 2);
RULE(bce, 2);
RULE(gaussian_nll, 3);
RULE(beyond, 3);
RULE(expectile, 2);
RULE(kl, 2);

/* A row's loss is log-sum-exp of its logits less the label's; its slope softmax less the label. */
static real log_sum_exp_of(const real *x, size_t n)
{
    const real shift = max_of(x, n);
    real total = 0;
    for (size_t i = 0; i < n; i++) {
        total += real_exp(x[i] - shift);
    }
    return shift + (real)log((double)total);
}

static void cross_entropy_forward(const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    const real *logits = call->in[0];
    const int32_t *labels = call->in[1];
    const real *weights = call->in[2];
    real lane[LANES] = {0};
    for (size_t row = 0; row < rows; row++) {
        assert(labels[row] >= 0);
        assert((size_t)labels[row] < width);
        const real *x = logits + row * width;
        const real value = log_sum_exp_of(x, width) - x[labels[row]];
        lane[row % LANES] += weights == NULL ? value : weights[row] * value;
    }
    *(real *)call->out = (real)call->attrs->factor * lanes_total(lane);
}

static void cross_entropy_backward(const gv_op_call *call)
{
    const size_t width = width_of(call->shape[0]);
    const size_t rows = rows_of(call->shape[0]);
    const real *logits = call->in[0];
    const int32_t *labels = call->in[1];
    const real *weights = call->in[2];
    const real d = (real)call->attrs->factor * *(const real *)call->grad_out;
    real *dx = call->grad_in[0];
    for (size_t row = 0; row < rows; row++) {
        const real *x = logits + row * width;
        const real total = log_sum_exp_of(x, width);
        const real scale = weights == NULL ? d : d * weights[row];
        for (size_t i = 0; i < width; i++) {
            const real share = real_exp(x[i] - total) - (real)(i == (size_t)labels[row]);
            put(&dx[row * width + i], scale * share, call->add_grad[0]);
        }
    }
}

const gv_op_kernel GV_REAL(gv_op_cross_entropy) = {cross_entropy_forward, cross_entropy_backward};

/* The three means of the risk: E_P l(g, +1), E_P l(g, -1), E_U l(g, -1); 0 of no example. */
typedef struct nnpu_means {
    real positive, positive_as_negative, unlabelled;
    size_t positives, unlabelleds;
} nnpu_means;

/* l(z, +1) of z = -logit, or l(z, -1) of z = logit: either loss is a function of that product. */
static real nnpu_loss(const gv_op_attrs *attrs, real z)
{
    return attrs->is_flagged ? real_sigmoid(z) : real_softplus(z);
}

/* Its slope. */
static real nnpu_slope(const gv_op_attrs *attrs, real z)
{
    const real rise = real_sigmoid(z);
    return attrs->is_flagged ? rise * (1 - rise) : rise;
}

static nnpu_means nnpu_of(const gv_op_call *call)
{
    const size_t n = gv_shape_count(call->shape[0]);
    const real *logits = call->in[0];
    const real *is_positive = call->in[1];
    nnpu_means means = {.positives = 0};
    for (size_t i = 0; i < n; i++) {
        if (is_positive[i] != 0) {
            means.positives++;
            means.positive += nnpu_loss(call->attrs, -logits[i]);
            means.positive_as_negative += nnpu_loss(call->attrs, logits[i]);
        } else {
            means.unlabelleds++;
            means.unlabelled += nnpu_loss(call->attrs, logits[i]);
        }
    }
    const real p = means.positives == 0 ? 1 : (real)means.positives;
    const real u = means.unlabelleds == 0 ? 1 : (real)means.unlabelleds;
    means.positive /= p;
    means.positive_as_negative /= p;
    means.unlabelled /= u;
    return means;
}

static void nnpu_forward(const gv_op_call *call)
{
    const real prior = (real)call->attrs->offset;
    const nnpu_means m = nnpu_of(call);
    const real bracket = m.unlabelled - prior * m.positive_as_negative;
    const real risk = prior * m.positive + (bracket > 0 ? bracket : 0);
    *(real *)call->out = (real)call->attrs->factor * risk;
}

static void nnpu_backward(const gv_op_call *call)
{
    const size_t n = gv_shape_count(call->shape[0]);
    const real prior = (real)call->attrs->offset;
    const real d = (real)call->attrs->factor * *(const real *)call->grad_out;
    const nnpu_means m = nnpu_of(call);
    const real *logits = call->in[0];
    const real *is_positive = call->in[1];
    real *dx = call->grad_in[0];
    const bool is_negative = m.unlabelled - prior * m.positive_as_negative < 0;
    const real sign = is_negative ? -1 : 1;
    for (size_t i = 0; i < n; i++) {
        const real rise = nnpu_slope(call->attrs, logits[i]);
        real slope = sign * rise / (real)(m.unlabelleds == 0 ? 1U : m.unlabelleds);
        if (is_positive[i] != 0) {
            const real as_positive = is_negative ? 0 : -nnpu_slope(call->attrs, -logits[i]);
            slope = prior * (as_positive - sign * rise) / (real)m.positives;
        }
        put(&dx[i], d * slope, call->add_grad[0]);
    }
}

const gv_op_kernel GV_REAL(gv_op_nnpu) = {nnpu_forward, nnpu_backward};
