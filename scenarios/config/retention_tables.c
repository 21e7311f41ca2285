/* What a scenario of retention may say, as parameter tables. */
#include <math.h>

#include "scenarios/config/retention.h"

#define OF(type, field) .offset = offsetof(type, field)

const char *const gv_winback_aims[] = {[GV_AIM_REACH] = "reach",
                                       [GV_AIM_CLICKS] = "clicks",
                                       [GV_AIM_RETENTION] = "retention",
                                       [GV_AIM_RETENTION + 1] = NULL};

static const char *const models[] = {GV_RETENTION_TRUTH, NULL};

static const gv_param top_rows[] = {
    {.name = "name",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_retention_top, name),
     .help = "What the run is called in outcomes; auto: retention."},
    {.name = "seed",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1",
     .minimum = 0,
     .maximum = HUGE_VAL,
     OF(gv_retention_top, seed),
     .help = "Of the population: the same seed has the same users."},
    {0},
};

static const gv_param top_others[] = {
    {.name = "population", .unit = "mapping", .fallback = "{}", .help = "The law of the users."},
    {.name = "campaign", .unit = "mapping", .fallback = "{}", .help = "The order."},
    {.name = "policies", .unit = "list of mappings", .help = "Who bids; each on the same users."},
    {0},
};

#define VALUE_ROW(label, field, usual, text)                                              \
    {                                                                                     \
        .name = (label), .kind = GV_PARAM_MONEY, .unit = "currency", .fallback = (usual), \
        .minimum = 0, .maximum = 1e6, OF(gv_retention_campaign, field), .help = (text)    \
    }

static const gv_param campaign_rows[] = {
    {.name = "users",
     .kind = GV_PARAM_INTEGER,
     .fallback = "4000",
     .minimum = 1,
     .maximum = 1e7,
     OF(gv_retention_campaign, users),
     .help = "How many users the campaign may be shown to."},
    {.name = "first_user",
     .kind = GV_PARAM_INTEGER,
     .fallback = "0",
     .minimum = 0,
     .maximum = 4e9,
     OF(gv_retention_campaign, first_user),
     .help = "Number of the first: other users of the same law for training and for test."},
    {.name = "days",
     .kind = GV_PARAM_INTEGER,
     .fallback = "28",
     .minimum = 1,
     .maximum = 3650,
     OF(gv_retention_campaign, days),
     .help = "Days with auctions; then time goes on until every label is known."},
    {.name = "budget",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "auto",
     .minimum = 0,
     .maximum = 1e9,
     OF(gv_retention_campaign, budget_nanos),
     .help = "For all days; auto: none."},
    {.name = "multiplier",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 0,
     .maximum = 1e9,
     OF(gv_retention_campaign, multiplier),
     .help = "Bid over worth on the first day."},
    {.name = "pace",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     OF(gv_retention_campaign, paces),
     .help = "Move the multiplier at midnights towards what spends the budget evenly."},
    VALUE_ROW("click_value", click_nanos, "0.2", "What a click is worth; aim reach: an ad."),
    VALUE_ROW("reentry_value", reentry_nanos, "0", "What a re-entry is worth, stay or not."),
    VALUE_ROW("lifetime_value", lifetime_nanos, "2", "What a retained user is worth."),
    {0},
};

static const gv_param policy_rows[] = {
    {.name = "name",
     .kind = GV_PARAM_TEXT,
     OF(gv_retention_policy, name),
     .help = "What outcomes call it."},
    {.name = "aim",
     .kind = GV_PARAM_CHOICE,
     .fallback = "clicks",
     .choices = gv_winback_aims,
     OF(gv_retention_policy, aim),
     .help = "What it bids on: every ad alike (reach), pCTR x click_value (clicks), or pCTR x pCVR "
             "x (reentry_value + p x lifetime_value), p the model's (retention)."},
    {.name = "model",
     .kind = GV_PARAM_PATH,
     .fallback = "auto",
     .choices = models,
     OF(gv_retention_policy, model),
     .help = "Where p comes from: weights of an ocarm_student, or truth, which is p(y | x). A "
             "teacher is refused at the first bid."},
    {0},
};

static const gv_scenario_section top_section = {
    .info = {.name = "top",
             .summary = "The keys at the top of the file.",
             .params = top_rows,
             .config_size = sizeof(gv_retention_top)},
    .others = top_others,
};

static const gv_scenario_section population_section = {
    .info = {.name = "population",
             .summary = "The law of users who lapse, come back and stay or not.",
             .params = gv_population_params,
             .config_size = sizeof(gv_population_law)},
};

static const gv_scenario_section campaign_section = {
    .info = {.name = "campaign",
             .summary = "The order: which users, how long, for how much, and what they are worth.",
             .params = campaign_rows,
             .config_size = sizeof(gv_retention_campaign)},
};

static const gv_scenario_section policy_section = {
    .info = {.name = "policies",
             .summary = "Each item: one bidder, alone with the order.",
             .params = policy_rows,
             .config_size = sizeof(gv_retention_policy)},
};

const gv_scenario_section *const gv_retention_sections[] = {
    &top_section, &population_section, &campaign_section, &policy_section, NULL,
};
