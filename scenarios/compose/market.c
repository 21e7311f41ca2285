#include "scenarios/compose/market.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/market/future.h"
#include "sim/market/lesson.h"

enum { TICKS_IN_ALL_MAX = 100000000 };

/* A period has fewer opportunities than 2 to this. */
enum { PERIOD_SHIFT = 40 };

static gv_status no_memory(void)
{
    return GV_FAIL(GV_ENOMEM, "no memory for a market");
}

static uint64_t seed_of(const gv_market *market)
{
    return (uint64_t)market->scenario->top->seed;
}

/* ---- who competes ---------------------------------------------------------------------------- */

static const gv_policy_plan *find_policy(gv_scenario *scenario, const char *where,
                                         const gv_list_item *item)
{
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < scenario->policy_count; i++) {
        if (strcmp(scenario->policies[i].name, item->text) == 0) {
            return &scenario->policies[i];
        }
        if (count < sizeof names / sizeof names[0]) {
            names[count++] = scenario->policies[i].name;
        }
    }
    const char *nearest = gv_param_nearest(names, count, item->text);
    gv_problems_add(&scenario->problems, item->mark, "%s: the scenario has no policy '%s'%s%s%s",
                    where, item->text, nearest == NULL ? "" : "; did you mean '",
                    nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    return NULL;
}

/* What a market cannot give a policy is told before anything is sold. */
static void check_policy(gv_scenario *scenario, const gv_policy_plan *policy, gv_mark mark,
                         bool is_contender)
{
    const unsigned unknown = policy->type->reads & ~(unsigned)(GV_READS_PCVR | GV_READS_TIME);
    if (unknown != 0) {
        gv_problems_add(&scenario->problems, mark,
                        "%s: %s bids by click probabilities or floors, and a market has the "
                        "probability of a conversion alone",
                        policy->name, policy->type->info.name);
    }
    if (policy->type->sees_future && !is_contender) {
        gv_problems_add(&scenario->problems, mark,
                        "%s: %s sees the future, so it can only be a contender: there its rivals' "
                        "offers are recorded before it bids",
                        policy->name, policy->type->info.name);
    }
    if (policy->type->sees_future && is_contender &&
        scenario->market->settings->rivals != GV_RIVALS_FIXED) {
        gv_problems_add(&scenario->problems, mark,
                        "%s: %s sees the future, which stands still only where rivals: fixed",
                        policy->name, policy->type->info.name);
    }
}

/* Whether what a slot costs depends on the others' offers alone, which is what a record knows. */
static bool is_price_foreseen(const gv_scenario *scenario)
{
    const gv_market_rules rules = gv_market_rules_of(scenario->mechanism);
    return !rules.pays_own_bid && !rules.has_soft_reserve;
}

/* What the market's rules leave no room for. */
static void check_rules(gv_scenario *scenario, const gv_policy_plan *policy, gv_mark mark)
{
    if (policy->type->sees_future && !is_price_foreseen(scenario)) {
        gv_problems_add(&scenario->problems, mark,
                        "%s: %s foresees the others' offers, and under %s with these reserves a "
                        "slot's price depends on the own bid",
                        policy->name, policy->type->info.name,
                        scenario->mechanism->type->info.name);
    }
    if (policy->type->one_by_one &&
        scenario->market->settings->overspend == GV_OVERSPEND_AUCTIONNET) {
        gv_problems_add(&scenario->problems, mark,
                        "%s: %s bids on one auction after another, where overspend: auctionnet "
                        "asks for a tick's bids at once",
                        policy->name, policy->type->info.name);
    }
}

