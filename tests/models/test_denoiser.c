/*
 * The U-Net that serves: it is the network that was trained, and a sequence's bits are its own,
 * whatever goes through with it. The product of panels below it sums in the order that it says.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/denoiser.h"
#include "models/nn/panel_impl.h"
#include "models/nn/tape.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { CHANNELS = 5, TICKS_MAX = 48, SEQUENCES = 96, ALLOCATIONS_MAX = 400 };

typedef struct served_net {
    gv_unet unet;
    size_t ticks;
    size_t conditions; /* 0: none */
} served_net;

/* The published shape in small, one level, unequal channels that do not fill a panel. */
static const served_net nets[] = {
    {{.base = 16, .levels = 3, .multipliers = {1, 2, 4}, .kernel = 5, .groups = 8}, 48, 1},
    {{.base = 8, .levels = 1, .multipliers = {1}, .kernel = 3, .groups = 2}, 7, 3},
    {{.base = 12, .levels = 2, .multipliers = {2, 1}, .kernel = 1, .groups = 3}, 10, 0},
    {{.base = 20, .levels = 4, .multipliers = {1, 1, 2, 3}, .kernel = 7, .groups = 4}, 8, 2},
};

enum { NETS = sizeof nets / sizeof nets[0], CONDITIONS_MAX = 3 };

/* What the graph is asked with, a batch of `count`. */
typedef struct trained_net {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    gv_unet_inputs inputs;
    gv_node eps;
} trained_net;

static trained_net trained(const served_net *net, size_t count)
{
    trained_net made = {.params = NULL};
    assert_int_equal(gv_params_create(GV_F32, &made.params), GV_OK);
    assert_int_equal(gv_graph_create(&(gv_graph_config){.params = made.params}, &made.graph),
                     GV_OK);
    gv_graph *g = made.graph;
    made.inputs = (gv_unet_inputs){
        .x = gv_graph_input(g, "x", gv_shape_of(3, (size_t[]){count, net->ticks, CHANNELS})),
        .step = gv_graph_input(g, "step", gv_shape_of(2, (size_t[]){count, net->unet.base})),
        .condition = GV_NODE_NONE,
        .keep = GV_NODE_NONE};
    if (net->conditions > 0) {
        made.inputs.condition =
            gv_graph_input(g, "condition", gv_shape_of(2, (size_t[]){count, net->conditions}));
        made.inputs.keep = gv_graph_input(g, "keep", gv_shape_of(1, (size_t[]){count}));
    }
    gv_graph_open(g, "dd");
    made.eps = gv_layer_unet(g, "unet", &made.inputs, &net->unet);
    gv_graph_close(g);
    gv_graph_keep(g, made.eps);
    assert_int_equal(gv_graph_finish(g, GV_NODE_NONE), GV_OK);
    assert_int_equal(gv_params_draw(made.params, 1), GV_OK);
    assert_int_equal(gv_tape_create(g, made.params, &made.tape), GV_OK);
    return made;
}

/* Every parameter at random: gains are not 1, shifts not 0. */
static void shake(gv_params *params)
{
    for (size_t i = 0; i < gv_params_count(params); i++) {
        const gv_weight *weight = gv_params_at(params, i);
        const gv_random random = gv_random_key(11, GV_STREAM_TEST, i);
        float *numbers = gv_params_f32(params) + weight->offset;
        for (size_t n = 0; n < weight->count; n++) {
            numbers[n] += 0.1F * (float)gv_random_normal(&random, n);
        }
    }
}

static void free_trained(const trained_net *net)
{
    gv_tape_destroy(net->tape);
    gv_graph_destroy(net->graph);
    gv_params_destroy(net->params);
}

static gv_denoiser *served(const served_net *net, const gv_params *params)
{
    const gv_denoiser_config config = {.params = params,
                                       .name = "dd.unet",
                                       .unet = net->unet,
                                       .channels = CHANNELS,
                                       .ticks = net->ticks,
                                       .conditions = net->conditions};
    gv_denoiser *denoiser = NULL;
    assert_int_equal(gv_denoiser_create(&config, &denoiser), GV_OK);
    return denoiser;
}

/* Sequence `number` in place `place`: nothing of it depends on the place. */
static void put_sequence(const served_net *net, size_t number, size_t place, float *x,
                         float *condition, float *keep)
{
    const gv_random random = gv_random_key(7, GV_STREAM_TEST, number);
    const size_t size = net->ticks * CHANNELS;
    for (size_t i = 0; i < size; i++) {
        x[place * size + i] = (float)gv_random_normal(&random, i);
    }
    for (size_t i = 0; i < net->conditions; i++) {
        condition[place * net->conditions + i] = (float)gv_random_normal(&random, 10000 + i);
    }
    keep[place] = number % 2 == 0 ? 1 : 0;
}

