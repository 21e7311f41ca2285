#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "policies/ladder_impl.h"
#include "sim/base/mem.h"

/* A bucket holds the multipliers that share an exponent and the first 7 bits behind it. */
enum { BUCKETS = GV_LADDER_BUCKETS, BUCKET_SHIFT = 52 - 7 };

typedef struct bucket {
    size_t first;
    size_t total; /* rungs of the whole period, those of the past behind the sum's */
    gv_rung_sum sum;
    uint64_t past; /* opportunities before this one are no longer in it, nor in the sum */
    bool is_sorted;
} bucket;

/* No bucket has been looked at. */
#define NEVER UINT64_MAX

struct gv_ladder {
    gv_ladder_config config;
    uint64_t opportunities;
    int64_t base;      /* bucket 0 is the multiplier whose first bits are these, and all below */
    size_t rung_count; /* kept */
    int64_t highest_offer;
    gv_rung *rungs;     /* [rung_count], by bucket */
    double *value_left; /* [tick_count + 1]: of the best slots of a tick and later ones */
    bucket buckets[BUCKETS];
};

/* ---- rungs of one opportunity ---------------------------------------------------------------- */

/* Positive doubles are ordered as their bits are. */
static int64_t first_bits(double positive)
{
    int64_t bits = 0;
    memcpy(&bits, &positive, sizeof bits);
    return bits >> BUCKET_SHIFT;
}

static size_t bucket_of(const gv_ladder *ladder, double multiplier)
{
    const int64_t above = first_bits(multiplier) - ladder->base;
    return above > 0 ? (size_t)above : 0;
}

/* The least offer above `price`. */
static int64_t offer_above(const gv_ladder *ladder, int64_t price)
{
    const int64_t step = ladder->config.price_step_nanos;
    return step == 1 ? price + 1 : (price / step + 1) * step;
}

#define TWO_52 0x1p52

/* To a multiple of big / 2^52; 0 <= x < big. */
static double rounded(double x, double big)
{
    return (x + big) - big;
}

/* False: no bid of this campaign climbs it, nor any rung of the opportunity above it. */
static bool rung_of(const gv_ladder *ladder, uint64_t i, size_t slot, gv_rung *out)
{
    const gv_future *future = ladder->config.future;
    const int64_t price = future->prices[slot * ladder->opportunities + i];
    const int64_t offer = offer_above(ladder, price);
    if (offer > ladder->config.offer_max_nanos) {
        return false;
    }
    const double value = (double)future->values[i];
    const double multiplier = (double)offer / value;
    if (!(multiplier <= ladder->config.ceiling_nanos)) {
        return false;
    }
    const double seen = future->exposure[slot];
    double seen_below = 0;
    double cost_below = 0;
    if (slot + 1 < future->slot_count) {
        seen_below = future->exposure[slot + 1];
        cost_below = seen_below * (double)future->prices[(slot + 1) * ladder->opportunities + i];
    }
    const bool pays_harm = ladder->config.pays_harm;
    const double cost =
        pays_harm ? (seen - seen_below) * (double)price : seen * (double)price - cost_below;
    *out = (gv_rung){.multiplier = multiplier,
                     .cost_nanos = rounded(cost, TWO_52),
                     .opportunity = (uint32_t)i,
                     .value = (float)rounded(value * (seen - seen_below), TWO_52 * 0x1p-40)};
    return true;
}

/* The least multiplier beyond a bucket. */
static double end_of(const gv_ladder *ladder, size_t number)
{
    const int64_t bits = (ladder->base + (int64_t)number + 1) << BUCKET_SHIFT;
    double end = 0;
    memcpy(&end, &bits, sizeof end);
    return end;
}

/*
 * Whether even the last slot of an opportunity is dearer than a multiplier of few bits buys, by the
 * exact product: then none of its rungs is below it. Most are, and need no division.
 */
static bool is_beyond(const gv_ladder *ladder, uint64_t i, double end)
{
    const gv_future *future = ladder->config.future;
    const size_t last = future->slot_count - 1;
    return (double)future->prices[last * ladder->opportunities + i] >=
           (double)future->values[i] * end;
}

/* ---- building -------------------------------------------------------------------------------- */

/* Rungs of one tick in each bucket, and what they cost. */
typedef struct tick_row {
    double costs[BUCKETS];
    uint32_t counts[BUCKETS];
} tick_row;

