#include "scenarios/compose/market.h"
#include "sim/base/mem.h"

static size_t largest_config(const gv_policy_plan *const *plans, size_t count)
{
    size_t largest = 1;
    for (size_t i = 0; i < count; i++) {
        const size_t size = plans[i]->type->info.config_size;
        largest = size > largest ? size : largest;
    }
    return (largest + 63) / 64 * 64;
}

static gv_status allocate(gv_market_seats *seats)
{
    seats->seats = gv_mem_alloc(0, seats->count, sizeof *seats->seats);
    seats->campaigns = gv_mem_alloc(0, seats->count, sizeof *seats->campaigns);
    seats->distortions = gv_mem_alloc(0, seats->count, sizeof *seats->distortions);
    seats->policies = gv_mem_alloc(0, seats->count, sizeof(gv_policy *));
    seats->configs = gv_mem_alloc_vector(seats->count, seats->config_size);
    if (seats->seats == NULL || seats->campaigns == NULL || seats->distortions == NULL ||
        seats->policies == NULL || seats->configs == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the policies of %zu advertisers", seats->count);
    }
    return GV_OK;
}

static gv_status open_seat(const gv_market *market, const gv_market_period *period,
                           const gv_policy_plan *plan, size_t number, gv_market_seats *seats)
{
    const uint32_t category = market->categories[number];
    const bool is_contender = seats->has_contender && seats->contender_seat == number;
    seats->campaigns[number] = gv_market_campaign(market, period, number, is_contender);
    seats->distortions[number] = gv_market_distortion(market, period, plan, number, is_contender);
    GV_TRY(gv_market_policy(market, plan, &seats->campaigns[number], category, NULL,
                            seats->configs + number * seats->config_size,
                            &seats->policies[number]));
    seats->seats[number] = (gv_seat){.campaign = &seats->campaigns[number],
                                     .policy = seats->policies[number],
                                     .category = category,
                                     .distortion = &seats->distortions[number]};
    if (!is_contender) {
        gv_market_explore(market, period, number, &seats->seats[number]);
    }
    return GV_OK;
}

gv_status gv_market_seats_open(const gv_market *market, const gv_market_period *period,
                               const gv_policy_plan *const *plans, gv_market_seats *seats)
{
    seats->count = market->seat_count;
    seats->config_size = largest_config(plans, seats->count);
    gv_status status = GV_OK;
    GV_TRY_GOTO(status, allocate(seats), fail);
    for (size_t i = 0; i < seats->count; i++) {
        GV_TRY_GOTO(status, open_seat(market, period, plans[i], i, seats), fail);
    }
    return GV_OK;
fail:
    gv_market_seats_close(seats);
    return status;
}

void gv_market_seats_close(gv_market_seats *seats)
{
    for (size_t i = 0; seats->policies != NULL && i < seats->count; i++) {
        gv_policy_destroy(seats->policies[i]);
    }
    gv_mem_free(seats->seats);
    gv_mem_free(seats->campaigns);
    gv_mem_free(seats->distortions);
    gv_mem_free(seats->policies);
    gv_mem_free(seats->configs);
    *seats = (gv_market_seats){.seats = NULL};
}

/* What comes of it is the caller's even where it fails. */
static gv_status sell(const gv_market_period *period, const gv_market_seats *seats,
                      const gv_progress *progress, gv_record **record, gv_exchange **exchange)
{
    gv_exchange_config config = period->config;
    config.seats = seats->seats;
    config.seat_count = seats->count;
    GV_TRY(gv_record_create(&config, record));
    config.tap = gv_record_tap(*record);
    GV_TRY(gv_exchange_create(&config, exchange));
    return gv_exchange_run(*exchange, progress);
}

gv_status gv_market_record(const gv_market_period *period, const gv_market_seats *seats,
                           const gv_progress *progress, gv_record **out)
{
    gv_record *record = NULL;
    gv_exchange *exchange = NULL;
    const gv_status status = sell(period, seats, progress, &record, &exchange);
    gv_exchange_destroy(exchange);
    if (status != GV_OK) {
        gv_record_destroy(record);
        return status;
    }
    *out = record;
    return GV_OK;
}

gv_status gv_market_sale_open(const gv_market *market, const gv_market_period *period,
                              const gv_progress *progress, gv_market_sale *sale)
{
    const gv_policy_plan **plans = gv_mem_alloc(0, market->seat_count, sizeof(void *));
    if (plans == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a market");
    }
    for (size_t i = 0; i < market->seat_count; i++) {
        plans[i] = market->advertisers[i].policy;
    }
    if (sale->guest != NULL) {
        plans[sale->guest->seat] = sale->guest->plan;
        sale->seats.has_contender = true;
        sale->seats.contender_seat = sale->guest->seat;
    }
    gv_status status = gv_market_seats_open(market, period, plans, &sale->seats);
    gv_mem_free(plans);
    if (status == GV_OK) {
        status = sell(period, &sale->seats, progress, &sale->record, &sale->exchange);
    }
    return status;
}

void gv_market_sale_close(gv_market_sale *sale)
{
    gv_exchange_destroy(sale->exchange);
    gv_record_destroy(sale->record);
    gv_market_seats_close(&sale->seats);
    *sale = (gv_market_sale){.record = NULL};
}
