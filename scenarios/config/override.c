#include "scenarios/config/override.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/param.h"

enum { ITEMS_MAX = 64 };

typedef struct override {
    gv_tree *tree;
    gv_problems *problems;
    const gv_text_source *source;
    gv_mark mark;
    gv_tree value;
} override;

/* What an item of a list goes by: its name, else its type, else NULL. */
static const char *item_name(const gv_tree *tree, size_t item)
{
    size_t child = gv_tree_find(tree, item, "name");
    if (child == GV_TREE_NONE) {
        child = gv_tree_find(tree, item, "type");
    }
    return child == GV_TREE_NONE ? NULL : tree->nodes[child].text;
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 6;
}

static void refuse_item(override *set, size_t list, const char *word)
{
    const char *names[ITEMS_MAX];
    size_t count = 0;
    for (size_t item = gv_tree_first(set->tree, list); item != GV_TREE_NONE && count < ITEMS_MAX;
         item = gv_tree_next(set->tree, list, item)) {
        const char *name = item_name(set->tree, item);
        if (name != NULL) {
            names[count++] = name;
        }
    }
    const char *nearest = gv_param_nearest(names, count, word);
    gv_problems_add(set->problems, set->mark, "the list has no item '%s'%s%s%s", word,
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

static size_t find_item(override *set, size_t list, const char *word)
{
    size_t number = 0;
    const bool by_number = is_number(word);
    const size_t wanted = by_number ? strtoul(word, NULL, 10) : 0;
    size_t numbered = GV_TREE_NONE;
    for (size_t item = gv_tree_first(set->tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(set->tree, list, item), number++) {
        const char *name = item_name(set->tree, item);
        if (name != NULL && strcmp(name, word) == 0) {
            return item;
        }
        if (by_number && number == wanted) {
            numbered = item;
        }
    }
    if (numbered == GV_TREE_NONE) {
        refuse_item(set, list, word);
    }
    return numbered;
}

/* An empty mapping under `key`: a section that the scenario left out. */
static gv_status add_mapping(override *set, size_t parent, const char *key, size_t *child)
{
    gv_node node = {.kind = GV_NODE_MAP, .span = 1, .mark = set->mark};
    const gv_tree empty = {.nodes = &node, .count = 1};
    GV_TRY(gv_tree_put(set->tree, parent, key, &empty));
    *child = gv_tree_find(set->tree, parent, key);
    return GV_OK;
}

/* One step of the path; GV_TREE_NONE when it leads nowhere, which is a problem then. */
static gv_status step(override *set, size_t node, const char *word, size_t *next)
{
    *next = GV_TREE_NONE;
    switch (set->tree->nodes[node].kind) {
    case GV_NODE_MAP:
        *next = gv_tree_find(set->tree, node, word);
        return *next == GV_TREE_NONE ? add_mapping(set, node, word, next) : GV_OK;
    case GV_NODE_LIST:
        *next = find_item(set, node, word);
        return GV_OK;
    case GV_NODE_SCALAR:
        gv_problems_add(set->problems, set->mark, "'%s' is looked for in one value, '%s'", word,
                        set->tree->nodes[node].text);
        return GV_OK;
    }
    return GV_OK;
}

static gv_status put(override *set, size_t node, const char *word)
{
    if (set->tree->nodes[node].kind == GV_NODE_MAP) {
        return gv_tree_put(set->tree, node, word, &set->value);
    }
    if (set->tree->nodes[node].kind == GV_NODE_LIST && strcmp(word, "+") == 0) {
        return gv_tree_append(set->tree, node, &set->value);
    }
    size_t item = GV_TREE_NONE;
    GV_TRY(step(set, node, word, &item));
    return item == GV_TREE_NONE ? GV_OK : gv_tree_replace(set->tree, item, &set->value);
}

/* Walks the dotted path down and puts the value at its end. `path` is cut at its dots. */
static gv_status apply(override *set, char *path)
{
    size_t node = 0;
    char *word = path;
    for (char *dot = strchr(word, '.'); dot != NULL; dot = strchr(word, '.')) {
        *dot = '\0';
        GV_TRY(step(set, node, word, &node));
        if (node == GV_TREE_NONE) {
            return GV_OK;
        }
        word = dot + 1;
    }
    return put(set, node, word);
}

static bool is_well_formed(const char *argument, const char *equals)
{
    const size_t length = equals == NULL ? 0 : (size_t)(equals - argument);
    if (length == 0 || argument[0] == '.' || argument[length - 1] == '.') {
        return false;
    }
    const char *twice = strstr(argument, "..");
    return twice == NULL || twice > equals;
}

gv_status gv_override(gv_tree *tree, const char *argument, gv_problems *problems)
{
    gv_text_source *source = gv_region_alloc(tree->region, 1, sizeof *source);
    char *path = gv_region_text(tree->region, argument, strlen(argument));
    if (source == NULL || path == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for --set %s", argument);
    }
    *source = (gv_text_source){
        .name = "--set", .text = "", .size = 0, .is_option = true, .shown = argument};
    override set = {.tree = tree,
                    .problems = problems,
                    .source = source,
                    .mark = {source, 1, 1},
                    .value = {.region = tree->region}};
    char *equals = strchr(path, '=');
    if (!is_well_formed(path, equals)) {
        gv_problems_add(problems, set.mark,
                        "expected KEY.KEY=VALUE, such as policies.lin.b0=12 or seed=7");
        return GV_OK;
    }
    *equals = '\0';
    source->text = equals + 1;
    source->size = strlen(equals + 1);
    gv_status status = gv_tree_read(&set.value, source, problems);
    if (status == GV_OK) {
        status = apply(&set, path);
    }
    gv_tree_fini(&set.value);
    return status;
}
