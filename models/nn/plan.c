/*
 * The plan of a graph's memory. Each value, gradient and saved scratch is a piece of known size,
 * live from one slot to another; pieces whose slots overlap get different places. The largest
 * are placed first, each at the lowest place that is free for its slots, which for networks
 * comes close to the best (the greedy-by-size rule of Pisarchyk and Lee, arXiv 2001.03288).
 */
#include <assert.h>
#include <string.h>

#include "models/nn/graph_impl.h"
#include "sim/base/mem.h"

enum { ALIGNMENT = 16, PARTS = 3 };

static size_t aligned(size_t count)
{
    return (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t back_slot(const gv_graph *graph, size_t node)
{
    return 2 * graph->count - 1 - node;
}

static size_t last_slot(const gv_graph *graph)
{
    return 2 * graph->count - 1;
}

/* Which operators' backward runs: those between a trained parameter and the loss. */
static void mark_backward(gv_graph *graph)
{
    if (graph->loss == GV_NODE_NONE) {
        return;
    }
    graph->nodes[graph->loss].runs_back = true;
    for (size_t i = graph->loss + 1; i-- > 0;) {
        const gv_node_record *record = &graph->nodes[i];
        if (!record->runs_back || record->kind != NODE_OPERATOR) {
            continue;
        }
        const gv_op_row *row = &gv_op_rows[record->op];
        for (size_t k = 0; k < row->arity; k++) {
            const bool may = (row->constant & KEEPS_IN(k)) == 0;
            if (may && record->in[k] != GV_NODE_NONE && graph->nodes[record->in[k]].needs_grad) {
                graph->nodes[record->in[k]].runs_back = true;
            }
        }
    }
}

/*
 * Going backward, the first to reach a gradient writes it and the others add. A reshape has no
 * memory of its own: its gradient is its operand's already.
 */
static void mark_first_writers(gv_graph *graph, bool *is_written)
{
    for (size_t i = graph->count; i-- > 0;) {
        gv_node_record *record = &graph->nodes[i];
        if (!record->runs_back || record->kind != NODE_OPERATOR || record->op == GV_OP_RESHAPE) {
            continue;
        }
        const gv_op_row *row = &gv_op_rows[record->op];
        for (size_t k = 0; k < row->arity; k++) {
            const gv_node in = record->in[k];
            const bool may = (row->constant & KEEPS_IN(k)) == 0;
            if (may && in != GV_NODE_NONE && graph->nodes[in].runs_back) {
                const gv_node root = graph->nodes[in].root;
                record->add_grad[k] = is_written[root];
                is_written[root] = true;
            }
        }
    }
}

static void touch(gv_plan_piece *piece, size_t slot)
{
    piece->first = slot < piece->first ? slot : piece->first;
    piece->last = slot > piece->last ? slot : piece->last;
}

/* pieces: [PARTS] of node i at PARTS i; those of size 0 need no place. */
static void size_pieces(const gv_graph *graph, gv_plan_piece *pieces)
{
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        for (int part = 0; part < PARTS; part++) {
            pieces[PARTS * i + (size_t)part] =
                (gv_plan_piece){.node = (gv_node)i, .part = part, .first = SIZE_MAX};
        }
        if (record->root != i) {
            continue;
        }
        const size_t size = aligned(gv_shape_count(&record->shape));
        if (record->kind != NODE_PARAM) {
            pieces[PARTS * i + PLAN_VALUE].size = size;
        }
        if (record->kind != NODE_PARAM && record->runs_back) {
            pieces[PARTS * i + PLAN_GRAD].size = size;
        }
        if (record->kind == NODE_OPERATOR && gv_op_rows[record->op].saved != NULL) {
            const gv_op_call call = gv_graph_call(graph, record);
            pieces[PARTS * i + PLAN_SAVED].size = aligned(gv_op_rows[record->op].saved(&call));
        }
    }
}

/* When one operator reads and writes whose memory. */
static void time_operator(const gv_graph *graph, size_t i, gv_plan_piece *pieces)
{
    const gv_node_record *record = &graph->nodes[i];
    const gv_op_row *row = &gv_op_rows[record->op];
    const size_t back = back_slot(graph, i);
    touch(&pieces[PARTS * record->root + PLAN_VALUE], i);
    touch(&pieces[PARTS * i + PLAN_SAVED], i);
    if (record->runs_back) {
        touch(&pieces[PARTS * record->root + PLAN_GRAD], back);
        touch(&pieces[PARTS * i + PLAN_SAVED], back);
        if ((row->keeps & KEEPS_OUT) != 0) {
            touch(&pieces[PARTS * record->root + PLAN_VALUE], back);
        }
    }
    for (size_t k = 0; k < row->arity; k++) {
        if (record->in[k] == GV_NODE_NONE) {
            continue;
        }
        const gv_node root = graph->nodes[record->in[k]].root;
        touch(&pieces[PARTS * root + PLAN_VALUE], i);
        if (record->runs_back && (row->keeps & KEEPS_IN(k)) != 0) {
            touch(&pieces[PARTS * root + PLAN_VALUE], back);
        }
        const bool may = (row->constant & KEEPS_IN(k)) == 0;
        if (record->runs_back && may && graph->nodes[record->in[k]].runs_back) {
            touch(&pieces[PARTS * root + PLAN_GRAD], back);
        }
    }
}

static void time_pieces(const gv_graph *graph, gv_plan_piece *pieces)
{
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        if (record->kind == NODE_OPERATOR) {
            time_operator(graph, i, pieces);
        } else if (record->kind != NODE_PARAM) {
            touch(&pieces[PARTS * i + PLAN_VALUE], 0);
            touch(&pieces[PARTS * i + PLAN_VALUE], last_slot(graph));
            touch(&pieces[PARTS * i + PLAN_GRAD], last_slot(graph));
        }
        if (record->is_kept) {
            touch(&pieces[PARTS * record->root + PLAN_VALUE], last_slot(graph));
        }
    }
    if (graph->loss != GV_NODE_NONE) {
        touch(&pieces[PARTS * graph->nodes[graph->loss].root + PLAN_GRAD], graph->count);
    }
}

