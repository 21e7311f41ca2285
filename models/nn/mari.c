#include "models/nn/mari.h"

#include <assert.h>
#include <string.h>

#include "models/nn/mari_impl.h"
#include "models/nn/panel_impl.h"
#include "sim/base/mem.h"

enum { PIECES_MAX = 64 };

/* Columns of a concatenation that come from one node. */
typedef struct piece {
    gv_node node;
    size_t first; /* in the concatenation */
    size_t count;
} piece;

typedef struct mari_node {
    bool is_needed;
    bool is_user; /* one row a request */
    bool is_split;
    size_t width;   /* numbers of a row */
    float *values;  /* [requests_max or rows_max][width]; a reshape has its operand's */
    gv_panels own;  /* linear: the weights of what differs between candidates, and the bias */
    gv_panels user; /* of a split one: those of the user's columns, which have the bias then */
    piece *pieces;  /* of a split one: [piece_count], the user's first */
    size_t piece_count;
    size_t user_pieces;
} mari_node;

struct gv_mari {
    gv_mari_config config;
    gv_mari_pieces pieces;
    const gv_graph *graph; /* that of the pieces */
    gv_node output;
    mari_node *nodes; /* [graph->count] */
    float *gathered;  /* [rows_max][widest split input] */
    float *repeated;  /* [OP_ARITY_MAX][rows_max][widest] */
    float *saved;
    float *work;
    size_t widest;
    /* The run at hand. */
    const size_t *ends; /* [requests] */
    size_t requests;
};

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

/* The nodes whose rows lie side by side in `node`, through concatenations and reshapes. */
static size_t take_apart(const gv_graph *graph, gv_node node, piece pieces[PIECES_MAX])
{
    gv_node stack[PIECES_MAX];
    size_t depth = 0;
    size_t count = 0;
    size_t column = 0;
    stack[depth++] = node;
    while (depth > 0) {
        const gv_node at = stack[--depth];
        const gv_node_record *record = &graph->nodes[at];
        const bool fits = depth + 2 + count < PIECES_MAX;
        if (record->kind == NODE_OPERATOR && record->op == GV_OP_RESHAPE) {
            stack[depth++] = record->in[0];
            continue;
        }
        if (record->kind == NODE_OPERATOR && record->op == GV_OP_CONCAT && fits &&
            record->attrs.axis == 1) {
            stack[depth++] = record->in[1];
            stack[depth++] = record->in[0];
            continue;
        }
        const size_t width = gv_shape_count(&record->shape) / record->shape.dim[0];
        pieces[count++] = (piece){.node = at, .first = column, .count = width};
        column += width;
    }
    return count;
}

static const float *param_of(const gv_mari *mari, gv_node node)
{
    const gv_weight *weight = gv_params_at(mari->config.params, mari->graph->nodes[node].param);
    return gv_params_read_f32(mari->config.params) + weight->offset +
           mari->graph->nodes[node].value;
}

/* The pieces' columns of the weight, in their order. */
static gv_status pack(const gv_mari *mari, const gv_node_record *record, const piece *pieces,
                      size_t count, gv_panels *panels)
{
    const gv_shape *shape = &mari->graph->nodes[record->in[1]].shape;
    const float *weight = param_of(mari, record->in[1]);
    size_t inputs = 0;
    for (size_t i = 0; i < count; i++) {
        inputs += pieces[i].count;
    }
    GV_TRY(gv_panels_init(panels, inputs, shape->dim[0]));
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        const gv_panel_part part = {.w = weight + pieces[i].first,
                                    .w_output = shape->dim[1],
                                    .w_input = 1,
                                    .first = first,
                                    .count = pieces[i].count};
        gv_panels_pack(panels, &part);
        first += pieces[i].count;
    }
    return GV_OK;
}

static void set_bias(const gv_mari *mari, const gv_node_record *record, gv_panels *panels)
{
    if (record->in[2] != GV_NODE_NONE) {
        memcpy(panels->bias, param_of(mari, record->in[2]), panels->outputs * sizeof(float));
    }
}

