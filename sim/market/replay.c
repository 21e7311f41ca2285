/*
 * Moves a replay through time on the event core: opportunities are its one stream of arrivals,
 * taken in batches that end before the next event; everything else comes off its heap.
 */
#include "sim/market/replay.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/clock.h"
#include "sim/base/mem.h"
#include "sim/market/replay_impl.h"

/* START, END and one each of EPISODE and TICK wait beside the feedback. */
enum { STANDING_EVENTS = 4 };

static void schedule(gv_replay *replay, uint32_t kind, int64_t time_us)
{
    (void)gv_sim_schedule(replay->sim, (gv_event){.time_us = time_us,
                                                  .priority = (int32_t)kind,
                                                  .kind = kind,
                                                  .subject = replay->config.campaign->number});
}

/* What lies at or behind the end is not the campaign's. */
static void schedule_within(gv_replay *replay, uint32_t kind, int64_t time_us)
{
    if (time_us < replay->config.campaign->end_us) {
        schedule(replay, kind, time_us);
    }
}

static void begin_day(gv_replay *replay, int64_t now)
{
    const gv_campaign *campaign = replay->config.campaign;
    gv_book_begin_episode(replay, now);
    if (campaign->episode == GV_EPISODE_DAILY) {
        schedule_within(replay, GV_REPLAY_EPISODE, gv_book_next_midnight(campaign, now));
    }
}

/* Between two batches: a stop here leaves a state that can be saved. */
static void report(gv_replay *replay)
{
    const gv_source *source = replay->config.source;
    if (!gv_progress_report(replay->progress, replay->config.campaign->name,
                            replay->state.position - source->begin, source->end - source->begin)) {
        replay->is_stopped = true;
        gv_sim_stop(replay->sim);
    }
}

static gv_status handle(void *context, gv_sim *sim, const gv_event *event)
{
    gv_replay *replay = context;
    const gv_campaign *campaign = replay->config.campaign;
    const int64_t now = gv_sim_now(sim);
    replay->state.events++;
    switch (event->kind) {
    case GV_REPLAY_START:
        begin_day(replay, now);
        schedule_within(replay, GV_REPLAY_TICK, now + campaign->tick_us);
        break;
    case GV_REPLAY_END:
        gv_book_end(replay, now);
        break;
    case GV_REPLAY_EPISODE:
        begin_day(replay, now);
        break;
    case GV_REPLAY_TICK:
        gv_book_tick(replay, now);
        report(replay);
        schedule_within(replay, GV_REPLAY_TICK, now + campaign->tick_us);
        break;
    case GV_REPLAY_FEEDBACK:
        gv_feedback_arrive(replay, event);
        break;
    default:
        return GV_FAIL(GV_ECORRUPT, "a replay has no events of kind %" PRIu32, event->kind);
    }
    return GV_OK;
}

