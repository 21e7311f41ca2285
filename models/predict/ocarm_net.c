/* The networks of teacher and student, and the student's loss, as graphs. */
#include "models/nn/layers.h"
#include "models/predict/ocarm_impl.h"

/* What is not there gets this much less of a score, before the softmax. */
#define ABSENT 1e9

enum { SESSIONS = GV_ONBOARDING_SESSIONS, ITEMS = GV_ONBOARDING_ITEMS };

gv_sight_nodes gv_ocarm_sight_inputs(gv_graph *graph, size_t count)
{
    return (gv_sight_nodes){
        .x = gv_graph_input(graph, "x", gv_shape_of(2, (size_t[]){count, GV_USER_FEATURES})),
        .past = gv_graph_input(
            graph, "past", gv_shape_of(3, (size_t[]){count, GV_USER_PAST, GV_OCARM_PAST_TOKEN})),
        .valid =
            gv_graph_input(graph, "valid_past", gv_shape_of(2, (size_t[]){count, GV_USER_PAST}))};
}

gv_content_nodes gv_ocarm_content_inputs(gv_graph *graph, size_t count)
{
    return (gv_content_nodes){
        .items = gv_graph_input(
            graph, "items",
            gv_shape_of(3, (size_t[]){count * SESSIONS, ITEMS, GV_OCARM_ITEM_TOKEN})),
        .gaps = gv_graph_input(graph, "gaps", gv_shape_of(3, (size_t[]){count, SESSIONS, 1})),
        .valid =
            gv_graph_input(graph, "valid_sessions", gv_shape_of(2, (size_t[]){count, SESSIONS}))};
}

gv_lesson_nodes gv_ocarm_lesson_inputs(gv_graph *graph, size_t count, size_t width)
{
    const gv_shape rows = gv_shape_of(1, (size_t[]){count});
    return (gv_lesson_nodes){
        .label = gv_graph_input(graph, "positive", rows),
        .r = gv_graph_input(graph, "taught", gv_shape_of(2, (size_t[]){count, width})),
        .share = gv_graph_input(graph, "share", rows),
        .match = gv_graph_input(graph, "share_of_match", rows),
        .valid = gv_graph_input(graph, "valid_content", rows),
        .numbers = gv_graph_indices(graph, "numbers", rows)};
}

gv_mlp gv_ocarm_layer(size_t width, gv_activation activation)
{
    return (gv_mlp){.layers = 1, .widths = {width}, .last = activation};
}

gv_mlp gv_ocarm_body(size_t width)
{
    return (gv_mlp){.layers = 2, .widths = {GV_OCARM_HIDDEN, width}, .hidden = gv_op_silu};
}

/*
 * h [N, J, D] -> [N, D] by weights softmax(w tanh(W h)); valid [N, J] or GV_NODE_NONE, 0 where
 * there is nothing. A row of nothing gives zeros.
 */
static gv_node pool(gv_graph *graph, const char *name, gv_node h, gv_node valid)
{
    const size_t rows = gv_graph_dim(graph, h, 0);
    const size_t places = gv_graph_dim(graph, h, 1);
    const size_t width = gv_graph_width(graph, h);
    gv_graph_open(graph, name);
    const gv_mlp look = gv_ocarm_layer(width, gv_op_tanh);
    const gv_node inner = gv_layer_mlp(graph, "inner", h, &look);
    gv_node scores = gv_op_reshape(graph, gv_layer_linear(graph, "score", inner, 1),
                                   gv_shape_of(2, (size_t[]){rows, places}));
    gv_graph_close(graph);
    if (valid != GV_NODE_NONE) {
        scores = gv_op_add(graph, scores, gv_op_scale(graph, valid, ABSENT, -ABSENT));
    }
    gv_node weights = gv_op_softmax(graph, scores);
    if (valid != GV_NODE_NONE) {
        weights = gv_op_mul(graph, weights, valid);
    }
    weights = gv_op_reshape(graph, weights, gv_shape_of(3, (size_t[]){rows, 1, places}));
    return gv_op_reshape(graph, gv_op_matmul(graph, weights, h),
                         gv_shape_of(2, (size_t[]){rows, width}));
}

/* r_x; parameters past.0, pool.{inner.0, score}, body.{0, 2}. */
static gv_node encode_sight(gv_graph *graph, const gv_ocarm_config *config,
                            const gv_sight_nodes *sight)
{
    const gv_mlp past = gv_ocarm_layer(GV_OCARM_PAST_WIDTH, gv_op_silu);
    const gv_mlp body = gv_ocarm_body((size_t)config->width);
    const gv_node h = gv_layer_mlp(graph, "past", sight->past, &past);
    const gv_node seen = gv_op_concat(graph, sight->x, pool(graph, "pool", h, sight->valid), 1);
    return gv_layer_mlp(graph, "body", gv_op_dropout(graph, seen, config->dropout), &body);
}

/* [B, width] -> [B] */
static gv_node head(gv_graph *graph, gv_node r)
{
    const size_t count = gv_graph_dim(graph, r, 0);
    return gv_op_reshape(graph, gv_layer_linear(graph, "head", r, 1),
                         gv_shape_of(1, (size_t[]){count}));
}

gv_retention_nodes gv_ocarm_student(gv_graph *graph, const gv_ocarm_config *config,
                                    const gv_sight_nodes *sight)
{
    gv_graph_open(graph, "student");
    const gv_node r = encode_sight(graph, config, sight);
    const gv_retention_nodes said = {.r = r, .logit = head(graph, r)};
    gv_graph_close(graph);
    return said;
}

