/*
 * Clicks and conversions on their way from the impression to the campaign.
 *
 * An event becomes visible at its own time, but never before its impression: real logs hold
 * clicks up to 25 s older than what was clicked. Only impressions that were won send any.
 */
#include <assert.h>

#include "sim/market/replay_impl.h"

/* The row of the piece with this id, which is there; none is before `from`. */
static size_t row_of(const gv_opportunities *piece, uint64_t id, size_t from)
{
    if (piece->ids == NULL) {
        assert(id >= piece->first_id);
        assert(id - piece->first_id < piece->count);
        return (size_t)(id - piece->first_id);
    }
    size_t low = from;
    size_t high = piece->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (piece->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    assert(low < piece->count);
    assert(piece->ids[low] == id);
    return low;
}

static int64_t visible_us(const gv_opportunities *piece, const gv_event_record *record, size_t row)
{
    const int64_t shown_us = piece->time_us[row];
    return record->time_us > shown_us ? record->time_us : shown_us;
}

size_t gv_feedback_cut(const gv_replay *replay, size_t count, int64_t until_us)
{
    const gv_opportunities *piece = &replay->piece;
    const size_t from = replay->state.offset;
    for (size_t e = replay->state.event_at; e < piece->event_count; e++) {
        const size_t row = row_of(piece, piece->events[e].opportunity, from);
        if (row >= from + count) {
            break;
        }
        if (visible_us(piece, &piece->events[e], row) < until_us) {
            return row - from + 1;
        }
    }
    return count;
}

void gv_feedback_pass(gv_replay *replay)
{
    const gv_opportunities *piece = &replay->piece;
    gv_replay_state *state = &replay->state;
    state->event_at = 0;
    while (state->event_at < piece->event_count &&
           row_of(piece, piece->events[state->event_at].opportunity, 0) < state->offset) {
        state->event_at++;
    }
}

void gv_feedback_schedule(gv_replay *replay, size_t count)
{
    const gv_opportunities *piece = &replay->piece;
    gv_replay_state *state = &replay->state;
    while (state->event_at < piece->event_count) {
        const gv_event_record *record = &piece->events[state->event_at];
        const size_t row = row_of(piece, record->opportunity, state->offset);
        if (row >= state->offset + count) {
            break;
        }
        if (replay->prices[row - state->offset] >= 0) {
            (void)gv_sim_schedule(replay->sim,
                                  (gv_event){.time_us = visible_us(piece, record, row),
                                             .priority = GV_REPLAY_FEEDBACK,
                                             .kind = GV_REPLAY_FEEDBACK,
                                             .subject = replay->config.campaign->number,
                                             .payload = {(int64_t)record->opportunity,
                                                         (int64_t)record->is_conversion}});
        }
        state->event_at++;
    }
}

void gv_feedback_arrive(gv_replay *replay, const gv_event *event)
{
    gv_tally *tally = gv_book_open_tally(replay);
    const bool is_conversion = event->payload[1] != 0;
    if (is_conversion) {
        tally->conversions++;
    } else {
        tally->clicks++;
    }
    if (replay->outcomes != NULL && !replay->state.is_over) {
        const gv_outcome outcome = {
            .kind = is_conversion ? GV_OUTCOME_CONVERSION : GV_OUTCOME_CLICK,
            .opportunity = (uint64_t)event->payload[0],
            .time_us = event->time_us,
            .won = true,
        };
        gv_policy_observe(replay->config.policy, &outcome, 1);
    }
}