static float x[SEQUENCES * TICKS_MAX * CHANNELS];
static float eps[SEQUENCES * TICKS_MAX * CHANNELS];
static float condition[SEQUENCES * CONDITIONS_MAX];
static float keep[SEQUENCES];

static void run(const served_net *net, gv_denoiser *denoiser, size_t count)
{
    const gv_denoiser_batch batch = {.count = count,
                                     .x = x,
                                     .step = 4,
                                     .condition = net->conditions > 0 ? condition : NULL,
                                     .keep = net->conditions > 0 ? keep : NULL};
    gv_denoiser_apply(denoiser, &batch, eps);
}

static double run_trained(const served_net *net, const trained_net *trained, size_t count)
{
    const size_t size = net->ticks * CHANNELS;
    memcpy(gv_tape_f32(trained->tape, trained->inputs.x), x, count * size * sizeof *x);
    for (size_t i = 0; i < count; i++) {
        gv_unet_step_features(4, net->unet.base,
                              gv_tape_f32(trained->tape, trained->inputs.step) +
                                  i * net->unet.base);
    }
    if (net->conditions > 0) {
        memcpy(gv_tape_f32(trained->tape, trained->inputs.condition), condition,
               count * net->conditions * sizeof *condition);
        memcpy(gv_tape_f32(trained->tape, trained->inputs.keep), keep, count * sizeof *keep);
    }
    gv_tape_forward(trained->tape, &(gv_tape_step){.seed = 1});
    const float *whole = gv_tape_f32(trained->tape, trained->eps);
    double worst = 0;
    double largest = 0;
    for (size_t i = 0; i < count * size; i++) {
        worst = fmax(worst, fabs((double)whole[i] - (double)eps[i]));
        largest = fmax(largest, fabs((double)whole[i]));
    }
    assert_true(largest > 0.1);
    return worst / largest;
}

static void it_is_the_network_that_was_trained(void **state)
{
    (void)state;
    enum { COUNT = 5 };
    for (size_t n = 0; n < NETS; n++) {
        const trained_net graph = trained(&nets[n], COUNT);
        shake(graph.params);
        gv_denoiser *denoiser = served(&nets[n], graph.params);
        for (size_t i = 0; i < COUNT; i++) {
            put_sequence(&nets[n], 3 + i, i, x, condition, keep);
        }
        run(&nets[n], denoiser, COUNT);
        const double worst = run_trained(&nets[n], &graph, COUNT);
        printf("net %zu: %.1e away\n", n, worst);
        assert_true(worst < 1e-5);
        const double whole = (double)gv_graph_flops(graph.graph) / COUNT;
        printf("%.3f of the flops\n", gv_denoiser_flops(denoiser) / whole);
        assert_true(gv_denoiser_flops(denoiser) <= whole);
        assert_true(gv_denoiser_flops(denoiser) > 0.7 * whole);
        gv_denoiser_destroy(denoiser);
        free_trained(&graph);
    }
}

static void company_and_place_change_no_bit(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 7, 14, 48, SEQUENCES};
    for (size_t n = 0; n < NETS; n++) {
        const size_t size = nets[n].ticks * CHANNELS;
        const trained_net graph = trained(&nets[n], 1);
        gv_denoiser *denoiser = served(&nets[n], graph.params);
        float alone[TICKS_MAX * CHANNELS] = {0};
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const size_t count = counts[c];
            for (size_t place = 0; place < count; place += count / 3 + 1) {
                for (size_t i = 0; i < count; i++) {
                    put_sequence(&nets[n], i == place ? 6 : 100 * c + i, i, x, condition, keep);
                }
                run(&nets[n], denoiser, count);
                if (count == 1) {
                    memcpy(alone, eps, size * sizeof *eps);
                }
                assert_memory_equal(eps + place * size, alone, size * sizeof *eps);
            }
        }
        gv_denoiser_destroy(denoiser);
        free_trained(&graph);
    }
}

/* ---- the product below ----------------------------------------------------------------------- */

enum { INPUTS_MAX = 700, OUTPUTS_MAX = 50, RUN_MAX = 13, RUNS = 3 };

static float windows[RUNS * (3 * RUN_MAX + INPUTS_MAX)];
static float weights[OUTPUTS_MAX * INPUTS_MAX];

/* In the order of panel_impl.h, one rounding after the other. */
static float sum_in_order(const gv_panels *panels, const float *row, size_t output)
{
    float sum = panels->bias[output];
    for (size_t i = 0; i < panels->inputs; i++) {
        const float product = row[i] * weights[output * panels->inputs + i];
        sum = sum + product;
    }
    return sum;
}

