/* A scenario of retention: its text, the --set arguments over it, its sections. */
#include "scenarios/config/retention.h"

#include <string.h>

#include "scenarios/config/expand.h"
#include "scenarios/config/override.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

/* In the order of gv_retention_sections. */
enum { TOP, POPULATION, CAMPAIGN, POLICIES };

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for a scenario of retention");
}

void gv_retention_plan_destroy(gv_retention_plan *plan)
{
    if (plan != NULL) {
        gv_region_fini(&plan->region);
        gv_mem_free(plan);
    }
}

/* As the file is to be opened: one from the command line means the folder where it was typed. */
static gv_status resolve_model(gv_retention_plan *plan, const gv_section *section,
                               gv_retention_policy *policy)
{
    const gv_param *row = gv_param_find(section->params, "model");
    const gv_mark mark = gv_section_mark(section, "model");
    const bool is_option = mark.source != NULL && mark.source->is_option;
    if (policy->model == NULL || !gv_param_is_file(row, policy)) {
        return GV_OK;
    }
    const gv_status status =
        gv_expand_path(&plan->region, is_option ? "" : plan->path, policy->model, &policy->model);
    if (status == GV_EUSAGE) {
        gv_problems_add(&plan->problems, mark, "%s.model: %s", section->path, gv_status_detail());
        return GV_OK;
    }
    return status;
}

static gv_status read_policy(gv_retention_plan *plan, const gv_reading *reading, size_t node)
{
    const size_t number = plan->policy_count;
    gv_section *section = &plan->policy_sections[number];
    const char *name = gv_section_word(reading, node, "name", "policies");
    section->path = gv_region_print(reading->region, "policies.%s", name == NULL ? "?" : name);
    if (section->path == NULL) {
        return no_memory();
    }
    GV_TRY(gv_section_read(reading, node, &gv_retention_sections[POLICIES]->info, NULL, section));
    gv_retention_policy *policy = section->config;
    plan->policies[plan->policy_count++] = policy;
    if (policy->name == NULL) {
        return GV_OK; /* reported already */
    }
    for (size_t i = 0; i < number; i++) {
        if (plan->policies[i]->name != NULL && strcmp(plan->policies[i]->name, policy->name) == 0) {
            gv_problems_add(reading->problems, gv_section_mark(section, "name"),
                            "two policies are called '%s'", policy->name);
        }
    }
    if ((policy->aim == GV_AIM_RETENTION) != (policy->model != NULL)) {
        gv_problems_add(reading->problems, section->mark,
                        "%s: a model belongs to aim retention, and that aim needs one: the path "
                        "of weights, or " GV_RETENTION_TRUTH,
                        section->path);
    }
    return resolve_model(plan, section, policy);
}

static gv_status read_policies(gv_retention_plan *plan, const gv_reading *reading)
{
    const gv_tree *tree = reading->tree;
    const size_t list = gv_tree_find(tree, 0, "policies");
    if (list == GV_TREE_NONE || tree->nodes[list].kind != GV_NODE_LIST ||
        gv_tree_children(tree, list) == 0) {
        gv_problems_add(reading->problems, tree->nodes[list == GV_TREE_NONE ? 0 : list].mark,
                        "policies must be given: a list such as [{name: clicks, aim: clicks}]");
        return GV_OK;
    }
    const size_t count = gv_tree_children(tree, list);
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what is allocated */
    plan->policies = gv_region_alloc(reading->region, count, sizeof *plan->policies);
    plan->policy_sections = gv_region_alloc(reading->region, count, sizeof *plan->policy_sections);
    if (plan->policies == NULL || plan->policy_sections == NULL) {
        return no_memory();
    }
    for (size_t item = gv_tree_first(tree, list); item != GV_TREE_NONE;
         item = gv_tree_next(tree, list, item)) {
        GV_TRY(read_policy(plan, reading, item));
    }
    return GV_OK;
}

static gv_status read_sections(gv_retention_plan *plan, const gv_reading *reading)
{
    static const char *const others[] = {"population", "campaign", "policies", NULL};
    plan->top_section.path = "";
    plan->law_section.path = "population";
    plan->campaign_section.path = "campaign";
    GV_TRY(
        gv_section_read(reading, 0, &gv_retention_sections[TOP]->info, others, &plan->top_section));
    GV_TRY(gv_section_read(reading, gv_tree_find(reading->tree, 0, "population"),
                           &gv_retention_sections[POPULATION]->info, NULL, &plan->law_section));
    GV_TRY(gv_section_read(reading, gv_tree_find(reading->tree, 0, "campaign"),
                           &gv_retention_sections[CAMPAIGN]->info, NULL, &plan->campaign_section));
    plan->top = plan->top_section.config;
    plan->law = plan->law_section.config;
    plan->campaign = plan->campaign_section.config;
    return read_policies(plan, reading);
}

