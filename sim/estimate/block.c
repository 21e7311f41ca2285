#include "sim/estimate/block.h"

#include <assert.h>
#include <math.h>

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

uint64_t gv_block_of(gv_block_rule rule, const gv_cell_record *cell, size_t tick)
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

size_t gv_block_count(gv_block_rule rule, const gv_cell_record *cell)
{
    if (cell->tick_count == 0) {
        return 0;
    }
    return (size_t)gv_block_of(rule, cell, cell->tick_count - 1) + 1;
}

/* How often the block changes from one tick to the next, and one. */
static size_t count_distinct(gv_block_kind kind, const gv_cell_record *cell)
{
    const gv_block_rule rule = {.kind = kind};
    size_t count = cell->tick_count > 0;
    for (size_t i = 1; i < cell->tick_count; i++) {
        count += gv_block_of(rule, cell, i) != gv_block_of(rule, cell, i - 1);
    }
    return count;
}

gv_block_rule gv_block_choose(gv_block_rule rule, const gv_cell_record *cell)
{
    if (rule.kind == GV_BLOCK_AUTO) {
        rule.kind = GV_BLOCK_TICKS;
        if (count_distinct(GV_BLOCK_DAY, cell) >= NATURAL_MIN) {
            rule.kind = GV_BLOCK_DAY;
        }
        if (cell->campaign->episode == GV_EPISODE_AUCTIONS &&
            count_distinct(GV_BLOCK_EPISODE, cell) >= NATURAL_MIN) {
            rule.kind = GV_BLOCK_EPISODE;
        }
    }
    if (rule.kind == GV_BLOCK_TICKS && rule.ticks == 0) {
        rule.ticks = (uint64_t)fmax(1, round(cbrt((double)cell->tick_count)));
    }
    return rule;
}

static void add_tally(const gv_tally *tally, double *sums)
{
    double quantities[GV_QUANTITY_COUNT];
    gv_quantities_of(tally, quantities);
    for (size_t q = 0; q < GV_QUANTITY_COUNT; q++) {
        sums[q] += quantities[q];
    }
}

void gv_block_add(gv_block_rule rule, const gv_cell_record *cell, size_t block_count, double *sums,
                  size_t stride)
{
    const size_t used = gv_block_count(rule, cell);
    assert(used <= block_count);
    if (used == 0) {
        return;
    }
    gv_tally ticked = {0};
    for (size_t i = 0; i < cell->tick_count; i++) {
        add_tally(&cell->ticks[i].tally, sums + gv_block_of(rule, cell, i) * stride);
        gv_tally_add(&ticked, &cell->ticks[i].tally);
    }
    const gv_tally late = gv_tally_since(cell->total, &ticked);
    add_tally(&late, sums + (used - 1) * stride);
    const double budget = gv_budget_total(cell->campaign, cell->episodes);
    for (size_t b = 0; b < block_count; b++) {
        sums[b * stride + GV_QUANTITY_BUDGET_NANOS] += budget / (double)block_count;
    }
}
