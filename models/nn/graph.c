/*
 * The builder: nodes in the order of their making, so every operand stands before its user. A
 * failure is kept in the graph, and every later call returns GV_NODE_NONE.
 */
#include "models/nn/graph.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/graph_impl.h"
#include "sim/base/mem.h"

enum { FIRST_CAPACITY = 64 };

gv_status gv_graph_create(const gv_graph_config *config, gv_graph **out)
{
    assert(config->params != NULL);
    gv_graph *graph = gv_mem_alloc(sizeof *graph, 0, 0);
    if (graph == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a graph");
    }
    graph->config = *config;
    graph->config.shards = config->shards == 0 ? 1 : config->shards;
    graph->kind = gv_params_kind(config->params);
    graph->loss = GV_NODE_NONE;
    graph->rows = gv_op_rows;
    if (config->trained != NULL) {
        assert(strlen(config->trained) < sizeof graph->trained);
        memcpy(graph->trained, config->trained, strlen(config->trained) + 1);
    }
    *out = graph;
    return GV_OK;
}

void gv_graph_destroy(gv_graph *graph)
{
    if (graph != NULL) {
        gv_mem_free(graph->nodes);
        gv_mem_free(graph);
    }
}

/* The new node, zeroed but for its root; NULL when the graph has failed. */
static gv_node_record *add_node(gv_graph *graph, gv_node_kind kind, const gv_shape *shape)
{
    assert(!graph->is_finished);
    if (graph->status != GV_OK) {
        return NULL;
    }
    if (graph->count == graph->capacity) {
        const size_t capacity = graph->capacity == 0 ? FIRST_CAPACITY : 2 * graph->capacity;
        gv_node_record *grown = gv_mem_resize(graph->nodes, capacity, sizeof *grown);
        if (grown == NULL) {
            graph->status = GV_FAIL(GV_ENOMEM, "no memory for a graph of %zu nodes", capacity);
            return NULL;
        }
        graph->nodes = grown;
        graph->capacity = capacity;
    }
    gv_node_record *record = &graph->nodes[graph->count];
    *record = (gv_node_record){.kind = kind, .op = GV_OP_COUNT, .root = (gv_node)graph->count};
    record->shape = gv_shape_of(shape->rank, shape->dim);
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        record->in[k] = GV_NODE_NONE;
    }
    graph->count++;
    return record;
}

static gv_node add_input(gv_graph *graph, gv_node_kind kind, const char *name,
                         const gv_shape *shape)
{
    assert(strlen(name) < GV_NN_NAME_MAX);
    gv_node_record *record = add_node(graph, kind, shape);
    if (record == NULL) {
        return GV_NODE_NONE;
    }
    memcpy(record->name, name, strlen(name) + 1);
    return record->root;
}

gv_node gv_graph_input(gv_graph *graph, const char *name, gv_shape shape)
{
    return add_input(graph, NODE_INPUT, name, &shape);
}

gv_node gv_graph_gathered(gv_graph *graph, const char *name, gv_shape shape)
{
    const gv_node node = add_input(graph, NODE_INPUT, name, &shape);
    if (node != GV_NODE_NONE) {
        graph->nodes[node].needs_grad = true;
    }
    return node;
}

gv_node gv_graph_indices(gv_graph *graph, const char *name, gv_shape shape)
{
    return add_input(graph, NODE_INDICES, name, &shape);
}

/* A parameter asked for twice in one graph is one node, so that its gradient is one tensor. */
static gv_node find_param(const gv_graph *graph, size_t param)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (graph->nodes[i].kind == NODE_PARAM && graph->nodes[i].param == param) {
            return (gv_node)i;
        }
    }
    return GV_NODE_NONE;
}

gv_node gv_graph_param(gv_graph *graph, const char *name, gv_shape shape, gv_init init)
{
    char full[2 * GV_NN_NAME_MAX];
    const int length = snprintf(full, sizeof full, "%s%s", graph->scope, name);
    assert(length > 0 && length < GV_NN_NAME_MAX);
    if (graph->status != GV_OK) {
        return GV_NODE_NONE;
    }
    size_t param = 0;
    graph->status = gv_params_add(graph->config.params, full, &shape, init, &param);
    if (graph->status != GV_OK) {
        return GV_NODE_NONE;
    }
    const gv_node known = find_param(graph, param);
    if (known != GV_NODE_NONE) {
        return known;
    }
    gv_node_record *record = add_node(graph, NODE_PARAM, &shape);
    if (record == NULL) {
        return GV_NODE_NONE;
    }
    record->param = param;
    record->needs_grad = strncmp(full, graph->trained, strlen(graph->trained)) == 0;
    return record->root;
}