/* r_c, the hierarchical attention encoder: items in sessions, sessions in time. */
static gv_node encode_content(gv_graph *graph, const gv_ocarm_config *config,
                              const gv_content_nodes *content)
{
    const size_t width = (size_t)config->width;
    const size_t count = gv_graph_dim(graph, content->gaps, 0);
    const gv_attention attention = {.heads = GV_OCARM_HEADS, .is_causal = true};
    const gv_mlp item = {.layers = 2, .widths = {width, width}, .hidden = gv_op_silu};
    const gv_node h = gv_layer_mlp(graph, "item", content->items, &item);
    const gv_node sessions = gv_op_reshape(graph, pool(graph, "item_pool", h, GV_NODE_NONE),
                                           gv_shape_of(3, (size_t[]){count, SESSIONS, width}));
    const gv_node gaps = gv_layer_linear(graph, "gap", content->gaps, width);
    gv_node g = gv_op_add(graph, sessions, gaps);
    const gv_node qkv = gv_layer_linear(graph, "qkv", g, 3 * width);
    const gv_node mixed = gv_op_attention(graph, qkv, content->valid, &attention);
    g = gv_op_add(graph, g, gv_layer_linear(graph, "proj", mixed, width));
    return pool(graph, "session_pool", g, content->valid);
}

/* r_T, the fusion of both. */
static gv_node fuse(gv_graph *graph, gv_node r_c, gv_node r_x)
{
    const size_t width = gv_graph_width(graph, r_c);
    const gv_node of_content = gv_layer_linear(graph, "fuse.content", r_c, width);
    const gv_node of_sight = gv_layer_linear(graph, "fuse.sight", r_x, width);
    const gv_node both = gv_op_mul(graph, r_c, r_x);
    const gv_node of_both = gv_layer_linear(graph, "fuse.both", both, width);
    const gv_node sum = gv_op_add(graph, gv_op_add(graph, of_content, of_sight), of_both);
    return gv_layer_norm(graph, "fuse.norm", sum);
}

gv_retention_nodes gv_ocarm_teacher(gv_graph *graph, const gv_ocarm_config *config,
                                    const gv_sight_nodes *sight, const gv_content_nodes *content)
{
    gv_graph_open(graph, "teacher");
    const gv_node r_x = encode_sight(graph, config, sight);
    const gv_node r_c = encode_content(graph, config, content);
    const gv_node r = fuse(graph, gv_op_dropout(graph, r_c, config->dropout), r_x);
    const gv_retention_nodes said = {.r = r, .logit = head(graph, r)};
    gv_graph_close(graph);
    return said;
}

/* ---- the student's loss ---------------------------------------------------------------------- */

/* a1 (1 - cos), the mean over rows with content. */
static gv_node align(gv_graph *graph, double weight, gv_node mine, const gv_lesson_nodes *lesson)
{
    const gv_node taught = gv_op_unit(graph, lesson->r);
    const gv_node cosine = gv_op_sum_last(graph, gv_op_mul(graph, mine, taught));
    const gv_node distance = gv_op_scale(graph, cosine, -weight, weight);
    return gv_op_sum(graph, gv_op_mul(graph, distance, lesson->match));
}

/* a2 T^2 KL(p_T(T) || p_S(T)) without the entropy of p_T(T): the cross entropy of both. */
static gv_node distil(gv_graph *graph, const gv_ocarm_config *config, gv_node logit,
                      const gv_lesson_nodes *lesson)
{
    const double t = config->temperature;
    const gv_node cooled = gv_op_scale(graph, logit, 1.0 / t, 0.0);
    const gv_node cross = gv_op_bce(graph, cooled, lesson->share, lesson->match);
    return gv_op_scale(graph, cross, config->distil * t * t, 0.0);
}

/* a3 InfoNCE: which of the shard's teachers is mine? Rows without content are nobody's. */
static gv_node contrast(gv_graph *graph, double weight, gv_node mine, const gv_lesson_nodes *lesson)
{
    const gv_node taught = gv_op_unit(graph, lesson->r);
    const gv_node cosines = gv_op_matmul_transposed(graph, mine, taught);
    const gv_node sharp = gv_op_scale(graph, cosines, 1.0 / GV_OCARM_CONTRAST_TEMPERATURE, 0.0);
    const gv_node absent = gv_op_scale(graph, lesson->valid, ABSENT, -ABSENT);
    const gv_node loss =
        gv_op_cross_entropy(graph, gv_op_add(graph, sharp, absent), lesson->numbers, lesson->match);
    return gv_op_scale(graph, loss, weight, 0.0);
}

gv_node gv_ocarm_loss(gv_graph *graph, const gv_ocarm_config *config,
                      const gv_retention_nodes *student, const gv_lesson_nodes *lesson)
{
    gv_node loss = gv_op_bce(graph, student->logit, lesson->label, GV_NODE_NONE);
    gv_node mine = GV_NODE_NONE;
    if (config->align > 0.0 || config->contrast > 0.0) {
        const gv_node turned =
            gv_layer_linear(graph, "align", student->r, gv_graph_width(graph, lesson->r));
        mine = gv_op_unit(graph, turned);
    }
    if (config->align > 0.0) {
        loss = gv_op_add(graph, loss, align(graph, config->align, mine, lesson));
    }
    if (config->distil > 0.0) {
        loss = gv_op_add(graph, loss, distil(graph, config, student->logit, lesson));
    }
    if (config->contrast > 0.0) {
        loss = gv_op_add(graph, loss, contrast(graph, config->contrast, mine, lesson));
    }
    return loss;
}
