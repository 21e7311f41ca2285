#include "sim/market/observation.h"

#include <assert.h>

#include "sim/base/money.h"
#include "sim/market/seat.h"

enum { WINDOW = 3 };

const char *gv_state_name(gv_state_entry entry)
{
    static const char *const names[GV_STATE_SIZE] = {
#define X(name, text) [name] = (text),
        GV_STATE_LIST(X)
#undef X
    };
    assert(entry < GV_STATE_SIZE);
    return names[entry];
}

/* The past quantities of a span of ticks: sums of means, then their means. */
typedef struct past_means {
    double bid;
    double least_cost;
    double value;
    double conversion;
    double win;
    double count; /* opportunities, summed */
} past_means;

static void add_tick(past_means *sum, const gv_seat_tick *tick)
{
    const double count = (double)tick->tally.auctions;
    const double unit = (double)GV_NANOS_PER_UNIT;
    sum->bid += (double)tick->tally.bid_nanos / unit / count;
    sum->least_cost += (double)tick->least_cost_nanos / unit / count;
    sum->value += (double)tick->value_units / GV_VALUE_UNITS / count;
    sum->conversion += (double)tick->tally.conversions / count;
    sum->win += (double)tick->tally.wins / count;
    sum->count += count;
}

static past_means means_of(const gv_seat_tick *ticks, size_t first, size_t last)
{
    past_means means = {0};
    size_t used = 0;
    for (size_t i = first; i < last; i++) {
        if (ticks[i].tally.auctions > 0) {
            add_tick(&means, &ticks[i]);
            used++;
        }
    }
    const double divisor = used == 0 ? 1.0 : (double)used;
    means.bid /= divisor;
    means.least_cost /= divisor;
    means.value /= divisor;
    means.conversion /= divisor;
    means.win /= divisor;
    return means;
}

static past_means means_of_window(const gv_seat_tick *ticks, size_t tick, gv_state_window window)
{
    const size_t width = tick < WINDOW ? tick : WINDOW;
    const size_t first = window == GV_STATE_FIRST_THREE ? 0 : tick - width;
    return means_of(ticks, first, first + width);
}

void gv_state_of(const gv_observation *observation, gv_state_window window, double *state)
{
    const gv_market_view *market = &observation->market;
    const size_t tick = (size_t)observation->tick;
    assert(market->is_market);
    assert(observation->tick < observation->tick_count);

    const past_means all = means_of(market->ticks, 0, tick);
    const past_means last = means_of_window(market->ticks, tick, window);
    const double tick_count = (double)observation->tick_count;
    const double budget = (double)observation->budget_nanos;
    const double left = (double)observation->budget_left_nanos;
    state[GV_STATE_TIME_LEFT] = (tick_count - (double)tick) / tick_count;
    state[GV_STATE_BUDGET_LEFT] = budget > 0.0 ? left / budget : 0.0;
    state[GV_STATE_BID] = all.bid;
    state[GV_STATE_BID_LAST] = last.bid;
    state[GV_STATE_LEAST_COST] = all.least_cost;
    state[GV_STATE_VALUE] = all.value;
    state[GV_STATE_CONVERSION] = all.conversion;
    state[GV_STATE_WIN] = all.win;
    state[GV_STATE_LEAST_COST_LAST] = last.least_cost;
    state[GV_STATE_VALUE_LAST] = last.value;
    state[GV_STATE_CONVERSION_LAST] = last.conversion;
    state[GV_STATE_WIN_LAST] = last.win;
    state[GV_STATE_VALUE_NOW] = market->announced_value;
    state[GV_STATE_COUNT_NOW] = (double)market->announced_count;
    state[GV_STATE_COUNT_LAST] = last.count;
    state[GV_STATE_COUNT] = all.count;
}
