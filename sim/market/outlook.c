#include "sim/market/outlook.h"

#include <assert.h>
#include <math.h>

#include "sim/base/money.h"
#include "sim/market/seat.h"

enum { LAST = 1, LAST_FEW = 3, LAST_MEANT = 4 };

#define COUNT_UNIT 1e4  /* opportunities */
#define MEAN_UNIT  1e-3 /* of a value */

const char *gv_outlook_name(gv_outlook_entry entry)
{
    static const char *const names[GV_OUTLOOK_SIZE] = {
#define X(name, text) [name] = (text),
        GV_OUTLOOK_LIST(X)
#undef X
    };
    assert(entry < GV_OUTLOOK_SIZE);
    return names[entry];
}

/* What all entries are made of; money in nanos. */
typedef struct basis {
    double budget;
    double left;
    double cpa;
    double size;  /* K */
    double ticks; /* T */
    const gv_seat_tick *past;
    size_t tick; /* past ticks */
} basis;

/* Sums over past ticks. */
typedef struct past_sum {
    double count;
    double spend;
    double conversions;
    double values;
    double seen;
    double least_cost;
    double bid_logs; /* of ticks with values: the log of multiplier / C */
    double bid_ticks;
} past_sum;

static double within(double x)
{
    return fmin(fmax(x, -GV_OUTLOOK_MOST), GV_OUTLOOK_MOST);
}

/* 0 where there is nothing of either. */
static double ratio(double part, double whole)
{
    if (part == 0.0) {
        return 0.0;
    }
    return whole > 0.0 ? part / whole : copysign(HUGE_VAL, part);
}

/* The logarithm of a ratio of two numbers that are not negative. */
static double log_ratio(double part, double whole)
{
    if (whole <= 0.0) {
        return part > 0.0 ? GV_OUTLOOK_MOST : 0.0;
    }
    return part > 0.0 ? within(log(part / whole)) : -GV_OUTLOOK_MOST;
}

static double bid_of(const basis *base, const gv_seat_tick *tick)
{
    const double values = (double)tick->value_units / GV_VALUE_UNITS;
    return values > 0.0 ? log_ratio((double)tick->tally.bid_nanos, values * base->cpa) : 0.0;
}

static past_sum sum_of(const basis *base, size_t window)
{
    past_sum sum = {0};
    const size_t first = window < base->tick ? base->tick - window : 0;
    for (size_t i = first; i < base->tick; i++) {
        const gv_seat_tick *tick = &base->past[i];
        sum.count += (double)tick->tally.auctions;
        sum.spend += (double)tick->tally.spend_nanos;
        sum.conversions += (double)tick->tally.conversions;
        sum.values += (double)tick->value_units / GV_VALUE_UNITS;
        sum.seen += (double)tick->exposed_value_units / GV_VALUE_UNITS;
        sum.least_cost += (double)tick->least_cost_nanos;
        sum.bid_logs += bid_of(base, tick);
        sum.bid_ticks += tick->value_units > 0 ? 1.0 : 0.0;
    }
    return sum;
}

static void look_at_progress(const basis *base, const past_sum *all, double *outlook)
{
    const double spent = base->budget - base->left;
    const double cpa = base->cpa;
    const double n = all->conversions;
    const double v = all->seen;
    const double time_left = (base->ticks - (double)base->tick) / base->ticks;
    const double budget_left = ratio(base->left, base->budget);
    outlook[GV_OUTLOOK_TIME_LEFT] = time_left;
    outlook[GV_OUTLOOK_BUDGET_LEFT] = budget_left;
    outlook[GV_OUTLOOK_SPENT] = ratio(spent, base->budget);
    outlook[GV_OUTLOOK_CONVERSIONS] = ratio(n, base->size);
    outlook[GV_OUTLOOK_EXPECTED] = ratio(v, base->size);
    outlook[GV_OUTLOOK_SIZE_LOG] = log_ratio(base->size, 1.0);
    outlook[GV_OUTLOOK_COST] = log_ratio(spent + cpa, cpa * (n + 1.0));
    outlook[GV_OUTLOOK_COST_EXPECTED] = log_ratio(spent + 0.2 * cpa, cpa * (v + 0.2));
    outlook[GV_OUTLOOK_LUCK] = log_ratio(n + 3.0, v + 3.0);
    outlook[GV_OUTLOOK_PACE] = budget_left / time_left;
}

