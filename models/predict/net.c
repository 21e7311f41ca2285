#include <assert.h>
#include <math.h>
#include <string.h>

#include "models/nn/operators.h"
#include "models/predict/models_impl.h"
#include "models/predict/net_impl.h"
#include "sim/base/mem.h"

#define TABLE_NAME "table.weight"

/*
 * The logit of a product of two probabilities from theirs, a and b:
 *   log p / (1 - p) = -log(exp(-a) + exp(-b) + exp(-a - b)),
 * which neither overflows nor loses a small 1 - p.
 */
static gv_node logit_of_both(gv_graph *graph, gv_node a, gv_node b)
{
    const gv_shape column = gv_shape_of(2, (size_t[]){gv_graph_dim(graph, a, 0), 1});
    const gv_node left = gv_op_scale(graph, gv_op_reshape(graph, a, column), -1, 0);
    const gv_node right = gv_op_scale(graph, gv_op_reshape(graph, b, column), -1, 0);
    const gv_node both = gv_op_add(graph, left, right);
    const gv_node all = gv_op_concat(graph, gv_op_concat(graph, left, right, 1), both, 1);
    return gv_op_scale(graph, gv_op_log_sum_exp(graph, all), -1, 0);
}

gv_node gv_net_loss(gv_graph *graph, const gv_net_nodes *nodes, const gv_node logits[GV_NET_TASKS])
{
    const gv_node clicks = gv_op_bce(graph, logits[0], nodes->click, nodes->click_weights);
    const gv_node whole = logit_of_both(graph, logits[0], logits[1]);
    const gv_node conversions =
        gv_op_bce(graph, whole, nodes->conversion, nodes->conversion_weights);
    const gv_node both = gv_op_add(graph, clicks, conversions);
    return nodes->penalty == GV_NODE_NONE ? both : gv_op_add(graph, both, nodes->penalty);
}

static gv_status build_training(gv_net *net)
{
    gv_node logits[GV_NET_TASKS];
    const gv_graph_config config = {.params = net->params, .shards = GV_NET_SHARDS};
    GV_TRY(gv_graph_create(&config, &net->training));
    net->training_nodes = gv_net_inputs(net->training, net, net->shard_rows, true);
    net->kind->build(net->training, &net->training_nodes, net->setup.config, logits);
    return gv_graph_finish(net->training, gv_net_loss(net->training, &net->training_nodes, logits));
}

/* One row's labels and weights; weights of a batch sum to 1. */
static void fill_labels(const gv_net *net, gv_tape *tape, size_t row, size_t place)
{
    const gv_examples *examples = net->examples;
    const gv_net_nodes *nodes = &net->training_nodes;
    const bool is_known = examples->conversions != NULL;
    const float weight = examples->weights == NULL ? 1.0F : examples->weights[row];
    const float share = (float)((double)weight / net->weight);
    gv_tape_f32(tape, nodes->click)[place] = examples->clicks[row];
    gv_tape_f32(tape, nodes->click_weights)[place] = share;
    gv_tape_f32(tape, nodes->conversion)[place] = is_known ? examples->conversions[row] : 0.0F;
    gv_tape_f32(tape, nodes->conversion_weights)[place] = is_known ? share : 0.0F;
}

static void fill(void *context, gv_tape *tape, uint64_t step, size_t shard)
{
    (void)step;
    const gv_net *net = context;
    const gv_net_nodes *nodes = &net->training_nodes;
    for (size_t place = 0; place < net->shard_rows; place++) {
        const size_t at = shard * net->shard_rows + place;
        if (at < net->row_count) {
            gv_net_gather(net, tape, nodes, net->rows[at], place, 0);
            fill_labels(net, tape, net->rows[at], place);
            continue;
        }
        gv_net_gather_none(net, tape, nodes, place);
        gv_tape_f32(tape, nodes->click)[place] = 0;
        gv_tape_f32(tape, nodes->click_weights)[place] = 0;
        gv_tape_f32(tape, nodes->conversion)[place] = 0;
        gv_tape_f32(tape, nodes->conversion_weights)[place] = 0;
    }
}

