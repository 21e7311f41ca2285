/*
 * INFNet: tokens of fields, of a user's past and of tasks, which meet through a few hubs
 * (Information Flow Network, "Aggregate and Broadcast", arXiv 2508.11565). Stated there: the three
 * groups, hubs that gather over all groups by cross-attention, a light gate that tells every token
 * of a group what its hubs gathered, task tokens from the first layer on, cost linear in the
 * number of tokens.
 * The equations are a choice of ours. With X_g [n_g, d] and P_g [m_g, d] of group g, Z all tokens:
 *   aggregate  P_g += MHA(LN(P_g), LN(Z), LN(Z)),  P_g += FFN(LN(P_g))
 *   broadcast  p = flatten(P_g) W,  gain = 2 sigmoid(p Wa),  shift = p Wb
 *              X_g += (gain LN(X_g) + shift) Wo
 * and after the last block, for each task k with its token t_k
 *   logit_k = MLP_k([t_k ; mean P_fields ; mean P_past]).
 * An event's token is linear in its fields' embeddings side by side and its age.
 * A long past need not be tokens: infnet_read.c.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "models/nn/layers.h"
#include "models/predict/infnet_impl.h"
#include "models/predict/vql.h"

static const char *const hub_choices[] = {"attend", "mean", NULL};
static const char *const task_choices[] = {"first", "end", NULL};
static const char *const start_choices[] = {"sample", "learned", NULL};
static const char *const broadcast_choices[] = {"hub", "token", "off", NULL};
static const char *const sequence_choices[] = {"tokens", "events", "codes", NULL};

#define COUNT_ROW(field, text, least, most, words)                                        \
    {                                                                                     \
        .name = #field, .kind = GV_PARAM_INTEGER, .fallback = (text), .minimum = (least), \
        .maximum = (most), .offset = offsetof(infnet_config, field), .help = (words)      \
    }

#define CHOICE_ROW(field, text, names, words)                                            \
    {                                                                                    \
        .name = #field, .kind = GV_PARAM_CHOICE, .fallback = (text), .choices = (names), \
        .offset = offsetof(infnet_config, field), .help = (words)                        \
    }

static const gv_param params[] = {
    GV_NET_ROWS(infnet_config, "16"),
    COUNT_ROW(blocks, "2", 1, GV_NET_READS_MAX, "rounds of aggregate and broadcast"),
    COUNT_ROW(heads, "2", 1, GV_VQL_GROUPS_MAX, "heads of the hubs' attention, dividing the width"),
    COUNT_ROW(field_hubs, "4", 1, 64, "hubs of the fields"),
    COUNT_ROW(past_hubs, "4", 1, 64, "hubs of the past"),
    COUNT_ROW(inner, "2", 1, 16, "width of the hubs' inner layer over theirs"),
    COUNT_ROW(hidden, "32", 1, 1024, "width of each task's hidden layer"),
    CHOICE_ROW(hubs, "attend", hub_choices,
               "mean: hubs get the groups' mean tokens instead of attending"),
    CHOICE_ROW(hub_start, "sample", start_choices,
               "learned: hubs start as learnt vectors, whatever the tokens"),
    CHOICE_ROW(broadcast, "hub", broadcast_choices,
               "token: each token has a gate of its own; off: tokens stay as they came"),
    CHOICE_ROW(tasks, "first", task_choices,
               "end: no task tokens in the blocks, tasks part at the read-out alone"),
    CHOICE_ROW(
        sequence, "tokens", sequence_choices,
        "how a past is taken: tokens among the others; events, read by attention in each "
        "block; codes, the same by VQL: served, an event costs a sum and the network sees no "
        "more than the codes"),
    COUNT_ROW(codes, "64", 1, 4096, "codes of each head, for sequence=codes"),
    {0},
};

/* A learnt [count, d] for every row: [B, count, d]. The zeros are an input that nobody writes. */
static gv_node learnt_rows(const flow *f, const char *name, size_t count)
{
    char zeros[GV_NN_NAME_MAX];
    (void)snprintf(zeros, sizeof zeros, "no_%s", name);
    const gv_node none =
        gv_graph_input(f->graph, zeros, gv_shape_of(3, (size_t[]){f->rows, count, f->width}));
    const gv_init init = {.law = GV_INIT_NORMAL, .scale = 0.3};
    const gv_shape shape = gv_shape_of(2, (size_t[]){count, f->width});
    return gv_op_add(f->graph, none, gv_graph_param(f->graph, name, shape, init));
}

