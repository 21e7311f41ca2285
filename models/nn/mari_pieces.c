/* The graph written once more, an operator for each run of positions of one colour. */
#include <assert.h>
#include <string.h>

#include "models/nn/mari_impl.h"
#include "sim/base/mem.h"

/* Runs of positions of one colour in one node; what has more is not taken apart. */
enum { RUNS_MAX = 16 };

typedef struct run {
    gv_node node; /* of the new graph */
    size_t first; /* position */
    size_t count;
} run;

/* A node of the old graph: what it has become. */
typedef struct origin {
    bool is_needed;
    gv_node whole; /* GV_NODE_NONE until somebody wants it in one */
    size_t run_count;
    run runs[RUNS_MAX];
} origin;

typedef struct cutting {
    const gv_graph *from;
    gv_mari_pieces *to;
    size_t colour_capacity;
    origin *origins; /* [from->count] */
} cutting;

/* ---- which operands go along ----------------------------------------------------------------- */

#define ALONG(k) (1U << (k))
/* Operand 1 is a parameter that has a row for each position. */
#define ROWS_ALONG (1U << OP_ARITY_MAX)

static unsigned combine_along(const gv_graph *graph, const gv_node_record *record)
{
    const gv_node_record *b = &graph->nodes[record->in[1]];
    const size_t rank = record->shape.rank;
    const bool is_param = b->kind == NODE_PARAM;
    if (record->attrs.is_flagged) {
        return is_param ? 0 : b->shape.rank == 1 ? ALONG(0) : ALONG(0) | ALONG(1);
    }
    if (b->shape.rank == rank) {
        return is_param ? 0 : ALONG(0) | ALONG(1);
    }
    return !is_param ? 0 : b->shape.rank + 1 < rank ? ALONG(0) : ALONG(0) | ROWS_ALONG;
}

/*
 * Operands whose position n alone makes position n of the result; the others say the same to all
 * positions. 0: positions mix.
 */
static unsigned along_of(const gv_graph *graph, const gv_node_record *record)
{
    const gv_shape *x = &graph->nodes[record->in[0]].shape;
    if (x->rank < 2 || record->shape.rank < 2) {
        return 0;
    }
    switch ((int)record->op) {
    case GV_OP_ADD:
    case GV_OP_SUB:
    case GV_OP_MUL:
    case GV_OP_MIN:
        return combine_along(graph, record);
    case GV_OP_LINEAR:
    case GV_OP_LAYER_NORM:
    case GV_OP_SOFTMAX:
    case GV_OP_LOG_SUM_EXP:
    case GV_OP_SUM_LAST:
        return x->rank >= 3 ? ALONG(0) : 0;
    case GV_OP_CONCAT:
        return record->attrs.axis >= 2 ? ALONG(0) | ALONG(1) : 0;
    case GV_OP_SLICE:
    case GV_OP_TRANSPOSE:
        return record->attrs.axis >= 2 ? ALONG(0) : 0;
    case GV_OP_RESHAPE:
        return x->dim[1] == record->shape.dim[1] ? ALONG(0) : 0;
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
    case GV_OP_MODULATE:
    case GV_OP_CROSS_ATTENTION:
        return ALONG(0);
    default:
        return 0;
    }
}

/* ---- nodes of the new graph ------------------------------------------------------------------ */

/* Colours have room for every node that the graph has room for. */
static void set_colour(cutting *c, gv_node node, bool is_user)
{
    gv_graph *graph = &c->to->graph;
    if (node == GV_NODE_NONE) {
        return;
    }
    if (c->colour_capacity < graph->capacity) {
        bool *grown = gv_mem_resize(c->to->is_user, graph->capacity, sizeof *grown);
        if (grown == NULL) {
            graph->status = GV_FAIL(GV_ENOMEM, "no memory to take a network apart");
            return;
        }
        c->to->is_user = grown;
        c->colour_capacity = graph->capacity;
    }
    c->to->is_user[node] = is_user;
}

