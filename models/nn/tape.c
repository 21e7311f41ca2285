#include "models/nn/tape.h"

#include <assert.h>
#include <string.h>

#include "models/nn/blas_impl.h"
#include "models/nn/graph_impl.h"
#include "sim/base/mem.h"

struct gv_tape {
    const gv_graph *graph;
    const gv_params *params;
    const char *weights; /* the block of the parameters */
    size_t real_size;
    char *arena;
    gv_tape_step step; /* of the last forward */
};

gv_status gv_tape_create(const gv_graph *graph, const gv_params *params, gv_tape **out)
{
    assert(graph->is_finished);
    assert(graph->kind == gv_params_kind(params));
    gv_tape *tape = gv_mem_alloc(sizeof *tape, 0, 0);
    if (tape == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a tape");
    }
    tape->graph = graph;
    tape->params = params;
    tape->real_size = graph->kind == GV_F32 ? sizeof(float) : sizeof(double);
    tape->weights = gv_params_block(params);
    assert(tape->weights != NULL);
    tape->arena = gv_mem_alloc_vector(graph->arena_size, tape->real_size);
    if (tape->arena == NULL) {
        gv_mem_free(tape);
        return GV_FAIL(GV_ENOMEM, "no memory for a tape of %zu numbers", graph->arena_size);
    }
    memset(tape->arena, 0, graph->arena_size * tape->real_size);
    gv_blas_single_thread();
    *out = tape;
    return GV_OK;
}

void gv_tape_destroy(gv_tape *tape)
{
    if (tape != NULL) {
        gv_mem_free(tape->arena);
        gv_mem_free(tape);
    }
}

static void *arena_at(const gv_tape *tape, size_t offset)
{
    return tape->arena + offset * tape->real_size;
}

/* A parameter's value is never written through it. */
static void *value_of(const gv_tape *tape, gv_node node)
{
    const gv_node_record *root = &tape->graph->nodes[tape->graph->nodes[node].root];
    return arena_at(tape, root->value);
}

static const void *operand_of(const gv_tape *tape, gv_node node)
{
    const gv_node_record *root = &tape->graph->nodes[tape->graph->nodes[node].root];
    if (root->kind == NODE_PARAM) {
        const gv_weight *param = gv_params_at(tape->params, root->param);
        return tape->weights + param->offset * tape->real_size;
    }
    return arena_at(tape, root->value);
}

static void *gradient_of(const gv_tape *tape, gv_node node, char *gradients)
{
    const gv_node_record *root = &tape->graph->nodes[tape->graph->nodes[node].root];
    if (root->kind == NODE_PARAM) {
        const gv_weight *param = gv_params_at(tape->params, root->param);
        return gradients + param->offset * tape->real_size;
    }
    return arena_at(tape, root->grad);
}

float *gv_tape_f32(gv_tape *tape, gv_node node)
{
    assert(tape->graph->kind == GV_F32);
    assert(node < tape->graph->count);
    return value_of(tape, node);
}

const float *gv_tape_read_f32(const gv_tape *tape, gv_node node)
{
    assert(tape->graph->kind == GV_F32);
    assert(node < tape->graph->count);
    return value_of(tape, node);
}

double *gv_tape_f64(gv_tape *tape, gv_node node)
{
    assert(tape->graph->kind == GV_F64);
    assert(node < tape->graph->count);
    return value_of(tape, node);
}

static const void *slope_of(const gv_tape *tape, gv_node node, gv_real_kind kind)
{
    assert(tape->graph->kind == kind);
    assert(node < tape->graph->count);
    const gv_node_record *record = &tape->graph->nodes[node];
    assert(record->kind == NODE_INPUT);
    assert(record->runs_back);
    return arena_at(tape, record->grad);
}

const float *gv_tape_slope_f32(const gv_tape *tape, gv_node node)
{
    return slope_of(tape, node, GV_F32);
}

