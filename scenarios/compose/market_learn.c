/*
 * The period that policies learn from: sold once, without shocks and distortions, and kept as one
 * history for each category.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "scenarios/compose/market.h"
#include "sim/base/mem.h"
#include "sim/market/lesson.h"

static bool learns(const gv_policy_plan *plan)
{
    return plan->type->needs_history;
}

static bool anybody_learns(const gv_market *market)
{
    for (size_t i = 0; i < market->scenario->policy_count; i++) {
        const gv_policy_plan *plan = &market->scenario->policies[i];
        if (learns(plan) && gv_market_uses(market, plan)) {
            return true;
        }
    }
    return false;
}

/* The one before the first period; the period behind the last where that would be -1. */
static uint64_t number_of(const gv_market *market)
{
    const gv_market_settings *settings = market->plan->settings;
    if (settings->history_period != GV_PARAM_UNSET) {
        return (uint64_t)settings->history_period;
    }
    const int64_t before = settings->first_period - 1;
    return (uint64_t)(before >= 0 ? before : settings->first_period + settings->periods);
}

/* Whoever would have to learn first bids what a conversion may cost instead. */
static gv_status choose_plans(const gv_market *market, const gv_policy_plan *stand_in,
                              const gv_policy_plan ***plans)
{
    *plans = gv_mem_alloc(0, market->seat_count, sizeof(void *));
    if (*plans == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the policies of %zu advertisers",
                       market->seat_count);
    }
    for (size_t i = 0; i < market->seat_count; i++) {
        const gv_policy_plan *own = market->advertisers[i].policy;
        (*plans)[i] = learns(own) ? stand_in : own;
    }
    return GV_OK;
}

static gv_status keep_lessons(gv_market *market, const gv_market_period *period,
                              const gv_exchange_config *exchange, const gv_record *record)
{
    char name[64];
    (void)snprintf(name, sizeof name, "period %" PRIu64 " of the market", period->number);
    market->histories = gv_mem_alloc(0, market->category_count, sizeof(gv_history *));
    if (market->histories == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what policies learn from");
    }
    for (size_t i = 0; i < market->category_count; i++) {
        const gv_lesson_config lesson = {.record = record,
                                         .exchange = exchange,
                                         .categories = market->categories,
                                         .category = (uint32_t)i,
                                         .seed = (uint64_t)market->scenario->top->seed,
                                         .name = name};
        GV_TRY(gv_lesson_create(&lesson, &market->histories[i]));
    }
    return GV_OK;
}

static gv_status sell(gv_market *market, const gv_market_period *period,
                      const gv_market_seats *seats, const gv_progress *progress)
{
    gv_record *record = NULL;
    gv_exchange_config config = period->config;
    config.seats = seats->seats;
    config.seat_count = seats->count;
    GV_TRY(gv_market_record(period, seats, progress, &record));
    const gv_status status = keep_lessons(market, period, &config, record);
    gv_record_destroy(record);
    return status;
}

gv_status gv_market_learn(gv_market *market, const gv_progress *progress)
{
    if (!anybody_learns(market)) {
        return GV_OK;
    }
    unsigned char defaults[64] = {0};
    const gv_policy_type *type = gv_policy_find("mcpa");
    assert(type != NULL);
    const gv_type_info *info = &type->info;
    const gv_policy_plan stand_in = {
        .name = info->name,
        .type = type,
        .section = {.path = info->name, .params = info->params, .config = defaults}};
    const gv_policy_plan **plans = NULL;
    gv_market_period period = {.is_calm = true};
    gv_market_seats seats = {.seats = NULL};
    gv_status status = GV_OK;
    assert(info->config_size <= sizeof defaults);
    gv_param_defaults(info->params, defaults);
    GV_TRY_GOTO(status, choose_plans(market, &stand_in, &plans), done);
    GV_TRY_GOTO(status, gv_market_period_open(market, number_of(market), &period), done);
    GV_TRY_GOTO(status, gv_market_seats_open(market, &period, plans, &seats), done);
    GV_TRY_GOTO(status, sell(market, &period, &seats, progress), done);
done:
    gv_market_seats_close(&seats);
    gv_market_period_close(&period);
    gv_mem_free(plans);
    return status;
}
