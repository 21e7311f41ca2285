/*
 * graph_impl.h - nodes, the table of operators, and what an operator gets to work on.
 *
 * An operator is one row of gv_op_rows[]: its shape rule, and for each precision a kernel of
 * forward and backward. The kernels are written once over `real` in op_*.c; double.c compiles
 * the same files for double.
 */
#ifndef MODELS_NN_GRAPH_IMPL_H
#define MODELS_NN_GRAPH_IMPL_H

#include "models/nn/graph.h"
#include "models/nn/params.h"
#include "models/nn/tape.h"

enum { OP_ARITY_MAX = 4, SCOPES_MAX = 16 };

/* Enumerator and name; the kernels are gv_op_NAME_f32 and gv_op_NAME_f64. */
#define GV_OP_LIST(X)                             \
    X(GV_OP_MATMUL, matmul)                       \
    X(GV_OP_LINEAR, linear)                       \
    X(GV_OP_ADD, add)                             \
    X(GV_OP_SUB, sub)                             \
    X(GV_OP_MUL, mul)                             \
    X(GV_OP_MIN, min)                             \
    X(GV_OP_SCALE, scale)                         \
    X(GV_OP_CLAMP, clamp)                         \
    X(GV_OP_RELU, relu)                           \
    X(GV_OP_GELU, gelu)                           \
    X(GV_OP_GELU_TANH, gelu_tanh)                 \
    X(GV_OP_SILU, silu)                           \
    X(GV_OP_MISH, mish)                           \
    X(GV_OP_TANH, tanh)                           \
    X(GV_OP_SIGMOID, sigmoid)                     \
    X(GV_OP_EXP, exp)                             \
    X(GV_OP_SOFTPLUS, softplus)                   \
    X(GV_OP_SYMLOG, symlog)                       \
    X(GV_OP_DROPOUT, dropout)                     \
    X(GV_OP_STOP, stop)                           \
    X(GV_OP_EMBEDDING, embedding)                 \
    X(GV_OP_LAYER_NORM, layer_norm)               \
    X(GV_OP_GROUP_NORM, group_norm)               \
    X(GV_OP_UNIT, unit)                           \
    X(GV_OP_SOFTMAX, softmax)                     \
    X(GV_OP_LOG_SUM_EXP, log_sum_exp)             \
    X(GV_OP_ATTENTION, attention)                 \
    X(GV_OP_CROSS_ATTENTION, cross_attention)     \
    X(GV_OP_NEAREST, nearest)                     \
    X(GV_OP_MODULATE, modulate)                   \
    X(GV_OP_POOL, pool)                           \
    X(GV_OP_CONV1D, conv1d)                       \
    X(GV_OP_CONV1D_TRANSPOSED, conv1d_transposed) \
    X(GV_OP_CONCAT, concat)                       \
    X(GV_OP_SLICE, slice)                         \
    X(GV_OP_TRANSPOSE, transpose)                 \
    X(GV_OP_RESHAPE, reshape)                     \
    X(GV_OP_SUM_LAST, sum_last)                   \
    X(GV_OP_SUM, sum)                             \
    X(GV_OP_MSE, mse)                             \
    X(GV_OP_BCE, bce)                             \
    X(GV_OP_CROSS_ENTROPY, cross_entropy)         \
    X(GV_OP_GAUSSIAN_NLL, gaussian_nll)           \
    X(GV_OP_BEYOND, beyond)                       \
    X(GV_OP_EXPECTILE, expectile)                 \
    X(GV_OP_KL, kl)                               \
    X(GV_OP_NNPU, nnpu)

typedef enum gv_op_id {
#define X(id, name) id,
    GV_OP_LIST(X)
#undef X
        GV_OP_COUNT
} gv_op_id;

/* What a node of some operator was built with; each operator says which fields it reads. */
typedef struct gv_op_attrs {
    double factor;   /* scale, pool: factor; losses: what each element's loss is multiplied by */
    double offset;   /* scale: offset; clamp: low; nnpu: prior; expectile: tau */
    double high;     /* clamp: high */
    double rate;     /* dropout, attention: probability of a zero */
    size_t ordinal;  /* dropout, attention: which of the graph's droppers */
    size_t axis;     /* concat, slice, transpose */
    size_t other;    /* transpose: the other axis */
    size_t start;    /* slice */
    size_t stride;   /* slice: step; convolutions: stride */
    size_t padding;  /* convolutions */
    size_t groups;   /* group_norm: groups; attention, cross_attention: heads */
    bool is_flagged; /* matmul: b is transposed; attention: causal; add ...: b spans first axes;
                        nnpu: the sigmoid loss; linear: our own product */
} gv_op_attrs;

