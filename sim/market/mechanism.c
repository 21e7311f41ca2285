/*
 * The plain rules, one auction at a time, and the tables of types. The vector forms of the same
 * rules are in mechanism_vector.c, the slots of a page in mechanism_slots.c.
 */
#include "sim/market/mechanism.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/market/mechanism_impl.h"

static int64_t pay_own(int64_t own, int64_t next)
{
    (void)next;
    return own;
}

static int64_t pay_next(int64_t own, int64_t next)
{
    (void)own;
    return next;
}

/*
 * VCG, with x[d] the chance that slot d is seen, b[d] the offer in it, and b[D] the best offer that
 * got none: the winner of slot d pushes everybody below one slot down, so it owes a page
 *
 *   sum over j = d .. D-1 of (x[j] - x[j+1]) b[j+1],   x[D] = 0
 *
 * and, as it pays only when it is seen, that over x[d]. From the last slot up, s = x[d+1] / x[d]:
 *
 *   p[d] = b[d+1] - s (b[d+1] - p[d+1]).
 *
 * An offer below the reserve counts as the reserve, which is the threshold of its slot. Each price
 * is rounded down to whole nanos, so truth is best within as many nanos as there are slots.
 */
static int64_t pay_harm(int64_t own, int64_t next, int64_t below, double next_share)
{
    (void)own;
    return (int64_t)((double)next - next_share * (double)(next - below));
}

static const gv_param rules[] = {
    {.name = "tie_wins",
     .kind = GV_PARAM_SWITCH,
     .fallback = "on",
     .offset = offsetof(gv_mechanism, tie_wins),
     .help = "An offer equal to the rival's wins."},
    {.name = "price_step",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "1 nanos",
     .minimum = 1e-6,
     .maximum = 1e9,
     .offset = offsetof(gv_mechanism, price_step_nanos),
     .help = "Offers are cut down to a multiple of this: 1 CPM for logs in whole CPM."},
    {.name = "reserve",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "0",
     .minimum = 0.0,
     .maximum = 1e9,
     .offset = offsetof(gv_mechanism, reserve_nanos),
     .help = "A floor for every auction, beside the logged ones."},
    {.name = "soft_reserve",
     .kind = GV_PARAM_MONEY,
     .unit = "CPM",
     .fallback = "0",
     .minimum = 0.0,
     .maximum = 1e9,
     .offset = offsetof(gv_mechanism, soft_reserve_nanos),
     .help = "Who wins with less pays its own offer, who wins with more at least this; 0: none."},
    {.name = NULL},
};

const gv_mechanism_type gv_mechanism_first_price = {
    .info = {.name = "first_price",
             .summary = "The winner pays its own offer.",
             .params = rules,
             .config_size = sizeof(gv_mechanism)},
    .pays_own_bid = true,
    .price = pay_own,
    .price_all = gv_mechanism_pay_own_all,
    .price_row = gv_mechanism_pay_own_row,
};

const gv_mechanism_type gv_mechanism_second_price = {
    .info = {.name = "second_price",
             .summary = "The winner pays the best other offer, or the floor where that is higher; "
                        "with several slots it is gsp.",
             .source = "Vickrey, Journal of Finance 1961",
             .params = rules,
             .config_size = sizeof(gv_mechanism)},
    .pays_own_bid = false,
    .price = pay_next,
    .price_all = gv_mechanism_pay_next_all,
    .price_row = gv_mechanism_pay_next_row,
};

const gv_mechanism_type gv_mechanism_gsp = {
    .info = {.name = "gsp",
             .summary = "Generalised second price: each slot costs the offer ranked below it, or "
                        "the floor; with one slot it is second_price.",
             .source = "Edelman, Ostrovsky and Schwarz, American Economic Review 2007",
             .params = rules,
             .config_size = sizeof(gv_mechanism)},
    .pays_own_bid = false,
    .price = pay_next,
    .price_all = gv_mechanism_pay_next_all,
    .price_row = gv_mechanism_pay_next_row,
};

const gv_mechanism_type gv_mechanism_vcg = {
    .info = {.name = "vcg",
             .summary = "Each slot costs what its winner takes from those ranked below, by the "
                        "slots' chances of being seen: truth is the best bid.",
             .source = "Vickrey 1961, Clarke 1971, Groves 1973; position auctions: Edelman, "
                       "Ostrovsky and Schwarz, American Economic Review 2007",
             .params = rules,
             .config_size = sizeof(gv_mechanism)},
    .pays_own_bid = false,
    .needs_falling_exposure = true,
    .price = pay_next,
    .price_all = gv_mechanism_pay_next_all,
    .price_slot = pay_harm,
    .price_row = gv_mechanism_pay_harm_row,
};

const gv_mechanism_type *const gv_mechanism_types[] = {
    &gv_mechanism_first_price,
    &gv_mechanism_second_price,
    &gv_mechanism_gsp,
    &gv_mechanism_vcg,
    NULL,
};

const gv_mechanism_type *gv_mechanism_find(const char *name)
{
    for (const gv_mechanism_type *const *type = gv_mechanism_types; *type != NULL; type++) {
        if (strcmp((*type)->info.name, name) == 0) {
            return *type;
        }
    }
    return NULL;
}

gv_status gv_mechanism_validate(const gv_mechanism *mechanism)
{
    const int64_t step = mechanism->price_step_nanos;
    if (step < 1 || step > GV_OFFER_MAX) {
        return GV_FAIL(GV_EINVAL, "price step is %" PRId64 " nanos, expected 1 to %" PRId64, step,
                       GV_OFFER_MAX);
    }
    if (mechanism->reserve_nanos < 0) {
        return GV_FAIL(GV_EINVAL, "reserve is negative: %" PRId64 " nanos",
                       mechanism->reserve_nanos);
    }
    const int64_t soft = mechanism->soft_reserve_nanos;
    if (soft != 0 && soft < mechanism->reserve_nanos) {
        return GV_FAIL(GV_EINVAL,
                       "the soft reserve, %" PRId64 " nanos, is below the hard one, %" PRId64
                       ": make it at least that, or 0 for none",
                       soft, mechanism->reserve_nanos);
    }
    return GV_OK;
}

int64_t gv_mechanism_offer(const gv_mechanism *mechanism, int64_t bid, int64_t limit)
{
    assert(limit >= 0);

    if (bid < 0) {
        return GV_NO_BID;
    }
    const int64_t highest = limit < GV_OFFER_MAX ? limit : GV_OFFER_MAX;
    const int64_t lowered = bid < highest ? bid : highest;
    const int64_t step = mechanism->price_step_nanos;
    return step == 1 ? lowered : lowered - lowered % step; /* division is what costs here */
}

bool gv_mechanism_settle(const gv_mechanism *mechanism, int64_t offer, int64_t rival, int64_t floor,
                         int64_t *price)
{
    const int64_t reserve = mechanism->reserve_nanos;
    const int64_t least = floor > reserve ? floor : reserve;
    if (offer < least || offer < rival || (offer == rival && !mechanism->tie_wins)) {
        return false;
    }
    const int64_t next = rival > least ? rival : least;
    const int64_t asked = mechanism->type->price(offer, next);
    *price = gv_mechanism_soften(mechanism->soft_reserve_nanos, offer, asked);
    assert(*price >= next);
    assert(*price <= offer);
    return true;
}
