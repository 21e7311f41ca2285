/*
 * mechanism.h - what a winner of one slot pays: first price, second price.
 *
 * A mechanism is a constant table, settled by vectors in replay; the multi-slot market ranks
 * bids in auction.h and asks the same tables.
 *
 * A bid becomes an offer by gv_mechanism_offer(). An offer of 0 is an offer: it wins what is
 * free, a rival of 0 where ties win and no floor stands above. Whoever does not want even that
 * bids GV_NO_BID (any negative bid says the same), which wins nothing.
 */
#ifndef SIM_MARKET_MECHANISM_H
#define SIM_MARKET_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"
#include "sim/base/status.h"

#define GV_NO_BID INT64_C(-1)

/*
 * No offer is above it: two million units of currency for one impression. Sums of some thousand
 * offers fit int64_t, and each is exact as a double.
 */
#define GV_OFFER_MAX (INT64_C(1) << 51)

typedef struct gv_mechanism_type {
    gv_type_info info; /* its params are the fields of gv_mechanism that a scenario sets */
    bool pays_own_bid;
    /* `next` is the best offer below `own`, or the floor; own >= next. The price lies in
       [next, own]. */
    int64_t (*price)(int64_t own, int64_t next);
    /*
     * The same for many: prices[i] holds `next` on entry and -1 where the auction is lost, which
     * stays. NULL: price() is asked for each.
     */
    void (*price_all)(const int64_t *offers, size_t count, int64_t *prices);
} gv_mechanism_type;

extern const gv_mechanism_type gv_mechanism_first_price;
extern const gv_mechanism_type gv_mechanism_second_price;
extern const gv_mechanism_type *const gv_mechanism_types[]; /* every type, then NULL */

const gv_mechanism_type *gv_mechanism_find(const char *name); /* NULL: none of that name */

/* A mechanism with its rules, as one scenario sets them. */
typedef struct gv_mechanism {
    const gv_mechanism_type *type;
    bool tie_wins;            /* an offer equal to the rival's wins */
    int64_t price_step_nanos; /* offers are multiples of it; in [1, GV_OFFER_MAX] */
    int64_t reserve_nanos;    /* a floor for all auctions, beside the logged ones; at least 0 */
} gv_mechanism;

/* GV_EINVAL with a sentence when a rule is out of its range. */
GV_MUST_CHECK gv_status gv_mechanism_validate(const gv_mechanism *mechanism);

/*
 * The offer that a bid makes: lowered to `limit` (at least 0) and to GV_OFFER_MAX, then cut down
 * to a multiple of the price step. A negative bid gives GV_NO_BID.
 */
int64_t gv_mechanism_offer(const gv_mechanism *mechanism, int64_t bid, int64_t limit);

/* The same for `count` bids; `offers` may be `bids`. Equal to the single one (tested). */
void gv_mechanism_offer_all(const gv_mechanism *mechanism, const int64_t *bids, int64_t limit,
                            size_t count, int64_t *offers);

/* One auction by the plain rules: true when `offer` wins, with *price what it pays. */
bool gv_mechanism_settle(const gv_mechanism *mechanism, int64_t offer, int64_t rival, int64_t floor,
                         int64_t *price);

/*
 * The same for `count` auctions: prices[i] is what is paid, or -1 where the auction is lost.
 * `floors` may be NULL. Equal to gv_mechanism_settle() for each (tested).
 */
void gv_mechanism_settle_all(const gv_mechanism *mechanism, const int64_t *offers,
                             const int64_t *rivals, const int64_t *floors, size_t count,
                             int64_t *prices);

#endif