/* One operator at work: operands, result and memory. Absent operands are NULL. */
typedef struct gv_op_call {
    const gv_op_attrs *attrs;
    const gv_shape *shape[OP_ARITY_MAX]; /* of the operands */
    const gv_shape *out_shape;
    const gv_tape_step *step;
    const void *in[OP_ARITY_MAX]; /* backward: only those that the row keeps */
    void *out;                    /* backward: only if the row keeps it */
    void *saved;                  /* from forward to backward */
    void *work;                   /* within a call */
    const void *grad_out;
    void *grad_in[OP_ARITY_MAX]; /* NULL: not wanted */
    bool add_grad[OP_ARITY_MAX]; /* add to what is there, rather than write */
} gv_op_call;

/* Numbers of scratch that an operator needs, from its call's shapes and attributes. */
typedef size_t (*gv_op_size)(const gv_op_call *call);

typedef struct gv_op_kernel {
    void (*forward)(const gv_op_call *call);
    void (*backward)(const gv_op_call *call);
} gv_op_kernel;

/* Bits of gv_op_row.keeps: backward reads operand k, or the result. */
#define KEEPS_IN(k) (1U << (k))
#define KEEPS_OUT   (1U << OP_ARITY_MAX)

typedef struct gv_op_row {
    const char *name;
    size_t arity_min;
    size_t arity;      /* most operands; those behind arity_min may be absent */
    unsigned keeps;    /* KEEPS_...: what backward reads */
    unsigned constant; /* KEEPS_IN(k): operand k never gets a gradient */
    gv_shape (*shape)(const gv_op_call *call); /* asserts that the operands fit */
    gv_op_size saved;                          /* NULL: nothing */
    gv_op_size work;                           /* NULL: nothing */
    gv_op_size flops;                          /* of forward's matrix products; NULL: none */
    const gv_op_kernel *kernel[GV_REAL_KINDS];
} gv_op_row;

extern const gv_op_row gv_op_rows[GV_OP_COUNT];

typedef enum gv_node_kind { NODE_INPUT, NODE_INDICES, NODE_PARAM, NODE_OPERATOR } gv_node_kind;

typedef struct gv_node_record {
    gv_node_kind kind;
    gv_op_id op;
    gv_node in[OP_ARITY_MAX];
    gv_op_attrs attrs;
    gv_shape shape;
    gv_node root; /* whose memory it has: its own, or that of what was reshaped */
    size_t param; /* NODE_PARAM: index in the set */
    bool is_kept;
    bool needs_grad; /* a trained parameter or what was gathered is below it */
    bool runs_back;  /* and the loss above it */
    bool add_grad[OP_ARITY_MAX];
    size_t value; /* where in the arena, in numbers; of roots */
    size_t grad;
    size_t saved;
    char name[GV_NN_NAME_MAX]; /* inputs */
} gv_node_record;

struct gv_graph {
    gv_graph_config config;
    const gv_op_row *rows; /* gv_op_rows; a test may break one */
    gv_real_kind kind;
    gv_status status; /* first failure of a builder */
    char scope[GV_NN_NAME_MAX];
    size_t scope_lengths[SCOPES_MAX]; /* before each open */
    size_t scope_depth;
    char trained[GV_NN_NAME_MAX];
    gv_node_record *nodes;
    size_t count;
    size_t capacity;
    size_t dropper_count;
    gv_node loss;
    bool is_finished;
    size_t work; /* where scratch begins */
    size_t arena_size;
};

/* Adds an operator's node; its shape comes from the row. */
gv_node gv_graph_operator(gv_graph *graph, gv_op_id op, const gv_node in[OP_ARITY_MAX],
                          const gv_op_attrs *attrs);

/* The call of a node with shapes and attributes alone. */
gv_op_call gv_graph_call(const gv_graph *graph, const gv_node_record *record);

/* Fills in value, grad, saved, add_grad, work and arena_size. */
GV_MUST_CHECK gv_status gv_graph_plan(gv_graph *graph);

/* Slots of time: node i runs forward in slot i, backward in slot 2 count - 1 - i. */
typedef struct gv_plan_piece {
    size_t size; /* numbers */
    size_t first;
    size_t last; /* inclusive */
    size_t offset;
    gv_node node;
    int part; /* PLAN_VALUE ... */
} gv_plan_piece;

enum { PLAN_VALUE, PLAN_GRAD, PLAN_SAVED };

/* The pieces of a finished graph, for tests: what may never overlap. Freed by gv_mem_free(). */
GV_MUST_CHECK gv_status gv_graph_pieces(const gv_graph *graph, gv_plan_piece **pieces,
                                        size_t *count);

#endif