static gv_status compose_contenders(gv_market *market, gv_scenario *scenario)
{
    const gv_list *list = &market->plan->contenders;
    market->contender_count = list->count;
    market->contenders = gv_region_alloc(&scenario->region, list->count, sizeof(void *));
    if (market->contenders == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < list->count; i++) {
        const gv_policy_plan *policy = find_policy(scenario, "market.contenders", &list->items[i]);
        market->contenders[i] = policy;
        if (policy != NULL) {
            check_policy(scenario, policy, list->items[i].mark, true);
            check_rules(scenario, policy, list->items[i].mark);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list->items[i].text, list->items[j].text) == 0) {
                gv_problems_add(&scenario->problems, list->items[i].mark,
                                "market.contenders: %s is given twice", list->items[i].text);
            }
        }
    }
    return GV_OK;
}

static int64_t scaled(int64_t nanos, double scale)
{
    return (int64_t)fmin(round((double)nanos * scale), 9e18);
}

/* Of the advertiser with that number, but for the times. */
static gv_campaign campaign_of(const gv_market *market, const gv_scenario *scenario, size_t number,
                               const char *name)
{
    const gv_market_plan *plan = market->plan;
    const gv_advertiser_settings *settings = plan->advertisers;
    const int64_t cap = settings->bid_cap_nanos;
    const int64_t worth = settings->conversion_nanos;
    const int64_t cpa = scaled(plan->cpas[number % plan->cpa_count], settings->cpa_scale);
    const int64_t budget = plan->budgets[number % plan->budget_count];
    return (gv_campaign){
        .name = name,
        .number = number,
        .budget_nanos = scaled(budget, settings->budget_scale),
        .bid_cap_nanos = cap == GV_PARAM_UNSET ? INT64_MAX : cap,
        .tick_us = plan->settings->tick_us,
        .zone_offset_us = gv_scenario_zone_us(scenario),
        .click_nanos = GV_PARAM_UNSET,
        .cpa_nanos = cpa,
        .conversion_nanos = worth == GV_PARAM_UNSET ? cpa : worth,
    };
}

static gv_status compose_advertiser(gv_market *market, gv_scenario *scenario, size_t number)
{
    const gv_market_plan *plan = market->plan;
    const gv_list_item *policy = &plan->policies.items[number % plan->policies.count];
    const size_t digits = market->seat_count > 1000 ? 5 : market->seat_count > 100 ? 3 : 2;
    const char *name = gv_region_print(&scenario->region, "a%0*zu", (int)digits, number);
    if (name == NULL) {
        return no_memory();
    }
    const size_t categories = (size_t)plan->advertisers->categories;
    const uint32_t category = (uint32_t)(number * categories / market->seat_count);
    market->categories[number] = category;
    market->advertisers[number] = (gv_market_advertiser){
        .campaign = campaign_of(market, scenario, number, name),
        .category = category,
        .policy = find_policy(scenario, "advertisers.policies", policy),
        .distortion = {.bid_scale = plan->bid_scales[number % plan->bid_scale_count],
                       .bid_from = (size_t)plan->advertisers->bid_scale_from,
                       .belief_scale = plan->belief_scales[number % plan->belief_scale_count],
                       .belief_noise = plan->belief_noises[number % plan->belief_noise_count],
                       .belief_cold = plan->belief_colds[number % plan->belief_cold_count],
                       .belief_stale =
                           (size_t)plan->belief_stales[number % plan->belief_stale_count],
                       .seed = seed_of(market),
                       .advertiser = (uint32_t)number},
    };
    if (number < plan->policies.count && market->advertisers[number].policy != NULL) {
        check_policy(scenario, market->advertisers[number].policy, policy->mark, false);
        check_rules(scenario, market->advertisers[number].policy, policy->mark);
    }
    return GV_OK;
}

static gv_status compose_advertisers(gv_market *market, gv_scenario *scenario)
{
    const gv_market_plan *plan = market->plan;
    market->seat_count = (size_t)plan->advertisers->count;
    market->category_count = (size_t)plan->advertisers->categories;
    market->advertisers =
        gv_region_alloc(&scenario->region, market->seat_count, sizeof *market->advertisers);
    market->categories =
        gv_region_alloc(&scenario->region, market->seat_count, sizeof *market->categories);
    if (market->advertisers == NULL || market->categories == NULL) {
        return no_memory();
    }
    const size_t before = scenario->problems.count;
    for (size_t i = 0; i < market->seat_count && scenario->problems.count == before; i++) {
        GV_TRY(compose_advertiser(market, scenario, i));
    }
    return GV_OK;
}

