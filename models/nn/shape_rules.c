/* What fits together: a network whose shapes do not is a programmer's error. */
#include <assert.h>
#include <string.h>

#include "models/nn/nearest.h"
#include "models/nn/panel_impl.h"
#include "models/nn/shape_rules_impl.h"

static size_t width_of(const gv_shape *shape)
{
    return shape->dim[shape->rank - 1];
}

static bool is_same(const gv_shape *a, const gv_shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof a->dim[0]) == 0;
}

static bool is_vector(const gv_shape *shape, size_t size)
{
    return shape->rank == 1 && shape->dim[0] == size;
}

gv_shape gv_shape_same(const gv_op_call *call)
{
    return *call->shape[0];
}

gv_shape gv_shape_one(const gv_op_call *call)
{
    (void)call;
    return gv_shape_of(1, (size_t[]){1});
}

gv_shape gv_shape_rows(const gv_op_call *call)
{
    const gv_shape *x = call->shape[0];
    return x->rank == 1 ? gv_shape_one(call) : gv_shape_of(x->rank - 1, x->dim);
}

gv_shape gv_shape_combined(const gv_op_call *call)
{
    const gv_shape *a = call->shape[0];
    const gv_shape *b = call->shape[1];
    assert(b->rank <= a->rank);
    const size_t skipped = call->attrs->is_flagged ? 0 : a->rank - b->rank;
    for (size_t i = 0; i < b->rank; i++) {
        assert(a->dim[skipped + i] == b->dim[i]);
    }
    return *a;
}

gv_shape gv_shape_matmul(const gv_op_call *call)
{
    const gv_shape *a = call->shape[0];
    const gv_shape *b = call->shape[1];
    assert(a->rank >= 2);
    assert(b->rank == 2 || b->rank == a->rank);
    for (size_t i = 0; b->rank > 2 && i + 2 < a->rank; i++) {
        assert(a->dim[i] == b->dim[i]);
    }
    const bool flips = call->attrs->is_flagged;
    assert(width_of(a) == b->dim[b->rank - (flips ? 1 : 2)]);
    gv_shape shape = *a;
    shape.dim[shape.rank - 1] = b->dim[b->rank - (flips ? 2 : 1)];
    return shape;
}

gv_shape gv_shape_linear(const gv_op_call *call)
{
    const gv_shape *weight = call->shape[1];
    assert(weight->rank == 2);
    assert(weight->dim[1] == width_of(call->shape[0]));
    assert(call->shape[2] == NULL || is_vector(call->shape[2], weight->dim[0]));
    gv_shape shape = *call->shape[0];
    shape.dim[shape.rank - 1] = weight->dim[0];
    return shape;
}

gv_shape gv_shape_embedding(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    assert(shape.rank < GV_NN_RANK_MAX);
    assert(call->shape[1]->rank == 2);
    shape.dim[shape.rank++] = call->shape[1]->dim[1];
    return shape;
}

gv_shape gv_shape_layer_norm(const gv_op_call *call)
{
    assert(is_vector(call->shape[1], width_of(call->shape[0])));
    assert(is_vector(call->shape[2], width_of(call->shape[0])));
    return *call->shape[0];
}

gv_shape gv_shape_group_norm(const gv_op_call *call)
{
    const gv_shape *x = call->shape[0];
    assert(x->rank == 3);
    assert(x->dim[1] % call->attrs->groups == 0);
    assert(is_vector(call->shape[1], x->dim[1]));
    assert(is_vector(call->shape[2], x->dim[1]));
    return *x;
}

gv_shape gv_shape_attention(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    assert(shape.rank == 3);
    assert(shape.dim[2] % (3 * call->attrs->groups) == 0);
    const gv_shape *valid = call->shape[1];
    assert(valid == NULL ||
           is_same(valid, &(gv_shape){.rank = 2, .dim = {shape.dim[0], shape.dim[1]}}));
    shape.dim[2] /= 3;
    return shape;
}

gv_shape gv_shape_cross_attention(const gv_op_call *call)
{
    const gv_shape *query = call->shape[0];
    const gv_shape *pairs = call->shape[1];
    assert(query->rank == 3);
    assert(query->dim[2] % call->attrs->groups == 0);
    assert(pairs->rank == 3);
    assert(pairs->dim[0] == query->dim[0]);
    assert(pairs->dim[2] == 2 * query->dim[2]);
    const gv_shape *shares = call->shape[2];
    const gv_shape of_all = {.rank = 2, .dim = {pairs->dim[0], pairs->dim[1]}};
    const gv_shape of_each = {.rank = 3,
                              .dim = {pairs->dim[0], call->attrs->groups, pairs->dim[1]}};
    assert(shares == NULL || is_same(shares, &of_all) || is_same(shares, &of_each));
    return *query;
}

