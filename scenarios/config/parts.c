/* What plugs in: predictor, mechanism, campaigns and policies, each by its type's own table. */
#include <string.h>

#include "scenarios/config/quote.h"
#include "scenarios/config/scenario_impl.h"

enum { TYPES_MAX = GV_SCENARIO_TYPES_MAX };

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for a scenario");
}

void gv_scenario_refuse_type(const gv_reading *reading, size_t node, const char *path,
                             const char *name, const char *const *names, size_t count)
{
    char list[512] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    }
    const char *nearest = gv_param_nearest(names, count, name);
    const size_t type = gv_tree_find(reading->tree, node, "type");
    gv_problems_add(reading->problems, reading->tree->nodes[type].mark,
                    "%s: there is no type '%s'%s%s%s", path, name,
                    nearest == NULL ? "; the types are: " : "; did you mean '",
                    nearest == NULL ? list : nearest, nearest == NULL ? "" : "'?");
}

gv_status gv_scenario_keep_word(const gv_reading *reading, size_t node, gv_section *section,
                                const char *key, const char *word)
{
    const size_t child =
        node == GV_TREE_NONE ? GV_TREE_NONE : gv_tree_find(reading->tree, node, key);
    const char *quoted = gv_quote(reading->region, word);
    if (quoted == NULL) {
        return no_memory();
    }
    gv_section_extra(reading, section, key, quoted, child);
    return GV_OK;
}

static const char logged_name[] = "logged";

gv_status gv_scenario_read_predictor(gv_scenario *scenario, const gv_reading *reading)
{
    static const char *const others[] = {"type", NULL};
    static const gv_type_info logged = {.name = logged_name};
    gv_section *section = &scenario->predictor_section;
    const size_t node = gv_tree_find(reading->tree, 0, "predictor");
    const char *word = gv_section_word(reading, node, "type", "predictor");
    const char *name = word == NULL ? logged_name : word;
    section->path = "predictor";
    if (strcmp(name, logged_name) != 0) {
        scenario->predictor = gv_predictor_find(name);
        if (scenario->predictor == NULL) {
            const char *names[TYPES_MAX];
            size_t count = 0;
            for (; gv_predictor_types[count] != NULL && count < TYPES_MAX; count++) {
                names[count] = gv_predictor_types[count]->info.name;
            }
            gv_scenario_refuse_type(reading, node, "predictor", name, names, count);
            return GV_OK;
        }
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "type", name));
    const gv_type_info *info = scenario->predictor == NULL ? &logged : &scenario->predictor->info;
    GV_TRY(gv_section_read(reading, node, info, others, section));
    return gv_scenario_resolve_paths(scenario, section);
}

gv_status gv_scenario_read_mechanism(gv_scenario *scenario, const gv_reading *reading)
{
    static const char *const others[] = {"type", NULL};
    gv_section *section = &scenario->mechanism_section;
    const size_t node = gv_tree_find(reading->tree, 0, "mechanism");
    const char *word = gv_section_word(reading, node, "type", "mechanism");
    const char *name = word == NULL ? gv_mechanism_second_price.info.name : word;
    const gv_mechanism_type *type = gv_mechanism_find(name);
    section->path = "mechanism";
    if (type == NULL) {
        const char *names[TYPES_MAX];
        size_t count = 0;
        for (; gv_mechanism_types[count] != NULL && count < TYPES_MAX; count++) {
            names[count] = gv_mechanism_types[count]->info.name;
        }
        gv_scenario_refuse_type(reading, node, "mechanism", name, names, count);
        return GV_OK;
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "type", name));
    GV_TRY(gv_section_read(reading, node, &type->info, others, section));
    scenario->mechanism = section->config;
    scenario->mechanism->type = type;
    return GV_OK;
}

/* The list under `key`, not empty, of mappings. */
static size_t find_list(const gv_reading *reading, const char *key, const char *example)
{
    const gv_tree *tree = reading->tree;
    const size_t list = gv_tree_find(tree, 0, key);
    if (list == GV_TREE_NONE) {
        gv_problems_add(reading->problems, tree->nodes[0].mark,
                        "%s must be given: a list such as %s", key, example);
        return GV_TREE_NONE;
    }
    if (tree->nodes[list].kind != GV_NODE_LIST || gv_tree_children(tree, list) == 0) {
        gv_problems_add(reading->problems, tree->nodes[list].mark, "%s: expected a list such as %s",
                        key, example);
        return GV_TREE_NONE;
    }
    return list;
}

