#include "models/nn/mari.h"

#include <assert.h>
#include <string.h>

#include "models/nn/mari_impl.h"
#include "sim/base/mem.h"

/* Operators whose row b of the result comes from rows b of their operands. */
static bool is_by_rows(const gv_node_record *record)
{
    switch ((int)record->op) {
    case GV_OP_LINEAR:
    case GV_OP_ADD:
    case GV_OP_SUB:
    case GV_OP_MUL:
    case GV_OP_MIN:
    case GV_OP_SCALE:
    case GV_OP_CLAMP:
    case GV_OP_RELU:
    case GV_OP_GELU:
    case GV_OP_GELU_TANH:
    case GV_OP_SILU:
    case GV_OP_MISH:
    case GV_OP_TANH:
    case GV_OP_SIGMOID:
    case GV_OP_EXP:
    case GV_OP_SOFTPLUS:
    case GV_OP_SYMLOG:
    case GV_OP_STOP:
    case GV_OP_LAYER_NORM:
    case GV_OP_CROSS_ATTENTION:
    case GV_OP_MODULATE:
    case GV_OP_POOL:
    case GV_OP_RESHAPE:
        return true;
    case GV_OP_SOFTMAX:
    case GV_OP_LOG_SUM_EXP:
    case GV_OP_SUM_LAST:
        return record->shape.rank >= 1;
    case GV_OP_CONCAT:
    case GV_OP_SLICE:
    case GV_OP_TRANSPOSE:
        return record->attrs.axis >= 1;
    default:
        return false;
    }
}

gv_status gv_mari_check_rows(const gv_graph *graph, const gv_node_record *record)
{
    const gv_node_record *first = &graph->nodes[record->in[0]];
    const bool keeps_batch = record->shape.dim[0] == first->shape.dim[0];
    if (!is_by_rows(record) || !keeps_batch || first->kind == NODE_PARAM) {
        return GV_FAIL(GV_EINVAL,
                       "a network with '%s' over the batch cannot be run candidate by candidate",
                       gv_op_rows[record->op].name);
    }
    return GV_OK;
}

/* A concatenation that only split operators read is never made. */
static void mark_read(gv_mari *mari)
{
    for (size_t i = 0; i < mari->graph->count; i++) {
        mari->nodes[i].is_needed = false;
    }
    mari->nodes[mari->output].is_needed = true;
    for (size_t i = mari->graph->count; i-- > 0;) {
        const gv_mari_node *node = &mari->nodes[i];
        const gv_node_record *record = &mari->graph->nodes[i];
        for (size_t k = 0; node->is_needed && k < node->piece_count; k++) {
            mari->nodes[node->pieces[k].node].is_needed = true;
        }
        for (size_t k = 0; node->is_needed && k < OP_ARITY_MAX; k++) {
            const bool is_in_pieces = node->is_split && k == gv_mari_split_operand(record);
            if (record->in[k] != GV_NODE_NONE && !is_in_pieces) {
                mari->nodes[record->in[k]].is_needed = true;
            }
        }
    }
}

/* The operator's call with `rows` for the batch; shapes [1 + OP_ARITY_MAX]. */
static gv_op_call call_of(const gv_mari *mari, size_t index, size_t rows, gv_shape *shapes)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    gv_op_call call = gv_graph_call(mari->graph, record);
    shapes[0] = record->shape;
    shapes[0].dim[0] = rows;
    call.out_shape = &shapes[0];
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        if (record->in[k] != GV_NODE_NONE && mari->graph->nodes[record->in[k]].kind != NODE_PARAM) {
            shapes[1 + k] = mari->graph->nodes[record->in[k]].shape;
            shapes[1 + k].dim[0] = rows;
            call.shape[k] = &shapes[1 + k];
        }
    }
    return call;
}

static gv_status allocate_values(gv_mari *mari)
{
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_node_record *record = &mari->graph->nodes[i];
        gv_mari_node *node = &mari->nodes[i];
        const bool is_there = node->is_needed || record->kind == NODE_INPUT;
        if (record->kind == NODE_PARAM || !is_there || record->root != i) {
            continue;
        }
        const size_t rows = node->is_user ? mari->config.requests_max : mari->config.rows_max;
        node->values = gv_mem_alloc_vector(rows * node->width, sizeof(float));
        if (node->values == NULL) {
            return GV_FAIL(GV_ENOMEM, "no memory for %zu candidates", rows);
        }
        memset(node->values, 0, rows * node->width * sizeof(float));
    }
    return GV_OK;
}

