/* Operators that read a concatenation of both colours in its pieces. */
#include <assert.h>
#include <string.h>

#include "models/nn/cross_shared_impl.h"
#include "models/nn/mari_impl.h"
#include "sim/base/mem.h"

enum { PIECES_MAX = 64 };

/* The nodes whose rows lie side by side in `node`, through concatenations and reshapes. */
static size_t take_apart(const gv_graph *graph, gv_node node, gv_mari_piece pieces[PIECES_MAX])
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
        pieces[count++] = (gv_mari_piece){.node = at, .first = column, .count = width};
        column += width;
    }
    return count;
}

const float *gv_mari_param(const gv_mari *mari, gv_node node)
{
    const gv_weight *weight = gv_params_at(mari->config.params, mari->graph->nodes[node].param);
    return gv_params_read_f32(mari->config.params) + weight->offset +
           mari->graph->nodes[node].value;
}

/* The pieces' columns of the weight, in their order. */
static gv_status pack(const gv_mari *mari, const gv_node_record *record,
                      const gv_mari_piece *pieces, size_t count, gv_panels *panels)
{
    const gv_shape *shape = &mari->graph->nodes[record->in[1]].shape;
    const float *weight = gv_mari_param(mari, record->in[1]);
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
        memcpy(panels->bias, gv_mari_param(mari, record->in[2]), panels->outputs * sizeof(float));
    }
}

/* Pieces of the user first, each colour in its order. */
static gv_status keep_pieces(const gv_mari *mari, gv_mari_node *node, const gv_mari_piece *pieces,
                             size_t count)
{
    node->pieces = gv_mem_alloc(0, count, sizeof *node->pieces);
    if (node->pieces == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to split a layer");
    }
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < count; i++) {
            if (mari->nodes[pieces[i].node].is_user == (turn == 0)) {
                node->pieces[node->piece_count++] = pieces[i];
                node->split_width += pieces[i].count;
            }
        }
        node->user_pieces = turn == 0 ? node->piece_count : node->user_pieces;
    }
    node->is_split = true;
    return GV_OK;
}

static size_t count_users(const gv_mari *mari, const gv_mari_piece *pieces, size_t count)
{
    size_t users = 0;
    for (size_t i = 0; i < count; i++) {
        users += mari->nodes[pieces[i].node].is_user;
    }
    return users;
}

static gv_status split_linear(gv_mari *mari, gv_mari_node *node, const gv_node_record *record,
                              const gv_mari_piece *pieces, size_t count)
{
    GV_TRY(keep_pieces(mari, node, pieces, count));
    GV_TRY(pack(mari, record, node->pieces, node->user_pieces, &node->user));
    set_bias(mari, record, &node->user);
    return pack(mari, record, node->pieces + node->user_pieces, count - node->user_pieces,
                &node->own);
}

static gv_status load_linear(gv_mari *mari, size_t index)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    gv_mari_node *node = &mari->nodes[index];
    assert(mari->graph->nodes[record->in[1]].kind == NODE_PARAM);
    gv_mari_piece pieces[PIECES_MAX];
    const size_t inputs = gv_graph_width(mari->graph, record->in[0]);
    size_t count = record->shape.rank == 2 ? take_apart(mari->graph, record->in[0], pieces) : 0;
    const size_t users = count_users(mari, pieces, count);
    if (users > 0 && users < count) {
        return split_linear(mari, node, record, pieces, count);
    }
    const gv_mari_piece all = {.node = record->in[0], .count = inputs};
    GV_TRY(pack(mari, record, &all, 1, &node->own));
    set_bias(mari, record, &node->own);
    return GV_OK;
}

/* Keys and values of whole positions, the user's among them, whose shares are the user's. */
static gv_status load_attention(gv_mari *mari, size_t index)
{
    const gv_node_record *record = &mari->graph->nodes[index];
    gv_mari_node *node = &mari->nodes[index];
    const bool is_shared = record->in[2] == GV_NODE_NONE || mari->nodes[record->in[2]].is_user;
    gv_mari_piece pieces[PIECES_MAX];
    const size_t count = take_apart(mari->graph, record->in[1], pieces);
    bool is_whole = true;
    for (size_t i = 0; i < count; i++) {
        is_whole = is_whole && pieces[i].count % gv_graph_width(mari->graph, record->in[1]) == 0;
    }
    const bool has_users = count_users(mari, pieces, count) > 0;
    return !node->is_user && is_shared && is_whole && has_users
               ? keep_pieces(mari, node, pieces, count)
               : GV_OK;
}

gv_status gv_mari_load_operator(gv_mari *mari, size_t index)
{
    switch ((int)mari->graph->nodes[index].op) {
    case GV_OP_LINEAR:
        return load_linear(mari, index);
    case GV_OP_CROSS_ATTENTION:
        return load_attention(mari, index);
    default:
        return GV_OK;
    }
}