static void count_tick(gv_ladder *ladder, size_t tick, tick_row *row)
{
    const gv_future *future = ladder->config.future;
    const double end = end_of(ladder, BUCKETS - 1);
    double value = 0;
    for (uint64_t i = future->tick_first[tick]; i < future->tick_first[tick + 1]; i++) {
        value += (double)future->values[i];
        gv_rung found;
        for (size_t below = is_beyond(ladder, i, end) ? 0 : future->slot_count; below > 0;
             below--) {
            if (!rung_of(ladder, i, below - 1, &found)) {
                break;
            }
            const size_t at = bucket_of(ladder, found.multiplier);
            const int64_t offer =
                offer_above(ladder, future->prices[(below - 1) * ladder->opportunities + i]);
            ladder->highest_offer = offer > ladder->highest_offer ? offer : ladder->highest_offer;
            row->costs[at] += found.cost_nanos;
            row->counts[at]++;
        }
    }
    ladder->value_left[tick] = value * future->exposure[0];
}

/*
 * The bucket in which a walk from each tick on ends at the latest: there all that is left costs
 * more than the whole budget. Counts the rungs up to it and adds up values from the last tick on.
 */
static void find_reach(gv_ladder *ladder, const tick_row *rows, size_t *reach)
{
    const size_t tick_count = ladder->config.future->tick_count;
    double costs[BUCKETS] = {0};
    for (size_t left = tick_count; left > 0; left--) {
        const size_t tick = left - 1;
        const tick_row *row = &rows[tick];
        double cost = 0;
        reach[tick] = BUCKETS - 1;
        for (size_t at = 0; at < BUCKETS; at++) {
            costs[at] += row->costs[at];
            cost += costs[at];
            if (cost > (double)ladder->config.reach_nanos && reach[tick] == BUCKETS - 1) {
                reach[tick] = at;
            }
        }
        for (size_t at = 0; at <= reach[tick]; at++) {
            ladder->buckets[at].sum.count += row->counts[at];
            ladder->rung_count += row->counts[at];
        }
        ladder->value_left[tick] += ladder->value_left[tick + 1];
    }
}

static void place_rungs(gv_ladder *ladder, const size_t *reach)
{
    const gv_future *future = ladder->config.future;
    size_t first = 0;
    for (size_t at = 0; at < BUCKETS; at++) {
        ladder->buckets[at].first = first;
        first += ladder->buckets[at].sum.count;
        ladder->buckets[at].sum.count = 0;
        ladder->buckets[at].past = NEVER;
    }
    for (size_t tick = 0; tick < future->tick_count; tick++) {
        const double end = end_of(ladder, reach[tick]);
        for (uint64_t i = future->tick_first[tick]; i < future->tick_first[tick + 1]; i++) {
            gv_rung found;
            for (size_t below = is_beyond(ladder, i, end) ? 0 : future->slot_count; below > 0;
                 below--) {
                if (!rung_of(ladder, i, below - 1, &found)) {
                    break;
                }
                const size_t at = bucket_of(ladder, found.multiplier);
                if (at > reach[tick]) {
                    break;
                }
                bucket *into = &ladder->buckets[at];
                ladder->rungs[into->first + into->sum.count++] = found;
                into->total = into->sum.count;
            }
        }
    }
}

static gv_status check_future(const gv_future *future)
{
    for (size_t slot = 1; slot < future->slot_count; slot++) {
        if (future->exposure[slot] > future->exposure[slot - 1]) {
            return GV_FAIL(GV_EINVAL,
                           "slot %zu is seen more often than the one above it, so a "
                           "higher bid may buy less: give exposures that fall",
                           slot + 1);
        }
    }
    const uint64_t count = future->tick_first[future->tick_count];
    if (count > UINT32_MAX) {
        return GV_FAIL(GV_EINVAL, "%" PRIu64 " opportunities, expected below 2^32", count);
    }
    return GV_OK;
}

static gv_status build(gv_ladder *ladder)
{
    const gv_future *future = ladder->config.future;
    gv_status status = GV_OK;
    tick_row *rows = gv_mem_alloc(0, future->tick_count, sizeof *rows);
    size_t *reach = gv_mem_alloc(0, future->tick_count, sizeof *reach);
    ladder->value_left = gv_mem_alloc(0, future->tick_count + 1, sizeof *ladder->value_left);
    if (rows == NULL || reach == NULL || ladder->value_left == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory to sort what a period offers");
        goto done;
    }
    for (size_t tick = 0; tick < future->tick_count; tick++) {
        count_tick(ladder, tick, &rows[tick]);
    }
    find_reach(ladder, rows, reach);
    ladder->rungs = gv_mem_alloc_vector(ladder->rung_count + 1, sizeof *ladder->rungs);
    if (ladder->rungs == NULL) {
        status = GV_FAIL(GV_ENOMEM, "no memory for %zu slots of a period", ladder->rung_count);
        goto done;
    }
    place_rungs(ladder, reach);
done:
    gv_mem_free(rows);
    gv_mem_free(reach);
    return status;
}