static gv_status allocate_scratch(gv_mari *mari)
{
    size_t saved = 1;
    size_t work = 1;
    mari->widest = 1;
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_node_record *record = &mari->graph->nodes[i];
        const gv_mari_node *node = &mari->nodes[i];
        if (!node->is_needed) {
            continue;
        }
        mari->widest = node->width > mari->widest ? node->width : mari->widest;
        mari->widest = node->split_width > mari->widest ? node->split_width : mari->widest;
        if (record->kind != NODE_OPERATOR) {
            continue;
        }
        if (node->is_split) {
            const size_t needs = gv_mari_split_work(mari, i);
            work = needs > work ? needs : work;
            continue;
        }
        gv_shape shapes[1 + OP_ARITY_MAX];
        const gv_op_row *row = &gv_op_rows[record->op];
        const gv_op_call call = call_of(mari, i, mari->config.rows_max, shapes);
        const size_t keeps = row->saved == NULL ? 0 : row->saved(&call);
        const size_t needs = row->work == NULL ? 0 : row->work(&call);
        saved = keeps > saved ? keeps : saved;
        work = needs > work ? needs : work;
    }
    const size_t room = mari->config.rows_max * mari->widest;
    mari->rooms = gv_mem_alloc_vector(OP_ARITY_MAX * room, sizeof(float));
    mari->saved = gv_mem_alloc_vector(saved, sizeof(float));
    mari->work = gv_mem_alloc_vector(work, sizeof(float));
    if (mari->rooms == NULL || mari->saved == NULL || mari->work == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu candidates", mari->config.rows_max);
    }
    return GV_OK;
}

static gv_status begin_nodes(gv_mari *mari)
{
    GV_TRY(gv_mari_pieces_init(&mari->pieces, &mari->config));
    mari->graph = &mari->pieces.graph;
    mari->output = mari->pieces.whole[mari->config.output];
    mari->nodes = gv_mem_alloc(0, mari->graph->count, sizeof *mari->nodes);
    if (mari->nodes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a network over candidates");
    }
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_shape *shape = &mari->graph->nodes[i].shape;
        mari->nodes[i].is_user = mari->pieces.is_user[i];
        mari->nodes[i].width = gv_shape_count(shape) / shape->dim[0];
    }
    return GV_OK;
}

static gv_status load(gv_mari *mari)
{
    GV_TRY(begin_nodes(mari));
    mark_read(mari);
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_node_record *record = &mari->graph->nodes[i];
        if (!mari->nodes[i].is_needed || record->kind != NODE_OPERATOR) {
            continue;
        }
        GV_TRY(gv_mari_load_operator(mari, i));
    }
    mark_read(mari);
    GV_TRY(allocate_values(mari));
    return allocate_scratch(mari);
}

gv_status gv_mari_create(const gv_mari_config *config, gv_mari **out)
{
    assert(config->graph->is_finished);
    assert(config->graph->kind == GV_F32);
    assert(config->requests_max >= 1);
    assert(config->rows_max >= config->requests_max);
    gv_mari *mari = gv_mem_alloc(sizeof *mari, 0, 0);
    if (mari == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a network over candidates");
    }
    mari->config = *config;
    const gv_status status = load(mari);
    if (status != GV_OK) {
        gv_mari_destroy(mari);
        return status;
    }
    mari->config.leaves = NULL;
    mari->config.graph = NULL;
    *out = mari;
    return GV_OK;
}

void gv_mari_destroy(gv_mari *mari)
{
    if (mari == NULL) {
        return;
    }
    for (size_t i = 0; mari->nodes != NULL && i < mari->graph->count; i++) {
        gv_mem_free(mari->nodes[i].values);
        gv_mem_free(mari->nodes[i].pieces);
        gv_panels_fini(&mari->nodes[i].own);
        gv_panels_fini(&mari->nodes[i].user);
    }
    gv_mem_free(mari->nodes);
    gv_mari_pieces_fini(&mari->pieces);
    gv_mem_free(mari->rooms);
    gv_mem_free(mari->saved);
    gv_mem_free(mari->work);
    gv_mem_free(mari);
}