/* Of the rows of the piece from `from` on, the first with a time of at least `time_us`. */
static size_t row_at(const gv_opportunities *piece, size_t from, int64_t time_us)
{
    if (piece->count == 0 || piece->time_us[piece->count - 1] < time_us) {
        return piece->count;
    }
    size_t low = from;
    size_t high = piece->count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (piece->time_us[middle] < time_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static gv_status load(gv_replay *replay, uint64_t position)
{
    gv_source *source = replay->config.source;
    gv_opportunities piece = {0};
    uint64_t next = 0;
    GV_TRY(source->load(source, position, &piece, &next));
    assert(piece.count <= GV_OPPORTUNITY_PIECE);
    assert(piece.count == 0 || piece.time_us != NULL);
    assert(piece.count == 0 || piece.rival_nanos != NULL);
    replay->piece = piece;
    replay->state.position = position;
    replay->state.next = next;
    replay->state.offset = 0;
    replay->state.event_at = 0;
    return GV_OK;
}

/* The piece behind the one in hand; what lies before the campaign is passed over. */
static gv_status load_next(gv_replay *replay)
{
    do {
        GV_TRY(load(replay, replay->state.next));
        report(replay);
        replay->state.offset = row_at(&replay->piece, 0, replay->config.campaign->start_us);
    } while (replay->piece.count > 0 && replay->state.offset == replay->piece.count);
    gv_feedback_pass(replay);
    return GV_OK;
}

static int64_t next_us(void *context)
{
    const gv_replay *replay = context;
    const uint64_t offset = replay->state.offset;
    if (offset >= replay->piece.count || replay->state.is_over) {
        return GV_NEVER_US;
    }
    return replay->piece.time_us[offset];
}

/* How many of the opportunities before `until_us` see the policy in one state. */
static size_t batch_size(const gv_replay *replay, int64_t until_us)
{
    if (replay->config.reference || gv_policy_type_of(replay->config.policy)->one_by_one) {
        return 1;
    }
    const gv_campaign *campaign = replay->config.campaign;
    const size_t offset = replay->state.offset;
    size_t count = row_at(&replay->piece, offset, until_us) - offset;
    if (campaign->episode == GV_EPISODE_AUCTIONS) {
        const uint64_t left = campaign->episode_auctions - replay->state.episode_auctions;
        count = count < left ? count : (size_t)left;
    }
    return gv_feedback_cut(replay, count, until_us);
}

static void tell_tap(const gv_replay *replay, size_t count)
{
    const gv_replay_tap *tap = replay->config.tap;
    if (tap == NULL) {
        return;
    }
    const gv_replay_piece piece = {.opportunities = &replay->piece,
                                   .row = replay->state.offset,
                                   .count = count,
                                   .intended = replay->intended,
                                   .offers = replay->offers,
                                   .prices = replay->prices,
                                   .event = replay->state.event_at};
    tap->piece(tap->context, &piece);
}

static void take_batch(gv_replay *replay, int64_t until_us)
{
    const gv_campaign *campaign = replay->config.campaign;
    const int64_t *time_us = replay->piece.time_us;
    gv_replay_state *state = &replay->state;
    if (campaign->episode == GV_EPISODE_AUCTIONS &&
        state->episode_auctions == campaign->episode_auctions) {
        gv_sim_advance(replay->sim, time_us[state->offset]);
        gv_book_begin_episode(replay, time_us[state->offset]);
    }
    const size_t count = batch_size(replay, until_us);
    assert(count >= 1);
    gv_sim_advance(replay->sim, time_us[state->offset + count - 1]);
    if (replay->config.reference || count == 1) {
        gv_settle_one(replay);
    } else {
        gv_settle_batch(replay, count);
    }
    tell_tap(replay, count);
    gv_feedback_schedule(replay, count);
    state->offset += count;
    state->episode_auctions += count;
}

/* Returns where a piece ends, and where feedback may have come before the next opportunity. */
static gv_status take(void *context, gv_sim *sim, int64_t until_us)
{
    gv_replay *replay = context;
    const size_t pending = gv_sim_pending(sim);
    do {
        take_batch(replay, until_us);
        if (replay->state.offset == replay->piece.count) {
            return load_next(replay);
        }
    } while (gv_sim_pending(sim) == pending && next_us(replay) < until_us);
    return GV_OK;
}

static gv_status check_campaign(const gv_campaign *campaign)
{
    if (campaign->start_us < GV_TIME_MIN_US || campaign->end_us > GV_TIME_MAX_US ||
        campaign->start_us >= campaign->end_us) {
        return GV_FAIL(GV_EINVAL,
                       "campaign %s runs from %" PRId64 " to %" PRId64
                       " us, expected a start before the end, both in 1900 to 2200",
                       campaign->name, campaign->start_us, campaign->end_us);
    }
    if (campaign->budget_nanos < 0 || campaign->bid_cap_nanos < 0) {
        return GV_FAIL(GV_EINVAL, "campaign %s has a negative budget or bid cap", campaign->name);
    }
    if (campaign->tick_us < 1) {
        return GV_FAIL(GV_EINVAL, "campaign %s has ticks of %" PRId64 " us, expected at least 1",
                       campaign->name, campaign->tick_us);
    }
    if (campaign->episode == GV_EPISODE_AUCTIONS && campaign->episode_auctions == 0) {
        return GV_FAIL(GV_EINVAL, "campaign %s has episodes of 0 auctions, expected at least 1",
                       campaign->name);
    }
    return GV_OK;
}

/* An empty source lacks nothing. */
static gv_status check_columns(const gv_replay *replay)
{
    const gv_policy_type *type = gv_policy_type_of(replay->config.policy);
    const gv_opportunities *piece = &replay->piece;
    const char *lacking = NULL;
    if ((type->reads & GV_READS_FLOOR) != 0 && piece->floor_nanos == NULL) {
        lacking = "floors";
    }
    if ((type->reads & GV_READS_PCVR) != 0 && piece->pcvr == NULL) {
        lacking = "predicted conversion rates (pcvr)";
    }
    if ((type->reads & GV_READS_PCTR) != 0 && piece->pctr == NULL) {
        lacking = "predicted click rates (pctr)";
    }
    if (lacking == NULL || piece->count == 0) {
        return GV_OK;
    }
    return GV_FAIL(GV_EINVAL, "policy %s needs %s, which the log of campaign %s lacks",
                   type->info.name, lacking, replay->config.campaign->name);
}

static gv_status allocate(gv_replay *replay)
{
    const size_t piece = GV_OPPORTUNITY_PIECE;
    replay->ticks = gv_mem_alloc(0, replay->ticks_max, sizeof *replay->ticks);
    replay->offers = gv_mem_alloc_vector(piece, sizeof *replay->offers);
    replay->prices = gv_mem_alloc_vector(piece, sizeof *replay->prices);
    replay->lowered = gv_mem_alloc_vector(GV_SETTLE_CHUNK, sizeof *replay->lowered);
    bool is_whole = replay->ticks != NULL && replay->offers != NULL && replay->prices != NULL &&
                    replay->lowered != NULL;
    if (gv_policy_listens(replay->config.policy)) {
        replay->outcomes = gv_mem_alloc_vector(GV_SETTLE_CHUNK, sizeof *replay->outcomes);
        is_whole = is_whole && replay->outcomes != NULL;
    }
    if (replay->config.tap != NULL) {
        replay->intended = gv_mem_alloc_vector(piece, sizeof *replay->intended);
        is_whole = is_whole && replay->intended != NULL;
    }
    if (!is_whole) {
        return GV_FAIL(GV_ENOMEM, "no memory for a replay with %zu ticks", replay->ticks_max);
    }
    return GV_OK;
}

static gv_status create_sim(gv_replay *replay)
{
    const gv_arrivals arrivals = {
        .context = replay, .priority = GV_REPLAY_ARRIVAL, .next_us = next_us, .take = take};
    const gv_sim_config config = {
        .handle = handle,
        .context = replay,
        .pending_max = STANDING_EVENTS + replay->config.source->event_max,
        .arrivals = &arrivals,
        .arrival_count = 1,
        .start_us = replay->config.campaign->start_us,
    };
    GV_TRY(gv_sim_create(&config, &replay->sim));
    schedule(replay, GV_REPLAY_START, replay->config.campaign->start_us);
    schedule(replay, GV_REPLAY_END, replay->config.campaign->end_us);
    return GV_OK;
}

static gv_status build(gv_replay *replay)
{
    GV_TRY(gv_book_room(replay->config.campaign, replay->config.source, &replay->ticks_max));
    GV_TRY(allocate(replay));
    GV_TRY(create_sim(replay));
    replay->state.next = replay->config.source->begin;
    GV_TRY(load_next(replay));
    return check_columns(replay);
}

gv_status gv_replay_create(const gv_replay_config *config, gv_replay **out)
{
    GV_TRY(check_campaign(config->campaign));
    GV_TRY(gv_mechanism_validate(&config->mechanism));
    gv_replay *replay = gv_mem_alloc(sizeof *replay, 0, 0);
    if (replay == NULL) {
        return GV_FAIL(GV_ENOMEM, "no memory for a replay");
    }
    replay->config = *config;
    const gv_status status = build(replay);
    if (status != GV_OK) {
        gv_replay_destroy(replay);
        return status;
    }
    *out = replay;
    return GV_OK;
}

void gv_replay_destroy(gv_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    gv_sim_destroy(replay->sim);
    gv_mem_free(replay->ticks);
    gv_mem_free(replay->offers);
    gv_mem_free(replay->intended);
    gv_mem_free(replay->prices);
    gv_mem_free(replay->lowered);
    gv_mem_free(replay->outcomes);
    gv_mem_free(replay);
}

static void sum_up(gv_replay *replay)
{
    replay->outcome = replay->state.total;
    if (!replay->state.is_done && replay->state.ticks_used > 0) {
        gv_tally_add(&replay->outcome, gv_book_open_tally(replay));
    }
}

gv_status gv_replay_run(gv_replay *replay, const gv_progress *progress)
{
    replay->progress = progress;
    replay->is_stopped = false;
    const gv_status status = gv_sim_run(replay->sim, GV_NEVER_US);
    replay->progress = NULL;
    if (status == GV_OK && !replay->is_stopped && !replay->state.is_done) {
        gv_book_finish(replay);
    }
    sum_up(replay);
    if (status == GV_OK && replay->is_stopped) {
        return GV_FAIL(GV_ESTOPPED, "campaign %s was stopped", replay->config.campaign->name);
    }
    return status;
}

const gv_tally *gv_replay_total(const gv_replay *replay)
{
    return &replay->outcome;
}

const gv_tick_record *gv_replay_ticks(const gv_replay *replay, size_t *count)
{
    *count = (size_t)replay->state.ticks_used;
    return replay->ticks;
}

uint64_t gv_replay_episodes(const gv_replay *replay)
{
    return replay->state.episodes;
}

uint64_t gv_replay_events(const gv_replay *replay)
{
    return replay->outcome.auctions + replay->state.events;
}
