/* The file as a whole: its text, the --set arguments over it, its sections one after another. */
#include "scenarios/config/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/config/expand.h"
#include "scenarios/config/override.h"
#include "scenarios/config/retention.h"
#include "scenarios/config/scenario_impl.h"
#include "sim/base/clock.h"
#include "sim/base/file.h"
#include "sim/base/mem.h"

void gv_scenario_destroy(gv_scenario *scenario)
{
    if (scenario == NULL) {
        return;
    }
    gv_region_fini(&scenario->region);
    gv_mem_free(scenario);
}

int64_t gv_scenario_zone_us(const gv_scenario *scenario)
{
    int64_t offset_us = 0;
    if (scenario->top == NULL || scenario->top->zone == NULL ||
        gv_zone_parse(scenario->top->zone, &offset_us) != GV_OK) {
        return 0;
    }
    return offset_us;
}

/*
 * Replaces the TEXT field that holds a path by the path as it is to be opened. One from the
 * command line means the folder where that was typed.
 */
static gv_status resolve_path(gv_scenario *scenario, const gv_section *section, const char *row,
                              const char **field)
{
    if (*field == NULL) {
        return GV_OK;
    }
    const gv_mark mark = gv_section_mark(section, row);
    const bool is_option = mark.source != NULL && mark.source->is_option;
    const gv_status status =
        gv_expand_path(&scenario->region, is_option ? "" : scenario->path, *field, field);
    if (status != GV_EUSAGE) {
        return status;
    }
    gv_problems_add(&scenario->problems, mark, "%s.%s: %s", section->path, row, gv_status_detail());
    return GV_OK;
}

gv_status gv_scenario_resolve_paths(gv_scenario *scenario, const gv_section *section)
{
    for (const gv_param *row = section->params; row != NULL && row->name != NULL; row++) {
        if (gv_param_is_file(row, section->config)) {
            const char **field = (const char **)(void *)((char *)section->config + row->offset);
            GV_TRY(resolve_path(scenario, section, row->name, field));
        }
    }
    return GV_OK;
}

/* Zone before all else, since it says what every time in the file means. */
static gv_status read_top(gv_scenario *scenario, gv_reading *reading)
{
    static const char *const others[] = {
        "log",       "history",  "predictor", "belief",  "response",    "exploration", "mechanism",
        "campaigns", "policies", "market",    "traffic", "advertisers", NULL};
    gv_section *section = &scenario->top_section;
    section->path = "";
    GV_TRY(gv_section_read(reading, 0, &gv_scenario_top_section.info, others, section));
    scenario->top = section->config;
    int64_t offset_us = 0;
    if (scenario->top->zone != NULL && gv_zone_parse(scenario->top->zone, &offset_us) != GV_OK) {
        gv_problems_add(reading->problems, gv_section_mark(section, "zone"), "zone: %s",
                        gv_status_detail());
    }
    reading->zone_offset_us = offset_us;
    return GV_OK;
}

static gv_status read_log(gv_scenario *scenario, const gv_reading *reading)
{
    static const char *const others[] = {"where", NULL};
    gv_section *section = &scenario->log_section;
    const size_t node = gv_tree_find(reading->tree, 0, "log");
    section->path = "log";
    section->mark = reading->tree->nodes[0].mark;
    GV_TRY(gv_section_read(reading, node, &gv_scenario_log_section.info, others, section));
    scenario->log = section->config;
    GV_TRY(gv_scenario_read_where(reading, node, section, &scenario->log_filters,
                                  &scenario->log_filter_count));
    GV_TRY(resolve_path(scenario, section, "path", &scenario->log->path));
    return resolve_path(scenario, section, "mapping", &scenario->log->mapping);
}