static gv_node add_operator(cutting *c, gv_op_id op, const gv_node in[OP_ARITY_MAX],
                            const gv_op_attrs *attrs)
{
    gv_graph *graph = &c->to->graph;
    const gv_node node = gv_graph_operator(graph, op, in, attrs);
    bool is_user = true;
    for (size_t k = 0; node != GV_NODE_NONE && k < OP_ARITY_MAX; k++) {
        is_user = is_user && (in[k] == GV_NODE_NONE || c->to->is_user[in[k]]);
    }
    set_colour(c, node, is_user);
    return graph->status == GV_OK ? node : GV_NODE_NONE;
}

static gv_node concat(cutting *c, gv_node a, gv_node b)
{
    const gv_node in[OP_ARITY_MAX] = {a, b, GV_NODE_NONE, GV_NODE_NONE};
    return add_operator(c, GV_OP_CONCAT, in, &(gv_op_attrs){.axis = 1});
}

static gv_node slice(cutting *c, gv_node x, size_t first, size_t count)
{
    const gv_node in[OP_ARITY_MAX] = {x, GV_NODE_NONE, GV_NODE_NONE, GV_NODE_NONE};
    const gv_op_attrs attrs = {.axis = 1, .start = first, .other = count, .stride = 1};
    return add_operator(c, GV_OP_SLICE, in, &attrs);
}

static gv_node add_leaf(cutting *c, const gv_node_record *record, bool is_user)
{
    const gv_node node = gv_graph_input(&c->to->graph, record->name, record->shape);
    set_colour(c, node, is_user);
    if (c->to->graph.status != GV_OK) {
        return GV_NODE_NONE;
    }
    c->to->graph.nodes[node].kind = record->kind;
    c->to->graph.nodes[node].param = record->param;
    return node;
}

/* Rows first .. first + count - 1 of a parameter. */
static gv_node add_param_rows(cutting *c, const gv_node_record *record, size_t first, size_t count)
{
    gv_node_record some = *record;
    const gv_node node = add_leaf(c, &some, true);
    if (node != GV_NODE_NONE) {
        gv_node_record *made = &c->to->graph.nodes[node];
        made->value = first * (gv_shape_count(&record->shape) / record->shape.dim[0]);
        made->shape.dim[0] = count;
    }
    return node;
}

/* ---- positions of an old node ---------------------------------------------------------------- */

static size_t positions_of(const gv_shape *shape)
{
    return shape->rank < 2 ? 1 : shape->dim[1];
}

static void be_whole(cutting *c, gv_node old, gv_node node)
{
    origin *o = &c->origins[old];
    o->whole = node;
    o->run_count = 1;
    o->runs[0] = (run){.node = node, .count = positions_of(&c->from->nodes[old].shape)};
}

/* The part of a run from `first` to `end` at most. */
static run part_of(cutting *c, const run *of, size_t first, size_t end)
{
    const size_t of_end = of->first + of->count;
    const size_t begin = of->first > first ? of->first : first;
    const size_t count = (of_end < end ? of_end : end) - begin;
    const gv_node node =
        count == of->count ? of->node : slice(c, of->node, begin - of->first, count);
    return (run){.node = node, .first = begin, .count = count};
}

/* These positions in one node. */
static gv_node positions(cutting *c, gv_node old, size_t first, size_t count)
{
    origin *o = &c->origins[old];
    const bool is_all = count == positions_of(&c->from->nodes[old].shape);
    if (is_all && o->whole != GV_NODE_NONE) {
        return o->whole;
    }
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < o->run_count; i++) {
        const run *of = &o->runs[i];
        if (of->first < first + count && first < of->first + of->count) {
            const gv_node part = part_of(c, of, first, first + count).node;
            all = all == GV_NODE_NONE ? part : concat(c, all, part);
        }
    }
    o->whole = is_all ? all : o->whole;
    return all;
}

static gv_node whole(cutting *c, gv_node old)
{
    return positions(c, old, 0, positions_of(&c->from->nodes[old].shape));
}

static bool is_user_at(const cutting *c, const run *at)
{
    return c->to->is_user[at->node];
}

