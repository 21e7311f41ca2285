/* Campaigns with their rows, their budgets in money, and the cells that come of it. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/compose/compose_impl.h"
#include "sim/base/clock.h"

/* A period tells how far it is in parts of this. */
enum { UNITS_PER_PERIOD = 10000 };

void gv_unit_name(const gv_composition *composition, size_t unit, char *text, size_t size)
{
    if (composition->market != NULL) {
        const gv_market_settings *settings = composition->market->plan->settings;
        (void)snprintf(text, size, "period %" PRIu64, (uint64_t)settings->first_period + unit);
        return;
    }
    const gv_cell *cell = &composition->cells[unit];
    (void)snprintf(text, size, "%s at %s under %s", cell->campaign.name, cell->budget_label,
                   cell->policy->name);
}

uint64_t gv_unit_rows(const gv_composition *composition, size_t unit)
{
    if (composition->market != NULL) {
        return UNITS_PER_PERIOD;
    }
    return composition->campaigns[composition->cells[unit].campaign_number].row_count;
}

/* The log's filters, then the campaign's own. */
static gv_status join_filters(gv_composition *composition, const gv_campaign_plan *plan,
                              gv_logged_config *rows)
{
    const gv_scenario *scenario = composition->scenario;
    const size_t count = scenario->log_filter_count + plan->filter_count;
    gv_filter *filters = gv_region_alloc(&composition->region, count, sizeof *filters);
    if (filters == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the filters of a campaign");
    }
    for (size_t i = 0; i < scenario->log_filter_count; i++) {
        filters[i] = scenario->log_filters[i];
    }
    for (size_t i = 0; i < plan->filter_count; i++) {
        filters[scenario->log_filter_count + i] = plan->filters[i];
    }
    rows->filters = filters;
    rows->filter_count = count;
    return GV_OK;
}

static gv_logged_config rows_of(const gv_composition *composition, const gv_campaign_plan *plan)
{
    const gv_campaign_settings *settings = plan->settings;
    gv_logged_config rows = {
        .log = composition->log,
        .start_us =
            settings->start_us > composition->from_us ? settings->start_us : composition->from_us,
        .end_us = settings->end_us < composition->to_us ? settings->end_us : composition->to_us,
        .rival = (gv_rival_kind)composition->scenario->log->rival,
        .use_floor = composition->scenario->log->use_floor,
        .predictor = composition->predictor,
    };
    gv_couple_rows(composition, &rows);
    return rows;
}

static gv_status name_past(gv_composition *composition, gv_composed_campaign *campaign)
{
    char from[40];
    char to[40];
    gv_time_print(campaign->past.start_us, composition->zone_us, from, sizeof from);
    gv_time_print(campaign->past.end_us, composition->zone_us, to, sizeof to);
    const char *path = composition->scenario->history->path == NULL
                           ? composition->scenario->log->path
                           : composition->scenario->history->path;
    const char *file = strrchr(path, '/');
    campaign->past_name = gv_region_print(&composition->region, "%s %s to %s",
                                          file == NULL ? path : file + 1, from, to);
    return campaign->past_name == NULL ? GV_FAIL(GV_ENOMEM, "no memory for a history's name")
                                       : GV_OK;
}

static gv_status compose_past(gv_composition *composition, gv_composed_campaign *campaign)
{
    if (composition->totals != NULL) {
        campaign->past_name = composition->totals->name;
    }
    if (composition->past_log == NULL) {
        return GV_OK;
    }
    campaign->past = campaign->rows;
    campaign->past.is_past = true;
    campaign->past.log = composition->past_log;
    if (composition->past_log != composition->log) {
        campaign->past.predictor = NULL; /* it knows the columns of the other log */
    }
    campaign->past.start_us = composition->past_from_us;
    campaign->past.end_us = composition->past_to_us;
    return name_past(composition, campaign);
}

/* What the rows cost by the log's own prices. Reads them once. */
static gv_status sum_cost(const gv_logged_config *rows, int64_t *cost_nanos)
{
    gv_logged_config config = *rows;
    gv_source *source = NULL;
    config.rival = GV_RIVAL_PRICE;
    config.use_floor = false;
    config.predictor = NULL;
    config.belief = NULL;
    config.truth = NULL;
    GV_TRY(gv_logged_source_create(&config, &source));
    int64_t sum = 0;
    uint64_t position = source->begin;
    gv_opportunities piece = {.count = 0};
    gv_status status = source->load(source, position, &piece, &position);
    while (status == GV_OK && piece.count > 0) {
        for (size_t i = 0; i < piece.count; i++) {
            sum += piece.rival_nanos[i];
        }
        status = source->load(source, position, &piece, &position);
    }
    source->destroy(source);
    *cost_nanos = sum;
    return status;
}

/* A source made and dropped: columns and values of `where` that the log lacks are told now. */
static gv_status try_rows(gv_composition *composition, gv_composed_campaign *campaign)
{
    gv_source *source = NULL;
    const gv_section *section = &campaign->plan->section;
    const gv_status status = gv_logged_source_create(&campaign->rows, &source);
    if (status == GV_OK) {
        campaign->row_count = source->end - source->begin;
        source->destroy(source);
        return GV_OK;
    }
    if (status != GV_ENOTFOUND && status != GV_EINVAL) {
        return status;
    }
    gv_problems_add(&composition->scenario->problems, gv_section_mark(section, "where"), "%s: %s",
                    section->path, gv_status_detail());
    return GV_OK;
}

