/* Dropout: the same mask is drawn again for backward, which costs less than keeping it. */
#include "models/nn/dropout_impl.h"
#include "sim/base/random.h"

enum { MASK_PIECE = 2048, PER_DRAW = 4 };

GV_VECTOR static void mask_of_bits(const uint64_t *bits, size_t count, uint32_t limit, real kept,
                                   real *mask)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < PER_DRAW; k++) {
            const uint32_t part = (uint32_t)(bits[i] >> (16 * k)) & 0xffffU;
            mask[PER_DRAW * i + k] = part < limit ? 0 : kept;
        }
    }
}

/* mask: elements first .. first + count - 1; first a multiple of 4, room for count up to one. */
void GV_REAL(gv_dropout_mask)(const gv_op_call *call, size_t first, size_t count, real *mask)
{
    const gv_op_attrs *attrs = call->attrs;
    assert(first % PER_DRAW == 0);
    assert(attrs->ordinal < 1U << DROPPER_BITS);
    assert(call->step->shard < 1U << SHARD_BITS);
    const gv_random random = gv_random_key(call->step->seed, GV_STREAM_DROPOUT, call->step->step);
    const uint64_t base = (uint64_t)attrs->ordinal << (SHARD_BITS + PLACE_BITS) |
                          (uint64_t)call->step->shard << PLACE_BITS;
    const uint32_t limit = (uint32_t)(attrs->rate * 65536.0 + 0.5);
    const real kept = (real)(65536.0 / (65536.0 - limit));
    uint64_t bits[MASK_PIECE / PER_DRAW];
    for (size_t done = 0; done < count; done += MASK_PIECE) {
        const size_t left = count - done;
        const size_t piece = left < MASK_PIECE ? left : MASK_PIECE;
        const size_t draws = (piece + PER_DRAW - 1) / PER_DRAW;
        gv_random_fill_bits(&random, base + (first + done) / PER_DRAW, draws, bits);
        mask_of_bits(bits, draws, limit, kept, mask + done);
    }
}

GV_VECTOR static void multiply(const real *x, const real *mask, size_t n, bool adds, real *out)
{
    for (size_t i = 0; i < n; i++) {
        put(&out[i], x[i] * mask[i], adds);
    }
}

static void dropout_walk(const gv_op_call *call, const real *from, bool adds, real *to)
{
    const size_t n = gv_shape_count(call->out_shape);
    real mask[MASK_PIECE];
    for (size_t i = 0; i < MASK_PIECE; i++) {
        mask[i] = 1;
    }
    for (size_t done = 0; done < n; done += MASK_PIECE) {
        const size_t piece = n - done < MASK_PIECE ? n - done : MASK_PIECE;
        if (drops(call)) {
            GV_REAL(gv_dropout_mask)(call, done, piece, mask);
        }
        multiply(from + done, mask, piece, adds, to + done);
    }
}

static void dropout_forward(const gv_op_call *call)
{
    dropout_walk(call, call->in[0], false, call->out);
}

static void dropout_backward(const gv_op_call *call)
{
    dropout_walk(call, call->grad_out, call->add_grad[0], call->grad_in[0]);
}

const gv_op_kernel GV_REAL(gv_op_dropout) = {dropout_forward, dropout_backward};
