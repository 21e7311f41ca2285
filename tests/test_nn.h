/*
 * test_nn.h - building a network, filling its inputs, and holding its gradients against central
 * differences.
 */
#ifndef TESTS_TEST_NN_H
#define TESTS_TEST_NN_H

#include <stdbool.h>
#include <stddef.h>

#include "models/nn/graph.h"
#include "models/nn/params.h"
#include "models/nn/tape.h"

/* Makes the whole graph; returns the node to finish it with. */
typedef gv_node (*nn_builder)(gv_graph *graph);

typedef struct nn_net {
    gv_params *params;
    gv_graph *graph;
    gv_tape *tape;
    void *gradients; /* [gv_params_size(params)] of its kind */
} nn_net;

/* Parameters from seed 1, inputs filled by their names. */
nn_net nn_net_made(gv_real_kind kind, nn_builder builder);
void nn_net_free(nn_net *net);

/*
 * Fills every input: indices with 1, 0, 2, 1, 0, 2 ..., "valid..." with ones and some zeros,
 * "positive..." with 0 and 1, "share..." from [0, 1), all others with standard normals.
 */
void nn_net_fill(nn_net *net);

typedef struct nn_gradient_check {
    double worst;    /* largest |a - n| / max(1, |a|, |n|) of all parameters' numbers */
    size_t idle;     /* parameters to which all differences are 0 */
    char where[256]; /* the parameter of the worst */
} nn_gradient_check;

/* Each number of each parameter moved by +-h, h = 1e-3, in double. */
nn_gradient_check nn_net_check(nn_net *net);

/* The same by a step of one's own: a smaller one where the value bends more. */
nn_gradient_check nn_net_check_by(nn_net *net, double h);

/* Gradients by the tape of one training step. */
void nn_net_run(nn_net *net);

#endif
