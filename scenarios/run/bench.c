#include "scenarios/run/bench.h"

#include <inttypes.h>

#include "sim/base/mem.h"

/* The chance that each slot is seen. */
static void find_exposure(gv_bench *bench)
{
    const gv_market_plan *plan = bench->market->plan;
    double above = 1.0;
    for (size_t slot = 0; slot < bench->period->config.slot_count; slot++) {
        bench->exposure[slot] = plan->exposure[slot] * (plan->settings->cascade ? above : 1.0);
        above = bench->exposure[slot];
    }
}

gv_status gv_bench_open(gv_bench *bench, bool sees_future)
{
    const gv_exchange_config *config = &bench->period->config;
    const uint64_t count = bench->record->count;
    bench->group_first = SIZE_MAX;
    bench->group = gv_mem_alloc_vector(GV_TRAFFIC_GROUP * count, sizeof *bench->group);
    bench->last_slot = gv_mem_alloc_vector(count, sizeof *bench->last_slot);
    bench->behind = gv_mem_alloc_vector(count, sizeof *bench->behind);
    bench->tick_first = gv_mem_alloc(0, config->tick_count + 1, sizeof *bench->tick_first);
    if (sees_future) {
        bench->prices = gv_mem_alloc_vector(count * config->slot_count, sizeof *bench->prices);
    }
    if (bench->group == NULL || bench->tick_first == NULL || bench->last_slot == NULL ||
        bench->behind == NULL || (sees_future && bench->prices == NULL)) {
        return GV_FAIL(GV_ENOMEM, "no memory for what %" PRIu64 " opportunities are worth", count);
    }
    for (size_t tick = 0; tick <= config->tick_count; tick++) {
        bench->tick_first[tick] = gv_traffic_before(bench->period->traffic, tick);
    }
    find_exposure(bench);
    return GV_OK;
}

void gv_bench_close(gv_bench *bench)
{
    gv_mem_free(bench->group);
    gv_mem_free(bench->prices);
    gv_mem_free(bench->last_slot);
    gv_mem_free(bench->behind);
    gv_mem_free(bench->tick_first);
}

/* The values of the whole period of the advertisers that share draws with `first`. */
static void load_group(gv_bench *bench, size_t first)
{
    const gv_traffic *traffic = bench->period->traffic;
    const size_t left = bench->market->seat_count - first;
    for (size_t tick = 0; tick < bench->period->config.tick_count; tick++) {
        const gv_traffic_piece piece = {.tick = tick,
                                        .first = gv_traffic_before(traffic, tick),
                                        .count = (size_t)gv_traffic_count(traffic, tick),
                                        .advertiser = (uint32_t)first,
                                        .advertiser_count =
                                            left < GV_TRAFFIC_GROUP ? left : GV_TRAFFIC_GROUP};
        if (piece.count > 0) {
            gv_traffic_values(traffic, &piece, bench->record->count, bench->group + piece.first);
        }
    }
    bench->group_first = first;
}

void gv_bench_turn(gv_bench *bench, size_t number)
{
    const size_t first = number / GV_TRAFFIC_GROUP * GV_TRAFFIC_GROUP;
    bench->number = number;
    if (first != bench->group_first) {
        load_group(bench, first);
    }
    const size_t slot_count = bench->record->slot_count;
    gv_record_place(bench->record, (uint32_t)number, slot_count - 1, bench->last_slot);
    gv_record_place(bench->record, (uint32_t)number, slot_count, bench->behind);
    if (bench->prices != NULL) {
        gv_record_prices(bench->record, (uint32_t)number, bench->prices);
    }
}

const float *gv_bench_values(const gv_bench *bench)
{
    return bench->group + bench->number % GV_TRAFFIC_GROUP * bench->record->count;
}

gv_rivals gv_bench_rivals(const gv_bench *bench)
{
    return (gv_rivals){.record = bench->record,
                       .number = (uint32_t)bench->number,
                       .values = gv_bench_values(bench),
                       .last_slot = bench->last_slot,
                       .behind = bench->behind};
}

gv_future gv_bench_future(const gv_bench *bench)
{
    return (gv_future){.slot_count = bench->period->config.slot_count,
                       .exposure = bench->exposure,
                       .tick_count = bench->period->config.tick_count,
                       .tick_first = bench->tick_first,
                       .values = gv_bench_values(bench),
                       .prices = bench->prices};
}
