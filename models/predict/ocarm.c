/* OCARM's two types: parameters, creation, and their files. */
#include "models/predict/ocarm.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/predict/ocarm_impl.h"
#include "sim/base/mem.h"
#include "sim/base/safetensors.h"

#define PAPER "arXiv 2604.25839; sizes are a choice of ours"

/* Rows that both roles have. */
/* clang-format off */
#define REAL_ROW(field, usual, low, high, text)                                       \
    {.name = #field, .kind = GV_PARAM_REAL, .fallback = (usual), .minimum = (low),    \
     .maximum = (high), .offset = offsetof(gv_ocarm_config, field), .help = (text)}
#define COUNT_ROW(field, usual, low, high, text)                                      \
    {.name = #field, .kind = GV_PARAM_INTEGER, .fallback = (usual), .minimum = (low), \
     .maximum = (high), .offset = offsetof(gv_ocarm_config, field), .help = (text)}
#define SHARED_ROWS                                                                            \
    COUNT_ROW(epochs, "40", 1, 100000, "passes over the examples; the best of them is kept"),  \
    COUNT_ROW(batch, "128", 4, 65536, "examples of a step, a multiple of 4"),                  \
    REAL_ROW(rate, "0.001", 1e-9, 10, "first rate of AdamW; it falls along half a cosine"),    \
    REAL_ROW(weight_decay, "0.01", 0, 100, "of AdamW"),                                        \
    REAL_ROW(dropout, "0.1", 0, 0.9, "share of the body's inputs dropped in training"),        \
    REAL_ROW(hold_out, "0.2", 0, 0.9, "share of the users set aside to choose the epoch by; 0: "\
             "the last epoch is kept"),                                                        \
    COUNT_ROW(width, "32", 2, GV_OCARM_WIDTH_MAX, "numbers of a representation, even")
/* clang-format on */

static const gv_param teacher_params[] = {SHARED_ROWS, {0}};

static const gv_param student_params[] = {
    SHARED_ROWS,
    REAL_ROW(align, "1", 0, 1000, "a1, weight of 1 - cosine of both representations"),
    REAL_ROW(distil, "8", 0, 1000, "a2, weight of the divergence of both probabilities"),
    REAL_ROW(temperature, "2", 0.01, 100, "T, of that divergence"),
    REAL_ROW(contrast, "0", 0, 1000, "a3, weight of InfoNCE"),
    {0},
};

const gv_type_info gv_ocarm_types[GV_OCARM_ROLES] = {
    [GV_OCARM_TEACHER] = {.name = "ocarm_teacher",
                          .summary = "retention from bid-time features and onboarding content",
                          .source = PAPER,
                          .params = teacher_params,
                          .config_size = sizeof(gv_ocarm_config)},
    [GV_OCARM_STUDENT] = {.name = "ocarm_student",
                          .summary = "retention from bid-time features, taught by a teacher",
                          .source = PAPER,
                          .params = student_params,
                          .config_size = sizeof(gv_ocarm_config)},
};

gv_status gv_ocarm_check(gv_ocarm_role role, const gv_ocarm_config *config)
{
    const char *name = gv_ocarm_types[role].name;
    if (config->batch < GV_OCARM_SHARDS || config->batch % GV_OCARM_SHARDS != 0) {
        return GV_FAIL(GV_EINVAL, "%s: a batch of %lld, expected a multiple of %d", name,
                       (long long)config->batch, GV_OCARM_SHARDS);
    }
    if (config->width < 2 || config->width > GV_OCARM_WIDTH_MAX || config->width % 2 != 0) {
        return GV_FAIL(GV_EINVAL, "%s: a width of %lld, expected an even one of 2 to %d", name,
                       (long long)config->width, GV_OCARM_WIDTH_MAX);
    }
    return GV_OK;
}

/* The graph of one row declares every parameter. */
static gv_status declare(gv_ocarm *ocarm)
{
    gv_graph *graph = NULL;
    GV_TRY(gv_graph_create(&(gv_graph_config){.params = ocarm->params}, &graph));
    const gv_sight_nodes sight = gv_ocarm_sight_inputs(graph, 1);
    if (ocarm->role == GV_OCARM_TEACHER) {
        const gv_content_nodes content = gv_ocarm_content_inputs(graph, 1);
        (void)gv_ocarm_teacher(graph, &ocarm->config, &sight, &content);
    } else {
        const gv_retention_nodes said = gv_ocarm_student(graph, &ocarm->config, &sight);
        if (ocarm->config.align > 0.0 || ocarm->config.contrast > 0.0) {
            (void)gv_layer_linear(graph, "align", said.r, (size_t)ocarm->config.width);
        }
    }
    const gv_status status = gv_graph_finish(graph, GV_NODE_NONE);
    gv_graph_destroy(graph);
    return status;
}

static gv_status build(gv_ocarm *ocarm, uint64_t seed)
{
    GV_TRY(gv_params_create(GV_F32, &ocarm->params));
    GV_TRY(declare(ocarm));
    return gv_params_draw(ocarm->params, seed);
}

gv_status gv_ocarm_create(gv_ocarm_role role, const gv_ocarm_config *config, uint64_t seed,
                          gv_ocarm **out)
{
    GV_TRY(gv_ocarm_check(role, config));
    gv_ocarm *ocarm = gv_mem_alloc(sizeof *ocarm, 0, 0);
    if (ocarm == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a network of retention");
    }
    ocarm->role = role;
    ocarm->config = *config;
    const gv_status status = build(ocarm, seed);
    if (status != GV_OK) {
        gv_ocarm_destroy(ocarm);
        return status;
    }
    *out = ocarm;
    return GV_OK;
}

void gv_ocarm_destroy(gv_ocarm *ocarm)
{
    if (ocarm != NULL) {
        gv_ocarm_close(ocarm);
        gv_params_destroy(ocarm->params);
        gv_mem_free(ocarm);
    }
}

gv_ocarm_role gv_ocarm_role_of(const gv_ocarm *ocarm)
{
    return ocarm->role;
}

const gv_ocarm_config *gv_ocarm_configured(const gv_ocarm *ocarm)
{
    return &ocarm->config;
}