static gv_status read_campaign(const gv_reading *reading, size_t node, size_t number,
                               gv_campaign_plan *campaign)
{
    static const char *const others[] = {"name", "where", "budget", "budget_share", NULL};
    gv_section *section = &campaign->section;
    char fallback[32];
    (void)snprintf(fallback, sizeof fallback, "campaigns.%zu", number);
    campaign->name = gv_section_word(reading, node, "name", fallback);
    section->path = gv_region_print(reading->region, "campaigns.%s",
                                    campaign->name == NULL ? "?" : campaign->name);
    if (section->path == NULL) {
        return no_memory();
    }
    if (campaign->name == NULL) {
        section->path = gv_region_text(reading->region, fallback, strlen(fallback));
        campaign->name = "";
        gv_problems_add(reading->problems, reading->tree->nodes[node].mark,
                        "%s.name must be given: what outcomes call the campaign", fallback);
    }
    if (section->path == NULL) {
        return no_memory();
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "name", campaign->name));
    GV_TRY(gv_section_read(reading, node, &gv_scenario_campaign_section.info, others, section));
    campaign->settings = section->config;
    if (reading->tree->nodes[node].kind != GV_NODE_MAP) {
        return GV_OK;
    }
    GV_TRY(gv_scenario_read_where(reading, node, section, &campaign->filters,
                                  &campaign->filter_count));
    return gv_scenario_read_budgets(reading, node, campaign);
}

gv_status gv_scenario_read_campaigns(gv_scenario *scenario, const gv_reading *reading)
{
    const gv_tree *tree = reading->tree;
    const size_t list = find_list(reading, "campaigns", "[{name: all, budget_share: 1/8}]");
    if (list == GV_TREE_NONE) {
        return GV_OK;
    }
    scenario->campaigns =
        gv_region_alloc(reading->region, gv_tree_children(tree, list), sizeof *scenario->campaigns);
    if (scenario->campaigns == NULL) {
        return no_memory();
    }
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        const size_t number = scenario->campaign_count++;
        gv_campaign_plan *campaign = &scenario->campaigns[number];
        GV_TRY(read_campaign(reading, item, number, campaign));
        for (size_t i = 0; i < number; i++) {
            if (strcmp(scenario->campaigns[i].name, campaign->name) == 0) {
                gv_problems_add(reading->problems, gv_section_mark(&campaign->section, "name"),
                                "two campaigns are called '%s'", campaign->name);
            }
        }
    }
    return GV_OK;
}

static void refuse_policy_type(const gv_reading *reading, size_t node, const char *path,
                               const char *name)
{
    const char *names[TYPES_MAX];
    size_t count = 0;
    for (; gv_policy_types[count] != NULL && count < TYPES_MAX; count++) {
        names[count] = gv_policy_types[count]->info.name;
    }
    gv_scenario_refuse_type(reading, node, path, name, names, count);
}

static gv_status read_policy(gv_scenario *scenario, const gv_reading *reading, size_t node,
                             size_t number, gv_policy_plan *policy)
{
    static const char *const others[] = {"type", "name", NULL};
    gv_section *section = &policy->section;
    char path[32];
    (void)snprintf(path, sizeof path, "policies.%zu", number);
    const char *type = gv_section_word(reading, node, "type", path);
    policy->name = gv_section_word(reading, node, "name", path);
    if (type == NULL) {
        gv_problems_add(reading->problems, reading->tree->nodes[node].mark,
                        "%s.type must be given: one of `gavel list policies`", path);
        policy->name = policy->name == NULL ? "" : policy->name;
        return GV_OK;
    }
    policy->name = policy->name == NULL ? type : policy->name;
    section->path = gv_region_print(reading->region, "policies.%s", policy->name);
    if (section->path == NULL) {
        return no_memory();
    }
    policy->type = gv_policy_find(type);
    if (policy->type == NULL) {
        refuse_policy_type(reading, node, section->path, type);
        return GV_OK;
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "name", policy->name));
    GV_TRY(gv_scenario_keep_word(reading, node, section, "type", type));
    GV_TRY(gv_section_read(reading, node, &policy->type->info, others, section));
    return gv_scenario_resolve_paths(scenario, section);
}

gv_status gv_scenario_read_policies(gv_scenario *scenario, const gv_reading *reading)
{
    const gv_tree *tree = reading->tree;
    const size_t list = find_list(reading, "policies", "[{type: linear}]");
    if (list == GV_TREE_NONE) {
        return GV_OK;
    }
    scenario->policies =
        gv_region_alloc(reading->region, gv_tree_children(tree, list), sizeof *scenario->policies);
    if (scenario->policies == NULL) {
        return no_memory();
    }
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        const size_t number = scenario->policy_count++;
        gv_policy_plan *policy = &scenario->policies[number];
        GV_TRY(read_policy(scenario, reading, item, number, policy));
        for (size_t i = 0; i < number; i++) {
            if (strcmp(scenario->policies[i].name, policy->name) == 0) {
                gv_problems_add(reading->problems, tree->nodes[item].mark,
                                "two policies are called '%s'; give one a name of its own",
                                policy->name);
            }
        }
    }
    return GV_OK;
}
