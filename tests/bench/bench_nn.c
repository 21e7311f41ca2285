/*
 * Training steps and decisions of the published networks, beside the rate at which OpenBLAS
 * multiplies the same matrices, which is the floor of each. bench_nn.py measures PyTorch on the
 * same sizes, if it is installed.
 */
#include <stdio.h>
#include <string.h>

#include "bench/timing.h"
#include "bench/torch_times.h"
#include "models/nn/blas_impl.h"
#include "models/nn/decoder_cache.h"
#include "models/nn/denoiser.h"
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

static void fill_inputs(const bench_net *net)
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

static const gv_decoder published = {.width = 64,
                                     .layers = 3,
                                     .heads = 1,
                                     .inner = 512,
                                     .dropout = 0.1};

static gv_node decision_transformer(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 32, .ticks = 20, .states = 16};
    gv_node action = GV_NODE_NONE;
    return nn_decision_transformer(graph, &sizes, &published, &action);
}

/* The size of GAS and GAVE, width 512 and 8 layers. */
static gv_node large_transformer(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 32, .ticks = 20, .states = 16};
    const gv_decoder decoder = {
        .width = 512, .layers = 8, .heads = 16, .inner = 1024, .dropout = 0.1};
    gv_node action = GV_NODE_NONE;
    return nn_decision_transformer(graph, &sizes, &decoder, &action);
}

/* EBaReT's at its defaults. */
static const gv_decoder guided = {.width = 64, .layers = 2, .heads = 2, .inner = 256};

static gv_node guided_transformer(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 1, .ticks = 48, .states = 44};
    gv_node action = GV_NODE_NONE;
    return nn_decision_transformer(graph, &sizes, &guided, &action);
}

static gv_node behaviour_cloning(gv_graph *graph)
{
    const gv_mlp mlp = {.layers = 3, .widths = {128, 128, 1}, .hidden = gv_op_relu};
    const gv_node x = nn_input(graph, "states", 100, 16, 0);
    const gv_node y = gv_layer_mlp(graph, "actor", x, &mlp);
    return gv_op_mse(graph, y, nn_input(graph, "actions", 100, 1, 0), GV_NODE_NONE);
}

static gv_node q_learning(gv_graph *graph)
{
    const nn_sizes sizes = {.batch = 100, .states = 16};
    gv_node action = GV_NODE_NONE;
    return nn_implicit_q_learning(graph, &sizes, 64, &action);
}

/* A decision of ten steps, some campaigns at once, each with some passes of guidance. */
typedef struct bench_diffuser {
    gv_params *params;
    gv_denoiser *denoiser;
    size_t passes;
    size_t campaigns;
} bench_diffuser;

enum { STEPS = 10, TICKS = 48, STATES = 16, CAMPAIGNS_MAX = 48, PASSES_MAX = 3, TOKENS_MAX = 4 };

static bench_diffuser diffuser_of(size_t base, size_t passes, size_t campaigns)
{
    const nn_sizes sizes = {.batch = 1, .ticks = TICKS, .states = STATES};
    const gv_unet unet = {
        .base = base, .levels = 3, .multipliers = {1, 2, 4}, .kernel = 5, .groups = 8};
    bench_diffuser made = {.passes = passes, .campaigns = campaigns};
    gv_graph *graph = NULL;
    gv_node noise = GV_NODE_NONE;
    must(gv_params_create(GV_F32, &made.params));
    must(gv_graph_create(&(gv_graph_config){.params = made.params}, &graph));
    must(gv_graph_finish(graph, nn_diffuser(graph, &sizes, &unet, &noise)));
    must(gv_params_draw(made.params, 1));
    gv_graph_destroy(graph);
    const gv_denoiser_config config = {.params = made.params,
                                       .name = "unet",
                                       .unet = unet,
                                       .channels = STATES,
                                       .ticks = TICKS,
                                       .conditions = 1};
    must(gv_denoiser_create(&config, &made.denoiser));
    return made;
}

