#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "models/nn/graph_impl.h"
#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "test_nn.h"

static const gv_tape_step step = {.seed = 5, .step = 3, .is_training = true};

nn_net nn_net_made(gv_real_kind kind, nn_builder builder)
{
    nn_net net = {.params = NULL};
    assert_int_equal(gv_params_create(kind, &net.params), GV_OK);
    const gv_graph_config config = {.params = net.params};
    assert_int_equal(gv_graph_create(&config, &net.graph), GV_OK);
    const gv_node loss = builder(net.graph);
    assert_int_equal(gv_graph_finish(net.graph, loss), GV_OK);
    assert_int_equal(gv_params_draw(net.params, 1), GV_OK);
    assert_int_equal(gv_tape_create(net.graph, net.params, &net.tape), GV_OK);
    net.gradients = gv_mem_alloc(0, gv_params_size(net.params), sizeof(double));
    assert_non_null(net.gradients);
    nn_net_fill(&net);
    return net;
}

void nn_net_free(nn_net *net)
{
    gv_mem_free(net->gradients);
    gv_tape_destroy(net->tape);
    gv_graph_destroy(net->graph);
    gv_params_destroy(net->params);
}

static double filling(const char *name, const gv_random *random, size_t i)
{
    if (strncmp(name, "valid", 5) == 0) {
        return i % 5 == 1 ? 0.0 : 1.0;
    }
    if (strncmp(name, "positive", 8) == 0) {
        return i % 3 == 0 ? 1.0 : 0.0;
    }
    if (strncmp(name, "share", 5) == 0) {
        return gv_random_uniform(random, i);
    }
    return gv_random_normal(random, i);
}

void nn_net_fill(nn_net *net)
{
    for (size_t node = 0; node < net->graph->count; node++) {
        const gv_node_record *record = &net->graph->nodes[node];
        const gv_random random = gv_random_key(2, GV_STREAM_TEST, node);
        for (size_t i = 0; i < gv_shape_count(&record->shape); i++) {
            if (record->kind == NODE_INDICES) {
                gv_tape_indices(net->tape, (gv_node)node)[i] = (int32_t)(1 + 2 * i) % 3;
            } else if (record->kind == NODE_INPUT && net->graph->kind == GV_F32) {
                gv_tape_f32(net->tape, (gv_node)node)[i] = (float)filling(record->name, &random, i);
            } else if (record->kind == NODE_INPUT) {
                gv_tape_f64(net->tape, (gv_node)node)[i] = filling(record->name, &random, i);
            }
        }
    }
}

void nn_net_run(nn_net *net)
{
    gv_tape_forward(net->tape, &step);
    gv_tape_backward(net->tape, net->gradients);
}

static double loss_at(nn_net *net, double *number, double value)
{
    *number = value;
    gv_tape_forward(net->tape, &step);
    return gv_tape_loss(net->tape);
}

/* The slope from four points, whose error is of the fourth order in h. */
static double slope_at(nn_net *net, double *number, double h)
{
    const double x = *number;
    const double near = loss_at(net, number, x + h) - loss_at(net, number, x - h);
    const double far = loss_at(net, number, x + 2 * h) - loss_at(net, number, x - 2 * h);
    *number = x;
    return (8 * near - far) / (12 * h);
}

nn_gradient_check nn_net_check(nn_net *net)
{
    return nn_net_check_by(net, 1e-3);
}

nn_gradient_check nn_net_check_by(nn_net *net, double h)
{
    nn_gradient_check check = {.worst = 0};
    double *values = gv_params_f64(net->params);
    const double *gradients = net->gradients;
    nn_net_run(net);
    for (size_t p = 0; p < gv_params_count(net->params); p++) {
        const gv_weight *param = gv_params_at(net->params, p);
        bool is_idle = true;
        for (size_t i = param->offset; i < param->offset + param->count; i++) {
            const double slope = slope_at(net, &values[i], h);
            const double scale = fmax(1.0, fmax(fabs(slope), fabs(gradients[i])));
            const double error = fabs(slope - gradients[i]) / scale;
            is_idle = is_idle && fabs(slope) < 1e-9;
            if (!(error <= check.worst)) {
                check.worst = error;
                (void)snprintf(check.where, sizeof check.where, "%s[%zu]: %g, not %g", param->name,
                               i - param->offset, gradients[i], slope);
            }
        }
        check.idle += is_idle;
    }
    return check;
}
