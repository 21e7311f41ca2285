/*
 * The same networks in PyTorch: its recorded weights, inputs, outputs, gradients and losses
 * (scripts/peers/torch_vectors.py) against ours. Outputs within 1e-5, gradients within 1e-4 of
 * each tensor's largest, and the loss after 200 AdamW steps on the same batches within 1e-3.
 * GAVEL_TORCH_VECTORS names another folder than the recorded one: scripts/peers/torch_parity
 * fills one with the published sizes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "models/nn/operators.h"
#include "models/nn/optimizer.h"
#include "models/nn/tape.h"
#include "models/predict/net_impl.h"
#include "nn_networks.h"
#include "sim/base/mem.h"
#include "sim/base/param.h"
#include "sim/base/safetensors.h"

enum { STEPS = 200, BATCHES = 4 };

#define OUTPUT_BOUND   1e-5
#define GRADIENT_BOUND 1e-4
#define LOSS_BOUND     1e-3

typedef gv_node (*parity_build)(gv_graph *graph, const gv_safetensors *file, gv_node *output);

typedef struct parity {
    gv_safetensors *file;
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    gv_optimizer *optimizer;
    float *gradients;
    gv_node output;
} parity;

static size_t note(const gv_safetensors *file, const char *key)
{
    const char *text = gv_safetensors_note(file, key);
    assert_non_null(text);
    return strtoul(text, NULL, 10);
}

static const gv_tensor *tensor(const gv_safetensors *file, const char *prefix, const char *name)
{
    char full[256];
    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    const gv_tensor *found = gv_safetensors_find(file, full);
    if (found == NULL) {
        fail_msg("no tensor '%s'", full);
    }
    return found;
}

/* PyTorch's weights in the place of ours. */
static void load_weights(const parity *of)
{
    for (size_t i = 0; i < gv_params_count(of->params); i++) {
        const gv_weight *param = gv_params_at(of->params, i);
        const gv_tensor *found = tensor(of->file, "param.", param->name);
        assert_int_equal(gv_tensor_size(found), param->count * sizeof(float));
        memcpy(gv_params_f32(of->params) + param->offset, found->data, gv_tensor_size(found));
    }
}

static parity start(const char *name, parity_build build, const char *trained)
{
    const char *folder = getenv("GAVEL_TORCH_VECTORS");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s.safetensors",
                   folder == NULL ? "tests/golden/torch" : folder, name);
    parity of = {.file = NULL};
    if (gv_safetensors_open(path, &of.file) != GV_OK) {
        fail_msg("%s", gv_status_detail());
    }
    assert_int_equal(gv_params_create(GV_F32, &of.params), GV_OK);
    const gv_graph_config config = {.params = of.params, .trained = trained};
    assert_int_equal(gv_graph_create(&config, &of.graph), GV_OK);
    const gv_node loss = build(of.graph, of.file, &of.output);
    gv_graph_keep(of.graph, of.output);
    assert_int_equal(gv_graph_finish(of.graph, loss), GV_OK);
    assert_int_equal(gv_params_draw(of.params, 1), GV_OK);
    load_weights(&of);
    assert_int_equal(gv_tape_create(of.graph, of.params, &of.tape), GV_OK);
    const gv_optimizer_config adamw = {
        .type = &gv_optimizer_adamw, .rate = 1e-4, .weight_decay = 1e-2, .trained = trained};
    assert_int_equal(gv_optimizer_create(&adamw, of.params, &of.optimizer), GV_OK);
    of.gradients = gv_mem_alloc(0, gv_params_size(of.params), sizeof(float));
    assert_non_null(of.gradients);
    return of;
}

static void stop(parity *of)
{
    gv_mem_free(of->gradients);
    gv_optimizer_destroy(of->optimizer);
    gv_tape_destroy(of->tape);
    gv_graph_destroy(of->graph);
    gv_params_destroy(of->params);
    gv_safetensors_close(of->file);
}

