/*
 * Episodes, ticks and tallies of a replay. Auctions and feedback are counted in the open tick
 * record alone; closing it adds it to the episode and to the total, so that counting costs the
 * same however many sums there are.
 */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/market/replay_impl.h"

enum { RECORDS_MAX = 1 << 26 };

static int64_t floor_div(int64_t a, int64_t b)
{
    const int64_t quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
}

int64_t gv_book_next_midnight(const gv_campaign *campaign, int64_t now)
{
    const int64_t local = now + campaign->zone_offset_us;
    return (floor_div(local, GV_US_PER_DAY) + 1) * GV_US_PER_DAY - campaign->zone_offset_us;
}

gv_status gv_book_room(const gv_campaign *campaign, const gv_source *source, size_t *room)
{
    const uint64_t span = (uint64_t)(campaign->end_us - campaign->start_us);
    const uint64_t by_time = span / (uint64_t)campaign->tick_us + span / GV_US_PER_DAY;
    uint64_t by_auctions = 0;
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        by_auctions = (source->end - source->begin) / campaign->episode_auctions;
    }
    const uint64_t ends = 5; /* what divisions cut off, and feedback after the end */
    if (by_time > RECORDS_MAX || by_auctions > RECORDS_MAX) {
        return GV_FAIL(GV_EINVAL,
                       "campaign %s would have %" PRIu64
                       " ticks, more than %d: make its ticks or episodes longer",
                       campaign->name, by_time + by_auctions, RECORDS_MAX);
    }
    *room = (size_t)(by_time + by_auctions + ends);
    return GV_OK;
}

static gv_tick_record *open_record(gv_replay *replay)
{
    assert(replay->state.ticks_used >= 1);
    return &replay->ticks[replay->state.ticks_used - 1];
}

gv_tally *gv_book_open_tally(gv_replay *replay)
{
    return &open_record(replay)->tally;
}

static void begin_record(gv_replay *replay, int64_t now)
{
    assert(replay->state.ticks_used < replay->ticks_max);
    replay->ticks[replay->state.ticks_used++] = (gv_tick_record){
        .time_us = now,
        .episode = replay->state.episodes - 1,
        .budget_left_nanos = replay->state.budget_left_nanos,
    };
}

static bool is_empty(const gv_tally *tally)
{
    const gv_tally empty = {0};
    return memcmp(tally, &empty, sizeof empty) == 0;
}

/* Adds the open record to the sums and returns its tally; one without time or content goes. */
static gv_tally close_record(gv_replay *replay, int64_t now)
{
    gv_tick_record *record = open_record(replay);
    record->budget_left_nanos = replay->state.budget_left_nanos;
    gv_tally_add(&replay->state.episode, &record->tally);
    gv_tally_add(&replay->state.total, &record->tally);
    const gv_tally tally = record->tally;
    if (record->time_us == now && is_empty(&tally)) {
        replay->state.ticks_used--;
    }
    return tally;
}

static void plan(gv_replay *replay, int64_t now, const gv_tally *last)
{
    const gv_replay_state *state = &replay->state;
    const gv_observation observation = {
        .time_us = now,
        .tick = state->tick,
        .tick_count = state->tick_count,
        .episode_start_us = state->episode_start_us,
        .episode_end_us = state->episode_end_us,
        .budget_nanos = replay->config.campaign->budget_nanos,
        .budget_left_nanos = state->budget_left_nanos,
        .episode = state->episode,
        .last = *last,
    };
    gv_policy_tick(&replay->config.policy, &observation, 1);
}

static int64_t episode_end(const gv_campaign *campaign, int64_t start)
{
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        return GV_NEVER_US;
    }
    if (campaign->episode == GV_EPISODE_WHOLE) {
        return campaign->end_us;
    }
    const int64_t midnight = gv_book_next_midnight(campaign, start);
    return midnight < campaign->end_us ? midnight : campaign->end_us;
}

/* Ticks of an episode: its start, and the points of the campaign's grid within it. */
static uint64_t ticks_between(const gv_campaign *campaign, int64_t start, int64_t end)
{
    if (end == GV_NEVER_US) {
        return 0;
    }
    const int64_t passed = (start - campaign->start_us) / campaign->tick_us;
    const int64_t before_end = (end - 1 - campaign->start_us) / campaign->tick_us;
    return (uint64_t)(before_end - passed) + 1;
}

void gv_book_begin_episode(gv_replay *replay, int64_t now)
{
    gv_replay_state *state = &replay->state;
    gv_tally last = {0};
    if (state->ticks_used > 0) {
        last = close_record(replay, now);
    }
    state->episodes++;
    state->episode_auctions = 0;
    state->episode_start_us = now;
    state->episode_end_us = episode_end(replay->config.campaign, now);
    state->tick = 0;
    state->tick_count = ticks_between(replay->config.campaign, now, state->episode_end_us);
    state->budget_left_nanos = replay->config.campaign->budget_nanos;
    state->episode = (gv_tally){0};
    begin_record(replay, now);
    plan(replay, now, &last);
}

/* Where an episode has just begun, its own first tick was this one. */
void gv_book_tick(gv_replay *replay, int64_t now)
{
    gv_replay_state *state = &replay->state;
    if (state->episode_start_us == now) {
        return;
    }
    const gv_tally last = close_record(replay, now);
    state->tick++;
    begin_record(replay, now);
    plan(replay, now, &last);
}

void gv_book_end(gv_replay *replay, int64_t now)
{
    (void)close_record(replay, now);
    replay->state.is_over = 1;
    begin_record(replay, now);
}

void gv_book_finish(gv_replay *replay)
{
    assert(replay->state.is_over);
    (void)close_record(replay, open_record(replay)->time_us);
    replay->state.is_done = 1;
}
