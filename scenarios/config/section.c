#include "scenarios/config/section.h"

#include <assert.h>
#include <string.h>

enum { KEYS_MAX = 64 };

const char *gv_origin_name(gv_origin origin)
{
    static const char *const names[] = {
        [GV_FROM_DEFAULT] = "default",
        [GV_FROM_SCENARIO] = "scenario",
        [GV_FROM_OPTION] = "--set",
        [GV_FROM_FIT] = "fitted",
    };
    return names[origin];
}

gv_setting gv_section_setting(const gv_tree *tree, size_t node)
{
    if (node == GV_TREE_NONE) {
        return (gv_setting){.origin = GV_FROM_DEFAULT};
    }
    const gv_mark mark = tree->nodes[node].mark;
    const bool is_option = mark.source != NULL && mark.source->is_option;
    return (gv_setting){.origin = is_option ? GV_FROM_OPTION : GV_FROM_SCENARIO, .mark = mark};
}

static size_t row_count(const gv_param *params)
{
    size_t count = 0;
    while (params != NULL && params[count].name != NULL) {
        count++;
    }
    return count;
}

/* The names that may stand here: the table's, then the others. */
static size_t list_keys(const gv_param *params, const char *const *others,
                        const char *keys[KEYS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; others != NULL && others[i] != NULL; i++) {
        assert(count < KEYS_MAX);
        keys[count++] = others[i];
    }
    for (size_t i = 0; i < row_count(params); i++) {
        assert(count < KEYS_MAX);
        keys[count++] = params[i].name;
    }
    return count;
}

static void refuse_key(const gv_reading *reading, const gv_section *section, const gv_node *child,
                       const char *const *keys, size_t count)
{
    const char *nearest = gv_param_nearest(keys, count, child->key);
    const char *where = section->path[0] == '\0' ? "the scenario" : section->path;
    if (nearest != NULL) {
        gv_problems_add(reading->problems, child->key_mark,
                        "%s has no key '%s'; did you mean '%s'?", where, child->key, nearest);
        return;
    }
    char list[512] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", keys[i]);
    }
    gv_problems_add(reading->problems, child->key_mark, "%s has no key '%s'; its keys are: %s",
                    where, child->key, count == 0 ? "none" : list);
}

static const char *kind_name(gv_node_kind kind)
{
    static const char *const names[] = {
        [GV_NODE_SCALAR] = "one value", [GV_NODE_LIST] = "a list", [GV_NODE_MAP] = "a mapping"};
    return names[kind];
}

static void read_value(const gv_reading *reading, gv_section *section, size_t row, size_t child)
{
    const gv_node *node = &reading->tree->nodes[child];
    section->settings[row] = gv_section_setting(reading->tree, child);
    if (node->kind != GV_NODE_SCALAR) {
        gv_problems_add(reading->problems, node->mark, "%s: expected one value, found %s",
                        node->key, kind_name(node->kind));
        return;
    }
    if (gv_param_parse(&section->params[row], node->text, reading->zone_offset_us,
                       section->config) != GV_OK) {
        gv_problems_add(reading->problems, node->mark, "%s", gv_status_detail());
    }
}

static bool is_among(const char *const *names, const char *name)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void read_children(const gv_reading *reading, size_t parent, const char *const *others,
                          gv_section *section)
{
    const gv_tree *tree = reading->tree;
    const char *keys[KEYS_MAX];
    const size_t key_count = list_keys(section->params, others, keys);
    for (size_t child = gv_tree_first(tree, parent); child != GV_TREE_NONE;
         child = gv_tree_next(tree, parent, child)) {
        const gv_param *row = gv_param_find(section->params, tree->nodes[child].key);
        if (row != NULL) {
            read_value(reading, section, (size_t)(row - section->params), child);
        } else if (!is_among(others, tree->nodes[child].key)) {
            refuse_key(reading, section, &tree->nodes[child], keys, key_count);
        }
    }
}

static void report_missing(const gv_reading *reading, const gv_section *section)
{
    for (size_t i = 0; i < row_count(section->params); i++) {
        const gv_param *row = &section->params[i];
        if (row->fallback == NULL && section->settings[i].origin == GV_FROM_DEFAULT) {
            gv_problems_add(reading->problems, section->mark, "%s%s%s must be given: %s",
                            section->path, section->path[0] == '\0' ? "" : ".", row->name,
                            row->help);
        }
    }
}

gv_status gv_section_read(const gv_reading *reading, size_t node, const gv_type_info *type,
                          const char *const *others, gv_section *section)
{
    section->params = type->params;
    section->config = gv_region_alloc(reading->region, 1, type->config_size);
    section->settings =
        gv_region_alloc(reading->region, row_count(type->params), sizeof *section->settings);
    if (section->config == NULL || section->settings == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %s of a scenario", section->path);
    }
    gv_param_defaults(type->params, section->config);
    if (node == GV_TREE_NONE) {
        report_missing(reading, section);
        return GV_OK;
    }
    section->mark = reading->tree->nodes[node].mark;
    if (reading->tree->nodes[node].kind != GV_NODE_MAP) {
        gv_problems_add(reading->problems, section->mark, "%s: expected a mapping, found %s",
                        section->path, kind_name(reading->tree->nodes[node].kind));
        return GV_OK;
    }
    read_children(reading, node, others, section);
    report_missing(reading, section);
    return GV_OK;
}

const char *gv_section_word(const gv_reading *reading, size_t node, const char *key,
                            const char *path)
{
    const size_t child =
        node == GV_TREE_NONE ? GV_TREE_NONE : gv_tree_find(reading->tree, node, key);
    if (child == GV_TREE_NONE) {
        return NULL;
    }
    const gv_node *found = &reading->tree->nodes[child];
    if (found->kind != GV_NODE_SCALAR || found->text[0] == '\0') {
        gv_problems_add(reading->problems, found->mark, "%s.%s: expected a name, found %s", path,
                        key, found->kind == GV_NODE_SCALAR ? "nothing" : kind_name(found->kind));
        return NULL;
    }
    return found->text;
}

void gv_section_extra(const gv_reading *reading, gv_section *section, const char *key,
                      const char *text, size_t node)
{
    assert(section->extra_count < GV_EXTRAS_MAX);
    section->extras[section->extra_count++] =
        (gv_extra){.key = key, .text = text, .setting = gv_section_setting(reading->tree, node)};
}

gv_mark gv_section_mark(const gv_section *section, const char *name)
{
    for (size_t i = 0; i < row_count(section->params); i++) {
        if (strcmp(section->params[i].name, name) == 0 &&
            section->settings[i].mark.source != NULL) {
            return section->settings[i].mark;
        }
    }
    for (size_t i = 0; i < section->extra_count; i++) {
        if (strcmp(section->extras[i].key, name) == 0 &&
            section->extras[i].setting.mark.source != NULL) {
            return section->extras[i].setting.mark;
        }
    }
    return section->mark;
}
