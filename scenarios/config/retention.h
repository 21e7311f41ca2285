/*
 * retention.h - a scenario of users who are to be won back: who they are, the order, who bids.
 *
 *   name: retention
 *   seed: 1
 *   population: {chances: 1, signal: 0.3}
 *   campaign:   {users: 4000, days: 28, budget: 60, lifetime_value: 1}
 *   policies:
 *     - {name: clicks, aim: clicks}
 *     - {name: taught, aim: retention, model: student.safetensors}
 *
 * Each policy has the whole order to itself, on the same users. The tables behind it are
 * gv_retention_sections, which `gavel list retention` prints; all problems are found in one
 * reading. For `gavel run` and `gavel retention play`.
 */
#ifndef SCENARIOS_CONFIG_RETENTION_H
#define SCENARIOS_CONFIG_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenarios/config/print.h"
#include "scenarios/config/problem.h"
#include "scenarios/config/scenario.h"
#include "scenarios/config/section.h"
#include "scenarios/config/tree.h"
#include "sim/market/population.h"
#include "sim/market/winback.h"

typedef struct gv_retention_top {
    const char *name; /* NULL: not given */
    int64_t seed;
} gv_retention_top;

typedef struct gv_retention_campaign {
    int64_t users;
    int64_t first_user;
    int64_t days;
    int64_t budget_nanos; /* GV_PARAM_UNSET: none */
    double multiplier;
    int64_t click_nanos;
    int64_t reentry_nanos;
    int64_t lifetime_nanos;
    bool paces;
} gv_retention_campaign;

/* What `model` says where it is no file. */
#define GV_RETENTION_TRUTH "truth"

typedef struct gv_retention_policy {
    const char *name;
    const char *model; /* aim retention: the path of weights, or GV_RETENTION_TRUTH; else NULL */
    int32_t aim;       /* gv_winback_aim */
} gv_retention_policy;

typedef struct gv_retention_plan {
    const char *path;
    gv_retention_top *top;
    gv_population_law *law;
    gv_retention_campaign *campaign;
    gv_retention_policy **policies; /* [policy_count], at least one */
    size_t policy_count;
    gv_section top_section;
    gv_section law_section;
    gv_section campaign_section;
    gv_section *policy_sections; /* [policy_count] */
    gv_problems problems;
    gv_region region; /* holds all of the above */
} gv_retention_plan;

extern const char *const gv_winback_aims[]; /* by gv_winback_aim, NULL-ended */

extern const gv_scenario_section *const gv_retention_sections[]; /* all, then NULL */

/* As gv_scenario_load(). */
GV_MUST_CHECK gv_status gv_retention_load(const char *path, const char *const *sets,
                                          size_t set_count, gv_retention_plan **out);
GV_MUST_CHECK gv_status gv_retention_parse(const char *path, const char *text, size_t size,
                                           const char *const *sets, size_t set_count,
                                           gv_retention_plan **out);
void gv_retention_plan_destroy(gv_retention_plan *plan); /* accepts NULL */

/*
 * Whether a text, or its tree, is a scenario of retention: the top has a `campaign` or a
 * `population`, and neither log, market nor campaigns. False, too, where it is no YAML.
 */
GV_MUST_CHECK gv_status gv_retention_recognise(const char *text, size_t size, bool *is_retention);
bool gv_retention_fits(const gv_tree *tree);

/* All values in the order of the file, as gv_scenario_values(). */
GV_MUST_CHECK gv_status gv_retention_values(const gv_retention_plan *plan, gv_region *region,
                                            const gv_scenario_value **values, size_t *count);

/* Every value as "section.key: value", one a line, defaults included; lives in the plan. */
GV_MUST_CHECK gv_status gv_retention_text(gv_retention_plan *plan, const char **text);

#endif