/* Overlapping rows in runs, into rows with gaps, which stay as they are. */
static void check_product(size_t inputs, size_t outputs, size_t run, bool is_wide)
{
    enum { STEP = 3 };
    static float y[RUNS * RUN_MAX * (OUTPUTS_MAX + 1)];
    gv_panels panels;
    assert_int_equal(gv_panels_init(&panels, inputs, outputs), GV_OK);
    const gv_panel_part whole = {.w = weights, .w_output = inputs, .w_input = 1, .count = inputs};
    gv_panels_pack(&panels, &whole);
    for (size_t o = 0; o < outputs; o++) {
        panels.bias[o] = (float)o - 3.5F;
    }
    const size_t x_run = STEP * run + inputs;
    const gv_panel_rows rows = {.x = windows,
                                .x_step = STEP,
                                .x_run = x_run,
                                .y = y,
                                .y_step = outputs + 1,
                                .y_run = run * (outputs + 1),
                                .rows = RUNS * run,
                                .run = run};
    for (size_t i = 0; i < sizeof y / sizeof y[0]; i++) {
        y[i] = -1;
    }
    gv_panels_apply_by(&panels, &rows, is_wide);
    for (size_t r = 0; r < RUNS * run; r++) {
        const float *row = windows + r / run * x_run + r % run * STEP;
        for (size_t o = 0; o < outputs; o++) {
            assert_true(y[r * (outputs + 1) + o] == sum_in_order(&panels, row, o));
        }
        assert_true(y[r * (outputs + 1) + outputs] == -1);
    }
    gv_panels_fini(&panels);
}

static void products_sum_in_the_order_that_they_say(void **state)
{
    (void)state;
    static const size_t inputs[] = {1, 17, 320, 321, INPUTS_MAX};
    static const size_t outputs[] = {1, 15, 16, 17, 32, 48, OUTPUTS_MAX};
    const gv_random random = gv_random_key(3, GV_STREAM_TEST, 0);
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        windows[i] = (float)gv_random_normal(&random, i);
    }
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        weights[i] = (float)gv_random_normal(&random, 1000000 + i);
    }
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        for (size_t o = 0; o < sizeof outputs / sizeof outputs[0]; o++) {
            const size_t run = 1 + (5 * i + o) % RUN_MAX;
            check_product(inputs[i], outputs[o], run, false);
            check_product(inputs[i], outputs[o], run, true);
        }
    }
}

/* ---- failing --------------------------------------------------------------------------------- */

static void a_missing_layer_is_named(void **state)
{
    (void)state;
    const trained_net graph = trained(&nets[1], 1);
    gv_denoiser_config config = {.params = graph.params,
                                 .name = "dd.unet",
                                 .unet = nets[1].unet,
                                 .channels = CHANNELS,
                                 .ticks = 8,
                                 .conditions = 3};
    gv_denoiser *denoiser = NULL;
    config.unet.levels = 2;
    config.unet.multipliers[1] = 1;
    assert_int_equal(gv_denoiser_create(&config, &denoiser), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "dd.unet.downs.0.2.conv.weight"));
    config.unet.levels = 1;
    config.unet.kernel = 5;
    assert_int_equal(gv_denoiser_create(&config, &denoiser), GV_ENOTFOUND);
    assert_non_null(strstr(gv_status_detail(), "kernel 5"));
    free_trained(&graph);
}

static void serving_survives_every_failed_allocation(void **state)
{
    (void)state;
    const trained_net graph = trained(&nets[0], 1);
    int failures = 0;
    for (int n = 0; n < ALLOCATIONS_MAX; n++) {
        const gv_denoiser_config config = {.params = graph.params,
                                           .name = "dd.unet",
                                           .unet = nets[0].unet,
                                           .channels = CHANNELS,
                                           .ticks = nets[0].ticks,
                                           .conditions = 1};
        gv_denoiser *denoiser = NULL;
        gv_mem_fail_after(n);
        const gv_status status = gv_denoiser_create(&config, &denoiser);
        gv_mem_fail_after(-1);
        assert_true(status == GV_OK || status == GV_ENOMEM);
        failures += status == GV_ENOMEM;
        gv_denoiser_destroy(denoiser);
        if (status == GV_OK) {
            break;
        }
    }
    assert_in_range(failures, 50, ALLOCATIONS_MAX - 1);
    free_trained(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_sum_in_the_order_that_they_say),
        cmocka_unit_test(it_is_the_network_that_was_trained),
        cmocka_unit_test(company_and_place_change_no_bit),
        cmocka_unit_test(a_missing_layer_is_named),
        cmocka_unit_test(serving_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
