/* The inputs of a network over examples, and where they lie. */
#include <assert.h>
#include <stdio.h>

#include "models/nn/operators.h"
#include "models/predict/net_impl.h"

static gv_node vector_input(gv_graph *graph, const char *name, size_t rows)
{
    return gv_graph_input(graph, name, gv_shape_of(1, (size_t[]){rows}));
}

/* What tells of the tokens that events are. */
static void token_inputs(gv_graph *graph, const gv_net *net, size_t rows, gv_net_nodes *nodes)
{
    const size_t length = net->setup.shape.past_length;
    const size_t tokens = net->setup.shape.field_count + length + GV_NET_TASKS;
    nodes->ages =
        gv_graph_input(graph, "ages", gv_shape_of(3, (size_t[]){rows, length, GV_NET_AGES}));
    nodes->seen = gv_graph_input(graph, "valid_tokens", gv_shape_of(2, (size_t[]){rows, tokens}));
    nodes->shares = gv_graph_input(graph, "shares", gv_shape_of(2, (size_t[]){rows, length}));
}

/* What codes tell of each reading. */
static void code_inputs(gv_graph *graph, const gv_net *net, size_t rows, gv_net_nodes *nodes)
{
    const gv_net_reading *reading = &net->reading;
    const gv_shape pairs =
        gv_shape_of(3, (size_t[]){rows, reading->codes, 2 * gv_net_codes_width(net->codes)});
    const gv_shape weights = gv_shape_of(3, (size_t[]){rows, reading->heads, reading->codes});
    for (size_t i = 0; i < reading->reads; i++) {
        char name[GV_NN_NAME_MAX];
        (void)snprintf(name, sizeof name, "code_pairs%zu", i);
        nodes->code_pairs[i] = gv_graph_input(graph, name, pairs);
        (void)snprintf(name, sizeof name, "code_weights%zu", i);
        nodes->code_weights[i] = gv_graph_input(graph, name, weights);
    }
}

static void past_inputs(gv_graph *graph, const gv_net *net, size_t rows, bool learns,
                        gv_net_nodes *nodes)
{
    const gv_net_past form = net->reading.form;
    const size_t length = net->setup.shape.past_length;
    const size_t fields = net->setup.shape.past_field_count;
    const size_t width = net->table_width;
    const size_t events = form == GV_NET_POOLED ? fields : length;
    const size_t numbers = form == GV_NET_POOLED ? width : fields * width;
    if (form == GV_NET_CODES && !learns) {
        code_inputs(graph, net, rows, nodes);
        return;
    }
    nodes->past =
        gv_graph_gathered(graph, "past", gv_shape_of(3, (size_t[]){rows, events, numbers}));
    if (form == GV_NET_TOKENS) {
        token_inputs(graph, net, rows, nodes);
    } else if (form != GV_NET_POOLED) {
        nodes->decays = gv_graph_input(graph, "decays",
                                       gv_shape_of(3, (size_t[]){rows, length, GV_NET_DECAYS}));
    }
}

/* All that a network may lack. */
static gv_net_nodes no_nodes(void)
{
    gv_net_nodes nodes = {.past = GV_NODE_NONE,
                          .ages = GV_NODE_NONE,
                          .decays = GV_NODE_NONE,
                          .seen = GV_NODE_NONE,
                          .shares = GV_NODE_NONE,
                          .penalty = GV_NODE_NONE};
    for (size_t i = 0; i < GV_NET_READS_MAX; i++) {
        nodes.code_pairs[i] = GV_NODE_NONE;
        nodes.code_weights[i] = GV_NODE_NONE;
        nodes.keys[i] = GV_NODE_NONE;
    }
    return nodes;
}

/* The fields from `first` on that share its side; all of them where sides do not matter. */
static gv_net_part part_from(const gv_net *net, size_t first, bool has_sides)
{
    const gv_side *sides = net->setup.sides;
    gv_net_part part = {.first = first, .side = has_sides ? sides[first] : GV_SIDE_ITEM};
    size_t end = first + 1;
    while (end < net->setup.shape.field_count && (!has_sides || sides[end] == part.side)) {
        end++;
    }
    part.count = end - first;
    return part;
}

static void field_inputs(gv_graph *graph, const gv_net *net, size_t rows, bool learns,
                         gv_net_nodes *nodes)
{
    const bool has_sides = !learns && net->setup.sides != NULL;
    for (size_t first = 0; first < net->setup.shape.field_count;) {
        gv_net_part part = part_from(net, first, has_sides);
        char name[GV_NN_NAME_MAX] = "fields";
        const gv_shape shape = gv_shape_of(3, (size_t[]){rows, part.count, net->table_width});
        if (first > 0) {
            (void)snprintf(name, sizeof name, "fields%zu", first);
        }
        part.node = gv_graph_gathered(graph, name, shape);
        nodes->fields = first == 0 ? part.node : gv_op_concat(graph, nodes->fields, part.node, 1);
        assert(nodes->part_count < GV_FIELDS_MAX);
        nodes->parts[nodes->part_count++] = part;
        first += part.count;
    }
}

gv_net_nodes gv_net_inputs(gv_graph *graph, const gv_net *net, size_t rows, bool learns)
{
    gv_net_nodes nodes = no_nodes();
    field_inputs(graph, net, rows, learns, &nodes);
    if (net->past_slots > 0) {
        past_inputs(graph, net, rows, learns, &nodes);
    }
    if (learns) {
        nodes.click = vector_input(graph, "click", rows);
        nodes.conversion = vector_input(graph, "conversion", rows);
        nodes.click_weights = vector_input(graph, "click_weights", rows);
        nodes.conversion_weights = vector_input(graph, "conversion_weights", rows);
    }
    return nodes;
}
