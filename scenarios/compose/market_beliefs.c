/* What cold and stale beliefs are made of: how good a period and its ticks are on average. */
#include <assert.h>

#include "scenarios/compose/market.h"
#include "sim/base/mem.h"

static double largest(const double *items, size_t count)
{
    double most = 0.0;
    for (size_t i = 0; i < count; i++) {
        most = items[i] > most ? items[i] : most;
    }
    return most;
}

static bool is_anyone_cold(const gv_market_plan *plan)
{
    return plan->settings->contender_cold > 0.0 ||
           largest(plan->belief_colds, plan->belief_cold_count) > 0.0;
}

/* How many ticks anyone looks back. */
static size_t longest_lag(const gv_market_plan *plan)
{
    return (size_t)largest(plan->belief_stales, plan->belief_stale_count) +
           (size_t)plan->settings->contender_stale;
}

/* sums: [seat_count], zeroed; they become means where there is anything. */
static gv_status average_tick(const gv_traffic *traffic, size_t tick, size_t seats, double *sums)
{
    const uint64_t count = gv_traffic_count(traffic, tick);
    GV_TRY(gv_traffic_add_up(traffic, tick, sums));
    for (size_t i = 0; i < seats && count > 0; i++) {
        sums[i] /= (double)count;
    }
    return GV_OK;
}

/* Of the ticks from `first` on of a period; levels: theirs, one row after another. */
static gv_status average_ticks(const gv_market *market, const gv_traffic *traffic, size_t first,
                               double *levels)
{
    const size_t ticks = (size_t)market->plan->settings->ticks;
    for (size_t tick = first; tick < ticks; tick++) {
        double *row = levels + (tick - first) * market->seat_count;
        GV_TRY(average_tick(traffic, tick, market->seat_count, row));
    }
    return GV_OK;
}

/* Before the first period there is, nothing was otherwise than in its first tick. */
static void repeat_first(size_t rows, size_t seats, double *levels)
{
    for (size_t i = 0; i < rows * seats; i++) {
        levels[i] = levels[rows * seats + i % seats];
    }
}

/* The rows of levels behind the period's own, of the periods before it. */
static gv_status look_back(const gv_market *market, const gv_market_period *period, size_t lag)
{
    const size_t ticks = (size_t)market->plan->settings->ticks;
    const size_t seats = market->seat_count;
    uint64_t number = period->number;
    size_t left = lag;
    while (left > 0 && number > 0) {
        const size_t rows = left < ticks ? left : ticks;
        gv_traffic *traffic = NULL;
        number--;
        left -= rows;
        GV_TRY(gv_market_traffic(market, number, period->is_calm, &traffic));
        const gv_status status =
            average_ticks(market, traffic, ticks - rows, period->levels + left * seats);
        gv_traffic_destroy(traffic);
        GV_TRY(status);
    }
    repeat_first(left, seats, period->levels);
    return GV_OK;
}

/* Over all opportunities alike, whichever their tick. */
static void average_period(const gv_market *market, const gv_market_period *period)
{
    const size_t ticks = (size_t)market->plan->settings->ticks;
    const double all = (double)gv_traffic_before(period->traffic, ticks);
    const double *own = period->levels + (period->level_ticks - ticks) * market->seat_count;
    for (size_t tick = 0; tick < ticks && all > 0.0; tick++) {
        const double share = (double)gv_traffic_count(period->traffic, tick) / all;
        for (size_t i = 0; i < market->seat_count; i++) {
            period->means[i] += share * own[tick * market->seat_count + i];
        }
    }
}

gv_status gv_market_beliefs_open(const gv_market *market, gv_market_period *period)
{
    const size_t lag = longest_lag(market->plan);
    const size_t ticks = (size_t)market->plan->settings->ticks;
    if (period->is_calm || (lag == 0 && !is_anyone_cold(market->plan))) {
        return GV_OK;
    }
    period->level_ticks = lag + ticks;
    period->means = gv_mem_alloc(0, market->seat_count, sizeof *period->means);
    period->levels =
        gv_mem_alloc(0, period->level_ticks * market->seat_count, sizeof *period->levels);
    if (period->means == NULL || period->levels == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for what %zu advertisers believe", market->seat_count);
    }
    GV_TRY(average_ticks(market, period->traffic, 0, period->levels + lag * market->seat_count));
    average_period(market, period);
    return look_back(market, period, lag);
}

void gv_market_beliefs_close(gv_market_period *period)
{
    gv_mem_free(period->means);
    gv_mem_free(period->levels);
}

void gv_market_beliefs_of(const gv_market *market, const gv_market_period *period,
                          size_t advertiser, gv_distortion *distortion)
{
    const size_t ticks = (size_t)market->plan->settings->ticks;
    if (distortion->belief_cold > 0.0) {
        assert(period->means != NULL);
        distortion->belief_mean = period->means[advertiser];
    }
    if (distortion->belief_stale > 0) {
        const size_t own = period->level_ticks - ticks;
        assert(period->levels != NULL && distortion->belief_stale <= own);
        distortion->levels = period->levels + own * market->seat_count + advertiser;
        distortion->level_stride = market->seat_count;
        distortion->traffic = period->traffic;
    }
}
