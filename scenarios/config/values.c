/* The keys of a scenario that are no plain values: filters and lists of budgets. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/config/quote.h"
#include "scenarios/config/scenario_impl.h"
#include "sim/base/money.h"

static gv_status no_memory(const gv_section *section)
{
    return GV_FAIL(GV_ENOMEM, "no memory for %s of a scenario", section->path);
}

static gv_status add_filter(const gv_reading *reading, const gv_section *section, size_t child,
                            gv_filter *filter, bool is_first, const char **text)
{
    const gv_node *node = &reading->tree->nodes[child];
    const char *value = node->kind == GV_NODE_SCALAR ? node->text : "";
    if (value[0] == '\0') {
        gv_problems_add(reading->problems, node->mark, "where.%s: expected one value", node->key);
    }
    *filter = (gv_filter){.column = node->key, .value = value};
    const char *key = gv_quote(reading->region, node->key);
    const char *quoted = gv_quote(reading->region, value);
    if (key == NULL || quoted == NULL) {
        return no_memory(section);
    }
    *text =
        gv_region_print(reading->region, "%s%s%s: %s", *text, is_first ? "" : ", ", key, quoted);
    return *text == NULL ? no_memory(section) : GV_OK;
}

gv_status gv_scenario_read_where(const gv_reading *reading, size_t node, gv_section *section,
                                 const gv_filter **filters, size_t *count)
{
    const gv_tree *tree = reading->tree;
    const size_t where = node == GV_TREE_NONE ? GV_TREE_NONE : gv_tree_find(tree, node, "where");
    *count = 0;
    if (where == GV_TREE_NONE) {
        gv_section_extra(reading, section, "where", "{}", GV_TREE_NONE);
        return GV_OK;
    }
    if (tree->nodes[where].kind != GV_NODE_MAP) {
        gv_problems_add(reading->problems, tree->nodes[where].mark,
                        "where: expected columns and values, such as {advertiser: 1458}");
        return GV_OK;
    }
    gv_filter *list = gv_region_alloc(reading->region, gv_tree_children(tree, where), sizeof *list);
    const char *text = "{";
    if (list == NULL) {
        return no_memory(section);
    }
    for (size_t child = gv_tree_first(tree, where); child != GV_TREE_NONE;
         child = gv_tree_next(tree, where, child)) {
        const bool is_first = *count == 0;
        GV_TRY(add_filter(reading, section, child, &list[(*count)++], is_first, &text));
    }
    text = gv_region_print(reading->region, "%s}", text);
    if (text == NULL) {
        return no_memory(section);
    }
    gv_section_extra(reading, section, "where", text, where);
    *filters = list;
    return GV_OK;
}

typedef struct budget_value {
    int64_t nanos;
    double share;
} budget_value;

static const gv_param amount_row = {.name = "budget",
                                    .kind = GV_PARAM_MONEY,
                                    .unit = "currency",
                                    .minimum = 0,
                                    .maximum = 1e9,
                                    .offset = offsetof(budget_value, nanos)};

static const gv_param share_row = {.name = "budget_share",
                                   .kind = GV_PARAM_REAL,
                                   .minimum = 0,
                                   .maximum = 1000,
                                   .offset = offsetof(budget_value, share)};

static void read_budget(const gv_reading *reading, size_t node, const gv_param *row,
                        gv_budget *budget)
{
    const gv_node *found = &reading->tree->nodes[node];
    budget_value value = {.nanos = 0, .share = (double)NAN};
    const char *text = found->kind == GV_NODE_SCALAR ? found->text : "a list";
    if (gv_param_parse(row, text, 0, &value) != GV_OK) {
        gv_problems_add(reading->problems, found->mark, "%s", gv_status_detail());
    }
    *budget =
        (gv_budget){.label = text, .share = value.share, .nanos = value.nanos, .mark = found->mark};
}

/* Appends those under `row`'s name and keeps them as "[a, b]". */
static gv_status read_list(const gv_reading *reading, size_t node, const gv_param *row,
                           gv_section *section, gv_budget *budgets, size_t *count)
{
    const gv_tree *tree = reading->tree;
    const size_t list = gv_tree_find(tree, node, row->name);
    const size_t before = *count;
    const char *text = "[";
    if (list == GV_TREE_NONE) {
        return GV_OK;
    }
    if (tree->nodes[list].kind == GV_NODE_LIST) {
        for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
             item = gv_tree_next(tree, list, item)) {
            read_budget(reading, item, row, &budgets[(*count)++]);
        }
    } else {
        read_budget(reading, list, row, &budgets[(*count)++]);
    }
    for (size_t i = before; i < *count; i++) {
        const char *label = gv_quote(reading->region, budgets[i].label);
        text = label == NULL ? NULL
                             : gv_region_print(reading->region, "%s%s%s", text,
                                               i == before ? "" : ", ", label);
        if (text == NULL) {
            return no_memory(section);
        }
    }
    text = gv_region_print(reading->region, "%s]", text);
    if (text == NULL) {
        return no_memory(section);
    }
    gv_section_extra(reading, section, row->name, text, list);
    return GV_OK;
}

static size_t list_size(const gv_tree *tree, size_t node, const char *key)
{
    const size_t list = gv_tree_find(tree, node, key);
    return list == GV_TREE_NONE ? 0 : gv_tree_children(tree, list) + 1;
}

/* Twice the same label would make two cells that nothing tells apart. */
static void refuse_repeats(const gv_reading *reading, const gv_budget *budgets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(budgets[i].label, budgets[j].label) == 0) {
                gv_problems_add(reading->problems, budgets[i].mark, "the budget %s is given twice",
                                budgets[i].label);
            }
        }
    }
}

gv_status gv_scenario_read_budgets(const gv_reading *reading, size_t node,
                                   gv_campaign_plan *campaign)
{
    const gv_tree *tree = reading->tree;
    const size_t room =
        list_size(tree, node, amount_row.name) + list_size(tree, node, share_row.name);
    gv_budget *budgets = gv_region_alloc(reading->region, room, sizeof *budgets);
    size_t count = 0;
    if (budgets == NULL) {
        return no_memory(&campaign->section);
    }
    GV_TRY(read_list(reading, node, &amount_row, &campaign->section, budgets, &count));
    GV_TRY(read_list(reading, node, &share_row, &campaign->section, budgets, &count));
    if (count == 0) {
        gv_problems_add(reading->problems, tree->nodes[node].mark,
                        "%s: budget or budget_share must be given: budget: 25, or budget_share: "
                        "[1/2, 1/8] of what its auctions cost in the log",
                        campaign->section.path);
    }
    refuse_repeats(reading, budgets, count);
    campaign->budgets = budgets;
    campaign->budget_count = count;
    return GV_OK;
}
