/* gavel list: everything that plugs in, and what can be set on it, from the tables themselves. */
#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "models/predict/model.h"
#include "models/predict/ocarm.h"
#include "policies/learn/learner.h"
#include "scenarios/cli/cli.h"
#include "scenarios/config/retention.h"
#include "scenarios/config/scenario.h"
#include "scenarios/sweep/sweep.h"
#include "sim/estimate/estimator.h"
#include "sim/log/reader.h"
#include "sim/market/delay.h"
#include "sim/market/traffic.h"

enum { KEY_JSON = 256, ENTRIES_MAX = 64, RANGE_SIZE = 96 };

/* One type, or one section of a scenario. */
typedef struct plugged {
    const gv_type_info *info;
    const gv_param *others;
    const gv_preset *presets;
} plugged;

typedef struct plugin_kind {
    const char *name;
    const char *also; /* another name for it, or NULL */
    const char *summary;
    size_t (*fill)(plugged entries[ENTRIES_MAX]);
} plugin_kind;

static size_t fill_policies(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_policy_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_policy_types[count]->info};
    }
    return count;
}

static size_t fill_learners(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_learner_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_learner_types[count]->info,
                                   .presets = gv_learner_types[count]->presets};
    }
    return count;
}

static size_t fill_models(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_model_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_model_types[count]->info};
    }
    return count;
}

static size_t fill_mechanisms(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_mechanism_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_mechanism_types[count]->info};
    }
    return count;
}

static size_t fill_predictors(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_predictor_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_predictor_types[count]->info};
    }
    return count;
}

static size_t fill_readers(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_reader_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_reader_types[count]->info};
    }
    return count;
}

static size_t fill_traffic(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_traffic_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_traffic_types[count]->info};
    }
    return count;
}

static size_t fill_delays(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_delay_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_delay_types[count]->info};
    }
    return count;
}

static size_t fill_estimators(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_estimator_types[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_estimator_types[count]->info};
    }
    return count;
}

/* Sections of a scenario of retention, then what can be trained for it. */
static size_t fill_retention(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_retention_sections[count] != NULL; count++) {
        entries[count] = (plugged){.info = &gv_retention_sections[count]->info,
                                   .others = gv_retention_sections[count]->others};
    }
    for (int role = 0; role < GV_OCARM_ROLES; role++) {
        entries[count++] = (plugged){.info = &gv_ocarm_types[role]};
    }
    return count;
}

static size_t fill_scenario(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_scenario_sections[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_scenario_sections[count]->info,
                                   .others = gv_scenario_sections[count]->others};
    }
    return count;
}

static size_t fill_sweep(plugged entries[ENTRIES_MAX])
{
    size_t count = 0;
    for (; gv_sweep_sections[count] != NULL && count < ENTRIES_MAX; count++) {
        entries[count] = (plugged){.info = &gv_sweep_sections[count]->info,
                                   .others = gv_sweep_sections[count]->others};
    }
    return count;
}

static const plugin_kind kinds[] = {
    {"policies", "policy", "What bids for a campaign.", fill_policies},
    {"learners", "learner", "What `gavel train` can train on trajectories.", fill_learners},
    {"models", "model", "Models of clicks that `gavel train` can train on logs.", fill_models},
    {"mechanisms", "mechanism", "Who wins an auction and what a winner pays.", fill_mechanisms},
    {"traffic", NULL, "Where a market's opportunities come from, and what they are worth.",
     fill_traffic},
    {"estimators", "estimator", "What a policy would have earned on a log: `gavel evaluate`.",
     fill_estimators},
    {"delays", "delay", "Laws of delay, for a market's exposures and conversions.", fill_delays},
    {"predictors", "predictor", "Click probabilities at bid time.", fill_predictors},
    {"readers", "formats", "Formats of raw logs, for ingest and scenarios.", fill_readers},
    {"scenario", "scenarios", "The keys of a scenario file, section by section.", fill_scenario},
    {"sweep", "sweeps", "The keys of a sweep file, section by section.", fill_sweep},
    {"retention", NULL, "A scenario that wins users back, and what is trained for it.",
     fill_retention},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static const char *const param_kinds[] = {
    [GV_PARAM_INTEGER] = "whole number",
    [GV_PARAM_REAL] = "number",
    [GV_PARAM_MONEY] = "amount",
    [GV_PARAM_DURATION] = "duration",
    [GV_PARAM_TIME] = "time",
    [GV_PARAM_SWITCH] = "on or off",
    [GV_PARAM_CHOICE] = "choice",
    [GV_PARAM_TEXT] = "text",
    [GV_PARAM_PATH] = "path",
};

static void print_range(const gv_param *param, char text[RANGE_SIZE])
{
    text[0] = '\0';
    for (size_t i = 0; param->choices != NULL && param->choices[i] != NULL; i++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, RANGE_SIZE - used, "%s%s", i == 0 ? "" : "|",
                       param->choices[i]);
    }
    if (param->choices != NULL || (param->minimum == 0 && param->maximum == 0)) {
        return;
    }
    if (isinf(param->maximum)) {
        (void)snprintf(text, RANGE_SIZE, ">= %.10g", param->minimum);
    } else {
        (void)snprintf(text, RANGE_SIZE, "%.10g to %.10g", param->minimum, param->maximum);
    }
}

