/*
 * scenario.h - a scenario: which auctions, which past, which campaigns, which policies.
 *
 *   name: june
 *   zone: UTC+8
 *   log:        {path: june.gvlog, from: 2013-06-11, to: 2013-06-13}
 *   history:    {from: 2013-06-06, to: 2013-06-11}
 *   predictor:  {type: historical_rate}
 *   mechanism:  {type: second_price}
 *   campaigns:
 *     - {name: a1458, where: {advertiser: 1458}, budget_share: [1/2, 1/8], episode: daily}
 *   policies:
 *     - {type: linear}
 *     - {name: lin-10, type: linear, b0: 10}
 *
 * Every campaign at every budget under every policy is one cell of the run. A scenario with a
 * `market:` sells a simulated market instead, see market.h. The file is typed by
 * parameter tables (gv_scenario_sections and the tables of the types), which are also what
 * `gavel list scenario` prints. All problems are found in one reading.
 */
#ifndef SCENARIOS_CONFIG_SCENARIO_H
#define SCENARIOS_CONFIG_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/predict/predictors.h"
#include "policies/policies.h"
#include "scenarios/config/market.h"
#include "scenarios/config/problem.h"
#include "scenarios/config/section.h"
#include "sim/market/exploration.h"
#include "sim/market/logged.h"
#include "sim/market/mechanism.h"

typedef struct gv_scenario_top {
    const char *name; /* NULL: not given */
    int64_t seed;
    const char *zone; /* NULL: the log's */
} gv_scenario_top;

typedef struct gv_log_plan {
    const char *path; /* may be a pattern of several raw files */
    const char *format;
    const char *mapping;
    int64_t from_us; /* GV_PARAM_UNSET: the log's beginning, end */
    int64_t to_us;
    int32_t rival; /* gv_rival_kind */
    bool use_floor;
    double rejects_max;
} gv_log_plan;

typedef struct gv_history_plan {
    const char *path; /* NULL: the scenario's log */
    const char *format;
    const char *mapping;
    int64_t from_us; /* GV_PARAM_UNSET: the beginning; the first campaign's start */
    int64_t to_us;
    double share; /* NaN: not given */
    double impression_weight;
    int64_t price_step_nanos;
} gv_history_plan;

/* How what is believed differs from what is predicted, see belief.h. */
typedef struct gv_belief_plan {
    double scale;
    double slope;
    double noise;
    double cold;
    const char *cold_by; /* NULL: each opportunity by itself */
    double mean;         /* NaN: of the history */
    int64_t stale_us;    /* the predictor was fitted so long before the history's end */
} gv_belief_plan;

/* What users do, see gv_truth. */
typedef struct gv_response_plan {
    int64_t click_delay_us; /* means */
    int64_t conversion_delay_us;
} gv_response_plan;

typedef struct gv_exploration_plan {
    gv_exploration law;
    int64_t advertiser; /* of a market, whose bids are varied; GV_PARAM_UNSET: it is a replay */
} gv_exploration_plan;

/* The law; NULL: policies bid as they mean. */
static inline const gv_exploration *gv_exploration_of(const gv_exploration_plan *plan)
{
    return plan == NULL ? NULL : &plan->law;
}

typedef struct gv_campaign_settings {
    int64_t start_us;
    int64_t end_us;
    int64_t bid_cap_nanos;
    int32_t episode; /* gv_episode_kind */
    int64_t episode_auctions;
    int64_t tick_us;
    int64_t click_nanos;
} gv_campaign_settings;

/* One of a campaign's budgets: an amount, or a share of what the logged span cost. */
typedef struct gv_budget {
    const char *label; /* as written: "1/8", "1969 CPM" */
    double share;      /* NaN: `nanos` is the amount */
    int64_t nanos;
    gv_mark mark;
} gv_budget;

typedef struct gv_campaign_plan {
    const char *name;
    gv_campaign_settings *settings;
    gv_section section;
    const gv_filter *filters; /* [filter_count] */
    size_t filter_count;
    const gv_budget *budgets; /* [budget_count], at least one */
    size_t budget_count;
} gv_campaign_plan;

typedef struct gv_policy_plan {
    const char *name;
    const gv_policy_type *type;
    gv_section section; /* its config is the type's */
} gv_policy_plan;

typedef struct gv_scenario {
    const char *path;
    gv_scenario_top *top;
    gv_log_plan *log;         /* NULL: the scenario has a market */
    gv_history_plan *history; /* NULL: the scenario has none */
    const gv_filter *log_filters;
    size_t log_filter_count;
    const gv_predictor_type *predictor; /* NULL: the log's own predictions */
    gv_belief_plan *belief;             /* NULL: what is predicted is believed */
    gv_response_plan *response;         /* NULL: clicks and conversions are the logged ones */
    gv_exploration_plan *exploration;   /* NULL: policies bid as they mean */
    const gv_predictor_type *truth;     /* NULL: they are drawn by what is predicted */
    gv_mechanism *mechanism;
    gv_market_plan *market;      /* NULL: the scenario replays a log */
    gv_campaign_plan *campaigns; /* [campaign_count]; none in a market */
    size_t campaign_count;
    gv_policy_plan *policies; /* [policy_count] */
    size_t policy_count;
    gv_section top_section;
    gv_section log_section;
    gv_section history_section;
    gv_section predictor_section;
    gv_section belief_section;
    gv_section response_section;
    gv_section truth_section; /* the rows of the response's type */
    gv_section exploration_section;
    gv_section mechanism_section;
    gv_problems problems;
    gv_region region; /* holds all of the above */
} gv_scenario;

/* A section of the file for `gavel list`: rows of values, and keys that are no plain values. */
typedef struct gv_scenario_section {
    gv_type_info info;
    const gv_param *others; /* their `unit` says what shape they have; NULL: none */
} gv_scenario_section;

extern const gv_scenario_section *const gv_scenario_sections[]; /* all, then NULL */

/* One by one, in the order of a file. */
extern const gv_scenario_section gv_scenario_top_section;
extern const gv_scenario_section gv_scenario_log_section;
extern const gv_scenario_section gv_scenario_history_section;
extern const gv_scenario_section gv_scenario_predictor_section;
extern const gv_scenario_section gv_scenario_belief_section;
extern const gv_scenario_section gv_scenario_response_section;
extern const gv_scenario_section gv_scenario_exploration_section;
extern const gv_scenario_section gv_scenario_mechanism_section;
extern const gv_scenario_section gv_scenario_campaign_section;
extern const gv_scenario_section gv_scenario_policy_section;
extern const gv_scenario_section gv_scenario_market_section;
extern const gv_scenario_section gv_scenario_traffic_section;
extern const gv_scenario_section gv_scenario_advertisers_section;

/*
 * Reads the scenario at `path` with the --set arguments put over it, [set_count], in order. Both
 * outlive the scenario. GV_EUSAGE: it has problems, which the caller prints; the scenario is to
 * be freed by gv_scenario_destroy() in any case where *out is not NULL.
 */
GV_MUST_CHECK gv_status gv_scenario_load(const char *path, const char *const *sets,
                                         size_t set_count, gv_scenario **out);

/* The same from a text, which outlives the scenario: for tests and fuzzing. */
GV_MUST_CHECK gv_status gv_scenario_parse(const char *path, const char *text, size_t size,
                                          const char *const *sets, size_t set_count,
                                          gv_scenario **out);

void gv_scenario_destroy(gv_scenario *scenario); /* accepts NULL */

/* The offset of local times: the scenario's zone, or 0 while it leaves that to the log. */
int64_t gv_scenario_zone_us(const gv_scenario *scenario);

#endif
