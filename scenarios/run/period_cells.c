/* The cells of a period, as the store keeps them. */
#include <assert.h>

#include "scenarios/config/print.h"
#include "scenarios/run/period_impl.h"
#include "sim/base/mem.h"

/* What the records of one period point to. */
typedef struct cell_parts {
    gv_cell_record *records; /* [cell_count] */
    gv_campaign *campaigns;  /* [seat_count], then as contenders have them */
    gv_tally *totals;        /* [cell_count] */
    gv_seat_record *seats;   /* [cell_count] */
    gv_seat_tick *sums;      /* [cell_count]: where ticks are not kept */
    size_t cell_count;
    gv_region region;
} cell_parts;

static gv_status allocate(const gv_period_run_state *run, cell_parts *parts)
{
    const size_t seats = run->job->market->seat_count;
    parts->cell_count = run->arm_count * seats;
    parts->records = gv_region_alloc(&parts->region, parts->cell_count, sizeof *parts->records);
    parts->campaigns = gv_region_alloc(&parts->region, 2 * seats, sizeof *parts->campaigns);
    parts->totals = gv_region_alloc(&parts->region, parts->cell_count, sizeof *parts->totals);
    parts->seats = gv_region_alloc(&parts->region, parts->cell_count, sizeof *parts->seats);
    parts->sums = gv_region_alloc(&parts->region, parts->cell_count, sizeof *parts->sums);
    if (parts->records == NULL || parts->campaigns == NULL || parts->totals == NULL ||
        parts->seats == NULL || parts->sums == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the cells of a period");
    }
    return GV_OK;
}

/* The policy's parameters, as the scenario set them. */
static gv_status list_facts(const gv_policy_plan *plan, cell_parts *parts, gv_cell_record *record)
{
    const gv_scenario_value *values = NULL;
    size_t count = 0;
    GV_TRY(
        gv_section_values(&plan->section, plan->section.config, &parts->region, &values, &count));
    gv_fact *facts = gv_region_alloc(&parts->region, count, sizeof *facts);
    if (facts == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the parameters of %s", plan->name);
    }
    for (size_t i = 0; i < count; i++) {
        facts[i] =
            (gv_fact){.name = values[i].key, .value = values[i].value, .origin = values[i].origin};
    }
    record->parameters = facts;
    record->parameter_count = count;
    return GV_OK;
}

static gv_seat_record seat_of(const gv_period_run_state *run, const cell_parts *parts, size_t arm,
                              size_t number, size_t at)
{
    const gv_market *market = run->job->market;
    const bool is_fixed = market->plan->settings->rivals == (int32_t)GV_RIVALS_FIXED;
    const bool keeps = market->plan->settings->keep_ticks;
    return (gv_seat_record){
        .period = run->period.number,
        .category = market->categories[number],
        .rivals = arm == 0   ? "market"
                  : is_fixed ? "fixed"
                             : "reacting",
        .ticks = keeps ? gv_period_ticks(run, arm, number) : &parts->sums[at],
        .tick_count = keeps ? run->row : 1,
    };
}

static gv_status fill_cell(const gv_period_run_state *run, cell_parts *parts, size_t arm,
                           size_t number)
{
    const gv_market *market = run->job->market;
    const gv_policy_plan *plan = gv_period_plan(run, arm, number);
    const gv_seat_tick *ticks = gv_period_ticks(run, arm, number);
    const size_t at = arm * market->seat_count + number;
    for (size_t tick = 0; tick < run->row; tick++) {
        gv_seat_tick_add(&parts->sums[at], &ticks[tick]);
    }
    parts->totals[at] = parts->sums[at].tally;
    parts->seats[at] = seat_of(run, parts, arm, number, at);
    parts->records[at] = (gv_cell_record){
        .cell = run->job->index * parts->cell_count + at,
        .campaign = &parts->campaigns[arm == 0 ? number : market->seat_count + number],
        .policy = plan->name,
        .policy_type = plan->type->info.name,
        .budget_label = "",
        .total = &parts->totals[at],
        .episodes = 1,
        .event_count = parts->totals[at].auctions,
        .wall_us = run->wall_us[arm] / (int64_t)market->seat_count,
        .seat = &parts->seats[at],
    };
    return list_facts(plan, parts, &parts->records[at]);
}

static gv_status fill_all(const gv_period_run_state *run, cell_parts *parts)
{
    const gv_market *market = run->job->market;
    GV_TRY(allocate(run, parts));
    for (size_t i = 0; i < market->seat_count; i++) {
        parts->campaigns[i] = gv_market_campaign(market, &run->period, i, false);
        parts->campaigns[market->seat_count + i] =
            gv_market_campaign(market, &run->period, i, true);
    }
    for (size_t arm = 0; arm < run->arm_count; arm++) {
        for (size_t i = 0; i < market->seat_count; i++) {
            GV_TRY(fill_cell(run, parts, arm, i));
        }
    }
    return GV_OK;
}

gv_status gv_period_finish(const gv_period_run_state *run)
{
    cell_parts parts = {.records = NULL};
    gv_status status = fill_all(run, &parts);
    if (status == GV_OK) {
        status = run->job->finish(run->job->context, parts.records, parts.cell_count);
    }
    gv_region_fini(&parts.region);
    return status;
}