static const char *default_of(const gv_param *param)
{
    return param->fallback == NULL ? "(required)" : param->fallback;
}

/* Name, default and range in one line, what it does and where that is from below. */
static void print_param(const gv_param *param, bool is_other)
{
    char range[RANGE_SIZE];
    print_range(param, range);
    const char *unit = param->unit == NULL ? "" : param->unit;
    const bool is_duration = param->kind == GV_PARAM_DURATION && !is_other;
    printf("  %-21s %-14s %s%s%s%s%s\n", param->name, default_of(param),
           is_other ? "" : param_kinds[param->kind], range[0] == '\0' ? "" : ", ", range,
           unit[0] == '\0' ? "" : (is_other ? "" : " "), is_duration ? " (s)" : unit);
    printf("      %s\n", param->help);
    if (param->source != NULL) {
        printf("      Source: %s\n", param->source);
    }
}

static void print_presets(const gv_preset *presets)
{
    for (const gv_preset *preset = presets; preset != NULL && preset->name != NULL; preset++) {
        printf("\n  --preset %s: %s\n     ", preset->name, preset->summary);
        for (const char *const *value = preset->values; *value != NULL; value++) {
            printf(" %s", *value);
        }
        (void)putchar('\n');
    }
}

static void print_entry(const plugged *entry)
{
    printf("%s: %s\n", entry->info->name, entry->info->summary);
    if (entry->info->source != NULL) {
        printf("Source: %s\n", entry->info->source);
    }
    const bool has_rows = entry->info->params != NULL || entry->others != NULL;
    printf(has_rows ? "\n  %-21s %-14s %s\n" : "\nNothing can be set on it.\n", "name", "default",
           "range and unit");
    for (const gv_param *row = entry->others; row != NULL && row->name != NULL; row++) {
        print_param(row, true);
    }
    for (const gv_param *row = entry->info->params; row != NULL && row->name != NULL; row++) {
        print_param(row, false);
    }
    print_presets(entry->presets);
}

static void print_kind(const plugin_kind *kind)
{
    plugged entries[ENTRIES_MAX];
    const size_t count = kind->fill(entries);
    printf("%s: %s\n", kind->name, kind->summary);
    for (size_t i = 0; i < count; i++) {
        printf("  %-18s %s\n", entries[i].info->name, entries[i].info->summary);
    }
}

static void set_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, text == NULL ? json_null() : json_string(text));
}

static void set_bound(json_t *object, const char *key, double bound, bool is_bounded)
{
    const bool is_number = is_bounded && isfinite(bound);
    (void)json_object_set_new(object, key, is_number ? json_real(bound) : json_null());
}

static json_t *param_json(const gv_param *param, bool is_other)
{
    json_t *object = json_object();
    const bool is_bounded = param->minimum != 0 || param->maximum != 0;
    set_text(object, "name", param->name);
    set_text(object, "kind", is_other ? "structure" : param_kinds[param->kind]);
    set_text(object, "unit", param->unit);
    set_text(object, "default", param->fallback);
    (void)json_object_set_new(object, "required", json_boolean(param->fallback == NULL));
    set_bound(object, "minimum", param->minimum, is_bounded);
    set_bound(object, "maximum", param->maximum, is_bounded);
    if (param->choices != NULL) {
        json_t *choices = json_array();
        for (size_t i = 0; param->choices[i] != NULL; i++) {
            (void)json_array_append_new(choices, json_string(param->choices[i]));
        }
        (void)json_object_set_new(object, "choices", choices);
    }
    set_text(object, "help", param->help);
    set_text(object, "source", param->source);
    return object;
}

static json_t *presets_json(const gv_preset *presets)
{
    json_t *object = json_object();
    for (const gv_preset *preset = presets; preset->name != NULL; preset++) {
        json_t *values = json_array();
        for (const char *const *value = preset->values; *value != NULL; value++) {
            (void)json_array_append_new(values, json_string(*value));
        }
        (void)json_object_set_new(object, preset->name, values);
    }
    return object;
}

