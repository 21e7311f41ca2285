/* What the market's sections may say; see tables.c. */
#include <math.h>

#include "scenarios/config/scenario.h"
#include "sim/market/exchange.h"

#define OF(type, field) .offset = offsetof(type, field)

static const char *const rivals[] = {[GV_RIVALS_FIXED] = "fixed",
                                     [GV_RIVALS_REACTING] = "reacting",
                                     [GV_RIVALS_REACTING + 1] = NULL};

static const char *const least_costs[] = {[GV_LEAST_COST_OTHERS] = "others",
                                          [GV_LEAST_COST_AUCTIONNET] = "auctionnet",
                                          [GV_LEAST_COST_AUCTIONNET + 1] = NULL};

static const gv_param market_rows[] = {
    {.name = "first_period",
     .kind = GV_PARAM_INTEGER,
     .fallback = "7",
     .minimum = 0,
     .maximum = 16777215,
     OF(gv_market_settings, first_period),
     .help = "Number of the first period; another number is another day: other factors, other "
             "draws. The published logs begin with 7."},
    {.name = "periods",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1",
     .minimum = 1,
     .maximum = 1e6,
     OF(gv_market_settings, periods),
     .help = "How many periods are sold, one after another, each with fresh budgets."},
    {.name = "ticks",
     .kind = GV_PARAM_INTEGER,
     .fallback = "48",
     .minimum = 1,
     .maximum = 1e6,
     OF(gv_market_settings, ticks),
     .help = "Ticks in a period: how often policies plan."},
    {.name = "tick",
     .kind = GV_PARAM_DURATION,
     .fallback = "30min",
     .minimum = 1e-3,
     .maximum = 1e8,
     OF(gv_market_settings, tick_us),
     .help = "Length of a tick."},
    {.name = "slots",
     .kind = GV_PARAM_INTEGER,
     .fallback = "3",
     .minimum = 1,
     .maximum = GV_SLOTS_MAX,
     OF(gv_market_settings, slots),
     .help = "Ad slots of each opportunity."},
    {.name = "cascade",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     OF(gv_market_settings, cascade),
     .help = "A slot is not seen where the one above it was not."},
    {.name = "delay",
     .kind = GV_PARAM_DURATION,
     .fallback = "0",
     .minimum = 0,
     .maximum = 1e8,
     OF(gv_market_settings, delay_us),
     .help = "Mean delay of conversions, exponential; they are visible only then."},
    {.name = "rivals",
     .kind = GV_PARAM_CHOICE,
     .fallback = "fixed",
     .choices = rivals,
     OF(gv_market_settings, rivals),
     .help = "What a contender meets: the offers that the market recorded, or a market that "
             "reacts, sold anew for each advertiser and contender."},
    {.name = "keep_ticks",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     OF(gv_market_settings, keep_ticks),
     .help = "Store every tick of every campaign, which plots of spend in time need."},
    {.name = "history_period",
     .kind = GV_PARAM_INTEGER,
     .fallback = "auto",
     .minimum = 0,
     .maximum = 16777215,
     OF(gv_market_settings, history_period),
     .help = "The period that policies learn from, sold beforehand; auto: the one before the "
             "first. In it those that learn bid their CPA times the value."},
    {.name = "least_cost",
     .kind = GV_PARAM_CHOICE,
     .fallback = "others",
     .choices = least_costs,
     OF(gv_market_settings, least_cost),
     .help = "The least winning cost that policies are told: of the last slot among the others, "
             "or AuctionNet's fault, the offer behind the last slot among all."},
    {.name = "reserve_unsold",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     OF(gv_market_settings, reserve_unsold),
     .help = "AuctionNet's fault: a win that costs exactly the reserve is cancelled."},
    {.name = NULL},
};

static const gv_param market_others[] = {
    {.name = "exposure",
     .unit = "list of probabilities",
     .fallback = "[1, 0.8, 0.6]",
     .help = "For each slot the chance that it is seen, once the one above is."},
    {.name = "contenders",
     .unit = "list of policies",
     .fallback = "[]",
     .help = "Policies by name, each of which takes each advertiser's place in turn; oracles "
             "that see the future may only stand here."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_market_section = {
    .info = {.name = "market",
             .summary = "A simulated market, sold instead of a log.",
             .params = market_rows,
             .config_size = sizeof(gv_market_settings)},
    .others = market_others,
};

static const gv_param traffic_others[] = {
    {.name = "type",
     .unit = "name",
     .fallback = "auctionnet",
     .help = "One of `gavel list traffic`, whose parameters stand beside it."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_traffic_section = {
    .info = {.name = "traffic", .summary = "Where a market's opportunities come from."},
    .others = traffic_others,
};

static const gv_param advertiser_rows[] = {
    {.name = "count",
     .kind = GV_PARAM_INTEGER,
     .fallback = "48",
     .minimum = 1,
     .maximum = GV_RANK_BIDDERS_MAX,
     OF(gv_advertiser_settings, count),
     .help = "Advertisers in the market."},
    {.name = "categories",
     .kind = GV_PARAM_INTEGER,
     .fallback = "6",
     .minimum = 1,
     .maximum = 1e6,
     OF(gv_advertiser_settings, categories),
     .help = "Categories of equal size, neighbours together."},
    {.name = "budget_scale",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 0,
     .maximum = 1e6,
     OF(gv_advertiser_settings, budget_scale),
     .help = "Multiplies every budget: 0.5 to 1.5 are the published budget ratios."},
    {.name = "cpa_scale",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-6,
     .maximum = 1e6,
     OF(gv_advertiser_settings, cpa_scale),
     .help = "Multiplies every CPA: 0.1 goes with ten times the conversions."},
    {.name = "bid_cap",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "auto",
     .minimum = 0,
     .maximum = 1e6,
     OF(gv_advertiser_settings, bid_cap_nanos),
     .help = "No bid is above it; auto: no cap."},
    {.name = NULL},
};

static const gv_param advertiser_others[] = {
    {.name = "budget",
     .unit = "amount in currency, or a list",
     .help = "Of each period; a list is gone through again and again."},
    {.name = "cpa",
     .unit = "amount in currency, or a list",
     .help = "What a conversion may cost on average; 60 to 130 in the published sparse data, 6 "
             "to 12 in the dense."},
    {.name = "policies",
     .unit = "name, or a list",
     .help = "Which of the scenario's policies bids for each."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_advertisers_section = {
    .info = {.name = "advertisers",
             .summary = "Who competes in a market.",
             .params = advertiser_rows,
             .config_size = sizeof(gv_advertiser_settings)},
    .others = advertiser_others,
};
