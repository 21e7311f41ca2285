/*
 * replay_impl.h - the parts of a replay: its state, shared by the files that implement it.
 *
 * replay.c moves time, book.c keeps episodes, ticks and tallies, settle.c prices and settles
 * batches, feedback.c sends clicks and conversions on their way.
 */
#ifndef SIM_MARKET_REPLAY_IMPL_H
#define SIM_MARKET_REPLAY_IMPL_H

#include "sim/core/sim.h"
#include "sim/market/replay.h"

/* Auctions that are settled between two looks at the budget; their scratch stays in L1. */
enum { GV_SETTLE_CHUNK = 512 };

/* Kinds of events, and their priorities at equal times. */
enum {
    GV_REPLAY_START,
    GV_REPLAY_END,
    GV_REPLAY_EPISODE,
    GV_REPLAY_TICK,
    GV_REPLAY_FEEDBACK,
    GV_REPLAY_ARRIVAL,
};

/* All that a checkpoint must hold besides ticks, pending events and the policy: plain numbers. */
typedef struct gv_replay_state {
    uint64_t position; /* of the piece in hand, */
    uint64_t offset;   /* of its first opportunity that is still to come, */
    uint64_t event_at; /* of its first event record that was not yet looked at */
    uint64_t next;     /* position behind the piece */
    uint64_t episodes; /* begun so far */
    uint64_t episode_auctions;
    int64_t episode_start_us;
    int64_t episode_end_us;
    uint64_t tick;       /* of the next observation, since the episode began */
    uint64_t tick_count; /* in the episode; 0: not known */
    int64_t budget_left_nanos;
    gv_tally episode;    /* of its closed ticks */
    gv_tally total;      /* of all closed ticks */
    uint64_t ticks_used; /* the last of them is open */
    uint64_t events;     /* handled off the heap */
    uint64_t is_over;    /* the campaign has ended */
    uint64_t is_done;    /* and nothing more will become visible */
} gv_replay_state;

struct gv_replay {
    gv_replay_config config;
    gv_sim *sim;
    gv_tick_record *ticks; /* [ticks_max] */
    size_t ticks_max;
    gv_opportunities piece;
    gv_replay_state state;
    gv_tally outcome; /* total and the open tick: set when a run returns */
    const gv_progress *progress;
    bool is_stopped;
    bool is_tight;        /* a guess: the budget binds */
    int64_t *offers;      /* [GV_OPPORTUNITY_PIECE] of the latest batch; first the bids */
    int64_t *intended;    /* [GV_OPPORTUNITY_PIECE] bids of the latest batch; NULL: no tap */
    int64_t *prices;      /* [GV_OPPORTUNITY_PIECE] of the latest batch; -1: lost */
    int64_t *lowered;     /* [GV_SETTLE_CHUNK] */
    gv_outcome *outcomes; /* [GV_SETTLE_CHUNK]; NULL where the policy does not listen */
};

/* book.c */

/* Records that the campaign can need at most, GV_EINVAL when no memory could hold them. */
GV_MUST_CHECK gv_status gv_book_room(const gv_campaign *campaign, const gv_source *source,
                                     size_t *room);
void gv_book_begin_episode(gv_replay *replay, int64_t now);
void gv_book_tick(gv_replay *replay, int64_t now);
/* The campaign's end: what still becomes visible goes into a record of its own. */
void gv_book_end(gv_replay *replay, int64_t now);
/* Nothing more comes. */
void gv_book_finish(gv_replay *replay);
/* Where auctions and feedback are counted. */
gv_tally *gv_book_open_tally(gv_replay *replay);
/* The first local midnight after `now`. */
int64_t gv_book_next_midnight(const gv_campaign *campaign, int64_t now);

/* settle.c: prices and settles rows [offset, offset + count) of the piece; all see one state of
   the policy. */
void gv_settle_batch(gv_replay *replay, size_t count);
/* The same for one row by the plain rules: `reference`, and policies that are asked one by one. */
void gv_settle_one(gv_replay *replay);

/* settle_vector.c */

/* What a chunk of settled auctions adds up to. */
typedef struct gv_chunk_sums {
    gv_tally tally;
    int64_t offer_max;
} gv_chunk_sums;

gv_chunk_sums gv_settle_sum(const int64_t *offers, const int64_t *prices, size_t count);
/* Of won auctions, in billionths; NaN counts as 0, what lies outside [0, 1] as its end. */
int64_t gv_settle_sum_clicks(const int64_t *prices, const double *pctr, size_t count);
int64_t gv_settle_sum_conversions(const int64_t *prices, const double *pctr, const double *pcvr,
                                  size_t count);

/* feedback.c */

/* Of the next `count` opportunities, how many until one whose feedback comes before `until_us`,
   that one included: there the batch must end. */
size_t gv_feedback_cut(const gv_replay *replay, size_t count, int64_t until_us);
/* After `offset` was set within a new piece: passes over the events of the rows before it. */
void gv_feedback_pass(gv_replay *replay);
/* Puts the events of the next `count` opportunities on the heap where they were won. */
void gv_feedback_schedule(gv_replay *replay, size_t count);
void gv_feedback_arrive(gv_replay *replay, const gv_event *event);

#endif
