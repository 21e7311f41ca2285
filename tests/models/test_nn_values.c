/*
 * Values: our exponential and its kin against libm, and operators against naive loops.
 */
#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/activate_impl.h"
#include "models/nn/curve_impl.h"
#include "models/nn/graph_impl.h"
#include "models/nn/operators.h"
#include "models/nn/tape.h"
#include "sim/base/random.h"
#include "test_nn.h"

/* Units in the last place of the float nearest to `wanted`. */
static double ulps(float found, double wanted)
{
    int exponent = 0;
    (void)frexp(wanted, &exponent);
    return fabs((double)found - wanted) / ldexp(1.0, exponent - 24);
}

typedef double (*curve)(double x);

static double logistic(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double normal(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

static float own_exp(float x)
{
    return real_exp(x);
}

static float own_tanh(float x)
{
    return real_tanh(x);
}

static float own_logistic(float x)
{
    return real_sigmoid(x);
}

static float own_normal(float x)
{
    float density = 0;
    return real_normal(x, &density);
}

typedef struct curve_case {
    float (*own)(float x);
    curve exact;
    double low, high, bound;
} curve_case;

/* The bounds are those that curve_impl.h states. */
static void curves_are_as_near_as_they_say(void **state)
{
    (void)state;
    static const curve_case cases[] = {
        {own_exp, exp, -87.3, 88.7, 2.0},
        {own_tanh, tanh, -12.0, 12.0, 2.0},
        {own_logistic, logistic, -80.0, 80.0, 3.0},
        {own_normal, normal, -5.0, 5.0, 13.0},
    };
    for (size_t c = 0; c < 4; c++) {
        double worst = 0;
        double where = 0;
        const int steps = 400000;
        for (int i = 0; i <= steps; i++) {
            const float x =
                (float)(cases[c].low + (cases[c].high - cases[c].low) * (double)i / steps);
            const double error = ulps(cases[c].own(x), cases[c].exact((double)x));
            where = error > worst ? (double)x : where;
            worst = error > worst ? error : worst;
        }
        if (!(worst <= cases[c].bound)) {
            fail_msg("curve %zu: %.2f ulp at %g", c, worst, where);
        }
    }
    assert_true(isnan(own_exp(NAN)));
    assert_true(isnan(own_tanh(NAN)));
    assert_true(isnan(own_logistic(NAN)));
    assert_true(own_tanh(-100.0F) == -1.0F);
    assert_true(own_logistic(-1000.0F) < 1e-37F);
}

/* A loop of vectors and a single number give the same bits: the clones cannot differ. */
static void a_vector_has_the_bits_of_its_numbers(void **state)
{
    (void)state;
    enum { COUNT = 1003 };
    static const gv_activate loops[] = {gv_activate_gelu, gv_activate_gelu_tanh,
                                        gv_activate_silu, gv_activate_mish,
                                        gv_activate_tanh, gv_activate_sigmoid};
    const gv_random random = gv_random_key(4, GV_STREAM_TEST, 0);
    float x[COUNT];
    float all[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        x[i] = 3.0F * (float)gv_random_normal(&random, i);
    }
    for (size_t k = 0; k < sizeof loops / sizeof loops[0]; k++) {
        loops[k](x, COUNT, all);
        for (size_t i = 0; i < COUNT; i++) {
            float one = 0;
            loops[k](&x[i], 1, &one);
            assert_memory_equal(&one, &all[i], sizeof one);
        }
    }
}

/* One network of inputs alone, run forward. */
typedef struct forward {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
} forward;

static forward begin(void)
{
    forward f = {.tape = NULL};
    assert_int_equal(gv_params_create(GV_F32, &f.params), GV_OK);
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = f.params}, &f.graph), GV_OK);
    return f;
}

static gv_node operand(forward *f, size_t a, size_t b, size_t c)
{
    const size_t rank = c > 0 ? 3 : b > 0 ? 2 : 1;
    return gv_graph_input(f->graph, "x", gv_shape_of(rank, (size_t[]){a, b, c}));
}