/* Batch `step` modulo those recorded; forward and backward. Returns the loss. */
static double run(const parity *of, size_t step)
{
    for (size_t node = 0; node < of->graph->count; node++) {
        const gv_node_record *record = &of->graph->nodes[node];
        if (record->kind != NODE_INPUT && record->kind != NODE_INDICES) {
            continue;
        }
        const gv_tensor *all = tensor(of->file, "input.", record->name);
        const size_t size = gv_shape_count(&record->shape) * sizeof(float);
        assert_int_equal(gv_tensor_size(all), BATCHES * size);
        memcpy(gv_tape_f32(of->tape, (gv_node)node),
               (const char *)all->data + step % BATCHES * size, size);
    }
    gv_tape_forward(of->tape, &(gv_tape_step){.seed = 1, .step = step, .is_training = true});
    const double loss = gv_tape_loss(of->tape);
    return loss;
}

/* Largest difference of the two over [n], and the largest of b. */
static double difference(const float *a, const float *b, size_t n, double *largest)
{
    double worst = 0;
    *largest = 0;
    for (size_t i = 0; i < n; i++) {
        const double apart = fabs((double)a[i] - (double)b[i]);
        worst = apart <= worst ? worst : apart;
        *largest = fmax(*largest, fabs((double)b[i]));
    }
    return worst;
}

static void compare_outputs(const parity *of)
{
    const gv_tensor *theirs = tensor(of->file, "output", "");
    double largest = 0;
    const size_t count = gv_shape_count(gv_graph_shape(of->graph, of->output));
    assert_int_equal(gv_tensor_size(theirs), count * sizeof(float));
    const double worst =
        difference(gv_tape_f32(of->tape, of->output), theirs->data, count, &largest);
    printf("outputs apart by %.1e, of %.2f\n", worst, largest);
    assert_true(worst < OUTPUT_BOUND * fmax(1.0, largest));
}

/* A tensor whose gradient is nothing but rounding (a bias before a norm) is held to the rest's. */
static void compare_gradients(const parity *of, const char *trained)
{
    double worst = 0;
    double whole = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < gv_params_count(of->params); i++) {
            const gv_weight *param = gv_params_at(of->params, i);
            if (strncmp(param->name, trained, strlen(trained)) != 0) {
                continue;
            }
            const gv_tensor *theirs = tensor(of->file, "gradient.", param->name);
            double largest = 0;
            const double apart =
                difference(of->gradients + param->offset, theirs->data, param->count, &largest);
            whole = fmax(whole, largest);
            const double scale = fmax(largest, 1e-3 * whole);
            if (pass == 1 && !(apart / scale <= worst)) {
                worst = apart / scale;
            }
            if (pass == 1 && !(apart < GRADIENT_BOUND * scale)) {
                fail_msg("gradient of '%s': apart by %g, of %g", param->name, apart, largest);
            }
        }
    }
    printf("gradients apart by %.1e of each tensor's largest\n", worst);
}

typedef void (*parity_after)(const parity *of);

static void compare(const char *name, parity_build build, const char *trained, parity_after after)
{
    parity of = start(name, build, trained);
    const gv_tensor *theirs = tensor(of.file, "losses", "");
    assert_int_equal(gv_tensor_size(theirs), STEPS * sizeof(float));
    const float *losses = theirs->data;
    double loss = 0;
    for (size_t step = 0; step < STEPS; step++) {
        loss = run(&of, step);
        if (step == 0) {
            compare_outputs(&of);
        }
        gv_tape_backward(of.tape, of.gradients);
        if (step == 0) {
            compare_gradients(&of, trained);
        }
        assert_int_equal(gv_optimizer_step(of.optimizer, of.gradients, NULL), GV_OK);
        if (after != NULL) {
            after(&of);
        }
    }
    const double last = (double)losses[STEPS - 1];
    printf("loss %.6f at first, %.6f after %d steps, PyTorch's %.6f\n", (double)losses[0], loss,
           STEPS, last);
    assert_true(fabs(loss - last) < LOSS_BOUND * fmax(1.0, fabs(last)));
    stop(&of);
}

static gv_node build_dt(gv_graph *graph, const gv_safetensors *file, gv_node *output)
{
    const nn_sizes sizes = {
        .batch = note(file, "batch"), .ticks = note(file, "ticks"), .states = note(file, "states")};
    const gv_decoder decoder = {.width = note(file, "width"),
                                .layers = note(file, "layers"),
                                .heads = note(file, "heads"),
                                .inner = note(file, "inner")};
    return nn_decision_transformer(graph, &sizes, &decoder, output);
}