gv_shape gv_shape_nearest(const gv_op_call *call)
{
    const gv_shape *codes = call->shape[1];
    assert(codes->rank == 3);
    assert(width_of(call->shape[0]) == codes->dim[0] * codes->dim[2]);
    return *call->shape[0];
}

gv_shape gv_shape_modulate(const gv_op_call *call)
{
    const gv_shape *x = call->shape[0];
    assert(x->rank == 3);
    const gv_shape row = {.rank = 2, .dim = {x->dim[0], x->dim[2]}};
    assert(call->shape[1] == NULL || is_same(call->shape[1], &row));
    assert(call->shape[2] == NULL || is_same(call->shape[2], &row));
    return *x;
}

gv_shape gv_shape_pool(const gv_op_call *call)
{
    const gv_shape *x = call->shape[0];
    assert(x->rank == 3);
    assert(call->shape[1] == NULL ||
           is_same(call->shape[1], &(gv_shape){.rank = 2, .dim = {x->dim[0], x->dim[1]}}));
    return gv_shape_of(2, (size_t[]){x->dim[0], x->dim[2]});
}

gv_shape gv_shape_conv(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    const gv_shape *weight = call->shape[1];
    assert(shape.rank == 3);
    assert(weight->rank == 3);
    assert(weight->dim[1] == shape.dim[1]);
    assert(call->shape[2] == NULL || is_vector(call->shape[2], weight->dim[0]));
    const size_t padded = shape.dim[2] + 2 * call->attrs->padding;
    assert(padded >= weight->dim[2]);
    shape.dim[1] = weight->dim[0];
    shape.dim[2] = (padded - weight->dim[2]) / call->attrs->stride + 1;
    return shape;
}

gv_shape gv_shape_conv_transposed(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    const gv_shape *weight = call->shape[1];
    assert(shape.rank == 3);
    assert(weight->rank == 3);
    assert(weight->dim[0] == shape.dim[1]);
    assert(call->shape[2] == NULL || is_vector(call->shape[2], weight->dim[1]));
    const size_t full = (shape.dim[2] - 1) * call->attrs->stride + weight->dim[2];
    assert(full > 2 * call->attrs->padding);
    shape.dim[1] = weight->dim[1];
    shape.dim[2] = full - 2 * call->attrs->padding;
    return shape;
}

gv_shape gv_shape_concat(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    const gv_shape *b = call->shape[1];
    const size_t axis = call->attrs->axis;
    assert(axis < shape.rank);
    assert(b->rank == shape.rank);
    for (size_t i = 0; i < shape.rank; i++) {
        assert(i == axis || shape.dim[i] == b->dim[i]);
    }
    shape.dim[axis] += b->dim[axis];
    return shape;
}

/* The length wanted is in `other`. */
gv_shape gv_shape_slice(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    const gv_op_attrs *attrs = call->attrs;
    assert(attrs->axis < shape.rank);
    assert(attrs->other >= 1);
    assert(attrs->stride >= 1);
    assert(attrs->start + (attrs->other - 1) * attrs->stride < shape.dim[attrs->axis]);
    shape.dim[attrs->axis] = attrs->other;
    return shape;
}

gv_shape gv_shape_transpose(const gv_op_call *call)
{
    gv_shape shape = *call->shape[0];
    const size_t a = call->attrs->axis;
    const size_t b = call->attrs->other;
    assert(a < b);
    assert(b < shape.rank);
    shape.dim[a] = call->shape[0]->dim[b];
    shape.dim[b] = call->shape[0]->dim[a];
    return shape;
}

gv_shape gv_shape_loss(const gv_op_call *call)
{
    for (size_t k = 1; k < OP_ARITY_MAX; k++) {
        assert(call->shape[k] == NULL ||
               gv_shape_count(call->shape[k]) == gv_shape_count(call->shape[0]));
    }
    return gv_shape_one(call);
}

gv_shape gv_shape_cross_entropy(const gv_op_call *call)
{
    const size_t rows = gv_shape_count(call->shape[0]) / width_of(call->shape[0]);
    assert(gv_shape_count(call->shape[1]) == rows);
    assert(call->shape[2] == NULL || gv_shape_count(call->shape[2]) == rows);
    return gv_shape_one(call);
}