static const float *run(forward *f, gv_node result)
{
    gv_graph_keep(f->graph, result);
    assert_int_equal(gv_graph_finish(f->graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(f->params, 1), GV_OK);
    assert_int_equal(gv_tape_create(f->graph, f->params, &f->tape), GV_OK);
    nn_net net = {.graph = f->graph, .params = f->params, .tape = f->tape};
    nn_net_fill(&net);
    gv_tape_forward(f->tape, &(gv_tape_step){.seed = 1});
    return gv_tape_f32(f->tape, result);
}

static void end(forward *f)
{
    gv_tape_destroy(f->tape);
    gv_graph_destroy(f->graph);
    gv_params_destroy(f->params);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 2e-6 * fmax(1.0, fabs(b));
}

static void a_product_is_three_loops(void **state)
{
    (void)state;
    enum { M = 5, K = 7, N = 4 };
    forward f = begin();
    const gv_node a = operand(&f, 2, M, K);
    const gv_node b = operand(&f, 2, K, N);
    const float *y = run(&f, gv_op_matmul(f.graph, a, b));
    const float *x = gv_tape_f32(f.tape, a);
    const float *w = gv_tape_f32(f.tape, b);
    for (size_t i = 0; i < (size_t)2 * M * N; i++) {
        double sum = 0;
        const size_t batch = i / ((size_t)M * N);
        for (size_t k = 0; k < K; k++) {
            sum += (double)x[i / N * K + k] * (double)w[(batch * K + k) * N + i % N];
        }
        assert_true(near((double)y[i], sum));
    }
    end(&f);
}

/* Scores, a softmax over the keys that are seen, and the mix of their values, one by one. */
static double attended(const float *qkv, const float *valid, size_t query, size_t column)
{
    enum { T = 37, D = 8, HEAD = 4 };
    const size_t first = column / HEAD * HEAD;
    double scores[T];
    double total = 0;
    double mixed = 0;
    for (size_t key = 0; key <= query; key++) {
        double score = 0;
        for (size_t i = 0; i < HEAD; i++) {
            score +=
                (double)qkv[query * 3 * D + first + i] * (double)qkv[key * 3 * D + D + first + i];
        }
        scores[key] = valid[key] == 0 ? 0 : exp(score / sqrt((double)HEAD));
        total += scores[key];
    }
    for (size_t key = 0; key <= query; key++) {
        mixed += scores[key] * (double)qkv[(key * 3 + 2) * D + column];
    }
    return total == 0 ? 0 : mixed / total;
}

static void attention_is_an_explicit_softmax(void **state)
{
    (void)state;
    enum { B = 2, T = 37, D = 8 };
    const gv_attention causal = {.heads = 2, .is_causal = true};
    forward f = begin();
    const gv_node qkv = operand(&f, B, T, (size_t)3 * D);
    const gv_node valid = gv_graph_input(f.graph, "valid", gv_shape_of(2, (size_t[]){B, T}));
    const float *y = run(&f, gv_op_attention(f.graph, qkv, valid, &causal));
    gv_tape_f32(f.tape, valid)[0] = 0; /* the first query of the first sequence sees no key */
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    for (size_t i = 0; i < (size_t)B * T * D; i++) {
        const size_t b = i / ((size_t)T * D);
        const double wanted = attended(gv_tape_f32(f.tape, qkv) + b * T * 3 * D,
                                       gv_tape_f32(f.tape, valid) + b * T, i / D % T, i % D);
        assert_true(near((double)y[i], wanted));
    }
    end(&f);
}

typedef struct slide {
    size_t batch, channels, length, outs, kernel, stride, padding;
} slide;

static void check_slide(const slide *s)
{
    forward f = begin();
    const gv_node x = operand(&f, s->batch, s->channels, s->length);
    const gv_node w = operand(&f, s->outs, s->channels, s->kernel);
    const gv_node result = gv_op_conv1d(f.graph, x, w, GV_NODE_NONE, s->stride, s->padding);
    const size_t windows = gv_graph_width(f.graph, result);
    const float *y = run(&f, result);
    for (size_t i = 0; i < s->batch * s->outs * windows; i++) {
        const size_t b = i / (s->outs * windows);
        const size_t o = i / windows % s->outs;
        double sum = 0;
        for (size_t tap = 0; tap < s->channels * s->kernel; tap++) {
            const size_t at = i % windows * s->stride + tap % s->kernel;
            if (at >= s->padding && at < s->length + s->padding) {
                const size_t row = b * s->channels + tap / s->kernel;
                sum += (double)gv_tape_f32(f.tape, w)[o * s->channels * s->kernel + tap] *
                       (double)gv_tape_f32(f.tape, x)[row * s->length + at - s->padding];
            }
        }
        assert_true(near((double)y[i], sum));
    }
    end(&f);
}

/* Few windows, which a product of our own serves, in every way its panels divide; and many. */
static void a_convolution_slides(void **state)
{
    (void)state;
    check_slide(&(slide){
        .batch = 3, .channels = 2, .length = 9, .outs = 4, .kernel = 3, .stride = 2, .padding = 1});
    for (size_t batch = 1; batch <= 26; batch++) {
        check_slide(&(slide){.batch = batch,
                             .channels = 3,
                             .length = 6,
                             .outs = 13,
                             .kernel = 5,
                             .stride = 1,
                             .padding = 2});
    }
}

static void a_transposed_convolution_spreads(void **state)
{
    (void)state;
    enum { B = 3, C = 4, L = 5, O = 2, K = 4, S = 2, P = 1, OUT = 10 };
    forward f = begin();
    const gv_node x = operand(&f, B, C, L);
    const gv_node w = operand(&f, C, O, K);
    const float *y = run(&f, gv_op_conv1d_transposed(f.graph, x, w, GV_NODE_NONE, S, P));
    double wanted[B * O * OUT] = {0};
    for (size_t i = 0; i < (size_t)B * C * L; i++) {
        for (size_t tap = 0; tap < (size_t)O * K; tap++) {
            const size_t at = i % L * S + tap % K;
            if (at >= P && at < OUT + P) {
                const size_t row = i / ((size_t)C * L) * O + tap / K;
                wanted[row * OUT + at - P] +=
                    (double)gv_tape_f32(f.tape, x)[i] *
                    (double)gv_tape_f32(f.tape, w)[i / L % C * O * K + tap];
            }
        }
    }
    for (size_t i = 0; i < (size_t)B * O * OUT; i++) {
        assert_true(near((double)y[i], wanted[i]));
    }
    end(&f);
}

static void norms_leave_mean_0_and_variance_1(void **state)
{
    (void)state;
    enum { B = 2, C = 6, L = 50, GROUPS = 3 };
    forward f = begin();
    const gv_node x = operand(&f, B, C, L);
    const gv_init one = {.law = GV_INIT_CONSTANT, .scale = 1.0};
    const gv_init zero = {.law = GV_INIT_CONSTANT, .scale = 0.0};
    const gv_node gain = gv_graph_param(f.graph, "gain", gv_shape_of(1, (size_t[]){C}), one);
    const gv_node bias = gv_graph_param(f.graph, "bias", gv_shape_of(1, (size_t[]){C}), zero);
    const float *y = run(&f, gv_op_group_norm(f.graph, x, gain, bias, GROUPS));
    const size_t n = (size_t)C / GROUPS * L;
    for (size_t g = 0; g < (size_t)B * GROUPS; g++) {
        double sum = 0;
        double square = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double)y[g * n + i];
            square += (double)y[g * n + i] * (double)y[g * n + i];
        }
        assert_true(fabs(sum / (double)n) < 1e-6);
        assert_true(fabs(square / (double)n - 1.0) < 1e-4);
    }
    end(&f);
}

