#include "models/predict/price_net.h"

#include <assert.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <string.h>

#include "models/nn/layers.h"
#include "models/nn/optimizer.h"
#include "models/nn/trainer.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"

enum { SHARDS = 8, SERVED_ROWS = 64, LAW_NUMBERS = 2, CHECKS = 20, HELD_OUT = 10 };

/* Log-variances beyond these would let one auction rule a batch. */
#define LEAST_LOG_VARIANCE (-6.0)
#define MOST_LOG_VARIANCE  4.0

const gv_price_net_config gv_price_net_usual = {.width = 8,
                                                .hidden = 64,
                                                .batch = 512,
                                                .steps = 2000,
                                                .rate = 0.003,
                                                .seed = 1,
                                                .jobs = 1,
                                                .least = 1000};

/* Inputs of one graph, for B auctions. */
typedef struct price_nodes {
    gv_node fields;         /* indices [B, F] */
    gv_node amount;         /* [B] standardised logarithms */
    gv_node seen, censored; /* [B] weights: one of them is 0 */
    gv_node mean;           /* [B], as is the next */
    gv_node log_variance;
} price_nodes;

struct gv_price_net {
    gv_price_net_config config;
    gv_example_shape shape;
    gv_log_normal_price start;
    gv_params *params;
    gv_graph *training;
    gv_graph *serving;
    price_nodes learnt;
    price_nodes served;
    gv_optimizer *optimizer;
    gv_trainer *trainer;
    gv_tape *tape;
    const gv_examples *examples; /* while it learns, as is the next */
    const gv_price_sample *samples;
    size_t taught; /* the first so many are learnt from, the others judge */
};

/* ---- graphs ---------------------------------------------------------------------------------- */

static void build_law(gv_price_net *net, gv_graph *graph, size_t rows, price_nodes *nodes)
{
    const size_t fields = net->shape.field_count;
    const gv_mlp mlp = {.layers = 3,
                        .widths = {net->config.hidden, net->config.hidden, LAW_NUMBERS},
                        .hidden = gv_op_relu};
    nodes->fields = gv_graph_indices(graph, "fields", gv_shape_of(2, (size_t[]){rows, fields}));
    const gv_node embedded = gv_layer_embedding(graph, "fields", nodes->fields,
                                                net->shape.bucket_count, net->config.width, 0.05);
    const gv_node flat = gv_op_reshape(
        graph, embedded, gv_shape_of(2, (size_t[]){rows, fields * net->config.width}));
    const gv_node law = gv_layer_mlp(graph, "law", flat, &mlp);
    const gv_shape each = gv_shape_of(1, (size_t[]){rows});
    nodes->mean = gv_op_reshape(graph, gv_op_slice(graph, law, 1, 0, 1, 1), each);
    nodes->log_variance =
        gv_op_clamp(graph, gv_op_reshape(graph, gv_op_slice(graph, law, 1, 1, 1, 1), each),
                    LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE);
}

static gv_status build_training(gv_price_net *net)
{
    const size_t rows = net->config.batch / SHARDS;
    const gv_shape each = gv_shape_of(1, (size_t[]){rows});
    const gv_graph_config config = {.params = net->params, .shards = SHARDS};
    price_nodes *nodes = &net->learnt;
    GV_TRY(gv_graph_create(&config, &net->training));
    gv_graph *graph = net->training;
    build_law(net, graph, rows, nodes);
    nodes->amount = gv_graph_input(graph, "amount", each);
    nodes->seen = gv_graph_input(graph, "seen", each);
    nodes->censored = gv_graph_input(graph, "censored", each);
    const gv_node won =
        gv_op_gaussian_nll(graph, nodes->mean, nodes->log_variance, nodes->amount, nodes->seen);
    const gv_node lost =
        gv_op_beyond(graph, nodes->mean, nodes->log_variance, nodes->amount, nodes->censored);
    return gv_graph_finish(graph, gv_op_add(graph, won, lost));
}

static gv_status build_serving(gv_price_net *net)
{
    const gv_graph_config config = {.params = net->params, .rows_alone = true};
    GV_TRY(gv_graph_create(&config, &net->serving));
    build_law(net, net->serving, SERVED_ROWS, &net->served);
    gv_graph_keep(net->serving, net->served.mean);
    gv_graph_keep(net->serving, net->served.log_variance);
    return gv_graph_finish(net->serving, GV_NODE_NONE);
}