/* Mean and 1 / deviation of each row. */
size_t gv_saved_layer_norm(const gv_op_call *call)
{
    return 2 * gv_shape_count(call->out_shape) / width_of(call->out_shape);
}

/* 1 / length of each row. */
size_t gv_saved_unit(const gv_op_call *call)
{
    return gv_shape_count(call->out_shape) / width_of(call->out_shape);
}

size_t gv_saved_group_norm(const gv_op_call *call)
{
    return 2 * call->out_shape->dim[0] * call->attrs->groups;
}

/* Rows of weights are padded to a multiple of 4, which masks are drawn by. */
static size_t attention_stride(const gv_op_call *call)
{
    return (call->out_shape->dim[1] + 3) / 4 * 4;
}

size_t gv_saved_attention(const gv_op_call *call)
{
    const gv_shape *out = call->out_shape;
    return out->dim[0] * call->attrs->groups * out->dim[1] * attention_stride(call);
}

/* The weights of every query for every key. */
size_t gv_saved_cross_attention(const gv_op_call *call)
{
    const gv_shape *out = call->out_shape;
    return out->dim[0] * call->attrs->groups * out->dim[1] * call->shape[1]->dim[1];
}

size_t gv_work_row(const gv_op_call *call)
{
    return width_of(call->shape[0]);
}

size_t gv_work_layer_norm(const gv_op_call *call)
{
    return 2 * width_of(call->out_shape);
}

/* Two sums of each channel of a group. */
size_t gv_work_group_norm(const gv_op_call *call)
{
    return 2 * call->out_shape->dim[1] / call->attrs->groups;
}

/* Of one block of at most 32 queries: mask, weights after it, gradients. */
size_t gv_work_attention(const gv_op_call *call)
{
    return (size_t)3 * 32 * attention_stride(call);
}

/* Of one head: its keys or values turned, scores of four queries, which keys are seen: all in whole
   lanes. */
size_t gv_work_cross_attention(const gv_op_call *call)
{
    const size_t keys = (call->shape[1]->dim[1] + 15) / 16 * 16;
    return (width_of(call->out_shape) / call->attrs->groups + 5) * keys;
}

/* The codes of one group, packed. */
size_t gv_work_nearest(const gv_op_call *call)
{
    return gv_nearest_room(call->shape[1]->dim[1], call->shape[1]->dim[2]);
}

/* Weights and bias in panels, for our own product. */
size_t gv_work_linear(const gv_op_call *call)
{
    const size_t in = width_of(call->shape[0]);
    return call->attrs->is_flagged ? gv_panels_room(in, width_of(call->out_shape)) : 0;
}

/* Columns and the short side of one part of the batch, as op_conv.c cuts it. */
size_t gv_work_conv(const gv_op_call *call)
{
    const bool is_transposed = call->attrs->is_flagged;
    const gv_shape *wide = is_transposed ? call->out_shape : call->shape[0];
    const gv_shape *brief = is_transposed ? call->shape[0] : call->out_shape;
    const size_t fitting = 512 / brief->dim[2] + 1;
    const size_t part = fitting < wide->dim[0] ? fitting : wide->dim[0];
    const size_t pitch = (part * brief->dim[2] + 15) / 16 * 16;
    return (wide->dim[1] * call->shape[1]->dim[2] + brief->dim[1]) * pitch;
}

size_t gv_flops_matmul(const gv_op_call *call)
{
    return 2 * gv_shape_count(call->out_shape) * width_of(call->shape[0]);
}

size_t gv_flops_linear(const gv_op_call *call)
{
    return 2 * gv_shape_count(call->out_shape) * width_of(call->shape[0]);
}

/* Scores and mixing, of the keys that the causal rule leaves. */
size_t gv_flops_attention(const gv_op_call *call)
{
    const gv_shape *out = call->out_shape;
    const size_t all = 4 * gv_shape_count(out) * out->dim[1];
    return call->attrs->is_flagged ? all / 2 : all;
}

size_t gv_flops_cross_attention(const gv_op_call *call)
{
    return 4 * gv_shape_count(call->out_shape) * call->shape[1]->dim[1];
}

size_t gv_flops_conv(const gv_op_call *call)
{
    const gv_shape *brief = call->attrs->is_flagged ? call->shape[0] : call->out_shape;
    const gv_shape *weight = call->shape[1];
    return 2 * brief->dim[0] * brief->dim[2] * gv_shape_count(weight);
}