/* x [B, n, d] -> [B, d] */
static gv_node mean_of(gv_graph *graph, gv_node x, gv_node shares)
{
    const double each = shares == GV_NODE_NONE ? 1.0 / (double)gv_graph_dim(graph, x, 1) : 1.0;
    return gv_op_pool(graph, x, shares, each);
}

/* From each group's mean through a linear map, whose bias is the learnt part. */
static gv_node start_hubs(const flow *f, const group *g)
{
    if (f->config->hub_start == START_LEARNED || !has_tokens(g)) {
        return learnt_rows(f, g->name, g->hub_count);
    }
    const gv_node mean = mean_of(f->graph, g->tokens, g->shares);
    const gv_node flat = gv_layer_linear(f->graph, g->name, mean, g->hub_count * f->width);
    return gv_op_reshape(f->graph, flat,
                         gv_shape_of(3, (size_t[]){f->rows, g->hub_count, f->width}));
}

/* All tokens [B, N, d]. */
static gv_node all_tokens(const flow *f)
{
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < GROUPS; i++) {
        if (has_tokens(&f->groups[i])) {
            all = behind(f->graph, all, f->groups[i].tokens, 1);
        }
    }
    return all;
}

/* The mean tokens of all groups side by side [B, groups d]. */
static gv_node all_means(const flow *f)
{
    gv_node all = GV_NODE_NONE;
    for (size_t i = 0; i < GROUPS; i++) {
        const group *g = &f->groups[i];
        if (has_tokens(g)) {
            all = behind(f->graph, all, mean_of(f->graph, g->tokens, g->shares), 1);
        }
    }
    return all;
}

static gv_node attend(const flow *f, const group *g, gv_node normed)
{
    gv_graph *graph = f->graph;
    const gv_node query =
        gv_layer_linear(graph, "query", gv_layer_norm(graph, "hub_norm", g->hubs), f->width);
    const gv_node pairs = gv_layer_linear(graph, "pairs", normed, 2 * f->width);
    const gv_node mixed =
        gv_op_cross_attention(graph, query, pairs, f->seen, (size_t)f->config->heads);
    return gv_op_add(graph, g->hubs, gv_layer_linear(graph, "mix", mixed, f->width));
}

/* Without attention: each hub is moved by a map of the means. */
static gv_node pool(const flow *f, const group *g, gv_node means)
{
    const gv_node flat = gv_layer_linear(f->graph, "pool", means, g->hub_count * f->width);
    return gv_op_add(f->graph, g->hubs,
                     gv_op_reshape(f->graph, flat, *gv_graph_shape(f->graph, g->hubs)));
}

static gv_node feed_forward(const flow *f, gv_node hubs)
{
    gv_graph *graph = f->graph;
    const gv_node normed = gv_layer_norm(graph, "inner_norm", hubs);
    const gv_mlp mlp = {.layers = 2,
                        .widths = {(size_t)f->config->inner * f->width, f->width},
                        .hidden = gv_op_silu};
    return gv_op_add(graph, hubs, gv_layer_mlp(graph, "inner", normed, &mlp));
}

/* LN(X) scaled as the hubs say: by one gain for all tokens, or by each token's own gate. */
static gv_node gated(const flow *f, gv_node normed, gv_node summary)
{
    gv_graph *graph = f->graph;
    const gv_node gain = gv_layer_linear(graph, "gain", summary, f->width);
    const gv_node shift = gv_layer_linear(graph, "shift", summary, f->width);
    if (f->config->broadcast == BROADCAST_HUB) {
        const gv_node twice = gv_op_scale(graph, gv_op_sigmoid(graph, gain), 2, 0);
        return gv_op_modulate(graph, normed, twice, shift);
    }
    const gv_node own = gv_layer_linear(graph, "gate", normed, f->width);
    const gv_node gate = gv_op_sigmoid(graph, gv_op_modulate(graph, own, GV_NODE_NONE, gain));
    return gv_op_modulate(graph, gv_op_mul(graph, normed, gate), GV_NODE_NONE, shift);
}