static json_t *entry_json(const plugged *entry)
{
    json_t *object = json_object();
    json_t *params = json_array();
    set_text(object, "name", entry->info->name);
    set_text(object, "summary", entry->info->summary);
    set_text(object, "source", entry->info->source);
    for (const gv_param *row = entry->others; row != NULL && row->name != NULL; row++) {
        (void)json_array_append_new(params, param_json(row, true));
    }
    for (const gv_param *row = entry->info->params; row != NULL && row->name != NULL; row++) {
        (void)json_array_append_new(params, param_json(row, false));
    }
    (void)json_object_set_new(object, "parameters", params);
    if (entry->presets != NULL) {
        (void)json_object_set_new(object, "presets", presets_json(entry->presets));
    }
    return object;
}

static json_t *kind_json(const plugin_kind *kind)
{
    plugged entries[ENTRIES_MAX];
    const size_t count = kind->fill(entries);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, entry_json(&entries[i]));
    }
    return list;
}

static void print_json(json_t *value)
{
    (void)json_dumpf(value, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(value);
}

static const plugin_kind *find_kind(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const bool also = kinds[i].also != NULL && strcmp(kinds[i].also, name) == 0;
        if (also || strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* The rest of the sentence that there is no such name. */
static int suggest(const char *name, const char *const *names, size_t count)
{
    const char *nearest = gv_param_nearest(names, count, name);
    if (nearest != NULL) {
        (void)fprintf(stderr, "did you mean '%s'?\n", nearest);
        return GV_EXIT_USAGE;
    }
    (void)fputs("there are:", stderr);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(stderr, " %s", names[i]);
    }
    (void)fputc('\n', stderr);
    return GV_EXIT_USAGE;
}

static int list_entry(const plugin_kind *kind, const char *name, bool as_json)
{
    plugged entries[ENTRIES_MAX];
    const char *names[ENTRIES_MAX];
    const size_t count = kind->fill(entries);
    for (size_t i = 0; i < count; i++) {
        names[i] = entries[i].info->name;
        if (strcmp(names[i], name) != 0) {
            continue;
        }
        if (as_json) {
            print_json(entry_json(&entries[i]));
        } else {
            print_entry(&entries[i]);
        }
        return gv_cli_finish(GV_EXIT_DONE);
    }
    (void)fprintf(stderr, "gavel list: there is no '%s' under %s; ", name, kind->name);
    return suggest(name, names, count);
}

static int list_all(bool as_json)
{
    json_t *all = as_json ? json_object() : NULL;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (as_json) {
            (void)json_object_set_new(all, kinds[i].name, kind_json(&kinds[i]));
        } else {
            (void)fputs(i == 0 ? "" : "\n", stdout);
            print_kind(&kinds[i]);
        }
    }
    if (as_json) {
        print_json(all);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

static int list_kind(const char *name, bool as_json)
{
    const plugin_kind *kind = find_kind(name);
    if (kind == NULL) {
        const char *names[KIND_COUNT];
        for (size_t i = 0; i < KIND_COUNT; i++) {
            names[i] = kinds[i].name;
        }
        (void)fprintf(stderr, "gavel list: there is no kind '%s'; ", name);
        return suggest(name, names, KIND_COUNT);
    }
    if (as_json) {
        print_json(kind_json(kind));
    } else {
        print_kind(kind);
        (void)printf("\n`gavel list %s NAME` shows what can be set on one.\n", kind->name);
    }
    return gv_cli_finish(GV_EXIT_DONE);
}

typedef struct list_request {
    const char *kind;
    const char *name;
    bool as_json;
} list_request;

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "As JSON", 0},
    {0},
};

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    list_request *request = state->input;
    if (key == KEY_JSON) {
        request->as_json = true;
        return 0;
    }
    if (key != ARGP_KEY_ARG) {
        return ARGP_ERR_UNKNOWN;
    }
    if (request->name != NULL) {
        argp_error(state, "one at a time: '%s' is too many", argument);
    }
    if (request->kind == NULL) {
        request->kind = argument;
    } else {
        request->name = argument;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = take_option,
    .args_doc = "[KIND [NAME]]",
    .doc = "Lists policies, mechanisms, traffic, predictors, readers and the keys of scenarios and "
           "sweeps, with their parameters: default, range, unit, source.\v"
           "Example:\n  gavel list policies\n  gavel list policies pid\n  gavel list scenario log",
};

static int run(int argc, char **argv)
{
    list_request request = {.kind = NULL};
    if (argp_parse(&parser, argc, argv, 0, NULL, &request) != 0) {
        return GV_EXIT_USAGE;
    }
    if (request.kind == NULL) {
        return list_all(request.as_json);
    }
    if (request.name == NULL) {
        return list_kind(request.kind, request.as_json);
    }
    const plugin_kind *kind = find_kind(request.kind);
    return kind == NULL ? list_kind(request.kind, request.as_json)
                        : list_entry(kind, request.name, request.as_json);
}

const gv_command gv_command_list = {
    .name = "list",
    .summary = "list everything that plugs in, with its parameters",
    .run = run,
};
