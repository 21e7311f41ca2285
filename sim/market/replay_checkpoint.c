/* Saves a stopped replay and restores it into a fresh one of the same config. */
#include <inttypes.h>
#include <string.h>

#include "sim/market/replay_impl.h"

#define IDENTITY_TAG "replay"
#define STATE_TAG    "replay_state"
#define TICKS_TAG    "replay_ticks"

/* What must agree for a checkpoint to mean anything here. */
typedef struct identity {
    uint64_t campaign;
    int64_t start_us;
    int64_t end_us;
    int64_t budget_nanos;
    int64_t tick_us;
    uint64_t episode_kind;
    uint64_t episode_auctions;
    uint64_t source_begin;
    uint64_t source_end;
} identity;

static identity identity_of(const gv_replay *replay)
{
    const gv_campaign *campaign = replay->config.campaign;
    return (identity){
        .campaign = campaign->number,
        .start_us = campaign->start_us,
        .end_us = campaign->end_us,
        .budget_nanos = campaign->budget_nanos,
        .tick_us = campaign->tick_us,
        .episode_kind = (uint64_t)campaign->episode,
        .episode_auctions = campaign->episode_auctions,
        .source_begin = replay->config.source->begin,
        .source_end = replay->config.source->end,
    };
}

gv_status gv_replay_save(const gv_replay *replay, gv_writer *writer)
{
    const identity own = identity_of(replay);
    const size_t ticks_size = (size_t)replay->state.ticks_used * sizeof *replay->ticks;
    GV_TRY(gv_writer_put(writer, IDENTITY_TAG, &own, sizeof own));
    GV_TRY(gv_writer_put(writer, STATE_TAG, &replay->state, sizeof replay->state));
    GV_TRY(gv_writer_put(writer, TICKS_TAG, replay->ticks, ticks_size));
    GV_TRY(gv_sim_save(replay->sim, writer));
    return gv_policy_save(replay->config.policy, writer);
}

static gv_status check_identity(const gv_replay *replay, gv_reader *reader)
{
    const identity own = identity_of(replay);
    identity saved;
    GV_TRY(gv_reader_get(reader, IDENTITY_TAG, &saved, sizeof saved));
    if (memcmp(&own, &saved, sizeof own) != 0) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint is of another campaign or log than %s",
                       replay->config.campaign->name);
    }
    return GV_OK;
}

/* The piece in hand is read again; a log that gives another one is not the log of the save. */
static gv_status reload(gv_replay *replay)
{
    gv_source *source = replay->config.source;
    const gv_replay_state *state = &replay->state;
    uint64_t next = 0;
    replay->piece = (gv_opportunities){0};
    GV_TRY(source->load(source, state->position, &replay->piece, &next));
    if (next != state->next || state->offset > replay->piece.count ||
        state->event_at > replay->piece.event_count) {
        return GV_FAIL(GV_ECORRUPT, "the checkpoint does not fit the log of campaign %s",
                       replay->config.campaign->name);
    }
    return GV_OK;
}

gv_status gv_replay_restore(gv_replay *replay, gv_reader *reader)
{
    GV_TRY(check_identity(replay, reader));
    gv_replay_state state;
    GV_TRY(gv_reader_get(reader, STATE_TAG, &state, sizeof state));
    if (state.ticks_used > replay->ticks_max) {
        return GV_FAIL(GV_ECORRUPT,
                       "the checkpoint holds %" PRIu64 " ticks, campaign %s has at most %zu",
                       state.ticks_used, replay->config.campaign->name, replay->ticks_max);
    }
    replay->state = state;
    const size_t ticks_size = (size_t)state.ticks_used * sizeof *replay->ticks;
    GV_TRY(gv_reader_get(reader, TICKS_TAG, replay->ticks, ticks_size));
    GV_TRY(gv_sim_restore(replay->sim, reader));
    GV_TRY(gv_policy_restore(replay->config.policy, reader));
    return reload(replay);
}