static void collect(void *context, const gv_tape *tape, size_t shard)
{
    gv_net *net = context;
    const size_t fields = net->setup.shape.field_count * net->table_width;
    const size_t past = net->past_slots * net->table_width;
    const float *from_fields = gv_tape_slope_f32(tape, net->training_nodes.fields);
    const float *from_past = past == 0 ? NULL : gv_tape_slope_f32(tape, net->training_nodes.past);
    for (size_t place = 0; place < net->shard_rows; place++) {
        float *to = net->slopes + (shard * net->shard_rows + place) * (fields + past);
        memcpy(to, from_fields + place * fields, fields * sizeof *to);
        if (past > 0) {
            memcpy(to + fields, from_past + place * past, past * sizeof *to);
        }
    }
    if (net->codes != NULL) {
        gv_net_codes_collect(net, tape, shard);
    }
}

static gv_status begin_learning(gv_net *net)
{
    const size_t slots = net->setup.shape.field_count + net->past_slots;
    net->slopes = gv_mem_alloc(0, GV_NET_SHARDS * net->shard_rows * slots * net->table_width,
                               sizeof *net->slopes);
    if (net->slopes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the slopes of a batch");
    }
    const gv_optimizer_config adam = {.type = &gv_optimizer_adam, .rate = net->common.rate};
    GV_TRY(gv_optimizer_create(&adam, net->params, &net->optimizer));
    const gv_trainer_config config = {.graph = net->training,
                                      .params = net->params,
                                      .optimizer = net->optimizer,
                                      .shards = GV_NET_SHARDS,
                                      .jobs = net->setup.jobs,
                                      .seed = net->setup.seed,
                                      .fill = fill,
                                      .collect = collect,
                                      .context = net};
    return gv_trainer_create(&config, &net->trainer);
}

gv_status gv_net_init(gv_net *net, const gv_net_kind *kind, const gv_model_setup *setup)
{
    assert(setup->sides == NULL || !setup->learns);
    net->kind = kind;
    net->setup = *setup;
    net->common = *(const gv_net_common *)setup->config;
    net->table_width = (size_t)net->common.width + kind->extra;
    const size_t length = setup->shape.past_length;
    const size_t fields = setup->shape.past_field_count;
    net->reading = kind->reading(setup->config);
    net->past_slots = length == 0                          ? 0
                      : net->reading.form == GV_NET_POOLED ? fields
                                                           : length * fields;
    net->shard_rows = ((size_t)net->common.batch + GV_NET_SHARDS - 1) / GV_NET_SHARDS;
    const gv_embeddings_config table = {.rows = setup->shape.bucket_count,
                                        .width = net->table_width,
                                        .scale = net->common.start,
                                        .seed = setup->seed,
                                        .learns = setup->learns};
    GV_TRY(gv_embeddings_create(&table, &net->table));
    GV_TRY(gv_params_create(GV_F32, &net->params));
    if (length > 0 && net->reading.form == GV_NET_CODES) {
        GV_TRY(gv_net_codes_create(net, &net->codes));
    }
    GV_TRY(gv_net_build_serving(net));
    if (setup->learns) {
        GV_TRY(build_training(net));
    }
    GV_TRY(gv_params_draw(net->params, setup->seed));
    GV_TRY(gv_net_begin_serving(net));
    if (net->codes != NULL) {
        GV_TRY(gv_net_codes_begin(net));
    }
    return setup->learns ? begin_learning(net) : GV_OK;
}

void gv_net_fini(void *state)
{
    gv_net *net = state;
    gv_net_end_serving(net);
    gv_trainer_destroy(net->trainer);
    gv_optimizer_destroy(net->optimizer);
    gv_mem_free(net->slopes);
    gv_graph_destroy(net->training);
    gv_net_codes_destroy(net, net->codes);
    gv_params_destroy(net->params);
    gv_embeddings_destroy(net->table);
}

static double weight_of(const gv_examples *examples, const uint32_t *rows, size_t count)
{
    double sum = examples->weights == NULL ? (double)count : 0.0;
    for (size_t i = 0; examples->weights != NULL && i < count; i++) {
        sum += (double)examples->weights[rows[i]];
    }
    return sum;
}

