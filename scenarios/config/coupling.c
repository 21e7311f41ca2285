/* What is believed and what is true: belief and response. */
#include <math.h>
#include <string.h>

#include "scenarios/config/scenario_impl.h"

#define OF(type, field) .offset = offsetof(type, field)

static const gv_param belief_rows[] = {
    {.name = "scale",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-6,
     .maximum = 1e6,
     OF(gv_belief_plan, scale),
     .help = "Factor of the odds: 2 believes small probabilities to be twice what is predicted."},
    {.name = "slope",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 0,
     .maximum = 100,
     OF(gv_belief_plan, slope),
     .help = "Factor of the distance to the mean, in log-odds: overconfident above 1, below it "
             "timid."},
    {.name = "noise",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .minimum = 0,
     .maximum = 100,
     OF(gv_belief_plan, noise),
     .help = "Standard deviation of an error of the log-odds, drawn for each opportunity."},
    {.name = "cold",
     .kind = GV_PARAM_REAL,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1,
     OF(gv_belief_plan, cold),
     .help = "Share of which nothing is known: believed to be like the mean."},
    {.name = "cold_by",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_belief_plan, cold_by),
     .help = "A column such as creative, of whose values that share is cold; auto: of "
             "opportunities."},
    {.name = "mean",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .minimum = 1e-12,
     .maximum = 0.999999,
     OF(gv_belief_plan, mean),
     .help = "What slope and cold draw to; auto: the mean prediction over the history."},
    {.name = "stale",
     .kind = GV_PARAM_DURATION,
     .fallback = "0",
     .minimum = 0,
     .maximum = 3e9,
     OF(gv_belief_plan, stale_us),
     .help = "The predictor was fitted on what lies so long before the history's end: 2 d."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_belief_section = {
    .info = {.name = "belief",
             .summary = "How what is believed of a click differs from what is predicted: a worse "
                        "predictor.",
             .params = belief_rows,
             .config_size = sizeof(gv_belief_plan)},
};

static const gv_param response_rows[] = {
    {.name = "click_delay",
     .kind = GV_PARAM_DURATION,
     .fallback = "0",
     .minimum = 0,
     .maximum = 3e9,
     OF(gv_response_plan, click_delay_us),
     .help = "Mean of the exponential time from an impression to its click, where clicks are "
             "drawn."},
    {.name = "conversion_delay",
     .kind = GV_PARAM_DURATION,
     .fallback = "0",
     .minimum = 0,
     .maximum = 3e9,
     OF(gv_response_plan, conversion_delay_us),
     .help = "Mean of the exponential time from a click to its conversion, likewise."},
    {.name = NULL},
};

static const char *const type_key[] = {"type", NULL};

static const gv_param response_others[] = {
    {.name = "type",
     .unit = "name",
     .fallback = "logged",
     .help = "logged: the clicks of the log; predicted: drawn by what is predicted, before "
             "`belief` disturbs it; or one of `gavel list predictors`, whose parameters stand "
             "beside it, to draw them by."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_response_section = {
    .info = {.name = "response",
             .summary = "What users really do, apart from what is believed of them.",
             .params = response_rows,
             .config_size = sizeof(gv_response_plan)},
    .others = response_others,
};

gv_status gv_scenario_read_belief(gv_scenario *scenario, const gv_reading *reading)
{
    gv_section *section = &scenario->belief_section;
    const size_t node = gv_tree_find(reading->tree, 0, "belief");
    section->path = "belief";
    if (node == GV_TREE_NONE) {
        return GV_OK;
    }
    GV_TRY(gv_section_read(reading, node, &gv_scenario_belief_section.info, NULL, section));
    scenario->belief = section->config;
    return GV_OK;
}

static const char logged_name[] = "logged";
static const char predicted_name[] = "predicted";

/* The predictors, but for the log's own column, whose name stands for its clicks here. */
static void refuse(const gv_reading *reading, size_t node, const char *name)
{
    const char *names[GV_SCENARIO_TYPES_MAX] = {logged_name, predicted_name};
    size_t count = 2;
    for (size_t i = 0; gv_predictor_types[i] != NULL && count < GV_SCENARIO_TYPES_MAX; i++) {
        if (strcmp(gv_predictor_types[i]->info.name, logged_name) != 0) {
            names[count++] = gv_predictor_types[i]->info.name;
        }
    }
    gv_scenario_refuse_type(reading, node, "response", name, names, count);
}

/* Names of the rows of both tables and `type`: each section leaves the other's alone. */
static gv_status read_rows(gv_scenario *scenario, const gv_reading *reading, size_t node,
                           const gv_type_info *truth)
{
    const char *of_truth[GV_SCENARIO_TYPES_MAX] = {"type"};
    const char *of_response[GV_SCENARIO_TYPES_MAX] = {"type"};
    size_t count = 1;
    for (const gv_param *row = truth->params; row != NULL && row->name != NULL; row++) {
        if (count < GV_SCENARIO_TYPES_MAX - 1) {
            of_truth[count++] = row->name;
        }
    }
    for (size_t i = 0; response_rows[i].name != NULL; i++) {
        of_response[i + 1] = response_rows[i].name;
    }
    GV_TRY(gv_section_read(reading, node, &gv_scenario_response_section.info, of_truth,
                           &scenario->response_section));
    return gv_section_read(reading, node, truth, of_response, &scenario->truth_section);
}

gv_status gv_scenario_read_response(gv_scenario *scenario, const gv_reading *reading)
{
    static const gv_type_info predicted = {.name = predicted_name};
    gv_section *section = &scenario->response_section;
    const size_t node = gv_tree_find(reading->tree, 0, "response");
    section->path = "response";
    scenario->truth_section.path = "response";
    if (node == GV_TREE_NONE) {
        return GV_OK;
    }
    const char *word = gv_section_word(reading, node, "type", "response");
    const char *name = word == NULL ? logged_name : word;
    if (strcmp(name, logged_name) == 0) {
        static const gv_type_info logged = {.name = logged_name};
        return gv_section_read(reading, node, &logged, type_key, section);
    }
    if (strcmp(name, predicted_name) != 0) {
        scenario->truth = gv_predictor_find(name);
        if (scenario->truth == NULL) {
            refuse(reading, node, name);
            return GV_OK;
        }
    }
    GV_TRY(gv_scenario_keep_word(reading, node, section, "type", name));
    GV_TRY(read_rows(scenario, reading, node,
                     scenario->truth == NULL ? &predicted : &scenario->truth->info));
    scenario->response = section->config;
    return gv_scenario_resolve_paths(scenario, &scenario->truth_section);
}
