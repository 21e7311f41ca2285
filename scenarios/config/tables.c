/* What a scenario may say, as parameter tables: the one source for checks and `gavel list`. */
#include <math.h>

#include "scenarios/config/scenario.h"

#define OF(type, field) .offset = offsetof(type, field)

static const gv_param top_rows[] = {
    {.name = "name",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_scenario_top, name),
     .help = "What the run is called in outcomes; auto: the file's name."},
    {.name = "seed",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1",
     .minimum = 0,
     .maximum = HUGE_VAL,
     OF(gv_scenario_top, seed),
     .help = "Root of every random stream; the same seed gives the same outcome to the byte."},
    {.name = "zone",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_scenario_top, zone),
     .help = "Of times in this file, midnights and hours, such as UTC+8; auto: UTC for times in "
             "this file, the log's for midnights and hours."},
    {.name = NULL},
};

static const gv_param top_others[] = {
    {.name = "log",
     .unit = "mapping",
     .help = "The auctions to replay, `list scenario log`; or else:"},
    {.name = "market",
     .unit = "mapping",
     .help = "A simulated market, with traffic and advertisers."},
    {.name = "traffic",
     .unit = "mapping",
     .fallback = "{type: auctionnet}",
     .help = "Where the opportunities of a market come from."},
    {.name = "advertisers", .unit = "mapping", .help = "Who competes in a market."},
    {.name = "history",
     .unit = "mapping",
     .fallback = "none",
     .help = "What policies and predictors learn from."},
    {.name = "predictor",
     .unit = "mapping",
     .fallback = "{type: logged}",
     .help = "What each auction's click probability is believed to be."},
    {.name = "belief",
     .unit = "mapping",
     .fallback = "none",
     .help = "How what is believed, and bid by, differs from what is predicted."},
    {.name = "response",
     .unit = "mapping",
     .fallback = "{type: logged}",
     .help = "What users really do."},
    {.name = "exploration",
     .unit = "mapping",
     .fallback = "none",
     .help = "How bids are varied at random, for a log that can judge other bids."},
    {.name = "mechanism",
     .unit = "mapping",
     .fallback = "{type: second_price}",
     .help = "Who wins and what a winner pays."},
    {.name = "campaigns", .unit = "list of mappings", .help = "Advertisers' orders."},
    {.name = "policies", .unit = "list of mappings", .help = "What bids for them."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_top_section = {
    .info = {.name = "top",
             .summary = "The keys at the top of the file.",
             .params = top_rows,
             .config_size = sizeof(gv_scenario_top)},
    .others = top_others,
};

static const char *const rivals[] =
    {[GV_RIVAL_PRICE] = "price", [GV_RIVAL_BID] = "bid", [GV_RIVAL_BID + 1] = NULL};

static const gv_param log_rows[] = {
    {.name = "path",
     .kind = GV_PARAM_TEXT,
     OF(gv_log_plan, path),
     .help = "A .gvlog, or raw files by a pattern such as 'data/{imp,clk}.*'. ${NAME} and "
             "${NAME:-default} are replaced; relative to this file, from --set to where one is."},
    {.name = "format",
     .kind = GV_PARAM_TEXT,
     .fallback = "gvlog",
     OF(gv_log_plan, format),
     .help = "gvlog, or a raw format (`gavel list readers`), which is ingested on the fly; a path "
             "that ends in .gvlog is one in any case."},
    {.name = "mapping",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_log_plan, mapping),
     .help = "The mapping file of a format that needs one; relative to this file."},
    {.name = "from",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_log_plan, from_us),
     .help = "Start of the span that is replayed; auto: the log's beginning."},
    {.name = "to",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_log_plan, to_us),
     .help = "Its end, itself not included; auto: the log's end."},
    {.name = "rival",
     .kind = GV_PARAM_CHOICE,
     .fallback = "price",
     .choices = rivals,
     OF(gv_log_plan, rival),
     .help = "Which logged column the rival offers: the price paid, or the bid where only that is "
             "known."},
    {.name = "floor",
     .kind = GV_PARAM_SWITCH,
     .fallback = "off",
     OF(gv_log_plan, use_floor),
     .help = "Apply the logged floor prices."},
    {.name = "max_rejects",
     .kind = GV_PARAM_REAL,
     .fallback = "0.01",
     .minimum = 0,
     .maximum = 1,
     OF(gv_log_plan, rejects_max),
     .help = "Share of malformed rows at which an ingest on the fly fails."},
    {.name = NULL},
};

