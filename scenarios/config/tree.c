#include "scenarios/config/tree.h"

#include <assert.h>
#include <string.h>

#include "scenarios/config/tree_impl.h"
#include "sim/base/mem.h"

void gv_tree_fini(gv_tree *tree)
{
    gv_mem_free(tree->nodes);
    tree->nodes = NULL;
    tree->count = 0;
    tree->capacity = 0;
}

gv_status gv_tree_reserve(gv_tree *tree, size_t more)
{
    const size_t needed = tree->count + more;
    if (needed <= tree->capacity) {
        return GV_OK;
    }
    const size_t capacity = needed > 2 * tree->capacity ? needed + 64 : 2 * tree->capacity;
    gv_node *nodes = gv_mem_resize(tree->nodes, capacity, sizeof *nodes);
    if (nodes == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu nodes of a scenario", capacity);
    }
    tree->nodes = nodes;
    tree->capacity = capacity;
    return GV_OK;
}

size_t gv_tree_next(const gv_tree *tree, size_t parent, size_t node)
{
    const size_t next = node + tree->nodes[node].span;
    return next < parent + tree->nodes[parent].span ? next : GV_TREE_NONE;
}

size_t gv_tree_first(const gv_tree *tree, size_t parent)
{
    return tree->nodes[parent].span > 1 ? parent + 1 : GV_TREE_NONE;
}

size_t gv_tree_find(const gv_tree *tree, size_t parent, const char *key)
{
    if (tree->nodes[parent].kind != GV_NODE_MAP) {
        return GV_TREE_NONE;
    }
    size_t child = gv_tree_first(tree, parent);
    while (child != GV_TREE_NONE && strcmp(tree->nodes[child].key, key) != 0) {
        child = gv_tree_next(tree, parent, child);
    }
    return child;
}

size_t gv_tree_children(const gv_tree *tree, size_t parent)
{
    size_t count = 0;
    for (size_t child = gv_tree_first(tree, parent); child != GV_TREE_NONE;
         child = gv_tree_next(tree, parent, child)) {
        count++;
    }
    return count;
}

void gv_tree_cut(gv_tree *tree, size_t first, size_t count)
{
    assert(first + count <= tree->count);
    memmove(tree->nodes + first, tree->nodes + first + count,
            (tree->count - first - count) * sizeof *tree->nodes);
    tree->count -= count;
}

/* Every node that encloses position `place` grows by `more` (as a wrapped difference). */
static void widen(gv_tree *tree, size_t place, size_t more)
{
    for (size_t i = 0; i < place; i++) {
        if (i + tree->nodes[i].span > place) {
            tree->nodes[i].span += more;
        }
    }
}

/* Puts from's nodes at `place`; the spans above are already right. */
static void insert(gv_tree *tree, size_t place, const gv_tree *from)
{
    memmove(tree->nodes + place + from->count, tree->nodes + place,
            (tree->count - place) * sizeof *tree->nodes);
    memcpy(tree->nodes + place, from->nodes, from->count * sizeof *tree->nodes);
    tree->count += from->count;
}

gv_status gv_tree_replace(gv_tree *tree, size_t node, const gv_tree *from)
{
    GV_TRY(gv_tree_reserve(tree, from->count));
    const gv_node old = tree->nodes[node];
    widen(tree, node, from->count - old.span);
    gv_tree_cut(tree, node, old.span);
    insert(tree, node, from);
    tree->nodes[node].key = old.key;
    tree->nodes[node].key_mark = from->nodes[0].mark;
    return GV_OK;
}

/* Behind the last child of `parent`; returns where it came to lie. There is room. */
static size_t insert_last(gv_tree *tree, size_t parent, const gv_tree *from)
{
    const size_t place = parent + tree->nodes[parent].span;
    /* Those whose subtree ends at `place` and hold `parent` grow as well. */
    for (size_t i = 0; i <= parent; i++) {
        if (i + tree->nodes[i].span >= place) {
            tree->nodes[i].span += from->count;
        }
    }
    insert(tree, place, from);
    return place;
}

gv_status gv_tree_append(gv_tree *tree, size_t list, const gv_tree *from)
{
    assert(tree->nodes[list].kind == GV_NODE_LIST);
    GV_TRY(gv_tree_reserve(tree, from->count));
    const size_t place = insert_last(tree, list, from);
    tree->nodes[place].key = NULL;
    return GV_OK;
}

gv_status gv_tree_put(gv_tree *tree, size_t parent, const char *key, const gv_tree *from)
{
    assert(tree->nodes[parent].kind == GV_NODE_MAP);
    const size_t present = gv_tree_find(tree, parent, key);
    if (present != GV_TREE_NONE) {
        return gv_tree_replace(tree, present, from);
    }
    GV_TRY(gv_tree_reserve(tree, from->count));
    const char *copy = gv_region_text(tree->region, key, strlen(key));
    if (copy == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the key %s of a scenario", key);
    }
    const size_t place = insert_last(tree, parent, from);
    tree->nodes[place].key = copy;
    tree->nodes[place].key_mark = from->nodes[0].mark;
    return GV_OK;
}
