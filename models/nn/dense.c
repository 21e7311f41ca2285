#include "models/nn/dense.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "models/nn/activate_impl.h"
#include "models/nn/operators.h"
#include "models/nn/panel_impl.h"
#include "sim/base/mem.h"

struct gv_dense {
    gv_panels panels;
};

static gv_status find_layer(const gv_params *params, const char *name, const gv_weight *found[2])
{
    static const char *const parts[2] = {"weight", "bias"};
    for (size_t i = 0; i < 2; i++) {
        char full[2 * GV_NN_NAME_MAX];
        (void)snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        found[i] = gv_params_find(params, full);
        if (found[i] == NULL || found[i]->shape.rank != 2 - i) {
            return GV_FAIL(GV_ENOTFOUND, "the network has no '%s' of a linear layer", full);
        }
    }
    return GV_OK;
}

gv_status gv_dense_create(const gv_params *params, const char *name, gv_dense **out)
{
    const gv_weight *found[2] = {NULL};
    GV_TRY(find_layer(params, name, found));
    gv_dense *dense = gv_mem_alloc(sizeof *dense, 0, 0);
    if (dense == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the layer '%s'", name);
    }
    assert(found[1] != NULL);
    const size_t inputs = found[0]->shape.dim[1];
    const gv_status status = gv_panels_init(&dense->panels, inputs, found[0]->shape.dim[0]);
    if (status != GV_OK) {
        gv_dense_destroy(dense);
        return GV_FAIL(GV_ENOMEM, "no memory for the layer '%s'", name);
    }
    const float *block = gv_params_read_f32(params);
    const gv_panel_part all = {
        .w = block + found[0]->offset, .w_output = inputs, .w_input = 1, .count = inputs};
    gv_panels_pack(&dense->panels, &all);
    memcpy(dense->panels.bias, block + found[1]->offset, found[1]->count * sizeof *block);
    *out = dense;
    return GV_OK;
}

void gv_dense_destroy(gv_dense *dense)
{
    if (dense != NULL) {
        gv_panels_fini(&dense->panels);
        gv_mem_free(dense);
    }
}

size_t gv_dense_inputs(const gv_dense *dense)
{
    return dense->panels.inputs;
}

size_t gv_dense_outputs(const gv_dense *dense)
{
    return dense->panels.outputs;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the product writes to it */
void gv_dense_apply(const gv_dense *dense, const float *x, size_t rows, float *y)
{
    const gv_panel_rows all = {.x = x,
                               .x_step = dense->panels.inputs,
                               .y = y,
                               .y_step = dense->panels.outputs,
                               .rows = rows,
                               .run = rows};
    gv_panels_apply(&dense->panels, &all);
}

/* Which loop stands for a builder of activations. */
typedef struct activation_pair {
    gv_activation builder;
    gv_activate loop;
} activation_pair;

static const activation_pair activations[] = {
    {gv_op_relu, gv_activate_relu},           {gv_op_gelu, gv_activate_gelu},
    {gv_op_gelu_tanh, gv_activate_gelu_tanh}, {gv_op_silu, gv_activate_silu},
    {gv_op_mish, gv_activate_mish},           {gv_op_tanh, gv_activate_tanh},
    {gv_op_sigmoid, gv_activate_sigmoid},
};

enum { ACTIVATIONS = sizeof activations / sizeof activations[0] };

static gv_activate loop_of(gv_activation builder)
{
    if (builder == NULL) {
        return NULL;
    }
    size_t i = 0;
    while (i < ACTIVATIONS && activations[i].builder != builder) {
        i++;
    }
    assert(i < ACTIVATIONS);
    return activations[i].loop;
}

struct gv_dense_mlp {
    size_t layers;
    gv_dense *layer[GV_MLP_LAYERS_MAX];
    gv_activate then[GV_MLP_LAYERS_MAX];
    size_t rows_max;
    size_t widest;
    float *scratch; /* [2][rows_max][widest] */
};

static gv_status make_layers(const gv_params *params, const char *name, const gv_mlp *mlp,
                             gv_dense_mlp *made)
{
    made->layers = mlp->layers;
    for (size_t i = 0; i < mlp->layers; i++) {
        char full[2 * GV_NN_NAME_MAX];
        (void)snprintf(full, sizeof full, "%s.%zu", name, 2 * i);
        GV_TRY(gv_dense_create(params, full, &made->layer[i]));
        made->then[i] = loop_of(i + 1 < mlp->layers ? mlp->hidden : mlp->last);
        const size_t width = gv_dense_outputs(made->layer[i]);
        made->widest = width > made->widest ? width : made->widest;
    }
    made->scratch = gv_mem_alloc_vector(2 * made->rows_max * made->widest, sizeof(float));
    return made->scratch != NULL ? GV_OK : GV_FAIL(GV_ENOMEM, "no memory to serve '%s'", name);
}

gv_status gv_dense_mlp_create(const gv_params *params, const char *name, const gv_mlp *mlp,
                              size_t rows_max, gv_dense_mlp **out)
{
    assert(rows_max >= 1);
    gv_dense_mlp *made = gv_mem_alloc(sizeof *made, 0, 0);
    if (made == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to serve '%s'", name);
    }
    made->rows_max = rows_max;
    const gv_status status = make_layers(params, name, mlp, made);
    if (status != GV_OK) {
        gv_dense_mlp_destroy(made);
        return status;
    }
    *out = made;
    return GV_OK;
}

void gv_dense_mlp_destroy(gv_dense_mlp *mlp)
{
    if (mlp != NULL) {
        for (size_t i = 0; i < GV_MLP_LAYERS_MAX; i++) {
            gv_dense_destroy(mlp->layer[i]);
        }
        gv_mem_free(mlp->scratch);
        gv_mem_free(mlp);
    }
}

static void apply_layers(gv_dense_mlp *mlp, const float *x, size_t rows, float *y)
{
    for (size_t i = 0; i < mlp->layers; i++) {
        float *to = i + 1 == mlp->layers ? y : mlp->scratch + i % 2 * mlp->rows_max * mlp->widest;
        gv_dense_apply(mlp->layer[i], x, rows, to);
        if (mlp->then[i] != NULL) {
            mlp->then[i](to, rows * gv_dense_outputs(mlp->layer[i]), to);
        }
        x = to;
    }
}

void gv_dense_mlp_apply(gv_dense_mlp *mlp, const float *x, size_t rows, float *y)
{
    const size_t inputs = gv_dense_inputs(mlp->layer[0]);
    const size_t outputs = gv_dense_outputs(mlp->layer[mlp->layers - 1]);
    for (size_t row = 0; row < rows; row += mlp->rows_max) {
        const size_t some = rows - row < mlp->rows_max ? rows - row : mlp->rows_max;
        apply_layers(mlp, x + row * inputs, some, y + row * outputs);
    }
}
