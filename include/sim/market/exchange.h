/*
 * exchange.h - the market: many campaigns, each with its policy, compete for the slots of every
 * opportunity of one period.
 *
 * Built on the event core. Opportunities are its arrivals, ticks and delayed conversions its
 * events. Between two events all opportunities form batches: every policy prices a piece in one
 * call, the piece is ranked in vector lanes, and it is cut exactly where a campaign's budget begins
 * to bind, so that the rest is ranked anew with what it can still pay. `reference` ranks one
 * auction at a time through auction.h instead; the outcome must be identical to the byte.
 *
 * With `rivals` one campaign plays alone against a recorded market, by the same code: with the bids
 * that it made there it gets what it got there.
 *
 * The rule of one auction: an offer is the policy's bid, explored where the seat does, lowered to
 * the bid cap and to the budget left and cut to the price step (as in replay.h); offers that reach
 * the reserve are ranked, the best take the slots, and the mechanism prices them. A winner pays
 * when its slot is seen. So a budget is never overspent, and no auction is ever run again.
 *
 * When things become known. Who won is known at once, and the budget is charged at once. That
 * the ad was seen, and so what it cost, is known after the exposure delay, a conversion after that
 * and the conversion delay. Ticks, tallies, the budget left as a policy sees it and outcomes all
 * hold what has become known and no more; one trace is left, an offer lowered to a budget that is
 * in truth smaller. Without an exposure delay the price comes with the auction's outcome; with one
 * that says 0, and GV_OUTCOME_EXPOSURE brings it.
 *
 * GV_OVERSPEND_AUCTIONNET is AuctionNet's rule instead, for comparison (its run/run_test.py). All
 * bids of a tick are asked for when it begins, and no budget lowers them; who has less left than
 * min_remaining_nanos bids 0. While a campaign's cost of the tick is above what it has left, for
 * each slot ceil(wins in that slot x (cost - left) / (cost + 0.0001)) of those wins, drawn at
 * random, have their bids set to 0, and the whole tick is sold again: same users, same draws.
 */
#ifndef SIM_MARKET_EXCHANGE_H
#define SIM_MARKET_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/money.h"
#include "sim/base/progress.h"
#include "sim/base/status.h"
#include "sim/market/campaign.h"
#include "sim/market/mechanism.h"
#include "sim/market/policy.h"
#include "sim/market/rank.h"
#include "sim/market/response.h"
#include "sim/market/seat.h"
#include "sim/market/traffic.h"

/*
 * What a campaign had to beat. AuctionNet's least winning cost is the bid ranked behind the last
 * slot among *all*, which for three slots four bidders reach; the honest one is the last slot's
 * bid among the *others*, which a loser's true threshold is.
 */
typedef enum gv_least_cost { GV_LEAST_COST_OTHERS, GV_LEAST_COST_AUCTIONNET } gv_least_cost;

/* What happens where a campaign cannot pay all that it would win; see above. */
typedef enum gv_overspend { GV_OVERSPEND_EXACT, GV_OVERSPEND_AUCTIONNET } gv_overspend;

/* AuctionNet's: less than a tenth of the currency left is nothing left. */
#define GV_AUCTIONNET_MIN_REMAINING (GV_NANOS_PER_UNIT / 10)

/* What became of a slot. */
enum { GV_SLOT_SEEN = 1, GV_SLOT_CONVERTS = 2 };

/* A settled run of opportunities of one tick, for whoever records a market. */
typedef struct gv_exchange_piece {
    size_t tick;
    uint64_t first; /* counts from the start of the period */
    size_t count;
    size_t stride; /* between the rows of all but `values` */
    size_t seat_count;
    size_t slot_count;
    const gv_ranking *ranking; /* reads the keys */
    int64_t reserve_nanos;
    const int64_t *time_us; /* [count] */
    const float *values;    /* [seat][values_stride]: the true ones, whatever is believed */
    size_t values_stride;
    const int64_t
        *intended; /* [seat][stride]: bids before they were explored; only of seats that do */
    const int64_t *offers; /* [seat][stride]: as lowered by cap, budget and step; negative: none */
    const int64_t *keys;   /* [slot + 1][stride]: the best offers, see rank.h */
    const int64_t *prices; /* [slot][stride]: what the slot costs once seen; negative: not sold */
    const uint8_t *states; /* [slot][stride]: GV_SLOT_SEEN, GV_SLOT_CONVERTS */
} gv_exchange_piece;