gv_status gv_graph_pieces(const gv_graph *graph, gv_plan_piece **pieces, size_t *count)
{
    gv_plan_piece *all = gv_mem_alloc(0, PARTS * graph->count + 1, sizeof *all);
    if (all == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to plan a graph of %zu nodes", graph->count);
    }
    size_pieces(graph, all);
    time_pieces(graph, all);
    size_t used = 0;
    for (size_t i = 0; i < PARTS * graph->count; i++) {
        const gv_node_record *record = &graph->nodes[all[i].node];
        if (all[i].size > 0) {
            const size_t places[PARTS] = {record->value, record->grad, record->saved};
            all[used] = all[i];
            all[used++].offset = places[all[i].part];
        }
    }
    *pieces = all;
    *count = used;
    return GV_OK;
}

/* Larger first, then by node and part, so that the order is total. */
static bool stands_before(const gv_plan_piece *a, const gv_plan_piece *b)
{
    if (a->size != b->size) {
        return a->size > b->size;
    }
    return a->node != b->node ? a->node < b->node : a->part < b->part;
}

static void sort_pieces(gv_plan_piece *pieces, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const gv_plan_piece piece = pieces[i];
        size_t k = i;
        while (k > 0 && stands_before(&piece, &pieces[k - 1])) {
            pieces[k] = pieces[k - 1];
            k--;
        }
        pieces[k] = piece;
    }
}

/* The lowest place beside all earlier pieces that live at the same time. */
static size_t place_of(const gv_plan_piece *pieces, size_t index)
{
    const gv_plan_piece *piece = &pieces[index];
    size_t offset = 0;
    bool has_moved = true;
    while (has_moved) {
        has_moved = false;
        for (size_t k = 0; k < index; k++) {
            const gv_plan_piece *other = &pieces[k];
            const bool is_apart = other->last < piece->first || piece->last < other->first;
            const bool is_beside =
                other->offset + other->size <= offset || offset + piece->size <= other->offset;
            if (!is_apart && !is_beside) {
                offset = other->offset + other->size;
                has_moved = true;
            }
        }
    }
    return offset;
}

static size_t work_size(const gv_graph *graph)
{
    size_t largest = 0;
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        if (record->kind == NODE_OPERATOR && gv_op_rows[record->op].work != NULL) {
            const gv_op_call call = gv_graph_call(graph, record);
            const size_t size = aligned(gv_op_rows[record->op].work(&call));
            largest = size > largest ? size : largest;
        }
    }
    return largest;
}

static void place_pieces(gv_graph *graph, gv_plan_piece *pieces, size_t count)
{
    sort_pieces(pieces, count);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        gv_plan_piece *piece = &pieces[i];
        piece->offset = place_of(pieces, i);
        end = piece->offset + piece->size > end ? piece->offset + piece->size : end;
        gv_node_record *record = &graph->nodes[piece->node];
        size_t *const places[PARTS] = {&record->value, &record->grad, &record->saved};
        *places[piece->part] = piece->offset;
    }
    graph->work = end;
    graph->arena_size = end + work_size(graph);
}

gv_status gv_graph_plan(gv_graph *graph)
{
    bool *is_written = gv_mem_alloc(0, graph->count + 1, sizeof *is_written);
    if (is_written == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to plan a graph of %zu nodes", graph->count);
    }
    mark_backward(graph);
    mark_first_writers(graph, is_written);
    gv_mem_free(is_written);

    gv_plan_piece *pieces = NULL;
    size_t count = 0;
    GV_TRY(gv_graph_pieces(graph, &pieces, &count));
    place_pieces(graph, pieces, count);
    gv_mem_free(pieces);
    return GV_OK;
}