static void denoise(void *context)
{
    enum { NUMBERS = PASSES_MAX * CAMPAIGNS_MAX * TICKS * STATES };
    static float x[NUMBERS];
    static float eps[NUMBERS];
    static float ones[PASSES_MAX * CAMPAIGNS_MAX];
    const bench_diffuser *diffuser = context;
    for (size_t i = 0; i < NUMBERS; i++) {
        x[i] = 0.001F * (float)(i % 2000) - 1.0F;
    }
    for (size_t i = 0; i < (size_t)PASSES_MAX * CAMPAIGNS_MAX; i++) {
        ones[i] = 1;
    }
    for (size_t step = 0; step < STEPS; step++) {
        const gv_denoiser_batch batch = {.count = diffuser->passes * diffuser->campaigns,
                                         .x = x,
                                         .step = (double)step,
                                         .condition = ones,
                                         .keep = ones};
        gv_denoiser_apply(diffuser->denoiser, &batch, eps);
    }
}

/* A whole period of decisions: 48 ticks of some tokens, for some campaigns at once. */
typedef struct bench_period {
    gv_decoder_cache *cache;
    size_t tokens;
    size_t campaigns;
} bench_period;

static void decide_period(void *context)
{
    const bench_period *period = context;
    static float x[CAMPAIGNS_MAX * TOKENS_MAX * 64];
    static float y[CAMPAIGNS_MAX * TOKENS_MAX * 64];
    size_t slots[CAMPAIGNS_MAX];
    for (size_t c = 0; c < period->campaigns; c++) {
        slots[c] = c;
        gv_decoder_cache_reset(period->cache, c);
    }
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) {
        x[i] = 0.001F * (float)(i % 1000) - 0.5F;
    }
    for (size_t tick = 0; tick < TICKS; tick++) {
        gv_decoder_cache_advance(period->cache, slots, period->campaigns, period->tokens, x, y);
    }
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

static torch_times torches[TORCHES];

/* bench_nn.py's name of what compares, which counts `times` times; NULL: none does. */
typedef struct versus {
    const char *torch;
    double times;
} versus;

#define AGAINST(what, many) ((versus){#what, (double)(many)})

static void row(const char *what, double milliseconds, double rate, double alone, versus against)
{
    printf("| %s | %.3f | %.1f | %.1f | %.0f %% |", what, milliseconds, 1e-9 * rate, 1e-9 * alone,
           100.0 * rate / alone);
    for (size_t i = 0; i < TORCHES; i++) {
        const double spent = against.torch == NULL ? 0 : torch_time(&torches[i], against.torch);
        if (spent > 0) {
            printf(" %.3f | %.1f |", spent * against.times, spent * against.times / milliseconds);
        } else {
            printf(" | |");
        }
    }
    printf("\n");
}

static void train_row(const char *what, bench_build build, size_t turns, versus torch)
{
    bench_net net = make(build);
    const bench_side sides[] = {{"sgemm", multiply_alone, &net}, {"step", train, &net}};
    const bench_times times = bench_measure(sides, 2, turns);
    row(what, 1e3 * times.median[1], (double)gv_graph_flops(net.graph) / times.median[1],
        linear_flops(net.graph) / times.median[0], torch);
    drop(&net);
}

/* The largest product of OpenBLAS that fits a cache: its rate at its best. */
static void multiply_large(void *context)
{
    (void)context;
    const gv_gemm gemm = {
        .m = 512, .n = 512, .k = 512, .lda = 512, .ldb = 512, .ldc = 512, .alpha = 1.0};
    gv_gemm_f32(&gemm, scratch[0], scratch[1], scratch[2]);
}

static void diffuser_row(const char *what, bench_diffuser diffuser, versus torch)
{
    const bench_side sides[] = {{"sgemm", multiply_large, NULL}, {"decision", denoise, &diffuser}};
    const bench_times times = bench_measure(sides, 2, 5);
    const double flops = STEPS * (double)(diffuser.passes * diffuser.campaigns) *
                         gv_denoiser_flops(diffuser.denoiser);
    row(what, 1e3 * times.median[1], flops / times.median[1],
        2.0 * 512 * 512 * 512 / times.median[0], torch);
    gv_denoiser_destroy(diffuser.denoiser);
    gv_params_destroy(diffuser.params);
}

/* A transformer, its decoder and the tokens of a tick. */
typedef struct bench_decider {
    bench_build build;
    const gv_decoder *decoder;
    size_t tokens;
} bench_decider;

