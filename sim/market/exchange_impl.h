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
enum { GV_EXCHANGE_TICK, GV_EXCHANGE_CONVERSION, GV_EXCHANGE_EXPOSURE };
enum { GV_EXCHANGE_TICKS_FIRST, GV_EXCHANGE_BEFORE_ARRIVALS, GV_EXCHANGE_ARRIVALS };

/* One campaign while the period runs. */
typedef struct seat_state {
    int64_t budget_left_nanos;
    int64_t known_left_nanos; /* the same, as far as its policy can know */
    int64_t highest_offer;    /* of the piece: while the budget is above it, nothing binds */
    bool has_odd_bids;        /* in the piece, perhaps */
    bool is_placed;           /* in the order of planning */
    bool is_short;            /* the budget fell below that within the piece */
    gv_seat_tick now;         /* the current tick */
    gv_seat_tick episode;     /* all earlier ticks */
    uint64_t announced_count; /* this tick's opportunities */
    double announced_value;   /* their mean value */
    gv_clamped_bids clamped;
} seat_state;

struct gv_exchange {
    gv_exchange_config config;
    gv_ranking ranking;
    gv_slots slots;
    bool delays_exposure;
    int64_t highest_offer; /* of all */
    gv_sim *sim;
    gv_auction *auction; /* of the reference path */
    size_t piece_max;
    size_t pending_max; /* events that may wait at once */
    size_t piece_end;   /* while a piece is settled: where it ends */
    size_t page_count;  /* rows of the piece that are ranked */
    bool skips_lost;    /* pages without a slot for the lone seat have no row */
    uint32_t seen;      /* while a page is: gv_response_seen() */
    size_t tick;
    bool has_begun;       /* the tick's values are loaded */
    uint64_t next;        /* opportunity */
    seat_state *states;   /* [seat] */
    gv_seat_tick *ticks;  /* [seat][tick_count + 1]: the last is what came after the period */
    gv_seat_tick *coming; /* [seat][tick_count + 1]: what becomes known in each tick, as yet */
    size_t *order;        /* [seat]: those that plan together stand together */
    gv_policy **together; /* [seat]: scratch of a tick */
    gv_observation *observations; /* [seat] */
    float *values;                /* [seat][values_stride]: of the whole tick */
    size_t values_stride;
    const float *tick_values;   /* the same, or the lone seat's own */
    const float *piece_values;  /* of them, from `next` on */
    double *believed;           /* [piece]: one seat's values */
    int64_t *times;             /* [piece]: room for them */
    const int64_t *piece_times; /* [piece]: they, or the record's */
    int64_t *bids;              /* [seat][piece] */
    int64_t *intended;          /* [seat][piece]: before they were explored, by who does */
    int64_t *offers;            /* [seat][piece] */
    uint32_t *pages; /* [row]: which of the piece stands there; without skips_lost the row's own */
    int64_t *recorded;      /* [slot + 1][row]: the keys of a record; scratch of a join */
    int64_t *page_offers;   /* [row]: of the lone seat; likewise */
    int64_t *keys;          /* [slot + 1][row] */
    int64_t *paid;          /* [seat][piece]: -1 lost; only kept for seats that listen */
    gv_outcome *outcomes;   /* [piece] */
    gv_bid *entries;        /* [seat]: of the reference path */
    gv_award *awards;       /* [slot] */
    int64_t *ranked;        /* [slot + 1][row]: the offers of the keys */
    int64_t *asked;         /* [slot][row]: what the slots cost once seen; -1 not sold */
    uint32_t *piece_seen;   /* [row]: gv_response_seen() */
    uint32_t *bidders;      /* [row]: scratch: of one slot */
    double *luck;           /* [slot][row]: of the bidders in the slots; gv_response_luck_all() */
    int64_t *slot_prices;   /* [slot + 1][row]: what a slot costs, -1 not sold; for the tap */
    uint8_t *slot_states;   /* [slot + 1][row]: GV_SLOT_SEEN, GV_SLOT_CONVERTS; for the tap */
    int64_t *tick_bids;     /* the rest: of exchange_overspend.c. [seat][tick_stride] */
    uint32_t *tick_winners; /* [slot][tick_stride] */
    uint32_t *tick_wins;    /* [tick_stride]: one seat's in one slot */
    int64_t *tick_costs;    /* [seat] */
    size_t tick_stride;
};