/* Behind the last block only the tasks' tokens are read. */
static void broadcast(flow *f, bool is_last)
{
    gv_graph *graph = f->graph;
    for (size_t i = is_last ? TASKS : 0; i < GROUPS; i++) {
        group *g = &f->groups[i];
        if (has_tokens(g)) {
            gv_graph_open(graph, g->name);
            const gv_shape flat = gv_shape_of(2, (size_t[]){f->rows, g->hub_count * f->width});
            const gv_node summary =
                gv_layer_linear(graph, "summary", gv_op_reshape(graph, g->hubs, flat), f->width);
            const gv_node normed = gv_layer_norm(graph, "local_norm", g->tokens);
            const gv_node said = gated(f, normed, summary);
            g->tokens = gv_op_add(graph, g->tokens,
                                  gv_layer_linear_normal(graph, "out", said, f->width, 0.02));
            gv_graph_close(graph);
        }
    }
}

static gv_node field_tokens(const flow *f, const gv_net_nodes *nodes)
{
    const size_t count = gv_graph_dim(f->graph, nodes->fields, 1);
    const gv_shape shape = gv_shape_of(2, (size_t[]){count, f->width});
    const gv_init init = {.law = GV_INIT_NORMAL, .scale = 0.05};
    return gv_op_add(f->graph, nodes->fields, gv_graph_param(f->graph, "field", shape, init));
}

static gv_node event_tokens(const flow *f, const gv_net_nodes *nodes)
{
    if (nodes->ages == GV_NODE_NONE) {
        return GV_NODE_NONE;
    }
    const gv_node told = gv_op_concat(f->graph, nodes->past, nodes->ages, 2);
    return gv_layer_linear(f->graph, "event", told, f->width);
}

static void aggregate(flow *f, size_t block)
{
    gv_graph *graph = f->graph;
    const bool attends = f->config->hubs == HUBS_ATTEND;
    const gv_node heard =
        attends ? gv_layer_norm(graph, "token_norm", all_tokens(f)) : all_means(f);
    for (size_t i = 0; i < GROUPS; i++) {
        group *g = &f->groups[i];
        if (exists(g)) {
            gv_graph_open(graph, g->name);
            g->hubs = attends ? attend(f, g, heard) : pool(f, g, heard);
            gv_graph_close(graph);
        }
    }
    if (gv_infnet_reads(f)) {
        gv_infnet_read(f, block);
    }
    for (size_t i = 0; i < GROUPS; i++) {
        group *g = &f->groups[i];
        if (exists(g)) {
            gv_graph_open(graph, g->name);
            g->hubs = feed_forward(f, g->hubs);
            gv_graph_close(graph);
        }
    }
}

/* Of all tokens which there are; without task tokens theirs are cut off. */
static gv_node seen_tokens(const flow *f, const gv_net_nodes *nodes)
{
    if (nodes->seen == GV_NODE_NONE || has_tokens(&f->groups[TASKS])) {
        return nodes->seen;
    }
    const size_t count = gv_graph_dim(f->graph, nodes->seen, 1) - GV_NET_TASKS;
    return gv_op_slice(f->graph, nodes->seen, 1, 0, count, 1);
}

static flow begin(gv_graph *graph, gv_net_nodes *nodes, const infnet_config *config)
{
    const bool has_past = nodes->past != GV_NODE_NONE || nodes->code_pairs[0] != GV_NODE_NONE;
    flow f = {.graph = graph,
              .config = config,
              .nodes = nodes,
              .events = GV_NODE_NONE,
              .rows = gv_graph_dim(graph, nodes->fields, 0),
              .width = gv_graph_width(graph, nodes->fields)};
    f.groups[FIELDS] = (group){.name = "fields",
                               .tokens = field_tokens(&f, nodes),
                               .shares = GV_NODE_NONE,
                               .hub_count = (size_t)config->field_hubs};
    f.groups[PAST] = (group){.name = "past",
                             .tokens = event_tokens(&f, nodes),
                             .shares = nodes->shares,
                             .hub_count = has_past ? (size_t)config->past_hubs : 0};
    f.groups[TASKS] =
        (group){.name = "tasks", .tokens = GV_NODE_NONE, .shares = GV_NODE_NONE, .hub_count = 0};
    if (config->tasks == TASKS_FIRST) {
        f.groups[TASKS].tokens = learnt_rows(&f, "task", GV_NET_TASKS);
        f.groups[TASKS].hub_count = GV_NET_TASKS;
    }
    if (nodes->decays != GV_NODE_NONE) {
        f.events = gv_infnet_events(graph, nodes->past, f.width);
    }
    f.seen = seen_tokens(&f, nodes);
    gv_graph_open(graph, "hubs");
    for (size_t i = 0; i < GROUPS; i++) {
        if (exists(&f.groups[i])) {
            f.groups[i].hubs = start_hubs(&f, &f.groups[i]);
        }
    }
    gv_graph_close(graph);
    return f;
}

