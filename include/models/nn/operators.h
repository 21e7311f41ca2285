/*
 * operators.h - the operators of a graph, each a builder that makes one node.
 *
 * B is a batch, T a sequence, C channels, L a length, D a width, N any number of elements; "..."
 * any leading axes. Every operator has forward and backward, in single precision and, for
 * checks, in double; the sums of long rows run over fixed lanes, so the bits do not depend on
 * the processor's vectors (those of matrix products do depend on OpenBLAS's kernel).
 */
#ifndef MODELS_NN_OPERATORS_H
#define MODELS_NN_OPERATORS_H

#include "models/nn/graph.h"

/* ---- matrix products ------------------------------------------------------------------------- */

/* [..., M, K] x [..., K, N] -> [..., M, N]; leading axes equal, or b a matrix for all. */
gv_node gv_op_matmul(gv_graph *graph, gv_node a, gv_node b);

/* a times b transposed: [..., M, K] x [..., N, K] -> [..., M, N]. */
gv_node gv_op_matmul_transposed(gv_graph *graph, gv_node a, gv_node b);

/*
 * x [..., in], weight [out, in] as torch.nn.Linear keeps it, bias [out] or GV_NODE_NONE ->
 * [..., out]: x weight^T + bias.
 */
gv_node gv_op_linear(gv_graph *graph, gv_node x, gv_node weight, gv_node bias);

/* ---- element by element ---------------------------------------------------------------------- */

/*
 * a [...] with b of the same shape, or b of a's last axes ([T, D] or [D] on [B, T, D]: a bias,
 * a position), or b of a's first axes ([B, C] on [B, C, L]). When both fit, the last axes win.
 */
gv_node gv_op_add(gv_graph *graph, gv_node a, gv_node b);
gv_node gv_op_sub(gv_graph *graph, gv_node a, gv_node b);
gv_node gv_op_mul(gv_graph *graph, gv_node a, gv_node b);

/* Of two of the same shape the smaller, element by element: twin critics. On a tie a's. */
gv_node gv_op_min(gv_graph *graph, gv_node a, gv_node b);

/* factor x + offset */
gv_node gv_op_scale(gv_graph *graph, gv_node x, double factor, double offset);

/* max(low, min(x, high)); the gradient is 0 outside. */
gv_node gv_op_clamp(gv_graph *graph, gv_node x, double low, double high);

/* Activations: x [...] -> [...]. */
gv_node gv_op_relu(gv_graph *graph, gv_node x);
gv_node gv_op_gelu(gv_graph *graph, gv_node x);      /* x Phi(x), torch's default */
gv_node gv_op_gelu_tanh(gv_graph *graph, gv_node x); /* GPT-2's approximation by tanh */
gv_node gv_op_silu(gv_graph *graph, gv_node x);      /* x sigmoid(x) */
gv_node gv_op_mish(gv_graph *graph, gv_node x);      /* x tanh(log(1 + exp(x))) */
gv_node gv_op_tanh(gv_graph *graph, gv_node x);
gv_node gv_op_sigmoid(gv_graph *graph, gv_node x);
gv_node gv_op_exp(gv_graph *graph, gv_node x);
gv_node gv_op_softplus(gv_graph *graph, gv_node x); /* log(1 + exp(x)) */
gv_node gv_op_symlog(gv_graph *graph, gv_node x);   /* sign(x) log(1 + |x|) */

/*
 * Zero with probability `rate`, otherwise x / (1 - rate), in training; x itself otherwise. The
 * mask is a pure function of (seed, step, shard, which dropout of the graph, element).
 */
gv_node gv_op_dropout(gv_graph *graph, gv_node x, double rate);

/* The value, as a constant: no gradient goes further. */
gv_node gv_op_stop(gv_graph *graph, gv_node x);

/* ---- rows ------------------------------------------------------------------------------------ */

/* indices [...], table [rows, D] -> [..., D]. An index outside of the table is asserted. */
gv_node gv_op_embedding(gv_graph *graph, gv_node indices, gv_node table);

/* x [..., D], gain [D], bias [D]: each row to mean 0 and variance 1 (epsilon 1e-5), then both. */
gv_node gv_op_layer_norm(gv_graph *graph, gv_node x, gv_node gain, gv_node bias);

