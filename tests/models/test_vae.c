/* The VAE's gradients, its divergence against the closed form, its prior. */
#include <math.h>
#include <stdio.h>

#include "cmocka_all.h"
#include "models/nn/vae.h"
#include "test_nn.h"

static const gv_vae small = {.positions = 8, .width = 3, .context = 2, .latent = 2, .channels = 4};

enum { BATCH = 2 };

static gv_node whole_loss(gv_graph *graph)
{
    gv_vae_inputs inputs;
    return gv_vae_loss(graph, &small, BATCH, &inputs);
}

static void gradients_are_those_of_differences(void **state)
{
    (void)state;
    nn_net net = nn_net_made(GV_F64, whole_loss);
    const nn_gradient_check check = nn_net_check(&net);
    printf("worst %.2g at %s, %zu idle\n", check.worst, check.where, check.idle);
    assert_true(check.worst < 1e-6);
    assert_int_equal(check.idle, 0);
    nn_net_free(&net);
}

enum { DIMENSIONS = 2, NUMBERS = BATCH * DIMENSIONS };

/* Two laws of given means and log variances, and what becomes of them. */
typedef struct laws {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    gv_node given[6]; /* q, p: mean, log variance; weights; noise */
    gv_node divergence;
    gv_node drawn; /* of q */
} laws;

static laws laws_made(void)
{
    laws all = {.graph = NULL};
    assert_int_equal(gv_params_create(GV_F32, &all.params), GV_OK);
    const gv_graph_config config = {.params = all.params};
    assert_int_equal(gv_graph_create(&config, &all.graph), GV_OK);
    for (size_t i = 0; i < 6; i++) {
        all.given[i] =
            gv_graph_input(all.graph, "given", gv_shape_of(2, (size_t[]){BATCH, DIMENSIONS}));
    }
    const gv_normal q = {.mean = all.given[0], .log_variance = all.given[1]};
    const gv_normal p = {.mean = all.given[2], .log_variance = all.given[3]};
    all.divergence = gv_normal_kl(all.graph, &q, &p, all.given[4]);
    all.drawn = gv_normal_draw(all.graph, &q, all.given[5]);
    gv_graph_keep(all.graph, all.divergence);
    gv_graph_keep(all.graph, all.drawn);
    assert_int_equal(gv_graph_finish(all.graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(all.params, 1), GV_OK);
    assert_int_equal(gv_tape_create(all.graph, all.params, &all.tape), GV_OK);
    return all;
}

static void laws_free(laws *all)
{
    gv_tape_destroy(all->tape);
    gv_graph_destroy(all->graph);
    gv_params_destroy(all->params);
}

static double set_laws(laws *all, const double numbers[6][NUMBERS])
{
    const gv_tape_step step = {.is_training = false};
    for (size_t i = 0; i < 6; i++) {
        for (size_t n = 0; n < NUMBERS; n++) {
            gv_tape_f32(all->tape, all->given[i])[n] = (float)numbers[i][n];
        }
    }
    gv_tape_forward(all->tape, &step);
    return (double)*gv_tape_f32(all->tape, all->divergence);
}

/* log(sp / sq) + (sq^2 + (mq - mp)^2) / (2 sp^2) - 1/2, of deviations */
static double divergence_of(double mq, double sq, double mp, double sp)
{
    return log(sp / sq) + (sq * sq + (mq - mp) * (mq - mp)) / (2 * sp * sp) - 0.5;
}

static void the_divergence_is_the_closed_form(void **state)
{
    (void)state;
    static const double numbers[6][NUMBERS] = {{0.5, -1, 2, 0},   {-1, 0.3, 0.8, 1},
                                               {0, 1.5, -0.7, 0}, {0.4, -0.6, 1.2, 1},
                                               {1, 2, 0.5, 3},    {1, -2, 0, 0.5}};
    laws all = laws_made();
    double expected = 0;
    const double found = set_laws(&all, numbers);
    for (size_t n = 0; n < NUMBERS; n++) {
        const double sq = exp(numbers[1][n] / 2);
        const double sp = exp(numbers[3][n] / 2);
        const double drawn = numbers[0][n] + sq * numbers[5][n];
        expected += numbers[4][n] * divergence_of(numbers[0][n], sq, numbers[2][n], sp);
        assert_true(fabs((double)gv_tape_f32(all.tape, all.drawn)[n] - drawn) < 1e-5);
    }
    printf("divergence %.6f, closed form %.6f\n", found, expected);
    assert_true(fabs(found - expected) < 1e-5);
    laws_free(&all);
}

static void a_law_is_no_way_from_itself(void **state)
{
    (void)state;
    static const double numbers[6][NUMBERS] = {{0.5, -1, 2, 0}, {-1, 0.3, 0.8, 1},
                                               {0.5, -1, 2, 0}, {-1, 0.3, 0.8, 1},
                                               {1, 1, 1, 1},    {0, 0, 0, 0}};
    laws all = laws_made();
    assert_true(fabs(set_laws(&all, numbers)) < 1e-6);
    laws_free(&all);
}

static gv_params *params_made(gv_graph **graph)
{
    gv_params *params = NULL;
    assert_int_equal(gv_params_create(GV_F32, &params), GV_OK);
    const gv_graph_config config = {.params = params};
    assert_int_equal(gv_graph_create(&config, graph), GV_OK);
    return params;
}

/* Its shapes, and that what the prior says hangs on the context alone. */
static void a_prior_depends_on_its_context(void **state)
{
    (void)state;
    gv_graph *graph = NULL;
    gv_tape *tape = NULL;
    gv_params *params = params_made(&graph);
    const gv_node context = gv_graph_input(graph, "context", gv_shape_of(2, (size_t[]){3, 2}));
    const gv_normal prior = gv_vae_prior(graph, &small, context);
    const gv_node back = gv_vae_decode(graph, &small, prior.mean);
    gv_graph_keep(graph, prior.mean);
    gv_graph_keep(graph, back);
    assert_int_equal(gv_graph_dim(graph, back, 0), 3);
    assert_int_equal(gv_graph_dim(graph, back, 1), small.positions);
    assert_int_equal(gv_graph_dim(graph, back, 2), small.width);
    assert_int_equal(gv_graph_finish(graph, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(params, 1), GV_OK);
    assert_int_equal(gv_tape_create(graph, params, &tape), GV_OK);
    const float rows[] = {1, 2, -1, 0.5F, 1, 2};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gv_tape_f32(tape, context)[i] = rows[i];
    }
    gv_tape_forward(tape, &(gv_tape_step){.is_training = false});
    const float *mean = gv_tape_f32(tape, prior.mean);
    for (size_t k = 0; k < small.latent; k++) {
        assert_true(fabsf(mean[k] - mean[2 * small.latent + k]) < 1e-6F);
        assert_true(fabsf(mean[k] - mean[small.latent + k]) > 1e-3F);
    }
    gv_tape_destroy(tape);
    gv_graph_destroy(graph);
    gv_params_destroy(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(the_divergence_is_the_closed_form),
        cmocka_unit_test(a_law_is_no_way_from_itself),
        cmocka_unit_test(a_prior_depends_on_its_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