static void check_sizes(const gv_market *market, gv_scenario *scenario)
{
    const gv_market_settings *settings = market->plan->settings;
    const double ticks = (double)settings->ticks * (double)market->seat_count *
                         (double)(market->contender_count + 1);
    if (ticks > TICKS_IN_ALL_MAX) {
        gv_problems_add(&scenario->problems, gv_section_mark(&market->plan->section, "ticks"),
                        "market: %.0f ticks of all advertisers and contenders in a period, more "
                        "than %d",
                        ticks, TICKS_IN_ALL_MAX);
    }
    if (settings->history_period != GV_PARAM_UNSET &&
        settings->history_period >= settings->first_period &&
        settings->history_period < settings->first_period + settings->periods) {
        gv_problems_add(&scenario->problems,
                        gv_section_mark(&market->plan->section, "history_period"),
                        "market.history_period: %lld is one of the periods that policies are "
                        "judged by",
                        (long long)settings->history_period);
    }
}

/* Ticks that the period does not have. */
static void check_ticks(const gv_market *market, gv_scenario *scenario)
{
    const gv_market_plan *plan = market->plan;
    const gv_section *traffic = &plan->traffic_section;
    const int64_t ticks = plan->settings->ticks;
    if (gv_traffic_check(plan->traffic, traffic->config, (size_t)ticks) != GV_OK) {
        gv_problems_add(&scenario->problems, traffic->mark, "traffic: %s", gv_status_detail());
    }
    if (plan->advertisers->bid_scale_from >= ticks) {
        gv_problems_add(&scenario->problems,
                        gv_section_mark(&plan->advertiser_section, "bid_scale_from"),
                        "advertisers.bid_scale_from is %lld, expected a tick of the period: 0 to "
                        "%lld",
                        (long long)plan->advertisers->bid_scale_from, (long long)ticks - 1);
    }
}

/* Those that somebody bids by. */
static gv_status load_models(gv_market *market)
{
    const gv_scenario *scenario = market->scenario;
    market->models = gv_mem_alloc(0, scenario->policy_count, sizeof *market->models);
    if (market->models == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < scenario->policy_count; i++) {
        const gv_policy_plan *plan = &scenario->policies[i];
        if (gv_market_uses(market, plan)) {
            GV_TRY(gv_policy_load(plan->type, plan->section.config, &market->models[i]));
        }
    }
    return GV_OK;
}

bool gv_market_uses(const gv_market *market, const gv_policy_plan *plan)
{
    for (size_t i = 0; i < market->seat_count; i++) {
        if (market->advertisers[i].policy == plan) {
            return true;
        }
    }
    for (size_t i = 0; i < market->contender_count; i++) {
        if (market->contenders[i] == plan) {
            return true;
        }
    }
    return false;
}

const char *gv_market_weights(const gv_market *market, const gv_policy_plan *plan)
{
    const char *path = NULL;
    for (const gv_param *row = plan->section.params; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, "weights") == 0 && gv_param_is_file(row, plan->section.config)) {
            memcpy(&path, (const char *)plan->section.config + row->offset, sizeof path);
        }
    }
    return gv_market_uses(market, plan) ? path : NULL;
}

/* NULL: nothing is shared, or it is a stand-in that no scenario names. */
static const void *model_of(const gv_market *market, const gv_policy_plan *plan)
{
    for (size_t i = 0; i < market->scenario->policy_count; i++) {
        if (plan == &market->scenario->policies[i]) {
            return market->models[i];
        }
    }
    return NULL;
}