void gv_graph_open(gv_graph *graph, const char *name)
{
    assert(graph->scope_depth < SCOPES_MAX);
    const size_t length = strlen(graph->scope);
    const size_t room = sizeof graph->scope - length;
    const int written = snprintf(graph->scope + length, room, "%s.", name);
    assert(written > 0);
    assert((size_t)written < room);
    graph->scope_lengths[graph->scope_depth++] = length;
}

void gv_graph_close(gv_graph *graph)
{
    assert(graph->scope_depth > 0);
    graph->scope[graph->scope_lengths[--graph->scope_depth]] = '\0';
}

void gv_graph_keep(gv_graph *graph, gv_node node)
{
    if (graph->status == GV_OK) {
        assert(node < graph->count);
        graph->nodes[graph->nodes[node].root].is_kept = true;
    }
}

gv_op_call gv_graph_call(const gv_graph *graph, const gv_node_record *record)
{
    gv_op_call call = {.attrs = &record->attrs, .out_shape = &record->shape};
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        if (record->in[k] != GV_NODE_NONE) {
            call.shape[k] = &graph->nodes[record->in[k]].shape;
        }
    }
    return call;
}

static bool is_any_trained(const gv_graph *graph, const gv_op_row *row, const gv_node *in)
{
    for (size_t k = 0; k < row->arity; k++) {
        const bool may = (row->constant & KEEPS_IN(k)) == 0;
        if (may && in[k] != GV_NODE_NONE && graph->nodes[in[k]].needs_grad) {
            return true;
        }
    }
    return false;
}

gv_node gv_graph_operator(gv_graph *graph, gv_op_id op, const gv_node in[OP_ARITY_MAX],
                          const gv_op_attrs *attrs)
{
    if (graph->status != GV_OK) {
        return GV_NODE_NONE;
    }
    const gv_op_row *row = &gv_op_rows[op];
    gv_op_call call = {.attrs = attrs};
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        assert(in[k] != GV_NODE_NONE || k >= row->arity_min);
        assert(in[k] == GV_NODE_NONE || (in[k] < graph->count && k < row->arity));
        call.shape[k] = in[k] == GV_NODE_NONE ? NULL : &graph->nodes[in[k]].shape;
    }
    const gv_shape shape = row->shape(&call);
    gv_node_record *record = add_node(graph, NODE_OPERATOR, &shape);
    if (record == NULL) {
        return GV_NODE_NONE;
    }
    const gv_node self = record->root;
    record->op = op;
    record->attrs = *attrs;
    memcpy(record->in, in, sizeof record->in);
    record->needs_grad = is_any_trained(graph, row, in);
    if (op == GV_OP_RESHAPE) {
        record->root = graph->nodes[in[0]].root;
    }
    return self;
}

gv_status gv_graph_finish(gv_graph *graph, gv_node loss)
{
    GV_TRY(graph->status);
    assert(!graph->is_finished);
    assert(graph->scope[0] == '\0');
    if (loss != GV_NODE_NONE) {
        assert(loss < graph->count);
        assert(gv_shape_count(&graph->nodes[loss].shape) == 1);
        assert(graph->nodes[loss].kind == NODE_OPERATOR);
        assert(graph->nodes[loss].needs_grad);
        gv_graph_keep(graph, loss);
    }
    graph->loss = loss;
    GV_TRY(gv_graph_plan(graph));
    graph->is_finished = true;
    graph->config.params = NULL;
    return GV_OK;
}

const gv_shape *gv_graph_shape(const gv_graph *graph, gv_node node)
{
    assert(node < graph->count);
    return &graph->nodes[node].shape;
}

size_t gv_graph_dim(const gv_graph *graph, gv_node node, size_t axis)
{
    if (graph->status != GV_OK) {
        return 1;
    }
    assert(axis < gv_graph_shape(graph, node)->rank);
    return graph->nodes[node].shape.dim[axis];
}

size_t gv_graph_width(const gv_graph *graph, gv_node node)
{
    return graph->status != GV_OK ? 1
                                  : gv_graph_dim(graph, node, graph->nodes[node].shape.rank - 1);
}

gv_node gv_graph_find(const gv_graph *graph, const char *input_name)
{
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        const bool is_input = record->kind == NODE_INPUT || record->kind == NODE_INDICES;
        if (is_input && strcmp(record->name, input_name) == 0) {
            return (gv_node)i;
        }
    }
    return GV_NODE_NONE;
}

size_t gv_graph_arena_size(const gv_graph *graph)
{
    assert(graph->is_finished);
    return graph->arena_size;
}

/* Backward has two products for each of forward's: towards the operand and towards the weight. */
size_t gv_graph_flops(const gv_graph *graph)
{
    size_t flops = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        if (record->kind == NODE_OPERATOR && gv_op_rows[record->op].flops != NULL) {
            const gv_op_call call = gv_graph_call(graph, record);
            flops += gv_op_rows[record->op].flops(&call) * (record->runs_back ? 3 : 1);
        }
    }
    return flops;
}