/* A run behind the others, as one with the last if that has its colour. */
static void append(cutting *c, origin *o, run next)
{
    run *last = o->run_count == 0 ? NULL : &o->runs[o->run_count - 1];
    if (last != NULL && c->to->graph.status == GV_OK &&
        is_user_at(c, last) == is_user_at(c, &next)) {
        last->node = concat(c, last->node, next.node);
        last->count += next.count;
        return;
    }
    next.first = last == NULL ? 0 : last->first + last->count;
    o->runs[o->run_count++] = next;
}

/* ---- operators ------------------------------------------------------------------------------- */

/* Whose positions may be cut where: up to `end`, and whether all of them are the user's. */
typedef struct stretch {
    size_t end;
    bool is_user;
} stretch;

static stretch stretch_from(const cutting *c, const gv_node_record *record, unsigned along,
                            size_t begin)
{
    stretch s = {.end = positions_of(&record->shape), .is_user = true};
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        if (record->in[k] == GV_NODE_NONE) {
            continue;
        }
        const origin *o = &c->origins[record->in[k]];
        for (size_t i = 0; i < o->run_count; i++) {
            const size_t end = o->runs[i].first + o->runs[i].count;
            const bool is_along = (along & ALONG(k)) != 0;
            const bool is_there = o->runs[i].first <= begin && begin < end;
            s.is_user = s.is_user && ((is_along && !is_there) || is_user_at(c, &o->runs[i]));
            s.end = is_along && is_there && end < s.end ? end : s.end;
        }
    }
    return s;
}

/* Runs of the result, alternating in colour; one if none is the user's. */
static size_t stretches_of(const cutting *c, const gv_node_record *record, unsigned along,
                           run out[RUNS_MAX])
{
    const size_t all = positions_of(&record->shape);
    size_t count = 0;
    bool is_user = false;
    bool has_user = false;
    for (size_t begin = 0; along != 0 && begin < all;) {
        const stretch s = stretch_from(c, record, along, begin);
        if (count > 0 && s.is_user == is_user) {
            out[count - 1].count += s.end - begin;
        } else if (count == RUNS_MAX) {
            return 1;
        } else {
            out[count++] = (run){.first = begin, .count = s.end - begin};
        }
        is_user = s.is_user;
        has_user = has_user || is_user;
        begin = s.end;
    }
    return has_user ? count : 1;
}

/* Positions of the result by the operator over those of its operands. */
static gv_node operate(cutting *c, const gv_node_record *record, unsigned along, const run *at)
{
    gv_node in[OP_ARITY_MAX];
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        const gv_node old = record->in[k];
        if (old == GV_NODE_NONE) {
            in[k] = GV_NODE_NONE;
        } else if ((along & ALONG(k)) != 0) {
            in[k] = positions(c, old, at->first, at->count);
        } else if (k == 1 && (along & ROWS_ALONG) != 0) {
            in[k] = add_param_rows(c, &c->from->nodes[old], at->first, at->count);
        } else {
            in[k] = whole(c, old);
        }
    }
    const gv_node node = add_operator(c, record->op, in, &record->attrs);
    if (node != GV_NODE_NONE && record->op == GV_OP_RESHAPE) {
        gv_shape *shape = &c->to->graph.nodes[node].shape;
        *shape = record->shape;
        shape->dim[1] = along == 0 ? shape->dim[1] : at->count;
    }
    return node;
}

static void cut_operator(cutting *c, gv_node old)
{
    const gv_node_record *record = &c->from->nodes[old];
    const unsigned along = along_of(c->from, record);
    run runs[RUNS_MAX];
    const size_t count = stretches_of(c, record, along, runs);
    if (count == 1) {
        be_whole(c, old, operate(c, record, 0, NULL));
        return;
    }
    origin *o = &c->origins[old];
    for (size_t i = 0; i < count; i++) {
        runs[i].node = operate(c, record, along, &runs[i]);
        o->runs[o->run_count++] = runs[i];
    }
}