void gv_market_tell(const gv_market *market, size_t number, char *text, size_t size)
{
    gv_policy_tell(market->scenario->policies[number].type, market->models[number], text, size);
}

gv_status gv_market_create(gv_scenario *scenario, gv_market **out)
{
    gv_market *market = gv_mem_alloc(sizeof *market, 0, 0);
    if (market == NULL) {
        return no_memory();
    }
    market->scenario = scenario;
    market->plan = scenario->market;
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, compose_contenders(market, scenario), fail);
    GV_TRY_GOTO(status, compose_advertisers(market, scenario), fail);
    check_sizes(market, scenario);
    check_ticks(market, scenario);
    GV_TRY_GOTO(status, gv_problems_fail(&scenario->problems), fail);
    GV_TRY_GOTO(status, load_models(market), fail);
    *out = market;
    return GV_OK;
fail:
    gv_market_destroy(market);
    return status;
}

void gv_market_destroy(gv_market *market)
{
    if (market == NULL) {
        return;
    }
    for (size_t i = 0; market->models != NULL && i < market->scenario->policy_count; i++) {
        gv_policy_unload(market->scenario->policies[i].type, market->models[i]);
    }
    gv_mem_free(market->models);
    for (size_t i = 0; market->histories != NULL && i < market->category_count; i++) {
        gv_history_destroy(market->histories[i]);
    }
    gv_mem_free(market->histories);
    gv_mem_free(market);
}

/* ---- one period ------------------------------------------------------------------------------ */

static gv_exchange_config exchange_of(const gv_market *market, const gv_market_period *period)
{
    const gv_market_settings *settings = market->plan->settings;
    return (gv_exchange_config){
        .traffic = period->traffic,
        .response = period->response,
        .mechanism = *market->scenario->mechanism,
        .slot_count = (size_t)settings->slots,
        .least_cost = (gv_least_cost)settings->least_cost,
        .reserve_unsold = settings->reserve_unsold,
        .overspend = (gv_overspend)settings->overspend,
        .min_remaining_nanos = settings->min_remaining_nanos,
        .seed = seed_of(market),
        .start_us = period->start_us,
        .tick_us = settings->tick_us,
        .tick_count = (size_t)settings->ticks,
    };
}

static int64_t start_of(const gv_market *market, uint64_t number)
{
    const gv_market_settings *settings = market->plan->settings;
    return (int64_t)number * settings->ticks * settings->tick_us -
           gv_scenario_zone_us(market->scenario);
}

gv_status gv_market_traffic(const gv_market *market, uint64_t number, bool is_calm,
                            gv_traffic **out)
{
    const gv_market_settings *settings = market->plan->settings;
    const gv_traffic_setup setup = {
        .config = market->plan->traffic_section.config,
        .seed = seed_of(market),
        .period = number,
        .start_us = start_of(market, number),
        .tick_us = settings->tick_us,
        .tick_count = (size_t)settings->ticks,
        .advertiser_count = market->seat_count,
        .categories = market->categories,
        .zone_us = gv_scenario_zone_us(market->scenario),
        .is_calm = is_calm,
    };
    return gv_traffic_create(market->plan->traffic, &setup, out);
}

static gv_status open_response(const gv_market *market, gv_market_period *period)
{
    const gv_market_settings *settings = market->plan->settings;
    gv_response_config response = {
        .slot_count = (size_t)settings->slots,
        .cascade = settings->cascade,
        .exposure_delay = {.type = gv_delay_types[settings->exposure_delay_law],
                           .mean_us = settings->exposure_delay_us,
                           .shape = settings->exposure_delay_shape},
        .conversion_delay = {.type = gv_delay_types[settings->delay_law],
                             .mean_us = settings->delay_us,
                             .shape = settings->delay_shape},
        .repeat_draws = settings->repeat_draws,
    };
    memcpy(response.exposure, market->plan->exposure,
           response.slot_count * sizeof response.exposure[0]);
    return gv_response_create(&response, period->traffic, seed_of(market), period->number,
                              market->seat_count, &period->response);
}