static bool asks_cost(const gv_campaign_plan *plan)
{
    for (size_t i = 0; i < plan->budget_count; i++) {
        if (!isnan(plan->budgets[i].share)) {
            return true;
        }
    }
    return false;
}

gv_status gv_compose_campaigns(gv_composition *composition)
{
    gv_scenario *scenario = composition->scenario;
    const size_t count = scenario->campaign_count;
    composition->campaigns =
        gv_region_alloc(&composition->region, count, sizeof *composition->campaigns);
    if (composition->campaigns == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu campaigns", count);
    }
    for (size_t i = 0; i < count; i++) {
        gv_composed_campaign *campaign = &composition->campaigns[i];
        campaign->plan = &scenario->campaigns[i];
        campaign->rows = rows_of(composition, campaign->plan);
        campaign->logged_cost_nanos = GV_PARAM_UNSET;
        GV_TRY(join_filters(composition, campaign->plan, &campaign->rows));
        GV_TRY(compose_past(composition, campaign));
        const size_t before = scenario->problems.count;
        GV_TRY(try_rows(composition, campaign));
        if (scenario->problems.count == before && asks_cost(campaign->plan)) {
            GV_TRY(sum_cost(&campaign->rows, &campaign->logged_cost_nanos));
        }
    }
    return gv_problems_fail(&scenario->problems);
}

static gv_campaign campaign_of(const gv_composition *composition, size_t number,
                               const gv_budget *budget)
{
    const gv_composed_campaign *composed = &composition->campaigns[number];
    const gv_campaign_settings *settings = composed->plan->settings;
    const bool is_share = !isnan(budget->share);
    const double part = is_share ? floor((double)composed->logged_cost_nanos * budget->share) : 0;
    return (gv_campaign){
        .name = composed->plan->name,
        .number = number,
        .start_us = settings->start_us,
        .end_us = settings->end_us,
        .budget_nanos = is_share ? (int64_t)part : budget->nanos,
        .bid_cap_nanos =
            settings->bid_cap_nanos == GV_PARAM_UNSET ? INT64_MAX : settings->bid_cap_nanos,
        .episode = (gv_episode_kind)settings->episode,
        .episode_auctions = (uint64_t)settings->episode_auctions,
        .tick_us = settings->tick_us,
        .zone_offset_us = composition->zone_us,
        .click_nanos = settings->click_nanos,
    };
}

/* The first parameter that is still to be fitted; NULL: all are given. */
static const char *first_unset(const gv_section *section)
{
    for (const gv_param *row = section->params; row != NULL && row->name != NULL; row++) {
        if (!gv_param_is_set(row, section->config)) {
            return row->name;
        }
    }
    return NULL;
}

static void check_policy(gv_composition *composition, const gv_policy_plan *policy)
{
    gv_scenario *scenario = composition->scenario;
    const bool has_past = composition->totals != NULL || composition->past_log != NULL;
    const char *unset = first_unset(&policy->section);
    const bool has_pctr = composition->predictor != NULL ||
                          gv_log_find(composition->log, GV_LOG_IMPRESSION, "pctr") != NULL;
    if (policy->type->needs_history && !has_past && unset != NULL) {
        gv_problems_add(&scenario->problems, policy->section.mark,
                        "%s: %s learns %s from a history, and the scenario has none: give "
                        "`history:`, or %s itself",
                        policy->section.path, policy->type->info.name, unset, unset);
    }
    if ((policy->type->reads & GV_READS_PCTR) != 0 && !has_pctr) {
        gv_problems_add(&scenario->problems, policy->section.mark,
                        "%s: %s bids by click probability, and the log holds no predictions: give "
                        "`predictor: {type: ...}`",
                        policy->section.path, policy->type->info.name);
    }
    if (policy->type->needs_market) {
        gv_problems_add(&scenario->problems, policy->section.mark,
                        "%s: %s bids by what a market tells it tick by tick, and a replayed log "
                        "does not: give it a scenario with `market:`",
                        policy->section.path, policy->type->info.name);
    }
}

static size_t count_cells(const gv_scenario *scenario)
{
    size_t count = 0;
    for (size_t i = 0; i < scenario->campaign_count; i++) {
        count += scenario->campaigns[i].budget_count * scenario->policy_count;
    }
    return count;
}

gv_status gv_compose_cells(gv_composition *composition)
{
    gv_scenario *scenario = composition->scenario;
    const size_t room = count_cells(scenario);
    composition->cells = gv_region_alloc(&composition->region, room, sizeof *composition->cells);
    if (composition->cells == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for %zu cells", room);
    }
    for (size_t i = 0; i < scenario->policy_count; i++) {
        check_policy(composition, &scenario->policies[i]);
    }
    for (size_t i = 0; i < scenario->campaign_count; i++) {
        const gv_campaign_plan *plan = &scenario->campaigns[i];
        for (size_t n = 0; n < plan->budget_count * scenario->policy_count; n++) {
            const gv_budget *budget = &plan->budgets[n / scenario->policy_count];
            const size_t number = composition->cell_count++;
            composition->cells[number] =
                (gv_cell){.number = number,
                          .campaign_number = i,
                          .campaign = campaign_of(composition, i, budget),
                          .budget_label = budget->label,
                          .policy = &scenario->policies[n % scenario->policy_count]};
        }
    }
    assert(composition->cell_count == room);
    composition->unit_count = composition->cell_count;
    composition->unit_cells = 1;
    return gv_problems_fail(&scenario->problems);
}