/* ---- learning -------------------------------------------------------------------------------- */

static double standardised(const gv_price_net *net, int64_t nanos)
{
    const int64_t amount = nanos < net->start.least ? net->start.least : nanos;
    return (log((double)amount) - net->start.mu) / net->start.sigma;
}

/* One value each, or none. */
static void take_fields(const gv_examples *examples, size_t row, int32_t *fields)
{
    const size_t count = examples->shape.field_count;
    for (size_t f = 0; f < count; f++) {
        const uint32_t at = examples->starts[row * count + f];
        const uint32_t end = examples->starts[row * count + f + 1];
        assert(end - at <= 1);
        fields[f] = at == end ? 0 : (int32_t)examples->buckets[at];
    }
}

/* Auctions are drawn with replacement, a pure function of (seed, step, place). */
static void fill(void *context, gv_tape *tape, uint64_t step, size_t shard)
{
    const gv_price_net *net = context;
    const size_t rows = net->config.batch / SHARDS;
    const gv_random random = gv_random_key(net->config.seed, GV_STREAM_SAMPLE, step);
    for (size_t i = 0; i < rows; i++) {
        const size_t row = (size_t)gv_random_below(&random, shard * rows + i, net->taught);
        const gv_price_sample *sample = &net->samples[row];
        const float weight = (float)(sample->weight / (double)net->config.batch);
        take_fields(net->examples, row,
                    gv_tape_indices(tape, net->learnt.fields) + i * net->shape.field_count);
        gv_tape_f32(tape, net->learnt.amount)[i] = (float)standardised(net, sample->nanos);
        gv_tape_f32(tape, net->learnt.seen)[i] = sample->won ? weight : 0;
        gv_tape_f32(tape, net->learnt.censored)[i] = sample->won ? 0 : weight;
    }
}

static gv_status begin_learning(gv_price_net *net)
{
    const gv_optimizer_config optimizer = {.type = &gv_optimizer_adam,
                                           .schedule = &gv_schedule_cosine,
                                           .total = net->config.steps,
                                           .rate = net->config.rate,
                                           .clip_norm = 1};
    GV_TRY(gv_optimizer_create(&optimizer, net->params, &net->optimizer));
    const gv_trainer_config trainer = {.graph = net->training,
                                       .params = net->params,
                                       .optimizer = net->optimizer,
                                       .shards = SHARDS,
                                       .jobs = net->config.jobs,
                                       .seed = net->config.seed,
                                       .fill = fill,
                                       .context = net};
    return gv_trainer_create(&trainer, &net->trainer);
}

/* The mean log-likelihood of the auctions that are held out. */
static gv_status judge(gv_price_net *net, gv_log_normal_price *laws, double *likelihood)
{
    gv_examples view = *net->examples;
    view.count -= net->taught;
    view.starts += net->taught * view.shape.field_count;
    GV_TRY(gv_price_net_laws(net, &view, laws));
    *likelihood = gv_price_likelihood(laws, net->samples + net->taught, view.count);
    return GV_OK;
}

/* Step by step; what did best on the auctions held out is kept. best: room for the parameters. */
static gv_status climb(gv_price_net *net, gv_log_normal_price *laws, float *best)
{
    const size_t size = gv_params_size(net->params) * sizeof *best;
    const uint64_t every = (net->config.steps + CHECKS - 1) / CHECKS;
    double highest = -HUGE_VAL;
    for (uint64_t step = 1; step <= net->config.steps; step++) {
        gv_trainer_report report;
        double likelihood = 0;
        GV_TRY(gv_trainer_step(net->trainer, &report));
        if (step % every != 0 && step != net->config.steps) {
            continue;
        }
        GV_TRY(judge(net, laws, &likelihood));
        if (likelihood > highest) {
            highest = likelihood;
            memcpy(best, gv_params_read_f32(net->params), size);
        }
    }
    memcpy(gv_params_f32(net->params), best, size);
    return GV_OK;
}