/* The runs of both, one behind the other. */
static void cut_concat(cutting *c, gv_node old)
{
    const gv_node_record *record = &c->from->nodes[old];
    const size_t runs = c->origins[record->in[0]].run_count + c->origins[record->in[1]].run_count;
    if (runs > RUNS_MAX) {
        be_whole(c, old, operate(c, record, 0, NULL));
        return;
    }
    for (size_t k = 0; k < 2; k++) {
        const origin *from = &c->origins[record->in[k]];
        for (size_t i = 0; i < from->run_count; i++) {
            append(c, &c->origins[old], from->runs[i]);
        }
    }
}

static void cut_slice(cutting *c, gv_node old)
{
    const gv_node_record *record = &c->from->nodes[old];
    const origin *from = &c->origins[record->in[0]];
    const size_t first = record->attrs.start;
    const size_t end = first + record->attrs.other;
    for (size_t i = 0; i < from->run_count; i++) {
        const run *of = &from->runs[i];
        if (of->first < end && first < of->first + of->count) {
            append(c, &c->origins[old], part_of(c, of, first, end));
        }
    }
}

static void cut(cutting *c, gv_node old)
{
    const gv_node_record *record = &c->from->nodes[old];
    const bool is_on_positions = record->attrs.axis == 1;
    if (record->op == GV_OP_CONCAT && is_on_positions) {
        cut_concat(c, old);
    } else if (record->op == GV_OP_SLICE && is_on_positions && record->attrs.stride == 1) {
        cut_slice(c, old);
    } else {
        cut_operator(c, old);
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void mark_needed(cutting *c, gv_node output)
{
    c->origins[output].is_needed = true;
    for (size_t i = c->from->count; i-- > 0;) {
        const gv_node_record *record = &c->from->nodes[i];
        c->origins[i].is_needed = c->origins[i].is_needed || record->kind == NODE_INPUT;
        for (size_t k = 0; c->origins[i].is_needed && k < OP_ARITY_MAX; k++) {
            if (record->in[k] != GV_NODE_NONE) {
                c->origins[record->in[k]].is_needed = true;
            }
        }
    }
}

static gv_colour colour_of(const gv_mari_config *config, size_t node)
{
    for (size_t i = 0; i < config->leaf_count; i++) {
        if (config->leaves[i].input == node) {
            return config->leaves[i].colour;
        }
    }
    return config->rest;
}

static gv_status cut_all(cutting *c, const gv_mari_config *config)
{
    mark_needed(c, config->output);
    for (size_t i = 0; i < c->from->count; i++) {
        const gv_node_record *record = &c->from->nodes[i];
        c->origins[i].whole = GV_NODE_NONE;
        c->to->whole[i] = GV_NODE_NONE;
        if (!c->origins[i].is_needed) {
            continue;
        }
        if (record->kind != NODE_OPERATOR) {
            const bool is_param = record->kind == NODE_PARAM;
            const bool is_user = is_param || colour_of(config, i) == GV_COLOUR_USER;
            be_whole(c, (gv_node)i, add_leaf(c, record, is_user));
            c->to->whole[i] = c->origins[i].whole;
        } else {
            GV_TRY(gv_mari_check_rows(c->from, record));
            cut(c, (gv_node)i);
        }
        GV_TRY(c->to->graph.status);
    }
    c->to->whole[config->output] = whole(c, config->output);
    return c->to->graph.status;
}

gv_status gv_mari_pieces_init(gv_mari_pieces *pieces, const gv_mari_config *config)
{
    const size_t count = config->graph->count;
    *pieces = (gv_mari_pieces){.graph = {.kind = GV_F32, .rows = gv_op_rows}};
    cutting c = {.from = config->graph, .to = pieces};
    pieces->whole = gv_mem_alloc(0, count, sizeof *pieces->whole);
    c.origins = gv_mem_alloc(0, count, sizeof *c.origins);
    const gv_status status = pieces->whole == NULL || c.origins == NULL
                                 ? GV_FAIL(GV_ENOMEM, "no memory to take a network apart")
                                 : cut_all(&c, config);
    gv_mem_free(c.origins);
    return status;
}

void gv_mari_pieces_fini(gv_mari_pieces *pieces)
{
    gv_mem_free(pieces->graph.nodes);
    gv_mem_free(pieces->is_user);
    gv_mem_free(pieces->whole);
    *pieces = (gv_mari_pieces){.whole = NULL};
}
