#include "sim/estimate/block.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "sim/base/clock.h"

enum { NATURAL_MIN = 10 };

static uint64_t day_of(const gv_cell_record *cell, int64_t time_us)
{
    const gv_campaign *campaign = cell->campaign;
    const int64_t local = time_us + campaign->zone_offset_us;
    const int64_t start = campaign->start_us + campaign->zone_offset_us;
    const int64_t offset = (start % GV_US_PER_DAY + GV_US_PER_DAY) % GV_US_PER_DAY;
    const int64_t since = local - (start - offset);
    return since < 0 ? 0 : (uint64_t)(since / GV_US_PER_DAY);
}

/* What the ticks of one block share, and those of the next do not. */
static uint64_t key_of(gv_block_rule rule, const gv_cell_record *cell, size_t tick)
{
    assert(tick < cell->tick_count);
    assert(rule.kind != GV_BLOCK_AUTO);
    if (rule.kind == GV_BLOCK_EPISODE) {
        return cell->ticks[tick].episode;
    }
    if (rule.kind == GV_BLOCK_DAY) {
        return day_of(cell, cell->ticks[tick].time_us);
    }
    assert(rule.ticks > 0);
    return tick / rule.ticks;
}

static bool starts_block(gv_block_rule rule, const gv_cell_record *cell, size_t tick)
{
    return tick > 0 && key_of(rule, cell, tick) != key_of(rule, cell, tick - 1);
}

size_t gv_block_count(gv_block_rule rule, const gv_cell_record *cell)
{
    size_t count = 1;
    for (size_t i = 0; i < cell->tick_count; i++) {
        count += starts_block(rule, cell, i);
    }
    return count;
}

gv_block_kind gv_block_choose_seats(gv_block_rule rule, size_t period_count)
{
    if (rule.kind == GV_BLOCK_AUTO) {
        return period_count >= NATURAL_MIN ? GV_BLOCK_PERIOD : GV_BLOCK_SEAT;
    }
    assert(rule.kind == GV_BLOCK_PERIOD || rule.kind == GV_BLOCK_SEAT);
    return rule.kind;
}

gv_block_rule gv_block_choose(gv_block_rule rule, const gv_cell_record *cell)
{
    if (rule.kind == GV_BLOCK_AUTO) {
        rule.kind = GV_BLOCK_TICKS;
        if (gv_block_count((gv_block_rule){.kind = GV_BLOCK_DAY}, cell) >= NATURAL_MIN) {
            rule.kind = GV_BLOCK_DAY;
        }
        if (cell->campaign->episode == GV_EPISODE_AUCTIONS &&
            gv_block_count((gv_block_rule){.kind = GV_BLOCK_EPISODE}, cell) >= NATURAL_MIN) {
            rule.kind = GV_BLOCK_EPISODE;
        }
    }
    if (rule.kind == GV_BLOCK_TICKS && rule.ticks == 0) {
        rule.ticks = (uint64_t)fmax(1, round(cbrt((double)cell->tick_count)));
    }
    return rule;
}

/*
 * In doubles throughout: a damaged database may hold ticks that do not add up to their total,
 * and must not break a contract of exact tallies.
 */
static void add_late(const gv_cell_record *cell, const double *ticked, double *sums)
{
    double total[GV_QUANTITY_COUNT];
    gv_quantities_of(cell->total, total);
    for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
        sums[q] += total[q] - ticked[q];
    }
}

/* A seat goes whole into its block. */
static void add_whole(const gv_cell_record *cell, double *sums)
{
    double quantities[GV_QUANTITY_COUNT];
    gv_cell_quantities(cell, quantities);
    for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
        sums[q] += quantities[q];
    }
}

void gv_block_add(gv_block_rule rule, const gv_cell_record *cell, size_t block_count, double *sums,
                  size_t stride)
{
    if (cell->seat != NULL) {
        add_whole(cell, sums);
        return;
    }
    size_t block = 0;
    double ticked[GV_QUANTITY_COUNT] = {0};
    for (size_t i = 0; i < cell->tick_count; i++) {
        double quantities[GV_QUANTITY_COUNT];
        gv_quantities_of(&cell->ticks[i].tally, quantities);
        block += starts_block(rule, cell, i);
        assert(block < block_count);
        for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
            sums[block * stride + q] += quantities[q];
            ticked[q] += quantities[q];
        }
    }
    add_late(cell, ticked, sums + block * stride);
    const double budget = gv_budget_total(cell->campaign, cell->episodes);
    for (size_t b = 0; b < block_count; b++) {
        sums[b * stride + GV_QUANTITY_BUDGET_NANOS] += budget / (double)block_count;
    }
}