gv_status gv_market_period_open(const gv_market *market, uint64_t number, gv_market_period *period)
{
    period->number = number;
    period->start_us = start_of(market, number);
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, gv_market_traffic(market, number, period->is_calm, &period->traffic), fail);
    GV_TRY_GOTO(status, open_response(market, period), fail);
    GV_TRY_GOTO(status, gv_market_beliefs_open(market, period), fail);
    period->config = exchange_of(market, period);
    return GV_OK;
fail:
    gv_market_period_close(period);
    return status;
}

void gv_market_period_close(gv_market_period *period)
{
    gv_response_destroy(period->response);
    gv_traffic_destroy(period->traffic);
    gv_market_beliefs_close(period);
    *period = (gv_market_period){0};
}

gv_campaign gv_market_campaign(const gv_market *market, const gv_market_period *period,
                               size_t advertiser, bool is_contender)
{
    const gv_market_settings *settings = market->plan->settings;
    gv_campaign campaign = market->advertisers[advertiser].campaign;
    campaign.start_us = period->start_us;
    campaign.end_us = period->start_us + settings->ticks * settings->tick_us;
    if (is_contender) {
        campaign.budget_nanos = scaled(campaign.budget_nanos, settings->contender_budget);
    }
    return campaign;
}

/* Whoever bids scales its own bids; whoever sees the future knows what values are. */
gv_distortion gv_market_distortion(const gv_market *market, const gv_market_period *period,
                                   const gv_policy_plan *plan, size_t advertiser, bool is_contender)
{
    const gv_market_settings *settings = market->plan->settings;
    gv_distortion distortion = market->advertisers[advertiser].distortion;
    distortion.period = period->number;
    if (is_contender) {
        distortion.bid_scale = 1.0;
        distortion.belief_scale *= settings->contender_belief;
        distortion.belief_noise = hypot(distortion.belief_noise, settings->contender_noise);
        distortion.belief_cold += (1.0 - distortion.belief_cold) * settings->contender_cold;
        distortion.belief_stale += (size_t)settings->contender_stale;
    }
    if (period->is_calm) {
        distortion.bid_scale = 1.0;
    }
    if (period->is_calm || plan->type->sees_future) {
        distortion.belief_scale = 1.0;
        distortion.belief_noise = 0.0;
        distortion.belief_cold = 0.0;
        distortion.belief_stale = 0;
    }
    gv_market_beliefs_of(market, period, advertiser, &distortion);
    return distortion;
}

void gv_market_explore(const gv_market *market, const gv_market_period *period, size_t advertiser,
                       gv_seat *seat)
{
    const gv_exploration_plan *plan = market->scenario->exploration;
    if (plan != NULL && !period->is_calm && (int64_t)advertiser == plan->advertiser) {
        seat->exploration = &plan->law;
        seat->explore_first = period->number << PERIOD_SHIFT;
    }
}

gv_status gv_market_policy(const gv_market *market, const gv_policy_plan *plan,
                           const gv_campaign *campaign, uint32_t category, const void *future,
                           void *config, gv_policy **out)
{
    const gv_history *history = market->histories == NULL ? NULL : market->histories[category];
    const gv_fit_input input = {.history = history,
                                .campaign = campaign,
                                .rules = gv_market_rules_of(market->scenario->mechanism),
                                .seed = seed_of(market)};
    memcpy(config, plan->section.config, plan->type->info.config_size);
    GV_TRY(gv_policy_fit(plan->type, config, &input, NULL));
    const gv_policy_setup setup = {.config = config,
                                   .campaign = campaign,
                                   .rules = gv_market_rules_of(market->scenario->mechanism),
                                   .history = plan->type->needs_history ? history : NULL,
                                   .future = plan->type->sees_future ? future : NULL,
                                   .seed = seed_of(market),
                                   .model = model_of(market, plan)};
    return gv_policy_create(plan->type, &setup, out);
}
