/*
 * mechanism.h - what a winner of one slot pays: first price, second price.
 *
 * A mechanism is a constant table, settled by vectors in replay; the multi-slot market ranks
 * bids in auction.h and asks the same tables.
 */
#ifndef SIM_MARKET_MECHANISM_H
#define SIM_MARKET_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/param.h"

typedef struct gv_mechanism_type {
    gv_type_info info;
    bool pays_own_bid;
    /* `next` is the best offer below `own`, or the floor; own >= next. */
    int64_t (*price)(int64_t own, int64_t next);
} gv_mechanism_type;

extern const gv_mechanism_type gv_mechanism_first_price;
extern const gv_mechanism_type gv_mechanism_second_price;
extern const gv_mechanism_type *const gv_mechanism_types[]; /* every type, then NULL */

const gv_mechanism_type *gv_mechanism_find(const char *name); /* NULL: none of that name */

/* A mechanism with its rules, as one scenario sets them. */
typedef struct gv_mechanism {
    const gv_mechanism_type *type;
    bool tie_wins;            /* an offer equal to the rival's wins */
    int64_t price_step_nanos; /* at least 1 */
    int64_t reserve_nanos;    /* a floor for all auctions, beside the logged ones */
} gv_mechanism;

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
