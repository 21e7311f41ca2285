/*
 * replay.h - one campaign, one policy, against a fixed stream of opportunities and rivals.
 *
 * Built on the event core: opportunities are its arrivals; ticks, episode ends and the clicks
 * and conversions of won impressions, when they become visible, its events. Between two events
 * that could change a decision all opportunities form one batch: priced in one call, settled by
 * vector code, cut exactly where the budget begins to bind. `reference` settles one auction at
 * a time through the plain rules instead; the outcome must be identical to the byte.
 *
 * The rule of one auction: the offer is the policy's bid, explored where asked, lowered to the bid
 * cap and to the budget left, then cut down to a multiple of the price step. It wins when it
 * reaches the floor and is above the rival's offer, or equal to it where ties win; what it pays
 * is the mechanism's.
 */
#ifndef SIM_MARKET_REPLAY_H
#define SIM_MARKET_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/core/checkpoint.h"
#include "sim/market/campaign.h"
#include "sim/market/exploration.h"
#include "sim/market/mechanism.h"
#include "sim/market/opportunity.h"
#include "sim/market/policy.h"
#include "sim/market/tally.h"

/*
 * The order of what happens at one time: the campaign's start, its end, an episode's start, a
 * tick, feedback, auctions. So a tick [t, t + tick_us) holds all of time t, and a policy that
 * plans at t knows what became visible before t.
 */

/* What happened in one tick of one campaign. */
typedef struct gv_tick_record {
    int64_t time_us;           /* start of the tick; an episode's start begins one, too */
    uint64_t episode;          /* from 0 */
    int64_t budget_left_nanos; /* at its end */
    gv_tally tally;            /* in this tick; clicks and conversions when they became visible */
} gv_tick_record;

/* `count` settled auctions, rows [row, row + count) of `opportunities`. */
typedef struct gv_replay_piece {
    const gv_opportunities *opportunities;
    size_t row;
    size_t count;
    const int64_t *intended; /* [count]: the policy's bids, before they were explored */
    const int64_t *offers;   /* [count]: as lowered by cap, budget and step; or GV_NO_BID */
    const int64_t *prices;   /* [count]; -1: lost */
    size_t event;            /* the first of the opportunities' events that is not of rows before */
} gv_replay_piece;

/* Is told of every auction, in order; cut into pieces anyhow. */
typedef struct gv_replay_tap {
    void (*piece)(void *context, const gv_replay_piece *piece);
    void *context;
} gv_replay_tap;

typedef struct gv_replay_config {
    gv_source *source; /* borrowed; used by no one else meanwhile */
    const gv_campaign *campaign;
    gv_mechanism mechanism;
    gv_policy *policy;                 /* borrowed */
    const gv_exploration *exploration; /* borrowed; NULL: bids are made as the policy means them */
    const gv_replay_tap *tap;          /* borrowed; NULL: nobody listens */
    bool reference;
} gv_replay_config;

typedef struct gv_replay gv_replay;

/*
 * Reads the first piece. GV_EINVAL names a campaign field or rule out of its range, or the column
 * that the policy reads and the source lacks. The campaign is borrowed too.
 */
GV_MUST_CHECK gv_status gv_replay_create(const gv_replay_config *config, gv_replay **out);
void gv_replay_destroy(gv_replay *replay); /* accepts NULL */

/*
 * Goes on until the campaign's end. GV_ESTOPPED when progress asked to stop: then it can be
 * saved, restored into a fresh replay of the same config, and run on with the same outcome.
 */
GV_MUST_CHECK gv_status gv_replay_run(gv_replay *replay, const gv_progress *progress);

/* The policy's state is part of it. After a failed restore a replay can only be destroyed. */
GV_MUST_CHECK gv_status gv_replay_save(const gv_replay *replay, gv_writer *writer);
GV_MUST_CHECK gv_status gv_replay_restore(gv_replay *replay, gv_reader *reader);

/*
 * The outcome so far; complete after GV_OK. Clicks that come after the campaign's end count: the
 * policy is not told, and one tick record more, from the end on, holds them. Ticks add up to the
 * total.
 */
const gv_tally *gv_replay_total(const gv_replay *replay);
const gv_tick_record *gv_replay_ticks(const gv_replay *replay, size_t *count);
uint64_t gv_replay_episodes(const gv_replay *replay);
/* Auctions and events handled, for rates: the same however auctions were batched. */
uint64_t gv_replay_events(const gv_replay *replay);

#endif
