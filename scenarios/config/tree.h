/*
 * tree.h - a YAML document as a tree whose every node knows where it was written.
 *
 * Nodes lie in one array in document order, each with the size of its subtree: children follow
 * their parent, a sibling is `span` nodes on, and an alias is a copy of a range. So nothing
 * recurses, and depth, node count and the fan-out of aliases are plain comparisons. Mapping keys
 * given twice are refused (libyaml lets them pass), `<<` merges, and a byte that is not UTF-8 is
 * located by its offset, since libyaml's mark is empty then.
 */
#ifndef SCENARIOS_CONFIG_TREE_H
#define SCENARIOS_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/problem.h"
#include "scenarios/config/region.h"
#include "sim/base/status.h"

enum {
    GV_TREE_DEPTH_MAX = 32,
    GV_TREE_NODES_MAX = 20000,
    GV_TREE_BYTES_MAX = 1 << 20,
};

#define GV_TREE_NONE SIZE_MAX

typedef enum gv_node_kind { GV_NODE_SCALAR, GV_NODE_LIST, GV_NODE_MAP } gv_node_kind;

typedef struct gv_node {
    gv_node_kind kind;
    size_t span;      /* nodes in this subtree, itself included */
    const char *key;  /* in a mapping: the key it stands under; NULL in a list and at the root */
    const char *text; /* SCALAR: its value, unquoted */
    gv_mark mark;     /* of the value */
    gv_mark key_mark;
} gv_node;

typedef struct gv_tree {
    gv_region *region; /* holds the texts; outlives the tree */
    gv_node *nodes;    /* [count]; node 0 is the root */
    size_t count;
    size_t capacity;
} gv_tree;

/*
 * Reads `source` (its text is borrowed). Problems of the text are added to `problems` and leave
 * an empty mapping; a status other than GV_OK is for memory alone. `tree`: zeroed but for region.
 */
GV_MUST_CHECK gv_status gv_tree_read(gv_tree *tree, const gv_text_source *source,
                                     gv_problems *problems);

void gv_tree_fini(gv_tree *tree);

/* The first child, the next sibling under `parent`; GV_TREE_NONE after the last. */
size_t gv_tree_first(const gv_tree *tree, size_t parent);
size_t gv_tree_next(const gv_tree *tree, size_t parent, size_t node);

/* The child under `key`; GV_TREE_NONE when there is none or `parent` is no mapping. */
size_t gv_tree_find(const gv_tree *tree, size_t parent, const char *key);

/* How many children. */
size_t gv_tree_children(const gv_tree *tree, size_t parent);

/*
 * Puts a copy of `from`'s root over the child of `parent` under `key`, or behind the last child
 * when there is none. Node numbers behind it change.
 */
GV_MUST_CHECK gv_status gv_tree_put(gv_tree *tree, size_t parent, const char *key,
                                    const gv_tree *from);

/* Puts a copy of `from`'s root behind the last item of a list. */
GV_MUST_CHECK gv_status gv_tree_append(gv_tree *tree, size_t list, const gv_tree *from);

/* Puts a copy of `from`'s root over `node`, keeping its key. */
GV_MUST_CHECK gv_status gv_tree_replace(gv_tree *tree, size_t node, const gv_tree *from);

#endif