size_t gv_mari_split_operand(const gv_node_record *record)
{
    return record->op == GV_OP_LINEAR ? 0 : 1;
}

/* ---- runs ------------------------------------------------------------------------------------ */

void gv_mari_apply(const gv_panels *panels, const float *x, size_t rows, float *y, bool adds)
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

void gv_mari_repeat(const gv_mari *mari, const float *from, size_t width, float *to)
{
    size_t row = 0;
    for (size_t r = 0; r < mari->requests; r++) {
        for (; row < mari->ends[r]; row++) {
            memcpy(to + row * width, from + r * width, width * sizeof *to);
        }
    }
}

/* Rows of these pieces side by side. */
static void gather(const gv_mari *mari, const gv_mari_piece *pieces, size_t count, size_t rows,
                   size_t width, float *out)
{
    size_t column = 0;
    for (size_t i = 0; i < count; i++) {
        const float *from = gv_mari_values(mari, pieces[i].node);
        for (size_t row = 0; row < rows; row++) {
            memcpy(out + row * width + column, from + row * pieces[i].count,
                   pieces[i].count * sizeof *out);
        }
        column += pieces[i].count;
    }
}

/* The same, where they are if there is one alone. */
static const float *side_by_side(const gv_mari *mari, const gv_mari_piece *pieces, size_t count,
                                 size_t rows, float *room)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++) {
        width += pieces[i].count;
    }
    if (count == 1) {
        return gv_mari_values(mari, pieces[0].node);
    }
    gather(mari, pieces, count, rows, width, room);
    return room;
}

/* The candidates' sums begin with their user's part. */
static void run_linear(gv_mari *mari, size_t index, size_t rows)
{
    gv_mari_node *node = &mari->nodes[index];
    const gv_mari_piece *others = node->pieces + node->user_pieces;
    const size_t count = node->piece_count - node->user_pieces;
    const size_t requests = mari->requests;
    float *y = gv_mari_values(mari, (gv_node)index);
    const float *user =
        side_by_side(mari, node->pieces, node->user_pieces, requests, gv_mari_room(mari, 0));
    gv_mari_apply(&node->user, user, requests, gv_mari_room(mari, 1), false);
    gv_mari_repeat(mari, gv_mari_room(mari, 1), node->width, y);
    const float *own = side_by_side(mari, others, count, rows, gv_mari_room(mari, 0));
    gv_mari_apply(&node->own, own, rows, y, true);
}

/* keys: filled in. Before a run its sizes alone count. */
static gv_cross_shared cross_of(const gv_mari *mari, size_t index, gv_cross_keys keys[PIECES_MAX])
{
    const gv_node_record *record = &mari->graph->nodes[index];
    const gv_mari_node *node = &mari->nodes[index];
    const gv_node shares = record->in[2];
    const bool has_own = shares != GV_NODE_NONE && mari->graph->nodes[shares].shape.rank == 3;
    const size_t each = 2 * record->shape.dim[2];
    for (size_t i = 0; i < node->piece_count; i++) {
        const gv_mari_piece *of = &node->pieces[i];
        keys[i] = (gv_cross_keys){.pairs = gv_mari_values(mari, of->node),
                                  .count = of->count / each,
                                  .first = of->first / each};
    }
    return (gv_cross_shared){
        .queries = record->shape.dim[1],
        .width = record->shape.dim[2],
        .heads = record->attrs.groups,
        .keys = {keys, keys + node->user_pieces},
        .key_counts = {node->user_pieces, node->piece_count - node->user_pieces},
        .query = gv_mari_values(mari, record->in[0]),
        .is_user_query = mari->nodes[record->in[0]].is_user,
        .shares = shares == GV_NODE_NONE ? NULL : gv_mari_values(mari, shares),
        .share_heads = has_own ? record->attrs.groups : 1,
        .share_keys = mari->graph->nodes[record->in[1]].shape.dim[1],
        .ends = mari->ends,
        .requests = mari->requests,
        .out = node->values,
        .work = mari->work};
}

size_t gv_mari_split_work(const gv_mari *mari, size_t index)
{
    if (mari->graph->nodes[index].op == GV_OP_LINEAR) {
        return 0;
    }
    gv_cross_keys keys[PIECES_MAX];
    const gv_cross_shared task = cross_of(mari, index, keys);
    return gv_cross_shared_work(&task);
}

void gv_mari_run_split(gv_mari *mari, size_t index, size_t rows)
{
    if (mari->graph->nodes[index].op == GV_OP_LINEAR) {
        run_linear(mari, index, rows);
        return;
    }
    gv_cross_keys keys[PIECES_MAX];
    const gv_cross_shared task = cross_of(mari, index, keys);
    gv_cross_shared_attend(&task);
}
