/*
 * override.h - --set a.b=v: values from the command line, put into the tree before it is typed.
 */
#ifndef SCENARIOS_CONFIG_OVERRIDE_H
#define SCENARIOS_CONFIG_OVERRIDE_H

#include "scenarios/config/tree.h"

/*
 * `argument` is "policies.lin.b0=12": a path of keys, where an item of a list goes by its name (or,
 * where it has none, its type) or its number from 0, and a value in YAML. It must outlive the
 * tree. "policies.+={type: abid}" adds an item to a list. A malformed one or a path that leads
 * nowhere is a problem.
 */
GV_MUST_CHECK gv_status gv_override(gv_tree *tree, const char *argument, gv_problems *problems);

#endif
