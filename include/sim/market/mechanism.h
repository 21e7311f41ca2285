/*
 * mechanism.h - what winners pay: first price, second price, generalised second price, VCG.
 *
 * A mechanism is a constant table. In replay one slot is sold against a logged rival, settled by
 * vectors; the market ranks the offers for the slots of a page and asks the same tables. All types
 * give the slots by rank, best slot to best offer; they differ in the price, which is due when the
 * slot is seen. With one slot vcg, gsp and second_price are the same.
 *
 * Reserves. No offer below the (hard) reserve wins. A soft reserve above it is not asked of the
 * offers but of the prices: who wins with less than the soft reserve pays its own offer, who wins
 * with at least that pays at least that. So between the two the sale is a first-price one, and
 * truth is no longer the best bid there, under any type.
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

/* What a policy bids whose formula gave no number: no bid, and counted as one that went wrong. */
#define GV_BID_NAN INT64_MIN

/*
 * No offer is above it: two million units of currency for one impression. Sums of some thousand
 * offers fit int64_t, and each is exact as a double.
 */
#define GV_OFFER_MAX (INT64_C(1) << 51)

enum { GV_SLOTS_MAX = 15 };

/* The slots of a page, best first, as far as prices depend on them; see gv_slots_of(). */
typedef struct gv_slots {
    size_t count;                    /* 1 to GV_SLOTS_MAX */
    double exposure[GV_SLOTS_MAX];   /* chance that the slot is seen */
    double next_share[GV_SLOTS_MAX]; /* the next slot's chance over this one's; 0 behind the last */
} gv_slots;

/* One slot of many pages: the offers in it, the best ones below, what the slot below costs. */
typedef struct gv_slot_row {
    const int64_t *own;   /* [count] */
    const int64_t *next;  /* [count] */
    const int64_t *below; /* [count] */
    size_t count;
} gv_slot_row;

typedef struct gv_mechanism_type {
    gv_type_info info; /* its params are the fields of gv_mechanism that a scenario sets */
    bool pays_own_bid;
    bool needs_falling_exposure; /* its prices mean nothing where a lower slot is seen more often */
    /* One slot. `next` is the best offer below `own`, or the floor; own >= next. The price lies in
       [next, own]. */
    int64_t (*price)(int64_t own, int64_t next);
    /*
     * The same for many: prices[i] holds `next` on entry and -1 where the auction is lost, which
     * stays. NULL: price() is asked for each.
     */
    void (*price_all)(const int64_t *offers, size_t count, int64_t *prices);
    /*
     * One of several slots: `below` is what the slot below costs, next_share how often that is
     * seen when this one is; for the last slot they are `next` and 0. Prices are found from the
     * last slot up. The price lies in [below, own]. NULL: price(own, next).
     */
    int64_t (*price_slot)(int64_t own, int64_t next, int64_t below, double next_share);
    /* The same for many; `prices` is none of the row's arrays. NULL: one by one. */
    void (*price_row)(const gv_slot_row *row, double next_share, int64_t *prices);
} gv_mechanism_type;

extern const gv_mechanism_type gv_mechanism_first_price;
extern const gv_mechanism_type gv_mechanism_second_price; /* with several slots it is gsp */
extern const gv_mechanism_type gv_mechanism_gsp;
extern const gv_mechanism_type gv_mechanism_vcg;
extern const gv_mechanism_type *const gv_mechanism_types[]; /* every type, then NULL */

const gv_mechanism_type *gv_mechanism_find(const char *name); /* NULL: none of that name */

/* A mechanism with its rules, as one scenario sets them. */
typedef struct gv_mechanism {
    const gv_mechanism_type *type;
    bool tie_wins;              /* an offer equal to the rival's wins */
    int64_t price_step_nanos;   /* offers are multiples of it; in [1, GV_OFFER_MAX] */
    int64_t reserve_nanos;      /* a floor for all auctions, beside the logged ones; at least 0 */
    int64_t soft_reserve_nanos; /* 0: none; else at least the reserve */
} gv_mechanism;

/* GV_EINVAL with a sentence when a rule is out of its range. */
GV_MUST_CHECK gv_status gv_mechanism_validate(const gv_mechanism *mechanism);

/* exposure: [count], each in [0, 1]; count in 1 to GV_SLOTS_MAX. GV_EINVAL says what is not. */
GV_MUST_CHECK gv_status gv_slots_of(const double *exposure, size_t count, gv_slots *slots);

/* GV_EINVAL with a sentence when the type cannot price such slots. */
GV_MUST_CHECK gv_status gv_mechanism_validate_slots(const gv_mechanism *mechanism,
                                                    const gv_slots *slots);

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

/*
 * What each of the `sold` best slots of a page costs when it is seen; sold is at most
 * slots->count. offers: [sold + 1], best first, each at least the reserve; the last is the best
 * one that won nothing, or the reserve where there is none. prices: [sold]. Equal for one slot to
 * gv_mechanism_settle() (tested).
 */
void gv_mechanism_price_slots(const gv_mechanism *mechanism, const gv_slots *slots,
                              const int64_t *offers, size_t sold, int64_t *prices);

/* The ranked offers of many pages: row d holds those in place d, the best place first. */
typedef struct gv_page_rows {
    const int64_t *offers; /* [slot + 1][stride] */
    size_t stride;
    size_t count;
} gv_page_rows;

/*
 * The same for many pages: prices: [slot][pages->stride], -1 where a slot is not sold, as its
 * offer is below the reserve or there is none (negative). Equal to gv_mechanism_price_slots()
 * for each page (tested).
 */
void gv_mechanism_price_pages(const gv_mechanism *mechanism, const gv_slots *slots,
                              const gv_page_rows *pages, int64_t *prices);

#endif