static void read_out(const flow *f, gv_node logits[GV_NET_TASKS])
{
    gv_graph *graph = f->graph;
    const gv_mlp mlp = {
        .layers = 2, .widths = {(size_t)f->config->hidden, 1}, .hidden = gv_op_silu};
    const gv_node tasks = has_tokens(&f->groups[TASKS]) ? f->groups[TASKS].tokens
                                                        : learnt_rows(f, "task", GV_NET_TASKS);
    gv_node hubs = mean_of(graph, f->groups[FIELDS].hubs, GV_NODE_NONE);
    if (exists(&f->groups[PAST])) {
        const gv_node past = mean_of(graph, f->groups[PAST].hubs, GV_NODE_NONE);
        hubs = gv_op_concat(graph, hubs, past, 1);
    }
    for (size_t k = 0; k < GV_NET_TASKS; k++) {
        char name[16];
        (void)snprintf(name, sizeof name, "task%zu", k);
        const gv_node token = gv_op_reshape(graph, gv_op_slice(graph, tasks, 1, k, 1, 1),
                                            gv_shape_of(2, (size_t[]){f->rows, f->width}));
        const gv_node y = gv_layer_mlp(graph, name, gv_op_concat(graph, token, hubs, 1), &mlp);
        logits[k] = gv_op_reshape(graph, y, gv_shape_of(1, (size_t[]){f->rows}));
    }
}

static void build(gv_graph *graph, gv_net_nodes *nodes, const void *config,
                  gv_node logits[GV_NET_TASKS])
{
    flow f = begin(graph, nodes, config);
    for (int64_t i = 0; i < f.config->blocks; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "block%d", (int)i);
        gv_graph_open(graph, name);
        aggregate(&f, (size_t)i);
        if (f.config->broadcast != BROADCAST_OFF) {
            broadcast(&f, i + 1 == f.config->blocks);
        }
        gv_graph_close(graph);
    }
    read_out(&f, logits);
}

const gv_net_kind gv_net_infnet = {.extra = 0,
                                   .reading = gv_infnet_reading,
                                   .build = build,
                                   .encode = gv_infnet_encode};

static gv_status init(void *state, const gv_model_setup *setup)
{
    const infnet_config *config = setup->config;
    if (config->common.width % config->heads != 0) {
        return GV_FAIL(GV_EUSAGE, "infnet: a width of %lld, expected a multiple of the %lld heads",
                       (long long)config->common.width, (long long)config->heads);
    }
    if (config->sequence != SEQUENCE_TOKENS && setup->shape.past_length == 0) {
        return GV_FAIL(GV_EUSAGE,
                       "infnet: sequence=%s reads a user's past, and the fields tell of none: add "
                       "one such as `; past(50): advertiser, exchange`",
                       sequence_choices[config->sequence]);
    }
    return gv_net_init(state, &gv_net_infnet, setup);
}

const gv_model_type gv_model_infnet = {
    .info = {.name = "infnet",
             .summary = "tokens of fields, past and tasks that meet through a few hubs",
             .source = "INFNet, arXiv 2508.11565 (its equations are ours)",
             .params = params,
             .config_size = sizeof(infnet_config)},
    .state_size = sizeof(gv_net),
    .tells_conversions = true,
    .init = init,
    .learn = gv_net_learn,
    .predict = gv_net_predict,
    .sharing = gv_net_sharing,
    .tensors = gv_net_tensors,
    .restore = gv_net_restore,
    .fini = gv_net_fini,
};