/* Of one token that looks at so many: the products of its layers, and the looks. */
static double token_flops(const gv_decoder *decoder, double looks)
{
    const double width = (double)decoder->width;
    const double products = 4 * width * width + 2 * width * (double)decoder->inner;
    return (double)decoder->layers * (2 * products + 4 * width * looks);
}

static void decision_row(const char *what, bench_decider one, size_t campaigns, versus torch)
{
    bench_net net = make(one.build);
    const gv_decoder_cache_config config = {.params = net.params,
                                            .name = "decoder",
                                            .decoder = *one.decoder,
                                            .campaigns = campaigns,
                                            .tokens = one.tokens * TICKS};
    bench_period period = {.tokens = one.tokens, .campaigns = campaigns};
    must(gv_decoder_cache_create(&config, &period.cache));
    const bench_side sides[] = {{"sgemm", multiply_large, NULL},
                                {"period", decide_period, &period}};
    const bench_times times = bench_measure(sides, 2, TURNS);
    const double tokens = (double)(one.tokens * TICKS);
    const double flops = token_flops(one.decoder, tokens / 2) * tokens * (double)campaigns;
    row(what, 1e3 * times.median[1] / TICKS, flops / times.median[1],
        2.0 * 512 * 512 * 512 / times.median[0], torch);
    gv_decoder_cache_destroy(period.cache);
    drop(&net);
}

int main(void)
{
    for (size_t i = 0; i < 3; i++) {
        scratch[i] = gv_mem_alloc(0, SCRATCH, sizeof(float));
    }
    char script[] = "tests/bench/bench_nn.py";
    torch_ask_all(script, torches);
    printf("## Networks\n\n");
    printf("One thread, processor time, median of %d turns. Alone: for a training step the "
           "products of its linear "
           "layers by OpenBLAS, for a decision its 512 x 512 x 512. PyTorch on the same sizes, "
           "48 campaigns' decisions one by one; it recomputes 48 ticks for a transformer's "
           "(Gavel: mean over a period, from its cache). A version that is not there (Debian's "
           "python3-torch; PYTHON names another) is not compared.\n\n",
           TURNS);
    printf("| what | ms | GF/s | alone, GF/s | share |");
    for (size_t i = 0; i < TORCHES; i++) {
        const char *version = torches[i].version;
        printf(" PyTorch %s, ms | speed |", version[0] == '\0' ? "(none)" : version);
    }
    printf("\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    train_row("decision transformer's step, width 64, 3 layers, 32 x 60 tokens",
              decision_transformer, TURNS, AGAINST(dt_step, 1));
    train_row("the same, width 512, 8 layers, inner 1024", large_transformer, 3,
              AGAINST(dt_large_step, 1));
    train_row("behaviour cloning's step, 128-128, batch 100", behaviour_cloning, TURNS,
              AGAINST(bc_step, 1));
    train_row("IQL's step, all nets, batch 100", q_learning, TURNS, AGAINST(iql_step, 1));
    const bench_decider plain = {decision_transformer, &published, 3};
    const bench_decider ebaret = {guided_transformer, &guided, 4};
    decision_row("decision transformer's decision, one campaign", plain, 1,
                 AGAINST(dt_decision, 1));
    decision_row("decision transformer's decisions, 48 campaigns", plain, 48,
                 AGAINST(dt_decision, 48));
    decision_row("EBaReT's decision (width 64, 2 layers, 4 tokens a tick), one campaign", ebaret, 1,
                 AGAINST(ebaret_decision, 1));
    decision_row("EBaReT's decisions, 48 campaigns", ebaret, 48, AGAINST(ebaret_decision, 48));
    diffuser_row("Decision Diffuser's decision, 10 steps x 2 passes", diffuser_of(128, 2, 1),
                 AGAINST(dd_decision, 1));
    diffuser_row("Decision Diffuser's decisions, 48 campaigns", diffuser_of(128, 2, 48),
                 AGAINST(dd_decision, 48));
    diffuser_row("EGDB's decision (base 32), 10 jumps x 3 passes", diffuser_of(32, 3, 1),
                 AGAINST(egdb_decision, 1));
    diffuser_row("EGDB's decisions, 48 campaigns", diffuser_of(32, 3, 48),
                 AGAINST(egdb_decision, 48));
    for (size_t i = 0; i < 3; i++) {
        gv_mem_free(scratch[i]);
    }
    return 0;
}