/* x [B, C, L], gain [C], bias [C]: mean and variance over L and the C / groups channels. */
gv_node gv_op_group_norm(gv_graph *graph, gv_node x, gv_node gain, gv_node bias, size_t groups);

/*
 * x [..., D]: each row divided by its length, sqrt(sum of squares + 1e-12); so the sum of products
 * of two such rows is the cosine between them. A row of zeros stays one.
 */
gv_node gv_op_unit(gv_graph *graph, gv_node x);

/* Over the last axis. */
gv_node gv_op_softmax(gv_graph *graph, gv_node x);
gv_node gv_op_log_sum_exp(gv_graph *graph, gv_node x); /* [..., N] -> [...], or [1] of a row */

typedef struct gv_attention {
    size_t heads;   /* divides D */
    bool is_causal; /* position t sees 0 .. t */
    double dropout; /* of the weights, in training */
} gv_attention;

/*
 * Multi-head attention, fused: qkv [B, T, 3 D], the queries, keys and values side by side, each
 * head's D / heads columns together; valid [B, T] or GV_NODE_NONE, 0 where a key must not be seen
 * -> [B, T, D]. Scores are divided by sqrt(D / heads). A query that sees no key gives zeros.
 */
gv_node gv_op_attention(gv_graph *graph, gv_node qkv, gv_node valid, const gv_attention *attention);

/*
 * A few queries over many keys: query [B, M, D]; pairs [B, N, 2 D], keys and values side by side,
 * each head's D / heads columns together; shares [B, N], or of each head [B, heads, N], at least
 * 0, or GV_NODE_NONE: all 1 -> [B, M, D]. With scores q k / sqrt(D / heads) a key weighs
 *   share exp(score) / (sum of that over the keys):
 * a kernel of time, the number of events that a key stands for, or 0 where it must not be seen;
 * a share of 0 gets no slope. A query that sees no key gives zeros. Made for M of a few and narrow
 * heads: no product here goes through OpenBLAS, and a row of the batch has the same bits in any
 * company.
 */
gv_node gv_op_cross_attention(gv_graph *graph, gv_node query, gv_node pairs, gv_node shares,
                              size_t heads);

/*
 * keys [..., G d], codes [G, C, d] -> [..., G d]: of each group of d numbers the nearest code of
 * that group's (nearest.h). The keys' slope is the result's, as if they had stayed (straight
 * through); codes get none: they follow the keys by other means (vql.h).
 */
gv_node gv_op_nearest(gv_graph *graph, gv_node keys, gv_node codes);

/*
 * x [B, N, D], gain and shift [B, D], either GV_NODE_NONE -> gain x + shift: what a row says to
 * each of its N positions alike.
 */
gv_node gv_op_modulate(gv_graph *graph, gv_node x, gv_node gain, gv_node shift);

/*
 * x [B, N, D], shares [B, N] or GV_NODE_NONE -> [B, D]: factor times the sum of the N positions,
 * each times its share. Shares get no gradient.
 */
gv_node gv_op_pool(gv_graph *graph, gv_node x, gv_node shares, double factor);

/* ---- convolution ----------------------------------------------------------------------------- */

/*
 * x [B, C, L], weight [out, C, kernel], bias [out] or GV_NODE_NONE -> [B, out, L'] with
 * L' = (L + 2 padding - kernel) / stride + 1, as torch.nn.Conv1d.
 */
gv_node gv_op_conv1d(gv_graph *graph, gv_node x, gv_node weight, gv_node bias, size_t stride,
                     size_t padding);

/*
 * x [B, C, L], weight [C, out, kernel], bias [out] or GV_NODE_NONE -> [B, out, L'] with
 * L' = (L - 1) stride - 2 padding + kernel, as torch.nn.ConvTranspose1d.
 */
gv_node gv_op_conv1d_transposed(gv_graph *graph, gv_node x, gv_node weight, gv_node bias,
                                size_t stride, size_t padding);

/* ---- shapes ---------------------------------------------------------------------------------- */

/* Along `axis`, the other axes equal. */
gv_node gv_op_concat(gv_graph *graph, gv_node a, gv_node b, size_t axis);

/* Positions start .. start + length - 1 of `axis`, every `step`-th: length of them. */
gv_node gv_op_slice(gv_graph *graph, gv_node x, size_t axis, size_t start, size_t length,
                    size_t step);