static void a_unit_row_has_length_1_and_a_row_of_zeros_none(void **state)
{
    (void)state;
    forward f = begin();
    const gv_node x = operand(&f, 3, 2, 0);
    const float *y = run(&f, gv_op_unit(f.graph, x));
    const float rows[] = {3, 4, 0, 0, -5e4F, 12e4F};
    const float expected[] = {0.6F, 0.8F, 0, 0, -5.0F / 13, 12.0F / 13};
    memcpy(gv_tape_f32(f.tape, x), rows, sizeof rows);
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    for (size_t i = 0; i < 6; i++) {
        assert_true(fabsf(y[i] - expected[i]) <= 1e-6F);
    }
    end(&f);
}

static void a_softmax_sums_to_1_however_large(void **state)
{
    (void)state;
    forward f = begin();
    const gv_node x = operand(&f, 1, 5, 0);
    const gv_node y = gv_op_softmax(f.graph, x);
    gv_graph_keep(f.graph, y);
    const float *rows = run(&f, gv_op_log_sum_exp(f.graph, x));
    const float large[5] = {1e30F, -1e30F, 1e30F, 0, -5};
    memcpy(gv_tape_f32(f.tape, x), large, sizeof large);
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    assert_true(gv_tape_f32(f.tape, y)[0] == 0.5F);
    assert_true(gv_tape_f32(f.tape, y)[1] < 1e-30F);
    assert_true(rows[0] == 1e30F);
    end(&f);
}