const double *gv_tape_slope_f64(const gv_tape *tape, gv_node node)
{
    return slope_of(tape, node, GV_F64);
}

int32_t *gv_tape_indices(gv_tape *tape, gv_node node)
{
    assert(node < tape->graph->count);
    assert(tape->graph->nodes[node].kind == NODE_INDICES);
    return value_of(tape, node);
}

static gv_op_call call_of(const gv_tape *tape, const gv_node_record *record, gv_node node,
                          const gv_tape_step *step)
{
    gv_op_call call = gv_graph_call(tape->graph, record);
    call.step = step;
    call.out = value_of(tape, node);
    call.saved = arena_at(tape, record->saved);
    call.work = arena_at(tape, tape->graph->work);
    for (size_t k = 0; k < OP_ARITY_MAX; k++) {
        if (record->in[k] != GV_NODE_NONE) {
            call.in[k] = operand_of(tape, record->in[k]);
        }
    }
    return call;
}

void gv_tape_forward(gv_tape *tape, const gv_tape_step *step)
{
    const gv_graph *graph = tape->graph;
    assert(step->shard < graph->config.shards);
    for (size_t i = 0; i < graph->count; i++) {
        const gv_node_record *record = &graph->nodes[i];
        if (record->kind == NODE_OPERATOR && record->op != GV_OP_RESHAPE) {
            const gv_op_call call = call_of(tape, record, (gv_node)i, step);
            graph->rows[record->op].kernel[graph->kind]->forward(&call);
        }
    }
    tape->step = *step;
}

double gv_tape_loss(const gv_tape *tape)
{
    assert(tape->graph->loss != GV_NODE_NONE);
    const void *loss = value_of(tape, tape->graph->loss);
    return tape->graph->kind == GV_F32 ? (double)*(const float *)loss : *(const double *)loss;
}

static void start_at_loss(const gv_tape *tape)
{
    void *gradient = gradient_of(tape, tape->graph->loss, NULL);
    if (tape->graph->kind == GV_F32) {
        *(float *)gradient = 1.0F;
    } else {
        *(double *)gradient = 1.0;
    }
}

static void run_back(const gv_tape *tape, gv_node node, char *gradients)
{
    const gv_graph *graph = tape->graph;
    const gv_node_record *record = &graph->nodes[node];
    const gv_op_row *row = &graph->rows[record->op];
    gv_op_call call = call_of(tape, record, node, &tape->step);
    call.grad_out = gradient_of(tape, node, gradients);
    for (size_t k = 0; k < row->arity; k++) {
        const gv_node in = record->in[k];
        const bool may = (row->constant & KEEPS_IN(k)) == 0;
        if (may && in != GV_NODE_NONE && graph->nodes[in].runs_back) {
            call.grad_in[k] = gradient_of(tape, in, gradients);
            call.add_grad[k] = record->add_grad[k];
        }
    }
    row->kernel[graph->kind]->backward(&call);
}

/* A trained parameter that the loss does not reach has gradient 0. */
static void clear_unreached(const gv_tape *tape, char *gradients)
{
    for (size_t i = 0; i < tape->graph->count; i++) {
        const gv_node_record *record = &tape->graph->nodes[i];
        if (record->kind == NODE_PARAM && record->needs_grad && !record->runs_back) {
            memset(gradient_of(tape, (gv_node)i, gradients), 0,
                   gv_shape_count(&record->shape) * tape->real_size);
        }
    }
}

void gv_tape_backward(gv_tape *tape, void *gradients)
{
    const gv_graph *graph = tape->graph;
    assert(graph->loss != GV_NODE_NONE);
    clear_unreached(tape, gradients);
    start_at_loss(tape);
    for (size_t i = graph->loss + 1; i-- > 0;) {
        const gv_node_record *record = &graph->nodes[i];
        if (record->kind == NODE_OPERATOR && record->runs_back && record->op != GV_OP_RESHAPE) {
            run_back(tape, (gv_node)i, gradients);
        }
    }
}