gv_node gv_op_transpose(gv_graph *graph, gv_node x, size_t axis, size_t other);

/* The same numbers in the same order: costs nothing, shares the memory. */
gv_node gv_op_reshape(gv_graph *graph, gv_node x, gv_shape shape);

/* a, b, c [B, T, D] -> [B, 3 T, D]: a_0, b_0, c_0, a_1, ...: tokens of a decision transformer. */
gv_node gv_op_interleave(gv_graph *graph, gv_node a, gv_node b, gv_node c);

/* ---- reductions ------------------------------------------------------------------------------ */

gv_node gv_op_sum_last(gv_graph *graph, gv_node x);  /* [..., N] -> [...] */
gv_node gv_op_mean_last(gv_graph *graph, gv_node x); /* [..., N] -> [...] */
gv_node gv_op_sum(gv_graph *graph, gv_node x);       /* -> [1] */

/* Over all elements and all shards of the batch: the sum of the shards' values is the mean. */
gv_node gv_op_mean(gv_graph *graph, gv_node x);

/* ---- losses ---------------------------------------------------------------------------------- */

/*
 * Each gives one number. Without weights it is the mean over all elements of the whole batch: of
 * N elements here and `shards` such parts it is sum / (N shards), so the shards' losses add up.
 * With weights (of the loss's elements, [N...]) it is their weighted sum: weights of 1 / (number
 * of valid positions in the whole batch) and 0 give the masked mean. Targets and weights get no
 * gradient.
 */
gv_node gv_op_mse(gv_graph *graph, gv_node prediction, gv_node target, gv_node weights);

/* -y log sigmoid(logit) - (1 - y) log(1 - sigmoid(logit)), y in [0, 1]. */
gv_node gv_op_bce(gv_graph *graph, gv_node logits, gv_node target, gv_node weights);

/* logits [..., K], labels: indices [...]; one loss a row. */
gv_node gv_op_cross_entropy(gv_graph *graph, gv_node logits, gv_node labels, gv_node weights);

/* (log_variance + (target - mean)^2 exp(-log_variance)) / 2, without the constant. */
gv_node gv_op_gaussian_nll(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node target,
                           gv_node weights);

/*
 * -log P(Z > bound) of a normal Z: what is known of a censored number, of which only is known that
 * it lies above. With the loss before, each weighted 0 where the other one holds, it is Tobin's
 * model (Econometrica 26, 1958).
 */
gv_node gv_op_beyond(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node bound,
                     gv_node weights);

/* u = target - prediction: |tau - 1(u < 0)| u^2, of implicit Q-learning. */
gv_node gv_op_expectile(gv_graph *graph, gv_node prediction, gv_node target, gv_node weights,
                        double tau);

/*
 * KL(N(mean, exp(log_variance)) || N(0, 1)) an element:
 * (mean^2 + exp(log_variance) - 1 - log_variance) / 2. For another prior subtract its mean and
 * divide by its deviation first.
 */
gv_node gv_op_kl(gv_graph *graph, gv_node mean, gv_node log_variance, gv_node weights);

/*
 * Non-negative risk of positive and unlabelled examples (Kiryo et al., NeurIPS 2017), logits [N],
 * is_positive [N] of 0 and 1, prior pi:
 *   R = pi E_P l(g, +1) + max(0, E_U l(g, -1) - pi E_P l(g, -1)).
 * Where the bracket is negative the gradient is that of minus the bracket, as in their
 * algorithm 1 with beta = 0, gamma = 1. Not a sum over elements: each shard has its own
 * brackets, and the shards' values add up to the mean of their risks.
 *
 * The logistic loss l(z, y) = log(1 + exp(-y z)) makes sigmoid(g) an estimate of the posterior;
 * under the sigmoid loss 1 / (1 + exp(y z)), theirs, it is a decision only: of P = U and
 * pi < 1/2 it tends to 0.
 */
typedef struct gv_nnpu {
    double prior;    /* pi, in (0, 1) */
    bool is_sigmoid; /* the sigmoid loss instead of the logistic one */
} gv_nnpu;

gv_node gv_op_nnpu(gv_graph *graph, gv_node logits, gv_node is_positive, const gv_nnpu *nnpu);

#endif
