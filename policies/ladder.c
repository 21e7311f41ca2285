#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policies/ladder_impl.h"
#include "sim/base/mem.h"

/* A bucket holds the multipliers that share an exponent and the first 7 bits behind it. */
enum { BUCKETS = 2048, BUCKET_SHIFT = 52 - 7 };

/* Above (k + 1) / mu by a few roundings, so that a bid of it reaches k + 1. */
#define ROUNDED_UP (1 + 0x1p-50)

typedef struct rung {
    double multiplier; /* nanos a conversion: with it and more this slot is bought */
    double cost_nanos; /* expected, less that of the slot below */
    uint32_t opportunity;
    float value; /* expected conversions, less those of the slot below */
} rung;

typedef struct bucket {
    size_t first;
    size_t count;
    uint64_t past; /* opportunities before this one are no longer in it */
    bool is_sorted;
} bucket;

struct gv_ladder {
    gv_ladder_config config;
    uint64_t opportunities;
    int64_t base;       /* bucket 0 is the multiplier whose first bits are these, and all below */
    size_t rung_count;  /* kept */
    rung *rungs;        /* [rung_count], by bucket */
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

/* False: no bid of this campaign climbs it, nor any rung of the opportunity above it. */
static bool rung_of(const gv_ladder *ladder, uint64_t i, size_t slot, rung *out)
{
    const gv_future *future = ladder->config.future;
    const int64_t price = future->prices[slot * ladder->opportunities + i];
    const int64_t offer = offer_above(ladder, price);
    if (offer > ladder->config.bid_cap_nanos || offer > ladder->config.budget_nanos) {
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
    *out = (rung){.multiplier = multiplier,
                  .cost_nanos = seen * (double)price - cost_below,
                  .opportunity = (uint32_t)i,
                  .value = (float)(value * (seen - seen_below))};
    return true;
}

/* Opportunity, then value: two rungs equal in all three are one as good as the other. */
static int compare_rungs(const void *a, const void *b)
{
    const rung *one = a;
    const rung *other = b;
    if (one->multiplier != other->multiplier) {
        return one->multiplier < other->multiplier ? -1 : 1;
    }
    if (one->opportunity != other->opportunity) {
        return one->opportunity < other->opportunity ? -1 : 1;
    }
    return (one->value > other->value) - (one->value < other->value);
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
    double value = 0;
    for (uint64_t i = future->tick_first[tick]; i < future->tick_first[tick + 1]; i++) {
        value += (double)future->values[i];
        rung found;
        for (size_t below = future->slot_count; below > 0; below--) {
            if (!rung_of(ladder, i, below - 1, &found)) {
                break;
            }
            const size_t at = bucket_of(ladder, found.multiplier);
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
            if (cost > (double)ladder->config.budget_nanos && reach[tick] == BUCKETS - 1) {
                reach[tick] = at;
            }
        }
        for (size_t at = 0; at <= reach[tick]; at++) {
            ladder->buckets[at].count += row->counts[at];
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
        first += ladder->buckets[at].count;
        ladder->buckets[at].count = 0;
    }
    for (size_t tick = 0; tick < future->tick_count; tick++) {
        for (uint64_t i = future->tick_first[tick]; i < future->tick_first[tick + 1]; i++) {
            rung found;
            for (size_t below = future->slot_count; below > 0; below--) {
                if (!rung_of(ladder, i, below - 1, &found)) {
                    break;
                }
                const size_t at = bucket_of(ladder, found.multiplier);
                if (at > reach[tick]) {
                    break;
                }
                bucket *into = &ladder->buckets[at];
                ladder->rungs[into->first + into->count++] = found;
            }
        }
    }
}

static gv_status check_future(const gv_future *future)
{
    for (size_t slot = 1; slot < future->slot_count; slot++) {
        if (future->exposure[slot] > future->exposure[slot - 1]) {
            return GV_FAIL(GV_EINVAL,
                           "oracle_slot: slot %zu is seen more often than the one above it, so a "
                           "higher bid may buy less: give exposures that fall",
                           slot + 1);
        }
    }
    const uint64_t count = future->tick_first[future->tick_count];
    if (count > UINT32_MAX) {
        return GV_FAIL(GV_EINVAL, "oracle_slot: %" PRIu64 " opportunities, expected below 2^32",
                       count);
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
    assert(config->cpa_nanos > 0);
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

size_t gv_ladder_size(const gv_ladder *ladder)
{
    return ladder->rung_count;
}

/* ---- climbing -------------------------------------------------------------------------------- */

typedef struct climb {
    double cost; /* with what is spent and gained already */
    double value;
    double multiplier; /* of the last rung */
    double best;       /* worth of the best prefix, and */
    double best_multiplier;
    bool is_over; /* the next rung is dearer than what is left */
} climb;

static double worth(const gv_ladder_config *config, double cost, double value)
{
    const double allowed = config->cpa_nanos * value;
    if (cost <= allowed) {
        return value;
    }
    if (config->objective == GV_LADDER_VALUE) {
        return (allowed - cost) / config->cpa_nanos;
    }
    const double ratio = allowed / cost;
    return ratio * ratio * value;
}

/* Forgets what came before `now` and, where it has not been, sorts the rest. */
static void prepare(const gv_ladder *ladder, bucket *at, uint64_t now)
{
    rung *rungs = ladder->rungs + at->first;
    if (at->past < now) {
        size_t left = 0;
        for (size_t i = 0; i < at->count; i++) {
            if (rungs[i].opportunity >= now) {
                rungs[left++] = rungs[i];
            }
        }
        at->count = left;
        at->past = now;
    }
    if (!at->is_sorted) {
        qsort(rungs, at->count, sizeof *rungs, compare_rungs);
        at->is_sorted = true;
    }
}

/* Equal multipliers of one opportunity, its slots being a step of the offer or less apart. */
static bool is_one_step(const rung *one, const rung *next)
{
    return next->multiplier == one->multiplier && next->opportunity == one->opportunity;
}

static void climb_bucket(const gv_ladder *ladder, const bucket *at, double cost_max, climb *state)
{
    const rung *rungs = ladder->rungs + at->first;
    for (size_t i = 0; i < at->count;) {
        const size_t first = i;
        double cost = state->cost;
        double value = state->value;
        for (; i < at->count && is_one_step(&rungs[first], &rungs[i]); i++) {
            cost += rungs[i].cost_nanos;
            value += (double)rungs[i].value;
        }
        if (cost > cost_max) {
            state->is_over = true;
            return;
        }
        state->cost = cost;
        state->value = value;
        state->multiplier = rungs[first].multiplier;
        const double found = worth(&ladder->config, cost, value);
        if (found > state->best) {
            state->best = found;
            state->best_multiplier = state->multiplier;
        }
    }
}

/*
 * True when no longer prefix can be worth more than the best one. From here on a conversion costs
 * at least `multiplier`. So a broken hard CPA below it stays broken; and x more conversions score
 * at most C^2 (value + x)^3 / (cost + multiplier x)^2, which is highest at either end of the x
 * that budget and period allow. Where offers are cut to steps a rung may cost less than its
 * multiplier says, and nothing is concluded.
 */
static bool is_hopeless(const gv_ladder *ladder, const climb *state, double cost_max, double more)
{
    const gv_ladder_config *config = &ladder->config;
    const double c = config->cpa_nanos;
    if (config->price_step_nanos != 1 || state->multiplier <= c ||
        state->cost <= c * state->value) {
        return false;
    }
    if (config->objective == GV_LADDER_VALUE) {
        return true;
    }
    const double x = fmin((cost_max - state->cost) / state->multiplier, more);
    const double value = state->value + x;
    const double ratio = c * value / (state->cost + state->multiplier * x);
    return ratio * ratio * value <= state->best;
}

double gv_ladder_solve(gv_ladder *ladder, const gv_ladder_standing *standing)
{
    const gv_future *future = ladder->config.future;
    assert(standing->tick < future->tick_count);

    const uint64_t now = future->tick_first[standing->tick];
    const double more = ladder->value_left[standing->tick];
    const double cost_max = standing->spent_nanos + standing->budget_left_nanos;
    climb state = {.cost = standing->spent_nanos, .value = standing->conversions};
    state.best = worth(&ladder->config, state.cost, state.value);
    for (size_t at = 0; at < BUCKETS && !state.is_over; at++) {
        bucket *next = &ladder->buckets[at];
        if (next->count == 0) {
            continue;
        }
        if (is_hopeless(ladder, &state, cost_max, more)) {
            break;
        }
        prepare(ladder, next, now);
        climb_bucket(ladder, next, cost_max, &state);
    }
    return state.best_multiplier * ROUNDED_UP;
}