static const gv_param log_others[] = {
    {.name = "where",
     .unit = "mapping of column to value",
     .fallback = "{}",
     .help = "Replay only the rows that match: {exchange: 2}. Campaigns add their own."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_log_section = {
    .info = {.name = "log",
             .summary = "The auctions that are replayed.",
             .params = log_rows,
             .config_size = sizeof(gv_log_plan)},
    .others = log_others,
};

static const gv_param history_rows[] = {
    {.name = "path",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_history_plan, path),
     .help = "As log.path; auto: the log itself, over an earlier span."},
    {.name = "format",
     .kind = GV_PARAM_TEXT,
     .fallback = "gvlog",
     OF(gv_history_plan, format),
     .help = "As log.format, or rlb-info: totals and price counts in JSON, without auctions."},
    {.name = "mapping",
     .kind = GV_PARAM_TEXT,
     .fallback = "auto",
     OF(gv_history_plan, mapping),
     .help = "The mapping file of a format that needs one."},
    {.name = "from",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_history_plan, from_us),
     .help = "Start of the span that is learnt from; auto: its log's beginning."},
    {.name = "to",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_history_plan, to_us),
     .help = "Its end; auto: the start of the first campaign. It must not reach into a campaign."},
    {.name = "share",
     .kind = GV_PARAM_REAL,
     .fallback = "auto",
     .minimum = 0.001,
     .maximum = 0.999,
     OF(gv_history_plan, share),
     .help =
         "Instead of history.to and log.from: this first part of the log's time is learnt from, "
         "and the rest is replayed."},
    {.name = "impression_weight",
     .kind = GV_PARAM_REAL,
     .fallback = "1",
     .minimum = 1e-6,
     .maximum = 1e9,
     OF(gv_history_plan, impression_weight),
     .help = "How many impressions each logged one stands for, clicks being complete: 1/0.00343 "
             "for a sample of 0.343 %."},
    {.name = "price_step",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "1",
     .minimum = 1e-6,
     .maximum = 1e6,
     OF(gv_history_plan, price_step_nanos),
     .help = "Width of the bins in which market prices are counted."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_history_section = {
    .info = {.name = "history",
             .summary = "What policies and predictors learn from; it ends before campaigns start.",
             .params = history_rows,
             .config_size = sizeof(gv_history_plan)},
};

static const gv_param predictor_others[] = {
    {.name = "type",
     .unit = "name",
     .fallback = "logged",
     .help = "logged (the log's own predictions) or one of `gavel list predictors`, whose "
             "parameters stand beside it."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_predictor_section = {
    .info = {.name = "predictor", .summary = "Click probabilities at bid time."},
    .others = predictor_others,
};

static const gv_param mechanism_others[] = {
    {.name = "type",
     .unit = "name",
     .fallback = "second_price",
     .help = "One of `gavel list mechanisms`, whose parameters stand beside it."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_mechanism_section = {
    .info = {.name = "mechanism", .summary = "Who wins and what a winner pays."},
    .others = mechanism_others,
};

static const char *const episodes[] = {[GV_EPISODE_WHOLE] = "whole",
                                       [GV_EPISODE_DAILY] = "daily",
                                       [GV_EPISODE_AUCTIONS] = "auctions",
                                       [GV_EPISODE_AUCTIONS + 1] = NULL};

static const gv_param campaign_rows[] = {
    {.name = "start",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_campaign_settings, start_us),
     .help = "First moment; auto: log.from."},
    {.name = "end",
     .kind = GV_PARAM_TIME,
     .fallback = "auto",
     OF(gv_campaign_settings, end_us),
     .help = "Moment behind the last; auto: log.to."},
    {.name = "bid_cap",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "auto",
     .minimum = 0,
     .maximum = 1e9,
     OF(gv_campaign_settings, bid_cap_nanos),
     .help = "No bid is above it; auto: no cap."},
    {.name = "episode",
     .kind = GV_PARAM_CHOICE,
     .fallback = "whole",
     .choices = episodes,
     OF(gv_campaign_settings, episode),
     .help = "When the budget is given anew: never, at local midnight, every episode_auctions."},
    {.name = "episode_auctions",
     .kind = GV_PARAM_INTEGER,
     .fallback = "1000",
     .minimum = 1,
     .maximum = 1e15,
     OF(gv_campaign_settings, episode_auctions),
     .help = "Auctions in an episode, where episode is auctions."},
    {.name = "tick",
     .kind = GV_PARAM_DURATION,
     .fallback = "auto",
     .minimum = 1e-6,
     .maximum = 3e9,
     OF(gv_campaign_settings, tick_us),
     .help = "How often policies plan and spend is recorded; auto: 30 min, or a hundredth of a "
             "span that has no real times or is short."},
    {.name = "click_value",
     .kind = GV_PARAM_MONEY,
     .unit = "currency",
     .fallback = "auto",
     .minimum = 0,
     .maximum = 1e6,
     OF(gv_campaign_settings, click_nanos),
     .help = "What a click is worth to the advertiser; auto: not said."},
    {.name = NULL},
};

static const gv_param campaign_others[] = {
    {.name = "name", .unit = "name", .help = "What outcomes call it."},
    {.name = "where",
     .unit = "mapping of column to value",
     .fallback = "{}",
     .help = "The rows of the log that it may bid on: {advertiser: 1458}."},
    {.name = "budget",
     .unit = "amount in currency, or a list",
     .fallback = "none",
     .help = "Of each episode: 25, 1969 CPM, [10, 20]. 0 buys nothing but what is free."},
    {.name = "budget_share",
     .unit = "fraction, or a list",
     .fallback = "none",
     .help = "Instead: parts of what its auctions cost in the log: [1/2, 1/8]."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_campaign_section = {
    .info = {.name = "campaigns",
             .summary = "Each item: one advertiser's order, at one or several budgets.",
             .params = campaign_rows,
             .config_size = sizeof(gv_campaign_settings)},
    .others = campaign_others,
};

static const gv_param policy_others[] = {
    {.name = "type",
     .unit = "name",
     .help = "One of `gavel list policies`, whose parameters stand beside it."},
    {.name = "name", .unit = "name", .fallback = "the type", .help = "What outcomes call it."},
    {.name = NULL},
};

const gv_scenario_section gv_scenario_policy_section = {
    .info = {.name = "policies", .summary = "Each item: one bidding policy with its parameters."},
    .others = policy_others,
};

const gv_scenario_section *const gv_scenario_sections[] = {
    &gv_scenario_top_section,         &gv_scenario_log_section,
    &gv_scenario_history_section,     &gv_scenario_predictor_section,
    &gv_scenario_belief_section,      &gv_scenario_response_section,
    &gv_scenario_exploration_section, &gv_scenario_mechanism_section,
    &gv_scenario_campaign_section,    &gv_scenario_policy_section,
    &gv_scenario_market_section,      &gv_scenario_traffic_section,
    &gv_scenario_advertisers_section, NULL,
};
