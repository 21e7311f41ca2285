#include "scenarios/config/print.h"

#include <stdio.h>
#include <string.h>

#include "scenarios/config/quote.h"
#include "sim/base/clock.h"

enum { VALUE_SIZE = 64, ORIGIN_COLUMN = 48 };

/* A list of values that grows in an region: counted first, then filled. */
typedef struct listing {
    gv_region *region;
    gv_scenario_value *values; /* NULL: only counting */
    size_t count;
    int64_t zone_us;
    bool has_memory;
} listing;

static void add(listing *list, gv_scenario_value value)
{
    if (list->values != NULL) {
        const bool has_all = value.name != NULL && value.value != NULL && value.quoted != NULL;
        list->has_memory = list->has_memory && has_all;
        list->values[list->count] = value;
    }
    list->count++;
}

static void add_header(listing *list, const char *lead, const char *key)
{
    add(list,
        (gv_scenario_value){.name = key, .lead = lead, .key = key, .value = "", .quoted = ""});
}

static const char *name_of(const listing *list, const gv_section *section, const char *key)
{
    return gv_region_print(list->region, "%s%s%s", section->path,
                           section->path[0] == '\0' ? "" : ".", key);
}

/* The row's value as text; a time in the scenario's zone, a path whole. */
static const char *text_of(const listing *list, const gv_param *row, const void *config)
{
    char text[VALUE_SIZE];
    if (!gv_param_is_set(row, config)) {
        return "auto";
    }
    if (row->kind == GV_PARAM_TEXT || row->kind == GV_PARAM_PATH) {
        const char *value = NULL;
        memcpy(&value, (const char *)config + row->offset, sizeof value);
        return value;
    }
    if (row->kind == GV_PARAM_TIME) {
        int64_t time_us = 0;
        memcpy(&time_us, (const char *)config + row->offset, sizeof time_us);
        gv_time_print(time_us, list->zone_us, text, sizeof text);
    } else {
        gv_param_print(row, config, text, sizeof text);
    }
    return gv_region_text(list->region, text, strlen(text));
}

static void add_row(listing *list, const gv_section *section, const void *config, size_t row,
                    bool is_fitted, const char *lead)
{
    const gv_param *param = &section->params[row];
    const bool is_auto = !gv_param_is_set(param, section->config);
    const bool fits = is_auto && is_fitted;
    if (list->values == NULL) {
        list->count++;
        return;
    }
    const char *text = text_of(list, param, config);
    add(list, (gv_scenario_value){
                  .name = name_of(list, section, param->name),
                  .lead = lead,
                  .key = param->name,
                  .value = text,
                  .quoted = text == NULL ? NULL : gv_quote(list->region, text),
                  .origin = gv_origin_name(fits ? GV_FROM_FIT : section->settings[row].origin)});
}

static void add_section(listing *list, const gv_section *section, const char *first_lead,
                        const char *lead, bool is_fitted)
{
    const char *next_lead = first_lead;
    for (size_t i = 0; i < section->extra_count; i++) {
        const gv_extra *extra = &section->extras[i];
        if (list->values == NULL) {
            list->count++;
            continue;
        }
        add(list, (gv_scenario_value){.name = name_of(list, section, extra->key),
                                      .lead = next_lead,
                                      .key = extra->key,
                                      .value = extra->text,
                                      .quoted = extra->text,
                                      .origin = gv_origin_name(extra->setting.origin)});
        next_lead = lead;
    }
    for (size_t i = 0; section->params != NULL && section->params[i].name != NULL; i++) {
        add_row(list, section, section->config, i, is_fitted, next_lead);
        next_lead = lead;
    }
}

static void add_mapping(listing *list, const gv_section *section)
{
    add_header(list, "", section->path);
    add_section(list, section, "  ", "  ", false);
}

