/* Trajectories from AuctionNet's log: a period's ticks are summed as they come. */
#include <inttypes.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sim/base/mem.h"
#include "sim/base/money.h"
#include "sim/log/auctionnet.h"
#include "sim/outcome/trajectory.h"

/* The period that is being read. */
typedef struct period_sums {
    gv_trajectories *set;
    size_t tick_count;
    uint64_t period;
    size_t next_tick;
    size_t advertiser_count;     /* 0: none was begun */
    gv_trajectory_about *abouts; /* [advertiser] */
    gv_trajectory_tick *ticks;   /* [advertiser][tick_count] */
} period_sums;

static int64_t nanos_of(double money)
{
    const double most = 9e9; /* units: what nanos can hold */
    const double nanos = (money < most ? money : most) * (double)GV_NANOS_PER_UNIT;
    return (int64_t)(nanos < 0.0 ? 0.0 : nanos + 0.5);
}

static int64_t units_of(double value)
{
    return (int64_t)(value * GV_VALUE_UNITS + 0.5);
}

static void release(period_sums *sums)
{
    gv_mem_free(sums->abouts);
    gv_mem_free(sums->ticks);
    sums->abouts = NULL;
    sums->ticks = NULL;
    sums->advertiser_count = 0;
}

static gv_status begin_period(period_sums *sums, const gv_auctionnet_tick *tick)
{
    const size_t count = tick->advertiser_count;
    sums->period = tick->period;
    sums->next_tick = 0;
    sums->advertiser_count = count;
    sums->abouts = gv_mem_alloc(0, count, sizeof *sums->abouts);
    sums->ticks = gv_mem_alloc(0, count * sums->tick_count, sizeof *sums->ticks);
    if (sums->abouts == NULL || sums->ticks == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for the ticks of %zu advertisers", count);
    }
    for (size_t i = 0; i < count; i++) {
        const gv_auctionnet_advertiser *advertiser = &tick->advertisers[i];
        sums->abouts[i] = (gv_trajectory_about){.period = tick->period,
                                                .advertiser = advertiser->number,
                                                .category = advertiser->category,
                                                .budget_nanos = nanos_of(advertiser->budget),
                                                .cpa_nanos = nanos_of(advertiser->cpa)};
    }
    return GV_OK;
}

/* Ticks that the log lacks had no opportunities: the budget stays what it was. */
static void pass_over(const period_sums *sums, gv_trajectory_tick *ticks, size_t advertiser,
                      size_t from, size_t to)
{
    for (size_t tick = from; tick < to; tick++) {
        const int64_t left =
            tick == 0 ? sums->abouts[advertiser].budget_nanos
                      : ticks[tick - 1].left_nanos - ticks[tick - 1].got.tally.spend_nanos;
        ticks[tick] = (gv_trajectory_tick){.left_nanos = left > 0 ? left : 0};
    }
}

static void sum_rows(const gv_auctionnet_tick *tick, size_t advertiser, gv_trajectory_tick *out)
{
    gv_seat_tick *got = &out->got;
    const size_t first = advertiser * tick->stride;
    got->tally.auctions = tick->count;
    for (size_t i = first; i < first + tick->count; i++) {
        const int64_t bid = nanos_of(tick->bids[i]);
        const int64_t value = units_of(tick->values[i]);
        const bool is_seen = tick->exposed[i] != 0;
        got->tally.bids += bid > 0;
        got->tally.bid_nanos += bid;
        got->tally.wins += tick->won[i];
        got->tally.spend_nanos += is_seen ? nanos_of(tick->costs[i]) : 0;
        got->tally.conversions += tick->converted[i];
        got->exposures += is_seen;
        got->value_units += value;
        got->won_value_units += tick->won[i] != 0 ? value : 0;
        got->exposed_value_units += is_seen ? value : 0;
        got->least_cost_nanos += nanos_of(tick->least_costs[i]);
        out->rewarded += is_seen ? tick->converted[i] : 0;
    }
}

static gv_status end_period(period_sums *sums)
{
    for (size_t i = 0; i < sums->advertiser_count; i++) {
        gv_trajectory_tick *ticks = sums->ticks + i * sums->tick_count;
        pass_over(sums, ticks, i, sums->next_tick, sums->tick_count);
        GV_TRY(gv_trajectories_add(sums->set, &sums->abouts[i], ticks));
    }
    release(sums);
    return GV_OK;
}

static gv_status take_tick(period_sums *sums, const char *path, const gv_auctionnet_tick *tick)
{
    if (sums->advertiser_count > 0 && tick->period != sums->period) {
        GV_TRY(end_period(sums));
    }
    if (sums->advertiser_count == 0) {
        GV_TRY(begin_period(sums, tick));
    }
    if (tick->tick >= sums->tick_count) {
        return GV_FAIL(GV_EINVAL, "%s:%" PRIu64 ": tick %zu, expected %zu ticks from 0 on", path,
                       tick->line, tick->tick, sums->tick_count);
    }
    for (size_t i = 0; i < sums->advertiser_count; i++) {
        gv_trajectory_tick *ticks = sums->ticks + i * sums->tick_count;
        pass_over(sums, ticks, i, sums->next_tick, tick->tick);
        ticks[tick->tick] =
            (gv_trajectory_tick){.left_nanos = nanos_of(tick->advertisers[i].budget_left),
                                 .has_ended = tick->advertisers[i].has_ended};
        sum_rows(tick, i, &ticks[tick->tick]);
    }
    sums->next_tick = tick->tick + 1;
    return GV_OK;
}

static gv_status read_ticks(period_sums *sums, gv_auctionnet_reader *reader, const char *path,
                            const gv_progress *progress)
{
    struct stat facts;
    const bool has_size = stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
    const uint64_t size = has_size ? (uint64_t)facts.st_size : 0;
    gv_auctionnet_tick tick;
    bool found = false;
    GV_TRY(gv_auctionnet_next(reader, &tick, &found));
    while (found) {
        GV_TRY(take_tick(sums, path, &tick));
        if (!gv_progress_report(progress, "trajectories", gv_auctionnet_consumed(reader), size)) {
            return GV_FAIL(GV_ESTOPPED, "%s: stopped at its line %" PRIu64, path, tick.line);
        }
        GV_TRY(gv_auctionnet_next(reader, &tick, &found));
    }
    return end_period(sums);
}

gv_status gv_trajectories_read(gv_trajectories *set, const char *path, const gv_progress *progress)
{
    gv_auctionnet_reader *reader = NULL;
    period_sums sums = {.set = set, .tick_count = gv_trajectories_ticks(set)};
    GV_TRY(gv_auctionnet_open(path, GV_AUCTIONNET_ALL, &reader));
    const gv_status status = read_ticks(&sums, reader, path, progress);
    release(&sums);
    gv_auctionnet_close(reader);
    return status;
}