/* Pieces of the user first, each colour in its order. */
static gv_status split(gv_mari *mari, mari_node *node, const gv_node_record *record,
                       const piece *pieces, size_t count)
{
    node->pieces = gv_mem_alloc(0, count, sizeof *node->pieces);
    if (node->pieces == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to split a layer");
    }
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < count; i++) {
            if (mari->nodes[pieces[i].node].is_user == (turn == 0)) {
                node->pieces[node->piece_count++] = pieces[i];
            }
        }
        node->user_pieces = turn == 0 ? node->piece_count : node->user_pieces;
    }
    node->is_split = true;
    GV_TRY(pack(mari, record, node->pieces, node->user_pieces, &node->user));
    set_bias(mari, record, &node->user);
    return pack(mari, record, node->pieces + node->user_pieces, count - node->user_pieces,
                &node->own);
}

static gv_status load_linear(gv_mari *mari, size_t index)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    mari_node *node = &mari->nodes[index];
    assert(mari->graph->nodes[record->in[1]].kind == NODE_PARAM);
    piece pieces[PIECES_MAX];
    const size_t inputs = gv_graph_width(mari->graph, record->in[0]);
    size_t count = record->shape.rank == 2 ? take_apart(mari->graph, record->in[0], pieces) : 0;
    size_t users = 0;
    for (size_t i = 0; i < count; i++) {
        users += mari->nodes[pieces[i].node].is_user;
    }
    if (users > 0 && users < count) {
        return split(mari, node, record, pieces, count);
    }
    const piece all = {.node = record->in[0], .count = inputs};
    GV_TRY(pack(mari, record, &all, 1, &node->own));
    set_bias(mari, record, &node->own);
    return GV_OK;
}