/* The batch that is set: the network's step, then the table's. */
static gv_status learn_batch(gv_net *net, double *loss)
{
    gv_trainer_report report;
    const size_t numbers = (net->setup.shape.field_count + net->past_slots) * net->table_width;
    GV_TRY(gv_trainer_step(net->trainer, &report));
    for (size_t i = 0; i < net->row_count; i++) {
        GV_TRY(gv_net_touch(net, net->rows[i], net->slopes + i * numbers));
    }
    if (net->codes != NULL) {
        gv_net_codes_learn(net);
    }
    *loss = report.loss;
    return gv_embeddings_step(net->table, net->common.rate, net->common.decay);
}

gv_status gv_net_learn(void *state, const gv_examples *examples, const uint32_t *rows, size_t count,
                       double *loss)
{
    gv_net *net = state;
    const size_t batch = GV_NET_SHARDS * net->shard_rows;
    double sum = 0;
    double whole = 0;
    assert(net->setup.learns);
    assert(examples->clicks != NULL);
    net->examples = examples;
    for (size_t first = 0; first < count; first += batch) {
        double some = 0;
        GV_TRY(gv_model_report(net->setup.progress, first, count));
        net->rows = rows + first;
        net->row_count = count - first < batch ? count - first : batch;
        net->weight = weight_of(examples, net->rows, net->row_count);
        GV_TRY(learn_batch(net, &some));
        sum += net->weight * some;
        whole += net->weight;
    }
    *loss = whole > 0 ? sum / whole : 0;
    return GV_OK;
}

static gv_tensor table_tensor(const gv_net *net)
{
    return (gv_tensor){.name = TABLE_NAME,
                       .type = GV_TENSOR_F32,
                       .rank = 2,
                       .shape = {net->setup.shape.bucket_count, net->table_width},
                       .data = gv_embeddings_values(net->table)};
}

static gv_tensor param_tensor(const gv_net *net, size_t index)
{
    const gv_weight *weight = gv_params_at(net->params, index);
    gv_tensor tensor = {.name = weight->name,
                        .type = GV_TENSOR_F32,
                        .rank = weight->shape.rank,
                        .data = gv_params_read_f32(net->params) + weight->offset};
    for (size_t i = 0; i < weight->shape.rank; i++) {
        tensor.shape[i] = weight->shape.dim[i];
    }
    return tensor;
}

void gv_net_tensors(const void *state, gv_model_tensors *out)
{
    const gv_net *net = state;
    const size_t count = gv_params_count(net->params);
    assert(count + 1 <= GV_MODEL_TENSORS_MAX);
    out->tensors[0] = table_tensor(net);
    for (size_t i = 0; i < count; i++) {
        out->tensors[1 + i] = param_tensor(net, i);
    }
    out->count = count + 1;
}

static gv_status restore_one(const gv_safetensors *file, const gv_tensor *to, float *values)
{
    const gv_tensor *found = NULL;
    GV_TRY(gv_safetensors_expect(file, to->name, GV_TENSOR_F32, to->rank, to->shape, &found));
    memcpy(values, found->data, gv_tensor_size(to));
    for (size_t i = 0; i < gv_tensor_size(to) / sizeof *values; i++) {
        if (!isfinite(values[i])) {
            return GV_FAIL(GV_ECORRUPT, "number %zu of the tensor \"%s\" is not finite", i,
                           to->name);
        }
    }
    return GV_OK;
}

gv_status gv_net_restore(void *state, const gv_safetensors *file)
{
    gv_net *net = state;
    const gv_tensor table = table_tensor(net);
    GV_TRY(restore_one(file, &table, gv_embeddings_values(net->table)));
    for (size_t i = 0; i < gv_params_count(net->params); i++) {
        const gv_tensor tensor = param_tensor(net, i);
        const gv_weight *weight = gv_params_at(net->params, i);
        GV_TRY(restore_one(file, &tensor, gv_params_f32(net->params) + weight->offset));
    }
    if (net->codes != NULL) {
        GV_TRY(gv_net_codes_begin(net));
    }
    return net->setup.sides == NULL ? GV_OK : gv_net_begin_sharing(net);
}
