/* What the parts of the exchange share: its scratch and its state. */
#ifndef SIM_MARKET_EXCHANGE_IMPL_H
#define SIM_MARKET_EXCHANGE_IMPL_H

#include "sim/core/sim.h"
#include "sim/market/auction.h"
#include "sim/market/exchange.h"
#include "sim/market/rank.h"
#include "sim/market/record.h"

enum { GV_EXCHANGE_PIECE = 256 };

/* Kinds of events, and their place among arrivals of the same time. */
enum { GV_EXCHANGE_TICK, GV_EXCHANGE_CONVERSION };
enum { GV_EXCHANGE_TICKS_FIRST, GV_EXCHANGE_BEFORE_ARRIVALS, GV_EXCHANGE_ARRIVALS };

/* One campaign while the period runs. */
typedef struct seat_state {
    int64_t budget_left_nanos;
    int64_t highest_offer;    /* of the piece: while the budget is above it, nothing binds */
    bool is_short;            /* the budget fell below that within the piece */
    gv_seat_tick now;         /* the current tick */
    gv_seat_tick episode;     /* all earlier ticks */
    uint64_t announced_count; /* this tick's opportunities */
    double announced_value;   /* their mean value */
} seat_state;

struct gv_exchange {
    gv_exchange_config config;
    gv_ranking ranking;
    gv_sim *sim;
    gv_auction *auction; /* of the reference path */
    size_t piece_max;
    size_t pending_max; /* events that may wait at once */
    size_t piece_end;   /* while a piece is settled: where it ends */
    size_t tick;
    bool has_begun;       /* the tick's values are loaded */
    uint64_t next;        /* opportunity */
    seat_state *states;   /* [seat] */
    gv_seat_tick *ticks;  /* [seat][tick_count + 1]: the last is what came after the period */
    uint64_t *coming;     /* [seat][tick_count + 1]: conversions on their way, by visible tick */
    gv_policy **together; /* [seat]: scratch of a tick */
    gv_observation *observations; /* [seat] */
    float *values;                /* [seat][values_stride]: of the whole tick */
    size_t values_stride;
    const float *tick_values; /* the same, or the lone seat's own */
    double *believed;         /* [piece]: one seat's values */
    int64_t *times;           /* [piece] */
    int64_t *bids;            /* [seat][piece] */
    int64_t *offers;          /* [seat][piece] */
    int64_t *keys;            /* [slot + 1][piece] */
    int64_t *paid;            /* [seat][piece]: -1 lost; only kept for seats that listen */
    gv_outcome *outcomes;     /* [piece] */
    gv_bid *entries;          /* [seat]: of the reference path */
    gv_award *awards;         /* [slot + 1] */
    int64_t *slot_prices;     /* [slot + 1][piece]: what a slot costs, -1 not sold; for the tap */
    uint8_t *slot_states;     /* [slot + 1][piece]: GV_SLOT_SEEN, GV_SLOT_CONVERTS; for the tap */
};

/*
 * Prices, ranks and settles opportunities next .. next + count of the current tick, or fewer of
 * them where a policy learns something on the way. Returns how many.
 */
size_t gv_exchange_settle_piece(gv_exchange *exchange, size_t count);

/* The number by which bidders are ranked and users drawn. */
static inline uint32_t gv_exchange_bidder(const gv_exchange *exchange, size_t seat)
{
    const gv_rivals *rivals = exchange->config.rivals;
    return rivals == NULL ? (uint32_t)seat : rivals->number;
}

/* The count of conversions that become visible in the tick in which a time lies. */
static inline uint64_t *gv_exchange_coming_at(const gv_exchange *exchange, size_t seat,
                                              int64_t time_us)
{
    const gv_exchange_config *config = &exchange->config;
    const uint64_t tick = (uint64_t)(time_us - config->start_us) / (uint64_t)config->tick_us;
    const size_t last = config->tick_count;
    return &exchange->coming[seat * (last + 1) + (tick < last ? (size_t)tick : last)];
}

#endif