float *gv_mari_input(gv_mari *mari, gv_node input)
{
    const gv_node node = mari->pieces.whole[input];
    assert(node != GV_NODE_NONE);
    assert(mari->graph->nodes[node].kind == NODE_INPUT);
    return gv_mari_values(mari, node);
}

/* The operand's rows: its own, or each user's repeated for its candidates. */
static const float *operand_of(gv_mari *mari, const gv_node_record *record, size_t k, size_t rows)
{
    const gv_node in = record->in[k];
    if (mari->graph->nodes[in].kind == NODE_PARAM) {
        return gv_mari_param(mari, in);
    }
    const gv_mari_node *node = &mari->nodes[in];
    const float *values = gv_mari_values(mari, in);
    if (!node->is_user || rows == mari->requests) {
        return values;
    }
    float *room = gv_mari_room(mari, k);
    gv_mari_repeat(mari, values, node->width, room);
    return room;
}

static void run_node(gv_mari *mari, size_t index, size_t candidates)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    gv_mari_node *node = &mari->nodes[index];
    const size_t rows = node->is_user ? mari->requests : candidates;
    if (node->is_split) {
        gv_mari_run_split(mari, index, rows);
        return;
    }
    if (record->op == GV_OP_LINEAR) {
        const float *x = operand_of(mari, record, 0, rows);
        gv_mari_apply(&node->own, x, rows * node->width / node->own.outputs, node->values, false);
        return;
    }
    gv_shape shapes[1 + OP_ARITY_MAX];
    gv_op_call call = call_of(mari, index, rows, shapes);
    const gv_tape_step step = {.seed = 0};
    call.step = &step;
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        call.in[k] = record->in[k] == GV_NODE_NONE ? NULL : operand_of(mari, record, k, rows);
    }
    call.out = node->values;
    call.saved = mari->saved;
    call.work = mari->work;
    gv_op_rows[record->op].kernel[GV_F32]->forward(&call);
}

const float *gv_mari_run(gv_mari *mari, const size_t *ends, size_t requests)
{
    assert(requests >= 1);
    assert(requests <= mari->config.requests_max);
    assert(ends[requests - 1] <= mari->config.rows_max);
    for (size_t r = 0; r < requests; r++) {
        assert(ends[r] > (r == 0 ? 0 : ends[r - 1]));
    }
    mari->ends = ends;
    mari->requests = requests;
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_node_record *record = &mari->graph->nodes[i];
        if (mari->nodes[i].is_needed && record->kind == NODE_OPERATOR &&
            record->op != GV_OP_RESHAPE) {
            run_node(mari, i, ends[requests - 1]);
        }
    }
    return gv_mari_values(mari, mari->output);
}

static size_t linear_products(const gv_mari_node *node, size_t requests, size_t rows)
{
    const size_t each = node->width / node->own.outputs;
    const size_t own_rows = node->is_user ? requests : rows;
    return requests * node->user.inputs * node->user.outputs +
           own_rows * each * node->own.inputs * node->own.outputs;
}

/* A query's score of a key and the mixing of its value. */
static size_t attention_products(const gv_mari *mari, size_t index, size_t requests, size_t rows)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    const gv_mari_node *node = &mari->nodes[index];
    const size_t width = record->shape.dim[2];
    const size_t all = mari->graph->nodes[record->in[1]].shape.dim[1];
    size_t users = 0;
    for (size_t i = 0; i < node->user_pieces; i++) {
        users += node->pieces[i].count / (2 * width);
    }
    const bool is_begun = node->is_split && mari->nodes[record->in[0]].is_user;
    const size_t pairs = node->is_user ? requests * all
                         : is_begun    ? requests * users + rows * (all - users)
                                       : rows * all;
    return pairs * record->shape.dim[1] * 2 * width;
}

size_t gv_mari_products(const gv_mari *mari, size_t requests, size_t rows)
{
    size_t products = 0;
    for (size_t i = 0; i < mari->graph->count; i++) {
        const gv_mari_node *node = &mari->nodes[i];
        if (!node->is_needed || mari->graph->nodes[i].kind != NODE_OPERATOR) {
            continue;
        }
        if (mari->graph->nodes[i].op == GV_OP_LINEAR) {
            products += linear_products(node, requests, rows);
        } else if (mari->graph->nodes[i].op == GV_OP_CROSS_ATTENTION) {
            products += attention_products(mari, i, requests, rows);
        }
    }
    return products;
}