/*
 * Prices, ranks and settles opportunities next .. next + count of the current tick, or fewer of
 * them where a policy learns something on the way. Returns how many.
 */
size_t gv_exchange_settle_piece(gv_exchange *exchange, size_t count);

/* Those of `count` opportunities from x->next on, which lie in the tick; until the next call. */
const int64_t *gv_exchange_times(const gv_exchange *x, size_t tick, size_t count);

/* Finds piece_values; wherever `next` has moved. */
void gv_exchange_find_values(gv_exchange *exchange);

/* The seat's bids on the `count` opportunities from `next` on, whose times and values are. */
void gv_exchange_ask(gv_exchange *exchange, size_t seat, size_t count, int64_t *bids);

/* Counts those of a seat's bids that go wrong. */
void gv_exchange_count_odd(gv_exchange *exchange, size_t seat, const int64_t *bids, size_t count);

/* Makes the piece's bids offers, without a limit by budget. */
void gv_exchange_offer_freely(gv_exchange *exchange, size_t seat, size_t count);

/*
 * A piece's pages: all, or with skips_lost those in which the lone seat has a slot. Gives those of
 * the piece's opportunities from .. to the rows from page_count on, which it moves.
 */
bool gv_exchange_may_skip_lost(const gv_exchange *exchange);
void gv_exchange_list_pages(gv_exchange *exchange, size_t from, size_t to);

/* The sum of what had to be beaten in opportunities from .. to that have no row. */
int64_t gv_exchange_least_costs_lost(const gv_exchange *exchange, size_t from, size_t to);

/* Ranks the offers of rows from .. page_count, and prices the slots: keys and asked. */
void gv_exchange_rank(gv_exchange *exchange, size_t from);

/* What users make of the ads as ranked from row `from` on; then asked for one by one. */
void gv_exchange_draw_responses(gv_exchange *exchange, size_t from);
uint32_t gv_exchange_seen(const gv_exchange *exchange, size_t row);            /* a bit a slot */
double gv_exchange_luck(const gv_exchange *exchange, size_t slot, size_t row); /* of its bidder */

/* The offer in a place, no less than the reserve, which is what an empty place costs. */
static inline int64_t gv_exchange_offer_at(const gv_exchange *exchange, size_t place, size_t row)
{
    const int64_t amount = exchange->ranked[place * GV_EXCHANGE_PIECE + row];
    const int64_t reserve = exchange->config.mechanism.reserve_nanos;
    return amount > reserve ? amount : reserve;
}

/* False when there is no memory. */
bool gv_exchange_allocate_tick(gv_exchange *x);

/* By AuctionNet's rule: the bids of the whole tick, dropped until nobody overspends. */
void gv_exchange_settle_bids(gv_exchange *x);

/* The number by which bidders are ranked and users drawn. */
static inline uint32_t gv_exchange_bidder(const gv_exchange *exchange, size_t seat)
{
    const gv_rivals *rivals = exchange->config.rivals;
    return rivals == NULL ? (uint32_t)seat : rivals->number;
}

/* What becomes known in the tick in which a time lies. */
static inline gv_seat_tick *gv_exchange_coming_at(const gv_exchange *exchange, size_t seat,
                                                  int64_t time_us)
{
    const gv_exchange_config *config = &exchange->config;
    const uint64_t tick = (uint64_t)(time_us - config->start_us) / (uint64_t)config->tick_us;
    const size_t last = config->tick_count;
    return &exchange->coming[seat * (last + 1) + (tick < last ? (size_t)tick : last)];
}

#endif
