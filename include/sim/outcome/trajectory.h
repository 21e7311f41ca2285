/*
 * trajectory.h - what auto-bidders learn from: for each campaign and tick the state, the action
 * and the rewards, as AuctionNet's training data have them, in one safetensors file.
 *
 * States come from gv_state_of(), which serving uses too, so a network meets the numbers that it
 * was trained on. The tensors, with N trajectories of T ticks:
 *
 *   state              F64 [N][T][16]  before the tick, in the order of GV_STATE_LIST
 *   action             F64 [N][T]      sum of bids / sum of values in the tick; 0 without values
 *   reward             F64 [N][T]      conversions of what was won and seen
 *   reward_continuous  F64 [N][T]      sum of the values of what was won and seen
 *   outlook            F32 [N][T][26]  before the tick, in the order of GV_OUTLOOK_LIST; 0 of a
 *                                      campaign without a CPA
 *   done               U8  [N][T]      1 in the last tick, and wherever the log says isEnd
 *   length             I64 [N]         ticks up to and with the first that is done
 *   period, advertiser, category   I64 [N]
 *   budget, cpa, spend, conversions, score   F64 [N]   money in units of currency
 *
 * and, where an expert was asked (gv_trajectories_teach()), two more:
 *
 *   oracle             F64 [N][T]      the multiplier, in currency a conversion, that the hindsight
 *                                      oracle would bid from what this episode had at the tick,
 *                                      whoever played it; 0 where it would buy nothing
 *   expert             U8  [N]         1: the oracle itself played; 0: somebody else
 *
 * The state that follows is that of the next tick. "__metadata__" names the entries of state and
 * outlook, and under "provenance" may say, as JSON, where the episodes came from.
 */
#ifndef SIM_OUTCOME_TRAJECTORY_H
#define SIM_OUTCOME_TRAJECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/progress.h"
#include "sim/base/safetensors.h"
#include "sim/base/status.h"
#include "sim/market/seat.h"

typedef struct gv_trajectory_about {
    uint64_t period;
    uint32_t advertiser;
    uint32_t category;
    int64_t budget_nanos;
    int64_t cpa_nanos;
} gv_trajectory_about;

/* One tick as a log tells it. */
typedef struct gv_trajectory_tick {
    gv_seat_tick got;
    int64_t left_nanos; /* of the budget, before the tick */
    uint64_t rewarded;  /* conversions of what was won and seen */
    bool has_ended;     /* isEnd: the budget is used up, though ticks follow */
} gv_trajectory_tick;

typedef struct gv_trajectories gv_trajectories;

GV_MUST_CHECK gv_status gv_trajectories_create(size_t tick_count, gv_trajectories **out);
void gv_trajectories_destroy(gv_trajectories *set); /* accepts NULL */

size_t gv_trajectories_count(const gv_trajectories *set);
size_t gv_trajectories_ticks(const gv_trajectories *set); /* of each */

/* ticks: [tick_count] of the set. */
GV_MUST_CHECK gv_status gv_trajectories_add(gv_trajectories *set, const gv_trajectory_about *about,
                                            const gv_trajectory_tick *ticks);

/*
 * The same from what a market recorded: ticks as gv_exchange_ticks() gives them, of which the one
 * behind the period counts for the score alone.
 */
GV_MUST_CHECK gv_status gv_trajectories_add_seat(gv_trajectories *set,
                                                 const gv_trajectory_about *about,
                                                 const gv_seat_tick *ticks);

/*
 * Adds every advertiser of every period of AuctionNet's log (sim/log/auctionnet.h). A period of
 * more than tick_count ticks is GV_EINVAL; GV_ESTOPPED: progress said so.
 */
GV_MUST_CHECK gv_status gv_trajectories_read(gv_trajectories *set, const char *path,
                                             const gv_progress *progress);

/*
 * Of the one that was added last. oracle: [tick_count], currency a conversion. A set is written
 * with these tensors as soon as one of it was taught; the others then have zeros.
 */
void gv_trajectories_teach(gv_trajectories *set, const double *oracle, bool is_expert);

/* The score of the one that was added last. */
double gv_trajectories_last_score(const gv_trajectories *set);

/* Forgets the one that was added last. */
void gv_trajectories_drop(gv_trajectories *set);

/* Room for so many in all, so that what follows copies nothing; less room is made as needed. */
GV_MUST_CHECK gv_status gv_trajectories_reserve(gv_trajectories *set, size_t count);

/* All of `more`, behind what is there; both have the same ticks (asserted). */
GV_MUST_CHECK gv_status gv_trajectories_append(gv_trajectories *set, const gv_trajectories *more);

/*
 * source: where they came from, for the file's metadata. provenance: the same as JSON, with the
 * identity of each period's traffic; NULL: not known.
 */
GV_MUST_CHECK gv_status gv_trajectories_write(const gv_trajectories *set, const char *path,
                                              const char *source, const char *provenance);

/* A set's file with more in it: tensors and texts of the caller's own, of other names. */
typedef struct gv_trajectory_more {
    const gv_tensor *tensors;   /* [tensor_count] */
    size_t tensor_count;        /* at most GV_TRAJECTORY_MORE_MAX (asserted) */
    const gv_tensor_note *note; /* NULL: none */
} gv_trajectory_more;

enum { GV_TRAJECTORY_MORE_MAX = 16 };

GV_MUST_CHECK gv_status gv_trajectories_write_more(const gv_trajectories *set, const char *path,
                                                   const char *source, const char *provenance,
                                                   const gv_trajectory_more *more);

#endif