/* A concatenation that only split layers read is never made. */
static void mark_read(gv_mari *mari)
{
    for (size_t i = 0; i < mari->graph->count; i++) {
        mari->nodes[i].is_needed = false;
    }
    mari->nodes[mari->output].is_needed = true;
    for (size_t i = mari->graph->count; i-- > 0;) {
        const mari_node *node = &mari->nodes[i];
        const gv_node_record *record = &mari->graph->nodes[i];
        for (size_t k = 0; node->is_needed && k < node->piece_count; k++) {
            mari->nodes[node->pieces[k].node].is_needed = true;
        }
        for (size_t k = 0; node->is_needed && !node->is_split && k < OP_ARITY_MAX; k++) {
            if (record->in[k] != GV_NODE_NONE) {
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
        mari_node *node = &mari->nodes[i];
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
        const mari_node *node = &mari->nodes[i];
        if (!node->is_needed) {
            continue;
        }
        mari->widest = node->width > mari->widest ? node->width : mari->widest;
        const size_t split_width = node->user.inputs + node->own.inputs;
        mari->widest = split_width > mari->widest ? split_width : mari->widest;
        if (record->kind != NODE_OPERATOR) {
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
    mari->gathered = gv_mem_alloc_vector(room, sizeof(float));
    mari->repeated = gv_mem_alloc_vector(OP_ARITY_MAX * room, sizeof(float));
    mari->saved = gv_mem_alloc_vector(saved, sizeof(float));
    mari->work = gv_mem_alloc_vector(work, sizeof(float));
    if (mari->gathered == NULL || mari->repeated == NULL || mari->saved == NULL ||
        mari->work == NULL) {
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
        if (mari->nodes[i].is_needed && record->kind == NODE_OPERATOR &&
            record->op == GV_OP_LINEAR) {
            GV_TRY(load_linear(mari, i));
        }
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
    gv_mem_free(mari->gathered);
    gv_mem_free(mari->repeated);
    gv_mem_free(mari->saved);
    gv_mem_free(mari->work);
    gv_mem_free(mari);
}

/* A node's numbers; a reshape has those of what it reshapes. */
static float *values_of(const gv_mari *mari, gv_node node)
{
    return mari->nodes[mari->graph->nodes[node].root].values;
}

float *gv_mari_input(gv_mari *mari, gv_node input)
{
    const gv_node node = mari->pieces.whole[input];
    assert(node != GV_NODE_NONE);
    assert(mari->graph->nodes[node].kind == NODE_INPUT);
    return values_of(mari, node);
}

static void apply(const gv_panels *panels, const float *x, size_t rows, float *y, bool adds)
{
    gv_panel_rows task = {.x = x,
                          .x_step = panels->inputs,
                          .y_step = panels->outputs,
                          .rows = rows,
                          .run = rows,
                          .adds = adds};
    task.y = y;
    gv_panels_apply(panels, &task);
}

/* A row of each request, [requests][width], as one of each of its candidates. */
static void repeat(const gv_mari *mari, const float *from, size_t width, float *to)
{
    size_t row = 0;
    for (size_t r = 0; r < mari->requests; r++) {
        for (; row < mari->ends[r]; row++) {
            memcpy(to + row * width, from + r * width, width * sizeof *to);
        }
    }
}

/* Rows of these pieces side by side. */
static void gather(const gv_mari *mari, const piece *pieces, size_t count, size_t rows,
                   size_t width, float *out)
{
    size_t column = 0;
    for (size_t i = 0; i < count; i++) {
        const float *from = values_of(mari, pieces[i].node);
        for (size_t row = 0; row < rows; row++) {
            memcpy(out + row * width + column, from + row * pieces[i].count,
                   pieces[i].count * sizeof *out);
        }
        column += pieces[i].count;
    }
}

/* The candidates' sums begin with their user's part. */
static void run_split(gv_mari *mari, size_t index, size_t rows)
{
    mari_node *node = &mari->nodes[index];
    const piece *others = node->pieces + node->user_pieces;
    const size_t count = node->piece_count - node->user_pieces;
    const size_t requests = mari->requests;
    float *y = values_of(mari, (gv_node)index);
    gather(mari, node->pieces, node->user_pieces, requests, node->user.inputs, mari->gathered);
    apply(&node->user, mari->gathered, requests, mari->repeated, false);
    repeat(mari, mari->repeated, node->width, y);
    const float *x = values_of(mari, others[0].node);
    if (count > 1) {
        gather(mari, others, count, rows, node->own.inputs, mari->gathered);
        x = mari->gathered;
    }
    apply(&node->own, x, rows, y, true);
}

/* The operand's rows: its own, or each user's repeated for its candidates. */
static const float *operand_of(gv_mari *mari, const gv_node_record *record, size_t k, size_t rows)
{
    const gv_node in = record->in[k];
    if (mari->graph->nodes[in].kind == NODE_PARAM) {
        return param_of(mari, in);
    }
    const mari_node *node = &mari->nodes[in];
    const float *values = values_of(mari, in);
    if (!node->is_user || rows == mari->requests) {
        return values;
    }
    float *room = mari->repeated + k * mari->config.rows_max * mari->widest;
    repeat(mari, values, node->width, room);
    return room;
}

static void run_node(gv_mari *mari, size_t index, size_t candidates)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    mari_node *node = &mari->nodes[index];
    const size_t rows = node->is_user ? mari->requests : candidates;
    if (node->is_split) {
        run_split(mari, index, rows);
        return;
    }
    if (record->op == GV_OP_LINEAR) {
        const float *x = operand_of(mari, record, 0, rows);
        apply(&node->own, x, rows * node->width / node->own.outputs, node->values, false);
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
    return values_of(mari, mari->output);
}

size_t gv_mari_products(const gv_mari *mari, size_t requests, size_t rows)
{
    size_t products = 0;
    for (size_t i = 0; i < mari->graph->count; i++) {
        const mari_node *node = &mari->nodes[i];
        if (node->is_needed && node->own.outputs > 0) {
            const size_t each = node->width / node->own.outputs;
            const size_t own_rows = node->is_user ? requests : rows;
            products += requests * node->user.inputs * node->user.outputs;
            products += own_rows * each * node->own.inputs * node->own.outputs;
        }
    }
    return products;
}
