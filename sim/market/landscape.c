/*
 * Each slot is a rung: from the multiplier on that beats its price, the campaign has this slot
 * instead of the one below. So each rung adds its difference to one bin, and running sums over the
 * bins are the landscape.
 */
#include "sim/market/landscape.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/money.h"
#include "sim/base/vector.h"
#include "sim/market/mechanism.h"

enum {
    BLOCK = 512, /* opportunities whose points are found together */
    MANTISSA_BITS = 52,
    EXPONENT_BIAS = 1023,
    EXPONENT_LEAST = -4, /* of point 0 */
};

#define MANTISSA ((INT64_C(1) << MANTISSA_BITS) - 1)

double gv_landscape_multiplier(size_t point)
{
    assert(point < GV_LANDSCAPE_SIZE);
    const double step = exp2((double)(point % GV_LANDSCAPE_OCTAVE) / GV_LANDSCAPE_OCTAVE);
    return ldexp(step, EXPONENT_LEAST + (int)(point / GV_LANDSCAPE_OCTAVE));
}

/* One octave's points by the bits behind their exponent, which order them. */
typedef struct octave {
    int64_t mantissa[GV_LANDSCAPE_OCTAVE];
} octave;

static octave octave_of(void)
{
    octave out;
    for (size_t j = 0; j < GV_LANDSCAPE_OCTAVE; j++) {
        const double step = exp2((double)j / GV_LANDSCAPE_OCTAVE);
        int64_t bits = 0;
        memcpy(&bits, &step, sizeof bits);
        out.mantissa[j] = bits & MANTISSA;
    }
    return out;
}

/*
 * thresholds: [count], above 0, in CPAs. points: the first grid point that is no less, and
 * GV_LANDSCAPE_SIZE where none is. A point's bits are the threshold's exponent, which says the
 * octave, and how many of the octave's points are below.
 */
GV_VECTOR static void find_points(const octave *grid, const double *thresholds, size_t count,
                                  int64_t *points)
{
    for (size_t i = 0; i < count; i++) {
        int64_t bits = 0;
        memcpy(&bits, &thresholds[i], sizeof bits);
        int64_t point = ((bits >> MANTISSA_BITS) - EXPONENT_BIAS - EXPONENT_LEAST) *
                        (int64_t)GV_LANDSCAPE_OCTAVE;
        for (size_t j = 0; j < GV_LANDSCAPE_OCTAVE; j++) {
            point += (bits & MANTISSA) > grid->mantissa[j] ? 1 : 0;
        }
        point = point < 0 ? 0 : point;
        points[i] = point < GV_LANDSCAPE_SIZE ? point : GV_LANDSCAPE_SIZE;
    }
}

/* What one tick adds at each point; the last bin is beyond the grid. */
typedef struct bins {
    double cost[GV_LANDSCAPE_SIZE + 1];
    double value[GV_LANDSCAPE_SIZE + 1];
} bins;

typedef struct walker {
    const gv_landscape_config *config;
    octave grid;
    uint64_t count; /* opportunities of the period */
    bins bins;
    double thresholds[BLOCK];
    int64_t points[GV_SLOTS_MAX][BLOCK];
} walker;

/* The least offer above `price`. */
static int64_t offer_above(const walker *walk, int64_t price)
{
    const int64_t step = walk->config->rules.price_step_nanos;
    return step <= 1 ? price + 1 : (price / step + 1) * step;
}

static void find_block(walker *walk, uint64_t first, size_t count)
{
    const gv_landscape_config *config = walk->config;
    for (size_t slot = 0; slot < config->future->slot_count; slot++) {
        const int64_t *prices = config->future->prices + slot * walk->count + first;
        const float *values = config->future->values + first;
        for (size_t i = 0; i < count; i++) {
            const int64_t offer = offer_above(walk, prices[i]);
            const double worth = (double)values[i] * (double)config->cpa_nanos;
            walk->thresholds[i] = offer > config->bid_cap_nanos ? HUGE_VAL : (double)offer / worth;
        }
        find_points(&walk->grid, walk->thresholds, count, walk->points[slot]);
    }
}

/* From the last slot up; each costs and gains what it has more than the one below. */
static void add_rungs(walker *walk, uint64_t first, size_t i)
{
    const gv_future *future = walk->config->future;
    const double value = (double)future->values[first + i];
    double below_cost = 0;
    double below_seen = 0;
    for (size_t slot = future->slot_count; slot-- > 0;) {
        const double price =
            (double)future->prices[slot * walk->count + first + i] / (double)GV_NANOS_PER_UNIT;
        const double seen = future->exposure[slot];
        const double more =
            walk->config->rules.pays_harm ? (seen - below_seen) * price : seen * price - below_cost;
        walk->bins.cost[walk->points[slot][i]] += more;
        walk->bins.value[walk->points[slot][i]] += (seen - below_seen) * value;
        below_cost += more;
        below_seen = seen;
    }
}

static void walk_tick(walker *walk, uint64_t first, uint64_t end)
{
    memset(&walk->bins, 0, sizeof walk->bins);
    for (; first < end; first += BLOCK) {
        const size_t count = end - first < BLOCK ? (size_t)(end - first) : BLOCK;
        find_block(walk, first, count);
        for (size_t i = 0; i < count; i++) {
            add_rungs(walk, first, i);
        }
    }
}

static void write_tick(const walker *walk, size_t tick, gv_landscape *out)
{
    double cost = 0;
    double value = 0;
    for (size_t k = 0; k < GV_LANDSCAPE_SIZE; k++) {
        cost += walk->bins.cost[k];
        value += walk->bins.value[k];
        out->cost[tick * GV_LANDSCAPE_SIZE + k] = (float)cost;
        out->value[tick * GV_LANDSCAPE_SIZE + k] = (float)value;
    }
}

static void write_sums(const walker *walk, size_t tick, gv_landscape *out)
{
    const gv_future *future = walk->config->future;
    const uint64_t first = future->tick_first[tick];
    const uint64_t end = future->tick_first[tick + 1];
    const int64_t *least = future->prices + (future->slot_count - 1) * walk->count;
    double values = 0;
    double least_cost = 0;
    for (uint64_t i = first; i < end; i++) {
        values += (double)future->values[i];
        least_cost += (double)least[i];
    }
    out->auctions[tick] = (double)(end - first);
    out->values[tick] = values;
    out->least_cost[tick] = least_cost / (double)GV_NANOS_PER_UNIT;
}

gv_status gv_landscape_of(const gv_landscape_config *config, gv_landscape *out)
{
    const gv_future *future = config->future;
    assert(config->cpa_nanos > 0);
    assert(future->slot_count >= 1 && future->slot_count <= GV_SLOTS_MAX);
    if (config->rules.pays_own_bid || config->rules.has_soft_reserve) {
        return GV_FAIL(GV_EINVAL, "a winner pays its own bid here, and a bid landscape knows only "
                                  "what slots cost whoever pays the next offer");
    }
    walker walk = {
        .config = config, .grid = octave_of(), .count = future->tick_first[future->tick_count]};
    for (size_t tick = 0; tick < future->tick_count; tick++) {
        walk_tick(&walk, future->tick_first[tick], future->tick_first[tick + 1]);
        write_tick(&walk, tick, out);
        write_sums(&walk, tick, out);
    }
    return GV_OK;
}
