/* The axes of a sweep, and which of them go together. */
#include <string.h>

#include "scenarios/sweep/sweep_impl.h"

/* Two axes on one place would overwrite each other; two of one name could not be told apart. */
static void refuse_twins(const gv_sweep *sweep, const gv_reading *reading,
                         const gv_sweep_axis *axis)
{
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (strcmp(sweep->axes[i].path, axis->path) == 0) {
            gv_problems_add(reading->problems, axis->path_mark, "the axis %s is given twice",
                            axis->path);
        } else if (strcmp(sweep->axes[i].name, axis->name) == 0) {
            gv_problems_add(reading->problems, axis->path_mark, "two axes are called %s",
                            axis->name);
        }
    }
}

static void check_path(const gv_reading *reading, const gv_sweep_axis *axis)
{
    if (strcmp(axis->path, "seed") == 0) {
        gv_problems_add(reading->problems, axis->path_mark,
                        "the seed is no axis: give replications, or seeds: [1, 2, 3]");
    }
    if (strchr(axis->path, '=') != NULL) {
        gv_problems_add(reading->problems, axis->path_mark,
                        "'%s': expected keys alone, such as policies.lin.b0", axis->path);
    }
}

static gv_status read_axis(gv_sweep *sweep, const gv_reading *reading, size_t node)
{
    static const char *const others[] = {"list", "range", "log_range", NULL};
    gv_section section = {.path = gv_region_print(reading->region, "axes.%zu", sweep->axis_count)};
    const size_t before = reading->problems->count;
    if (section.path == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the axes of a sweep");
    }
    GV_TRY(gv_section_read(reading, node, &gv_sweep_axis_section.info, others, &section));
    if (reading->problems->count > before) {
        return GV_OK;
    }
    const gv_sweep_axis_keys *keys = section.config;
    gv_sweep_axis axis = {.name = keys->name == NULL ? keys->set : keys->name,
                          .path = keys->set,
                          .path_mark = gv_section_mark(&section, "set"),
                          .leader = sweep->axis_count};
    check_path(reading, &axis);
    GV_TRY(gv_sweep_read_values(reading, node, section.path, &axis));
    refuse_twins(sweep, reading, &axis);
    sweep->axes[sweep->axis_count++] = axis;
    return GV_OK;
}

gv_status gv_sweep_read_axes(gv_sweep *sweep, const gv_reading *reading)
{
    const gv_tree *tree = reading->tree;
    const size_t list = gv_tree_find(tree, 0, "axes");
    sweep->axes_mark = tree->nodes[list == GV_TREE_NONE ? 0 : list].mark;
    if (list == GV_TREE_NONE || tree->nodes[list].kind != GV_NODE_LIST ||
        gv_tree_children(tree, list) == 0) {
        gv_problems_add(reading->problems, sweep->axes_mark,
                        "axes must be given: a list such as [{set: policies.lin.b0, list: [5, "
                        "10]}]");
        return GV_OK;
    }
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        if (sweep->axis_count == GV_SWEEP_AXES_MAX) {
            gv_problems_add(reading->problems, tree->nodes[item].mark, "more than %d axes",
                            GV_SWEEP_AXES_MAX);
            return GV_OK;
        }
        GV_TRY(read_axis(sweep, reading, item));
    }
    return GV_OK;
}

static gv_sweep_axis *find_axis(gv_sweep *sweep, const char *name)
{
    for (size_t i = 0; i < sweep->axis_count; i++) {
        if (strcmp(sweep->axes[i].name, name) == 0 || strcmp(sweep->axes[i].path, name) == 0) {
            return &sweep->axes[i];
        }
    }
    return NULL;
}

static void refuse_name(const gv_sweep *sweep, const gv_reading *reading, const gv_node *node)
{
    const char *names[GV_SWEEP_AXES_MAX];
    for (size_t i = 0; i < sweep->axis_count; i++) {
        names[i] = sweep->axes[i].name;
    }
    const char *nearest = gv_param_nearest(names, sweep->axis_count, node->text);
    gv_problems_add(reading->problems, node->mark, "zip: there is no axis '%s'%s%s%s", node->text,
                    nearest == NULL ? "" : "; did you mean '", nearest == NULL ? "" : nearest,
                    nearest == NULL ? "" : "'?");
}

/* The first axis of a zip in order of the file leads, whatever the order of the names. */
static void join(gv_sweep *sweep, gv_sweep_axis *const *members, size_t count)
{
    size_t leader = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t number = (size_t)(members[i] - sweep->axes);
        leader = number < leader ? number : leader;
    }
    for (size_t i = 0; i < count; i++) {
        members[i]->leader = leader;
    }
}

static void read_group(gv_sweep *sweep, const gv_reading *reading, size_t list, bool *is_taken)
{
    const gv_tree *tree = reading->tree;
    gv_sweep_axis *members[GV_SWEEP_AXES_MAX];
    size_t count = 0;
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        const gv_node *node = &tree->nodes[item];
        if (node->kind != GV_NODE_SCALAR) {
            gv_problems_add(reading->problems, node->mark, "zip: expected the name of an axis");
            continue;
        }
        gv_sweep_axis *axis = find_axis(sweep, node->text);
        if (axis == NULL) {
            refuse_name(sweep, reading, node);
            continue;
        }
        if (is_taken[axis - sweep->axes]) {
            gv_problems_add(reading->problems, node->mark, "zip: the axis %s is given twice",
                            axis->name);
            continue;
        }
        is_taken[axis - sweep->axes] = true;
        if (count > 0 && axis->count != members[0]->count) {
            gv_problems_add(reading->problems, node->mark,
                            "zip: %s has %zu value%s, but %s has %zu: they cannot go together",
                            axis->name, axis->count, axis->count == 1 ? "" : "s", members[0]->name,
                            members[0]->count);
        }
        members[count++] = axis;
    }
    join(sweep, members, count);
}

void gv_sweep_read_zip(gv_sweep *sweep, const gv_reading *reading)
{
    const gv_tree *tree = reading->tree;
    bool is_taken[GV_SWEEP_AXES_MAX] = {false};
    const size_t list = gv_tree_find(tree, 0, "zip");
    if (list == GV_TREE_NONE) {
        return;
    }
    if (tree->nodes[list].kind != GV_NODE_LIST) {
        gv_problems_add(reading->problems, tree->nodes[list].mark,
                        "zip: expected a list of axes, or a list of such lists");
        return;
    }
    const size_t first = gv_tree_first(tree, list);
    if (first == GV_TREE_NONE || tree->nodes[first].kind != GV_NODE_LIST) {
        read_group(sweep, reading, list, is_taken);
        return;
    }
    for (size_t item = first; item != GV_TREE_NONE; item = gv_tree_next(tree, list, item)) {
        if (tree->nodes[item].kind != GV_NODE_LIST) {
            gv_problems_add(reading->problems, tree->nodes[item].mark,
                            "zip: expected a list of axes here too");
            continue;
        }
        read_group(sweep, reading, item, is_taken);
    }
}