static gv_status read_all(gv_retention_plan *plan, const gv_text_source *source,
                          const char *const *sets, size_t set_count)
{
    gv_tree tree = {.region = &plan->region};
    const gv_reading reading = {
        .tree = &tree, .region = &plan->region, .problems = &plan->problems};
    gv_status status = gv_tree_read(&tree, source, &plan->problems);
    if (status == GV_OK && plan->problems.count == 0 && tree.nodes[0].kind != GV_NODE_MAP) {
        gv_problems_add(&plan->problems, tree.nodes[0].mark,
                        "a scenario is a mapping of keys such as population and policies");
    }
    for (size_t i = 0; i < set_count && status == GV_OK && plan->problems.count == 0; i++) {
        status = gv_override(&tree, sets[i], &plan->problems);
    }
    if (status == GV_OK && plan->problems.count == 0) {
        status = read_sections(plan, &reading);
    }
    gv_tree_fini(&tree);
    return status == GV_OK ? gv_problems_fail(&plan->problems) : status;
}

gv_status gv_retention_parse(const char *path, const char *text, size_t size,
                             const char *const *sets, size_t set_count, gv_retention_plan **out)
{
    gv_retention_plan *plan = gv_mem_alloc(sizeof *plan, 0, 0);
    *out = plan;
    if (plan == NULL) {
        return no_memory();
    }
    plan->problems.region = &plan->region;
    gv_text_source *source = gv_region_alloc(&plan->region, 1, sizeof *source);
    plan->path = gv_region_text(&plan->region, path, strlen(path));
    const char *copy = gv_region_text(&plan->region, text, size);
    if (source == NULL || plan->path == NULL || copy == NULL) {
        return no_memory();
    }
    *source = (gv_text_source){.name = plan->path, .text = copy, .size = size};
    return read_all(plan, source, sets, set_count);
}

gv_status gv_retention_load(const char *path, const char *const *sets, size_t set_count,
                            gv_retention_plan **out)
{
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    GV_TRY(gv_file_read_text(path, GV_TREE_BYTES_MAX, &text, &size));
    const gv_status status = gv_retention_parse(path, text, size, sets, set_count, out);
    gv_mem_free(text);
    return status;
}

/* ---- what it is ------------------------------------------------------------------------------ */

bool gv_retention_fits(const gv_tree *tree)
{
    static const char *const others[] = {"log", "market", "campaigns"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (gv_tree_find(tree, 0, others[i]) != GV_TREE_NONE) {
            return false;
        }
    }
    return gv_tree_find(tree, 0, "campaign") != GV_TREE_NONE ||
           gv_tree_find(tree, 0, "population") != GV_TREE_NONE;
}

gv_status gv_retention_recognise(const char *text, size_t size, bool *is_retention)
{
    gv_region region = {.chunks = NULL};
    gv_problems problems = {.region = &region};
    gv_tree tree = {.region = &region};
    const gv_text_source source = {.name = "scenario", .text = text, .size = size};
    const gv_status status = gv_tree_read(&tree, &source, &problems);
    *is_retention = status == GV_OK && problems.count == 0 && gv_retention_fits(&tree);
    gv_tree_fini(&tree);
    gv_region_fini(&region);
    return status;
}

/* ---- its values ------------------------------------------------------------------------------ */

enum { SECTIONS_BEFORE_POLICIES = 3 };

static const gv_section *section_of(const gv_retention_plan *plan, size_t number)
{
    const gv_section *const first[SECTIONS_BEFORE_POLICIES] = {
        &plan->top_section, &plan->law_section, &plan->campaign_section};
    return number < SECTIONS_BEFORE_POLICIES
               ? first[number]
               : &plan->policy_sections[number - SECTIONS_BEFORE_POLICIES];
}

static size_t rows_of(const gv_section *section)
{
    size_t rows = 0;
    while (section->params[rows].name != NULL) {
        rows++;
    }
    return rows;
}

gv_status gv_retention_values(const gv_retention_plan *plan, gv_region *region,
                              const gv_scenario_value **values, size_t *count)
{
    const size_t sections = SECTIONS_BEFORE_POLICIES + plan->policy_count;
    size_t room = 0;
    for (size_t i = 0; i < sections; i++) {
        room += rows_of(section_of(plan, i));
    }
    gv_scenario_value *all = gv_region_alloc(region, room, sizeof *all);
    if (all == NULL) {
        return no_memory();
    }
    *values = all;
    *count = room;
    for (size_t i = 0; i < sections; i++) {
        const gv_section *section = section_of(plan, i);
        const gv_scenario_value *own = NULL;
        size_t own_count = 0;
        GV_TRY(gv_section_values(section, section->config, region, &own, &own_count));
        memcpy(all, own, own_count * sizeof *own);
        all += own_count;
    }
    return GV_OK;
}

gv_status gv_retention_text(gv_retention_plan *plan, const char **text)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    GV_TRY(gv_retention_values(plan, &plan->region, &values, &count));
    const char *all = "";
    for (size_t i = 0; all != NULL && i < count; i++) {
        all = gv_region_print(&plan->region, "%s%s: %s\n", all, values[i].name, values[i].value);
    }
    if (all == NULL) {
        return no_memory();
    }
    *text = all;
    return GV_OK;
}