static gv_status read_history(gv_scenario *scenario, const gv_reading *reading)
{
    gv_section *section = &scenario->history_section;
    const size_t node = gv_tree_find(reading->tree, 0, "history");
    section->path = "history";
    if (node == GV_TREE_NONE) {
        return GV_OK;
    }
    GV_TRY(gv_section_read(reading, node, &gv_scenario_history_section.info, NULL, section));
    scenario->history = section->config;
    GV_TRY(resolve_path(scenario, section, "path", &scenario->history->path));
    return resolve_path(scenario, section, "mapping", &scenario->history->mapping);
}

static gv_status read_sections(gv_scenario *scenario, gv_reading *reading)
{
    GV_TRY(read_top(scenario, reading));
    GV_TRY(gv_scenario_read_market(scenario, reading));
    GV_TRY(gv_scenario_read_mechanism(scenario, reading));
    GV_TRY(gv_scenario_read_exploration(scenario, reading));
    if (scenario->market == NULL) {
        GV_TRY(read_log(scenario, reading));
        GV_TRY(read_history(scenario, reading));
        GV_TRY(gv_scenario_read_predictor(scenario, reading));
        GV_TRY(gv_scenario_read_belief(scenario, reading));
        GV_TRY(gv_scenario_read_response(scenario, reading));
        GV_TRY(gv_scenario_read_campaigns(scenario, reading));
    }
    return gv_scenario_read_policies(scenario, reading);
}

/* One sentence in place of many about keys that are missing or unknown. */
static void refuse_retention(gv_scenario *scenario, const gv_tree *tree)
{
    if (gv_retention_fits(tree)) {
        gv_problems_add(&scenario->problems, tree->nodes[0].mark,
                        "this is a scenario of retention, which `gavel run` and `gavel retention "
                        "play` alone play");
    }
}

static gv_status read_all(gv_scenario *scenario, const gv_text_source *source,
                          const char *const *sets, size_t set_count)
{
    gv_tree tree = {.region = &scenario->region};
    gv_reading reading = {
        .tree = &tree, .region = &scenario->region, .problems = &scenario->problems};
    gv_status status = gv_tree_read(&tree, source, &scenario->problems);
    const bool is_read = status == GV_OK && scenario->problems.count == 0;
    if (is_read && tree.nodes[0].kind != GV_NODE_MAP) {
        gv_problems_add(&scenario->problems, tree.nodes[0].mark,
                        "a scenario is a mapping of keys such as log, campaigns and policies");
    }
    for (size_t i = 0; i < set_count && status == GV_OK && scenario->problems.count == 0; i++) {
        status = gv_override(&tree, sets[i], &scenario->problems);
    }
    if (status == GV_OK && scenario->problems.count == 0) {
        refuse_retention(scenario, &tree);
    }
    if (status == GV_OK && scenario->problems.count == 0) {
        status = read_sections(scenario, &reading);
    }
    gv_tree_fini(&tree);
    if (status != GV_OK) {
        return status;
    }
    return gv_problems_fail(&scenario->problems);
}

gv_status gv_scenario_parse(const char *path, const char *text, size_t size,
                            const char *const *sets, size_t set_count, gv_scenario **out)
{
    gv_scenario *scenario = gv_mem_alloc(sizeof *scenario, 0, 0);
    *out = scenario;
    if (scenario == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a scenario");
    }
    scenario->problems.region = &scenario->region;
    gv_text_source *source = gv_region_alloc(&scenario->region, 1, sizeof *source);
    scenario->path = gv_region_text(&scenario->region, path, strlen(path));
    const char *copy = gv_region_text(&scenario->region, text, size);
    if (source == NULL || scenario->path == NULL || copy == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the scenario %s", path);
    }
    *source = (gv_text_source){.name = scenario->path, .text = copy, .size = size};
    return read_all(scenario, source, sets, set_count);
}

gv_status gv_scenario_load(const char *path, const char *const *sets, size_t set_count,
                           gv_scenario **out)
{
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    GV_TRY(gv_file_read_text(path, GV_TREE_BYTES_MAX, &text, &size));
    const gv_status status = gv_scenario_parse(path, text, size, sets, set_count, out);
    gv_mem_free(text);
    return status;
}
