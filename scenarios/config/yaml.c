/*
 * YAML into a tree, from libyaml's events, with a stack of the open collections.
 *
 * Problems of the text go to the list with their place and the reading goes on where it can;
 * what libyaml itself refuses, and the limits, end it.
 */
#include <string.h>
#include <yaml.h>

#include "scenarios/config/tree.h"
#include "scenarios/config/tree_impl.h"

enum { ANCHORS_MAX = 256 };

typedef struct open_node {
    size_t node;
    bool has_key; /* a mapping whose next event is the value */
    const char *key;
    gv_mark key_mark;
} open_node;

typedef struct named_node {
    const char *name;
    size_t node;
} named_node;

typedef struct loader {
    gv_tree *tree;
    const gv_text_source *source;
    gv_problems *problems;
    open_node open[GV_TREE_DEPTH_MAX];
    size_t depth;
    named_node anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t document_count;
    bool is_over; /* a limit was met */
} loader;

static gv_mark mark_of(const loader *load, yaml_mark_t mark)
{
    return (gv_mark){load->source, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static void give_up(loader *load, gv_mark mark, const char *sentence)
{
    gv_problems_add(load->problems, mark, "%s", sentence);
    load->is_over = true;
}

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for a scenario");
}

/* The child of the open mapping under `key`; its own span is not known yet. */
static size_t find_open(const gv_tree *tree, size_t parent, const char *key)
{
    for (size_t i = parent + 1; i < tree->count; i += tree->nodes[i].span) {
        if (strcmp(tree->nodes[i].key, key) == 0) {
            return i;
        }
    }
    return GV_TREE_NONE;
}

/* Gives the node its key from the mapping that is open, which then waits for the next key. */
static void place_node(loader *load, gv_node *node)
{
    if (load->depth == 0) {
        return;
    }
    open_node *top = &load->open[load->depth - 1];
    node->key = top->key;
    node->key_mark = top->key_mark;
    top->has_key = false;
    top->key = NULL;
}

static bool has_room(loader *load, size_t more, gv_mark mark)
{
    if (load->tree->count + more <= GV_TREE_NODES_MAX) {
        return true;
    }
    give_up(load, mark,
            "a scenario of more than 20000 values (aliases count as what they stand for)");
    return false;
}

static gv_status add_node(loader *load, gv_node node, const yaml_char_t *anchor_name)
{
    if (!has_room(load, 1, node.mark)) {
        return GV_OK;
    }
    GV_TRY(gv_tree_reserve(load->tree, 1));
    place_node(load, &node);
    if (anchor_name != NULL) {
        const char *name = (const char *)anchor_name;
        const char *copy = gv_region_text(load->tree->region, name, strlen(name));
        if (copy == NULL) {
            return no_memory();
        }
        if (load->anchor_count == ANCHORS_MAX) {
            give_up(load, node.mark, "a scenario of more than 256 anchors");
            return GV_OK;
        }
        load->anchors[load->anchor_count++] = (named_node){copy, load->tree->count};
    }
    load->tree->nodes[load->tree->count++] = node;
    return GV_OK;
}

static bool waits_for_key(const loader *load)
{
    if (load->depth == 0) {
        return false;
    }
    const open_node *top = &load->open[load->depth - 1];
    return load->tree->nodes[top->node].kind == GV_NODE_MAP && !top->has_key;
}

static void take_key(loader *load, const char *text, gv_mark mark)
{
    open_node *top = &load->open[load->depth - 1];
    const size_t present = find_open(load->tree, top->node, text);
    if (present != GV_TREE_NONE) {
        gv_problems_add(load->problems, mark, "the key '%s' is given twice, first in line %u", text,
                        load->tree->nodes[present].key_mark.line);
    }
    top->has_key = true;
    top->key = text;
    top->key_mark = mark;
}

static gv_status on_scalar(loader *load, const yaml_event_t *event)
{
    const gv_mark mark = mark_of(load, event->start_mark);
    const char *value = (const char *)event->data.scalar.value;
    const size_t size = event->data.scalar.length;
    if (memchr(value, '\0', size) != NULL) {
        gv_problems_add(load->problems, mark, "a NUL character in a text");
    }
    const char *text = gv_region_text(load->tree->region, value, size);
    if (text == NULL) {
        return no_memory();
    }
    if (waits_for_key(load)) {
        take_key(load, text, mark);
        return GV_OK;
    }
    return add_node(load, (gv_node){.kind = GV_NODE_SCALAR, .span = 1, .text = text, .mark = mark},
                    event->data.scalar.anchor);
}

static gv_status on_start(loader *load, gv_node_kind kind, const yaml_event_t *event,
                          const yaml_char_t *anchor_name)
{
    const gv_mark mark = mark_of(load, event->start_mark);
    if (waits_for_key(load)) {
        give_up(load, mark, "a key must be one word, not a list or a mapping");
        return GV_OK;
    }
    if (load->depth == GV_TREE_DEPTH_MAX) {
        give_up(load, mark, "nested more than 32 deep");
        return GV_OK;
    }
    GV_TRY(add_node(load, (gv_node){.kind = kind, .span = 1, .mark = mark}, anchor_name));
    if (!load->is_over) {
        load->open[load->depth++] = (open_node){.node = load->tree->count - 1};
    }
    return GV_OK;
}

/* Copies `span` nodes from `first` behind the last. */
static gv_status copy_nodes(loader *load, size_t first, size_t span, gv_mark mark)
{
    gv_tree *tree = load->tree;
    if (!has_room(load, span, mark)) {
        return GV_OK;
    }
    GV_TRY(gv_tree_reserve(tree, span));
    memcpy(tree->nodes + tree->count, tree->nodes + first, span * sizeof *tree->nodes);
    tree->count += span;
    return GV_OK;
}

/* `<<: {a: 1}`: takes over the keys that the mapping itself does not give. */
static gv_status merge(loader *load, size_t parent)
{
    gv_tree *tree = load->tree;
    const size_t merged = find_open(tree, parent, "<<");
    if (merged == GV_TREE_NONE) {
        return GV_OK;
    }
    const gv_node from = tree->nodes[merged];
    if (from.kind != GV_NODE_MAP) {
        gv_problems_add(load->problems, from.mark, "<< merges one mapping, as in '<<: *name'");
    }
    for (size_t i = merged + 1; from.kind == GV_NODE_MAP && i < merged + from.span;
         i += tree->nodes[i].span) {
        if (find_open(tree, parent, tree->nodes[i].key) == GV_TREE_NONE) {
            GV_TRY(copy_nodes(load, i, tree->nodes[i].span, from.mark));
        }
    }
    gv_tree_cut(tree, merged, from.span);
    /* Anchors inside what was cut, or behind it, have moved: none may be meant any more. */
    for (size_t i = 0; i < load->anchor_count; i++) {
        if (load->anchors[i].node >= merged) {
            load->anchors[i].name = "";
        }
    }
    return GV_OK;
}

static gv_status on_end(loader *load)
{
    const size_t node = load->open[load->depth - 1].node;
    if (load->tree->nodes[node].kind == GV_NODE_MAP) {
        GV_TRY(merge(load, node));
    }
    load->tree->nodes[node].span = load->tree->count - node;
    load->depth--;
    return GV_OK;
}

static bool is_open(const loader *load, size_t node)
{
    for (size_t i = 0; i < load->depth; i++) {
        if (load->open[i].node == node) {
            return true;
        }
    }
    return false;
}

static gv_status on_alias(loader *load, const yaml_event_t *event)
{
    const gv_mark mark = mark_of(load, event->start_mark);
    const char *name = (const char *)event->data.alias.anchor;
    size_t i = load->anchor_count;
    while (i > 0 && strcmp(load->anchors[i - 1].name, name) != 0) {
        i--;
    }
    if (waits_for_key(load) || i == 0) {
        give_up(load, mark,
                i == 0 ? "an alias (*) of an anchor (&) that is not above it"
                       : "a key must be one word, not an alias");
        return GV_OK;
    }
    const size_t node = load->anchors[i - 1].node;
    if (is_open(load, node)) {
        give_up(load, mark, "an alias (*) inside its own anchor (&)");
        return GV_OK;
    }
    const size_t place = load->tree->count;
    GV_TRY(copy_nodes(load, node, load->tree->nodes[node].span, mark));
    if (!load->is_over) {
        load->tree->nodes[place].key = NULL;
        place_node(load, &load->tree->nodes[place]);
    }
    return GV_OK;
}

static gv_status on_event(loader *load, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(load, event);
    case YAML_ALIAS_EVENT:
        return on_alias(load, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(load, GV_NODE_LIST, event, event->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return on_start(load, GV_NODE_MAP, event, event->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(load);
    case YAML_DOCUMENT_START_EVENT:
        if (++load->document_count > 1) {
            give_up(load, mark_of(load, event->start_mark), "a second document; a scenario is one");
        }
        return GV_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_STREAM_END_EVENT:
        return GV_OK;
    }
    return GV_OK;
}

/* Where byte `offset` lies: libyaml's mark is 0:0 for bytes that are not UTF-8. */
static gv_mark mark_of_offset(const gv_text_source *source, size_t offset)
{
    gv_mark mark = {source, 1, 1};
    for (size_t i = 0; i < offset && i < source->size; i++) {
        const unsigned char byte = (unsigned char)source->text[i];
        if (byte == '\n') {
            mark.line++;
            mark.column = 1;
        } else if ((byte & 0xC0U) != 0x80U) {
            mark.column++;
        }
    }
    return mark;
}

static gv_status refuse_syntax(loader *load, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return no_memory();
    }
    const char *problem = parser->problem == NULL ? "malformed YAML" : parser->problem;
    if (parser->error == YAML_READER_ERROR) {
        gv_problems_add(load->problems, mark_of_offset(load->source, parser->problem_offset),
                        "%s (byte %zu): a scenario is UTF-8 text", problem, parser->problem_offset);
        return GV_OK;
    }
    gv_problems_add(load->problems, mark_of(load, parser->problem_mark), "%s%s%s", problem,
                    parser->context == NULL ? "" : " ",
                    parser->context == NULL ? "" : parser->context);
    return GV_OK;
}

static gv_status read_events(loader *load, yaml_parser_t *parser)
{
    bool is_end = false;
    while (!is_end && !load->is_over) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            load->is_over = true;
            return refuse_syntax(load, parser);
        }
        const gv_status status = on_event(load, &event);
        is_end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        GV_TRY(status);
    }
    return GV_OK;
}

/* A tree that could not be read whole, or is empty, is one empty mapping. */
static gv_status finish(loader *load)
{
    gv_tree *tree = load->tree;
    if (!load->is_over && tree->count > 0) {
        return GV_OK;
    }
    tree->count = 0;
    GV_TRY(gv_tree_reserve(tree, 1));
    tree->nodes[tree->count++] =
        (gv_node){.kind = GV_NODE_MAP, .span = 1, .mark = {load->source, 1, 1}};
    return GV_OK;
}

gv_status gv_tree_read(gv_tree *tree, const gv_text_source *source, gv_problems *problems)
{
    yaml_parser_t parser;
    loader load = {.tree = tree, .source = source, .problems = problems};
    if (yaml_parser_initialize(&parser) == 0) {
        return no_memory();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->size);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    const gv_status status = read_events(&load, &parser);
    yaml_parser_delete(&parser);
    return status == GV_OK ? finish(&load) : status;
}