/* Kept numbers are scaled, dropped ones 0, about as many as the rate says; none when serving. */
static void dropout_drops_its_share(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    forward f = begin();
    const gv_node x = operand(&f, COUNT, 0, 0);
    const gv_node dropped = gv_op_dropout(f.graph, x, 0.1);
    const float *y = run(&f, dropped);
    const float *from = gv_tape_f32(f.tape, x);
    assert_memory_equal(y, from, COUNT * sizeof *y);
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1, .is_training = true});
    size_t zeros = 0;
    double first = 0;
    for (size_t i = 0; i < COUNT; i++) {
        zeros += y[i] == 0.0F;
        assert_true(y[i] == 0.0F || fabsf(y[i] / from[i] - 1.0F / 0.9F) < 1e-4F);
        first += (double)y[i];
    }
    assert_in_range(zeros, 9600, 10400);
    double second = 0;
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1, .step = 1, .is_training = true});
    for (size_t i = 0; i < COUNT; i++) {
        second += (double)y[i];
    }
    assert_true(first != second);
    end(&f);
}

/* Where the bracket is positive nnPU is the plain risk; P = U of logit 0 gives log 2. */
static void nnpu_is_kiryos_risk(void **state)
{
    (void)state;
    forward f = begin();
    const gv_node logits = operand(&f, 4, 0, 0);
    const gv_node positive = operand(&f, 4, 0, 0);
    const float *risk = run(&f, gv_op_nnpu(f.graph, logits, positive, &(gv_nnpu){.prior = 0.2}));
    memcpy(gv_tape_f32(f.tape, positive), (float[]){1, 0, 1, 0}, 4 * sizeof(float));
    memset(gv_tape_f32(f.tape, logits), 0, 4 * sizeof(float));
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    assert_true(near((double)*risk, 0.2 * log(2.0) + (1.0 - 0.2) * log(2.0)));
    memcpy(gv_tape_f32(f.tape, logits), (float[]){3, -9, 3, -9}, 4 * sizeof(float));
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    assert_true(near((double)*risk, 0.2 * log1p(exp(-3.0))));
    end(&f);
    f = begin();
    const gv_node scores = operand(&f, 2, 0, 0);
    const gv_node is_positive = operand(&f, 2, 0, 0);
    const gv_nnpu sigmoid = {.prior = 0.2, .is_sigmoid = true};
    risk = run(&f, gv_op_nnpu(f.graph, scores, is_positive, &sigmoid));
    memcpy(gv_tape_f32(f.tape, is_positive), (float[]){1, 0}, 2 * sizeof(float));
    memcpy(gv_tape_f32(f.tape, scores), (float[]){1, 2}, 2 * sizeof(float));
    gv_tape_forward(f.tape, &(gv_tape_step){.seed = 1});
    assert_true(
        near((double)*risk, 0.2 / (1 + exp(1.0)) + 1 / (1 + exp(-2.0)) - 0.2 / (1 + exp(-1.0))));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_are_as_near_as_they_say),
        cmocka_unit_test(a_vector_has_the_bits_of_its_numbers),
        cmocka_unit_test(a_product_is_three_loops),
        cmocka_unit_test(attention_is_an_explicit_softmax),
        cmocka_unit_test(a_convolution_slides),
        cmocka_unit_test(a_transposed_convolution_spreads),
        cmocka_unit_test(norms_leave_mean_0_and_variance_1),
        cmocka_unit_test(a_unit_row_has_length_1_and_a_row_of_zeros_none),
        cmocka_unit_test(a_softmax_sums_to_1_however_large),
        cmocka_unit_test(dropout_drops_its_share),
        cmocka_unit_test(nnpu_is_kiryos_risk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