static void add_replay(listing *list, const gv_scenario *scenario)
{
    add_mapping(list, &scenario->log_section);
    if (scenario->history != NULL) {
        add_mapping(list, &scenario->history_section);
    }
    add_mapping(list, &scenario->predictor_section);
    if (scenario->belief != NULL) {
        add_mapping(list, &scenario->belief_section);
    }
    if (scenario->response != NULL) {
        add_mapping(list, &scenario->response_section);
        add_section(list, &scenario->truth_section, "  ", "  ", false);
    }
    if (scenario->exploration != NULL) {
        add_mapping(list, &scenario->exploration_section);
    }
    add_mapping(list, &scenario->mechanism_section);
    add_header(list, "", "campaigns");
    for (size_t i = 0; i < scenario->campaign_count; i++) {
        add_section(list, &scenario->campaigns[i].section, "  - ", "    ", false);
    }
}

static void add_market(listing *list, const gv_scenario *scenario)
{
    add_mapping(list, &scenario->market->section);
    add_mapping(list, &scenario->market->traffic_section);
    add_mapping(list, &scenario->mechanism_section);
    add_mapping(list, &scenario->market->advertiser_section);
    if (scenario->exploration != NULL) {
        add_mapping(list, &scenario->exploration_section);
    }
}

static void add_all(listing *list, const gv_scenario *scenario)
{
    list->count = 0;
    add_section(list, &scenario->top_section, "", "", false);
    if (scenario->market == NULL) {
        add_replay(list, scenario);
    } else {
        add_market(list, scenario);
    }
    add_header(list, "", "policies");
    for (size_t i = 0; i < scenario->policy_count; i++) {
        const gv_policy_plan *policy = &scenario->policies[i];
        add_section(list, &policy->section, "  - ", "    ", policy->type->fit != NULL);
    }
}

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for a scenario's values");
}

gv_status gv_scenario_values(const gv_scenario *scenario, gv_region *region,
                             const gv_scenario_value **values, size_t *count)
{
    listing list = {.region = region, .zone_us = gv_scenario_zone_us(scenario), .has_memory = true};
    add_all(&list, scenario);
    list.values = gv_region_alloc(region, list.count, sizeof *list.values);
    if (list.values == NULL) {
        return no_memory();
    }
    add_all(&list, scenario);
    if (!list.has_memory) {
        return no_memory();
    }
    *values = list.values;
    *count = list.count;
    return GV_OK;
}

gv_status gv_section_values(const gv_section *section, const void *config, gv_region *region,
                            const gv_scenario_value **values, size_t *count)
{
    size_t rows = 0;
    while (section->params != NULL && section->params[rows].name != NULL) {
        rows++;
    }
    listing list = {.region = region, .has_memory = true};
    list.values = gv_region_alloc(region, rows, sizeof *list.values);
    if (list.values == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < rows; i++) {
        add_row(&list, section, config, i, gv_param_is_set(&section->params[i], config), "");
    }
    if (!list.has_memory) {
        return no_memory();
    }
    *values = list.values;
    *count = list.count;
    return GV_OK;
}

static int print_line(char *text, size_t size, const gv_scenario_value *value)
{
    char line[512];
    const int width = snprintf(line, sizeof line, "%s%s:%s%s", value->lead, value->key,
                               value->quoted[0] == '\0' ? "" : " ", value->quoted);
    if (value->origin == NULL) {
        return snprintf(text, size, "%s%s:\n", value->lead, value->key);
    }
    const int gap = width < ORIGIN_COLUMN ? ORIGIN_COLUMN - width : 1;
    return snprintf(text, size, "%s%s: %s%*s # %s\n", value->lead, value->key, value->quoted, gap,
                    "", value->origin);
}

gv_status gv_scenario_text(const gv_scenario *scenario, gv_region *region, const char **text)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    GV_TRY(gv_scenario_values(scenario, region, &values, &count));
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        size += (size_t)print_line(NULL, 0, &values[i]);
    }
    char *out = gv_region_alloc(region, size, 1);
    if (out == NULL) {
        return no_memory();
    }
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)print_line(out + used, size - used, &values[i]);
    }
    *text = out;
    return GV_OK;
}