/* Is told of each piece once, in order; what the piece points to is gone when it returns. */
typedef struct gv_exchange_tap {
    void (*piece)(void *context, const gv_exchange_piece *piece);
    void *context;
} gv_exchange_tap;

typedef struct gv_record gv_record; /* record.h */

/* Makes one campaign play alone, against the other bidders of a recorded market. */
typedef struct gv_rivals {
    const gv_record *record; /* complete, of this traffic and mechanism */
    uint32_t number;         /* whose place among the bidders it takes */
    const float *values;     /* [opportunities of the period]: its own */
    /*
     * gv_record_place() of the last slot, and for AuctionNet's least cost of the place behind it,
     * made once for all who take this place: then only those opportunities are ranked in which
     * the campaign has a slot. NULL, both: all are.
     */
    const int64_t *last_slot;
    const int64_t *behind;
} gv_rivals;

typedef struct gv_exchange_config {
    const gv_traffic *traffic; /* borrowed, as are the rest */
    const gv_response *response;
    gv_mechanism mechanism;
    size_t slot_count; /* as in the response */
    gv_least_cost least_cost;
    bool reserve_unsold; /* AuctionNet's fault: a win priced at exactly the reserve is cancelled */
    gv_overspend overspend;
    int64_t min_remaining_nanos; /* of GV_OVERSPEND_AUCTIONNET: with less left, bids are 0 */
    uint64_t seed;               /* of GV_OVERSPEND_AUCTIONNET: which wins are dropped */
    const gv_seat *seats;        /* [seat_count]: campaigns that span the whole period */
    size_t seat_count;
    const gv_rivals *rivals; /* NULL: all are here; else there is one seat */
    int64_t start_us;
    int64_t tick_us;
    size_t tick_count;
    const gv_exchange_tap *tap; /* NULL: nobody records it */
    bool reference;
} gv_exchange_config;

typedef struct gv_exchange gv_exchange;

GV_MUST_CHECK gv_status gv_exchange_create(const gv_exchange_config *config, gv_exchange **out);
void gv_exchange_destroy(gv_exchange *exchange); /* accepts NULL */

/* The whole period, and the conversions that come after it. GV_ESTOPPED: progress said so. */
GV_MUST_CHECK gv_status gv_exchange_run(gv_exchange *exchange, const gv_progress *progress);

/*
 * What each campaign got: [tick_count + 1] records of one seat, the last holding the conversions
 * that came after the period; complete after GV_OK.
 */
const gv_seat_tick *gv_exchange_ticks(const gv_exchange *exchange, size_t seat);
gv_seat_tick gv_exchange_total(const gv_exchange *exchange, size_t seat);

uint64_t gv_exchange_auctions(const gv_exchange *exchange);

/* Bids that were made into something else by rule, one campaign's. */
typedef struct gv_clamped_bids {
    uint64_t above;       /* the bid cap or GV_OFFER_MAX: lowered to it */
    uint64_t negative;    /* below 0 and not GV_NO_BID: no bid */
    uint64_t not_numbers; /* GV_BID_NAN: no bid */
} gv_clamped_bids;

gv_clamped_bids gv_exchange_clamped(const gv_exchange *exchange, size_t seat);

/*
 * The highest offer of all, after lowering; GV_NO_BID: there was none. Where it is below the
 * reserve nothing can have been sold, which is worth saying.
 */
int64_t gv_exchange_highest_offer(const gv_exchange *exchange);

#endif