static gv_status learn(gv_price_net *net)
{
    GV_TRY(gv_params_create(GV_F32, &net->params));
    GV_TRY(build_training(net));
    GV_TRY(build_serving(net));
    GV_TRY(gv_params_draw(net->params, net->config.seed));
    GV_TRY(begin_learning(net));
    GV_TRY(gv_tape_create(net->serving, net->params, &net->tape));
    float *best = gv_mem_alloc(0, gv_params_size(net->params), sizeof *best);
    gv_log_normal_price *laws = gv_mem_alloc(0, net->examples->count - net->taught, sizeof *laws);
    const gv_status status = best == NULL || laws == NULL
                                 ? GV_FAIL(GV_ENOMEM, "no memory to teach a network of prices")
                                 : climb(net, laws, best);
    gv_mem_free(best);
    gv_mem_free(laws);
    return status;
}

gv_status gv_price_net_fit(const gv_price_net_config *config, const gv_examples *examples,
                           const gv_price_sample *samples, gv_price_net **out)
{
    assert(config->batch >= SHARDS && config->batch % SHARDS == 0);
    assert(examples->count >= 2 && examples->shape.past_length == 0);
    gv_log_normal_price start;
    GV_TRY(gv_log_normal_price_fit(samples, examples->count, config->least, &start));
    gv_price_net *net = gv_mem_alloc(sizeof *net, 0, 0);
    if (net == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a network of prices");
    }
    net->config = *config;
    net->shape = examples->shape;
    net->start = start;
    net->examples = examples;
    net->samples = samples;
    net->taught = examples->count - 1 - (examples->count - 2) / HELD_OUT;
    const gv_status status = learn(net);
    if (status != GV_OK) {
        gv_price_net_destroy(net);
        return status;
    }
    *out = net;
    return GV_OK;
}

void gv_price_net_destroy(gv_price_net *net)
{
    if (net == NULL) {
        return;
    }
    gv_tape_destroy(net->tape);
    gv_trainer_destroy(net->trainer);
    gv_optimizer_destroy(net->optimizer);
    gv_graph_destroy(net->training);
    gv_graph_destroy(net->serving);
    gv_params_destroy(net->params);
    gv_mem_free(net);
}

/* ---- serving --------------------------------------------------------------------------------- */

gv_log_normal_price gv_price_net_start(const gv_price_net *net)
{
    return net->start;
}

gv_status gv_price_net_laws(gv_price_net *net, const gv_examples *examples,
                            gv_log_normal_price *laws)
{
    assert(examples->shape.field_count == net->shape.field_count);
    assert(examples->shape.bucket_count == net->shape.bucket_count);
    int32_t *fields = gv_tape_indices(net->tape, net->served.fields);
    for (size_t first = 0; first < examples->count; first += SERVED_ROWS) {
        const size_t left = examples->count - first;
        const size_t count = left < SERVED_ROWS ? left : SERVED_ROWS;
        for (size_t i = 0; i < count; i++) {
            take_fields(examples, first + i, fields + i * net->shape.field_count);
        }
        gv_tape_forward(net->tape, &(gv_tape_step){.seed = 0});
        const float *mean = gv_tape_f32(net->tape, net->served.mean);
        const float *log_variance = gv_tape_f32(net->tape, net->served.log_variance);
        for (size_t i = 0; i < count; i++) {
            laws[first + i] =
                (gv_log_normal_price){.mu = net->start.mu + net->start.sigma * (double)mean[i],
                                      .sigma = net->start.sigma * exp((double)log_variance[i] / 2),
                                      .least = net->start.least};
        }
    }
    return GV_OK;
}

double gv_price_likelihood(const gv_log_normal_price *laws, const gv_price_sample *samples,
                           size_t count)
{
    double sum = 0;
    double weight = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_log_normal_price *law = &laws[i];
        const int64_t nanos = samples[i].nanos < law->least ? law->least : samples[i].nanos;
        const double x = (log((double)nanos) - law->mu) / law->sigma;
        const double above = gsl_sf_log_erfc(x / M_SQRT2) - M_LN2;
        const double at = -log(law->sigma) - x * x / 2 - log(2 * M_PI) / 2;
        sum += samples[i].weight * (samples[i].won ? at : above);
        weight += samples[i].weight;
    }
    return weight > 0 ? sum / weight : 0;
}