gv_status gv_ladder_create(const gv_ladder_config *config, gv_ladder **out)
{
    assert(config->ceiling_nanos > 0);
    GV_TRY(check_future(config->future));

    gv_ladder *ladder = gv_mem_alloc(sizeof *ladder, 0, 0);
    if (ladder == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory to sort what a period offers");
    }
    ladder->config = *config;
    ladder->opportunities = config->future->tick_first[config->future->tick_count];
    ladder->base = first_bits(config->ceiling_nanos) - (BUCKETS - 1);
    const gv_status status = build(ladder);
    if (status != GV_OK) {
        gv_ladder_destroy(ladder);
        return status;
    }
    *out = ladder;
    return GV_OK;
}

void gv_ladder_destroy(gv_ladder *ladder)
{
    if (ladder == NULL) {
        return;
    }
    gv_mem_free(ladder->rungs);
    gv_mem_free(ladder->value_left);
    gv_mem_free(ladder);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Puts what came before the tick behind the rest, whose order stays, and adds the rest up. */
static bucket *bucket_at(gv_ladder *ladder, size_t tick, size_t number)
{
    assert(tick < ladder->config.future->tick_count);
    assert(number < BUCKETS);

    bucket *at = &ladder->buckets[number];
    const uint64_t now = ladder->config.future->tick_first[tick];
    if (at->sum.count == 0 || at->past == now) {
        return at;
    }
    gv_rung *rungs = ladder->rungs + at->first;
    gv_rung_sum left = {0};
    for (size_t i = 0; i < at->sum.count; i++) {
        const gv_rung found = rungs[i];
        if (found.opportunity >= now) {
            rungs[i] = rungs[left.count];
            rungs[left.count++] = found;
            left.cost_nanos += found.cost_nanos;
            left.value += (double)found.value;
            left.multiplier =
                found.multiplier > left.multiplier ? found.multiplier : left.multiplier;
        }
    }
    at->sum = left;
    at->past = now;
    return at;
}

gv_rung_sum gv_ladder_sum(gv_ladder *ladder, size_t tick, size_t at)
{
    return bucket_at(ladder, tick, at)->sum;
}

/* By multiplier, then opportunity; two rungs equal in all three are one as good as the other. */
static bool comes_before(const gv_rung *one, const gv_rung *other)
{
    if (one->multiplier != other->multiplier) {
        return one->multiplier < other->multiplier;
    }
    if (one->opportunity != other->opportunity) {
        return one->opportunity < other->opportunity;
    }
    return one->value < other->value;
}

/* Shell's sort with Ciura's gaps: in place, and buckets are small. */
static void sort_rungs(gv_rung *rungs, size_t count)
{
    static const size_t gaps[] = {8861, 3938, 1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++) {
        for (size_t i = gaps[g]; i < count; i++) {
            const gv_rung moved = rungs[i];
            size_t to = i;
            while (to >= gaps[g] && comes_before(&moved, &rungs[to - gaps[g]])) {
                rungs[to] = rungs[to - gaps[g]];
                to -= gaps[g];
            }
            rungs[to] = moved;
        }
    }
}

gv_rungs gv_ladder_bucket(gv_ladder *ladder, size_t tick, size_t at)
{
    bucket *asked = bucket_at(ladder, tick, at);
    gv_rung *rungs = ladder->rungs + asked->first;
    if (!asked->is_sorted) {
        sort_rungs(rungs, asked->sum.count);
        asked->is_sorted = true;
    }
    return (gv_rungs){rungs, asked->sum.count};
}

double gv_ladder_value_left(const gv_ladder *ladder, size_t tick)
{
    return ladder->value_left[tick];
}

void gv_ladder_rewind(gv_ladder *ladder)
{
    for (size_t number = 0; number < BUCKETS; number++) {
        bucket *at = &ladder->buckets[number];
        at->is_sorted = at->is_sorted && at->sum.count == at->total;
        at->sum.count = at->total;
        at->past = NEVER;
    }
}

int64_t gv_ladder_highest_offer(const gv_ladder *ladder)
{
    return ladder->highest_offer;
}
