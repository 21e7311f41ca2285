/*
 * Training steps and decisions of the published networks, beside the rate at which OpenBLAS
 * multiplies the same matrices, which is the floor of each. bench_nn.py measures PyTorch on the
 * same sizes, if it is installed.
 */
#include <stdio.h>
#include <string.h>

#include "bench/timing.h"
#include "models/nn/blas_impl.h"
#include "models/nn/graph_impl.h"
#include "models/nn/optimizer.h"
#include "models/nn/tape.h"
#include "nn_networks.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { TURNS = 9, SCRATCH = 1 << 22 };

static float *scratch[3];

typedef struct bench_net {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    gv_optimizer *optimizer;
    float *gradients;
    uint64_t step;
} bench_net;

typedef gv_node (*bench_build)(gv_graph *graph);

static void must(gv_status status)
{
    if (status != GV_OK) {
        (void)fprintf(stderr, "bench_nn: %s\n", gv_status_detail());
        exit(1);
    }
}

static void fill_inputs(bench_net *net)
{
    for (size_t node = 0; node < net->graph->count; node++) {
        const gv_node_record *record = &net->graph->nodes[node];
        const gv_random random = gv_random_key(2, GV_STREAM_TEST, node);
        for (size_t i = 0; i < gv_shape_count(&record->shape); i++) {
            if (record->kind == NODE_INDICES) {
                gv_tape_indices(net->tape, (gv_node)node)[i] = (int32_t)(i % 48);
            } else if (record->kind == NODE_INPUT) {
                const bool is_mask = strcmp(record->name, "valid") == 0;
                gv_tape_f32(net->tape, (gv_node)node)[i] =
                    is_mask ? 1.0F : (float)gv_random_normal(&random, i);
            }
        }
    }
}

static bench_net make(bench_build build)
{
    bench_net net = {.step = 0};
    must(gv_params_create(GV_F32, &net.params));
    must(gv_graph_create(&(gv_graph_config){.params = net.params}, &net.graph));
    const gv_node loss = build(net.graph);
    must(gv_graph_finish(net.graph, loss));
    must(gv_params_draw(net.params, 1));
    must(gv_tape_create(net.graph, net.params, &net.tape));
    const gv_optimizer_config adamw = {
        .type = &gv_optimizer_adamw, .rate = 1e-4, .weight_decay = 1e-4, .clip_norm = 0.25};
    must(gv_optimizer_create(&adamw, net.params, &net.optimizer));
    net.gradients = gv_mem_alloc(0, gv_params_size(net.params), sizeof(float));
    fill_inputs(&net);
    return net;
}

static void drop(bench_net *net)
{
    gv_mem_free(net->gradients);
    gv_optimizer_destroy(net->optimizer);
    gv_tape_destroy(net->tape);
    gv_graph_destroy(net->graph);
    gv_params_destroy(net->params);
}

static void train(void *context)
{
    bench_net *net = context;
    const gv_tape_step step = {.seed = 1, .step = net->step++, .is_training = true};
    gv_tape_forward(net->tape, &step);
    gv_tape_backward(net->tape, net->gradients);
    must(gv_optimizer_step(net->optimizer, net->gradients, NULL));
}

static gv_node decision_transformer(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 32, .ticks = 20, .states = 16};
    const gv_decoder decoder = {.width = 64, .layers = 3, .heads = 1, .inner = 512, .dropout = 0.1};
    gv_node action = GV_NODE_NONE;
    return nn_decision_transformer(graph, &sizes, &decoder, &action);
}

/* The products of every linear layer of a step, alone: what OpenBLAS makes of these sizes. */
static void multiply_alone(void *context)
{
    bench_net *net = context;
    for (size_t node = 0; node < net->graph->count; node++) {
        const gv_node_record *record = &net->graph->nodes[node];
        if (record->kind != NODE_OPERATOR || record->op != GV_OP_LINEAR) {
            continue;
        }
        const size_t out = gv_graph_width(net->graph, (gv_node)node);
        const size_t in = gv_graph_width(net->graph, record->in[0]);
        const size_t rows = gv_shape_count(&record->shape) / out;
        const gv_gemm products[3] = {
            {.m = rows,
             .n = out,
             .k = in,
             .lda = in,
             .ldb = in,
             .ldc = out,
             .alpha = 1.0,
             .is_b_transposed = true},
            {.m = rows, .n = in, .k = out, .lda = out, .ldb = in, .ldc = in, .alpha = 1.0},
            {.m = out,
             .n = in,
             .k = rows,
             .lda = out,
             .ldb = in,
             .ldc = in,
             .alpha = 1.0,
             .is_a_transposed = true},
        };
        for (size_t i = 0; i < 3; i++) {
            gv_gemm_f32(&products[i], scratch[0], scratch[1], scratch[2]);
        }
    }
}

/* Floating point operations of multiply_alone(). */
static double linear_flops(const gv_graph *graph)
{
    double flops = 0;
    for (size_t node = 0; node < graph->count; node++) {
        const gv_node_record *record = &graph->nodes[node];
        if (record->kind == NODE_OPERATOR && record->op == GV_OP_LINEAR) {
            flops += 6.0 * (double)gv_shape_count(&record->shape) *
                     (double)gv_graph_width(graph, record->in[0]);
        }
    }
    return flops;
}

static void section(const char *what, bench_build build)
{
    bench_net net = make(build);
    const bench_side sides[] = {{"sgemm", multiply_alone, &net}, {"step", train, &net}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    const double rate = linear_flops(net.graph) / times.median[0];
    const double reached = (double)gv_graph_flops(net.graph) / times.median[1];
    printf("| %s | %.2f | %.1f | %.1f | %.0f %% |\n", what, 1e3 * times.median[1], 1e-9 * reached,
           1e-9 * rate, 100.0 * reached / rate);
    drop(&net);
}

int main(void)
{
    for (size_t i = 0; i < 3; i++) {
        scratch[i] = gv_mem_alloc(0, SCRATCH, sizeof(float));
    }
    printf("## Networks\n\n");
    printf("One thread, median of %d turns; products alone are those of the linear layers, by "
           "OpenBLAS.\n\n",
           TURNS);
    printf("| step | ms | GF/s | products alone, GF/s | share |\n|---|---:|---:|---:|---:|\n");
    section("decision transformer, width 64, 3 layers, 32 x 60 tokens", decision_transformer);
    for (size_t i = 0; i < 3; i++) {
        gv_mem_free(scratch[i]);
    }
    return 0;
}