static void look_at_prices(const basis *base, const past_sum *sum, double *price, double *mean)
{
    *price = sum->values > 0.0 ? log_ratio(sum->least_cost, sum->values * base->cpa) : 0.0;
    if (sum->count > 0.0) {
        *mean = log_ratio(sum->values, sum->count * MEAN_UNIT);
    }
}

static void look_at_last(const basis *base, const past_sum *last, const past_sum *meant,
                         double *outlook)
{
    const double cpa = base->cpa;
    const double share = base->tick == 0 ? 0.0 : base->ticks / fmin((double)base->tick, LAST_MEANT);
    outlook[GV_OUTLOOK_BID_LAST] = last->bid_logs;
    outlook[GV_OUTLOOK_SPENT_LAST] = ratio(last->spend * base->ticks, base->budget);
    outlook[GV_OUTLOOK_EXPECTED_LAST] = ratio(last->seen * base->ticks, base->size);
    outlook[GV_OUTLOOK_COST_LAST] =
        base->tick == 0 ? 0.0 : log_ratio(last->spend + 0.05 * cpa, cpa * (last->seen + 0.05));
    outlook[GV_OUTLOOK_SPENT_LAST_4] = ratio(meant->spend * share, base->budget);
    outlook[GV_OUTLOOK_EXPECTED_LAST_4] = ratio(meant->seen * share, base->size);
}

static basis basis_of(const gv_observation *observation, const gv_campaign *campaign)
{
    const double budget = (double)observation->budget_nanos;
    const double cpa = (double)campaign->cpa_nanos;
    return (basis){.budget = budget,
                   .left = (double)observation->budget_left_nanos,
                   .cpa = cpa,
                   .size = budget / cpa,
                   .ticks = (double)observation->tick_count,
                   .past = observation->market.ticks,
                   .tick = (size_t)observation->tick};
}

void gv_outlook_of(const gv_observation *observation, const gv_campaign *campaign, double *outlook)
{
    assert(observation->market.is_market);
    assert(observation->tick < observation->tick_count);
    assert(campaign->cpa_nanos > 0);

    const basis base = basis_of(observation, campaign);
    const past_sum all = sum_of(&base, base.tick);
    const past_sum last = sum_of(&base, LAST);
    const past_sum few = sum_of(&base, LAST_FEW);
    const past_sum meant = sum_of(&base, LAST_MEANT);
    const double count = (double)observation->market.announced_count;
    const double value = observation->market.announced_value;
    const double mean = count > 0.0 ? log_ratio(value, MEAN_UNIT) : 0.0;
    look_at_progress(&base, &all, outlook);
    outlook[GV_OUTLOOK_VALUE_NOW] = log_ratio(count * value * base.ticks, base.size);
    outlook[GV_OUTLOOK_COUNT_NOW] = log_ratio(count, COUNT_UNIT);
    outlook[GV_OUTLOOK_MEAN_NOW] = mean;
    outlook[GV_OUTLOOK_MEAN_LAST] = mean;
    outlook[GV_OUTLOOK_MEAN_LAST_3] = mean;
    outlook[GV_OUTLOOK_MEAN] = mean;
    look_at_prices(&base, &last, &outlook[GV_OUTLOOK_PRICE_LAST], &outlook[GV_OUTLOOK_MEAN_LAST]);
    look_at_prices(&base, &few, &outlook[GV_OUTLOOK_PRICE_LAST_3],
                   &outlook[GV_OUTLOOK_MEAN_LAST_3]);
    look_at_prices(&base, &all, &outlook[GV_OUTLOOK_PRICE], &outlook[GV_OUTLOOK_MEAN]);
    look_at_last(&base, &last, &meant, outlook);
    outlook[GV_OUTLOOK_BID] = ratio(all.bid_logs, all.bid_ticks);
    for (size_t i = 0; i < GV_OUTLOOK_SIZE; i++) {
        outlook[i] = within(outlook[i]);
    }
}

void gv_outlook_told(const gv_observation *observation, int64_t cpa_nanos, float *told)
{
    const gv_campaign campaign = {.cpa_nanos = cpa_nanos};
    double outlook[GV_OUTLOOK_SIZE] = {0};
    if (cpa_nanos > 0) {
        gv_outlook_of(observation, &campaign, outlook);
    }
    for (size_t i = 0; i < GV_OUTLOOK_SIZE; i++) {
        told[i] = (float)outlook[i];
    }
}