static gv_node build_unet(gv_graph *graph, const gv_safetensors *file, gv_node *output)
{
    const nn_sizes sizes = {
        .batch = note(file, "batch"), .ticks = note(file, "ticks"), .states = note(file, "states")};
    const gv_unet unet = {.base = note(file, "base"),
                          .levels = 3,
                          .multipliers = {1, 2, 4},
                          .kernel = note(file, "kernel"),
                          .groups = note(file, "groups")};
    return nn_diffuser(graph, &sizes, &unet, output);
}

static gv_node build_iql(gv_graph *graph, const gv_safetensors *file, gv_node *output)
{
    const nn_sizes sizes = {.batch = note(file, "batch"), .states = note(file, "states")};
    return nn_implicit_q_learning(graph, &sizes, note(file, "q"), output);
}

/* The network of models/predict/infnet.c on inputs as they stand in the file. */
static gv_node build_infnet(gv_graph *graph, const gv_safetensors *file, gv_node *output)
{
    static const char *const settings[][2] = {{"width", "width"},     {"heads", "heads"},
                                              {"field_hubs", "hubs"}, {"past_hubs", "hubs"},
                                              {"hidden", "hidden"},   {"sequence", "sequence"},
                                              {"codes", "codes"}};
    char config[1024] = {0};
    assert_true(gv_model_infnet.info.config_size <= sizeof config);
    gv_param_defaults(gv_model_infnet.info.params, config);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        const gv_param *param = gv_param_find(gv_model_infnet.info.params, settings[i][0]);
        const char *value = gv_safetensors_note(file, settings[i][1]);
        assert_non_null(param);
        if (value != NULL) {
            assert_int_equal(gv_param_parse(param, value, 0, config), GV_OK);
        }
    }
    gv_net net = {.kind = &gv_net_infnet,
                  .reading = gv_net_infnet.reading(config),
                  .table_width = note(file, "width")};
    net.setup.shape = (gv_example_shape){.field_count = note(file, "fields"),
                                         .bucket_count = 16,
                                         .past_length = note(file, "past_length"),
                                         .past_field_count = note(file, "past_fields")};
    net.past_slots = net.setup.shape.past_length * net.setup.shape.past_field_count;
    const size_t batch = note(file, "batch");
    gv_net_nodes nodes = gv_net_inputs(graph, &net, batch, true);
    gv_node logits[GV_NET_TASKS];
    gv_net_infnet.build(graph, &nodes, config, logits);
    const gv_shape column = gv_shape_of(2, (size_t[]){batch, 1});
    *output = gv_op_concat(graph, gv_op_reshape(graph, logits[0], column),
                           gv_op_reshape(graph, logits[1], column), 1);
    return gv_net_loss(graph, &nodes, logits);
}

static void follow_targets(const parity *of)
{
    gv_params_blend(of->params, "target.q1.", of->params, "net.q1.", 0.01F);
    gv_params_blend(of->params, "target.q2.", of->params, "net.q2.", 0.01F);
}

static void a_decision_transformer_is_pytorchs(void **state)
{
    (void)state;
    compare("dt", build_dt, "", NULL);
}

static void a_diffusers_unet_is_pytorchs(void **state)
{
    (void)state;
    compare("unet", build_unet, "", NULL);
}

static void implicit_q_learning_is_pytorchs(void **state)
{
    (void)state;
    compare("iql", build_iql, "net.", follow_targets);
}

static void infnet_is_pytorchs(void **state)
{
    (void)state;
    compare("infnet", build_infnet, "", NULL);
}

/* Codes stay where they are here: what moves them is not the network's step. */
static void an_infnet_that_reads_by_codes_is_pytorchs(void **state)
{
    (void)state;
    compare("infnet_codes", build_infnet, "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_transformer_is_pytorchs),
        cmocka_unit_test(a_diffusers_unet_is_pytorchs),
        cmocka_unit_test(implicit_q_learning_is_pytorchs),
        cmocka_unit_test(infnet_is_pytorchs),
        cmocka_unit_test(an_infnet_that_reads_by_codes_is_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
