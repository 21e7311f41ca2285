/* Between the tree and the YAML reader that fills it. */
#ifndef SCENARIOS_CONFIG_TREE_IMPL_H
#define SCENARIOS_CONFIG_TREE_IMPL_H

#include "scenarios/config/tree.h"

/* Room for `more` nodes behind the last. */
GV_MUST_CHECK gv_status gv_tree_reserve(gv_tree *tree, size_t more);

/* Takes `count` nodes out of the array at `first`; the spans above are the caller's affair. */
void gv_tree_cut(gv_tree *tree, size_t first, size_t count);

#endif
