/*
 * The rules of mechanism.c over arrays, as loops without branches that compilers turn into
 * vector code. Each is tested against the plain rule for every input.
 */
#include <assert.h>
#include <string.h>

#include "sim/base/vector.h"
#include "sim/market/mechanism.h"
#include "sim/market/mechanism_impl.h"

/* Of 2^52 <= x < 2^53 the low 52 bits are x - 2^52: how small integers and doubles change places
   on processors that have no such vector instruction. */
#define TWO_52 4503599627370496.0

static inline double real_of(int64_t number)
{
    const double anchor = TWO_52;
    int64_t bits = 0;
    memcpy(&bits, &anchor, sizeof bits);
    bits |= number;
    double real = 0.0;
    memcpy(&real, &bits, sizeof real);
    return real - TWO_52;
}

static inline int64_t integer_of(double real)
{
    const double anchor = TWO_52;
    const double shifted = real + TWO_52;
    int64_t bits = 0;
    int64_t anchor_bits = 0;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&anchor_bits, &anchor, sizeof anchor_bits);
    return bits - anchor_bits;
}

GV_VECTOR
static void lower_all(const int64_t *bids, int64_t highest, size_t count, int64_t *offers)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t lowered = bids[i] < highest ? bids[i] : highest;
        offers[i] = lowered < 0 ? GV_NO_BID : lowered;
    }
}

/*
 * There is no vector division of integers. In doubles: the quotient rounded to the nearest whole
 * number is the floor or one more; times the step it is exact (below 2^53), so comparing tells.
 */
GV_VECTOR
static void cut_all(int64_t step, size_t count, int64_t *offers)
{
    const double width = (double)step;
    for (size_t i = 0; i < count; i++) {
        const int64_t offer = offers[i] < 0 ? 0 : offers[i];
        const double amount = real_of(offer);
        const double nearest = (amount / width + TWO_52) - TWO_52;
        const double product = nearest * width;
        const double cut = product > amount ? product - width : product;
        const int64_t whole = integer_of(cut);
        offers[i] = offers[i] < 0 ? GV_NO_BID : whole;
    }
}

void gv_mechanism_offer_all(const gv_mechanism *mechanism, const int64_t *bids, int64_t limit,
                            size_t count, int64_t *offers)
{
    assert(limit >= 0);
    assert(mechanism->price_step_nanos >= 1);
    assert(mechanism->price_step_nanos <= GV_OFFER_MAX);

    lower_all(bids, limit < GV_OFFER_MAX ? limit : GV_OFFER_MAX, count, offers);
    if (mechanism->price_step_nanos > 1) {
        cut_all(mechanism->price_step_nanos, count, offers);
    }
}

/* What is to be paid at least where the auction is won, else -1. */
static inline int64_t next_or_lost(int64_t offer, int64_t rival, int64_t least, int64_t tie_wins)
{
    const int64_t next = rival > least ? rival : least;
    const int64_t beats = (offer > rival) | ((offer == rival) & (tie_wins != 0));
    return (beats & (offer >= least)) != 0 ? next : -1;
}

GV_VECTOR
static void contest(const int64_t *offers, const int64_t *rivals, int64_t least, int64_t tie_wins,
                    size_t count, int64_t *prices)
{
    for (size_t i = 0; i < count; i++) {
        prices[i] = next_or_lost(offers[i], rivals[i], least, tie_wins);
    }
}

GV_VECTOR
static void contest_above_floors(const int64_t *offers, const int64_t *rivals,
                                 const int64_t *floors, const gv_mechanism *mechanism, size_t count,
                                 int64_t *prices)
{
    const int64_t reserve = mechanism->reserve_nanos;
    const int64_t tie_wins = mechanism->tie_wins;
    for (size_t i = 0; i < count; i++) {
        const int64_t least = floors[i] > reserve ? floors[i] : reserve;
        prices[i] = next_or_lost(offers[i], rivals[i], least, tie_wins);
    }
}

GV_VECTOR
void gv_mechanism_pay_own_all(const int64_t *offers, size_t count, int64_t *prices)
{
    for (size_t i = 0; i < count; i++) {
        prices[i] = prices[i] < 0 ? -1 : offers[i];
    }
}

GV_VECTOR
void gv_mechanism_pay_own_row(const gv_slot_row *row, double next_share, int64_t *prices)
{
    (void)next_share;
    for (size_t i = 0; i < row->count; i++) {
        prices[i] = row->own[i];
    }
}

GV_VECTOR
void gv_mechanism_pay_next_row(const gv_slot_row *row, double next_share, int64_t *prices)
{
    (void)next_share;
    for (size_t i = 0; i < row->count; i++) {
        prices[i] = row->next[i];
    }
}

GV_VECTOR
void gv_mechanism_pay_harm_row(const gv_slot_row *row, double next_share, int64_t *prices)
{
    for (size_t i = 0; i < row->count; i++) {
        const double gap = real_of(row->next[i] - row->below[i]);
        const double price = real_of(row->next[i]) - next_share * gap;
        const double nearest = (price + TWO_52) - TWO_52;
        prices[i] = integer_of(nearest > price ? nearest - 1.0 : nearest);
    }
}

/* The price is there already. NOLINTNEXTLINE(readability-non-const-parameter): price_all's type */
void gv_mechanism_pay_next_all(const int64_t *offers, size_t count, int64_t *prices)
{
    (void)offers;
    (void)count;
    (void)prices;
}

GV_VECTOR
static void soften_all(int64_t soft, const int64_t *offers, size_t count, int64_t *prices)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t price = gv_mechanism_soften(soft, offers[i], prices[i]);
        prices[i] = prices[i] < 0 ? -1 : price;
    }
}

static void price_each(const gv_mechanism_type *type, const int64_t *offers, size_t count,
                       int64_t *prices)
{
    for (size_t i = 0; i < count; i++) {
        prices[i] = prices[i] < 0 ? -1 : type->price(offers[i], prices[i]);
    }
}

void gv_mechanism_settle_all(const gv_mechanism *mechanism, const int64_t *offers,
                             const int64_t *rivals, const int64_t *floors, size_t count,
                             int64_t *prices)
{
    assert(mechanism->reserve_nanos >= 0);

    if (floors == NULL) {
        contest(offers, rivals, mechanism->reserve_nanos, mechanism->tie_wins, count, prices);
    } else {
        contest_above_floors(offers, rivals, floors, mechanism, count, prices);
    }
    if (mechanism->type->price_all != NULL) {
        mechanism->type->price_all(offers, count, prices);
    } else {
        price_each(mechanism->type, offers, count, prices);
    }
    if (mechanism->soft_reserve_nanos > 0) {
        soften_all(mechanism->soft_reserve_nanos, offers, count, prices);
    }
}
